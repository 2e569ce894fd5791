/*
 * The desktops of a workstation, as it says itself over its events channel: a
 * seat, who sits there, and whether the screen is locked. Nothing of it is proved.
 */
#ifndef PROXY_WARDEN_DESKS_H
#define PROXY_WARDEN_DESKS_H

#include <stddef.h>

#include "policy/rules/rules.h"

#define DESKS_SEAT 33  /* with the NUL */
#define DESKS_USER 257 /* as long as Linux has them, and the NUL */

/* One line of the workstation's. "" = the workstation as a whole; nobody. */
struct desks_said {
	enum rule_lock lock;
	char seat[DESKS_SEAT];
	char user[DESKS_USER];
};

struct desks;

/* Of a seat the latest word counts; one of which nothing is known, neither user
 * nor lock, is forgotten. *desks is NULL at first. 1: something changed; 0: it is
 * no news; ERR_LIMIT: more than RULE_DESKS_MAX; ERR_NOMEM. */
int desks_hear(struct desks **desks, const struct desks_said *said);
/* At most max of them into out, whose texts stay those of desks. NULL is fine.
 * How many. */
size_t desks_put(
    const struct desks *desks, struct rule_desk *out, size_t max);
/* NULL is fine. */
void desks_free(struct desks *desks);

#endif
