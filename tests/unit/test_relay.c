/* vhci-glue/relay: honest conversations pass, byte for byte, both ways. */
#include "tests/unit/relay_rig.h"

#include <errno.h>

static uint8_t big[1024 * 1024];
static uint8_t raw[2 * 1024 * 1024];

static void
fill(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		p[i] = (uint8_t)(i * 7 + (i >> 8) + seed);
	}
}

static void
test_control(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_get_descriptor(1, 1, 0, 64), got;
	const uint8_t *body;
	uint8_t said[USBIP_HEADER_SIZE];

	rig_say_header(r, &h);
	rig_turn(r);
	/* the command arrives as it was said */
	assert_int_equal(gateway_fake_heard(&r->gw), USBIP_HEADER_SIZE);
	assert_int_equal(usbip_encode_header(said, &h), 0);
	assert_memory_equal(
	    gateway_fake_hear(&r->gw, sizeof(said)), said, sizeof(said));
	rig_answer(r, 1, 0, gateway_fake_drive_device, 18, 18);
	rig_turn(r);
	got = rig_take(r, 18, &body);
	assert_int_equal(got.command, USBIP_RET_SUBMIT);
	assert_int_equal(got.seqnum, 1);
	assert_int_equal(got.u.ret_submit.status, 0);
	assert_int_equal(got.u.ret_submit.actual_length, 18);
	assert_int_equal(got.u.ret_submit.npackets, 0);
	assert_memory_equal(body, gateway_fake_drive_device, 18);

	/* a control OUT with data, answered by a stall */
	h = rig_submit(2, USBIP_DIR_OUT, 0, 7);
	h.u.submit.setup[0] = 0x21;
	h.u.submit.setup[6] = 7;
	rig_say_header(r, &h);
	rig_kernel_say(r, "1234567", 7);
	rig_turn(r);
	assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
	assert_int_equal(got.seqnum, 2);
	assert_memory_equal(gateway_fake_hear(&r->gw, 7), "1234567", 7);
	rig_answer(r, 2, USBIP_EPIPE, NULL, 0, 0);
	rig_turn(r);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.u.ret_submit.status, USBIP_EPIPE);
	assert_int_equal(r->ngot, 0);
	assert_int_equal(r->ended, 0);
}

static void
test_bulk_sizes(void **state)
{
	static const uint32_t sizes[] = {
	    0, 1, 13, 31, 512, 16336, 16337, 65536, 122880, 1024 * 1024};
	struct rig *r = *state;
	struct usbip_header got;
	const uint8_t *body;
	uint32_t seq = 100;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct usbip_header out =
		    rig_submit(++seq, USBIP_DIR_OUT, 2, sizes[i]);
		struct usbip_header in =
		    rig_submit(++seq, USBIP_DIR_IN, 1, sizes[i]);

		fill(big, sizes[i], seq);
		rig_say_header(r, &out);
		rig_kernel_say(r, big, sizes[i]);
		rig_say_header(r, &in);
		rig_turn(r);
		assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
		assert_int_equal(got.u.submit.length, sizes[i]);
		assert_memory_equal(
		    gateway_fake_hear(&r->gw, sizes[i]), big, sizes[i]);
		assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
		assert_int_equal(got.seqnum, seq);

		rig_answer(r, seq - 1, 0, NULL, 0, sizes[i]);
		rig_answer(r, seq, 0, big, sizes[i], sizes[i]);
		rig_turn(r);
		got = rig_take(r, 0, NULL);
		assert_int_equal(got.u.ret_submit.actual_length, sizes[i]);
		got = rig_take(r, sizes[i], &body);
		assert_int_equal(got.seqnum, seq);
		assert_memory_equal(body, big, sizes[i]);
		assert_int_equal(r->ngot, 0);
	}
	assert_int_equal(r->ended, 0);
}

/* Many in flight, answered out of order and short. */
static void
test_interrupt(void **state)
{
	struct rig *r = *state;
	struct usbip_header h, got;
	const uint8_t *body;

	for (uint32_t i = 0; i < 200; i++) {
		h = rig_submit(i, USBIP_DIR_IN, 3, 8);
		rig_say_header(r, &h);
	}
	rig_turn(r);
	assert_int_equal(
	    gateway_fake_heard(&r->gw), 200 * USBIP_HEADER_SIZE);
	for (uint32_t i = 200; i-- > 0;) {
		rig_answer(r, i, 0, "abcdefgh", i % 9, i % 9);
	}
	rig_turn(r);
	for (uint32_t i = 200; i-- > 0;) {
		got = rig_take(r, i % 9, &body);
		assert_int_equal(got.seqnum, i);
		assert_memory_equal(body, "abcdefgh", i % 9);
	}
	assert_int_equal(r->ngot, 0);
}

