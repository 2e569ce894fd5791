/*
 * policy/decode/print: pieces of print jobs however they are cut into
 * transfers, refused jobs and what comes after them, and tricks to get a
 * command past the judge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decode/list.h"
#include "policy/decode/print_job.h"
#include "policy/facts/print.h"
#include "tests/fake/judge_list.h"
#include "wire/usbip.h"

#define UEL "\x1b%-12345X"
#define OUT 0x01
#define IN 0x82
#define SECOND UINT64_C(1000000000)

static const uint8_t config[] = {9, 2, 32, 0, 1, 1, 0, 0xc0, 1,
	9, 4, 0, 0, 2, 7, 1, 2, 0,
	7, 5, OUT, 2, 0, 2, 0, 7, 5, IN, 2, 0, 2, 0};

static struct judge_list judge;
static struct devrec rec;
static struct desc_config parsed;
static struct decoder *printer;
static uint8_t room[512];
static uint64_t now;

static int
up(void **state)
{
	(void)state;
	judge_list_init(&judge);
	printer = judge_list_attach(&judge, &decode_print, &rec, &parsed,
	    config, sizeof(config), 0, 0, NULL, 0, NULL);
	assert_non_null(printer);
	now = SECOND;
	return 0;
}

static int
down(void **state)
{
	(void)state;
	free(printer);
	return 0;
}

static enum decode_act
submit(struct unit *u, const char *text, size_t len)
{
	assert_true(len <= sizeof(room));
	memcpy(room, text, len);
	unit_make(u, OUT, XFER_BULK, room, (uint32_t)len, now);
	return printer->ops->submit(printer, u);
}

/* A transfer that goes through if it is let through. */
static enum decode_act
put(const char *text)
{
	struct unit u;
	enum decode_act act = submit(&u, text, strlen(text));

	if (act == DECODE_PASS) {
		unit_done(&u, 0, u.length);
		assert_int_equal(
		    printer->ops->complete(printer, &u), DECODE_PASS);
	} else if (act == DECODE_ANSWER) {
		assert_true(u.status == USBIP_EPIPE ?
			u.actual == 0 :
			u.status == 0 && u.actual == u.length);
	}
	return act;
}

static int
was_stalled(const char *text)
{
	struct unit u;

	return submit(&u, text, strlen(text)) == DECODE_ANSWER &&
	    u.status == USBIP_EPIPE && u.actual == 0;
}

/* What the judge was asked: "pjl:job pjl:enter pcl:12 " */
static void
asked(char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (unsigned i = 0; i < judge.nseen; i++) {
		const struct facts *f = &judge.seen[i].facts;
		int is_pjl = facts_has(f, FACT_PJL);

		assert_int_equal(f->hook, HOOK_PRINT);
		at += (size_t)snprintf(dst + at, size - at, "%s:%s ",
		    fact_name_of(hook_fact_of(HOOK_PRINT, FACT_LANG),
			f->num[FACT_LANG]),
		    is_pjl ? fact_name_of(hook_fact_of(HOOK_PRINT, FACT_PJL),
				 f->num[FACT_PJL]) :
			     "");
		assert_true(at < size);
	}
}

