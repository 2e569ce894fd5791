/*
 * xfer: single transfers through usbfs, with bytes that no driver would send.
 * For test scripts in guests, as root:
 *
 *	xfer NODE INTERFACE STEP...
 *
 * Takes INTERFACE of the usbfs node NODE from its driver, makes the steps in
 * order and gives the interface back. A step is one of
 *
 *	setup:HEX[:HEX]	a control transfer: 8 bytes of setup, then the data
 *	EP:HEX		a bulk transfer to EP (below 80, hexadecimal)
 *	EP:LENGTH	a bulk transfer of up to LENGTH bytes from EP
 *
 * For each a line: what came back in hexadecimal, "ok", or the error. Ends with
 * 0, with 1 if a transfer failed, and with 2 for wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_SIZE 4096u
#define SETUP 8u
#define TIMEOUT 5000 /* ms */

static _Noreturn void
wrong(const char *what)
{
	fprintf(stderr, "xfer: %s\n", what);
	exit(2);
}

/* A number up to most, with nothing behind it but what end says. */
static unsigned
number(const char *text, int base, unsigned most, char end)
{
	char *rest;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &rest, base);
	if (errno != 0 || rest == text || *rest != end || n > most ||
	    text[0] == '-') {
		wrong(text);
	}
	return (unsigned)n;
}

/* Pairs of digits up to the end or a ':', which *end is behind or at. */
static size_t
bytes_of(const char *text, uint8_t *dst, const char **end)
{
	size_t n = 0;

	while (text[0] != '\0' && text[0] != ':') {
		char pair[3] = {text[0], text[1], '\0'};

		if (n == MAX_SIZE || pair[1] == '\0') {
			wrong(text);
		}
		dst[n++] = (uint8_t)number(pair, 16, 0xff, '\0');
		text += 2;
	}
	*end = text[0] == ':' ? text + 1 : text;
	return n;
}

static int
control(int fd, const char *text, uint8_t *data)
{
	uint8_t setup[MAX_SIZE];
	struct usbdevfs_ctrltransfer c = {.timeout = TIMEOUT, .data = data};
	const char *rest;
	size_t n;

	if (bytes_of(text, setup, &rest) != SETUP) {
		wrong(text);
	}
	n = bytes_of(rest, data, &rest);
	c.bRequestType = setup[0];
	c.bRequest = setup[1];
	c.wValue = (uint16_t)(setup[2] | setup[3] << 8);
	c.wIndex = (uint16_t)(setup[4] | setup[5] << 8);
	c.wLength = (uint16_t)(setup[6] | setup[7] << 8);
	if ((c.bRequestType & 0x80) == 0 ? c.wLength != n
					 : c.wLength > MAX_SIZE) {
		wrong(text);
	}
	return ioctl(fd, USBDEVFS_CONTROL, &c);
}

static int
bulk(int fd, unsigned ep, const char *text, uint8_t *data)
{
	struct usbdevfs_bulktransfer b = {
	    .ep = ep, .timeout = TIMEOUT, .data = data};
	const char *rest;

	if ((ep & 0x80) == 0) {
		b.len = (unsigned)bytes_of(text, data, &rest);
	} else {
		b.len = number(text, 10, MAX_SIZE, '\0');
	}
	return ioctl(fd, USBDEVFS_BULK, &b);
}

/* 1 if it went well. */
static int
step(int fd, const char *text)
{
	static uint8_t data[MAX_SIZE];
	unsigned ep = 0;
	int n;

	if (strncmp(text, "setup:", 6) == 0) {
		n = control(fd, text + 6, data);
	} else if (strlen(text) > 3) {
		ep = number(text, 16, 0xff, ':');
		n = bulk(fd, ep, text + 3, data);
	} else {
		wrong(text);
	}
	if (n == -1) {
		puts(strerror(errno));
		return 0;
	}
	if (n == 0 || (ep != 0 && (ep & 0x80) == 0)) {
		puts("ok");
		return 1;
	}
	for (int i = 0; i < n; i++) {
		printf("%02x", data[i]);
	}
	putchar('\n');
	return 1;
}

int
main(int argc, char **argv)
{
	struct usbdevfs_disconnect_claim claim = {0};
	struct usbdevfs_ioctl give = {.ioctl_code = USBDEVFS_CONNECT};
	int fd, is_good = 1;

	if (argc < 4) {
		wrong("usage: xfer NODE INTERFACE STEP...");
	}
	claim.interface = number(argv[2], 10, 255, '\0');
	give.ifno = (int)claim.interface;
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd == -1 || ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, &claim) == -1) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		is_good &= step(fd, argv[i]);
	}
	fflush(stdout);
	if (ioctl(fd, USBDEVFS_RELEASEINTERFACE, &claim.interface) == 0) {
		/* -1: it has no driver */
		(void)ioctl(fd, USBDEVFS_IOCTL, &give);
	}
	return is_good ? 0 : 1;
}
