/*
 * wire/usbip_check: which headers make sense. Each refusal of the contract has
 * a row, and so has the honest neighbour on the other side of the border.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "wire/usbip_check.h"

static const struct usbip_limits limits = {
    .max_length = 1024 * 1024, .max_control = 4096};

static void
bus_ids(void **state)
{
	static const struct {
		const char *busid;
		int want;
	} rows[] = {
	    {"1-1", 0},
	    {"3-2.4", 0},
	    {"1-1.4.0.1", 0},
	    {"usb1", 0},
	    {"Z_9.a-b", 0},
	    {"09AZaz", 0},
	    {"0", 0},
	    {"", ERR_FORMAT},
	    {".", ERR_FORMAT},
	    {"..", ERR_FORMAT},
	    {"-1", ERR_FORMAT},
	    {"1-1/..", ERR_FORMAT},
	    {"1 1", ERR_FORMAT},
	    {"1-1\n", ERR_FORMAT},
	    {"1:1", ERR_FORMAT},
	    {"1@1", ERR_FORMAT},
	    {"1[1", ERR_FORMAT},
	    {"1`1", ERR_FORMAT},
	    {"1{1", ERR_FORMAT},
	    {"1-1\xc3\xa4", ERR_FORMAT},
	    {"%s", ERR_FORMAT},
	};
	char busid[USBIP_BUSID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(busid, 0, sizeof(busid));
		strncpy(busid, rows[i].busid, sizeof(busid) - 1);
		assert_int_equal(usbip_check_busid(busid), rows[i].want);
	}
	memset(busid, 'a', sizeof(busid));
	assert_int_equal(usbip_check_busid(busid), ERR_FORMAT);
	busid[31] = '\0';
	assert_int_equal(usbip_check_busid(busid), 0);
}

static void
commands(void **state)
{
	static const struct {
		uint32_t command, direction, ep, length;
		int want;
	} rows[] = {
	    {USBIP_CMD_SUBMIT, 0, 0, 0, 0},
	    {USBIP_CMD_SUBMIT, 1, 15, 1024 * 1024, 0},
	    {USBIP_CMD_UNLINK, 0, 0, 0, 0},
	    {USBIP_CMD_UNLINK, 1, 15, 0, 0},
	    {USBIP_CMD_SUBMIT, 2, 0, 0, ERR_FORMAT},
	    {USBIP_CMD_UNLINK, 2, 0, 0, ERR_FORMAT},
	    {USBIP_CMD_SUBMIT, 0, 16, 0, ERR_FORMAT},
	    {USBIP_CMD_UNLINK, 0, 0x81, 0, ERR_FORMAT},
	    {USBIP_CMD_SUBMIT, 0, 0, 1024 * 1024 + 1, ERR_FORMAT},
	    {USBIP_CMD_SUBMIT, 0, 0, 0xffffffff, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 0, 0, 0, ERR_FORMAT},
	    {USBIP_RET_UNLINK, 0, 0, 0, ERR_FORMAT},
	    {0, 0, 0, 0, ERR_FORMAT},
	};
	struct usbip_limits wild = {0xffffffff, 0xffffffff};
	struct usbip_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&h, 0, sizeof(h));
		h.command = rows[i].command;
		h.direction = rows[i].direction;
		h.ep = rows[i].ep;
		if (h.command == USBIP_CMD_SUBMIT) {
			h.u.submit.length = rows[i].length;
		}
		assert_int_equal(
		    usbip_check_command(&h, &limits), rows[i].want);
	}
	/* a negative length stays one, whatever the limit */
	memset(&h, 0, sizeof(h));
	h.command = USBIP_CMD_SUBMIT;
	h.u.submit.length = 0x80000000;
	assert_int_equal(usbip_check_command(&h, &wild), ERR_FORMAT);
	h.u.submit.length = 0x7fffffff;
	assert_int_equal(usbip_check_command(&h, &wild), 0);
}

struct submit_row {
	enum usbip_xfer xfer;
	uint32_t direction, length, npackets;
	uint8_t setup[8];
	int want;
};

