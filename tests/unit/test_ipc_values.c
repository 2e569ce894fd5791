/*
 * wire/ipc: values outside of their range are refused by writer and reader
 * alike, message by message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/usb_samples.h"
#include "wire/ipc.h"

static struct devrec rec;
static uint8_t wire[64 * 1024], again[64 * 1024];

static const struct device_place place = {.busid = "3-2.4",
    .path = "/sys/devices/pci0000:00/usb3/3-2/3-2.4",
    .busnum = 3,
    .devnum = 17,
    .speed = USBIP_SPEED_HIGH};

static const uint8_t pem_ca[] = "-----BEGIN CERTIFICATE-----\nca\n";
static const uint8_t pem_key[] = "k";

/* An imported answer needs a record: the keyboard. */
static int
make_record(void **state)
{
	static const uint8_t languages[] = {4, 3, 0x09, 0x04};

	(void)state;
	devrec_init(&rec);
	rec.speed = USBIP_SPEED_LOW;
	rec.active_config = 1;
	memcpy(rec.device, usb_samples[3].device, sizeof(rec.device));
	return devrec_add_config(
		   &rec, sample_keyboard_ls, sizeof(sample_keyboard_ls)) ||
	    devrec_add_string(&rec, 0, 0, languages, sizeof(languages)) ||
	    devrec_add_report(&rec, 1, 0, sample_report_keyboard,
		sizeof(sample_report_keyboard));
}

static void
results_are_errors_or_success(void **state)
{
	static const struct {
		int32_t err, sys;
		int ok;
	} rows[] = {{0, 0, 1}, {ERR_SYS, 16, 1}, {ERR_TIMEOUT, 0, 1},
	    {-64, 4095, 1}, {1, 0, 0}, {-65, 0, 0}, {INT32_MIN, 0, 0},
	    {0, -1, 0}, {0, 4096, 0}};
	struct ipc_result out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ipc_result m = {rows[i].err, rows[i].sys};
		uint8_t raw[8];

		for (int k = 0; k < 4; k++) {
			raw[k] = (uint8_t)((uint32_t)m.err >> (24 - 8 * k));
			raw[4 + k] = (uint8_t)((uint32_t)m.sys >> (24 - 8 * k));
		}
		assert_int_equal(ipc_encode_result(wire, sizeof(wire), &m),
		    rows[i].ok ? 8 : ERR_FORMAT);
		assert_int_equal(ipc_decode_result(&out, raw, 8),
		    rows[i].ok ? 0 : ERR_FORMAT);
	}
}

/* The fields behind a place, bent on the wire. */
static void
values_outside_their_range_are_refused(void **state)
{
	struct ipc_probe probe = {.place = place};
	struct ipc_authorize authorize = {.place = place};
	struct ipc_exited exited = {.role = IPC_ROLE_PROBE};

	(void)state;
	assert_int_equal(
	    ipc_encode_probe(wire, sizeof(wire), &probe), PLACE_WIRE + 1);
	for (unsigned v = 0; v < 256; v++) {
		wire[PLACE_WIRE] = (uint8_t)v;
		assert_int_equal(
		    ipc_decode_probe(&probe, wire, PLACE_WIRE + 1),
		    v < 3 ? 0 : ERR_FORMAT);
		assert_int_equal(
		    ipc_decode_authorize(&authorize, wire, PLACE_WIRE + 1),
		    v >= 1 && v <= 4 ? 0 : ERR_FORMAT);
		authorize.what = (uint8_t)v;
		assert_int_equal(
		    ipc_encode_authorize(again, sizeof(again), &authorize),
		    v >= 1 && v <= 4 ? (int)PLACE_WIRE + 1 : ERR_FORMAT);
		exited.role = (uint8_t)v;
		exited.signal = 9;
		assert_int_equal(
		    ipc_encode_exited(again, sizeof(again), &exited),
		    v >= 1 && v <= 7 ? 9 : ERR_FORMAT);
	}
	probe.flags = IPC_PROBE_RESET | IPC_PROBE_TEXTS;
	assert_int_equal(
	    ipc_encode_probe(again, sizeof(again), &probe), ERR_FORMAT);
	assert_int_equal(
	    ipc_decode_exited(&exited, "\2\101\0\0\0\0\0\0\0", 9), ERR_FORMAT);
	/* what, without a fault; and a fault that does not exist */
	assert_int_equal(
	    ipc_decode_exited(&exited, "\2\11\0\3\0\0\0\0\0", 9), ERR_FORMAT);
	assert_int_equal(
	    ipc_decode_exited(&exited, "\2\11\0\0\1\0\0\0\0", 9), ERR_FORMAT);
	assert_int_equal(
	    ipc_decode_exited(&exited, "\10\0\0\0\0\0\0\0\0", 9), ERR_FORMAT);
	assert_int_equal(
	    ipc_decode_exited(&exited, "\2\11\0\0\0\0\0\0\0", 9), 0);
	assert_int_equal(exited.signal, 9);
	/* and a place that names something else */
	wire[PLACE_WIRE] = 1;
	wire[0] = '/';
	assert_int_equal(
	    ipc_decode_probe(&probe, wire, PLACE_WIRE + 1), ERR_FORMAT);
	probe.flags = 0;
	probe.place.busid[0] = '/';
	assert_int_equal(
	    ipc_encode_probe(wire, sizeof(wire), &probe), ERR_FORMAT);
}

