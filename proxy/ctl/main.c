/*
 * sallyctl: its commands and what they ask. Words become members of a request;
 * whether they make sense the warden says.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/ctl/audit.h"
#include "proxy/ctl/ctl.h"

struct options {
	const char *socket; /* NULL = not given */
	const char *connection;
	const char *name;
	long confirm_within; /* seconds; 0 = not given */
	int is_json, is_dry, is_confirm, is_stop, is_once;
};

static void
usage(FILE *to)
{
	fputs("usage: sallyctl [--json] [--socket PATH] COMMAND\n"
	      "\n"
	      "Operates the gateway on this machine.\n"
	      "\n"
	      "  status        what the gateway does and which rules are in "
	      "force\n"
	      "  devices       each device, its state, its holder, and who may "
	      "have it\n"
	      "  sessions      each connection: who, what, since when\n"
	      "  sandbox       what holds each process of the gateway\n"
	      "  watch         what happens, as it happens\n"
	      "  top           what goes through, as it goes; --once = as text\n"
	      "  kick DEVICE   take a device, by bus id or stable name, from "
	      "its holder\n"
	      "                or its hold (or --connection N)\n"
	      "  quarantine [clear DEVICE]   devices that a profile put there, "
	      "or the end\n"
	      "                of that for one\n"
	      "  capture DEVICE [FILE.pcap]  keep what passes between it and its "
	      "holder\n"
	      "                [--stop]: no more\n"
	      "  reload        load the rules again; says what changes, or what "
	      "is wrong\n"
	      "                [--dry-run [PATH]] [--confirm-within DURATION "
	      "[PATH]]; then\n"
	      "                --confirm\n"
	      "  explain DEVICE WHO    why WHO (a name, @CONNECTION, dns:NAME) "
	      "may have it\n"
	      "  approve [ID]  say yes to an ask; without ID: what is asked, on "
	      "a terminal\n"
	      "                counting down until nothing is\n"
	      "  deny [ID]     say no\n"
	      "  audit verify | search | key   the audit log; see `sallyctl "
	      "audit --help'\n"
	      "  policy arm TOKEN DURATION | policy disarm TOKEN | policy "
	      "status\n"
	      "  verdict status        programs that answer what rules ask\n"
	      "  verdict serve --name NAME -- COMMAND [ARGUMENT...]\n"
	      "                answer what is asked of NAME: the command reads "
	      "the ask and\n"
	      "                prints its verdict\n"
	      "\n"
	      "      --json    the answer as one line of JSON\n"
	      "  -s, --socket  control socket (/run/sallyport/control.sock), or "
	      "that of\n"
	      "                verdicts (/run/sallyport/verdict.sock)\n"
	      "  -h, --help    \n"
	      "      --version\n"
	      "\n"
	      "A duration is a number with s, m, h or d: 90s, 10m, 2h.\n"
	      "Exit: 0 ok, 1 failed, 2 usage, 3 not for you, 4 gateway not "
	      "reachable,\n5 not found.\n",
	    to);
}

static int
bad_duration(const char *text)
{
	log_warnx("%s: not a duration; expected a number with s, m, h or d, "
		  "at most 366d", text);
	return 2;
}

/* ------------------------------------------------------------------------ */
/* Requests: 0, or an exit status after saying what is wrong                */

static void
put(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, json_string(text));
}

static int
plain(const struct options *opt, char **args, int n, json_t *o)
{
	(void)opt;
	(void)args;
	(void)n;
	(void)o;
	return 0;
}

static int
kick(const struct options *opt, char **args, int n, json_t *o)
{
	if ((n == 1) == (opt->connection != NULL)) {
		usage(stderr);
		return 2;
	}
	if (n == 1) {
		put(o, "busid", args[0]);
	} else {
		json_object_set_new(o, "connection",
		    json_integer(strtoll(opt->connection, NULL, 10)));
	}
	return 0;
}