#define NON_ISO USBIP_NON_ISO_PACKETS
static const struct submit_row submit_rows[] = {
    {USBIP_XFER_BULK, 0, 512, 0, {0}, 0},
    {USBIP_XFER_BULK, 1, 512, NON_ISO, {0}, 0},
    {USBIP_XFER_INTERRUPT, 1, 8, 0, {0}, 0},
    {USBIP_XFER_BULK, 0, 0, 0, {0}, 0},
    {USBIP_XFER_BULK, 1, 512, 1, {0}, ERR_FORMAT},
    {USBIP_XFER_INTERRUPT, 1, 8, 1024, {0}, ERR_FORMAT},
    {USBIP_XFER_CONTROL, 1, 18, 3, {0x80, 6, 0, 1, 0, 0, 18, 0}, ERR_FORMAT},
    {USBIP_XFER_BULK, 1, 2 * 1024 * 1024, 0, {0}, ERR_FORMAT},
    {USBIP_XFER_BULK, 2, 0, 0, {0}, ERR_FORMAT},

    {USBIP_XFER_ISO, 1, 3072, 1, {0}, 0},
    {USBIP_XFER_ISO, 0, 3072, 1024, {0}, 0},
    {USBIP_XFER_ISO, 1, 3072, 1025, {0}, ERR_FORMAT},
    {USBIP_XFER_ISO, 1, 3072, 0xfffffffe, {0}, ERR_FORMAT},
    {USBIP_XFER_ISO, 1, 3072, 0, {0}, ERR_POLICY},
    {USBIP_XFER_ISO, 1, 3072, NON_ISO, {0}, ERR_POLICY},

    {USBIP_XFER_CONTROL, 1, 18, 0, {0x80, 6, 0, 1, 0, 0, 18, 0}, 0},
    {USBIP_XFER_CONTROL, 1, 18, NON_ISO, {0x80, 6, 0, 1, 0, 0, 18, 0}, 0},
    {USBIP_XFER_CONTROL, 0, 7, 0, {0x21, 0x20, 0, 0, 0, 0, 7, 0}, 0},
    {USBIP_XFER_CONTROL, 1, 4096, 0, {0xc0, 1, 0, 0, 0, 0, 0, 16}, 0},
    /* nothing to carry: either direction, whatever the request says */
    {USBIP_XFER_CONTROL, 0, 0, 0, {0, 9, 1, 0, 0, 0, 0, 0}, 0},
    {USBIP_XFER_CONTROL, 1, 0, 0, {0, 9, 1, 0, 0, 0, 0, 0}, 0},
    {USBIP_XFER_CONTROL, 0, 0, 0, {0xc0, 9, 1, 0, 0, 0, 0, 0}, 0},
    /* policy judges one thing, the device would do another */
    {USBIP_XFER_CONTROL, 0, 18, 0, {0x80, 6, 0, 1, 0, 0, 18, 0}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 1, 7, 0, {0x21, 9, 0, 0, 0, 0, 7, 0}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 1, 17, 0, {0x80, 6, 0, 1, 0, 0, 18, 0}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 1, 18, 0, {0x80, 6, 0, 1, 0, 0, 18, 1}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 0, 0, 0, {0x21, 9, 0, 0, 0, 0, 7, 0}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 0, 9, 0, {0, 9, 0, 0, 0, 0, 0, 0}, ERR_POLICY},
    /* the body's length is known, so this is answered, not cut off */
    {USBIP_XFER_CONTROL, 1, 4097, 0, {0xc0, 1, 0, 0, 0, 0, 1, 16}, ERR_POLICY},
    {USBIP_XFER_CONTROL, 0, 65535, 0, {0x40, 1, 0, 0, 0, 0, 255, 255},
	ERR_POLICY},
};

