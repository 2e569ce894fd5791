/*
 * policy/decode/raw and dfu: each verdict on each kind of transfer, either way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/list.h"
#include "tests/fake/judge_list.h"
#include "wire/usbip.h"

static const uint8_t vendor[] = {9, 2, 25, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 1, 0xff, 0, 0, 0, 7, 5, 0x81, 3, 8, 0, 1};
static const uint8_t firmware[] = {9, 2, 18, 0, 1, 1, 0, 0x80, 50,
	9, 4, 0, 0, 0, 0xfe, 1, 2, 0};

static struct judge_list judge;
static struct devrec rec;
static struct desc_config parsed;
static uint8_t data[64], zeros[64];

static struct decoder *
attach(const struct decoder_ops *ops, const uint8_t *bytes, size_t len)
{
	judge_list_init(&judge);
	return judge_list_attach(
	    &judge, ops, &rec, &parsed, bytes, len, 0, 0, NULL, 0, NULL);
}

#define ZEROED 1 /* zeros instead of the bytes */
#define KEPT 0

static const struct {
	uint8_t endpoint, type;
	enum verdict verdict;
	int32_t status, out_status; /* as it came, as it is given */
	uint32_t actual, out_actual;
	enum decode_act act;
	int bytes;
} rulings[] = {
	/* out */
	{2, XFER_BULK, VERDICT_ALLOW, 0, 0, 0, 0, DECODE_PASS, KEPT},
	{2, XFER_BULK, VERDICT_REWRITE, 0, 0, 0, 0, DECODE_PASS, KEPT},
	{2, XFER_BULK, VERDICT_DENY, 0, USBIP_EPIPE, 0, 0, DECODE_ANSWER, KEPT},
	{2, XFER_BULK, VERDICT_DROP, 0, 0, 0, 64, DECODE_ANSWER, KEPT},
	{2, XFER_BULK, VERDICT_ASK, 0, 0, 0, 0, DECODE_HOLD, KEPT},
	{2, XFER_BULK, VERDICT_EJECT, 0, 0, 0, 0, DECODE_EJECT, KEPT},
	{2, XFER_INT, VERDICT_QUARANTINE, 0, 0, 0, 0, DECODE_QUARANTINE, KEPT},
	{2, XFER_ISO, VERDICT_DROP, 0, 0, 0, 0, DECODE_PASS, ZEROED},
	{2, XFER_ISO, VERDICT_ASK, 0, USBIP_EPIPE, 0, 0, DECODE_ANSWER, KEPT},
	/* in */
	{0x81, XFER_INT, VERDICT_ALLOW, 0, 0, 9, 9, DECODE_PASS, KEPT},
	{0x81, XFER_INT, VERDICT_DENY, 0, USBIP_EPIPE, 9, 0, DECODE_PASS, KEPT},
	{0x81, XFER_INT, VERDICT_DROP, 0, 0, 9, 9, DECODE_AGAIN, KEPT},
	{0x81, XFER_INT, VERDICT_ASK, 0, 0, 9, 9, DECODE_HOLD, KEPT},
	{0x81, XFER_BULK, VERDICT_EJECT, 0, 0, 9, 9, DECODE_EJECT, KEPT},
	{0x81, XFER_ISO, VERDICT_DROP, 0, 0, 9, 9, DECODE_PASS, ZEROED},
	{0x81, XFER_ISO, VERDICT_ASK, 0, USBIP_EPIPE, 9, 0, DECODE_PASS, KEPT},
	/* what failed is over, dropped or not */
	{0x81, XFER_BULK, VERDICT_DROP, USBIP_EPIPE, USBIP_EPIPE, 5, 0,
	    DECODE_PASS, KEPT},
	{0x81, XFER_BULK, VERDICT_DROP, USBIP_ECONNRESET, USBIP_ECONNRESET, 5,
	    0, DECODE_PASS, KEPT},
	{0x81, XFER_BULK, VERDICT_DENY, USBIP_EPROTO, USBIP_EPROTO, 5, 0,
	    DECODE_PASS, KEPT},
	/* and what was taken back empty is not asked about */
	{0x81, XFER_BULK, VERDICTS, USBIP_ECONNRESET, USBIP_ECONNRESET, 0, 0,
	    DECODE_PASS, KEPT},
};

static void
test_raw(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rulings) / sizeof(rulings[0]); i++) {
		struct decoder *d = attach(&decode_raw, vendor, sizeof(vendor));
		struct unit_packet packet = {0, 64, 9, 0};
		int is_in = rulings[i].endpoint >= 0x80;
		const struct facts *f;
		enum decode_act act;
		struct unit u;

		judge_list_add(&judge, rulings[i].verdict);
		memset(data, 0x5a, sizeof(data));
		unit_make(&u, rulings[i].endpoint,
		    (enum desc_xfer)rulings[i].type, data, sizeof(data), 1);
		if (rulings[i].type == XFER_ISO) {
			u.packets = &packet;
			u.npackets = 1;
		}
		act = d->ops->submit(d, &u);
		if (is_in) {
			assert_int_equal(act, DECODE_PASS);
			assert_int_equal(judge.nseen, 0);
			unit_done(&u, rulings[i].status, rulings[i].actual);
			act = d->ops->complete(d, &u);
		}
		assert_int_equal(act, rulings[i].act);
		assert_int_equal(u.status, rulings[i].out_status);
		assert_int_equal(u.actual, rulings[i].out_actual);
		assert_memory_equal(data + 1,
		    rulings[i].bytes == ZEROED ? zeros : data, 63);
		assert_int_equal(
		    data[0], rulings[i].bytes == ZEROED ? 0 : 0x5a);
		assert_int_equal(
		    judge.nseen, rulings[i].verdict == VERDICTS ? 0 : 1);
		f = judge_list_last(&judge);
		if (f != NULL) {
			assert_int_equal(
			    f->hook, is_in ? HOOK_IN : HOOK_OUT);
			assert_int_equal(f->num[FACT_EP], rulings[i].endpoint);
			assert_int_equal(f->num[FACT_XFER], rulings[i].type);
			assert_int_equal(f->num[FACT_LEN],
			    is_in ? rulings[i].actual : 64);
			assert_int_equal(
			    f->bytes == NULL, rulings[i].type == XFER_ISO);
			assert_int_equal(facts_has(f, FACT_STATUS), is_in);
		}
		if (rulings[i].out_status == USBIP_EPIPE && u.npackets > 0) {
			assert_int_equal(packet.status, USBIP_EPIPE);
			assert_int_equal(packet.actual, 0);
		}
		free(d);
	}
}

