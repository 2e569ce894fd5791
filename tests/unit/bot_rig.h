/*
 * A Bulk-Only disk with one interface, and a host that sends it whole commands
 * as usb-storage does: CBW, data, CSW, each after the one before.
 */
#ifndef TESTS_UNIT_BOT_RIG_H
#define TESTS_UNIT_BOT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/list.h"
#include "tests/fake/judge_list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define BOT_IN 0x81
#define BOT_OUT 0x02

static const uint8_t bot_config[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 2, 8, 6, 0x50, 0,
	7, 5, BOT_IN, 2, 0, 2, 0, 7, 5, BOT_OUT, 2, 0, 2, 0};

static struct judge_list judge;
static struct devrec bot_rec;
static struct desc_config bot_parsed;
static struct decoder *bot;
static uint32_t bot_tag;
static uint8_t bot_room[128 * 1024];

static int
bot_up(void **state)
{
	(void)state;
	judge_list_init(&judge);
	bot = judge_list_attach(&judge, &decode_bot, &bot_rec, &bot_parsed,
	    bot_config, sizeof(bot_config), 0, 0, NULL, 0, NULL);
	assert_non_null(bot);
	bot_tag = 100;
	return 0;
}

static int
bot_down(void **state)
{
	(void)state;
	free(bot);
	return 0;
}

static void
bot_cbw(uint8_t p[31], const uint8_t *cdb, unsigned cdb_len, uint32_t len,
    int is_in, unsigned lun)
{
	memset(p, 0, 31);
	memcpy(p, "USBC", 4);
	le32_put(p + 4, ++bot_tag);
	le32_put(p + 8, len);
	p[12] = is_in ? 0x80 : 0;
	p[13] = (uint8_t)lun;
	p[14] = (uint8_t)cdb_len;
	memcpy(p + 15, cdb, cdb_len);
}

static void
bot_csw(uint8_t p[13], uint32_t tag, uint32_t residue, uint8_t status)
{
	memcpy(p, "USBS", 4);
	le32_put(p + 4, tag);
	le32_put(p + 8, residue);
	p[12] = status;
}

/* One bulk transfer, submitted. */
static enum decode_act
bot_submit_unit(struct unit *u, uint8_t endpoint, void *data, uint32_t len)
{
	unit_make(u, endpoint, XFER_BULK, data, len, 1);
	return bot->ops->submit(bot, u);
}

static enum decode_act
bot_back(struct unit *u, int32_t status, uint32_t actual)
{
	unit_done(u, status, actual);
	return bot->ops->complete(bot, u);
}

/* A whole CBW that goes through to the device. */
static void
bot_send(const uint8_t *cdb, unsigned cdb_len, uint32_t len, int is_in)
{
	uint8_t p[31];
	struct unit u;

	bot_cbw(p, cdb, cdb_len, len, is_in, 0);
	assert_int_equal(bot_submit_unit(&u, BOT_OUT, p, 31), DECODE_PASS);
	assert_int_equal(bot_back(&u, 0, 31), DECODE_PASS);
}

/* The device's status, read by the host. */
static enum decode_act
bot_status(uint32_t residue, uint8_t status)
{
	uint8_t p[13];
	struct unit u;

	assert_int_equal(bot_submit_unit(&u, BOT_IN, p, 13), DECODE_PASS);
	bot_csw(p, bot_tag, residue, status);
	return bot_back(&u, 0, 13);
}

/* What came of a command, as the host sees it. */
struct bot_result {
	int reached; /* the device had the CBW */
	uint32_t got; /* bytes of data that came in */
	uint32_t residue;
	int status; /* of the CSW */
};

/* data: what the device sends, have bytes; the host reads chunk at a time. */
static struct bot_result
bot_command(const uint8_t *cdb, unsigned cdb_len, uint32_t len, int is_in,
    unsigned lun, const uint8_t *data, uint32_t have, uint32_t chunk)
{
	struct bot_result r = {.status = -1};
	uint8_t p[31];
	struct unit u;
	enum decode_act act;
	uint32_t at = 0;

	bot_cbw(p, cdb, cdb_len, len, is_in, lun);
	act = bot_submit_unit(&u, BOT_OUT, p, 31);
	r.reached = act == DECODE_PASS;
	if (act == DECODE_PASS) {
		act = bot_back(&u, 0, 31);
	} else {
		assert_int_equal(act, DECODE_ANSWER);
		assert_int_equal(u.actual, 31);
		act = DECODE_PASS;
	}
	assert_int_equal(act, DECODE_PASS);
	memset(bot_room, 0xee, sizeof(bot_room));
	while (at < len) {
		uint32_t n = len - at < chunk ? len - at : chunk, m = n;

		act = bot_submit_unit(&u, is_in ? BOT_IN : BOT_OUT,
		    bot_room + at, n);
		assert_int_equal(
		    act, r.reached ? DECODE_PASS : DECODE_ANSWER);
		if (r.reached) {
			if (is_in) {
				m = have - at < n ? have - at : n;
				memcpy(bot_room + at, data + at, m);
			}
			assert_int_equal(bot_back(&u, 0, m), DECODE_PASS);
		}
		assert_int_equal(u.status, 0);
		at += u.actual;
		if (u.actual < n) {
			break;
		}
	}
	r.got = at;
	act = bot_submit_unit(&u, BOT_IN, p, 13);
	assert_int_equal(act, r.reached ? DECODE_PASS : DECODE_ANSWER);
	if (r.reached) {
		bot_csw(p, bot_tag, len - at, 0);
		assert_int_equal(bot_back(&u, 0, 13), DECODE_PASS);
	}
	assert_int_equal(u.actual, 13);
	assert_memory_equal(p, "USBS", 4);
	assert_int_equal(le32_at(p + 4), bot_tag);
	r.residue = le32_at(p + 8);
	r.status = p[12];
	return r;
}

#endif
