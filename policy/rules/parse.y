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

int rules_yylex(RULES_YYSTYPE *value, struct rules_load *load);
static void rules_yyerror(struct rules_load *load, const char *text);
static void refuse(struct rules_load *load, const struct token *token,
    const char *before);
static void refuse_word(struct rules_load *load, const struct token *token);
}

%union {
	struct token token;
	struct word *word;
	struct set *set;
}

%token <token> WORD STRING
%token <token> TARGET ATTR SETOP UNSUPPORTED FOREIGN
%token <token> TO AND KEY DEFINE GROUP DEFAULT ANY EQ
%token <token> NL LBRACE RBRACE

%type <word> value name
%type <set> values words terms definition
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
	| UNSUPPORTED	{ refuse(load, &$1, ""); YYERROR; }
	| FOREIGN
	{
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
		if (load_clause(load, ATTR_ID, &$1, set) != 0) {
			YYERROR;
		}
	}
	;

clauses	: %empty
	| clauses clause
	;

clause	: ATTR values
	{
		if (load_clause(load, (enum rule_attr)$1.value, &$1, $2) != 0) {
			YYERROR;
		}
	}
	| TO terms
	{
		if (load_clause(load, ATTR_TO, &$1, $2) != 0) {
			YYERROR;
		}
	}
	| KEY STRING
	{
		struct set *set = load_set(load, OP_NONE, &$2);

		load_set_add(load, set, load_word(load, &$2, 1));
		if (load_clause(load, ATTR_KEY, &$1, set) != 0) {
			YYERROR;
		}
	}
	| UNSUPPORTED	{ refuse(load, &$1, ""); YYERROR; }
	;

terms	: values
	| terms AND values
	{
		struct set *last = $1;

		while (last != NULL && last->next != NULL) {
			last = last->next;
		}
		if (last != NULL) {
			last->next = $3;
		}
		$$ = $1;
	}
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
		if (load_stmt(load, STMT_DEFAULT_TO_ANY, &$1) == NULL) {
			YYABORT;
		}
	}
	| DEFAULT UNSUPPORTED	{ refuse(load, &$2, "default "); YYERROR; }
	;

name	: anyword	{ $$ = load_word(load, &$1, 0); }
	;

anyword	: WORD | TARGET | ATTR | SETOP | UNSUPPORTED | FOREIGN | TO | AND
	| KEY | DEFINE | GROUP | DEFAULT | ANY
	;

%%

#define ATTRIBUTES \
	"`id', `name', `serial', `hash', `parent-hash', `via-port', " \
	"`with-interface', `with-connect-type', `label', `manufacturer', " \
	"`release', `speed', `with-class'"

static void
refuse(struct rules_load *load, const struct token *token, const char *before)
{
	load_error_at(load, token, "`%s%.*s' is not supported by this version",
	    before, (int)token->len, token->text);
	lex_recover(load);
}

static void
refuse_word(struct rules_load *load, const struct token *token)
{
	load_error_at(load, token, "unknown attribute `%.*s'; expected a "
	    "device id such as 1234:5678, or " ATTRIBUTES ", `to', `key' or "
	    "the end of the line", token->len > 40 ? 40 : (int)token->len,
	    token->text);
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
} expectations[] = {
	{ YYSYMBOL_TARGET, "`allow', `block', `reject'" },
	{ YYSYMBOL_DEFINE, "`define'" },
	{ YYSYMBOL_GROUP, "`workstations'" },
	{ YYSYMBOL_DEFAULT, "`default'" },
	{ YYSYMBOL_SETOP, "a set operator" },
	{ YYSYMBOL_WORD, "a value" },
	{ YYSYMBOL_STRING, "a string in quotes" },
	{ YYSYMBOL_LBRACE, "`{'" },
	{ YYSYMBOL_RBRACE, "`}'" },
	{ YYSYMBOL_ATTR, ATTRIBUTES },
	{ YYSYMBOL_TO, "`to'" },
	{ YYSYMBOL_AND, "`and'" },
	{ YYSYMBOL_KEY, "`key'" },
	{ YYSYMBOL_ANY, "`any'" },
	{ YYSYMBOL_EQ, "`='" },
	{ YYSYMBOL_NL, "the end of the line" },
};

#define NEXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

static void
describe_expected(char *buf, size_t size, const unsigned char *set)
{
	const char *texts[NEXPECTATIONS];
	size_t n = 0, used = 0;

	if (set[YYSYMBOL_WORD] && set[YYSYMBOL_DEFINE]) {
		snprintf(buf, size, "a name");
		return;
	}
	for (size_t i = 0; i < NEXPECTATIONS; i++) {
		yysymbol_kind_t symbol = expectations[i].symbol;

		if (!set[symbol] ||
		    (symbol == YYSYMBOL_STRING && set[YYSYMBOL_WORD])) {
			continue;
		}
		texts[n++] = symbol == YYSYMBOL_WORD && set[YYSYMBOL_ATTR] ?
		    "a device id" : expectations[i].text;
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
	char expected[512];

	for (int i = 0; i < n; i++) {
		set[symbols[i]] = 1;
	}
	describe_expected(expected, sizeof(expected), set);
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
