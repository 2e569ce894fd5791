/*
 * Media transfer: what libmtp says to a phone to list and download, refusals
 * with and without data, and containers out of phase.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/list.h"
#include "tests/fake/decode_script.h"
#include "tests/unit/mtp_phone.h"

static const uint8_t phone[] = {MTP_PHONE};

#define OPEN "> 10000000 0100 0210 00000000 01000000 = pass\n" \
	     "< 0c000000 0300 0120 00000000 = pass\n"

static const struct {
	const char *name, *script;
} scripts[] = {
	{"listing",
	    "> 0c000000 0100 0110 00000000 = pass\n"
	    "f mtp op=get-device-info len=12 -object\n"
	    "< 40000000 0200 0110 00000000 *52 = pass\n"
	    "< = pass\n"
	    "< 0c000000 0300 0120 00000000 = pass\n"
	    OPEN
	    "f mtp op=open-session\n"
	    "> 0c000000 0100 0410 01000000 = pass\n"
	    "f mtp op=get-storage-ids op=read\n"
	    "< 14000000 0200 0410 01000000 01000000 01000100 = pass\n"
	    "< 0c000000 0300 0120 01000000 = pass\n"
	    "> 18000000 0100 0710 02000000 01000100 00000000 ffffffff = pass\n"
	    "f mtp op=get-object-handles len=24 -object\n"
	    "< 18000000 0200 0710 02000000 02000000 05000000 06000000 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"
	    "> 1c000000 0100 0598 03000000 05000000 00000000 ffffffff 00000000"
	    " = pass\n"
	    "f mtp op=get-object-prop-list object=5\n"
	    /* a header in a transfer of its own */
	    "< 20000000 0200 0598 03000000 = pass\n"
	    "< *20 = pass\n"
	    "< 0c000000 0300 0120 03000000 = pass\n"
	    "! 10000000 0400 0240 03000000 07000000 = pass\n"
	    "! 10000000 0400 = pass\n"
	    "! 0240 03000000 07000000 = pass\n"
	    "r mtp mtp mtp mtp mtp\n"},
	{"download",
	    OPEN
	    "> 10000000 0100 0910 01000000 05000000 = pass\n"
	    "f mtp op=get-object object=5\n"
	    "<512 00040000 0200 0910 01000000 *500 = pass\n"
	    "<512 *512 = pass\n"
	    "<512 = pass\n"
	    "< 0c000000 0300 0120 01000000 = pass\n"
	    /* more than 4 GiB: until a short packet */
	    "> 1c000000 0100 c195 02000000 05000000 00000000 00000000 00000400"
	    " = pass\n"
	    "f mtp op=get-partial-object-64 op=read object=5\n"
	    "<512 ffffffff 0200 c195 02000000 *500 = pass\n"
	    "<512 *512 = pass\n"
	    "<512 *3 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"},
	{"upload",
	    OPEN
	    "> 14000000 0100 0c10 01000000 01000100 ffffffff = pass\n"
	    "f mtp op=send-object-info op=write\n"
	    "> 20000000 0200 0c10 01000000 *20 = pass\n"
	    "< 18000000 0300 0120 01000000 01000100 ffffffff 09000000 = pass\n"
	    "> 0c000000 0100 0d10 02000000 = pass\n"
	    "> 80000000 0200 0d10 02000000 *52 = pass\n"
	    "> *64 = pass\n"
	    "> = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"
	    "> 0c000000 0100 0d10 03000000 = pass\n"
	    "> 20000000 0200 0d10 03000000 = pass\n"
	    "> *20 = pass\n"
	    "< 0c000000 0300 0120 03000000 = pass\n"},
	{"a delete is refused",
	    OPEN
	    "? deny\n"
	    "> 14000000 0100 0b10 01000000 05000000 00000000 = answer\n"
	    "f mtp op=delete-object op=write object=5\n"
	    "a 0c000000 0300 0f20 01000000\n"
	    "> 10000000 0100 0810 02000000 05000000 = pass\n"
	    "< 10000000 0200 0810 02000000 00000000 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"},
	{"the data of a refused operation are swallowed",
	    OPEN
	    "? deny\n"
	    "> 14000000 0100 0c10 01000000 01000100 ffffffff = answer\n"
	    "a 0c000000 0300 0f20 01000000\n"
	    "> 80000000 0200 0c10 01000000 *52 = answer\n"
	    "> *64 = answer\n"
	    "> = answer\n"
	    "> 0c000000 0100 0410 02000000 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"},
	{"a question",
	    OPEN
	    "? ask\n"
	    "> 10000000 0100 0b10 01000000 05000000 = hold\n"
	    "? allow\n"
	    "> 10000000 0100 0b10 01000000 05000000 = pass\n"
	    "< 0c000000 0300 0120 01000000 = pass\n"
	    "? quarantine\n"
	    "> 10000000 0100 0b10 02000000 05000000 = quarantine\n"},
	{"a cancel",
	    OPEN
	    "> 10000000 0100 0910 01000000 05000000 = pass\n"
	    "<512 00040000 0200 0910 01000000 *500 = pass\n"
	    "c 21 64 0000 0000 0600 0140 01000000 = pass\n"
	    "<512 *10 = pass\n"
	    "c a1 67 0000 0000 1400 04000120 = pass\n"
	    "> 0c000000 0100 0410 02000000 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"},
	{"a reset of the device",
	    OPEN
	    "> 0c000000 0100 0410 01000000 = pass\n"
	    "c 21 66 0000 0000 0000 = pass\n"
	    "> 0c000000 0100 0410 07000000 = pass\n"},
	{"a host that waits in vain",
	    OPEN
	    "> 0c000000 0100 0410 01000000 = pass\n"
	    "x = pass\n"
	    "< 0c000000 0300 0120 01000000 = pass\n"},
	{"what a device is, in a session",
	    OPEN
	    "> 0c000000 0100 0110 00000000 = pass\n"
	    "< 0c000000 0300 0120 00000000 = pass\n"
	    "> 0c000000 0100 0410 01000000 = pass\n"
	    "< 0c000000 0300 0120 01000000 = pass\n"
	    "> 0c000000 0100 0110 02000000 = pass\n"
	    "< 0c000000 0300 0120 02000000 = pass\n"
	    "> 0c000000 0100 0410 03000000 = pass\n"},
	{"names",
	    "> 0c000000 0100 0190 00000000 = pass\n"
	    "f mtp op=vendor\n"
	    "< 0c000000 0300 0520 00000000 = pass\n"
	    "> 10000000 0100 0498 01000000 07000000 = pass\n"
	    "f mtp op=set-object-prop-value op=write object=7\n"},
};

