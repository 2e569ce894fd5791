/*
 * Decisions in words. Everything shown here comes from the rules, not from a
 * device.
 */
#include "policy/tool/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/tool/when.h"

static const struct {
	const char *word, *meaning;
} terms[] = {
	[RULE_TERM_NONE] = {"", ""},
	[RULE_TERM_WINDOW] = {"window", "outside of its window"},
	[RULE_TERM_UNTIL] = {"until", "its time has passed"},
	[RULE_TERM_ONCE] = {"once", "had it since it was plugged in"},
	[RULE_TERM_MAX] = {"max", "its `max' is reached"},
	[RULE_TERM_APPROVE] = {"approve", "the approval was denied"},
	[RULE_TERM_FORBID] = {"forbid",
	    "a `forbid exposed' forbids what would be shown"},
	[RULE_TERM_EXPOSE] = {"expose", "nothing of the device is exposed"},
	[RULE_TERM_WORLD] = {"time", "the time there is not known"},
};
#define NTERMS (sizeof(terms) / sizeof(terms[0]))

const char *
verdict_term(enum rule_term term)
{
	return (size_t)term < NTERMS ? terms[term].word : "?";
}

const char *
verdict_term_words(enum rule_term term)
{
	return (size_t)term < NTERMS ? terms[term].meaning : "?";
}

/* A text that grows up to its size and is cut there. */
struct words {
	char *p;
	size_t len, size;
};

static void add(struct words *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->p + w->len, w->size - w->len, fmt, ap);
	va_end(ap);
	if (n > 0) {
		w->len += (size_t)n < w->size - w->len ? (size_t)n :
							 w->size - w->len - 1;
	}
}

const char *
verdict_line(char *buf, size_t size, const struct rule_decision *d)
{
	struct words w = {buf, 0, size};
	char dur[WHEN_TEXT];

	if (d->is_implicit) {
		add(&w, "%s: implicit, no rule matches",
		    rule_verdict_name(d->verdict));
		return buf;
	}
	add(&w, "%s: %s:%u%s%s", rule_verdict_name(d->verdict), d->file, d->line,
	    d->key[0] != '\0' ? " key " : "", d->key);
	if (d->is_forbid) {
		add(&w, ": forbidden");
	}
	if (d->term != RULE_TERM_NONE) {
		add(&w, ": %s", verdict_term_words(d->term));
	}
	if (d->verdict == RULE_PENDING) {
		add(&w, ": needs approval by \"%s\"", d->grant.approver);
		if (d->grant.approve_within != 0) {
			add(&w, " within %s",
			    when_show_duration(dur, d->grant.approve_within));
		}
	}
	if (d->verdict == RULE_DEPENDS) {
		add(&w, ": it depends on the workstation");
	}
	return buf;
}

static void
add_duration(struct words *w, const char *name, uint32_t seconds)
{
	char dur[WHEN_TEXT];

	if (seconds != 0) {
		add(w, "%s%s %s", w->len > 0 ? ", " : "", name,
		    when_show_duration(dur, seconds));
	}
}

static void
add_word(struct words *w, const char *word)
{
	add(w, "%s%s", w->len > 0 ? ", " : "", word);
}

static const char *
scope_name(unsigned scope)
{
	return scope == RULE_PER_GATEWAY ? "per-gateway" : "per-workstation";
}

const char *
verdict_grant(char *buf, size_t size, const struct rule_decision *d)
{
	const struct rule_grant *g = &d->grant;
	struct words w = {buf, 0, size};
	char at[WHEN_TEXT];

	buf[0] = '\0';
	if (g->profile[0] != '\0') {
		add(&w, "using \"%s\"", g->profile);
	}
	add_duration(&w, "lease", g->lease);
	add_duration(&w, "idle", g->idle);
	add_duration(&w, "hold", g->hold);
	if (g->until != 0) {
		add_word(&w, "until ");
		add(&w, "%s", when_show(at, g->until));
	}
	if (g->is_once) {
		add_word(&w, "once");
	}
	if (g->max_scope != 0) {
		add_word(&w, "max ");
		add(&w, "%u %s", g->max, scope_name(g->max_scope));
	}
	if (g->has_capture) {
		add_word(&w, "capture");
	}
	if (g->approver[0] != '\0') {
		add_word(&w, "approve by ");
		add(&w, "\"%s\"", g->approver);
		if (g->approve_valid != 0) {
			add(&w, " valid %s",
			    when_show_duration(at, g->approve_valid));
		}
	}
	return buf;
}

