/*
 * liarurbs: what the lies of liargw are answers to, through usbfs: a bulk
 * transfer each way, one that is taken back, and isochronous ones each way. For
 * test scripts in guests, as root:
 *
 *	liarurbs NODE TIMES
 *
 * Ends with 0 when all of it was answered so often, with 1 when the device is
 * gone or silent, and with 3 when what came back is not what was asked for; 2 is
 * wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/attack/liar.h"
#include "tests/attack/plug.h"

#define REAP_MS 5000

static int fd;

static void
finish(const char *what, int error)
{
	int is_gone = error == ENODEV || error == ESHUTDOWN ||
	    error == ENOENT || error == ETIMEDOUT;

	/* what is asked of it in the moment in which it leaves times out */
	printf("%s: %s\n", what, strerror(error));
	exit(is_gone ? 1 : 3);
}

/* Waits for it; -status of the URB. */
static int
reap(const char *what, const struct usbdevfs_urb *urb)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	void *got = NULL;

	if (poll(&p, 1, REAP_MS) <= 0) {
		finish(what, ETIMEDOUT);
	}
	if (ioctl(fd, USBDEVFS_REAPURBNDELAY, &got) == -1) {
		finish(what, errno);
	}
	if (got != urb) {
		finish(what, EBADMSG);
	}
	if (urb->status == -ESHUTDOWN || urb->status == -ENODEV) {
		finish(what, ENODEV);
	}
	return -urb->status;
}

static void
check_data(const char *what, const uint8_t *p, int len, int most)
{
	if (len < 0 || len > most) {
		finish(what, EOVERFLOW);
	}
	for (int i = 0; i < len; i++) {
		if (p[i] != LIAR_BYTE) {
			finish(what, EILSEQ);
		}
	}
}

static void
submit(const char *what, struct usbdevfs_urb *urb)
{
	if (ioctl(fd, USBDEVFS_SUBMITURB, urb) == -1) {
		finish(what, errno);
	}
}

static void
bulk(const char *what, unsigned char endpoint)
{
	static uint8_t data[LIAR_LENGTH];
	struct usbdevfs_urb urb = {.type = USBDEVFS_URB_TYPE_BULK,
		.endpoint = endpoint, .buffer = data,
		.buffer_length = sizeof(data)};

	memset(data, 0, sizeof(data));
	submit(what, &urb);
	(void)reap(what, &urb);
	if ((endpoint & 0x80) != 0) {
		check_data(what, data, urb.actual_length, sizeof(data));
	}
}

static void
take_back(void)
{
	static uint8_t data[LIAR_LENGTH];
	struct usbdevfs_urb urb = {.type = USBDEVFS_URB_TYPE_INTERRUPT,
		.endpoint = PLUG_SILENT_IN, .buffer = data,
		.buffer_length = sizeof(data)};

	submit("unlink", &urb);
	(void)usleep(20000);
	if (ioctl(fd, USBDEVFS_DISCARDURB, &urb) == -1 && errno != EINVAL) {
		finish("unlink", errno);
	}
	(void)reap("unlink", &urb);
}

static void
iso(const char *what, unsigned char endpoint)
{
	static uint8_t data[LIAR_ISO_LENGTH];
	struct usbdevfs_urb *urb = calloc(1, sizeof(*urb) +
		LIAR_PACKETS * sizeof(struct usbdevfs_iso_packet_desc));

	if (urb == NULL) {
		finish(what, ENOMEM);
	}
	urb->type = USBDEVFS_URB_TYPE_ISO;
	urb->flags = USBDEVFS_URB_ISO_ASAP;
	urb->endpoint = endpoint;
	urb->buffer = data;
	urb->buffer_length = sizeof(data);
	urb->number_of_packets = LIAR_PACKETS;
	for (unsigned i = 0; i < LIAR_PACKETS; i++) {
		urb->iso_frame_desc[i].length = LIAR_PACKET;
	}
	memset(data, 0, sizeof(data));
	submit(what, urb);
	(void)reap(what, urb);
	for (unsigned i = 0; i < LIAR_PACKETS; i++) {
		unsigned n = urb->iso_frame_desc[i].actual_length;

		if (urb->iso_frame_desc[i].length != LIAR_PACKET) {
			finish(what, EBADMSG);
		}
		if ((endpoint & 0x80) != 0) {
			check_data(what, data + i * LIAR_PACKET, (int)n,
			    LIAR_PACKET);
		}
	}
	free(urb);
}

static void
alternate(unsigned n)
{
	struct usbdevfs_setinterface set = {.interface = 0, .altsetting = n};

	if (ioctl(fd, USBDEVFS_SETINTERFACE, &set) == -1) {
		finish("SET_INTERFACE", errno);
	}
}

int
main(int argc, char **argv)
{
	unsigned interface = 0;
	long times = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (times < 1) {
		fprintf(stderr, "usage: liarurbs NODE TIMES\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd == -1 || ioctl(fd, USBDEVFS_CLAIMINTERFACE, &interface) == -1) {
		finish("open", errno);
	}
	for (long i = 0; i < times; i++) {
		bulk("bulk IN", PLUG_BULK_IN);
		bulk("bulk OUT", PLUG_BULK_OUT);
		take_back();
		alternate(1);
		iso("isochronous IN", PLUG_ISO_IN);
		iso("isochronous OUT", PLUG_ISO_OUT);
		alternate(0);
	}
	printf("answered\n");
	return 0;
}
