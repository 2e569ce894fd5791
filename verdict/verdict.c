/*
 * The protocol of sallyport-verdict(7) from the side of a server. Runs in programs
 * of whoever operates a gateway. The gateway is trusted to be itself, as only root
 * can make a socket there; its lines are still bounded and checked.
 */
#include "verdict/sallyport-verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#define PROTOCOL 1
#define HELLO_MS 10000
#define LINE_MAX_IN (1024u * 1024u)
#define STEP 4096u
#define PATH_PART 64u
#define VALID_MAX 31622400u
#define NAME_MAX_LEN 40u
#define ASKS 64u /* a gateway has no more at one server */

struct sallyport_verdict {
	int fd; /* owned; -1 */
	int is_open;
	unsigned concurrency;
	uint32_t asks[ASKS]; /* that have no answer; 0 = none */
	/* Of those the gateway took back: an answer is no mistake. */
	uint32_t overs[ASKS];
	unsigned next_over;
	json_t *line;   /* owned: the last one; NULL */
	char *text;     /* owned: the same as it came */
	char *in, *out; /* owned */
	size_t in_len, in_room, out_len, out_room;
	char why[320];
};

static int
fail(struct sallyport_verdict *v, int error, const char *why)
{
	(void)snprintf(v->why, sizeof(v->why), "%s%s%s", why,
	    error != EACCES && *why != '\0' ? ": " : "",
	    error != EACCES ? strerror(error) : "");
	return -error;
}

/* ------------------------------------------------------------------------ */
/* To the gateway                                                           */

static int
flush(struct sallyport_verdict *v)
{
	ssize_t n;

	while (v->out_len > 0) {
		n = send(
		    v->fd, v->out, v->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return 0;
		}
		if (n <= 0) {
			return fail(v, ECONNRESET, "the gateway is gone");
		}
		v->out_len -= (size_t)n;
		memmove(v->out, v->out + n, v->out_len);
	}
	return 0;
}

static int
reserve(char **buf, size_t *room, size_t need)
{
	char *more;

	if (need <= *room) {
		return 0;
	}
	more = realloc(*buf, need + STEP);
	if (more == NULL) {
		return -ENOMEM;
	}
	*buf = more;
	*room = need + STEP;
	return 0;
}

/* Takes the object. */
static int
say(struct sallyport_verdict *v, json_t *o)
{
	char *line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	size_t len = line != NULL ? strlen(line) : 0;
	int r = -ENOMEM;

	json_decref(o);
	if (line != NULL &&
	    reserve(&v->out, &v->out_room, v->out_len + len + 1) == 0) {
		line[len++] = '\n'; /* in place of the NUL */
		memcpy(v->out + v->out_len, line, len);
		v->out_len += len;
		r = 0;
	}
	free(line);
	return r;
}

/* ------------------------------------------------------------------------ */
/* From the gateway                                                         */

/* 1: the next line is in v->text and v->line; 0: there is none so far. */
static int
next_line(struct sallyport_verdict *v)
{
	char *end = v->in_len > 0 ? memchr(v->in, '\n', v->in_len) : NULL;
	size_t len;

	if (end == NULL) {
		return v->in_len > LINE_MAX_IN
			   ? fail(v, EPROTO, "a line that is too long")
			   : 0;
	}
	len = (size_t)(end - v->in);
	free(v->text);
	json_decref(v->line);
	v->line = NULL;
	v->text = malloc(len + 1);
	if (v->text == NULL) {
		return -ENOMEM;
	}
	memcpy(v->text, v->in, len);
	v->text[len] = '\0';
	v->in_len -= len + 1;
	memmove(v->in, end + 1, v->in_len);
	v->line = json_loadb(v->text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(v->line)) {
		return fail(v, EPROTO, "no object of JSON");
	}
	return 1;
}

