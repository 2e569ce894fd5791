/*
 * wire/usbip: the codec against bytes written out by hand after the protocol's
 * document, every truncation, and round trips over random values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/rnd.h"
#include "wire/usbip.h"

static void
op_header_is_eight_bytes_big_endian(void **state)
{
	static const uint8_t want[] = {1, 0x11, 0x80, 3, 0, 0, 0, 0};
	struct usbip_op_common op;
	uint8_t buf[USBIP_OP_COMMON_SIZE];

	(void)state;
	usbip_encode_op(buf, USBIP_OP_REQ_IMPORT, USBIP_ST_OK);
	assert_memory_equal(buf, want, sizeof(want));
	usbip_encode_op(buf, USBIP_OP_REP_DEVLIST, 0x01020304);
	assert_int_equal(usbip_decode_op(&op, buf, sizeof(buf)), 0);
	assert_int_equal(op.version, USBIP_VERSION);
	assert_int_equal(op.code, USBIP_OP_REP_DEVLIST);
	assert_int_equal(op.status, 0x01020304);
	for (size_t n = 0; n < sizeof(buf); n++) {
		assert_int_equal(usbip_decode_op(&op, buf, n), ERR_SHORT);
	}
}

/* The version is told, not judged: that is the caller's. */
static void
op_header_of_another_version_decodes(void **state)
{
	static const uint8_t buf[] = {1, 6, 0, 5, 0, 0, 0, 1, 99};
	struct usbip_op_common op;

	(void)state;
	assert_int_equal(usbip_decode_op(&op, buf, sizeof(buf)), 0);
	assert_int_equal(op.version, 0x0106);
	assert_int_equal(op.status, USBIP_ST_NA);
}

static void
busid_keeps_its_bytes_and_needs_its_nul(void **state)
{
	uint8_t buf[USBIP_BUSID_SIZE + 1] = "3-2.4";
	char busid[USBIP_BUSID_SIZE];

	(void)state;
	buf[10] = 'x'; /* behind the NUL: kept */
	assert_int_equal(usbip_decode_busid(busid, buf, sizeof(buf)), 0);
	assert_string_equal(busid, "3-2.4");
	assert_int_equal(busid[10], 'x');
	for (size_t n = 0; n < USBIP_BUSID_SIZE; n++) {
		assert_int_equal(
		    usbip_decode_busid(busid, buf, n), ERR_SHORT);
	}
	memset(buf, 'a', sizeof(buf));
	assert_int_equal(
	    usbip_decode_busid(busid, buf, USBIP_BUSID_SIZE), ERR_FORMAT);
	assert_int_equal(strlen(busid), USBIP_BUSID_SIZE - 1);
}

static void
busid_is_written_padded_and_cut(void **state)
{
	uint8_t buf[USBIP_BUSID_SIZE], zero[USBIP_BUSID_SIZE] = {0};
	const char *too_long = "0123456789012345678901234567890123456789";

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	usbip_encode_busid(buf, "1-1");
	assert_memory_equal(buf, "1-1", 3);
	assert_memory_equal(buf + 3, zero, sizeof(buf) - 3);
	usbip_encode_busid(buf, too_long);
	assert_memory_equal(buf, too_long, USBIP_BUSID_SIZE - 1);
	assert_int_equal(buf[USBIP_BUSID_SIZE - 1], 0);
}

static void
device_has_its_fields_where_the_document_has_them(void **state)
{
	struct usbip_device dev = {.path = "/sys/devices/x",
	    .busid = "3-2",
	    .busnum = 0x01020304,
	    .devnum = 0x05060708,
	    .speed = USBIP_SPEED_SUPER,
	    .vid = 0x1234,
	    .pid = 0x5678,
	    .bcd_device = 0x9abc,
	    .class = 1,
	    .subclass = 2,
	    .protocol = 3,
	    .configuration = 4,
	    .nconfigurations = 5,
	    .ninterfaces = 6};
	static const uint8_t tail[] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 5,
	    0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 1, 2, 3, 4, 5, 6};
	uint8_t buf[USBIP_DEVICE_SIZE];

	(void)state;
	usbip_encode_device(buf, &dev);
	assert_string_equal((char *)buf, "/sys/devices/x");
	assert_string_equal((char *)buf + 256, "3-2");
	assert_memory_equal(buf + 288, tail, sizeof(tail));
	assert_int_equal(288 + sizeof(tail), USBIP_DEVICE_SIZE);
}

