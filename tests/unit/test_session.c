/*
 * The session's conversations up to the stream of URBs: who says what to whom,
 * in which order, and what happens when somebody does not.
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

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sealed.h"
#include "proxy/session/session.h"
#include "tests/fake/session_rig.h"

static void
take_op(struct rig *rig, uint16_t code, uint32_t status)
{
	uint8_t raw[USBIP_OP_COMMON_SIZE];
	struct usbip_op_common op;

	rig_take(rig, raw, sizeof(raw));
	assert_int_equal(usbip_decode_op(&op, raw, sizeof(raw)), 0);
	assert_int_equal(op.version, USBIP_VERSION);
	assert_int_equal(op.code, code);
	assert_int_equal(op.status, status);
}

/* ------------------------------------------------------------------------ */

static void
test_list(void **state)
{
	static const unsigned counts[] = {0, 1, 7, 300};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct rig *rig = rig_new();
		uint8_t n[4], raw[USBIP_DEVICE_SIZE], ifaces[8];
		struct usbip_device dev;

		rig->nitems = counts[i];
		rig_start(rig);
		rig_send_op(rig, USBIP_VERSION, USBIP_OP_REQ_DEVLIST);
		take_op(rig, USBIP_OP_REP_DEVLIST, 0);
		rig_take(rig, n, sizeof(n));
		assert_int_equal(n[2] << 8 | n[3], counts[i]);
		for (unsigned j = 0; j < counts[i]; j++) {
			rig_take(rig, raw, sizeof(raw));
			assert_int_equal(
			    usbip_decode_device(&dev, raw, sizeof(raw)), 0);
			assert_string_equal(dev.busid, RIG_BUSID);
			assert_int_equal(dev.ninterfaces, 2);
			rig_take(rig, ifaces, sizeof(ifaces));
			assert_int_equal(ifaces[0], 0xff);
			assert_int_equal(ifaces[4], 3);
		}
		rig_expect_eof(rig);
		assert_int_equal(rig->exit_code, 0);
		assert_int_equal(rig->keys, 1);
		assert_int_equal(rig->identities, 1);
		assert_int_equal(rig->lists, 1);
		assert_int_equal(rig->imports, 0);
		assert_int_equal(rig->sim->counts.opens, 0);
		rig_free(rig);
	}
}

static void
import_and_look(int device_late)
{
	struct rig *rig = rig_new();
	uint8_t raw[USBIP_DEVICE_SIZE];
	struct usbip_device dev;

	rig->device_late = device_late;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	take_op(rig, USBIP_OP_REP_IMPORT, 0);
	rig_take(rig, raw, sizeof(raw));
	assert_int_equal(usbip_decode_device(&dev, raw, sizeof(raw)), 0);
	assert_string_equal(dev.busid, RIG_BUSID);
	assert_int_equal(dev.busnum << 16 | dev.devnum, RIG_DEVID);
	assert_int_equal(dev.speed, USBIP_SPEED_HIGH);
	assert_int_equal(dev.vid, 0x1209);
	assert_int_equal(dev.configuration, 1);
	assert_int_equal(dev.nconfigurations, 2);
	assert_int_equal(dev.ninterfaces, 2);
	/* all interfaces of the active configuration are claimed */
	assert_int_equal(rig->sim->claimed, 3);
	assert_int_equal(rig->sim->counts.set_interfaces, 0);
	/* states only go forward: handshake .. streaming */
	rig_settle(rig);
	assert_int_equal(rig->nstates, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rig->states[i], i + 1);
	}
	/* the workstation leaves: an orderly end */
	close_fd(&rig->client);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 0);
	assert_int_equal(rig->nrefusals, 0);
	assert_int_equal(rig->sim->counts.closes, 1);
	assert_int_equal(rig->sim->claimed, 0);
	rig_free(rig);
}

static void
test_import(void **state)
{
	(void)state;
	import_and_look(0);
	import_and_look(1);
}