#define COMMAND OPEN "> 0c000000 0100 0410 01000000 = pass\n"

static const char *const hostile[] = {
	"> 0c000000 0100 = eject\n",
	"> 10000000 0100 0410 00000000 = eject\n",
	"> 0e000000 0100 0410 00000000 0000 = eject\n",
	"> 24000000 0100 0410 00000000 *24 = eject\n",
	"> 0c000000 0200 0410 00000000 = eject\n",
	"> 0c000000 0300 0410 00000000 = eject\n",
	OPEN "> 0c000000 0100 0410 05000000 = eject\n",
	OPEN "< 0c000000 0300 0120 00000000 = eject\n",
	COMMAND "> 0c000000 0100 0410 02000000 = eject\n",
	COMMAND "< 0c000000 0300 0120 02000000 = eject\n",
	COMMAND "< 10000000 0300 0120 01000000 = eject\n",
	COMMAND "< 24000000 0300 0120 01000000 *24 = eject\n",
	COMMAND "< 0c000000 0400 0120 01000000 = eject\n",
	COMMAND "< 0c000000 0200 0510 01000000 = eject\n",
	COMMAND "< 0b000000 0200 0410 01000000 = eject\n",
	COMMAND "< 0c00 = eject\n",
	COMMAND "< 20000000 0200 0410 01000000 00 = eject\n",
	COMMAND "< 0e000000 0200 0410 01000000 000000 = eject\n",
	COMMAND "< 40000000 0200 0410 01000000 = pass\n< 00 = eject\n",
	COMMAND "<16 20000000 0200 0410 01000000 00000000 = pass\n"
		"< *17 = eject\n",
	COMMAND "> 20000000 0200 0410 01000000 00 = eject\n",
	COMMAND "> 0e000000 0200 0410 01000000 000000 = eject\n",
	COMMAND "> 0e000000 0200 0410 02000000 0000 = eject\n",
	COMMAND "> 10000000 0200 0410 01000000 00000000 = pass\n"
		"> 10000000 0200 0410 01000000 00000000 = eject\n",
	COMMAND "> 10000000 0200 0410 01000000 00000000 = pass\n"
		"< 10000000 0200 0410 01000000 00000000 = eject\n",
	COMMAND "> 1c000000 0200 0410 01000000 = pass\n"
		"> 10000000 0100 0b10 02000000 05000000 = eject\n",
	COMMAND "> ffffffff 0200 0410 01000000 = pass\n> *64 = pass\n"
		"> 10000000 0100 0b10 02000000 05000000 = eject\n",
	"! 04000000 0400 0000 = eject\n",
	"! 0c000000 0300 0240 00000000 = eject\n",
	"! ffff0000 0400 0240 00000000 = eject\n",
	"! 0c000000 0400 0240 00000000 00 = eject\n",
	"c 21 64 0000 0000 0600 0240 01000000 = eject\n",
	"c 21 64 0000 0000 0500 0140 010000 = eject\n",
	"? eject\n> 0c000000 0100 0410 00000000 = eject\n",
};

