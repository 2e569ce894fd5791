/*
 * From bytes to tokens. A word is a run of bytes other than blanks, { } " and
 * #; what it means is for the grammar to say. Runs in the warden and in
 * sallyport-policy; the text is an administrator's, and may be any bytes.
 *
 * An error is reported here and ends the statement: the parser is told by
 * RULES_YYerror, asks again, and gets the end of the statement.
 */
#include "policy/rules/ast.h"

#include <string.h>

#include "policy/rules/parse.h"

enum lex_skip { SKIP_NOTHING, SKIP_STATEMENT, SKIP_IS_AT_END };

int rules_yylex(RULES_YYSTYPE *value, struct rules_load *load);

void
lex_init(struct lexer *lex, struct source *source)
{
	memset(lex, 0, sizeof(*lex));
	lex->source = source;
	lex->line = 1;
	lex->last = NL;
}

/* The byte at offset n from here, or -1 at the end of the text. */
static int
peek(const struct lexer *lex, size_t n)
{
	if (n >= lex->source->nparsed - lex->pos) {
		return -1;
	}
	return (unsigned char)lex->source->parsed[lex->pos + n];
}

static void
start_line(struct lexer *lex)
{
	lex->line++;
	lex->line_start = lex->pos;
}

static uint32_t
column_of(const struct lexer *lex, size_t pos)
{
	size_t column = pos - lex->line_start + 1;

	return column > UINT32_MAX ? UINT32_MAX : (uint32_t)column;
}

static int
is_word_end(int c)
{
	return c == -1 || c == ' ' || c == '\t' || c == '\n' || c == '{' ||
	    c == '}' || c == '"' || c == '#';
}

/* USBGuard has one rule per line, always: nothing joins lines there. */
static int
joins_lines(const struct lexer *lex, size_t n)
{
	return lex->source->dialect == RULES_OWN && peek(lex, n) == '\\' &&
	    peek(lex, n + 1) == '\n';
}

/* Length of the word that starts here. */
static size_t
word_length(const struct lexer *lex)
{
	size_t n = 0;

	while (!is_word_end(peek(lex, n)) && !joins_lines(lex, n)) {
		n++;
	}
	return n;
}

static int
line_starts_statement(const struct lexer *lex)
{
	struct lexer at = *lex;

	while (peek(&at, 0) == ' ' || peek(&at, 0) == '\t') {
		at.pos++;
	}
	return keyword_starts_statement(
	    at.source->parsed + at.pos, word_length(&at));
}

static void
skip_line_rest(struct lexer *lex)
{
	while (peek(lex, 0) != -1 && peek(lex, 0) != '\n') {
		lex->pos++;
	}
}

static void
skip_string(struct lexer *lex)
{
	lex->pos++;
	while (peek(lex, 0) != -1 && peek(lex, 0) != '\n') {
		int c = peek(lex, 0);

		lex->pos++;
		if (c == '"') {
			return;
		}
		if (c == '\\' && peek(lex, 0) != '\n' && peek(lex, 0) != -1) {
			lex->pos++;
		}
	}
}

/* To the newline that ends the statement: outside of { }, or before a line
 * that can only be a new statement. */
static void
skip_statement(struct lexer *lex)
{
	int c;

	if (lex->source->dialect == RULES_USBGUARD) {
		skip_line_rest(lex);
		return;
	}
	while ((c = peek(lex, 0)) != -1) {
		if (c == '"') {
			skip_string(lex);
			continue;
		}
		if (c == '#') {
			skip_line_rest(lex);
			continue;
		}
		if (c == '{') {
			lex->depth++;
		} else if (c == '}' && lex->depth > 0) {
			lex->depth--;
		} else if (joins_lines(lex, 0)) {
			lex->pos += 2;
			start_line(lex);
			continue;
		} else if (c == '\n') {
			if (lex->depth == 0) {
				return;
			}
			lex->pos++;
			start_line(lex);
			if (line_starts_statement(lex)) {
				lex->pos--; /* its own line is not lost */
				lex->line--;
				return;
			}
			continue;
		}
		lex->pos++;
	}
}

void
lex_recover(struct rules_load *load)
{
	struct lexer *lex = &load->lex;

	if (lex->last != NL && lex->skip == SKIP_NOTHING) {
		lex->skip = SKIP_STATEMENT;
	}
}

