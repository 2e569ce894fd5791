/*
 * What a decision depends on besides rules, device and identity: the clock, the
 * workstation's lock, other devices, what was counted, drawn, had and approved.
 * The rules ask, the warden's books answer; nothing is decided here.
 */
#include "proxy/warden/warden.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

int64_t
world_now(void)
{
	return (int64_t)(clock_wall() / CLOCK_SEC);
}

void
world_who(uint8_t out[BOOK_KEY], const char *identity)
{
	struct digest_part part = {identity, strlen(identity)};

	if (digest_sha256(out, &part, 1) != 0) {
		fatalx("digest of an identity");
	}
}

static int
on_local(void *arg, const char *zone, int64_t at, struct rule_local *out)
{
	struct world *world = arg;
	const struct zone *z;
	struct zone_time t;
	int r = zones_get(world->warden->zones, zone, &z);

	if (r != 0) {
		return r;
	}
	zone_time(&t, z, at);
	out->weekday = (uint8_t)t.weekday;
	out->second = t.second;
	return 0;
}

/* Those of all connections that watch under one identity. */
static size_t
on_desks(void *arg, struct rule_desk *out)
{
	struct world *world = arg;
	const struct session *s;
	size_t n = 0;

	TAILQ_FOREACH (s, &world->warden->sessions, entry) {
		if (s->desks != NULL && s->phase != SESSION_ENDING &&
		    world->who != NULL &&
		    memcmp(s->who, world->who, BOOK_KEY) == 0) {
			n += desks_put(
			    s->desks, out + n, RULE_DESKS_MAX - n);
		}
	}
	return n;
}

static int
on_is_armed(void *arg, const char *token)
{
	struct world *world = arg;

	return armed_is(world->warden, token);
}

/* A device is not one of the others: what it does itself is no reason for it to
 * be had, or not. */
static int
on_devices(void *arg, enum rule_devices which, rule_device_fn *fn,
    void *fn_arg)
{
	struct world *world = arg;
	const struct device *dev;
	int r = 0;

	TAILQ_FOREACH (dev, &world->warden->devices, entry) {
		int is_meant = dev->holder != NULL ||
		    (which == RULE_DEVICES_ALLOWED &&
			dev->state == DEVICE_KEPT);

		/* hubs are kept without having been read */
		if (dev == world->dev || !is_meant ||
		    dev->facts.name == NULL) {
			continue;
		}
		r = fn(fn_arg, &dev->facts);
		if (r != 0) {
			break;
		}
	}
	return r;
}

static int64_t
on_counted(void *arg, uint64_t rule, enum rule_count what)
{
	struct world *world = arg;

	return book_counted(
	    world->warden->book, rule, what == RULE_APPLIED);
}

static void
on_count(void *arg, uint64_t rule, enum rule_count what)
{
	struct world *world = arg;

	book_count(world->warden->book, rule, what == RULE_APPLIED,
	    world->world.now);
}

static uint32_t
on_draw(void *arg, uint64_t rule)
{
	struct world *world = arg;

	if (world->dev->plug == NULL || world->who == NULL) {
		return UINT32_MAX;
	}
	return book_draw(
	    world->warden->book, world->dev->plug, world->who, rule);
}

static int
on_had_lease(void *arg, uint64_t rule)
{
	struct world *world = arg;

	return world->dev->plug == NULL ||
	    plug_has_had(world->dev->plug, rule);
}

static int
is_same(const struct world *world, const uint8_t *who)
{
	return world->who != NULL && memcmp(world->who, who, BOOK_KEY) == 0;
}

/* A device on hold is as good as given away. */
static uint32_t
on_leases(void *arg, uint64_t rule, enum rule_scope scope)
{
	struct world *world = arg;
	const struct device *dev;
	uint32_t n = 0;

	TAILQ_FOREACH (dev, &world->warden->devices, entry) {
		const struct session *s = dev->holder;
		const struct plug *plug = dev->plug;

		if (dev == world->dev) {
			continue;
		}
		if (s != NULL && s->lease != NULL) {
			n += s->lease->rule == rule &&
			    (scope == RULE_PER_GATEWAY ||
				is_same(world, s->who));
		} else if (plug != NULL && plug_is_held(plug)) {
			n += plug->hold.rule == rule &&
			    (scope == RULE_PER_GATEWAY ||
				is_same(world, plug->hold.who));
		}
	}
	return n;
}

static enum rule_approval
on_approval(void *arg, uint64_t rule)
{
	struct world *world = arg;
	const struct ask *ask = world->who == NULL
	    ? NULL
	    : book_find_ask(world->warden->book, world->who,
		  world->dev->key, rule);

	if (ask == NULL || (ask->ends != 0 && clock_mono() >= ask->ends)) {
		return RULE_NOT_ASKED;
	}
	switch (ask->state) {
	case ASK_APPROVED:
		return RULE_APPROVED;
	case ASK_DENIED:
		return RULE_DENIED;
	case ASK_OPEN:
		break;
	}
	return RULE_NOT_ASKED;
}

static void
on_noted(void *arg, const struct rule_decision *would)
{
	struct world *world = arg;
	struct judged *judged = world->judged;

	if (judged != NULL && judged->nnotes < JUDGED_NOTES) {
		judged->notes[judged->nnotes++] = *would;
	}
}

static const struct rule_world_ops ops = {
	.local = on_local,
	.desks = on_desks,
	.is_armed = on_is_armed,
	.devices = on_devices,
	.counted = on_counted,
	.count = on_count,
	.draw = on_draw,
	.had_lease = on_had_lease,
	.leases = on_leases,
	.approval = on_approval,
	.noted = on_noted,
};

void
world_init(struct world *world, struct warden *w, const struct device *dev,
    const uint8_t *who, enum rule_moment moment, uint64_t granted_by,
    struct judged *judged)
{
	*world = (struct world){
		.world =
		    {
			.ops = &ops,
			.arg = world,
			.now = world_now(),
			.moment = moment,
			.granted_by = granted_by,
		    },
		.warden = w,
		.dev = dev,
		.who = who,
		.judged = judged,
	};
}
