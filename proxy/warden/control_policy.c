/*
 * The control socket's requests about rules: other ones, why they say what they
 * say, and the two things that they may leave to a person.
 */
#include "proxy/warden/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#define STEPS_MAX 2000u
#define SECONDS_MAX (366 * 86400)

/* A member that is a number of seconds; 0 = not there, -1 = not one. */
static long
seconds_of(json_t *request, const char *name)
{
	json_t *o = json_object_get(request, name);
	json_int_t n = json_integer_value(o);

	if (o == NULL) {
		return 0;
	}
	return json_is_integer(o) && n > 0 && n <= SECONDS_MAX ? (long)n : -1;
}

/* ------------------------------------------------------------------------ */
/* Other rules                                                              */

static json_t *
with_diff(struct warden *w, const struct snapshot *before,
    const struct snapshot *after)
{
	json_t *o = control_success();

	json_object_set_new(
	    o, "rules", json_integer((json_int_t)rules_count(w->rules)));
	json_object_set_new(o, "changes", snapshot_diff(before, after));
	return o;
}

static json_t *
dry_run(struct warden *w, const char *from, const struct snapshot *before)
{
	struct rules *rules = NULL;
	struct profile_set *profiles = NULL;
	struct snapshot *after = NULL;
	struct source src;
	json_t *o;

	if (rulefiles_load(w, from != NULL ? from : w->conf.rules, &src,
		&rules, &profiles) != 0) {
		o = control_failure(1, src.error);
	} else if ((after = snapshot_take(w, rules)) == NULL) {
		o = control_failure(1, "out of memory");
	} else {
		o = control_success();
		json_object_set_new(o, "dry_run", json_true());
		json_object_set_new(o, "rules",
		    json_integer((json_int_t)rules_count(rules)));
		json_object_set_new(
		    o, "changes", snapshot_diff(before, after));
	}
	snapshot_free(after);
	rules_free(rules);
	profile_set_free(profiles);
	source_fini(&src);
	return o;
}

json_t *
control_reload(struct warden *w, json_t *request)
{
	const char *from = json_string_value(json_object_get(request, "path"));
	int is_dry = json_is_true(json_object_get(request, "dry_run"));
	long within = seconds_of(request, "confirm_within");
	struct snapshot *before, *after = NULL;
	json_t *o;

	if (within < 0) {
		return control_failure(2, "confirm_within: not a duration");
	}
	if (from != NULL && (from[0] != '/' || (!is_dry && within == 0))) {
		return control_failure(2, "other rules than those of the "
		    "configuration are only tried: --dry-run or "
		    "--confirm-within");
	}
	before = snapshot_take(w, w->rules);
	if (before == NULL) {
		return control_failure(1, "out of memory");
	}
	if (is_dry) {
		o = dry_run(w, from, before);
	} else {
		audit_open(&w->audit, w->conf.audit);
		revoked_read(w);
		bundles_look(w);
		upstream_look(w);
		if (policy_replace(w, from, (uint32_t)within) != 0) {
			o = control_failure(1, w->rules_error);
		} else if ((after = snapshot_take(w, w->rules)) == NULL) {
			o = control_success(); /* done, but not to be told */
		} else {
			o = with_diff(w, before, after);
		}
	}
	if (w->has_fallback) {
		json_object_set_new(o, "confirm_within",
		    json_integer(control_left(w->confirm_by)));
	}
	snapshot_free(before);
	snapshot_free(after);
	return o;
}

json_t *
control_confirm(struct warden *w, json_t *request)
{
	(void)request;
	int r = policy_confirm(w);

	return r == 0 ? control_success() :
	    r == ERR_NOENT ?
		control_failure(5, "no rules wait to be confirmed") :
		control_failure(1, "that they are confirmed cannot be written "
				   "down; the log says why");
}

/* ------------------------------------------------------------------------ */
/* Why                                                                      */

struct steps {
	json_t *list;
	size_t omitted;
};

static void
on_step(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	struct steps *steps = arg;
	json_t *o;

	if (json_array_size(steps->list) >= STEPS_MAX) {
		/* the last ones are the ones that matter */
		json_array_remove(steps->list, 0);
		steps->omitted++;
	}
	o = json_object();
	control_text(o, "file", file);
	json_object_set_new(o, "line", json_integer(line));
	json_object_set_new(o, "matched", json_boolean(matched));
	control_text(o, "reason", reason);
	json_array_append_new(steps->list, o);
}

