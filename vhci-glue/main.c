/*
 * sallyport: the workstation's commands. Root for attach and detach only; it
 * never reads a byte from the network, sallyport-relay does.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/vhci.h"

struct cmd {
	const char *name;
	cmd_fn *fn;
	unsigned min, max; /* operands */
	unsigned options;  /* enum opts_mask */
	const char *usage, *help;
};

#define SANDBOX_HELP                                                           \
	"  --require-sandbox\n"                                                \
	"                 not where seccomp, Landlock or a namespace is missing\n"
#define GATEWAY_HELP                                                           \
	"GATEWAY is a host name or address, with :PORT or as [IPv6]:PORT.\n"   \
	"  --port N       the gateway's port (3241)\n"                         \
	"  --name NAME    the name its certificate must carry (the host)\n"    \
	"  --tls DIR      directory of ca.pem, cert.pem and key.pem\n"         \
	"  --config FILE  instead of " OPTS_CONFIG "\n"                         \
	SANDBOX_HELP
#define FIRST_USE_HELP                                                         \
	"  --first-use    if its key is not known, trust it now and note it\n"

static const struct cmd commands[] = {
    {"list", cmd_list, 1, 1,
	OPTS_HAS_GATEWAY | OPTS_HAS_JSON | OPTS_HAS_FIRST_USE,
	"sallyport list [options] GATEWAY",
	"Shows the devices of a gateway that this workstation may use.\n"
	GATEWAY_HELP FIRST_USE_HELP
	"  --json         one JSON object\n"},
    {"attach", cmd_attach, 2, 2,
	OPTS_HAS_GATEWAY | OPTS_HAS_JSON | OPTS_HAS_ATTACH |
	    OPTS_HAS_FIRST_USE,
	"sallyport attach [options] GATEWAY DEVICE",
	"Plugs a device of a gateway into this workstation, as root.\n"
	"DEVICE is a bus id or a stable name, as `sallyport list` shows them."
	"\n"
	GATEWAY_HELP FIRST_USE_HELP
	"  --foreground   stay until the device is gone, and say why\n"
	"  --log FILE     append the log of the connection to FILE\n"
	"  --accept WORDS keyboard, network: take one though the list shows none;\n"
	"                 none: take none though it shows one\n"
	"  --wait[=SEC]   if it needs an approval, wait for that\n"
	"  --user USER    its nodes in /dev are that user's, and nobody else's\n"
	"  --seat SEAT    they belong to that seat; without --user: to who sits\n"
	"                 there now\n"
	"  --as NAME      BUSID is known to be the device of that stable name\n"
	"  --ask          try once, to ask for an approval\n"
	"  --json         one JSON object\n"},
    {"detach", cmd_detach, 1, 1, OPTS_HAS_JSON,
	"sallyport detach [options] PORT|DEVICE|all",
	"Unplugs an attached device, as root.\n"
	"DEVICE is its bus id at the gateway, or the stable name that it was\n"
	"attached by.\n"
	"  --json         one JSON object\n"},
    {"status", cmd_status, 0, 0, OPTS_HAS_JSON, "sallyport status [options]",
	"Shows the devices that are attached here.\n"
	"  --json         one JSON object\n"},
    {"agent", cmd_agent, 0, 0,
	OPTS_HAS_GATEWAY | OPTS_HAS_JSON | OPTS_HAS_AGENT,
	"sallyport agent [options]",
	"Keeps attached what [agent] in workstation.conf names, as root, until\n"
	"it is told to end; then it unplugs what it plugged in.\n"
	"  --keep         leave it plugged in\n"
	"  --tls DIR      directory of ca.pem, cert.pem and key.pem\n"
	"  --config FILE  instead of " OPTS_CONFIG "\n"
	SANDBOX_HELP
	"Of a running agent:\n"
	"  --status       show gateways and devices (with --json, one object)\n"
	"  --suspend      unplug everything, before the machine sleeps\n"
	"  --resume       plug it in again\n"},
    {"tunnel", cmd_tunnel, 1, 1, OPTS_HAS_GATEWAY | OPTS_HAS_TUNNEL,
	"sallyport tunnel [options] GATEWAY",
	"Lets usbip(8) of this machine use a gateway, at 127.0.0.1, until\n"
	"interrupted.\n"
	GATEWAY_HELP
	"  --listen PORT  of 127.0.0.1 (3240)\n"
	"  --user USER    who may use it, besides root (who runs it)\n"},
    {"enroll", cmd_enroll, 2, 2, OPTS_HAS_ENROLL,
	"sallyport enroll [options] HOST TOKEN",
	"Makes a key here and fetches a certificate for it from a\n"
	"`sallyport-certs serve' at HOST, HOST:PORT or [IPv6]:PORT, for whoever\n"
	"has a TOKEN of it; TOKEN `-' is read from standard input.\n"
	"  --port PORT    its TCP port (3242)\n"
	"  --tls DIR      where ca.pem, cert.pem and key.pem go, none of which\n"
	"                 may be there (" OPTS_TLS ")\n"},
    {"notify", cmd_notify, 0, 0, OPTS_HAS_JSON,
	"sallyport notify [options]",
	"Shows on the desktop of who runs it what the agent does: attached,\n"
	"refused and why, digits to type, approvals that are waited for. For who\n"
	"sits at this workstation, until the session ends.\n"
	"  --json         print one JSON object a line, and show nothing\n"},
    {"watch", cmd_watch, 1, 1, OPTS_HAS_GATEWAY | OPTS_HAS_JSON,
	"sallyport watch [options] GATEWAY",
	"Tells what a gateway's devices do, until interrupted.\n"
	GATEWAY_HELP
	"  --json         one JSON object a line\n"},
};