static void
test_pieces(void **state)
{
	static const struct {
		const char *job, *asked;
	} jobs[] = {
		{UEL "@PJL JOB NAME=\"x\"\r\n@PJL SET COPIES=2\r\n"
		     "@PJL ENTER LANGUAGE=PCL\r\n\033E\033&l0Otext\f\033E" UEL
		     "@PJL EOJ\r\n" UEL,
		    "pjl:job pjl:set pjl:enter pcl: pjl:eoj "},
		{UEL "@PJL ENTER LANGUAGE = POSTSCRIPT\n%!PS-Adobe-3.0\n",
		    "pjl:enter postscript: "},
		{"%!PS-Adobe-3.0\nshowpage\n\004", "postscript: "},
		{"\004%!PS\n", "postscript: "},
		{"%PDF-1.4\n%%EOF\n", "pdf: "},
		{"\033E\033&l1X", "pcl: "},
		{UEL "\033E", "pcl: "},
		{") HP-PCL XL;2;0;Comment", "pcl: "},
		{"\033@receipt\n\035V", "escpos: "},
		{"\035(L", "escpos: "},
		{"^XA^FO50,50^FDx^FS^XZ", "zpl: "},
		{"CT~~CD,~CC^~CT~^XA", "zpl: "},
		{"hello\n", "other: "},
		{UEL, "pjl: "},
		{" \r\n", "pjl: "},
		{"@PJL\r\n", "pjl:nop "},
		{"@PJL  \r\n@PJL info status\r\n", "pjl:nop pjl:info "},
		{UEL "@PJL FSDOWNLOAD FORMAT:BINARY SIZE=4 NAME=\"0:/x\"\r\n"
		     "abcd",
		    "pjl:fsdownload other: "},
		{"@PJL FSUPLOAD\n@PJL FSDELETE\n@PJL RDYMSG DISPLAY=\"x\"\n"
		 "@PJL DEFAULT COPIES=3\n@PJL INITIALIZE\n@PJL DMINFO\n"
		 "@PJL WHATEVER\n@PJL OTHERWISEVERYLONGWORD\n",
		    "pjl:fsupload pjl:fsdelete pjl:rdymsg pjl:default "
		    "pjl:initialize pjl:dminfo pjl:other pjl:other "},
		/* lines of PJL in the middle of data, and what is none */
		{"%!PS\n@PJL FSDELETE NAME=\"x\"\n%!PS\n",
		    "postscript: pjl:fsdelete postscript: "},
		{"%!PS\nx@PJL FSDELETE NAME=\"x\"\n", "postscript: "},
		{"%!PS\n@PJLX\n@PJ\n", "postscript: "},
		/* cut short by a UEL */
		{"@PJL FSDELETE NAME=\"x\"" UEL, "pjl:fsdelete "},
		/* what it says is not what it is */
		{"@PJL ENTER LANGUAGE=PCL\n%!PS\n", "pjl:enter other: "},
		{"@PJL ENTER LANGUAGE=PCL\ntext\n", "pjl:enter pcl: "},
		{"@PJL ENTER LANGUAGE=KLINGON\ntext\n", "pjl:enter other: "},
		{"@PJL ENTER\ntext\n", "pjl:enter other: "},
	};
	char got[512];

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		up(state);
		assert_int_equal(put(jobs[i].job), DECODE_PASS);
		asked(got, sizeof(got));
		assert_string_equal(got, jobs[i].asked);
		assert_int_equal(judge.ninvalid, 0);
		down(state);
	}
}

/* The same commands, cut at every place: each is seen, and just once. */
static void
test_cuts(void **state)
{
	static const char job[] = UEL "@PJL JOB\r\n@PJL FSDELETE NAME=x\r\n"
				      "@PJL ENTER LANGUAGE=PCL\n\033Etext" UEL;

	for (size_t cut = 1; cut < sizeof(job) - 1; cut++) {
		unsigned deletes = 0, texts = 0;
		struct unit u;

		up(state);
		assert_int_equal(submit(&u, job, cut), DECODE_PASS);
		unit_done(&u, 0, (uint32_t)cut);
		printer->ops->complete(printer, &u);
		assert_int_equal(
		    submit(&u, job + cut, sizeof(job) - 1 - cut), DECODE_PASS);
		for (unsigned i = 0; i < judge.nseen; i++) {
			const struct facts *f = &judge.seen[i].facts;

			deletes += facts_has(f, FACT_PJL) &&
			    f->num[FACT_PJL] == PJL_FSDELETE;
			texts += f->num[FACT_LANG] == PRINT_PCL;
			assert_int_not_equal(
			    f->num[FACT_LANG], PRINT_OTHER);
		}
		assert_int_equal(deletes, 1);
		assert_in_range(texts, 1, 2);
		assert_true(judge.nseen >= 4);
		down(state);
	}
}