static int
quarantine(const struct options *opt, char **args, int n, json_t *o)
{
	(void)opt;
	if (n == 0) {
		put(o, "op", "quarantined");
		return 0;
	}
	if (n != 2 || strcmp(args[0], "clear") != 0) {
		usage(stderr);
		return 2;
	}
	put(o, "op", "unquarantine");
	put(o, "device", args[1]);
	return 0;
}

static int
capture(const struct options *opt, char **args, int n, json_t *o)
{
	if (n == 2 && opt->is_stop) {
		usage(stderr);
		return 2;
	}
	put(o, "device", args[0]);
	if (opt->is_stop) {
		json_object_set_new(o, "stop", json_true());
	} else if (n == 2) {
		put(o, "file", args[1]);
	}
	return 0;
}

static int
reload(const struct options *opt, char **args, int n, json_t *o)
{
	char *path;

	if (opt->is_confirm + opt->is_dry + (opt->confirm_within != 0) > 1) {
		log_warnx("reload: only one of --dry-run, --confirm-within "
			  "and --confirm");
		return 2;
	}
	if (n == 1 && !opt->is_dry && opt->confirm_within == 0) {
		log_warnx("reload: rules of another PATH are only tried: "
			  "--dry-run or --confirm-within DURATION");
		return 2;
	}
	if (n == 1) {
		path = realpath(args[0], NULL);
		if (path == NULL) {
			log_warn("reload: %s", args[0]);
			return 5;
		}
		put(o, "path", path);
		free(path);
	}
	if (opt->is_confirm) {
		put(o, "op", "confirm");
	} else if (opt->is_dry) {
		json_object_set_new(o, "dry_run", json_true());
	} else if (opt->confirm_within != 0) {
		json_object_set_new(
		    o, "confirm_within", json_integer(opt->confirm_within));
	}
	return 0;
}

static int
explain(const struct options *opt, char **args, int n, json_t *o)
{
	(void)opt;
	(void)n;
	put(o, "device", args[0]);
	put(o, "identity", args[1]);
	return 0;
}

static int
answer(const struct options *opt, char **args, int n, json_t *o)
{
	(void)opt;
	if (n == 0) {
		put(o, "op", "asks");
	} else {
		json_object_set_new(
		    o, "id", json_integer(strtoll(args[0], NULL, 10)));
	}
	return 0;
}

static int
policy(const struct options *opt, char **args, int n, json_t *o)
{
	long seconds;

	(void)opt;
	if (n == 1 && strcmp(args[0], "status") == 0) {
		return 0;
	}
	if (n == 3 && strcmp(args[0], "arm") == 0) {
		seconds = ctl_duration(args[2]);
		if (seconds == 0) {
			return bad_duration(args[2]);
		}
		put(o, "op", "arm");
		json_object_set_new(o, "seconds", json_integer(seconds));
	} else if (n == 2 && strcmp(args[0], "disarm") == 0) {
		put(o, "op", "disarm");
	} else {
		usage(stderr);
		return 2;
	}
	put(o, "token", args[1]);
	return 0;
}

static int
verdict(const struct options *opt, char **args, int n, json_t *o)
{
	(void)opt;
	if (n != 1 || strcmp(args[0], "status") != 0) {
		usage(stderr);
		return 2;
	}
	put(o, "op", "verdicts");
	return 0;
}

static const struct command {
	const char *name;
	int min, max; /* words after it */
	int (*request)(
	    const struct options *opt, char **args, int n, json_t *o);
	ctl_show *show;
} commands[] = {
	{"status", 0, 0, plain, show_status},
	{"devices", 0, 0, plain, show_devices},
	{"sessions", 0, 0, plain, show_sessions},
	{"sandbox", 0, 0, plain, show_sandbox},
	{"kick", 0, 1, kick, show_nothing},
	{"quarantine", 0, 2, quarantine, show_quarantine},
	{"capture", 1, 2, capture, show_capture},
	{"reload", 0, 1, reload, show_reload},
	{"explain", 2, 2, explain, show_explain},
	{"approve", 0, 1, answer, show_asks},
	{"deny", 0, 1, answer, show_asks},
	{"policy", 1, 3, policy, NULL},
	{"verdict", 1, 1, verdict, show_verdicts},
};

