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
#include "policy/text/arena.h"
#include "policy/text/when.h"

struct rules_load;

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
	ATTR_UNDER,
	ATTR_PIN,
	ATTR_TO,
	/* terms of an allow */
	ATTR_USING,
	ATTR_EXPOSE,
	ATTR_LEASE,
	ATTR_UNTIL,
	ATTR_HOLD,
	ATTR_ONCE,
	ATTR_AT_MOST,
	ATTR_WINDOW,
	ATTR_APPROVE,
	ATTR_CAPTURE,
	ATTR_IF,
	ATTR_AUDIT,
	ATTR_KEY,
	ATTR_MAX
};
/* USBGuard's own: their default operator is `equals'. */
#define ATTR_IS_USBGUARD(a) ((a) <= ATTR_LABEL || (a) == ATTR_IF)

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
	int value; /* enum rule_attr, set_op or another, by token */
	int is_usbguard; /* a word of its language as well */
};
extern const struct keyword keywords[];
extern const size_t nkeywords;
const struct keyword *keyword_find(const char *text, size_t len);
const struct keyword *keyword_find_in(
    enum rules_dialect dialect, const char *text, size_t len);
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
	struct set *next; /* after `and', or the next selector of `expose' */
	struct set *last; /* of the list that starts here */
	enum set_op op;
	uint8_t has_braces;
	uint32_t line, column;
	size_t nwords;
	struct word *words, **tail;
	struct word *profile; /* `using' of a selector */
};

/*            sets        arg
 * using                  text
 * expose     selectors
 * lease                  duration, idle
 * until                  timestamp
 * hold                   duration
 * max                    number, scope
 * window     one         zone
 * approve                by, within, valid
 * key                    text
 * once, capture, audit: nothing; all others: sets only */
#define CLAUSE_ARGS 3
struct clause {
	struct clause *next;
	enum rule_attr attr;
	struct set *sets;
	struct word *arg[CLAUSE_ARGS];
	uint32_t line, column;
	uint8_t is_broken; /* its errors are reported */
};

enum stmt_kind {
	STMT_RULE,
	STMT_DEFINE,
	STMT_GROUP,
	STMT_INCLUDE,
	STMT_DEFAULT
};
enum include_kind {
	INCLUDE_OWN,
	INCLUDE_USBGUARD,
	INCLUDE_USBREDIR,
	INCLUDE_CITRIX
};
enum default_kind {
	DEFAULT_TO_ANY,
	DEFAULT_USING,
	DEFAULT_TZ,
	DEFAULT_ISSUER,
	DEFAULT_MAX
};

