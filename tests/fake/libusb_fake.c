/*
 * See libusb_fake.h. One context and one device are enough.
 */
#include "tests/fake/libusb_fake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/fake/virtual.h"
#include "tests/fault/fault.h"

#define FLYING 32

struct libusb_context {
	int fd;
	libusb_pollfd_removed_cb removed;
	void *arg;
};

struct flying {
	struct libusb_transfer *transfer;
	int is_over;
};

struct libusb_fake libusb_fake;
static struct libusb_context *context;
static struct flying flying[FLYING];
static unsigned nflying;

void
libusb_fake_init(void)
{
	libusb_fake =
	    (struct libusb_fake){.speed = LIBUSB_SPEED_HIGH, .fd = -1};
	context = NULL;
	nflying = 0;
}

static int
result(const char *name)
{
	int r = libusb_fake.next;

	libusb_fake.next = 0;
	return fault_strikes(name) ? LIBUSB_ERROR_NO_MEM : r;
}

static void
wake(void)
{
	if (context != NULL) {
		(void)eventfd_write(context->fd, 1);
	}
}

int
libusb_fake_end(enum libusb_transfer_status status, int actual)
{
	for (unsigned i = 0; i < nflying; i++) {
		if (!flying[i].is_over) {
			flying[i].is_over = 1;
			flying[i].transfer->status = status;
			flying[i].transfer->actual_length = actual;
			wake();
			return 1;
		}
	}
	return 0;
}

void
libusb_fake_unplug(void)
{
	context->removed(libusb_fake.fd, context->arg);
}

/* ------------------------------------------------------------------------ */

int
libusb_set_option(libusb_context *ctx, enum libusb_option option, ...)
{
	(void)ctx;
	(void)option;
	return result("libusb_set_option");
}

int
libusb_init(libusb_context **ctx)
{
	int r = result("libusb_init");

	if (r != 0) {
		return r;
	}
	context = calloc(1, sizeof(*context));
	if (context == NULL) {
		return LIBUSB_ERROR_NO_MEM;
	}
	context->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	libusb_fake.contexts++;
	*ctx = context;
	return 0;
}

void
libusb_exit(libusb_context *ctx)
{
	close(ctx->fd);
	free(ctx);
	context = NULL;
	libusb_fake.contexts--;
}

int
libusb_wrap_sys_device(
    libusb_context *ctx, intptr_t fd, libusb_device_handle **handle)
{
	int r = result("libusb_wrap_sys_device");

	(void)ctx;
	if (r == 0) {
		libusb_fake.handles++;
		libusb_fake.fd = (int)fd;
		*handle = (libusb_device_handle *)&libusb_fake;
	}
	return r;
}

void
libusb_close(libusb_device_handle *handle)
{
	(void)handle;
	libusb_fake.handles--;
}

const struct libusb_pollfd **
libusb_get_pollfds(libusb_context *ctx)
{
	static struct libusb_pollfd own, device;
	static const struct libusb_pollfd *all[] = {&own, &device, NULL};

	own = (struct libusb_pollfd){ctx->fd, POLLIN};
	device = (struct libusb_pollfd){libusb_fake.fd, POLLOUT};
	return result("libusb_get_pollfds") != 0 ? NULL : all;
}

void
libusb_free_pollfds(const struct libusb_pollfd **fds)
{
	(void)fds;
}

void
libusb_set_pollfd_notifiers(libusb_context *ctx, libusb_pollfd_added_cb added,
    libusb_pollfd_removed_cb removed, void *arg)
{
	(void)added;
	ctx->removed = removed;
	ctx->arg = arg;
}

struct libusb_transfer *
libusb_alloc_transfer(int packets)
{
	struct libusb_transfer *t = NULL;

	if (result("libusb_alloc_transfer") == 0) {
		t = calloc(
		    1, sizeof(*t) +
			   (size_t)packets *
			       sizeof(struct libusb_iso_packet_descriptor));
		libusb_fake.transfers += t != NULL;
	}
	return t;
}

void
libusb_free_transfer(struct libusb_transfer *transfer)
{
	libusb_fake.transfers--;
	free(transfer);
}

int
libusb_submit_transfer(struct libusb_transfer *transfer)
{
	int r = nflying == FLYING ? LIBUSB_ERROR_NO_MEM
				  : result("libusb_submit_transfer");

	if (r == 0) {
		flying[nflying++] = (struct flying){.transfer = transfer};
		libusb_fake.submitted++;
	}
	return r;
}

int
libusb_cancel_transfer(struct libusb_transfer *transfer)
{
	int r = result("libusb_cancel_transfer");

	libusb_fake.cancelled++;
	for (unsigned i = 0; i < nflying && r == 0 && !libusb_fake.is_deaf;
	     i++) {
		if (flying[i].transfer == transfer && !flying[i].is_over) {
			flying[i].is_over = 1;
			transfer->status = LIBUSB_TRANSFER_CANCELLED;
			wake();
		}
	}
	return r;
}

int
libusb_handle_events_timeout_completed(
    libusb_context *ctx, struct timeval *wait, int *completed)
{
	eventfd_t n;

	(void)completed;
	(void)eventfd_read(ctx->fd, &n);
	for (unsigned i = 0; i < nflying;) {
		struct libusb_transfer *t = flying[i].transfer;

		if (!flying[i].is_over) {
			i++;
			continue;
		}
		nflying--;
		for (unsigned k = i; k < nflying; k++) {
			flying[k] = flying[k + 1];
		}
		t->callback(t);
	}
	virtual_pass((uint64_t)wait->tv_usec * 1000);
	return 0;
}

int
libusb_claim_interface(libusb_device_handle *handle, int interface)
{
	(void)handle;
	(void)interface;
	return result("libusb_claim_interface");
}

int
libusb_release_interface(libusb_device_handle *handle, int interface)
{
	(void)handle;
	(void)interface;
	return result("libusb_release_interface");
}

int
libusb_set_interface_alt_setting(
    libusb_device_handle *handle, int interface, int alternate)
{
	int r = result("libusb_set_interface_alt_setting");

	(void)handle;
	(void)interface;
	(void)alternate;
	errno = r == LIBUSB_ERROR_OTHER ? EPIPE : 0;
	return r;
}

int
libusb_clear_halt(libusb_device_handle *handle, unsigned char endpoint)
{
	(void)handle;
	(void)endpoint;
	return result("libusb_clear_halt");
}

int
libusb_reset_device(libusb_device_handle *handle)
{
	(void)handle;
	return result("libusb_reset_device");
}

libusb_device *
libusb_get_device(libusb_device_handle *handle)
{
	(void)handle;
	return NULL;
}

int
libusb_get_device_speed(libusb_device *device)
{
	(void)device;
	return libusb_fake.speed;
}
