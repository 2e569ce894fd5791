/*
 * The rules in force. A load that has one error changes nothing; one that has
 * none takes their place at once, and all that was given by those before is
 * judged again. Rules that are to be confirmed step back when nobody does.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"

/* Rules and the profiles that they name. */
struct both {
	struct rules *rules;
	struct profile_set *profiles;
};

static void
both_free(struct both *b)
{
	rules_free(b->rules);
	profile_set_free(b->profiles);
	*b = (struct both){NULL, NULL};
}

/* Takes them into force; those before are the caller's then. */
static struct both
swap(struct warden *w, struct both new)
{
	struct both before = {w->rules, w->profiles};

	w->rules = new.rules;
	w->profiles = new.profiles;
	w->rules_revision++;
	w->rules_loaded = clock_wall();
	return before;
}

static void
note_failure(struct warden *w, const char *from, const struct source *src)
{
	memcpy(w->failed_digest, src->digest, sizeof(w->failed_digest));
	(void)snprintf(
	    w->rules_error, sizeof(w->rules_error), "%s", src->error);
	w->metrics.failed_loads++;
	w->metrics.is_failed = 1;
	audit_write(w, "policy", "failed", NULL, NULL, NULL, "error",
	    w->rules_error, "kept",
	    w->rules != NULL ? "the rules before" : "nothing", (char *)NULL);
	log_warnx("rules %s: not loaded; %s", from,
	    w->rules != NULL ? "the rules before stay in force"
			     : "nothing is exported");
}

static void
note_success(struct warden *w, const char *from, const struct source *src)
{
	char count[32];

	w->rules_error[0] = '\0';
	w->metrics.loads++;
	w->metrics.is_failed = 0;
	if (strcmp(from, w->conf.rules) == 0) {
		memcpy(w->rules_digest, src->digest, sizeof(w->rules_digest));
	} else {
		/* Those of the configuration are others: any change of them
		 * loads. */
		memset(w->rules_digest, 0, sizeof(w->rules_digest));
		(void)snprintf(w->rules_error, sizeof(w->rules_error),
		    "the rules of %s are in force, not those of [gateway] "
		    "rules", from);
	}
	(void)snprintf(count, sizeof(count), "%zu",
	    w->rules != NULL ? rules_count(w->rules) : 0);
	audit_write(w, "policy", "loaded", NULL, NULL, NULL, "rules", count,
	    "from", from, (char *)NULL);
	log_infox("rules %s: %s loaded", from, count);
}

static int
load_keep(struct warden *w)
{
	struct source src;
	int r;

	if (*w->conf.keep == '\0' || w->keep != NULL) {
		return 0;
	}
	r = rulefiles_load(w, w->conf.keep, &src, &w->keep, NULL);
	if (r != 0) {
		log_warnx("[local] keep %s: not loaded", w->conf.keep);
	}
	source_fini(&src);
	return r;
}

static int
is_known(const struct warden *w, const struct source *src)
{
	return memcmp(src->digest, w->rules_digest, sizeof(src->digest)) == 0 ||
	    memcmp(src->digest, w->failed_digest, sizeof(src->digest)) == 0;
}

/* Those before, if they are to be had again, go to *before. is_touch: ERR_AGAIN
 * when the texts are those that were loaded last; most touches are an editor's
 * and change none. */
static int
load(struct warden *w, const char *from, struct both *before, int is_touch)
{
	struct both new = {NULL, NULL}, old;
	struct source src;
	int r = load_keep(w);

	if (r != 0) {
		return r;
	}
	r = rulefiles_load(w, from, &src, &new.rules, &new.profiles);
	if (src.ndirs > 0 && from == w->conf.rules) {
		watch_set(w, src.dirs, src.ndirs);
	}
	if (is_touch && is_known(w, &src)) {
		both_free(&new);
		r = ERR_AGAIN;
	} else if (r == 0) {
		old = swap(w, new);
		note_success(w, from, &src);
		if (before != NULL) {
			*before = old;
		} else {
			both_free(&old);
		}
	} else {
		note_failure(w, from, &src);
	}
	source_fini(&src);
	return r;
}

int
policy_load(struct warden *w)
{
	return load(w, w->conf.rules, NULL, 0);
}

static void
judge_all(struct warden *w)
{
	leases_touch(w, "rules changed");
	events_policy(w);
}

/* They come back, unless those in force are confirmed. */
static void
keep_fallback(struct warden *w, struct both before, uint32_t within)
{
	w->fallback = before.rules;
	w->fallback_profiles = before.profiles;
	w->has_fallback = 1;
	w->confirm_by = clock_mono() + within * CLOCK_SEC;
	loop_timer_set(w->rollback, within * CLOCK_SEC);
}

