/*
 * URBs through a whole session: every kind of end, order, and the races of
 * unlink. The simulated device decides what happened first.
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

static const uint8_t get_device[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
static const uint8_t vendor_in[8] = {0xc0, 0x5c, 0, 0, 0, 0, 16, 0};
static const uint8_t vendor_out[8] = {0x40, 0x5b, 0, 0, 0, 0, 16, 0};

/* ------------------------------------------------------------------------ */
/* Ends                                                                     */

static void
check_source(const struct rig_reply *reply, uint64_t from)
{
	for (uint32_t i = 0; i < reply->data_len; i++) {
		assert_int_equal(reply->data[i], usb_sim_byte(from + i));
	}
}

static void
test_bulk(void **state)
{
	static const uint32_t sizes[] = {
		0, 1, 31, 512, 513, 16384, 65536, 122880, 1048576};
	struct rig *rig = rig_streaming();
	uint64_t in = 0, out = 0;
	uint32_t seq = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		rig_submit(rig, seq, RIG_BULK_IN, 0, sizes[i], NULL, NULL);
		check_source(
		    rig_expect_submit(rig, seq++, 0, sizes[i]), in);
		in += sizes[i];
		rig_submit(rig, seq, RIG_BULK_OUT, 0, sizes[i], NULL, NULL);
		rig_expect_submit(rig, seq++, 0, sizes[i]);
		out += sizes[i];
	}
	assert_int_equal(usb_sim_ep(rig->sim, RIG_BULK_OUT)->moved, out);
	rig_free(rig);
}

static void
test_out_bytes(void **state)
{
	struct rig *rig = rig_streaming();
	uint8_t *data = malloc(300000);
	uint64_t sum = 0;

	(void)state;
	assert_non_null(data);
	for (uint32_t i = 0; i < 300000; i++) {
		data[i] = (uint8_t)(i * 7 >> 3);
		sum += data[i];
	}
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 300000, NULL, data);
	rig_expect_submit(rig, 1, 0, 300000);
	assert_int_equal(usb_sim_ep(rig->sim, RIG_BULK_OUT)->sum, sum);
	free(data);
	rig_free(rig);
}

static void
test_short(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->most = 13;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 13);
	/* a short read is an error only for who asks so; the data come along */
	rig_submit(rig, 2, RIG_BULK_IN, USBIP_URB_SHORT_NOT_OK, 512, NULL,
	    NULL);
	check_source(rig_expect_submit(rig, 2, USBIP_EREMOTEIO, 13), 13);
	rig_submit(rig, 3, RIG_BULK_IN, USBIP_URB_SHORT_NOT_OK, 13, NULL,
	    NULL);
	rig_expect_submit(rig, 3, 0, 13);
	/* OUT is never short by that flag */
	rig_submit(rig, 4, RIG_BULK_OUT, USBIP_URB_SHORT_NOT_OK, 13, NULL,
	    NULL);
	rig_expect_submit(rig, 4, 0, 13);
	/* a control answer out of the record is short, too */
	rig_submit(rig, 5, 0, USBIP_URB_SHORT_NOT_OK, 64,
	    (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 64, 0}, NULL);
	rig_expect_submit(rig, 5, USBIP_EREMOTEIO, 18);
	rig_free(rig);
}

/* Flags of the peer's kernel steer nothing but what they may. */
static void
test_flags(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0x00ff0000 | 0x0300, 64, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 64);
	rig_submit(rig, 2, RIG_BULK_OUT, 0xffffffff, 0, NULL, NULL);
	rig_expect_submit(rig, 2, 0, 0);
	rig_free(rig);
}

