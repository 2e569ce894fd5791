/*
 * policy/decode/bot against hosts that hide one command in another, and devices
 * that lie about status and size; and what is left after transfers failed, were
 * taken back or stalled.
 */
#include "tests/unit/bot_rig.h"

static const uint8_t read_10[10] = {0x28, 0, 0, 0, 0, 0, 0, 0, 8};
static const uint8_t write_10[10] = {0x2a, 0, 0, 0, 8, 0, 0, 0, 8};
static const uint8_t ready[6] = {0};

static enum decode_act
send_raw(const uint8_t *p, uint32_t len)
{
	struct unit u;

	memcpy(bot_room, p, len);
	return bot_submit_unit(&u, BOT_OUT, bot_room, len);
}

static void
test_bad_cbw(void **state)
{
	static const struct {
		uint8_t at, value, len;
	} bad[] = {
		{0, 'X', 31},
		{12, 0x81, 31},
		{12, 0x40, 31},
		{13, 0x10, 31},
		{14, 0, 31},
		{14, 17, 31},
		{14, 0x26, 31},
		{14, 5, 31},
		{0, 'U', 30},
		{0, 'U', 32},
		{0, 'U', 0},
	};
	uint8_t p[32] = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bot_up(state);
		bot_cbw(p, ready, 6, 0, 0, 0);
		p[bad[i].at] = bad[i].value;
		assert_int_equal(send_raw(p, bad[i].len), DECODE_EJECT);
		assert_int_equal(judge.ninvalid, 1);
		assert_int_equal(judge.invalid_hook, HOOK_SCSI);
		assert_int_equal(judge.nseen, 0);
		bot_down(state);
	}
}

/* Allowed commands that would carry another one behind their data. */
static void
test_smuggled(void **state)
{
	static const struct {
		uint8_t cdb[10];
		uint8_t len, is_in;
		uint32_t data;
	} bad[] = {
		{{0x00}, 6, 0, 31},			      /* no data */
		{{0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 0, 512}, /* a read */
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 0, 543},
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 0, 1024},
		{{0x15, 0x10, 0, 0, 4}, 6, 0, 35},
		{{0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 10, 1, 512},
	};
	uint8_t p[31];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bot_up(state);
		bot_cbw(p, bad[i].cdb, bad[i].len, bad[i].data, bad[i].is_in,
		    0);
		assert_int_equal(send_raw(p, 31), DECODE_EJECT);
		assert_int_equal(judge.ninvalid, 1);
		/* refused by a rule, it goes no further anyway */
		judge_list_add(&judge, VERDICT_DENY);
		assert_int_equal(send_raw(p, 31), DECODE_ANSWER);
		bot_down(state);
	}
}

