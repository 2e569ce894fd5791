/*
 * Card readers: what pcscd and libccid say to readers of each exchange level,
 * refusals that keep card and host in step, and messages that no reader or
 * host sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/list.h"
#include "tests/fake/decode_script.h"
#include "tests/unit/ccid_reader.h"

enum reader { TPDU, SHORT, EXTENDED, TWO, CHARACTERS };

static const uint8_t readers[][93] = {
	[TPDU] = {CCID_READER(0, 0x10000, 271)},
	[SHORT] = {CCID_READER(0, 0x20000, 271)},
	[EXTENDED] = {CCID_READER(0, 0x40000, 65556)},
	[TWO] = {CCID_READER(1, 0x20000, 271)},
	[CHARACTERS] = {CCID_READER(0, 0, 271)},
};

/* power-on with an answer to reset that offers T=0, or T=1 */
#define ON "> 62 00000000 00 00 00 0000 = pass\n"
#define ON_T0 ON "< 80 02000000 00 00 00 00 00 3b00 = pass\n"
#define ON_T1 ON "< 80 05000000 00 00 00 00 00 3b80800181 = pass\n" \
	      "> 61 07000000 00 01 01 0000 11100045002000 = pass\n" \
	      "< 82 07000000 00 01 00 00 01 11100045002000 = pass\n"

