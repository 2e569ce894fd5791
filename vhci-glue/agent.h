/*
 * What the files of `sallyport agent` share; nobody else includes it. agent.c
 * has the loop, agent_gateway.c the gateways, agent_work.c the devices,
 * agent_sock.c the control socket, agent_people.c who hears notices, and which,
 * agent_ask.c the commands that speak to a running agent.
 */
#ifndef VHCI_GLUE_AGENT_H
#define VHCI_GLUE_AGENT_H

#include <sys/types.h>

#include "vhci-glue/desks.h"
#include "vhci-glue/notices.h"
#include "vhci-glue/offers.h"
#include "vhci-glue/opts.h"
#include "vhci-glue/plan.h"
#include "vhci-glue/ports.h"

#define AGENT_RUN "/run/sallyport"
#define AGENT_SOCKET AGENT_RUN "/agent.sock"
#define AGENT_SUSPENDED AGENT_RUN "/suspended"
#define AGENT_GROUP "sallyport"
#define AGENT_DEVICES 256u
#define AGENT_CLIENTS 8u

struct agent_gateway {
	struct gateway gateway;
	char text[GATEWAY_TEXT];
	struct launch *launch; /* owned; NULL = not connected */
	struct offers offers;
	struct plan_backoff backoff;
};

/* A device that a rule wants, from the first time that it was offered. */
struct agent_device {
	struct agent_gateway *gateway; /* borrowed from the agent */
	char name[IPC_NAME];
	struct plan_backoff backoff;
	pid_t child; /* that attaches it; -1 = none */
	int is_asking; /* the child only asks its approver */
	int is_asked;  /* since it needs an approval */
	int is_attached, port;
	int is_refused; /* which was said, and has not changed */
	char had[257];	/* whom it is attached for; "" */
	uint64_t since; /* clock_mono, when it was */
};

struct agent_client {
	int fd; /* owned; -1 = free */
	uid_t uid;
	uint64_t until; /* clock_mono: closed then */
	size_t used;
	char in[32];
};

struct agent {
	const struct opts *opts;
	struct settings settings;
	struct plan_rule *rules; /* owned */
	size_t nrules;
	struct agent_gateway *gateways; /* owned */
	size_t ngateways;
	struct agent_device *devices; /* owned, AGENT_DEVICES */
	size_t ndevices;
	struct desks *desks; /* owned; NULL = told not to speak of them */
	struct notices *notices; /* owned; NULL = nobody hears them */
	int is_suspended;
	int listener; /* owned */
	struct agent_client clients[AGENT_CLIENTS];
};

/* agent_confine.c: capabilities, and what it and its children never do. */
void agent_confine(void);

/* agent_gateway.c */
/* Connects to it, when it is time to. */
void agent_connect(struct agent *a, struct agent_gateway *g, uint64_t now);
/* Its events, so many at once that others get their turn. */
void agent_hear(struct agent *a, struct agent_gateway *g, uint64_t now);
/* Tells all of them of a desktop. */
void agent_tell(void *agent, const struct ipc_desk *desk);

/* agent_work.c */
/* Children that ended, ports, and what is to be done now. */
void agent_work(struct agent *a, uint64_t now);
/* Waits for attaches on their way; then, unless --keep, unplugs what the agent
 * plugged in. */
void agent_stop(struct agent *a);
uint32_t agent_random(void);
/* "attached", "attaching", "off", "free", "busy", "needs-approval",
 * "no user", "not there". */
const char *agent_word(const struct agent *a, const struct agent_device *d);
/* Starts `sallyport attach GATEWAY WHAT`, for name, user and seat as far as they
 * are not "", with what was asked for (enum ipc_accept), or only to ask the
 * approver. The pid, or -1 with the reason said. */
struct agent_try {
	const char *gateway, *what, *name, *user, *seat;
	unsigned accept;
	enum opts_ask ask;
};
pid_t agent_attach(const struct opts *opts, const struct agent_try *try);
/* Waits up to that long for a child: its exit status, or -1. */
int agent_await(pid_t *child, unsigned ms);
/* Unplugs ports with a note, those of the agent or all; keep is called before
 * for each that is not the agent's. 0, or -1 with the reason said. */
typedef void agent_note_cb(const struct ports_note *note);
enum agent_whose { AGENT_OWN, AGENT_ALL };
int agent_unplug(
    const struct opts *opts, enum agent_whose whose, agent_note_cb *keep);

/* agent_people.c */
/* notices_may: root, members of AGENT_GROUP, who sits at a desktop. */
int agent_may_hear(void *agent, int fd, const struct ucred *peer);
/* Says it, with text shown as it is; within is a challenge's. */
void agent_say(struct agent *a, enum notice_kind kind,
    const struct agent_gateway *g, const char *name, const char *text,
    unsigned within);

/* agent_sock.c */
/* Whether the other end of fd is of a member of AGENT_GROUP. */
int agent_is_member(int fd, const struct ucred *cred);
int agent_listen(struct agent *a); /* 0, or -1 with the reason said */
void agent_on_connect(struct agent *a, uint64_t now);
void agent_on_client(struct agent *a, struct agent_client *c);
void agent_sock_close(struct agent *a);

/* agent_ask.c: --status, --suspend, --resume; an exit code. */
int agent_ask(const struct opts *opts);

#endif
