/*
 * A load: texts in, tree and errors collected, the table out. Runs in the
 * warden at start and reload, and in sallyport-policy; the texts are an
 * administrator's and may be any bytes, so everything is bounded.
 */
#include "policy/rules/ast.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/parse.h"
#include "policy/text/shown.h"

#define ERROR_TEXT 1024

struct rules_load *
rules_load_new(void)
{
	struct rules_load *load = calloc(1, sizeof(*load));

	if (load != NULL) {
		load->tail = &load->sources;
		load->differences_tail = &load->differences;
	}
	return load;
}

void
rules_load_free(struct rules_load *load)
{
	if (load == NULL) {
		return;
	}
	for (struct source *s = load->sources; s != NULL; s = s->next) {
		free(s->text);
	}
	arena_fini(&load->arena);
	arena_fini(&load->notes);
	free(load);
}

size_t
rules_load_error_count(const struct rules_load *load)
{
	return load->nerrors;
}

const struct rule_error *
rules_load_error(const struct rules_load *load, size_t i)
{
	if (i >= load->nerrors || i >= RULES_MAX_ERRORS) {
		return NULL;
	}
	return &load->errors[i];
}

void *
load_alloc(struct rules_load *load, size_t size)
{
	void *p = arena_alloc(&load->arena, size);

	if (p == NULL) {
		load->is_nomem = 1;
	}
	return p;
}

static void add_error(struct rules_load *load, const struct source *source,
    uint32_t line, uint32_t column, const char *fmt, va_list ap)
    __attribute__((format(printf, 5, 0)));

static void
add_error(struct rules_load *load, const struct source *source, uint32_t line,
    uint32_t column, const char *fmt, va_list ap)
{
	struct rule_error *error;
	char text[ERROR_TEXT];

	if (load->nerrors++ >= RULES_MAX_ERRORS) {
		return;
	}
	error = &load->errors[load->nerrors - 1];
	vsnprintf(text, sizeof(text), fmt, ap);
	shown_clean(text);
	error->file = source->name;
	error->line = line;
	error->column = column;
	error->text = arena_dup(&load->arena, text, strlen(text));
	if (error->text == NULL) {
		load->is_nomem = 1;
		error->text = "out of memory";
	}
	error->source = shown_line(&load->arena, source->text, source->len,
	    line, column, &error->caret);
}

