/*
 * A session at its bounds: it waits instead of failing, keeps the order, hears
 * unlinks, and does not grow, whoever is slow: the device, the kernel's memory
 * or the workstation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stream.h"
#include "tests/fake/session_rig.h"

static struct rig *
limited(uint32_t urbs, uint32_t bytes)
{
	struct rig *rig = rig_new();

	rig->limits.urbs = urbs;
	rig->limits.bytes = bytes;
	rig_start(rig);
	rig_import(rig);
	rig->sim->counts.most_in_flight = 0;
	rig->sim->counts.most_bytes_in_flight = 0;
	return rig;
}

static void
test_urbs(void **state)
{
	struct rig *rig = limited(4, 1 << 20);

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->delay = 100000;
	for (uint32_t i = 0; i < 100; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 64, NULL, NULL);
	}
	for (uint32_t i = 0; i < 100; i++) {
		rig_expect_submit(rig, i, 0, 64);
	}
	assert_int_equal(rig->sim->counts.most_in_flight, 4);
	rig_free(rig);
}

static void
test_bytes(void **state)
{
	struct rig *rig = limited(256, 100000);
	uint64_t at = 0;

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->delay = 100000;
	for (uint32_t i = 0; i < 30; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 30000, NULL, NULL);
		rig_submit(rig, 100 + i, RIG_BULK_OUT, 0, 30000, NULL, NULL);
	}
	for (uint32_t i = 0; i < 60; i++) {
		struct rig_reply *reply = rig_next(rig);

		assert_int_equal(reply->hdr.u.ret_submit.status, 0);
		if (reply->data_len > 0) {
			assert_int_equal(reply->data[0], usb_sim_byte(at));
			at += reply->data_len;
		}
	}
	assert_int_equal(at, 900000);
	/* the bound, and one URB for an endpoint that had none */
	assert_in_range(
	    rig->sim->counts.most_bytes_in_flight, 90000, 130000);
	rig_free(rig);
}

/* One larger than the bound still passes, alone. */
static void
test_large_one(void **state)
{
	struct rig *rig = limited(8, 4096);

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 1048576, NULL, NULL);
	rig_submit(rig, 2, RIG_BULK_IN, 0, 1048576, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 1048576);
	rig_expect_submit(rig, 2, 0, 1048576);
	rig_free(rig);
}

/* The kernel has no memory for URBs now: back-pressure, not an error. */
static void
test_no_kernel_memory(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	/* nothing of ours at the device: tried again after a pause */
	rig->sim->again = 3;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_nothing(rig);
	rig_wait_ms(rig, 60);
	rig_expect_submit(rig, 1, 0, 64);
	/* in the middle of others: order is kept */
	usb_sim_ep(rig->sim, RIG_BULK_IN)->delay = 1000000;
	for (uint32_t i = 10; i < 20; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 64, NULL, NULL);
		if (i == 14) {
			rig_settle(rig);
			rig->sim->again = 2;
		}
	}
	for (uint32_t i = 10; i < 20; i++) {
		rig_wait_ms(rig, 4);
		rig_expect_submit(rig, i, 0, 64);
	}
	assert_int_equal(rig->sim->again, 0);
	rig_free(rig);
}

static void
test_unlink_while_starved(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->again = 1000000;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_nothing(rig);
	rig_unlink(rig, 2, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	rig_free(rig);
}

/* Far beyond what is held, the session stops reading; when there is room, it
 * goes on where it was. */
static void
test_held_bound(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->limits.urbs = 2;
	rig->limits.held = 10;
	rig_start(rig);
	rig_import(rig);
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 50; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 64, NULL, NULL);
	}
	/* behind the bound: not heard yet */
	rig_unlink(rig, 100, 49);
	rig_expect_nothing(rig);
	for (uint32_t i = 0; i < 49; i++) {
		rig_settle(rig);
		assert_int_equal(usb_sim_finish(rig->sim, RIG_BULK_IN, URB_OK,
				     "abc", 3),
		    1);
		rig_settle(rig);
	}
	for (uint32_t i = 0; i < 50; i++) {
		struct rig_reply *reply = rig_next(rig);

		if (reply->hdr.command == USBIP_RET_UNLINK) {
			assert_int_equal(reply->hdr.seqnum, 100);
		}
	}
	rig_expect_nothing(rig);
	rig_free(rig);
}

/* A holder that dies while its device keeps the session from reading. */
static void
test_dead_peer(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->limits.urbs = 2;
	rig->limits.held = 4;
	rig_start(rig);
	rig_import(rig);
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 20; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 64, NULL, NULL);
	}
	rig_expect_nothing(rig);
	close_fd(&rig->client);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 0);
	rig_free(rig);
}

