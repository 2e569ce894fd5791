/*
 * Strict INI reading on top of inih. inih splits lines; what it lets pass in
 * silence (a line that is too long, a section without keys, leading blanks
 * that would continue the line before) is judged here, on the way in, by the
 * reader that hands it one line at a time.
 */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#define CONF_MAX (256u * 1024u)
#define CONF_KEYS 128
#define CONF_SECTIONS 64u /* that have names */

struct reading {
	const char *path;
	const struct conf_key *keys; /* borrowed */
	unsigned char seen[CONF_KEYS];
	const char *text; /* what is left to read; borrowed */
	size_t len;
	unsigned line;
	/* The section "WORD NAME" that is being read; NULL = another one. */
	const struct conf_named *named;
	unsigned named_line;
	char names[CONF_SECTIONS][CONF_NAME + 1]; /* "WORD" is one of few */
	unsigned nnames;
	int r;
	char *why; /* borrowed */
	size_t why_size;
};

static void __attribute__((format(printf, 3, 4)))
complain(struct reading *rd, int r, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (rd->r != 0) {
		return; /* the first error counts */
	}
	rd->r = r;
	n = snprintf(rd->why, rd->why_size, "%s:%u: ", rd->path, rd->line);
	if (n < 0 || (size_t)n >= rd->why_size) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(rd->why + n, rd->why_size - (size_t)n, fmt, ap);
	va_end(ap);
}

/* Makes text from the file fit to be shown. */
static const char *
shown(char buf[64], const char *text)
{
	return log_escape(buf, 64, text, strlen(text));
}

/* The first key of it, or NULL. */
static const struct conf_key *
find_section(const struct reading *rd, const char *name, size_t len)
{
	const struct conf_key *k;

	for (k = rd->keys; k->section != NULL; k++) {
		if (strlen(k->section) == len &&
		    memcmp(k->section, name, len) == 0) {
			return k;
		}
	}
	return NULL;
}

static void
expect_section(struct reading *rd, const char *name, size_t len)
{
	const struct conf_key *k, *before;
	char list[256] = "", buf[64];
	size_t at = 0;

	for (k = rd->keys; k->section != NULL; k++) {
		for (before = rd->keys; before < k; before++) {
			if (strcmp(before->section, k->section) == 0) {
				break;
			}
		}
		if (before == k && at < sizeof(list)) {
			int n = snprintf(list + at, sizeof(list) - at,
			    k->type == CONF_NAMED ? " [%s NAME]" : " [%s]",
			    k->section);

			at += n > 0 ? (size_t)n : 0;
		}
	}
	complain(rd, ERR_FORMAT, "unknown section [%s]; expected one of%s",
	    log_escape(buf, sizeof(buf), name, len), list);
}

static void
expect_key(struct reading *rd, const char *section, const char *name)
{
	const struct conf_key *k;
	char list[512] = "", buf[64];
	size_t at = 0;

	for (k = rd->keys; k->section != NULL; k++) {
		if (strcmp(k->section, section) == 0 &&
		    k->type != CONF_NAMED && at < sizeof(list)) {
			int n = snprintf(
			    list + at, sizeof(list) - at, " %s", k->key);

			at += n > 0 ? (size_t)n : 0;
		}
	}
	complain(rd, ERR_FORMAT, "unknown key %s in [%s]; expected one of%s",
	    shown(buf, name), section, list);
}

/* The section with a name that was being read is over. */
static void
end_named(struct reading *rd)
{
	unsigned line = rd->line;
	const char *wrong;

	if (rd->named == NULL || rd->r != 0) {
		return;
	}
	wrong = rd->named->end(rd->named->arg);
	rd->named = NULL;
	if (wrong != NULL) {
		rd->line = rd->named_line;
		complain(rd, ERR_FORMAT, "[%s]: %s",
		    rd->names[rd->nnames - 1], wrong);
		rd->line = line;
	}
}

static int
is_name(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e) {
			return 0;
		}
	}
	return len > 0 && len <= CONF_NAME && p[0] != ' ' &&
	    p[len - 1] != ' ';
}

/* (p, len) is what stands between the brackets: 1 when it is "WORD NAME" of a
 * WORD that has names. */