struct stmt {
	struct stmt *next;
	const struct source *source;
	enum stmt_kind kind;
	uint32_t line, column, end_line;
	enum rule_verdict verdict;	    /* STMT_RULE */
	uint8_t is_forbid, is_exposed;	    /* STMT_RULE */
	enum include_kind include;	    /* STMT_INCLUDE */
	struct source *included;	    /* the same; NULL = not read */
	enum default_kind what;		    /* STMT_DEFAULT */
	uint32_t seen;			    /* bit per enum rule_attr */
	struct clause *clauses;		    /* STMT_RULE, STMT_INCLUDE */
	struct word *name;		    /* all but STMT_RULE */
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
	/* What is parsed: the text, or a rule that stands for a line of it. */
	const char *parsed; /* borrowed */
	size_t nparsed;
	struct stmt *stmts, **tail;
	enum rules_dialect dialect;
	/* The statement that includes it, NULL for a text of the caller. */
	const struct stmt *by;
	uint8_t is_to_any; /* `default to any' stands in it */
	uint8_t is_narrowing; /* enum rules_layer */
	const struct stmt *defaults[DEFAULT_MAX];
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
	int is_if;	/* what comes is a condition */
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
	size_t nrules, nvalues, nbytes, nsources;
	unsigned nesting; /* of includes */
	struct arena notes; /* what `differences' has; stays with the load */
	struct difference *differences, **differences_tail;
	struct difference **differences_text; /* first of the text in hand */
	struct difference **differences_of;   /* where the next one may go */
	const struct rules_means *means; /* borrowed; NULL = not told */
	enum rules_layer layer; /* of what is loaded next */
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
/* args may be NULL. ERR_FORMAT when the statement already has one like it
 * (reported). */
int load_clause(struct rules_load *load, enum rule_attr attr,
    const struct token *at, struct set *sets, struct word *const *args);
/* Joins two lists of sets. */
struct set *load_set_join(struct set *list, struct set *more);
/* Parses the text of a source. */
int load_parse(struct rules_load *load, struct source *source);
/* Parses a text that stands for that line of the source. */
int load_parse_line(struct rules_load *load, struct source *source,
    const char *text, size_t len, uint32_t line);
/* A source at the end of the list; its text is taken over, malloced. */
struct source *load_source(struct rules_load *load, const char *name,
    char *text, size_t len, enum rules_dialect dialect);

/* include.c: reads what the statements of a source include, and what that
 * includes. 0 or ERR_NOMEM; all else is reported. */
int include_all(struct rules_load *load, struct source *source);

/* differences.c */
struct difference {
	struct difference *next;
	const char *file, *text;
	uint32_t line;
	unsigned correction; /* 1 for C1 */
};
void difference_note(struct rules_load *load, const struct source *source,
    uint32_t line, unsigned correction, const char *text);
/* A text begins. */
void differences_start(struct rules_load *load);
/* Those of all rules of a source in USBGuard's language. */
void differences_find(struct rules_load *load, const struct source *source);
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
	FACT_USER, /* who sits at a desktop, as the workstation says */
	FACT_SEAT, /* and where */
	FACT_GROUP, /* a "@NAME": only in a value, never in a certificate */
	FACT_MAX
};
#define FACTS_OF_DESK (1u << FACT_USER | 1u << FACT_SEAT)

struct compiled_group {
	const char *name; /* NUL-terminated */
	size_t nvalues;
	struct value *values; /* no groups in them */
	uint32_t kinds;	      /* bit per enum fact_kind */
};

enum pin_kind { PIN_HASH, PIN_DESC, PIN_REPORT };

/* condition.c */
enum condition_kind {
	COND_TRUE,
	COND_FALSE,
	COND_RANDOM,
	COND_LOCALTIME,
	COND_ALLOWED_MATCHES,
	COND_RULE_APPLIED,
	COND_RULE_EVALUATED,
	COND_SESSION,
	COND_EXPORTED_MATCHES,
	COND_FIRST_SEEN,
	COND_AMBIGUOUS,
	COND_PLUGGED_WITHIN,
	COND_ARMED,
	COND_MAX
};

struct condition {
	enum condition_kind kind;
	uint8_t is_not;
	uint8_t has_arg;
	uint32_t from, to;	 /* localtime: seconds of the day, both in */
	const char *zone;	 /* localtime */
	uint32_t seconds;	 /* a duration */
	uint32_t billionths;	 /* random */
	enum rule_lock lock;	 /* session */
	const char *token;	 /* armed */
	struct test *query;	 /* NULL asks for nothing */
	const char *query_text;	 /* NUL-terminated */
};

struct value {
	const struct word *word; /* for printing */
	union {
		struct {
			uint16_t vid, pid;
			uint8_t is_any_vid, is_any_pid;
		} id; /* of `under' too, when the word is no string */
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
		struct {
			enum pin_kind kind;
			uint32_t len;
			const char *text; /* or 32 bytes of a hash */
		} pin;
		const struct condition *condition;
	} u;
};

struct value_set {
	struct value_set *next; /* after `and' */
	enum set_op op;		/* never OP_NONE */
	uint8_t has_braces;
	uint32_t kinds; /* of a `to' or `pin' */
	size_t nvalues;
	struct value *values;
};

