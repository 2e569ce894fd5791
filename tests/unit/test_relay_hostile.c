/*
 * vhci-glue/relay against a hostile gateway: each class of malformed reply ends
 * the connection with its reason, and the kernel sees not one byte of it. After
 * every one, an honest reply before it has passed.
 */
#include "tests/unit/relay_rig.h"

#include "policy/rules/rules.h"
#include "tests/unit/rnd.h"

static const struct usbip_ret_submit nothing;

/* A submit of 64 bytes IN on endpoint 1 that waits. */
static void
wait_for(struct rig *r, uint32_t seqnum)
{
	const struct usbip_header h = rig_submit(seqnum, USBIP_DIR_IN, 1, 64);

	rig_say_header(r, &h);
	rig_turn(r);
}

static void
wait_for_iso(struct rig *r, uint32_t seqnum, uint32_t direction)
{
	struct usbip_header h = rig_submit(seqnum, direction, 1, 300);
	uint8_t desc[USBIP_ISO_SIZE], data[300] = {0};

	h.u.submit.npackets = 3;
	rig_say_header(r, &h);
	if (direction == USBIP_DIR_OUT) {
		rig_kernel_say(r, data, sizeof(data));
	}
	for (uint32_t i = 0; i < 3; i++) {
		const struct usbip_iso iso = {i * 100, 100, 0, -18};

		usbip_encode_iso(desc, &iso);
		rig_kernel_say(r, desc, sizeof(desc));
	}
	rig_turn(r);
}

static void
test_unknown_seqnum(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	gateway_fake_say_ret(&r->gw, 2, &nothing, NULL, 0, NULL, 0);
	rig_assert_refused(
	    r, "reply to nothing that was submitted, or a second one");
}

static void
test_second_reply(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_answer(r, 1, 0, "good", 4, 4);
	rig_turn(r);
	(void)rig_take(r, 4, NULL);
	rig_answer(r, 1, 0, "evil", 4, 4);
	rig_assert_refused(
	    r, "reply to nothing that was submitted, or a second one");
}

static void
test_reply_after_unlink(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_say_unlink(r, 2, 1);
	rig_turn(r);
	gateway_fake_say_unlinked(&r->gw, 2, USBIP_ECONNRESET);
	rig_turn(r);
	(void)rig_take(r, 0, NULL);
	rig_answer(r, 1, 0, "late", 4, 4);
	rig_assert_refused(r, "reply to a transfer that was taken back");
}

static void
test_unlinked_twice(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_say_unlink(r, 2, 1);
	rig_turn(r);
	gateway_fake_say_unlinked(&r->gw, 2, USBIP_ECONNRESET);
	rig_turn(r);
	(void)rig_take(r, 0, NULL);
	gateway_fake_say_unlinked(&r->gw, 2, 0);
	rig_assert_refused(
	    r, "reply to no unlink that was sent, or a second one");
}

static void
test_unlinked_unasked(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	gateway_fake_say_unlinked(&r->gw, 7, 0);
	rig_assert_refused(
	    r, "reply to no unlink that was sent, or a second one");
}

static void
test_kinds_swapped(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	gateway_fake_say_unlinked(&r->gw, 1, USBIP_ECONNRESET);
	rig_assert_refused(r, "unlink's reply to a submit");
}

static void
test_kinds_swapped_too(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_say_unlink(r, 2, 1);
	rig_turn(r);
	gateway_fake_say_ret(&r->gw, 2, &nothing, NULL, 0, NULL, 0);
	rig_assert_refused(r, "submit's reply to an unlink");
}

/* The kernel's sender still reads the buffer that a reply would free. */
static void
test_reply_too_early(void **state)
{
	struct rig *r = *state;
	const struct usbip_header h = rig_submit(1, USBIP_DIR_OUT, 2, 1000);

	rig_say_header(r, &h);
	rig_kernel_say(r, "half", 4);
	rig_turn(r);
	rig_answer(r, 1, 0, NULL, 0, 1000);
	rig_assert_refused(r, "reply before the end of its submit");
}

