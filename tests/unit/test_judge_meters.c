/*
 * Meters and quotas: what is counted, when it is too much, and what stays over
 * a change of the table or the end of a session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/judge_body.h"

#define MS UINT64_C(1000000)

static void
meter_of_keys(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile p { meter fast 25/s burst 12\n on hid {\n"
	    " quarantine kind input over fast\n"
	    " allow\n } }", "p");
	/* reports without a new key cost nothing, whatever their number */
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(
		    rig_rule(&rig, "hid kind=input keydowns=0"),
		    VERDICT_ALLOW);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(
		    rig_rule(&rig, "hid kind=input keydowns=3"),
		    VERDICT_ALLOW);
	}
	/* other units do not count, nor see it */
	assert_int_equal(
	    rig_rule(&rig, "hid kind=output keydowns=9"), VERDICT_ALLOW);
	assert_int_equal(rig_rule(&rig, "hid kind=input keydowns=1"),
	    VERDICT_QUARANTINE);
	/* 25 a second: one in 40 ms */
	rig.now += 40 * MS - 1;
	assert_int_equal(rig_rule(&rig, "hid kind=input keydowns=1"),
	    VERDICT_QUARANTINE);
	rig.now += 1;
	assert_int_equal(
	    rig_rule(&rig, "hid kind=input keydowns=1"), VERDICT_ALLOW);
	assert_int_equal(rig_rule(&rig, "hid kind=input keydowns=1"),
	    VERDICT_QUARANTINE);
	/* what was over was not counted; a pause fills it up to the burst */
	rig.now += 3600 * SECOND;
	assert_int_equal(
	    rig_rule(&rig, "hid kind=input keydowns=12"), VERDICT_ALLOW);
	assert_int_equal(rig_rule(&rig, "hid kind=input keydowns=1"),
	    VERDICT_QUARANTINE);
	rig_close(&rig);
}

static void
meter_of_units(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile p { meter slow 60/min burst 2\n on scsi {\n"
	    " note lun 0 over slow\n"
	    " deny op 1 over slow\n" /* once for both */
	    " allow not over slow\n drop\n } }", "p");
	assert_int_equal(rig_rule(&rig, "scsi op=1 lun=0"), VERDICT_ALLOW);
	assert_int_equal(rig_rule(&rig, "scsi op=1 lun=0"), VERDICT_ALLOW);
	assert_int_equal(rig.nreports, 0);
	assert_int_equal(rig_rule(&rig, "scsi op=1 lun=0"), VERDICT_DENY);
	assert_int_equal(rig.nreports, 2);
	assert_int_equal(rig_rule(&rig, "scsi op=2 lun=1"), VERDICT_DROP);
	rig.now += SECOND;
	assert_int_equal(rig_rule(&rig, "scsi op=2 lun=1"), VERDICT_ALLOW);
	assert_int_equal(rig_rule(&rig, "scsi op=2 lun=1"), VERDICT_DROP);
	rig_close(&rig);
}

static const char quota_text[] =
    "profile p { quota daily 1KiB per 24h\n on scsi {\n"
    " deny sense 07/27/00 op write over daily\n"
    " deny op write lba 0\n"
    " allow op { read write }\n } }";

static uint64_t
used(const struct rig *rig, int64_t *since)
{
	const char *name;
	uint64_t bytes;

	assert_int_equal(
	    pjudge_quota(&rig->judge, 0, &name, &bytes, since), 0);
	assert_string_equal(name, "daily");
	assert_int_equal(
	    pjudge_quota(&rig->judge, 1, &name, &bytes, since), ERR_NOENT);
	assert_int_equal(
	    pjudge_quota(&rig->judge, 0, &name, &bytes, since), 0);
	return bytes;
}

static void
quota(void **state)
{
	int64_t since;
	struct rig rig;

	(void)state;
	rig_open(&rig, quota_text, "p");
	assert_int_equal(used(&rig, &since), 0);
	assert_int_equal(since, 0);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=1000"), VERDICT_ALLOW);
	assert_int_equal(used(&rig, &since), 1000);
	assert_int_equal(since, RIG_WALL);
	/* refused, or not met: not charged */
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=0 len=8"), VERDICT_DENY);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=read-10 lba=0 len=4096"), VERDICT_ALLOW);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=25"), VERDICT_DENY);
	assert_int_equal(rig.ruling.how, HOW_SENSE);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=24"), VERDICT_ALLOW);
	assert_int_equal(used(&rig, &since), 1024);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=1"), VERDICT_DENY);
	/* the next day */
	rig.now += 86400 * SECOND;
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=1"), VERDICT_ALLOW);
	assert_int_equal(used(&rig, &since), 1);
	assert_int_equal(since, RIG_WALL + 86400);
	rig_close(&rig);
}

