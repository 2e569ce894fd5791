/*
 * Rulings on their way out of inspection: to the audit log, and to whoever is
 * asked for a verdict. Runs in sallyport-session. A held unit has an entry with
 * its deadline; when that comes, or nobody can be asked, `else' is the answer.
 */
#include "proxy/session/inspect_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"

static struct ask *
free_ask(struct inspect *i)
{
	for (unsigned n = 0; n < ARRAY_LEN(i->asks); n++) {
		if (i->asks[n].id == 0) {
			return &i->asks[n];
		}
	}
	return NULL;
}

static unsigned
waiting(const struct inspect *i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < ARRAY_LEN(i->asks); k++) {
		n += i->asks[k].id != 0 && !i->asks[k].is_answered;
	}
	return n;
}

/* Until the first deadline. */
static void
set_timer(struct inspect *i)
{
	uint64_t now = clock_mono(), first = UINT64_MAX;

	for (unsigned n = 0; n < ARRAY_LEN(i->asks); n++) {
		const struct ask *ask = &i->asks[n];

		if (ask->id != 0 && !ask->is_answered &&
		    ask->deadline < first) {
			first = ask->deadline;
		}
	}
	if (first == UINT64_MAX) {
		loop_timer_stop(i->deadline);
	} else {
		loop_timer_set(i->deadline, first > now ? first - now : 0);
	}
}

static void
open_ask(struct inspect *i, unsigned profile, const struct table_rule *rule,
    const struct pjudge_report *report)
{
	struct ask *ask = free_ask(i);
	struct inspect_ask m = {
		.hook = report->hook,
		.rule = *rule,
		.facts = report->facts,
	};
	int is_full = waiting(i) >= INSPECT_ASKS;

	if (ask == NULL) {
		return;
	}
	i->next_ask += i->next_ask == UINT32_MAX ? 2 : 1;
	m.id = i->next_ask;
	*ask = (struct ask){
		.id = m.id,
		.profile = profile,
		.verdict = rule->ask_else,
		.deadline = clock_mono() + rule->ask_within,
	};
	ask->is_answered = is_full || i->hooks.ask(i->hooks.arg, &m) != 0;
	i->opened = ask;
}

void
inspect_on_report(void *arg, const struct pjudge_report *report)
{
	struct pjudge *judge = arg;
	struct inspect *i = judge->owner;
	struct inspect_report m = {
		.profile = table_name(&i->table, judge->profile),
		.interface = i->current != NULL ? i->current->number : 0,
		.what = report,
		.transfer = i->judged,
	};

	if (table_rule(&i->table, judge->profile, report->rule, &m.rule) !=
	    0) {
		m.rule = (struct table_rule){
			.file = "", .key = "", .log = "", .ask = ""};
	}
	if (report->verdict == VERDICT_ASK && !report->is_trial) {
		open_ask(i, judge->profile, &m.rule, report);
	}
	i->hooks.report(i->hooks.arg, &m);
}

void
inspect_recall(struct inspect *i, const struct transfer *t)
{
	i->opened = NULL;
	for (unsigned n = 0; n < ARRAY_LEN(i->asks); n++) {
		const struct ask *ask = &i->asks[n];

		if (ask->id != 0 && ask->t == t && ask->is_answered) {
			i->judges[ask->profile].has_answer = 1;
			i->judges[ask->profile].answer = ask->verdict;
		}
	}
}

void
inspect_judged(struct inspect *i, const struct transfer *t, int is_final)
{
	for (unsigned n = 0; n < i->nprofiles; n++) {
		i->judges[n].has_answer = 0;
	}
	for (unsigned n = 0; is_final && n < ARRAY_LEN(i->asks); n++) {
		if (i->asks[n].id != 0 && i->asks[n].t == t) {
			i->asks[n].id = 0;
		}
	}
}

int
inspect_wait(struct inspect *i, struct transfer *t)
{
	struct ask *ask = i->opened;

	i->opened = NULL;
	if (ask == NULL) {
		return ERR_PEER;
	}
	ask->t = t;
	if (ask->is_answered) {
		i->again = 1;
	} else {
		set_timer(i);
	}
	return 0;
}

void
inspect_stop_waiting(struct inspect *i, const struct transfer *t)
{
	for (unsigned n = 0; n < ARRAY_LEN(i->asks); n++) {
		struct ask *ask = &i->asks[n];

		if (ask->id != 0 && ask->t == t) {
			if (!ask->is_answered) {
				i->hooks.ask_over(i->hooks.arg, ask->id);
			}
			ask->id = 0;
		}
	}
	set_timer(i);
}

static void
settle(struct inspect *i, struct ask *ask, enum verdict verdict)
{
	ask->is_answered = 1;
	ask->verdict = verdict;
	transfers_resume(i->how.transfers, ask->t);
}

int
inspect_answer(struct inspect *i, uint32_t id, enum verdict verdict)
{
	for (unsigned n = 0; id != 0 && n < ARRAY_LEN(i->asks); n++) {
		struct ask *ask = &i->asks[n];

		if (ask->id == id && !ask->is_answered) {
			settle(i, ask, verdict);
			set_timer(i);
			return 0;
		}
	}
	return ERR_NOENT;
}

void
inspect_on_deadline(void *arg)
{
	struct inspect *i = arg;
	uint64_t now = clock_mono();

	for (unsigned n = 0; n < ARRAY_LEN(i->asks); n++) {
		struct ask *ask = &i->asks[n];

		if (ask->id != 0 && !ask->is_answered &&
		    ask->deadline <= now) {
			i->hooks.ask_over(i->hooks.arg, ask->id);
			settle(i, ask, ask->verdict);
		}
	}
	set_timer(i);
}
