/*
 * Inside of the language: a load with its texts, lexer and statements. Included
 * by lex.c, parse.y and the passes over the tree that come before a set is made;
 * what compiles or runs a set needs ast.h only.
 */
#ifndef POLICY_PROFILES_LOAD_H
#define POLICY_PROFILES_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/ast.h"
#include "policy/profiles/profile.h"
#include "policy/text/arena.h"

#define PLOAD_MAX_NESTING 16u  /* files that include files */
#define PLOAD_MAX_FILES 1000u  /* one that is included twice counts twice */
#define PLOAD_MAX_PROFILES 4096u
#define PLOAD_MAX_RULES 32768u  /* of one hook of one profile */
#define PLOAD_MAX_MATCHES 32u  /* of a rule */
#define PLOAD_MAX_EXTENDS 64u  /* one above the other */
#define PLOAD_MAX_MEMORY (256u * 1024u * 1024u) /* of the tree */

struct psource { /* in the notes */
	struct psource *next;
	const struct psource *by; /* who includes it, or NULL */
	const char *name;	  /* of the arena, for the tree */
	const char *shown;	  /* the same of the notes, for messages */
	char *text;		  /* owned by the load */
	size_t len;
	enum profile_origin origin;
	struct pstmt *stmts, **tail;
};

struct ptoken {
	const char *text; /* of a string: without its quotes, escapes in it */
	uint32_t len;
	unsigned line, column;
	uint8_t is_first; /* on its line */
};

/* Where a `{' belongs to. */
enum plex_brace {
	BRACE_PROFILE,
	BRACE_ON,
	BRACE_SET,
	BRACE_LOST, /* of a profile whose head is wrong */
};
#define PLEX_DEPTH 3u

struct plex_at { /* all that moves; a copy of it is a way back */
	size_t pos, line_start;
	unsigned line;
	unsigned depth; /* of braces; what is deeper than the stack counts on */
	enum plex_brace stack[PLEX_DEPTH];
	unsigned brace_line[PLEX_DEPTH], brace_column[PLEX_DEPTH];
	int last, before; /* tokens */
	enum hook hook;	  /* of the block; HOOKS = unknown */
	uint8_t wants_value;
	uint8_t head; /* tokens of the head of a profile that are right */
};

struct plexer {
	struct psource *source;
	struct plex_at at, before; /* before: the last token */
	struct ptoken token;
	size_t told_at;	    /* where a missing brace was told, + 1 */
	size_t skipped_to;  /* where the last skip ended, + 1 */
	uint8_t skip;	    /* to the end of what was wrong */
	uint8_t is_quiet;   /* errors are of what is skipped */
	uint8_t has_comments; /* comments are tokens: for the canonical form */
	uint8_t is_stopped; /* nothing more is read */
};

enum pstmt_kind { PSTMT_DEFINE, PSTMT_INCLUDE, PSTMT_PROFILE };

struct pstmt {
	struct pstmt *next; /* of its source */
	enum pstmt_kind kind;
	const struct psource *source;
	const char *name; /* of a define, or what is included */
	struct value *values;
	struct profile *profile;
	uint8_t is_expanding; /* a define that is being looked into */
	uint8_t is_used;
	unsigned number; /* of all defines */
	struct place at; /* of the name */
};

struct messages {
	struct profile_error list[PROFILES_MAX_ERRORS];
	size_t n; /* more than the list holds */
};

struct profile_load {
	struct arena arena; /* moves into the set */
	struct arena notes; /* of texts, errors, warnings: stays */
	size_t used;	    /* bytes of the arena */
	struct psource *sources, **tail;
	size_t nbytes, nfiles, nprofiles;
	unsigned nesting;
	struct plexer lex;
	/* What the parser is building; in the arena. */
	struct profile *profile;
	struct prule **rules; /* where the next one goes */
	size_t nrules;
	struct value *list, *list_tail; /* the set that is being read */
	enum hook hook;
	struct messages errors, warnings;
	uint8_t is_nomem, is_full, is_told, is_finished;
	uint8_t is_broken; /* a text could not be read as a whole */
	uint64_t steps; /* of comparing rules */
	profile_read_fn *read;
	void *arg;
};

struct profile_set {
	struct arena arena;
	struct profile **profiles; /* sorted by name */
	size_t n;
};

