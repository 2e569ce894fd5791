/* vhci-glue: the table of submits, replies rebuilt from it, descriptors seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/fake/gateway_fake.h"
#include "tests/unit/rnd.h"
#include "vhci-glue/pending.h"
#include "vhci-glue/rebuild.h"
#include "vhci-glue/seen.h"
#include "wire/cursor.h"

static struct usbip_pending
sub_of(uint32_t seqnum, uint32_t direction, uint32_t length, uint32_t npackets)
{
	struct usbip_pending sub = {
	    .seqnum = seqnum,
	    .direction = direction,
	    .ep = 1,
	    .length = length,
	    .npackets = npackets,
	};

	return sub;
}

/* --- the table --- */

static void
test_table(void **state)
{
	const struct usbip_pending sub = sub_of(0, USBIP_DIR_IN, 512, 0);
	struct usbip_pending other = sub_of(4096, USBIP_DIR_OUT, 1, 0);
	struct pending_table *t = NULL;
	struct pending *e = NULL, *f = NULL;

	(void)state;
	assert_int_equal(pending_new(&t), 0);
	assert_true(pending_is_empty(t));
	assert_null(pending_find(t, 0));
	assert_int_equal(pending_add_submit(t, &sub, &e), 0);
	assert_int_equal(pending_add_submit(t, &sub, &f), ERR_PEER);
	assert_int_equal(pending_add_unlink(t, 0, 7), ERR_PEER);
	/* the same bucket */
	assert_int_equal(pending_add_submit(t, &other, &f), 0);
	assert_int_equal(pending_add_unlink(t, UINT32_MAX, 0), 0);
	assert_ptr_equal(pending_find(t, 0), e);
	assert_ptr_equal(pending_find(t, 4096), f);
	assert_int_equal(pending_find(t, UINT32_MAX)->target, 0);
	pending_remove(t, e);
	assert_null(pending_find(t, 0));
	assert_ptr_equal(pending_find(t, 4096), f);
	pending_remove(t, f);
	assert_false(pending_is_empty(t));
	pending_remove(t, pending_find(t, UINT32_MAX));
	assert_true(pending_is_empty(t));
	pending_free(t);
	pending_free(NULL);
}

static void
test_table_limits(void **state)
{
	struct pending_table *t = NULL;
	struct pending *e = NULL;

	(void)state;
	assert_int_equal(pending_new(&t), 0);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < PENDING_SUBMITS; i++) {
			const struct usbip_pending sub =
			    sub_of(i, USBIP_DIR_IN, 8, 0);

			assert_true(pending_fits(t, 0));
			assert_int_equal(pending_add_submit(t, &sub, &e), 0);
		}
		assert_false(pending_fits(t, 0));
		const struct usbip_pending more =
		    sub_of(UINT32_MAX, USBIP_DIR_IN, 8, 0);
		assert_int_equal(
		    pending_add_submit(t, &more, &e), ERR_LIMIT);
		/* unlinks have room of their own */
		for (uint32_t i = 0; i < PENDING_UNLINKS; i++) {
			assert_int_equal(
			    pending_add_unlink(t, PENDING_SUBMITS + i, i), 0);
		}
		assert_int_equal(
		    pending_add_unlink(t, UINT32_MAX, 0), ERR_LIMIT);
		for (uint32_t i = 0; i < PENDING_SUBMITS + PENDING_UNLINKS;
		     i++) {
			pending_remove(t, pending_find(t, i));
		}
		assert_true(pending_is_empty(t));
	}
	pending_free(t);
}

static void
test_table_packets(void **state)
{
	static struct usbip_iso got[USBIP_MAX_ISO_PACKETS];
	struct pending_table *t = NULL;
	struct pending *e = NULL;
	uint32_t n = PENDING_PACKETS / USBIP_MAX_ISO_PACKETS;

	(void)state;
	assert_int_equal(pending_new(&t), 0);
	assert_false(pending_fits(t, USBIP_MAX_ISO_PACKETS + 1));
	for (uint32_t i = 0; i < n; i++) {
		const struct usbip_pending sub = sub_of(
		    i, USBIP_DIR_IN, 1024 * 1024, USBIP_MAX_ISO_PACKETS);

		assert_int_equal(pending_add_submit(t, &sub, &e), 0);
		for (uint32_t k = 0; k < USBIP_MAX_ISO_PACKETS; k++) {
			const struct usbip_iso iso = {
			    .offset = k * 1000 + i,
			    .length = k + i,
			    .actual_length = 99,
			    .status = -18,
			};

			pending_set_iso(t, e, k, &iso);
		}
	}
	assert_false(pending_fits(t, 1));
	assert_true(pending_fits(t, 0));
	for (uint32_t i = 0; i < n; i++) {
		e = pending_find(t, i);
		pending_get_iso(t, e, got);
		for (uint32_t k = 0; k < USBIP_MAX_ISO_PACKETS; k++) {
			assert_int_equal(got[k].offset, k * 1000 + i);
			assert_int_equal(got[k].length, k + i);
			assert_int_equal(got[k].actual_length, 0);
			assert_int_equal(got[k].status, 0);
		}
	}
	pending_remove(t, pending_find(t, 3));
	assert_true(pending_fits(t, USBIP_MAX_ISO_PACKETS));
	pending_free(t);
}

