/*
 * uevents: what the kernel tells of USB, as it tells it, one line for each event:
 *
 *	ACTION SUBSYSTEM DEVTYPE DRIVER DEVPATH
 *
 * with "-" for what an event does not have; "ready" comes first. Every bind of a
 * driver to an interface is such an event ("bind usb usb_interface usbhid ..."),
 * so that a log from before the plug says whether one ever had it. Events that
 * were lost end the program: then nothing can be said. It runs until it is killed.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define KERNEL_GROUP 1u
#define ROOM (16 * 1024 * 1024)

/* Value of NAME=VALUE in an event, or "-". */
static const char *
value_of(const char *text, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *end = text + len;

	for (; text < end; text += strlen(text) + 1) {
		if (strncmp(text, name, n) == 0 && text[n] == '=') {
			return text[n + 1] != '\0' ? text + n + 1 : "-";
		}
	}
	return "-";
}

static void
show(const char *text, size_t len)
{
	const char *subsystem = value_of(text, len, "SUBSYSTEM");

	if (strcmp(subsystem, "usb") != 0) {
		return;
	}
	printf("%s %s %s %s %s\n", value_of(text, len, "ACTION"), subsystem,
	    value_of(text, len, "DEVTYPE"), value_of(text, len, "DRIVER"),
	    value_of(text, len, "DEVPATH"));
	fflush(stdout);
}

int
main(void)
{
	struct sockaddr_nl here = {
	    .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	int fd = socket(
	    AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	int room = ROOM;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ==
		-1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1) {
		perror("uevents: listen");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		static char buf[64 * 1024];
		struct sockaddr_nl from = {0};
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf) - 1, 0,
		    (struct sockaddr *)&from, &size);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1) {
			perror("uevents: receive");
			return 1;
		}
		if (from.nl_pid != 0) {
			continue; /* not the kernel's */
		}
		buf[n] = '\0';
		show(buf, (size_t)n);
	}
}
