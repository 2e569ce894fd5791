/*
 * What each rule of the language means for a unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/judge_body.h"

/* Rules of one hook of a profile. */
struct row {
	const char *hook, *rules, *unit;
	enum verdict verdict;
};

static void
judge_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		char text[1024];
		struct rig rig;

		snprintf(text, sizeof(text),
		    "profile p {\n quota q 1KiB per 1h\n on setup { note over q"
		    " }\n on %s {\n%s\n}\n}\n",
		    row->hook, row->rules);
		if (strcmp(row->hook, "setup") == 0) {
			snprintf(text, sizeof(text),
			    "profile p {\n on setup {\n%s\n}\n}\n",
			    row->rules);
		}
		rig_open(&rig, text, "p");
		if (rig_rule(&rig, row->unit) != row->verdict) {
			fail_msg("%s\n%s\nis %s", row->rules, row->unit,
			    verdict_name(rig.ruling.verdict));
		}
		rig_close(&rig);
	}
}

#define ALLOW VERDICT_ALLOW
#define DENY VERDICT_DENY

static void
single_values(void **state)
{
	static const struct row rows[] = {
		{"scsi", "allow op 0x28", "scsi op=0x28", ALLOW},
		{"scsi", "allow op 0x28", "scsi op=0x29", DENY},
		{"scsi", "allow op == 0x28", "scsi op=0x28", ALLOW},
		{"scsi", "allow op != 0x28", "scsi op=0x29", ALLOW},
		{"scsi", "allow op != 0x28", "scsi op=0x28", DENY},
		{"scsi", "allow op != read", "scsi op=0xa8", DENY},
		{"scsi", "allow op != read", "scsi op=0x2a", ALLOW},
		{"scsi", "allow op { 0x12 0x20..0x2f }", "scsi op=0x2f",
		    ALLOW},
		{"scsi", "allow op { 0x12 0x20..0x2f }", "scsi op=0x30", DENY},
		{"scsi", "allow op write", "scsi op=write-10", ALLOW},
		{"scsi", "allow op vendor", "scsi op=0xc0", ALLOW},
		{"scsi", "allow not op vendor", "scsi op=0xbf", ALLOW},
		{"scsi", "allow not op vendor", "scsi op=0xff", DENY},
		{"scsi", "allow len < 8", "scsi len=7", ALLOW},
		{"scsi", "allow len < 8", "scsi len=8", DENY},
		{"scsi", "allow len <= 8", "scsi len=8", ALLOW},
		{"scsi", "allow len > 8", "scsi len=8", DENY},
		{"scsi", "allow len >= 8", "scsi len=8", ALLOW},
		{"scsi", "allow len 0..4294967295", "scsi len=4294967295",
		    ALLOW},
		{"scsi", "allow len { 1..2 1000..2000 5000 }", "scsi len=2000",
		    ALLOW},
		{"scsi", "allow len { 1..2 1000..2000 5000 }", "scsi len=4999",
		    DENY},
		{"scsi", "allow len { 1..2 1000..2000 5000 }", "scsi len=0",
		    DENY},
		{"setup", "allow request get-descriptor",
		    "setup request=get-descriptor", ALLOW},
		{"serial", "allow dtr", "serial dtr=1", ALLOW},
		{"serial", "allow dtr", "serial dtr=0", DENY},
		{"serial", "allow dtr = 0", "serial dtr=0", ALLOW},
		{"scsi", "allow lun 1 op 0x28", "scsi lun=1 op=0x28", ALLOW},
		{"scsi", "allow lun 1 op 0x28", "scsi lun=0 op=0x28", DENY},
		{"scsi", "allow", "scsi", ALLOW},
	};

	(void)state;
	judge_rows(rows, ARRAY_LEN(rows));
}