static void
test_denied(void **state)
{
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_ALLOW);
	judge_list_add(&judge, VERDICT_DENY);
	assert_true(was_stalled(UEL "@PJL JOB\n@PJL FSDELETE NAME=x\n"));
	assert_int_equal(judge.nseen, 2);
	/* the rest of that job is not asked about */
	assert_true(was_stalled("@PJL ENTER LANGUAGE=PCL\n"));
	assert_true(was_stalled("\033Etext"));
	assert_int_equal(judge.nseen, 2);
	/* its end goes through, and so does the next */
	assert_int_equal(submit(&u, "more" UEL, 13), DECODE_PASS);
	assert_memory_equal(room, "\0\0\0\0" UEL, 13);
	unit_done(&u, 0, 13);
	printer->ops->complete(printer, &u);
	assert_int_equal(put("\033Etext"), DECODE_PASS);
	/* a whole job in one transfer leaves nothing behind */
	judge_list_add(&judge, VERDICT_DENY);
	judge.at = judge.nrulings - 1;
	assert_true(was_stalled("text" UEL));
	assert_int_equal(put("%!PS\n"), DECODE_PASS);
	assert_int_equal(judge.ninvalid, 0);
}

static void
test_dropped(void **state)
{
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_DROP);
	assert_int_equal(submit(&u, "%!PS\n", 5), DECODE_ANSWER);
	assert_int_equal(u.status, 0);
	assert_int_equal(u.actual, 5);
	assert_int_equal(submit(&u, "showpage\n", 9), DECODE_ANSWER);
	assert_int_equal(u.actual, 9);
	assert_int_equal(judge.nseen, 1);
	/* a job in a language without UEL is over after a while */
	now += 11 * SECOND;
	assert_int_equal(put("\033@"), DECODE_PASS);
	assert_int_equal(
	    judge_list_last(&judge)->num[FACT_LANG], PRINT_ESCPOS);
}

/* A UEL of which the beginning was refused with its job. */
static void
test_split_end(void **state)
{
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_DENY);
	assert_true(was_stalled("text"));
	assert_true(was_stalled("text\033%-123"));
	assert_int_equal(submit(&u, "45X\033E", 5), DECODE_PASS);
	assert_memory_equal(room, "\0\0\0\033E", 5);
	assert_int_equal(judge_list_last(&judge)->num[FACT_LANG], PRINT_PCL);
}

/* A command whose beginning is in the printer already stays refused: neither a
 * pause nor a UEL can finish it. */
static void
test_half_a_command(void **state)
{
	static const char *const ends[] = {
		"ETE NAME=x\n", UEL, (UEL "\033E"), "\n", ("zz" UEL)};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		up(state);
		assert_int_equal(put("@PJL FSDELETE NAME=y"), DECODE_PASS);
		judge_list_add(&judge, VERDICT_DENY);
		judge_list_add(&judge, VERDICT_DENY);
		judge.at = 0;
		assert_true(was_stalled("z\n"));
		assert_int_equal(
		    judge_list_last(&judge)->num[FACT_PJL], PJL_FSDELETE);
		if (i % 2 == 0) {
			now += 11 * SECOND;
		}
		assert_true(was_stalled(ends[i]));
		if (judge.nseen == 3) {
			assert_int_equal(judge_list_last(&judge)->num[FACT_PJL],
			    PJL_FSDELETE);
		}
		down(state);
	}
}

/* A transfer that failed may be in the printer or not. */
static void
test_lost(void **state)
{
	struct unit u;

	(void)state;
	assert_int_equal(submit(&u, "@PJL COMMENT ", 13), DECODE_PASS);
	unit_done(&u, USBIP_ECONNRESET, 0);
	printer->ops->complete(printer, &u);
	assert_true(was_stalled("%!PS this is no comment\n"));
	now += 60 * SECOND;
	assert_true(was_stalled("%!PS nor this\n"));
	assert_int_equal(put(UEL "%!PS\n"), DECODE_PASS);
	/* nor when the UEL was taken back as well */
	assert_int_equal(submit(&u, "\n@PJL FS", 8), DECODE_PASS);
	unit_done(&u, USBIP_ECONNRESET, 8);
	printer->ops->complete(printer, &u);
	assert_int_equal(submit(&u, UEL, 9), DECODE_PASS);
	unit_done(&u, USBIP_ECONNRESET, 0);
	printer->ops->complete(printer, &u);
	assert_true(was_stalled("DELETE x\n"));
	assert_int_equal(put(UEL "%!PS\n"), DECODE_PASS);
	/* in data, what comes is looked at anew */
	assert_int_equal(submit(&u, "showpage\n", 9), DECODE_PASS);
	unit_done(&u, USBIP_ECONNRESET, 0);
	printer->ops->complete(printer, &u);
	assert_int_equal(put("\033E"), DECODE_PASS);
	assert_int_equal(judge_list_last(&judge)->num[FACT_LANG], PRINT_PCL);
	/* a soft reset ends everything */
	assert_int_equal(submit(&u, "\n@PJL COMMENT ", 14), DECODE_PASS);
	unit_done(&u, USBIP_EPROTO, 0);
	printer->ops->complete(printer, &u);
	assert_true(was_stalled("%!PS\n"));
	unit_control(&u, 0x21, 2, 0, 0, NULL, 0, now);
	assert_int_equal(printer->ops->submit(printer, &u), DECODE_PASS);
	unit_done(&u, 0, 0);
	assert_int_equal(printer->ops->complete(printer, &u), DECODE_PASS);
	assert_int_equal(put("%!PS\n"), DECODE_PASS);
}

