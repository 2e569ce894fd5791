/*
 * From bytes to tokens. Runs in the warden and in sallyport-policy; the text is
 * an administrator's, and may be any bytes.
 *
 * Most words are keywords in one place and names in another: `key' is a fact and
 * a modifier, `in' a direction and a part of `contains', `read' whatever the
 * protocol says. So the lexer follows the braces, and knows after each token
 * whether a value must come; in a set, every word is a value.
 *
 * After an error the parser is given the end of the statement, and goes on with
 * the next one.
 */
#include "policy/profiles/load.h"

#include <string.h>

#include "policy/profiles/parse.h"

int profiles_yylex(PROFILES_YYSTYPE *value, struct profile_load *load);

struct keyword {
	const char *word;
	int token;
	uint8_t starts; /* a statement, an item, a rule */
};

static const struct keyword top_words[] = {
	{"define", DEFINE, 1}, {"extends", EXTENDS, 0},
	{"include", INCLUDE, 1}, {"profile", PROFILE, 1}, {NULL, 0, 0}};

static const struct keyword item_words[] = {
	{"arm", ARM, 1}, {"audit", AUDIT, 0}, {"burst", BURST, 0},
	{"by", BY, 0}, {"bytes", BYTES, 0}, {"cap", CAP, 1},
	{"challenge", CHALLENGE, 0}, {"enforce", ENFORCE, 0}, {"for", FOR, 1},
	{"inflight", INFLIGHT, 0}, {"meter", METER, 1}, {"mode", MODE, 1},
	{"on", ON, 1}, {"per", PER, 0}, {"pin", PIN, 1}, {"quota", QUOTA, 1},
	{"report", REPORT, 0}, {"transfer", TRANSFER, 0},
	{"usage", USAGE, 0}, {"within", WITHIN, 0}, {NULL, 0, 0}};

static const struct keyword rule_words[] = {
	{"allow", ALLOW, 1}, {"ask", ASK, 1}, {"audit", AUDIT, 0},
	{"capture", CAPTURE, 0}, {"contains", CONTAINS, 0},
	{"deny", DENY, 1}, {"drop", DROP, 1}, {"eject", EJECT, 1},
	{"else", ELSE, 0}, {"in", IN, 0}, {"key", KEY, 0}, {"log", LOG, 0},
	{"not", NOT, 0}, {"note", NOTE, 1}, {"over", OVER, 0},
	{"quarantine", QUARANTINE, 1}, {"rewrite", REWRITE, 1},
	{"time", TIME, 0}, {"within", WITHIN, 0}, {NULL, 0, 0}};

static const struct keyword how_words[] = {{"ctaperr", CTAPERR, 0},
	{"sense", SENSE, 0}, {"stall", STALL, 0}, {"sw", SW, 0}, {NULL, 0, 0}};

static const struct keyword level_words[] = {{"alert", LEVEL, 0},
	{"info", LEVEL, 0}, {"warn", LEVEL, 0}, {NULL, 0, 0}};

static const struct keyword width_words[] = {{"be16", WIDTH, 0},
	{"be32", WIDTH, 0}, {"bytes", WIDTH, 0}, {"le16", WIDTH, 0},
	{"le32", WIDTH, 0}, {"u8", WIDTH, 0}, {NULL, 0, 0}};

static const struct keyword *
find(const struct keyword *words, const char *text, size_t len)
{
	for (; words->word != NULL; words++) {
		if (strncmp(words->word, text, len) == 0 &&
		    words->word[len] == '\0') {
			return words;
		}
	}
	return NULL;
}

void
plex_init(struct plexer *lex, struct psource *source)
{
	memset(lex, 0, sizeof(*lex));
	lex->source = source;
	lex->at.line = 1;
	lex->at.hook = HOOKS;
	lex->at.last = END;
	lex->before = lex->at;
}

/* The byte at offset n from here, or -1 at the end of the text. */
static int
peek(const struct plexer *lex, size_t n)
{
	if (n >= lex->source->len - lex->at.pos) {
		return -1;
	}
	return (unsigned char)lex->source->text[lex->at.pos + n];
}

static unsigned
column_of(const struct plexer *lex, size_t pos)
{
	return (unsigned)(pos - lex->at.line_start + 1);
}