static void
absent_facts(void **state)
{
	static const struct row rows[] = {
		{"scsi", "allow lun 0", "scsi op=0x28", DENY},
		{"scsi", "allow lun != 0", "scsi op=0x28", DENY},
		/* what is not known does not let anything pass ... */
		{"scsi", "allow not lun 0", "scsi op=0x28", DENY},
		/* ... and does not save it */
		{"scsi", "drop not lun 0\n allow", "scsi op=0x28",
		    VERDICT_DROP},
		{"scsi", "drop lun 0\n allow", "scsi op=0x28", ALLOW},
		{"scsi", "allow u8@4 1", "scsi bytes=00000000", DENY},
		{"scsi", "allow not u8@4 1", "scsi bytes=00000000", DENY},
		{"scsi", "drop not u8@4 1\n allow", "scsi bytes=00000000",
		    VERDICT_DROP},
		{"ctap", "allow rp \"a.example\"", "ctap", DENY},
	};

	(void)state;
	judge_rows(rows, ARRAY_LEN(rows));
}

static void
several_values(void **state)
{
	static const struct row rows[] = {
		/* all in what lets pass */
		{"scsi", "allow lba 10..19", "scsi lba=10..19", ALLOW},
		{"scsi", "allow lba 10..19", "scsi lba=10..20", DENY},
		{"scsi", "allow lba 10..19", "scsi lba=9..10", DENY},
		{"scsi", "allow lba { 10..19 20..29 }", "scsi lba=15..25",
		    ALLOW},
		{"scsi", "allow lba { 10..19 21..29 }", "scsi lba=15..25",
		    DENY},
		{"scsi", "allow lba 10..19", "scsi lba=none", ALLOW},
		{"scsi", "allow lba < 20", "scsi lba=10..19", ALLOW},
		{"scsi", "allow lba < 20", "scsi lba=10..20", DENY},
		{"scsi", "allow lba >= 20", "scsi lba=19..25", DENY},
		{"scsi", "allow lba != 5", "scsi lba=4..6", DENY},
		{"scsi", "allow lba != 5", "scsi lba=6..9", ALLOW},
		{"scsi", "allow not lba 10..19", "scsi lba=0..9", ALLOW},
		{"scsi", "allow not lba 10..19", "scsi lba=0..10", DENY},
		{"scsi", "rewrite { wp = 1 } lba 1..2", "scsi lba=1..3", DENY},
		{"scsi", "allow lba 0..18446744073709551615",
		    "scsi lba=0..18446744073709551615", ALLOW},
		/* any in what does not */
		{"scsi", "drop lba 10..19\n allow", "scsi lba=0..10",
		    VERDICT_DROP},
		{"scsi", "drop lba 10..19\n allow", "scsi lba=0..99",
		    VERDICT_DROP},
		{"scsi", "drop lba 10..19\n allow", "scsi lba=20..99", ALLOW},
		{"scsi", "drop lba { 1 10..19 50 }\n allow", "scsi lba=20..49",
		    ALLOW},
		{"scsi", "drop lba 10..19\n allow", "scsi lba=none", ALLOW},
		{"scsi", "drop lba != 5\n allow", "scsi lba=5..6",
		    VERDICT_DROP},
		{"scsi", "drop lba != 5\n allow", "scsi lba=5", ALLOW},
		{"scsi", "drop not lba 10..19\n allow", "scsi lba=15..20",
		    VERDICT_DROP},
		{"scsi", "drop not lba 10..19\n allow", "scsi lba=15..19",
		    ALLOW},
		{"hid", "allow key 4..9", "hid key=0x04+0x05", ALLOW},
		{"hid", "allow key 4..9", "hid key=0x04+0x0a", DENY},
		{"hid", "allow key 4..9", "hid key=none", ALLOW},
		{"hid", "drop key 4..9\n allow", "hid key=0x04+0x0a",
		    VERDICT_DROP},
		{"hid", "drop key 4..9\n allow", "hid key=0x0a", ALLOW},
		{"hid", "drop key 4..9\n allow", "hid key=none", ALLOW},
		{"hid", "allow not key Power", "hid key=0x04+Power", DENY},
		{"hid", "allow not key Power", "hid key=0x04", ALLOW},
		{"hid", "drop key Power\n allow", "hid key=0x101",
		    VERDICT_DROP},
		{"hid", "drop not key 4..9\n allow", "hid key=0x04+0x0a",
		    VERDICT_DROP},
		{"hid", "allow usage 0xc00e9..0xc00ea", "hid usage=0xc00ea",
		    ALLOW},
		{"hid", "allow usage 0xc00e9..0xc00ea",
		    "hid usage=0xc00ea+0xc00eb", DENY},
		{"hid", "allow usage 0xc00e9", "hid usage=none", ALLOW},
		{"hid", "drop usage 0xc00e9\n allow",
		    "hid usage=0xc00e9+0xc00eb", VERDICT_DROP},
	};

	(void)state;
	judge_rows(rows, ARRAY_LEN(rows));
}

