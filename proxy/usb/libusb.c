/*
 * The USB seam over libusb, on a usbfs descriptor that the broker opened. Runs
 * in sallyport-session and sallyport-probe, and is the only file that includes
 * libusb. It never asks libusb to parse a descriptor, never looks for devices
 * (no discovery, no hotplug) and opens nothing.
 *
 * libusb's descriptors are watched by our loop; when one is ready, libusb's
 * events are handled without waiting. Each URB keeps one libusb transfer for
 * its life; all of them hang on the device, which frees what was not given
 * back.
 */
#include "proxy/usb/usb.h"

#include <errno.h>
#include <libusb-1.0/libusb.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "wire/usbip.h"

/* libusb has three descriptors: events, timers, the device. */
#define WATCHES 8
#define CLOSE_LIMIT (2 * CLOCK_SEC)

_Static_assert(URB_HEADROOM == LIBUSB_CONTROL_SETUP_SIZE,
    "the setup packet stands right in front of the data");

/* What hangs on urb->backend. */
struct carrier {
	struct libusb_transfer *transfer; /* owned */
	uint32_t packets;		  /* that it has room for */
	struct usb_dev *dev;		  /* borrowed: it holds the list */
	struct urb *urb;		  /* borrowed */
	int in_flight;
	struct carrier *next, *prev;
};

struct usb_dev {
	libusb_context *ctx;
	libusb_device_handle *handle;
	int fd; /* owned */
	struct loop *loop;
	struct usb_sink sink;
	struct loop_io *watches[WATCHES];
	int watched[WATCHES]; /* their descriptors, -1 = free */
	struct carrier *carriers;
	uint32_t in_flight;
	uint64_t completed; /* transfers, ever */
	int is_gone, is_closing;
};

static int
err_of(int r)
{
	switch (r) {
	case LIBUSB_SUCCESS:
		return 0;
	case LIBUSB_ERROR_NO_DEVICE:
		return ERR_CLOSED;
	case LIBUSB_ERROR_NOT_FOUND:
		return ERR_NOENT;
	case LIBUSB_ERROR_BUSY:
		return ERR_BUSY;
	case LIBUSB_ERROR_PIPE:
		return ERR_STALL;
	case LIBUSB_ERROR_NO_MEM:
		return ERR_NOMEM;
	case LIBUSB_ERROR_TIMEOUT:
		return ERR_TIMEOUT;
	}
	return ERR_SYS;
}

/* ENODEV on a transfer can mean its endpoint alone (an alternate that was
 * switched away); the descriptor tells whether the device is there. */
static int
is_connected(const struct usb_dev *dev)
{
	uint32_t caps;

	return ioctl(dev->fd, USBDEVFS_GET_CAPABILITIES, &caps) == 0 ||
	    errno != ENODEV;
}

static void
tell_gone(struct usb_dev *dev)
{
	if (!dev->is_gone && !dev->is_closing) {
		dev->is_gone = 1;
		dev->sink.gone(dev->sink.arg);
	}
}

/* ------------------------------------------------------------------------ */
/* Events                                                                   */

static void
handle_events(struct usb_dev *dev)
{
	struct timeval none = {0, 0};

	libusb_handle_events_timeout_completed(dev->ctx, &none, NULL);
}

static void
on_ready(void *arg, int events)
{
	struct usb_dev *dev = arg;
	uint64_t before = dev->completed;

	(void)events;
	handle_events(dev);
	/* woken for nothing: maybe because it left */
	if (dev->completed == before && !dev->is_gone && !is_connected(dev)) {
		tell_gone(dev);
	}
}

static void
on_fd_added(int fd, short events, void *arg)
{
	struct usb_dev *dev = arg;
	int mask = ((events & POLLIN) != 0 ? LOOP_READ : 0) |
	    ((events & POLLOUT) != 0 ? LOOP_WRITE : 0);

	for (int i = 0; i < WATCHES; i++) {
		if (dev->watched[i] == -1) {
			dev->watches[i] =
			    loop_io_new(dev->loop, fd, mask, on_ready, dev);
			dev->watched[i] = dev->watches[i] != NULL ? fd : -1;
			return;
		}
	}
}