static void
test_actual_too_long(void **state)
{
	struct rig *r = *state;
	uint8_t data[65] = {0};

	wait_for(r, 1);
	rig_answer(r, 1, 0, data, sizeof(data), 65);
	rig_assert_refused(r, "actual_length above what was asked");
}

/* CVE-2016-3955 had no bound at all. */
static void
test_actual_huge(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_answer(r, 1, 0, NULL, 0, 0xfffffff0);
	rig_assert_refused(r, "actual_length above what was asked");
}

static void
test_actual_too_long_out(void **state)
{
	struct rig *r = *state;
	const struct usbip_header h = rig_submit(1, USBIP_DIR_OUT, 2, 4);

	rig_say_header(r, &h);
	rig_kernel_say(r, "1234", 4);
	rig_turn(r);
	rig_answer(r, 1, 0, NULL, 0, 5);
	rig_assert_refused(r, "actual_length above what was asked");
}

static void
test_packets_from_nothing(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {.npackets = 1};
	const struct usbip_iso iso = {0, 0, 0, 0};

	wait_for(r, 1);
	gateway_fake_say_ret(&r->gw, 1, &ret, NULL, 0, &iso, 1);
	rig_assert_refused(r, "number of packets differs from submit");
}

static void
test_packets_grown(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {.npackets = 4};
	const struct usbip_iso iso[4] = {{0, 0, 0, 0}};

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, NULL, 0, iso, 4);
	rig_assert_refused(r, "number of packets differs from submit");
}

static void
test_packets_huge(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {.npackets = 0x80000003};

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, NULL, 0, NULL, 0);
	rig_assert_refused(r, "number of packets differs from submit");
}

/* Offsets that would make the kernel move memory where the gateway likes: they
 * are not passed on; the honest ones are put in their place. */
static void
test_iso_offsets(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 100, .npackets = 3};
	const struct usbip_iso evil[3] = {
	    {0xdeadbe00, 0xffffffff, 50, 0},
	    {0x7ffffff0, 0x7fffffff, 50, 0},
	    {0xffffffff, 1, 0, 0},
	};
	uint8_t data[100] = {1}, want[USBIP_ISO_SIZE];
	const uint8_t *body;

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, data, sizeof(data), evil, 3);
	rig_turn(r);
	(void)rig_take(r, 100 + 48, &body);
	for (uint32_t i = 0; i < 3; i++) {
		const struct usbip_iso honest = {
		    i * 100, 100, evil[i].actual_length, 0};

		usbip_encode_iso(want, &honest);
		assert_memory_equal(body + 100 + i * 16, want, 16);
	}
	assert_int_equal(r->ended, 0);
}

static void
test_iso_packet_too_long(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 101, .npackets = 3};
	const struct usbip_iso evil[3] = {{0, 101, 101, 0}};
	uint8_t data[101] = {0};

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, data, sizeof(data), evil, 3);
	rig_assert_refused(r, "packet longer than what was asked");
}

static void
test_iso_sum(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 100, .npackets = 3};
	const struct usbip_iso evil[3] = {{0, 100, 60, 0}, {100, 100, 60, 0}};
	uint8_t data[100] = {0};

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, data, sizeof(data), evil, 3);
	rig_assert_refused(r, "packets do not add up to actual_length");
}

/* Peers count OUT differently, and no data depends on it; the kernel would tear
 * the device down, so it gets the sum. */
static void
test_iso_sum_out(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 300, .npackets = 3};
	const struct usbip_iso evil[3] = {{0, 100, 100, 0}};
	struct usbip_header got;

	wait_for_iso(r, 1, USBIP_DIR_OUT);
	gateway_fake_say_ret(&r->gw, 1, &ret, NULL, 0, evil, 3);
	rig_turn(r);
	got = rig_take(r, 48, NULL);
	assert_int_equal(got.u.ret_submit.actual_length, 100);
	assert_int_equal(r->ended, 0);
}