/* A transfer where the protocol has none. */
static void
test_out_of_phase(void **state)
{
	enum { NOTHING, READ, WRITE };
	static const struct {
		uint8_t command; /* that goes before */
		uint8_t n;
		struct {
			uint8_t endpoint;
			uint32_t len;
		} steps[4]; /* the last is out of phase */
	} cases[] = {
		{NOTHING, 1, {{BOT_IN, 13}}},
		{NOTHING, 1, {{0x83, 8}}},
		{READ, 1, {{BOT_OUT, 31}}},
		{READ, 2, {{BOT_IN, 4096}, {BOT_IN, 12}}},
		{READ, 3, {{BOT_IN, 4096}, {BOT_IN, 13}, {BOT_IN, 13}}},
		{WRITE, 1, {{BOT_OUT, 4097}}},
		{WRITE, 1, {{BOT_OUT, 0}}},
		{WRITE, 2, {{BOT_OUT, 4096}, {BOT_OUT, 31}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bot_up(state);
		if (cases[i].command == READ) {
			bot_send(read_10, 10, 4096, 1);
		} else if (cases[i].command == WRITE) {
			bot_send(write_10, 10, 4096, 0);
		}
		for (unsigned s = 0; s < cases[i].n; s++) {
			struct unit u;

			assert_int_equal(
			    bot_submit_unit(&u, cases[i].steps[s].endpoint,
				bot_room, cases[i].steps[s].len),
			    s + 1 < cases[i].n ? DECODE_PASS : DECODE_EJECT);
		}
		assert_int_equal(judge.ninvalid, 1);
		bot_down(state);
	}
}

/* BOT 6.7: whatever the device makes of a command, its status must be one. */
static void
test_bad_csw(void **state)
{
	static const struct {
		uint8_t at, value, len;
	} bad[] = {
		{0, 'X', 13},
		{3, 'C', 13},
		{4, 0xff, 13},
		{12, 3, 13},
		{12, 0xff, 13},
		{9, 1, 13}, /* residue 256 of no data */
		{11, 0x80, 13},
		{0, 'U', 12},
		{0, 'U', 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct unit u;

		bot_up(state);
		bot_send(ready, 6, 0, 0);
		assert_int_equal(bot_submit_unit(&u, BOT_IN, bot_room, 13),
		    DECODE_PASS);
		bot_csw(bot_room, bot_tag, 0, 0);
		bot_room[bad[i].at] = bad[i].value;
		assert_int_equal(bot_back(&u, 0, bad[i].len), DECODE_EJECT);
		assert_int_equal(judge.ninvalid, 1);
		bot_down(state);
	}
}

/* A status while data is still under way: what is queued would be a command. */
static void
test_early_csw(void **state)
{
	struct unit data, csw;
	uint8_t p[13];

	(void)state;
	bot_send(write_10, 10, 4096, 0);
	assert_int_equal(
	    bot_submit_unit(&data, BOT_OUT, bot_room, 4096), DECODE_PASS);
	assert_int_equal(bot_submit_unit(&csw, BOT_IN, p, 13), DECODE_PASS);
	bot_csw(p, bot_tag, 0, 0);
	assert_int_equal(bot_back(&csw, 0, 13), DECODE_EJECT);
	assert_int_equal(judge.ninvalid, 1);
}

/* Data queued behind a CBW that may still be taken back. */
static void
test_early_data(void **state)
{
	struct unit u;
	uint8_t p[31];

	(void)state;
	bot_cbw(p, write_10, 10, 4096, 0, 0);
	assert_int_equal(bot_submit_unit(&u, BOT_OUT, p, 31), DECODE_PASS);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_OUT, bot_room, 4096), DECODE_EJECT);
	assert_int_equal(judge.ninvalid, 1);
}

static void
test_too_much_data(void **state)
{
	static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 36};
	struct unit u;

	(void)state;
	bot_send(inquiry, 6, 36, 1);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_IN, bot_room, 64), DECODE_PASS);
	assert_int_equal(bot_back(&u, 0, 37), DECODE_EJECT);
}