/* libusb also takes the device's own descriptor away when the device left. */
static void
on_fd_removed(int fd, void *arg)
{
	struct usb_dev *dev = arg;

	for (int i = 0; i < WATCHES; i++) {
		if (dev->watched[i] == fd) {
			loop_io_free(dev->watches[i]);
			dev->watches[i] = NULL;
			dev->watched[i] = -1;
		}
	}
	if (fd == dev->fd) {
		tell_gone(dev);
	}
}

static int
watch_all(struct usb_dev *dev)
{
	const struct libusb_pollfd **fds = libusb_get_pollfds(dev->ctx);
	int missing = 0;

	if (fds == NULL) {
		return ERR_NOMEM;
	}
	for (int i = 0; fds[i] != NULL; i++) {
		on_fd_added(fds[i]->fd, fds[i]->events, dev);
	}
	for (int i = 0; fds[i] != NULL; i++) {
		int is_watched = 0;

		for (int j = 0; j < WATCHES; j++) {
			is_watched |= dev->watched[j] == fds[i]->fd;
		}
		missing |= !is_watched;
	}
	libusb_free_pollfds(fds);
	libusb_set_pollfd_notifiers(
	    dev->ctx, on_fd_added, on_fd_removed, dev);
	return missing ? ERR_NOMEM : 0;
}

/* ------------------------------------------------------------------------ */
/* Open and close                                                           */

static void
free_carrier(struct carrier *carrier)
{
	struct usb_dev *dev = carrier->dev;

	*(carrier->prev != NULL ? &carrier->prev->next : &dev->carriers) =
	    carrier->next;
	if (carrier->next != NULL) {
		carrier->next->prev = carrier->prev;
	}
	carrier->urb->backend = NULL;
	libusb_free_transfer(carrier->transfer);
	free(carrier);
}

/* Calls everything back and waits until it is home, but not for ever. */
static void
drain(struct usb_dev *dev)
{
	uint64_t until = clock_mono() + CLOSE_LIMIT;

	for (struct carrier *c = dev->carriers; c != NULL; c = c->next) {
		if (c->in_flight) {
			libusb_cancel_transfer(c->transfer);
		}
	}
	while (dev->in_flight > 0 && clock_mono() < until) {
		struct timeval wait = {0, 50 * 1000};

		libusb_handle_events_timeout_completed(dev->ctx, &wait, NULL);
	}
}

static void
usb_close(struct usb_dev *dev)
{
	if (dev == NULL) {
		return;
	}
	dev->is_closing = 1;
	if (dev->ctx != NULL && dev->handle != NULL) {
		drain(dev);
	}
	if (dev->ctx != NULL) {
		libusb_set_pollfd_notifiers(dev->ctx, NULL, NULL, NULL);
	}
	for (int i = 0; i < WATCHES; i++) {
		loop_io_free(dev->watches[i]);
	}
	if (dev->handle != NULL) {
		libusb_close(dev->handle);
	}
	/* one that did not come home stays allocated: libusb still has it */
	for (struct carrier *c = dev->carriers, *next; c != NULL; c = next) {
		next = c->next;
		if (!c->in_flight) {
			free_carrier(c);
		} else {
			c->urb->backend = NULL;
		}
	}
	if (dev->ctx != NULL && dev->in_flight == 0) {
		libusb_exit(dev->ctx);
	}
	close_fd(&dev->fd);
	if (dev->in_flight == 0) {
		free(dev);
	}
}

static int
usb_open(struct usb_dev **out, const struct usb_open *how,
    const struct usb_sink *sink)
{
	struct usb_dev *dev = calloc(1, sizeof(*dev));
	int fd = how->fd, r;

	*out = NULL;
	if (dev == NULL) {
		close_fd(&fd);
		return ERR_NOMEM;
	}
	dev->fd = fd;
	dev->loop = how->loop;
	dev->sink = *sink;
	for (int i = 0; i < WATCHES; i++) {
		dev->watched[i] = -1;
	}
	r = libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
	if (r == 0) {
		r = libusb_init(&dev->ctx);
	}
	if (r == 0) {
		r = libusb_wrap_sys_device(
		    dev->ctx, (intptr_t)fd, &dev->handle);
	}
	r = r != 0 ? err_of(r) : watch_all(dev);
	if (r != 0) {
		usb_close(dev);
		return r;
	}
	*out = dev;
	return 0;
}