/* One that is not connected, by one fact: "dns:ws1.example". */
static int
assume(struct x509_facts *facts, const char *text)
{
	static const struct {
		const char *prefix;
		uint8_t type; /* enum identity_san_type, 0 = a name */
	} kinds[] = {
		{"dns:", SAN_DNS}, {"uri:", SAN_URI}, {"cn:", 0}, {"ou:", 0}};

	memset(facts, 0, sizeof(*facts));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);
		const char *value = text + len;

		if (strncmp(text, kinds[i].prefix, len) != 0 ||
		    *value == '\0' || strlen(value) >= IDENTITY_TEXT) {
			continue;
		}
		if (kinds[i].type != 0) {
			facts->nsan = 1;
			facts->san[0].type = kinds[i].type;
			memcpy(facts->san[0].text, value, strlen(value) + 1);
		} else if (kinds[i].prefix[0] == 'c') {
			memcpy(facts->cn, value, strlen(value) + 1);
		} else {
			facts->nou = 1;
			memcpy(facts->ou[0], value, strlen(value) + 1);
		}
		return 1;
	}
	return 0;
}

/* "@7", a name as `sallyctl sessions' has it, or a whole identity. */
static int
find_person(struct warden *w, const char *text, struct known_person *out)
{
	static struct known_person people[PEOPLE_MAX];
	unsigned n = people_list(w, people, PEOPLE_MAX);
	const struct session *s;

	if (*text == '@') {
		TAILQ_FOREACH (s, &w->sessions, entry) {
			if (s->is_identified &&
			    strtoul(text + 1, NULL, 10) == s->conn) {
				*out = (struct known_person){
					.person = {&s->facts, s->who},
					.session = s};
				return 1;
			}
		}
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(identity_short(people[i].person.facts), text) ==
			0 ||
		    (people[i].session != NULL &&
			strcmp(people[i].session->identity, text) == 0)) {
			*out = people[i];
			return 1;
		}
	}
	return 0;
}

static void
put_decision(json_t *o, const struct rule_decision *d)
{
	control_text(o, "verdict", rule_verdict_name(d->verdict));
	json_object_set_new(o, "implicit", json_boolean(d->is_implicit));
	if (!d->is_implicit) {
		control_text(o, "file", d->file);
		json_object_set_new(o, "line", json_integer(d->line));
		control_text(o, "key", d->key);
	}
	if (d->term != RULE_TERM_NONE) {
		control_text(o, "term", term_word(d->term));
	}
	if (d->verdict == RULE_PENDING) {
		control_text(o, "approver", d->grant.approver);
	}
}

static json_t *
explain(struct warden *w, const struct device *dev,
    const struct known_person *who, int is_assumed)
{
	struct steps steps = {.list = json_array()};
	json_t *o = control_success();
	enum rule_moment moment = RULE_AT_LIST;
	uint64_t granted_by = 0;
	struct judged judged;
	struct world world;

	if (dev->holder != NULL && dev->holder->lease != NULL &&
	    memcmp(dev->holder->who, who->person.who, BOOK_KEY) == 0) {
		moment = RULE_AT_LEASE;
		granted_by = dev->holder->lease->rule;
	}
	policy_judge(w, w->rules, dev, &who->person, moment, granted_by,
	    &judged);
	world_init(&world, w, dev, who->person.who, moment, granted_by, NULL);
	rules_explain(w->rules, &dev->facts, who->person.facts, &world.world,
	    on_step, &steps);
	control_text(o, "busid", dev->place.busid);
	control_text(o, "stable", dev->name);
	control_text(o, "identity", identity_short(who->person.facts));
	json_object_set_new(o, "assumed", json_boolean(is_assumed));
	put_decision(o, &judged.d);
	json_object_set_new(o, "steps", steps.list);
	json_object_set_new(
	    o, "omitted", json_integer((json_int_t)steps.omitted));
	return o;
}

json_t *
control_explain(struct warden *w, json_t *request)
{
	const char *what =
	    json_string_value(json_object_get(request, "device"));
	const char *who =
	    json_string_value(json_object_get(request, "identity"));
	struct device *dev;
	struct known_person person;
	struct x509_facts *facts;
	char identity[IDENTITY_NAME];
	uint8_t key[BOOK_KEY];
	json_t *o;

	if (what == NULL || who == NULL) {
		return control_failure(2, "explain what, and to whom?");
	}
	if (w->rules == NULL) {
		return control_failure(
		    1, "no rules are in force; nothing is exported");
	}
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (dev->record != NULL && dev->state != DEVICE_KEPT &&
		    registry_is_named(dev, what)) {
			break;
		}
	}
	if (dev == NULL) {
		return control_failure(
		    5, "no such device; see `sallyctl devices'");
	}
	if (find_person(w, who, &person)) {
		return explain(w, dev, &person, 0);
	}
	facts = calloc(1, sizeof(*facts));
	if (facts == NULL || !assume(facts, who)) {
		free(facts);
		return control_failure(5,
		    "no such identity is connected; see `sallyctl sessions', "
		    "or give one fact: dns:NAME, uri:NAME, cn:NAME, ou:NAME");
	}
	identity_name(identity, sizeof(identity), facts);
	world_who(key, identity);
	person = (struct known_person){.person = {facts, key}};
	o = explain(w, dev, &person, 1);
	free(facts);
	return o;
}