static void
must_be_broken(void)
{
	struct unit u;

	assert_int_equal(
	    bot_submit_unit(&u, BOT_OUT, bot_room, 31), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	assert_int_equal(
	    bot_submit_unit(&u, BOT_IN, bot_room, 13), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	assert_int_equal(u.actual, 0);
}

static enum decode_act
bulk_only_reset(int32_t status)
{
	struct unit u;
	enum decode_act act;

	unit_control(&u, 0x21, 0xff, 0, 0, NULL, 0, 1);
	act = bot->ops->submit(bot, &u);
	if (act != DECODE_PASS) {
		return act;
	}
	unit_done(&u, status, 0);
	return bot->ops->complete(bot, &u);
}

/* Each way to lose step, and back. */
static void
test_recovery(void **state)
{
	for (unsigned i = 0; i < 7; i++) {
		struct unit u, v;
		uint8_t p[31];

		bot_up(state);
		bot_cbw(p, i == 1 ? write_10 : read_10, 10, 4096, i != 1, 0);
		bot_submit_unit(&u, BOT_OUT, p, 31);
		if (i == 0) { /* the CBW is taken back */
			bot_back(&u, USBIP_ECONNRESET, 0);
		} else {
			bot_back(&u, 0, 31);
		}
		switch (i) {
		case 1: /* data out is taken back half way */
			bot_submit_unit(&u, BOT_OUT, bot_room, 4096);
			bot_back(&u, USBIP_ECONNRESET, 512);
			break;
		case 2: /* data in fails */
			bot_submit_unit(&u, BOT_IN, bot_room, 4096);
			bot_back(&u, USBIP_EPROTO, 512);
			break;
		case 3: /* the status is stalled again and again */
			bot_submit_unit(&u, BOT_IN, bot_room, 4096);
			bot_back(&u, USBIP_EPIPE, 0);
			for (unsigned k = 0; k < 3; k++) {
				assert_int_equal(bot_submit_unit(&u, BOT_IN,
						     bot_room, 13),
				    DECODE_PASS);
				bot_back(&u, USBIP_EPIPE, 0);
			}
			break;
		case 4: /* phase error */
			bot_submit_unit(&u, BOT_IN, bot_room, 4096);
			bot_back(&u, 0, 4096);
			assert_int_equal(
			    bot_status(0xffffffff, 2), DECODE_PASS);
			break;
		case 5: /* data after its end */
			bot_submit_unit(&u, BOT_IN, bot_room, 2048);
			bot_submit_unit(&v, BOT_IN, bot_room, 2048);
			bot_back(&u, 0, 512);
			bot_back(&v, 0, 100);
			assert_int_equal(v.actual, 0);
			assert_int_equal(v.status, USBIP_EPIPE);
			break;
		case 6: /* the status is taken back */
			bot_submit_unit(&u, BOT_IN, bot_room, 4096);
			bot_back(&u, 0, 4096);
			bot_submit_unit(&u, BOT_IN, bot_room, 13);
			bot_back(&u, USBIP_ECONNRESET, 0);
			break;
		}
		must_be_broken();
		assert_int_equal(bulk_only_reset(USBIP_EPIPE), DECODE_PASS);
		must_be_broken();
		if (i % 2 == 0) {
			assert_int_equal(bulk_only_reset(0), DECODE_PASS);
		} else {
			bot->ops->event(bot, DECODE_RESET, 0);
		}
		assert_int_equal(bot_command(ready, 6, 0, 0, 0, NULL, 0, 1)
				     .status,
		    0);
		assert_int_equal(judge.ninvalid, 0);
		bot_down(state);
	}
}

/* A STALL of the data is no error: the status follows. So does it after one of
 * its own. */
static void
test_stalls(void **state)
{
	struct unit u, v;

	(void)state;
	bot_send(read_10, 10, 4096, 1);
	bot_submit_unit(&u, BOT_IN, bot_room, 4096);
	assert_int_equal(bot_back(&u, USBIP_EPIPE, 512), DECODE_PASS);
	bot->ops->event(bot, DECODE_HALT_CLEARED, BOT_IN);
	bot_submit_unit(&u, BOT_IN, bot_room, 13);
	assert_int_equal(bot_back(&u, USBIP_EPIPE, 0), DECODE_PASS);
	bot->ops->event(bot, DECODE_HALT_CLEARED, BOT_IN);
	assert_int_equal(bot_status(3584, 1), DECODE_PASS);
	bot_send(write_10, 10, 4096, 0);
	bot_submit_unit(&u, BOT_OUT, bot_room, 2048);
	bot_submit_unit(&v, BOT_OUT, bot_room, 2048);
	assert_int_equal(bot_back(&u, USBIP_EPIPE, 512), DECODE_PASS);
	assert_int_equal(bot_back(&v, USBIP_ECONNRESET, 0), DECODE_PASS);
	assert_int_equal(bot_status(3584, 1), DECODE_PASS);
	/* an empty packet before the status */
	bot_send(ready, 6, 0, 0);
	bot_submit_unit(&u, BOT_IN, bot_room, 13);
	assert_int_equal(bot_back(&u, 0, 0), DECODE_PASS);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	/* a status in the place of data, as some devices do it */
	bot_send(read_10, 10, 4096, 1);
	bot_submit_unit(&u, BOT_IN, bot_room, 4096);
	bot_csw(bot_room, bot_tag, 4096, 1);
	assert_int_equal(bot_back(&u, 0, 13), DECODE_PASS);
	bot_send(ready, 6, 0, 0);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	assert_int_equal(judge.ninvalid, 0);
}

/* What was queued before a reset belongs to nothing, and while it is there no
 * command may follow: the device would take it for one. */
static void
test_stale(void **state)
{
	struct unit u, v;
	uint8_t p[31];

	(void)state;
	bot_send(write_10, 10, 4096, 0);
	bot_submit_unit(&u, BOT_OUT, bot_room, 31);
	bot_submit_unit(&v, BOT_IN, p, 13);
	assert_int_equal(bulk_only_reset(0), DECODE_ANSWER);
	bot->ops->event(bot, DECODE_RESET, 0);
	bot_cbw(bot_room, ready, 6, 0, 0, 0);
	assert_int_equal(send_raw(bot_room, 31), DECODE_ANSWER);
	assert_int_equal(bot_back(&u, 0, 31), DECODE_PASS);
	bot_csw(p, bot_tag, 0, 0);
	assert_int_equal(bot_back(&v, 0, 13), DECODE_PASS);
	assert_int_equal(v.actual, 0);
	assert_int_equal(v.status, USBIP_EPIPE);
	bot_send(ready, 6, 0, 0);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	assert_int_equal(judge.ninvalid, 0);
}

/* Two resets under way: behind the first a write begins, and when the second
 * goes through the device takes its data for a command. */
static void
test_reset_behind_reset(void **state)
{
	struct unit first, second;
	uint8_t p[31];

	(void)state;
	unit_control(&first, 0x21, 0xff, 0, 0, NULL, 0, 1);
	assert_int_equal(bot->ops->submit(bot, &first), DECODE_PASS);
	unit_control(&second, 0x21, 0xff, 0, 0, NULL, 0, 1);
	assert_int_equal(bot->ops->submit(bot, &second), DECODE_ANSWER);
	assert_int_equal(second.status, USBIP_EPIPE);
	/* nor does a port reset make room for a command before it ended */
	bot->ops->event(bot, DECODE_RESET, 0);
	bot_cbw(p, ready, 6, 0, 0, 0);
	assert_int_equal(send_raw(p, 31), DECODE_ANSWER);
	unit_done(&first, USBIP_ECONNRESET, 0);
	assert_int_equal(bot->ops->complete(bot, &first), DECODE_PASS);
	bot_send(ready, 6, 0, 0);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	assert_int_equal(judge.ninvalid, 0);
}

/* ------------------------------------------------------------------------ */
/* Capacity and LUNs                                                        */

static enum decode_act
say_capacity(int is_long, const uint8_t *data, uint32_t have, uint8_t status)
{
	static const uint8_t cdbs[2][16] = {
		{0x25}, {0x9e, 0x10, [13] = 32}};
	uint32_t len = is_long ? 32 : 8;
	struct unit u;

	bot_send(cdbs[is_long], is_long ? 16 : 10, len, 1);
	bot_submit_unit(&u, BOT_IN, bot_room, len);
	memset(bot_room, 0, len);
	memcpy(bot_room, data, have);
	bot_back(&u, 0, have);
	return bot_status(len - have, status);
}

static void
test_capacity(void **state)
{
	static const struct {
		uint8_t data[12];
		uint8_t is_long, have;
		enum decode_act act;
	} says[] = {
		{{0, 0, 1, 0, 0, 0, 2, 0}, 0, 8, DECODE_PASS},
		{{0, 0, 1, 0, 0, 0, 16, 0}, 0, 8, DECODE_PASS},
		{{0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0}, 0, 8, DECODE_PASS},
		{{0, 0, 1, 0, 0, 0, 0, 0}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0, 0, 0, 0, 1}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0, 0, 0, 1, 0}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0, 0, 0, 2, 8}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0, 0, 2, 0, 0}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0, 0x80, 0, 0, 0}, 0, 8, DECODE_EJECT},
		{{0, 0, 1, 0}, 0, 4, DECODE_EJECT},
		{{0}, 0, 0, DECODE_EJECT},
		{{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0}, 1, 12, DECODE_PASS},
		{{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 1}, 1, 12, DECODE_EJECT},
		{{0, 0, 0, 1, 0, 0, 0, 0}, 1, 8, DECODE_EJECT},
	};

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		bot_up(state);
		/* what a failed one says does not count */
		assert_int_equal(say_capacity(says[i].is_long, says[i].data,
				     says[i].have, 1),
		    DECODE_PASS);
		assert_int_equal(say_capacity(says[i].is_long, says[i].data,
				     says[i].have, 0),
		    says[i].act);
		bot_down(state);
	}
}

