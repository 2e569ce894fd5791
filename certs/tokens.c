/*
 * A file for each token. A used one is renamed, which happens once however many
 * processes try; one that is over is removed a day later, by whoever makes the
 * next. All of it under a lock of the directory.
 */
#include "certs/tokens.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <mbedtls/platform_util.h>

#include "certs/file.h"
#include "certs/key.h"
#include "certs/say.h"
#include "certs/text.h"
#include "certs/when.h"

#define ADVICE "remove it, and make another token"
#define KEEP_OVER (24 * 3600) /* seconds, for who wonders */
#define VERSION 1

static void
name_of(char out[16], const uint8_t id[ENROLL_ID], const char *ending)
{
	char hex[2 * ENROLL_ID + 1];

	text_hex(hex, id, ENROLL_ID);
	snprintf(out, 16, "%s%s", hex, ending);
}

/* The directory, which must be there, locked: a descriptor, or -1. */
static int
lock(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			int err = errno;

			close(fd);
			errno = err;
			return -1;
		}
	}
	return fd;
}

/* ------------------------------------------------------------------------ */
/* A record as text                                                         */

static json_t *
texts_json(const char *const *texts, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		if (texts[i] != NULL) {
			json_array_append_new(a, json_string(texts[i]));
		}
	}
	return a;
}

struct row {
	const char *role, *name;
	const char *const *ous, *const *sans;
	size_t nous, nsans;
	long days;
	time_t until;
	int failures;
	const uint8_t *hash;
};

/* Owned by the caller; NULL (said). */
static char *
row_text(const struct row *row, const char *op, const char *path)
{
	char until[WHEN_TEXT], hash[2 * KEY_SHA256 + 1], *text = NULL;
	json_t *o;

	when_text(until, row->until);
	text_hex(hash, row->hash, KEY_SHA256);
	o = json_pack("{s:i, s:s, s:s, s:o, s:o, s:I, s:s, s:i, s:s}",
	    "version", VERSION, "role", row->role, "name", row->name, "ou",
	    texts_json(row->ous, row->nous), "sans",
	    texts_json(row->sans, row->nsans), "days", (json_int_t)row->days,
	    "until", until, "failures", row->failures, "secret_sha256", hash);
	if (o != NULL) {
		text = json_dumps(o, JSON_INDENT(2));
	}
	json_decref(o);
	if (text == NULL) {
		say_sys(op, path, ENOMEM);
	}
	return text;
}

static const char *
role_of(enum ca_kind kind)
{
	return kind == CA_KIND_GATEWAY ? "gateway" : "workstation";
}

/* ------------------------------------------------------------------------ */
/* A record from text                                                       */

static int
take_ous(struct names *names, const json_t *list)
{
	const json_t *o;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAME_OUS) {
		return -1;
	}
	json_array_foreach (list, i, o) {
		const char *text = json_string_value(o);

		if (text == NULL || name_check_text(text) != NULL) {
			return -1;
		}
		snprintf(names->ou[i], sizeof(names->ou[i]), "%s", text);
		names->ous[names->nous++] = names->ou[i];
	}
	return 0;
}

static int
take_sans(struct token *t, const json_t *list)
{
	struct names *names = &t->names;
	const json_t *o;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAME_SANS) {
		return -1;
	}
	json_array_foreach (list, i, o) {
		const char *text = json_string_value(o);

		if (text == NULL ||
		    san_parse(&names->sans[names->nsans], text) != NULL) {
			return -1;
		}
		names->nsans++;
		t->texts[t->ntexts++] = text;
	}
	if (names->nsans == 0) {
		names->nsans = 1;
		return san_default(&names->sans[0], names->cn) == NULL ? 0 : -1;
	}
	return 0;
}

