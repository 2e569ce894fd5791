/*
 * See print_job.h. PJL Technical Reference Manual: a job ends with the
 * Universal Exit Language (UEL), ESC % - 1 2 3 4 5 X, which every language
 * obeys; after it lines that begin with @PJL are commands, until ENTER or until
 * something else comes. Printers differ in where else they hear @PJL, so any
 * line that begins with it is taken for a command.
 */
#include "policy/decode/print_job.h"

#include <string.h>

#include "policy/facts/names.h"
#include "policy/facts/print.h"

#define ESC 0x1b
#define GS 0x1d
#define DLE 0x10

static const uint8_t uel[PRINT_UEL_SIZE] = {
	ESC, '%', '-', '1', '2', '3', '4', '5', 'X'};
static const uint8_t at_pjl[4] = {'@', 'P', 'J', 'L'};

void
print_job_init(struct print_job *job)
{
	memset(job, 0, sizeof(*job));
	job->is_fresh = 1;
	job->at_start = 1;
	job->entered = PRINT_PJL;
}

int
print_job_is_open(const struct print_job *job)
{
	return job->in_line || job->pjl != 0 || job->uel != 0;
}

int
print_job_is_new(const struct print_job *job)
{
	return job->is_fresh && !print_job_is_open(job);
}

static int
begins(const struct print_job *job, const char *text)
{
	size_t n = strlen(text);

	return job->nprefix >= n && memcmp(job->prefix, text, n) == 0;
}

/* What the first bytes of data are; PRINT_OTHER also while it is open. */
static uint8_t
detect(const struct print_job *job)
{
	const uint8_t *p = job->prefix;

	if (begins(job, "%!")) {
		return PRINT_POSTSCRIPT;
	}
	if (begins(job, "%PDF")) {
		return PRINT_PDF;
	}
	if (begins(job, ") HP-PCL XL") || begins(job, "( HP-PCL XL")) {
		return PRINT_PCL;
	}
	if (begins(job, "^XA") || begins(job, "CT~~") || begins(job, "~D")) {
		return PRINT_ZPL;
	}
	if (job->nprefix >= 1 && (p[0] == GS || p[0] == DLE)) {
		return PRINT_ESCPOS;
	}
	if (job->nprefix >= 2 && p[0] == ESC) {
		/* PCL 5: ESC E, or a group character and more; the others are
		 * of Epson's family */
		return p[1] != 0 && strchr("E%&*()9", p[1]) != NULL ?
		    PRINT_PCL :
		    PRINT_ESCPOS;
	}
	return PRINT_OTHER;
}

uint8_t
print_job_lang(const struct print_job *job)
{
	uint8_t seen;

	if (job->nprefix == 0) {
		return job->entered;
	}
	seen = detect(job);
	if (job->entered == PRINT_PJL || seen == job->entered) {
		return seen;
	}
	/* said to be one thing and looking like another: who knows */
	return seen == PRINT_OTHER ? job->entered : PRINT_OTHER;
}

static int
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 ||
	    c == 4;
}

/* Returns how many bytes of data it was: 0 for what stands before them. */
static uint32_t
take_data(struct print_job *job, uint8_t c)
{
	int ends_line = c == '\n' || c == '\r' || c == 4;

	if (job->nprefix == 0 && is_blank(c)) {
		job->at_start = job->at_start || ends_line;
		return 0;
	}
	job->is_fresh = 0;
	if (job->nprefix < PRINT_PREFIX) {
		job->prefix[job->nprefix++] = c;
	}
	job->at_start = (uint8_t)ends_line;
	return 1;
}

static uint32_t
take_all(struct print_job *job, const uint8_t *p, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		count += take_data(job, p[i]);
	}
	return count;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* The word at p of n bytes, in lower case, NUL-terminated and cut; how long it
 * was. */
static uint32_t
word_at(char *dst, size_t size, const uint8_t *p, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && !is_blank(p[i]) && p[i] != '=') {
		if (i + 1 < size) {
			dst[i] = (char)lower(p[i]);
		}
		i++;
	}
	dst[i + 1 < size ? i : size - 1] = '\0';
	return i;
}

static uint32_t
skip_blanks(const uint8_t *p, uint32_t i, uint32_t n)
{
	while (i < n && (is_blank(p[i]) || p[i] == '=')) {
		i++;
	}
	return i;
}

