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
 */
#include <string.h>

#include "base/err.h"
#include "policy/profiles/ast.h"
#include "policy/profiles/layout.h"

#define SECOND UINT64_C(1000000000)

/* One ruling as it is made. */
struct ruling_at {
	struct pjudge *j;
	struct tview v;
	const struct facts *f;
	uint64_t now;
	int64_t local;
	int may_count;
	uint32_t quotas; /* bit n: meter n is a quota that the unit met */
};

static int
is_pass(unsigned verdict)
{
	return verdict == VERDICT_ALLOW || verdict == VERDICT_REWRITE;
}

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

	if (meter->is_quota) {
		at->quotas |= UINT32_C(1) << m->meter;
	}
	return meter_over(meter, &at->j->meters[m->meter], at->f, at->now,
		   at->may_count) != m->is_not;
}

static int
rule_holds(struct ruling_at *at, const struct trule *r)
{
	int all = is_pass(r->verdict);

	for (uint32_t i = 0; i < r->nmatches; i++) {
		const struct tmatch *m = &at->v.matches[r->match + i];

		if (m->kind == MATCH_OVER ?
			!over_holds(at, m) :
			!tmatch_holds(&at->v, m, at->f, all, at->local)) {
			return 0;
		}
	}
	return 1;
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

/* A rule decided. Reported, and turned into what it means now. */
static void
decide(struct ruling_at *at, const struct trule *r, uint32_t rule,
    struct ruling *out)
{
	fill(out, r, rule);
	if (out->verdict == VERDICT_ASK && at->j->has_answer) {
		at->j->has_answer = 0;
		out->verdict = at->j->answer;
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

		if (!rule_holds(at, r)) {
			continue;
		}
		if ((r->flags & TRULE_AUDIT) != 0) {
			report(at, rule, r->verdict, 1);
		} else if (r->verdict == VERDICTS) {
			report(at, rule, VERDICTS, 0);
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

static struct ruling_at
begin(struct pjudge *j, const struct facts *facts, uint64_t now)
{
	struct ruling_at at = {
		.j = j,
		.v = table_view(&j->table, j->profile),
		.f = facts,
		.now = now,
		/* a unit that is judged again was counted the first time */
		.may_count = !j->has_answer,
	};

	at.local = j->wall + (int64_t)(now / SECOND) + at.v.head->utc_offset;
	return at;
}

static void
on_rule(struct judge *judge, const struct facts *facts, uint64_t now,
    struct ruling *out)
{
	struct ruling_at at =
	    begin((struct pjudge *)(void *)judge, facts, now);

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

static const char *
meter_name(const struct tview *v, unsigned i)
{
	return (const char *)v->texts + v->meters[i].name;
}

static int
is_same_meter(const struct tview *a, unsigned i, const struct tview *b,
    unsigned k)
{
	const struct tmeter *x = &a->meters[i], *y = &b->meters[k];

	return x->is_quota == y->is_quota && x->per == y->per &&
	    (x->is_quota || x->amount == y->amount) &&
	    strcmp(meter_name(a, i), meter_name(b, k)) == 0;
}

void
pjudge_swap(struct pjudge *j, const struct table *table, unsigned profile,
    uint64_t mono_now)
{
	struct tview old = table_view(&j->table, j->profile);
	struct tview new = table_view(table, profile);
	struct meter_state states[TABLE_METERS] = {{0}};

	(void)mono_now;
	for (unsigned i = 0; i < new.profile->nmeters; i++) {
		for (unsigned k = 0; k < old.profile->nmeters; k++) {
			if (is_same_meter(&new, i, &old, k)) {
				states[i] = j->meters[k];
			}
		}
	}
	memcpy(j->meters, states, sizeof(j->meters));
	j->table = *table;
	j->profile = profile;
}

int
pjudge_quota(const struct pjudge *j, unsigned i, const char **name,
    uint64_t *used, int64_t *since)
{
	struct tview v = table_view(&j->table, j->profile);

	for (unsigned k = 0; k < v.profile->nmeters; k++) {
		if (!v.meters[k].is_quota || i-- != 0) {
			continue;
		}
		*name = meter_name(&v, k);
		*used = j->meters[k].level;
		*since = j->meters[k].since == 0 ? 0 :
		    j->wall + (int64_t)(j->meters[k].since / SECOND);
		return 0;
	}
	return ERR_NOENT;
}

void
pjudge_quota_set(struct pjudge *j, const char *name, uint64_t used,
    int64_t since, int64_t wall_now, uint64_t mono_now)
{
	struct tview v = table_view(&j->table, j->profile);
	uint64_t age = since > 0 && since < wall_now ?
	    (uint64_t)(wall_now - since) : 0;

	for (unsigned k = 0; k < v.profile->nmeters; k++) {
		struct meter_state *state = &j->meters[k];

		if (!v.meters[k].is_quota ||
		    strcmp(meter_name(&v, k), name) != 0) {
			continue;
		}
		if (age > UINT64_MAX / SECOND ||
		    age * SECOND >= v.meters[k].per) {
			*state = (struct meter_state){0}; /* that one is over */
			continue;
		}
		state->level = used;
		/* 0 means none: a machine that is up for less than that */
		state->since = mono_now > age * SECOND ?
		    mono_now - age * SECOND : 1;
	}
}

/* ------------------------------------------------------------------------ */
/* Explaining                                                               */

static const char *
failed_match(struct ruling_at *at, const struct trule *r)
{
	static const char *const kinds[] = {
		[MATCH_FACT] = NULL,
		[MATCH_OVER] = "the meter or quota says otherwise",
		[MATCH_BYTES] = "its bytes are others",
		[MATCH_CONTAINS] = "it does not contain that",
		[MATCH_TIME] = "it is another time",
	};
	int all = is_pass(r->verdict);

	for (uint32_t i = 0; i < r->nmatches; i++) {
		const struct tmatch *m = &at->v.matches[r->match + i];
		const struct hook_fact *fact =
		    hook_fact_of(at->f->hook, (enum fact)m->fact);

		if (m->kind == MATCH_OVER ?
			over_holds(at, m) :
			tmatch_holds(&at->v, m, at->f, all, at->local)) {
			continue;
		}
		return m->kind == MATCH_FACT && fact != NULL ?
		    fact->word : kinds[m->kind % 5] != NULL ?
		    kinds[m->kind % 5] : "it does not match";
	}
	return NULL;
}

void
pjudge_explain(struct pjudge *j, const struct facts *facts, uint64_t now,
    table_explain_cb *cb, void *arg)
{
	struct meter_state kept[TABLE_METERS];
	struct ruling_at at = begin(j, facts, now);
	const struct thook *on = &at.v.profile->on[facts->hook];
	struct table_rule rule;

	memcpy(kept, j->meters, sizeof(kept));
	at.may_count = 0;
	for (uint32_t i = 0; i < on->n; i++) {
		const struct trule *r = &at.v.rules[on->first + i];
		const char *why = failed_match(&at, r);

		(void)table_rule(&j->table, j->profile, on->first + i, &rule);
		cb(arg, &rule, why == NULL, why != NULL ? why : "");
		if (why == NULL && (r->flags & TRULE_AUDIT) == 0 &&
		    r->verdict != VERDICTS) {
			break;
		}
	}
	memcpy(j->meters, kept, sizeof(kept));
}
