/*
 * Captures of a session: what its records say of real transfers, that a pipe
 * which nobody empties costs records and nothing else, and what a profile's
 * `capture' keeps.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/fake/session_rig.h"
#include "tests/unit/profiles_body.h"
#include "wire/capture.h"

#define SETUP(...) ((const uint8_t[8]){__VA_ARGS__})
#define GET_DEVICE SETUP(0x80, 6, 0, 1, 0, 0, 18, 0)
#define KEPT 4096u

static int ends[2] = {-1, -1}; /* of the pipe */
static uint8_t stream[16u << 20];
static size_t stream_len;
static struct capture_record records[KEPT];
static const uint8_t *payloads[KEPT];
static unsigned nrecords, at;

static void
make_pipe(void)
{
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
	stream_len = nrecords = at = 0;
}

static void
empty_pipe(struct rig *rig)
{
	ssize_t n;

	for (int idle = 0; idle < 4;) {
		n = read(ends[0], stream + stream_len,
		    sizeof(stream) - stream_len);
		if (n > 0) {
			stream_len += (size_t)n;
			idle = 0;
		} else {
			idle++;
			if (rig != NULL) {
				rig_turn(rig);
			}
		}
	}
}

/* Everything that was written, as records. */
static void
parse(struct rig *rig)
{
	size_t used = 0;

	empty_pipe(rig);
	nrecords = at = 0;
	while (used < stream_len) {
		struct capture_record *r = &records[nrecords];

		assert_true(nrecords < KEPT);
		assert_int_equal(
		    capture_decode(r, stream + used, stream_len - used), 0);
		assert_true(capture_size(r) <= stream_len - used);
		payloads[nrecords++] = stream + used + CAPTURE_HEADER +
		    r->nkept * CAPTURE_PACKET;
		used += capture_size(r);
	}
}

static const struct capture_record *
next(enum capture_type type)
{
	assert_true(at < nrecords);
	assert_int_equal(records[at].type, type);
	return &records[at++];
}

/* The session's own: ids with the highest bit. */
static void
skip_description(void)
{
	while (at < nrecords && records[at].id >> 63 != 0) {
		at++;
	}
}

static void
begin(struct rig *rig)
{
	make_pipe();
	rig_capture(rig, ends[1], 1);
	rig_settle(rig);
	close_fd(&ends[1]);
}

/* ------------------------------------------------------------------------ */

static void
test_transfers(void **state)
{
	static const struct usbip_iso iso[2] = {{.offset = 0, .length = 64},
	    {.offset = 64, .length = 64}};
	struct rig *rig = rig_streaming();
	const struct capture_record *r;
	struct capture_packet packet;

	(void)state;
	rig_do_control(rig, 1, GET_DEVICE, 0, 18); /* before: not kept */
	begin(rig);
	rig_do_control(rig, 2, GET_DEVICE, 0, 18);
	rig_submit(rig, 3, RIG_BULK_OUT, 0, 8, NULL, "12345678");
	rig_expect_submit(rig, 3, 0, 8);
	rig_submit(rig, 4, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 4, 0, 64);
	rig_do_control(rig, 5, SETUP(1, 11, 1, 0, 0, 0, 0, 0), 0, 0);
	rig_submit_iso(rig, 6, RIG_ISO_IN, 128, NULL, iso, 2);
	rig_expect_submit(rig, 6, 0, 128);
	rig_submit(rig, 7, RIG_BULK_IN, 0, 64, NULL, NULL); /* not there now */
	rig_expect_submit(rig, 7, USBIP_EPIPE, 0);
	rig_settle(rig);
	parse(rig);

	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->devid, RIG_DEVID);
	assert_int_equal(r->endpoint, 0x80);
	assert_memory_equal(r->setup, GET_DEVICE, 8);
	r = next(CAPTURE_COMPLETE);
	assert_int_equal(r->payload, 18);
	assert_memory_equal(payloads[at - 1], rig->rec.device, 18);
	assert_int_equal(next(CAPTURE_SUBMIT)->setup[3], 2);
	skip_description();

	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->id, 2);
	assert_int_equal(r->xfer, XFER_CONTROL);
	r = next(CAPTURE_COMPLETE);
	assert_int_equal(r->id, 2);
	assert_int_equal(r->status, 0);
	assert_int_equal(r->length, 18);
	assert_memory_equal(payloads[at - 1], rig->rec.device, 18);
	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->endpoint, RIG_BULK_OUT);
	assert_int_equal(r->xfer, XFER_BULK);
	assert_int_equal(r->payload, 8);
	assert_memory_equal(payloads[at - 1], "12345678", 8);
	r = next(CAPTURE_COMPLETE);
	assert_int_equal(r->length, 8);
	assert_int_equal(r->payload, 0);
	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->endpoint, RIG_BULK_IN);
	assert_int_equal(r->length, 64);
	assert_int_equal(r->payload, 0);
	r = next(CAPTURE_COMPLETE);
	assert_int_equal(r->payload, 64);
	assert_int_equal(payloads[at - 1][1], usb_sim_byte(1));
	assert_int_equal(next(CAPTURE_SUBMIT)->setup[1], 11);
	(void)next(CAPTURE_COMPLETE);
	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->xfer, XFER_ISO);
	assert_int_equal(r->npackets, 2);
	assert_int_equal(r->nkept, 2);
	r = next(CAPTURE_COMPLETE);
	assert_int_equal(r->length, 128);
	assert_int_equal(r->payload, 128);
	capture_decode_packet(&packet, payloads[at - 1] - CAPTURE_PACKET);
	assert_int_equal(packet.offset, 64);
	assert_int_equal(packet.length, 64);
	assert_int_equal(packet.status, 0);
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 7);
	assert_int_equal(next(CAPTURE_COMPLETE)->status, USBIP_EPIPE);
	assert_int_equal(at, nrecords);
	rig_free(rig);
	close_fd(&ends[0]);
}

