/*
 * The canonical form: of a rule of the table, where defines are put in place,
 * and of whole texts for `fmt', where names and comments stay. What is printed
 * parses to the same again.
 */
#include "policy/rules/ast.h"

#include <string.h>

#include "base/err.h"

#define LINE_WIDTH 80

void
sink_bytes(struct sink *sink, const char *text, size_t len)
{
	if (sink->cb != NULL) {
		sink->cb(sink->arg, text, len);
	} else if (sink->used < sink->size) {
		size_t room = sink->size - sink->used;

		memcpy(sink->buf + sink->used, text, len < room ? len : room);
	}
	sink->used += len;
}

void
sink_text(struct sink *sink, const char *text)
{
	sink_bytes(sink, text, strlen(text));
}

void
sink_quoted(struct sink *sink, const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	sink_text(sink, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char hex[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

		if (c == '"' || c == '\\') {
			sink_text(sink, "\\");
			sink_bytes(sink, text + i, 1);
		} else if (c < 0x20 || c > 0x7e) {
			sink_bytes(sink, hex, sizeof(hex));
		} else {
			sink_bytes(sink, text + i, 1);
		}
	}
	sink_text(sink, "\"");
}

/* The argument of true and false says nothing: true(x) is true. */
static int
print_constant(struct sink *sink, const struct word *word)
{
	const char *open = memchr(word->text, '(', word->len);
	size_t n = open != NULL ? (size_t)(open - word->text) : word->len;
	size_t skip = n > 0 && word->text[0] == '!';

	if (!(n - skip == 4 && memcmp(word->text + skip, "true", 4) == 0) &&
	    !(n - skip == 5 && memcmp(word->text + skip, "false", 5) == 0)) {
		return 0;
	}
	sink_bytes(sink, word->text, n);
	return 1;
}

static void
print_word(struct sink *sink, enum rule_attr attr, const struct word *word)
{
	int is_hex = attr == ATTR_ID || attr == ATTR_WITH_INTERFACE ||
	    attr == ATTR_RELEASE || attr == ATTR_UNDER;

	if (attr == ATTR_IF && !word->is_string &&
	    print_constant(sink, word)) {
		return;
	}
	if (word->is_string) {
		sink_quoted(sink, word->text, word->len);
		return;
	}
	if (!is_hex || (word->len > 0 && word->text[0] == '$')) {
		sink_bytes(sink, word->text, word->len);
		return;
	}
	for (uint32_t i = 0; i < word->len; i++) {
		char c = word->text[i];

		if (c >= 'A' && c <= 'Z') {
			c = (char)(c - 'A' + 'a');
		}
		sink_bytes(sink, &c, 1);
	}
}

static enum set_op
default_op(enum rule_attr attr)
{
	return ATTR_IS_USBGUARD(attr) ? OP_EQUALS : OP_ONE_OF;
}

/* What stands before the values; returns whether there is a brace. */
static int
print_open(struct sink *sink, enum rule_attr attr, enum set_op op, int is_one)
{
	if (op == default_op(attr) && is_one) {
		return 0;
	}
	/* USBGuard's attributes have a default that need not be written */
	if (op != OP_NONE && (op != OP_EQUALS || !ATTR_IS_USBGUARD(attr))) {
		sink_text(sink, op_name(op));
		sink_text(sink, " ");
	}
	sink_text(sink, "{ ");
	return 1;
}

void
print_set(
    struct sink *sink, enum rule_attr attr, const struct value_set *set)
{
	int has_brace = print_open(sink, attr, set->op, set->nvalues == 1);

	for (size_t i = 0; i < set->nvalues; i++) {
		if (i > 0) {
			sink_text(sink, " ");
		}
		print_word(sink, attr, set->values[i].word);
	}
	if (has_brace) {
		sink_text(sink, " }");
	}
}

void
print_test(struct sink *sink, const struct test *test)
{
	sink_text(sink, attr_name(test->attr));
	sink_text(sink, " ");
	for (const struct value_set *set = test->sets; set != NULL;
	     set = set->next) {
		print_set(sink, test->attr, set);
		if (set->next != NULL) {
			sink_text(sink, " and ");
		}
	}
}

static void
print_quoted(struct sink *sink, const struct word *word)
{
	sink_quoted(sink, word->text, word->len);
}

static void
print_plain(struct sink *sink, const char *before, const struct word *word)
{
	if (word != NULL) {
		sink_text(sink, before);
		sink_bytes(sink, word->text, word->len);
	}
}

static void
print_selectors(struct sink *sink, const struct set *sets)
{
	sink_text(sink, " {");
	for (const struct set *set = sets; set != NULL; set = set->next) {
		const struct word *word = set->words;

		sink_text(sink, " ");
		print_word(sink,
		    memchr(word->text, ':', word->len) != NULL ?
			ATTR_WITH_INTERFACE : ATTR_WITH_CLASS, word);
		print_plain(sink, " ", word->next);
		if (set->profile != NULL) {
			sink_text(sink, " using ");
			print_quoted(sink, set->profile);
		}
	}
	sink_text(sink, " }");
}

void
print_term(struct sink *sink, const struct clause *clause)
{
	const struct word *word = clause->arg[0];

	sink_text(sink, attr_name(clause->attr));
	if (clause->attr == ATTR_EXPOSE) {
		print_selectors(sink, clause->sets);
	} else if (clause->attr == ATTR_WINDOW) {
		sink_text(sink, " {");
		for (const struct word *w = clause->sets->words; w != NULL;
		     w = w->next) {
			print_plain(sink, " ", w);
		}
		sink_text(sink, " }");
		if (word != NULL) {
			sink_text(sink, " tz ");
			print_quoted(sink, word);
		}
	} else if (clause->attr == ATTR_APPROVE) {
		sink_text(sink, " by ");
		print_quoted(sink, word);
		print_plain(sink, " within ", clause->arg[1]);
		print_plain(sink, " valid ", clause->arg[2]);
	} else if (word != NULL && word->is_string) {
		sink_text(sink, " ");
		print_quoted(sink, word);
	} else {
		print_plain(sink, " ", word);
		print_plain(sink,
		    clause->attr == ATTR_LEASE ? " idle " : " ",
		    clause->arg[1]);
	}
}

static void
print_rule(struct sink *sink, const struct rule *rule)
{
	const struct test *test = rule->tests;
	const struct clause *term = rule->terms;

	sink_text(sink, rule->is_forbid ? rule->is_exposed ?
		"forbid exposed" : "forbid" : rule_verdict_name(rule->verdict));
	while (test != NULL || term != NULL) {
		sink_text(sink, " ");
		if (term == NULL ||
		    (test != NULL && test->attr < term->attr)) {
			print_test(sink, test);
			test = test->next;
		} else {
			print_term(sink, term);
			term = term->next;
		}
	}
	if (rule->is_audit) {
		sink_text(sink, " audit");
	}
	if (rule->key[0] != '\0') {
		sink_text(sink, " key ");
		sink_quoted(sink, rule->key, strlen(rule->key));
	}
}

/* FNV-1a, 64 bits: no secret and no attacker, the texts are an
 * administrator's own. */
static void
hash_text(void *arg, const char *text, size_t len)
{
	uint64_t *hash = arg;

	for (size_t i = 0; i < len; i++) {
		*hash = (*hash ^ (uint8_t)text[i]) * 0x100000001b3ull;
	}
}

uint64_t
print_id(const struct rule *rule)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	struct sink sink = {.cb = hash_text, .arg = &hash};

	if (rule->key[0] != '\0') {
		sink_text(&sink, "key ");
		sink_text(&sink, rule->key);
	}
	if (rule->key[0] == '\0' || rule->is_included) {
		print_rule(&sink, rule);
	}
	return hash != 0 ? hash : 1;
}