static void
quota_is_kept(void **state)
{
	int64_t since;
	struct rig rig;

	(void)state;
	rig_open(&rig, quota_text, "p");
	pjudge_quota_set(&rig.judge, "other", 9, RIG_WALL, RIG_WALL, rig.now);
	assert_int_equal(used(&rig, &since), 0);
	rig.now = 100000 * SECOND;
	rig.judge.wall = RIG_WALL - 100000;
	pjudge_quota_set(
	    &rig.judge, "daily", 1020, RIG_WALL - 3600, RIG_WALL, rig.now);
	assert_int_equal(used(&rig, &since), 1020);
	assert_int_equal(since, RIG_WALL - 3600);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=5"), VERDICT_DENY);
	rig.now += 82800 * SECOND - 1;
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=5"), VERDICT_DENY);
	rig.now += 1;
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=5"), VERDICT_ALLOW);
	/* a period that is over */
	pjudge_quota_set(&rig.judge, "daily", 1020, RIG_WALL - 86400, RIG_WALL,
	    rig.now);
	assert_int_equal(used(&rig, &since), 0);
	/* a clock that was set back */
	pjudge_quota_set(&rig.judge, "daily", 1020, RIG_WALL + 999, RIG_WALL,
	    rig.now);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=9 len=5"), VERDICT_DENY);
	rig_close(&rig);
}

static void
swapping(void **state)
{
	static const char stricter[] =
	    "profile p { meter m 1/s burst 1\n quota daily 2KiB per 24h\n"
	    " quota other 1KiB per 1h\n on scsi {\n"
	    " deny op write over daily\n deny op 9 over other\n"
	    " drop op 8 over m\n allow op write\n } }";
	struct rig rig, next;
	int64_t since;

	(void)state;
	rig_open(&rig, quota_text, "p");
	rig_open(&next, stricter, "p");
	assert_int_equal(
	    rig_rule(&rig, "scsi op=read-10 lba=1 len=9"), VERDICT_ALLOW);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=1 len=900"), VERDICT_ALLOW);
	pjudge_swap(&rig.judge, &next.table, 0, rig.now);
	rig.table = next.table;
	assert_int_equal(
	    rig_rule(&rig, "scsi op=read-10 lba=1 len=9"), VERDICT_DENY);
	/* the new size, what was counted before */
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=1 len=1148"), VERDICT_ALLOW);
	assert_int_equal(
	    rig_rule(&rig, "scsi op=write-10 lba=1 len=1"), VERDICT_DENY);
	/* a table without it forgets it */
	rig_close(&rig);
	rig_open(&rig, "profile p { on scsi { allow } }", "p");
	next.judge.meters[1].level = 7;
	pjudge_swap(&next.judge, &rig.table, 0, next.now);
	assert_int_equal(
	    pjudge_quota(&next.judge, 0, &(const char *){NULL},
		&(uint64_t){0}, &since),
	    ERR_NOENT);
	rig_close(&rig);
	rig_close(&next);
}

/* Its own in place of the parent's, also for the parent's rules. */
static void
own_quota(void **state)
{
	int64_t since;
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile b { quota daily 1KiB per 24h\n on scsi {\n"
	    " deny op 2 over daily\n allow op 2\n } }\n"
	    "profile p extends b { quota daily 4KiB per 24h }\n", "p");
	assert_int_equal(rig_rule(&rig, "scsi op=2 len=4000"), VERDICT_ALLOW);
	assert_int_equal(used(&rig, &since), 4000);
	assert_int_equal(rig_rule(&rig, "scsi op=2 len=97"), VERDICT_DENY);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meter_of_keys),
		cmocka_unit_test(meter_of_units),
		cmocka_unit_test(quota),
		cmocka_unit_test(quota_is_kept),
		cmocka_unit_test(own_quota),
		cmocka_unit_test(swapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