/* ------------------------------------------------------------------------ */
/* URBs                                                                     */

static enum urb_result
result_of(struct usb_dev *dev, enum libusb_transfer_status status)
{
	switch (status) {
	case LIBUSB_TRANSFER_COMPLETED:
		return URB_OK;
	case LIBUSB_TRANSFER_CANCELLED:
		return URB_CANCELLED;
	case LIBUSB_TRANSFER_STALL:
		return URB_STALL;
	case LIBUSB_TRANSFER_OVERFLOW:
		return URB_OVERFLOW;
	case LIBUSB_TRANSFER_NO_DEVICE:
		return is_connected(dev) ? URB_ERROR : URB_GONE;
	case LIBUSB_TRANSFER_ERROR:
	case LIBUSB_TRANSFER_TIMED_OUT:
		break;
	}
	return URB_ERROR;
}

static void
collect_packets(struct usb_dev *dev, struct urb *urb,
    const struct libusb_transfer *transfer)
{
	for (uint32_t i = 0; i < urb->npackets; i++) {
		const struct libusb_iso_packet_descriptor *packet =
		    &transfer->iso_packet_desc[i];

		urb->iso[i].actual = packet->actual_length;
		urb->iso[i].result = result_of(dev, packet->status);
	}
}

static void LIBUSB_CALL
on_transfer(struct libusb_transfer *transfer)
{
	struct carrier *carrier = transfer->user_data;
	struct usb_dev *dev = carrier->dev;
	struct urb *urb = carrier->urb;

	carrier->in_flight = 0;
	dev->in_flight--;
	dev->completed++;
	if (dev->is_closing) {
		return;
	}
	urb->result = result_of(dev, transfer->status);
	urb->actual = transfer->actual_length > 0 ?
	    (uint32_t)transfer->actual_length :
	    0;
	if (urb->type == URB_ISO) {
		collect_packets(dev, urb, transfer);
	}
	if (urb->result == URB_GONE) {
		tell_gone(dev);
	}
	dev->sink.done(dev->sink.arg, urb);
}

static struct carrier *
carrier_of(struct usb_dev *dev, struct urb *urb)
{
	struct carrier *carrier = urb->backend;

	if (carrier != NULL && carrier->packets >= urb->npackets) {
		return carrier;
	}
	if (carrier != NULL) {
		free_carrier(carrier);
	}
	carrier = calloc(1, sizeof(*carrier));
	if (carrier == NULL) {
		return NULL;
	}
	carrier->transfer = libusb_alloc_transfer((int)urb->npackets);
	if (carrier->transfer == NULL) {
		free(carrier);
		return NULL;
	}
	carrier->packets = urb->npackets;
	carrier->dev = dev;
	carrier->urb = urb;
	carrier->next = dev->carriers;
	if (carrier->next != NULL) {
		carrier->next->prev = carrier;
	}
	dev->carriers = carrier;
	urb->backend = carrier;
	return carrier;
}

static void
fill(struct usb_dev *dev, struct carrier *carrier, struct urb *urb)
{
	struct libusb_transfer *transfer = carrier->transfer;

	transfer->dev_handle = dev->handle;
	transfer->flags = 0;
	transfer->endpoint = urb->endpoint;
	transfer->timeout = 0;
	transfer->buffer = urb->data;
	transfer->length = (int)urb->length;
	transfer->callback = on_transfer;
	transfer->user_data = carrier;
	transfer->num_iso_packets = 0;
	switch (urb->type) {
	case URB_CONTROL:
		transfer->type = LIBUSB_TRANSFER_TYPE_CONTROL;
		transfer->buffer = urb->data - URB_HEADROOM;
		transfer->length += (int)URB_HEADROOM;
		memcpy(transfer->buffer, urb->setup, sizeof(urb->setup));
		break;
	case URB_BULK:
		transfer->type = LIBUSB_TRANSFER_TYPE_BULK;
		if ((urb->flags & URB_ZERO_PACKET) != 0) {
			transfer->flags |= LIBUSB_TRANSFER_ADD_ZERO_PACKET;
		}
		break;
	case URB_INTERRUPT:
		transfer->type = LIBUSB_TRANSFER_TYPE_INTERRUPT;
		break;
	case URB_ISO:
		transfer->type = LIBUSB_TRANSFER_TYPE_ISOCHRONOUS;
		transfer->num_iso_packets = (int)urb->npackets;
		for (uint32_t i = 0; i < urb->npackets; i++) {
			transfer->iso_packet_desc[i].length =
			    urb->iso[i].length;
		}
		break;
	}
}