static void
device_comes_back_as_it_went(void **state)
{
	struct rnd r = {.state = 1};

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct usbip_device dev, back;
		uint8_t buf[USBIP_DEVICE_SIZE], again[USBIP_DEVICE_SIZE];

		rnd_bytes(&r, &dev, sizeof(dev));
		rnd_text(&r, dev.path, sizeof(dev.path));
		rnd_text(&r, dev.busid, sizeof(dev.busid));
		usbip_encode_device(buf, &dev);
		assert_int_equal(
		    usbip_decode_device(&back, buf, sizeof(buf)), 0);
		assert_string_equal(back.path, dev.path);
		assert_string_equal(back.busid, dev.busid);
		assert_int_equal(back.busnum, dev.busnum);
		assert_int_equal(back.devnum, dev.devnum);
		assert_int_equal(back.speed, dev.speed);
		assert_int_equal(back.vid, dev.vid);
		assert_int_equal(back.pid, dev.pid);
		assert_int_equal(back.bcd_device, dev.bcd_device);
		assert_int_equal(back.class, dev.class);
		assert_int_equal(back.subclass, dev.subclass);
		assert_int_equal(back.protocol, dev.protocol);
		assert_int_equal(back.configuration, dev.configuration);
		assert_int_equal(back.nconfigurations, dev.nconfigurations);
		assert_int_equal(back.ninterfaces, dev.ninterfaces);
		usbip_encode_device(again, &back);
		assert_memory_equal(again, buf, sizeof(buf));
	}
}

static void
device_text_without_nul_is_refused(void **state)
{
	uint8_t buf[USBIP_DEVICE_SIZE + 1] = {0};
	struct usbip_device dev;

	(void)state;
	for (size_t n = 0; n < USBIP_DEVICE_SIZE; n++) {
		assert_int_equal(usbip_decode_device(&dev, buf, n), ERR_SHORT);
	}
	assert_int_equal(usbip_decode_device(&dev, buf, sizeof(buf)), 0);
	memset(buf, 'p', USBIP_PATH_SIZE);
	assert_int_equal(
	    usbip_decode_device(&dev, buf, sizeof(buf)), ERR_FORMAT);
	assert_non_null(memchr(dev.path, 0, sizeof(dev.path)));
	memset(buf, 0, sizeof(buf));
	memset(buf + USBIP_PATH_SIZE, 'b', USBIP_BUSID_SIZE);
	assert_int_equal(
	    usbip_decode_device(&dev, buf, sizeof(buf)), ERR_FORMAT);
	assert_non_null(memchr(dev.busid, 0, sizeof(dev.busid)));
}

static void
device_leftovers_behind_a_nul_do_not_travel(void **state)
{
	uint8_t buf[USBIP_DEVICE_SIZE] = {0}, again[USBIP_DEVICE_SIZE];
	struct usbip_device dev;

	(void)state;
	memcpy(buf, "/sys\0secret", 11);
	assert_int_equal(usbip_decode_device(&dev, buf, sizeof(buf)), 0);
	assert_int_equal(dev.path[5], 0);
	usbip_encode_device(again, &dev);
	assert_int_equal(again[5], 0);
}

static void
interface_is_four_bytes_with_a_pad(void **state)
{
	struct usbip_interface in = {8, 6, 0x50}, out;
	static const uint8_t want[] = {8, 6, 0x50, 0};
	uint8_t buf[USBIP_INTERFACE_SIZE] = {9, 9, 9, 9};

	(void)state;
	usbip_encode_interface(buf, &in);
	assert_memory_equal(buf, want, sizeof(want));
	buf[3] = 0xee; /* peers' garbage */
	assert_int_equal(usbip_decode_interface(&out, buf, sizeof(buf)), 0);
	assert_memory_equal(&out, &in, sizeof(in));
	for (size_t n = 0; n < sizeof(buf); n++) {
		assert_int_equal(
		    usbip_decode_interface(&out, buf, n), ERR_SHORT);
	}
}

