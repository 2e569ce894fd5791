/*
 * Inside of policy/rules: the tree that the parser builds, the table that
 * check.c makes of it, and the functions that these files share. Nothing
 * outside of this folder and its tests includes it.
 *
 *   text -> lex.c -> parse.y -> struct stmt (load.c) -> check.c -> struct rule
 *
 * Everything lives in one arena, which moves from the load to the table.
 */
#ifndef POLICY_RULES_AST_H
#define POLICY_RULES_AST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/rules/rules.h"

struct rules_load;

/* arena.c: memory that is freed at once. */
struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
};
/* Zeroed; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_dup(struct arena *arena, const void *text, size_t len);
void arena_fini(struct arena *arena);

/* What a rule may ask, in the order of the canonical form. */
enum rule_attr {
	ATTR_ID,
	ATTR_SERIAL,
	ATTR_NAME,
	ATTR_HASH,
	ATTR_PARENT_HASH,
	ATTR_VIA_PORT,
	ATTR_WITH_INTERFACE,
	ATTR_WITH_CONNECT_TYPE,
	ATTR_LABEL,
	ATTR_MANUFACTURER,
	ATTR_RELEASE,
	ATTR_SPEED,
	ATTR_WITH_CLASS,
	ATTR_TO,
	ATTR_KEY,
	ATTR_MAX
};

enum set_op {
	OP_NONE, /* none was written */
	OP_ALL_OF,
	OP_ONE_OF,
	OP_NONE_OF,
	OP_EQUALS,
	OP_EQUALS_ORDERED,
	OP_MATCH_ALL,
	OP_ONLY,
	OP_EXACTLY,
	OP_MAX
};

/* keyword.c */
struct keyword {
	const char *name;
	int token; /* of the generated parser */
	int value; /* enum rule_attr, set_op or rule_verdict, by token */
};
extern const struct keyword keywords[];
extern const size_t nkeywords;
const struct keyword *keyword_find(const char *text, size_t len);
const char *attr_name(enum rule_attr attr);
const char *op_name(enum set_op op);
/* A word that starts a statement: inside { } at the start of a line it means
 * that a brace was forgotten. */
int keyword_starts_statement(const char *text, size_t len);

/* The syntax tree. Texts are not NUL-terminated unless said. */
struct word {
	struct word *next;
	const char *text; /* unescaped */
	uint32_t len;
	uint32_t line, column;
	uint8_t is_string; /* it had quotes */
};

struct set {
	struct set *next; /* after `and' */
	enum set_op op;
	uint8_t has_braces;
	uint32_t line, column;
	size_t nwords;
	struct word *words, **tail;
};

struct clause {
	struct clause *next;
	enum rule_attr attr;
	struct set *sets;
	uint32_t line, column;
};

enum stmt_kind { STMT_RULE, STMT_DEFINE, STMT_GROUP, STMT_DEFAULT_TO_ANY };

struct stmt {
	struct stmt *next;
	const struct source *source;
	enum stmt_kind kind;
	uint32_t line, column, end_line;
	enum rule_verdict verdict;	    /* STMT_RULE */
	uint32_t seen;			    /* bit per enum rule_attr */
	struct clause *clauses, **last;	    /* STMT_RULE */
	struct word *name;		    /* STMT_DEFINE, STMT_GROUP */
	struct set *set;		    /* STMT_DEFINE, STMT_GROUP */
	struct compiled_group *group;	    /* made by check.c */
	uint32_t expanded, height;	    /* set by check.c */
	uint8_t visit;			    /* for finding circles */
	uint8_t is_broken;		    /* in a circle, or too deep */
};

struct source {
	struct source *next;
	const char *name; /* NUL-terminated */
	char *text;	  /* owned by malloc until the load ends */
	size_t len;
	struct stmt *stmts, **tail;
	uint8_t is_to_any; /* `default to any' stands in it */
};

/* lex.c: one token. */
struct token {
	const char *text; /* as written, without quotes for a string */
	uint32_t len;
	uint32_t line, column;
	int value; /* of the keyword */
};

struct lexer {
	struct source *source;
	size_t pos, line_start;
	uint32_t line;
	uint32_t depth; /* inside { } */
	uint32_t brace_line, brace_column;
	int last;	/* kind of the last token */
	int skip;	/* enum lex_skip */
	int is_stopped; /* over a limit: nothing more */
	struct token token;
};

void lex_init(struct lexer *lex, struct source *source);
/* After a syntax error: what is left of the statement will be skipped. */
void lex_recover(struct rules_load *load);

struct rules_load {
	struct arena arena;
	struct source *sources, **tail;
	struct lexer lex;
	struct stmt *stmt; /* being parsed */
	struct rule_error errors[RULES_MAX_ERRORS];
	size_t nerrors;
	size_t nrules, nvalues;
	const struct rules_means *means; /* borrowed; NULL = not told */
	int is_nomem;
	int is_finished;
};

