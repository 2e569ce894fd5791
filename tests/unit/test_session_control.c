/*
 * Control requests that the session turns into calls of the backend or asks the
 * broker for: configuration, alternates, halts, reset; and descriptors, which
 * come out of the vetted record and never from the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/fake/session_rig.h"

#define SETUP(...) ((const uint8_t[8]){__VA_ARGS__})
#define SET_CONFIG(v) SETUP(0, 9, v, 0, 0, 0, 0, 0)
#define SET_INTERFACE(n, alt) SETUP(1, 11, alt, 0, n, 0, 0, 0)
#define GET_CONFIG SETUP(0x80, 8, 0, 0, 0, 0, 1, 0)
#define GET_INTERFACE(n) SETUP(0x81, 10, 0, 0, n, 0, 1, 0)
#define PORT_RESET SETUP(0x23, 3, 4, 0, 0, 0, 0, 0)
#define CLEAR_HALT(ep) SETUP(2, 1, 0, 0, ep, 0, 0, 0)

static uint8_t
byte_of(struct rig *rig, uint32_t seq, const uint8_t *setup)
{
	return rig_do_control(rig, seq, setup, 0, 1)->data[0];
}

/* ------------------------------------------------------------------------ */

static void
test_descriptors(void **state)
{
	struct rig *rig = rig_streaming();
	struct rig_reply *reply;
	size_t len;
	const uint8_t *p;

	(void)state;
	/* from now on the device would tell lies */
	memset(rig->sim->rec.device, 0xee, sizeof(rig->sim->rec.device));
	memset(rig->sim->rec.config_bytes, 0xee, 200);
	reply = rig_do_control(
	    rig, 1, SETUP(0x80, 6, 0, 1, 0, 0, 18, 0), 0, 18);
	assert_memory_equal(reply->data, rig->rec.device, 18);
	/* cut to wLength */
	rig_do_control(rig, 2, SETUP(0x80, 6, 0, 1, 0, 0, 8, 0), 0, 8);
	rig_do_control(rig, 3, SETUP(0x80, 6, 0, 1, 0, 0, 64, 0), 0, 18);
	rig_do_control(rig, 4, SETUP(0x80, 6, 0, 1, 0, 0, 0, 0), 0, 0);
	p = devrec_config(&rig->rec, 1, &len);
	reply = rig_do_control(rig, 5, SETUP(0x80, 6, 1, 2, 0, 0, 0xff, 0), 0,
	    (uint32_t)len);
	assert_memory_equal(reply->data, p, len);
	rig_do_control(
	    rig, 6, SETUP(0x80, 6, 2, 2, 0, 0, 9, 0), USBIP_EPIPE, 0);
	p = devrec_string(&rig->rec, 2, 0x0409, &len);
	reply = rig_do_control(
	    rig, 7, SETUP(0x80, 6, 2, 3, 9, 4, 0xff, 0), 0, (uint32_t)len);
	assert_memory_equal(reply->data, p, len);
	/* another language, a string that is not there, Microsoft's */
	rig_do_control(rig, 8, SETUP(0x80, 6, 2, 3, 7, 4, 0xff, 0),
	    USBIP_EPIPE, 0);
	rig_do_control(rig, 9, SETUP(0x80, 6, 9, 3, 9, 4, 0xff, 0),
	    USBIP_EPIPE, 0);
	rig_do_control(rig, 10, SETUP(0x80, 6, 0xee, 3, 0, 0, 18, 0),
	    USBIP_EPIPE, 0);
	/* languages, BOS and qualifier that it has not, HID, HID report */
	rig_do_control(rig, 11, SETUP(0x80, 6, 0, 3, 0, 0, 0xff, 0), 0, 4);
	rig_do_control(
	    rig, 12, SETUP(0x80, 6, 0, 15, 0, 0, 5, 0), USBIP_EPIPE, 0);
	rig_do_control(
	    rig, 13, SETUP(0x80, 6, 0, 6, 0, 0, 10, 0), USBIP_EPIPE, 0);
	reply = rig_do_control(
	    rig, 14, SETUP(0x81, 6, 0, 0x21, 1, 0, 9, 0), 0, 9);
	assert_int_equal(reply->data[1], 0x21);
	p = devrec_report(&rig->rec, 1, 1, &len);
	reply = rig_do_control(rig, 15,
	    SETUP(0x81, 6, 0, 0x22, 1, 0, 0xff, 0), 0, (uint32_t)len);
	assert_memory_equal(reply->data, p, len);
	rig_do_control(
	    rig, 16, SETUP(0x81, 6, 0, 0x22, 0, 0, 9, 0), USBIP_EPIPE, 0);
	/* the device was asked nothing at all */
	assert_int_equal(rig->sim->counts.submits, 0);
	rig_free(rig);
}