static int
begin_named(struct reading *rd, const char *p, size_t len)
{
	const char *blank = memchr(p, ' ', len), *name;
	const struct conf_key *k = blank == NULL ?
	    NULL :
	    find_section(rd, p, (size_t)(blank - p));
	int r;

	if (k == NULL || k->type != CONF_NAMED) {
		return 0;
	}
	name = blank + 1;
	len -= (size_t)(name - p);
	if (!is_name(name, len)) {
		complain(rd, ERR_FORMAT, "[%s]: expected a name of 1 to %u "
		    "printable characters", k->section, CONF_NAME);
		return 1;
	}
	for (unsigned i = 0; i < rd->nnames; i++) {
		if (strlen(rd->names[i]) == len &&
		    memcmp(rd->names[i], name, len) == 0) {
			complain(rd, ERR_FORMAT, "[%s %s] is given twice; "
			    "expected once", k->section, rd->names[i]);
			return 1;
		}
	}
	if (rd->nnames == CONF_SECTIONS) {
		complain(rd, ERR_LIMIT, "[%s]: more than %u of them",
		    k->section, CONF_SECTIONS);
		return 1;
	}
	memcpy(rd->names[rd->nnames++], name, len);
	for (size_t i = 0; rd->keys[i].section != NULL; i++) {
		if (strcmp(rd->keys[i].section, k->section) == 0 &&
		    i < CONF_KEYS) {
			rd->seen[i] = 0;
		}
	}
	rd->named = k->value;
	rd->named_line = rd->line;
	r = rd->named->begin(rd->named->arg, rd->names[rd->nnames - 1]);
	if (r != 0) {
		complain(rd, r, "[%s]: %s", k->section, err_str(r));
	}
	return 1;
}

/* Judges what follows the '[' of a section's line. */
static int
check_header(struct reading *rd, const char *p, size_t len)
{
	const char *close = memchr(p, ']', len), *rest;
	const struct conf_key *k;

	if (close == NULL) {
		complain(rd, ERR_FORMAT, "no ']'; expected [section]");
		return 0;
	}
	end_named(rd);
	k = find_section(rd, p, (size_t)(close - p));
	if ((k == NULL || k->type == CONF_NAMED) && rd->r == 0 &&
	    !begin_named(rd, p, (size_t)(close - p))) {
		expect_section(rd, p, (size_t)(close - p));
	}
	if (rd->r != 0) {
		return 0;
	}
	rest = close + 1;
	while (rest < p + len && (*rest == ' ' || *rest == '\t')) {
		rest++;
	}
	if (rest < p + len && *rest != ';' && *rest != '#') {
		complain(rd, ERR_FORMAT,
		    "text after the section; expected [section] alone");
		return 0;
	}
	return 1;
}

/* fgets for inih, over the text; judges each line before inih sees it. */
static char *
next_line(char *dst, int size, void *arg)
{
	struct reading *rd = arg;
	const char *p = rd->text, *nl, *end;
	size_t len;

	if (rd->len == 0 || rd->r != 0 || size < 3) {
		return NULL;
	}
	nl = memchr(p, '\n', rd->len);
	end = nl == NULL ? p + rd->len : nl;
	rd->line++;
	rd->len -= (size_t)(end - p) + (nl != NULL);
	rd->text = end + (nl != NULL);
	while (p < end && (*p == ' ' || *p == '\t')) {
		p++;
	}
	while (
	    end > p && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t')) {
		end--;
	}
	len = (size_t)(end - p);
	if (len + 2 > (size_t)size) {
		complain(rd, ERR_FORMAT,
		    "line too long; expected at most %d "
		    "characters",
		    size - 2);
		return NULL;
	}
	if (memchr(p, '\0', len) != NULL) {
		complain(rd, ERR_FORMAT, "NUL byte; expected text");
		return NULL;
	}
	if (len > 0 && *p == '[' && !check_header(rd, p + 1, len - 1)) {
		return NULL;
	}
	memcpy(dst, p, len);
	dst[len] = '\n';
	dst[len + 1] = '\0';
	return dst;
}

static int
parse_uint(const char *value, unsigned min, unsigned max, unsigned *out)
{
	unsigned long n;
	char *end;

	if (value[0] < '0' || value[0] > '9') {
		return ERR_FORMAT;
	}
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno != 0 || *end != '\0' || n < min || n > max) {
		return ERR_FORMAT;
	}
	*out = (unsigned)n;
	return 0;
}

static int
parse_bool(const char *value, int *out)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	size_t i;

	for (i = 0; i < 4; i++) {
		if (strcasecmp(value, yes[i]) == 0) {
			*out = 1;
			return 0;
		}
		if (strcasecmp(value, no[i]) == 0) {
			*out = 0;
			return 0;
		}
	}
	return ERR_FORMAT;
}