static void
test_status(void **state)
{
	static const struct {
		int32_t status;
		uint8_t fact;
	} statuses[] = {{0, 0}, {USBIP_EREMOTEIO, 0}, {USBIP_EPIPE, 1},
		{USBIP_EPROTO, 2}, {USBIP_EOVERFLOW, 2}};
	struct decoder *d = attach(&decode_raw, vendor, sizeof(vendor));
	struct unit u;

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		unit_make(&u, 0x81, XFER_INT, data, 8, 1);
		d->ops->submit(d, &u);
		unit_done(&u, statuses[i].status, 4);
		assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
		assert_int_equal(judge_list_last(&judge)->num[FACT_STATUS],
		    statuses[i].fact);
	}
	/* control is the setup hook's */
	unit_control(&u, 0xc1, 1, 0, 0, data, 8, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	unit_done(&u, 0, 8);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(judge.nseen, 5);
	d->ops->event(d, DECODE_RESET, 0);
	assert_int_equal(d->ops->tick(d, 1), 0);
	free(d);
}

static void
test_dfu(void **state)
{
	static const struct {
		uint8_t type, request;
		uint16_t len;
		enum verdict verdict;
		enum decode_act act;
	} asks[] = {
		{0x21, 0, 0, VERDICT_ALLOW, DECODE_PASS},
		{0x21, 1, 64, VERDICT_ALLOW, DECODE_PASS},
		{0x21, 1, 64, VERDICT_DENY, DECODE_ANSWER},
		{0x21, 1, 64, VERDICT_DROP, DECODE_ANSWER},
		{0x21, 1, 64, VERDICT_ASK, DECODE_HOLD},
		{0xa1, 2, 64, VERDICT_DENY, DECODE_ANSWER},
		{0xa1, 3, 6, VERDICT_ALLOW, DECODE_PASS},
		{0x21, 4, 0, VERDICT_EJECT, DECODE_EJECT},
		{0xa1, 5, 1, VERDICT_QUARANTINE, DECODE_QUARANTINE},
		{0x21, 6, 0, VERDICT_ALLOW, DECODE_PASS},
		{0x21, 9, 0, VERDICT_DENY, DECODE_ANSWER},
	};
	struct decoder *d = attach(&decode_dfu, firmware, sizeof(firmware));
	struct unit u;

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		const struct facts *f;

		judge_list_add(&judge, asks[i].verdict);
		unit_control(&u, asks[i].type, asks[i].request, 0, 0, data,
		    asks[i].len, 1);
		assert_int_equal(d->ops->submit(d, &u), asks[i].act);
		if (asks[i].act == DECODE_ANSWER) {
			assert_int_equal(u.status, USBIP_EPIPE);
		}
		f = judge_list_last(&judge);
		assert_int_equal(f->hook, HOOK_DFU);
		assert_int_equal(f->num[FACT_REQUEST], asks[i].request);
		assert_int_equal(f->num[FACT_LEN], asks[i].len);
		assert_int_equal(f->bytes == NULL, asks[i].type == 0xa1);
	}
	assert_int_equal(judge.ninvalid, 0);
	/* a download that calls itself an upload, and the other way round */
	unit_control(&u, 0xa1, 1, 0, 0, data, 64, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_EJECT);
	unit_control(&u, 0x21, 2, 0, 0, data, 64, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_EJECT);
	unit_make(&u, 0x81, XFER_BULK, data, 64, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_EJECT);
	assert_int_equal(judge.ninvalid, 3);
	free(d);
}

static void
test_dfu_answers(void **state)
{
	static const struct {
		uint8_t request, len, status, state;
		enum decode_act act;
	} answers[] = {
		{3, 6, 0, 2, DECODE_PASS},
		{3, 6, 15, 10, DECODE_PASS},
		{3, 6, 16, 2, DECODE_EJECT},
		{3, 6, 0, 11, DECODE_EJECT},
		{3, 3, 16, 11, DECODE_PASS},
		{5, 1, 10, 0, DECODE_PASS},
		{5, 1, 11, 0, DECODE_EJECT},
		{2, 6, 255, 255, DECODE_PASS},
	};
	struct decoder *d = attach(&decode_dfu, firmware, sizeof(firmware));

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct unit u;

		unit_control(&u, 0xa1, answers[i].request, 0, 0, data, 6, 1);
		assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
		memset(data, 0, sizeof(data));
		data[0] = answers[i].status;
		data[4] = answers[i].state;
		unit_done(&u, 0, answers[i].len);
		assert_int_equal(d->ops->complete(d, &u), answers[i].act);
	}
	free(d);
	assert_null(attach(&decode_dfu, vendor, sizeof(vendor)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_dfu),
		cmocka_unit_test(test_dfu_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