/* What the device would be at full speed, out of the record, too. */
static void
test_other_speed(void **state)
{
	static const uint8_t qualifier[10] = {10, 6, 0, 2, 0, 0, 0, 64, 1, 0};
	static const uint8_t other[] = {
	    9, 7, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 8, 6, 80, 0};
	struct rig *rig = rig_new();
	struct rig_reply *reply;

	(void)state;
	rig->rec.has_qualifier = 1;
	memcpy(rig->rec.qualifier, qualifier, sizeof(qualifier));
	assert_int_equal(
	    devrec_add_other(&rig->rec, other, sizeof(other)), 0);
	rig->sim->rec = rig->rec;
	rig_start(rig);
	rig_import(rig);
	memset(rig->sim->rec.qualifier, 0xee, sizeof(qualifier));
	rig->sim->rec.nothers = 0;
	reply = rig_do_control(rig, 1, SETUP(0x80, 6, 0, 6, 0, 0, 10, 0), 0,
	    sizeof(qualifier));
	assert_memory_equal(reply->data, qualifier, sizeof(qualifier));
	reply = rig_do_control(rig, 2, SETUP(0x80, 6, 0, 7, 0, 0, 0xff, 0), 0,
	    sizeof(other));
	assert_memory_equal(reply->data, other, sizeof(other));
	rig_do_control(rig, 3, SETUP(0x80, 6, 0, 7, 0, 0, 9, 0), 0, 9);
	rig_do_control(
	    rig, 4, SETUP(0x80, 6, 1, 7, 0, 0, 9, 0), USBIP_EPIPE, 0);
	rig_free(rig);
}

static void
test_same_config(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_do_control(rig, 1, SET_INTERFACE(0, 1), 0, 0);
	assert_int_equal(byte_of(rig, 2, GET_INTERFACE(0)), 1);
	rig->sim->counts.set_interfaces = 0;
	rig_do_control(rig, 3, SET_CONFIG(1), 0, 0);
	/* SET_INTERFACE(0) on each; no SET_CONFIGURATION, no broker */
	assert_int_equal(rig->sim->counts.set_interfaces, 2);
	assert_int_equal(rig->sim->alternate[0], 0);
	assert_int_equal(rig->set_configs, 0);
	assert_int_equal(byte_of(rig, 4, GET_INTERFACE(0)), 0);
	assert_int_equal(byte_of(rig, 5, GET_CONFIG), 1);
	/* a device that stalls it has nothing to reset */
	rig->sim->set_interface_err = ERR_STALL;
	rig_do_control(rig, 6, SET_CONFIG(1), 0, 0);
	assert_int_equal(rig->sim->counts.submits, 0);
	rig_free(rig);
}