static int
is_shown(const struct rule_exposure *e, const struct rule_interface *in)
{
	return e->is_all ||
	    (in->config < RULE_CONFIGS &&
		(e->mask[in->config][in->number / 8] >> in->number % 8 & 1));
}

const char *
verdict_exposes(char *buf, size_t size, const struct rule_decision *d,
    const struct rule_device *dev)
{
	struct words w = {buf, 0, size};
	uint8_t shown[256] = {0};

	buf[0] = '\0';
	for (size_t i = 0; i < dev->ninterfaces; i++) {
		if (is_shown(&d->exposes, &dev->interfaces[i])) {
			shown[dev->interfaces[i].number] = 1;
		}
	}
	for (unsigned n = 0; n < sizeof(shown); n++) {
		if (shown[n]) {
			add(&w, "%s%u", w.len > 0 ? " " : "", n);
		}
	}
	return buf;
}

/* What is 0 or "" is not given. */
static json_t *
grant_json(const struct rule_grant *g)
{
	const struct {
		const char *name;
		json_int_t value;
	} numbers[] = {
		{"lease", g->lease}, {"idle", g->idle}, {"hold", g->hold},
		{"approve_within", g->approve_within},
		{"approve_valid", g->approve_valid},
	};
	json_t *top = json_pack("{s:b, s:b}", "once", g->is_once, "capture",
	    g->has_capture);
	char at[WHEN_TEXT];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].value != 0) {
			json_object_set_new(top, numbers[i].name,
			    json_integer(numbers[i].value));
		}
	}
	if (g->until != 0) {
		json_object_set_new(
		    top, "until", json_string(when_show(at, g->until)));
	}
	if (g->max_scope != 0) {
		json_object_set_new(top, "max",
		    json_pack("{s:I, s:s}", "number", (json_int_t)g->max,
			"scope", scope_name(g->max_scope)));
	}
	if (g->profile[0] != '\0') {
		json_object_set_new(top, "using", json_string(g->profile));
	}
	if (g->approver[0] != '\0') {
		json_object_set_new(
		    top, "approver", json_string(g->approver));
	}
	return top;
}

static json_t *
exposes_json(const struct rule_decision *d, const struct rule_device *dev)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dev->ninterfaces; i++) {
		const struct rule_interface *in = &dev->interfaces[i];
		int is_new = is_shown(&d->exposes, in);

		for (size_t j = 0; j < i && is_new; j++) {
			is_new = dev->interfaces[j].config != in->config ||
			    dev->interfaces[j].number != in->number;
		}
		if (is_new) {
			json_array_append_new(list,
			    json_pack("{s:i, s:i}", "configuration",
				(int)in->config, "interface",
				(int)in->number));
		}
	}
	return list;
}

json_t *
verdict_json(const struct rule_decision *d, const struct rule_device *dev)
{
	json_t *top = json_pack("{s:s, s:b, s:b, s:s, s:i, s:s, s:s}",
	    "verdict", rule_verdict_name(d->verdict), "implicit", d->is_implicit,
	    "forbid", d->is_forbid, "file", d->file, "line", (int)d->line,
	    "key", d->key, "term", verdict_term(d->term));

	if (top != NULL &&
	    (d->verdict == RULE_ALLOW || d->verdict == RULE_PENDING)) {
		json_object_set_new(top, "grant", grant_json(&d->grant));
		json_object_set_new(top, "exposes", exposes_json(d, dev));
	}
	return top;
}
