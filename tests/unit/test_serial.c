/*
 * Serial ports: what a driver and a modem manager say to one, the touch at
 * 1200 baud that turns a board into its boot loader, refusals, and
 * notifications that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/list.h"
#include "tests/fake/decode_script.h"
#include "tests/unit/serial_port.h"

static const uint8_t port[] = {SERIAL_PORT(2, 1)};

/* a request to interface 0: type, request, value, length */
#define CODING "c 21 20 0000 0000 0700 "

static const struct {
	const char *name, *script;
} control[] = {
	{"a port is opened and closed",
	    "c a1 21 0000 0000 0700 80250000 000008 = pass\n"
	    "r\n"
	    CODING "00c20100 000008 = pass\n"
	    "f serial baud=115200 -dtr -rts -dir -len\n"
	    "c 21 22 0300 0000 0000 = pass\n"
	    "f serial baud=115200 dtr=1 rts=1 -dir\n"
	    "c 21 23 ffff 0000 0000 = pass\n"
	    "f serial baud=115200 dtr=1\n"
	    "c 21 22 0000 0000 0000 = pass\n"
	    "f serial dtr=0 rts=0\n"},
	{"a touch",
	    CODING "80250000 000008 = pass\n"
	    "? deny\n"
	    CODING "b0040000 000008 = stall\n"
	    "f serial baud=1200\n"
	    "c 21 22 0000 0000 0000 = pass\n"
	    "f serial baud=9600 dtr=0\n"},
	{"a question",
	    "? ask\n"
	    CODING "80250000 000008 = hold\n"
	    "? drop\n"
	    CODING "80250000 000008 = answer\n"
	    "c 21 22 0100 0000 0000 = pass\n"
	    "f serial -baud dtr=1\n"},
	{"a modem manager",
	    "c 21 00 0000 0000 0400 41540d0a = pass\n"
	    "f serial dir=out len=4 -baud\n"
	    "! a1 01 0000 0000 0000 = pass\n"
	    "c a1 01 0000 0000 0800 4f4b0d0a = pass\n"
	    "f serial dir=in len=4\n"
	    "? deny\n"
	    "c 21 00 0000 0000 0400 41540d0a = stall\n"
	    "? deny\n"
	    "c a1 01 0000 0000 0800 4f4b0d0a = pass -\n"
	    "c 21 02 0100 0000 0200 0000 = pass\n"
	    "f serial -dir\n"},
	{"states of the line, whole and in pieces",
	    "! a1 20 0000 0000 0200 0300 = pass\n"
	    "! a1 20 0000 0000 0200 = pass\n"
	    "! 0300 = pass\n"
	    "! a1 20 = pass\n"
	    "! 0000 0000 0200 03 = pass\n"
	    "! 00 = pass\n"
	    "! a1 00 0100 0000 0000 = pass\n"
	    "! a1 2a 0000 0000 0800 *8 = pass\n"
	    "r\n"},
	{"requests of others", "c a1 55 0000 0000 0000 = pass\n"
			       "c c1 20 0000 0000 0000 = pass\nr\n"},
};

static const char *const hostile[] = {
	"c 21 20 0000 0000 0600 80250000 0000 = eject\n",
	"c 21 20 0000 0000 0800 80250000 00000800 = eject\n",
	"c a1 21 0000 0000 0800 80250000 00000800 = eject\n",
	"! 21 20 0000 0000 0200 0300 = eject\n",
	"! a1 20 0000 0000 0200 030000 = eject\n",
	"! a1 20 0000 0000 0300 030000 = eject\n",
	"! a1 01 0000 0000 0200 0300 = eject\n",
	"! a1 77 0000 0000 ffff = eject\n",
	"! a1 20 0000 0000 0200 = pass\n! 030000 = eject\n",
};

struct rig {
	struct devrec rec;
	struct desc_config config;
	struct script s;
};

static void
attach(struct rig *r, uint8_t number)
{
	memset(r, 0, sizeof(*r));
	r->s = (struct script){.ep_out = 1, .ep_in = 0x81, .ep_int = 0x82};
	judge_list_init(&r->s.judge);
	r->s.decoder = judge_list_attach(&r->s.judge, &decode_serial, &r->rec,
	    &r->config, port, sizeof(port), number, 0, NULL, 0, NULL);
	assert_non_null(r->s.decoder);
}

static void
test_control(void **state)
{
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++) {
		attach(&r, 0);
		script_run(&r.s, control[i].name, control[i].script);
		assert_int_equal(r.s.judge.ninvalid, 0);
		free(r.s.decoder);
	}
}

static void
test_hostile(void **state)
{
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		attach(&r, 0);
		script_run(&r.s, hostile[i], hostile[i]);
		assert_int_equal(r.s.judge.ninvalid, 1);
		assert_int_equal(r.s.judge.invalid_hook, HOOK_SERIAL);
		free(r.s.decoder);
	}
}

static void
test_stream(void **state)
{
	static struct rig c, r;

	(void)state;
	attach(&c, 0);
	attach(&r, 1);
	script_run(&r.s, "the line is not known", "> 4154 = pass\n"
			   "f serial dir=out len=2 -baud -dtr\n"
			   "< = pass\n"
			   "r serial\n");
	r.s.judge.sibling = c.s.decoder;
	script_run(&c.s, "the line", CODING "80250000 000008 = pass\n"
			    "c 21 22 0100 0000 0000 = pass\n");
	script_run(&r.s, "the stream", "> 4154 = pass\n"
		    "f serial dir=out len=2 baud=9600 dtr=1 rts=0\n"
		    "< 4f4b0d = pass 4f4b0d\n"
		    "f serial dir=in len=3 baud=9600\n"
		    "? deny\n> 4154 = stall\n"
		    "? drop\n> 4154 = answer 4154\n"
		    "? drop\n< 4f4b = again\n"
		    "? eject\n< 4f4b = eject\n"
		    "? quarantine\n> 4f4b = quarantine\n"
		    "? ask\n> 4f4b = hold\n"
		    /* a request that is the control interface's */
		    "c 21 20 0100 0000 0700 b0040000 000008 = pass\n"
		    "? deny\n< 4f4b = pass -\n");
	decode_serial.event(c.s.decoder, DECODE_RESET, 0);
	script_run(&r.s, "after a reset", "> 4154 = pass\n"
					  "f serial -baud -dtr\n");
	assert_int_equal(decode_serial.tick(r.s.decoder, 1), 0);
	free(c.s.decoder);
	free(r.s.decoder);
}

static void
test_takes(void **state)
{
	static const struct {
		uint8_t subclass, protocol;
		int takes;
	} cases[] = {{2, 0, 1}, {2, 1, 1}, {2, 0xff, 0}, {6, 0, 0}};
	static struct desc_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t bytes[] = {
			SERIAL_PORT(cases[i].subclass, cases[i].protocol)};
		struct decode_iface iface = {.config = &config, .bytes = bytes};

		assert_int_equal(
		    desc_parse_config(&config, bytes, sizeof(bytes), NULL), 0);
		for (uint8_t n = 0; n < 2; n++) {
			iface.alt = desc_find_alt(&config, n, 0);
			assert_int_equal(
			    decode_serial.takes(&iface), cases[i].takes);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