static const uint8_t submit_bytes[USBIP_HEADER_SIZE] = {0, 0, 0, 1, 0, 0, 0x0d,
    0x05, 0, 1, 0, 0x0f, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0, 0x40, 0,
    0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0x80, 6, 0, 1, 0, 0, 0x40, 0};
static const uint8_t ret_submit_bytes[USBIP_HEADER_SIZE] = {0, 0, 0, 3, 0, 0,
    0x0d, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xe0, 0,
    0, 0, 0x12, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9};
static const uint8_t unlink_bytes[USBIP_HEADER_SIZE] = {0, 0, 0, 2, 0, 0, 0x0d,
    0x06, 0, 1, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0d, 0x05};
static const uint8_t ret_unlink_bytes[USBIP_HEADER_SIZE] = {0, 0, 0, 4, 0, 0,
    0x0d, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x98};

static void
the_four_headers_decode(void **state)
{
	struct usbip_header h;

	(void)state;
	assert_int_equal(usbip_decode_header(&h, submit_bytes, 48), 0);
	assert_int_equal(h.command, USBIP_CMD_SUBMIT);
	assert_int_equal(h.seqnum, 0x0d05);
	assert_int_equal(h.devid, 0x1000f);
	assert_int_equal(h.direction, USBIP_DIR_IN);
	assert_int_equal(h.ep, 2);
	assert_int_equal(h.u.submit.flags, 0x200);
	assert_int_equal(h.u.submit.length, 64);
	assert_int_equal(h.u.submit.start_frame, 3);
	assert_int_equal(h.u.submit.npackets, USBIP_NON_ISO_PACKETS);
	assert_int_equal(h.u.submit.interval, 4);
	assert_memory_equal(
	    h.u.submit.setup, "\x80\x06\x00\x01\x00\x00\x40\x00", 8);

	assert_int_equal(usbip_decode_header(&h, ret_submit_bytes, 48), 0);
	assert_int_equal(h.u.ret_submit.status, USBIP_EPIPE);
	assert_int_equal(h.u.ret_submit.actual_length, 18);
	assert_int_equal(h.u.ret_submit.start_frame, 7);
	assert_int_equal(h.u.ret_submit.npackets, 8);
	assert_int_equal(h.u.ret_submit.error_count, 9);

	assert_int_equal(usbip_decode_header(&h, unlink_bytes, 48), 0);
	assert_int_equal(h.u.unlink.seqnum, 0x0d05);
	assert_int_equal(usbip_decode_header(&h, ret_unlink_bytes, 48), 0);
	assert_int_equal(h.u.ret_unlink.status, USBIP_ECONNRESET);
}

static void
the_four_headers_encode_as_they_were(void **state)
{
	static const uint8_t *const all[] = {submit_bytes, ret_submit_bytes,
	    unlink_bytes, ret_unlink_bytes};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct usbip_header h;
		uint8_t buf[USBIP_HEADER_SIZE];

		memset(buf, 0xaa, sizeof(buf));
		assert_int_equal(usbip_decode_header(&h, all[i], 48), 0);
		assert_int_equal(usbip_encode_header(buf, &h), 0);
		assert_memory_equal(buf, all[i], sizeof(buf));
	}
}

static void
short_and_unknown_headers_are_refused(void **state)
{
	struct usbip_header h;
	uint8_t buf[USBIP_HEADER_SIZE + 1] = {0};

	(void)state;
	memcpy(buf, submit_bytes, 48);
	for (size_t n = 0; n < USBIP_HEADER_SIZE; n++) {
		assert_int_equal(usbip_decode_header(&h, buf, n), ERR_SHORT);
	}
	/* more is not looked at */
	assert_int_equal(usbip_decode_header(&h, buf, sizeof(buf)), 0);
	for (unsigned cmd = 0; cmd < 256; cmd++) {
		int known = cmd >= 1 && cmd <= 4;

		buf[3] = (uint8_t)cmd;
		assert_int_equal(usbip_decode_header(&h, buf, 48),
		    known ? 0 : ERR_FORMAT);
		h.command = cmd;
		assert_int_equal(usbip_encode_header(buf, &h),
		    known ? 0 : ERR_FORMAT);
	}
	buf[0] = 1;
	assert_int_equal(usbip_decode_header(&h, buf, 48), ERR_FORMAT);
}