static void
test_iso(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_submit(9, USBIP_DIR_IN, 1, 3000), got;
	struct usbip_iso iso[3] = {
	    {0, 1000, 0, -18}, {1000, 1000, 0, -18}, {2000, 1000, 0, -18}};
	struct usbip_ret_submit ret = {
	    .actual_length = 1500, .npackets = 3, .error_count = 1};
	const uint8_t *body;
	uint8_t desc[USBIP_ISO_SIZE];

	/* IN: descriptors behind the header */
	h.u.submit.npackets = 3;
	rig_say_header(r, &h);
	for (int i = 0; i < 3; i++) {
		usbip_encode_iso(desc, &iso[i]);
		rig_kernel_say(r, desc, sizeof(desc));
	}
	rig_turn(r);
	assert_int_equal(gateway_fake_heard(&r->gw), 48 + 3 * 16);
	(void)gateway_fake_hear(&r->gw, 48 + 3 * 16);
	iso[0].actual_length = 1000;
	iso[1].status = USBIP_EXDEV;
	iso[2].actual_length = 500;
	iso[0].status = iso[2].status = 0;
	fill(big, 1500, 3);
	gateway_fake_say_ret(&r->gw, 9, &ret, big, 1500, iso, 3);
	rig_turn(r);
	got = rig_take(r, 1500 + 48, &body);
	assert_int_equal(got.u.ret_submit.npackets, 3);
	assert_int_equal(got.u.ret_submit.error_count, 1);
	assert_memory_equal(body, big, 1500);
	for (int i = 0; i < 3; i++) {
		usbip_encode_iso(desc, &iso[i]);
		assert_memory_equal(body + 1500 + i * 16, desc, 16);
	}

	/* OUT: data, then descriptors; the reply has descriptors only */
	h = rig_submit(10, USBIP_DIR_OUT, 2, 3000);
	h.u.submit.npackets = 3;
	fill(big, 3000, 4);
	rig_say_header(r, &h);
	rig_kernel_say(r, big, 3000);
	for (int i = 0; i < 3; i++) {
		iso[i].actual_length = 0;
		iso[i].status = USBIP_EXDEV;
		usbip_encode_iso(desc, &iso[i]);
		rig_kernel_say(r, desc, sizeof(desc));
	}
	rig_turn(r);
	assert_int_equal(gateway_fake_heard(&r->gw), 48 + 3000 + 48);
	(void)gateway_fake_hear(&r->gw, 48);
	assert_memory_equal(gateway_fake_hear(&r->gw, 3000), big, 3000);
	ret.actual_length = 3000;
	ret.error_count = 0;
	for (int i = 0; i < 3; i++) {
		iso[i].actual_length = 1000;
		iso[i].status = 0;
	}
	gateway_fake_say_ret(&r->gw, 10, &ret, NULL, 0, iso, 3);
	rig_turn(r);
	got = rig_take(r, 48, &body);
	assert_int_equal(got.u.ret_submit.actual_length, 3000);
	assert_int_equal(r->ngot, 0);
	assert_int_equal(r->ended, 0);
}

static void
test_unlink(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_submit(1, USBIP_DIR_IN, 1, 64), got;

	/* taken back: RET_UNLINK alone */
	rig_say_header(r, &h);
	rig_say_unlink(r, 2, 1);
	rig_turn(r);
	assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
	assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
	assert_int_equal(got.command, USBIP_CMD_UNLINK);
	assert_int_equal(got.seqnum, 2);
	assert_int_equal(got.u.unlink.seqnum, 1);
	gateway_fake_say_unlinked(&r->gw, 2, USBIP_ECONNRESET);
	rig_turn(r);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.command, USBIP_RET_UNLINK);
	assert_int_equal(got.seqnum, 2);
	assert_int_equal(got.u.ret_unlink.status, USBIP_ECONNRESET);

	/* too late: its reply, then RET_UNLINK 0 */
	h = rig_submit(3, USBIP_DIR_IN, 1, 64);
	rig_say_header(r, &h);
	rig_say_unlink(r, 4, 3);
	rig_turn(r);
	rig_answer(r, 3, 0, "data", 4, 4);
	gateway_fake_say_unlinked(&r->gw, 4, 0);
	rig_turn(r);
	got = rig_take(r, 4, NULL);
	assert_int_equal(got.seqnum, 3);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.seqnum, 4);
	assert_int_equal(got.u.ret_unlink.status, 0);

	/* "done" for what was never answered would lose data in silence */
	h = rig_submit(5, USBIP_DIR_IN, 1, 64);
	rig_say_header(r, &h);
	rig_say_unlink(r, 6, 5);
	rig_turn(r);
	gateway_fake_say_unlinked(&r->gw, 6, 0);
	rig_turn(r);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.u.ret_unlink.status, USBIP_ECONNRESET);

	/* and its number may be used again */
	h = rig_submit(5, USBIP_DIR_IN, 1, 64);
	rig_say_header(r, &h);
	rig_turn(r);
	rig_answer(r, 5, 0, "data", 4, 4);
	rig_turn(r);
	got = rig_take(r, 4, NULL);
	assert_int_equal(got.seqnum, 5);
	assert_int_equal(r->ended, 0);
}

