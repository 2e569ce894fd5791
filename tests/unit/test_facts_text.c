/*
 * Facts in the audit log: names and numbers, nothing of what a person typed,
 * no byte that a terminal obeys, and never more than fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "policy/tool/unit.h"

static void
one_line(void **state)
{
	static const struct {
		const char *unit, *text;
	} rows[] = {
		{"scsi op=write-10 lun=0 lba=2048..2055 len=4096",
		    "op=write-10 lun=0 lba=2048..2055 len=4096"},
		{"scsi lba=none", "lba=none"},
		{"scsi op=0xc1", "op=0xc1"},
		{"setup request=get-descriptor value=0x200 wlength=18",
		    "request=get-descriptor value=0x200 wlength=18"},
		{"hid key=Ctrl+0x04 usage=0xc00e9 keydowns=2", "keydowns=2"},
		{"ctap rp=login.example", "rp=login.example"},
		{"apdu aid=a0000000", "aid=a0000000"},
		{"out ep=0x81 bytes=313233", "ep=0x81"},
		{"serial dtr baud=1200", "baud=1200 dtr=1"},
		{"scsi", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct unit_words u;
		char text[128], why[64];

		assert_int_equal(
		    unit_read(&u, rows[i].unit, why, sizeof(why)), 0);
		assert_string_equal(
		    facts_text(text, sizeof(text), &u.facts), rows[i].text);
	}
}

static void
hostile_text(void **state)
{
	static const uint8_t rp[] = "a\x1b[31m\\ \x80";
	struct facts f;
	char text[64];

	(void)state;
	facts_init(&f, HOOK_CTAP);
	f.has = UINT64_C(1) << FACT_RP;
	f.text = rp;
	f.text_len = sizeof(rp) - 1;
	assert_string_equal(facts_text(text, sizeof(text), &f),
	    "rp=a\\x1b[31m\\x5c\\x20\\x80");
}

static void
cut_to_fit(void **state)
{
	struct unit_words u;
	char text[64], why[64];

	(void)state;
	assert_int_equal(unit_read(&u, "scsi op=write-10 lun=0 lba=1..2", why,
			     sizeof(why)),
	    0);
	for (size_t size = 1; size < 40; size++) {
		memset(text, 'x', sizeof(text));
		facts_text(text, size, &u.facts);
		assert_true(strlen(text) < size);
		assert_memory_equal(text, "op=write-10 lun=0 lba=1..2",
		    strlen(text));
		assert_int_equal(text[size], 'x');
	}
}

static void
verdicts(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_ALLOW), "allow");
	assert_string_equal(verdict_name(VERDICT_QUARANTINE), "quarantine");
	assert_string_equal(verdict_name(VERDICTS), "note");
	assert_string_equal(verdict_name((enum verdict)(VERDICTS + 1)), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(cut_to_fit),
		cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
