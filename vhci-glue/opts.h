/*
 * What a `sallyport` command was told: options and operands from its command
 * line, settings from workstation.conf. Opens no key file.
 */
#ifndef VHCI_GLUE_OPTS_H
#define VHCI_GLUE_OPTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/net.h"
#include "vhci-glue/gateway.h"
#include "vhci-glue/known.h"

#define OPTS_CONFIG SYSCONFDIR "/sallyport/workstation.conf"
#define OPTS_TLS SYSCONFDIR "/sallyport/tls"
#define OPTS_PORT 3241
#define OPTS_LISTEN 3240 /* USB/IP's own port */
#define OPTS_OPERANDS 2
#define OPTS_NO_WAIT (-1)
#define OPTS_WAIT_MAX 86400u

enum opts_form { OPTS_TEXT, OPTS_JSON };
enum opts_place { OPTS_BACKGROUND, OPTS_FOREGROUND };
enum opts_keep { OPTS_DETACH, OPTS_KEEP };
enum opts_ask { OPTS_ATTACH, OPTS_ASK };
enum opts_first { OPTS_STRANGERS, OPTS_FIRST_USE };
enum opts_sandbox { OPTS_AS_IT_IS, OPTS_REQUIRE_SANDBOX };
enum opts_agent {
	OPTS_AGENT_RUN,
	OPTS_AGENT_STATUS,
	OPTS_AGENT_SUSPEND,
	OPTS_AGENT_RESUME,
};

/* All pointers borrowed from argv. */
struct opts {
	const char *command;
	const char *operands[OPTS_OPERANDS];
	unsigned noperands;
	enum opts_form form;
	enum opts_place place;
	uint16_t port;
	uint16_t listen;
	enum opts_keep keep;
	enum opts_agent agent;
	unsigned accept; /* enum ipc_accept */
	int wait_s; /* for an approval: OPTS_NO_WAIT, 0 = for ever */
	enum opts_ask ask;
	enum opts_first first;
	enum opts_sandbox sandbox;
	/* NULL = not given */
	const char *name, *tls, *config, *log, *user, *seat, *as;
};

/* Which options a command has, besides --help: a mask. */
enum opts_mask {
	OPTS_HAS_GATEWAY = 1, /* --port --name --tls --config
				 --require-sandbox */
	OPTS_HAS_JSON = 2,
	OPTS_HAS_ATTACH = 4, /* --foreground --log --as --ask --accept
				--wait --user --seat */
	OPTS_HAS_TUNNEL = 8, /* --listen --user */
	OPTS_HAS_AGENT = 16, /* --keep --status --suspend --resume */
	OPTS_HAS_FIRST_USE = 32, /* --first-use */
	OPTS_HAS_ENROLL = 64, /* --port --tls */
};

/* argv[0] is the command. 0; 1: --help was given; -1 with the mistake said. */
int opts_parse(struct opts *out, int argc, char **argv, unsigned mask);

struct settings {
	char *ca, *cert, *key; /* paths; owned */
	char *known; /* [tls] known: path; owned */
	int is_known_only; /* [tls] known-only */
	struct net_liveness live;
	struct conf_list attach; /* [agent] attach */
	struct conf_list watch;	 /* [agent] watch */
	int is_mute; /* [agent] desktops = no: they are nobody's business */
	char *rules; /* [accept] rules: path, NULL = none; owned */
};

/* The file that --config names must exist, the default one need not. --tls goes
 * before what the file says. 0, or -1 with the reason said. */
int settings_load(struct settings *out, const struct opts *opts);
void settings_free(struct settings *settings);

#endif