static void
chords(void **state)
{
	static const struct row rows[] = {
		{"hid", "drop chord GUI+R\n allow", "hid key=GUI+R",
		    VERDICT_DROP},
		{"hid", "drop chord GUI+R\n allow", "hid key=0xe7+R",
		    VERDICT_DROP},
		{"hid", "drop chord GUI+R\n allow", "hid key=R", ALLOW},
		{"hid", "drop chord GUI+R\n allow", "hid key=GUI+X", ALLOW},
		{"hid", "drop chord GUI+R\n allow", "hid key=Ctrl+R", ALLOW},
		{"hid", "drop chord GUI+R\n allow", "hid key=GUI+Shift+R",
		    VERDICT_DROP},
		{"hid", "drop chord GUI+R\n allow", "hid key=GUI+R+X",
		    VERDICT_DROP},
		{"hid", "drop chord { Ctrl+Alt+F1..F12 }\n allow",
		    "hid key=Ctrl+Alt+0x3b", VERDICT_DROP},
		{"hid", "drop chord { Ctrl+Alt+F1..F12 }\n allow",
		    "hid key=Alt+0x3b", ALLOW},
		{"hid", "allow chord { Ctrl+X Ctrl+R }", "hid key=Ctrl+X+R",
		    ALLOW},
		{"hid", "allow chord { Ctrl+X }", "hid key=Ctrl+X+R", DENY},
		{"hid", "allow chord { Ctrl+X }", "hid key=Ctrl", ALLOW},
	};

	(void)state;
	judge_rows(rows, ARRAY_LEN(rows));
}

