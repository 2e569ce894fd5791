/*
 * The probe against simulated devices: what it records, what it leaves out, and
 * which rule it names when a device is not what it must be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/session/probe.h"
#include "tests/fake/usb_sim.h"
#include "wire/cursor.h"
#include "wire/ipc.h"

#define LE(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)

static const uint8_t device[18] = {18, 1, LE(0x0210), 0, 0, 0, 64, LE(0x1209),
    LE(0x5a12), LE(0x0100), 1, 2, 3, 1};
static const uint8_t report[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x75,
    0x08, 0x95, 0x08, 0x81, 0x02, 0xc0};
static const uint8_t config[] = {9, 2, LE(57), 2, 1, 0, 0x80, 50, 9, 4, 0, 0,
    2, 8, 6, 0x50, 4, 7, 5, 0x81, 2, LE(512), 0, 7, 5, 0x02, 2, LE(512), 0, 9,
    4, 1, 0, 1, 3, 1, 1, 0, 9, 0x21, LE(0x0111), 0, 1, 0x22,
    LE(sizeof(report)), 7, 5, 0x83, 3, LE(8), 4};
static const uint8_t bos[] = {5, 15, LE(12), 1, 7, 16, 2, 2, 0, 0, 0};
static const uint8_t qualifier[10] = {10, 6, LE(0x0200), 0, 0, 0, 64, 1, 0};
static const uint8_t other[] = {
    9, 7, LE(18), 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 8, 6, 0x50, 4};
static const uint8_t langs[] = {6, 3, LE(0x0407), LE(0x0409)};
static const uint8_t text_de[] = {6, 3, 'J', 0, 'a', 0};
static const uint8_t text_en[] = {8, 3, 'Y', 0, 'e', 0, 's', 0};

struct bench {
	struct loop *loop;
	struct usb_sim *sim;
	struct probe *probe;
	int broker, warden;
	int ended, exit_code;
	uint16_t type; /* what the warden was told */
	struct devrec rec;
	struct ipc_refused refused;
	unsigned messages;
	/* the device's behaviour */
	uint8_t stall_type;    /* descriptor type that it stalls */
	uint8_t silent_type;   /* ... or never answers */
	unsigned config_reads; /* the second one differs, when `shift` */
	int shift, trailing, garble;
};

static void
honest_record(struct devrec *rec)
{
	devrec_init(rec);
	rec->speed = USBIP_SPEED_HIGH;
	rec->active_config = 1;
	memcpy(rec->device, device, sizeof(device));
	assert_int_equal(devrec_add_config(rec, config, sizeof(config)), 0);
	assert_int_equal(devrec_set_bos(rec, bos, sizeof(bos)), 0);
	rec->has_qualifier = 1;
	memcpy(rec->qualifier, qualifier, sizeof(qualifier));
	assert_int_equal(devrec_add_other(rec, other, sizeof(other)), 0);
	assert_int_equal(
	    devrec_add_string(rec, 0, 0, langs, sizeof(langs)), 0);
	for (uint8_t i = 1; i <= 4; i++) {
		assert_int_equal(devrec_add_string(rec, i, 0x0407, text_de,
				     sizeof(text_de)),
		    0);
		assert_int_equal(devrec_add_string(rec, i, 0x0409, text_en,
				     sizeof(text_en)),
		    0);
	}
	assert_int_equal(
	    devrec_add_report(rec, 1, 1, report, sizeof(report)), 0);
}