static int
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static int
is_word_end(const struct plexer *lex, size_t n)
{
	int c = peek(lex, n);

	return c == -1 || c == 0 || strchr(" \t\n{}\"#=<>!;@&", c) != NULL ||
	    (c == '.' && peek(lex, n + 1) == '.') ||
	    (c == '\\' && peek(lex, n + 1) == '\n');
}

static size_t
word_length(const struct plexer *lex)
{
	size_t n = 0;

	while (!is_word_end(lex, n)) {
		n++;
	}
	return n;
}

/* What the innermost brace is of; BRACE_LOST also at the top, see depth. */
enum plex_brace
plex_brace(const struct plex_at *at)
{
	if (at->depth == 0) {
		return BRACE_LOST;
	}
	return at->depth > PLEX_DEPTH ? BRACE_SET : at->stack[at->depth - 1];
}

static int
is_in(const struct plex_at *at, enum plex_brace what)
{
	return at->depth > 0 && plex_brace(at) == what;
}

/* --- errors --- */

static int
fail(struct plexer *lex)
{
	lex->skip = 1;
	return PROFILES_YYerror;
}

static int
fail_at(struct profile_load *load, size_t pos, const char *text)
{
	struct plexer *lex = &load->lex;

	lex->token.column = column_of(lex, pos);
	pload_error_at(load, &lex->token, "%s", text);
	return fail(lex);
}

void
plex_recover(struct profile_load *load)
{
	/* the parser keeps an END that was wrong, and ends with it */
	if (load->lex.at.last != END) {
		load->lex.skip = 1;
	}
}

/* --- blanks --- */

static void
start_line(struct plexer *lex)
{
	lex->at.line++;
	lex->at.line_start = lex->at.pos;
}

static void
skip_line_rest(struct plexer *lex)
{
	while (peek(lex, 0) != -1 && peek(lex, 0) != '\n') {
		lex->at.pos++;
	}
}

/* A newline ends a rule, and is a blank everywhere else. */
static int
ends_rule(const struct plexer *lex)
{
	return is_in(&lex->at, BRACE_ON) && lex->at.last != END &&
	    lex->at.last != LBRACE;
}

static void
skip_blanks(struct plexer *lex)
{
	for (;;) {
		int c = peek(lex, 0);

		if (is_blank(c)) {
			lex->at.pos++;
		} else if (c == '#' && !lex->has_comments) {
			skip_line_rest(lex);
		} else if (c == '\n' && !ends_rule(lex)) {
			lex->at.pos++;
			start_line(lex);
			lex->token.is_first = 1;
		} else if (c == '\\' && peek(lex, 1) == '\n') {
			lex->at.pos += 2;
			start_line(lex);
		} else {
			return;
		}
	}
}

/* --- braces --- */

static int
open_brace(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	struct plex_at *at = &lex->at;
	enum plex_brace what = BRACE_SET;

	if (at->depth == 0) {
		what = at->head == 2 || at->head == 4 ? BRACE_PROFILE :
		    at->last == EQ			? BRACE_SET :
							  BRACE_LOST;
	} else if (plex_brace(at) == BRACE_PROFILE && at->before == ON) {
		what = BRACE_ON;
	}
	if (at->depth > 0 && plex_brace(at) == BRACE_SET && !lex->is_quiet) {
		pload_error_at(load, &lex->token,
		    "`{' inside of a set; expected a value or `}'");
		at->depth++;
		return fail(lex);
	}
	if (at->depth < PLEX_DEPTH) {
		at->stack[at->depth] = what;
		at->brace_line[at->depth] = lex->token.line;
		at->brace_column[at->depth] = lex->token.column;
	}
	at->depth++;
	at->head = 0;
	return LBRACE;
}

/* What is missing is reported once, where it was opened, and put in its place
 * as often as it is needed. */
