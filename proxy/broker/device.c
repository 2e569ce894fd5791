/*
 * What the broker does to USB devices: sysfs authorization and usbfs nodes. It
 * runs as root on places that the warden named, so every number and name is
 * checked against sysfs again, and no byte of a device is read.
 */
#include "proxy/broker/broker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/usbip_check.h"

#define SYSFS_USB "/sys/bus/usb/devices"
#define USB_MAJOR 189
#define MAX_ROOTS 64

/* Root hubs whose default was changed, to give back at the end. */
static struct {
	char busid[USBIP_BUSID_SIZE];
	char before[2];
} roots[MAX_ROOTS];
static unsigned nroots;

static int
write_at(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = strlen(text);
	ssize_t n;

	if (fd == -1) {
		return ERR_SYS;
	}
	n = write(fd, text, len);
	close_fd(&fd);
	return n == (ssize_t)len ? 0 : ERR_SYS;
}

/* A small decimal or hexadecimal sysfs attribute, or -1. */
static long
read_number(int dir, const char *name, int base)
{
	char text[32], *end;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	long v;

	if (fd == -1) {
		return -1;
	}
	n = read(fd, text, sizeof(text) - 1);
	close_fd(&fd);
	if (n <= 0) {
		return -1;
	}
	text[n] = '\0';
	v = strtol(text, &end, base);
	return end != text && v >= 0 && (*end == '\n' || *end == '\0') ? v
								       : -1;
}

/* Opens the sysfs directory of a place after checking that it is what the place
 * says. */
static int
open_place(const struct device_place *place, int *out)
{
	char path[PATH_MAX], real[PATH_MAX];
	int dir, n;

	if (usbip_check_busid(place->busid) != 0 || place->busnum == 0 ||
	    place->busnum > 999 || place->devnum == 0 || place->devnum > 127) {
		return ERR_FORMAT;
	}
	n = snprintf(path, sizeof(path), SYSFS_USB "/%s", place->busid);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return ERR_FORMAT;
	}
	if (realpath(path, real) == NULL) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	/* Never touch what this host itself imports. */
	if (strstr(real, "/vhci_hcd") != NULL) {
		return ERR_POLICY;
	}
	dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	if (read_number(dir, "busnum", 10) != place->busnum ||
	    read_number(dir, "devnum", 10) != place->devnum) {
		close_fd(&dir);
		return ERR_NOENT;
	}
	*out = dir;
	return 0;
}

/* Calls fn for each interface directory "BUSID:C.N" below dir. */
typedef int interface_fn(
    int dir, const char *name, unsigned number, void *arg);

static int
each_interface(
    int dir, const struct device_place *place, interface_fn *fn, void *arg)
{
	size_t len = strlen(place->busid);
	int r = 0, fd = dup(dir);
	struct dirent *e;
	DIR *d;

	if (fd == -1) {
		return ERR_SYS;
	}
	d = fdopendir(fd);
	if (d == NULL) {
		close_fd(&fd);
		return ERR_SYS;
	}
	rewinddir(d);
	while (r == 0 && (e = readdir(d)) != NULL) {
		const char *dot;
		char *end;
		unsigned long number;

		if (strncmp(e->d_name, place->busid, len) != 0 ||
		    e->d_name[len] != ':') {
			continue;
		}
		dot = strchr(e->d_name + len, '.');
		if (dot == NULL) {
			continue;
		}
		number = strtoul(dot + 1, &end, 10);
		if (end == dot + 1 || *end != '\0' || number > 255) {
			continue;
		}
		r = fn(dir, e->d_name, (unsigned)number, arg);
	}
	closedir(d);
	return r;
}

static int
set_authorized(int dir, const char *name, const char *value)
{
	char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/authorized", name);
	return write_at(dir, path, value);
}

static int
take_interface(int dir, const char *name, unsigned number, void *arg)
{
	int fd = *(int *)arg;
	unsigned iface = number;
	struct usbdevfs_ioctl cmd = {
		.ifno = (int)number,
		.ioctl_code = USBDEVFS_DISCONNECT,
	};

	/* ENODATA: no driver is bound, which is what we want. */
	if (ioctl(fd, USBDEVFS_IOCTL, &cmd) == -1 && errno != ENODATA) {
		log_warn("detach driver: %s", name);
		return ERR_SYS;
	}
	if (set_authorized(dir, name, "1") != 0) {
		log_warn("authorize interface: %s", name);
		return ERR_SYS;
	}
	/* Claimed at once, so that a driver that is loaded this moment does
	 * not find the interface free. The claim goes with the descriptor. */
	if (ioctl(fd, USBDEVFS_CLAIMINTERFACE, &iface) == -1) {
		log_warn("claim interface: %s", name);
		return ERR_SYS;
	}
	return 0;
}

static int
close_interface(int dir, const char *name, unsigned number, void *arg)
{
	(void)number;
	(void)arg;
	if (set_authorized(dir, name, "0") != 0) {
		log_debug("de-authorize interface: %s", name);
	}
	return 0;
}

static int
open_interface(int dir, const char *name, unsigned number, void *arg)
{
	(void)number;
	(void)arg;
	return set_authorized(dir, name, "1");
}

