/*
 * The answers to what the engine asks, out of a struct that a person filled.
 */
#include "policy/tool/world.h"

#include <string.h>
#include <time.h>

#include "policy/tool/when.h"

static int
local(void *arg, const char *zone, int64_t at, struct rule_local *out)
{
	const struct world *world = arg;

	return when_local(zone[0] != '\0' ? zone : world->tz, at, out);
}

/* One that --locked and the like speak of together, or none. */
static size_t
desks(void *arg, struct rule_desk *out)
{
	const struct world *world = arg;

	*out = (struct rule_desk){
		.user = world->user != NULL ? world->user : "",
		.seat = world->seat != NULL ? world->seat : "",
		.lock = world->lock,
	};
	return world->user != NULL || world->seat != NULL ||
	    world->lock != RULE_LOCK_UNKNOWN;
}

static int
is_armed(void *arg, const char *token)
{
	const struct world *world = arg;

	for (size_t i = 0; i < world->narmed; i++) {
		if (strcmp(world->armed[i], token) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The gateway keeps nothing for itself here. */
static int
devices(void *arg, enum rule_devices which, rule_device_fn *fn, void *fn_arg)
{
	const struct world *world = arg;
	int r = 0;

	(void)which;
	for (size_t i = 0; r == 0 && i < world->nexported; i++) {
		r = fn(fn_arg, world->exported[i]);
	}
	return r;
}

static int64_t
counted(void *arg, uint64_t rule, enum rule_count what)
{
	(void)arg;
	(void)rule;
	(void)what;
	return 0;
}

static void
count(void *arg, uint64_t rule, enum rule_count what)
{
	(void)arg;
	(void)rule;
	(void)what;
}

static uint32_t
draw(void *arg, uint64_t rule)
{
	(void)arg;
	(void)rule;
	return 0;
}

static int
had_lease(void *arg, uint64_t rule)
{
	const struct world *world = arg;

	(void)rule;
	return world->had_lease;
}

static uint32_t
leases(void *arg, uint64_t rule, enum rule_scope scope)
{
	const struct world *world = arg;

	(void)rule;
	(void)scope;
	return world->leases;
}

static enum rule_approval
approval(void *arg, uint64_t rule)
{
	const struct world *world = arg;

	(void)rule;
	return world->approval;
}

static void
noted(void *arg, const struct rule_decision *would)
{
	(void)arg;
	(void)would;
}

static const struct rule_world_ops ops = {
	.local = local,
	.desks = desks,
	.is_armed = is_armed,
	.devices = devices,
	.counted = counted,
	.count = count,
	.draw = draw,
	.had_lease = had_lease,
	.leases = leases,
	.approval = approval,
	.noted = noted,
};

void
world_init(struct world *world)
{
	*world = (struct world){
	    .rules = {.ops = &ops,
		.arg = world,
		.now = (int64_t)time(NULL),
		.moment = RULE_AT_IMPORT},
	    .tz = "",
	};
}

void
world_copy(struct world *world, const struct world *from)
{
	*world = *from;
	world->rules.arg = world;
}