static void
test_failures(void **state)
{
	static const struct {
		enum usb_sim_part part;
		int32_t status;
	} kinds[] = {
		{USB_SIM_STALL, USBIP_EPIPE},
		{USB_SIM_BABBLE, USBIP_EOVERFLOW},
		{USB_SIM_ERROR, USBIP_EPROTO},
	};
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct usb_sim_endpoint *ep =
		    usb_sim_ep(rig->sim, RIG_INT_IN);

		ep->part = kinds[i].part;
		rig_submit(rig, seq, RIG_INT_IN, 0, 64, NULL, NULL);
		rig_expect_submit(rig, seq++, kinds[i].status, 0);
		ep->part = USB_SIM_SOURCE;
		ep->is_halted = 0;
		rig_submit(rig, seq, RIG_INT_IN, 0, 64, NULL, NULL);
		rig_expect_submit(rig, seq++, 0, 64);
	}
	assert_false(rig->ended);
	rig_free(rig);
}

/* A device that answers with more than it was asked for. */
static void
test_lying_length(void **state)
{
	struct rig *rig = rig_streaming();
	uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	usb_sim_ep(rig->sim, RIG_INT_IN)->part = USB_SIM_SILENT;
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	assert_int_equal(
	    usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, bytes, 8), 1);
	assert_memory_equal(
	    rig_expect_submit(rig, 1, 0, 8)->data, bytes, 8);
	rig_free(rig);
}

static void
test_control(void **state)
{
	struct rig *rig = rig_streaming();
	uint8_t data[16];

	(void)state;
	memset(data, 0x5a, sizeof(data));
	rig_control(rig, 1, vendor_out, data);
	rig_expect_submit(rig, 1, 0, 16);
	rig_control(rig, 2, vendor_in, NULL);
	assert_memory_equal(
	    rig_expect_submit(rig, 2, 0, 16)->data, data, 16);
	/* 4 KiB pass, more is refused, and the stream goes on */
	rig_do_control(rig, 3, (const uint8_t[]){0x40, 1, 0, 0, 0, 0, 0, 16},
	    0, 4096);
	rig_do_control(rig, 4, (const uint8_t[]){0x40, 1, 0, 0, 0, 0, 1, 16},
	    USBIP_EPIPE, 0);
	rig_do_control(
	    rig, 5, (const uint8_t[]){0xc0, 1, 0, 0, 0, 0, 0xff, 0xff},
	    USBIP_EPIPE, 0);
	rig_do_control(rig, 6, vendor_in, 0, 16);
	assert_true(rig_was_refused(rig, "floor.request"));
	rig_free(rig);
}

/* wLength and direction as the header and as the setup packet have them. */
static void
test_control_disagrees(void **state)
{
	struct rig *rig = rig_streaming();
	struct usbip_header hdr = {
		.command = USBIP_CMD_SUBMIT,
		.devid = RIG_DEVID,
	};
	uint8_t data[64] = {0};

	(void)state;
	/* buffer longer than wLength, OUT: the body is stepped over */
	hdr.seqnum = 1;
	hdr.u.submit.length = 64;
	memcpy(hdr.u.submit.setup, vendor_out, 8);
	rig->submits[1] = (struct rig_submit){1, USBIP_DIR_OUT, 0};
	rig_header(rig, &hdr);
	rig_send(rig, data, 64);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	/* header IN, request OUT */
	hdr.seqnum = 2;
	hdr.direction = USBIP_DIR_IN;
	hdr.u.submit.length = 16;
	rig->submits[2] = (struct rig_submit){2, USBIP_DIR_IN, 0};
	rig_header(rig, &hdr);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	/* header OUT, request IN: its data is stepped over */
	hdr.seqnum = 3;
	hdr.direction = USBIP_DIR_OUT;
	memcpy(hdr.u.submit.setup, vendor_in, 8);
	rig->submits[3] = (struct rig_submit){3, USBIP_DIR_OUT, 0};
	rig_header(rig, &hdr);
	rig_send(rig, data, 16);
	rig_expect_submit(rig, 3, USBIP_EPIPE, 0);
	/* without data the direction does not matter */
	hdr.seqnum = 4;
	hdr.direction = USBIP_DIR_IN;
	hdr.u.submit.length = 0;
	memcpy(hdr.u.submit.setup, (const uint8_t[]){0x40, 1, 0, 0, 0, 0, 0, 0},
	    8);
	rig->submits[4] = (struct rig_submit){4, USBIP_DIR_IN, 0};
	rig_header(rig, &hdr);
	rig_expect_submit(rig, 4, 0, 0);
	assert_int_equal(rig->sim->counts.submits, 1);
	rig_free(rig);
}