/* Sums that wrap around 32 bits. */
static void
test_iso_wrap(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 0, .npackets = 3};
	const struct usbip_iso evil[3] = {
	    {0, 100, 0x80000000, 0}, {100, 100, 0x80000000, 0}};

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, NULL, 0, evil, 3);
	rig_assert_refused(r, "packet longer than what was asked");
}

/* Statuses that Linux does not know, positive ones among them: the kernel gets
 * EPROTO, never the number. */
static void
test_statuses(void **state)
{
	static const int32_t bad[] = {
	    1, 104, INT32_MAX, INT32_MIN, -1, -115, -512, -4096};
	struct rig *r = *state;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct usbip_header got;

		wait_for(r, i);
		rig_answer(r, i, bad[i], NULL, 0, 0);
		rig_turn(r);
		got = rig_take(r, 0, NULL);
		assert_int_equal(got.u.ret_submit.status, USBIP_EPROTO);
	}
	assert_int_equal(r->ended, 0);
}

/* What else a header carries does not come through. */
static void
test_other_fields(void **state)
{
	struct rig *r = *state;
	uint8_t evil[USBIP_HEADER_SIZE], want[USBIP_HEADER_SIZE] = {0};

	wait_for(r, 0x01020304);
	memset(evil, 0xee, sizeof(evil));
	memcpy(evil, "\0\0\0\3\1\2\3\4", 8);
	memset(evil + 0x14, 0, 8);  /* status, actual_length */
	memset(evil + 0x20, 0xff, 4); /* the other way to say 0 packets */
	gateway_fake_say(&r->gw, evil, sizeof(evil));
	rig_turn(r);
	memcpy(want, evil, 8);
	assert_int_equal(r->ngot, sizeof(want));
	assert_memory_equal(r->got, want, sizeof(want));
}

static void
test_unknown_command(void **state)
{
	struct rig *r = *state;
	uint8_t pdu[USBIP_HEADER_SIZE] = {0, 0, 0, 9, 0, 0, 0, 1};

	wait_for(r, 1);
	gateway_fake_say(&r->gw, pdu, sizeof(pdu));
	rig_assert_refused(r, "unknown command");
}

static void
test_command_back(void **state)
{
	struct rig *r = *state;
	const struct usbip_header h = rig_submit(1, USBIP_DIR_IN, 1, 64);

	wait_for(r, 1);
	gateway_fake_say_header(&r->gw, &h);
	rig_assert_refused(r, "command where a reply belongs");
}

static void
test_truncated(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	rig_answer(r, 1, 0, "only ten b", 10, 64);
	gateway_fake_hang_up(&r->gw);
	rig_assert_refused(r, "the connection ended inside a reply");
}

static void
test_truncated_header(void **state)
{
	struct rig *r = *state;

	wait_for(r, 1);
	gateway_fake_say(&r->gw, "\0\0\0\3\0", 5);
	gateway_fake_hang_up(&r->gw);
	rig_assert_refused(r, "the connection ended inside a reply");
}

/* Every cut of a good reply: nothing reaches the kernel before the last byte. */
static void
test_not_one_byte(void **state)
{
	struct rig *r = *state;
	const struct usbip_ret_submit ret = {
	    .actual_length = 30, .npackets = 3};
	const struct usbip_iso iso[3] = {
	    {0, 100, 10, 0}, {100, 100, 10, 0}, {200, 100, 10, 0}};
	uint8_t data[30] = {0};
	size_t whole;

	wait_for_iso(r, 1, USBIP_DIR_IN);
	gateway_fake_say_ret(&r->gw, 1, &ret, data, sizeof(data), iso, 3);
	whole = r->gw.out_tail;
	assert_int_equal(whole, 48 + 30 + 48);
	for (size_t i = 0; i < whole; i++) {
		r->gw.out_tail = i + 1;
		/* a fake that has said all resets; say one byte by hand */
		assert_int_equal(
		    stream_write(r->gw.stream, r->gw.out + i, 1), 1);
		loop_once(r->loop, LOOP_NOWAIT);
		rig_kernel_read(r);
		assert_int_equal(r->ngot, i + 1 < whole ? 0 : whole);
	}
	r->gw.out_head = r->gw.out_tail = 0;
}