/* load.c */
void *pload_alloc(struct profile_load *load, size_t size);
char *pload_dup(struct profile_load *load, const char *text, size_t len);
void pload_error(struct profile_load *load, const struct place *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pload_error_at(struct profile_load *load, const struct ptoken *token,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void pload_warn(struct profile_load *load, const struct place *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct place pload_place(
    const struct profile_load *load, const struct ptoken *token);
const struct psource *pload_source(
    const struct profile_load *load, const char *name);

/* tree.c: what the parser builds. NULL when there is no memory: the load has
 * noted it. */
struct pstmt *tree_stmt(struct profile_load *load, enum pstmt_kind kind,
    const struct ptoken *name);
struct value *tree_value(struct profile_load *load, const struct ptoken *a,
    const struct ptoken *b, int is_string);
struct value *tree_values_join(
    struct profile_load *load, struct value *list, struct value *more);
void tree_profile(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *extends);
void tree_mode(struct profile_load *load, const struct ptoken *at,
    int is_audit);
void tree_cap(struct profile_load *load, const struct ptoken *what,
    const struct ptoken *amount);
void tree_for(struct profile_load *load, const struct ptoken *at,
    struct value *values);
void tree_pin(struct profile_load *load, const struct ptoken *what,
    struct value *values);
void tree_arm(struct profile_load *load, const struct ptoken *at,
    const struct ptoken *digits, const struct ptoken *within);
void tree_meter(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *rate, const struct ptoken *burst);
void tree_quota(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *amount, const struct ptoken *per);
void tree_on(struct profile_load *load, const struct ptoken *hook);
struct prule *tree_rule(
    struct profile_load *load, unsigned verdict, const struct ptoken *at);
void tree_how(struct profile_load *load, struct prule *rule,
    enum verdict_how how, const struct ptoken *code);
void tree_ask(struct profile_load *load, struct prule *rule,
    const struct ptoken *name, const struct ptoken *within,
    enum verdict otherwise);
struct edit *tree_edit(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *value);
void tree_add_edit(
    struct profile_load *load, struct edit *list, struct edit *edit);
void tree_add_match(
    struct profile_load *load, struct prule *rule, struct match *match);
struct match *tree_match(
    struct profile_load *load, enum match_kind kind, const struct ptoken *at);
void tree_match_bytes(struct profile_load *load, struct match *match,
    const struct ptoken *what, const struct ptoken *offset,
    const struct ptoken *mask);
void tree_match_contains(struct profile_load *load, struct match *match,
    const struct ptoken *pattern, const struct ptoken *from,
    const struct ptoken *to);
void tree_log(struct profile_load *load, struct prule *rule,
    const struct ptoken *level, const struct ptoken *text);
void tree_capture(struct profile_load *load, struct prule *rule,
    const struct ptoken *units);
void tree_key(struct profile_load *load, struct prule *rule,
    const struct ptoken *text);
void tree_commit(struct profile_load *load, struct prule *rule);

/* lex.c */
void plex_init(struct plexer *lex, struct psource *source);
/* After a syntax error: the rest of the statement is not read. */
void plex_recover(struct profile_load *load);
enum plex_brace plex_brace(const struct plex_at *at);
/* The next token, comments among them with has_comments; 0 at the end. */
int plex_token(struct profile_load *load);

/* number.c: 0 or ERR_FORMAT. */
int number_parse(const char *text, size_t len, uint64_t max, uint64_t *out);
int number_size(const char *text, size_t len, uint64_t *bytes);
int number_duration(const char *text, size_t len, uint64_t *ns);
/* "07/27/00": n parts of two digits. */
int number_hex(const char *text, size_t len, size_t n, uint8_t *out);
int number_hex_digit(char c);
/* A string of hex pairs becomes its bytes, 1 to 64 of them; or it is an
 * error. */
int number_hex_string(struct profile_load *load, struct value *value);

/* include.c: the files that the statements of a source name, and theirs. */
int include_sources(struct profile_load *load, struct psource *source);
/* load.c: one text, without what it includes. */
struct psource *pload_text(struct profile_load *load,
    enum profile_origin origin, const char *name, const char *text,
    size_t len);
int pload_parse(struct profile_load *load, struct psource *source);

/* resolve.c: names of one profile become numbers. */
void resolve_profile(struct profile_load *load, struct pstmt *stmt);
/* bind.c: which profile is whose parent, and what it inherits. Fills the set;
 * 0 or ERR_NOMEM. */
int bind_profiles(struct profile_load *load, struct profile_set *set);
/* check.c: what is wrong with a resolved profile. */
void check_profile(struct profile_load *load, const struct profile *profile);
void check_meters(struct profile_load *load, const struct profile_set *set);
/* reach.c: rules that nothing can reach. */
void reach_profile(struct profile_load *load, const struct profile *profile);

#endif
