/*
 * A device of which the workstation may have some interfaces: the others are in
 * no descriptor, no request and no transfer finds them, and the gateway keeps
 * them claimed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/fake/session_rig.h"
#include "wire/cursor.h"

#define SETUP(...) ((const uint8_t[8]){__VA_ARGS__})
#define SET_CONFIG(v) SETUP(0, 9, v, 0, 0, 0, 0, 0)
#define SET_INTERFACE(n, alt) SETUP(1, 11, alt, 0, n, 0, 0, 0)
#define GET_CONFIG SETUP(0x80, 8, 0, 0, 0, 0, 1, 0)
#define GET_CONFIG_DESC(i) SETUP(0x80, 6, i, 2, 0, 0, 0xff, 0)
#define GET_REPORT_DESC(n) SETUP(0x81, 6, 0, 0x22, n, 0, 0xff, 0)
#define PORT_RESET SETUP(0x23, 3, 4, 0, 0, 0, 0, 0)
#define CLEAR_HALT(ep) SETUP(2, 1, 0, 0, ep, 0, 0, 0)

/* The rig's device: configuration 1 has interface 0 (bulk and others) and 1
 * (HID), configuration 2 interface 0. */
static struct rig *
new_rig(uint8_t first, uint8_t second)
{
	struct rig *rig = rig_new();

	rig->is_masked = 1;
	rig->mask[0][0] = first;
	rig->mask[1][0] = second;
	return rig;
}

/* Imports and gives what the answer says of the device. */
static struct usbip_device
import(struct rig *rig)
{
	uint8_t rep[USBIP_IMPORT_REP_SIZE];
	struct usbip_op_common op;
	struct usbip_device dev;

	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_take(rig, rep, sizeof(rep));
	assert_int_equal(usbip_decode_op(&op, rep, sizeof(rep)), 0);
	assert_int_equal(op.status, 0);
	assert_int_equal(usbip_decode_device(&dev, rep + USBIP_OP_COMMON_SIZE,
			     sizeof(rep) - USBIP_OP_COMMON_SIZE),
	    0);
	rig->sim->nsetups = 0;
	rig->sim->counts.submits = 0;
	return dev;
}

static void
refused(struct rig *rig, uint32_t seq, const uint8_t *setup)
{
	unsigned before = rig->sim->nsetups;

	rig_do_control(rig, seq, setup, USBIP_EPIPE, 0);
	assert_int_equal(rig->sim->nsetups, before);
}

