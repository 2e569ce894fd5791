/*
 * policy/decode/bot: what a driver sends when a stick is plugged, mounted,
 * written and ejected; and refusals, which the device never hears of and after
 * which everything goes on.
 */
#include "policy/facts/scsi.h"
#include "tests/unit/bot_rig.h"

static const uint8_t zeros[4096];
static const uint8_t capacity[8] = {0, 0x0e, 0xff, 0xff, 0, 0, 2, 0};
static const uint8_t header_6[4] = {3, 0, 0, 0};
static const uint8_t header_10[8] = {0, 6, 0, 0, 0, 0, 0, 0};

/* usb-storage and sd of Linux, in their order. */
static const struct said {
	const char *what;
	uint8_t cdb[16];
	uint8_t cdb_len, is_in;
	uint32_t len;
	const uint8_t *data;
	uint32_t have;
	uint16_t op;
	uint64_t first, last; /* of blocks; ~0, 0: no such fact */
} plugged[] = {
	{"inquiry", {0x12, 0, 0, 0, 36}, 6, 1, 36, zeros, 36, 0x12, ~0ull, 0},
	{"test unit ready", {0}, 6, 0, 0, NULL, 0, 0, ~0ull, 0},
	{"request sense", {3, 0, 0, 0, 18}, 6, 1, 18, zeros, 18, 3, ~0ull, 0},
	{"read capacity", {0x25}, 10, 1, 8, capacity, 8, 0x25, ~0ull, 0},
	{"mode sense, all pages", {0x1a, 0, 0x3f, 0, 192}, 6, 1, 192, header_6,
	    4, 0x1a, ~0ull, 0},
	{"mode sense, caching", {0x1a, 0, 8, 0, 4}, 6, 1, 4, header_6, 4, 0x1a,
	    ~0ull, 0},
	{"VPD page 0", {0x12, 1, 0, 0, 4}, 6, 1, 4, zeros, 4, 0x12, ~0ull, 0},
	{"first block", {0x28, 0, 0, 0, 0, 0, 0, 0, 8}, 10, 1, 4096, zeros,
	    4096, 0x28, 0, 7},
	{"prevent removal", {0x1e, 0, 0, 0, 1}, 6, 0, 0, NULL, 0, 0x1e, ~0ull,
	    0},
	{"write", {0x2a, 0, 0, 0, 8, 0, 0, 0, 8}, 10, 0, 4096, NULL, 0, 0x2a,
	    2048, 2055},
	{"synchronize cache", {0x35}, 10, 0, 0, NULL, 0, 0x35, 0, ~0ull},
	{"allow removal", {0x1e}, 6, 0, 0, NULL, 0, 0x1e, ~0ull, 0},
	{"eject", {0x1b, 0, 0, 0, 2}, 6, 0, 0, NULL, 0, 0x1b, ~0ull, 0},
};

static void
test_honest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plugged) / sizeof(plugged[0]); i++) {
		const struct said *s = &plugged[i];
		const struct facts *f;
		struct bot_result r;

		r = bot_command(s->cdb, s->cdb_len, s->len, s->is_in, 0,
		    s->data, s->have, 4096);
		assert_true(r.reached);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.residue, s->len - r.got);
		f = judge_list_last(&judge);
		assert_int_equal(judge.nseen, i + 1);
		assert_int_equal(f->hook, HOOK_SCSI);
		assert_int_equal(f->num[FACT_OP], s->op);
		assert_int_equal(f->num[FACT_LUN], 0);
		assert_int_equal(f->num[FACT_LEN], s->len);
		assert_int_equal(f->nbytes, s->cdb_len);
		assert_memory_equal(f->bytes, s->cdb, s->cdb_len);
		assert_int_equal(facts_has(f, FACT_LBA),
		    s->first != ~0ull);
		if (facts_has(f, FACT_LBA)) {
			assert_int_equal(f->num[FACT_LBA], s->first);
			assert_int_equal(f->high, s->last);
		}
	}
	assert_int_equal(judge.ninvalid, 0);
}

/* The data of one command in many transfers, all submitted before the first
 * comes back. */