/* Reads once: 1: something came; 0: there is nothing. */
static int
receive(struct sallyport_verdict *v)
{
	ssize_t n;

	if (reserve(&v->in, &v->in_room, v->in_len + STEP) != 0) {
		return -ENOMEM;
	}
	do {
		n = recv(v->fd, v->in + v->in_len, v->in_room - v->in_len,
		    MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		return 0;
	}
	if (n <= 0) {
		return fail(v, ECONNRESET, "the gateway closed the connection");
	}
	v->in_len += (size_t)n;
	return 1;
}

static const char *
type_of(const struct sallyport_verdict *v)
{
	const char *type = json_string_value(json_object_get(v->line, "type"));

	return type != NULL ? type : "";
}

/* 0: it has none that is good. */
static uint32_t
number_of(const struct sallyport_verdict *v, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(v->line, name));

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

/* ------------------------------------------------------------------------ */
/* Open and close                                                           */

static int
connect_to(struct sallyport_verdict *v, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len >= sizeof(sun.sun_path)) {
		return fail(v, EINVAL, path);
	}
	memcpy(sun.sun_path, path, len + 1);
	v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (v->fd == -1) {
		return fail(v, errno, "socket");
	}
	if (connect(v->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		return fail(v, errno, path);
	}
	return 0;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The first line of the gateway. */
static int
hear_hello(struct sallyport_verdict *v)
{
	int64_t ends = now_ms() + HELLO_MS, left;
	int r = 0;

	while (r == 0) {
		struct pollfd p = {.fd = v->fd, .events = POLLIN};

		left = ends - now_ms();
		if (left <= 0) {
			return fail(v, ETIMEDOUT, "the gateway says nothing");
		}
		if (poll(&p, 1, (int)left) == -1 && errno != EINTR) {
			return fail(v, errno, "poll");
		}
		r = receive(v);
		r = r < 0 ? r : next_line(v);
	}
	if (r < 0) {
		return r;
	}
	if (strcmp(type_of(v), "refused") == 0) {
		const char *why =
		    json_string_value(json_object_get(v->line, "reason"));

		return fail(v, EACCES, why != NULL ? why : "refused");
	}
	if (strcmp(type_of(v), "hello") != 0 ||
	    number_of(v, "protocol") != PROTOCOL) {
		return fail(v, EPROTO, "no hello of a gateway");
	}
	v->concurrency = number_of(v, "concurrency");
	v->is_open = 1;
	return 0;
}

int
sallyport_verdict_open(
    struct sallyport_verdict **out, const char *path, const char *name)
{
	struct sallyport_verdict *v = calloc(1, sizeof(*v));
	json_t *hello;
	int r;

	*out = v;
	if (v == NULL) {
		return -ENOMEM;
	}
	v->fd = -1;
	if (*name == '\0' || strlen(name) > NAME_MAX_LEN) {
		return fail(v, EINVAL, "name");
	}
	hello = json_pack("{s:s,s:i,s:s}", "type", "hello", "protocol",
	    PROTOCOL, "name", name);
	if (hello == NULL) {
		return fail(v, EINVAL, "name");
	}
	r = say(v, hello);
	r = r != 0
		? r
		: connect_to(v, path != NULL ? path : SALLYPORT_VERDICT_SOCKET);
	/* one that closed without a word may have left one to be read */
	if (r == 0 && (r = flush(v)) != 0 && receive(v) <= 0) {
		return r;
	}
	return r == 0 || v->in_len > 0 ? hear_hello(v) : r;
}

void
sallyport_verdict_close(struct sallyport_verdict *v)
{
	if (v == NULL) {
		return;
	}
	if (v->fd != -1) {
		(void)close(v->fd);
	}
	json_decref(v->line);
	free(v->text);
	free(v->in);
	free(v->out);
	free(v);
}

const char *
sallyport_verdict_why(const struct sallyport_verdict *v)
{
	return v->why;
}

int
sallyport_verdict_fd(const struct sallyport_verdict *v)
{
	return v->fd;
}

short
sallyport_verdict_events(const struct sallyport_verdict *v)
{
	return (short)(v->out_len > 0 ? POLLIN | POLLOUT : POLLIN);
}

unsigned
sallyport_verdict_concurrency(const struct sallyport_verdict *v)
{
	return v->concurrency;
}

/* ------------------------------------------------------------------------ */
/* Asks                                                                     */

/* The place of that id, or NULL; id 0: a free one. */
static uint32_t *
place_of(uint32_t *list, uint32_t id)
{
	for (unsigned i = 0; i < ASKS; i++) {
		if (list[i] == id) {
			return &list[i];
		}
	}
	return NULL;
}

static int
on_ask(struct sallyport_verdict *v, struct sallyport_verdict_ask *ask)
{
	const char *kind = json_string_value(json_object_get(v->line, "kind"));
	uint32_t *place = place_of(v->asks, 0), id = number_of(v, "id");

	if (id == 0 || place == NULL || place_of(v->asks, id) != NULL) {
		return fail(v, EPROTO, "an ask that cannot be");
	}
	*place = id;
	*ask = (struct sallyport_verdict_ask){.id = id,
	    .kind = SALLYPORT_OTHER,
	    .deadline_ms = number_of(v, "deadline_ms"),
	    .line = v->text};
	if (kind != NULL && strcmp(kind, "import") == 0) {
		ask->kind = SALLYPORT_IMPORT;
	} else if (kind != NULL && strcmp(kind, "transfer") == 0) {
		ask->kind = SALLYPORT_TRANSFER;
	}
	return SALLYPORT_ASK;
}

static int
on_over(struct sallyport_verdict *v, struct sallyport_verdict_ask *ask)
{
	uint32_t id = number_of(v, "id"), *place = place_of(v->asks, id);

	if (id == 0 || place == NULL) {
		return SALLYPORT_NOTHING; /* it crossed our answer */
	}
	*place = 0;
	v->overs[v->next_over] = id;
	v->next_over = (v->next_over + 1) % ASKS;
	*ask = (struct sallyport_verdict_ask){.id = id};
	return SALLYPORT_OVER;
}

/* An event, NOTHING for what the caller need not hear of, or -errno. */
static int
on_line(struct sallyport_verdict *v, struct sallyport_verdict_ask *ask)
{
	const char *type = type_of(v);
	int r;

	if (strcmp(type, "ask") == 0) {
		return on_ask(v, ask);
	}
	if (strcmp(type, "over") == 0) {
		return on_over(v, ask);
	}
	if (strcmp(type, "ping") == 0) {
		r = say(v, json_pack("{s:s,s:I}", "type", "pong", "id",
			       (json_int_t)number_of(v, "id")));
		return r != 0 ? r : flush(v);
	}
	return SALLYPORT_NOTHING;
}

int
sallyport_verdict_next(
    struct sallyport_verdict *v, struct sallyport_verdict_ask *ask)
{
	int r, event;

	if (!v->is_open) {
		return -EPROTO;
	}
	r = flush(v);
	while (r == 0) {
		r = next_line(v);
		if (r == 1) {
			event = on_line(v, ask);
			if (event != SALLYPORT_NOTHING) {
				return event;
			}
			r = 0;
		} else if (r == 0) {
			r = receive(v);
			if (r == 0) {
				return SALLYPORT_NOTHING;
			}
			r = r > 0 ? 0 : r;
		}
	}
	return r;
}

static const json_t *
member(const struct sallyport_verdict *v, const char *path)
{
	const json_t *o = v->line;

	while (o != NULL) {
		size_t len = strcspn(path, ".");
		char part[PATH_PART];

		if (len >= sizeof(part)) {
			return NULL;
		}
		memcpy(part, path, len);
		part[len] = '\0';
		o = json_object_get(o, part);
		if (path[len] == '\0') {
			return o;
		}
		path += len + 1;
	}
	return NULL;
}

const char *
sallyport_verdict_text(const struct sallyport_verdict *v, const char *path)
{
	return json_string_value(member(v, path));
}

static int
number(const json_t *o, uint64_t *out)
{
	if (!json_is_integer(o) || json_integer_value(o) < 0) {
		return -ENOENT;
	}
	*out = (uint64_t)json_integer_value(o);
	return 0;
}

int
sallyport_verdict_range(const struct sallyport_verdict *v, const char *path,
    uint64_t *first, uint64_t *last)
{
	const json_t *o = member(v, path);
	uint64_t a, b;

	if (json_is_array(o) ? json_array_size(o) != 2 ||
				   number(json_array_get(o, 0), &a) != 0 ||
				   number(json_array_get(o, 1), &b) != 0
			     : number(o, &a) != 0 || number(o, &b) != 0) {
		return -ENOENT;
	}
	*first = a;
	*last = b;
	return 0;
}

int
sallyport_verdict_answer(struct sallyport_verdict *v, uint32_t id,
    enum sallyport_verdict_word word, uint32_t valid, const char *reason)
{
	static const char *const words[] = {
	    [SALLYPORT_ALLOW] = "allow",
	    [SALLYPORT_DENY] = "deny",
	    [SALLYPORT_EJECT] = "eject",
	    [SALLYPORT_NONE] = "none",
	};
	uint32_t *place = place_of(v->asks, id), *over;
	size_t len = reason != NULL ? strlen(reason) : 0;
	json_t *o;
	int r;

	if ((unsigned)word > SALLYPORT_NONE || valid > VALID_MAX) {
		return -EINVAL;
	}
	if (id == 0 || place == NULL) {
		over = id != 0 ? place_of(v->overs, id) : NULL;
		if (over == NULL) {
			return -ENOENT;
		}
		*over = 0;
		return 0;
	}
	/* between two characters of UTF-8 */
	if (len > SALLYPORT_VERDICT_REASON) {
		len = SALLYPORT_VERDICT_REASON;
		while (len > 0 && (reason[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	o = json_pack("{s:I,s:s,s:I,s:s%}", "id", (json_int_t)id, "verdict",
	    words[word], "valid", (json_int_t)valid, "reason",
	    len > 0 ? reason : "", len);
	if (o == NULL) {
		return -EINVAL;
	}
	r = say(v, o);
	if (r != 0) {
		return r;
	}
	*place = 0;
	(void)flush(v); /* next says what is wrong */
	return 0;
}
