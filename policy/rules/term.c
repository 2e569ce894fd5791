/*
 * The terms of an allow: read and checked against what the gateway has, and
 * judged with what the world answers.
 */
#include "policy/rules/ast.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define SELECTORS_MAX 256u
#define WINDOWS_MAX 256u
#define MAX_MAX 1000000u

struct compiler {
	struct rules_load *load;
	const struct source *home; /* whose defaults hold */
	const struct source *source;
	const struct rules_means *means; /* or NULL */
};

static int
complain(struct compiler *c, const struct word *word, const char *text)
{
	int len = word->len > 60 ? 60 : (int)word->len;

	load_error(c->load, c->source, word->line, word->column,
	    word->is_string ? "\"%.*s\": %s" : "`%.*s': %s", len, word->text,
	    text);
	return ERR_FORMAT;
}

static int
has_text(struct compiler *c, const struct word *word, const char *what)
{
	int is_fine = word->len > 0 && word->len <= 255;
	char why[80];

	for (uint32_t i = 0; i < word->len; i++) {
		is_fine &= word->text[i] > ' ' && word->text[i] <= '~';
	}
	if (!is_fine) {
		snprintf(why, sizeof(why),
		    "no %s; expected printable bytes without blanks", what);
		complain(c, word, why);
	}
	return is_fine;
}

/* A profile that nobody has would let nothing through, or worse. */
static int
check_profile(struct compiler *c, const struct word *word)
{
	char why[512] = "this gateway has no profile of that name; it has ";
	size_t used = strlen(why), n;

	if (!has_text(c, word, "name of a profile")) {
		return ERR_FORMAT;
	}
	if (c->means == NULL || !c->means->is_gateway) {
		return 0;
	}
	n = c->means->nprofiles;
	for (size_t i = 0; i < n; i++) {
		const char *name = c->means->profiles[i];
		int r;

		if (strcmp(name, word->text) == 0) {
			return 0;
		}
		r = snprintf(why + used, sizeof(why) - used, "%s`%s'",
		    i == 0	? "" :
		    i + 1 == n ? " and " : ", ", name);
		used += r > 0 && (size_t)r < sizeof(why) - used ? (size_t)r :
								  0;
	}
	if (n == 0) {
		snprintf(why + used, sizeof(why) - used, "none");
	}
	return complain(c, word, why);
}

static int
check_zone(struct compiler *c, const struct word *word)
{
	if (!has_text(c, word, "time zone")) {
		return ERR_FORMAT;
	}
	if (c->means != NULL && c->means->is_zone != NULL &&
	    !c->means->is_zone(c->means->arg, word->text)) {
		return complain(c, word, "no such time zone is known");
	}
	return 0;
}

static int
duration(struct compiler *c, const struct word *word, uint32_t *out)
{
	if (word != NULL && when_duration(word->text, word->len, out) != 0) {
		return complain(c, word, "no duration; expected a number from "
		    "1 and s, m, h or d, such as 30m");
	}
	return 0;
}

static int
compile_selector(
    struct compiler *c, const struct set *set, struct selector *out)
{
	const struct word *word = set->words;
	char why[320];
	uint32_t number;
	int r;

	out->profile = set->profile != NULL ? set->profile->text : "";
	if (word->next != NULL) { /* interface NUM */
		word = word->next;
		if (when_number(word->text, word->len, 255, &number) != 0) {
			return complain(c, word,
			    "no interface number; expected 0 to 255");
		}
		out->is_number = 1;
		out->number = (uint8_t)number;
		return 0;
	}
	out->is_class = memchr(word->text, ':', word->len) == NULL;
	r = value_parse(&c->load->arena, &out->value,
	    out->is_class ? ATTR_WITH_CLASS : ATTR_WITH_INTERFACE, word, why,
	    sizeof(why));
	return r == ERR_FORMAT ? complain(c, word, why) : r;
}

static int
compile_expose(
    struct compiler *c, const struct clause *clause, struct rule *rule)
{
	size_t n = 0;
	int r = 0;

