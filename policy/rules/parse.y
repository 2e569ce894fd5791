/*
 * The grammar of rule files, see sallyport.rules(5). It only builds the tree;
 * what the words mean is judged in check.c. Pure: all state is in the load.
 *
 * After an error the statement is dropped and the next one is read, so that
 * one run shows all errors of a file.
 */
%define api.pure full
%define api.prefix {rules_yy}
%define parse.error custom
%define parse.lac full
%param { struct rules_load *load }
%expect 0

%code requires {
#include "policy/rules/ast.h"
}

%code {
#include <stdio.h>
#include <string.h>

#include "base/err.h"

int rules_yylex(RULES_YYSTYPE *value, struct rules_load *load);
static struct set *one(struct rules_load *load, const struct token *token);
static int term(struct rules_load *load, const struct token *at,
    struct set *sets, struct word *a, struct word *b, struct word *c);
static int preset(struct rules_load *load, const struct token *at,
    enum default_kind what, struct word *word);
static void rules_yyerror(struct rules_load *load, const char *text);
static void refuse_word(struct rules_load *load, const struct token *token);
}

%union {
	struct token token;
	struct word *word;
	struct set *set;
}

%token <token> WORD STRING
%token <token> TARGET FORBID EXPOSED ATTR IF SETOP FOREIGN INCLUDE DIALECT
%token <token> TO AND USING EXPOSE INTERFACE LEASE IDLE HOLD FLAG NAMED
%token <token> MAXIMUM SCOPE WINDOW TZ APPROVE BY WITHIN VALID
%token <token> DEFINE GROUP DEFAULT ANY ISSUER EQ
%token <token> NL LBRACE RBRACE

%type <word> value name text word within valid
%type <set> values words terms definition selectors selector what
%type <token> anyword

%%

file	: %empty
	| file line
	;

line	: NL
	| statement NL	{ load_commit(load, $2.line); }
	| error NL	{ load->stmt = NULL; yyerrok; }
	;

statement
	: rule
	| define
	| group
	| default
	| include
	| FOREIGN
	{
		if (load->lex.source->dialect == RULES_USBGUARD) {
			difference_note(load, load->lex.source, $1.line, 7,
			    "`device' and `match' are words of queries, not "
			    "of rule files, and an error here");
		}
		load_error_at(load, &$1, "`%.*s' is no rule of a file, it "
		    "exists only in queries; expected `allow', `block' or "
		    "`reject'", (int)$1.len, $1.text);
		lex_recover(load);
		YYERROR;
	}
	;

rule	: target deviceid clauses
	;

target	: TARGET
	{
		struct stmt *stmt = load_stmt(load, STMT_RULE, &$1);

		if (stmt == NULL) {
			YYABORT;
		}
		stmt->verdict = (enum rule_verdict)$1.value;
	}
	| forbid
	{
		if (load->stmt == NULL) {
			YYABORT;
		}
		load->stmt->is_forbid = 1;
	}
	| forbid EXPOSED
	{
		if (load->stmt == NULL) {
			YYABORT;
		}
		load->stmt->is_forbid = 1;
		load->stmt->is_exposed = 1;
	}
	;

forbid	: FORBID	{ load_stmt(load, STMT_RULE, &$1); }
	;

deviceid
	: %empty
	| WORD
	{
		struct set *set;

		if (memchr($1.text, ':', $1.len) == NULL) {
			refuse_word(load, &$1);
			YYERROR;
		}
		set = load_set(load, OP_NONE, &$1);
		load_set_add(load, set, load_word(load, &$1, 0));
		if (load_clause(load, ATTR_ID, &$1, set, NULL) != 0) {
			YYERROR;
		}
	}
	;

clauses	: %empty
	| clauses clause
	;

clause	: ATTR values
	{
		if (load_clause(load, (enum rule_attr)$1.value, &$1, $2,
			NULL) != 0) {
			YYERROR;
		}
	}
	| IF values
	{
		if (load_clause(load, ATTR_IF, &$1, $2, NULL) != 0) {
			YYERROR;
		}
	}
	| grant
	;

