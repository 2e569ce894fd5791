/*
 * What meters and quotas have counted, over a change of the table and, of quotas,
 * over the end of a session.
 */
#include <string.h>

#include "base/err.h"
#include "policy/profiles/layout.h"

#define SECOND UINT64_C(1000000000)

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