/* --- a device that changes its face --- */

static void
read_descriptor(struct rig *r, uint32_t seqnum, uint8_t type,
    const uint8_t *data, uint16_t len)
{
	const struct usbip_header h =
	    rig_get_descriptor(seqnum, type, 0, len);

	rig_say_header(r, &h);
	rig_turn(r);
	rig_answer(r, seqnum, 0, data, len, len);
	rig_turn(r);
}

static void
test_device_differs(void **state)
{
	struct rig *r = *state;
	uint8_t d[18];

	memcpy(d, gateway_fake_drive_device, 18);
	d[10] ^= 1;
	read_descriptor(r, 1, 1, d, 18);
	rig_assert_refused(
	    r, "device descriptor differs from the one imported");
}

/* CVE-2024-53197: a second read with more configurations. */
static void
test_device_changes(void **state)
{
	struct rig *r = *state;
	uint8_t d[18];

	memcpy(d, gateway_fake_drive_device, 18);
	read_descriptor(r, 1, 1, d, 18);
	(void)rig_take(r, 18, NULL);
	d[17] = 2;
	read_descriptor(r, 2, 1, d, 18);
	rig_assert_refused(
	    r, "device descriptor differs from the one imported");
}

static void
test_device_changes_elsewhere(void **state)
{
	struct rig *r = *state;
	uint8_t d[18];

	memcpy(d, gateway_fake_drive_device, 18);
	read_descriptor(r, 1, 1, d, 8);
	(void)rig_take(r, 8, NULL);
	d[7] = 8;
	read_descriptor(r, 2, 1, d, 18);
	rig_assert_refused(
	    r, "device descriptor differs from an earlier read");
}

static void
test_config_changes(void **state)
{
	struct rig *r = *state;
	uint8_t c[32] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 8, 6};

	read_descriptor(r, 1, 2, c, 9);
	(void)rig_take(r, 9, NULL);
	read_descriptor(r, 2, 2, c, 32);
	(void)rig_take(r, 32, NULL);
	c[14] = 3; /* now it is a keyboard */
	read_descriptor(r, 3, 2, c, 32);
	rig_assert_refused(r, "descriptor differs from an earlier read");
}

/* --- anything at all --- */

#define OPEN 12u

/* What was submitted in one round, by seqnum. */
struct open {
	struct usbip_header hdr;
	uint32_t npackets;
};

static void
submit_some(struct rig *r, struct rnd *rnd, struct open *opened)
{
	uint8_t desc[USBIP_ISO_SIZE], data[512] = {0};

	for (uint32_t i = 0; i < OPEN; i++) {
		struct open *o = &opened[i];

		o->npackets = rnd_below(rnd, 3) == 0 ? 4 : 0;
		o->hdr = rig_submit(i, rnd_below(rnd, 2), 1,
		    o->npackets > 0 ? 400 : rnd_below(rnd, 500));
		o->hdr.u.submit.npackets = o->npackets;
		rig_say_header(r, &o->hdr);
		if (o->hdr.direction == USBIP_DIR_OUT) {
			rig_kernel_say(r, data, o->hdr.u.submit.length);
		}
		for (uint32_t k = 0; k < o->npackets; k++) {
			const struct usbip_iso iso = {k * 100, 100, 0, -18};

			usbip_encode_iso(desc, &iso);
			rig_kernel_say(r, desc, sizeof(desc));
		}
	}
	rig_turn(r);
}

