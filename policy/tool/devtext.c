/* Reads devices as text. */
#include "policy/tool/devtext.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/usbip.h"

#define LINE 1024
#define BYTES 65536

struct reading {
	struct devtext *out;
	const char *path;
	unsigned line;
	char word[16]; /* the statement whose bytes are being gathered */
	unsigned a, b; /* its numbers */
	uint8_t bytes[BYTES];
	size_t n;
	int has_languages;
};

static int
bad(const struct reading *r, const char *text)
{
	fprintf(stderr, "%s:%u: %s\n", r->path, r->line, text);
	return -1;
}

static void
refused(struct reading *r, const char *rule)
{
	if (r->out->refused[0] == '\0') {
		snprintf(r->out->refused, sizeof(r->out->refused), "%s", rule);
	}
}

/* Hex bytes of a line, or a text in quotes as UTF-16. */
static int
gather(struct reading *r, const char *p)
{
	while (*p != '\0') {
		char *end;

		if (isspace((unsigned char)*p)) {
			p++;
		} else if (*p == '"') {
			for (p++; *p != '"'; p++) {
				if (*p == '\0' || r->n + 4 > BYTES) {
					return bad(r, "a text without its end");
				}
				r->bytes[r->n++] = (uint8_t)*p;
				r->bytes[r->n++] = 0;
			}
			p++;
		} else {
			unsigned long v = strtoul(p, &end, 16);

			if (end != p + 2 || r->n == BYTES) {
				return bad(r, "not a byte");
			}
			r->bytes[r->n++] = (uint8_t)v;
			p = end;
		}
	}
	return 0;
}

static int
is(const struct reading *r, const char *word)
{
	return strcmp(r->word, word) == 0;
}

/* The bytes of a statement are all there. */
static int
finish(struct reading *r)
{
	struct devrec *rec = &r->out->rec;

	if (is(r, "device")) {
		if (r->n != sizeof(rec->device)) {
			refused(r, "R1.length");
		} else {
			memcpy(rec->device, r->bytes, r->n);
		}
	} else if (is(r, "qualifier")) {
		if (r->n != sizeof(rec->qualifier)) {
			return bad(r, "a qualifier has 10 bytes");
		}
		memcpy(rec->qualifier, r->bytes, r->n);
		rec->has_qualifier = 1;
	} else if (is(r, "config")) {
		if (devrec_add_config(rec, r->bytes, r->n) != 0) {
			refused(r, "R1.length");
		}
	} else if (is(r, "bos")) {
		if (devrec_set_bos(rec, r->bytes, r->n) != 0) {
			refused(r, "R4.length");
		}
	} else if (is(r, "string")) {
		static const uint8_t languages[] = {4, 3, 9, 4};

		if (!r->has_languages && r->a != 0) {
			(void)devrec_add_string(
			    rec, 0, 0, languages, sizeof(languages));
		}
		r->has_languages = 1;
		(void)devrec_add_string(
		    rec, (uint8_t)r->a, r->a == 0 ? 0 : 0x0409, r->bytes, r->n);
	} else if (is(r, "report")) {
		if (devrec_add_report(rec, (uint8_t)r->a, (uint8_t)r->b,
			r->bytes, r->n) != 0) {
			refused(r, "R7.report");
		}
	}
	r->word[0] = '\0';
	r->n = 0;
	return 0;
}

static int
set_speed(struct reading *r, const char *word)
{
	static const struct {
		const char *word;
		uint8_t speed;
	} speeds[] = {
	    {"low", USBIP_SPEED_LOW},
	    {"full", USBIP_SPEED_FULL},
	    {"high", USBIP_SPEED_HIGH},
	    {"super", USBIP_SPEED_SUPER},
	    {"super-plus", USBIP_SPEED_SUPER_PLUS},
	};

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (strcmp(speeds[i].word, word) == 0) {
			r->out->rec.speed = speeds[i].speed;
			return 0;
		}
	}
	return bad(r, "no such speed");
}

/* "string 1 ...": up to two numbers, then bytes. */
static char *
numbers(struct reading *r, char *p, unsigned n)
{
	r->a = r->b = 0;
	if (n > 0) {
		r->a = (unsigned)strtoul(p, &p, 10);
	}
	if (n > 1) {
		r->b = (unsigned)strtoul(p, &p, 10);
	}
	return p;
}

static int
begin(struct reading *r, char *line)
{
	char *p = line + strcspn(line, " \t");
	unsigned n = 0;

	if (*p != '\0') {
		*p++ = '\0';
	}
	if (strcmp(line, "expect") == 0) {
		snprintf(r->out->expect, sizeof(r->out->expect), "%s", p);
		return 0;
	}
	if (strcmp(line, "speed") == 0) {
		return set_speed(r, p);
	}
	if (strcmp(line, "active") == 0) {
		r->out->rec.active_config = (uint8_t)strtoul(p, NULL, 10);
		return 0;
	}
	if (strlen(line) >= sizeof(r->word)) {
		return bad(r, "no such statement");
	}
	memcpy(r->word, line, strlen(line) + 1);
	if (is(r, "string")) {
		n = 1;
	} else if (is(r, "report")) {
		n = 2;
	} else if (!is(r, "device") && !is(r, "config") && !is(r, "bos") &&
		   !is(r, "qualifier")) {
		return bad(r, "no such statement");
	}
	p = numbers(r, p, n);
	if (strchr(p, '"') != NULL) {
		r->bytes[1] = 3;
		r->n = 2;
	}
	if (gather(r, p) != 0) {
		return -1;
	}
	if (strchr(p, '"') != NULL) {
		r->bytes[0] = (uint8_t)r->n;
	}
	return 0;
}

static int
read_lines(struct reading *r, FILE *f)
{
	char line[LINE];

	while (fgets(line, sizeof(line), f) != NULL) {
		int is_more = line[0] == ' ' || line[0] == '\t';

		r->line++;
		line[strcspn(line, "#\n")] = '\0';
		for (size_t n = strlen(line);
		     n > 0 && isspace((unsigned char)line[n - 1]); n--) {
			line[n - 1] = '\0';
		}
		if (line[0] == '\0') {
			continue;
		}
		if (is_more ? gather(r, line) != 0
			    : finish(r) != 0 || begin(r, line) != 0) {
			return -1;
		}
	}
	return finish(r);
}

int
devtext_read(struct devtext *out, const char *path)
{
	static struct reading r;
	const char *slash = strrchr(path, '/');
	FILE *f = fopen(path, "r");
	int result;

	memset(&r, 0, sizeof(r));
	memset(out, 0, sizeof(*out));
	devrec_init(&out->rec);
	out->rec.active_config = 1;
	snprintf(out->name, sizeof(out->name), "%s",
	    slash != NULL ? slash + 1 : path);
	out->name[strcspn(out->name, ".")] = '\0';
	r.out = out;
	r.path = path;
	if (f == NULL) {
		return bad(&r, "cannot be opened");
	}
	result = read_lines(&r, f);
	fclose(f);
	return result;
}
