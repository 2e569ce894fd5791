/*
 * Loading profiles: the specification's examples, what stands for what, which
 * of two counts, and what is inherited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/profiles_body.h"

static const char examples[] =
    "define safe-scsi = { test-unit-ready request-sense inquiry "
    "mode-sense-6 mode-sense-10 read-capacity-10 read-capacity-16\n"
    "  read-format-capacities report-luns start-stop-unit "
    "prevent-allow-removal get-event-status read-toc }\n"
    "profile base {\n"
    "  on setup {\n"
    "    allow request { get-descriptor get-status get-configuration "
    "get-interface set-configuration set-interface clear-halt }\n"
    "    deny  type vendor log \"vendor-request\"\n"
    "  }\n"
    "}\n"
    "profile storage-ro extends base {\n"
    "  for { 08:06:50 }\n"
    "  on setup { allow request { bot-reset get-max-lun } }\n"
    "  on scsi {\n"
    "    rewrite { wp = 1 } op { mode-sense-6 mode-sense-10 }   # ro\n"
    "    allow op $safe-scsi\n"
    "    allow op read\n"
    "    drop  op synchronize-cache\n"
    "    deny  sense 07/27/00 op { write manage } log \"write-refused\"\n"
    "    deny  sense 05/20/00 op { passthrough vendor } log alert "
    "\"scsi-passthrough\"\n"
    "  }\n"
    "}\n"
    "profile storage-logpart extends storage-ro {\n"
    "  quota daily 64MiB per 24h\n"
    "  on scsi {\n"
    "    allow op { mode-sense-6 mode-sense-10 }\n"
    "    deny  sense 05/25/00 lun 1..15\n"
    "    deny  sense 07/27/00 op write over daily log \"quota\"\n"
    "    allow op write lba 2048..133119\n"
    "    allow op synchronize-cache\n"
    "  }\n"
    "}\n"
    "profile keyboard extends base {\n"
    "  for { 03:01:01 03:00:00 }\n"
    "  arm by challenge 4 within 60s\n"
    "  meter fast 25/s burst 12\n"
    "  on setup {\n"
    "    allow request { hid-get-report hid-set-report } kind { input "
    "output } wlength <= 8\n"
    "    allow request { hid-get-descriptor hid-set-idle hid-get-idle "
    "hid-set-protocol hid-get-protocol }\n"
    "  }\n"
    "  on hid {\n"
    "    quarantine kind input over fast log alert \"injection-rate\" "
    "capture 64\n"
    "    drop  chord { GUI+R GUI+X Ctrl+Alt+Delete Ctrl+Alt+F1..F12 "
    "Alt+SysRq+* } log \"chord\"\n"
    "    drop  key { Power Sleep Execute }\n"
    "    allow kind input key { 0x04..0x65 0xe0..0xe7 }\n"
    "    allow kind output len 1\n"
    "  }\n"
    "}\n";

static void
assert_value(const struct value *v, uint64_t low, uint64_t high, uint8_t mods)
{
	assert_non_null(v);
	assert_int_equal(v->low, low);
	assert_int_equal(v->high, high);
	assert_int_equal(v->mods, mods);
}

static void
test_examples(void **state)
{
	struct profile_set *set = profiles_of(examples);
	const struct profile *ro = tree_of(set, "storage-ro");
	const struct profile *log = tree_of(set, "storage-logpart");
	const struct prule *rule = ro->rules[HOOK_SCSI];
	const struct value *v;

	(void)state;
	assert_int_equal(profile_set_count(set), 4);
	assert_string_equal(profile_set_name(set, 0), "base");
	assert_null(profile_set_name(set, 4));
	assert_int_equal(profile_set_find(set, "auto"), -1);
	assert_string_equal(ro->parent->name, "base");
	assert_ptr_equal(log->parent, ro);
	assert_int_equal(ro->hooks, 1u << HOOK_SETUP | 1u << HOOK_SCSI);
	assert_int_equal(log->hooks, ro->hooks);

	assert_int_equal(rule->verdict, VERDICT_REWRITE);
	assert_int_equal(rule->edits->fact->fact, FACT_WP);
	assert_int_equal(rule->edits->value, 1);
	assert_null(rule->edits->next);
	assert_value(rule->matches->values, 0x1a, 0x1a, 0);
	assert_value(rule->matches->values->next, 0x5a, 0x5a, 0);

	v = rule->next->matches->values;
	assert_string_equal(v->word, "$safe-scsi");
	assert_value(v, 0, 0, 0);
	assert_null(v->next->word);
	assert_value(v->next, 3, 3, 0);

	rule = rule->next->next->next->next; /* deny sense */
	assert_int_equal(rule->verdict, VERDICT_DENY);
	assert_int_equal(rule->how, HOW_SENSE);
	assert_memory_equal(rule->sense, "\x07\x27\x00", 3);
	assert_string_equal(rule->log, "write-refused");
	assert_int_equal(rule->level, PROFILE_INFO);
	assert_int_equal(rule->next->level, PROFILE_ALERT);
	assert_null(rule->next->next);

	assert_true(log->meters->is_quota);
	assert_int_equal(log->meters->amount, 64u << 20);
	assert_int_equal(log->meters->per, UINT64_C(86400000000000));
	rule = log->rules[HOOK_SCSI]->next;
	assert_value(rule->matches->values, 1, 15, 0);
	rule = rule->next;
	assert_int_equal(rule->matches->next->kind, MATCH_OVER);
	assert_string_equal(rule->matches->next->name, "daily");
	rule = rule->next;
	assert_int_equal(rule->matches->next->fact->fact, FACT_LBA);
	assert_value(rule->matches->next->values, 2048, 133119, 0);
	profile_set_free(set);
}

