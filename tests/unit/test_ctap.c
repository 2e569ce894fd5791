/*
 * CTAPHID: what browsers and libfido2 say to a key, refusals in a key's own
 * words, and packets that try to get by.
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
#include "tests/unit/fido_key.h"
#include "tests/unit/usb_samples.h"
#include "wire/usbip.h"

static struct judge_list j;
static struct devrec rec;
static struct desc_config config;
static struct decoder *d;
static uint8_t packet[64];

static int
setup(void **state)
{
	(void)state;
	judge_list_init(&j);
	d = judge_list_attach(&j, &decode_ctap, &rec, &config, fido_key,
	    sizeof(fido_key), 0, 0, fido_report, sizeof(fido_report), NULL);
	assert_non_null(d);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(d);
	return 0;
}

static void
fill(uint32_t channel, uint8_t mark, const void *data, size_t len)
{
	memset(packet, 0, sizeof(packet));
	packet[0] = (uint8_t)(channel >> 24);
	packet[1] = (uint8_t)(channel >> 16);
	packet[2] = (uint8_t)(channel >> 8);
	packet[3] = (uint8_t)channel;
	packet[4] = mark;
	memcpy(packet + ((mark & 0x80) != 0 ? 7 : 5), data, len);
}

static enum decode_act
out(void)
{
	struct unit u;
	enum decode_act act;

	unit_make(&u, 0x04, XFER_INT, packet, sizeof(packet), 5);
	act = d->ops->submit(d, &u);
	if (act == DECODE_ANSWER) {
		assert_int_equal(u.status, 0);
		assert_int_equal(u.actual, 64);
	} else if (act == DECODE_PASS) {
		unit_done(&u, 0, 64);
		assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	}
	return act;
}

/* The first packet of a message of that length. */
static enum decode_act
begin(uint32_t channel, uint8_t command, uint16_t length, const void *data,
    size_t len)
{
	fill(channel, command | 0x80, data, len);
	packet[5] = (uint8_t)(length >> 8);
	packet[6] = (uint8_t)length;
	return out();
}

static enum decode_act
go_on(uint32_t channel, uint8_t seq)
{
	fill(channel, seq, "", 0);
	return out();
}

