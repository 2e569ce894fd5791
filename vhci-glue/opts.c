/*
 * Command lines and configuration of the workstation's commands. The command
 * line is the user's, workstation.conf root's; nothing here comes from the
 * network.
 */
#include "vhci-glue/opts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "vhci-glue/kinds.h"
#include "wire/ipc.h"

enum opt {
	OPT_PORT = 1000,
	OPT_NAME,
	OPT_TLS,
	OPT_CONFIG,
	OPT_JSON,
	OPT_FOREGROUND,
	OPT_LOG,
	OPT_LISTEN,
	OPT_USER,
	OPT_SEAT,
	OPT_AS,
	OPT_ASK,
	OPT_ACCEPT,
	OPT_WAIT,
	OPT_KEEP,
	OPT_STATUS,
	OPT_SUSPEND,
	OPT_RESUME,
	OPT_FIRST_USE,
	OPT_REQUIRE_SANDBOX,
	OPT_HELP,
};

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"name", required_argument, NULL, OPT_NAME},
    {"tls", required_argument, NULL, OPT_TLS},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"json", no_argument, NULL, OPT_JSON},
    {"foreground", no_argument, NULL, OPT_FOREGROUND},
    {"log", required_argument, NULL, OPT_LOG},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"user", required_argument, NULL, OPT_USER},
    {"seat", required_argument, NULL, OPT_SEAT},
    {"as", required_argument, NULL, OPT_AS},
    {"ask", no_argument, NULL, OPT_ASK},
    {"accept", required_argument, NULL, OPT_ACCEPT},
    {"wait", optional_argument, NULL, OPT_WAIT},
    {"keep", no_argument, NULL, OPT_KEEP},
    {"status", no_argument, NULL, OPT_STATUS},
    {"suspend", no_argument, NULL, OPT_SUSPEND},
    {"resume", no_argument, NULL, OPT_RESUME},
    {"first-use", no_argument, NULL, OPT_FIRST_USE},
    {"require-sandbox", no_argument, NULL, OPT_REQUIRE_SANDBOX},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static unsigned
mask_of(int opt)
{
	switch (opt) {
	case OPT_JSON:
		return OPTS_HAS_JSON;
	case OPT_FOREGROUND:
	case OPT_LOG:
	case OPT_AS:
	case OPT_ASK:
	case OPT_ACCEPT:
	case OPT_WAIT:
	case OPT_SEAT:
		return OPTS_HAS_ATTACH;
	case OPT_USER:
		return OPTS_HAS_ATTACH | OPTS_HAS_TUNNEL;
	case OPT_LISTEN:
		return OPTS_HAS_TUNNEL;
	case OPT_KEEP:
	case OPT_STATUS:
	case OPT_SUSPEND:
	case OPT_RESUME:
		return OPTS_HAS_AGENT;
	case OPT_FIRST_USE:
		return OPTS_HAS_FIRST_USE;
	}
	return OPTS_HAS_GATEWAY;
}

static int
wrong(const struct opts *o, const char *arg, const char *what)
{
	char safe[128];

	log_escape(safe, sizeof(safe), arg, strlen(arg));
	log_warnx("%s: %s: %s; see `sallyport %s --help`", o->command, safe,
	    what, o->command);
	return -1;
}

static int
parse_port(struct opts *o, const char *text, uint16_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n == 0 ||
	    n > 65535) {
		return wrong(o, text, "port is not a number from 1 to 65535");
	}
	*out = (uint16_t)n;
	return 0;
}

/* Words with commas between them. */
static int
parse_accept(struct opts *o, const char *text)
{
	const char *p = text;

	for (;;) {
		size_t len = strcspn(p, ",");

		if (kinds_parse(&o->accept, p, len) != 0) {
			return wrong(o, text, "expected keyboard, network or "
					      "none, with commas between "
					      "them");
		}
		if (p[len] == '\0') {
			return 0;
		}
		p += len + 1;
	}
}

static int
parse_wait(struct opts *o, const char *text)
{
	unsigned long n = 0;
	char *end;

	if (text != NULL) {
		n = strtoul(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\0' || n == 0 ||
		    n > OPTS_WAIT_MAX) {
			return wrong(o, text, "seconds to wait are not a number "
					      "from 1 to 86400");
		}
	}
	o->wait_s = (int)n;
	return 0;
}

static int
apply(struct opts *o, int opt)
{
	switch (opt) {
	case OPT_PORT:
		return parse_port(o, optarg, &o->port);
	case OPT_LISTEN:
		return parse_port(o, optarg, &o->listen);
	case OPT_USER:
		o->user = optarg;
		break;
	case OPT_SEAT:
		o->seat = optarg;
		break;
	case OPT_NAME:
		if (optarg[0] == '\0' || strlen(optarg) >= GATEWAY_HOST) {
			return wrong(o, optarg, "name is empty or too long");
		}
		o->name = optarg;
		break;
	case OPT_TLS:
		o->tls = optarg;
		break;
	case OPT_CONFIG:
		o->config = optarg;
		break;
	case OPT_JSON:
		o->form = OPTS_JSON;
		break;
	case OPT_FOREGROUND:
		o->place = OPTS_FOREGROUND;
		break;
	case OPT_LOG:
		o->log = optarg;
		break;
	case OPT_AS:
		o->as = optarg;
		break;
	case OPT_ASK:
		o->ask = OPTS_ASK;
		break;
	case OPT_ACCEPT:
		return parse_accept(o, optarg);
	case OPT_WAIT:
		return parse_wait(o, optarg);
	case OPT_FIRST_USE:
		o->first = OPTS_FIRST_USE;
		break;
	case OPT_REQUIRE_SANDBOX:
		o->sandbox = OPTS_REQUIRE_SANDBOX;
		break;
	case OPT_KEEP:
		o->keep = OPTS_KEEP;
		break;
	case OPT_STATUS:
		o->agent = OPTS_AGENT_STATUS;
		break;
	case OPT_SUSPEND:
		o->agent = OPTS_AGENT_SUSPEND;
		break;
	case OPT_RESUME:
		o->agent = OPTS_AGENT_RESUME;
		break;
	}
	return 0;
}