static int
take_record(struct token *t, const json_t *o)
{
	const char *role = json_string_value(json_object_get(o, "role"));
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *until = json_string_value(json_object_get(o, "until"));
	const char *hash =
	    json_string_value(json_object_get(o, "secret_sha256"));
	const json_t *days = json_object_get(o, "days");
	const json_t *failures = json_object_get(o, "failures");
	size_t n;

	if (json_integer_value(json_object_get(o, "version")) != VERSION ||
	    role == NULL || name == NULL || until == NULL || hash == NULL ||
	    !json_is_integer(days) || !json_is_integer(failures) ||
	    json_integer_value(days) < 0 ||
	    json_integer_value(days) > WHEN_MAX_DAYS ||
	    json_integer_value(failures) < 0 ||
	    name_check_directory(name) != NULL ||
	    when_parse(&t->until, until) != 0 ||
	    text_unhex(t->hash, sizeof(t->hash), &n, hash) != 0 ||
	    n != sizeof(t->hash)) {
		return -1;
	}
	if (strcmp(role, "gateway") == 0) {
		t->names.kind = CA_KIND_GATEWAY;
	} else if (strcmp(role, "workstation") == 0) {
		t->names.kind = CA_KIND_WORKSTATION;
	} else {
		return -1;
	}
	snprintf(t->names.cn, sizeof(t->names.cn), "%s", name);
	t->days = (long)json_integer_value(days);
	t->failures = json_integer_value(failures) < TOKENS_FAILURES ?
	    (int)json_integer_value(failures) : TOKENS_FAILURES;
	if (take_ous(&t->names, json_object_get(o, "ou")) != 0) {
		return -1;
	}
	return take_sans(t, json_object_get(o, "sans"));
}

/* 0; 1: it is not there; -1 (said). */
static int
read_record(struct token *t, const char *dir, const char *file)
{
	struct file_buf buf = { NULL, 0 };
	char *path = file_path(t->op, dir, file);
	json_error_t why;
	int r = -1;

	if (path == NULL) {
		return -1;
	}
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		r = 1;
	} else if (file_read(t->op, path, FILE_PUBLIC, &buf) == 0) {
		json_t *o = json_loadb((const char *)buf.bytes, buf.len,
		    JSON_REJECT_DUPLICATES, &why);

		t->text = o;
		r = o != NULL ? take_record(t, o) : -1;
		if (r != 0) {
			say_fail(t->op, path, ADVICE,
			    "is no record of a token");
		}
	}
	file_buf_free(&buf);
	free(path);
	return r;
}

/* ------------------------------------------------------------------------ */
/* New ones                                                                 */

/* Removes what is over, and counts what is left. */
static size_t
tidy(const char *dir, time_t now)
{
	const struct dirent *e;
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');
		struct token t = { .op = "token", .lock = -1 };

		if (e->d_name[0] == '.' || dot == NULL ||
		    (strcmp(dot, ".json") != 0 && strcmp(dot, ".used") != 0)) {
			continue;
		}
		if (read_record(&t, dir, e->d_name) == 0 &&
		    now - t.until > KEEP_OVER) {
			(void)unlinkat(dirfd(d), e->d_name, 0);
		} else {
			n += strcmp(dot, ".json") == 0;
		}
		tokens_close(&t);
	}
	if (d != NULL) {
		closedir(d);
	}
	return n;
}

static int
is_free(int dir, const uint8_t id[ENROLL_ID])
{
	static const char *const endings[] = { ".json", ".used" };
	struct stat st;
	char file[16];

	for (size_t i = 0; i < 2; i++) {
		name_of(file, id, endings[i]);
		if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
		    errno != ENOENT) {
			return 0;
		}
	}
	return 1;
}

/* Fills in id and secret. */
static int
draw(struct enroll_token *out, int dir, const char *tokens)
{
	if (key_random(NULL, out->secret, sizeof(out->secret)) != 0) {
		return say_sys("token", "random bytes", errno);
	}
	for (int tries = 0; tries < 100; tries++) {
		if (key_random(NULL, out->id, sizeof(out->id)) != 0) {
			return say_sys("token", "random bytes", errno);
		}
		if (is_free(dir, out->id)) {
			return 0;
		}
	}
	return say_fail("token", tokens, "look after the directory",
	    "no free number is found");
}