struct test {
	struct test *next; /* in the order of enum rule_attr */
	enum rule_attr attr;
	uint8_t is_of_desk; /* a `to' with facts of desktops */
	struct value_set *sets;
};

struct window {
	uint8_t days;	   /* bit 0 = Monday: those that it starts on */
	uint32_t from, to; /* seconds; to <= from ends on the next day */
};

struct selector {
	uint8_t is_number, is_class;
	uint8_t number;	    /* bInterfaceNumber */
	struct value value; /* interface, or class */
	const char *profile; /* its `using'; "" = none */
};

struct rule {
	enum rule_verdict verdict;
	uint8_t is_forbid, is_exposed, is_audit;
	uint8_t is_narrowing; /* of the layer; these come before the others */
	uint8_t has_idle; /* terms that a rule which grants nothing has no use for */
	uint8_t is_included; /* its key is that of all rules of an include */
	uint8_t counts; /* bit per enum rule_count that a condition asks */
	const char *file;
	const char *key; /* "" if none */
	uint64_t id;	 /* see rules_id */
	uint32_t line;
	struct test *tests;
	struct clause *terms; /* for printing; by attribute */
	struct rule_grant grant;
	size_t nwindows, nselectors;
	struct window *windows;
	const char *zone; /* of the windows, "" = the gateway's */
	struct selector *selectors;
};

/* subject.c: one device and identity while they are judged. */
#define FACTS_MAX (IDENTITY_SANS + IDENTITY_OUS + 4)
struct fact {
	enum fact_kind kind;
	uint32_t len;
	const char *text;
};

/* About 40 KiB, on the stack. */
struct subject {
	const struct rule_device *device;
	const struct x509_facts *who;	/* or NULL */
	const struct rule_world *world; /* or NULL */
	size_t nfacts;
	struct fact facts[FACTS_MAX];
	size_t ndesks; /* 0 unless subject_hear was called */
	struct rule_desk desks[RULE_DESKS_MAX];
	size_t nfolded;	 /* distinct class triples */
	size_t nclasses; /* those that class names speak of: one per thing
			    that a HID interface is */
	struct rule_interface folded[RULE_INTERFACES_MAX];
	struct rule_interface classes[4 * RULE_INTERFACES_MAX];
};
void subject_init(struct subject *subject, const struct rule_device *device,
    const struct x509_facts *who, const struct rule_world *world);
/* Asks the world for desktops. */
void subject_hear(struct subject *subject);
/* index.c: which rules may match a device and an identity, in order. A rule
 * stands under the rarest value that it cannot match without, or with the
 * others; so that a long list of known devices costs no more than a short one.
 */
struct index_entry {
	uint64_t key;
	uint32_t rule;
};

struct rule_index {
	size_t nentries, nothers, nidentity;
	struct index_entry *entries; /* sorted */
	uint32_t *others;	     /* rules under no value, sorted */
	uint32_t *identity; /* under a fact of the identity, sorted */
	uint32_t *slots;	     /* hash table into entries, from 1 */
	size_t mask;
	unsigned shift;
};

struct rules {
	struct arena arena;
	size_t nrules; /* in the order of being judged: */
	size_t nforbids; /* the first are `forbid', */
	size_t nexposed; /* followed by `forbid exposed' */
	struct rule *rules;
	struct rule_index forbids, exposed, others;
	unsigned asks;
};

#define INDEX_END UINT32_MAX
#define INDEX_WAYS (FACTS_MAX + 16)
struct index_walk {
	const struct rule_index *index;
	const uint32_t *list[2]; /* others, and identity when it is unknown */
	size_t nlist[2];
	size_t nways;
	uint64_t key[INDEX_WAYS];
	size_t at[INDEX_WAYS];
	uint32_t last;
};
/* Of the rules first..first+n-1. 0 or ERR_NOMEM. */
int index_build(struct arena *arena, struct rule_index *index,
    const struct rule *rules, size_t first, size_t n);
