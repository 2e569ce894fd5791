/*
 * proxy/usb/libusb.c on a libusb that is a fake: what becomes of each kind of
 * URB and of each error, and that a device which is closed leaves nothing,
 * whatever failed before.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/usb/usb.h"
#include "tests/fake/libusb_fake.h"
#include "tests/fault/fault.h"
#include "wire/usbip.h"

static struct loop *loop;
static struct usb_dev *dev;
static unsigned ndone, ngone;
static struct urb *last;

static void
on_done(void *arg, struct urb *urb)
{
	(void)arg;
	ndone++;
	last = urb;
}

static void
on_gone(void *arg)
{
	(void)arg;
	ngone++;
}

static int
open_one(void)
{
	const struct usb_sink sink = {on_done, on_gone, NULL};
	struct usb_open how = {.loop = loop};

	ndone = ngone = 0;
	how.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_not_equal(how.fd, -1);
	return usb_backend->open(&dev, &how, &sink);
}

static int
setup(void **state)
{
	(void)state;
	libusb_fake_init();
	loop = loop_new();
	assert_non_null(loop);
	return 0;
}

/* All that libusb gave is given back. */
static int
teardown(void **state)
{
	(void)state;
	usb_backend->close(dev);
	dev = NULL;
	loop_free(loop);
	return libusb_fake.contexts + libusb_fake.handles +
		   libusb_fake.transfers !=
	       0;
}

static void
turn(void)
{
	for (int i = 0; i < 4; i++) {
		loop_once(loop, LOOP_NOWAIT);
	}
}

static struct urb
urb_of(enum urb_type type, uint8_t endpoint, uint8_t *room, uint32_t len)
{
	return (struct urb){.type = type,
	    .endpoint = endpoint,
	    .data = room + URB_HEADROOM,
	    .length = len};
}

static void
each_kind_comes_home(void **state)
{
	static uint8_t room[URB_HEADROOM + 64];
	struct urb_iso packets[2] = {{.length = 32}, {.length = 32}};
	static const enum urb_type types[] = {
	    URB_CONTROL, URB_BULK, URB_INTERRUPT, URB_ISO};

	(void)state;
	assert_int_equal(open_one(), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct urb urb = urb_of(types[i], 0x81, room, 64);

		if (types[i] == URB_ISO) {
			urb.iso = packets;
			urb.npackets = 2;
		}
		assert_int_equal(usb_backend->submit(dev, &urb), 0);
		assert_true(libusb_fake_end(LIBUSB_TRANSFER_COMPLETED, 10));
		turn();
		assert_int_equal(ndone, i + 1);
		assert_ptr_equal(last, &urb);
		assert_int_equal(urb.result, URB_OK);
		assert_int_equal(urb.actual, 10);
		usb_backend->urb_release(dev, &urb);
		assert_null(urb.backend);
	}
	assert_int_equal(libusb_fake.transfers, 0);
}

static void
each_end_has_its_result(void **state)
{
	static const struct {
		enum libusb_transfer_status status;
		enum urb_result result;
	} ends[] = {{LIBUSB_TRANSFER_STALL, URB_STALL},
	    {LIBUSB_TRANSFER_OVERFLOW, URB_OVERFLOW},
	    {LIBUSB_TRANSFER_CANCELLED, URB_CANCELLED},
	    {LIBUSB_TRANSFER_ERROR, URB_ERROR},
	    {LIBUSB_TRANSFER_TIMED_OUT, URB_ERROR},
	    /* of the endpoint alone: the descriptor does not say that it left
	     */
	    {LIBUSB_TRANSFER_NO_DEVICE, URB_ERROR}};
	static uint8_t room[URB_HEADROOM + 64];
	struct urb urb = urb_of(URB_BULK, 0x81, room, 64);

	(void)state;
	assert_int_equal(open_one(), 0);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		assert_int_equal(usb_backend->submit(dev, &urb), 0);
		(void)libusb_fake_end(ends[i].status, 0);
		turn();
		assert_int_equal(urb.result, ends[i].result);
	}
	assert_int_equal(ngone, 0);
	usb_backend->urb_release(dev, &urb);
}

static void
each_error_has_its_name(void **state)
{
	static const struct {
		int from, to;
	} errs[] = {{LIBUSB_ERROR_NO_DEVICE, ERR_CLOSED},
	    {LIBUSB_ERROR_NOT_FOUND, ERR_NOENT}, {LIBUSB_ERROR_BUSY, ERR_BUSY},
	    {LIBUSB_ERROR_PIPE, ERR_STALL}, {LIBUSB_ERROR_NO_MEM, ERR_NOMEM},
	    {LIBUSB_ERROR_TIMEOUT, ERR_TIMEOUT}, {LIBUSB_ERROR_IO, ERR_SYS}};

	(void)state;
	assert_int_equal(open_one(), 0);
	for (size_t i = 0; i < ARRAY_LEN(errs); i++) {
		libusb_fake.next = errs[i].from;
		assert_int_equal(usb_backend->claim(dev, 0), errs[i].to);
		libusb_fake.next = errs[i].from;
		assert_int_equal(usb_backend->release(dev, 0), errs[i].to);
		libusb_fake.next = errs[i].from;
		assert_int_equal(usb_backend->clear_halt(dev, 1), errs[i].to);
		libusb_fake.next = errs[i].from;
		assert_int_equal(usb_backend->reset(dev), errs[i].to);
	}
	libusb_fake.next = LIBUSB_ERROR_OTHER; /* with EPIPE */
	assert_int_equal(usb_backend->set_interface(dev, 0, 1), ERR_STALL);
	assert_int_equal(usb_backend->set_interface(dev, 0, 1), 0);
}