/* A transfer too long for anybody: answered here, the stream goes on. */
static void
test_too_long(void **state)
{
	struct rig *r = *state;
	struct usbip_header h =
	    rig_submit(1, USBIP_DIR_OUT, 2, sizeof(big) + 512);
	struct usbip_header got;

	rig_say_header(r, &h);
	rig_kernel_say(r, big, sizeof(big));
	rig_turn(r);
	assert_int_equal(r->ngot, 0); /* not before all of it was read */
	rig_kernel_say(r, big, 512);
	h = rig_submit(2, USBIP_DIR_IN, 1, sizeof(big) + 1);
	rig_say_header(r, &h);
	h = rig_submit(3, USBIP_DIR_IN, 1, 8);
	rig_say_header(r, &h);
	rig_turn(r);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.seqnum, 1);
	assert_int_equal(got.u.ret_submit.status, USBIP_EMSGSIZE);
	got = rig_take(r, 0, NULL);
	assert_int_equal(got.seqnum, 2);
	assert_int_equal(got.u.ret_submit.status, USBIP_EMSGSIZE);
	assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
	assert_int_equal(got.seqnum, 3);
	assert_int_equal(gateway_fake_heard(&r->gw), 0);
	assert_int_equal(r->ended, 0);
}

/* A hundred times what the answers' queue holds, while the kernel reads
 * nothing. */
static void
test_too_many_too_long(void **state)
{
	struct rig *r = *state;
	struct usbip_header h, got;
	uint32_t next = 0;

	for (uint32_t i = 0; i < 6400; i++) {
		h = rig_submit(i, USBIP_DIR_IN, 1, sizeof(big) + 1);
		rig_say_header(r, &h);
		if (i % 1000 == 999) {
			rig_turn(r);
		}
	}
	for (int i = 0; i < 50; i++) {
		rig_turn(r);
	}
	while (r->ngot >= USBIP_HEADER_SIZE) {
		got = rig_take(r, 0, NULL);
		assert_int_equal(got.seqnum, next);
		next++;
	}
	assert_int_equal(next, 6400);
}

/* The table's cap: commands wait in the kernel and go on when replies come. */
static void
test_cap(void **state)
{
	struct rig *r = *state;
	uint32_t said = 0, heard = 0;
	struct usbip_header h, got;
	uint8_t buf[USBIP_HEADER_SIZE];

	for (int i = 0; i < 400; i++) {
		h = rig_submit(said, USBIP_DIR_IN, 1, 0);
		assert_int_equal(usbip_encode_header(buf, &h), 0);
		while (said < 10000 &&
		    send(r->kernel, buf, sizeof(buf), MSG_DONTWAIT) ==
			(ssize_t)sizeof(buf)) {
			h = rig_submit(++said, USBIP_DIR_IN, 1, 0);
			assert_int_equal(usbip_encode_header(buf, &h), 0);
		}
		rig_turn(r);
	}
	assert_true(said > 4096); /* the sockets hold some more */
	while (gateway_fake_hear_header(&r->gw, &got) == 0) {
		assert_int_equal(got.seqnum, heard);
		heard++;
	}
	assert_int_equal(heard, 4096);
	for (uint32_t i = 0; i < said; i++) {
		rig_answer(r, i, 0, NULL, 0, 0);
		if (i % 64 == 63) {
			rig_turn(r);
		}
	}
	rig_turn(r);
	while (gateway_fake_hear_header(&r->gw, &got) == 0) {
		heard++;
	}
	assert_int_equal(heard, said);
	assert_int_equal(r->ngot, said * USBIP_HEADER_SIZE);
	assert_int_equal(r->ended, 0);
}

