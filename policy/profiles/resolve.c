/*
 * What the fields of a profile are at their hooks. After it, the tree has facts
 * and numbers; all errors say what was expected.
 */
#include "policy/profiles/words.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/text/when.h"

struct resolver {
	struct profile_load *load;
	enum profile_origin origin;
	enum hook hook;
};

static void
list_facts(char *buf, size_t size, enum hook hook)
{
	const struct hook_info *info = hook_info(hook);
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < info->nfacts && used < size; i++) {
		int r;

		if (i > 0 && strcmp(info->facts[i].word,
				 info->facts[i - 1].word) == 0) {
			continue;
		}
		r = snprintf(buf + used, size - used, "%s%s",
		    used > 0 ? ", " : "", info->facts[i].word);
		used += r > 0 ? (size_t)r : 0;
	}
}

/* The fact of that word; *named is the other one of it, which has names. */
static const struct hook_fact *
find_fact(const struct resolver *r, const char *word, const struct place *at,
    const struct hook_fact **named)
{
	const struct hook_info *info = hook_info(r->hook);
	const struct hook_fact *fact =
	    hook_fact_find(r->hook, word, strlen(word));
	char facts[256];

	*named = NULL;
	if (fact == NULL) {
		list_facts(facts, sizeof(facts), r->hook);
		pload_error(r->load, at, "`%.60s' is no fact of `on %s'; "
		    "expected %s", word, info->name, facts);
		return NULL;
	}
	for (const struct hook_fact *f = fact + 1;
	     f < info->facts + info->nfacts; f++) {
		if (strcmp(f->word, fact->word) == 0) {
			*named = f;
		}
	}
	return fact;
}

/* --- comparisons --- */

static int
is_ordered(const struct hook_fact *fact)
{
	return fact->kind == FACT_IS_NUMBER || fact->kind == FACT_IS_SPAN ||
	    (fact->kind == FACT_IS_WORD && !fact->is_closed);
}

static void
check_op(struct resolver *r, const struct match *m)
{
	const struct hook_fact *fact = m->fact;
	const struct value *v = m->values;

	if (m->op == MATCH_IN || v == NULL) {
		return;
	}
	if (m->op == MATCH_NE) {
		if (fact->kind == FACT_IS_KEYS || fact->kind == FACT_IS_CHORDS ||
		    fact->kind == FACT_IS_USAGES) {
			pload_error(r->load, &m->at, "`%s' is a set, which "
			    "has no `!='; expected `not %s'", fact->word,
			    fact->word);
		}
		return;
	}
	if (!is_ordered(fact)) {
		pload_error(r->load, &m->at, "`%s' has no order; expected a "
		    "value or a set", fact->word);
	} else if (v->next != NULL || v->low != v->high) {
		pload_error(r->load, &v->at, "`%.60s' stands for more than "
		    "one number; expected one after `<', `<=', `>' or `>='",
		    v->word);
	}
}

static void
resolve_fact(struct resolver *r, struct match *m)
{
	const struct hook_fact *named;
	struct value *flag;

	m->fact = find_fact(r, m->name, &m->at, &named);
	if (m->fact == NULL) {
		m->values = NULL;
		return;
	}
	if (m->values != NULL) {
		m->values = words_read(
		    r->load, r->origin, &m->fact, named, m->values);
		check_op(r, m);
		return;
	}
	if (m->fact->kind != FACT_IS_FLAG) {
		return; /* its values were wrong */
	}
	flag = pload_alloc(r->load, sizeof(*flag));
	if (flag != NULL) {
		flag->low = flag->high = 1;
		flag->at = m->at;
		m->values = flag;
	}
}

static void
resolve_bytes(struct resolver *r, struct match *m)
{
	static const struct hook_fact widths[] = {
		[0] = {.word = "bytes@", .kind = FACT_IS_HEX},
		[1] = {.word = "u8@", .max = 0xff},
		[2] = {.word = "16 bits", .max = 0xffff},
		[4] = {.word = "32 bits", .max = 0xffffffff}};
	const struct hook_fact *fact = &widths[m->width];

	m->values = words_read(r->load, r->origin, &fact, NULL, m->values);
	if (m->width != 0) {
		if (m->op != MATCH_IN && m->op != MATCH_NE &&
		    m->values != NULL &&
		    (m->values->next != NULL ||
			m->values->low != m->values->high)) {
			pload_error(r->load, &m->values->at,
			    "`%.60s' stands for more than one number; "
			    "expected one after `<', `<=', `>' or `>='",
			    m->values->word);
		}
		return;
	}
	if (m->op != MATCH_IN && m->op != MATCH_NE) {
		pload_error(r->load, &m->at, "`bytes@' has no order; "
		    "expected a string of hex or a set of them");
	}
	for (struct value *v = m->values; v != NULL; v = v->next) {
		v->is_prefix = 0;
		if (v->len != m->values->len) {
			pload_error(r->load, &v->at, "values of %u and of %u "
			    "bytes in one match; expected one length",
			    m->values->len, v->len);
			return;
		}
	}
	if (m->mask != NULL && m->values != NULL &&
	    m->mask_len != m->values->len) {
		pload_error(r->load, &m->at, "a mask of %u bytes for values "
		    "of %u; expected one length", m->mask_len,
		    m->values->len);
	}
}

