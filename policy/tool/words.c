/*
 * The lexer of test files. It takes what rules take, so that a line may be
 * carried over from one to the other.
 */
#include "policy/tool/words.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"

#define TEXT_MAX (1u << 20)
#define ERRORS_SHOWN 100
#define SOURCE_SHOWN 72

static int
start(struct words *words)
{
	/* each copy is at most twice as long as what it copies */
	words->copies = malloc(2 * words->len + 1);
	words->next = words->copies;
	words->p = words->text;
	words->line = 1;
	return words->copies != NULL ? 0 : ERR_NOMEM;
}

/* All but the list, which is large. */
static void
init(struct words *words, const char *name)
{
	words->name = name;
	words->text = words->copies = NULL;
	words->len = words->nerrors = words->n = 0;
	words->is_silent = 0;
}

int
words_open(struct words *words, const char *name)
{
	char why[128];
	int r;

	init(words, name);
	r = files_read_text(name, TEXT_MAX, &words->text, &words->len, why,
	    sizeof(why));
	if (r == 0 && (r = start(words)) != 0) {
		snprintf(why, sizeof(why), "out of memory");
	}
	if (r != 0) {
		cmd_warn("read: %s: %s", name, why);
	}
	return r;
}

int
words_of(struct words *words, const char *text, size_t len)
{
	init(words, "");
	words->is_silent = 1;
	words->text = malloc(len + 1);
	if (words->text == NULL) {
		return ERR_NOMEM;
	}
	memcpy(words->text, text, len);
	words->text[len] = '\0';
	words->len = len;
	return start(words);
}

void
words_fini(struct words *words)
{
	free(words->text);
	free(words->copies);
}

/* The line of at, from a little before it, with a mark below. */
static void
show_source(const struct words *words, const char *at)
{
	const char *start = at, *end = words->text + words->len;
	unsigned n = 0;

	while (start > words->text && start[-1] != '\n' &&
	    at - start < SOURCE_SHOWN / 2) {
		start--;
	}
	fputs("    ", stderr);
	for (const char *p = start; p < end && *p != '\n' && n < SOURCE_SHOWN;
	     p++, n++) {
		fputc(*p >= ' ' && *p <= '~' ? *p : *p == '\t' ? ' ' : '?',
		    stderr);
	}
	fprintf(stderr, "\n    %*s\n", (int)(at - start) + 1, "^");
}

void
words_error(struct words *words, const struct word *at, const char *fmt, ...)
{
	const char *start = at->at;
	va_list ap;

	if (words->nerrors++ >= ERRORS_SHOWN || words->is_silent) {
		return;
	}
	while (start > words->text && start[-1] != '\n') {
		start--;
	}
	fprintf(stderr, "%s:%u:%u: ", words->name, at->line,
	    (unsigned)(at->at - start) + 1);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	show_source(words, at->at);
}

static int
is_end(const struct words *words)
{
	return words->p == words->text + words->len;
}

static char
peek(const struct words *words)
{
	return is_end(words) ? '\n' : *words->p;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

/* What stands behind a backslash; -1 when it is no escape, or a NUL. */
static int
escaped(struct words *words)
{
	char c = peek(words);
	int high, low;

	if (c == '"' || c == '\\') {
		words->p++;
		return c;
	}
	if (c != 'x' || words->text + words->len - words->p < 3) {
		return -1;
	}
	high = hex_digit(words->p[1]);
	low = hex_digit(words->p[2]);
	if (high == -1 || low == -1 || high + low == 0) {
		return -1;
	}
	words->p += 3;
	return high << 4 | low;
}

static void
read_string(struct words *words, struct word *word)
{
	char *out = words->next;

	word->kind = '"';
	words->p++;
	while (peek(words) != '"') {
		struct word here = {.at = words->p, .line = words->line};
		int c = (unsigned char)peek(words);

		if (c == '\n') {
			words_error(words, word, "a string that does not end "
						 "on its line");
			break;
		}
		words->p++;
		if (c == '\\') {
			c = escaped(words);
		}
		if (c == -1 || c == '\0') {
			words_error(words, &here, "expected \\\", \\\\ or \\x "
						  "and two hexadecimal digits "
						  "that are not 00");
			continue;
		}
		*out++ = (char)c;
	}
	if (!is_end(words) && *words->p == '"') {
		words->p++;
	}
	*out++ = '\0';
	words->next = out;
}

static void
read_word(struct words *words, struct word *word)
{
	size_t n = 0;

	word->kind = 'w';
	while (!is_end(words) && words->p[n] > ' ' && words->p[n] <= '~' &&
	    strchr("{}\"#", words->p[n]) == NULL) {
		words->next[n] = words->p[n];
		if (words->p + ++n == words->text + words->len) {
			break;
		}
	}
	words->next[n] = '\0';
	words->p += n;
	words->next += n + 1;
	if (n == 0) {
		words_error(words, word, "a byte that may stand in strings "
					 "only");
		words->p++;
	}
}

/* Blanks, comments and joined lines; newlines too inside of braces. */
static void
skip(struct words *words, int depth)
{
	while (!is_end(words)) {
		char c = *words->p;

		if (c == '#') {
			while (peek(words) != '\n') {
				words->p++;
			}
		} else if (c == '\\' && words->text + words->len - words->p > 1 &&
		    words->p[1] == '\n') {
			words->p += 2;
			words->line++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			words->p++;
		} else if (c == '\n' && depth > 0) {
			words->p++;
			words->line++;
		} else {
			return;
		}
	}
}

static void
read_one(struct words *words, int *depth)
{
	struct word word = {
	    .at = words->p, .line = words->line, .text = words->next};

	switch (peek(words)) {
	case '"':
		read_string(words, &word);
		break;
	case '{':
	case '}':
		word.kind = *words->p++;
		word.text = word.kind == '{' ? "{" : "}";
		if (word.kind == '{' ? (*depth)++ > 0 : (*depth)-- == 0) {
			words_error(words, &word, "`%s' does not belong here",
			    word.text);
			*depth = word.kind == '{';
		}
		break;
	default:
		read_word(words, &word);
		break;
	}
	if (words->n < WORDS_MAX) {
		words->list[words->n] = word;
	} else if (words->n == WORDS_MAX) {
		words_error(words, &word, "more than %d words", WORDS_MAX);
	}
	words->n++;
}

int
words_next(struct words *words)
{
	int depth = 0;

	words->n = 0;
	for (;;) {
		skip(words, depth);
		if (is_end(words)) {
			break;
		}
		if (*words->p != '\n') {
			read_one(words, &depth);
			continue;
		}
		words->p++;
		words->line++;
		if (words->n > 0) {
			break;
		}
	}
	if (words->n > WORDS_MAX) {
		words->n = WORDS_MAX;
	}
	if (depth > 0) {
		words_error(words, &words->list[words->n - 1],
		    "`}' is missing");
	}
	return words->n > 0;
}
