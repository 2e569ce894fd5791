/*
 * The statement `unit' of a test file: how a profile rules on one unit.
 */
#include "policy/tool/suite.h"

#include <stdlib.h>
#include <string.h>

/* The verdict of that name; VERDICTS = none. */
static unsigned
find_verdict(const char *name)
{
	unsigned v = 0;

	while (v < VERDICTS &&
	    strcmp(name, verdict_name((enum verdict)v)) != 0) {
		v++;
	}
	return v;
}

static void
read_words(struct suite_line *line, struct unit_words *unit)
{
	char why[160];

	unit_init(unit);
	while (line->p < line->end && line->p->kind == 'w') {
		const struct word *word = line->p++;

		if (unit_add(unit, word->text, why, sizeof(why)) != 0) {
			suite_error(line, word, "%s", why);
			line->p = line->end;
			return;
		}
	}
	if (!unit->is_named && line->p < line->end) {
		suite_error(
		    line, line->p, "expected a hook, scsi or another");
	}
	suite_take(line, '}', "`}'");
}

void
suite_read_unit(struct suite_line *line)
{
	struct suite_expect *e = suite_add(line);
	const struct word *verdict =
	    e != NULL ? suite_take(line, 'w', "a verdict") : NULL;
	const struct word *profile;

	if (verdict == NULL) {
		return;
	}
	e->unit = calloc(1, sizeof(*e->unit));
	if (e->unit == NULL) {
		suite_error(line, line->first, "out of memory");
		line->p = line->end;
		return;
	}
	e->unit->verdict = find_verdict(verdict->text);
	if (e->unit->verdict == VERDICTS) {
		suite_error(line, verdict, "expected allow, deny, drop, "
					   "rewrite, ask, eject or "
					   "quarantine");
	}
	if (!suite_next_is(line, "by")) {
		suite_error(line, line->p < line->end ? line->p : verdict,
		    "expected `by' and the name of a profile in quotes");
		line->p = line->end;
		return;
	}
	profile = suite_take(line, '"', "the name of a profile in quotes");
	if (profile == NULL ||
	    suite_take(line, '{', "`{' and a unit") == NULL) {
		return;
	}
	e->unit->profile = profile->text;
	read_words(line, &e->unit->unit);
	while (line->p < line->end) {
		const struct word *word;

		if (suite_next_is(line, "implicit")) {
			e->is_implicit = 1;
			continue;
		}
		if (!suite_next_is(line, "key")) {
			suite_error(line, line->p,
			    "expected key or implicit");
			line->p = line->end;
			return;
		}
		word = suite_take(line, '"', "a text in quotes");
		e->key = word != NULL ? word->text : NULL;
	}
}