static void
padding_of_headers_is_not_looked_at_and_written_zero(void **state)
{
	uint8_t buf[USBIP_HEADER_SIZE];
	struct usbip_header h;

	(void)state;
	memcpy(buf, unlink_bytes, 48);
	memset(buf + 24, 0xee, 24);
	assert_int_equal(usbip_decode_header(&h, buf, 48), 0);
	assert_int_equal(usbip_encode_header(buf, &h), 0);
	assert_memory_equal(buf, unlink_bytes, 48);
}

static void
replies_do_not_describe_themselves(void **state)
{
	struct usbip_header h = {.command = USBIP_RET_UNLINK, .seqnum = 5,
	    .devid = 1, .direction = 1, .ep = 3};
	uint8_t buf[USBIP_HEADER_SIZE];

	(void)state;
	for (int i = 0; i < 2; i++) {
		static const uint8_t zero[12];

		assert_int_equal(usbip_encode_header(buf, &h), 0);
		assert_memory_equal(buf + 8, zero, sizeof(zero));
		h.command = USBIP_RET_SUBMIT;
	}
}

static void
headers_come_back_as_they_went(void **state)
{
	struct rnd r = {.state = 2};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct usbip_header h;
		uint8_t in[USBIP_HEADER_SIZE], out[USBIP_HEADER_SIZE];

		rnd_bytes(&r, &h, sizeof(h));
		h.command = 1 + rnd_below(&r, 4);
		assert_int_equal(usbip_encode_header(in, &h), 0);
		assert_int_equal(usbip_decode_header(&h, in, 48), 0);
		assert_int_equal(usbip_encode_header(out, &h), 0);
		assert_memory_equal(in, out, sizeof(in));
	}
}

static void
iso_descriptor_is_sixteen_bytes(void **state)
{
	static const uint8_t want[] = {0, 0, 0x0b, 0xb8, 0, 0, 4, 0, 0, 0, 3,
	    0xff, 0xff, 0xff, 0xff, 0xee};
	struct usbip_iso iso = {3000, 1024, 1023, USBIP_EXDEV}, back;
	uint8_t buf[USBIP_ISO_SIZE];

	(void)state;
	usbip_encode_iso(buf, &iso);
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(usbip_decode_iso(&back, buf, sizeof(buf)), 0);
	assert_memory_equal(&back, &iso, sizeof(iso));
	for (size_t n = 0; n < sizeof(buf); n++) {
		assert_int_equal(usbip_decode_iso(&back, buf, n), ERR_SHORT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(op_header_is_eight_bytes_big_endian),
	    cmocka_unit_test(op_header_of_another_version_decodes),
	    cmocka_unit_test(busid_keeps_its_bytes_and_needs_its_nul),
	    cmocka_unit_test(busid_is_written_padded_and_cut),
	    cmocka_unit_test(
		device_has_its_fields_where_the_document_has_them),
	    cmocka_unit_test(device_comes_back_as_it_went),
	    cmocka_unit_test(device_text_without_nul_is_refused),
	    cmocka_unit_test(device_leftovers_behind_a_nul_do_not_travel),
	    cmocka_unit_test(interface_is_four_bytes_with_a_pad),
	    cmocka_unit_test(the_four_headers_decode),
	    cmocka_unit_test(the_four_headers_encode_as_they_were),
	    cmocka_unit_test(short_and_unknown_headers_are_refused),
	    cmocka_unit_test(
		padding_of_headers_is_not_looked_at_and_written_zero),
	    cmocka_unit_test(replies_do_not_describe_themselves),
	    cmocka_unit_test(headers_come_back_as_they_went),
	    cmocka_unit_test(iso_descriptor_is_sixteen_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