static int
behave(void *arg, const uint8_t *setup, uint8_t *data, uint32_t *actual)
{
	struct bench *b = arg;
	uint8_t type = setup[3];
	size_t len;
	const uint8_t *p;

	if (setup[1] == 8) {
		type = 0xfe; /* GET_CONFIGURATION, for the tables below */
	}
	if (b->stall_type != 0 && type == b->stall_type) {
		return URB_STALL;
	}
	if (b->silent_type != 0 && type == b->silent_type) {
		return USB_SIM_NEVER;
	}
	if (type == DESC_CONFIG && b->shift && b->config_reads++ == 1) {
		p = devrec_config(&b->sim->rec, 0, &len);
		memcpy(data, p, len);
		data[4] ^= 1;
		*actual = (uint32_t)len;
		return URB_OK;
	}
	if (type == DESC_STRING && setup[2] == 2 &&
	    (b->trailing || b->garble)) {
		memcpy(data, text_en, sizeof(text_en));
		memset(data + sizeof(text_en), 0x55, 4);
		*actual = sizeof(text_en) + 4;
		data[1] = b->garble ? 0x77 : 3;
		return URB_OK;
	}
	return USB_SIM_USUAL;
}

static void
on_ended(void *arg, int exit_code)
{
	struct bench *b = arg;

	assert_false(b->ended);
	b->ended = 1;
	b->exit_code = exit_code;
}

static void
hear(struct bench *b)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;

	while (channel_recv(b->warden, buf, sizeof(buf), &msg) == 0) {
		b->messages++;
		b->type = msg.type;
		if (msg.type == IPC_RECORD) {
			assert_int_equal(
			    devrec_decode(&b->rec, msg.data, msg.len), 0);
		} else {
			assert_int_equal(msg.type, IPC_PROBE_FAILED);
			assert_int_equal(ipc_decode_refused(
					     &b->refused, msg.data, msg.len),
			    0);
		}
	}
}

static struct bench *
bench_new(void)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct devrec *rec = malloc(sizeof(*rec));

	assert_non_null(b);
	assert_non_null(rec);
	honest_record(rec);
	b->sim = usb_sim_new(rec);
	assert_non_null(b->sim);
	free(rec);
	b->sim->control = behave;
	b->sim->arg = b;
	return b;
}

static void
start(struct bench *b, enum probe_start how)
{
	struct probe_how probe = {
		.start = how,
		.usb = usb_backend,
		.ended = on_ended,
		.arg = b,
	};
	int fds[2];

	b->loop = loop_new();
	assert_non_null(b->loop);
	probe.loop = b->loop;
	assert_int_equal(channel_pair(fds), 0);
	b->broker = fds[0];
	probe.broker = fds[1];
	assert_int_equal(channel_pair(fds), 0);
	b->warden = fds[0];
	probe.warden = fds[1];
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	probe.fd = fds[0];
	assert_int_equal(probe_new(&b->probe, &probe), 0);
}

static void
run(struct bench *b, enum probe_start how)
{
	start(b, how);
	while (!b->ended) {
		loop_once(b->loop, LOOP_WAIT);
	}
	hear(b);
}

static void
bench_free(struct bench *b)
{
	probe_free(b->probe);
	assert_int_equal(b->sim->counts.opens, b->sim->counts.closes);
	close_fd(&b->broker);
	close_fd(&b->warden);
	loop_free(b->loop);
	usb_sim_free(b->sim);
	free(b);
}

/* ------------------------------------------------------------------------ */

static void
expect_record(struct bench *b)
{
	assert_int_equal(b->exit_code, 0);
	assert_int_equal(b->messages, 1);
	assert_int_equal(b->type, IPC_RECORD);
}

static void
test_honest(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	run(b, PROBE_AS_IT_IS);
	expect_record(b);
	assert_int_equal(devrec_compare(&b->rec, &b->sim->rec), 0);
	assert_int_equal(b->rec.active_config, 1);
	assert_int_equal(b->rec.nstrings, 9);
	assert_int_equal(b->rec.nreports, 1);
	assert_int_equal(b->sim->counts.resets, 0);
	/* only reads, and only what USB defines */
	for (unsigned i = 0; i < b->sim->nsetups; i++) {
		const uint8_t *setup = b->sim->setups[i];

		assert_true(setup[0] == 0x80 || setup[0] == 0x81);
		assert_true(setup[1] == 6 || setup[1] == 8);
	}
	bench_free(b);
}

