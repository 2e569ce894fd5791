/*
 * What other rules would mean: the verdict for each device that is here and each
 * identity that is known, before and after.
 */
#include "proxy/warden/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define DIFF_MAX 10000u

struct cell {
	const struct device *dev;
	const struct known_person *who;
	enum rule_verdict verdict;
	int has_it; /* the verdict is about its lease */
	const char *why; /* of a lease that would end; static */
	const char *file;
	unsigned line;
};

struct snapshot {
	struct known_person people[PEOPLE_MAX];
	unsigned npeople;
	size_t n;
	struct cell cells[];
};

static void
fill(struct warden *w, const struct rules *rules, struct cell *cell)
{
	struct session *holder = cell->dev->holder;
	struct judged judged;

	if (holder != NULL && holder->lease != NULL &&
	    memcmp(holder->who, cell->who->person.who, BOOK_KEY) == 0) {
		cell->has_it = 1;
		cell->why = "rules changed";
		cell->verdict =
		    lease_goes_on(holder, rules, &judged, &cell->why)
		    ? RULE_ALLOW
		    : RULE_BLOCK;
	} else {
		policy_judge(w, rules, cell->dev, &cell->who->person,
		    RULE_AT_LIST, 0, &judged);
		cell->verdict = judged.d.verdict;
	}
	cell->file = judged.d.is_implicit ? "" : judged.d.file;
	cell->line = judged.d.line;
}

struct snapshot *
snapshot_take(struct warden *w, const struct rules *rules)
{
	struct snapshot *snap;
	struct device *dev;
	size_t n = 0;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		n++;
	}
	snap = calloc(1,
	    sizeof(*snap) + n * PEOPLE_MAX * sizeof(snap->cells[0]));
	if (snap == NULL) {
		return NULL;
	}
	snap->npeople = people_list(w, snap->people, PEOPLE_MAX);
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (dev->record == NULL || dev->state == DEVICE_REFUSED ||
		    dev->state == DEVICE_KEPT) {
			continue;
		}
		for (unsigned i = 0; i < snap->npeople; i++) {
			struct cell *cell = &snap->cells[snap->n++];

			cell->dev = dev;
			cell->who = &snap->people[i];
			fill(w, rules, cell);
		}
	}
	return snap;
}

void
snapshot_free(struct snapshot *snapshot)
{
	free(snapshot);
}

static const char *
change_word(const struct cell *before, const struct cell *after)
{
	if (before->verdict == after->verdict) {
		return NULL;
	}
	if (after->has_it) {
		return after->verdict == RULE_ALLOW ? NULL : "ejected";
	}
	switch (after->verdict) {
	case RULE_ALLOW:
		return "allowed";
	case RULE_PENDING:
		return "pending";
	case RULE_BLOCK:
	case RULE_REJECT:
	case RULE_DEPENDS:
		break;
	}
	return before->verdict == RULE_ALLOW || before->verdict == RULE_PENDING
	    ? "refused"
	    : NULL;
}

json_t *
snapshot_diff(const struct snapshot *before, const struct snapshot *after)
{
	json_t *list = json_array();

	for (size_t i = 0; i < after->n && i < before->n; i++) {
		const struct cell *a = &before->cells[i], *b = &after->cells[i];
		const char *word = change_word(a, b);
		json_t *o;

		if (word == NULL || json_array_size(list) >= DIFF_MAX) {
			continue;
		}
		o = json_object();
		control_text(o, "change", word);
		control_text(o, "busid", b->dev->place.busid);
		control_text(o, "stable", b->dev->name);
		control_text(
		    o, "name", identity_short(b->who->person.facts));
		if (b->has_it) {
			control_text(o, "reason", b->why);
		}
		if (*b->file != '\0') {
			control_text(o, "file", b->file);
			json_object_set_new(
			    o, "line", json_integer(b->line));
		}
		json_array_append_new(list, o);
	}
	return list;
}