grant	: TO terms
	{
		if (load_clause(load, ATTR_TO, &$1, $2, NULL) != 0) {
			YYERROR;
		}
	}
	| USING text
	{
		if (term(load, &$1, NULL, $2, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| EXPOSE LBRACE selectors RBRACE
	{
		if (term(load, &$1, $3, NULL, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| LEASE word
	{
		if (term(load, &$1, NULL, $2, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| LEASE word IDLE word
	{
		if (term(load, &$1, NULL, $2, $4, NULL) != 0) {
			YYERROR;
		}
	}
	| HOLD word
	{
		if (term(load, &$1, NULL, $2, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| FLAG
	{
		if (term(load, &$1, NULL, NULL, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| NAMED text
	{
		if (term(load, &$1, NULL, $2, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| MAXIMUM word SCOPE
	{
		if (term(load, &$1, NULL, $2, load_word(load, &$3, 0),
			NULL) != 0) {
			YYERROR;
		}
	}
	| WINDOW LBRACE words RBRACE
	{
		if (term(load, &$1, $3, NULL, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| WINDOW LBRACE words RBRACE TZ text
	{
		if (term(load, &$1, $3, $6, NULL, NULL) != 0) {
			YYERROR;
		}
	}
	| APPROVE BY text within valid
	{
		if (term(load, &$1, NULL, $3, $4, $5) != 0) {
			YYERROR;
		}
	}
	;

within	: %empty	{ $$ = NULL; }
	| WITHIN word	{ $$ = $2; }
	;

valid	: %empty	{ $$ = NULL; }
	| VALID word	{ $$ = $2; }
	;

word	: WORD		{ $$ = load_word(load, &$1, 0); }
	;

text	: STRING	{ $$ = load_word(load, &$1, 1); }
	;

selectors
	: selector
	| selectors selector	{ $$ = load_set_join($1, $2); }
	;

selector
	: what
	| what USING text
	{
		$$ = $1;
		if ($$ != NULL) {
			$$->profile = $3;
		}
	}
	;

what	: WORD		{ $$ = one(load, &$1); }
	| INTERFACE WORD
	{
		$$ = one(load, &$1);
		load_set_add(load, $$, load_word(load, &$2, 0));
	}
	;

terms	: values
	| terms AND values	{ $$ = load_set_join($1, $3); }
	;

values	: SETOP LBRACE words RBRACE
	{
		$$ = $3;
		if ($$ != NULL) {
			$$->op = (enum set_op)$1.value;
			$$->line = $1.line;
			$$->column = $1.column;
		}
	}
	| LBRACE words RBRACE
	{
		$$ = $2;
		if ($$ != NULL) {
			$$->line = $1.line;
			$$->column = $1.column;
		}
	}
	| value
	{
		$$ = load_set(load, OP_NONE, &load->lex.token);
		load_set_add(load, $$, $1);
		if ($$ != NULL && $1 != NULL) {
			$$->line = $1->line;
			$$->column = $1->column;
		}
	}
	;

words	: value
	{
		$$ = load_set(load, OP_NONE, &load->lex.token);
		if ($$ != NULL) {
			$$->has_braces = 1;
		}
		load_set_add(load, $$, $1);
	}
	| words value
	{
		load_set_add(load, $1, $2);
		$$ = $1;
	}
	;

value	: WORD		{ $$ = load_word(load, &$1, 0); }
	| STRING	{ $$ = load_word(load, &$1, 1); }
	;

define	: DEFINE name EQ definition
	{
		struct stmt *stmt = load_stmt(load, STMT_DEFINE, &$1);

		if (stmt == NULL) {
			YYABORT;
		}
		stmt->name = $2;
		stmt->set = $4;
	}
	;

definition
	: LBRACE words RBRACE	{ $$ = $2; }
	| value
	{
		$$ = load_set(load, OP_NONE, &load->lex.token);
		load_set_add(load, $$, $1);
	}
	;

group	: GROUP name EQ LBRACE words RBRACE
	{
		struct stmt *stmt = load_stmt(load, STMT_GROUP, &$1);

		if (stmt == NULL) {
			YYABORT;
		}
		stmt->name = $2;
		stmt->set = $5;
	}
	;

default	: DEFAULT TO ANY
	{
		if (preset(load, &$1, DEFAULT_TO_ANY, NULL) != 0) {
			YYABORT;
		}
	}
	| DEFAULT USING text
	{
		if (preset(load, &$1, DEFAULT_USING, $3) != 0) {
			YYABORT;
		}
	}
	| DEFAULT TZ text
	{
		if (preset(load, &$1, DEFAULT_TZ, $3) != 0) {
			YYABORT;
		}
	}
	| DEFAULT ISSUER name
	{
		if (preset(load, &$1, DEFAULT_ISSUER, $3) != 0) {
			YYABORT;
		}
	}
	;

include	: INCLUDE text
	{
		struct stmt *stmt = load_stmt(load, STMT_INCLUDE, &$1);

		if (stmt == NULL) {
			YYABORT;
		}
		stmt->name = $2;
	}
	| foreign grants
	;

foreign	: INCLUDE DIALECT text
	{
		struct stmt *stmt = load_stmt(load, STMT_INCLUDE, &$1);

		if (stmt == NULL) {
			YYABORT;
		}
		stmt->include = (enum include_kind)$2.value;
		stmt->name = $3;
	}
	;

grants	: %empty
	| grants grant
	;

name	: anyword	{ $$ = load_word(load, &$1, 0); }
	;

anyword	: WORD | TARGET | FORBID | EXPOSED | ATTR | IF | SETOP | FOREIGN
	| INCLUDE | DIALECT | TO | AND | USING | EXPOSE | INTERFACE | LEASE
	| IDLE | HOLD | FLAG | NAMED | MAXIMUM | SCOPE | WINDOW | TZ | APPROVE
	| BY | WITHIN | VALID | DEFINE | GROUP | DEFAULT | ANY | ISSUER
	;

%%

#define ATTRIBUTES \
	"`id', `name', `serial', `hash', `parent-hash', `via-port', " \
	"`with-interface', `with-connect-type', `label', `manufacturer', " \
	"`release', `speed', `with-class', `under', `pin'"
#define USBGUARD_ATTRIBUTES \
	"`id', `name', `serial', `hash', `parent-hash', `via-port', " \
	"`with-interface', `with-connect-type', `label'"

#define TERMS \
	"`using', `expose', `lease', `until', `hold', `once', `max', " \
	"`window', `approve', `capture', `audit', `key'"

static struct set *
one(struct rules_load *load, const struct token *token)
{
	struct set *set = load_set(load, OP_NONE, token);

	load_set_add(load, set, load_word(load, token, 0));
	return set;
}

static int
term(struct rules_load *load, const struct token *at, struct set *sets,
    struct word *a, struct word *b, struct word *c)
{
	struct word *args[CLAUSE_ARGS] = { a, b, c };

	return load_clause(load, (enum rule_attr)at->value, at, sets, args);
}

static int
preset(struct rules_load *load, const struct token *at,
    enum default_kind what, struct word *word)
{
	struct stmt *stmt = load_stmt(load, STMT_DEFAULT, at);

	if (stmt == NULL || (word == NULL && what != DEFAULT_TO_ANY)) {
		return ERR_NOMEM;
	}
	stmt->what = what;
	stmt->name = word;
	return 0;
}

static void
refuse_word(struct rules_load *load, const struct token *token)
{
	int is_own = load->lex.source->dialect == RULES_OWN;

	load_error_at(load, token, "unknown attribute `%.*s'; expected a "
	    "device id such as 1234:5678, or %s, `if'%s or the end of the "
	    "line", token->len > 40 ? 40 : (int)token->len, token->text,
	    is_own ? ATTRIBUTES : USBGUARD_ATTRIBUTES,
	    is_own ? ", `to', " TERMS : "");
	lex_recover(load);
}

/* Called for a full parser stack only: everything else is reported below. */
static void
rules_yyerror(struct rules_load *load, const char *text)
{
	load_error_at(load, &load->lex.token, "%s", text);
	lex_recover(load);
}

/* Every symbol that may be expected, in words. */
static const struct {
	yysymbol_kind_t symbol;
	const char *text;
	int is_usbguard; /* words of its language as well */
} expectations[] = {
	{ YYSYMBOL_TARGET, "`allow', `block', `reject'", 1 },
	{ YYSYMBOL_FORBID, "`forbid'", 0 },
	{ YYSYMBOL_INCLUDE, "`include'", 0 },
	{ YYSYMBOL_DEFINE, "`define'", 0 },
	{ YYSYMBOL_GROUP, "`workstations'", 0 },
	{ YYSYMBOL_DEFAULT, "`default'", 0 },
	{ YYSYMBOL_SETOP, "a set operator", 1 },
	{ YYSYMBOL_WORD, "a value", 1 },
	{ YYSYMBOL_INTERFACE, "`interface'", 0 },
	{ YYSYMBOL_DIALECT, "`usbguard', `usbredir', `citrix'", 0 },
	{ YYSYMBOL_STRING, "a string in quotes", 1 },
	{ YYSYMBOL_LBRACE, "`{'", 1 },
	{ YYSYMBOL_RBRACE, "`}'", 1 },
	{ YYSYMBOL_EXPOSED, "`exposed'", 0 },
	{ YYSYMBOL_ATTR, ATTRIBUTES, 0 },
	{ YYSYMBOL_IF, "`if'", 1 },
	{ YYSYMBOL_TO, "`to'", 0 },
	{ YYSYMBOL_AND, "`and'", 0 },
	{ YYSYMBOL_IDLE, "`idle'", 0 },
	{ YYSYMBOL_BY, "`by'", 0 },
	{ YYSYMBOL_WITHIN, "`within'", 0 },
	{ YYSYMBOL_VALID, "`valid'", 0 },
	{ YYSYMBOL_SCOPE, "`per-workstation' or `per-gateway'", 0 },
	{ YYSYMBOL_LEASE, TERMS, 0 },
	{ YYSYMBOL_USING, "`using'", 0 },
	{ YYSYMBOL_TZ, "`tz'", 0 },
	{ YYSYMBOL_ISSUER, "`issuer'", 0 },
	{ YYSYMBOL_ANY, "`any'", 0 },
	{ YYSYMBOL_EQ, "`='", 0 },
	{ YYSYMBOL_NL, "the end of the line", 1 },
};

#define NEXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

static void
describe_expected(char *buf, size_t size, const unsigned char *set,
    enum rules_dialect dialect)
{
	const char *texts[NEXPECTATIONS];
	size_t n = 0, used = 0;

	if (set[YYSYMBOL_WORD] && set[YYSYMBOL_DEFINE]) {
		snprintf(buf, size, "a name");
		return;
	}
	for (size_t i = 0; i < NEXPECTATIONS; i++) {
		yysymbol_kind_t symbol = expectations[i].symbol;
		const char *text = expectations[i].text;

		if (!set[symbol] ||
		    (symbol == YYSYMBOL_STRING && set[YYSYMBOL_WORD]) ||
		    /* it is one of the terms */
		    (symbol == YYSYMBOL_USING && set[YYSYMBOL_LEASE])) {
			continue;
		}
		if (symbol == YYSYMBOL_WORD && set[YYSYMBOL_ATTR]) {
			text = "a device id";
		}
		if (dialect == RULES_USBGUARD && symbol == YYSYMBOL_ATTR) {
			text = USBGUARD_ATTRIBUTES;
		} else if (dialect == RULES_USBGUARD &&
		    !expectations[i].is_usbguard) {
			continue;
		}
		texts[n++] = text;
	}
	buf[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		int r = snprintf(buf + used, size - used, "%s%s",
		    i == 0 ? "" : i + 1 == n ? " or " : ", ", texts[i]);

		used += r > 0 ? (size_t)r : 0;
	}
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, struct rules_load *load)
{
	yysymbol_kind_t symbols[YYNTOKENS];
	unsigned char set[YYNTOKENS] = { 0 };
	yysymbol_kind_t found = yypcontext_token(ctx);
	const struct token *token = &load->lex.token;
	int len = token->len > 40 ? 40 : (int)token->len;
	int n = yypcontext_expected_tokens(ctx, symbols, YYNTOKENS);
	char expected[768];

	for (int i = 0; i < n; i++) {
		set[symbols[i]] = 1;
	}
	describe_expected(
	    expected, sizeof(expected), set, load->lex.source->dialect);
	if (found == YYSYMBOL_NL || found == YYSYMBOL_YYEOF) {
		load_error_at(load, token,
		    "unexpected end of the line; expected %s", expected);
	} else if (found == YYSYMBOL_STRING) {
		load_error_at(load, token,
		    "unexpected string \"%.*s\"; expected %s", len,
		    token->text, expected);
	} else if (found == YYSYMBOL_LBRACE || found == YYSYMBOL_RBRACE) {
		load_error_at(load, token, "unexpected `%c'; expected %s",
		    found == YYSYMBOL_LBRACE ? '{' : '}', expected);
	} else if (set[YYSYMBOL_TARGET]) {
		load_error_at(load, token,
		    "unknown statement `%.*s'; expected %s", len,
		    token->text, expected);
	} else if (found == YYSYMBOL_WORD && set[YYSYMBOL_ATTR]) {
		load_error_at(load, token,
		    "unknown attribute `%.*s'; expected %s", len,
		    token->text, expected);
	} else {
		load_error_at(load, token, "unexpected `%.*s'; expected %s",
		    len, token->text, expected);
	}
	lex_recover(load);
	return 0;
}