/* Answers made here keep their place behind those of the device. */
static void
test_control_order(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->control_delay = 3000000;
	for (uint32_t i = 0; i < 8; i++) {
		rig_control(
		    rig, i, i % 2 == 0 ? vendor_in : get_device, NULL);
	}
	for (uint32_t i = 0; i < 8; i++) {
		for (int j = 0; rig->in_len == 0 && j < 5; j++) {
			rig_wait_ms(rig, 2);
			rig_settle(rig);
		}
		rig_expect_submit(rig, i, 0, i % 2 == 0 ? 0 : 18);
	}
	rig_free(rig);
}

/* No endpoint waits for another. */
static void
test_independent(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 300; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 512, NULL, NULL);
	}
	rig_expect_nothing(rig);
	rig_submit(rig, 1000, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 1000, 0, 8);
	rig_do_control(rig, 1001, get_device, 0, 18);
	rig_submit(rig, 1002, RIG_BULK_OUT, 0, 512, NULL, NULL);
	rig_expect_submit(rig, 1002, 0, 512);
	rig_free(rig);
}

static void
test_loopback_many(void **state)
{
	struct rig *rig = rig_streaming();
	uint8_t data[512];
	uint32_t next = 0;

	(void)state;
	/* interrupt-IN URBs wait in a row; each gets its data in order */
	usb_sim_ep(rig->sim, RIG_INT_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 64; i++) {
		rig_submit(rig, i, RIG_INT_IN, 0, 64, NULL, NULL);
	}
	rig_expect_nothing(rig);
	for (uint32_t i = 0; i < 64; i++) {
		memset(data, (int)i, 64);
		assert_int_equal(usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK,
				     data, 1 + i % 64),
		    1);
	}
	for (; next < 64; next++) {
		struct rig_reply *reply =
		    rig_expect_submit(rig, next, 0, 1 + next % 64);

		assert_int_equal(reply->data[0], next);
	}
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* Unlink                                                                   */

static struct rig *
silent_rig(enum usb_sim_cancel cancel)
{
	struct rig *rig = rig_streaming();
	struct usb_sim_endpoint *ep = usb_sim_ep(rig->sim, RIG_BULK_IN);

	ep->part = USB_SIM_SILENT;
	ep->cancel = cancel;
	ep->partial = 100;
	return rig;
}

static void
test_unlink_in_time(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_unlink(rig, 2, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	rig_expect_nothing(rig);
	assert_int_equal(rig->sim->counts.cancels, 1);
	/* its seqnum is free again */
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 8);
	rig_free(rig);
}

static void
test_unlink_too_late(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_LATE);

	(void)state;
	/* it ended while the unlink was on its way to the device: the data
	 * first, then the answer to the unlink */
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_unlink(rig, 2, 1);
	rig_expect_submit(rig, 1, 0, 0);
	rig_expect_unlink(rig, 2, 0);
	/* it was answered before */
	rig_submit(rig, 3, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 8);
	rig_unlink(rig, 4, 3);
	rig_expect_unlink(rig, 4, 0);
	/* it never was */
	rig_unlink(rig, 5, 77);
	rig_expect_unlink(rig, 5, 0);
	rig_expect_nothing(rig);
	rig_free(rig);
}

static void
test_unlink_partial(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_PARTIAL);

	(void)state;
	/* what the device gave before it was stopped is not lost */
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_unlink(rig, 2, 1);
	check_source(rig_expect_submit(rig, 1, USBIP_ECONNRESET, 100), 0);
	rig_expect_unlink(rig, 2, 0);
	/* all of it moved: then it ended well */
	rig_submit(rig, 3, RIG_BULK_IN, 0, 100, NULL, NULL);
	rig_unlink(rig, 4, 3);
	check_source(rig_expect_submit(rig, 3, 0, 100), 100);
	rig_expect_unlink(rig, 4, 0);
	rig_free(rig);
}