static void
test_queued(void **state)
{
	static const uint8_t read[10] = {0x28, 0, 0, 0, 0, 0, 0, 0, 128};
	struct unit u[4];

	(void)state;
	bot_send(read, 10, 65536, 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(bot_submit_unit(&u[i], BOT_IN,
				     bot_room + i * 16384, 16384),
		    DECODE_PASS);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(bot_back(&u[i], 0, 16384), DECODE_PASS);
		assert_int_equal(u[i].actual, 16384);
	}
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	/* a short one ends the data; what the driver had queued behind it, it
	 * takes back */
	bot_send(read, 10, 65536, 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(bot_submit_unit(&u[i], BOT_IN,
				     bot_room + i * 16384, 16384),
		    DECODE_PASS);
	}
	assert_int_equal(bot_back(&u[0], USBIP_EREMOTEIO, 512), DECODE_PASS);
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(
		    bot_back(&u[i], USBIP_ECONNRESET, 0), DECODE_PASS);
	}
	assert_int_equal(bot_status(65024, 1), DECODE_PASS);
	bot_send(read, 10, 65536, 1);
	assert_int_equal(judge.ninvalid, 0);
}

/* ------------------------------------------------------------------------ */
/* Refusals                                                                 */

static const uint8_t write_10[10] = {0x2a, 0, 0, 0, 8, 0, 0, 0, 8};
static const uint8_t read_10[10] = {0x28, 0, 0, 0, 0, 0, 0, 0, 8};
static const uint8_t sense_6[6] = {3, 0, 0, 0, 18};

static void
expect_sense(uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct bot_result r =
	    bot_command(sense_6, 6, 18, 1, 0, NULL, 0, 4096);

	assert_false(r.reached);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.got, 18);
	assert_int_equal(r.residue, 0);
	assert_int_equal(bot_room[0], 0x70);
	assert_int_equal(bot_room[2], key);
	assert_int_equal(bot_room[7], 10);
	assert_int_equal(bot_room[12], asc);
	assert_int_equal(bot_room[13], ascq);
}

static void
test_refused_write(void **state)
{
	struct bot_result r;
	struct ruling *ruling = judge_list_add(&judge, VERDICT_DENY);

	(void)state;
	ruling->how = HOW_SENSE;
	memcpy(ruling->sense, "\x07\x27\x00", 3);
	r = bot_command(write_10, 10, 4096, 0, 0, NULL, 0, 1024);
	assert_false(r.reached);
	assert_int_equal(r.status, 1);
	assert_int_equal(r.residue, 4096);
	expect_sense(0x07, 0x27, 0x00);
	/* likewise where the rule says no more than `deny' */
	judge_list_add(&judge, VERDICT_DENY);
	r = bot_command(write_10, 10, 4096, 0, 0, NULL, 0, 1024);
	assert_false(r.reached);
	expect_sense(0x07, 0x27, 0x00);
	/* the device is asked again now, and reading works */
	r = bot_command(sense_6, 6, 18, 1, 0, zeros, 18, 4096);
	assert_true(r.reached);
	r = bot_command(read_10, 10, 4096, 1, 0, zeros, 4096, 4096);
	assert_true(r.reached);
	assert_int_equal(r.status, 0);
	assert_int_equal(judge.ninvalid, 0);
}

