/*
 * Isochronous URBs through a whole session: OUT by offsets, IN compacted, sums
 * exact, one status for each packet.
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
#include "tests/fake/session_rig.h"

static struct rig *
iso_rig(void)
{
	static const uint8_t set_interface[8] = {1, 11, 1, 0, 0, 0, 0, 0};
	struct rig *rig = rig_streaming();

	rig_do_control(rig, 999, set_interface, 0, 0);
	return rig;
}

/* n packets of `length` bytes, `stride` apart. */
static uint32_t
packets(struct usbip_iso *iso, uint32_t n, uint32_t length, uint32_t stride)
{
	for (uint32_t i = 0; i < n; i++) {
		iso[i] = (struct usbip_iso){
			.offset = i * stride, .length = length};
	}
	return n * stride;
}

static void
test_in(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[8];
	uint32_t length = packets(iso, 8, 100, 100);
	struct rig_reply *reply;

	(void)state;
	rig_submit_iso(rig, 1, RIG_ISO_IN, length, NULL, iso, 8);
	reply = rig_expect_submit(rig, 1, 0, 800);
	for (uint32_t i = 0; i < 800; i++) {
		assert_int_equal(reply->data[i], usb_sim_byte(i));
	}
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(reply->iso[i].offset, i * 100);
		assert_int_equal(reply->iso[i].length, 100);
		assert_int_equal(reply->iso[i].actual_length, 100);
		assert_int_equal(reply->iso[i].status, 0);
	}
	assert_int_equal(reply->hdr.u.ret_submit.error_count, 0);
	rig_free(rig);
}

/* Short packets: only what came goes out, one packet behind the other; the
 * offsets stay the submitted ones, gaps included. */
static void
test_in_compacted(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[8];
	uint32_t length = packets(iso, 8, 100, 128);
	struct rig_reply *reply;

	(void)state;
	usb_sim_ep(rig->sim, RIG_ISO_IN)->most = 60;
	rig_submit_iso(rig, 1, RIG_ISO_IN, length, NULL, iso, 8);
	reply = rig_expect_submit(rig, 1, 0, 480);
	for (uint32_t i = 0; i < 480; i++) {
		assert_int_equal(reply->data[i], usb_sim_byte(i));
	}
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(reply->iso[i].offset, i * 128);
		assert_int_equal(reply->iso[i].actual_length, 60);
	}
	rig_free(rig);
}

static void
test_in_errors(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[9];
	uint32_t length = packets(iso, 9, 100, 100), sum = 0;
	struct rig_reply *reply;

	(void)state;
	usb_sim_ep(rig->sim, RIG_ISO_IN)->bad_packet = 3;
	rig_submit_iso(rig, 1, RIG_ISO_IN, length, NULL, iso, 9);
	reply = rig_expect_submit(rig, 1, 0, 600);
	for (uint32_t i = 0; i < 9; i++) {
		assert_int_equal(reply->iso[i].status,
		    i % 3 == 0 ? USBIP_EPROTO : 0);
		sum += reply->iso[i].actual_length;
	}
	assert_int_equal(sum, 600);
	assert_int_equal(reply->hdr.u.ret_submit.error_count, 3);
	rig_free(rig);
}

static uint64_t
sum_of(const uint8_t *data, const struct usbip_iso *iso, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < iso[i].length; j++) {
			sum += data[iso[i].offset + j];
		}
	}
	return sum;
}

static void
try_out(const struct usbip_iso *iso, uint32_t n, uint32_t length)
{
	struct rig *rig = iso_rig();
	struct rig_reply *reply;
	uint32_t total = 0;
	uint8_t data[2048];

	for (uint32_t i = 0; i < length; i++) {
		data[i] = (uint8_t)(i * 13 + 1);
	}
	for (uint32_t i = 0; i < n; i++) {
		total += iso[i].length;
	}
	rig_submit_iso(rig, 1, RIG_ISO_OUT, length, data, iso, n);
	/* descriptors come back, data do not */
	reply = rig_expect_submit(rig, 1, 0, total);
	assert_int_equal(reply->data_len, 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(reply->iso[i].offset, iso[i].offset);
		assert_int_equal(reply->iso[i].length, iso[i].length);
		assert_int_equal(reply->iso[i].actual_length, iso[i].length);
	}
	assert_int_equal(usb_sim_ep(rig->sim, RIG_ISO_OUT)->moved, total);
	assert_int_equal(usb_sim_ep(rig->sim, RIG_ISO_OUT)->sum,
	    sum_of(data, iso, n));
	rig_free(rig);
}