static void
submits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(submit_rows) / sizeof(submit_rows[0]);
	     i++) {
		const struct submit_row *row = &submit_rows[i];
		struct usbip_header h = {.command = USBIP_CMD_SUBMIT};
		const char *why = NULL;

		h.direction = row->direction;
		h.u.submit.length = row->length;
		h.u.submit.npackets = row->npackets;
		memcpy(h.u.submit.setup, row->setup, 8);
		assert_int_equal(
		    usbip_check_submit(&h, row->xfer, &limits, &why),
		    row->want);
		assert_int_equal(why != NULL, row->want != 0);
		assert_int_equal(
		    usbip_check_submit(&h, row->xfer, &limits, NULL),
		    row->want);
	}
}

static void
only_submits_are_submits(void **state)
{
	struct usbip_header h = {.command = USBIP_CMD_UNLINK};
	const char *why = NULL;

	(void)state;
	assert_int_equal(usbip_check_submit(&h, USBIP_XFER_BULK, &limits, &why),
	    ERR_FORMAT);
	assert_non_null(why);
}

static void
submit_bodies(void **state)
{
	static const struct {
		enum usbip_xfer xfer;
		uint32_t direction, length, npackets;
		int want;
		uint32_t data, iso;
	} rows[] = {
	    {USBIP_XFER_BULK, 0, 512, 0, 0, 512, 0},
	    {USBIP_XFER_BULK, 0, 512, NON_ISO, 0, 512, 0},
	    {USBIP_XFER_BULK, 1, 512, 0, 0, 0, 0},
	    {USBIP_XFER_CONTROL, 0, 7, 0, 0, 7, 0},
	    {USBIP_XFER_ISO, 0, 3000, 3, 0, 3000, 48},
	    {USBIP_XFER_ISO, 1, 3000, 3, 0, 0, 48},
	    {USBIP_XFER_ISO, 0, 3000, 1024, 0, 3000, 16384},
	    {USBIP_XFER_ISO, 0, 3000, NON_ISO, 0, 3000, 0},
	    {USBIP_XFER_ISO, 0, 3000, 1025, ERR_LIMIT, 0, 0},
	    {USBIP_XFER_ISO, 0, 0x7fffffff, 1, ERR_LIMIT, 0, 0},
	    {USBIP_XFER_ISO, 0, 0x7fffffff - 16, 1, 0, 0x7fffffff - 16, 16},
	    {USBIP_XFER_BULK, 0, 0x7fffffff, 0, 0, 0x7fffffff, 0},
	    {USBIP_XFER_BULK, 0, 0x80000000, 0, ERR_LIMIT, 0, 0},
	    {USBIP_XFER_BULK, 1, 0xffffffff, 0, ERR_LIMIT, 0, 0},
	};
	struct usbip_header h = {.command = USBIP_CMD_SUBMIT};
	uint32_t data, iso;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		h.direction = rows[i].direction;
		h.u.submit.length = rows[i].length;
		h.u.submit.npackets = rows[i].npackets;
		data = iso = 77;
		assert_int_equal(
		    usbip_submit_body(&h, rows[i].xfer, &data, &iso),
		    rows[i].want);
		assert_int_equal(data, rows[i].data);
		assert_int_equal(iso, rows[i].iso);
	}
	h.command = USBIP_CMD_UNLINK;
	assert_int_equal(
	    usbip_submit_body(&h, USBIP_XFER_ISO, &data, &iso), 0);
	assert_int_equal(data + iso, 0);
}

static void
iso_packets_of_a_submit(void **state)
{
	struct usbip_iso iso[3] = {
	    {0, 1000, 0, 0}, {1000, 1000, 9, 0}, {2000, 1000, 0, -18}};

	(void)state;
	assert_int_equal(usbip_check_iso_submit(iso, 3, 3000), 0);
	assert_int_equal(usbip_check_iso_submit(iso, 0, 0), 0);
	assert_int_equal(usbip_check_iso_submit(iso, 3, 2999), ERR_FORMAT);
	assert_int_equal(usbip_check_iso_submit(iso, 1025, 3000), ERR_FORMAT);
	iso[1].offset = 0xffffffff; /* offset + length wraps in 32 bits */
	assert_int_equal(usbip_check_iso_submit(iso, 3, 3000), ERR_FORMAT);
	iso[1].offset = 0;
	iso[1].length = 0xffffffff;
	assert_int_equal(usbip_check_iso_submit(iso, 3, 3000), ERR_FORMAT);
	/* each inside the buffer, together more than it */
	iso[1] = (struct usbip_iso){0, 1001, 0, 0};
	assert_int_equal(usbip_check_iso_submit(iso, 3, 3000), ERR_FORMAT);
	iso[1].length = 1000;
	assert_int_equal(usbip_check_iso_submit(iso, 3, 3000), 0);
}

