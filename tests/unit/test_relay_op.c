/* vhci-glue/remote: device list and import, with honest and hostile gateways
 * behind a plain stream. What the gateway will say is said beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "tests/fake/gateway_fake.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/remote.h"

struct room {
	struct stream *stream;
	struct gateway_fake gw;
	struct ipc_relay_done done;
	struct ipc_item items[8];
	unsigned nitems;
};

static int
setup(void **state)
{
	struct room *m = calloc(1, sizeof(*m));
	int pair[2];

	if (m == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return -1;
	}
	m->stream = stream_plain_new(pair[0]);
	*state = m;
	return gateway_fake_init(&m->gw, stream_plain_new(pair[1]));
}

static int
teardown(void **state)
{
	struct room *m = *state;

	stream_free(m->stream);
	gateway_fake_fini(&m->gw);
	free(m);
	return 0;
}

static uint64_t
soon(void)
{
	return clock_mono() + 300 * CLOCK_MSEC;
}

static int
keep(void *arg, const struct ipc_item *item)
{
	struct room *m = arg;

	if (m->nitems == 8) {
		return -1;
	}
	m->items[m->nitems++] = *item;
	return 0;
}

static int
list(struct room *m)
{
	gateway_fake_turn(&m->gw);
	m->nitems = 0;
	return remote_list(m->stream, soon(), keep, m, &m->done);
}

static int
import(struct room *m, struct usbip_device *dev)
{
	gateway_fake_turn(&m->gw);
	return remote_import(m->stream, soon(), "3-2", dev, &m->done);
}

static void
say_count(struct room *m, uint32_t n)
{
	const uint8_t be[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
	    (uint8_t)(n >> 8), (uint8_t)n};

	gateway_fake_say(&m->gw, be, sizeof(be));
}

static void
assert_failed(struct room *m, int exit_code, const char *word)
{
	assert_int_equal(m->done.exit_code, exit_code);
	if (strstr(m->done.text, word) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", m->done.text, word);
	}
}

static void
test_list(void **state)
{
	struct room *m = *state;
	struct usbip_device dev = gateway_fake_drive();
	const uint8_t req[8] = {1, 0x11, 0x80, 5};

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 2);
	gateway_fake_say_device(&m->gw, &dev);
	gateway_fake_say(&m->gw, "\x08\x06\x50\x00", 4);
	memcpy(dev.busid, "1-1.4.2", 8);
	dev.ninterfaces = 2;
	gateway_fake_say_device(&m->gw, &dev);
	gateway_fake_say(&m->gw, "\x03\x01\x01\x00\x03\x01\x02\x00", 8);
	assert_int_equal(list(m), 0);
	assert_int_equal(m->nitems, 2);
	assert_string_equal(m->items[0].dev.busid, "3-2");
	assert_int_equal(m->items[0].interfaces[0].protocol, 0x50);
	assert_int_equal(m->items[1].ninterfaces, 2);
	assert_int_equal(m->items[1].interfaces[1].protocol, 2);
	assert_string_equal(m->items[0].product, "");
	gateway_fake_turn(&m->gw);
	assert_int_equal(gateway_fake_heard(&m->gw), 8);
	assert_memory_equal(gateway_fake_hear(&m->gw, 8), req, 8);
}

static void
test_list_empty(void **state)
{
	struct room *m = *state;

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 0);
	assert_int_equal(list(m), 0);
	assert_int_equal(m->nitems, 0);
}

static void
test_list_lies(void **state)
{
	struct room *m = *state;
	struct usbip_device dev = gateway_fake_drive();

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 0xffffffff);
	assert_int_equal(list(m), -1);
	assert_failed(m, EXITS_FAILED, "more than 4096 devices");

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 1);
	dev.ninterfaces = 33;
	gateway_fake_say_device(&m->gw, &dev);
	assert_int_equal(list(m), -1);
	assert_failed(m, EXITS_FAILED, "more than 32 interfaces");

	/* terminal escapes in a bus id never get further */
	dev = gateway_fake_drive();
	memcpy(dev.busid, "\x1b[31m", 6);
	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 1);
	gateway_fake_say_device(&m->gw, &dev);
	assert_int_equal(list(m), -1);
	assert_failed(m, EXITS_FAILED, "bus id");
	assert_null(strchr(m->done.text, '\x1b'));
}

/* More devices than the caller takes. */
static void
test_list_flood(void **state)
{
	struct room *m = *state;
	struct usbip_device dev = gateway_fake_drive();

	dev.ninterfaces = 0;
	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	say_count(m, 100);
	for (int i = 0; i < 100; i++) {
		gateway_fake_say_device(&m->gw, &dev);
	}
	assert_int_equal(list(m), -1);
	assert_int_equal(m->nitems, 8);
}