static void
test_held_out_bytes(void **state)
{
	struct rig *rig = rig_new();
	struct usb_sim_endpoint *ep;

	(void)state;
	rig->limits.bytes = 65536;
	rig->limits.held_bytes = 100000;
	rig_start(rig);
	rig_import(rig);
	ep = usb_sim_ep(rig->sim, RIG_BULK_OUT);
	ep->delay = 200000;
	for (uint32_t i = 0; i < 40; i++) {
		rig_submit(rig, i, RIG_BULK_OUT, 0, 60000, NULL, NULL);
	}
	for (uint32_t i = 0; i < 40; i++) {
		rig_expect_submit(rig, i, 0, 60000);
	}
	assert_int_equal(ep->moved, 40 * 60000);
	rig_free(rig);
}

/* A workstation that sends but does not read. */
static void
test_deaf_peer(void **state)
{
	struct rig *rig = rig_new();
	uint32_t n = 0;
	uint64_t at = 0;

	(void)state;
	rig->limits.out_bytes = 256 * 1024;
	rig->limits.bytes = 512 * 1024;
	rig_start(rig);
	rig_import(rig);
	/* 400 x 64 KiB are asked for, none is taken */
	for (; n < 400; n++) {
		rig_submit(rig, n, RIG_BULK_IN, 0, 65536, NULL, NULL);
	}
	for (int i = 0; i < 2000; i++) {
		rig_turn(rig);
	}
	/* what was read of the device is bounded: the queue, what was in
	 * flight, and what the socket took */
	assert_in_range(usb_sim_ep(rig->sim, RIG_BULK_IN)->moved, 1, 1500000);
	assert_false(rig->ended);
	/* then it reads: everything is there, in order */
	for (uint32_t i = 0; i < 400; i++) {
		struct rig_reply *reply = rig_expect_submit(rig, i, 0, 65536);

		assert_int_equal(reply->data[0], usb_sim_byte(at));
		assert_int_equal(
		    reply->data[65535], usb_sim_byte(at + 65535));
		at += 65536;
	}
	rig_expect_nothing(rig);
	rig_free(rig);
}

/* Answers that are made here count, too. */
static void
test_deaf_peer_control(void **state)
{
	static const uint8_t get_config[8] = {0x80, 6, 0, 2, 0, 0, 0xff, 0};
	struct rig *rig = rig_new();
	uint32_t most = 0;

	(void)state;
	rig->limits.out_bytes = 64 * 1024;
	rig_start(rig);
	rig_import(rig);
	rig_cork(rig);
	for (uint32_t i = 0; i < 2500; i++) {
		rig_control(rig, i, get_config, NULL);
		most = i;
	}
	rig_uncork(rig);
	for (uint32_t i = 0; i <= most; i++) {
		rig_expect_submit(rig, i, 0, 94);
	}
	rig_expect_nothing(rig);
	rig_free(rig);
}

/* A slow reader at a random pace loses nothing. */
static void
test_slow_peer(void **state)
{
	struct rig *rig = rig_new();
	uint64_t at = 0;
	uint32_t x = 7;

	(void)state;
	rig->limits.out_bytes = 32 * 1024;
	rig->limits.urbs = 3;
	rig->limits.held = 20;
	rig_start(rig);
	rig_import(rig);
	for (uint32_t i = 0; i < 300; i++) {
		x = x * 1103515245 + 12345;
		rig_submit(rig, i, RIG_BULK_IN, 0, 1 + (x >> 16) % 20000,
		    NULL, NULL);
	}
	for (uint32_t i = 0; i < 300; i++) {
		struct rig_reply *reply = rig_next(rig);

		assert_int_equal(reply->hdr.seqnum, i);
		assert_int_equal(reply->data[0], usb_sim_byte(at));
		at += reply->data_len;
	}
	rig_free(rig);
}

static void
test_parse(void **state)
{
	struct session_limits l;

	(void)state;
	assert_int_equal(session_limits_parse(&l, "16", "2"), 0);
	assert_int_equal(l.urbs, 16);
	assert_int_equal(l.bytes, 2 * 1024 * 1024);
	assert_int_equal(l.held, session_limits_default.held);
	assert_int_equal(session_limits_parse(&l, "4096", "256"), 0);
	assert_int_equal(session_limits_parse(&l, "4097", "8"), ERR_LIMIT);
	assert_int_equal(session_limits_parse(&l, "0", "8"), ERR_LIMIT);
	assert_int_equal(session_limits_parse(&l, "8", "257"), ERR_LIMIT);
	assert_int_equal(session_limits_parse(&l, "-1", "8"), ERR_FORMAT);
	assert_int_equal(session_limits_parse(&l, " 8", "8"), ERR_FORMAT);
	assert_int_equal(session_limits_parse(&l, "8", "8x"), ERR_FORMAT);
	assert_int_equal(session_limits_parse(&l, "", "8"), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_urbs),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_large_one),
		cmocka_unit_test(test_no_kernel_memory),
		cmocka_unit_test(test_unlink_while_starved),
		cmocka_unit_test(test_held_bound),
		cmocka_unit_test(test_dead_peer),
		cmocka_unit_test(test_held_out_bytes),
		cmocka_unit_test(test_deaf_peer),
		cmocka_unit_test(test_deaf_peer_control),
		cmocka_unit_test(test_slow_peer),
	};

	log_init("test_transfer_limits");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