static void
grants_name_distinct_configurations(void **state)
{
	static const struct {
		uint8_t n, configs[DESC_MAX_CONFIGS + 1];
		int ok;
	} rows[] = {
	    {1, {1}, 1},
	    {2, {2, 1}, 1},
	    {8, {1, 2, 3, 4, 5, 6, 7, 8}, 1},
	    {0, {0}, 0},
	    {1, {0}, 0},
	    {2, {1, 1}, 0},
	    {9, {1, 2, 3, 4, 5, 6, 7, 8, 9}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ipc_grant m = {.place = place, .nconfigs = rows[i].n};
		int n = (int)PLACE_WIRE + 1 + rows[i].n;

		memcpy(m.configs, rows[i].configs, sizeof(m.configs));
		assert_int_equal(ipc_encode_grant(again, sizeof(again), &m),
		    rows[i].ok ? n : ERR_FORMAT);
		assert_int_equal(
		    place_encode(wire, sizeof(wire), &place), PLACE_WIRE);
		wire[PLACE_WIRE] = rows[i].n;
		memcpy(wire + PLACE_WIRE + 1, rows[i].configs, rows[i].n);
		assert_int_equal(ipc_decode_grant(&m, wire, (size_t)n),
		    rows[i].ok ? 0 : ERR_FORMAT);
	}
}

static void
texts_end_where_they_say(void **state)
{
	struct ipc_text text;
	struct ipc_busid busid;
	struct ipc_relay_done done = {.exit_code = 1};
	uint8_t raw[2 + IPC_TEXT] = {0, 3, 'a', 0, 'b'};

	(void)state;
	assert_int_equal(ipc_decode_text(&text, raw, 5), ERR_FORMAT);
	raw[3] = 'x';
	assert_int_equal(ipc_decode_text(&text, raw, 5), 0);
	assert_string_equal(text.text, "axb");
	memset(raw, 'a', sizeof(raw));
	raw[0] = IPC_TEXT >> 8;
	raw[1] = 0; /* no room for the NUL */
	assert_int_equal(
	    ipc_decode_text(&text, raw, sizeof(raw)), ERR_FORMAT);
	raw[0] = 0;
	raw[1] = 31;
	assert_int_equal(ipc_decode_busid(&busid, raw, 33), 0);
	raw[1] = 32;
	assert_int_equal(ipc_decode_busid(&busid, raw, 34), ERR_FORMAT);
	memset(text.text, 'a', sizeof(text.text));
	assert_int_equal(
	    ipc_encode_text(wire, sizeof(wire), &text), ERR_FORMAT);
	memset(done.text, 'a', sizeof(done.text));
	assert_int_equal(
	    ipc_encode_relay_done(wire, sizeof(wire), &done), ERR_FORMAT);
}

static void
pem_texts_end_in_one_nul(void **state)
{
	static const uint8_t two[] = "a\0b";
	struct ipc_pem m = {.ca = pem_ca, .ca_len = sizeof(pem_ca) - 1};
	struct ipc_pem out;
	int n;

	(void)state;
	assert_int_equal(ipc_encode_pem(wire, sizeof(wire), &m), ERR_FORMAT);
	m.ca = two;
	m.ca_len = sizeof(two);
	assert_int_equal(ipc_encode_pem(wire, sizeof(wire), &m), ERR_FORMAT);
	m.ca = NULL;
	assert_int_equal(ipc_encode_pem(wire, sizeof(wire), &m), ERR_FORMAT);
	m.ca = pem_key;
	m.ca_len = sizeof(pem_key);
	n = ipc_encode_pem(wire, sizeof(wire), &m);
	assert_int_equal(n, 4 * 4 + 2);
	assert_int_equal(ipc_decode_pem(&out, wire, (size_t)n), 0);
	assert_ptr_equal(out.ca, wire + 4); /* borrowed, not copied */
	assert_int_equal(out.ca_len, 2);
	assert_null(out.cert);
	assert_int_equal(out.crl_len, 0);
	wire[5] = 'k';
	assert_int_equal(ipc_decode_pem(&out, wire, (size_t)n), ERR_FORMAT);
	assert_null(out.ca);
	wire[4] = wire[5] = 0;
	assert_int_equal(ipc_decode_pem(&out, wire, (size_t)n), ERR_FORMAT);
	memset(wire, 0xff, 18);
	assert_int_equal(ipc_decode_pem(&out, wire, 18), ERR_FORMAT);
}

static void
a_ca_or_a_reason_comes_with_a_certificate(void **state)
{
	struct ipc_crl m = {.cert = pem_key, .cert_len = sizeof(pem_key)}, out;
	int n;

	(void)state;
	assert_int_equal(ipc_encode_crl(wire, sizeof(wire), &m), ERR_FORMAT);
	m.ca = pem_ca;
	m.ca_len = sizeof(pem_ca);
	n = ipc_encode_crl(wire, sizeof(wire), &m);
	assert_true(n > 0);
	assert_int_equal(ipc_decode_crl(&out, wire, (size_t)n), 0);
	assert_int_equal(out.cert_len, sizeof(pem_key));
	assert_string_equal((const char *)out.cert, (const char *)pem_key); /* borrowed, with its NUL */
	m.err = ERR_AGAIN;
	assert_int_equal(ipc_encode_crl(wire, sizeof(wire), &m), ERR_FORMAT);
	/* texts and a reason */
	wire[0] = wire[1] = wire[2] = wire[3] = 0xff;
	assert_int_equal(ipc_decode_crl(&out, wire, (size_t)n), ERR_FORMAT);
	m = (struct ipc_crl){.err = ERR_SYS, .sys = 13};
	n = ipc_encode_crl(wire, sizeof(wire), &m);
	assert_int_equal(n, 16);
	assert_int_equal(ipc_decode_crl(&out, wire, (size_t)n), 0);
	assert_int_equal(out.sys, 13);
	m.cert = pem_key;
	m.cert_len = sizeof(pem_key);
	n = ipc_encode_crl(wire, sizeof(wire), &m);
	assert_int_equal(ipc_decode_crl(&out, wire, (size_t)n), 0);
	assert_int_equal(out.cert_len, sizeof(pem_key));
	m.err = ERR_AGAIN;
	assert_int_equal(ipc_encode_crl(wire, sizeof(wire), &m), ERR_FORMAT);
	/* neither */
	memset(wire, 0, 16);
	assert_int_equal(ipc_decode_crl(&out, wire, 16), ERR_FORMAT);
	m.err = 1;
	assert_int_equal(ipc_encode_crl(wire, sizeof(wire), &m), ERR_FORMAT);
}

static void
imports_have_a_record_or_an_error(void **state)
{
	struct ipc_imported m = {.err = 0, .place = place, .is_all = 1};
	int n;

	(void)state;
	assert_int_equal(
	    ipc_encode_imported(wire, sizeof(wire), &m, NULL), ERR_FORMAT);
	n = ipc_encode_imported(wire, sizeof(wire), &m, &rec);
	assert_true(n > (int)PLACE_WIRE);
	assert_int_equal(
	    ipc_decode_imported(&m, NULL, wire, (size_t)n), ERR_FORMAT);
	m.err = ERR_NOENT;
	assert_int_equal(
	    ipc_encode_imported(wire, sizeof(wire), &m, NULL), 4);
	m.err = 7;
	assert_int_equal(ipc_decode_imported(&m, NULL, wire, 4), 0);
	assert_int_equal(m.err, ERR_NOENT);
	assert_int_equal(ipc_decode_imported(&m, NULL, wire, 5), ERR_FORMAT);
	m.err = 7;
	assert_int_equal(
	    ipc_encode_imported(wire, sizeof(wire), &m, NULL), ERR_FORMAT);
	m.err = 0;
	rec.nconfigs = 77;
	assert_int_equal(
	    ipc_encode_imported(wire, sizeof(wire), &m, &rec), ERR_FORMAT);
	rec.nconfigs = 1;
}

static void
items_and_setups_have_bounds(void **state)
{
	static struct ipc_item item;
	static struct ipc_relay_setup setup;
	struct ipc_relay_ready ready = {0};
	int n;

	(void)state;
	item.ninterfaces = DESC_MAX_INTERFACES + 1;
	assert_int_equal(
	    ipc_encode_item(wire, sizeof(wire), &item), ERR_FORMAT);
	item.ninterfaces = 0;
	n = ipc_encode_item(wire, sizeof(wire), &item);
	assert_true(n > 0);
	wire[USBIP_DEVICE_SIZE] = DESC_MAX_INTERFACES + 1;
	assert_int_equal(ipc_decode_item(&item, wire, (size_t)n), ERR_FORMAT);
	memset(item.dev.path, 'p', sizeof(item.dev.path));
	assert_int_equal(
	    ipc_encode_item(wire, sizeof(wire), &item), ERR_FORMAT);
	memset(ready.dev.busid, 'b', sizeof(ready.dev.busid));
	assert_int_equal(
	    ipc_encode_relay_ready(wire, sizeof(wire), &ready), ERR_FORMAT);
	/* leftovers behind a NUL are no slack on our own channel */
	memset(wire, 0, USBIP_DEVICE_SIZE);
	assert_int_equal(
	    ipc_decode_relay_ready(&ready, wire, USBIP_DEVICE_SIZE), 0);
	wire[9] = 'x';
	assert_int_equal(ipc_decode_relay_ready(
			     &ready, wire, USBIP_DEVICE_SIZE),
	    ERR_FORMAT);

	for (unsigned mode = 0; mode < 256; mode++) {
		setup.mode = (uint8_t)mode;
		setup.port = 3241;
		n = ipc_encode_relay_setup(wire, sizeof(wire), &setup);
		assert_int_equal(n > 0, mode >= 1 && mode <= 5);
	}
	setup.mode = IPC_RELAY_LIST;
	setup.npins = IPC_PINS + 1;
	assert_int_equal(
	    ipc_encode_relay_setup(wire, sizeof(wire), &setup), ERR_FORMAT);
	setup.npins = 0;
	setup.port = 0;
	assert_int_equal(
	    ipc_encode_relay_setup(wire, sizeof(wire), &setup), ERR_FORMAT);
	setup.port = 3241;
	n = ipc_encode_relay_setup(wire, sizeof(wire), &setup);
	assert_true(n > 0);
	wire[0] = 6;
	assert_int_equal(
	    ipc_decode_relay_setup(&setup, wire, (size_t)n), ERR_FORMAT);
	wire[0] = 1;
	wire[1] = wire[2] = 0;
	assert_int_equal(
	    ipc_decode_relay_setup(&setup, wire, (size_t)n), ERR_FORMAT);
}

static int
encodes(struct ipc_relay_setup *setup)
{
	int n = ipc_encode_relay_setup(wire, sizeof(wire), setup);

	return n > 0 ? ipc_decode_relay_setup(setup, wire, (size_t)n) : n;
}

/* A relay's rules and what it is to compare a device with. */
static void
accept_has_bounds(void **state)
{
	static uint8_t text[IPC_RULES_MAX + 1];
	static const struct ipc_relay_setup start = {
	    .mode = IPC_RELAY_ATTACH, .port = 3241};
	static struct ipc_relay_setup setup;
	int n;

	(void)state;
	setup = start;
	setup.accept = IPC_ACCEPT_ALL;
	assert_int_equal(encodes(&setup), 0);
	setup = start;
	setup.accept = IPC_ACCEPT_ALL + 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	/* rules have a name, an empty file of them is one, too */
	setup = start;
	memcpy(setup.rules_name, "r", 2);
	assert_int_equal(encodes(&setup), 0);
	assert_string_equal(setup.rules_name, "r");
	assert_int_equal(setup.rules_len, 0);
	memset(text, 'x', sizeof(text));
	setup.rules = text;
	setup.rules_len = IPC_RULES_MAX;
	assert_int_equal(encodes(&setup), 0);
	assert_int_equal(setup.rules_len, IPC_RULES_MAX);
	assert_memory_equal(setup.rules, text, IPC_RULES_MAX);
	setup.rules = text;
	setup.rules_len = IPC_RULES_MAX + 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup.rules = NULL;
	setup.rules_len = 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup = start;
	setup.rules = text;
	setup.rules_len = 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	/* a list that said nothing has nothing */
	setup = start;
	setup.asked.vid = 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup = start;
	setup.asked.ninterfaces = 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup.asked.is_listed = 2;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup.asked.is_listed = 1;
	setup.asked.ninterfaces = DESC_MAX_INTERFACES + 1;
	assert_int_equal(encodes(&setup), ERR_FORMAT);
	setup.asked.ninterfaces = DESC_MAX_INTERFACES;
	assert_int_equal(encodes(&setup), 0);
	n = ipc_encode_relay_setup(wire, sizeof(wire), &setup);
	assert_true(n > 9);
	wire[9] = DESC_MAX_INTERFACES + 1; /* mode port accept is vid pid n */
	assert_int_equal(
	    ipc_decode_relay_setup(&setup, wire, (size_t)n), ERR_FORMAT);
}

/* Only what waits for an approver has one. */
static void
approvers_fit_their_state(void **state)
{
	static struct ipc_watch m;

	(void)state;
	m.kind = IPC_WATCH_CHANGED;
	memcpy(m.name, "a@b", 4);
	memcpy(m.approver, "ops", 4);
	for (unsigned s = IPC_WATCH_FREE; s <= IPC_WATCH_PENDING; s++) {
		m.state = (uint8_t)s;
		assert_int_equal(
		    ipc_encode_watch(wire, sizeof(wire), &m) > 0,
		    s == IPC_WATCH_PENDING);
	}
	memset(m.approver, 'x', sizeof(m.approver));
	assert_int_equal(
	    ipc_encode_watch(wire, sizeof(wire), &m), ERR_FORMAT);
}

static void
lines_have_no_control_bytes(void **state)
{
	static char text[IPC_LINE_MAX + 1];
	struct ipc_line m = {.text = text, .len = IPC_LINE_MAX};
	int n;

	(void)state;
	memset(text, '{', sizeof(text));
	n = ipc_encode_line(wire, sizeof(wire), &m);
	assert_int_equal(n, IPC_LINE_MAX + 2);
	assert_int_equal(ipc_decode_line(&m, wire, (size_t)n), 0);
	assert_int_equal(m.len, IPC_LINE_MAX);
	for (int b = 0; b < 256; b++) {
		int is_bad = b < 0x20 || b == 0x7f;

		wire[100] = (uint8_t)b;
		assert_int_equal(ipc_decode_line(&m, wire, (size_t)n),
		    is_bad ? ERR_FORMAT : 0);
	}
	m = (struct ipc_line){.text = text, .len = IPC_LINE_MAX + 1};
	assert_int_equal(ipc_encode_line(wire, sizeof(wire), &m), ERR_FORMAT);
	m.len = 0;
	assert_int_equal(ipc_encode_line(wire, sizeof(wire), &m), ERR_FORMAT);
	wire[0] = wire[1] = 0;
	assert_int_equal(ipc_decode_line(&m, wire, 2), ERR_FORMAT);
}

static void
watches_fit_their_kind(void **state)
{
	static struct ipc_watch m, back;
	static const struct {
		uint8_t kind, state;
		const char *name;
		int r;
	} rows[] = {
	    {IPC_WATCH_LISTED, IPC_WATCH_FREE, "a@b", 0},
	    {IPC_WATCH_GONE, IPC_WATCH_NONE, "a@b", 0},
	    {IPC_WATCH_READY, IPC_WATCH_NONE, "", 0},
	    {IPC_WATCH_MESSAGE, IPC_WATCH_NONE, "a@b", 0},
	    {0, IPC_WATCH_NONE, "", ERR_FORMAT},
	    {IPC_WATCH_MESSAGE + 1, IPC_WATCH_NONE, "", ERR_FORMAT},
	    {IPC_WATCH_LISTED, IPC_WATCH_NONE, "a@b", ERR_FORMAT},
	    {IPC_WATCH_LISTED, IPC_WATCH_PENDING, "a@b", 0},
	    {IPC_WATCH_LISTED, IPC_WATCH_PENDING + 1, "a@b", ERR_FORMAT},
	    {IPC_WATCH_GONE, IPC_WATCH_FREE, "a@b", ERR_FORMAT},
	    {IPC_WATCH_READY, IPC_WATCH_FREE, "", ERR_FORMAT},
	    {IPC_WATCH_CHANGED, IPC_WATCH_FREE, "", ERR_FORMAT},
	    {IPC_WATCH_CHANGED, IPC_WATCH_FREE, "a b", ERR_FORMAT},
	    {IPC_WATCH_CHANGED, IPC_WATCH_FREE, "a\x1b", ERR_FORMAT},
	    {IPC_WATCH_CHANGED, IPC_WATCH_FREE, "\xc3\xa9", ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int n;

		memset(&m, 0, sizeof(m));
		m.kind = rows[i].kind;
		m.state = rows[i].state;
		memcpy(m.name, rows[i].name, strlen(rows[i].name));
		n = ipc_encode_watch(wire, sizeof(wire), &m);
		if (rows[i].r != 0) {
			assert_int_equal(n, rows[i].r);
			continue;
		}
		assert_true(n > 0);
		assert_int_equal(ipc_decode_watch(&back, wire, (size_t)n), 0);
		assert_memory_equal(&m, &back, sizeof(m));
	}
}

/* What may pass of a device: every number in its range, digits digits. */
static void
inspection_has_bounds(void **state)
{
	static struct ipc_ruled ruled;
	static struct ipc_ask ask = {.id = 1};
	static struct ipc_out out;
	static struct ipc_quota quota;
	struct ipc_capture capture = {.payload = 0};
	struct ipc_answer answer = {.id = 1};
	struct ipc_challenge challenge = {.digits = "1234"};
	struct ipc_profile profile = {.wall = 1};
	struct ipc_over over = {.id = 0};
	int n;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		static const uint8_t most[] = {IPC_HOOKS, IPC_VERDICTS, 2, 3, 2,
		    DESC_MAX_INTERFACES};

		n = ipc_encode_ruled(wire, sizeof(wire), &ruled);
		assert_true(n > 0);
		wire[i] = (uint8_t)(most[i] - 1);
		assert_int_equal(ipc_decode_ruled(&ruled, wire, (size_t)n), 0);
		wire[i] = most[i];
		assert_int_equal(
		    ipc_decode_ruled(&ruled, wire, (size_t)n), ERR_FORMAT);
		memset(&ruled, 0, sizeof(ruled));
	}
	ask.otherwise = 3;
	assert_int_equal(ipc_encode_ask(wire, sizeof(wire), &ask), ERR_FORMAT);
	ask.otherwise = 0;
	ask.id = 0;
	assert_int_equal(ipc_encode_ask(wire, sizeof(wire), &ask), ERR_FORMAT);
	answer.say = 3;
	assert_int_equal(
	    ipc_encode_answer(wire, sizeof(wire), &answer), ERR_FORMAT);
	assert_int_equal(ipc_encode_over(wire, sizeof(wire), &over), ERR_FORMAT);
	challenge.digits[2] = 'a';
	assert_int_equal(ipc_encode_challenge(wire, sizeof(wire), &challenge),
	    ERR_FORMAT);
	profile.wall = -1;
	assert_int_equal(
	    ipc_encode_profile(wire, sizeof(wire), &profile), ERR_FORMAT);
	out.is_quarantine = 2;
	assert_int_equal(ipc_encode_out(wire, sizeof(wire), &out), ERR_FORMAT);
	assert_int_equal(
	    ipc_encode_capture(wire, sizeof(wire), &capture), ERR_FORMAT);
	capture.payload = 64 * 1024 + 1;
	assert_int_equal(
	    ipc_encode_capture(wire, sizeof(wire), &capture), ERR_FORMAT);
	quota.since = -1;
	assert_int_equal(
	    ipc_encode_quota(wire, sizeof(wire), &quota), ERR_FORMAT);
}

/* What is asked is even, what answers or tells is odd, and no two share. */
static void
types_are_even_for_requests(void **state)
{
	static const int requests[] = {IPC_SPAWN, IPC_PROBE, IPC_AUTHORIZE,
	    IPC_GRANT, IPC_KILL, IPC_RECORDER, IPC_RECORDER_NEXT,
	    IPC_RECORDER_OVER, IPC_CAPTURE_WANTED, IPC_KEY, IPC_SET_CONFIG, IPC_IDENTITY,
	    IPC_LIST, IPC_IMPORT, IPC_REFUSED, IPC_STATE, IPC_EVENT,
	    IPC_SUBSCRIBE, IPC_SAID, IPC_ACTIVE, IPC_RECORD, IPC_PROBE_FAILED,
	    IPC_TEXTS, IPC_RULED, IPC_ASK, IPC_ASK_OVER, IPC_CHALLENGE,
	    IPC_OUT, IPC_QUOTA, IPC_POSTER, IPC_POSTED,
	    IPC_RELAY_SETUP, IPC_RELAY_READY, IPC_RELAY_DESK, IPC_ENROLL,
	    IPC_FRONT_ASK, IPC_SIGNER_LOAD, IPC_SIGNER_SERVE,
	    IPC_SIGNER_MISUSED, IPC_SIGN};
	static const int answers[] = {IPC_SPAWNED, IPC_PROBED, IPC_AUTHORIZED,
	    IPC_GRANTED, IPC_EXITED, IPC_KEY_IS, IPC_CONFIG_SET, IPC_DEVICE,
	    IPC_IDENTIFIED, IPC_LIST_ITEM, IPC_LIST_END, IPC_IMPORTED,
	    IPC_LINE, IPC_PROFILE, IPC_ANSWER, IPC_LISTENING, IPC_QUOTA_IS,
	    IPC_CAPTURE, IPC_RECORDING, IPC_RECORDER_FILE, IPC_POSTING,
	    IPC_POST,
	    IPC_RELAY_ITEM, IPC_RELAY_DONE, IPC_RELAY_ATTACHED,
	    IPC_RELAY_LINE, IPC_RELAY_WATCH, IPC_ENROLLED, IPC_FRONT_KEY,
	    IPC_FRONT_REPLY, IPC_SIGNER_LOADED, IPC_SIGNED};
	uint8_t seen[256] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		assert_int_equal(requests[i] % 2, 0);
		assert_int_equal(seen[requests[i]]++, 0);
	}
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(answers[i] % 2, 1);
		assert_int_equal(seen[answers[i]]++, 0);
	}
}