static void
the_keyboard_alone(void **state)
{
	struct rig *rig = new_rig(2, 0);
	struct usbip_device dev = import(rig);
	struct rig_reply *reply;
	uint32_t n = 1;

	(void)state;
	assert_int_equal(dev.ninterfaces, 1);
	assert_int_equal(dev.nconfigurations, 1);
	assert_int_equal(dev.configuration, 1);
	/* the gateway has claimed what is hidden, too */
	assert_int_equal(rig->sim->claimed, 3);
	reply = rig_do_control(
	    rig, n++, SETUP(0x80, 6, 0, 1, 0, 0, 18, 0), 0, 18);
	assert_int_equal(reply->data[17], 1);
	reply = rig_do_control(rig, n++, GET_CONFIG_DESC(0), 0, 34);
	assert_int_equal(le16_at(reply->data + 2), 34);
	assert_int_equal(reply->data[4], 1);
	assert_int_equal(reply->data[9 + 2], 1);
	refused(rig, n++, GET_CONFIG_DESC(1));
	rig_do_control(rig, n++, GET_REPORT_DESC(1), 0, 13);
	assert_int_equal(rig->sim->counts.submits, 0);
	/* what is exposed works */
	usb_sim_ep(rig->sim, RIG_HID_IN)->part = USB_SIM_SOURCE;
	rig_submit(rig, n, RIG_HID_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, n++, 0, 8);
	rig_do_control(rig, n++, SETUP(0x21, 10, 0, 0, 1, 0, 0, 0), 0, 0);
	assert_int_equal(rig->sim->nsetups, 1);
	/* class, standard and vendor requests to what is not there */
	refused(rig, n++, SETUP(0x21, 10, 0, 0, 0, 0, 0, 0));
	refused(rig, n++, SETUP(0xa1, 1, 0, 0, 0, 0, 8, 0));
	refused(rig, n++, SETUP(0x81, 0, 0, 0, 0, 0, 2, 0));
	refused(rig, n++, SETUP(0x81, 10, 0, 0, 0, 0, 1, 0));
	refused(rig, n++, SETUP(0x41, 1, 0, 0, 0, 0, 0, 0));
	refused(rig, n++, SETUP(0xc1, 1, 0, 0, 0, 5, 8, 0));
	refused(rig, n++, SETUP(0xc2, 1, 0, 0, RIG_BULK_IN, 0, 8, 0));
	refused(rig, n++, SETUP(0x42, 1, 0, 0, RIG_ISO_OUT, 0, 0, 0));
	refused(rig, n++, SETUP(0x82, 0, 0, 0, RIG_BULK_IN, 0, 2, 0));
	refused(rig, n++, CLEAR_HALT(RIG_BULK_IN));
	refused(rig, n++, GET_REPORT_DESC(0));
	refused(rig, n++, SET_INTERFACE(0, 1));
	refused(rig, n++, SET_CONFIG(2));
	assert_int_equal(rig->sim->counts.clear_halts, 0);
	assert_int_equal(rig->sim->counts.set_interfaces, 0);
	assert_int_equal(rig->set_configs, 0);
	/* those to the device and to what is there pass */
	rig_do_control(rig, n++, SETUP(0x40, 1, 0, 0, 0, 0, 0, 0), 0, 0);
	rig_do_control(rig, n++, SETUP(0x41, 1, 0, 0, 1, 0, 0, 0), 0, 0);
	rig_do_control(rig, n++, SETUP(0x41, 1, 0, 0, 9, 0, 0, 0), 0, 0);
	rig_do_control(
	    rig, n++, SETUP(0x42, 1, 0, 0, RIG_HID_IN, 0, 0, 0), 0, 0);
	rig_free(rig);
}

static void
no_transfer_finds_the_rest(void **state)
{
	static const uint8_t endpoints[] = {RIG_BULK_IN, RIG_BULK_OUT,
	    RIG_INT_IN, RIG_INT_OUT, RIG_OTHER_IN};
	struct rig *rig = new_rig(2, 0);
	struct usbip_iso iso = {.length = 8};
	uint32_t n = 1;

	(void)state;
	import(rig);
	for (size_t i = 0; i < sizeof(endpoints); i++) {
		rig_submit(rig, n, endpoints[i], 0, 8, NULL, NULL);
		rig_expect_submit(rig, n++, USBIP_EPIPE, 0);
	}
	rig_submit_iso(rig, n, RIG_ISO_OUT, 8, NULL, &iso, 1);
	assert_int_not_equal(rig_next(rig)->hdr.u.ret_submit.status, 0);
	assert_int_equal(rig->sim->counts.submits, 0);
	assert_true(rig_was_refused(rig, "floor.endpoint"));
	rig_free(rig);
}

static void
configurations_are_set(void **state)
{
	struct rig *rig = new_rig(1, 1);
	struct usbip_device dev = import(rig);
	unsigned sets;

	(void)state;
	assert_int_equal(dev.ninterfaces, 1);
	assert_int_equal(dev.nconfigurations, 2);
	refused(rig, 1, GET_REPORT_DESC(1));
	/* the same again: the hidden interface keeps its alternate */
	rig->sim->counts.set_interfaces = 0;
	rig_do_control(rig, 2, SET_CONFIG(1), 0, 0);
	assert_int_equal(rig->sim->counts.set_interfaces, 1);
	assert_int_equal(rig->sim->claimed, 3);
	/* another, and back: what the device has is claimed, all of it */
	rig_do_control(rig, 3, SET_CONFIG(2), 0, 0);
	assert_int_equal(rig->config_asked, 2);
	assert_int_equal(rig->sim->claimed, 1);
	rig_submit(rig, 4, RIG_OTHER_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 4, 0, 8);
	rig_do_control(rig, 5, SET_CONFIG(1), 0, 0);
	assert_int_equal(rig->sim->claimed, 3);
	sets = rig->set_configs;
	assert_int_equal(sets, 2);
	rig_do_control(rig, 6, SET_CONFIG(0), 0, 0);
	refused(rig, 7, SETUP(0x41, 1, 0, 0, 1, 0, 0, 0));
	rig_free(rig);
}