/* --- replies --- */

struct bench {
	struct pending_table *table;
	struct pending *entry;
	struct rebuild work;
	uint8_t pdu[4096];
};

static int
bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	return b == NULL ? -1 : pending_new(&b->table);
}

static int
bench_teardown(void **state)
{
	struct bench *b = *state;

	pending_free(b->table);
	free(b);
	return 0;
}

static void
bench_submit(struct bench *b, const struct usbip_pending *sub)
{
	assert_int_equal(pending_add_submit(b->table, sub, &b->entry), 0);
	b->entry->npackets_raw = sub->npackets;
	for (uint32_t i = 0; i < sub->npackets; i++) {
		const struct usbip_iso iso = {
		    .offset = i * 100,
		    .length = 100,
		};

		pending_set_iso(b->table, b->entry, i, &iso);
	}
}

static struct usbip_header
ret_of(uint32_t seqnum, int32_t status, uint32_t actual, uint32_t npackets)
{
	struct usbip_header h = {
	    .command = USBIP_RET_SUBMIT,
	    .seqnum = seqnum,
	    .devid = 0xdeadbeef,
	    .direction = 1,
	    .ep = 77,
	};

	h.u.ret_submit.status = status;
	h.u.ret_submit.actual_length = actual;
	h.u.ret_submit.start_frame = 0x12345678;
	h.u.ret_submit.npackets = npackets;
	h.u.ret_submit.error_count = 0xffff;
	return h;
}

/* Whatever a header may carry that is not ours, none of it comes out. */
static void
test_header_is_ours(void **state)
{
	struct bench *b = *state;
	const struct usbip_pending sub = sub_of(5, USBIP_DIR_IN, 64, 0);
	const struct usbip_header ret = ret_of(5, -32, 3, 0);
	const char *why = NULL;
	uint8_t want[USBIP_HEADER_SIZE] = {0, 0, 0, 3, 0, 0, 0, 5};
	uint32_t body = 0, data = 0;

	bench_submit(b, &sub);
	memset(b->pdu, 0xaa, sizeof(b->pdu));
	assert_int_equal(rebuild_judge(&ret, b->entry, &body, &why), 0);
	assert_int_equal(body, 3);
	assert_int_equal(rebuild_submit(&b->work, b->table, b->entry, &ret,
			     b->pdu, 51, &data, &why),
	    0);
	assert_int_equal(data, 3);
	memcpy(want + 0x14, "\xff\xff\xff\xe0\0\0\0\3", 8);
	assert_memory_equal(b->pdu, want, sizeof(want));
	assert_memory_equal(b->pdu + 48, "\xaa\xaa\xaa\xaa", 4);
	/* a length that disagrees with the header */
	assert_int_equal(rebuild_submit(&b->work, b->table, b->entry, &ret,
			     b->pdu, 52, &data, &why),
	    ERR_FORMAT);
}

static void
test_statuses(void **state)
{
	static const int32_t bad[] = {
	    1, 32, INT32_MAX, INT32_MIN, -1, -115, -4095, -131, -140};
	struct bench *b = *state;
	const struct usbip_pending sub = sub_of(5, USBIP_DIR_OUT, 64, 0);
	const char *why = NULL;
	struct usbip_header out;
	uint32_t data;

	bench_submit(b, &sub);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct usbip_header ret = ret_of(5, bad[i], 0, 0);

		assert_int_equal(rebuild_submit(&b->work, b->table, b->entry,
				     &ret, b->pdu, 48, &data, &why),
		    0);
		assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
		assert_int_equal(out.u.ret_submit.status, USBIP_EPROTO);
		rebuild_unlink(9, bad[i], REBUILD_TAKEN, b->pdu);
		assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
		assert_int_equal(out.u.ret_unlink.status, USBIP_EPROTO);
	}
}

