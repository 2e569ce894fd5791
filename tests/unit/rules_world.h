/*
 * A world for tests of policy/rules: every answer is a field, and what it is
 * told is kept.
 */
#ifndef TESTS_UNIT_RULES_WORLD_H
#define TESTS_UNIT_RULES_WORLD_H

#include "tests/unit/rules_body.h"

struct world {
	struct rule_world world;
	struct rule_device dev;
	int is_nobody;	/* no identity */
	int is_unknown; /* no world */
	struct rule_local local;
	enum rule_lock lock;
	const char *armed;
	const struct rule_device *exported, *allowed;
	int64_t counted[2];
	size_t ndesks;
	struct rule_desk desks[4];
	uint32_t draw;
	int had, denied;
	uint32_t leases[3];
	unsigned nevaluated, napplied, nnoted;
	char noted[8][16];
	enum rule_verdict noted_verdict[8];
};

static inline int
world_local(
    void *arg, const char *zone, int64_t at, struct rule_local *out)
{
	struct world *w = arg;

	(void)at;
	*out = w->local;
	return zone[0] == '\0' || strcmp(zone, "Europe/Berlin") == 0 ?
	    0 : ERR_NOENT;
}

/* What a test put there, or one of which only the lock is known. */
static inline size_t
world_desks(void *arg, struct rule_desk *out)
{
	const struct world *w = arg;

	if (w->ndesks > 0) {
		memcpy(out, w->desks, w->ndesks * sizeof(*out));
		return w->ndesks;
	}
	*out = (struct rule_desk){"", "", w->lock};
	return w->lock != RULE_LOCK_UNKNOWN;
}

static inline int
world_is_armed(void *arg, const char *token)
{
	return strcmp(((struct world *)arg)->armed, token) == 0;
}

static inline int
world_devices(
    void *arg, enum rule_devices which, rule_device_fn *fn, void *fn_arg)
{
	struct world *w = arg;
	const struct rule_device *dev =
	    which == RULE_DEVICES_EXPORTED ? w->exported : w->allowed;

	return dev != NULL ? fn(fn_arg, dev) : 0;
}

static inline int64_t
world_counted(void *arg, uint64_t rule, enum rule_count what)
{
	(void)rule;
	return ((struct world *)arg)->counted[what];
}

static inline void
world_count(void *arg, uint64_t rule, enum rule_count what)
{
	struct world *w = arg;

	assert_true(rule != 0);
	*(what == RULE_APPLIED ? &w->napplied : &w->nevaluated) += 1;
}

static inline uint32_t
world_draw(void *arg, uint64_t rule)
{
	(void)rule;
	return ((struct world *)arg)->draw;
}

static inline int
world_had_lease(void *arg, uint64_t rule)
{
	(void)rule;
	return ((struct world *)arg)->had;
}

static inline uint32_t
world_leases(void *arg, uint64_t rule, enum rule_scope scope)
{
	(void)rule;
	return ((struct world *)arg)->leases[scope];
}

static inline enum rule_approval
world_approval(void *arg, uint64_t rule)
{
	(void)rule;
	return ((struct world *)arg)->denied ? RULE_DENIED : RULE_NOT_ASKED;
}

static inline void
world_noted(void *arg, const struct rule_decision *would)
{
	struct world *w = arg;

	assert_true(w->nnoted < 8);
	snprintf(w->noted[w->nnoted], sizeof(w->noted[0]), "%s", would->key);
	w->noted_verdict[w->nnoted++] = would->verdict;
}

static const struct rule_world_ops world_ops = {
	.local = world_local,
	.desks = world_desks,
	.is_armed = world_is_armed,
	.devices = world_devices,
	.counted = world_counted,
	.count = world_count,
	.draw = world_draw,
	.had_lease = world_had_lease,
	.leases = world_leases,
	.approval = world_approval,
	.noted = world_noted,
};

static inline void
world_init(struct world *w)
{
	*w = (struct world){.dev = sample_device(), .armed = "svc"};
	w->world = (struct rule_world){.ops = &world_ops, .arg = w,
	    .now = 1900000000, .moment = RULE_AT_IMPORT};
}

/* The lasting id of a rule with that key. */
static inline uint64_t
key_id(const char *key)
{
	char text[64];
	struct rules *rules;
	uint64_t id;

	snprintf(text, sizeof(text), "block key \"%s\"\n", key);
	rules = rules_of(text);
	id = rules_id(rules, 0);
	rules_free(rules);
	return id;
}

#endif
