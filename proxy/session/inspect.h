/*
 * Inspection of one device's transfers: the profiles' table, a judge for each
 * profile, a decoder for each interface, and what waits for somebody else's
 * verdict. It stands between the floor and the device. It must not know the
 * peer, channels, or how a profile is written; without a table there is none,
 * and the floor alone judges.
 */
#ifndef PROXY_SESSION_INSPECT_H
#define PROXY_SESSION_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/table.h"
#include "proxy/session/floor.h"
#include "proxy/session/transfer.h"

struct inspect;
struct loop;

/* Answers of one endpoint that wait for the peer to ask; more are dropped, and
 * the peer's driver runs into its timeout. */
#define INSPECT_ANSWERS 4u
/* Held units at once, all endpoints; one more gets its `else' at once. */
#define INSPECT_ASKS 16u

/* One ruling for the audit log. */
struct inspect_report {
	const char *profile;
	uint8_t interface;
	struct table_rule rule;
	const struct pjudge_report *what;
	struct transfer *transfer; /* that is judged */
};

struct inspect_ask {
	uint32_t id; /* not 0 */
	enum hook hook;
	struct table_rule rule;
	const struct facts *facts;
};

struct inspect_hooks {
	void (*report)(void *arg, const struct inspect_report *report);
	/* Refused because no profile lets it come so far; both static. */
	void (*refused)(void *arg, const char *rule, const char *text);
	/* A unit is held; inspect_answer brings the verdict. ERR_*: nobody can
	 * be asked, `else' holds. */
	int (*ask)(void *arg, const struct inspect_ask *ask);
	/* It is not held any more, and no answer is wanted. */
	void (*ask_over)(void *arg, uint32_t id);
	/* See decode_host_ops. ERR_NOENT: nobody would see it. */
	int (*challenge)(void *arg, const char *digits, uint64_t within);
	/* The device has to leave the workstation. what is static. Once. */
	void (*out)(void *arg, int is_quarantine, const char *what);
	void *arg;
};

struct inspect_how {
	struct loop *loop; /* borrowed, as are the others */
	const struct floor *floor;
	struct transfers *transfers; /* may be set later, before streaming */
	const void *block; /* of the table; borrowed until free, or a swap */
	size_t size;
	int64_t wall; /* Unix seconds now */
	const struct inspect_hooks *hooks; /* copied */
};

/* Attaches decoders to the active configuration. 0, ERR_NOMEM, ERR_FORMAT (the
 * table), or ERR_POLICY: an interface cannot be inspected; *why is static. */
int inspect_new(struct inspect **outp, const struct inspect_how *how,
    const char **why);
/* After usb close. NULL is fine. */
void inspect_free(struct inspect *i);
void inspect_use(struct inspect *i, struct transfers *transfers);

/* A transfer that the floor passed; as the judge of transfers.h. A control
 * request that the session answers by itself is judged, too, and PASS then
 * means that it may. */
enum transfer_verdict inspect_judge(struct inspect *i, struct transfer *t);
/* As the hooks of transfers.h. */
enum transfer_return inspect_returned(struct inspect *i, struct transfer *t);
void inspect_abandon(struct inspect *i, struct transfer *t);
void inspect_unused(
    struct inspect *i, struct transfer *t, uint8_t *data, uint32_t len);
int inspect_may_run(const struct inspect *i, const struct transfer *t);

/* The floor has another configuration, or another alternate of an interface:
 * decoders follow. 0, or as inspect_new: then nothing may pass any more. */
int inspect_config(struct inspect *i, const char **why);
int inspect_interface(struct inspect *i, uint8_t number, const char **why);
/* Of the device, or by SET_CONFIGURATION to the value that it has: alternates
 * are 0, protocols at their start; what a decoder holds against a device (wrong
 * tries at a challenge) stays. */
int inspect_reset(struct inspect *i, const char **why);
void inspect_halt_cleared(struct inspect *i, uint8_t endpoint);

/* The verdict on a held unit. ERR_NOENT: it is not held any more. */
int inspect_answer(struct inspect *i, uint32_t id, enum verdict verdict);
/* Another table from the next transfer on. As inspect_new; on an error the one
 * before stays, and the caller ends the session. */
int inspect_swap(struct inspect *i, const void *block, size_t size,
    const char **why);
/* A challenge can be seen now. */
void inspect_listening(struct inspect *i);

/* Quotas of all profiles: number n, or ERR_NOENT past the last. */
int inspect_quota(const struct inspect *i, unsigned n, const char **profile,
    const char **name, uint64_t *used, int64_t *since);
void inspect_quota_set(struct inspect *i, const char *profile,
    const char *name, uint64_t used, int64_t since);

#endif