static void
test_unlink_many(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 512, NULL, NULL);
	}
	/* from the tail, as usbtest does, and from the head */
	for (uint32_t i = 0; i < 100; i++) {
		rig_unlink(rig, 1000 + i, 199 - i);
		rig_unlink(rig, 2000 + i, i);
	}
	for (uint32_t i = 0; i < 200; i++) {
		struct rig_reply *reply = rig_next(rig);

		assert_int_equal(reply->hdr.command, USBIP_RET_UNLINK);
		assert_int_equal(
		    reply->hdr.u.ret_unlink.status, USBIP_ECONNRESET);
	}
	rig_expect_nothing(rig);
	assert_int_equal(rig->sim->counts.in_flight, 0);
	rig_free(rig);
}

static void
test_unlink_twice(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_unlink(rig, 2, 1);
	rig_unlink(rig, 3, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	rig_expect_unlink(rig, 3, 0);
	rig_expect_nothing(rig);
	rig_free(rig);
}

/* Waits behind the bound: never reached the device. */
static void
test_unlink_held(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->limits.urbs = 2;
	rig_start(rig);
	rig_import(rig);
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 5; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 512, NULL, NULL);
	}
	rig_unlink(rig, 10, 3);
	rig_expect_unlink(rig, 10, USBIP_ECONNRESET);
	assert_int_equal(rig->sim->counts.submits, 2);
	assert_int_equal(rig->sim->counts.cancels, 0);
	/* the others keep their order */
	for (uint32_t i = 0; i < 4; i++) {
		rig_settle(rig);
		assert_int_equal(usb_sim_finish(rig->sim, RIG_BULK_IN, URB_OK,
				     "x", 1),
		    1);
		rig_expect_submit(rig, i < 3 ? i : 4, 0, 1);
	}
	rig_free(rig);
}

static void
test_unlink_control(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->control_delay = 5000000000;
	rig_control(rig, 1, vendor_in, NULL);
	rig_control(rig, 2, get_device, NULL);
	rig_control(rig, 3, vendor_in, NULL);
	rig_expect_nothing(rig);
	rig_unlink(rig, 4, 1);
	rig_expect_unlink(rig, 4, USBIP_ECONNRESET);
	rig_expect_submit(rig, 2, 0, 18);
	rig_unlink(rig, 5, 3);
	rig_expect_unlink(rig, 5, USBIP_ECONNRESET);
	rig_expect_nothing(rig);
	rig_free(rig);
}

/* vhci_hcd may send an unlink before the submit that it is about. */
static void
test_unlink_early(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);
	unsigned submits = rig->sim->counts.submits;

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_unlink(rig, 4, 3);
	rig_unlink(rig, 6, 5);
	rig_expect_nothing(rig);
	/* 3 is taken back before the device sees it */
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_unlink(rig, 4, USBIP_ECONNRESET);
	assert_int_equal(rig->sim->counts.submits, submits + 1);
	/* 5 was never sent: what comes behind it says so */
	rig_submit(rig, 7, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_unlink(rig, 6, 0);
	/* a number that nobody has counted to yet is nothing */
	rig_unlink(rig, 8, 9);
	rig_expect_unlink(rig, 8, 0);
	/* only so many are kept */
	for (uint32_t i = 0; i < 65; i++) {
		rig_unlink(rig, 2000 + i, 1000 + i);
	}
	rig_expect_unlink(rig, 2064, 0);
	rig_expect_nothing(rig);
	rig_submit(rig, 3000, RIG_BULK_IN, 0, 64, NULL, NULL);
	for (uint32_t i = 0; i < 64; i++) {
		rig_expect_unlink(rig, 2000 + i, 0);
	}
	rig_free(rig);
}