int
policy_take(struct warden *w, uint32_t confirm_within,
    int (*commit)(struct warden *w), char *why, size_t size)
{
	struct both new = {NULL, NULL}, old;
	struct source src;
	int r = rulefiles_load(
	    w, w->conf.rules, &src, &new.rules, &new.profiles);

	if (r != 0) {
		(void)snprintf(why, size, "%s", src.error);
	} else {
		r = commit(w);
	}
	if (r != 0) {
		both_free(&new);
		source_fini(&src);
		return r;
	}
	old = swap(w, new);
	note_success(w, w->conf.rules, &src);
	source_fini(&src);
	if (confirm_within != 0) {
		keep_fallback(w, old, confirm_within);
	} else {
		both_free(&old);
	}
	judge_all(w);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Decisions                                                                */

void
policy_judge(struct warden *w, const struct rules *rules,
    const struct device *dev, const struct person *person,
    enum rule_moment moment, uint64_t granted_by, struct judged *out)
{
	struct world world;

	out->nnotes = 0;
	/* A lease that goes on has ends of its own. */
	if (rules == NULL || dev->record == NULL ||
	    (moment != RULE_AT_LEASE && bundles_is_over(w))) {
		out->d = (struct rule_decision){
			.verdict = RULE_BLOCK,
			.file = "",
			.key = "",
			.is_implicit = 1,
		};
		out->d.grant.profile = out->d.grant.approver = "";
		return;
	}
	world_init(&world, w, dev, person != NULL ? person->who : NULL, moment,
	    granted_by, out);
	rules_decide(rules, &dev->facts,
	    person != NULL ? person->facts : NULL, &world.world, &out->d);
}

void
policy_decide(struct warden *w, const struct device *dev,
    const struct session *s, enum rule_moment moment, struct judged *out)
{
	struct person person = {&s->facts, s->who};
	const struct session *holder = dev->holder;
	uint64_t granted_by = 0;

	if (moment == RULE_AT_LIST && holder != NULL &&
	    holder->lease != NULL &&
	    memcmp(holder->who, s->who, BOOK_KEY) == 0) {
		moment = RULE_AT_LEASE;
		granted_by = holder->lease->rule;
	}
	policy_judge(w, w->rules, dev, s->is_identified ? &person : NULL,
	    moment, granted_by, out);
}

/* ------------------------------------------------------------------------ */
/* Other rules                                                              */

static void
drop_fallback(struct warden *w)
{
	rules_free(w->fallback);
	w->fallback = NULL;
	profile_set_free(w->fallback_profiles);
	w->fallback_profiles = NULL;
	w->has_fallback = 0;
	loop_timer_stop(w->rollback);
}

static void
on_rollback(void *arg)
{
	struct warden *w = arg;
	struct both old;

	log_warnx("rules %s: not confirmed in time; the rules before are in "
		  "force again", w->conf.rules);
	old = swap(w, (struct both){w->fallback, w->fallback_profiles});
	both_free(&old);
	w->fallback = NULL;
	w->fallback_profiles = NULL;
	drop_fallback(w);
	bundles_step_back(w);
	/* The files on disk are others: any change of them loads again. */
	memset(w->rules_digest, 0, sizeof(w->rules_digest));
	(void)snprintf(w->rules_error, sizeof(w->rules_error),
	    "not confirmed in time: the rules before are in force, not those "
	    "on disk");
	audit_write(w, "policy", "rolled back", NULL, NULL, NULL, "kept",
	    "the rules before", (char *)NULL);
	judge_all(w);
}

int
policy_start(struct warden *w)
{
	w->rollback = loop_timer_new(w->loop, on_rollback, w);
	w->zones = zones_new(ZONE_DIR, ZONE_LOCAL);
	if (w->rollback == NULL || w->zones == NULL) {
		log_warn("start");
		return ERR_NOMEM;
	}
	return rulefiles_issuers(w);
}

/* With a confirmation awaited already, it is for the rules before the first of
 * those loads: nobody has said yes to any later one. */
int
policy_replace(struct warden *w, const char *from, uint32_t confirm_within)
{
	struct both before = {NULL, NULL};
	int keeps = confirm_within != 0 && !w->has_fallback;
	int r = load(w, from != NULL ? from : w->conf.rules,
	    keeps ? &before : NULL, 0);

	if (r != 0) {
		return r;
	}
	if (keeps) {
		w->fallback = before.rules;
		w->fallback_profiles = before.profiles;
		w->has_fallback = 1;
	}
	if (confirm_within != 0) {
		w->confirm_by = clock_mono() + confirm_within * CLOCK_SEC;
		loop_timer_set(w->rollback, confirm_within * CLOCK_SEC);
	}
	judge_all(w);
	return 0;
}

int
policy_confirm(struct warden *w)
{
	int r;

	if (!w->has_fallback) {
		return ERR_NOENT;
	}
	r = bundles_confirm(w);
	if (r != 0) {
		return r;
	}
	drop_fallback(w);
	audit_write(
	    w, "policy", "confirmed", NULL, NULL, NULL, (char *)NULL);
	return 0;
}

void
policy_reload(struct warden *w)
{
	audit_open(&w->audit, w->conf.audit);
	(void)policy_replace(w, NULL, 0);
	bundles_look(w);
}

void
policy_touched(struct warden *w)
{
	if (load(w, w->conf.rules, NULL, 1) == 0) {
		judge_all(w);
	}
}