/* load.c: building the tree; NULL or no effect when there is no memory. */
void load_error(struct rules_load *load, const struct source *source,
    uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* At a token of the text being parsed. */
void load_error_at(struct rules_load *load, const struct token *token,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void *load_alloc(struct rules_load *load, size_t size);
struct word *load_word(
    struct rules_load *load, const struct token *token, int is_string);
struct set *load_set(
    struct rules_load *load, enum set_op op, const struct token *at);
void load_set_add(
    struct rules_load *load, struct set *set, struct word *word);
struct stmt *load_stmt(
    struct rules_load *load, enum stmt_kind kind, const struct token *at);
/* ERR_FORMAT when the statement already has one like it (reported). */
int load_clause(struct rules_load *load, enum rule_attr attr,
    const struct token *at, struct set *sets);
/* By place, so that they read as the files do. */
void load_sort_errors(struct rules_load *load);
/* The statement is complete; end is the line where it ends. */
void load_commit(struct rules_load *load, uint32_t end);

/* The compiled table. */
enum fact_kind {
	FACT_CN,
	FACT_DNS,
	FACT_URI,
	FACT_OU,
	FACT_IP,
	FACT_ISSUER,
	FACT_ISSUER_KEY,
	FACT_FP,
	FACT_GROUP, /* a "@NAME": only in a value, never in a certificate */
	FACT_MAX
};

struct compiled_group {
	const char *name; /* NUL-terminated */
	size_t nvalues;
	struct value *values; /* no groups in them */
	uint32_t kinds;	      /* bit per enum fact_kind */
};

struct value {
	const struct word *word; /* for printing */
	union {
		struct {
			uint16_t vid, pid;
			uint8_t is_any_vid, is_any_pid;
		} id;
		struct {
			uint8_t class, subclass, protocol;
			uint8_t nfixed; /* 1..3: how many of them count */
		} interface;
		struct {
			uint16_t bcd, mask;
		} release;
		uint8_t speed;
		uint8_t class; /* index of a class name */
		struct {
			enum fact_kind kind;
			uint32_t len;
			const char *text; /* or 32 bytes of a hash */
			const struct compiled_group *group;
		} fact;
	} u;
};

struct value_set {
	struct value_set *next; /* after `and' */
	enum set_op op;		/* never OP_NONE */
	uint8_t has_braces;
	uint32_t kinds; /* of a `to' */
	size_t nvalues;
	struct value *values;
};

struct test {
	struct test *next; /* in the order of enum rule_attr */
	enum rule_attr attr;
	struct value_set *sets;
};

struct rule {
	enum rule_verdict verdict;
	const char *file;
	const char *key; /* "" if none */
	uint64_t id;	 /* see rules_id */
	uint32_t line;
	struct test *tests;
};

/* index.c: which rules may match a device, in order. */
struct index_entry {
	uint64_t key; /* of an id or a vendor */
	uint32_t rule;
};

struct rule_index {
	size_t nentries, nothers;
	struct index_entry *entries; /* sorted */
	uint32_t *others;	     /* rules that name no id, sorted */
	uint32_t *slots;	     /* hash table into entries, from 1 */
	size_t mask;
	unsigned shift;
};

struct rules {
	struct arena arena;
	size_t nrules;
	struct rule *rules;
	struct rule_index index;
};

#define INDEX_END UINT32_MAX
struct index_walk {
	const struct rule_index *index;
	uint64_t key[2]; /* of the device's id and of its vendor */
	size_t at[2], other;
	uint32_t last;
};
/* 0 or ERR_NOMEM. */
int index_build(struct arena *arena, struct rules *rules);
void index_start(struct index_walk *walk, const struct rule_index *index,
    uint16_t vid, uint16_t pid);
/* The next rule to compare with, or INDEX_END. */
uint32_t index_next(struct index_walk *walk);

/* check.c: the second pass. 0, ERR_FORMAT (reported) or ERR_NOMEM. */
int check_load(struct rules_load *load, struct rules *rules);

/* value.c: one value of an attribute out of a word. 0, or ERR_FORMAT with why
 * filled. For ATTR_TO a "@NAME" gives FACT_GROUP with text and len only. */
int value_parse(struct arena *arena, struct value *out, enum rule_attr attr,
    const struct word *word, char *why, size_t size);
int value_is_name(const char *text, size_t len);
const char *class_name(unsigned index);
int class_fits(unsigned index, const struct rule_interface *interface);
const char *speed_name(unsigned speed);

/* glob.c: `*' in the pattern is any run of bytes. */
enum glob_case { GLOB_EXACT, GLOB_FOLD };
int glob_match(const char *pattern, size_t pattern_len, const char *text,
    size_t len, enum glob_case fold);

/* match.c */
#define FACTS_MAX (IDENTITY_SANS + IDENTITY_OUS + 4)
struct fact {
	enum fact_kind kind;
	uint32_t len;
	const char *text;
};

/* One device and identity while they are judged: a few KiB, on the stack. */
struct subject {
	const struct rule_device *device;
	const struct x509_facts *who; /* or NULL */
	size_t nfacts;
	struct fact facts[FACTS_MAX];
	size_t nfolded;	 /* distinct class triples */
	size_t nclasses; /* those that class names speak of */
	struct rule_interface folded[RULE_INTERFACES_MAX];
	struct rule_interface classes[RULE_INTERFACES_MAX];
};
void subject_init(struct subject *subject, const struct rule_device *device,
    const struct x509_facts *who);
int match_set(const struct value_set *set, enum rule_attr attr,
    const struct subject *subject);
/* NULL when all tests hold, else the first that does not; *set is the one of
 * its sets that failed. */
const struct test *match_rule(const struct rule *rule,
    const struct subject *subject, const struct value_set **set);

/* print.c: text into a bounded buffer or to a callback; used counts on past
 * the end of the buffer. */
struct sink {
	char *buf;
	size_t size, used;
	rules_text_cb *cb;
	void *arg;
};
void sink_text(struct sink *sink, const char *text);
void sink_bytes(struct sink *sink, const char *text, size_t len);
/* In quotes and escaped as in a rule. */
void sink_quoted(struct sink *sink, const char *text, size_t len);
/* See rules_id. */
uint64_t print_id(const struct rule *rule);
/* "with-interface one-of { 03:01:01 }" */
void print_test(struct sink *sink, const struct test *test);
void print_set(
    struct sink *sink, enum rule_attr attr, const struct value_set *set);

#endif