/* ... also when the numbers wrap, and when it is an OUT with its data. */
static void
test_unlink_early_wrap(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);
	unsigned submits = rig->sim->counts.submits;
	const uint8_t data[64] = {1};

	(void)state;
	rig_submit(rig, UINT32_MAX - 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_unlink(rig, 1, 0);
	rig_unlink(rig, 2, 0);
	rig_expect_nothing(rig);
	rig_submit(rig, 0, RIG_BULK_OUT, 0, sizeof(data), NULL, data);
	rig_expect_unlink(rig, 1, USBIP_ECONNRESET);
	rig_expect_unlink(rig, 2, 0);
	assert_int_equal(rig->sim->counts.submits, submits + 1);
	rig_free(rig);
}

/* An unlink and the end of its URB in every order of a few turns. */
static void
test_unlink_storm(void **state)
{
	struct rig *rig = rig_streaming();
	struct usb_sim_endpoint *ep = usb_sim_ep(rig->sim, RIG_BULK_IN);
	unsigned submits = 0, unlinks = 0, taken_back = 0;
	uint32_t x = 12345;

	(void)state;
	ep->delay = 200000;
	for (uint32_t i = 0; i < 400; i++) {
		x = x * 1103515245 + 12345;
		ep->cancel = (enum usb_sim_cancel)(x >> 16 & 1);
		rig_submit(rig, i, RIG_BULK_IN, 0, 64, NULL, NULL);
		for (uint32_t j = x >> 20 & 7; j > 0; j--) {
			rig_turn(rig);
		}
		rig_unlink(rig, 1000 + i, i);
	}
	/* each unlink is answered once, each URB once or taken back */
	while (unlinks < 400) {
		struct rig_reply *reply = rig_next(rig);

		if (reply->hdr.command == USBIP_RET_SUBMIT) {
			submits++;
			continue;
		}
		unlinks++;
		taken_back += reply->hdr.u.ret_unlink.status != 0;
	}
	rig_expect_nothing(rig);
	assert_int_equal(submits + taken_back, 400);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* Against the protocol                                                     */

static void
expect_end(struct rig *rig, const char *rule)
{
	rig_wait_end(rig);
	rig_settle(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_true(rig_was_refused(rig, rule));
	rig_free(rig);
}

static void
test_seqnum_in_use(void **state)
{
	struct rig *rig = silent_rig(USB_SIM_CANCEL_CLEAN);

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	expect_end(rig, "usbip.seqnum");
	rig = silent_rig(USB_SIM_CANCEL_CLEAN);
	rig_submit(rig, 1, RIG_BULK_IN, 0, 512, NULL, NULL);
	rig_unlink(rig, 1, 1);
	expect_end(rig, "usbip.unlink");
}

static void
test_bad_headers(void **state)
{
	static const struct {
		struct usbip_header hdr;
		const char *rule;
	} bad[] = {
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID + 1, 0, 2, {{0}}},
		    "usbip.devid"},
		{{USBIP_CMD_UNLINK, 1, 0, 0, 0, {{0}}}, "usbip.devid"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 2, 2, {{0}}},
		    "usbip.header"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 0, 16, {{0}}},
		    "usbip.header"},
		{{USBIP_RET_SUBMIT, 1, RIG_DEVID, 0, 2, {{0}}},
		    "usbip.header"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 1, 1,
		     {{.length = 0x80000000}}},
		    "usbip.header"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 1, 1,
		     {{.length = 0x7fffffff}}},
		    "usbip.header"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 1, 1,
		     {{.length = 8, .npackets = 4}}},
		    "usbip.submit"},
		{{USBIP_CMD_SUBMIT, 1, RIG_DEVID, 1, 5,
		     {{.length = 8, .npackets = 1025}}},
		    "usbip.submit"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rig *rig = rig_streaming();

		rig_header(rig, &bad[i].hdr);
		expect_end(rig, bad[i].rule);
	}
}

