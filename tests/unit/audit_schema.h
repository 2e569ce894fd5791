/*
 * Whether a line is one that docs/AUDIT.md has: reads the table of events there,
 * and holds lines that were really written against it.
 */
#ifndef TESTS_UNIT_AUDIT_SCHEMA_H
#define TESTS_UNIT_AUDIT_SCHEMA_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SCHEMA_ROWS 96
#define SCHEMA_MEMBERS 24

static struct schema_row {
	char cells[6][512]; /* with the words in their backticks */
	unsigned seen;
} schema[SCHEMA_ROWS];
static unsigned nschema;

enum { CELL_EVENT, CELL_OUTCOME, CELL_DEVICE, CELL_SESSION, CELL_RULE,
	CELL_MEMBERS };

static inline int
schema_load(void)
{
	char line[1024];
	FILE *f = fopen("docs/AUDIT.md", "r");

	nschema = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *p = line, *bar;
		unsigned n = 0;

		while (p[0] == '|' && (bar = strchr(p + 1, '|')) != NULL &&
		    n < 6) {
			(void)snprintf(schema[nschema].cells[n++],
			    sizeof(schema[nschema].cells[0]), "%.*s",
			    (int)(bar - p - 1), p + 1);
			p = bar;
		}
		/* other tables of that page have less */
		nschema += n == 6 && strchr(line, '`') != NULL;
		if (nschema == SCHEMA_ROWS) {
			break;
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return nschema > 40 && nschema < SCHEMA_ROWS ? 0 : -1;
}

/* The word stands in that cell; *is_maybe: with a ? behind it. */
static inline int
schema_has(const char *cell, const char *word, int *is_maybe)
{
	char quoted[128];
	const char *at;

	(void)snprintf(quoted, sizeof(quoted), "`%s`", word);
	at = strstr(cell, quoted);
	*is_maybe = at != NULL && at[strlen(quoted)] == '?';
	return at != NULL;
}

static inline struct schema_row *
schema_find(const char *event, const char *outcome)
{
	int is_maybe;

	for (unsigned i = 0; i < nschema; i++) {
		if (schema_has(schema[i].cells[CELL_EVENT], event, &is_maybe) &&
		    schema_has(schema[i].cells[CELL_OUTCOME], outcome,
			&is_maybe)) {
			return &schema[i];
		}
	}
	return NULL;
}

/* Each member of o is text, or a number where that is said, and is one of
 * names. */
static inline int
schema_object(const json_t *o, const char *names)
{
	const char *key;
	json_t *value;
	int is_maybe;

	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		int is_number =
		    strcmp(key, "connection") == 0 || strcmp(key, "line") == 0;

		if (!schema_has(names, key, &is_maybe) ||
		    (is_number ? !json_is_integer(value)
			       : !json_is_string(value))) {
			return 0;
		}
	}
	return json_is_object(o) && json_object_size(o) > 0;
}

/* What is not as the column says, or NULL. */
static inline const char *
schema_column(const struct schema_row *row, const json_t *o)
{
	static const struct {
		const char *name, *first, *members;
	} columns[] = {
		[CELL_DEVICE] = {"device", "busid",
		    "`busid` `id` `stable` `name` `serial` `hash`"},
		[CELL_SESSION] = {"session", "peer",
		    "`connection` `peer` `identity` `name` `fingerprint`"},
		[CELL_RULE] = {"rule", "file", "`file` `line` `key` `term`"},
	};

	for (unsigned i = CELL_DEVICE; i <= CELL_RULE; i++) {
		const json_t *value = json_object_get(o, columns[i].name);
		const char *cell = row->cells[i];

		if (value == NULL ? strstr(cell, "yes") != NULL
				  : strstr(cell, "yes") == NULL &&
			    strstr(cell, "may") == NULL) {
			return columns[i].name;
		}
		if (value != NULL &&
		    !(i == CELL_RULE && json_is_string(value) &&
			strcmp(json_string_value(value), "implicit") == 0) &&
		    (json_object_get(value, columns[i].first) == NULL ||
			!schema_object(value, columns[i].members))) {
			return columns[i].name;
		}
	}
	return NULL;
}

/* Members of its own: those that must be there, and no other. */
static inline const char *
schema_members(const struct schema_row *row, const json_t *o)
{
	static const char common[] = "`seq` `time` `mono_ms` `event` `outcome` "
				     "`device` `session` `rule` `mac`";
	static char why[64];
	const char *key, *p = row->cells[CELL_MEMBERS];
	json_t *value;
	int is_maybe;

	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		if (!schema_has(common, key, &is_maybe) &&
		    (!schema_has(p, key, &is_maybe) ||
			!json_is_string(value))) {
			(void)snprintf(why, sizeof(why), "%.60s", key);
			return why;
		}
	}
	while ((p = strchr(p, '`')) != NULL) {
		size_t n = strcspn(p + 1, "`");

		(void)snprintf(why, sizeof(why), "%.*s", (int)n, p + 1);
		p += n + 2;
		if (*p != '?' && json_object_get(o, why) == NULL) {
			return why;
		}
	}
	return NULL;
}

/* What is wrong with a line, or NULL. */
static inline const char *
schema_judge(const char *line)
{
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *outcome = json_string_value(json_object_get(o, "outcome"));
	const char *mac = json_string_value(json_object_get(o, "mac"));
	struct schema_row *row;
	const char *why = NULL;

	if (event == NULL || outcome == NULL || mac == NULL ||
	    strlen(mac) != 64 || strncmp(line, "{\"seq\":", 7) != 0 ||
	    !json_is_integer(json_object_get(o, "seq")) ||
	    !json_is_integer(json_object_get(o, "mono_ms")) ||
	    json_string_length(json_object_get(o, "time")) != 24) {
		json_decref(o);
		return "what each line has";
	}
	row = schema_find(event, outcome);
	if (row == NULL) {
		json_decref(o);
		return "event and outcome";
	}
	row->seen++;
	why = schema_column(row, o);
	if (why == NULL) {
		why = schema_members(row, o);
	}
	json_decref(o);
	return why;
}

/* All lines of a log: how many there are, or -1 after printing one that is
 * wrong. */
static inline long
schema_check_log(const char *path)
{
	static char line[256 * 1024 + 2];
	FILE *f = fopen(path, "r");
	long n = 0;

	if (f == NULL || (nschema == 0 && schema_load() != 0)) {
		print_error("%s or docs/AUDIT.md cannot be read\n", path);
		n = -1;
	}
	while (n >= 0 && fgets(line, sizeof(line), f) != NULL) {
		const char *why = schema_judge(line);

		if (why != NULL) {
			print_error("not as in docs/AUDIT.md: %s: %s", why, line);
			n = -1;
			break;
		}
		n++;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return n;
}

#endif
