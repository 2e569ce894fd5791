/*
 * The record is small enough to be read and written whole. A record that cannot
 * be read is never taken for an empty one: what it revoked would be let in
 * again by the next list.
 */
#include "certs/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "certs/file.h"
#include "certs/say.h"
#include "certs/text.h"
#include "certs/when.h"

#define ADVICE "restore it from a backup, or mend it by hand"

static const struct {
	enum revoked_reason reason;
	const char *word;
} reasons[] = {
	{ REVOKED_UNSPECIFIED, "unspecified" },
	{ REVOKED_KEY_COMPROMISE, "keyCompromise" },
	{ REVOKED_CA_COMPROMISE, "cACompromise" },
	{ REVOKED_AFFILIATION_CHANGED, "affiliationChanged" },
	{ REVOKED_SUPERSEDED, "superseded" },
	{ REVOKED_CESSATION_OF_OPERATION, "cessationOfOperation" },
	{ REVOKED_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
};

#define NREASONS (sizeof(reasons) / sizeof(reasons[0]))

int
revoked_reason_of(enum revoked_reason *out, const char *word)
{
	for (size_t i = 0; i < NREASONS; i++) {
		if (strcmp(reasons[i].word, word) == 0) {
			*out = reasons[i].reason;
			return 0;
		}
	}
	return -1;
}

const char *
revoked_reason_word(enum revoked_reason reason)
{
	for (size_t i = 0; i < NREASONS; i++) {
		if (reasons[i].reason == reason) {
			return reasons[i].word;
		}
	}
	return "other";
}

const struct revoked_entry *
revoked_find(const struct revoked *r, const uint8_t *serial, size_t len)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->entries[i].serial_len == len &&
		    memcmp(r->entries[i].serial, serial, len) == 0) {
			return &r->entries[i];
		}
	}
	return NULL;
}

static int
make_room(struct revoked *r)
{
	size_t room = r->room == 0 ? 64 : 2 * r->room;
	struct revoked_entry *more;

	if (r->n < r->room) {
		return 0;
	}
	more = realloc(r->entries, room * sizeof(*more));
	if (more == NULL) {
		return -1;
	}
	r->entries = more;
	r->room = room;
	return 0;
}

int
revoked_add(struct revoked *r, const struct revoked_entry *entry)
{
	if (r->n == REVOKED_MAX) {
		return say_fail(r->op, REVOKED_FILE, "make a new CA",
		    "has %u entries, which is the most", REVOKED_MAX);
	}
	if (make_room(r) != 0) {
		return say_sys(r->op, REVOKED_FILE, ENOMEM);
	}
	r->entries[r->n++] = *entry;
	return 0;
}

/* ------------------------------------------------------------------------ */
/* From JSON                                                                */

static int
take_time(time_t *out, const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? when_parse(out, text) : -1;
}

static int
take_entry(struct revoked_entry *e, const json_t *o)
{
	const char *serial = json_string_value(json_object_get(o, "serial"));
	const char *reason = json_string_value(json_object_get(o, "reason"));
	const char *name = json_string_value(json_object_get(o, "name"));

	memset(e, 0, sizeof(*e));
	if (serial == NULL || reason == NULL || name == NULL ||
	    text_unhex(e->serial, sizeof(e->serial), &e->serial_len,
	    serial) != 0 || e->serial_len == 0 ||
	    revoked_reason_of(&e->reason, reason) != 0 ||
	    take_time(&e->at, o, "at") != 0 || strlen(name) > NAME_TEXT_MAX) {
		return -1;
	}
	memcpy(e->name, name, strlen(name) + 1);
	return json_is_null(json_object_get(o, "until")) ? 0 :
	    take_time(&e->until, o, "until");
}

static int
take_all(struct revoked *r, const json_t *root, const char *path)
{
	const json_t *list = json_object_get(root, "revoked");
	json_int_t number = json_integer_value(json_object_get(root, "number"));
	json_int_t days = json_integer_value(json_object_get(root, "days"));
	struct revoked_entry e;
	const json_t *o;
	size_t i;

	if (!json_is_array(list) || number < 0 || days < 1 ||
	    days > WHEN_MAX_DAYS) {
		return say_fail(r->op, path, ADVICE, "is no record of a CA");
	}
	r->number = (uint64_t)number;
	r->days = (long)days;
	json_array_foreach(list, i, o) {
		if (take_entry(&e, o) != 0) {
			return say_fail(r->op, path, ADVICE,
			    "its entry %zu cannot be read", i + 1);
		}
		if (revoked_add(r, &e) != 0) {
			return -1;
		}
	}
	return 0;
}

static int
read_record(struct revoked *r, const char *path)
{
	struct file_buf buf = { NULL, 0 };
	json_error_t error;
	json_t *root = NULL;
	int result = -1;

	if (faccessat(r->fd, REVOKED_FILE, F_OK, 0) != 0 && errno == ENOENT) {
		return 0;
	}
	if (file_read(r->op, path, FILE_LIST, &buf) != 0) {
		return -1;
	}
	root = json_loadb((const char *)buf.bytes, buf.len,
	    JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		say_fail(r->op, path, ADVICE, "line %d: %s", error.line,
		    error.text);
	} else {
		result = take_all(r, root, path);
	}
	json_decref(root);
	file_buf_free(&buf);
	return result;
}

int
revoked_open(struct revoked *r, const char *op, const char *dir)
{
	char *path = NULL;
	int result = -1;

	memset(r, 0, sizeof(*r));
	r->op = op;
	r->dir = dir;
	r->days = REVOKED_DAYS;
	r->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0 || flock(r->fd, LOCK_EX) != 0) {
		return say_sys(op, dir, errno);
	}
	path = file_path(op, dir, REVOKED_FILE);
	if (path != NULL) {
		result = read_record(r, path);
	}
	free(path);
	return result;
}

void
revoked_close(struct revoked *r)
{
	if (r->fd >= 0) {
		close(r->fd); /* and with it the lock */
		r->fd = -1;
	}
	free(r->entries);
	r->entries = NULL;
	r->n = r->room = 0;
}

/* ------------------------------------------------------------------------ */
/* To JSON                                                                  */

static json_t *
entry_json(const struct revoked_entry *e)
{
	char serial[2 * REVOKED_SERIAL + 1], at[WHEN_TEXT], until[WHEN_TEXT];

	text_hex(serial, e->serial, e->serial_len);
	when_text(at, e->at);
	when_text(until, e->until);
	return json_pack("{s:s, s:s, s:s, s:s, s:s?}", "serial", serial, "name",
	    e->name, "at", at, "reason", revoked_reason_word(e->reason),
	    "until", e->until != 0 ? until : NULL);
}

int
revoked_save(const struct revoked *r)
{
	json_t *list = json_array(), *root;
	char *text = NULL;
	int result = -1, failed = 0;

	for (size_t i = 0; i < r->n; i++) {
		failed |= json_array_append_new(list,
		    entry_json(&r->entries[i]));
	}
	root = json_pack("{s:I, s:i, s:o}", "number", (json_int_t)r->number,
	    "days", (int)r->days, "revoked", list);
	if (root != NULL && !failed) {
		text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	}
	if (text == NULL) {
		say_sys(r->op, REVOKED_FILE, ENOMEM);
	} else {
		result = file_replace(r->op, r->dir, REVOKED_FILE, text,
		    strlen(text));
	}
	free(text);
	json_decref(root);
	return result;
}