static void
test_keyboard(void **state)
{
	struct profile_set *set = profiles_of(examples);
	const struct profile *p = tree_of(set, "keyboard");
	const struct prule *rule = p->rules[HOOK_SETUP];
	const struct value *v;
	int i = profile_set_find(set, "keyboard");

	(void)state;
	assert_int_equal(p->arm_digits, 4);
	assert_int_equal(p->arm_within, UINT64_C(60000000000));
	assert_int_equal(p->meters->amount, 25);
	assert_int_equal(p->meters->burst, 12);
	assert_int_equal(rule->matches->fact->fact, FACT_REQUEST_NAME);
	assert_int_equal(rule->matches->next->next->op, MATCH_LE);
	assert_value(rule->matches->next->next->values, 8, 8, 0);

	rule = p->rules[HOOK_HID];
	assert_int_equal(rule->verdict, VERDICT_QUARANTINE);
	assert_int_equal(rule->capture, 64);
	v = rule->next->matches->values;
	assert_value(v, 0x15, 0x15, MOD_GUI);
	v = v->next->next;
	assert_value(v, 0x4c, 0x4c, MOD_CTRL | MOD_ALT);
	assert_value(v->next, 0x3a, 0x45, MOD_CTRL | MOD_ALT);
	assert_value(v->next->next, 0x46, 0x46, MOD_ALT);
	v = rule->next->next->matches->values; /* Power: two codes */
	assert_string_equal(v->word, "Power");
	assert_value(v, 0x66, 0x66, 0);
	assert_value(v->next, 0x101, 0x101, 0);
	assert_null(v->next->word);

	assert_int_equal(profile_takes(set, (size_t)i, 3, 1, 1), 1);
	assert_int_equal(profile_takes(set, (size_t)i, 3, 1, 2), 0);
	assert_int_equal(profile_takes(set, 0, 0xff, 1, 2), 1);
	profile_set_free(set);
}

/* A local profile counts in place of a shipped one, and says so; a shipped one
 * does not see what a local file defines. */