static void
expect_status(int32_t imported_err, uint32_t status)
{
	struct rig *rig = rig_new();

	rig->imported_err = imported_err;
	rig_start(rig);
	rig_send_import(rig, "9-9");
	take_op(rig, USBIP_OP_REP_IMPORT, status);
	rig_expect_eof(rig);
	assert_int_equal(rig->exit_code, 0);
	assert_int_equal(rig->imports, 1);
	assert_int_equal(rig->sim->counts.opens, 0);
	rig_free(rig);
}

static void
test_import_refused(void **state)
{
	(void)state;
	/* not there and not allowed: byte for byte the same */
	expect_status(ERR_NOENT, USBIP_ST_NODEV);
	expect_status(ERR_POLICY, USBIP_ST_NODEV);
	expect_status(ERR_BUSY, USBIP_ST_DEV_BUSY);
	expect_status(ERR_SYS, USBIP_ST_DEV_ERR);
}

static void
test_odd_busids(void **state)
{
	static const char *const ids[] = {
		"", "../../etc", "3-2 4", "-1", ".", "3-2\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct rig *rig = rig_new();

		rig_start(rig);
		rig_send_import(rig, ids[i]);
		take_op(rig, USBIP_OP_REP_IMPORT, USBIP_ST_NODEV);
		rig_expect_eof(rig);
		/* nobody is asked about it */
		assert_int_equal(rig->imports, 0);
		rig_free(rig);
	}
}

static void
test_bad_requests(void **state)
{
	static const struct {
		uint16_t version, code;
	} ops[] = {
		{0x0110, USBIP_OP_REQ_DEVLIST},
		{0x0106, USBIP_OP_REQ_IMPORT},
		{0x1101, USBIP_OP_REQ_IMPORT},
		{USBIP_VERSION, 0x8002},
		{USBIP_VERSION, 0x8006},
		{USBIP_VERSION, USBIP_OP_REP_IMPORT},
		{USBIP_VERSION, 0},
		{0x4745, 0x5420}, /* "GET " */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		struct rig *rig = rig_new();

		rig_start(rig);
		rig_send_op(rig, ops[i].version, ops[i].code);
		rig_expect_eof(rig);
		assert_int_equal(rig->exit_code, 1);
		rig_settle(rig);
		assert_true(rig_was_refused(rig, "op.request"));
		assert_int_equal(rig->lists + rig->imports, 0);
		rig_free(rig);
	}
}

static void
test_busid_without_end(void **state)
{
	struct rig *rig = rig_new();
	char raw[USBIP_BUSID_SIZE];

	(void)state;
	memset(raw, '1', sizeof(raw));
	rig_start(rig);
	rig_send_op(rig, USBIP_VERSION, USBIP_OP_REQ_IMPORT);
	rig_send(rig, raw, sizeof(raw));
	rig_expect_eof(rig);
	rig_settle(rig);
	assert_true(rig_was_refused(rig, "op.request"));
	rig_free(rig);
}

static void
test_half_request(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	rig_send(rig, "\x01\x11\x80", 3);
	rig_expect_nothing(rig);
	assert_false(rig->ended);
	close_fd(&rig->client);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 0);
	rig_free(rig);
}

static void
test_not_welcome(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->identified_err = ERR_POLICY;
	rig_start(rig);
	rig_send_op(rig, USBIP_VERSION, USBIP_OP_REQ_DEVLIST);
	rig_expect_eof(rig);
	assert_int_equal(rig->lists, 0);
	rig_free(rig);
}