static void
test_unknown_command(void **state)
{
	uint8_t raw[USBIP_HEADER_SIZE] = {0, 0, 0, 9};
	struct rig *rig = rig_streaming();

	(void)state;
	rig_send(rig, raw, sizeof(raw));
	expect_end(rig, "usbip.header");
}

/* Not isochronous: 0 as Linux sends, all ones as others do. */
static void
test_non_iso_packets(void **state)
{
	struct rig *rig = rig_streaming();
	struct usbip_header hdr = {
		.command = USBIP_CMD_SUBMIT,
		.seqnum = 1,
		.devid = RIG_DEVID,
		.direction = USBIP_DIR_IN,
		.ep = 1,
		.u.submit = {.length = 64,
		    .npackets = USBIP_NON_ISO_PACKETS},
	};

	(void)state;
	rig->submits[1] = (struct rig_submit){1, USBIP_DIR_IN, 0};
	rig_header(rig, &hdr);
	rig_expect_submit(rig, 1, 0, 64);
	rig_free(rig);
}

/* Above the cap: refused, stepped over, and the stream goes on. */
static void
test_too_long(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 1048577, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 3000000, NULL, NULL);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 64);
	rig_settle(rig);
	assert_true(rig_was_refused(rig, "floor.length"));
	assert_int_equal(rig->sim->counts.submits, 1);
	rig_free(rig);
}

static void
test_wrong_endpoints(void **state)
{
	static const uint8_t addresses[] = {
		0x01, 0x82, 0x03, 0x8f, RIG_ISO_IN, RIG_OTHER_IN};
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		if (addresses[i] == RIG_ISO_IN) {
			/* its alternate is not the active one */
			struct usbip_iso iso = {0, 8, 0, 0};

			rig_submit_iso(rig, seq, RIG_ISO_IN, 8, NULL, &iso, 1);
		} else {
			rig_submit(
			    rig, seq, addresses[i], 0, 8, NULL, NULL);
		}
		rig_expect_submit(rig, seq++, USBIP_EPIPE, 0);
	}
	assert_int_equal(rig->sim->counts.submits, 0);
	rig_settle(rig);
	assert_true(rig_was_refused(rig, "floor.endpoint"));
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* The device leaves                                                        */

static void
test_gone(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->limits.urbs = 2;
	rig_start(rig);
	rig_import(rig);
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 0; i < 5; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 512, NULL, NULL);
	}
	rig_unlink(rig, 10, 1);
	rig_settle(rig);
	rig_expect_unlink(rig, 10, USBIP_ECONNRESET);
	usb_sim_unplug(rig->sim);
	/* held ones and those in flight: each is told, then the stream ends */
	for (uint32_t i = 0; i < 4; i++) {
		struct rig_reply *reply = rig_next(rig);

		assert_int_equal(reply->hdr.command, USBIP_RET_SUBMIT);
		assert_int_equal(
		    reply->hdr.u.ret_submit.status, USBIP_ENODEV);
	}
	rig_expect_eof(rig);
	assert_int_equal(rig->exit_code, 0);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_out_bytes),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_lying_length),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_disagrees),
		cmocka_unit_test(test_control_order),
		cmocka_unit_test(test_independent),
		cmocka_unit_test(test_loopback_many),
		cmocka_unit_test(test_unlink_in_time),
		cmocka_unit_test(test_unlink_too_late),
		cmocka_unit_test(test_unlink_partial),
		cmocka_unit_test(test_unlink_many),
		cmocka_unit_test(test_unlink_twice),
		cmocka_unit_test(test_unlink_held),
		cmocka_unit_test(test_unlink_control),
		cmocka_unit_test(test_unlink_early),
		cmocka_unit_test(test_unlink_early_wrap),
		cmocka_unit_test(test_unlink_storm),
		cmocka_unit_test(test_seqnum_in_use),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_unknown_command),
		cmocka_unit_test(test_non_iso_packets),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_wrong_endpoints),
		cmocka_unit_test(test_gone),
	};

	log_init("test_transfer");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