int
rules_print(const struct rules *rules, size_t i, char *buf, size_t size)
{
	struct sink sink = {.buf = buf, .size = size};

	if (i >= rules->nrules || size == 0) {
		return ERR_NOMEM;
	}
	print_rule(&sink, &rules->rules[i]);
	if (sink.used >= size || sink.used > INT32_MAX) {
		buf[size - 1] = '\0';
		return ERR_NOMEM;
	}
	buf[sink.used] = '\0';
	return (int)sink.used;
}

/* --- whole texts --- */

static void
format_words(struct sink *sink, enum rule_attr attr, const struct set *set,
    const char *between)
{
	for (const struct word *w = set->words; w != NULL; w = w->next) {
		print_word(sink, attr, w);
		if (w->next != NULL) {
			sink_text(sink, between);
		}
	}
}

static void
format_set(struct sink *sink, enum rule_attr attr, const struct set *set)
{
	const struct word *first = set->words;
	enum set_op op = set->op;
	int is_name = !first->is_string && first->text[0] == '$';
	int has_brace;

	if (op == OP_NONE && set->has_braces && ATTR_IS_USBGUARD(attr)) {
		op = OP_EQUALS;
	}
	if (op == OP_NONE && !set->has_braces) {
		print_word(sink, attr, first);
		return;
	}
	/* a name may stand for many values: its braces stay */
	has_brace = print_open(sink, attr, op, set->nwords == 1 && !is_name);
	format_words(sink, attr, set, " ");
	if (has_brace) {
		sink_text(sink, " }");
	}
}