/* { Mon-Fri 08:00-18:00 }: days hold for the times after them. */
static void
resolve_time(struct resolver *r, struct match *m)
{
	struct window **tail = &m->windows;
	const struct value *dangling = NULL;
	uint8_t days = 0x7f, more;

	for (const struct value *v = m->values; v != NULL; v = v->next) {
		size_t len = strlen(v->word);
		const char *dash = strchr(v->word, '-');
		struct window w = {0};

		if (when_days(v->word, len, &more) == 0) {
			days = more;
			dangling = v;
			continue;
		}
		if (dash == NULL ||
		    when_time(v->word, (size_t)(dash - v->word), 0,
			&w.from) != 0 ||
		    when_time(dash + 1, strlen(dash + 1), 1, &w.to) != 0) {
			pload_error(r->load, &v->at, "`%.40s' is no time; "
			    "expected days such as Mon-Fri and times such as "
			    "08:00-18:00", v->word);
			return;
		}
		*tail = pload_alloc(r->load, sizeof(w));
		if (*tail == NULL) {
			return;
		}
		w.days = days;
		**tail = w;
		tail = &(*tail)->next;
		dangling = NULL;
	}
	if (dangling != NULL) {
		pload_error(r->load, &dangling->at, "days without a time; "
		    "expected times after `%.40s', such as 08:00-18:00",
		    dangling->word);
	}
}

/* --- rules --- */

static void
resolve_edit(struct resolver *r, struct edit *e)
{
	const struct hook_fact *named;
	struct value word = {.word = e->word, .at = e->at};
	struct value *v;
	char list[128] = "";
	size_t used = 0;

	e->fact = find_fact(r, e->name, &e->at, &named);
	if (e->fact == NULL) {
		return;
	}
	if (!e->fact->is_editable) {
		const struct hook_info *info = hook_info(r->hook);

		for (size_t i = 0; i < info->nfacts; i++) {
			if (info->facts[i].is_editable && used < sizeof(list)) {
				int n = snprintf(list + used,
				    sizeof(list) - used, "%s%s",
				    used > 0 ? ", " : "",
				    info->facts[i].word);

				used += n > 0 ? (size_t)n : 0;
			}
		}
		pload_error(r->load, &e->at, "`%s' cannot be rewritten; "
		    "expected %s", e->fact->word, used > 0 ? list :
			"another verdict: nothing of this hook can be");
		return;
	}
	v = words_read(r->load, r->origin, &e->fact, named, &word);
	if (v != NULL && (v->next != NULL || v->low != v->high)) {
		pload_error(r->load, &e->at, "`%s' is set to more than one "
		    "number; expected one", e->fact->word);
	}
	e->value = v != NULL ? v->low : 0;
}

static void
resolve_rule(struct resolver *r, struct prule *rule)
{
	for (struct edit *e = rule->edits; e != NULL; e = e->next) {
		resolve_edit(r, e);
	}
	for (struct match *m = rule->matches; m != NULL; m = m->next) {
		switch (m->kind) {
		case MATCH_FACT:
			resolve_fact(r, m);
			break;
		case MATCH_BYTES:
			resolve_bytes(r, m);
			break;
		case MATCH_TIME:
			resolve_time(r, m);
			break;
		case MATCH_OVER:
		case MATCH_CONTAINS:
			break;
		}
	}
}

/* `pin report "sha256:…"': 32 bytes; `pin usage': numbers. */
static void
resolve_pin(struct resolver *r, struct pin *pin)
{
	static const struct hook_fact usage = {.word = "pin usage",
	    .kind = FACT_IS_USAGES,
	    .max = 0xffffffff};
	static const struct hook_fact report = {
	    .word = "pin report", .kind = FACT_IS_TEXT};
	const struct hook_fact *fact = pin->is_usage ? &usage : &report;

	pin->values =
	    words_read(r->load, r->origin, &fact, NULL, pin->values);
	for (struct value *v = pin->values; v != NULL && !pin->is_usage;
	     v = v->next) {
		uint8_t *digest = pload_alloc(r->load, 32);
		int is_right = v->len == 7 + 64 && !v->is_prefix &&
		    memcmp(v->bytes, "sha256:", 7) == 0;

		for (size_t i = 0; digest != NULL && is_right && i < 32; i++) {
			is_right = number_hex((const char *)v->bytes + 7 +
				2 * i, 2, 1, &digest[i]) == 0;
		}
		if (!is_right) {
			pload_error(r->load, &v->at, "no digest of a report "
			    "descriptor; expected \"sha256:\" and 64 hex "
			    "digits");
			continue;
		}
		v->bytes = digest;
		v->len = 32;
	}
}

void
resolve_profile(struct profile_load *load, struct pstmt *stmt)
{
	struct resolver r = {.load = load, .origin = stmt->source->origin};
	struct profile *p = stmt->profile;

	for (struct pin *pin = p->pins; pin != NULL; pin = pin->next) {
		resolve_pin(&r, pin);
	}
	for (unsigned hook = 0; hook < HOOKS; hook++) {
		r.hook = (enum hook)hook;
		for (struct prule *rule = p->rules[hook]; rule != NULL;
		     rule = rule->next) {
			resolve_rule(&r, rule);
		}
	}
}