static enum decode_act
in(uint32_t actual)
{
	struct unit u;

	unit_make(&u, 0x84, XFER_INT, packet, sizeof(packet), 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	unit_done(&u, 0, actual);
	return d->ops->complete(d, &u);
}

static void
assert_said(unsigned n, const uint8_t *head, size_t len)
{
	assert_int_equal(j.nanswers, n);
	assert_int_equal(j.answer_ep, 0x84);
	assert_int_equal(j.answer_len, 64);
	assert_memory_equal(j.answer, head, len);
}

/* ------------------------------------------------------------------------ */

static int
takes(const uint8_t *report, size_t len)
{
	static struct devrec other;
	static struct desc_config conf;
	struct decoder *taken = judge_list_attach(&j, &decode_ctap, &other,
	    &conf, fido_key, sizeof(fido_key), 0, 0, report, len, NULL);

	free(taken);
	return taken != NULL;
}

static void
test_takes(void **state)
{
	static const uint8_t keys_page[] = {0x05, 0x07};
	static const uint8_t key_usage[] = {0x0b, 4, 0, 7, 0};
	static const uint8_t id[] = {0x85, 1};
	uint8_t both[256];
	const size_t n = sizeof(fido_report);

	(void)state;
	assert_true(takes(fido_report, n));
	/* a keyboard is none */
	assert_false(
	    takes(sample_report_keyboard, sizeof(sample_report_keyboard)));
	/* nor is a key that types: before it, behind it, inside of it */
	memcpy(both, sample_report_keyboard, sizeof(sample_report_keyboard));
	memcpy(both + sizeof(sample_report_keyboard), fido_report, n);
	assert_false(takes(both, sizeof(sample_report_keyboard) + n));
	memcpy(both, fido_report, n);
	memcpy(both + n, sample_report_keyboard,
	    sizeof(sample_report_keyboard));
	assert_false(takes(both, n + sizeof(sample_report_keyboard)));
	memcpy(both, fido_report, n - 1);
	both[n - 1 + sizeof(key_usage)] = 0xc0;
	memcpy(both + n - 1, key_usage, sizeof(key_usage));
	assert_false(takes(both, n + sizeof(key_usage)));
	/* the page of the moment is that of usages before it */
	memmove(both + 9, fido_report + 7, n - 7);
	memcpy(both + 7, keys_page, 2);
	assert_false(takes(both, n + 2));
	memcpy(both + 7, id, 2);
	assert_false(takes(both, n + 2));
	assert_false(takes(fido_report, n - 2)); /* an item cut short */
}

static void
test_conversation(void **state)
{
	static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t info[] = {0x04};
	const struct facts *f;

	(void)state;
	assert_int_equal(
	    begin(0xffffffff, 0x06, 8, nonce, 8), DECODE_PASS);
	f = judge_list_last(&j);
	assert_int_equal(f->hook, HOOK_CTAP);
	assert_int_equal(f->num[FACT_CMD], 0x06);
	assert_int_equal(f->num[FACT_LEN], 8);
	assert_false(facts_has(f, FACT_CBOR));
	fill(0xffffffff, 0x86, nonce, 8);
	packet[6] = 17;
	assert_int_equal(in(64), DECODE_PASS);
	assert_int_equal(begin(7, 0x10, 1, info, 1), DECODE_PASS);
	f = judge_list_last(&j);
	assert_int_equal(f->num[FACT_CBOR], 4);
	/* a keepalive, then an answer in three packets */
	fill(7, 0xbb, "\x01", 1);
	packet[6] = 1;
	assert_int_equal(in(64), DECODE_PASS);
	fill(7, 0x90, "", 0);
	packet[6] = 150;
	assert_int_equal(in(64), DECODE_PASS);
	fill(7, 0, "", 0);
	assert_int_equal(in(64), DECODE_PASS);
	fill(7, 1, "", 0);
	assert_int_equal(in(64), DECODE_PASS);
	assert_int_equal(j.nanswers, 0);
	assert_int_equal(j.ninvalid, 0);
}

static void
test_relying_party(void **state)
{
	/* getAssertion("example.com", ...) */
	static const uint8_t get[] = {0x02, 0xa2, 0x01, 0x6b, 'e', 'x', 'a',
	    'm', 'p', 'l', 'e', '.', 'c', 'o', 'm', 0x02, 0x58, 0x20};
	/* makeCredential(hash, {id: "corp", name: "Corp"}) */
	uint8_t make[57] = {0x01, 0xa4, 0x01, 0x58, 0x20};
	static const uint8_t rp[] = {0x02, 0xa2, 0x62, 'i', 'd', 0x64, 'c', 'o',
	    'r', 'p', 0x64, 'n', 'a', 'm', 'e', 0x64};
	const struct facts *f;

	(void)state;
	assert_int_equal(
	    begin(7, 0x10, 120, get, sizeof(get)), DECODE_PASS);
	f = judge_list_last(&j);
	assert_true(facts_has(f, FACT_RP));
	assert_int_equal(f->text_len, 11);
	assert_memory_equal(f->text, "example.com", 11);
	memcpy(make + 37, rp, sizeof(rp));
	assert_int_equal(
	    begin(8, 0x10, 200, make, sizeof(make)), DECODE_PASS);
	f = judge_list_last(&j);
	assert_int_equal(f->num[FACT_CBOR], 1);
	assert_int_equal(f->text_len, 4);
	assert_memory_equal(f->text, "corp", 4);
	/* a name that goes on in the next packet is not known */
	make[42] = 0x78;
	make[43] = 40;
	assert_int_equal(
	    begin(8, 0x10, 200, make, sizeof(make)), DECODE_PASS);
	assert_false(facts_has(judge_list_last(&j), FACT_RP));
	/* nor is what is no map at all, wherever it is cut */
	for (uint16_t n = 0; n < sizeof(get); n++) {
		assert_int_equal(begin(9, 0x10, n, get, n), DECODE_PASS);
		assert_int_equal(
		    facts_has(judge_list_last(&j), FACT_RP), n >= 15);
	}
}

static void
test_u2f(void **state)
{
	static const uint8_t version[] = {0, 3, 0, 0, 0, 0, 0};
	static const uint8_t said[] = {0, 0, 0, 7, 0x83, 0, 2, 0x69, 0x86};
	struct ruling *r;

	(void)state;
	assert_int_equal(
	    begin(7, 0x03, 7, version, sizeof(version)), DECODE_PASS);
	assert_int_equal(judge_list_last(&j)->num[FACT_U2F], 3);
	judge_list_add(&j, VERDICT_DENY);
	j.at = 0;
	assert_int_equal(
	    begin(7, 0x03, 7, version, sizeof(version)), DECODE_ANSWER);
	assert_said(1, said, sizeof(said));
	/* an error of CTAP2 is no status word */
	r = judge_list_add(&j, VERDICT_DENY);
	r->how = HOW_CTAPERR;
	r->code = 0x27;
	assert_int_equal(
	    begin(7, 0x03, 7, version, sizeof(version)), DECODE_ANSWER);
	assert_said(2, said, sizeof(said));
}

static void
test_refusals(void **state)
{
	static const uint8_t reset[] = {0x07};
	static const uint8_t said[] = {0, 0, 0, 7, 0x90, 0, 1, 0x30};
	static const uint8_t error[] = {0, 0, 0, 7, 0xbf, 0, 1, 0x01};
	static const uint8_t other[] = {0, 0, 0, 7, 0x90, 0, 1, 0x27};
	struct ruling *r;

	(void)state;
	judge_list_add(&j, VERDICT_DENY);
	assert_int_equal(begin(7, 0x10, 1, reset, 1), DECODE_ANSWER);
	assert_said(1, said, sizeof(said));
	/* a long one: answered when all of it was said, and not a packet of it
	 * went through */
	judge_list_add(&j, VERDICT_DENY);
	assert_int_equal(begin(7, 0x10, 150, reset, 1), DECODE_ANSWER);
	assert_int_equal(go_on(7, 0), DECODE_ANSWER);
	assert_int_equal(j.nanswers, 1);
	assert_int_equal(go_on(7, 1), DECODE_ANSWER);
	assert_said(2, said, sizeof(said));
	/* a vendor's command */
	judge_list_add(&j, VERDICT_DROP);
	assert_int_equal(begin(7, 0x41, 1, reset, 1), DECODE_ANSWER);
	assert_said(3, error, sizeof(error));
	/* an error of the profile's choice */
	r = judge_list_add(&j, VERDICT_DENY);
	r->how = HOW_CTAPERR;
	r->code = 0x27;
	assert_int_equal(begin(7, 0x10, 1, reset, 1), DECODE_ANSWER);
	assert_said(4, other, sizeof(other));
	/* and the next one passes */
	assert_int_equal(begin(7, 0x10, 1, "\x04", 1), DECODE_PASS);
	judge_list_add(&j, VERDICT_ASK);
	assert_int_equal(begin(7, 0x10, 1, reset, 1), DECODE_HOLD);
	assert_int_equal(begin(7, 0x10, 1, reset, 1), DECODE_PASS);
	judge_list_add(&j, VERDICT_QUARANTINE);
	assert_int_equal(
	    begin(7, 0x10, 1, reset, 1), DECODE_QUARANTINE);
}

static void
test_order(void **state)
{
	static const uint8_t seq[] = {0, 0, 0, 7, 0xbf, 0, 1, 0x04};
	static const uint8_t busy[] = {0, 0, 0, 9, 0xbf, 0, 1, 0x06};
	static const uint8_t len[] = {0, 0, 0, 7, 0xbf, 0, 1, 0x03};
	static const uint8_t none[] = {0, 0, 0, 0, 0xbf, 0, 1, 0x0b};

	(void)state;
	/* what belongs to nothing is heard by nobody */
	assert_int_equal(go_on(7, 0), DECODE_ANSWER);
	assert_int_equal(j.nanswers, 0);
	assert_int_equal(begin(7, 0x10, 150, "\x01", 1), DECODE_PASS);
	assert_int_equal(go_on(7, 0), DECODE_PASS);
	assert_int_equal(go_on(7, 0), DECODE_ANSWER);
	assert_said(1, seq, sizeof(seq));
	assert_int_equal(go_on(7, 1), DECODE_ANSWER);
	/* between an allowed message and its end another begins: refused, and
	 * so is what follows */
	assert_int_equal(begin(7, 0x10, 150, "\x01", 1), DECODE_PASS);
	judge_list_add(&j, VERDICT_DENY);
	j.at = j.nrulings - 1;
	assert_int_equal(begin(7, 0x10, 150, "\x07", 1), DECODE_ANSWER);
	assert_int_equal(go_on(7, 0), DECODE_ANSWER);
	assert_int_equal(go_on(7, 1), DECODE_ANSWER);
	/* four at a time, and no fifth */
	for (uint32_t c = 5; c < 9; c++) {
		assert_int_equal(
		    begin(c, 0x10, 150, "\x01", 1), DECODE_PASS);
	}
	assert_int_equal(begin(9, 0x10, 150, "\x01", 1), DECODE_ANSWER);
	assert_said(3, busy, sizeof(busy));
	assert_int_equal(go_on(8, 0), DECODE_PASS);
	assert_int_equal(go_on(5, 0), DECODE_PASS);
	assert_int_equal(begin(7, 0x10, 7610, "\x01", 1), DECODE_ANSWER);
	assert_said(4, len, sizeof(len));
	assert_int_equal(begin(0, 0x10, 1, "\x04", 1), DECODE_ANSWER);
	assert_said(5, none, sizeof(none));
	assert_int_equal(
	    begin(0xffffffff, 0x10, 1, "\x04", 1), DECODE_ANSWER);
	d->ops->event(d, DECODE_RESET, 0);
	assert_int_equal(go_on(8, 1), DECODE_ANSWER);
}

static void
test_hostile_keys(void **state)
{
	(void)state;
	/* the end of an answer to somebody else's question */
	fill(7, 0, "", 0);
	assert_int_equal(in(64), DECODE_AGAIN);
	fill(7, 0x90, "", 0);
	packet[6] = 150;
	assert_int_equal(in(64), DECODE_PASS);
	fill(7, 1, "", 0);
	assert_int_equal(in(64), DECODE_EJECT);
	assert_string_equal(j.invalid, "packets of an answer out of order");
	d->ops->event(d, DECODE_RESET, 0);
	fill(7, 0x90, "", 0);
	packet[5] = 0xff;
	assert_int_equal(in(64), DECODE_EJECT);
	assert_int_equal(in(7), DECODE_EJECT);
	assert_int_equal(in(0), DECODE_PASS);
	assert_int_equal(j.ninvalid, 3);
}

/* Reports over endpoint 0 would be a way around. */
static void
test_control(void **state)
{
	struct unit u;

	(void)state;
	unit_control(&u, 0x21, 0x09, 0x0200, 0, packet, 64, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	unit_control(&u, 0xa1, 0x01, 0x0100, 0, packet, 64, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	unit_control(&u, 0x21, 0x0a, 0, 0, NULL, 0, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	unit_make(&u, 0x04, XFER_INT, packet, 7, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
}

static void
assert_stalled(uint32_t length)
{
	struct unit u;

	unit_make(&u, 0x04, XFER_INT, packet, length, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	assert_int_equal(u.actual, 0);
}

/* Each transfer is one whole packet of the endpoint: two in one would be one
 * that nobody judged. */
static void
test_packet_size(void **state)
{
	uint8_t key[sizeof(fido_key)];
	struct unit u;

	(void)state;
	fill(7, 0x83, "", 0);
	assert_stalled(8);
	assert_stalled(63);
	assert_int_equal(j.nseen, 0);
	free(d);
	memcpy(key, fido_key, sizeof(key));
	key[sizeof(key) - 10] = 32; /* wMaxPacketSize of 0x04 */
	judge_list_init(&j);
	d = judge_list_attach(&j, &decode_ctap, &rec, &config, key,
	    sizeof(key), 0, 0, fido_report, sizeof(fido_report), NULL);
	assert_non_null(d);
	assert_stalled(64);
	assert_int_equal(j.nseen, 0);
	unit_make(&u, 0x04, XFER_INT, packet, 32, 5);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	assert_int_equal(j.nseen, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_takes),
		TEST(test_conversation),
		TEST(test_relying_party),
		TEST(test_u2f),
		TEST(test_refusals),
		TEST(test_order),
		TEST(test_hostile_keys),
		TEST(test_control),
		TEST(test_packet_size),
	};

	return cmocka_run_group_tests_name("ctap", tests, NULL, NULL);
}