static int
write_new(struct file_set *set, const char *tokens,
    const struct enroll_token *token, const struct row *row)
{
	char file[16], *text;
	int r = -1;

	name_of(file, token->id, ".json");
	text = row_text(row, "token", tokens);
	if (text != NULL && file_set_add(set, file, text, strlen(text)) == 0 &&
	    file_set_publish(set) == 0) {
		file_set_keep(set);
		r = 0;
	}
	free(text);
	return r;
}

int
tokens_add(struct enroll_token *out, const char *dir, const struct who *who,
    long days, time_t until)
{
	char *tokens = file_path("token", dir, TOKENS_DIR);
	struct file_set *set = NULL;
	uint8_t hash[KEY_SHA256];
	struct row row = { .role = role_of(who->kind), .name = who->name,
		.ous = who->ous, .nous = who->nous, .sans = who->texts,
		.nsans = who->nsans, .days = days, .until = until,
		.hash = hash };
	int fd = -1, r = -1;

	if (tokens != NULL) {
		set = file_set_new("token", tokens, "try again");
	}
	if (set == NULL) {
		goto out;
	}
	fd = lock(tokens);
	if (fd < 0) {
		say_sys("token", tokens, errno);
	} else if (tidy(tokens, time(NULL)) >= TOKENS_MAX) {
		say_fail("token", tokens, "remove those that nobody waits for",
		    "%d tokens are open already", TOKENS_MAX);
	} else if (draw(out, fd, tokens) == 0) {
		r = key_sha256(hash, out->secret, sizeof(out->secret)) == 0 ?
		    write_new(set, tokens, out, &row) :
		    say_sys("token", tokens, ENOMEM);
	}
out:
	if (fd >= 0) {
		close(fd);
	}
	file_set_free(set);
	free(tokens);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Those that somebody comes with                                           */

enum token_state
tokens_open(struct token *t, const char *op, const char *dir,
    const uint8_t id[ENROLL_ID])
{
	int r;

	memset(t, 0, sizeof(*t));
	t->op = op;
	t->dir = dir;
	name_of(t->file, id, ".json");
	t->lock = lock(dir);
	if (t->lock < 0) {
		if (errno == ENOENT) {
			return TOKEN_NONE;
		}
		say_sys(op, dir, errno);
		return TOKEN_BROKEN;
	}
	r = read_record(t, dir, t->file);
	if (r != 0) {
		return r > 0 ? TOKEN_NONE : TOKEN_BROKEN;
	}
	if (t->failures >= TOKENS_FAILURES) {
		return TOKEN_CLOSED;
	}
	return time(NULL) >= t->until ? TOKEN_LATE : TOKEN_OPEN;
}

void
tokens_close(struct token *t)
{
	json_decref(t->text);
	t->text = NULL;
	if (t->lock >= 0) {
		close(t->lock);
		t->lock = -1;
	}
}

int
tokens_is_secret(const struct token *t, const uint8_t secret[ENROLL_SECRET])
{
	uint8_t hash[KEY_SHA256], differs = 0;

	if (key_sha256(hash, secret, ENROLL_SECRET) != 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof(hash); i++) {
		differs |= hash[i] ^ t->hash[i];
	}
	mbedtls_platform_zeroize(hash, sizeof(hash));
	return differs == 0;
}

int
tokens_fail(struct token *t)
{
	const struct row row = { .role = role_of(t->names.kind),
		.name = t->names.cn, .ous = t->names.ous,
		.nous = t->names.nous, .sans = t->texts, .nsans = t->ntexts,
		.days = t->days, .until = t->until,
		.failures = ++t->failures, .hash = t->hash };
	char *text = row_text(&row, t->op, t->file);
	int r = -1;

	if (text != NULL) {
		r = file_replace(t->op, t->dir, t->file, text, strlen(text));
	}
	free(text);
	return r;
}

int
tokens_use(struct token *t)
{
	char used[16];

	snprintf(used, sizeof(used), "%.*s.used", 2 * (int)ENROLL_ID, t->file);
	if (renameat(t->lock, t->file, t->lock, used) != 0 ||
	    fsync(t->lock) != 0) {
		return say_sys(t->op, t->file, errno);
	}
	return 0;
}