static int
comes_after(const struct rules_load *load, const struct rule_error *a,
    const struct rule_error *b)
{
	if (a->file != b->file) {
		for (const struct source *s = load->sources; s != NULL;
		     s = s->next) {
			if (s->name == a->file || s->name == b->file) {
				return s->name == b->file;
			}
		}
	}
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void
load_sort_errors(struct rules_load *load)
{
	size_t n = load->nerrors < RULES_MAX_ERRORS ? load->nerrors
						    : RULES_MAX_ERRORS;

	for (size_t i = 1; i < n; i++) {
		struct rule_error error = load->errors[i];
		size_t j = i;

		while (j > 0 &&
		    comes_after(load, &load->errors[j - 1], &error)) {
			load->errors[j] = load->errors[j - 1];
			j--;
		}
		load->errors[j] = error;
	}
}

void
load_error(struct rules_load *load, const struct source *source,
    uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_error(load, source, line, column, fmt, ap);
	va_end(ap);
}

void
load_error_at(struct rules_load *load, const struct token *token,
    const char *fmt, ...)
{
	va_list ap;

	if (load->lex.is_stopped || load->is_nomem) {
		return; /* what follows from the end is no news */
	}
	va_start(ap, fmt);
	add_error(load, load->lex.source, token->line, token->column, fmt, ap);
	va_end(ap);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return (c | 0x20) - 'a' + 10;
}

/* Into the arena; the lexer has checked the escapes. */
static char *
unescape(struct rules_load *load, const char *text, uint32_t *len)
{
	char *out = load_alloc(load, (size_t)*len + 1);
	uint32_t n = 0;

	if (out == NULL) {
		return NULL;
	}
	for (uint32_t i = 0; i < *len; i++) {
		if (text[i] != '\\') {
			out[n++] = text[i];
		} else if (text[++i] == 'x') {
			out[n++] = (char)(hex_digit(text[i + 1]) << 4 |
			    hex_digit(text[i + 2]));
			i += 2;
		} else {
			out[n++] = text[i];
		}
	}
	*len = n;
	return out;
}

struct word *
load_word(struct rules_load *load, const struct token *token, int is_string)
{
	struct word *word = load_alloc(load, sizeof(*word));

	if (word == NULL) {
		return NULL;
	}
	word->line = token->line;
	word->column = token->column;
	word->len = token->len;
	word->is_string = is_string != 0;
	if (is_string) {
		word->text = unescape(load, token->text, &word->len);
	} else {
		word->text = arena_dup(&load->arena, token->text, token->len);
	}
	if (word->text == NULL) {
		load->is_nomem = 1;
		return NULL;
	}
	return word;
}

struct set *
load_set(struct rules_load *load, enum set_op op, const struct token *at)
{
	struct set *set = load_alloc(load, sizeof(*set));

	if (set != NULL) {
		set->op = op;
		set->line = at->line;
		set->column = at->column;
		set->tail = &set->words;
		set->last = set;
	}
	return set;
}

struct set *
load_set_join(struct set *list, struct set *more)
{
	if (list != NULL && more != NULL) {
		list->last->next = more;
		list->last = more->last;
	}
	return list;
}

void
load_set_add(struct rules_load *load, struct set *set, struct word *word)
{
	struct token at;

	if (set == NULL || word == NULL) {
		return;
	}
	*set->tail = word;
	set->tail = &word->next;
	at = (struct token){.line = word->line, .column = word->column};
	if (++set->nwords == RULES_MAX_SET + 1) {
		load_error_at(load, &at, "more than %u values in one set",
		    RULES_MAX_SET);
	}
	if (++load->nvalues > RULES_MAX_VALUES) {
		load_error_at(load, &at, "more than %u values in all rules",
		    RULES_MAX_VALUES);
		load->lex.is_stopped = 1;
	}
}

struct stmt *
load_stmt(
    struct rules_load *load, enum stmt_kind kind, const struct token *at)
{
	struct stmt *stmt = load_alloc(load, sizeof(*stmt));

	if (stmt != NULL) {
		stmt->kind = kind;
		stmt->source = load->lex.source;
		stmt->line = at->line;
		stmt->column = at->column;
	}
	load->stmt = stmt;
	return stmt;
}

int
load_clause(struct rules_load *load, enum rule_attr attr,
    const struct token *at, struct set *sets, struct word *const *args)
{
	struct stmt *stmt = load->stmt;
	struct clause *clause, **where;

	if (stmt == NULL || load->is_nomem) {
		return ERR_FORMAT;
	}
	if (stmt->seen & 1u << attr) {
		if (attr == ATTR_LABEL &&
		    load->lex.source->dialect == RULES_USBGUARD) {
			difference_note(load, load->lex.source, at->line, 6,
			    "a second `label' is an error; USBGuard adds it "
			    "to the first");
		}
		load_error_at(load, at, "`%s' is given twice in one %s",
		    attr_name(attr),
		    stmt->kind == STMT_RULE ? "rule" : "statement");
		lex_recover(load);
		return ERR_FORMAT;
	}
	stmt->seen |= 1u << attr;
	clause = load_alloc(load, sizeof(*clause));
	if (clause == NULL) {
		return ERR_NOMEM;
	}
	clause->attr = attr;
	clause->sets = sets;
	for (int i = 0; args != NULL && i < CLAUSE_ARGS; i++) {
		clause->arg[i] = args[i];
	}
	clause->line = at->line;
	clause->column = at->column;
	/* in the order of the canonical form */
	where = &stmt->clauses;
	while (*where != NULL && (*where)->attr < attr) {
		where = &(*where)->next;
	}
	clause->next = *where;
	*where = clause;
	return 0;
}

void
load_commit(struct rules_load *load, uint32_t end)
{
	struct source *source = load->lex.source;
	struct stmt *stmt = load->stmt;

	load->stmt = NULL;
	if (stmt == NULL || load->is_nomem || load->lex.is_stopped) {
		return;
	}
	stmt->end_line = end;
	if (stmt->kind == STMT_RULE && ++load->nrules > RULES_MAX_RULES) {
		load_error(load, source, stmt->line, stmt->column,
		    "more than %u rules", RULES_MAX_RULES);
		load->lex.is_stopped = 1;
		return;
	}
	if (stmt->kind == STMT_DEFAULT && source->defaults[stmt->what] != NULL &&
	    stmt->what != DEFAULT_TO_ANY) {
		load_error(load, source, stmt->line, stmt->column,
		    "this default is given twice in one file, first in line "
		    "%u", source->defaults[stmt->what]->line);
	}
	if (stmt->kind == STMT_DEFAULT) {
		source->defaults[stmt->what] = stmt;
		source->is_to_any |= stmt->what == DEFAULT_TO_ANY;
	}
	*source->tail = stmt;
	source->tail = &stmt->next;
}

void
rules_load_layer(struct rules_load *load, enum rules_layer layer)
{
	load->layer = layer;
}

void
rules_load_means(struct rules_load *load, const struct rules_means *means)
{
	load->means = means;
}

int
rules_load_text(
    struct rules_load *load, const char *name, const char *text, size_t len)
{
	return rules_load_text_as(load, RULES_OWN, name, text, len);
}

struct source *
load_source(struct rules_load *load, const char *name, char *text, size_t len,
    enum rules_dialect dialect)
{
	struct source *source = load_alloc(load, sizeof(*source));

	if (source != NULL) {
		source->name = arena_dup(&load->arena, name, strlen(name));
	}
	if (source == NULL || source->name == NULL) {
		free(text);
		load->is_nomem = 1;
		return NULL;
	}
	source->tail = &source->stmts;
	source->dialect = dialect;
	source->is_narrowing = load->layer == RULES_NARROW;
	source->text = text;
	source->len = text != NULL ? len : 0;
	*load->tail = source;
	load->tail = &source->next;
	return source;
}

int
load_parse_line(struct rules_load *load, struct source *source,
    const char *text, size_t len, uint32_t line)
{
	source->parsed = text;
	source->nparsed = len;
	lex_init(&load->lex, source);
	load->lex.line = line;
	load->stmt = NULL;
	if (rules_yyparse(load) == 2) {
		load->is_nomem = 1;
	}
	source->parsed = source->text;
	source->nparsed = source->len;
	return load->is_nomem ? ERR_NOMEM : 0;
}

int
load_parse(struct rules_load *load, struct source *source)
{
	int r;

	differences_start(load);
	r = load_parse_line(load, source, source->text, source->len, 1);
	if (source->dialect == RULES_USBGUARD && !load->is_nomem) {
		differences_find(load, source);
	}
	return load->is_nomem ? ERR_NOMEM : r;
}

int
rules_load_text_as(struct rules_load *load, enum rules_dialect dialect,
    const char *name, const char *text, size_t len)
{
	struct source *source;
	char *own;
	int r;

	if (load->is_nomem || load->is_finished) {
		return load->is_nomem ? ERR_NOMEM : ERR_FORMAT;
	}
	if (len > RULES_MAX_TEXT - load->nbytes) {
		source = load_source(load, name, NULL, 0, dialect);
		if (source != NULL) {
			load_error(load, source, 1, 1,
			    "larger than %u MiB with all before it",
			    RULES_MAX_TEXT >> 20);
		}
		return source != NULL ? ERR_LIMIT : ERR_NOMEM;
	}
	load->nbytes += len;
	own = malloc(len + 1);
	if (own == NULL) {
		load->is_nomem = 1;
		return ERR_NOMEM;
	}
	if (len > 0) {
		memcpy(own, text, len);
	}
	own[len] = '\0';
	source = load_source(load, name, own, len, dialect);
	if (source == NULL) {
		return ERR_NOMEM;
	}
	source->is_to_any = dialect == RULES_USBGUARD;
	r = load_parse(load, source);
	return r != 0 ? r : include_all(load, source);
}

int
rules_load_finish(struct rules_load *load, struct rules **out)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int r;

	*out = NULL;
	if (rules == NULL || load->is_nomem || load->is_finished) {
		free(rules);
		return load->is_finished ? ERR_FORMAT : ERR_NOMEM;
	}
	load->is_finished = 1;
	r = check_load(load, rules);
	if (r == 0 && load->is_nomem) {
		r = ERR_NOMEM;
	}
	if (r != 0) {
		free(rules);
		return r;
	}
	/* the table lives in the memory of the load; the load keeps none */
	rules->arena = load->arena;
	load->arena.chunks = NULL;
	for (struct source *s = load->sources, *next; s != NULL; s = next) {
		next = s->next;
		free(s->text);
	}
	load->sources = NULL;
	load->tail = &load->sources;
	*out = rules;
	return 0;
}
