/*
 * usbtest: runs cases of the kernel's usbtest driver on a device that it is
 * bound to. For test scripts in guests, as root:
 *
 *	usbtest NODE CASE[,COUNT[,LENGTH[,VARY[,SGLEN]]]]...
 *
 * NODE is the device's usbfs node. For each case, in order, prints "case N:"
 * when it begins, and "pass SECONDS" (as the driver measured) or "errno E"
 * behind it when it ended. Exits 1 when a case failed, 2 for wrong use.
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

/* The driver's request, as drivers/usb/misc/usbtest.c takes it from a 64-bit
 * program: five numbers in, the time out. */
struct request {
	uint32_t test, iterations, length, vary, sglen;
	int64_t sec, usec;
};

#define USBTEST_REQUEST _IOWR('U', 100, struct request)
/* Of the devices that the driver is for. */
#define INTERFACE 0

static void
parse(const char *arg, struct request *req)
{
	uint32_t *const fields[] = {&req->test, &req->iterations, &req->length,
	    &req->vary, &req->sglen};
	const char *text = arg;
	char *end = NULL;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		unsigned long n;

		errno = 0;
		n = strtoul(text, &end, 10);
		if (errno != 0 || end == text || n > INT32_MAX) {
			break;
		}
		*fields[i] = (uint32_t)n;
		if (*end == '\0') {
			return;
		}
		if (*end != ',') {
			break;
		}
		text = end + 1;
	}
	fprintf(stderr, "usbtest: not a case: %s\n", arg);
	exit(2);
}

/* Whether it passed. */
static int
run(int fd, struct request *req)
{
	struct usbdevfs_ioctl cmd = {
	    .ifno = INTERFACE,
	    .ioctl_code = (int)USBTEST_REQUEST,
	    .data = req,
	};

	printf("case %u:", req->test);
	(void)fflush(stdout);
	if (ioctl(fd, USBDEVFS_IOCTL, &cmd) == -1) {
		printf(" errno %d\n", errno);
		return 0;
	}
	printf(" pass %lld.%06lld\n", (long long)req->sec,
	    (long long)req->usec);
	return 1;
}

int
main(int argc, char **argv)
{
	int fd, failed = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: usbtest NODE "
				"CASE[,COUNT[,LENGTH[,VARY[,SGLEN]]]]...\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd == -1) {
		fprintf(stderr, "usbtest: open: %s: %s\n", argv[1],
		    strerror(errno));
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 2; i < argc; i++) {
		struct request req = {
		    .iterations = 100,
		    .length = 1024,
		    .vary = 512,
		    .sglen = 32,
		};

		parse(argv[i], &req);
		failed |= !run(fd, &req);
	}
	(void)close(fd);
	return failed;
}