static void
test_reset(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	run(b, PROBE_RESET_FIRST);
	expect_record(b);
	assert_int_equal(b->sim->counts.resets, 1);
	/* every interface there may be is held over the reset, so that no
	 * driver of the gateway binds to it */
	assert_in_range(b->sim->counts.claims, DESC_MAX_INTERFACES, 256);
	bench_free(b);
}

/* A device asked twice in the same way gives the same record. */
static void
test_same_twice(void **state)
{
	struct bench *a = bench_new(), *b;

	(void)state;
	run(a, PROBE_AS_IT_IS);
	b = bench_new();
	run(b, PROBE_AS_IT_IS);
	assert_int_equal(devrec_compare(&a->rec, &b->rec), 0);
	assert_int_equal(a->sim->nsetups, b->sim->nsetups);
	assert_memory_equal(
	    a->sim->setups, b->sim->setups, sizeof(a->sim->setups));
	bench_free(a);
	bench_free(b);
}

/* What a device may lack. */
static void
test_left_out(void **state)
{
	static const uint8_t types[] = {
		DESC_STRING, DESC_BOS, DESC_QUALIFIER, DESC_OTHER_SPEED,
		DESC_HID_REPORT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct bench *b = bench_new();

		b->stall_type = types[i];
		run(b, PROBE_AS_IT_IS);
		expect_record(b);
		switch (types[i]) {
		case DESC_STRING:
			assert_int_equal(b->rec.nstrings, 0);
			break;
		case DESC_BOS:
			assert_int_equal(b->rec.bos_length, 0);
			break;
		case DESC_QUALIFIER:
			assert_false(b->rec.has_qualifier);
			assert_int_equal(b->rec.nothers, 0);
			break;
		case DESC_OTHER_SPEED:
			assert_true(b->rec.has_qualifier);
			assert_int_equal(b->rec.nothers, 0);
			break;
		case DESC_HID_REPORT:
			assert_int_equal(b->rec.nreports, 0);
			break;
		}
		bench_free(b);
	}
}

static void
test_sloppy_strings(void **state)
{
	struct bench *b = bench_new();
	const uint8_t *p;
	size_t len;

	(void)state;
	/* bytes behind its end */
	b->trailing = 1;
	run(b, PROBE_AS_IT_IS);
	expect_record(b);
	p = devrec_string(&b->rec, 2, 0x0407, &len);
	assert_non_null(p);
	assert_int_equal(len, sizeof(text_en));
	bench_free(b);
	/* no string at all */
	b = bench_new();
	b->garble = 1;
	run(b, PROBE_AS_IT_IS);
	expect_record(b);
	assert_null(devrec_string(&b->rec, 2, 0x0407, &len));
	assert_non_null(devrec_string(&b->rec, 1, 0x0407, &len));
	bench_free(b);
}

static void
expect_failed(struct bench *b, const char *rule)
{
	assert_int_equal(b->exit_code, 0);
	assert_int_equal(b->messages, 1);
	assert_int_equal(b->type, IPC_PROBE_FAILED);
	assert_string_equal(b->refused.rule, rule);
	assert_true(b->refused.text[0] != '\0');
	bench_free(b);
}

static void
test_required(void **state)
{
	static const uint8_t types[] = {DESC_DEVICE, DESC_CONFIG, 0xfe};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct bench *b = bench_new();

		b->stall_type = types[i];
		run(b, PROBE_AS_IT_IS);
		expect_failed(b, "R1.answer");
	}
}

static void
test_lies(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->shift = 1;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R8.changed");
	/* fewer bytes than announced */
	b = bench_new();
	b->sim->rec.config_bytes[2] = 80;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.length");
	/* announces more than anybody reads */
	b = bench_new();
	b->sim->rec.config_bytes[3] = 0xff;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.length");
	b = bench_new();
	b->sim->rec.config_bytes[2] = 8;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.length");
	/* device descriptor of another length */
	b = bench_new();
	b->sim->rec.device[0] = 17;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.length");
	/* 255 configurations, none */
	b = bench_new();
	b->sim->rec.device[17] = 255;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R2.configurations");
	b = bench_new();
	b->sim->rec.device[17] = 0;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R2.configurations");
	/* BOS that is cut */
	b = bench_new();
	b->sim->rec.bos[2] = 40;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R4.length");
}

