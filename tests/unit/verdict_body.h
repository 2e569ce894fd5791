/*
 * Bodies shared by the tests of verdicts: the warden's own socket for them, with
 * three names of which two may be served, servers of the test's own, and units
 * that sessions hold. The rest is in lease_body.h.
 */
#ifndef TESTS_UNIT_VERDICT_BODY_H
#define TESTS_UNIT_VERDICT_BODY_H

#include "tests/unit/lease_body.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "policy/facts/facts.h"
#include "proxy/warden/verdict.h"

#define NSERVERS 4
static int servers[NSERVERS];
static char me[16];
static struct sockaddr_un sun;

static inline int
setup_verdict(void **state)
{
	static char stranger[] = "4294967290";
	static char dlp[] = "dlp", sv[] = "supervisor", not [] = "not";
	int fd;

	(void)setup(state);
	(void)snprintf(me, sizeof(me), "%lu", (unsigned long)geteuid());
	w->conf.verdicts[0] = (struct gateway_verdict){dlp, me, 2, 3, 5};
	w->conf.verdicts[1] = (struct gateway_verdict){sv, me, 1, 0, 5};
	w->conf.verdicts[2] = (struct gateway_verdict){not, stranger, 1, 0, 5};
	w->conf.nverdicts = 3;
	sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/v.sock", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(verdicts_start(w, fd), 0);
	for (unsigned i = 0; i < NSERVERS; i++) {
		servers[i] = -1;
	}
	return 0;
}

static inline int
teardown_verdict(void **state)
{
	for (unsigned i = 0; i < NSERVERS; i++) {
		close_fd(&servers[i]);
	}
	(void)unlink(sun.sun_path);
	/* sessions first: they give back what waits */
	for (unsigned i = 0; i < NPEERS; i++) {
		if (peers[i] != NULL) {
			leave(i);
		}
	}
	verdicts_free(w);
	return teardown(state);
}

/* ------------------------------------------------------------------------ */
/* A server                                                                 */

static inline void
tell(unsigned i, const char *line)
{
	assert_int_equal(
	    send(servers[i], line, strlen(line), MSG_NOSIGNAL), strlen(line));
	settle();
}

/* The next line, taken apart; NULL when there is none. */
static inline json_t *
told(unsigned i)
{
	static char line[16384];
	size_t n = 0;

	settle();
	while (n < sizeof(line) - 1 &&
	       recv(servers[i], line + n, 1, MSG_DONTWAIT) == 1) {
		if (line[n++] == '\n') {
			return json_loadb(line, n, 0, NULL);
		}
	}
	assert_int_equal(n, 0);
	return NULL;
}

static inline int
is_dropped(unsigned i)
{
	char byte;

	settle();
	return recv(servers[i], &byte, 1, MSG_DONTWAIT) == 0 ||
	       (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Expects a line of that type, and gives its id. */
static inline unsigned
told_type(unsigned i, const char *type)
{
	json_t *o = told(i);
	unsigned id;

	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "type")), type);
	id = (unsigned)json_integer_value(json_object_get(o, "id"));
	json_decref(o);
	return id;
}

static inline void
nothing_told(unsigned i)
{
	json_t *o = told(i);

	if (o != NULL) {
		fail_msg("told: %s", json_dumps(o, 0));
	}
}

static inline void
dial(unsigned i)
{
	servers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    connect(servers[i], (struct sockaddr *)&sun, sizeof(sun)), 0);
	settle();
}

static inline void
serve(unsigned i, const char *name)
{
	char line[128];

	dial(i);
	(void)snprintf(line, sizeof(line),
	    "{\"type\":\"hello\",\"protocol\":1,\"name\":\"%s\"}\n", name);
	tell(i, line);
	(void)told_type(i, "hello");
}

static inline void
say_verdict(unsigned i, unsigned id, const char *verdict)
{
	char line[256];

	(void)snprintf(line, sizeof(line),
	    "{\"id\":%u,\"verdict\":\"%s\",\"reason\":\"because\\u001b[2J\"}\n",
	    id, verdict);
	tell(i, line);
}

/* ------------------------------------------------------------------------ */
/* Units                                                                    */

static inline void
have_device(unsigned i, const char *cn, unsigned dev)
{
	use_profile("profile p { on setup { allow } on hid { allow } }\n",
	    "allow using \"p\"");
	assert_int_equal(import(i, cn, dev), 0);
	close_fd(&given.fd);
}

/* A unit of session i waits for that name; nobody has spoken of it so far. */
static inline void
hold(unsigned i, unsigned id, const char *server)
{
	struct ipc_ask ask = {.id = id,
	    .within_ms = 30000,
	    .hook = HOOK_SCSI,
	    .otherwise = IPC_SAY_DENY,
	    .line = 7,
	    .file = "/p.profile",
	    .key = "K",
	    .text = "op=write-10 lun=0 lba=2048..2055 blocks=8"};
	uint8_t buf[2048];

	(void)snprintf(ask.server, sizeof(ask.server), "%s", server);
	say(i, IPC_ASK, buf, ipc_encode_ask(buf, sizeof(buf), &ask));
}

static inline void
over(unsigned i, unsigned id)
{
	struct ipc_over m = {.id = id};
	uint8_t buf[8];

	say(i, IPC_ASK_OVER, buf, ipc_encode_over(buf, sizeof(buf), &m));
}

/* What the session is told about its unit. */
static inline void
heard_as(unsigned i, unsigned id, enum ipc_say verdict)
{
	struct channel_msg msg;
	struct ipc_answer m;

	assert_int_equal(hear(i, &msg), IPC_ANSWER);
	assert_int_equal(ipc_decode_answer(&m, msg.data, msg.len), 0);
	assert_int_equal(m.id, id);
	assert_int_equal(m.say, verdict);
}

static inline void
heard_nothing(unsigned i)
{
	struct channel_msg msg;

	assert_int_equal(hear(i, &msg), 0);
}

#endif