static void
format_clause(struct sink *sink, const struct clause *clause)
{
	if (clause->attr >= ATTR_USING && clause->attr != ATTR_IF) {
		print_term(sink, clause);
		return;
	}
	sink_text(sink, attr_name(clause->attr));
	sink_text(sink, " ");
	for (const struct set *set = clause->sets; set != NULL;
	     set = set->next) {
		format_set(sink, clause->attr, set);
		if (set->next != NULL) {
			sink_text(sink, " and ");
		}
	}
}

/* `forbid exposed', or the head of another statement with clauses. */
static size_t
format_head(struct sink *sink, const struct stmt *stmt)
{
	static const char *const kinds[] = {
		[INCLUDE_OWN] = "include ",
		[INCLUDE_USBGUARD] = "include usbguard ",
		[INCLUDE_USBREDIR] = "include usbredir ",
		[INCLUDE_CITRIX] = "include citrix ",
	};
	size_t before = sink->used;

	if (stmt->kind == STMT_INCLUDE) {
		sink_text(sink, kinds[stmt->include]);
		print_quoted(sink, stmt->name);
	} else if (stmt->is_forbid) {
		sink_text(sink, stmt->is_exposed ? "forbid exposed" : "forbid");
	} else {
		sink_text(sink, rule_verdict_name(stmt->verdict));
	}
	return sink->used - before;
}

static void
format_rule(struct sink *sink, const struct stmt *stmt)
{
	size_t column = format_head(sink, stmt);
	/* USBGuard has no joined lines */
	int may_join = stmt->source->dialect == RULES_OWN;

	for (const struct clause *clause = stmt->clauses; clause != NULL;
	     clause = clause->next) {
		struct sink measure = {0};

		format_clause(&measure, clause);
		/* two bytes stay free for a ` \' */
		if (may_join && column > 8 &&
		    column + 1 + measure.used > LINE_WIDTH - 2) {
			sink_text(sink, " \\\n\t");
			column = 8;
		} else {
			sink_text(sink, " ");
			column++;
		}
		format_clause(sink, clause);
		column += measure.used;
	}
}

static void
format_default(struct sink *sink, const struct stmt *stmt)
{
	switch (stmt->what) {
	case DEFAULT_TO_ANY:
		sink_text(sink, "default to any");
		break;
	case DEFAULT_USING:
		sink_text(sink, "default using ");
		print_quoted(sink, stmt->name);
		break;
	case DEFAULT_TZ:
		sink_text(sink, "default tz ");
		print_quoted(sink, stmt->name);
		break;
	case DEFAULT_ISSUER:
		print_plain(sink, "default issuer ", stmt->name);
		break;
	case DEFAULT_MAX:
		break;
	}
}

/* Values of a define have no attribute of their own: they stay as written. */
static void
format_named(struct sink *sink, const struct stmt *stmt)
{
	const struct set *set = stmt->set;
	struct sink measure = {0};

	sink_text(
	    sink, stmt->kind == STMT_GROUP ? "workstations " : "define ");
	sink_bytes(sink, stmt->name->text, stmt->name->len);
	sink_text(sink, " = ");
	if (stmt->kind == STMT_DEFINE && set->nwords == 1) {
		format_words(sink, ATTR_KEY, set, "");
		return;
	}
	format_words(&measure, ATTR_KEY, set, " ");
	if (measure.used + stmt->name->len + 22 <= LINE_WIDTH) {
		sink_text(sink, "{ ");
		format_words(sink, ATTR_KEY, set, " ");
		sink_text(sink, " }");
	} else {
		sink_text(sink, "{\n\t");
		format_words(sink, ATTR_KEY, set, "\n\t");
		sink_text(sink, "\n}");
	}
}