static void
test_out(void **state)
{
	struct usbip_iso iso[8];

	(void)state;
	/* back to back; with gaps; first one late; backwards; empty ones */
	try_out(iso, 8, packets(iso, 8, 100, 100));
	try_out(iso, 8, packets(iso, 8, 100, 128));
	packets(iso, 4, 50, 64);
	for (uint32_t i = 0; i < 4; i++) {
		iso[i].offset += 300;
	}
	try_out(iso, 4, 800);
	packets(iso, 4, 50, 50);
	for (uint32_t i = 0; i < 4; i++) {
		iso[i].offset = (3 - i) * 50;
	}
	try_out(iso, 4, 200);
	packets(iso, 4, 0, 10);
	try_out(iso, 4, 40);
}

static void
test_deep_queue(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[32];
	uint32_t length = packets(iso, 32, 192, 192);

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		rig_submit_iso(rig, i, RIG_ISO_IN, length, NULL, iso, 32);
	}
	for (uint32_t i = 0; i < 64; i++) {
		struct rig_reply *reply =
		    rig_expect_submit(rig, i, 0, length);

		assert_int_equal(
		    reply->data[0], usb_sim_byte((uint64_t)i * length));
	}
	rig_free(rig);
}

static void
test_most_packets(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso *iso = calloc(1024, sizeof(*iso));
	uint32_t length;

	(void)state;
	assert_non_null(iso);
	length = packets(iso, 1024, 16, 16);
	rig_submit_iso(rig, 1, RIG_ISO_IN, length, NULL, iso, 1024);
	rig_expect_submit(rig, 1, 0, length);
	rig_submit_iso(rig, 2, RIG_ISO_OUT, length, NULL, iso, 1024);
	rig_expect_submit(rig, 2, 0, length);
	free(iso);
	rig_free(rig);
}

/* Packets outside of the buffer, or more together than it holds. */
static void
test_bad_packets(void **state)
{
	static const struct usbip_iso bad[][2] = {
		{{0, 100, 0, 0}, {100, 101, 0, 0}},
		{{0xffffff00, 0x200, 0, 0}, {0, 1, 0, 0}},
		{{0, 150, 0, 0}, {50, 150, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *rig = iso_rig();

		rig_submit_iso(rig, 1, RIG_ISO_IN, 200, NULL, bad[i], 2);
		rig_wait_end(rig);
		rig_settle(rig);
		assert_int_equal(rig->exit_code, 1);
		assert_true(rig_was_refused(rig, "usbip.iso"));
		rig_free(rig);
	}
}

static void
test_refused(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[4];
	struct rig_reply *reply;

	(void)state;
	/* longer than the endpoint's packets: the descriptors come back */
	packets(iso, 4, 513, 513);
	rig_submit_iso(rig, 1, RIG_ISO_IN, 4 * 513, NULL, iso, 4);
	reply = rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(reply->iso[i].status, USBIP_EPIPE);
		assert_int_equal(reply->iso[i].actual_length, 0);
	}
	rig_settle(rig);
	assert_true(rig_was_refused(rig, "floor.packet"));
	/* no packets at all, as Bluetooth sends: nothing follows the data */
	rig_submit_iso(rig, 2, RIG_ISO_OUT, 64, NULL, NULL, 0);
	rig_expect_submit(rig, 2, USBIP_EINVAL, 0);
	/* too long as a whole: data and descriptors are stepped over */
	packets(iso, 4, 100, 100);
	rig_submit_iso(rig, 3, RIG_ISO_OUT, 2000000, NULL, iso, 4);
	rig_expect_submit(rig, 3, USBIP_EPIPE, 0);
	rig_submit_iso(rig, 4, RIG_ISO_IN, 400, NULL, iso, 4);
	rig_expect_submit(rig, 4, 0, 400);
	rig_free(rig);
}

static void
test_unlink(void **state)
{
	struct rig *rig = iso_rig();
	struct usbip_iso iso[4];
	uint32_t length = packets(iso, 4, 100, 100);

	(void)state;
	usb_sim_ep(rig->sim, RIG_ISO_IN)->part = USB_SIM_SILENT;
	rig_submit_iso(rig, 1, RIG_ISO_IN, length, NULL, iso, 4);
	rig_submit_iso(rig, 2, RIG_ISO_IN, length, NULL, iso, 4);
	rig_unlink(rig, 3, 2);
	rig_unlink(rig, 4, 1);
	rig_expect_unlink(rig, 4, USBIP_ECONNRESET);
	rig_expect_unlink(rig, 3, USBIP_ECONNRESET);
	rig_expect_nothing(rig);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_in_compacted),
		cmocka_unit_test(test_in_errors),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_deep_queue),
		cmocka_unit_test(test_most_packets),
		cmocka_unit_test(test_bad_packets),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unlink),
	};

	log_init("test_transfer_iso");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