/* Unlinked: its end says so, once. */
static void
test_unlink(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	begin(rig);
	usb_sim_ep(rig->sim, RIG_INT_IN)->delay = 3600 * UINT64_C(1000000000);
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	rig_unlink(rig, 2, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	parse(rig);
	skip_description();
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 1);
	assert_int_equal(next(CAPTURE_COMPLETE)->status, USBIP_ECONNRESET);
	assert_int_equal(at, nrecords);
	rig_free(rig);
	close_fd(&ends[0]);
}

/* Nobody reads. The session does not wait; what is lost is counted. */
static void
test_full(void **state)
{
	static uint8_t data[4096];
	struct rig *rig = rig_streaming();
	unsigned seen = 0, dropped = 0;

	(void)state;
	begin(rig);
	for (unsigned i = 1; i <= 400; i++) {
		rig_submit(rig, i, RIG_BULK_OUT, 0, sizeof(data), NULL, data);
		rig_expect_submit(rig, i, 0, sizeof(data));
	}
	empty_pipe(rig);
	rig_submit(rig, 401, RIG_BULK_OUT, 0, 1, NULL, "z");
	rig_expect_submit(rig, 401, 0, 1);
	parse(rig);
	skip_description();
	while (at < nrecords) {
		dropped += records[at].dropped;
		seen++;
		at++;
	}
	assert_true(dropped > 100);
	assert_int_equal(seen + dropped, 2 * 401);
	assert_int_equal(records[nrecords - 1].id, 401);
	rig_free(rig);
	close_fd(&ends[0]);
}

static void
test_stop(void **state)
{
	struct rig *rig = rig_streaming();
	char byte;

	(void)state;
	begin(rig);
	rig_do_control(rig, 1, GET_DEVICE, 0, 18);
	rig_capture(rig, -1, 0);
	rig_settle(rig);
	rig_do_control(rig, 2, GET_DEVICE, 0, 18);
	parse(rig);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	skip_description();
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 1);
	(void)next(CAPTURE_COMPLETE);
	(void)next(CAPTURE_END);
	assert_int_equal(at, nrecords);
	close_fd(&ends[0]);
	/* and another one */
	begin(rig);
	rig_do_control(rig, 3, GET_DEVICE, 0, 18);
	/* whose reader dies */
	close_fd(&ends[0]);
	rig_do_control(rig, 4, GET_DEVICE, 0, 18);
	rig_settle(rig);
	rig_do_control(rig, 5, GET_DEVICE, 0, 18);
	rig_free(rig);
}

