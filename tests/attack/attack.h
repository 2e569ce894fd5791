/*
 * An attack: a name, what it tries, and a function that tries it and judges what
 * became of it. Whatever it does, the runner looks afterwards whether anything
 * crashed, whether the devices are free again, and whether the honest session
 * was disturbed.
 */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include <stddef.h>
#include <stdint.h>

struct gw_bed;
struct stage;
struct tls_config;

/* Where it comes from, and what it needs. */
enum attack_side {
	FROM_WORKSTATION, /* a stage */
	FROM_DEVICE,	  /* likewise; the simulated one is what lies */
	FROM_GATEWAY,	  /* a relay, which it starts itself */
};

enum attack_size { ATTACK_SMALL, ATTACK_FULL };

struct scene {
	struct stage *stage; /* borrowed; NULL from a gateway */
	struct gw_bed *bed;  /* borrowed; from a gateway */
	struct tls_config *attacker, *stranger;
	enum attack_size size;
	uint64_t tries;
	char why[320]; /* what went wrong, or "" */
};

struct attack {
	const char *name, *what;
	enum attack_side side;
	unsigned fills; /* so many sessions, or agents, as far as they let it */
	/* NULL, or before all others: what has to ripen. */
	void (*begin)(struct scene *scene);
	void (*run)(struct scene *scene);
};

extern const struct attack ws_op, ws_tls, ws_submit_lies, ws_unlink_lies,
	ws_records, ws_cut, ws_unread, ws_out, ws_controls, ws_storm, ws_held,
	ws_slow, ws_many, ws_judges;
extern const struct attack dev_faces, dev_resets, dev_pipes, dev_leaves;
extern const struct attack gw_lists, gw_imports, gw_descriptors, gw_replies,
	gw_iso, gw_unlinks, gw_any, gw_flood, gw_slow, gw_events;

/* Says what is wrong, once: the first is kept. */
void attack_fails(struct scene *scene, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
