/*
 * The manifest's JSON, read member by member.
 */
#include "policy/bundle/manifest.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/err.h"
#include "policy/text/when.h"

#define FORMAT "sallyport-bundle/1"
#define WHEN 32

struct reader {
	struct manifest *m;
	const json_t *top;
	size_t taken; /* members that were known */
	char *why;
	size_t size;
};

static int refuse(struct reader *r, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
refuse(struct reader *r, int err, const char *fmt, ...)
{
	size_t n = strlen(MANIFEST_NAME ": ");
	va_list ap;

	(void)snprintf(r->why, r->size, MANIFEST_NAME ": ");
	if (n < r->size) {
		va_start(ap, fmt);
		(void)vsnprintf(r->why + n, r->size - n, fmt, ap);
		va_end(ap);
	}
	return err;
}

/* Its value, or NULL. */
static const json_t *
take(struct reader *r, const char *name)
{
	const json_t *value = json_object_get(r->top, name);

	r->taken += value != NULL;
	return value;
}

/* A text of at most size - 1 bytes, all of them printable ASCII. */
static int
copy_text(char *dst, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL || len >= size) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~') {
			return ERR_FORMAT;
		}
	}
	memcpy(dst, text, len);
	dst[len] = '\0';
	return 0;
}

static int
read_number(struct reader *r, const char *name, int64_t min, int64_t max,
    int64_t *out)
{
	const json_t *value = take(r, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max) {
		return refuse(r, ERR_FORMAT, "\"%s\": expected a number of "
		    "%lld to %lld", name, (long long)min, (long long)max);
	}
	*out = n;
	return 0;
}

static int
read_time(struct reader *r, const char *name, int64_t *out)
{
	const json_t *value = take(r, name);
	char text[WHEN];

	if (copy_text(text, sizeof(text), value) != 0 ||
	    when_timestamp(text, strlen(text), out) != 0) {
		return refuse(r, ERR_FORMAT, "\"%s\": expected a time, "
		    "\"2026-03-02T06:15:00Z\"", name);
	}
	return 0;
}

static int
read_kind(struct reader *r)
{
	const char *format = json_string_value(take(r, "format"));
	const char *kind = json_string_value(take(r, "kind"));

	if (format == NULL || strcmp(format, FORMAT) != 0) {
		return refuse(r, ERR_FORMAT,
		    "\"format\": expected \"" FORMAT "\"");
	}
	if (kind != NULL && strcmp(kind, "policy") == 0) {
		r->m->kind = MANIFEST_POLICY;
	} else if (kind != NULL && strcmp(kind, "discovery") == 0) {
		r->m->kind = MANIFEST_DISCOVERY;
	} else {
		return refuse(r, ERR_FORMAT,
		    "\"kind\": expected \"policy\" or \"discovery\"");
	}
	return 0;
}

