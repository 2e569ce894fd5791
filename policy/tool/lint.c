/*
 * Warnings of check.
 *
 * 1. What the engine finds by comparing rules with each other.
 * 2. Ports by the kernel's name, in the canonical text of each rule.
 * 3. Names, over all files, since a name may be used in another one: what
 *    `define' and `workstations' give one, and where "$NAME" and "@NAME"
 *    stand.
 */
#include "policy/tool/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/tool/words.h"

/* --- rules --- */

struct warning {
	lint_cb *cb;
	void *arg;
};

static void
tell_overlap(void *arg, const struct rule_overlap *o)
{
	const struct warning *to = arg;
	char text[512];

	switch (o->kind) {
	case RULES_UNREACHABLE:
		snprintf(text, sizeof(text),
		    "never reached: %.300s:%u decides whatever this matches",
		    o->by_file, o->by_line);
		break;
	case RULES_OTHER_TERMS:
		snprintf(text, sizeof(text),
		    "%.300s:%u allows some of these devices before, on other "
		    "terms", o->by_file, o->by_line);
		break;
	}
	to->cb(to->arg, o->file, o->line, text);
}

/* "3-2.4" "3-*" "usb3": the number of a bus comes first. */
static int
is_kernel_port(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (strncmp(text, "usb", 3) == 0) {
		return text[3] != '\0' &&
		    text[3 + strspn(text + 3, "0123456789")] == '\0';
	}
	return n > 0 && text[n] == '-' && text[n + 1] != '\0' &&
	    text[n + 1 + strspn(text + n + 1, "0123456789.*")] == '\0';
}

/* The strings behind via-port and under, up to the next word that is no
 * operator. */
static void
find_ports(const struct words *words, const char *file, unsigned line,
    const struct warning *to)
{
	const char *attr = NULL;
	int depth = 0;

	for (size_t i = 0; i < words->n; i++) {
		const struct word *w = &words->list[i];
		char text[256];

		depth += (w->kind == '{') - (w->kind == '}');
		if (w->kind == 'w' && depth == 0) {
			if (strcmp(w->text, "via-port") == 0 ||
			    strcmp(w->text, "under") == 0) {
				attr = w->text;
			} else if (i + 1 == words->n ||
			    words->list[i + 1].kind != '{') {
				attr = NULL;
			}
		} else if (w->kind == '"' && attr != NULL &&
		    is_kernel_port(w->text)) {
			snprintf(text, sizeof(text),
			    "%s \"%.60s\": the number of a bus may change "
			    "when the gateway is started again; the stable "
			    "port does not", attr, w->text);
			to->cb(to->arg, file, line, text);
		}
	}
}

int
lint_rules(const struct rules *rules, lint_cb *cb, void *arg)
{
	struct warning to = {cb, arg};
	struct words *words = malloc(sizeof(*words));
	char *text = malloc(LINT_TEXT);
	int r = words != NULL && text != NULL ? 0 : ERR_NOMEM;

	if (r == 0) {
		rules_overlaps(rules, tell_overlap, &to);
	}
	for (size_t i = 0; r == 0 && i < rules_count(rules); i++) {
		const char *file;
		unsigned line;
		int len = rules_print(rules, i, text, LINT_TEXT);

		if (len < 0) {
			continue; /* a very long one: not looked at */
		}
		rules_where(rules, i, &file, &line);
		r = words_of(words, text, (size_t)len);
		if (r == 0 && words_next(words)) {
			find_ports(words, file, line, &to);
		}
		words_fini(words);
	}
	free(text);
	free(words);
	return r;
}

/* --- names --- */

struct name {
	char *text; /* owned; with '$' or '@' in front */
	char *file; /* owned */
	unsigned line;
};

struct lint_names {
	struct words words;
	struct name *list; /* owned */
	size_t n, room;
	char **uses; /* owned */
	size_t nuses, uses_room;
	int is_nomem;
};

struct lint_names *
lint_names_new(void)
{
	return calloc(1, sizeof(struct lint_names));
}

/* One more place in an array that doubles. */
static void *
more(void *list, size_t n, size_t *room, size_t size, int *is_nomem)
{
	void *bigger;

	if (n < *room) {
		return list;
	}
	bigger = realloc(list, (*room * 2 + 16) * size);
	if (bigger == NULL) {
		*is_nomem = 1;
		return list;
	}
	*room = *room * 2 + 16;
	return bigger;
}

static void
add_name(struct lint_names *names, char kind, const struct word *word,
    const char *file)
{
	size_t size = strlen(word->text) + 2;
	struct name name = {.line = word->line};

	names->list = more(names->list, names->n, &names->room, sizeof(name),
	    &names->is_nomem);
	name.text = malloc(size);
	name.file = strdup(file);
	if (names->is_nomem || name.text == NULL || name.file == NULL) {
		names->is_nomem = 1;
		free(name.text);
		free(name.file);
		return;
	}
	snprintf(name.text, size, "%c%s", kind, word->text);
	names->list[names->n++] = name;
}

static void
add_use(struct lint_names *names, const char *text)
{
	char *use = strdup(text);

	names->uses = more(names->uses, names->nuses, &names->uses_room,
	    sizeof(*names->uses), &names->is_nomem);
	if (names->is_nomem || use == NULL) {
		names->is_nomem = 1;
		free(use);
		return;
	}
	names->uses[names->nuses++] = use;
}

void
lint_names_read(struct lint_names *names, const char *file, const char *text,
    size_t len)
{
	struct words *words = &names->words;

	if (words_of(words, text, len) != 0) {
		names->is_nomem = 1;
	}
	while (!names->is_nomem && words_next(words)) {
		const struct word *w = words->list;

		if (words->n > 1 && strcmp(w->text, "define") == 0) {
			add_name(names, '$', &w[1], file);
		} else if (words->n > 1 &&
		    strcmp(w->text, "workstations") == 0) {
			add_name(names, '@', &w[1], file);
		}
		for (size_t i = 1; i < words->n; i++) {
			if (w[i].text[0] == (w[i].kind == '"' ? '@' : '$')) {
				add_use(names, w[i].text);
			}
		}
	}
	words_fini(words);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
lint_names_find(struct lint_names *names, lint_cb *cb, void *arg)
{
	if (names->is_nomem) {
		return ERR_NOMEM;
	}
	if (names->nuses > 0) {
		qsort(names->uses, names->nuses, sizeof(*names->uses),
		    by_text);
	}
	for (size_t i = 0; i < names->n; i++) {
		const struct name *name = &names->list[i];
		char text[256];

		if (names->nuses > 0 &&
		    bsearch(&name->text, names->uses, names->nuses,
			sizeof(*names->uses), by_text) != NULL) {
			continue;
		}
		snprintf(text, sizeof(text), "%s `%.128s' is never used",
		    name->text[0] == '$' ? "define" : "workstations",
		    name->text + 1);
		cb(arg, name->file, name->line, text);
	}
	return 0;
}

void
lint_names_free(struct lint_names *names)
{
	if (names == NULL) {
		return;
	}
	for (size_t i = 0; i < names->n; i++) {
		free(names->list[i].text);
		free(names->list[i].file);
	}
	for (size_t i = 0; i < names->nuses; i++) {
		free(names->uses[i]);
	}
	free(names->list);
	free(names->uses);
	free(names);
}
