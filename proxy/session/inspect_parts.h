/*
 * What the files of inspection share; nobody else includes it. inspect.c has
 * the way of a transfer; inspect_attach.c which decoder and judge an interface
 * has; inspect_ask.c what waits for somebody's verdict; inspect_answer.c what a
 * decoder says in the device's place.
 */
#ifndef PROXY_SESSION_INSPECT_PARTS_H
#define PROXY_SESSION_INSPECT_PARTS_H

#include "policy/decode/decode.h"
#include "proxy/session/inspect.h"

/* One interface of the active configuration. */
struct face {
	uint8_t number;
	int profile; /* in the table, -1 = none: nothing passes */
	struct decoder *decoder; /* owned; NULL = no endpoint may be used */
	struct table_caps caps;
	uint32_t inflight;
	uint64_t bytes;
};

/* A decoder that was replaced while its transfers were at the device: a pointer
 * to it must not come to mean another one. */
struct grave {
	struct grave *next;
	struct decoder *decoder; /* owned */
};

/* A unit that waits, or that is just judged with an answer that is there. */
struct ask {
	uint32_t id; /* 0 = free */
	struct transfer *t; /* borrowed */
	unsigned profile;
	int is_answered;
	enum verdict verdict; /* once it is; until then, `else' */
	uint64_t deadline;    /* clock_mono */
};
/* Those that are answered at once, when all others are taken. */
#define ASKS_AT_ONCE TABLE_PROFILES

struct answers {
	unsigned n;
	uint8_t *data[INSPECT_ANSWERS]; /* owned */
	uint32_t len[INSPECT_ANSWERS];
};

struct inspect {
	struct inspect_how how; /* without hooks */
	struct inspect_hooks hooks;
	struct table table;
	unsigned nprofiles;
	struct pjudge *judges; /* owned; of each profile of the table */
	struct face faces[DESC_MAX_INTERFACES];
	unsigned nfaces;
	struct face *endpoints[TRANSFER_ENDPOINTS]; /* index; NULL = none */
	struct grave *graves;
	int has_caps;
	int is_out; /* the device has to leave: nothing passes */
	struct face *current; /* whose decoder or rules are asked */
	struct transfer *judged; /* about this one; NULL: about none */
	struct ask asks[INSPECT_ASKS + ASKS_AT_ONCE];
	struct ask *opened; /* by the ruling that was just made */
	int again;     /* that one has its answer: judge once more */
	int is_answer; /* the decoder answered in the device's place */
	uint32_t next_ask;
	struct loop_timer *deadline; /* owned: the first ask's */
	struct loop_timer *tick;     /* owned: the first decoder's */
	struct answers answers[TRANSFER_ENDPOINTS];
	struct unit_packet *packets; /* owned */
	uint32_t packet_room;
	struct facts facts; /* of the setup hook: too large for a stack that
			       is walked for every transfer */
};

/* inspect_attach.c */
extern const struct decode_host_ops inspect_host;
/* All interfaces of the active configuration anew. */
int inspect_attach_all(struct inspect *i, const char **why);
void inspect_detach_all(struct inspect *i);
/* The judges of a table that was opened; those of profiles of the same name go
 * on counting. ERR_NOMEM. */
int inspect_judges(struct inspect *i, const struct table *table);
int inspect_attach_face(struct inspect *i, struct face *face, const char **why);
void inspect_map_endpoints(struct inspect *i);
void inspect_on_tick(void *arg);

/* inspect_ask.c */
/* The report of a judge: logs, and opens an ask. */
void inspect_on_report(void *arg, const struct pjudge_report *report);
/* What was answered for a transfer that is judged again, to the judges. */
void inspect_recall(struct inspect *i, const struct transfer *t);
/* It was judged: no answer is left with a judge. is_final: none is needed any
 * more. */
void inspect_judged(struct inspect *i, const struct transfer *t, int is_final);
/* A ruling was ASK: the transfer waits, unless i->again was set. ERR_PEER: no ask
 * was opened, which no decoder may do. */
int inspect_wait(struct inspect *i, struct transfer *t);
void inspect_stop_waiting(struct inspect *i, const struct transfer *t);
void inspect_on_deadline(void *arg);

/* inspect_answer.c */
void inspect_answer_in(
    struct inspect *i, uint8_t index, const void *data, uint32_t len);
/* The oldest answer for an endpoint into the transfer's buffer: 1, or 0 when
 * there is none. */
int inspect_take_answer(struct inspect *i, struct transfer *t);
void inspect_drop_answers(struct inspect *i);

/* inspect.c: the device has to leave. */
void inspect_out(struct inspect *i, int is_quarantine, const char *what);

#endif