/* A gateway that stops reading does not stop its own replies, and a kernel
 * that stops reading does not stop its own commands. */
static void
test_both_ways(void **state)
{
	struct rig *r = *state;
	struct usbip_header h, got;
	uint8_t buf[USBIP_HEADER_SIZE];
	uint32_t outs = 0;
	const uint8_t *body;

	h = rig_submit(1, USBIP_DIR_IN, 1, 64);
	rig_say_header(r, &h);
	rig_turn(r);
	r->gw.is_deaf = 1;
	/* OUT transfers until nothing moves any more */
	for (int i = 0; i < 200; i++) {
		h = rig_submit(1000 + outs, USBIP_DIR_OUT, 2, 65536 - 48);
		assert_int_equal(usbip_encode_header(buf, &h), 0);
		memcpy(raw, buf, sizeof(buf));
		fill(raw + 48, 65536 - 48, outs);
		ssize_t n = send(r->kernel, raw, 65536, MSG_DONTWAIT);
		if (n == 65536) {
			outs++;
		} else if (n > 0) {
			/* the kernel would wait here, in the middle */
			for (ssize_t at = n; at < 65536;) {
				r->gw.is_deaf = 0;
				rig_turn(r);
				r->gw.is_deaf = 1;
				n = send(r->kernel, raw + at,
				    (size_t)(65536 - at), MSG_DONTWAIT);
				at += n > 0 ? n : 0;
			}
			outs++;
			break;
		}
		loop_once(r->loop, LOOP_NOWAIT);
	}
	assert_int_equal(r->ended, 0);
	rig_answer(r, 1, 0, "moves", 5, 5);
	rig_turn(r);
	got = rig_take(r, 5, &body);
	assert_int_equal(got.seqnum, 1);
	assert_memory_equal(body, "moves", 5);
	/* and in the end everything has arrived whole */
	r->gw.is_deaf = 0;
	for (int i = 0; i < 40; i++) {
		rig_turn(r);
	}
	assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
	for (uint32_t i = 0; i < outs; i++) {
		assert_int_equal(gateway_fake_hear_header(&r->gw, &got), 0);
		assert_int_equal(got.seqnum, 1000 + i);
		fill(raw, 65536 - 48, i);
		assert_memory_equal(
		    gateway_fake_hear(&r->gw, 65536 - 48), raw, 65536 - 48);
	}
}

/* A kernel that does not read: replies wait here up to the buffer, then in the
 * gateway; commands still pass; nothing is lost. */
static void
test_slow_kernel(void **state)
{
	struct rig *r = *state;
	struct usbip_header h, got;
	const uint8_t *body;

	for (uint32_t i = 0; i < 40; i++) {
		h = rig_submit(i, USBIP_DIR_IN, 1, 65536);
		rig_say_header(r, &h);
	}
	rig_turn(r);
	for (uint32_t i = 0; i < 40; i++) {
		fill(big, 65536, i);
		rig_answer(r, i, 0, big, 65536, 65536);
	}
	for (int i = 0; i < 500; i++) {
		gateway_fake_turn(&r->gw);
		loop_once(r->loop, LOOP_NOWAIT);
	}
	assert_true(r->gw.out_tail > 0); /* some could not be said yet */
	h = rig_submit(77, USBIP_DIR_IN, 1, 8);
	rig_say_header(r, &h);
	for (int i = 0; i < 50; i++) {
		gateway_fake_turn(&r->gw);
		loop_once(r->loop, LOOP_NOWAIT);
	}
	assert_int_equal(
	    gateway_fake_heard(&r->gw) % USBIP_HEADER_SIZE, 0);
	assert_true(gateway_fake_heard(&r->gw) > 0);
	for (uint32_t i = 0; i < 40; i++) {
		while (r->ngot < 65536 + 48) {
			rig_turn(r);
		}
		got = rig_take(r, 65536, &body);
		assert_int_equal(got.seqnum, i);
		fill(big, 65536, i);
		assert_memory_equal(body, big, 65536);
	}
	assert_int_equal(r->ended, 0);
}

/* --- ends --- */

static void
test_kernel_closes(void **state)
{
	struct rig *r = *state;
	char line[128];

	close_fd(&r->kernel);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_DETACHED);
	assert_string_equal(relay_describe(line, sizeof(line), &r->end),
	    "the kernel closed the device");
	/* what happens later changes nothing */
	gateway_fake_hang_up(&r->gw);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
}