static void
desks_have_names_without_blanks(void **state)
{
	static const struct {
		struct ipc_desk m;
		int ok;
	} rows[] = {
		{{IPC_DESK_LOCKED, "seat0", "alice"}, 1},
		{{IPC_DESK_UNKNOWN, "", ""}, 1},
		{{IPC_DESK_UNLOCKED, "seat0", "CORP\\al\"ice~"}, 1},
		{{3, "seat0", "alice"}, 0},
		{{IPC_DESK_LOCKED, "seat 0", "alice"}, 0},
		{{IPC_DESK_LOCKED, "seat0", "a\nb"}, 0},
		{{IPC_DESK_LOCKED, "seat0", "\xc3\xa4"}, 0},
		{{IPC_DESK_LOCKED, "\x7f", ""}, 0},
	};
	struct ipc_desk out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int n = ipc_encode_desk(wire, sizeof(wire), &rows[i].m);

		assert_int_equal(n > 0, rows[i].ok);
		if (n > 0) {
			assert_int_equal(
			    ipc_decode_desk(&out, wire, (size_t)n), 0);
			assert_string_equal(out.seat, rows[i].m.seat);
			assert_string_equal(out.user, rows[i].m.user);
			assert_int_equal(out.lock, rows[i].m.lock);
			assert_int_equal(
			    ipc_decode_desk(&out, wire, (size_t)n - 1),
			    ERR_FORMAT);
			assert_int_equal(
			    ipc_decode_desk(&out, wire, (size_t)n + 1),
			    ERR_FORMAT);
		}
	}
	/* a user that no writer lets through */
	memcpy(wire, "\1\0\1s\0\2u ", 8);
	assert_int_equal(ipc_decode_desk(&out, wire, 8), ERR_FORMAT);
}

