/*
 * What the agent decides, without a clock, a kernel or a network of its own:
 * which devices its rules want, what to do about one now, and when to try
 * again. Pure.
 */
#ifndef VHCI_GLUE_PLAN_H
#define VHCI_GLUE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "vhci-glue/gateway.h"
#include "wire/ipc.h"

#define PLAN_PATTERN 200 /* a line of workstation.conf is shorter */
#define PLAN_SEAT 33

/* "GATEWAY PATTERN [WORD]...": the pattern is a glob (* ? [...]) over stable
 * names and bus ids; the words are those of kinds.h, and user=NAME and seat=NAME
 * as `sallyport attach' has them. A pattern names no device,
 * so that the gateway's list cannot make one a keyboard or a network card that
 * was asked for: only a word can. */
struct plan_rule {
	struct gateway gateway;
	char pattern[PLAN_PATTERN];
	unsigned accept; /* enum ipc_accept */
	char user[PLAN_PATTERN], seat[PLAN_SEAT]; /* whose it is; "" */
};

/* ERR_FORMAT with why (static). */
int plan_parse(struct plan_rule *out, const char *text,
    uint16_t default_port, const char **why);
int plan_matches(const struct plan_rule *rule, const struct gateway *gateway,
    const char *name, const char *busid);

/* When to try again after failures in a row: 200 ms, doubled each time, up to
 * 30 s, and of that a random part between three quarters and all, so that the
 * workstations of a gateway that comes back do not all come at once. */
#define PLAN_FIRST_MS 200u
#define PLAN_LAST_MS 30000u
struct plan_backoff {
	unsigned failures;
	uint64_t next; /* clock_mono; 0 = now */
};
/* random: any number. */
void plan_failed(struct plan_backoff *b, uint64_t now, uint32_t random);
void plan_succeeded(struct plan_backoff *b);
int plan_is_due(const struct plan_backoff *b, uint64_t now);

/* All that counts about one device of a gateway. */
struct plan_facts {
	int is_wanted;	   /* by a rule */
	int is_off;	   /* somebody detached it by hand */
	int is_suspended;  /* the machine is about to sleep */
	int is_attached;   /* here, by a relay that lives */
	int is_running;	   /* an attach of it is on its way */
	int is_asked;	   /* its approver was asked, since it needs one */
	int is_absent;	   /* nobody sits where it is for whoever does */
	int is_anothers;   /* it is for somebody who does not sit there */
	uint8_t state;	   /* enum ipc_watch_state; NONE = the gateway does
			      not offer it */
};
/* Whom it is for, by the first rule that says so (NULL: by none): there is who sits
 * at the rule's seat now, had whom it was attached for; "" = nobody. Who leaves
 * keeps it until somebody else sits there. */
void plan_seat(struct plan_facts *facts, const struct plan_rule *rule,
    const char *there, const char *had);

/* PLAN_ASK: try once, which asks its approver; the gateway says when it is
 * free. PLAN_UNPLUG: take it from whom it is for. */
enum plan_step { PLAN_WAIT, PLAN_ATTACH, PLAN_ASK, PLAN_UNPLUG };
enum plan_step plan_device(const struct plan_facts *facts,
    const struct plan_backoff *b, uint64_t now);

/* What was attached by hand is attached again after sleep: "DEVICE", or with whose
 * it is "DEVICE TAB USER TAB SEAT", as text and taken apart, in place. dst, or NULL
 * when it does not fit or would be another one. */
struct plan_again {
	char *what, *user, *seat; /* into the text; "" = nobody's, of no seat */
};
char *plan_again_text(char *dst, size_t size, const char *what,
    const char *user, const char *seat);
struct plan_again plan_again_parse(char *text);

#endif
