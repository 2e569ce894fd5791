/*
 * The bundle in force: taking it up at the start, swapping it for another one,
 * stepping back when nobody confirmed that, and its dates. What it means for
 * leases that its time is over: none is given any more, and those that go on go
 * on to their own end, or end now if they have none.
 */
#include "proxy/warden/bundles.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/control.h"

#define KEYS_TEXT_MAX (64u * 1024u)

static const char *const phases[] = {
	[MANIFEST_EARLY] = "early",
	[MANIFEST_VALID] = "valid",
	[MANIFEST_GRACE] = "grace",
	[MANIFEST_OVER] = "over",
};

/* ------------------------------------------------------------------------ */
/* What is said of it                                                       */

static void
note(struct warden *w, const char *outcome, const struct bundle *b,
    const char *name, const char *value)
{
	char serial[24], hex[65];

	(void)snprintf(
	    serial, sizeof(serial), "%lld", (long long)b->manifest.serial);
	audit_write(w, "bundle", outcome, NULL, NULL, NULL, "serial", serial,
	    "revision", b->manifest.revision, "sha256",
	    digest_hex(hex, sizeof(hex), b->sha256, 32), name, value,
	    (char *)NULL);
}

void
bundles_fail(struct warden *w, const char *fmt, ...)
{
	struct bundles *b = w->bundles;
	char text[sizeof(b->error)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Each poll says the same again; the first time it is news. */
	if (strcmp(text, b->error) != 0) {
		log_warnx("bundle: %s; %s", text,
		    b->now != NULL ? "the one before stays in force" :
				     "nothing is exported");
		audit_write(w, "bundle", "failed", NULL, NULL, NULL, "error",
		    text, "kept", b->now != NULL ? "the one before" : "nothing",
		    (char *)NULL);
	}
	memcpy(b->error, text, sizeof(text));
	if (b->failing == 0) {
		b->failing = clock_wall();
	}
}

void
bundles_fine(struct warden *w)
{
	struct bundles *b = w->bundles;

	if (b->failing != 0) {
		audit_write(w, "bundle", "mended", NULL, NULL, NULL,
		    (char *)NULL);
	}
	b->error[0] = '\0';
	b->failing = 0;
	b->checked = clock_wall();
}

static void
put_number(json_t *o, const char *name, int64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void
put_bundle(json_t *o, struct warden *w)
{
	const struct bundles *b = w->bundles;
	const struct manifest *m = &b->now->manifest;
	int slot = b->is_pending ? b->pending_slot : b->store.current;
	int64_t now = bundles_time(w), taken = b->store.slots[slot].taken;
	char hex[65];

	put_number(o, "serial", m->serial);
	control_text(o, "revision", m->revision);
	control_text(o, "sha256", digest_hex(hex, sizeof(hex), b->now->sha256,
	    32));
	control_time(o, "not_before", (uint64_t)m->not_before * CLOCK_SEC);
	control_time(o, "expires", (uint64_t)m->expires * CLOCK_SEC);
	control_time(o, "grace_ends", (uint64_t)manifest_end(m) * CLOCK_SEC);
	control_text(o, "phase", phases[manifest_phase(m, now)]);
	put_number(o, "seconds_left", manifest_end(m) - now);
	control_time(o, "taken", (uint64_t)taken * CLOCK_SEC);
	put_number(o, "age", now - taken);
	json_object_set_new(o, "delegate", json_boolean(m->is_delegate));
	json_object_set_new(o, "confirmed", json_boolean(!b->is_pending));
}

json_t *
bundles_json(struct warden *w)
{
	const struct bundles *b = w->bundles;
	json_t *o = json_object();

	control_text(o, "source", w->conf.bundle_source);
	if (b->store.url[0] != '\0') {
		control_text(o, "target", b->store.url);
	}
	if (b->now != NULL) {
		put_bundle(o, w);
	}
	put_number(o, "highest_serial", b->store.serial);
	if (b->checked != 0) {
		control_time(o, "checked", b->checked);
	}
	control_text(o, "error", b->error);
	if (b->failing != 0) {
		control_time(o, "failing_since", b->failing);
	}
	if (b->fetch.conn == 0 && b->trial.b == NULL) {
		put_number(o, "next_look", control_left(b->fetch.next_at));
	}
	put_number(o, "idle_terms",
	    w->rules != NULL ? (int64_t)rules_idle(w->rules) : 0);
	return o;
}

static void
put_seconds(json_t *o, const char *name, int64_t unix_seconds)
{
	if (unix_seconds > 0) {
		put_number(o, name, unix_seconds);
	}
}

json_t *
bundles_metrics(struct warden *w)
{
	static const char *const names[] = {"fine", "refused", "later",
		"failed"};
	const struct bundles *b = w->bundles;
	json_t *o = json_object(), *looks = json_object();
	int slot = b->is_pending ? b->pending_slot : b->store.current;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		put_number(looks, names[i], (int64_t)b->fetch.looks[i]);
	}
	json_object_set_new(o, "looks", looks);
	put_number(o, "failing", b->failing != 0);
	put_seconds(o, "checked", (int64_t)(b->checked / CLOCK_SEC));
	if (b->now != NULL) {
		const struct manifest *m = &b->now->manifest;

		put_number(o, "serial", m->serial);
		control_text(o, "revision", m->revision);
		control_text(o, "phase",
		    phases[manifest_phase(m, bundles_time(w))]);
		put_seconds(o, "taken", b->store.slots[slot].taken);
		put_seconds(o, "expires", m->expires);
		put_seconds(o, "grace_ends", manifest_end(m));
	}
	return o;
}

/* ------------------------------------------------------------------------ */
/* What it means                                                            */

const struct bundle *
bundles_compiled(const struct warden *w)
{
	const struct bundles *b = w->bundles;

	return b == NULL	  ? NULL :
	    b->taking != NULL ? b->taking :
				b->now;
}

int64_t
bundles_time(const struct warden *w)
{
	const struct store *s = &w->bundles->store;
	int64_t now = world_now();

	for (int i = 0; i < STORE_SLOTS; i++) {
		if (s->slots[i].taken > now) {
			now = s->slots[i].taken;
		}
	}
	return now;
}

int
bundles_is_over(const struct warden *w)
{
	return w->bundles != NULL && w->bundles->now != NULL &&
	    manifest_phase(&w->bundles->now->manifest, bundles_time(w)) ==
	    MANIFEST_OVER;
}

static void
look_at_clock(struct warden *w)
{
	struct bundles *b = w->bundles;
	enum manifest_phase phase;

	if (b->now == NULL) {
		return;
	}
	phase = manifest_phase(&b->now->manifest, bundles_time(w));
	if (phase == b->phase) {
		return;
	}
	if (phase == MANIFEST_GRACE) {
		log_warnx("bundle serial %lld: it has expired, and holds until "
			  "the end of its grace",
		    (long long)b->now->manifest.serial);
	} else if (phase == MANIFEST_OVER) {
		log_warnx("bundle serial %lld: its grace is over; nothing is "
			  "given any more, and leases run out",
		    (long long)b->now->manifest.serial);
	}
	b->phase = phase;
	note(w, phases[phase], b->now, NULL, NULL);
	leases_touch(w, "the bundle's time is over");
	events_policy(w);
}

static void
on_tick(void *arg)
{
	struct warden *w = arg;

	look_at_clock(w);
	loop_timer_set(w->bundles->tick, CLOCK_SEC / 2);
}

/* ------------------------------------------------------------------------ */
/* Another one                                                              */

/* It is compiled and good: now it goes to disk, before it takes effect. */
static int
commit(struct warden *w)
{
	struct bundles *b = w->bundles;
	int r = store_put(&b->store, b->taking, b->trial.signatures,
	    b->trial.len, &b->pending_slot);

	if (r == 0 && w->conf.bundle_confirm == 0) {
		r = store_settle(
		    &b->store, b->taking, b->pending_slot, world_now());
	}
	if (r != 0) {
		bundles_fail(w, "serial %lld: write to %s: %s",
		    (long long)b->taking->manifest.serial, w->conf.state,
		    strerror(errno));
	}
	return r;
}

int
bundles_take(struct warden *w)
{
	struct bundles *b = w->bundles;
	uint32_t within = w->conf.bundle_confirm;
	char why[512] = "";
	int r;

	b->taking = b->trial.b;
	r = policy_take(w, within, commit, why, sizeof(why));
	b->taking = NULL;
	if (r != 0) {
		if (why[0] != '\0') {
			bundles_fail(w, "serial %lld: %s",
			    (long long)b->trial.b->manifest.serial, why);
		}
		return r;
	}
	if (within != 0) {
		b->is_pending = 1;
		b->store.slots[b->pending_slot] = (struct store_slot){
			.taken = world_now()};
		b->before = b->now;
	} else {
		bundle_free(b->now);
	}
	b->now = TAKE(b->trial.b);
	b->phase = manifest_phase(&b->now->manifest, bundles_time(w));
	note(w, "taken", b->now, "phase", phases[b->phase]);
	log_infox("bundle serial %lld: in force",
	    (long long)b->now->manifest.serial);
	return 0;
}

int
bundles_confirm(struct warden *w)
{
	struct bundles *b = w->bundles;

	if (b == NULL || !b->is_pending) {
		return 0;
	}
	if (store_settle(&b->store, b->now, b->pending_slot, world_now()) !=
	    0) {
		log_warn("bundle: write to %s", w->conf.state);
		return ERR_SYS;
	}
	b->is_pending = 0;
	bundle_free(TAKE(b->before));
	return 0;
}

void
bundles_step_back(struct warden *w)
{
	struct bundles *b = w->bundles;

	if (b == NULL || !b->is_pending) {
		return;
	}
	memcpy(b->store.refused, b->now->sha256, 32);
	if (store_save(&b->store) != 0) {
		log_warn("bundle: write to %s", w->conf.state);
	}
	note(w, "rolled back", b->now, NULL, NULL);
	b->is_pending = 0;
	bundle_free(b->now);
	b->now = TAKE(b->before);
	bundles_fail(w, "it was in force, and nobody confirmed it");
	if (b->now != NULL) {
		b->phase = manifest_phase(&b->now->manifest, bundles_time(w));
	}
}

/* ------------------------------------------------------------------------ */
/* At the start                                                             */

static int
read_keys(struct warden *w)
{
	struct keyring *ring = &w->bundles->configured;
	uint8_t *text = NULL;
	char why[256] = "";
	size_t len;
	int r = file_read(w->conf.bundle_keys, KEYS_TEXT_MAX, FILE_TRUSTED,
	    &text, &len);

	if (r == 0) {
		r = sign_keys_read(ring->keys, MANIFEST_KEYS, &ring->nkeys,
		    (const char *)text, len, why, sizeof(why));
	}
	free(text);
	if (r != 0) {
		log_warnx("[bundle] keys %s: %s", w->conf.bundle_keys,
		    why[0] != '\0'     ? why :
			r == ERR_POLICY ?
					 "others may write to it; run `chmod "
					 "o-w' on it" :
					 err_str(r));
		return r;
	}
	for (size_t i = 0; i < ring->nkeys; i++) {
		for (size_t j = 0; j < i; j++) {
			if (memcmp(ring->keys[i].id, ring->keys[j].id, 32) ==
			    0) {
				log_warnx("[bundle] keys %s: key %zu is key "
					  "%zu again", w->conf.bundle_keys,
				    i + 1, j + 1);
				return ERR_FORMAT;
			}
		}
	}
	ring->threshold = w->conf.bundle_threshold;
	if (ring->threshold > ring->nkeys) {
		log_warnx("[bundle] threshold %u: only %zu keys are in %s",
		    ring->threshold, ring->nkeys, w->conf.bundle_keys);
		return ERR_FORMAT;
	}
	return 0;
}

/* The current one, or, when that is no good, the one before. */
static void
read_store(struct warden *w)
{
	struct bundles *b = w->bundles;
	int first = b->store.current;

	for (int i = 0; first != -1 && i < STORE_SLOTS; i++) {
		int slot = (first + i) % STORE_SLOTS;
		char why[256];

		if (b->store.slots[slot].serial == 0) {
			continue;
		}
		if (store_load(
			&b->store, slot, &b->now, why, sizeof(why)) == 0) {
			b->store.current = slot;
			break;
		}
		bundles_fail(w, "%s, serial %lld: %s", w->conf.state,
		    (long long)b->store.slots[slot].serial, why);
	}
	if (b->now == NULL) {
		b->store.current = -1;
		log_warnx("bundle: none in %s; nothing is exported until one "
			  "comes from %s", w->conf.state,
		    w->conf.bundle_source);
		return;
	}
	b->phase = manifest_phase(&b->now->manifest, bundles_time(w));
	note(w, "found", b->now, "phase", phases[b->phase]);
}

int
bundles_start(struct warden *w)
{
	struct bundles *b;
	int r;

	if (*w->conf.bundle_source == '\0') {
		return 0;
	}
	b = w->bundles = calloc(1, sizeof(*b));
	if (b == NULL) {
		return ERR_NOMEM;
	}
	b->fetch.chan = b->trial.chan = -1;
	r = read_keys(w);
	if (r == 0) {
		r = store_open(&b->store, w->conf.state, &b->configured);
	}
	if (r != 0) {
		return r;
	}
	read_store(w);
	b->tick = loop_timer_new(w->loop, on_tick, w);
	if (b->tick == NULL || trial_start(w) != 0 || fetch_start(w) != 0) {
		return ERR_NOMEM;
	}
	loop_timer_set(b->tick, 0);
	return 0;
}

void
bundles_free(struct warden *w)
{
	struct bundles *b = w->bundles;

	if (b == NULL) {
		return;
	}
	fetch_free(w);
	trial_free(w);
	loop_timer_free(b->tick);
	bundle_free(b->now);
	bundle_free(b->before);
	free(b);
	w->bundles = NULL;
}