/* What is no pipe to write to, and a second one. */
static void
test_hostile(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	make_pipe();
	rig_capture(rig, ends[0], 1);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	rig_free(rig);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
	rig = rig_streaming();
	make_pipe();
	rig_capture(rig, ends[1], 1);
	rig_capture(rig, ends[1], 1);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	rig_free(rig);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
}

/* ------------------------------------------------------------------------ */

static struct rig *
with_profile(const char *text)
{
	struct profile_set *set = profiles_of(text);
	const struct profile_bind binds[] = {{1, 0, 0}, {1, 1, 0}, {2, 0, 0}};
	struct rig *rig = rig_new();
	char why[256];
	void *block = NULL;

	assert_int_equal(profile_build(set, binds, 3, 0, &block,
			     &rig->block_size, why, sizeof(why)),
	    0);
	profile_set_free(set);
	rig->block = block;
	rig_start(rig);
	rig_import(rig);
	rig->block = NULL;
	free(block);
	return rig;
}

static void
write_byte(struct rig *rig, uint32_t seqnum, const char *byte, int32_t status)
{
	rig_submit(rig, seqnum, RIG_BULK_OUT, 0, 1, NULL, byte);
	rig_expect_submit(rig, seqnum, status, status == 0);
}

/* Two transfers from that one on, and its ruling between them; all of it is kept
 * until the pipe comes. */
static void
test_profile(void **state)
{
	struct rig *rig = with_profile("profile t {\n"
	    "on setup { allow }\n"
	    "on out { deny u8@0 0x55 capture 2 key \"K\"; allow }\n"
	    "on in { allow } }");
	struct ipc_ruled ruled;
	const struct capture_record *r;

	(void)state;
	write_byte(rig, 1, "\x11", 0);
	write_byte(rig, 2, "\x55", USBIP_EPIPE);
	write_byte(rig, 3, "\x33", 0);
	write_byte(rig, 4, "\x44", 0);
	rig_settle(rig);
	assert_int_equal(rig->nwanted, 1);
	assert_int_equal(rig->wanted.line, 3);
	assert_string_equal(rig->wanted.key, "K");
	make_pipe();
	rig_capture(rig, ends[1], 0);
	rig_settle(rig);
	close_fd(&ends[1]);
	write_byte(rig, 5, "\x11", 0);
	write_byte(rig, 6, "\x55", USBIP_EPIPE);
	parse(rig);
	assert_int_equal(rig->nwanted, 1);
	skip_description();
	r = next(CAPTURE_SUBMIT);
	assert_int_equal(r->id, 2);
	assert_int_equal(payloads[at - 1][0], 0x55);
	r = next(CAPTURE_RULED);
	assert_int_equal(r->id, 2);
	assert_int_equal(
	    ipc_decode_ruled(&ruled, payloads[at - 1], r->payload), 0);
	assert_int_equal(ruled.verdict, VERDICT_DENY);
	assert_string_equal(ruled.key, "K");
	assert_int_equal(next(CAPTURE_COMPLETE)->status, USBIP_EPIPE);
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 3);
	assert_int_equal(next(CAPTURE_COMPLETE)->id, 3);
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 6);
	assert_int_equal(next(CAPTURE_RULED)->id, 6);
	assert_int_equal(next(CAPTURE_COMPLETE)->id, 6);
	assert_int_equal(at, nrecords);
	rig_free(rig);
	close_fd(&ends[0]);
}

/* On the way back: the transfer is kept from its submit on, with what the device
 * said, which the workstation never gets. */
static void
test_profile_back(void **state)
{
	struct rig *rig = with_profile("profile t {\n"
	    "on setup { allow }\n"
	    "on out { allow }\n"
	    "on in { deny status ok capture 1; allow } }");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 16, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	make_pipe();
	rig_capture(rig, ends[1], 0);
	rig_settle(rig);
	close_fd(&ends[1]);
	parse(rig);
	skip_description();
	assert_int_equal(next(CAPTURE_SUBMIT)->id, 1);
	assert_int_equal(next(CAPTURE_COMPLETE)->payload, 16);
	assert_int_equal(payloads[at - 1][1], usb_sim_byte(1));
	assert_int_equal(next(CAPTURE_RULED)->id, 1);
	assert_int_equal(at, nrecords);
	rig_free(rig);
	close_fd(&ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfers),
		cmocka_unit_test(test_unlink),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_profile_back),
	};

	signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