static void
test_unlinks(void **state)
{
	struct bench *b = *state;
	struct usbip_header out;

	rebuild_unlink(9, -104, REBUILD_TAKEN, b->pdu);
	assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
	assert_int_equal(out.command, USBIP_RET_UNLINK);
	assert_int_equal(out.seqnum, 9);
	assert_int_equal(out.u.ret_unlink.status, -104);
	rebuild_unlink(9, 0, REBUILD_ANSWERED, b->pdu);
	assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
	assert_int_equal(out.u.ret_unlink.status, 0);
	/* else the kernel would take it for a success of no bytes */
	rebuild_unlink(9, 0, REBUILD_TAKEN, b->pdu);
	assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
	assert_int_equal(out.u.ret_unlink.status, USBIP_ECONNRESET);
}

/* The attack on usbip_pad_iso: offsets of the gateway's choosing. */
static void
test_iso_is_ours(void **state)
{
	struct bench *b = *state;
	const struct usbip_pending sub = sub_of(6, USBIP_DIR_IN, 300, 3);
	const struct usbip_header ret = ret_of(6, 0, 150, 3);
	const struct usbip_iso evil[3] = {
	    {0xffffff00, 0xffffffff, 50, 0},
	    {0x7fffffff, 1, 100, -18},
	    {12345, 0, 0, 77},
	};
	const char *why = NULL;
	struct usbip_header out;
	uint32_t body = 0, data = 0;

	bench_submit(b, &sub);
	assert_int_equal(rebuild_judge(&ret, b->entry, &body, &why), 0);
	assert_int_equal(body, 150 + 48);
	for (size_t i = 0; i < 3; i++) {
		usbip_encode_iso(b->pdu + 48 + 150 + i * 16, &evil[i]);
	}
	assert_int_equal(rebuild_submit(&b->work, b->table, b->entry, &ret,
			     b->pdu, 48 + body, &data, &why),
	    0);
	assert_int_equal(usbip_decode_header(&out, b->pdu, 48), 0);
	assert_int_equal(out.u.ret_submit.npackets, 3);
	assert_int_equal(out.u.ret_submit.error_count, 2);
	assert_int_equal(out.u.ret_submit.start_frame, 0);
	for (size_t i = 0; i < 3; i++) {
		struct usbip_iso iso;

		assert_int_equal(usbip_decode_iso(&iso,
				     b->pdu + 48 + 150 + i * 16, 16),
		    0);
		assert_int_equal(iso.offset, i * 100);
		assert_int_equal(iso.length, 100);
		assert_int_equal(iso.actual_length, evil[i].actual_length);
		assert_int_equal(iso.status,
		    i == 0 ? 0 : i == 1 ? USBIP_EXDEV : USBIP_EPROTO);
	}
}

/* Random replies: what passes fits what was submitted, always. */
static void
test_random(void **state)
{
	struct bench *b = *state;
	struct rnd rnd = {20261122};
	unsigned passed = 0;

	for (int i = 0; i < 20000; i++) {
		uint32_t np = rnd_below(&rnd, 4) ? 0 : 1 + rnd_below(&rnd, 4);
		const struct usbip_pending sub =
		    sub_of((uint32_t)i, rnd_below(&rnd, 2),
			np > 0 ? np * 100 : rnd_below(&rnd, 600), np);
		const struct usbip_header ret =
		    ret_of((uint32_t)i, (int32_t)rnd_u32(&rnd),
			rnd_below(&rnd, 8) ? rnd_below(&rnd, 700)
					   : rnd_u32(&rnd),
			rnd_below(&rnd, 4) ? np : rnd_u32(&rnd));
		const char *why = NULL;
		struct usbip_header out;
		uint32_t body = 0, data = 0, sum = 0;

		bench_submit(b, &sub);
		for (size_t k = 0; k < sizeof(b->pdu); k++) {
			b->pdu[k] = rnd_below(&rnd, 2)
			    ? 0
			    : (uint8_t)rnd_u32(&rnd);
		}
		if (rebuild_judge(&ret, b->entry, &body, &why) == 0 &&
		    rebuild_submit(&b->work, b->table, b->entry, &ret, b->pdu,
			48 + body, &data, &why) == 0) {
			assert_int_equal(
			    usbip_decode_header(&out, b->pdu, 48), 0);
			assert_true(out.u.ret_submit.actual_length <=
			    sub.length);
			assert_int_equal(out.u.ret_submit.npackets, np);
			assert_true(out.u.ret_submit.status <= 0);
			for (uint32_t k = 0; k < np; k++) {
				struct usbip_iso iso;

				assert_int_equal(
				    usbip_decode_iso(&iso,
					b->pdu + 48 + data + k * 16, 16),
				    0);
				assert_int_equal(iso.offset, k * 100);
				assert_true(iso.actual_length <= 100);
				sum += iso.actual_length;
			}
			assert_true(np == 0 ||
			    sum == out.u.ret_submit.actual_length);
			passed++;
		} else {
			assert_non_null(why);
		}
		pending_remove(b->table, b->entry);
	}
	assert_true(passed > 1000);
}