/* ------------------------------------------------------------------------ */
/* What a person decides                                                    */

/* For how long it waits yet, or counts: for people, and for programs. */
static void
put_left(json_t *e, uint64_t ends)
{
	uint64_t now = clock_mono();

	json_object_set_new(e, "seconds", json_integer(control_left(ends)));
	json_object_set_new(e, "left_ms",
	    json_integer(ends <= now ? 0
				     : (json_int_t)((ends - now) / CLOCK_MSEC)));
}

/* Units of transfers that wait, beside devices that do. */
static void
put_held(const struct warden *w, json_t *list)
{
	const struct held *held;

	TAILQ_FOREACH (held, &w->held, entry) {
		json_t *e = json_object();

		json_object_set_new(e, "id", json_integer(held->id));
		control_text(e, "state", "held");
		control_text(e, "name",
		    identity_short(&held->session->facts));
		control_text(e, "approver", held->ask.server);
		control_text(e, "unit", held->ask.text);
		if (held->session->device != NULL) {
			json_object_set_new(e, "stable",
			    json_string(held->session->device->name));
		}
		put_left(e, held->ends);
		json_array_append_new(list, e);
	}
}

json_t *
control_asks(struct warden *w, json_t *request)
{
	static const char *const states[] = {
		[ASK_OPEN] = "open",
		[ASK_APPROVED] = "approved",
		[ASK_DENIED] = "denied",
	};
	json_t *o = control_success(), *list = json_array();
	const struct ask *ask;

	(void)request;
	TAILQ_FOREACH (ask, &w->book->asks, entry) {
		json_t *e = json_object();

		json_object_set_new(e, "id", json_integer(ask->id));
		control_text(e, "state", states[ask->state]);
		control_text(e, "name", ask->name);
		control_text(e, "stable", ask->device_name);
		control_text(e, "approver", ask->approver);
		if (ask->ends != 0) {
			put_left(e, ask->ends);
		}
		json_array_append_new(list, e);
	}
	put_held(w, list);
	json_object_set_new(o, "asks", list);
	return o;
}

static json_t *
answer(struct warden *w, json_t *request, int is_yes)
{
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	struct said said = {.say = is_yes ? IPC_SAY_ALLOW : IPC_SAY_DENY,
		.by = "operator", .reason = ""};

	if (id < 1 || id > UINT32_MAX ||
	    (asks_answer(w, (unsigned)id, &said) != 0 &&
		held_answer(w, (unsigned)id, &said) != 0)) {
		return control_failure(
		    5, "no such ask; see `sallyctl approve'");
	}
	return control_success();
}

json_t *
control_approve(struct warden *w, json_t *request)
{
	return answer(w, request, 1);
}

json_t *
control_deny(struct warden *w, json_t *request)
{
	return answer(w, request, 0);
}

json_t *
control_arm(struct warden *w, json_t *request)
{
	const char *token =
	    json_string_value(json_object_get(request, "token"));
	long seconds = seconds_of(request, "seconds");
	int r;

	if (token == NULL || seconds <= 0) {
		return control_failure(2, "arm which token, for how long?");
	}
	r = armed_set(w, token, (uint32_t)seconds);
	if (r == ERR_LIMIT) {
		return control_failure(
		    1, "too many tokens are armed; disarm one");
	}
	return r == 0 ? control_success()
		      : control_failure(2,
			    "a token is 1 to 63 characters without blanks");
}

json_t *
control_disarm(struct warden *w, json_t *request)
{
	const char *token =
	    json_string_value(json_object_get(request, "token"));

	return token != NULL && armed_unset(w, token) == 0
	    ? control_success()
	    : control_failure(5, "that token is not armed");
}

json_t *
control_policy(struct warden *w, json_t *request)
{
	json_t *o = control_status(w, request), *list = json_array();

	for (unsigned i = 0; i < w->narmed; i++) {
		json_t *e = json_object();

		control_text(e, "token", w->armed[i].token);
		json_object_set_new(e, "seconds",
		    json_integer(control_left(w->armed[i].ends)));
		json_array_append_new(list, e);
	}
	control_text(o, "path", w->conf.rules);
	json_object_set_new(o, "armed", list);
	return o;
}
