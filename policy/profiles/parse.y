/*
 * The grammar of profile files, see sallyport.profile(5). It only builds the
 * tree; what the words mean is judged in resolve.c and check.c. Pure: all state
 * is in the load.
 *
 * After an error the statement is dropped and the next one is read, so that one
 * run shows all errors of a file.
 */
%define api.pure full
%define api.prefix {profiles_yy}
%define parse.error custom
%define parse.lac full
%param { struct profile_load *load }
%expect 0

%code requires {
#include "policy/profiles/load.h"
}

%code {
#include <stdio.h>
#include <string.h>

int profiles_yylex(PROFILES_YYSTYPE *value, struct profile_load *load);
static void profiles_yyerror(struct profile_load *load, const char *text);
}

%union {
	struct ptoken token;
	struct value *values;
	struct match *match;
	struct edit *edit;
	struct prule *rule;
	struct {
		enum match_op op;
		struct value *values;
	} cmp;
	enum verdict verdict;
}

%token <token> WORD STRING FIELD FLAG
%token <token> DEFINE INCLUDE PROFILE EXTENDS
%token <token> FOR MODE ENFORCE AUDIT CAP TRANSFER INFLIGHT BYTES PIN REPORT
%token <token> USAGE ARM BY CHALLENGE WITHIN METER BURST QUOTA PER ON
%token <token> ALLOW DENY DROP REWRITE ASK EJECT QUARANTINE NOTE ELSE
%token <token> STALL SENSE SW CTAPERR
%token <token> NOT OVER CONTAINS IN TIME WIDTH
%token <token> LOG LEVEL CAPTURE KEY
%token <token> LBRACE RBRACE EQ EQEQ NE LT LE GT GE DOTDOT AT AMP
%token <token> END COMMENT

%type <values> set elems elem vals value windows window
%type <cmp> cmp
%type <match> match test
%type <edit> edits edit
%type <rule> verdict matched rule
%type <verdict> otherwise
%type <token> within burst how mask level text units capname name

%%

file	: %empty
	| file statement
	| file error END	{ yyerrok; }
	;

statement
	: DEFINE name EQ vals
	{
		struct pstmt *stmt = tree_stmt(load, PSTMT_DEFINE, &$2);

		if (stmt != NULL) {
			stmt->values = $4;
		}
	}
	| INCLUDE STRING	{ tree_stmt(load, PSTMT_INCLUDE, &$2); }
	| head LBRACE items RBRACE
	;

head	: PROFILE name			{ tree_profile(load, &$2, NULL); }
	| PROFILE name EXTENDS name	{ tree_profile(load, &$2, &$4); }
	;

name	: WORD
	;

items	: %empty
	| items item
	| items error END	{ yyerrok; }
	;

item	: FOR set		{ tree_for(load, &$1, $2); }
	| MODE ENFORCE		{ tree_mode(load, &$1, 0); }
	| MODE AUDIT		{ tree_mode(load, &$1, 1); }
	| CAP capname WORD	{ tree_cap(load, &$2, &$3); }
	| PIN REPORT vals	{ tree_pin(load, &$2, $3); }
	| PIN USAGE vals	{ tree_pin(load, &$2, $3); }
	| ARM BY CHALLENGE WORD within
	{
		tree_arm(load, &$1, &$4, $5.text != NULL ? &$5 : NULL);
	}
	| METER name WORD burst
	{
		tree_meter(load, &$2, &$3, $4.text != NULL ? &$4 : NULL);
	}
	| QUOTA name WORD PER WORD	{ tree_quota(load, &$2, &$3, &$5); }
	| ON name LBRACE { tree_on(load, &$2); } rules last RBRACE
	;

last	: %empty
	| rule			{ tree_commit(load, $1); }
	;

capname	: TRANSFER | INFLIGHT | BYTES
	;

within	: %empty		{ $$ = (struct ptoken){0}; }
	| WITHIN WORD		{ $$ = $2; }
	;

burst	: %empty		{ $$ = (struct ptoken){0}; }
	| BURST WORD		{ $$ = $2; }
	;