/* As many packets as the protocol has, on every way. */
static void
most_iso_packets(void **state)
{
	static struct usbip_iso sub[USBIP_MAX_ISO_PACKETS];
	static struct usbip_iso ret[USBIP_MAX_ISO_PACKETS];
	struct usbip_header h = {.command = USBIP_RET_SUBMIT};
	struct usbip_pending pending = {.npackets = USBIP_MAX_ISO_PACKETS};
	uint32_t data, iso;

	(void)state;
	assert_int_equal(
	    usbip_check_iso_submit(sub, USBIP_MAX_ISO_PACKETS, 0), 0);
	assert_int_equal(
	    usbip_rebuild_iso(ret, sub, USBIP_MAX_ISO_PACKETS, 1, 0, NULL), 0);
	usbip_ret_body(&h, &pending, &data, &iso);
	assert_int_equal(iso, USBIP_MAX_ISO_PACKETS * USBIP_ISO_SIZE);
}

static void
statuses(void **state)
{
	static const int32_t known[] = {0, -2, -5, -12, -18, -19, -22, -32, -62,
	    -63, -70, -71, -75, -84, -90, -104, -108, -110, -121};

	(void)state;
	for (int32_t s = -200; s < 200; s++) {
		int is_known = 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			is_known |= known[i] == s;
		}
		assert_int_equal(
		    usbip_clean_status(s), is_known ? s : USBIP_EPROTO);
	}
	assert_int_equal(usbip_clean_status(INT32_MIN), USBIP_EPROTO);
	assert_int_equal(usbip_clean_status(USBIP_EINPROGRESS), USBIP_EPROTO);
}

static void
replies(void **state)
{
	static const struct {
		uint32_t command, seqnum, actual, npackets;
		uint32_t asked, asked_packets;
		int want;
	} rows[] = {
	    {USBIP_RET_SUBMIT, 5, 0, 0, 64, 0, 0},
	    {USBIP_RET_SUBMIT, 5, 64, 0, 64, 0, 0},
	    {USBIP_RET_SUBMIT, 5, 64, NON_ISO, 64, 0, 0},
	    {USBIP_RET_SUBMIT, 5, 64, 0, 64, NON_ISO, 0},
	    {USBIP_RET_SUBMIT, 5, 64, 3, 64, 3, 0},
	    {USBIP_RET_SUBMIT, 5, 65, 0, 64, 0, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 0xffffffff, 0, 64, 0, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 1, 0, 0, 0, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 64, 2, 64, 3, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 64, 4, 64, 3, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 64, 0, 64, 3, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 5, 64, 1, 64, 0, ERR_FORMAT},
	    {USBIP_RET_SUBMIT, 6, 64, 0, 64, 0, ERR_FORMAT},
	    {USBIP_RET_UNLINK, 5, 64, 0, 64, 0, ERR_FORMAT},
	    {USBIP_CMD_SUBMIT, 5, 64, 0, 64, 0, ERR_FORMAT},
	    {9, 5, 64, 0, 64, 0, ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct usbip_header h = {
		    .command = rows[i].command, .seqnum = rows[i].seqnum};
		struct usbip_pending sub = {.seqnum = 5,
		    .length = rows[i].asked,
		    .npackets = rows[i].asked_packets};
		const char *why = NULL;

		h.u.ret_submit.actual_length = rows[i].actual;
		h.u.ret_submit.npackets = rows[i].npackets;
		assert_int_equal(
		    usbip_check_ret_submit(&h, &sub, &why), rows[i].want);
		assert_int_equal(why != NULL, rows[i].want != 0);
		assert_int_equal(
		    usbip_check_ret_submit(&h, &sub, NULL), rows[i].want);
	}
}

static void
reply_bodies(void **state)
{
	struct usbip_header h = {.command = USBIP_RET_SUBMIT};
	struct usbip_pending sub = {.direction = USBIP_DIR_IN, .length = 64};
	uint32_t data, iso;

	(void)state;
	h.u.ret_submit.actual_length = 18;
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data, 18);
	assert_int_equal(iso, 0);
	sub.npackets = 4;
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data, 18);
	assert_int_equal(iso, 64);
	sub.direction = USBIP_DIR_OUT; /* no data, but descriptors */
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data, 0);
	assert_int_equal(iso, 64);
	sub.npackets = USBIP_NON_ISO_PACKETS;
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data + iso, 0);
	/* unchecked numbers are bounded all the same */
	sub.direction = USBIP_DIR_IN;
	sub.npackets = 0x10000001;
	h.u.ret_submit.actual_length = 0xffffffff;
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data, 64);
	assert_int_equal(iso, 0);
	h.command = USBIP_RET_UNLINK;
	usbip_ret_body(&h, &sub, &data, &iso);
	assert_int_equal(data + iso, 0);
}

