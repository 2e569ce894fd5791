/*
 * Leases: a device is given on terms, and they are looked at again whenever
 * something changes that they may depend on, and each second.
 *
 *   import, allowed ── begin ─► in force ── drop ──► on hold ─► free
 *                                  │ ends, idle, until, window, rules,
 *                                  │ lock, approval, kick
 *                                  └── revoke ─► ejected, free
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

/* The terms, from the rule that allows it now. What has run runs on. */
static void
take_terms(struct lease *lease, const struct rule_decision *d)
{
	(void)snprintf(lease->file, sizeof(lease->file), "%s", d->file);
	(void)snprintf(lease->key, sizeof(lease->key), "%s", d->key);
	lease->line = d->line;
	lease->rule = d->rule;
	lease->length = d->grant.lease;
	lease->idle = d->grant.idle;
	lease->hold = d->grant.hold;
	lease->exposes = d->exposes;
	lease->needs_approval = *d->grant.approver != '\0';
	lease->ends = lease->length == 0
	    ? 0
	    : lease->started + lease->length * CLOCK_SEC;
}

/* On disk a lease is the hold that will follow. */
static void
note_hold(struct session *s)
{
	struct plug *plug = s->device->plug;
	struct book *book = s->warden->book;

	if (plug == NULL) {
		return;
	}
	plug->hold = (struct hold){.length = s->lease->hold};
	if (s->lease->hold != 0) {
		memcpy(plug->hold.who, s->who, BOOK_KEY);
		log_escape(plug->hold.name, sizeof(plug->hold.name),
		    identity_short(&s->facts),
		    strlen(identity_short(&s->facts)));
		plug->hold.rule = s->lease->rule;
		memcpy(plug->hold.issuer_key, s->facts.issuer_key, BOOK_KEY);
		memcpy(plug->hold.serial, s->facts.serial,
		    s->facts.serial_len);
		plug->hold.serial_len = s->facts.serial_len;
	}
	book->is_dirty = 1;
}

int
lease_begin(struct session *s, const struct rule_decision *d)
{
	struct book *book = s->warden->book;
	struct plug *plug = s->device->plug;
	struct lease *lease = calloc(1, sizeof(*lease));
	int r;

	if (lease == NULL) {
		return ERR_NOMEM;
	}
	lease->block = -1;
	lease->started = lease->active = clock_mono();
	take_terms(lease, d);
	s->lease = lease;
	device_free_hold(s->device);
	if (plug != NULL) {
		lease->was_had = plug_has_had(plug, lease->rule);
		plug_had(book, plug, lease->rule);
	}
	note_hold(s);
	r = book_save(book, s->warden->conf.state);
	if (r != 0 && d->grant.is_once) {
		/* A promise that a crash would break is not made. */
		lease_cancel(s);
		return r;
	}
	return 0;
}

void
lease_cancel(struct session *s)
{
	struct plug *plug = s->device != NULL ? s->device->plug : NULL;
	struct lease *lease = s->lease;

	if (lease == NULL) {
		return;
	}
	s->lease = NULL;
	if (plug != NULL) {
		plug->hold = (struct hold){.length = 0};
		if (!lease->was_had && plug->nhad > 0 &&
		    plug->had[plug->nhad - 1] == lease->rule) {
			plug->nhad--;
		}
		s->warden->book->is_dirty = 1;
	}
	close_fd(&lease->block);
	free(lease);
}

void
lease_end(struct session *s)
{
	struct device *dev = s->device;
	struct lease *lease = s->lease;

	s->lease = NULL;
	if (lease != NULL && dev != NULL && dev->plug != NULL) {
		struct hold *hold = &dev->plug->hold;

		if (hold->length == 0 || lease->is_revoked) {
			device_free_hold(dev);
		} else {
			hold->ends = clock_mono() + hold->length * CLOCK_SEC;
			dev->held_for = malloc(sizeof(*dev->held_for));
			if (dev->held_for != NULL) {
				*dev->held_for = s->facts;
			}
			audit_write(s->warden, "hold", "began", s, dev, NULL,
			    (char *)NULL);
		}
		s->warden->book->is_dirty = 1;
	}
	if (lease != NULL) {
		close_fd(&lease->block);
	}
	free(lease);
}

void
device_free_hold(struct device *dev)
{
	if (dev->plug != NULL && dev->plug->hold.length != 0) {
		dev->plug->hold = (struct hold){.length = 0};
		dev->warden->book->is_dirty = 1;
	}
	free(dev->held_for);
	dev->held_for = NULL;
}

int
device_is_held_from(const struct device *dev, const uint8_t *who)
{
	const struct plug *plug = dev->plug;

	return plug != NULL && plug_is_held(plug) &&
	    clock_mono() < plug->hold.ends &&
	    (who == NULL || memcmp(plug->hold.who, who, BOOK_KEY) != 0);
}

void
lease_active(struct session *s)
{
	if (s->lease != NULL) {
		s->lease->active = clock_mono();
	}
}

/* ------------------------------------------------------------------------ */
/* Judging                                                                  */

/* The rule that gave it, for what ends without a decision. */
static void
as_decision(const struct lease *lease, struct rule_decision *d)
{
	*d = (struct rule_decision){
		.verdict = RULE_BLOCK,
		.file = lease->file,
		.key = lease->key,
		.line = lease->line,
		.rule = lease->rule,
	};
}