/* The kernel's memory for URBs is back-pressure, no failure. */
static void
no_memory_is_tried_again(void **state)
{
	static uint8_t room[URB_HEADROOM + 64];
	struct urb urb = urb_of(URB_BULK, 0x81, room, 64);

	(void)state;
	assert_int_equal(open_one(), 0);
	assert_int_equal(usb_backend->submit(dev, &urb), 0);
	assert_true(libusb_fake_end(LIBUSB_TRANSFER_COMPLETED, 0));
	turn();
	libusb_fake.next = LIBUSB_ERROR_NO_MEM;
	assert_int_equal(usb_backend->submit(dev, &urb), ERR_AGAIN);
	libusb_fake.next = LIBUSB_ERROR_NO_DEVICE;
	assert_int_equal(usb_backend->submit(dev, &urb), ERR_SYS);
	assert_int_equal(usb_backend->cancel(dev, &urb), ERR_NOENT);
	usb_backend->urb_release(dev, &urb);
}

static void
speeds(void **state)
{
	static const int all[][2] = {{LIBUSB_SPEED_LOW, USBIP_SPEED_LOW},
	    {LIBUSB_SPEED_FULL, USBIP_SPEED_FULL},
	    {LIBUSB_SPEED_HIGH, USBIP_SPEED_HIGH},
	    {LIBUSB_SPEED_SUPER, USBIP_SPEED_SUPER},
	    {LIBUSB_SPEED_SUPER_PLUS, USBIP_SPEED_SUPER_PLUS},
	    {LIBUSB_SPEED_UNKNOWN, USBIP_SPEED_UNKNOWN}};

	(void)state;
	assert_int_equal(open_one(), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		libusb_fake.speed = all[i][0];
		assert_int_equal(usb_backend->speed(dev), all[i][1]);
	}
}

static void
a_device_that_leaves_is_told_once(void **state)
{
	(void)state;
	assert_int_equal(open_one(), 0);
	libusb_fake_unplug();
	libusb_fake_unplug();
	assert_int_equal(ngone, 1);
	turn();
	assert_int_equal(ngone, 1);
}

/* What is in flight is called back; nobody hears of it any more. */
static void
close_calls_everything_back(void **state)
{
	static uint8_t room[3][URB_HEADROOM + 64];
	struct urb urbs[3];

	(void)state;
	assert_int_equal(open_one(), 0);
	for (unsigned i = 0; i < 3; i++) {
		urbs[i] = urb_of(URB_BULK, 0x81, room[i], 64);
		assert_int_equal(usb_backend->submit(dev, &urbs[i]), 0);
	}
	usb_backend->close(TAKE(dev));
	assert_int_equal(libusb_fake.cancelled, 3);
	assert_int_equal(ndone, 0);
	assert_null(urbs[2].backend);
}

/* A whole life, of which the call that fault.h says fails. */
static void
life(void)
{
	static uint8_t room[4][URB_HEADROOM + 64];
	struct urb urbs[4];
	unsigned accepted = 0;

	fault_side(FAULT_PRODUCT);
	if (open_one() != 0) {
		assert_null(dev);
		return;
	}
	(void)usb_backend->claim(dev, 0);
	(void)usb_backend->set_interface(dev, 0, 1);
	for (unsigned i = 0; i < 4; i++) {
		urbs[i] =
		    urb_of(i == 0 ? URB_CONTROL : URB_BULK, 0x81, room[i], 64);
		accepted += usb_backend->submit(dev, &urbs[i]) == 0;
	}
	(void)usb_backend->cancel(dev, &urbs[1]);
	while (libusb_fake_end(LIBUSB_TRANSFER_COMPLETED, 64)) {
	}
	turn();
	assert_int_equal(ndone, accepted);
	(void)usb_backend->reset(dev);
	/* what cannot be called back stays libusb's, so nothing is in flight */
	(void)usb_backend->submit(dev, &urbs[3]);
	(void)libusb_fake_end(LIBUSB_TRANSFER_COMPLETED, 64);
	turn();
	usb_backend->urb_release(dev, &urbs[0]);
	usb_backend->close(TAKE(dev));
}

static void
each_call_may_fail(void **state)
{
	uint64_t n;

	(void)state;
	fault_at(0);
	life();
	n = fault_calls();
	for (uint64_t i = 1; i <= n; i++) {
		fault_at(i);
		life();
		assert_int_equal(fault_failures(), 1);
		assert_int_equal(libusb_fake.contexts, 0);
		assert_int_equal(libusb_fake.handles, 0);
		assert_int_equal(libusb_fake.transfers, 0);
	}
	fault_off();
	/* those of the fakes fail in every variant */
	assert_true(n >= 15);
}

#define LIBUSB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LIBUSB_TEST(each_kind_comes_home),
	    LIBUSB_TEST(each_end_has_its_result),
	    LIBUSB_TEST(each_error_has_its_name),
	    LIBUSB_TEST(no_memory_is_tried_again),
	    LIBUSB_TEST(speeds),
	    LIBUSB_TEST(a_device_that_leaves_is_told_once),
	    LIBUSB_TEST(close_calls_everything_back),
	    LIBUSB_TEST(each_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