static int
fail(struct lexer *lex)
{
	if (lex->skip == SKIP_NOTHING) {
		lex->skip = SKIP_STATEMENT;
	}
	lex->last = RULES_YYerror;
	return RULES_YYerror;
}

static int
end_of_line(struct lexer *lex)
{
	lex->token.text = "";
	lex->token.len = 0;
	lex->token.line = lex->line;
	lex->token.column = column_of(lex, lex->pos);
	lex->depth = 0;
	lex->is_if = 0;
	lex->skip = SKIP_NOTHING;
	lex->last = NL;
	if (peek(lex, 0) == '\n') {
		lex->pos++;
		start_line(lex);
	}
	return NL;
}

static int
fail_unclosed(struct rules_load *load)
{
	struct lexer *lex = &load->lex;

	load_error(load, lex->source, lex->brace_line, lex->brace_column,
	    "`{' is not closed; expected `}'");
	lex->skip = SKIP_IS_AT_END;
	return fail(lex);
}

/* Skips blanks, comments, joined lines and, inside { }, newlines. True when
 * there were any; *starts_line when nothing but blanks stands before on a line
 * that no `\' joined. */
static int
skip_blanks(struct lexer *lex, int *starts_line)
{
	int had = 0;

	*starts_line = 0;
	for (;;) {
		int c = peek(lex, 0);

		if (c == ' ' || c == '\t') {
			lex->pos++;
		} else if (c == '#') {
			skip_line_rest(lex);
		} else if (c == '\n' && lex->depth > 0 &&
		    lex->source->dialect == RULES_OWN) {
			lex->pos++;
			start_line(lex);
			*starts_line = 1;
		} else if (joins_lines(lex, 0)) {
			lex->pos += 2;
			start_line(lex);
			*starts_line = 0;
		} else {
			return had;
		}
		had = 1;
	}
}

/* The text of a string, escapes still in it; the position is at its quote. */
static int
lex_string(struct rules_load *load)
{
	struct lexer *lex = &load->lex;
	struct token *token = &lex->token;
	size_t n = 1;
	int c;

	while ((c = peek(lex, n)) != '"') {
		token->column = column_of(lex, lex->pos + n);
		if (c == -1 || c == '\n' || c == '\r') {
			token->column = column_of(lex, lex->pos);
			load_error_at(load, token,
			    "string is not closed before the end of the "
			    "line; expected `\"'");
			skip_line_rest(lex);
			return fail(lex);
		}
		if (c == 0 && lex->source->dialect == RULES_OWN) {
			load_error_at(load, token, "NUL byte in a string");
			return fail(lex);
		}
		if (c == '\\') {
			int e = peek(lex, ++n);

			if (e != '"' && e != '\\' && e != 'x') {
				load_error_at(load, token,
				    "unknown escape in a string; expected "
				    "\\\" \\\\ or \\xHH");
				return fail(lex);
			}
		}
		n++;
	}
	token->text = lex->source->parsed + lex->pos + 1;
	token->len = (uint32_t)(n - 1);
	token->column = column_of(lex, lex->pos);
	lex->pos += n + 1;
	/* the two digits after \x */
	for (size_t i = 0; i + 1 < token->len; i++) {
		if (token->text[i] != '\\') {
			continue;
		}
		if (token->text[++i] == 'x' &&
		    (token->len - i < 3 ||
			strspn((char[]){token->text[i + 1],
				       token->text[i + 2], 0},
			    "0123456789abcdefABCDEF") != 2)) {
			token->column += (uint32_t)i;
			load_error_at(load, token,
			    "\\x in a string needs two hexadecimal digits");
			return fail(lex);
		}
	}
	lex->last = STRING;
	return STRING;
}

static int
fail_byte(struct rules_load *load, int c)
{
	struct lexer *lex = &load->lex;

	lex->token.column = column_of(lex, lex->pos);
	if (c == 0) {
		load_error_at(load, &lex->token, "NUL byte");
	} else if (c == '\r') {
		load_error_at(load, &lex->token,
		    "carriage return; save the file with Unix line ends");
	} else if (c == 0xef && lex->pos == 0) {
		load_error_at(load, &lex->token,
		    "byte order mark; save the file as UTF-8 without it");
	} else {
		load_error_at(load, &lex->token,
		    "byte 0x%02x outside of a string", (unsigned)c);
	}
	return fail(lex);
}