rules	: %empty
	| rules END
	| rules rule END	{ tree_commit(load, $2); }
	| rules error END	{ yyerrok; }
	;

rule	: matched
	| rule LOG level text
	{
		$$ = $1;
		tree_log(load, $1, $3.text != NULL ? &$3 : NULL,
		    $4.text != NULL ? &$4 : NULL);
	}
	| rule CAPTURE units
	{
		$$ = $1;
		tree_capture(load, $1, $3.text != NULL ? &$3 : NULL);
	}
	| rule KEY STRING
	{
		$$ = $1;
		tree_key(load, $1, &$3);
	}
	| rule AUDIT
	{
		$$ = $1;
		if ($1 != NULL) {
			$1->is_audit = 1;
		}
	}
	;

level	: %empty		{ $$ = (struct ptoken){0}; }
	| LEVEL
	;

text	: %empty		{ $$ = (struct ptoken){0}; }
	| STRING
	;

units	: %empty		{ $$ = (struct ptoken){0}; }
	| WORD
	;

matched	: verdict
	| matched match	{ $$ = $1; tree_add_match(load, $1, $2); }
	;

verdict	: ALLOW		{ $$ = tree_rule(load, VERDICT_ALLOW, &$1); }
	| DENY		{ $$ = tree_rule(load, VERDICT_DENY, &$1); }
	| DENY STALL
	{
		$$ = tree_rule(load, VERDICT_DENY, &$1);
		tree_how(load, $$, HOW_STALL, &$2);
	}
	| DENY SENSE how
	{
		$$ = tree_rule(load, VERDICT_DENY, &$1);
		tree_how(load, $$, HOW_SENSE, &$3);
	}
	| DENY SW how
	{
		$$ = tree_rule(load, VERDICT_DENY, &$1);
		tree_how(load, $$, HOW_SW, &$3);
	}
	| DENY CTAPERR how
	{
		$$ = tree_rule(load, VERDICT_DENY, &$1);
		tree_how(load, $$, HOW_CTAPERR, &$3);
	}
	| DROP		{ $$ = tree_rule(load, VERDICT_DROP, &$1); }
	| REWRITE LBRACE edits RBRACE
	{
		$$ = tree_rule(load, VERDICT_REWRITE, &$1);
		if ($$ != NULL) {
			$$->edits = $3;
		}
	}
	| ASK STRING WITHIN WORD ELSE otherwise
	{
		$$ = tree_rule(load, VERDICT_ASK, &$1);
		tree_ask(load, $$, &$2, &$4, $6);
	}
	| EJECT		{ $$ = tree_rule(load, VERDICT_EJECT, &$1); }
	| QUARANTINE	{ $$ = tree_rule(load, VERDICT_QUARANTINE, &$1); }
	| NOTE		{ $$ = tree_rule(load, PVERDICT_NOTE, &$1); }
	;

how	: WORD
	;

otherwise
	: ALLOW		{ $$ = VERDICT_ALLOW; }
	| DENY		{ $$ = VERDICT_DENY; }
	| EJECT		{ $$ = VERDICT_EJECT; }
	;

edits	: edit
	| edits edit	{ $$ = $1; tree_add_edit(load, $1, $2); }
	;

edit	: WORD EQ WORD		{ $$ = tree_edit(load, &$1, &$3); }
	;

match	: test
	| NOT test
	{
		$$ = $2;
		if ($2 != NULL) {
			$2->is_not = 1;
			$2->at = pload_place(load, &$1);
		}
	}
	;