/* Behind a line that is under way nothing can be queued, and behind data what
 * begins a transfer may begin a line. */
static void
test_queued(void **state)
{
	struct unit u, v;
	char copy[32];

	(void)state;
	assert_int_equal(submit(&u, "%!PS", 4), DECODE_PASS);
	memcpy(copy, "@PJL FSDELETE x\n", 16);
	unit_make(&v, OUT, XFER_BULK, copy, 16, now);
	assert_int_equal(printer->ops->submit(printer, &v), DECODE_PASS);
	assert_int_equal(
	    judge_list_last(&judge)->num[FACT_PJL], PJL_FSDELETE);
	unit_done(&u, 0, 4);
	printer->ops->complete(printer, &u);
	unit_done(&v, 0, 16);
	printer->ops->complete(printer, &v);
	assert_int_equal(submit(&u, "@PJL COMMENT ", 13), DECODE_PASS);
	assert_true(was_stalled("%!PS\n"));
	unit_done(&u, 0, 13);
	printer->ops->complete(printer, &u);
	assert_int_equal(put("text\n"), DECODE_PASS);
}

static void
test_asked(void **state)
{
	struct unit u;

	(void)state;
	judge_list_add(&judge, VERDICT_ASK);
	judge_list_add(&judge, VERDICT_ALLOW);
	judge_list_add(&judge, VERDICT_ASK); /* a second one in it */
	assert_int_equal(
	    submit(&u, "@PJL INFO ID\n@PJL RDYMSG\n", 25), DECODE_HOLD);
	assert_int_equal(printer->ops->submit(printer, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	printer->ops->event(printer, DECODE_RESET, 0);
	judge_list_add(&judge, VERDICT_ASK);
	judge_list_add(&judge, VERDICT_ALLOW);
	assert_int_equal(submit(&u, "%!PS\n", 5), DECODE_HOLD);
	assert_int_equal(printer->ops->submit(printer, &u), DECODE_PASS);
	judge_list_add(&judge, VERDICT_EJECT);
	judge_list_add(&judge, VERDICT_QUARANTINE);
	assert_int_equal(put("x"), DECODE_EJECT);
	assert_int_equal(put("x"), DECODE_QUARANTINE);
}

static void
test_back(void **state)
{
	struct unit u;

	(void)state;
	unit_make(&u, IN, XFER_BULK, room, 64, now);
	assert_int_equal(printer->ops->submit(printer, &u), DECODE_PASS);
	unit_done(&u, 0, 20);
	assert_int_equal(printer->ops->complete(printer, &u), DECODE_PASS);
	assert_int_equal(u.actual, 20);
	assert_int_equal(judge.nseen, 0);
	unit_make(&u, OUT, XFER_BULK, room, 0, now);
	assert_int_equal(printer->ops->submit(printer, &u), DECODE_ANSWER);
	assert_int_equal(u.status, 0);
}

#define PRINT_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_cuts),
		PRINT_TEST(test_denied),
		PRINT_TEST(test_dropped),
		PRINT_TEST(test_split_end),
		cmocka_unit_test(test_half_a_command),
		PRINT_TEST(test_lost),
		PRINT_TEST(test_queued),
		PRINT_TEST(test_asked),
		PRINT_TEST(test_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