static int
close_missing(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	unsigned i = lex->at.depth < PLEX_DEPTH ? lex->at.depth : PLEX_DEPTH;
	struct ptoken token = {.text = "{",
	    .len = 1,
	    .line = lex->at.brace_line[i - 1],
	    .column = lex->at.brace_column[i - 1]};

	if (lex->told_at != lex->at.pos + 1) {
		pload_error_at(
		    load, &token, "`{' is not closed; expected `}'");
	}
	if (!lex->is_quiet) {
		lex->told_at = lex->at.pos + 1;
	}
	if (lex->at.depth-- == PLEX_DEPTH && peek(lex, 0) != -1) {
		/* the newline that it stood in the way of ends the rule */
		lex->at.pos = lex->at.line_start - 1;
		lex->at.line--;
		lex->at.line_start = lex->at.pos;
		while (lex->at.line_start > 0 &&
		    lex->source->text[lex->at.line_start - 1] != '\n') {
			lex->at.line_start--;
		}
	}
	return RBRACE;
}

/* A word that can only be the start of something that the open brace cannot
 * hold, at the start of a line. */
static int
is_past_brace(const struct plexer *lex, const char *text, size_t n)
{
	const struct keyword *k = find(top_words, text, n);
	enum plex_brace in = plex_brace(&lex->at);

	if (lex->at.depth == 0 || !lex->token.is_first || in == BRACE_LOST) {
		return 0;
	}
	if (k != NULL && k->starts) {
		return 1;
	}
	k = find(item_words, text, n);
	if (k != NULL && k->starts) {
		return in != BRACE_PROFILE && lex->at.depth > 1;
	}
	k = find(rule_words, text, n);
	return k != NULL && k->starts && in == BRACE_SET && lex->at.depth > 2;
}

/* --- words --- */

static int
fail_byte(struct profile_load *load, int c)
{
	struct plexer *lex = &load->lex;

	lex->token.column = column_of(lex, lex->at.pos);
	if (c == 0) {
		pload_error_at(load, &lex->token, "NUL byte");
	} else if (c == '\r') {
		pload_error_at(load, &lex->token,
		    "carriage return; save the file with Unix line ends");
	} else if (c == 0xef && lex->at.pos == 0) {
		pload_error_at(load, &lex->token,
		    "byte order mark; save the file as UTF-8 without it");
	} else {
		pload_error_at(load, &lex->token,
		    "byte 0x%02x outside of a string", (unsigned)c);
	}
	lex->at.pos++;
	return fail(lex);
}

/* What follows the word that ends n bytes from here. */
static int
byte_after(const struct plexer *lex, size_t n)
{
	for (;;) {
		if (is_blank(peek(lex, n))) {
			n++;
		} else if (peek(lex, n) == '\\' && peek(lex, n + 1) == '\n') {
			n += 2;
		} else {
			return peek(lex, n);
		}
	}
}

static int
item_kind(const struct plexer *lex, const char *text, size_t n)
{
	const struct keyword *k = find(item_words, text, n);

	if (lex->at.last == METER || lex->at.last == QUOTA ||
	    lex->at.last == ON) {
		return WORD;
	}
	return k != NULL ? k->token : WORD;
}

static int
rule_kind(const struct plexer *lex, const char *text, size_t n)
{
	const struct hook_fact *fact = lex->at.hook == HOOKS ? NULL :
	    hook_fact_find(lex->at.hook, text, n);
	const struct keyword *k;

	if (lex->at.wants_value || text[0] == '$' ||
	    (text[0] >= '0' && text[0] <= '9')) {
		return WORD;
	}
	k = lex->at.last == DENY  ? find(how_words, text, n) :
	    lex->at.last == LOG	  ? find(level_words, text, n) :
				    NULL;
	if (k == NULL && byte_after(lex, n) == '@') {
		k = find(width_words, text, n);
	}
	if (k != NULL) {
		return k->token;
	}
	k = find(rule_words, text, n);
	/* `key' is a fact where it is not followed by a string */
	if (k != NULL &&
	    (fact == NULL || k->token != KEY || byte_after(lex, n) == '"')) {
		return k->token;
	}
	return fact != NULL && fact->kind == FACT_IS_FLAG ? FLAG : FIELD;
}