static const char *
control_socket(const struct options *opt)
{
	return opt->socket != NULL ? opt->socket :
				     "/run/sallyport/control.sock";
}

/* "verdict serve COMMAND...": the words behind the second. */
static int
serve(const struct options *opt, char **args, int n)
{
	if (opt->name == NULL || n < 1 || opt->is_json) {
		usage(stderr);
		return 2;
	}
	return serve_verdicts(opt->socket, opt->name, args);
}

static int
run(const struct options *opt, const struct command *cmd, char **args, int n)
{
	json_t *request = json_object(), *reply;
	ctl_show *show = cmd->show;
	int code;

	put(request, "op", cmd->name);
	code = cmd->request(opt, args, n, request);
	if (code != 0) {
		json_decref(request);
		return code;
	}
	if (show == NULL) {
		show = n == 1 ? show_policy : show_nothing;
	}
	reply = ctl_ask(control_socket(opt), request, &code);
	if (reply == NULL) {
		return code;
	}
	if (opt->is_json) {
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else if (code == 0) {
		show(reply);
	}
	json_decref(reply);
	return code;
}

/* Where the word `audit' is the command; 0 = it is not. */
static int
find_audit(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "audit") == 0) {
			return i;
		}
		if (argv[i][0] != '-') {
			return 0;
		}
		i += strcmp(argv[i], "-s") == 0 ||
		    strcmp(argv[i], "--socket") == 0;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"connection", required_argument, NULL, 'C'},
		{"dry-run", no_argument, NULL, 'n'},
		{"confirm-within", required_argument, NULL, 'w'},
		{"confirm", no_argument, NULL, 'y'},
		{"stop", no_argument, NULL, 'S'},
		{"once", no_argument, NULL, 'O'},
		{"name", required_argument, NULL, 'N'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options opt = {0};
	int c = find_audit(argc, argv);

	log_init("sallyctl");
	if (c != 0) {
		/* with options of its own; those before it are its, too */
		for (int i = c; i > 1; i--) {
			argv[i] = argv[i - 1];
		}
		return audit_main(argc - 1, argv + 1);
	}
	while ((c = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		switch (c) {
		case 'O':
			opt.is_once = 1;
			break;
		case 'j':
			opt.is_json = 1;
			break;
		case 's':
			opt.socket = optarg;
			break;
		case 'C':
			opt.connection = optarg;
			break;
		case 'n':
			opt.is_dry = 1;
			break;
		case 'w':
			opt.confirm_within = ctl_duration(optarg);
			if (opt.confirm_within == 0) {
				return bad_duration(optarg);
			}
			break;
		case 'y':
			opt.is_confirm = 1;
			break;
		case 'S':
			opt.is_stop = 1;
			break;
		case 'N':
			opt.name = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("sallyctl " SALLYPORT_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc - 1 && strcmp(argv[optind], "top") == 0) {
		return top_gateway(control_socket(&opt), opt.is_once);
	}
	if (optind == argc - 1 && !opt.is_json && isatty(STDOUT_FILENO) &&
	    (strcmp(argv[optind], "approve") == 0 ||
		strcmp(argv[optind], "deny") == 0)) {
		return asks_gateway(control_socket(&opt));
	}
	if (optind == argc - 1 && strcmp(argv[optind], "watch") == 0) {
		return watch_gateway(control_socket(&opt), opt.is_json);
	}
	if (optind < argc - 1 && strcmp(argv[optind], "verdict") == 0 &&
	    strcmp(argv[optind + 1], "serve") == 0) {
		return serve(&opt, argv + optind + 2, argc - optind - 2);
	}
	for (size_t i = 0; optind < argc && i < ARRAY_LEN(commands); i++) {
		int left = argc - optind - 1;

		if (strcmp(commands[i].name, argv[optind]) == 0 &&
		    left >= commands[i].min && left <= commands[i].max) {
			return run(
			    &opt, &commands[i], argv + optind + 1, left);
		}
	}
	usage(stderr);
	return 2;
}
