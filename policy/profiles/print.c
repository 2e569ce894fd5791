/*
 * The canonical form of the texts: their tokens, one statement or rule a line,
 * two blanks for each brace, comments and single empty lines kept. Only blanks
 * and `;' change, so what it prints parses to the same tree.
 */
#include "policy/profiles/load.h"

#include <string.h>

#include "base/err.h"
#include "policy/profiles/parse.h"

#define WIDTH_MAX 80u

struct printer {
	profile_text_cb *cb;
	void *arg;
	size_t column;	   /* of what is next, from 0 */
	unsigned indent;
	uint8_t is_ended;  /* a newline is due, if anything follows */
	uint8_t is_joined; /* the next token has no blank before it */
	uint8_t is_opened; /* nothing stands in the block so far */
	uint8_t is_in_set;
	unsigned line; /* of the last token in the text, 0 = none */
};

static void
put(struct printer *p, const char *text, size_t len)
{
	(*p->cb)(p->arg, text, len);
	p->column += len;
}

static void
start_line(struct printer *p, unsigned line)
{
	if (p->line > 0) {
		put(p, "\n", 1);
	}
	if (p->line > 0 && line > p->line + 1 && !p->is_opened &&
	    !p->is_in_set) {
		put(p, "\n", 1);
	}
	p->column = 0;
	for (unsigned i = 0; i < p->indent + (p->is_in_set ? 2u : 0u); i++) {
		put(p, "  ", 2);
	}
	p->is_ended = 0;
	p->is_opened = 0;
}

static void
token(struct printer *p, const struct ptoken *t, int kind)
{
	size_t len = t->len + (kind == STRING ? 2u : 0u);
	int is_tight = kind == DOTDOT || kind == AT;

	if (p->is_ended || p->line == 0) {
		start_line(p, t->line);
	} else if (p->is_in_set && !is_tight && !p->is_joined &&
	    kind != RBRACE && p->column + 1 + len > WIDTH_MAX) {
		start_line(p, p->line);
	} else if (!is_tight && !p->is_joined) {
		put(p, " ", 1);
	}
	if (kind == STRING) {
		put(p, "\"", 1);
	}
	put(p, t->text, t->len);
	if (kind == STRING) {
		put(p, "\"", 1);
	}
	p->is_joined = is_tight;
	p->line = t->line;
}

/* One that stands alone keeps its line, and one behind something stays there,
 * also in a set. */
static void
comment(struct printer *p, const struct ptoken *t)
{
	size_t len = t->len;

	while (len > 1 && strchr(" \t\r", t->text[len - 1]) != NULL) {
		len--;
	}
	if (t->line != p->line || p->line == 0) {
		start_line(p, t->line);
	} else {
		put(p, " ", 1);
	}
	put(p, t->text, len);
	p->is_ended = 1;
	p->line = t->line;
}

static int
starts_item(const struct plex_at *before, int kind)
{
	if (before->depth == 0) {
		return kind == PROFILE || kind == DEFINE || kind == INCLUDE;
	}
	return plex_brace(before) == BRACE_PROFILE &&
	    (kind == FOR || kind == MODE || kind == CAP || kind == PIN ||
		kind == ARM || kind == METER || kind == QUOTA || kind == ON);
}

static void
print_token(struct printer *p, const struct plexer *lex, int kind)
{
	int is_block = kind == LBRACE && plex_brace(&lex->at) != BRACE_SET;

	if (kind == COMMENT) {
		comment(p, &lex->token);
		return;
	}
	if (kind == END) {
		p->is_ended = 1;
		return;
	}
	if (starts_item(&lex->before, kind)) {
		p->is_ended = 1;
	}
	if (kind == RBRACE && plex_brace(&lex->before) != BRACE_SET) {
		p->indent--;
		p->is_opened = 1; /* no empty line before it */
		p->is_ended = 1;
		token(p, &lex->token, kind);
		p->is_ended = 1;
		return;
	}
	token(p, &lex->token, kind);
	if (is_block) {
		p->indent++;
		p->is_ended = 1;
		p->is_opened = 1;
	}
	p->is_in_set = kind == LBRACE ? !is_block :
	    kind == RBRACE	      ? 0 :
					p->is_in_set;
}

int
profile_load_format(
    const struct profile_load *load, profile_text_cb *cb, void *arg)
{
	struct profile_load scratch = {0};

	if (load->is_nomem) {
		return ERR_NOMEM;
	}
	if (load->errors.n > 0 || load->is_full) {
		return ERR_FORMAT;
	}
	for (struct psource *s = load->sources; s != NULL; s = s->next) {
		struct printer p = {.cb = cb, .arg = arg};
		int kind;

		plex_init(&scratch.lex, s);
		scratch.lex.has_comments = 1;
		while ((kind = plex_token(&scratch)) != 0) {
			print_token(&p, &scratch.lex, kind);
		}
		if (p.line > 0) {
			put(&p, "\n", 1);
		}
	}
	return 0;
}