test	: FIELD cmp
	{
		$$ = tree_match(load, MATCH_FACT, &$1);
		if ($$ != NULL) {
			$$->op = $2.op;
			$$->values = $2.values;
		}
	}
	| FLAG			{ $$ = tree_match(load, MATCH_FACT, &$1); }
	| FLAG EQ value
	{
		$$ = tree_match(load, MATCH_FACT, &$1);
		if ($$ != NULL) {
			$$->values = $3;
		}
	}
	| FLAG EQEQ value
	{
		$$ = tree_match(load, MATCH_FACT, &$1);
		if ($$ != NULL) {
			$$->values = $3;
		}
	}
	| OVER WORD		{ $$ = tree_match(load, MATCH_OVER, &$2); }
	| WIDTH AT WORD mask cmp
	{
		$$ = tree_match(load, MATCH_BYTES, &$1);
		if ($$ != NULL) {
			$$->op = $5.op;
			$$->values = $5.values;
			tree_match_bytes(load, $$, &$1, &$3,
			    $4.text != NULL ? &$4 : NULL);
		}
	}
	| CONTAINS STRING
	{
		$$ = tree_match(load, MATCH_CONTAINS, &$1);
		tree_match_contains(load, $$, &$2, NULL, NULL);
	}
	| CONTAINS STRING IN WORD DOTDOT WORD
	{
		$$ = tree_match(load, MATCH_CONTAINS, &$1);
		tree_match_contains(load, $$, &$2, &$4, &$6);
	}
	| TIME LBRACE windows RBRACE
	{
		$$ = tree_match(load, MATCH_TIME, &$1);
		if ($$ != NULL) {
			$$->values = $3;
		}
	}
	;

mask	: %empty		{ $$ = (struct ptoken){0}; }
	| AMP STRING		{ $$ = $2; }
	;

windows	: window
	| windows window	{ $$ = tree_values_join(load, $1, $2); }
	;

window	: WORD			{ $$ = tree_value(load, &$1, NULL, 0); }
	;

cmp	: vals		{ $$.op = MATCH_IN; $$.values = $1; }
	| EQ value	{ $$.op = MATCH_IN; $$.values = $2; }
	| EQEQ value	{ $$.op = MATCH_IN; $$.values = $2; }
	| NE value	{ $$.op = MATCH_NE; $$.values = $2; }
	| LT value	{ $$.op = MATCH_LT; $$.values = $2; }
	| LE value	{ $$.op = MATCH_LE; $$.values = $2; }
	| GT value	{ $$.op = MATCH_GT; $$.values = $2; }
	| GE value	{ $$.op = MATCH_GE; $$.values = $2; }
	;

vals	: elem
	| set
	;

set	: LBRACE elems RBRACE	{ $$ = $2; }
	;

elems	: elem
	| elems elem		{ $$ = tree_values_join(load, $1, $2); }
	;

elem	: value
	| WORD DOTDOT WORD	{ $$ = tree_value(load, &$1, &$3, 0); }
	;

value	: WORD			{ $$ = tree_value(load, &$1, NULL, 0); }
	| STRING		{ $$ = tree_value(load, &$1, NULL, 1); }
	;

%%

/* Called for a full parser stack only: everything else is reported below. */
static void
profiles_yyerror(struct profile_load *load, const char *text)
{
	pload_error_at(load, &load->lex.token, "%s", text);
	plex_recover(load);
}

/* Every symbol that may be expected, in words. Where one stands for several,
 * the first of them has the text. */