static int
open_node(const struct device_place *place, int *out)
{
	char path[64];
	struct stat st;
	int fd;
	unsigned want =
	    ((unsigned)place->busnum - 1) * 128 + place->devnum - 1u;

	snprintf(path, sizeof(path), "/dev/bus/usb/%03u/%03u", place->busnum,
	    place->devnum);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		return ERR_SYS;
	}
	if (fstat(fd, &st) == -1 || !S_ISCHR(st.st_mode) ||
	    major(st.st_rdev) != USB_MAJOR || minor(st.st_rdev) != want) {
		close_fd(&fd);
		return ERR_NOENT;
	}
	*out = fd;
	return 0;
}

int
device_open(const struct device_place *place, int *out)
{
	uint32_t mask = UINT32_MAX;
	int dir = -1, fd = -1, r;

	r = open_place(place, &dir);
	if (r != 0) {
		return r;
	}
	if (read_number(dir, "bDeviceClass", 16) == 0x09) {
		r = ERR_POLICY;
		goto out;
	}
	r = open_node(place, &fd);
	if (r != 0) {
		goto out;
	}
	r = each_interface(dir, place, take_interface, &fd);
	if (r != 0) {
		close_fd(&fd); /* its claims go first */
		each_interface(dir, place, close_interface, NULL);
		goto out;
	}
	if (ioctl(fd, USBDEVFS_DROP_PRIVILEGES, &mask) == -1) {
		log_warn("drop usbfs privileges: %s", place->busid);
		r = ERR_SYS;
		goto out;
	}
	/* The node was opened by number: the place must still be there. */
	if (read_number(dir, "devnum", 10) != place->devnum) {
		r = ERR_NOENT;
		goto out;
	}
	*out = fd;
	fd = -1;
out:
	close_fd(&fd);
	close_fd(&dir);
	return r;
}

void
device_close(const struct device_place *place)
{
	int dir = -1;

	if (open_place(place, &dir) == 0) {
		each_interface(dir, place, close_interface, NULL);
		close_fd(&dir);
	}
}

int
device_set_config(
    const struct device_place *place, uint8_t value, uint8_t *before)
{
	char text[8];
	int dir = -1, r;
	long now;

	r = open_place(place, &dir);
	if (r != 0) {
		return r;
	}
	now = read_number(dir, "bConfigurationValue", 10);
	if (before != NULL) {
		*before = now > 0 && now < 256 ? (uint8_t)now : 0;
	}
	snprintf(text, sizeof(text), "%u", value);
	r = write_at(dir, "bConfigurationValue", text);
	if (r == 0) {
		r = each_interface(dir, place, open_interface, NULL);
	}
	close_fd(&dir);
	return r;
}

static int
give_to_drivers(int dir, const char *name, unsigned number, void *arg)
{
	int usb, r;

	(void)number;
	(void)arg;
	r = set_authorized(dir, name, "1");
	if (r != 0) {
		return r;
	}
	usb = open("/sys/bus/usb", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (usb == -1) {
		return ERR_SYS;
	}
	r = write_at(usb, "drivers_probe", name);
	close_fd(&usb);
	return r;
}

static int
close_ports(int dir, const struct device_place *place)
{
	long before;
	int r;

	if (strncmp(place->busid, "usb", 3) != 0) {
		return ERR_FORMAT;
	}
	for (unsigned i = 0; i < nroots; i++) {
		if (strcmp(roots[i].busid, place->busid) == 0) {
			return write_at(
			    dir, "interface_authorized_default", "0");
		}
	}
	if (nroots == MAX_ROOTS) {
		return ERR_LIMIT;
	}
	before = read_number(dir, "interface_authorized_default", 10);
	r = write_at(dir, "interface_authorized_default", "0");
	if (r == 0) {
		memcpy(roots[nroots].busid, place->busid, USBIP_BUSID_SIZE);
		roots[nroots++].before[0] = before == 0 ? '0' : '1';
	}
	return r;
}

int
device_authorize(const struct device_place *place, uint8_t what)
{
	int dir = -1, r;

	r = open_place(place, &dir);
	if (r != 0) {
		return r;
	}
	switch ((enum ipc_authorize_what)what) {
	case IPC_AUTH_HUB:
		r = read_number(dir, "bDeviceClass", 16) == 0x09
		    ? each_interface(dir, place, give_to_drivers, NULL)
		    : ERR_POLICY;
		break;
	case IPC_AUTH_KEEP:
		r = each_interface(dir, place, give_to_drivers, NULL);
		break;
	case IPC_AUTH_PORTS:
		r = close_ports(dir, place);
		break;
	}
	close_fd(&dir);
	return r;
}

void
device_set_memory(unsigned mib)
{
	static const char name[] =
	    "/sys/module/usbcore/parameters/usbfs_memory_mb";
	char text[16];

	snprintf(text, sizeof(text), "%u", mib);
	if (write_at(AT_FDCWD, name, text) != 0) {
		log_warn("set [gateway] usbfs-memory: %s", name);
	}
}

void
device_restore(void)
{
	for (unsigned i = 0; i < nroots; i++) {
		char path[PATH_MAX];
		int dir;

		snprintf(path, sizeof(path), SYSFS_USB "/%s", roots[i].busid);
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir != -1) {
			write_at(dir, "interface_authorized_default",
			    roots[i].before);
			close_fd(&dir);
		}
	}
	nroots = 0;
}