static void
test_capacity_changes(void **state)
{
	static const uint8_t one[8] = {0, 0, 1, 0, 0, 0, 2, 0};
	static const uint8_t less[8] = {0, 0, 0, 255, 0, 0, 2, 0};
	static const uint8_t wide[8] = {0, 0, 1, 0, 0, 0, 16, 0};
	static const uint8_t attention[18] = {0x70, 0, 6, [12] = 0x28};
	static const uint8_t fine[18] = {0x70};
	static const uint8_t sense[6] = {3, 0, 0, 0, 18};
	static const uint8_t load[6] = {0x1b, 0, 0, 0, 3};

	(void)state;
	assert_int_equal(say_capacity(0, one, 8, 0), DECODE_PASS);
	assert_int_equal(say_capacity(0, one, 8, 0), DECODE_PASS);
	/* another card, announced */
	bot_command(sense, 6, 18, 1, 0, attention, 18, 18);
	assert_int_equal(say_capacity(0, wide, 8, 0), DECODE_PASS);
	/* of another LUN */
	bot_command(sense, 6, 18, 1, 1, attention, 18, 18);
	assert_int_equal(say_capacity(0, wide, 8, 0), DECODE_PASS);
	/* loaded */
	bot_command(load, 6, 0, 0, 0, NULL, 0, 1);
	assert_int_equal(say_capacity(0, one, 8, 0), DECODE_PASS);
	/* none was announced */
	bot_command(sense, 6, 18, 1, 0, fine, 18, 18);
	assert_int_equal(say_capacity(0, less, 8, 0), DECODE_EJECT);
	assert_string_equal(
	    judge.invalid, "capacity changed without a change of medium");
	assert_int_equal(say_capacity(0, wide, 8, 0), DECODE_EJECT);
}