static void
test_origins(void **state)
{
	static const char stock[] = "define d = 1\n"
				    "profile a { on setup { allow value $d } }\n"
				    "profile b extends a { }\n";
	static const char local[] =
	    "define d = 2\n"
	    "profile b extends a { on setup { allow value $d } }\n";
	struct profile_load *load = profile_load_new();
	struct profile_set *set;
	const struct profile *b;

	(void)state;
	assert_int_equal(profile_load_text(load, PROFILE_LOCAL, "l", local,
			     strlen(local)),
	    0);
	assert_int_equal(profile_load_text(load, PROFILE_STOCK, "s", stock,
			     strlen(stock)),
	    0);
	assert_int_equal(profile_load_finish(load, &set), 0);
	assert_int_equal(profile_load_warning_count(load), 1);
	assert_string_equal(profile_load_warning(load, 0)->text,
	    "profile `b' takes the place of the one that is shipped");
	assert_string_equal(profile_load_warning(load, 0)->file, "l");
	assert_null(profile_load_warning(load, 1));
	profile_load_free(load); /* the set does not need it */
	assert_int_equal(profile_set_count(set), 2);
	b = tree_of(set, "b");
	assert_int_equal(b->origin, PROFILE_LOCAL);
	assert_value(b->rules[HOOK_SETUP]->matches->values, 2, 2, 0);
	assert_string_equal(b->at.file, "l");
	assert_int_equal(b->parent->origin, PROFILE_STOCK);
	assert_value(b->parent->rules[HOOK_SETUP]->matches->values, 1, 1, 0);
	profile_set_free(set);
}

static void
test_inherited(void **state)
{
	struct profile_set *set = profiles_of(
	    "profile a { for { 03:*:* } mode audit cap transfer 1KiB\n"
	    "  cap inflight 3 arm by challenge 6 within 5m\n"
	    "  on hid { allow } }\n"
	    "profile b extends a { cap inflight 9 on setup { allow } }\n"
	    "profile c extends b { mode enforce on hid { deny } }\n");
	const struct profile *b = tree_of(set, "b"), *c = tree_of(set, "c");

	(void)state;
	assert_int_equal(b->cap_transfer, 1024);
	assert_int_equal(b->cap_inflight, 9);
	assert_int_equal(b->cap_bytes, 0);
	assert_true(b->is_audit);
	assert_int_equal(b->arm_digits, 6);
	assert_int_equal(b->arm_within, UINT64_C(300000000000));
	assert_int_equal(b->hooks, 1u << HOOK_HID | 1u << HOOK_SETUP);
	assert_null(b->rules[HOOK_HID]);
	assert_false(c->is_audit);
	assert_int_equal(profile_hooks(set, 2), b->hooks);
	assert_int_equal(profile_takes(set, 2, 3, 9, 9), 1);
	assert_int_equal(profile_takes(set, 2, 8, 6, 0x50), 0);
	profile_set_free(set);
}

/* Meters: of oneself, of a parent, in place of a parent's, and for nothing. */
static void
test_meters(void **state)
{
	static const char text[] =
	    "profile a { meter m 5/min meter n 1/s\n"
	    "  on setup { deny over m } }\n"
	    "profile b extends a { meter m 9/s\n"
	    "  on setup { deny stall over m value 1 } }\n";
	struct profile_load *load = profile_load_new();
	struct profile_set *set;

	(void)state;
	assert_int_equal(profile_load_text(load, PROFILE_LOCAL, "l", text,
			     strlen(text)),
	    0);
	assert_int_equal(profile_load_finish(load, &set), 0);
	assert_int_equal(profile_load_warning_count(load), 1);
	assert_string_equal(profile_load_warning(load, 0)->text,
	    "meter `n' is never used; no rule has `over n'");
	assert_int_equal(profile_load_warning(load, 0)->line, 1);
	assert_int_equal(profile_load_warning(load, 0)->column, 33);
	assert_int_equal(
	    tree_of(set, "a")->meters->per, UINT64_C(60000000000));
	profile_load_free(load);
	profile_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_examples),
	    cmocka_unit_test(test_keyboard),
	    cmocka_unit_test(test_origins),
	    cmocka_unit_test(test_inherited),
	    cmocka_unit_test(test_meters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