static void
texts_and_bytes(void **state)
{
	static const struct row rows[] = {
		{"ctap", "allow rp \"a.example\"", "ctap rp=a.example", ALLOW},
		{"ctap", "allow rp \"a.example\"", "ctap rp=a.example2", DENY},
		{"ctap", "allow rp \"a.*\"", "ctap rp=a.example", ALLOW},
		{"ctap", "allow rp \"a.*\"", "ctap rp=a", DENY},
		{"ctap", "allow not rp \"a.*\"", "ctap rp=b.example", ALLOW},
		{"apdu", "allow aid \"a000\"", "apdu aid=a00000", ALLOW},
		{"apdu", "allow aid \"a000\"", "apdu aid=a0", DENY},
		{"out", "allow u8@1 0x12", "out bytes=0012", ALLOW},
		{"out", "allow u8@2 0x12", "out bytes=0012", DENY},
		{"out", "allow le16@0 0x3412", "out bytes=1234", ALLOW},
		{"out", "allow be16@0 0x1234", "out bytes=1234", ALLOW},
		{"out", "allow be16@1 0x1234", "out bytes=1234", DENY},
		{"out", "allow le32@0 0x78563412", "out bytes=12345678",
		    ALLOW},
		{"out", "allow be32@0 0x12345678", "out bytes=12345678",
		    ALLOW},
		{"out", "allow be16@0 & \"00ff\" 0x34", "out bytes=1234",
		    ALLOW},
		{"out", "allow le16@0 & \"00ff\" 0x3400", "out bytes=1234",
		    ALLOW},
		{"out", "allow u8@0 & \"0f\" { 1..3 }", "out bytes=f2",
		    ALLOW},
		{"out", "allow u8@0 > 0x7f", "out bytes=80", ALLOW},
		{"out", "allow u8@0 != 0x80", "out bytes=80", DENY},
		{"out", "allow u8@0 != 0x80", "out bytes=81", ALLOW},
		{"out", "allow bytes@1 \"3456\"", "out bytes=123456", ALLOW},
		{"out", "allow bytes@1 \"3456\"", "out bytes=1234", DENY},
		{"out", "allow bytes@0 & \"f00f\" \"1006\"", "out bytes=1f66",
		    ALLOW},
		{"out", "allow bytes@0 != \"12\"", "out bytes=13", ALLOW},
		{"out", "allow bytes@0 != \"12\"", "out bytes=12", DENY},
		{"out", "allow contains \"3456\" in 0..8", "out bytes=123456",
		    ALLOW},
		{"out", "allow contains \"3456\" in 0..0", "out bytes=123456",
		    DENY},
		{"out", "allow contains \"3456\" in 1..1", "out bytes=123456",
		    ALLOW},
		{"out", "allow contains \"3456\" in 0..99", "out bytes=1234",
		    DENY},
		{"out", "drop not contains \"3456\" in 0..9\n allow",
		    "out bytes=12", VERDICT_DROP},
	};

	(void)state;
	judge_rows(rows, ARRAY_LEN(rows));
}

