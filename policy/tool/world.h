/*
 * What a decision depends on besides device and workstation, as a person says
 * that it is: for questions that no gateway is asked.
 */
#ifndef POLICY_TOOL_WORLD_H
#define POLICY_TOOL_WORLD_H

#include "policy/rules/rules.h"

#define WORLD_ARMED 16
#define WORLD_DEVICES 64

/* The caller's. Texts and devices are borrowed. */
struct world {
	struct rule_world rules; /* for the engine; see world_init */
	const char *tz;		 /* the gateway's; "" = this machine's */
	enum rule_lock lock;
	const char *user, *seat; /* at the workstation; NULL = not known */
	enum rule_approval approval; /* of whatever is asked */
	const char *armed[WORLD_ARMED];
	size_t narmed;
	/* What others have now. */
	const struct rule_device *exported[WORLD_DEVICES];
	size_t nexported;
	uint32_t leases; /* of any rule, for `max' */
	int had_lease;	 /* of any rule, for `once' */
};

/* Now, nothing armed, nobody has anything, and no desktop that is
 * known. No rule was ever evaluated or applied, and every draw of
 * `random' is the lowest. Must not move afterwards. */
void world_init(struct world *world);
/* A copy of from, which may move on. */
void world_copy(struct world *world, const struct world *from);

#endif