static void
format_stmt(struct sink *sink, const struct stmt *stmt)
{
	switch (stmt->kind) {
	case STMT_RULE:
	case STMT_INCLUDE:
		format_rule(sink, stmt);
		break;
	case STMT_DEFINE:
	case STMT_GROUP:
		format_named(sink, stmt);
		break;
	case STMT_DEFAULT:
		format_default(sink, stmt);
		break;
	}
}

/* The comment of one line, from its #; 0 when it has none. */
static size_t
comment_of(const char *line, size_t len, const char **comment)
{
	int in_string = 0;

	for (size_t i = 0; i < len; i++) {
		if (in_string && line[i] == '\\') {
			i++;
		} else if (line[i] == '"') {
			in_string = !in_string;
		} else if (line[i] == '#' && !in_string) {
			*comment = line + i;
			len -= i;
			while (len > 0 && (line[i + len - 1] == ' ' ||
					      line[i + len - 1] == '\t' ||
					      line[i + len - 1] == '\r')) {
				len--;
			}
			return len;
		}
	}
	return 0;
}

/* Where the formatter is in a text. */
struct reader {
	const char *p, *end;
	uint32_t line;
};

/* Prints the comments of the lines before line `until', one each, and a blank
 * line where there were some. */
static void
format_comments(struct sink *sink, struct reader *reader, uint32_t until)
{
	int is_gap = 0;

	while (reader->p < reader->end && reader->line < until) {
		const char *nl = memchr(
		    reader->p, '\n', (size_t)(reader->end - reader->p));
		const char *stop = nl != NULL ? nl : reader->end;
		const char *comment;
		size_t n = comment_of(
		    reader->p, (size_t)(stop - reader->p), &comment);

		if (n > 0) {
			if (is_gap && sink->used > 0) {
				sink_text(sink, "\n");
			}
			sink_bytes(sink, comment, n);
			sink_text(sink, "\n");
		}
		is_gap = n == 0;
		reader->p = nl != NULL ? nl + 1 : reader->end;
		reader->line++;
	}
	if (is_gap && sink->used > 0 && reader->p < reader->end) {
		sink_text(sink, "\n");
	}
}

/* The comments inside a statement: the last line's stays behind it, those of
 * others go before it. */
static void
format_inner(struct sink *sink, struct reader *reader,
    const struct stmt *stmt, const char **last, size_t *last_len)
{
	*last_len = 0;
	while (reader->p < reader->end && reader->line <= stmt->end_line) {
		const char *nl = memchr(
		    reader->p, '\n', (size_t)(reader->end - reader->p));
		const char *stop = nl != NULL ? nl : reader->end;
		const char *comment;
		size_t n = comment_of(
		    reader->p, (size_t)(stop - reader->p), &comment);

		if (n > 0 && reader->line < stmt->end_line) {
			sink_bytes(sink, comment, n);
			sink_text(sink, "\n");
		} else if (n > 0) {
			*last = comment;
			*last_len = n;
		}
		reader->p = nl != NULL ? nl + 1 : reader->end;
		reader->line++;
	}
}

int
rules_load_format(
    const struct rules_load *load, rules_text_cb *cb, void *arg)
{
	struct sink sink = {.cb = cb, .arg = arg};

	if (load->nerrors > 0 || load->is_nomem || load->is_finished) {
		return ERR_FORMAT;
	}
	for (const struct source *s = load->sources; s != NULL; s = s->next) {
		struct reader reader = {s->text, s->text + s->len, 1};

		if (s->by != NULL) {
			continue; /* another file's */
		}
		for (const struct stmt *stmt = s->stmts; stmt != NULL;
		     stmt = stmt->next) {
			const char *comment = "";
			size_t n;

			format_comments(&sink, &reader, stmt->line);
			format_inner(&sink, &reader, stmt, &comment, &n);
			format_stmt(&sink, stmt);
			if (n > 0) {
				sink_text(&sink, " ");
				sink_bytes(&sink, comment, n);
			}
			sink_text(&sink, "\n");
		}
		format_comments(&sink, &reader, UINT32_MAX);
	}
	return 0;
}
