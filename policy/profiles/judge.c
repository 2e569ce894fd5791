/*
 * The judge of one profile: the rules of a hook in order, the first that
 * decides is the ruling. Runs in a session for each unit; no malloc, no clock of
 * its own.
 *
 * 1. lookup.c gives the rules that can match; each match of one is tried,
 *    meters and quotas last, so that they count only what all else is true for.
 * 2. `note' and what is on trial is reported, and the next rule is tried.
 * 3. At the end of the hook nothing decided: denied.
 * 4. What is finally let through is charged to the quotas that it met.
 *
 * A unit that was held is judged again, with its answer, by the table that holds
 * then. It was counted and noted the first time. A refusal that it was answered
 * stands even when the rules would no longer ask.
 */
#include <string.h>

#include "policy/profiles/ast.h"
#include "policy/profiles/judge_parts.h"

#define SECOND UINT64_C(1000000000)

static int
is_refusal(unsigned verdict)
{
	return verdict == VERDICT_DENY || verdict == VERDICT_DROP ||
	    verdict == VERDICT_EJECT || verdict == VERDICT_QUARANTINE;
}

static int
over_holds(struct ruling_at *at, const struct tmatch *m)
{
	const struct tmeter *meter = &at->v.meters[m->meter];
	uint32_t bit = UINT32_C(1) << m->meter;

	if ((at->asked & bit) == 0) {
		at->asked |= bit;
		at->quotas |= meter->is_quota ? bit : 0;
		at->over |= meter_over(meter, &at->j->meters[m->meter], at->f,
				at->now, at->is_again) ?
		    bit :
		    0;
	}
	return ((at->over & bit) != 0) != m->is_not;
}

const struct tmatch *
ruling_fails(struct ruling_at *at, const struct trule *r)
{
	int all = is_pass(r->verdict);

	for (uint32_t i = 0; i < r->nmatches; i++) {
		const struct tmatch *m = &at->v.matches[r->match + i];

		if (m->kind == MATCH_OVER ?
			!over_holds(at, m) :
			!tmatch_holds(&at->v, m, at->f, all, at->local)) {
			return m;
		}
	}
	return NULL;
}

static void
report(const struct ruling_at *at, uint32_t rule, unsigned verdict,
    int is_trial)
{
	const struct pjudge_report m = {
		.hook = at->f->hook,
		.verdict = verdict,
		.is_trial = is_trial != 0,
		.rule = rule,
		.facts = at->f,
	};

	at->j->sink.report(at->j->sink.arg, &m);
}

static void
fill(struct ruling *out, const struct trule *r, uint32_t rule)
{
	out->verdict = (enum verdict)r->verdict;
	out->how = (enum verdict_how)r->how;
	memcpy(out->sense, r->sense, sizeof(out->sense));
	out->code = r->code;
	out->rule = rule;
	out->nedits = r->nedits;
	for (unsigned i = 0; i < r->nedits; i++) {
		out->edits[i] = (struct ruling_edit){
			(enum fact)r->edits[i].fact, r->edits[i].value};
	}
}

/* What does not decide; of a unit that is judged again it was said before. */
static void
report_first(const struct ruling_at *at, uint32_t rule, unsigned verdict,
    int is_trial)
{
	if (!at->is_again) {
		report(at, rule, verdict, is_trial);
	}
}

/* A rule decided. Reported, and turned into what it means now. */
static void
decide(struct ruling_at *at, const struct trule *r, uint32_t rule,
    struct ruling *out)
{
	fill(out, r, rule);
	if (at->is_again &&
	    (out->verdict == VERDICT_ASK || (is_pass(out->verdict) &&
					is_refusal(at->j->answer)))) {
		out->verdict = at->j->answer;
		out->nedits = 0;
	}
	if (at->v.profile->is_audit &&
	    (is_refusal(out->verdict) || out->verdict == VERDICT_ASK)) {
		report(at, rule, out->verdict, 1);
		out->verdict = VERDICT_ALLOW;
		return;
	}
	if (is_refusal(out->verdict) || out->verdict == VERDICT_ASK ||
	    (r->flags & TRULE_LOG) != 0) {
		report(at, rule, out->verdict, 0);
	}
}

/* No rule did. */
static void
decide_end(struct ruling_at *at, struct ruling *out)
{
	*out = (struct ruling){
		.verdict = VERDICT_DENY, .rule = RULING_IMPLICIT};
	report(at, RULING_IMPLICIT, VERDICT_DENY, at->v.profile->is_audit);
	if (at->v.profile->is_audit) {
		out->verdict = VERDICT_ALLOW;
	}
}

static void
walk(struct ruling_at *at, struct ruling *out)
{
	struct candidates c;
	uint32_t rule;

	candidates_init(&c, &at->v, &at->v.profile->on[at->f->hook], at->f);
	while ((rule = candidates_next(&c)) != UINT32_MAX) {
		const struct trule *r = &at->v.rules[rule];

		if (ruling_fails(at, r) != NULL) {
			continue;
		}
		if ((r->flags & TRULE_AUDIT) != 0) {
			report_first(at, rule, r->verdict, 1);
		} else if (r->verdict == VERDICTS) {
			report_first(at, rule, VERDICTS, 0);
		} else {
			decide(at, r, rule, out);
			return;
		}
	}
	decide_end(at, out);
}

static void
charge(const struct ruling_at *at)
{
	uint64_t len =
	    facts_has(at->f, FACT_LEN) ? at->f->num[FACT_LEN] : 0;

	for (unsigned i = 0; i < at->v.profile->nmeters; i++) {
		if ((at->quotas >> i & 1) != 0) {
			meter_charge(&at->v.meters[i], &at->j->meters[i], len,
			    at->now);
		}
	}
}

struct ruling_at
ruling_begin(struct pjudge *j, const struct facts *facts, uint64_t now)
{
	struct ruling_at at = {
		.j = j,
		.v = table_view(&j->table, j->profile),
		.f = facts,
		.now = now,
		.is_again = j->has_answer,
	};

	at.local = j->wall + (int64_t)(now / SECOND) + at.v.head->utc_offset;
	j->has_answer = 0;
	return at;
}

static void
on_rule(struct judge *judge, const struct facts *facts, uint64_t now,
    struct ruling *out)
{
	struct ruling_at at =
	    ruling_begin((struct pjudge *)(void *)judge, facts, now);

	walk(&at, out);
	if (at.quotas != 0 && is_pass(out->verdict)) {
		charge(&at);
	}
}

static void
on_invalid(struct judge *judge, enum hook hook, const char *what)
{
	struct pjudge *j = (struct pjudge *)(void *)judge;
	const struct pjudge_report m = {
		.hook = hook,
		.verdict = VERDICT_EJECT,
		.rule = RULING_IMPLICIT,
		.what = what,
	};

	j->sink.report(j->sink.arg, &m);
}

static const struct judge_ops ops = {on_rule, on_invalid};

void
pjudge_init(struct pjudge *j, const struct table *table, unsigned profile,
    const struct pjudge_sink *sink, int64_t wall_now, uint64_t mono_now)
{
	memset(j, 0, sizeof(*j));
	j->judge.ops = &ops;
	j->table = *table;
	j->profile = profile;
	j->sink = *sink;
	j->wall = wall_now - (int64_t)(mono_now / SECOND);
}