static void
order_of_rules(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile b { on scsi {\n"		   /* 1 */
	    " deny op 1\n"			   /* 2 */
	    " allow op { 1 2 3 }\n"		   /* 3 */
	    "} }\n"
	    "profile a extends b { on scsi {\n"	   /* 5 */
	    " allow op 1\n"			   /* 6 */
	    " deny sense 07/27/00 op 2 lun 0\n"	   /* 7 */
	    "} }\n", "a");
	assert_int_equal(rig_rule(&rig, "scsi op=1"), ALLOW);
	assert_int_equal(rig_line(&rig), 6); /* own before the parent's */
	assert_int_equal(rig.nreports, 0);
	assert_int_equal(rig_rule(&rig, "scsi op=2 lun=0"), DENY);
	assert_int_equal(rig_line(&rig), 7); /* the first that decides */
	assert_int_equal(rig.ruling.how, HOW_SENSE);
	assert_memory_equal(rig.ruling.sense, "\x07\x27\x00", 3);
	assert_int_equal(rig.nreports, 1);
	assert_int_equal(rig_rule(&rig, "scsi op=2 lun=1"), ALLOW);
	assert_int_equal(rig_line(&rig), 3);
	assert_int_equal(rig_rule(&rig, "scsi op=4"), DENY);
	assert_int_equal(rig.ruling.rule, RULING_IMPLICIT);
	assert_int_equal(rig.nreports, 1);
	assert_int_equal(rig.reports[0].rule, RULING_IMPLICIT);
	assert_int_equal(rig.reports[0].verdict, DENY);
	/* a hook that is not spoken of ends the same way */
	assert_int_equal(rig_rule(&rig, "hid"), DENY);
	assert_int_equal(rig.ruling.rule, RULING_IMPLICIT);
	rig_close(&rig);
}

static void
notes_and_trials(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile p { on scsi {\n"
	    " note op 1\n"		     /* 2 */
	    " deny op 1 audit\n"	     /* 3 */
	    " allow op 1 lun 1 audit\n"	     /* 4 */
	    " allow op 1 log alert \"x\"\n"  /* 5 */
	    "} }\n", "p");
	assert_int_equal(rig_rule(&rig, "scsi op=1 lun=1"), ALLOW);
	assert_int_equal(rig_line(&rig), 5);
	assert_int_equal(rig.nreports, 4);
	assert_int_equal(rig.reports[0].verdict, VERDICTS);
	assert_false(rig.reports[0].is_trial);
	assert_int_equal(rig.reports[1].verdict, DENY);
	assert_true(rig.reports[1].is_trial);
	assert_int_equal(rig.reports[2].verdict, ALLOW);
	assert_true(rig.reports[2].is_trial);
	assert_int_equal(rig.reports[3].verdict, ALLOW);
	assert_false(rig.reports[3].is_trial);
	rig_close(&rig);
}

static void
mode_audit(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile p { mode audit\n on scsi {\n"
	    " deny op 1\n drop op 2\n eject op 3\n quarantine op 4\n"
	    " ask \"boss\" within 9s else deny op 5\n"
	    " rewrite { wp = 1 } op 6\n"
	    "} }\n", "p");
	for (unsigned op = 1; op <= 5; op++) {
		static const enum verdict was[] = {0, DENY, VERDICT_DROP,
		    VERDICT_EJECT, VERDICT_QUARANTINE, VERDICT_ASK};
		char unit[32];

		snprintf(unit, sizeof(unit), "scsi op=%u", op);
		assert_int_equal(rig_rule(&rig, unit), ALLOW);
		assert_int_equal(rig.nreports, 1);
		assert_true(rig.reports[0].is_trial);
		assert_int_equal(rig.reports[0].verdict, was[op]);
	}
	assert_int_equal(rig_rule(&rig, "scsi op=6"), VERDICT_REWRITE);
	assert_int_equal(rig.ruling.nedits, 1);
	assert_int_equal(rig.ruling.edits[0].fact, FACT_WP);
	assert_int_equal(rig.ruling.edits[0].value, 1);
	assert_int_equal(rig_rule(&rig, "scsi op=9"), ALLOW);
	assert_true(rig.reports[0].is_trial);
	/* what could not be parsed is not on trial */
	rig.nreports = 0;
	judge_invalid(&rig.judge.judge, HOOK_SCSI, "CBW of 30 bytes");
	assert_int_equal(rig.nreports, 1);
	assert_false(rig.reports[0].is_trial);
	assert_int_equal(rig.reports[0].verdict, VERDICT_EJECT);
	assert_string_equal(rig.reports[0].what, "CBW of 30 bytes");
	rig_close(&rig);
}

static enum verdict
answer(struct rig *rig, enum verdict verdict, const char *unit)
{
	rig->judge.has_answer = 1;
	rig->judge.answer = verdict;
	return rig_rule(rig, unit);
}

static void
asking(void **state)
{
	static const char text[] =
	    "profile p { meter m 1/s burst 1\n on scsi {\n"
	    " note op 1\n"
	    " deny op { 1 2 } over m\n"
	    " ask \"boss\" within 9s else eject op 1 key \"K\"\n"
	    " allow op { 1 2 }\n"
	    "} }\n";
	struct table_rule rule;
	struct rig rig;

	(void)state;
	rig_open(&rig, text, "p");
	assert_int_equal(rig_rule(&rig, "scsi op=1"), VERDICT_ASK);
	assert_int_equal(rig.nreports, 2); /* the note, the question */
	assert_int_equal(table_rule(&rig.table, 0, rig.ruling.rule, &rule), 0);
	assert_string_equal(rule.ask, "boss");
	assert_string_equal(rule.key, "K");
	assert_int_equal(rule.ask_within, 9 * SECOND);
	assert_int_equal(rule.ask_else, VERDICT_EJECT);
	/* counted once, noted once */
	assert_int_equal(answer(&rig, ALLOW, "scsi op=1"), ALLOW);
	assert_int_equal(rig.nreports, 0);
	assert_false(rig.judge.has_answer);
	rig.now += SECOND;
	assert_int_equal(rig_rule(&rig, "scsi op=1"), VERDICT_ASK);
	assert_int_equal(answer(&rig, DENY, "scsi op=1"), DENY);
	assert_int_equal(rig.nreports, 1);
	assert_int_equal(rig.reports[0].verdict, DENY);
	assert_int_equal(rig_line(&rig), 5);
	/* a refusal stands when nobody is asked any more */
	rig.now += SECOND;
	assert_int_equal(answer(&rig, VERDICT_EJECT, "scsi op=2"),
	    VERDICT_EJECT);
	/* and an answer is of one unit only */
	rig.now += SECOND;
	assert_int_equal(answer(&rig, ALLOW, "scsi op=2"), ALLOW);
	assert_int_equal(rig_rule(&rig, "scsi op=1"), VERDICT_ASK);
	rig_close(&rig);
}

static void
local_time(void **state)
{
	static const struct {
		int64_t at; /* seconds after Tuesday 00:00 UTC */
		int32_t offset;
		int is_in;
	} rows[] = {
		{8 * 3600, 0, 1}, {8 * 3600 - 1, 0, 0},
		{17 * 3600 - 1, 0, 1}, {17 * 3600, 0, 0},
		{7 * 3600, 3600, 1}, {16 * 3600, 3600, 0},
		{9 * 3600, -7200, 0},
		/* Friday 22:00 to Saturday 06:00 */
		{3 * 86400 + 22 * 3600, 0, 1}, {4 * 86400 + 21599, 0, 1},
		{4 * 86400 + 21600, 0, 0}, {4 * 86400 + 23 * 3600, 0, 0},
		{3 * 86400 + 3600, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct profile_set *set =
		    profiles_of("profile p { on scsi { allow time { Tue "
				"08:00-17:00 Fri 22:00-06:00 } \n } }");
		struct rig rig = {.block = NULL};

		rig_build(&rig, set, "p", rows[i].offset);
		profile_set_free(set);
		rig_judge(&rig);
		rig.now += (uint64_t)rows[i].at * SECOND;
		if (rig_rule(&rig, "scsi op=1") !=
		    (rows[i].is_in ? ALLOW : DENY)) {
			fail_msg("row %zu", i);
		}
		rig_close(&rig);
	}
}

static void
rules_of_a_table(void **state)
{
	struct table_rule rule;
	struct rig rig;

	(void)state;
	rig_open(&rig,
	    "profile p {\n on scsi {\n"
	    " deny op 1 log alert \"say \\\"it\\\"\" capture 64 key \"K-1\"\n"
	    " allow op 2\n } }", "p");
	assert_int_equal(table_rule(&rig.table, 0, 0, &rule), 0);
	assert_string_equal(rule.file, "t.profile");
	assert_int_equal(rule.line, 3);
	assert_string_equal(rule.key, "K-1");
	assert_int_equal(rule.level, PROFILE_ALERT);
	assert_true(rule.has_log && rule.has_capture);
	assert_int_equal(rule.capture, 64);
	assert_int_equal(table_rule(&rig.table, 0, 1, &rule), 0);
	assert_string_equal(rule.key, "");
	assert_string_equal(rule.log, "");
	assert_false(rule.has_log || rule.has_capture);
	assert_int_equal(table_rule(&rig.table, 0, 2, &rule), ERR_NOENT);
	assert_int_equal(
	    table_rule(&rig.table, 0, RULING_IMPLICIT, &rule), 0);
	assert_string_equal(rule.key, "");
	assert_string_equal(rule.file, "");
	assert_int_equal(rule.line, 0);
	assert_int_equal(table_bound(&rig.table, 1, 0), 0);
	assert_int_equal(table_bound(&rig.table, 1, 1), -1);
	assert_int_equal(table_bound(&rig.table, 2, 0), -1);
	assert_string_equal(table_name(&rig.table, 0), "p");
	assert_int_equal(table_hooks(&rig.table, 0), 1u << HOOK_SCSI);
	rig_close(&rig);
}

/* A block is whole, where a struct may lie, and of this version. */
static void
blocks_that_do_not_fit(void **state)
{
	struct table t;
	struct rig rig;
	uint64_t *copy;

	(void)state;
	rig_open(&rig,
	    "profile p { on scsi { allow op { 1 2 } lba 5..9\n deny } }",
	    "p");
	copy = malloc(rig.size + 8);
	assert_non_null(copy);
	for (size_t n = 0; n < rig.size; n++) {
		memcpy(copy, rig.block, n);
		assert_int_equal(table_open(&t, copy, n), ERR_FORMAT);
	}
	memcpy(copy, rig.block, rig.size);
	assert_int_equal(table_open(&t, copy, rig.size), 0);
	assert_int_equal(table_open(&t, copy, rig.size + 8), ERR_FORMAT);
	memcpy((uint8_t *)copy + 4, rig.block, rig.size);
	assert_int_equal(
	    table_open(&t, (uint8_t *)copy + 4, rig.size), ERR_FORMAT);
	for (unsigned i = 0; i < 2; i++) { /* magic, version */
		memcpy(copy, rig.block, rig.size);
		((uint32_t *)copy)[i]++;
		assert_int_equal(
		    table_open(&t, copy, rig.size), ERR_FORMAT);
	}
	free(copy);
	rig_close(&rig);
}

/* Several profiles in one block, each once, whatever binds name it. */
static void
several_profiles(void **state)
{
	struct profile_set *set = profiles_of(
	    "profile a { on scsi { allow op 1 } }\n"
	    "profile b { for { 03:01:01 }\n cap transfer 4KiB\n"
	    "cap inflight 3\n arm by challenge 4 within 60s\n on hid { allow } }\n"
	    "profile c extends b { cap transfer 8KiB }\n");
	const struct profile_bind binds[] = {
	    {1, 0, 2}, {1, 1, 0}, {2, 0, 0}, {2, 3, 2}};
	struct judge_terms terms;
	struct table_caps caps;
	struct table t;
	void *block;
	size_t size;
	char why[64];

	(void)state;
	assert_int_equal(profile_build(set, binds, ARRAY_LEN(binds), 0, &block,
			     &size, why, sizeof(why)),
	    0);
	profile_set_free(set);
	assert_int_equal(table_open(&t, block, size), 0);
	assert_int_equal(table_profiles(&t), 2);
	assert_string_equal(table_name(&t, 0), "c");
	assert_string_equal(table_name(&t, 1), "a");
	assert_int_equal(table_bound(&t, 1, 0), 0);
	assert_int_equal(table_bound(&t, 1, 1), 1);
	assert_int_equal(table_bound(&t, 2, 0), 1);
	assert_int_equal(table_bound(&t, 2, 3), 0);
	assert_int_equal(table_bound(&t, 2, 1), -1);
	table_terms(&t, 0, &terms);
	assert_int_equal(terms.arm_digits, 4);
	assert_int_equal(terms.arm_within, 60 * SECOND);
	table_terms(&t, 1, &terms);
	assert_int_equal(terms.arm_digits, 0);
	table_caps(&t, 0, &caps);
	assert_int_equal(caps.transfer, 8192);
	assert_int_equal(caps.inflight, 3);
	assert_int_equal(caps.bytes, 0);
	assert_int_equal(table_hooks(&t, 0), 1u << HOOK_HID);
	free(block);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_values),
		cmocka_unit_test(absent_facts),
		cmocka_unit_test(several_values),
		cmocka_unit_test(chords),
		cmocka_unit_test(texts_and_bytes),
		cmocka_unit_test(order_of_rules),
		cmocka_unit_test(notes_and_trials),
		cmocka_unit_test(mode_audit),
		cmocka_unit_test(asking),
		cmocka_unit_test(local_time),
		cmocka_unit_test(rules_of_a_table),
		cmocka_unit_test(blocks_that_do_not_fit),
		cmocka_unit_test(several_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