/* A whole life, one byte at a time. */
static void
test_byte_by_byte(void **state)
{
	static const uint8_t get_device[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
	struct rig *rig = rig_new();
	uint8_t req[USBIP_IMPORT_REQ_SIZE] = {1, 0x11, 0x80, 3, 0, 0, 0, 0};
	uint8_t rep[USBIP_IMPORT_REP_SIZE], pdu[USBIP_HEADER_SIZE] = {0};

	(void)state;
	rig_start(rig);
	memcpy(req + 8, RIG_BUSID, strlen(RIG_BUSID));
	for (size_t i = 0; i < sizeof(req); i++) {
		rig_send(rig, req + i, 1);
		rig_turn(rig);
	}
	rig_take(rig, rep, sizeof(rep));
	pdu[3] = 1;
	pdu[7] = 5;
	pdu[9] = RIG_DEVID >> 16;
	pdu[11] = RIG_DEVID & 0xff;
	pdu[15] = 1;
	pdu[27] = 18;
	memcpy(pdu + 40, get_device, 8);
	rig->submits[5] = (struct rig_submit){5, USBIP_DIR_IN, 0};
	for (size_t i = 0; i < sizeof(pdu); i++) {
		rig_send(rig, pdu + i, 1);
		rig_turn(rig);
	}
	assert_memory_equal(rig_expect_submit(rig, 5, 0, 18)->data,
	    rig->rec.device, 18);
	rig_free(rig);
}

/* Request and first URB in one packet: nothing is lost between the phases. */
static void
test_eager_client(void **state)
{
	static const uint8_t get_device[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
	uint8_t rep[USBIP_IMPORT_REP_SIZE];
	struct rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_control(rig, 1, get_device, NULL);
	rig_take(rig, rep, sizeof(rep));
	rig_expect_submit(rig, 1, 0, 18);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* The device is not what it was                                            */

static void
expect_refused_device(struct rig *rig, const char *rule, uint32_t status)
{
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	take_op(rig, USBIP_OP_REP_IMPORT, status);
	rig_expect_eof(rig);
	rig_settle(rig);
	assert_true(rig_was_refused(rig, rule));
	rig_free(rig);
}

static void
test_changed(void **state)
{
	struct rig *rig;

	(void)state;
	/* another product id */
	rig = rig_new();
	rig->sim->rec.device[10] ^= 1;
	expect_refused_device(rig, "R8.changed", USBIP_ST_DEV_ERR);
	/* another class in an interface */
	rig = rig_new();
	rig->sim->rec.config_bytes[14] = 8;
	expect_refused_device(rig, "R8.changed", USBIP_ST_DEV_ERR);
	/* more configurations than it had (CVE-2024-53197) */
	rig = rig_new();
	rig->sim->rec.device[17] = 3;
	expect_refused_device(rig, "R1.answer", USBIP_ST_DEV_ERR);
	/* another serial number */
	rig = rig_new();
	rig->sim->rec.string_bytes[rig->rec.string_used - 2] ^= 1;
	expect_refused_device(rig, "R8.changed", USBIP_ST_DEV_ERR);
	/* another HID report descriptor */
	rig = rig_new();
	rig->sim->rec.report_bytes[3] = 2;
	expect_refused_device(rig, "R8.changed", USBIP_ST_DEV_ERR);
	/* in another configuration */
	rig = rig_new();
	rig->sim->config = 2;
	expect_refused_device(rig, "R8.changed", USBIP_ST_DEV_ERR);
}

static void
test_device_fails(void **state)
{
	struct rig *rig;

	(void)state;
	rig = rig_new();
	rig->sim->open_err = ERR_CLOSED;
	expect_refused_device(rig, "session.import", USBIP_ST_DEV_ERR);
	rig = rig_new();
	rig->sim->claim_err = ERR_BUSY;
	expect_refused_device(rig, "session.import", USBIP_ST_DEV_BUSY);
	rig = rig_new();
	rig->sim->is_unplugged = 1;
	expect_refused_device(rig, "R1.answer", USBIP_ST_DEV_ERR);
}

static int
never(void *arg, const uint8_t *setup, uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	return USB_SIM_NEVER;
}

static void
test_unplug_while_comparing(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->sim->control = never;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_settle(rig);
	assert_int_equal(rig->sim->counts.in_flight, 1);
	usb_sim_unplug(rig->sim);
	take_op(rig, USBIP_OP_REP_IMPORT, USBIP_ST_DEV_ERR);
	rig_expect_eof(rig);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* Our own processes                                                        */

static void
test_places_differ(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->device_place.devnum++;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_expect_eof(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_int_equal(rig->sim->counts.opens, 0);
	rig_free(rig);
}

/* EOF on a channel ends a session in whatever state it is. */
static void
test_channels_close(void **state)
{
	(void)state;
	for (int which = 0; which < 2; which++) {
		for (int when = 0; when < 4; when++) {
			struct rig *rig = rig_new();

			rig->mute_warden = when == 2;
			rig_start(rig);
			if (when > 0) {
				rig_settle(rig);
			}
			if (when == 2) {
				rig_send_import(rig, RIG_BUSID);
				rig_settle(rig);
			}
			if (when == 3) {
				rig_import(rig);
				rig_submit(
				    rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
			}
			close_fd(which ? &rig->broker : &rig->warden);
			rig_wait_end(rig);
			assert_int_equal(rig->exit_code, 1);
			rig_free(rig);
		}
	}
}

static void
test_unexpected_messages(void **state)
{
	static const struct {
		int to_broker_side;
		uint16_t type;
	} messages[] = {
		{1, IPC_CONFIG_SET}, {1, IPC_KEY_IS}, {1, IPC_DEVICE},
		{1, IPC_IDENTIFIED}, {1, 999}, {0, IPC_IDENTIFIED},
		{0, IPC_LIST_END}, {0, IPC_IMPORTED}, {0, IPC_KEY_IS},
		{0, IPC_LIST}, {0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct rig *rig = rig_streaming();
		struct ipc_result m = {0};
		uint8_t buf[16];
		int n = ipc_encode_result(buf, sizeof(buf), &m);

		assert_int_equal(
		    channel_send(messages[i].to_broker_side ? rig->broker :
							      rig->warden,
			messages[i].type, 0, buf, (size_t)n, -1),
		    0);
		rig_wait_end(rig);
		assert_int_equal(rig->exit_code, 1);
		rig_free(rig);
	}
}

/* The CRL comes behind a descriptor, and nothing else does in its place. */
static void
test_crl(void **state)
{
	static const uint8_t text[] = "a list";
	struct rig *rig = rig_new();
	int fds[2];

	(void)state;
	assert_int_equal(sealed_new(&rig->crl, text, sizeof(text)), 0);
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_settle(rig);
	assert_int_equal(rig->identities, 1);
	assert_string_equal(rig->crl_seen, "a list");
	close_fd(&rig->crl);
	rig_free(rig);

	rig = rig_new();
	assert_int_equal(pipe(fds), 0);
	rig->crl = fds[0];
	rig_start(rig);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_int_equal(rig->identities, 0);
	rig_free(rig);
	(void)close(fds[0]);
	(void)close(fds[1]);

	rig = rig_new();
	rig->is_crl_in_message = 1;
	rig_start(rig);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_int_equal(rig->identities, 0);
	rig_free(rig);
}

static void
test_unexpected_fd(void **state)
{
	struct rig *rig = rig_new();
	struct ipc_result m = {0};
	uint8_t buf[16];

	(void)state;
	rig->mute_warden = 1;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_settle(rig);
	channel_send(rig->warden, IPC_IMPORTED, 0, buf,
	    (size_t)ipc_encode_result(buf, sizeof(buf), &m), 0);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	rig_free(rig);
}

/* The warden hears that transfers go through: at once, then once a second, and
 * not of endpoint 0. */
static void
test_activity(void **state)
{
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	rig_control(
	    rig, seq, (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 18, 0}, NULL);
	rig_expect_submit(rig, seq++, 0, 18);
	rig_settle(rig);
	assert_int_equal(rig->actives, 0);
	for (int i = 0; i < 20; i++) {
		rig_submit(rig, seq, RIG_BULK_IN, 0, 13, NULL, NULL);
		rig_expect_submit(rig, seq++, 0, 13);
	}
	rig_settle(rig);
	assert_int_equal(rig->actives, 1);
	rig_wait_ms(rig, 999);
	assert_int_equal(rig->actives, 1);
	/* what came meanwhile is told when the second is over; then no more */
	rig_wait_ms(rig, 1);
	assert_int_equal(rig->actives, 2);
	rig_wait_ms(rig, 1500);
	assert_int_equal(rig->actives, 2);
	rig_submit(rig, seq, RIG_BULK_IN, 0, 13, NULL, NULL);
	rig_expect_submit(rig, seq++, 0, 13);
	rig_settle(rig);
	assert_int_equal(rig->actives, 3);
	rig_free(rig);
}

static uint64_t
sum_of(const struct tally_times *times)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		sum += times->steps[i];
	}
	return sum;
}

/* What it counted goes to the warden with that, and at the end. */
static void
test_tally(void **state)
{
	struct rig *rig = rig_streaming();
	static uint8_t data[31];
	uint64_t urbs, in;
	uint32_t seq = 1;

	(void)state;
	rig_submit(rig, seq, RIG_BULK_IN, 0, 13, NULL, NULL);
	rig_expect_submit(rig, seq++, 0, 13);
	rig_wait_ms(rig, 1000);
	urbs = rig->tally.urbs;
	in = rig->tally.bytes_in;
	for (int i = 0; i < 4; i++) {
		rig_submit(rig, seq, RIG_BULK_IN, 0, 13, NULL, NULL);
		rig_expect_submit(rig, seq++, 0, 13);
		rig_submit(rig, seq, RIG_BULK_OUT, 0, sizeof(data), NULL,
		    data);
		rig_expect_submit(rig, seq++, 0, sizeof(data));
	}
	rig_wait_ms(rig, 1001);
	assert_int_equal(rig->tally.urbs, urbs + 8);
	assert_int_equal(rig->tally.bytes_in, in + 4 * 13);
	assert_int_equal(rig->tally.bytes_out, 4 * sizeof(data));
	assert_int_equal(rig->tally.open, 0);
	assert_int_equal(sum_of(&rig->tally.wait), urbs + 8);
	assert_int_equal(sum_of(&rig->tally.took), urbs + 8);
	assert_true(rig->tally.took.ns >= rig->tally.wait.ns);
	/* what nobody was told of when it ends */
	for (int i = 0; i < 2; i++) {
		rig_submit(rig, seq, RIG_BULK_IN, 0, 13, NULL, NULL);
		rig_expect_submit(rig, seq++, 0, 13);
	}
	close_fd(&rig->client);
	rig_wait_end(rig);
	rig_settle(rig);
	assert_int_equal(rig->tally.urbs, urbs + 10);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* The machine as a table                                                   */

static void
test_table(void **state)
{
	static const char *const expected =
	    "born key deadline\n"
	    "handshake peer deadline\n"
	    "naming peer identified deadline\n"
	    "op peer deadline\n"
	    "events peer line deadline\n"
	    "listing peer list-item list-end deadline\n"
	    "importing peer profile quota listening capture device imported "
	    "deadline\n"
	    "comparing peer profile listening capture read gone deadline\n"
	    "streaming peer profile answer listening capture config-set gone\n"
	    "refusing peer deadline\n"
	    "closing peer list-item list-end line profile quota answer "
	    "listening capture device imported read config-set gone deadline\n"
	    "ended\n";
	char text[2048];
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; session_state_name(i) != NULL; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
		    session_state_name(i));
		for (unsigned j = 0; session_event_name(j) != NULL; j++) {
			if (session_has_step(i, j)) {
				len += (size_t)snprintf(text + len,
				    sizeof(text) - len, " %s",
				    session_event_name(j));
			}
		}
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "\n");
	}
	assert_string_equal(text, expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_import_refused),
		cmocka_unit_test(test_odd_busids),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_busid_without_end),
		cmocka_unit_test(test_half_request),
		cmocka_unit_test(test_not_welcome),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_eager_client),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_device_fails),
		cmocka_unit_test(test_unplug_while_comparing),
		cmocka_unit_test(test_places_differ),
		cmocka_unit_test(test_channels_close),
		cmocka_unit_test(test_unexpected_messages),
		cmocka_unit_test(test_crl),
		cmocka_unit_test(test_unexpected_fd),
		cmocka_unit_test(test_activity),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_table),
	};

	log_init("test_session");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