static void
iso_replies_are_rebuilt(void **state)
{
	static const struct usbip_iso sub[3] = {
	    {0, 1000, 0, 0}, {1000, 1000, 0, 0}, {2000, 1000, 0, 0}};
	const struct usbip_iso honest[3] = {
	    {0, 1000, 100, 0}, {1000, 1000, 0, -18}, {2000, 1000, 1000, 0}};
	struct usbip_iso ret[3];
	const char *why = NULL;

	(void)state;
	for (uint32_t dir = 0; dir < 2; dir++) {
		memcpy(ret, honest, sizeof(ret));
		ret[0].offset = 0xfffffff0; /* a heap overflow in the kernel */
		ret[2].length = 0xffffffff;
		ret[1].status = 4711;
		assert_int_equal(
		    usbip_rebuild_iso(ret, sub, 3, dir, 1100, &why), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(ret[i].offset, sub[i].offset);
			assert_int_equal(ret[i].length, sub[i].length);
			assert_int_equal(
			    ret[i].actual_length, honest[i].actual_length);
		}
		assert_int_equal(ret[1].status, USBIP_EPROTO);
		assert_null(why);

		/* the sum is the number of bytes that follow, if any do */
		memcpy(ret, honest, sizeof(ret));
		assert_int_equal(
		    usbip_rebuild_iso(ret, sub, 3, dir, 1099, &why),
		    dir == USBIP_DIR_IN ? ERR_FORMAT : 0);
		assert_int_equal(why != NULL, dir == USBIP_DIR_IN);
		why = NULL;
		memcpy(ret, honest, sizeof(ret));
		ret[1].actual_length = 1001;
		assert_int_equal(
		    usbip_rebuild_iso(ret, sub, 3, dir, 2101, &why),
		    ERR_FORMAT);
		assert_non_null(why);
		why = NULL;
	}
	assert_int_equal(usbip_rebuild_iso(ret, sub, 1025, 1, 0, NULL),
	    ERR_FORMAT);
	assert_int_equal(usbip_rebuild_iso(ret, sub, 0, 1, 0, NULL), 0);
	assert_int_equal(
	    usbip_rebuild_iso(ret, sub, 0, 1, 1, NULL), ERR_FORMAT);
	assert_int_equal(usbip_rebuild_iso(ret, sub, 0, 0, 1, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bus_ids),
	    cmocka_unit_test(commands),
	    cmocka_unit_test(submits),
	    cmocka_unit_test(only_submits_are_submits),
	    cmocka_unit_test(submit_bodies),
	    cmocka_unit_test(iso_packets_of_a_submit),
	    cmocka_unit_test(most_iso_packets),
	    cmocka_unit_test(statuses),
	    cmocka_unit_test(replies),
	    cmocka_unit_test(reply_bodies),
	    cmocka_unit_test(iso_replies_are_rebuilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