static void
test_refused_read(void **state)
{
	struct bot_result r;
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_DENY);
	r = bot_command(read_10, 10, 4096, 1, 0, NULL, 0, 1024);
	assert_false(r.reached);
	assert_int_equal(r.got, 4096);
	assert_memory_equal(bot_room, zeros, 4096);
	assert_int_equal(r.status, 1);
	assert_int_equal(r.residue, 4096);
	/* no access rights: not that there is no such command, or Linux tries
	 * READ(6) at once */
	expect_sense(0x05, 0x20, 0x02);
	/* without data */
	judge_list_add(&judge, VERDICT_DENY);
	r = bot_command(zeros, 6, 0, 0, 0, NULL, 0, 1);
	assert_false(r.reached);
	assert_int_equal(r.status, 1);
	expect_sense(0x05, 0x20, 0x00);
	judge_list_add(&judge, VERDICT_DENY);
	r = bot_command(zeros, 6, 0, 0, 0, NULL, 0, 1);
	assert_false(r.reached);
	/* another command in between: that sense is gone */
	r = bot_command(zeros, 6, 0, 0, 0, NULL, 0, 1);
	assert_true(r.reached);
	r = bot_command(sense_6, 6, 18, 1, 0, zeros, 18, 4096);
	assert_true(r.reached);
	/* `deny stall': the data phase is stalled, the status still comes */
	judge_list_add(&judge, VERDICT_DENY)->how = HOW_STALL;
	bot_cbw(bot_room, read_10, 10, 4096, 1, 0);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_OUT, bot_room, 31), DECODE_ANSWER);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_IN, bot_room, 4096), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_IN, bot_room, 13), DECODE_ANSWER);
	assert_int_equal(u.status, 0);
	assert_int_equal(bot_room[12], 1);
	assert_int_equal(judge.ninvalid, 0);
}

/* Sense is kept for each LUN, in the form and length asked for. */
static void
test_sense(void **state)
{
	static const struct {
		uint8_t descriptor, allocation;
		uint32_t len, got;
		uint8_t first;
	} asks[] = {
		{0, 18, 18, 18, 0x70},
		{0, 96, 96, 18, 0x70},
		{0, 252, 18, 18, 0x70},
		{0, 8, 18, 8, 0x70},
		{0, 18, 4, 4, 0x70},
		{0, 0, 18, 0, 0xee},
		{1, 252, 252, 8, 0x72},
	};
	struct bot_result r;

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		uint8_t cdb[6] = {3, asks[i].descriptor, 0, 0,
			asks[i].allocation};

		judge_list_add(&judge, VERDICT_DENY);
		bot_command(write_10, 10, 512, 0, 3, NULL, 0, 512);
		/* of the other one, the device knows */
		r = bot_command(cdb, 6, asks[i].len, 1, 2, zeros,
		    asks[i].len, 4096);
		assert_true(r.reached);
		r = bot_command(cdb, 6, asks[i].len, 1, 3, NULL, 0, 4096);
		assert_false(r.reached);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.got, asks[i].got);
		assert_int_equal(r.residue, asks[i].len - asks[i].got);
		assert_int_equal(bot_room[0], asks[i].first);
	}
	assert_int_equal(judge.ninvalid, 0);
}

static void
test_short_not_ok(void **state)
{
	static const uint8_t cdb[6] = {3, 0, 0, 0, 96};
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_DENY);
	bot_command(write_10, 10, 512, 0, 0, NULL, 0, 512);
	bot_cbw(bot_room, cdb, 6, 96, 1, 0);
	bot_submit_unit(&u, BOT_OUT, bot_room, 31);
	unit_make(&u, BOT_IN, XFER_BULK, bot_room, 96, 1);
	u.flags = USBIP_URB_SHORT_NOT_OK;
	assert_int_equal(bot->ops->submit(bot, &u), DECODE_ANSWER);
	assert_int_equal(u.actual, 18);
	assert_int_equal(u.status, USBIP_EREMOTEIO);
}

static void
test_dropped(void **state)
{
	static const uint8_t sync[10] = {0x35};
	struct bot_result r;

	(void)state;
	judge_list_add(&judge, VERDICT_DROP);
	r = bot_command(sync, 10, 0, 0, 0, NULL, 0, 1);
	assert_false(r.reached);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.residue, 0);
	judge_list_add(&judge, VERDICT_DROP);
	r = bot_command(write_10, 10, 4096, 0, 0, NULL, 0, 4096);
	assert_false(r.reached);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.residue, 0);
	judge_list_add(&judge, VERDICT_DROP);
	r = bot_command(read_10, 10, 4096, 1, 0, NULL, 0, 512);
	assert_false(r.reached);
	assert_int_equal(r.got, 4096);
	assert_memory_equal(bot_room, zeros, 4096);
	assert_int_equal(r.residue, 0);
	r = bot_command(sense_6, 6, 18, 1, 0, zeros, 18, 4096);
	assert_true(r.reached);
}