static const char general_help[] =
    "usage: sallyport COMMAND [options] [arguments]\n"
    "  list GATEWAY             devices that this workstation may use\n"
    "  attach GATEWAY DEVICE    plug one of them in here\n"
    "  detach PORT|DEVICE|all   unplug\n"
    "  status                   what is plugged in\n"
    "  agent                    keep devices plugged in\n"
    "  tunnel GATEWAY           let usbip(8) use it, at 127.0.0.1\n"
    "  notify                   tell who sits here what is attached\n"
    "  watch GATEWAY            what its devices do, live\n"
    "  enroll HOST TOKEN        get this machine a certificate\n"
    "`sallyport COMMAND --help` tells more; see also sallyport(1).\n"
    "Exit status: 0 ok, 1 failed, 2 usage, 3 denied by policy or "
    "certificate,\n"
    "4 gateway not reachable, 5 no such device or port, or busy.\n";

int
cmd_gateway(struct gateway *out, const struct opts *opts)
{
	const char *why;

	if (gateway_parse(out, opts->operands[0], opts->port, &why) != 0) {
		char safe[128];

		log_escape(safe, sizeof(safe), opts->operands[0],
		    strlen(opts->operands[0]));
		log_warnx("%s: %s: %s; give HOST, HOST:PORT or [IPv6]:PORT",
		    opts->command, safe, why);
		return EXITS_USAGE;
	}
	return 0;
}

int
cmd_need_root(const struct opts *opts)
{
	if (geteuid() == 0) {
		return 0;
	}
	log_warnx("%s: only root may plug devices in and out; run it with "
		  "sudo, or as root",
	    opts->command);
	return EXITS_FAILED;
}

int
cmd_sandbox(const struct opts *opts)
{
	int is_required = opts->sandbox == OPTS_REQUIRE_SANDBOX;
	unsigned lacks = sandbox_lacks() | sandbox_build_lacks();

	for (unsigned part = 1; part < SANDBOX_PARTS; part <<= 1) {
		if ((lacks & part) != 0) {
			log_warnx("%s: sandbox: %s: %s%s", opts->command,
			    sandbox_part_name(part),
			    (sandbox_lacks() & part) != 0
				? "this kernel gives none"
				: "this build does without",
			    is_required ? ", and --require-sandbox was given"
					: "");
		}
	}
	if (is_required && lacks != 0) {
		return EXITS_FAILED;
	}
	if (is_required) {
		sandbox_require();
	}
	return 0;
}

int
cmd_vhci(struct vhci *out, const struct opts *opts)
{
	char why[512];
	int r = vhci_init(out, VHCI_DIR, why, sizeof(why));

	if (r == 0) {
		return 0;
	}
	if (r == ERR_NOENT) {
		log_warnx("%s: vhci_hcd is not loaded; run `modprobe "
			  "vhci-hcd`",
		    opts->command);
	} else {
		log_warnx("%s: vhci: %s", opts->command, why);
	}
	return EXITS_FAILED;
}

int
cmd_flush(const struct opts *opts, int code)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_warn("%s: standard output", opts->command);
		return EXITS_FAILED;
	}
	return code;
}

static const struct cmd *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static int
run(const struct cmd *cmd, int argc, char **argv)
{
	struct opts opts;
	int r = opts_parse(&opts, argc, argv, cmd->options);

	if (r > 0) {
		(void)printf("usage: %s\n%s", cmd->usage, cmd->help);
		return cmd_flush(&opts, EXITS_OK);
	}
	if (r < 0) {
		return EXITS_USAGE;
	}
	if (opts.noperands < cmd->min || opts.noperands > cmd->max) {
		log_warnx("%s: usage: %s", cmd->name, cmd->usage);
		return EXITS_USAGE;
	}
	/* the agent tells its log in any case, and others nobody */
	if (opts.sandbox == OPTS_REQUIRE_SANDBOX) {
		r = cmd_sandbox(&opts);
	}
	return r != 0 ? r : cmd->fn(&opts);
}

int
main(int argc, char **argv)
{
	const struct cmd *cmd;
	char safe[64];

	log_init("sallyport");
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		(void)fputs(general_help, stderr);
		return EXITS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		(void)fputs(general_help, stdout);
		return EXITS_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("sallyport " SALLYPORT_VERSION);
		return EXITS_OK;
	}
	cmd = find(argv[1]);
	if (cmd == NULL) {
		log_escape(safe, sizeof(safe), argv[1], strlen(argv[1]));
		log_warnx("%s: no such command; see `sallyport --help`", safe);
		return EXITS_USAGE;
	}
	return run(cmd, argc - 1, argv + 1);
}