static int
read_head(struct reader *r)
{
	const json_t *value = take(r, "delegate");
	struct manifest *m = r->m;
	int64_t grace = 0;
	int e = read_number(r, "serial", 1, MANIFEST_SERIAL_MAX, &m->serial);

	if (e == 0) {
		e = read_time(r, "not_before", &m->not_before);
	}
	if (e == 0) {
		e = read_time(r, "expires", &m->expires);
	}
	if (e == 0) {
		e = read_number(r, "grace", 0, MANIFEST_GRACE_MAX, &grace);
	}
	if (e != 0) {
		return e;
	}
	m->grace = (uint32_t)grace;
	if (m->expires <= m->not_before) {
		return refuse(r, ERR_FORMAT,
		    "\"expires\" is not after \"not_before\"");
	}
	if (!json_is_boolean(value)) {
		return refuse(r, ERR_FORMAT,
		    "\"delegate\": expected true or false");
	}
	m->is_delegate = json_is_true(value);
	if (copy_text(m->revision, sizeof(m->revision),
		take(r, "revision")) != 0) {
		return refuse(r, ERR_FORMAT, "\"revision\": expected a text of "
		    "at most %u characters", MANIFEST_REVISION - 1);
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Lists                                                                    */

static int
read_key(struct reader *r, const json_t *value)
{
	struct keyring *ring = &r->m->next;
	struct sign_key *key = &ring->keys[ring->nkeys];
	char text[4 * SIGN_SPKI];
	uint8_t spki[SIGN_SPKI];
	size_t len;

	if (copy_text(text, sizeof(text), value) != 0 ||
	    digest_unbase64(spki, sizeof(spki), &len, text) != 0 ||
	    sign_key_init(key, spki, len) != 0) {
		return refuse(r, ERR_FORMAT, "\"keys\": key %zu is no public "
		    "key of P-256 in base64", ring->nkeys + 1);
	}
	for (size_t i = 0; i < ring->nkeys; i++) {
		if (memcmp(ring->keys[i].id, key->id, 32) == 0) {
			return refuse(r, ERR_FORMAT,
			    "\"keys\": key %zu is key %zu again",
			    ring->nkeys + 1, i + 1);
		}
	}
	ring->nkeys++;
	return 0;
}

/* Both or neither. */
static int
read_keys(struct reader *r)
{
	const json_t *list = take(r, "keys"), *value;
	int64_t threshold;
	size_t i;
	int e = 0;

	if (list == NULL) {
		return take(r, "threshold") == NULL ? 0 :
			refuse(r, ERR_FORMAT, "\"threshold\" without \"keys\"");
	}
	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > MANIFEST_KEYS) {
		return refuse(r, ERR_FORMAT, "\"keys\": expected a list of 1 to "
		    "%u", MANIFEST_KEYS);
	}
	json_array_foreach (list, i, value) {
		if (e == 0) {
			e = read_key(r, value);
		}
	}
	if (e == 0) {
		e = read_number(r, "threshold", 1,
		    (int64_t)r->m->next.nkeys, &threshold);
	}
	if (e == 0) {
		r->m->next.threshold = (unsigned)threshold;
	}
	return e;
}

static int
by_name(const void *a, const void *b)
{
	const struct manifest_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
read_files(struct reader *r)
{
	json_t *files = json_object_get(r->top, "files"), *value;
	struct manifest *m = r->m;
	const char *name;

	r->taken += files != NULL;
	if (!json_is_object(files) || json_object_size(files) >= TAR_FILES) {
		return refuse(r, ERR_FORMAT, "\"files\": expected an object of "
		    "names and digests, at most %u", TAR_FILES - 1);
	}
	m->files = calloc(json_object_size(files) + 1, sizeof(*m->files));
	if (m->files == NULL) {
		return refuse(r, ERR_NOMEM, "out of memory");
	}
	json_object_foreach (files, name, value) {
		struct manifest_file *file = &m->files[m->nfiles];
		const char *hex = json_string_value(value);

		if (!tar_is_name(name) || strcmp(name, MANIFEST_NAME) == 0) {
			return refuse(r, ERR_FORMAT, "\"files\": number %zu has "
			    "a name that may not be", m->nfiles + 1);
		}
		if (hex == NULL || json_string_length(value) != 64 ||
		    digest_unhex(file->sha256, 32, hex) != 0) {
			return refuse(r, ERR_FORMAT, "\"files\": %s: expected "
			    "64 hexadecimal digits, lower case", name);
		}
		memcpy(file->name, name, strlen(name) + 1);
		m->nfiles++;
	}
	qsort(m->files, m->nfiles, sizeof(*m->files), by_name);
	return 0;
}

int
manifest_is_label(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < MANIFEST_LABEL &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._=:-") == len;
}

int
manifest_is_url(const char *text)
{
	static const char scheme[] = "https://";
	size_t len = strlen(text), n = sizeof(scheme) - 1;

	if (len <= n || len >= MANIFEST_URL ||
	    strncmp(text, scheme, n) != 0 || text[n] == '/') {
		return 0;
	}
	for (size_t i = n; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' ||
		    strchr("@#\\\"<>^`{|}", text[i]) != NULL) {
			return 0;
		}
	}
	return 1;
}

static int
read_target(struct reader *r, const json_t *value)
{
	struct manifest_target *t = &r->m->targets[r->m->ntargets++];
	const json_t *labels = json_object_get(value, "labels"), *label;
	size_t i;

	if (json_object_size(value) != 2 || !json_is_array(labels) ||
	    json_array_size(labels) > MANIFEST_LABELS ||
	    copy_text(t->url, sizeof(t->url),
		json_object_get(value, "url")) != 0 ||
	    !manifest_is_url(t->url)) {
		return refuse(r, ERR_FORMAT, "\"bundles\": number %zu: expected "
		    "\"labels\", at most %u of them, and \"url\", https",
		    r->m->ntargets, MANIFEST_LABELS);
	}
	json_array_foreach (labels, i, label) {
		if (copy_text(t->labels[i], MANIFEST_LABEL, label) != 0 ||
		    !manifest_is_label(t->labels[i])) {
			return refuse(r, ERR_FORMAT, "\"bundles\": number %zu: "
			    "label %zu is no word", r->m->ntargets, i + 1);
		}
		t->nlabels++;
	}
	return 0;
}

static int
read_targets(struct reader *r)
{
	const json_t *list = take(r, "bundles"), *value;
	struct manifest *m = r->m;
	size_t i;
	int e = 0;

	if (m->kind == MANIFEST_POLICY) {
		return list == NULL ? 0 : refuse(r, ERR_FORMAT,
			"\"bundles\" is of the kind \"discovery\"");
	}
	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > MANIFEST_TARGETS || m->nfiles != 0 ||
	    m->is_delegate) {
		return refuse(r, ERR_FORMAT, "a discovery has \"bundles\", 1 to "
		    "%u, no \"files\" and no \"delegate\"", MANIFEST_TARGETS);
	}
	m->targets = calloc(json_array_size(list), sizeof(*m->targets));
	if (m->targets == NULL) {
		return refuse(r, ERR_NOMEM, "out of memory");
	}
	json_array_foreach (list, i, value) {
		if (e == 0) {
			e = read_target(r, value);
		}
	}
	return e;
}