static const struct {
	const char *name;
	enum reader reader;
	const char *script;
} scripts[] = {
	{"pcscd finds a card and selects PIV", SHORT,
	    "! 50 03 = pass\n"
	    "f ccid msg=notify-slot-change dir=in len=2 -slot\n"
	    "> 65 00000000 00 00 00 0000 = pass\n"
	    "f ccid msg=get-slot-status slot=0 dir=out len=10\n"
	    "< 81 00000000 00 00 01 00 00 = pass\n"
	    "f ccid msg=slot-status dir=in\n"
	    "> 62 00000000 00 01 01 0000 = pass\n"
	    "f ccid msg=icc-power-on\n"
	    "< 80 02000000 00 01 00 00 00 3b00 = pass\n"
	    "r ccid ccid ccid ccid ccid\n"
	    "> 6f 0b000000 00 02 00 0000 00a4040005a000000308 00 = pass\n"
	    "r ccid apdu\n"
	    "f apdu cla=0 ins=select p1=4 p2=0 lc=5 aid=a000000308\n"
	    "< 80 02000000 00 02 00 00 00 9000 = pass\n"
	    "f ccid msg=data-block\n"
	    "> 6f 05000000 00 03 00 0000 00c0000010 = pass\n"
	    "f apdu ins=get-response lc=0 -aid\n"
	    "< 80 00000000 00 03 80 05 00 = pass\n"
	    "< 80 02000000 00 03 00 00 00 9000 = pass\n"
	    "> 63 00000000 00 04 00 0000 = pass\n"
	    "< 81 00000000 00 04 01 00 01 = pass\n"},
	{"a refused command gets its status word", SHORT,
	    "? allow\n? deny 6985\n"
	    "> 6f 07000000 00 07 00 0000 0024000002aabb = answer\n"
	    "f apdu ins=change-reference-data lc=2\n"
	    "a 80 02000000 00 07 01 00 00 6985\n"
	    "? allow\n? deny\n"
	    "> 6f 05000000 00 08 00 0000 00b0000001 = answer\n"
	    "a 80 02000000 00 08 01 00 00 6982\n"},
	{"a refused message is a failed command", SHORT,
	    "? deny\n"
	    "> 6b 02000000 00 09 00 0000 0102 = answer\n"
	    "f ccid msg=escape len=12\n"
	    "a 83 00000000 00 09 41 00 00\n"
	    "? deny\n"
	    "> 62 00000000 00 0a 00 0000 = answer\n"
	    "a 80 00000000 00 0a 41 00 00\n"
	    "? deny\n"
	    "> 40 00000000 00 0b 00 0000 = answer\n"
	    "a 81 00000000 00 0b 41 00 00\n"
	    "> 65 00000000 00 0c 00 0000 = pass\n"
	    "? deny\n"
	    "< 81 00000000 00 0c 02 00 00 = pass 81 00000000 00 0c 42 00 00\n"
	    "? deny\n"
	    "! 50 03 = again\n"},
	{"questions hold what they are about", SHORT,
	    "? ask\n"
	    "> 6f 05000000 00 01 00 0000 00b0000010 = hold\n"
	    "? allow\n? ask\n"
	    "> 6f 05000000 00 01 00 0000 00b0000010 = hold\n"
	    "? allow\n? deny\n"
	    "> 6f 05000000 00 01 00 0000 00b0000010 = answer\n"
	    "a 80 02000000 00 01 01 00 00 6982\n"
	    "> 65 00000000 00 02 00 0000 = pass\n"
	    "? ask\n"
	    "< 81 00000000 00 02 00 00 00 = hold\n"
	    "? quarantine\n"
	    "< 81 00000000 00 02 00 00 00 = quarantine\n"},
	{"messages over several transfers", EXTENDED,
	    "> 6f 00010000 00 01 00 0000 00d60000 00 00f9 *47 = pass\n"
	    "r ccid apdu\n"
	    "f apdu ins=update-binary lc=249\n"
	    "> *202 = pass\n"
	    "r\n"
	    "<64 80 46000000 00 01 00 00 00 *54 = pass\n"
	    "<64 *14 9000 = pass\n"
	    "? allow\n? deny 6a82\n"
	    "> 6f 00010000 00 02 00 0000 00d60000 00 00f9 *47 = answer\n"
	    "> *128 = answer\n"
	    "> *74 = answer\n"
	    "a 80 02000000 00 02 00 00 00 6a82\n"},
	{"extended chains", EXTENDED,
	    "> 6f 08000000 00 01 00 0100 00d60000 000200aa = pass\n"
	    "f apdu ins=update-binary lc=512\n"
	    "< 80 00000000 00 01 00 00 10 = pass\n"
	    "> 6f 02000000 00 02 00 0300 bbcc = pass\n"
	    "< 80 00000000 00 02 00 00 10 = pass\n"
	    "r ccid apdu ccid ccid ccid\n"
	    "> 6f 02000000 00 03 00 0200 bbcc = pass\n"
	    "< 80 02000000 00 03 00 00 00 9000 = pass\n"
	    "? allow\n? deny\n"
	    "> 6f 08000000 00 04 00 0100 00d60000 000200aa = answer\n"
	    "a 80 00000000 00 04 00 00 10\n"
	    "> 6f 02000000 00 05 00 0300 bbcc = answer\n"
	    "a 80 00000000 00 05 00 00 10\n"
	    "> 6f 02000000 00 06 00 0200 bbcc = answer\n"
	    "a 80 02000000 00 06 00 00 00 6982\n"
	    "> 6f 00000000 00 07 00 1000 = pass\n"},
	{"a command in place of the end of a chain", EXTENDED,
	    "> 6f 08000000 00 01 00 0100 00d60000 000200aa = pass\n"
	    "< 80 00000000 00 01 00 00 10 = pass\n"
	    "? allow\n? deny 6d00\n"
	    "> 6f 07000000 00 02 00 0200 0024000002aabb = answer\n"
	    "f apdu ins=change-reference-data\n"
	    "a 80 02000000 00 02 00 00 00 6d00\n"},
	{"command chaining: each link is a command", SHORT,
	    "> 6f 07000000 00 01 00 0000 10db3fff02aabb = pass\n"
	    "f apdu cla=0x10 ins=put-data lc=2\n"
	    "< 80 02000000 00 01 00 00 00 9000 = pass\n"
	    "> 6f 07000000 00 02 00 0000 00db3fff02aabb = pass\n"
	    "f apdu cla=0 ins=put-data\n"},
	{"T=0 commands", TPDU,
	    ON_T0
	    "> 6f 0a000000 00 01 00 0000 00a4040005a000000308 = pass\n"
	    "f apdu ins=select aid=a000000308\n"
	    "< 80 02000000 00 01 00 00 00 610a = pass\n"
	    "? allow\n? deny 6a81\n"
	    "> 6f 05000000 00 02 00 0000 00b0000000 = answer\n"
	    "a 80 02000000 00 02 00 00 00 6a81\n"},
	{"a protocol selection, once", TPDU,
	    ON "< 80 05000000 00 00 00 00 00 3b80800181 = pass\n"
	    "> 6f 04000000 00 01 00 0000 ff1111ff = pass\n"
	    "f ccid msg=xfr-block\n"
	    "< 80 04000000 00 01 00 00 00 ff1111ff = pass\n"
	    "> 6f 04000000 00 02 00 0000 ff1111ff = eject\n"},
	{"T=1 blocks", TPDU,
	    ON_T1
	    "> 6f 05000000 00 02 00 0000 00c101fe3e = pass\n"
	    "f ccid msg=xfr-block\n"
	    "< 80 05000000 00 02 00 00 00 00e101fe1e = pass\n"
	    "> 6f 09000000 00 03 00 0000 000005 00b0000010 a5 = pass\n"
	    "f apdu ins=read-binary lc=0\n"
	    "< 80 06000000 00 03 00 00 00 00 00 02 9000 92 = pass\n"},
	{"T=1 stays in step after a refusal", TPDU,
	    ON_T1
	    "? allow\n? deny\n"
	    /* I(0,0): never seen by the card; answered with I(0,0) */
	    "> 6f 09000000 00 02 00 0000 000005 00d6000010 c3 = answer\n"
	    "a 80 06000000 00 02 00 00 00 00 00 02 6982 e9\n"
	    /* the host's I(1,0) is the card's I(0,0), and the card's first
	     * answer is the host's second */
	    "> 6f 09000000 00 03 00 0000 004005 00b0000010 e5 = pass\n"
	    "f apdu ins=read-binary\n"
	    "< 80 06000000 00 03 00 00 00 00 00 02 9000 92"
	    " = pass 80 06000000 00 03 00 00 00 00 40 02 9000 d2\n"
	    /* the card acknowledges with N(R): next of the host */
	    "> 6f 09000000 00 04 00 0000 002005 00d6000008 fb = pass\n"
	    "< 80 04000000 00 04 00 00 00 008000 80"
	    " = pass 80 04000000 00 04 00 00 00 009000 90\n"
	    /* both forget with S(RESYNCH) */
	    "> 6f 04000000 00 05 00 0000 00c000 c0 = pass\n"
	    "< 80 04000000 00 05 00 00 00 00e000 e0 = pass\n"
	    "> 6f 09000000 00 06 00 0000 000005 00b0000010 a5 = pass\n"
	    "< 80 06000000 00 06 00 00 00 00 00 02 9000 92"
	    " = pass 80 06000000 00 06 00 00 00 00 00 02 9000 92\n"},
	{"a T=1 chain is judged by its first block", TPDU,
	    ON_T1
	    "r ccid ccid ccid ccid\n"
	    "> 6f 09000000 00 02 00 0000 002005 00d6000008 fb = pass\n"
	    "r ccid apdu\n"
	    "f apdu ins=update-binary lc=8\n"
	    "< 80 04000000 00 02 00 00 00 009000 90 = pass\n"
	    "> 6f 09000000 00 03 00 0000 004005 0102030405 44 = pass\n"
	    "r ccid ccid\n"
	    "< 80 06000000 00 03 00 00 00 00 00 02 9000 92 = pass\n"
	    "? allow\n? deny 6a80\n"
	    "> 6f 09000000 00 04 00 0000 002005 00d6000008 fb = answer\n"
	    "a 80 04000000 00 04 00 00 00 009000 90\n"
	    "> 6f 09000000 00 05 00 0000 004005 0102030405 44 = answer\n"
	    "a 80 06000000 00 05 00 00 00 00 40 02 6a80 a8\n"},
	{"what the card did not take begins no T=1 chain", TPDU,
	    ON_T1
	    /* a wrong checksum: the card wants it again */
	    "> 6f 09000000 00 02 00 0000 002005 00d6000008 fc = pass\n"
	    "f apdu ins=update-binary\n"
	    "< 80 04000000 00 02 00 00 00 008100 81 = pass\n"
	    "> 6f 09000000 00 03 00 0000 006005 00b0000010 c5 = pass\n"
	    "f apdu ins=read-binary\n"
	    "< 80 04000000 00 03 00 00 00 009100 91 = pass\n"
	    "? allow\n? deny\n"
	    "> 6f 09000000 00 04 00 0000 000005 00d6000010 c3 = answer\n"
	    "a 80 06000000 00 04 00 00 00 00 00 02 6982 e9\n"},
	{"nor does what the reader could not send", TPDU,
	    ON_T1
	    "> 6f 09000000 00 02 00 0000 002005 00d6000008 fb = pass\n"
	    "< 80 00000000 00 02 40 fe 00 = pass\n"
	    "> 6f 09000000 00 03 00 0000 004005 00b0000010 e5 = pass\n"
	    "f apdu ins=read-binary\n"},
	{"nor does one that the card answered at once", TPDU,
	    ON_T1
	    "> 6f 09000000 00 02 00 0000 002005 00d6000008 fb = pass\n"
	    "< 80 06000000 00 02 00 00 00 00 00 02 6a80 e8 = pass\n"
	    "> 6f 09000000 00 03 00 0000 004005 00b0000010 e5 = pass\n"
	    "f apdu ins=read-binary\n"},
	{"one message at a time for a slot", SHORT,
	    "> 65 00000000 00 00 00 0000 = pass\n"
	    "> 65 00000000 00 01 00 0000 = answer\n"
	    "a 81 00000000 00 01 41 e0 00\n"
	    "< 81 00000000 00 00 00 00 00 = pass\n"
	    "> 65 00000000 00 02 00 0000 = pass\n"},
	{"a T=1 block with a CRC fails as a command", TPDU,
	    ON_T1
	    "? allow\n? deny\n"
	    "> 6f 0a000000 00 02 00 0000 000005 00d6000010 1234 = answer\n"
	    "a 80 00000000 00 02 40 fe 00\n"},
	{"PIN entry", SHORT,
	    "> 69 14000000 00 01 00 0000 00 1e8200000804020109040000 0000"
	    " 00 2000 80 00 = pass\n"
	    "f apdu ins=verify p1=0 p2=128\n"
	    "< 80 02000000 00 01 00 00 00 9000 = pass\n"
	    "? allow\n? deny\n"
	    "> 69 17000000 00 02 00 0000 01 1e820000000008040302020904"
	    " 0001 000000 0024 0080 = answer\n"
	    "f apdu ins=change-reference-data\n"
	    "a 80 02000000 00 02 00 00 00 6982\n"
	    /* a layout that hides the command has no facts */
	    "> 69 17000000 00 03 00 0000 01 1e820000000008040302010904"
	    " 0001 000000 0024 0080 = pass\n"
	    "f apdu -ins -cla\n"},
	{"characters are no facts", CHARACTERS,
	    ON_T0
	    "> 6f 05000000 00 01 00 0500 00b0000010 = pass\n"
	    "f apdu -ins -cla -lc\n"},
	{"two slots", TWO,
	    "> 65 00000000 00 00 00 0000 = pass\n"
	    "> 65 00000000 01 01 00 0000 = pass\n"
	    "< 81 00000000 01 01 00 00 00 = pass\n"
	    "< 81 00000000 00 00 00 00 00 = pass\n"
	    "! 51 01 01 01 = pass\n"
	    "f ccid msg=hardware-error slot=1\n"},
	{"abort", SHORT,
	    "> 6f 05000000 00 01 00 0000 00b0000010 = pass\n"
	    "c 21 01 0002 0000 0000 = pass\n"
	    "> 72 00000000 00 02 00 0000 = pass\n"
	    "< 80 00000000 00 01 40 ff 00 = pass\n"
	    "< 81 00000000 00 02 00 00 00 = pass\n"
	    "> 65 00000000 00 03 00 0000 = pass\n"},
	{"clock frequencies and data rates", SHORT,
	    "c a1 02 0000 0000 0400 a00f0000 = pass\n"
	    "c a1 03 0000 0000 0400 002a0000 = pass\n"},
	{"a host that gave up waiting", SHORT,
	    "> 65 00000000 00 01 00 0000 = pass\n"
	    "x = pass\n"
	    "> 65 00000000 00 02 00 0000 = pass\n"
	    "< 81 00000000 00 01 00 00 00 = pass\n"
	    "< 81 00000000 00 02 00 00 00 = pass\n"
	    "< 81 00000000 00 02 00 00 00 = eject\n"},
};