static void
test_other_config(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_do_control(rig, 1, SET_CONFIG(2), 0, 0);
	assert_int_equal(rig->set_configs, 1);
	assert_int_equal(rig->config_asked, 2);
	assert_int_equal(rig->sim->claimed, 1);
	assert_int_equal(byte_of(rig, 2, GET_CONFIG), 2);
	/* its endpoints are there, those of the other are not */
	rig_submit(rig, 3, RIG_OTHER_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 64);
	rig_submit(rig, 4, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 4, USBIP_EPIPE, 0);
	/* and back */
	rig_do_control(rig, 5, SET_CONFIG(1), 0, 0);
	assert_int_equal(rig->sim->claimed, 3);
	rig_submit(rig, 6, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 6, 0, 64);
	assert_int_equal(rig->sim->counts.submits, 2);
	rig_free(rig);
}

static void
test_config_refused(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->config_err = ERR_SYS;
	rig_do_control(rig, 1, SET_CONFIG(2), USBIP_EPIPE, 0);
	/* as it was */
	assert_int_equal(rig->sim->claimed, 3);
	assert_int_equal(byte_of(rig, 2, GET_CONFIG), 1);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 64);
	/* one that the descriptors do not have: nobody is asked */
	rig_do_control(rig, 4, SET_CONFIG(3), USBIP_EPIPE, 0);
	assert_int_equal(rig->set_configs, 1);
	rig_settle(rig);
	assert_true(rig_was_refused(rig, "floor.configuration"));
	rig_free(rig);
}

static void
test_config_zero(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_do_control(rig, 1, SET_CONFIG(0), 0, 0);
	assert_int_equal(byte_of(rig, 2, GET_CONFIG), 0);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 3, USBIP_EPIPE, 0);
	rig_do_control(rig, 4, SET_CONFIG(1), 0, 0);
	rig_submit(rig, 5, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 5, 0, 64);
	assert_int_equal(rig->set_configs, 0);
	rig_free(rig);
}

/* While the broker switches, everything waits, and unlinks are heard. */
static void
test_config_waits(void **state)
{
	struct rig *rig = rig_streaming();
	struct ipc_result ok = {0};
	uint8_t buf[16];
	int n = ipc_encode_result(buf, sizeof(buf), &ok);

	(void)state;
	rig->mute_broker = 1;
	rig_control(rig, 1, SET_CONFIG(2), NULL);
	rig_submit(rig, 2, RIG_OTHER_IN, 0, 64, NULL, NULL);
	rig_submit(rig, 3, RIG_OTHER_IN, 0, 32, NULL, NULL);
	rig_control(rig, 4, GET_CONFIG, NULL);
	rig_expect_nothing(rig);
	rig_unlink(rig, 5, 2);
	rig_expect_unlink(rig, 5, USBIP_ECONNRESET);
	rig->sim->config = 2;
	channel_send(rig->broker, IPC_CONFIG_SET, 0, buf, (size_t)n, -1);
	rig_expect_submit(rig, 1, 0, 0);
	for (int i = 0; i < 2; i++) {
		struct rig_reply *reply = rig_next(rig);

		assert_int_equal(reply->hdr.u.ret_submit.status, 0);
	}
	rig_free(rig);
}