static int
lex_word(struct rules_load *load)
{
	struct lexer *lex = &load->lex;
	struct token *token = &lex->token;
	const struct keyword *keyword;
	size_t n = word_length(lex);

	token->text = lex->source->parsed + lex->pos;
	token->len = (uint32_t)n;
	for (size_t i = 0; i < n; i++, lex->pos++) {
		int c = peek(lex, 0);

		if (c < 0x21 || c > 0x7e) {
			return fail_byte(load, c);
		}
	}
	if (token->text[n - 1] == '\\') {
		token->column += (uint32_t)(n - 1);
		load_error_at(load, token,
		    "`\\' joins lines only as the last byte of a line");
		return fail(lex);
	}
	keyword = keyword_find_in(lex->source->dialect, token->text, n);
	token->value = keyword != NULL ? keyword->value : 0;
	lex->last = keyword != NULL ? keyword->token : WORD;
	return lex->last;
}

/* After `if': a condition, whose argument is raw text up to its `)'. */
static int
lex_condition(struct rules_load *load)
{
	struct lexer *lex = &load->lex;
	struct token *token = &lex->token;
	size_t n = peek(lex, 0) == '!', start;
	int c, in_string = 0;

	while ((c = peek(lex, n)) != '(' && !is_word_end(c)) {
		n++;
	}
	if (c != '(') {
		c = lex_word(load);
		lex->is_if &= c == SETOP || lex->depth > 0;
		return c;
	}
	start = n++;
	for (; (c = peek(lex, n)) != ')'; n++) {
		if (c == -1 || c == '\n' || c == '\r') {
			token->column = column_of(lex, lex->pos + start);
			load_error_at(load, token,
			    "`(' is not closed before the end of the line; "
			    "expected `)'");
			return fail(lex);
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			token->column = column_of(lex, lex->pos + n);
			load_error_at(load, token,
			    "byte 0x%02x in a condition", (unsigned)c);
			return fail(lex);
		}
		if (c == '"' && peek(lex, n - 1) != '\\') {
			in_string = !in_string;
		}
		if (c == '#' && !in_string &&
		    lex->source->dialect == RULES_OWN) {
			token->column = column_of(lex, lex->pos + n);
			load_error_at(load, token,
			    "`#' in a condition, where it starts no comment");
			return fail(lex);
		}
	}
	token->text = lex->source->parsed + lex->pos;
	token->len = (uint32_t)(n + 1);
	lex->pos += n + 1;
	lex->is_if &= lex->depth > 0;
	lex->last = WORD;
	return WORD;
}

static int
lex_token(struct rules_load *load)
{
	struct lexer *lex = &load->lex;
	struct token *token = &lex->token;
	int had, starts_line, c;

	if (lex->skip == SKIP_STATEMENT) {
		skip_statement(lex);
		return end_of_line(lex);
	}
	if (lex->skip == SKIP_IS_AT_END) {
		return end_of_line(lex);
	}
	if (lex->is_stopped || load->is_nomem) {
		lex->pos = lex->source->nparsed;
		lex->depth = 0;
	}
	had = skip_blanks(lex, &starts_line);
	c = peek(lex, 0);
	*token = (struct token){.line = lex->line,
	    .column = column_of(lex, lex->pos)};
	if (c == -1 && lex->depth > 0) {
		return fail_unclosed(load);
	}
	if (c == '\n' || (c == -1 && lex->last != NL)) {
		return end_of_line(lex);
	}
	if (c == -1) {
		return 0;
	}
	if (starts_line && line_starts_statement(lex)) {
		lex->pos = lex->line_start - 1;
		lex->line--;
		return fail_unclosed(load);
	}
	if (c == '}') {
		lex->pos++;
		lex->depth = 0;
		lex->is_if = 0;
		lex->last = RBRACE;
		return RBRACE;
	}
	if (!had && lex->last != NL && lex->last != LBRACE) {
		load_error_at(load, token,
		    "a blank is missing before this");
		return fail(lex);
	}
	if (c == '{') {
		lex->pos++;
		if (lex->depth++ == 0) {
			lex->brace_line = token->line;
			lex->brace_column = token->column;
		}
		lex->last = LBRACE;
		return LBRACE;
	}
	if (c == '"') {
		return lex_string(load);
	}
	return lex->is_if ? lex_condition(load) : lex_word(load);
}

int
rules_yylex(RULES_YYSTYPE *value, struct rules_load *load)
{
	int kind = lex_token(load);

	if (kind == IF) {
		load->lex.is_if = 1;
	}
	value->token = load->lex.token;
	return kind;
}