static int
word_kind(const struct plexer *lex, const char *text, size_t n)
{
	const struct keyword *k;

	if (lex->at.depth == 0) {
		k = find(top_words, text, n);
		return k == NULL || lex->at.last == PROFILE ||
			lex->at.last == EXTENDS || lex->at.last == DEFINE ||
			lex->at.last == EQ ?
		    WORD :
		    k->token;
	}
	switch (plex_brace(&lex->at)) {
	case BRACE_PROFILE:
		return item_kind(lex, text, n);
	case BRACE_ON:
		return rule_kind(lex, text, n);
	case BRACE_SET:
	case BRACE_LOST:
		break;
	}
	return WORD;
}

static int
lex_word(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	size_t n = word_length(lex);
	const char *text = lex->source->text + lex->at.pos;
	int kind;

	if (n == 0) {
		return fail_byte(load, peek(lex, 0));
	}
	if (is_past_brace(lex, text, n)) {
		return close_missing(load);
	}
	lex->token.text = text;
	lex->token.len = (uint32_t)n;
	kind = word_kind(lex, text, n);
	for (size_t i = 0; i < n; i++, lex->at.pos++) {
		int c = peek(lex, 0);

		if (c < 0x21 || c > 0x7e || c == '\\') {
			return fail_byte(load, c);
		}
	}
	return kind;
}

/* --- strings --- */

static int
is_hex(int c)
{
	return c > 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
}

/* The position is at the quote. */
static int
lex_string(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	size_t start = lex->at.pos;
	int c;

	lex->at.pos++;
	while ((c = peek(lex, 0)) != '"') {
		if (c == -1 || c == '\n') {
			return fail_at(load, start,
			    "string is not closed before the end of the "
			    "line; expected `\"'");
		}
		if (c < 0x20 || c == 0x7f) {
			lex->token.column = column_of(lex, lex->at.pos);
			pload_error_at(load, &lex->token, c == 0 ?
				"NUL byte in a string" :
				"control character in a string; expected "
				"\\xHH");
			return fail(lex);
		}
		if (c == '\\') {
			int e = peek(lex, 1);

			if (e == 'x' &&
			    (!is_hex(peek(lex, 2)) || !is_hex(peek(lex, 3)))) {
				return fail_at(load, lex->at.pos,
				    "\\x in a string needs two hexadecimal "
				    "digits");
			}
			if (e != '"' && e != '\\' && e != 'x') {
				return fail_at(load, lex->at.pos,
				    "unknown escape in a string; expected "
				    "\\\" \\\\ or \\xHH");
			}
			lex->at.pos++;
		}
		lex->at.pos++;
	}
	lex->token.text = lex->source->text + start + 1;
	lex->token.len = (uint32_t)(lex->at.pos - start - 1);
	lex->at.pos++;
	return STRING;
}

/* --- tokens --- */

static const struct sign {
	char text[3];
	int token;
} signs[] = {{"==", EQEQ}, {"!=", NE}, {"<=", LE}, {">=", GE}, {"..", DOTDOT},
	{"=", EQ}, {"<", LT}, {">", GT}, {"@", AT}, {"&", AMP}, {";", END}};

static int
lex_sign(struct plexer *lex)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t n = strlen(signs[i].text);

		if (peek(lex, 0) == signs[i].text[0] &&
		    (n == 1 || peek(lex, 1) == signs[i].text[1])) {
			lex->token.text = lex->source->text + lex->at.pos;
			lex->token.len = (uint32_t)n;
			lex->at.pos += n;
			return signs[i].token;
		}
	}
	return 0;
}

static int
lex_any(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	int c, kind;

	lex->token = (struct ptoken){
	    .text = "", .is_first = lex->at.pos == 0 ||
		(lex->at.last == END && lex->at.pos == lex->at.line_start)};
	skip_blanks(lex);
	c = peek(lex, 0);
	lex->token.line = lex->at.line;
	lex->token.column = column_of(lex, lex->at.pos);
	if (c == -1 || lex->is_stopped || load->is_nomem || load->is_full) {
		if (lex->at.depth == 0) {
			return 0;
		}
		return close_missing(load);
	}
	lex->token.text = lex->source->text + lex->at.pos;
	lex->token.len = 1;
	if (c == '#') {
		size_t start = lex->at.pos;

		skip_line_rest(lex);
		lex->token.len = (uint32_t)(lex->at.pos - start);
		return COMMENT;
	}
	if (c == '\n') {
		lex->at.pos++;
		start_line(lex);
		lex->token.len = 0;
		return END;
	}
	if (c == '{') {
		lex->at.pos++;
		return open_brace(load);
	}
	if (c == '}') {
		lex->at.pos++;
		if (lex->at.depth > 0) {
			lex->at.depth--;
		}
		return RBRACE;
	}
	if (c == '"') {
		return lex_string(load);
	}
	kind = lex_sign(lex);
	return kind != 0 ? kind : lex_word(load);
}