static void
test_gateway_closes(void **state)
{
	struct rig *r = *state;
	char c;

	gateway_fake_hang_up(&r->gw);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_CLOSED);
	/* freeing it unplugs */
	relay_free(r->relay);
	r->relay = NULL;
	assert_int_equal(recv(r->kernel, &c, 1, MSG_DONTWAIT), 0);
}

/* The kernel lets go while its socket is not being read. */
static void
test_kernel_closes_unread(void **state)
{
	struct rig *r = *state;
	uint8_t buf[USBIP_HEADER_SIZE];
	struct usbip_header h;

	for (uint32_t i = 0; i < 4200; i++) {
		h = rig_submit(i, USBIP_DIR_IN, 1, 8);
		assert_int_equal(usbip_encode_header(buf, &h), 0);
		rig_kernel_say(r, buf, sizeof(buf));
		if (i % 256 == 0) {
			rig_turn(r);
		}
	}
	rig_turn(r);
	close_fd(&r->kernel);
	for (int i = 0; i < 200 && r->ended == 0; i++) {
		usleep(10000);
		rig_turn(r);
	}
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_DETACHED);
}

static void
test_kernel_nonsense(void **state)
{
	struct rig *r = *state;

	memset(raw, 0x55, 48);
	rig_kernel_say(r, raw, 48);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_FAILED);
	assert_int_equal(gateway_fake_heard(&r->gw), 0);
}

static void
test_kernel_twice(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_submit(1, USBIP_DIR_IN, 1, 8);

	rig_say_header(r, &h);
	rig_say_header(r, &h);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_string_equal(r->end.why, "seqnum is already in use");
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

/* The gateway goes while the kernel waits: it gets everything back, also what it
 * says at the last moment, before its socket is closed. */
static void
test_drain(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_submit(1, USBIP_DIR_IN, 1, 64);
	struct usbip_header out = rig_submit(3, USBIP_DIR_OUT, 2, 64), got;
	uint8_t data[64] = {0};
	unsigned submits = 0, unlinks = 0;

	rig_say_header(r, &h);
	h.seqnum = 2;
	rig_say_header(r, &h);
	rig_turn(r);
	gateway_fake_hang_up(&r->gw);
	/* 2 is unlinked, 3 is new, 4 came in half: no answer, and no wait */
	rig_say_unlink(r, 10, 2);
	rig_say_header(r, &out);
	rig_kernel_say(r, data, sizeof(data));
	out.seqnum = 4;
	rig_say_header(r, &out);
	rig_kernel_say(r, data, 10);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	while (r->ngot > 0) {
		got = rig_take(r, 0, NULL);
		if (got.command == USBIP_RET_UNLINK) {
			assert_int_equal(got.seqnum, 10);
			assert_int_equal(
			    got.u.ret_unlink.status, USBIP_ECONNRESET);
			unlinks++;
			continue;
		}
		assert_int_equal(got.command, USBIP_RET_SUBMIT);
		assert_true(got.seqnum == 1 || got.seqnum == 3);
		assert_int_equal(
		    got.u.ret_submit.status, USBIP_ESHUTDOWN);
		submits++;
	}
	assert_int_equal(submits, 2);
	assert_int_equal(unlinks, 1);
}

/* More than the buffer of answers takes at once. */
static void
test_drain_many(void **state)
{
	struct rig *r = *state;
	struct usbip_header h = rig_submit(0, USBIP_DIR_IN, 1, 64);

	for (h.seqnum = 0; h.seqnum < 1000; h.seqnum++) {
		rig_say_header(r, &h);
	}
	rig_turn(r);
	gateway_fake_hang_up(&r->gw);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->ngot, 1000 * USBIP_HEADER_SIZE);
	rig_assert_drained(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_control),
	    RIG_TEST(test_bulk_sizes),
	    RIG_TEST(test_interrupt),
	    RIG_TEST(test_iso),
	    RIG_TEST(test_unlink),
	    RIG_TEST(test_too_long),
	    RIG_TEST(test_too_many_too_long),
	    RIG_TEST(test_cap),
	    RIG_TEST(test_both_ways),
	    RIG_TEST(test_slow_kernel),
	    RIG_TEST(test_kernel_closes),
	    RIG_TEST(test_gateway_closes),
	    RIG_TEST(test_drain),
	    RIG_TEST(test_drain_many),
	    RIG_TEST(test_kernel_closes_unread),
	    RIG_TEST(test_kernel_nonsense),
	    RIG_TEST(test_kernel_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