static void
test_config_unlinked(void **state)
{
	struct rig *rig = rig_streaming();
	struct ipc_result ok = {0};
	uint8_t buf[16];
	int n = ipc_encode_result(buf, sizeof(buf), &ok);

	(void)state;
	rig->mute_broker = 1;
	rig_control(rig, 1, SET_CONFIG(2), NULL);
	rig_settle(rig);
	assert_int_equal(rig->set_configs, 1);
	rig_unlink(rig, 2, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	/* the switch goes on to its end, for nobody */
	rig_control(rig, 3, GET_CONFIG, NULL);
	rig_expect_nothing(rig);
	rig->sim->config = 2;
	channel_send(rig->broker, IPC_CONFIG_SET, 0, buf, (size_t)n, -1);
	assert_int_equal(rig_expect_submit(rig, 3, 0, 1)->data[0], 2);
	rig_expect_nothing(rig);
	rig_free(rig);
}

static void
test_config_claim_fails(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->claim_err = ERR_BUSY;
	rig_control(rig, 1, SET_CONFIG(2), NULL);
	rig_wait_end(rig);
	rig_settle(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_true(rig_was_refused(rig, "session.configuration"));
	rig_free(rig);
}

/* URBs at the device are called back before anything is switched. */
static void
test_drain(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	usb_sim_ep(rig->sim, RIG_HID_IN)->part = USB_SIM_SILENT;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_submit(rig, 2, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_submit(rig, 3, RIG_HID_IN, 0, 8, NULL, NULL);
	rig_control(rig, 4, SET_INTERFACE(0, 1), NULL);
	rig_expect_submit(rig, 1, USBIP_ESHUTDOWN, 0);
	rig_expect_submit(rig, 2, USBIP_ESHUTDOWN, 0);
	rig_expect_submit(rig, 4, 0, 0);
	/* those of the other interface stay where they are */
	rig_expect_nothing(rig);
	assert_int_equal(rig->sim->counts.in_flight, 1);
	assert_int_equal(rig->sim->alternate[0], 1);
	/* all of them when the configuration changes */
	rig_control(rig, 5, SET_CONFIG(2), NULL);
	rig_expect_submit(rig, 3, USBIP_ESHUTDOWN, 0);
	rig_expect_submit(rig, 5, 0, 0);
	rig_free(rig);
}

static void
test_set_interface(void **state)
{
	struct rig *rig = rig_streaming();
	struct usbip_iso iso = {0, 100, 0, 0};

	(void)state;
	rig_do_control(rig, 1, SET_INTERFACE(0, 1), 0, 0);
	rig_submit_iso(rig, 2, RIG_ISO_IN, 100, NULL, &iso, 1);
	rig_expect_submit(rig, 2, 0, 100);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 3, USBIP_EPIPE, 0);
	/* not in the descriptors */
	rig_do_control(rig, 4, SET_INTERFACE(0, 2), USBIP_EPIPE, 0);
	rig_do_control(rig, 5, SET_INTERFACE(2, 0), USBIP_EPIPE, 0);
	assert_int_equal(rig->sim->counts.set_interfaces, 1);
	/* the device stalls it: then it is as it was */
	rig->sim->set_interface_err = ERR_STALL;
	rig_do_control(rig, 6, SET_INTERFACE(0, 0), USBIP_EPIPE, 0);
	assert_int_equal(byte_of(rig, 7, GET_INTERFACE(0)), 1);
	rig_free(rig);
}

static void
test_clear_halt(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_STALL;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SOURCE;
	rig_submit(rig, 2, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	rig_do_control(rig, 3, CLEAR_HALT(RIG_BULK_IN), 0, 0);
	assert_int_equal(rig->sim->counts.clear_halts, 1);
	rig_submit(rig, 4, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 4, 0, 64);
	/* an endpoint that is not there; endpoint 0 is the device's business */
	rig_do_control(rig, 5, CLEAR_HALT(0x89), USBIP_EPIPE, 0);
	rig_do_control(rig, 6, CLEAR_HALT(0), 0, 0);
	assert_int_equal(rig->sim->counts.clear_halts, 1);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* Reset                                                                    */

static void
test_reset(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig_do_control(rig, 1, SET_INTERFACE(0, 1), 0, 0);
	usb_sim_ep(rig->sim, RIG_HID_IN)->part = USB_SIM_SILENT;
	rig_submit(rig, 2, RIG_HID_IN, 0, 8, NULL, NULL);
	rig_control(rig, 3, PORT_RESET, NULL);
	rig_expect_submit(rig, 2, USBIP_ESHUTDOWN, 0);
	rig_expect_submit(rig, 3, 0, 0);
	assert_int_equal(rig->sim->counts.resets, 1);
	assert_int_equal(byte_of(rig, 4, GET_INTERFACE(0)), 0);
	rig_submit(rig, 5, RIG_BULK_IN, 0, 64, NULL, NULL);
	rig_expect_submit(rig, 5, 0, 64);
	rig_free(rig);
}

static void
expect_changed(struct rig *rig)
{
	rig_control(rig, 1, PORT_RESET, NULL);
	rig_wait_end(rig);
	rig_settle(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_true(rig_was_refused(rig, "R8.changed"));
	rig_free(rig);
}

static void
test_reset_changes(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	/* a stick that comes back as a keyboard */
	rig->sim->rec.config_bytes[14] = 3;
	expect_changed(rig);
	rig = rig_streaming();
	rig->sim->rec.device[17] = 3;
	expect_changed(rig);
	/* the kernel saw it first */
	rig = rig_streaming();
	rig->sim->reset_err = ERR_NOENT;
	expect_changed(rig);
}

static void
test_reset_gone(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->reset_err = ERR_CLOSED;
	rig_control(rig, 1, PORT_RESET, NULL);
	rig_expect_submit(rig, 1, USBIP_ENODEV, 0);
	rig_expect_eof(rig);
	rig_free(rig);
}

static void
test_reset_unlinked(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->control_delay = 2000000;
	rig_control(rig, 1, PORT_RESET, NULL);
	rig_settle(rig);
	rig_unlink(rig, 2, 1);
	rig_expect_unlink(rig, 2, USBIP_ECONNRESET);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 64, NULL, NULL);
	/* goes on when the device was read */
	rig_wait_ms(rig, 80);
	rig_expect_submit(rig, 3, 0, 64);
	rig_free(rig);
}

/* The peer leaves while the device is read after a reset. */
static void
test_reset_and_leave(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	rig->sim->control_delay = 50000000;
	rig_control(rig, 1, PORT_RESET, NULL);
	rig_settle(rig);
	close_fd(&rig->client);
	rig_wait_end(rig);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */

static void
test_refused(void **state)
{
	static const struct {
		uint8_t setup[8];
		const char *rule;
	} requests[] = {
		{{0x00, 5, 7, 0, 0, 0, 0, 0}, "floor.set-address"},
		{{0x00, 7, 0, 1, 0, 0, 0, 0}, "floor.set-descriptor"},
		{{0x00, 3, 2, 0, 0, 1, 0, 0}, "floor.test-mode"},
		{{0x80, 9, 1, 0, 0, 0, 0, 0}, "floor.request"},
		{{0x00, 77, 0, 0, 0, 0, 0, 0}, "floor.request"},
	};
	struct rig *rig = rig_streaming();

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(requests); i++) {
		rig_do_control(
		    rig, i, requests[i].setup, USBIP_EPIPE, 0);
		rig_settle(rig);
		assert_true(rig_was_refused(rig, requests[i].rule));
	}
	assert_int_equal(rig->sim->counts.submits, 0);
	rig_free(rig);
}

/* A peer that is refused all the time does not fill the log. */
static void
test_refusals_limited(void **state)
{
	struct rig *rig = rig_streaming();

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		rig_do_control(rig, i, SETUP(0, 5, 7, 0, 0, 0, 0, 0),
		    USBIP_EPIPE, 0);
	}
	rig_settle(rig);
	assert_in_range(rig->nrefusals, 5, 8);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_other_speed),
		cmocka_unit_test(test_same_config),
		cmocka_unit_test(test_other_config),
		cmocka_unit_test(test_config_refused),
		cmocka_unit_test(test_config_zero),
		cmocka_unit_test(test_config_waits),
		cmocka_unit_test(test_config_unlinked),
		cmocka_unit_test(test_config_claim_fails),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_set_interface),
		cmocka_unit_test(test_clear_halt),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_changes),
		cmocka_unit_test(test_reset_gone),
		cmocka_unit_test(test_reset_unlinked),
		cmocka_unit_test(test_reset_and_leave),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refusals_limited),
	};

	log_init("test_session_control");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