static void
test_other_verdicts(void **state)
{
	uint8_t p[31], before[31];
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_ASK);
	judge_list_add(&judge, VERDICT_ASK);
	judge_list_add(&judge, VERDICT_ALLOW);
	bot_cbw(p, write_10, 10, 4096, 0, 0);
	memcpy(before, p, sizeof(p));
	assert_int_equal(bot_submit_unit(&u, BOT_OUT, p, 31), DECODE_HOLD);
	assert_int_equal(bot->ops->submit(bot, &u), DECODE_HOLD);
	assert_memory_equal(p, before, sizeof(p));
	assert_int_equal(bot->ops->submit(bot, &u), DECODE_PASS);
	assert_int_equal(bot_back(&u, 0, 31), DECODE_PASS);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_OUT, bot_room, 4096), DECODE_PASS);
	assert_int_equal(bot_back(&u, 0, 4096), DECODE_PASS);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	judge_list_add(&judge, VERDICT_EJECT);
	judge_list_add(&judge, VERDICT_QUARANTINE);
	bot_cbw(p, write_10, 10, 4096, 0, 0);
	assert_int_equal(bot_submit_unit(&u, BOT_OUT, p, 31), DECODE_EJECT);
	assert_int_equal(bot->ops->submit(bot, &u), DECODE_QUARANTINE);
	assert_int_equal(judge.ninvalid, 0);
}

/* ------------------------------------------------------------------------ */
/* MODE SENSE                                                               */

static void
test_write_protect(void **state)
{
	static const uint8_t modes[2][10] = {
		{0x1a, 0, 0x3f, 0, 192}, {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192}};
	static const uint8_t chunks[] = {192, 64, 4, 3, 2, 1};

	(void)state;
	for (unsigned is_long = 0; is_long < 2; is_long++) {
		unsigned at = is_long ? 3 : 2;
		const uint8_t *header = is_long ? header_10 : header_6;
		uint32_t n = is_long ? 8 : 4;

		for (size_t i = 0; i < sizeof(chunks); i++) {
			struct ruling *r =
			    judge_list_add(&judge, VERDICT_REWRITE);

			r->nedits = 1;
			r->edits[0].fact = FACT_WP;
			r->edits[0].value = i != 2;
			bot_command(modes[is_long], is_long ? 10 : 6, 192, 1,
			    0, header, n, chunks[i]);
			for (unsigned k = 0; k < n; k++) {
				assert_int_equal(bot_room[k], header[k] |
					(k == at && i != 2 ? 0x80 : 0));
			}
			assert_int_equal(bot_room[n], 0xee);
		}
	}
	/* a header that is cut before the byte; and another command */
	for (unsigned i = 0; i < 2; i++) {
		struct ruling *r = judge_list_add(&judge, VERDICT_REWRITE);

		r->nedits = 1;
		r->edits[0].fact = FACT_WP;
		r->edits[0].value = 1;
		if (i == 0) {
			bot_command(
			    modes[0], 6, 192, 1, 0, header_6, 2, 192);
			assert_int_equal(bot_room[2], 0xee);
		} else {
			bot_command(
			    read_10, 10, 4096, 1, 0, zeros, 4096, 4096);
			assert_memory_equal(bot_room, zeros, 4096);
		}
	}
	assert_int_equal(judge.ninvalid, 0);
}

/* What lies behind a CDB does not reach the device. */
static void
test_behind_cdb(void **state)
{
	uint8_t p[31];
	struct unit u;

	(void)state;
	bot_cbw(p, sense_6, 6, 18, 1, 0);
	memset(p + 21, 0xa5, 10);
	assert_int_equal(bot_submit_unit(&u, BOT_OUT, p, 31), DECODE_PASS);
	assert_memory_equal(p + 15, sense_6, 6);
	assert_memory_equal(p + 21, zeros, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_honest, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(test_queued, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_refused_write, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_refused_read, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(test_sense, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_short_not_ok, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_dropped, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_other_verdicts, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_write_protect, bot_up, bot_down),
		cmocka_unit_test_setup_teardown(
		    test_behind_cdb, bot_up, bot_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
