/*
 * vhci-glue/approval: what a person hears who waits for an approval, by the
 * words of a reader that the test is itself. All of them wait in the channel
 * before they are heard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/approval.h"
#include "vhci-glue/exits.h"

#define NAME "0951:1666:AA01@pci-0000:00:14.0:2"

struct room {
	struct approval approval;
	struct opts opts;
	int reader; /* the far end */
	FILE *log;  /* what the person sees */
	int real_stderr;
	char said[4096];
};

static int
setup(void **state)
{
	struct room *m = calloc(1, sizeof(*m));
	int pair[2];

	if (m == NULL || channel_pair(pair) != 0) {
		return -1;
	}
	m->opts.command = "attach";
	m->approval.opts = &m->opts;
	m->approval.launch.command = "attach";
	m->approval.launch.channel = pair[0];
	m->approval.launch.pid = m->approval.launch.reader = -1;
	m->approval.is_open = 1;
	m->reader = pair[1];
	m->log = tmpfile();
	m->real_stderr = dup(2);
	*state = m;
	return m->log == NULL || dup2(fileno(m->log), 2) == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct room *m = *state;

	(void)dup2(m->real_stderr, 2);
	close_fd(&m->real_stderr);
	(void)fclose(m->log);
	approval_close(&m->approval);
	close_fd(&m->reader);
	free(m);
	return 0;
}

static void
tell(struct room *m, uint8_t kind, uint8_t state, const char *text)
{
	static struct ipc_watch w;
	static uint8_t buf[8192];
	int n;

	memset(&w, 0, sizeof(w));
	w.kind = kind;
	w.state = state;
	memcpy(w.name, NAME, sizeof(NAME));
	memcpy(w.item.dev.busid, "3-2", 4);
	if (state == IPC_WATCH_PENDING) {
		memcpy(w.approver, "the\x1b desk", 10);
	}
	(void)snprintf(w.text, sizeof(w.text), "%s", text);
	n = ipc_encode_watch(buf, sizeof(buf), &w);
	assert_true(n > 0);
	assert_int_equal(channel_send(m->reader, IPC_RELAY_WATCH, 0, buf,
			     (size_t)n, -1),
	    0);
}

/* The list has come: it needs an approval. */
static void
list(struct room *m)
{
	tell(m, IPC_WATCH_LISTED, IPC_WATCH_PENDING, "");
	assert_int_equal(approval_hear(&m->approval, "3-2"), 0);
}

static void
assert_said(struct room *m, const char *word, int is_said)
{
	size_t n;

	rewind(m->log);
	n = fread(m->said, 1, sizeof(m->said) - 1, m->log);
	m->said[n] = '\0';
	if ((strstr(m->said, word) != NULL) != is_said) {
		fail_msg("\"%s\": \"%s\"", m->said, word);
	}
}

static void
test_approved(void **state)
{
	struct room *m = *state;

	list(m);
	tell(m, IPC_WATCH_CHANGED, IPC_WATCH_BUSY, "");
	tell(m, IPC_WATCH_CHANGED, IPC_WATCH_FREE, "");
	assert_int_equal(approval_wait(&m->approval, NAME, 0), 0);
	assert_said(
	    m, NAME ": waits for the\\x1b desk to approve it\n", 1);
	/* free at once */
	assert_int_equal(approval_wait(&m->approval, NAME, 0), 0);
}

static void
test_denied(void **state)
{
	struct room *m = *state;

	list(m);
	tell(m, IPC_WATCH_MESSAGE, IPC_WATCH_NONE, "not\ntoday");
	tell(m, IPC_WATCH_GONE, IPC_WATCH_NONE, "");
	assert_int_equal(
	    approval_wait(&m->approval, NAME, 0), EXITS_DENIED);
	assert_said(m, "3-2: the gateway says: not\\x0atoday", 1);
	assert_said(m, NAME ": not approved, or unplugged", 1);
}

static void
test_deadline(void **state)
{
	struct room *m = *state;

	list(m);
	assert_int_equal(
	    approval_wait(&m->approval, NAME, clock_mono()), EXITS_DENIED);
	assert_said(m, "nobody approved it in time", 1);
}

static void
test_gateway_gone(void **state)
{
	struct room *m = *state;

	list(m);
	close_fd(&m->reader);
	assert_int_equal(
	    approval_wait(&m->approval, NAME, 0), EXITS_FAILED);
	assert_said(m, "ended without a word", 1);
}

/* The reason why a device is taken away may come when it is gone. */
static void
test_last_words(void **state)
{
	struct room *m = *state;

	list(m);
	tell(m, IPC_WATCH_GONE, IPC_WATCH_NONE, "");
	tell(m, IPC_WATCH_MESSAGE, IPC_WATCH_NONE, "the lease is over");
	approval_drain(&m->approval, "3-2", 20);
	assert_said(m, "3-2: the gateway says: the lease is over", 1);
}

/* What it says of other devices is not for this person now. */
static void
test_other_device(void **state)
{
	struct room *m = *state;

	list(m);
	memcpy(m->approval.offers.v[0].name, "other@b", 8);
	tell(m, IPC_WATCH_MESSAGE, IPC_WATCH_NONE, "elsewhere");
	approval_drain(&m->approval, "3-2", 20);
	assert_said(m, "elsewhere", 0);
}

static void
test_malformed(void **state)
{
	struct room *m = *state;

	list(m);
	assert_int_equal(
	    channel_send(m->reader, IPC_RELAY_WATCH, 0, "x", 1, -1), 0);
	assert_int_equal(
	    approval_wait(&m->approval, NAME, 0), EXITS_FAILED);
	assert_said(m, "malformed message", 1);
}

#define ROOM_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROOM_TEST(test_approved),
	    ROOM_TEST(test_denied),
	    ROOM_TEST(test_deadline),
	    ROOM_TEST(test_gateway_gone),
	    ROOM_TEST(test_last_words),
	    ROOM_TEST(test_other_device),
	    ROOM_TEST(test_malformed),
	};

	log_init("sallyport");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