static const struct {
	yysymbol_kind_t symbol;
	const char *text;
} expectations[] = {
	{ YYSYMBOL_PROFILE, "`profile', `define', `include'" },
	{ YYSYMBOL_EXTENDS, "`extends'" },
	{ YYSYMBOL_FOR, "`for', `mode', `cap', `pin', `arm', `meter', "
			"`quota', `on'" },
	{ YYSYMBOL_ENFORCE, "`enforce'" },
	{ YYSYMBOL_TRANSFER, "`transfer', `inflight', `bytes'" },
	{ YYSYMBOL_REPORT, "`report', `usage'" },
	{ YYSYMBOL_BY, "`by'" },
	{ YYSYMBOL_CHALLENGE, "`challenge'" },
	{ YYSYMBOL_BURST, "`burst'" },
	{ YYSYMBOL_PER, "`per'" },
	{ YYSYMBOL_DROP, "`allow', `deny', `drop', `rewrite', `ask', `eject', "
			 "`quarantine', `note'" },
	{ YYSYMBOL_STALL, "`stall', `sense', `sw', `ctaperr'" },
	{ YYSYMBOL_FIELD, "a fact" },
	{ YYSYMBOL_OVER, "`over', `contains', `time'" },
	{ YYSYMBOL_NOT, "`not'" },
	{ YYSYMBOL_WORD, "a value" },
	{ YYSYMBOL_STRING, "a string in quotes" },
	{ YYSYMBOL_EQ, "`='" },
	{ YYSYMBOL_LT, "`!=', `<', `<=', `>', `>='" },
	{ YYSYMBOL_AT, "`@'" },
	{ YYSYMBOL_AMP, "`&'" },
	{ YYSYMBOL_DOTDOT, "`..'" },
	{ YYSYMBOL_IN, "`in'" },
	{ YYSYMBOL_LOG, "`log', `capture', `key', `audit'" },
	{ YYSYMBOL_LEVEL, "`info', `warn', `alert'" },
	{ YYSYMBOL_WITHIN, "`within'" },
	{ YYSYMBOL_ELSE, "`else'" },
	{ YYSYMBOL_LBRACE, "`{'" },
	{ YYSYMBOL_RBRACE, "`}'" },
	{ YYSYMBOL_END, "the end of the line" },
};

#define NEXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

static void
describe_expected(char *buf, size_t size, const unsigned char *set)
{
	const char *texts[NEXPECTATIONS + 2];
	size_t n = 0, used = 0;

	for (size_t i = 0; i < NEXPECTATIONS; i++) {
		yysymbol_kind_t symbol = expectations[i].symbol;

		/* a block may end wherever a rule may begin */
		if (!set[symbol] ||
		    (symbol == YYSYMBOL_END && set[YYSYMBOL_DROP])) {
			continue;
		}
		texts[n++] = expectations[i].text;
	}
	if (set[YYSYMBOL_ALLOW] && !set[YYSYMBOL_DROP]) {
		texts[n++] = "`allow', `deny', `eject'";
	}
	if (set[YYSYMBOL_AUDIT] && set[YYSYMBOL_ENFORCE]) {
		texts[n++] = "`audit'";
	}
	buf[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		int r = snprintf(buf + used, size - used, "%s%s",
		    i == 0 ? "" : i + 1 == n ? " or " : ", ", texts[i]);

		used += r > 0 ? (size_t)r : 0;
	}
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, struct profile_load *load)
{
	yysymbol_kind_t symbols[YYNTOKENS];
	unsigned char set[YYNTOKENS] = { 0 };
	yysymbol_kind_t found = yypcontext_token(ctx);
	const struct ptoken *token = &load->lex.token;
	int len = token->len > 40 ? 40 : (int)token->len;
	int n = yypcontext_expected_tokens(ctx, symbols, YYNTOKENS);
	char expected[768];

	for (int i = 0; i < n; i++) {
		set[symbols[i]] = 1;
	}
	describe_expected(expected, sizeof(expected), set);
	if (found == YYSYMBOL_YYEOF) {
		pload_error_at(load, token,
		    "unexpected end of the file; expected %s", expected);
	} else if (found == YYSYMBOL_END && token->len == 0) {
		pload_error_at(load, token,
		    "unexpected end of the line; expected %s", expected);
	} else if (found == YYSYMBOL_STRING) {
		pload_error_at(load, token,
		    "unexpected string \"%.*s\"; expected %s", len,
		    token->text, expected);
	} else if (found == YYSYMBOL_FIELD && set[YYSYMBOL_DROP]) {
		pload_error_at(load, token,
		    "unknown verdict `%.*s'; expected %s", len, token->text,
		    expected);
	} else if (found == YYSYMBOL_FIELD && set[YYSYMBOL_LOG]) {
		pload_error_at(load, token,
		    "`%.*s' after a modifier; what a rule matches comes "
		    "first, expected %s", len, token->text, expected);
	} else {
		pload_error_at(load, token, "unexpected `%.*s'; expected %s",
		    len, token->text, expected);
	}
	plex_recover(load);
	return 0;
}