static enum decode_act
max_lun(uint8_t value, int32_t status)
{
	struct unit u;

	unit_control(&u, 0xa1, 0xfe, 0, 0, bot_room, 1, 1);
	assert_int_equal(bot->ops->submit(bot, &u), DECODE_PASS);
	bot_room[0] = value;
	unit_done(&u, status, status == 0);
	return bot->ops->complete(bot, &u);
}

static void
test_luns(void **state)
{
	uint8_t p[31];

	(void)state;
	assert_int_equal(max_lun(1, 0), DECODE_PASS);
	assert_int_equal(
	    bot_command(ready, 6, 0, 0, 1, NULL, 0, 1).status, 0);
	assert_int_equal(judge_list_last(&judge)->num[FACT_LUN], 1);
	bot_cbw(p, ready, 6, 0, 0, 2);
	assert_int_equal(send_raw(p, 31), DECODE_EJECT);
	assert_int_equal(max_lun(0, USBIP_EPIPE), DECODE_PASS);
	bot_cbw(p, ready, 6, 0, 0, 1);
	assert_int_equal(send_raw(p, 31), DECODE_EJECT);
	assert_int_equal(max_lun(15, 0), DECODE_PASS);
	assert_int_equal(max_lun(16, 0), DECODE_EJECT);
}

/* Another profile in the middle of a command: it goes on. Another alternate:
 * it does not. */
static void
test_attached_again(void **state)
{
	struct decode_iface iface = {.rec = &bot_rec, .config = &bot_parsed,
		.bytes = bot_config, .alt = &bot_parsed.alts[0]};
	struct judge_terms terms = {0};
	struct decode_how how = {.iface = &iface, .judge = &judge.judge,
		.terms = &terms, .host = &judge_list_host};
	struct desc_alt other = bot_parsed.alts[0];
	const char *what;

	(void)state;
	bot_send(ready, 6, 0, 0);
	assert_int_equal(bot->ops->attach(bot, &how, &what), 0);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	bot_send(ready, 6, 0, 0);
	other.alternate = 1;
	iface.alt = &other;
	assert_int_equal(bot->ops->attach(bot, &how, &what), 0);
	bot_send(ready, 6, 0, 0);
	assert_int_equal(bot_status(0, 0), DECODE_PASS);
	other.nendpoints = 1;
	assert_true(bot->ops->attach(bot, &how, &what) < 0);
	other.protocol = 0x62;
	assert_false(bot->ops->takes(&iface));
	assert_int_equal(bot->ops->tick(bot, 1), 0);
}

#define BOT_TEST(name) cmocka_unit_test_setup_teardown(name, bot_up, bot_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_cbw),
		cmocka_unit_test(test_smuggled),
		cmocka_unit_test(test_out_of_phase),
		cmocka_unit_test(test_bad_csw),
		BOT_TEST(test_early_csw),
		BOT_TEST(test_early_data),
		BOT_TEST(test_too_much_data),
		cmocka_unit_test(test_recovery),
		BOT_TEST(test_stalls),
		BOT_TEST(test_stale),
		BOT_TEST(test_reset_behind_reset),
		cmocka_unit_test(test_capacity),
		BOT_TEST(test_capacity_changes),
		BOT_TEST(test_luns),
		BOT_TEST(test_attached_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