/* "ENTER LANGUAGE = PCL" */
static uint8_t
entered_language(const uint8_t *line, uint32_t n, uint32_t i)
{
	static const struct {
		const char *word;
		uint8_t lang;
	} languages[] = {
		{"pcl", PRINT_PCL},
		{"pclxl", PRINT_PCL},
		{"pclxlc", PRINT_PCL},
		{"postscript", PRINT_POSTSCRIPT},
		{"pdf", PRINT_PDF},
		{"zpl", PRINT_ZPL},
		{"escpos", PRINT_ESCPOS},
	};
	char word[16];

	i = skip_blanks(line, i, n);
	i += word_at(word, sizeof(word), line + i, n - i);
	if (strcmp(word, "language") != 0) {
		return PRINT_OTHER;
	}
	i = skip_blanks(line, i, n);
	word_at(word, sizeof(word), line + i, n - i);
	for (size_t k = 0; k < sizeof(languages) / sizeof(languages[0]); k++) {
		if (strcmp(word, languages[k].word) == 0) {
			return languages[k].lang;
		}
	}
	return PRINT_OTHER;
}

/* The line is whole. */
static void
finish_line(struct print_job *job, struct print_piece *out)
{
	uint32_t n = job->line_length < PRINT_LINE ? job->line_length :
						     PRINT_LINE;
	uint32_t low = PJL_OTHER, high, i = skip_blanks(job->line, 0, n);
	char word[16];
	uint32_t len;

	len = word_at(word, sizeof(word), job->line + i, n - i);
	if (len == 0) {
		low = PJL_NOP;
	} else if (len >= sizeof(word) ||
	    !fact_name_range(names_print_pjl, word, len, 0, &low, &high)) {
		low = PJL_OTHER;
	}
	out->lang = PRINT_PJL;
	out->pjl = (uint8_t)low;
	out->length = job->line_length;
	out->text = job->line;
	out->text_length = n;
	job->in_line = 0;
	job->at_start = 1;
	/* what comes after a line of PJL is a new beginning */
	job->nprefix = 0;
	if (low == PJL_ENTER) {
		job->entered = entered_language(job->line, n, i + len);
	}
}

/* One byte of a line of PJL; whether that ended it. */
static int
take_line(struct print_job *job, uint8_t c, uint32_t *at)
{
	if (c == ESC) {
		return 1; /* and it stays: it may begin a UEL */
	}
	(*at)++;
	if (c == '\n' || c == '\r') {
		return 1;
	}
	if (job->line_length < PRINT_LINE) {
		job->line[job->line_length] = c;
	}
	job->line_length += job->line_length < UINT32_MAX;
	return 0;
}

/* Data in which nothing can begin: how many bytes from *at on. */
static uint32_t
take_plain(const struct print_job *job, const uint8_t *data, uint32_t len,
    uint32_t *at)
{
	uint32_t i = *at, n;

	if (job->nprefix < PRINT_PREFIX || job->at_start || job->pjl != 0 ||
	    job->uel != 0) {
		return 0;
	}
	while (i < len && data[i] != ESC && data[i] != '\n' &&
	    data[i] != '\r' && data[i] != 4) {
		i++;
	}
	n = i - *at;
	*at = i;
	return n;
}

/* A byte outside of lines. 1: "@PJL" is whole, a line begins. Adds to *count.
 */
static int
take_byte(struct print_job *job, uint8_t c, uint32_t *at, uint32_t *count)
{
	if (job->pjl == 4) {
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			job->pjl = 0;
			job->in_line = 1;
			job->is_fresh = 0;
			job->line_length = 0;
			return 1;
		}
	} else if ((job->pjl > 0 || job->at_start) && c == at_pjl[job->pjl]) {
		job->pjl++;
		job->at_start = 0;
		(*at)++;
		return 0;
	}
	if (job->pjl > 0) { /* it was none; the byte is looked at again */
		uint32_t n = job->pjl;

		job->pjl = 0;
		*count += take_all(job, at_pjl, n);
		return 0;
	}
	if (c == uel[job->uel]) {
		job->uel++;
		job->at_start = 0;
		(*at)++;
		return 0;
	}
	if (job->uel > 0) {
		uint32_t n = job->uel;

		job->uel = 0;
		*count += take_all(job, uel, n);
		return 0;
	}
	*count += take_data(job, c);
	(*at)++;
	return 0;
}

enum print_what
print_job_next(struct print_job *job, const uint8_t *data, uint32_t len,
    uint32_t *at, struct print_piece *out)
{
	uint32_t count = 0;

	memset(out, 0, sizeof(*out));
	while (*at < len) {
		if (job->in_line) {
			if (take_line(job, data[*at], at)) {
				finish_line(job, out);
				return PRINT_COMMAND;
			}
			continue;
		}
		count += take_plain(job, data, len, at);
		if (*at < len && take_byte(job, data[*at], at, &count) &&
		    count > 0) {
			out->lang = print_job_lang(job);
			out->length = count;
			return PRINT_DATA;
		}
		if (job->uel == PRINT_UEL_SIZE) {
			out->lang = print_job_lang(job);
			out->length = count;
			print_job_init(job);
			return PRINT_END;
		}
	}
	out->lang = print_job_lang(job);
	out->length = count;
	return count > 0 ? PRINT_DATA : PRINT_NOTHING;
}
