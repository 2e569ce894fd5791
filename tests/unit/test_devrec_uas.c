/*
 * Of a disk that speaks USB Attached SCSI the Bulk-Only alternate is left, and
 * one without it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/devrec.h"

#define BOT 9, 4, 0, 0, 2, 8, 6, 0x50, 0
#define UAS(alt) 9, 4, 0, alt, 4, 8, 6, 0x62, 0
#define BULK(address) 7, 5, address, 2, 0, 2, 0
#define PIPE(id) 4, 0x24, id, 0

static const uint8_t device[DESC_DEVICE_SIZE] = {
	18, 1, 0, 2, 0, 0, 0, 64, 0x52, 0x17, 0x34, 0x12, 0, 1, 0, 0, 0, 1};

/* a disk as most are sold now */
static const uint8_t both[] = {9, 2, 85, 0, 1, 1, 0, 0x80, 50, BOT, BULK(0x81),
	BULK(0x02), UAS(1), BULK(0x81), PIPE(3), BULK(0x02), PIPE(4),
	BULK(0x83), PIPE(2), BULK(0x04), PIPE(1)};
static const uint8_t only[] = {9, 2, 62, 0, 1, 1, 0, 0x80, 50, UAS(0),
	BULK(0x81), PIPE(3), BULK(0x02), PIPE(4), BULK(0x83), PIPE(2),
	BULK(0x04), PIPE(1)};
static const uint8_t plain[] = {
	9, 2, 32, 0, 1, 1, 0, 0x80, 50, BOT, BULK(0x81), BULK(0x02)};

static struct devrec rec;
static struct desc_config scratch;

static void
fill(const uint8_t *config, size_t len)
{
	struct desc_why why;

	devrec_init(&rec);
	rec.speed = USBIP_SPEED_HIGH;
	memcpy(rec.device, device, sizeof(device));
	assert_int_equal(devrec_add_config(&rec, config, len), 0);
	rec.active_config = 1;
	assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
}

static void
test_none(void **state)
{
	(void)state;
	fill(plain, sizeof(plain));
	assert_int_equal(devrec_has_uas(&rec), 0);
}

static void
test_both(void **state)
{
	struct desc_why why;
	const uint8_t *p;
	uint8_t wire[DEVREC_WIRE];
	struct devrec back;
	size_t len;
	int n;

	(void)state;
	fill(both, sizeof(both));
	assert_int_equal(devrec_has_uas(&rec), 1);
	devrec_drop_uas(&rec);
	assert_int_equal(devrec_has_uas(&rec), 0);
	assert_int_equal(devrec_check(&rec, &scratch, &why), 0);
	p = devrec_config(&rec, 0, &len);
	assert_int_equal(len, sizeof(plain));
	assert_memory_equal(p, plain, len);
	/* and it is a record like any other */
	n = devrec_encode(wire, sizeof(wire), &rec);
	assert_true(n > 0);
	assert_int_equal(devrec_decode(&back, wire, (size_t)n), 0);
	assert_int_equal(devrec_compare(&back, &rec), 0);
}

/* What the device would be at the other speed goes the same way. */
static void
test_other_speed(void **state)
{
	uint8_t other[sizeof(both)];
	const uint8_t *p;
	size_t len;

	(void)state;
	fill(plain, sizeof(plain));
	memcpy(other, both, sizeof(both));
	other[1] = DESC_OTHER_SPEED;
	rec.has_qualifier = 1;
	assert_int_equal(devrec_add_other(&rec, other, sizeof(other)), 0);
	assert_int_equal(devrec_has_uas(&rec), 1);
	devrec_drop_uas(&rec);
	p = devrec_other(&rec, 0, &len);
	assert_int_equal(len, sizeof(plain));
	assert_int_equal(p[1], DESC_OTHER_SPEED);
	assert_int_equal(p[2] | p[3] << 8, len);
}

static void
test_only(void **state)
{
	(void)state;
	fill(only, sizeof(only));
	assert_int_equal(devrec_has_uas(&rec), ERR_POLICY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_other_speed),
		cmocka_unit_test(test_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