/* What only devrec_check sees comes with its rule, too. */
static void
test_judged(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->sim->rec.config_bytes[22] = 0x80; /* wMaxPacketSize 0x0080.. */
	b->sim->rec.config_bytes[23] = 0x40; /* 16384 */
	run(b, PROBE_AS_IT_IS);
	assert_int_equal(b->type, IPC_PROBE_FAILED);
	assert_int_equal(strncmp(b->refused.rule, "R3.", 3), 0);
	assert_non_null(strstr(b->refused.text, "offset"));
	bench_free(b);
}

/* Classes, reports and expectations are judged here, too, and what is said of
 * them shows the bytes. */
static void
test_vetted(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->sim->rec.config_bytes[46] = 9; /* bNumDescriptors of the HID */
	run(b, PROBE_AS_IT_IS);
	assert_non_null(strstr(b->refused.text, "09 21 11 01 00 09 22"));
	expect_failed(b, "R6.hid");
	b = bench_new();
	b->sim->rec.report_bytes[12] = 0xb4; /* pop */
	run(b, PROBE_AS_IT_IS);
	assert_non_null(strstr(b->refused.text, "report descriptor 0: b4"));
	expect_failed(b, "R7.stack");
	b = bench_new();
	b->sim->rec.config_bytes[27] = 0x82; /* no bulk OUT */
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R10.storage");
}

static void
test_reset_fails(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->sim->reset_err = ERR_NOENT;
	run(b, PROBE_RESET_FIRST);
	expect_failed(b, "R8.changed");
	b = bench_new();
	b->sim->reset_err = ERR_SYS;
	run(b, PROBE_RESET_FIRST);
	expect_failed(b, "R1.answer");
}

static void
test_no_device(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->sim->open_err = ERR_CLOSED;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.answer");
	b = bench_new();
	b->sim->is_unplugged = 1;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.answer");
}

/* One second for one answer; an optional one is then left out. */
static void
test_silent(void **state)
{
	struct bench *b = bench_new();
	uint64_t begun = clock_mono();

	(void)state;
	b->silent_type = DESC_CONFIG;
	run(b, PROBE_AS_IT_IS);
	expect_failed(b, "R1.answer");
	assert_int_equal((clock_mono() - begun) / CLOCK_MSEC, 1000);
	b = bench_new();
	b->silent_type = DESC_BOS;
	run(b, PROBE_AS_IT_IS);
	expect_record(b);
	assert_int_equal(b->rec.bos_length, 0);
	bench_free(b);
}

static void
test_unplug(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->silent_type = DESC_CONFIG;
	start(b, PROBE_AS_IT_IS);
	while (b->sim->counts.submits < 2) {
		loop_once(b->loop, LOOP_WAIT);
	}
	usb_sim_unplug(b->sim);
	while (!b->ended) {
		loop_once(b->loop, LOOP_WAIT);
	}
	hear(b);
	expect_failed(b, "R1.answer");
}

/* EOF on a channel: nobody wants to know any more. */
static void
test_left_alone(void **state)
{
	(void)state;
	for (int which = 0; which < 2; which++) {
		struct bench *b = bench_new();

		b->silent_type = DESC_CONFIG;
		start(b, PROBE_AS_IT_IS);
		loop_once(b->loop, LOOP_WAIT);
		close_fd(which ? &b->broker : &b->warden);
		while (!b->ended) {
			loop_once(b->loop, LOOP_WAIT);
		}
		assert_int_equal(b->exit_code, 1);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_same_twice),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_sloppy_strings),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_vetted),
		cmocka_unit_test(test_reset_fails),
		cmocka_unit_test(test_no_device),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_unplug),
		cmocka_unit_test(test_left_alone),
	};

	log_init("test_probe");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
