/*
 * ffs_int: a USB function with an interrupt endpoint in each direction, which
 * the kernel's own source/sink function lacks. For test scripts in guests:
 *
 *	ffs_int DIRECTORY
 *
 * DIRECTORY is a mounted FunctionFS. Prints "ready" when the gadget may be
 * plugged, then gives zeroes on the IN endpoint and takes whatever comes on the
 * OUT endpoint until it is ended by a signal. Control requests are stalled.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EP_IN 0x81
#define EP_OUT 0x02
#define FULL_PACKET 64
#define PACKET 1024

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN,
    "the tables below are written as USB has them");

struct function {
	struct usb_interface_descriptor interface;
	struct usb_endpoint_descriptor_no_audio in, out;
} __attribute__((packed));

struct super_function {
	struct usb_interface_descriptor interface;
	struct usb_endpoint_descriptor_no_audio in;
	struct usb_ss_ep_comp_descriptor in_comp;
	struct usb_endpoint_descriptor_no_audio out;
	struct usb_ss_ep_comp_descriptor out_comp;
} __attribute__((packed));

#define INTERFACE                                                              \
	{                                                                      \
		.bLength = USB_DT_INTERFACE_SIZE,                              \
		.bDescriptorType = USB_DT_INTERFACE, .bNumEndpoints = 2,       \
		.bInterfaceClass = USB_CLASS_VENDOR_SPEC, .iInterface = 1,     \
	}
#define ENDPOINT(address, packet, interval)                                    \
	{                                                                      \
		.bLength = USB_DT_ENDPOINT_SIZE,                               \
		.bDescriptorType = USB_DT_ENDPOINT,                            \
		.bEndpointAddress = (address),                                 \
		.bmAttributes = USB_ENDPOINT_XFER_INT,                         \
		.wMaxPacketSize = (packet), .bInterval = (interval),           \
	}
#define COMPANION                                                              \
	{                                                                      \
		.bLength = USB_DT_SS_EP_COMP_SIZE,                             \
		.bDescriptorType = USB_DT_SS_ENDPOINT_COMP,                    \
		.wBytesPerInterval = PACKET,                                   \
	}

static const struct {
	struct usb_functionfs_descs_head_v2 head;
	uint32_t full_count, high_count, super_count;
	struct function full, high;
	struct super_function super;
} __attribute__((packed)) descriptors = {
	.head = {
		.magic = FUNCTIONFS_DESCRIPTORS_MAGIC_V2,
		.length = sizeof(descriptors),
		.flags = FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC |
		    FUNCTIONFS_HAS_SS_DESC,
	},
	.full_count = 3,
	.high_count = 3,
	.super_count = 5,
	.full = {
		.interface = INTERFACE,
		.in = ENDPOINT(EP_IN, FULL_PACKET, 1),
		.out = ENDPOINT(EP_OUT, FULL_PACKET, 1),
	},
	.high = {
		.interface = INTERFACE,
		.in = ENDPOINT(EP_IN, PACKET, 1),
		.out = ENDPOINT(EP_OUT, PACKET, 1),
	},
	.super = {
		.interface = INTERFACE,
		.in = ENDPOINT(EP_IN, PACKET, 1),
		.in_comp = COMPANION,
		.out = ENDPOINT(EP_OUT, PACKET, 1),
		.out_comp = COMPANION,
	},
};

#define NAME "Interrupt source and sink"

static const struct {
	struct usb_functionfs_strings_head head;
	uint16_t language;
	char name[sizeof(NAME)];
} __attribute__((packed)) strings = {
	.head = {
		.magic = FUNCTIONFS_STRINGS_MAGIC,
		.length = sizeof(strings),
		.str_count = 1,
		.lang_count = 1,
	},
	.language = 0x0409,
	.name = NAME,
};

static void
die(const char *what)
{
	fprintf(stderr, "ffs_int: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
open_in(const char *dir, const char *name)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1) {
		die(path);
	}
	return fd;
}

/* One endpoint for ever. What fails does so because the host is not there or
 * takes the interface down, and goes on when it is up again. */
static void *
serve_in(void *arg)
{
	static const uint8_t zeroes[PACKET];
	const struct timespec nap = {0, 5000000};
	int fd = *(int *)arg;

	for (;;) {
		if (write(fd, zeroes, sizeof(zeroes)) < 0) {
			(void)nanosleep(&nap, NULL);
		}
	}
	return NULL;
}

static void *
serve_out(void *arg)
{
	static uint8_t sink[PACKET];
	const struct timespec nap = {0, 5000000};
	int fd = *(int *)arg;

	for (;;) {
		if (read(fd, sink, sizeof(sink)) < 0) {
			(void)nanosleep(&nap, NULL);
		}
	}
	return NULL;
}

/* To answer in the wrong direction is to stall. */
static void
stall(int ep0, const struct usb_ctrlrequest *setup)
{
	ssize_t n = (setup->bRequestType & USB_DIR_IN) != 0 ?
	    read(ep0, NULL, 0) :
	    write(ep0, NULL, 0);

	(void)n;
}

int
main(int argc, char **argv)
{
	int ep0, fds[2];
	pthread_t threads[2];

	if (argc != 2) {
		fprintf(stderr, "usage: ffs_int DIRECTORY\n");
		return 2;
	}
	ep0 = open_in(argv[1], "ep0");
	if (write(ep0, &descriptors, sizeof(descriptors)) < 0) {
		die("descriptors");
	}
	if (write(ep0, &strings, sizeof(strings)) < 0) {
		die("strings");
	}
	fds[0] = open_in(argv[1], "ep1");
	fds[1] = open_in(argv[1], "ep2");
	if (pthread_create(&threads[0], NULL, serve_in, &fds[0]) != 0 ||
	    pthread_create(&threads[1], NULL, serve_out, &fds[1]) != 0) {
		die("thread");
	}
	printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		struct usb_functionfs_event event;
		ssize_t n = read(ep0, &event, sizeof(event));

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			die("ep0");
		}
		if (n == sizeof(event) &&
		    event.type == FUNCTIONFS_SETUP) {
			stall(ep0, &event.u.setup);
		}
	}
}
