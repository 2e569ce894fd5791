/*
 * Where a line of a USBGuard file means something else here than it does to
 * USBGuard itself. Each is one of the corrections C1..C7 of
 * sallyport.rules(5): so an administrator sees what a file will do that it did
 * not do before.
 */
#include "policy/rules/ast.h"

#include <string.h>

#include "base/err.h"

void
difference_note(struct rules_load *load, const struct source *source,
    uint32_t line, unsigned correction, const char *text)
{
	struct difference *note = arena_alloc(&load->notes, sizeof(*note));
	struct difference **where;

	if (note == NULL) {
		load->is_nomem = 1;
		return;
	}
	note->file =
	    arena_dup(&load->notes, source->name, strlen(source->name));
	note->text = text; /* a constant */
	note->line = line;
	note->correction = correction;
	if (note->file == NULL) {
		load->is_nomem = 1;
		return;
	}
	/* those of errors were noted while the text was read, and belong
	 * between the others of the same text */
	for (where = load->differences_of; *where != NULL &&
	     (*where)->line <= line; where = &(*where)->next) {
	}
	note->next = *where;
	*where = note;
	if (note->next == NULL) {
		load->differences_tail = &note->next;
	}
	load->differences_of = where;
}

static int
has_upper_hex(const struct set *set)
{
	for (const struct word *w = set->words; w != NULL; w = w->next) {
		for (uint32_t i = 0; i < w->len; i++) {
			if (w->text[i] >= 'A' && w->text[i] <= 'F') {
				return 1;
			}
		}
	}
	return 0;
}

/* Whether one interface may fit both. */
static int
overlaps(const struct word *a, const struct word *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;

	for (uint32_t i = 0; i < n; i++) {
		char x = a->text[i], y = b->text[i];

		if (x == '*' || y == '*') {
			return 1; /* all behind it are, too */
		}
		if ((x | 0x20) != (y | 0x20)) {
			return 0;
		}
	}
	return 1;
}

static int
has_overlap(const struct set *set)
{
	for (const struct word *a = set->words; a != NULL; a = a->next) {
		for (const struct word *b = a->next; b != NULL; b = b->next) {
			if (overlaps(a, b)) {
				return 1;
			}
		}
	}
	return 0;
}

static void
find_in_conditions(struct rules_load *load, const struct source *source,
    uint32_t line, const struct set *set)
{
	static const char localtime[] = "localtime(", rule[] = "rule-";
	int has_time = 0, has_rule = 0;

	for (const struct word *w = set->words; w != NULL; w = w->next) {
		uint32_t skip = w->len > 0 && w->text[0] == '!';
		uint32_t n = w->len - skip;

		has_time |= n >= strlen(localtime) &&
		    memcmp(w->text + skip, localtime, strlen(localtime)) == 0;
		has_rule |= n >= strlen(rule) &&
		    memcmp(w->text + skip, rule, strlen(rule)) == 0;
	}
	if (has_time) {
		difference_note(load, source, line, 4,
		    "localtime is the gateway's local time, with seconds and "
		    "over midnight; USBGuard takes UTC");
	}
	if (has_rule) {
		difference_note(load, source, line, 5,
		    "rule-applied and rule-evaluated ask for the rule's own "
		    "past, in seconds; to USBGuard they are always false");
	}
}

static void
find_in_clause(struct rules_load *load, const struct source *source,
    const struct clause *clause)
{
	const struct set *set = clause->sets;
	uint32_t line = clause->line;
	enum rule_attr attr = clause->attr;

	if (set == NULL) {
		return;
	}
	if (attr == ATTR_ID && has_upper_hex(set)) {
		difference_note(load, source, line, 1,
		    "ids are numbers; to USBGuard one with upper-case digits "
		    "matches no device");
	}
	if (attr == ATTR_WITH_INTERFACE && set->nwords <= RULES_MAX_EQUALS &&
	    (set->op == OP_NONE || set->op == OP_EQUALS) &&
	    has_overlap(set)) {
		difference_note(load, source, line, 2,
		    "`equals' pairs interfaces off one to one; to USBGuard "
		    "one interface may stand for several values");
	}
	if (set->op == OP_MATCH_ALL && attr != ATTR_ID &&
	    attr != ATTR_WITH_INTERFACE && attr != ATTR_IF &&
	    attr != ATTR_LABEL) {
		difference_note(load, source, line, 3,
		    "`match-all' compares texts; to USBGuard it holds for "
		    "every text");
	}
	if (attr == ATTR_IF) {
		find_in_conditions(load, source, line, set);
	}
}

void
differences_start(struct rules_load *load)
{
	load->differences_text = load->differences_tail;
	load->differences_of = load->differences_text;
}

/* Again from the first note of the text: those that it made while it was read
 * have their places already. */
void
differences_find(struct rules_load *load, const struct source *source)
{
	load->differences_of = load->differences_text;
	for (const struct stmt *stmt = source->stmts; stmt != NULL;
	     stmt = stmt->next) {
		for (const struct clause *clause = stmt->clauses;
		     clause != NULL; clause = clause->next) {
			find_in_clause(load, source, clause);
		}
	}
}

void
rules_load_differences(
    const struct rules_load *load, rules_difference_cb *cb, void *arg)
{
	static const char *const names[] = {
	    "", "C1", "C2", "C3", "C4", "C5", "C6", "C7"};

	for (const struct difference *note = load->differences; note != NULL;
	     note = note->next) {
		cb(arg, note->file, note->line, names[note->correction],
		    note->text);
	}
}