static int
usb_submit(struct usb_dev *dev, struct urb *urb)
{
	struct carrier *carrier = carrier_of(dev, urb);
	int r;

	if (carrier == NULL) {
		return ERR_NOMEM;
	}
	fill(dev, carrier, urb);
	errno = 0;
	r = libusb_submit_transfer(carrier->transfer);
	if (r == 0) {
		carrier->in_flight = 1;
		dev->in_flight++;
		return 0;
	}
	/* libusb has no code of its own for the kernel's ENOMEM on control
	 * transfers */
	if (r == LIBUSB_ERROR_NO_MEM ||
	    (r == LIBUSB_ERROR_IO && errno == ENOMEM)) {
		return ERR_AGAIN;
	}
	if (r == LIBUSB_ERROR_NO_DEVICE && is_connected(dev)) {
		return ERR_SYS;
	}
	return err_of(r);
}

static int
usb_cancel(struct usb_dev *dev, struct urb *urb)
{
	struct carrier *carrier = urb->backend;

	(void)dev;
	if (carrier == NULL || !carrier->in_flight) {
		return ERR_NOENT;
	}
	return err_of(libusb_cancel_transfer(carrier->transfer));
}

static void
usb_urb_release(struct usb_dev *dev, struct urb *urb)
{
	(void)dev;
	if (urb->backend != NULL) {
		free_carrier(urb->backend);
	}
}

/* ------------------------------------------------------------------------ */
/* The rest                                                                 */

static int
usb_claim(struct usb_dev *dev, uint8_t interface)
{
	return err_of(libusb_claim_interface(dev->handle, interface));
}

static int
usb_release(struct usb_dev *dev, uint8_t interface)
{
	return err_of(libusb_release_interface(dev->handle, interface));
}

static int
usb_set_interface(
    struct usb_dev *dev, uint8_t interface, uint8_t alternate)
{
	int r;

	errno = 0;
	r = libusb_set_interface_alt_setting(
	    dev->handle, interface, alternate);
	/* libusb has no code of its own for a STALL here */
	return r == LIBUSB_ERROR_OTHER && errno == EPIPE ? ERR_STALL :
							   err_of(r);
}

static int
usb_clear_halt(struct usb_dev *dev, uint8_t endpoint)
{
	return err_of(libusb_clear_halt(dev->handle, endpoint));
}

static int
usb_reset(struct usb_dev *dev)
{
	return err_of(libusb_reset_device(dev->handle));
}

/* libusb numbers SuperSpeed 4, which the kernel calls wireless. */
static int
usb_speed(struct usb_dev *dev)
{
	switch (libusb_get_device_speed(libusb_get_device(dev->handle))) {
	case LIBUSB_SPEED_LOW:
		return USBIP_SPEED_LOW;
	case LIBUSB_SPEED_FULL:
		return USBIP_SPEED_FULL;
	case LIBUSB_SPEED_HIGH:
		return USBIP_SPEED_HIGH;
	case LIBUSB_SPEED_SUPER:
		return USBIP_SPEED_SUPER;
	case LIBUSB_SPEED_SUPER_PLUS:
		return USBIP_SPEED_SUPER_PLUS;
	}
	return USBIP_SPEED_UNKNOWN;
}

static const struct usb_ops libusb_ops = {
    .name = "libusb",
    .open = usb_open,
    .submit = usb_submit,
    .cancel = usb_cancel,
    .claim = usb_claim,
    .release = usb_release,
    .set_interface = usb_set_interface,
    .clear_halt = usb_clear_halt,
    .reset = usb_reset,
    .speed = usb_speed,
    .urb_release = usb_urb_release,
    .close = usb_close,
};

const struct usb_ops *const usb_backend = &libusb_ops;