static void
test_import(void **state)
{
	struct room *m = *state;
	const struct usbip_device dev = gateway_fake_drive();
	const uint8_t req[40] = {1, 0x11, 0x80, 3, 0, 0, 0, 0, '3', '-', '2'};
	struct usbip_device got;
	uint8_t next[4];

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_IMPORT, 0);
	gateway_fake_say_device(&m->gw, &dev);
	gateway_fake_say(&m->gw, "next", 4);
	assert_int_equal(import(m, &got), 0);
	assert_int_equal(got.vid, 0x0951);
	assert_int_equal(got.devnum, 7);
	/* not one byte too many was read */
	assert_int_equal(stream_read(m->stream, next, 4), 4);
	assert_memory_equal(next, "next", 4);
	gateway_fake_turn(&m->gw);
	assert_memory_equal(gateway_fake_hear(&m->gw, 40), req, 40);
	assert_int_equal(gateway_fake_heard(&m->gw), 0);
}

static void
test_import_statuses(void **state)
{
	static const struct {
		uint32_t status;
		int exit_code;
		const char *word;
	} cases[] = {
	    {USBIP_ST_NODEV, EXITS_NOT_FOUND, "no such device, or not for you"},
	    {USBIP_ST_DEV_BUSY, EXITS_NOT_FOUND, "busy"},
	    {USBIP_ST_DEV_ERR, EXITS_FAILED, "error state"},
	    {USBIP_ST_NA, EXITS_FAILED, "refused (status 1)"},
	    {USBIP_ST_ERROR, EXITS_FAILED, "refused (status 5)"},
	    {0xffffffff, EXITS_FAILED, "refused (status 4294967295)"},
	};
	struct room *m = *state;
	struct usbip_device got;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		gateway_fake_say_op(
		    &m->gw, USBIP_OP_REP_IMPORT, cases[i].status);
		assert_int_equal(import(m, &got), -1);
		assert_failed(m, cases[i].exit_code, cases[i].word);
	}
}

static void
lie_about(struct room *m, const struct usbip_device *dev, const char *word)
{
	struct usbip_device got;

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_IMPORT, 0);
	gateway_fake_say_device(&m->gw, dev);
	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_FAILED, word);
}

static void
test_import_lies(void **state)
{
	struct room *m = *state;
	const struct usbip_device good = gateway_fake_drive();
	struct usbip_device dev = good, got;
	uint8_t raw[USBIP_DEVICE_SIZE];

	memcpy(dev.busid, "3-3", 4);
	lie_about(m, &dev, "another device than asked for");
	dev = good;
	dev.speed = 4;
	lie_about(m, &dev, "speed");
	dev = good;
	dev.busnum = 0x10003;
	lie_about(m, &dev, "bus number");
	dev = good;
	dev.devnum = 0;
	lie_about(m, &dev, "device number");

	/* texts without an end */
	usbip_encode_device(raw, &good);
	memset(raw, 'x', USBIP_PATH_SIZE);
	gateway_fake_say_op(&m->gw, USBIP_OP_REP_IMPORT, 0);
	gateway_fake_say(&m->gw, raw, sizeof(raw));
	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_FAILED, "text without its end");
}

static void
test_protocol(void **state)
{
	struct room *m = *state;
	struct usbip_device got;

	gateway_fake_say(&m->gw, "\x01\x06\x00\x03\0\0\0\0", 8);
	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_FAILED, "another protocol version");
	gateway_fake_say_op(&m->gw, USBIP_OP_REP_DEVLIST, 0);
	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_FAILED, "not what was asked for");
	gateway_fake_say(&m->gw, "HTTP/1.1", 8);
	assert_int_equal(list(m), -1);
	assert_failed(m, EXITS_FAILED, "another protocol version");
}

static void
test_silence(void **state)
{
	struct room *m = *state;
	struct usbip_device got;

	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_UNREACHABLE, "did not answer in time");
	/* half an answer is none */
	gateway_fake_say_op(&m->gw, USBIP_OP_REP_IMPORT, 0);
	assert_int_equal(import(m, &got), -1);
	assert_failed(m, EXITS_UNREACHABLE, "did not answer in time");
}

static void
test_hang_up(void **state)
{
	struct room *m = *state;
	struct usbip_device got;

	gateway_fake_say_op(&m->gw, USBIP_OP_REP_IMPORT, 0);
	gateway_fake_hang_up(&m->gw);
	assert_int_equal(
	    remote_import(m->stream, soon(), "3-2", &got, &m->done), -1);
	assert_failed(m, EXITS_FAILED, "closed the connection");
}

#define ROOM_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROOM_TEST(test_list),
	    ROOM_TEST(test_list_empty),
	    ROOM_TEST(test_list_lies),
	    ROOM_TEST(test_list_flood),
	    ROOM_TEST(test_import),
	    ROOM_TEST(test_import_statuses),
	    ROOM_TEST(test_import_lies),
	    ROOM_TEST(test_protocol),
	    ROOM_TEST(test_silence),
	    ROOM_TEST(test_hang_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