/* The configuration that the device is in is hidden whole. */
static void
another_configuration(void **state)
{
	struct rig *rig = new_rig(0, 1);
	struct usbip_device dev = import(rig);

	(void)state;
	assert_int_equal(dev.nconfigurations, 1);
	assert_int_equal(dev.configuration, 0);
	assert_int_equal(dev.ninterfaces, 1);
	assert_int_equal(rig->sim->claimed, 3);
	assert_int_equal(rig_do_control(rig, 1, GET_CONFIG, 0, 1)->data[0], 0);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	refused(rig, 3, SET_CONFIG(1));
	/* the broker cannot: all stays as it was */
	rig->config_err = ERR_SYS;
	rig_do_control(rig, 4, SET_CONFIG(2), USBIP_EPIPE, 0);
	assert_int_equal(rig->sim->claimed, 3);
	assert_int_equal(rig_do_control(rig, 5, GET_CONFIG, 0, 1)->data[0], 0);
	rig->config_err = 0;
	rig_do_control(rig, 6, SET_CONFIG(2), 0, 0);
	assert_int_equal(rig_do_control(rig, 7, GET_CONFIG, 0, 1)->data[0], 2);
	assert_int_equal(rig->sim->claimed, 1);
	rig_submit(rig, 8, RIG_BULK_OUT, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 8, 0, 8);
	rig_free(rig);
}

/* The device is compared with all that it was, hidden parts included. */
static void
changes_of_the_hidden(void **state)
{
	struct rig *rig = new_rig(2, 0);
	uint8_t rep[8];
	struct usbip_op_common op;

	(void)state;
	rig->sim->rec.config_bytes[9 + 5] = 8; /* class of interface 0 */
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_take(rig, rep, sizeof(rep));
	assert_int_equal(usbip_decode_op(&op, rep, sizeof(rep)), 0);
	assert_int_equal(op.status, USBIP_ST_DEV_ERR);
	rig_wait_end(rig);
	assert_true(rig_was_refused(rig, "R8.changed"));
	rig_free(rig);

	rig = new_rig(2, 0);
	import(rig);
	rig_do_control(rig, 1, PORT_RESET, 0, 0);
	rig->sim->rec.config_bytes[9 + 5] = 8;
	rig_control(rig, 2, PORT_RESET, NULL);
	rig_wait_end(rig);
	assert_true(rig_was_refused(rig, "R8.changed"));
	rig_free(rig);
}

static void
masks_of_all_and_of_nothing(void **state)
{
	struct rig *rig = new_rig(0xff, 0xff);
	struct usbip_device dev = import(rig);

	(void)state;
	assert_int_equal(dev.ninterfaces, 2);
	assert_int_equal(dev.nconfigurations, 2);
	rig_do_control(rig, 1, SETUP(0x41, 1, 0, 0, 0, 0, 0, 0), 0, 0);
	rig_free(rig);
	/* the warden would not say so: its session does not go on */
	rig = new_rig(0, 0);
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_wait_end(rig);
	assert_int_equal(rig->exit_code, 1);
	assert_int_equal(rig->sim->counts.submits, 0);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_keyboard_alone),
	    cmocka_unit_test(no_transfer_finds_the_rest),
	    cmocka_unit_test(configurations_are_set),
	    cmocka_unit_test(another_configuration),
	    cmocka_unit_test(changes_of_the_hidden),
	    cmocka_unit_test(masks_of_all_and_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
