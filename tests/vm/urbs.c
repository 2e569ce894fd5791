/*
 * urbs: keeps a bulk-IN endpoint busy through usbfs. For test scripts in guests,
 * as root:
 *
 *	urbs NODE read|unlink DEPTH SIZE [TOTAL]
 *
 * NODE is the usbfs node of a device with a source at endpoint 81. `read' keeps
 * DEPTH URBs of SIZE bytes there, each submitted again when it is done;
 * `unlink' submits DEPTH, takes all of them back, and begins again. Both end
 * after TOTAL URBs (0, the default: never) with 0, or at the first that fails,
 * with 1; one line says which. 2 is wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENDPOINT 0x81
#define MAX_DEPTH 256
#define MAX_SIZE (1024 * 1024)

enum mode { MODE_READ, MODE_UNLINK };

struct load {
	int fd;
	enum mode mode;
	unsigned long depth, size, total, done, flying;
	struct usbdevfs_urb urbs[MAX_DEPTH];
};

static unsigned long
number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n > most ||
	    text[0] == '-') {
		fprintf(stderr, "urbs: not a number up to %lu: %s\n", most,
		    text);
		exit(2);
	}
	return n;
}

static void
finish(const struct load *load, const char *what, int error)
{
	if (error == 0) {
		printf("%lu URBs\n", load->done);
		exit(0);
	}
	printf("%lu URBs, then %s: %s\n", load->done, what, strerror(error));
	exit(1);
}

static void
submit(struct load *load, struct usbdevfs_urb *urb)
{
	if (ioctl(load->fd, USBDEVFS_SUBMITURB, urb) == -1) {
		finish(load, "submit", errno);
	}
	load->flying++;
}

/* One that is done, for whatever reason. */
static struct usbdevfs_urb *
reap(struct load *load)
{
	void *p = NULL;
	struct usbdevfs_urb *urb;

	if (ioctl(load->fd, USBDEVFS_REAPURB, &p) == -1) {
		finish(load, "reap", errno);
	}
	urb = p;
	load->flying--;
	load->done++;
	if (urb->status != 0 &&
	    (load->mode != MODE_UNLINK ||
		(urb->status != -ENOENT && urb->status != -ECONNRESET))) {
		finish(load, "status", -urb->status);
	}
	if (urb->status == 0 && (unsigned long)urb->actual_length != load->size) {
		finish(load, "length", EREMOTEIO);
	}
	return urb;
}

static int
is_over(const struct load *load)
{
	return load->total != 0 && load->done >= load->total;
}

static void
run(struct load *load)
{
	for (;;) {
		for (unsigned long i = 0; i < load->depth; i++) {
			submit(load, &load->urbs[i]);
		}
		while (load->mode == MODE_READ && !is_over(load)) {
			submit(load, reap(load));
		}
		if (load->mode == MODE_READ) {
			return; /* the rest ends with the descriptor */
		}
		for (unsigned long i = 0; i < load->depth; i++) {
			/* EINVAL: it is done already */
			if (ioctl(load->fd, USBDEVFS_DISCARDURB,
				&load->urbs[i]) == -1 && errno != EINVAL) {
				finish(load, "discard", errno);
			}
		}
		while (load->flying > 0) {
			(void)reap(load);
		}
		if (is_over(load)) {
			return;
		}
	}
}

int
main(int argc, char **argv)
{
	static struct load load;
	struct usbdevfs_disconnect_claim claim = {.interface = 0};

	if (argc < 5 || argc > 6 ||
	    (strcmp(argv[2], "read") != 0 && strcmp(argv[2], "unlink") != 0)) {
		fprintf(stderr,
		    "usage: urbs NODE read|unlink DEPTH SIZE [TOTAL]\n");
		return 2;
	}
	load.mode = argv[2][0] == 'r' ? MODE_READ : MODE_UNLINK;
	load.depth = number(argv[3], MAX_DEPTH);
	load.size = number(argv[4], MAX_SIZE);
	load.total = argc == 6 ? number(argv[5], 1000000000) : 0;
	load.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (load.fd == -1) {
		finish(&load, argv[1], errno);
	}
	if (ioctl(load.fd, USBDEVFS_DISCONNECT_CLAIM, &claim) == -1) {
		finish(&load, "claim", errno);
	}
	for (unsigned long i = 0; i < load.depth; i++) {
		load.urbs[i] = (struct usbdevfs_urb){
		    .type = USBDEVFS_URB_TYPE_BULK,
		    .endpoint = ENDPOINT,
		    .buffer = calloc(1, load.size),
		    .buffer_length = (int)load.size,
		};
		if (load.urbs[i].buffer == NULL) {
			finish(&load, "memory", errno);
		}
	}
	run(&load);
	finish(&load, "", 0);
	return 0;
}