static void
run(enum reader reader, const char *name, const char *text, unsigned ninvalid)
{
	static struct devrec rec;
	static struct desc_config config;
	static struct script s;

	s = (struct script){.ep_out = 1, .ep_in = 0x82, .ep_int = 0x83};
	judge_list_init(&s.judge);
	s.decoder = judge_list_attach(&s.judge, &decode_ccid, &rec, &config,
	    readers[reader], sizeof(readers[0]), 0, 0, NULL, 0, NULL);
	assert_non_null(s.decoder);
	script_run(&s, name, text);
	if (ninvalid != 2 && s.judge.ninvalid != ninvalid) {
		fail_msg("%s: %u invalid", name, s.judge.ninvalid);
	}
	free(s.decoder);
}

static void
test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		run(scripts[i].reader, scripts[i].name, scripts[i].script,
		    2 /* some end in one */);
	}
}

static const struct {
	enum reader reader;
	const char *script;
} hostile[] = {
	{SHORT, "> 6f 050000 = eject\n"},
	{SHORT, "> 6f 05000000 00 00 00 0000 00b0000010 00 = eject\n"},
	{SHORT, "> 6f 06000000 00 00 00 0000 00b0000010 = eject\n"},
	{SHORT, "> 6f ffffffff 00 00 00 0000 00b0000010 = eject\n"},
	{SHORT, "> 6f 00f00000 00 00 00 0000 *54 = eject\n"},
	{SHORT, "> 65 00000000 01 00 00 0000 = eject\n"},
	{SHORT, "> 6f 03000000 00 00 00 0000 00b000 = eject\n"},
	{SHORT, "> 6f 06000000 00 00 00 0000 00b000000000 = eject\n"},
	{SHORT, "> 6f 09000000 00 00 00 0000 00d6000002aabbccdd = eject\n"},
	{SHORT, "> 6f 09000000 00 00 00 0000 00d60000000000aabb = eject\n"},
	{EXTENDED, "> 6f 02000000 00 00 00 0200 aabb = eject\n"},
	{EXTENDED, "> 6f 05000000 00 00 00 0700 00b0000010 = eject\n"},
	{EXTENDED, "> 6f 05000000 00 00 00 1000 00b0000010 = eject\n"},
	/* the name of a SELECT in another transfer than its header */
	{EXTENDED, "> 6f 85000000 00 00 00 0000 00a40400 80 *49 = eject\n"},
	{EXTENDED, "> 6f 80000000 00 00 00 0000 00d60000 7b *49 = pass\n"
		   "> *10 = eject\n"},
	{EXTENDED, "> 6f 80000000 00 00 00 0000 00d60000 7b *49 = pass\n"
		   "> *75 = eject\n"},
	{TPDU, ON_T1 "> 6f 09000000 00 02 00 0000 000006 00b0000010 a5"
		     " = eject\n"},
	{TPDU, ON_T1 "> 6f 05000000 00 02 00 0000 00e4010000 = eject\n"},
	{TPDU, ON_T1 "> 6f 05000000 00 02 00 0000 00840100ff = eject\n"},
	{TPDU, ON_T1 "> 6f 09000000 00 02 00 0000 000405 00b0000010 a5"
		     " = eject\n"},
	{TPDU, ON_T1 "> 6f 02000000 00 02 00 0000 0000 = eject\n"},
	{SHORT, "< 80 02000000 00 00 00 00 00 9000 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 81 00000000 00 06 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 80 00000000 00 05 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 81 00000000 03 05 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 81 ffffffff 00 05 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 81 00000000 00 05 00 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 81 04000000 00 05 00 00 00 00 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 810000 = eject\n"},
	{SHORT, "> 65 00000000 00 05 00 0000 = pass\n"
		"< 65 00000000 00 05 00 00 00 = eject\n"},
	{SHORT, "! 50 = eject\n"},
	{SHORT, "! 51 01 = eject\n"},
	{SHORT, "! 51 07 00 00 = eject\n"},
	{SHORT, "> 69 00000000 00 01 00 0000 = eject\n"},
};