void index_start(struct index_walk *walk, const struct rule_index *index,
    const struct subject *subject);
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
/* desk: NULL, or whose facts count beside the certificate's. */
int match_set(const struct value_set *set, enum rule_attr attr,
    const struct subject *subject, const struct rule_desk *desk);
int interface_fits(
    const struct value *value, const struct rule_interface *interface);
/* What an interface is, one bit of enum rule_hid each: several for a HID
 * interface with several collections. Returns how many, 1 for other classes. */
size_t hid_things(const struct rule_interface *interface, uint8_t things[4]);
/* NULL when all tests hold, else the first that does not; *set is the one of
 * its sets that failed. */
const struct test *match_tests(const struct test *tests,
    const struct subject *subject, const struct value_set **set);

enum match { MATCH_NO, MATCH_YES, MATCH_DEPENDS };
struct match_why {
	const struct test *test; /* that decided it, or NULL */
	const struct value_set *set;
	int is_unknown; /* a condition cannot be answered, or no desktop is
			   known */
};
/* MATCH_DEPENDS: all else holds, and `to' needs an identity. */
enum match match_rule(const struct rule *rule, const struct subject *subject,
    struct match_why *why);

/* desk.c: desktops of the workstation. Whether a test is about them. */
int desk_is_of(const struct test *test);
/* RULE_YES: it holds of one of them; RULE_UNKNOWN: it would, if there were one.
 * Else, and then, *set is one that does not hold. */
enum rule_answer desk_judge(const struct test *test,
    const struct subject *subject, const struct value_set **set);
/* Whether those that the rule is about are locked: one that is counts. */
enum rule_lock desk_lock(
    const struct rule *rule, const struct subject *subject);

/* condition.c: a condition out of a word, without its query: *query and *n are
 * the text that is to be compiled as one, NULL if none. As value_parse. */
int condition_parse(struct arena *arena, struct condition **out,
    const struct word *word, const char **query, size_t *n, char *why,
    size_t size);
const char *condition_name(enum condition_kind kind);
/* Whether the set of an `if' of that rule holds. */
enum rule_answer condition_judge(const struct value_set *set,
    const struct rule *rule, const struct subject *subject);
/* One of them. */
enum rule_answer condition_answer(const struct condition *condition,
    const struct rule *rule, const struct subject *subject);

/* term.c: the terms of an allow. Compiled: 0, ERR_FORMAT (reported) or
 * ERR_NOMEM. */
int term_compile(struct rules_load *load, const struct source *home,
    const struct source *source, const struct clause *clause,
    struct rule *rule);
/* Whether the terms of a rule that matches are met now, and if not, which
 * not; *is_pending when only the approval is missing. */
enum rule_term term_judge(const struct rule *rule,
    const struct rule_world *world, int *is_pending);
/* Its lease goes on: what is judged at entry only is true for it. */
int term_is_granted(const struct rule *rule, const struct rule_world *world);

/* expose.c: which interfaces remain of a device, 0 when none does. */
int expose_device(const struct rule *rule, const struct rule_device *device,
    struct rule_exposure *out);
/* See rules_profile_of. */
const char *expose_profile(const struct rule *rule,
    const struct rule_device *device, unsigned config, uint8_t number);
/* The device with those only; list has room for RULE_INTERFACES_MAX. */
void expose_reduce(const struct rule_exposure *exposure,
    const struct rule_device *device, struct rule_interface *list,
    struct rule_device *out);

/* rules.c: a decision with what made it. */
struct verdict {
	const struct rule *rule;  /* NULL = implicit */
	const struct rule *allow; /* whose exposure was forbidden, or NULL */
	int is_reduced;		  /* what it exposes was judged: */
	struct rule_device reduced;
	struct rule_interface list[RULE_INTERFACES_MAX];
};
void rules_judge(const struct rules *rules, const struct subject *subject,
    struct rule_decision *out, struct verdict *verdict);

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
/* "lease 12h idle 15m" */
void print_term(struct sink *sink, const struct clause *clause);
void print_set(
    struct sink *sink, enum rule_attr attr, const struct value_set *set);

#endif