/* An honest answer to each, in the fake's buffer. */
static void
answer_all(struct rig *r, struct rnd *rnd, const struct open *opened)
{
	uint8_t data[512] = {0};

	for (uint32_t i = 0; i < OPEN; i++) {
		const struct open *o = &opened[i];
		uint32_t len = o->hdr.u.submit.length;
		struct usbip_ret_submit ret = {
		    .actual_length = rnd_below(rnd, len + 1),
		    .npackets = o->npackets,
		};
		struct usbip_iso iso[4];

		for (uint32_t k = 0; k < o->npackets; k++) {
			iso[k] = (struct usbip_iso){
			    k * 100, 100, rnd_below(rnd, 101), 0};
			ret.actual_length = k == 0
			    ? iso[k].actual_length
			    : ret.actual_length + iso[k].actual_length;
		}
		gateway_fake_say_ret(&r->gw, i, &ret, data,
		    o->hdr.direction == USBIP_DIR_IN ? ret.actual_length : 0,
		    iso, o->npackets);
	}
}

/* Whatever came through is a reply that a kernel may believe. */
static void
assert_believable(struct rig *r, const struct open *opened)
{
	int is_answered[OPEN] = {0};

	while (r->ngot > 0) {
		struct usbip_header h;
		const struct open *o;
		const uint8_t *body;
		uint32_t data, sum = 0;

		assert_true(r->ngot >= USBIP_HEADER_SIZE);
		assert_int_equal(usbip_decode_header(&h, r->got, r->ngot), 0);
		assert_int_equal(h.command, USBIP_RET_SUBMIT);
		assert_true(h.seqnum < OPEN);
		assert_false(is_answered[h.seqnum]);
		is_answered[h.seqnum] = 1;
		o = &opened[h.seqnum];
		assert_int_equal(h.devid | h.direction | h.ep, 0);
		assert_int_equal(h.u.ret_submit.start_frame, 0);
		assert_true(h.u.ret_submit.status <= 0 &&
		    h.u.ret_submit.status > -200);
		assert_true(h.u.ret_submit.actual_length <=
		    o->hdr.u.submit.length);
		if (h.u.ret_submit.status == USBIP_ESHUTDOWN &&
		    h.u.ret_submit.npackets == 0) {
			/* the relay's last word, without packets */
			assert_int_equal(h.u.ret_submit.actual_length, 0);
			(void)rig_take(r, 0, NULL);
			continue;
		}
		assert_int_equal(h.u.ret_submit.npackets, o->npackets);
		data = o->hdr.direction == USBIP_DIR_IN
		    ? h.u.ret_submit.actual_length
		    : 0;
		(void)rig_take(
		    r, data + o->npackets * USBIP_ISO_SIZE, &body);
		for (uint32_t k = 0; k < o->npackets; k++) {
			struct usbip_iso iso;

			assert_int_equal(
			    usbip_decode_iso(&iso, body + data + k * 16, 16),
			    0);
			assert_int_equal(iso.offset, k * 100);
			assert_int_equal(iso.length, 100);
			assert_true(iso.actual_length <= 100);
			sum += iso.actual_length;
		}
		assert_true(o->npackets == 0 ||
		    sum == h.u.ret_submit.actual_length);
	}
}

/* Honest answers with a few bytes, now and then, that are anything. */
static void
test_mutations(void **state)
{
	struct rnd rnd = {20261122};
	unsigned refused = 0, passed = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct open opened[OPEN];
		void *rig = NULL;
		struct rig *r;

		assert_int_equal(rig_setup(&rig), 0);
		r = rig;
		submit_some(r, &rnd, opened);
		answer_all(r, &rnd, opened);
		for (uint32_t n = rnd_below(&rnd, 4); n > 0; n--) {
			uint32_t at =
			    rnd_below(&rnd, (uint32_t)r->gw.out_tail);

			/* near a header's numbers more often than not */
			r->gw.out[rnd_below(&rnd, 2) ? at : at % 48] =
			    (uint8_t)rnd_u32(&rnd);
		}
		for (int i = 0; i < 3; i++) {
			rig_turn(r);
		}
		assert_believable(r, opened);
		if (r->ended > 0) {
			assert_int_equal(r->end.kind, ENDING_REFUSED);
			assert_non_null(r->end.why);
			refused++;
		} else {
			passed++;
		}
		(void)rig_teardown(&rig);
	}
	assert_true(refused > 50);
	assert_true(passed > 50);
}