static void
posts_are_of_one_chain(void **state)
{
	const struct ipc_post good = {.url = "https://x", .timeout = 1,
		.chain = "0123456789abcdef", .first = 7, .last = 7, .len = 1};
	struct ipc_post m = good, out;
	int n = ipc_encode_post(wire, sizeof(wire), &m);

	(void)state;
	assert_true(n > 0);
	assert_int_equal(ipc_decode_post(&out, wire, (size_t)n), 0);
	assert_int_equal(out.last, 7);
	wire[n - 1] = 0; /* no time at all */
	assert_int_equal(ipc_decode_post(&out, wire, (size_t)n), ERR_FORMAT);
	m.last = 6;
	assert_int_equal(ipc_encode_post(wire, sizeof(wire), &m), ERR_FORMAT);
	m = good;
	m.chain[15] = '\0';
	assert_int_equal(ipc_encode_post(wire, sizeof(wire), &m), ERR_FORMAT);
	m = good;
	m.len = 0;
	assert_int_equal(ipc_encode_post(wire, sizeof(wire), &m), ERR_FORMAT);
	m = good;
	m.url[0] = '\0';
	assert_int_equal(ipc_encode_post(wire, sizeof(wire), &m), ERR_FORMAT);
	/* who has taken all asks for no time */
	assert_int_equal(ipc_encode_posted(wire, sizeof(wire),
			     &(struct ipc_posted){.retry_after = 1}),
	    ERR_FORMAT);
	/* and nobody for longer than the warden would wait */
	assert_true(ipc_encode_posted(wire, sizeof(wire),
			&(struct ipc_posted){.err = ERR_PEER,
			    .retry_after = IPC_RETRY_MAX}) > 0);
	assert_int_equal(ipc_encode_posted(wire, sizeof(wire),
			     &(struct ipc_posted){.err = ERR_PEER,
				 .retry_after = IPC_RETRY_MAX + 1}),
	    ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(results_are_errors_or_success),
	    cmocka_unit_test(values_outside_their_range_are_refused),
	    cmocka_unit_test(desks_have_names_without_blanks),
	    cmocka_unit_test(grants_name_distinct_configurations),
	    cmocka_unit_test(texts_end_where_they_say),
	    cmocka_unit_test(pem_texts_end_in_one_nul),
	    cmocka_unit_test(a_ca_or_a_reason_comes_with_a_certificate),
	    cmocka_unit_test(imports_have_a_record_or_an_error),
	    cmocka_unit_test(items_and_setups_have_bounds),
	    cmocka_unit_test(accept_has_bounds),
	    cmocka_unit_test(approvers_fit_their_state),
	    cmocka_unit_test(lines_have_no_control_bytes),
	    cmocka_unit_test(watches_fit_their_kind),
	    cmocka_unit_test(inspection_has_bounds),
	    cmocka_unit_test(posts_are_of_one_chain),
	    cmocka_unit_test(types_are_even_for_requests),
	};

	return cmocka_run_group_tests(tests, make_record, NULL);
}