	for (const struct set *set = clause->sets; set != NULL;
	     set = set->next) {
		n++;
	}
	if (n > SELECTORS_MAX) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "`expose' names more than %u interfaces", SELECTORS_MAX);
		return ERR_FORMAT;
	}
	rule->selectors =
	    load_alloc(c->load, n * sizeof(*rule->selectors));
	if (rule->selectors == NULL) {
		return ERR_NOMEM;
	}
	for (const struct set *set = clause->sets; set != NULL;
	     set = set->next) {
		int e = compile_selector(
		    c, set, &rule->selectors[rule->nselectors++]);

		if (e == 0 && set->profile != NULL) {
			e = check_profile(c, set->profile);
		}
		if (e == ERR_NOMEM) {
			return e;
		}
		r = r != 0 ? r : e;
	}
	return r;
}

/* Days and times in turn. */
static int
compile_period(struct compiler *c, const struct word *days,
    const struct word *times, struct window *out)
{
	const char *dash;

	if (when_days(days->text, days->len, &out->days) != 0) {
		return complain(c, days, "no days; expected Mon, Tue, Wed, "
		    "Thu, Fri, Sat or Sun, or a range such as Mon-Fri");
	}
	if (times == NULL) {
		return complain(c, days, "expected times behind the days, "
					 "such as Mon-Fri 06:00-07:30");
	}
	dash = memchr(times->text, '-', times->len);
	if (dash == NULL ||
	    when_time(times->text, (size_t)(dash - times->text), 0,
		&out->from) != 0 ||
	    when_time(dash + 1,
		times->len - (size_t)(dash - times->text) - 1, 1,
		&out->to) != 0) {
		return complain(c, times, "no times of a day; expected "
		    "HH:MM-HH:MM, such as 06:00-07:30");
	}
	if (out->from == out->to) {
		return complain(c, times, "begins when it ends; 00:00-24:00 "
					  "is a whole day");
	}
	return 0;
}

static int
compile_window(
    struct compiler *c, const struct clause *clause, struct rule *rule)
{
	const struct set *set = clause->sets;
	int r = 0;

	if (set->nwords > 2 * WINDOWS_MAX) {
		load_error(c->load, c->source, clause->line, clause->column,
		    "more than %u times in one `window'", WINDOWS_MAX);
		return ERR_FORMAT;
	}
	rule->windows = load_alloc(
	    c->load, (set->nwords + 1) / 2 * sizeof(*rule->windows));
	if (rule->windows == NULL) {
		return ERR_NOMEM;
	}
	for (const struct word *w = set->words; w != NULL;) {
		int e = compile_period(
		    c, w, w->next, &rule->windows[rule->nwindows++]);

		r = r != 0 ? r : e;
		w = w->next != NULL ? w->next->next : NULL;
	}
	if (clause->arg[0] != NULL) {
		int e = check_zone(c, clause->arg[0]);

		r = r != 0 ? r : e;
		rule->zone = clause->arg[0]->text;
	}
	return r;
}

static int
compile_max(
    struct compiler *c, const struct clause *clause, struct rule *rule)
{
	const struct word *word = clause->arg[0];

	if (when_number(word->text, word->len, MAX_MAX, &rule->grant.max) !=
		0 || rule->grant.max == 0) {
		return complain(c, word, "no number; expected 1 to 1000000");
	}
	rule->grant.max_scope = strcmp(clause->arg[1]->text, "per-gateway") ==
		0 ? RULE_PER_GATEWAY : RULE_PER_WORKSTATION;
	return 0;
}

static int
compile_approve(
    struct compiler *c, const struct clause *clause, struct rule *rule)
{
	int r = has_text(c, clause->arg[0], "name of who approves") ?
	    0 : ERR_FORMAT;
	int e;

	rule->grant.approver = clause->arg[0]->text;
	e = duration(c, clause->arg[1], &rule->grant.approve_within);
	r = r != 0 ? r : e;
	e = duration(c, clause->arg[2], &rule->grant.approve_valid);
	return r != 0 ? r : e;
}