/* ------------------------------------------------------------------------ */

static int
read_all(struct reader *r)
{
	int e = read_kind(r);

	if (e == 0) {
		e = read_head(r);
	}
	if (e == 0) {
		e = read_keys(r);
	}
	if (e == 0) {
		e = read_files(r);
	}
	if (e == 0) {
		e = read_targets(r);
	}
	if (e == 0 && r->taken != json_object_size(r->top)) {
		e = refuse(r, ERR_FORMAT, "a member in it is not known; is it "
		    "for a newer version of this program?");
	}
	return e;
}

int
manifest_parse(struct manifest *out, const char *text, size_t len, char *why,
    size_t size)
{
	struct reader r = {.m = out, .why = why, .size = size};
	json_error_t error;
	json_t *top;
	int e;

	*out = (struct manifest){0};
	if (len > MANIFEST_MAX) {
		return refuse(&r, ERR_LIMIT, "larger than %u KiB",
		    MANIFEST_MAX / 1024);
	}
	top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(top)) {
		e = refuse(&r, ERR_FORMAT, "line %d: not one JSON object",
		    top != NULL ? 1 : error.line);
	} else {
		r.top = top;
		e = read_all(&r);
	}
	json_decref(top);
	return e;
}

void
manifest_fini(struct manifest *m)
{
	free(m->files);
	free(m->targets);
	*m = (struct manifest){0};
}

static json_t *
time_json(int64_t at)
{
	time_t seconds = (time_t)at;
	char text[WHEN] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL) {
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	return json_string(text);
}

static void
print_keys(json_t *top, const struct keyring *ring)
{
	json_t *list = json_array();
	char text[2 * SIGN_SPKI];

	for (size_t i = 0; i < ring->nkeys; i++) {
		(void)digest_base64(
		    text, sizeof(text), ring->keys[i].spki, SIGN_SPKI);
		json_array_append_new(list, json_string(text));
	}
	json_object_set_new(top, "keys", list);
	json_object_set_new(top, "threshold", json_integer(ring->threshold));
}

static void
print_targets(json_t *top, const struct manifest *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->ntargets; i++) {
		const struct manifest_target *t = &m->targets[i];
		json_t *labels = json_array(), *o = json_object();

		for (size_t j = 0; j < t->nlabels; j++) {
			json_array_append_new(
			    labels, json_string(t->labels[j]));
		}
		json_object_set_new(o, "labels", labels);
		json_object_set_new(o, "url", json_string(t->url));
		json_array_append_new(list, o);
	}
	json_object_set_new(top, "bundles", list);
}

char *
manifest_print(const struct manifest *m)
{
	json_t *top = json_object(), *files = json_object();
	char hex[65], *text;

	json_object_set_new(top, "format", json_string(FORMAT));
	json_object_set_new(top, "kind", json_string(
	    m->kind == MANIFEST_POLICY ? "policy" : "discovery"));
	json_object_set_new(top, "revision", json_string(m->revision));
	json_object_set_new(top, "serial", json_integer(m->serial));
	json_object_set_new(top, "not_before", time_json(m->not_before));
	json_object_set_new(top, "expires", time_json(m->expires));
	json_object_set_new(top, "grace", json_integer(m->grace));
	json_object_set_new(top, "delegate", json_boolean(m->is_delegate));
	if (m->next.nkeys > 0) {
		print_keys(top, &m->next);
	}
	for (size_t i = 0; i < m->nfiles; i++) {
		json_object_set_new(files, m->files[i].name,
		    json_string(digest_hex(
			hex, sizeof(hex), m->files[i].sha256, 32)));
	}
	json_object_set_new(top, "files", files);
	if (m->kind == MANIFEST_DISCOVERY) {
		print_targets(top, m);
	}
	text = json_dumps(top, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(top);
	return text;
}

int64_t
manifest_end(const struct manifest *m)
{
	return m->expires + m->grace;
}

enum manifest_phase
manifest_phase(const struct manifest *m, int64_t now)
{
	return now < m->not_before     ? MANIFEST_EARLY :
	    now < m->expires	       ? MANIFEST_VALID :
	    now < manifest_end(m)      ? MANIFEST_GRACE :
					 MANIFEST_OVER;
}
