/*
 * What the kernel's drivers made of a device that was plugged in here: disks,
 * inputs, serial ports, as a person would look for them. Reads sysfs, as
 * untrusted text, and asks nobody else; works on any directory, so that tests
 * can use one of their own.
 */
#ifndef VHCI_GLUE_NODES_H
#define VHCI_GLUE_NODES_H

#include <stddef.h>

#define NODES_SYSFS "/sys/bus/usb/devices"
#define NODES_DEV "/dev"
#define NODES_MAX 16u
#define NODES_NAME 64

struct nodes {
	unsigned n;
	char names[NODES_MAX][NODES_NAME]; /* "/dev/sdb", "input7", "usb0" */
	unsigned waiting;   /* interfaces that should have one, and have not */
	unsigned undriven;  /* those of them without a driver */
	unsigned unknown;   /* of a vendor's class, without one: it may come */
};

/* Of the device that is called local here, "3-1". A node counts when it is below
 * dev as well. 0, ERR_NOENT (it is gone, or has no interface yet), ERR_FORMAT (no
 * such name can be) or ERR_SYS. */
int nodes_find(
    struct nodes *out, const char *sysfs, const char *dev, const char *local);

#endif