static const char *
term_text(enum rule_term term)
{
	switch (term) {
	case RULE_TERM_WINDOW:
		return "its hours are over";
	case RULE_TERM_UNTIL:
		return "its last day is over";
	case RULE_TERM_ONCE:
		return "it was had once";
	case RULE_TERM_MAX:
		return "too many at a time";
	case RULE_TERM_APPROVE:
		return "it is not approved";
	case RULE_TERM_FORBID:
		return "what remains of it is forbidden";
	case RULE_TERM_EXPOSE:
		return "nothing of it may be seen";
	case RULE_TERM_WORLD:
		return "the time there is not known";
	case RULE_TERM_NONE:
		break;
	}
	return NULL;
}

/* Approval is an entry term to the rules, true until it ends: that is seen
 * here. */
static int
is_approved(const struct session *s)
{
	const struct ask *ask = book_find_ask(
	    s->warden->book, s->who, s->device->key, s->lease->rule);

	return ask != NULL && ask->state == ASK_APPROVED &&
	    (ask->ends == 0 || clock_mono() < ask->ends);
}

/* The lease's own ends. NULL, or why it is over. */
static const char *
clock_ends(const struct session *s)
{
	const struct lease *lease = s->lease;
	uint64_t now = clock_mono();

	if (lease->ends != 0 && now >= lease->ends) {
		return "the lease is over";
	}
	if (lease->idle != 0 &&
	    now >= lease->active + lease->idle * CLOCK_SEC) {
		return "it was idle for too long";
	}
	if (lease->ends == 0 && bundles_is_over(s->warden)) {
		return "the bundle's time is over";
	}
	if (lease->needs_approval && !is_approved(s)) {
		return "its approval is over";
	}
	return NULL;
}

static int
is_same_exposure(const struct rule_exposure *a, const struct rule_exposure *b)
{
	if (a->is_all || b->is_all) {
		return a->is_all && b->is_all;
	}
	return memcmp(a->mask, b->mask, sizeof(a->mask)) == 0;
}

int
lease_goes_on(struct session *s, const struct rules *rules,
    struct judged *out, const char **why)
{
	struct person person = {&s->facts, s->who};
	struct lease *lease = s->lease;
	const char *text = clock_ends(s);

	out->nnotes = 0;
	if (text != NULL) {
		as_decision(lease, &out->d);
		*why = text;
		return 0;
	}
	policy_judge(s->warden, rules, s->device, &person, RULE_AT_LEASE,
	    lease->rule, out);
	if (out->d.verdict != RULE_ALLOW) {
		text = term_text(out->d.term);
		*why = text != NULL ? text : *why;
		return 0;
	}
	if (!is_same_exposure(&out->d.exposes, &lease->exposes)) {
		*why = "what it may see changed";
		return 0;
	}
	return 1;
}

void
lease_revoke(struct session *s, const char *why)
{
	struct rule_decision d;

	if (s->lease != NULL) {
		s->lease->is_revoked = 1;
		as_decision(s->lease, &d);
	}
	session_eject(s, why, s->lease != NULL ? &d : NULL);
}

static void
judge(struct session *s, const char *why)
{
	struct judged judged;
	int is_other;

	if (s->lease == NULL || s->device == NULL ||
	    s->phase == SESSION_ENDING) {
		return;
	}
	if (!lease_goes_on(s, s->warden->rules, &judged, &why) ||
	    inspect_goes_on(s, &judged.d, &why) != 0) {
		s->lease->is_revoked = 1;
		session_eject(s, why, &judged.d);
		return;
	}
	is_other = judged.d.rule != s->lease->rule ||
	    judged.d.grant.hold != s->lease->hold;
	take_terms(s->lease, &judged.d);
	if (is_other) {
		note_hold(s);
	}
}

static void
on_rejudge(void *arg)
{
	struct warden *w = arg;
	const char *why = w->rejudge_why;
	struct device *dev;
	struct session *s;

	w->rejudge_why = NULL;
	revoked_judge(w);
	TAILQ_FOREACH (dev, &w->devices, entry) {
		registry_judge(dev);
	}
	/* an ejected one stays in the list until it is reaped */
	TAILQ_FOREACH (s, &w->sessions, entry) {
		judge(s, why);
	}
}

void
leases_touch(struct warden *w, const char *why)
{
	if (w->rejudge_why == NULL) {
		w->rejudge_why = why; /* of several the first */
		loop_timer_set(w->rejudge, 0);
	}
}

void
leases_tick(struct warden *w)
{
	struct device *dev;

	if (book_expire_holds(w->book, clock_mono())) {
		TAILQ_FOREACH (dev, &w->devices, entry) {
			if (dev->plug == NULL || !plug_is_held(dev->plug)) {
				free(dev->held_for);
				dev->held_for = NULL;
			}
		}
		events_touch(w);
	}
	asks_expire(w);
	verdicts_tick(w);
	armed_expire(w);
	leases_touch(w, "its time is over");
	if (w->rules != NULL && (rules_ask(w->rules) & RULES_ASK_TIME) != 0) {
		events_touch(w);
	}
	(void)book_save(w->book, w->conf.state);
}

/* As the clock on the wall counts seconds: rules speak of those. */
static void
on_tick(void *arg)
{
	struct warden *w = arg;

	leases_tick(w);
	loop_timer_set(w->tick, CLOCK_SEC - clock_wall() % CLOCK_SEC);
}

int
leases_start(struct warden *w)
{
	w->rejudge = loop_timer_new(w->loop, on_rejudge, w);
	w->tick = loop_timer_new(w->loop, on_tick, w);
	if (w->rejudge == NULL || w->tick == NULL) {
		return ERR_NOMEM;
	}
	loop_timer_set(w->tick, 0);
	return 0;
}