/* --- descriptors --- */

static int
show(struct seen *s, uint8_t type, uint8_t index, const void *data, size_t len,
    const char **why)
{
	const uint8_t setup[8] = {0x80, 6, index, type, 0, 0, 0xff, 0xff};

	return seen_check(s, setup, data, len, why);
}

static void
test_seen_device(void **state)
{
	/* every field that the import promises, and one that it does not */
	static const uint8_t fields[] = {0, 1, 4, 5, 6, 8, 9, 10, 11, 12, 13,
	    17};
	const struct usbip_device dev = gateway_fake_drive();
	const char *why = NULL;
	uint8_t d[19];

	(void)state;
	for (size_t i = 0; i < sizeof(fields); i++) {
		struct seen *s = NULL;

		assert_int_equal(seen_new(&s, &dev), 0);
		memcpy(d, gateway_fake_drive_device, 18);
		d[fields[i]] ^= 1;
		assert_int_equal(
		    show(s, 1, 0, d, fields[i] + 1u, &why), ERR_PEER);
		assert_string_equal(
		    why, "device descriptor differs from the one imported");
		/* a read that ends before the lie is fine */
		assert_int_equal(show(s, 1, 0, d, fields[i], &why), 0);
		seen_free(s);
	}
}

static void
test_seen_device_again(void **state)
{
	const struct usbip_device dev = gateway_fake_drive();
	struct seen *s = NULL;
	const char *why = NULL;
	uint8_t d[19] = {0};

	(void)state;
	assert_int_equal(seen_new(&s, &dev), 0);
	memcpy(d, gateway_fake_drive_device, 18);
	assert_int_equal(show(s, 1, 0, d, 8, &why), 0);
	assert_int_equal(show(s, 1, 0, d, 18, &why), 0);
	assert_int_equal(show(s, 1, 0, d, 8, &why), 0);
	d[7] = 8; /* bMaxPacketSize0: not promised, but seen */
	assert_int_equal(show(s, 1, 0, d, 8, &why), ERR_PEER);
	assert_string_equal(
	    why, "device descriptor differs from an earlier read");
	d[7] = 64;
	assert_int_equal(show(s, 1, 0, d, 19, &why), ERR_PEER);
	seen_free(s);
	seen_free(NULL);
}

static void
test_seen_configs(void **state)
{
	static uint8_t big[SEEN_BYTES];
	const uint8_t other[8] = {0xa1, 6, 0, 2, 0, 0, 9, 0};
	struct usbip_device dev = gateway_fake_drive();
	struct seen *s = NULL;
	const char *why = NULL;
	uint8_t c[32] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4};

	(void)state;
	dev.nconfigurations = 2;
	assert_int_equal(seen_new(&s, &dev), 0);
	assert_int_equal(show(s, 2, 0, c, 9, &why), 0);
	assert_int_equal(show(s, 2, 0, c, 32, &why), 0);
	c[31] = 1;
	assert_int_equal(show(s, 2, 0, c, 31, &why), 0);
	assert_int_equal(show(s, 2, 1, c, 32, &why), 0); /* another one */
	assert_int_equal(show(s, 2, 0, c, 32, &why), ERR_PEER);
	assert_string_equal(why, "descriptor differs from an earlier read");
	assert_int_equal(show(s, 2, 2, c, 9, &why), ERR_PEER);
	/* an answer of nothing, strings and other requests are not ours */
	assert_int_equal(show(s, 2, 2, c, 0, &why), 0);
	assert_int_equal(show(s, 3, 1, c, 4, &why), 0);
	assert_int_equal(show(s, 3, 1, big, 4, &why), 0);
	assert_int_equal(seen_check(s, other, big, 9, &why), 0);
	/* BOS: remembered too */
	assert_int_equal(show(s, 0x0f, 0, c, 5, &why), 0);
	assert_int_equal(show(s, 0x0f, 0, big, 5, &why), ERR_PEER);
	seen_free(s);

	assert_int_equal(seen_new(&s, &dev), 0);
	assert_int_equal(show(s, 2, 0, big, 65535, &why), 0);
	assert_int_equal(show(s, 2, 1, big, 1, &why), 0);
	assert_int_equal(show(s, 2, 1, big, 2, &why), ERR_LIMIT);
	seen_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_table_limits),
	    cmocka_unit_test(test_table_packets),
	    cmocka_unit_test_setup_teardown(
		test_header_is_ours, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(
		test_statuses, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(
		test_unlinks, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(
		test_iso_is_ours, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(
		test_random, bench_setup, bench_teardown),
	    cmocka_unit_test(test_seen_device),
	    cmocka_unit_test(test_seen_device_again),
	    cmocka_unit_test(test_seen_configs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