static void
run(const char *name, const char *text, unsigned ninvalid)
{
	static struct devrec rec;
	static struct desc_config config;
	static struct script s;

	s = (struct script){.ep_out = 1, .ep_in = 0x81, .ep_int = 0x82};
	judge_list_init(&s.judge);
	s.decoder = judge_list_attach(&s.judge, &decode_mtp, &rec, &config,
	    phone, sizeof(phone), 0, 0, NULL, 0, NULL);
	assert_non_null(s.decoder);
	script_run(&s, name, text);
	if (s.judge.ninvalid != ninvalid) {
		fail_msg("%s: %u invalid", name, s.judge.ninvalid);
	}
	free(s.decoder);
}

static void
test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		run(scripts[i].name, scripts[i].script, 0);
	}
}

static void
test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		run(hostile[i], hostile[i], hostile[i][0] != '?');
	}
}

static void
test_events(void **state)
{
	static struct devrec rec;
	static struct desc_config config;
	static struct script s;

	(void)state;
	s = (struct script){.ep_out = 1, .ep_in = 0x81, .ep_int = 0x82};
	judge_list_init(&s.judge);
	s.decoder = judge_list_attach(&s.judge, &decode_mtp, &rec, &config,
	    phone, sizeof(phone), 0, 0, NULL, 0, NULL);
	assert_non_null(s.decoder);
	script_run(&s, "half an operation", COMMAND);
	decode_mtp.event(s.decoder, DECODE_HALT_CLEARED, 0x81);
	script_run(&s, "after a stall", "< 0c000000 0300 0220 01000000 = pass\n"
		       "> 0c000000 0100 0410 09000000 = pass\n"
		       "! 10000000 0400 = pass\n");
	decode_mtp.event(s.decoder, DECODE_RESET, 0);
	script_run(&s, "after a reset", "> 0c000000 0100 0110 00000000 = pass\n"
		       "! 0c000000 0400 0240 00000000 = pass\n");
	assert_int_equal(decode_mtp.tick(s.decoder, 1), 0);
	free(s.decoder);
}

static void
test_attach(void **state)
{
	static const struct {
		uint8_t at, value;
		int takes, result;
	} cases[] = {{0, 9, 1, 0}, {20, 0x83, 1, ERR_FORMAT},
		{21, 3, 1, ERR_FORMAT}, {14, 8, 0, 0}, {16, 2, 0, 0}};
	static struct desc_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[] = {MTP_PHONE};
		struct decode_iface iface = {.config = &config, .bytes = bytes};
		const struct decode_how how = {.iface = &iface};
		struct decoder *d = calloc(1, decode_mtp.size);
		const char *what = NULL;

		assert_non_null(d);
		bytes[cases[i].at] = cases[i].value;
		assert_int_equal(
		    desc_parse_config(&config, bytes, sizeof(bytes), NULL), 0);
		iface.alt = &config.alts[0];
		assert_int_equal(decode_mtp.takes(&iface), cases[i].takes);
		if (cases[i].takes) {
			assert_int_equal(decode_mtp.attach(d, &how, &what),
			    cases[i].result);
		}
		free(d);
	}
}

/* Each name stands for one operation, and each operation that has one is in one
 * group. */
static void
test_names(void **state)
{
	static const char *const groups[] = {"read", "write", "vendor"};
	const struct hook_fact *op = hook_fact_of(HOOK_MTP, FACT_OP);
	unsigned nnamed = 0;

	(void)state;
	for (uint32_t code = 0; code <= 0xffff; code++) {
		const char *name = fact_name_of(op, code);
		unsigned in = 0;
		uint32_t low, high;

		for (unsigned g = 0; g < 3; g++) {
			for (unsigned i = 0; fact_name_range(op->names,
				 groups[g], strlen(groups[g]), i, &low, &high);
				i++) {
				in += code >= low && code <= high;
			}
		}
		assert_int_equal(
		    in, name != NULL || (code >= 0x9000 && code <= 0x9fff));
		nnamed += name != NULL;
	}
	assert_int_equal(nnamed, 37 + 5 + 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