/* The device was accepted as a mouse; what the kernel reads then is a
 * keyboard's. */
static void
test_report_of_a_keyboard(void **state)
{
	static const char mouse[] = "\x05\x01\x09\x02\xa1\x01\xc0";
	static const char keys[] = "\x05\x01\x09\x06\xa1\x01\xc0";
	struct rig *r = *state;
	struct usbip_header h = rig_get_descriptor(1, 0x22, 0, 64);
	uint8_t hid[SEEN_NUMBERS] = {SEEN_HID_ALL & ~RULE_HID_KEYBOARD};

	seen_seal(r->seen, hid);
	h.u.submit.setup[0] = 0x81;
	rig_say_header(r, &h);
	rig_turn(r);
	rig_answer(r, 1, 0, mouse, 7, 7);
	rig_turn(r);
	(void)rig_take(r, 7, NULL);
	h.seqnum = 2;
	rig_say_header(r, &h);
	rig_turn(r);
	rig_answer(r, 2, 0, keys, 7, 7);
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_DENIED);
	rig_assert_drained(r);
}

/* Judged in short reads, shown whole, and then with more behind it. */
static void
test_config_grows(void **state)
{
	static const uint8_t config[41] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4,
	    0, 0, 2, 8, 6, 0x50, 0, 7, 5, 0x81, 2, 0, 2, 0, 7, 5, 0x02, 2, 0, 2,
	    0, 9, 4, 1, 0, 0, 3, 1, 1, 0};
	static const uint8_t setup[8] = {0x80, 6, 0, 2, 0, 0, 32, 0};
	static const uint8_t hid[SEEN_NUMBERS];
	static const uint16_t lens[] = {9, 32, 41};
	const char *why;
	struct rig *r = *state;

	assert_int_equal(seen_check(r->seen, setup, config, 32, &why), 0);
	seen_seal(r->seen, hid);
	for (uint32_t i = 0; i < 3; i++) {
		const struct usbip_header h =
		    rig_get_descriptor(i + 1, 2, 0, lens[i]);

		rig_say_header(r, &h);
		rig_turn(r);
		rig_answer(r, i + 1, 0, config, lens[i], lens[i]);
		if (i < 2) {
			rig_turn(r);
			(void)rig_take(r, lens[i], NULL);
		}
	}
	rig_assert_refused(
	    r, "configuration is longer than the one accepted");
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_unknown_seqnum),
	    RIG_TEST(test_second_reply),
	    RIG_TEST(test_reply_after_unlink),
	    RIG_TEST(test_unlinked_twice),
	    RIG_TEST(test_unlinked_unasked),
	    RIG_TEST(test_kinds_swapped),
	    RIG_TEST(test_kinds_swapped_too),
	    RIG_TEST(test_reply_too_early),
	    RIG_TEST(test_actual_too_long),
	    RIG_TEST(test_actual_huge),
	    RIG_TEST(test_actual_too_long_out),
	    RIG_TEST(test_packets_from_nothing),
	    RIG_TEST(test_packets_grown),
	    RIG_TEST(test_packets_huge),
	    RIG_TEST(test_iso_offsets),
	    RIG_TEST(test_iso_packet_too_long),
	    RIG_TEST(test_iso_sum),
	    RIG_TEST(test_iso_sum_out),
	    RIG_TEST(test_iso_wrap),
	    RIG_TEST(test_statuses),
	    RIG_TEST(test_other_fields),
	    RIG_TEST(test_unknown_command),
	    RIG_TEST(test_command_back),
	    RIG_TEST(test_truncated),
	    RIG_TEST(test_truncated_header),
	    RIG_TEST(test_not_one_byte),
	    RIG_TEST(test_device_differs),
	    RIG_TEST(test_device_changes),
	    RIG_TEST(test_device_changes_elsewhere),
	    RIG_TEST(test_report_of_a_keyboard),
	    RIG_TEST(test_config_grows),
	    RIG_TEST(test_config_changes),
	    cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