static void
test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		run(hostile[i].reader, hostile[i].script, hostile[i].script, 1);
	}
}

static void
test_attach(void **state)
{
	static const struct {
		uint8_t at, value;
		int takes, result;
	} cases[] = {
		{18 + 4, 0, 1, 0},
		{18 + 4, 15, 1, 0},
		{18 + 4, 16, 1, ERR_FORMAT},   /* slots */
		{18 + 47, 1, 1, ERR_FORMAT},   /* message length */
		{18 + 45, 0, 1, ERR_FORMAT},
		{18 + 1, 0x24, 1, ERR_FORMAT}, /* no descriptor */
		{72 + 2, 0x81, 1, ERR_FORMAT}, /* no bulk OUT */
		{9 + 5, 3, 0, 0},
		{9 + 7, 1, 0, 0},	       /* ICCD */
	};
	static struct desc_config config;
	static const struct judge_terms terms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[93];
		struct decode_iface iface = {.config = &config, .bytes = bytes};
		struct decode_how how = {.iface = &iface, .terms = &terms};
		struct decoder *d = calloc(1, decode_ccid.size);
		const char *what = NULL;

		assert_non_null(d);
		memcpy(bytes, readers[SHORT], sizeof(bytes));
		bytes[18 + 44] = 0x0f;
		bytes[cases[i].at] = cases[i].value;
		assert_int_equal(
		    desc_parse_config(&config, bytes, sizeof(bytes), NULL), 0);
		iface.alt = &config.alts[0];
		assert_int_equal(decode_ccid.takes(&iface), cases[i].takes);
		if (cases[i].takes) {
			assert_int_equal(decode_ccid.attach(d, &how, &what),
			    cases[i].result);
			assert_int_equal(what != NULL, cases[i].result != 0);
		}
		free(d);
	}
}

static void
test_events(void **state)
{
	static struct devrec rec;
	static struct desc_config config;
	static struct script s;

	(void)state;
	s = (struct script){.ep_out = 1, .ep_in = 0x82, .ep_int = 0x83};
	judge_list_init(&s.judge);
	s.decoder = judge_list_attach(&s.judge, &decode_ccid, &rec, &config,
	    readers[EXTENDED], sizeof(readers[0]), 0, 0, NULL, 0, NULL);
	assert_non_null(s.decoder);
	script_run(&s, "half a message", "> 6f 80000000 00 00 00 0000"
					 " 00d60000 7b *49 = pass\n");
	decode_ccid.event(s.decoder, DECODE_HALT_CLEARED, 1);
	script_run(&s, "anew", "> 65 00000000 00 01 00 0000 = pass\n");
	decode_ccid.event(s.decoder, DECODE_RESET, 0);
	script_run(&s, "after a reset", "> 65 00000000 00 00 00 0000 = pass\n"
			       "< 81 00000000 00 01 00 00 00 = eject\n");
	assert_int_equal(decode_ccid.tick(s.decoder, 1), 0);
	free(s.decoder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