static void
add_to_list(struct reading *rd, struct conf_list *list, const char *key,
    const char *value)
{
	char **v;

	if (list->n >= CONF_LIST_MAX) {
		complain(rd, ERR_LIMIT, "%s: more than %u of them", key,
		    CONF_LIST_MAX);
		return;
	}
	v = realloc(list->v, (list->n + 1) * sizeof(*v));
	if (v == NULL) {
		complain(rd, ERR_NOMEM, "out of memory");
		return;
	}
	list->v = v;
	v[list->n] = strdup(value);
	if (v[list->n] == NULL) {
		complain(rd, ERR_NOMEM, "out of memory");
		return;
	}
	list->n++;
}

void
conf_list_fini(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i]);
	}
	free(list->v);
	*list = (struct conf_list){NULL, 0};
}

static void
store(struct reading *rd, const struct conf_key *k, const char *value)
{
	char buf[64], *copy;

	switch (k->type) {
	case CONF_STRING:
		copy = strdup(value);
		if (copy == NULL) {
			complain(rd, ERR_NOMEM, "out of memory");
			return;
		}
		*(char **)k->value = copy;
		return;
	case CONF_UINT:
		if (parse_uint(value, k->min, k->max, k->value) != 0) {
			complain(rd, ERR_FORMAT,
			    "%s: '%s' is no valid value; expected a number "
			    "from %u to %u",
			    k->key, shown(buf, value), k->min, k->max);
		}
		return;
	case CONF_BOOL:
		if (parse_bool(value, k->value) != 0) {
			complain(rd, ERR_FORMAT,
			    "%s: '%s' is no valid value; expected yes or no",
			    k->key, shown(buf, value));
		}
		return;
	case CONF_LIST:
		add_to_list(rd, k->value, k->key, value);
		return;
	case CONF_IGNORE:
	case CONF_NAMED:
		return;
	}
}

/* A key's section as the table has it: without a name. */
static const char *
section_of(const struct reading *rd, const char *section)
{
	const struct conf_key *k;

	if (rd->named == NULL) {
		return section;
	}
	for (k = rd->keys; k->section != NULL; k++) {
		if (k->value == rd->named) {
			return k->section;
		}
	}
	return section;
}

/* inih's handler: 1 = go on, 0 = error. */
static int
on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *rd = arg;
	const struct conf_key *k;
	size_t i = 0;
	char buf[64];

	if (rd->r != 0) {
		return 0;
	}
	if (section[0] == '\0') {
		complain(rd, ERR_FORMAT,
		    "key %s before any section; expected [section] first",
		    shown(buf, name));
		return 0;
	}
	section = section_of(rd, section);
	for (k = rd->keys; k->section != NULL; k++, i++) {
		if (strcmp(k->section, section) == 0 &&
		    k->type != CONF_NAMED && strcmp(k->key, name) == 0) {
			break;
		}
	}
	if (k->section == NULL) {
		expect_key(rd, section, name);
		return 0;
	}
	if (i >= CONF_KEYS || (rd->seen[i] && k->type != CONF_LIST)) {
		complain(rd, ERR_FORMAT, "key %s is given twice; expected once",
		    k->key);
		return 0;
	}
	rd->seen[i] = 1;
	store(rd, k, value == NULL ? "" : value);
	return rd->r == 0;
}

int
conf_load(
    const char *path, const struct conf_key *keys, char *why, size_t why_size)
{
	struct reading rd = {
	    .path = path, .keys = keys, .why = why, .why_size = why_size};
	uint8_t *text = NULL;
	int r;

	r = file_read(path, CONF_MAX, FILE_PUBLIC, &text, &rd.len);
	if (r != 0) {
		int saved = errno;

		snprintf(why, why_size, "read: %s: %s", path, err_str(r));
		errno = saved;
		return r;
	}
	rd.text = (const char *)text;
	r = ini_parse_stream(next_line, &rd, on_key, &rd);
	if (r != 0 && rd.r == 0) {
		rd.line = r > 0 ? (unsigned)r : rd.line;
		complain(&rd, r == -2 ? ERR_NOMEM : ERR_FORMAT,
		    "not understood; expected key = value, [section] or a "
		    "comment");
	}
	end_named(&rd);
	free(text);
	return rd.r;
}