static int
compile(struct compiler *c, const struct clause *clause, struct rule *rule)
{
	struct rule_grant *grant = &rule->grant;
	const struct word *word = clause->arg[0];
	int r;

	if (clause->attr == ATTR_USING) {
		grant->profile = word->text;
		return check_profile(c, word);
	}
	if (clause->attr == ATTR_EXPOSE) {
		return compile_expose(c, clause, rule);
	}
	if (clause->attr == ATTR_LEASE) {
		r = duration(c, word, &grant->lease);
		return r != 0 ? r : duration(c, clause->arg[1], &grant->idle);
	}
	if (clause->attr == ATTR_UNTIL) {
		return when_timestamp(word->text, word->len, &grant->until) ==
			0 ? 0 : complain(c, word, "no point in time; expected "
			"\"2027-01-31T18:00:00Z\", or with an offset such as "
			"+01:00 instead of Z");
	}
	if (clause->attr == ATTR_HOLD) {
		return duration(c, word, &grant->hold);
	}
	if (clause->attr == ATTR_ONCE) {
		grant->is_once = 1;
	} else if (clause->attr == ATTR_AT_MOST) {
		return compile_max(c, clause, rule);
	} else if (clause->attr == ATTR_WINDOW) {
		return compile_window(c, clause, rule);
	} else if (clause->attr == ATTR_APPROVE) {
		return compile_approve(c, clause, rule);
	} else {
		grant->has_capture = 1;
		if (c->means != NULL && c->means->is_gateway &&
		    !c->means->has_capture) {
			load_error(c->load, c->source, clause->line,
			    clause->column, "`capture': this gateway keeps "
			    "no captures");
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
term_compile(struct rules_load *load, const struct source *home,
    const struct source *source, const struct clause *clause,
    struct rule *rule)
{
	struct compiler c = {load, home, source, load->means};
	const struct stmt *zone = home->defaults[DEFAULT_TZ];
	struct clause *copy = load_alloc(load, sizeof(*copy));
	struct clause **tail = &rule->terms;

	if (copy == NULL) {
		return ERR_NOMEM;
	}
	*copy = *clause;
	copy->next = NULL;
	if (copy->attr == ATTR_WINDOW && copy->arg[0] == NULL &&
	    zone != NULL) {
		copy->arg[0] = zone->name;
	}
	while (*tail != NULL) {
		tail = &(*tail)->next;
	}
	*tail = copy;
	return compile(&c, copy, rule);
}

/* --- judging --- */

static int
in_window(const struct window *window, const struct rule_local *now)
{
	unsigned today = window->days >> now->weekday & 1;
	unsigned yesterday = window->days >> (now->weekday + 6) % 7 & 1;

	if (window->from < window->to) {
		return today && now->second >= window->from &&
		    now->second < window->to;
	}
	/* over midnight: its second part belongs to the day it began */
	return (today && now->second >= window->from) ||
	    (yesterday && now->second < window->to);
}

static enum rule_term
judge_times(const struct rule *rule, const struct rule_world *world)
{
	struct rule_local now;
	int is_in = rule->nwindows == 0;

	if (rule->nwindows == 0 && rule->grant.until == 0) {
		return RULE_TERM_NONE;
	}
	if (world == NULL ||
	    (rule->nwindows > 0 &&
		(world->ops->local(world->arg, rule->zone, world->now,
		     &now) != 0 || now.weekday > 6))) {
		return RULE_TERM_WORLD;
	}
	for (size_t i = 0; i < rule->nwindows && !is_in; i++) {
		is_in = in_window(&rule->windows[i], &now);
	}
	if (!is_in) {
		return RULE_TERM_WINDOW;
	}
	return rule->grant.until != 0 && world->now >= rule->grant.until ?
	    RULE_TERM_UNTIL : RULE_TERM_NONE;
}

int
term_is_granted(const struct rule *rule, const struct rule_world *world)
{
	return world != NULL && world->moment == RULE_AT_LEASE &&
	    rule->verdict == RULE_ALLOW && rule->id == world->granted_by;
}

enum rule_term
term_judge(const struct rule *rule, const struct rule_world *world,
    int *is_pending)
{
	const struct rule_grant *grant = &rule->grant;
	enum rule_term term = judge_times(rule, world);
	enum rule_approval approval = RULE_NOT_ASKED;

	*is_pending = 0;
	if (term != RULE_TERM_NONE || term_is_granted(rule, world)) {
		return term;
	}
	if (world != NULL && grant->is_once &&
	    world->ops->had_lease(world->arg, rule->id)) {
		return RULE_TERM_ONCE;
	}
	if (world != NULL && grant->max != 0 &&
	    world->ops->leases(world->arg, rule->id,
		(enum rule_scope)grant->max_scope) >= grant->max) {
		return RULE_TERM_MAX;
	}
	if (grant->approver[0] == '\0') {
		return RULE_TERM_NONE;
	}
	if (world != NULL) {
		approval = world->ops->approval(world->arg, rule->id);
	}
	if (approval == RULE_DENIED) {
		return RULE_TERM_APPROVE;
	}
	*is_pending = approval != RULE_APPROVED;
	return RULE_TERM_NONE;
}