int
opts_parse(struct opts *out, int argc, char **argv, unsigned mask)
{
	int c;

	memset(out, 0, sizeof(*out));
	out->command = argv[0];
	out->port = (mask & OPTS_HAS_ENROLL) != 0 ? ENROLL_PORT : OPTS_PORT;
	out->listen = OPTS_LISTEN;
	out->accept = IPC_ACCEPT_LISTED;
	out->wait_s = OPTS_NO_WAIT;
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c == OPT_HELP) {
			return 1;
		}
		if (c == ':') {
			return wrong(out, argv[optind - 1], "needs a value");
		}
		if (c == '?') {
			return wrong(
			    out, argv[optind - 1], "not an option of it");
		}
		if ((mask_of(c) & mask) == 0 &&
		    ((mask & OPTS_HAS_ENROLL) == 0 ||
			(c != OPT_PORT && c != OPT_TLS))) {
			const char *arg = argv[optind - 1];

			if (arg == optarg) {
				arg = argv[optind - 2]; /* --name VALUE */
			}
			return wrong(out, arg, "not an option of it");
		}
		if (apply(out, c) != 0) {
			return -1;
		}
	}
	for (int i = optind; i < argc; i++) {
		if (out->noperands == OPTS_OPERANDS) {
			return wrong(out, argv[i], "one argument too many");
		}
		out->operands[out->noperands++] = argv[i];
	}
	return 0;
}

static char *
join(const char *dir, const char *file)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, file) < 0 ? NULL : path;
}

/* Paths below dir, where the file said nothing or --tls overrides it. */
static int
fill(char **path, const char *dir, const char *file, int force)
{
	if (*path != NULL && !force) {
		return 0;
	}
	free(*path);
	*path = join(dir, file);
	return *path == NULL ? ERR_NOMEM : 0;
}

int
settings_load(struct settings *out, const struct opts *opts)
{
	const char *path = opts->config != NULL ? opts->config : OPTS_CONFIG;
	const char *dir = opts->tls != NULL ? opts->tls : OPTS_TLS;
	int force = opts->tls != NULL, is_told = 1;
	char why[512];
	int r;

	*out = (struct settings){.live = NET_LIVENESS_DEFAULT};
	const struct conf_key keys[] = {
	    {"tls", "ca", CONF_STRING, &out->ca, 0, 0},
	    {"tls", "cert", CONF_STRING, &out->cert, 0, 0},
	    {"tls", "key", CONF_STRING, &out->key, 0, 0},
	    {"tls", "known", CONF_STRING, &out->known, 0, 0},
	    {"tls", "known-only", CONF_BOOL, &out->is_known_only, 0, 0},
	    {"liveness", "idle", CONF_UINT, &out->live.idle_s, 1, 3600},
	    {"liveness", "interval", CONF_UINT, &out->live.interval_s, 1, 3600},
	    {"liveness", "count", CONF_UINT, &out->live.count, 1, 100},
	    {"liveness", "user-timeout", CONF_UINT,
		&out->live.user_timeout_ms, 1000, 3600000},
	    {"agent", "attach", CONF_LIST, &out->attach, 0, 0},
	    {"agent", "watch", CONF_LIST, &out->watch, 0, 0},
	    {"agent", "desktops", CONF_BOOL, &is_told, 0, 0},
	    {"accept", "rules", CONF_STRING, &out->rules, 0, 0},
	    {NULL, NULL, CONF_IGNORE, NULL, 0, 0},
	};

	r = conf_load(path, keys, why, sizeof(why));
	if (r == ERR_NOENT && opts->config == NULL) {
		r = 0;
	}
	if (r != 0) {
		log_warnx("%s: config: %s", opts->command, why);
		return -1;
	}
	out->is_mute = !is_told;
	if (out->known == NULL) {
		out->known = strdup(KNOWN_FILE);
	}
	if (out->known == NULL || fill(&out->ca, dir, "ca.pem", force) != 0 ||
	    fill(&out->cert, dir, "cert.pem", force) != 0 ||
	    fill(&out->key, dir, "key.pem", force) != 0) {
		log_warnx("%s: no memory", opts->command);
		return -1;
	}
	return 0;
}

void
settings_free(struct settings *s)
{
	free(s->ca);
	free(s->cert);
	free(s->key);
	free(s->known);
	free(s->rules);
	conf_list_fini(&s->attach);
	conf_list_fini(&s->watch);
	*s = (struct settings){.ca = NULL};
}