/* What the token makes of the next ones. */
static void
follow(struct plexer *lex, int kind)
{
	struct plex_at *at = &lex->at;

	if (kind == COMMENT) {
		return;
	}
	if (at->depth == 0) {
		/* profile NAME [extends NAME] */
		at->head = kind == PROFILE			 ? 1 :
		    kind == WORD && (at->head & 1) != 0		 ?
		    (uint8_t)(at->head + 1) :
		    kind == EXTENDS && at->head == 2		 ? 3 :
								   0;
	}
	if (kind == WORD && at->last == ON) {
		at->hook = hook_find(lex->token.text, lex->token.len);
	}
	at->wants_value = kind == FIELD || kind == EQ || kind == EQEQ ||
	    kind == NE || kind == LT || kind == LE || kind == GT ||
	    kind == GE || kind == DOTDOT || kind == OVER || kind == SENSE ||
	    kind == SW || kind == CTAPERR || kind == WITHIN || kind == AT;
	at->before = at->last;
	at->last = kind;
}

static int
next(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	int kind;

	lex->before = lex->at;
	kind = lex_any(load);
	follow(lex, kind);
	return kind;
}

/* Whether what was wrong ends with this token, which is not part of it; base is
 * the depth of what was wrong. */
static int
is_next_statement(const struct plexer *lex, int kind, unsigned base)
{
	const struct ptoken *t = &lex->token;
	const struct keyword *k;

	if (kind == 0) {
		return 1;
	}
	if (lex->before.depth > base) {
		return 0;
	}
	if (kind == RBRACE) {
		return is_in(&lex->before, BRACE_ON) ||
		    is_in(&lex->before, BRACE_PROFILE);
	}
	if (base > 0 && plex_brace(&lex->before) != BRACE_PROFILE) {
		return 0;
	}
	k = find(base == 0 ? top_words : item_words, t->text, t->len);
	return t->is_first && k != NULL && k->starts && kind == k->token;
}

/* Whether it ends with this token, which is part of it. */
static int
ends_statement(const struct plexer *lex, int kind, unsigned base)
{
	if (lex->at.depth > base) {
		return 0;
	}
	return (kind == END && (base == 0 || is_in(&lex->at, BRACE_ON))) ||
	    (kind == RBRACE && base == 0 && lex->before.depth > 0);
}

/* Up to the end of the statement that was wrong; gives END. */
static int
skip_statement(struct profile_load *load)
{
	struct plexer *lex = &load->lex;
	int kind = lex->at.last;
	unsigned base = lex->at.depth;

	if (kind == LBRACE || kind == RBRACE) {
		base = lex->before.depth; /* it may be the end of more */
	}
	lex->is_quiet = 1;
	while (kind != END || !ends_statement(lex, kind, base)) {
		if (is_next_statement(lex, kind, base) &&
		    lex->before.pos + 1 != lex->skipped_to) {
			lex->at = lex->before;
			lex->skipped_to = lex->at.pos + 1;
			break;
		}
		if (kind == 0 || ends_statement(lex, kind, base)) {
			break;
		}
		base = base < lex->at.depth ? base : lex->at.depth;
		kind = next(load);
	}
	lex->is_quiet = 0;
	lex->skip = 0;
	lex->at.last = END;
	lex->at.wants_value = 0;
	lex->at.head = 0;
	lex->before = lex->at;
	lex->token.text = "";
	lex->token.len = 0;
	return END;
}

int
plex_token(struct profile_load *load)
{
	return load->lex.skip ? skip_statement(load) : next(load);
}

int
profiles_yylex(PROFILES_YYSTYPE *value, struct profile_load *load)
{
	int kind = plex_token(load);

	value->token = load->lex.token;
	return kind;
}
