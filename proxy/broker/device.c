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

#define USB_MAJOR 189
#define CLAIM_TRIES 5u

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
	if (attr_number(dir, "busnum", 10) != place->busnum ||
	    attr_number(dir, "devnum", 10) != place->devnum) {
		close_fd(&dir);
		return ERR_NOENT;
	}
	*out = dir;
	return 0;
}

/* Calls fn for each interface directory "BUSID:C.N" below dir; those of root hub
 * usb3 are called "3-0:C.N". */
typedef int interface_fn(
    int dir, const char *name, unsigned number, void *arg);

static int
each_interface(
    int dir, const struct device_place *place, interface_fn *fn, void *arg)
{
	char name[USBIP_BUSID_SIZE + 8];
	int r = 0, fd = dup(dir);
	struct dirent *e;
	size_t len;
	DIR *d;

	if (fd == -1) {
		return ERR_SYS;
	}
	if (strncmp(place->busid, "usb", 3) == 0) {
		snprintf(name, sizeof(name), "%u-0", place->busnum);
	} else {
		snprintf(name, sizeof(name), "%s", place->busid);
	}
	len = strlen(name);
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

		if (strncmp(e->d_name, name, len) != 0 ||
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
	return attr_write(dir, path, value);
}

/* Authorizes it, which probes no driver, and claims it at once for the
 * descriptor. The kernel lets nobody claim what is not authorized: a driver that
 * is loaded between the two finds it free. Then it is taken away again. */
static int
claim_interface(int dir, const char *name, unsigned number, void *arg)
{
	int fd = *(int *)arg;
	unsigned iface = number;

	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		if (set_authorized(dir, name, "1") != 0) {
			log_warn("authorize interface: %s", name);
			return ERR_SYS;
		}
		if (ioctl(fd, USBDEVFS_CLAIMINTERFACE, &iface) == 0) {
			return 0;
		}
		if (errno != EBUSY) {
			break;
		}
		log_warnx("claim interface: %s: a driver that was loaded this "
			  "moment had it; taken away", name);
		(void)set_authorized(dir, name, "0");
		errno = EBUSY;
	}
	log_warn("claim interface: %s", name);
	return ERR_SYS;
}

static int
take_interface(int dir, const char *name, unsigned number, void *arg)
{
	int fd = *(int *)arg;
	struct usbdevfs_ioctl cmd = {
		.ifno = (int)number,
		.ioctl_code = USBDEVFS_DISCONNECT,
	};

	/* ENODATA: no driver is bound, which is what we want. */
	if (ioctl(fd, USBDEVFS_IOCTL, &cmd) == -1 && errno != ENODATA) {
		log_warn("detach driver: %s", name);
		return ERR_SYS;
	}
	return claim_interface(dir, name, number, arg);
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
	if (attr_number(dir, "bDeviceClass", 16) == 0x09) {
		r = ERR_POLICY;
		goto out;
	}
	r = open_node(place, &fd);
	if (r != 0) {
		goto out;
	}
	r = each_interface(dir, place, take_interface, &fd);
	if (r != 0) {
		goto undo;
	}
	if (ioctl(fd, USBDEVFS_DROP_PRIVILEGES, &mask) == -1) {
		log_warn("drop usbfs privileges: %s", place->busid);
		r = ERR_SYS;
		goto undo;
	}
	/* The node was opened by number: the place must still be there. */
	if (attr_number(dir, "devnum", 10) != place->devnum) {
		r = ERR_NOENT;
		goto undo;
	}
	*out = fd;
	fd = -1;
	goto out;
undo:
	/* Before the descriptor and its claims go. */
	each_interface(dir, place, close_interface, NULL);
out:
	close_fd(&fd);
	close_fd(&dir);
	return r;
}

int
device_texts(const struct device_place *place, int *out)
{
	int dir = -1, r = open_place(place, &dir);

	if (r != 0) {
		return r;
	}
	/* Whoever gets it can open what everybody may open there anyway. */
	*out = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close_fd(&dir);
	return *out == -1 ? ERR_SYS : 0;
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

static int
put_config(int dir, uint8_t value)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", value);
	return attr_write(dir, "bConfigurationValue", text);
}

int
device_set_config(
    const struct device_place *place, uint8_t value, int fd, uint8_t *before)
{
	int dir = -1, r;
	long now;

	r = open_place(place, &dir);
	if (r != 0) {
		return r;
	}
	now = attr_number(dir, "bConfigurationValue", 10);
	*before = now > 0 && now < 256 ? (uint8_t)now : 0;
	r = put_config(dir, value);
	if (r == 0) {
		r = each_interface(dir, place, claim_interface, &fd);
	}
	close_fd(&dir);
	return r;
}

void
device_restore_config(const struct device_place *place, uint8_t value)
{
	int dir = -1;

	if (open_place(place, &dir) == 0) {
		if (put_config(dir, value) != 0) {
			log_warn("restore configuration %u of %s", value,
			    place->busid);
		}
		close_fd(&dir);
	}
}

static int
probe_drivers(int dir, const char *name, unsigned number, void *arg)
{
	(void)dir;
	(void)number;
	return attr_write(*(int *)arg, "drivers_probe", name);
}

/* All are authorized before the first is probed: a driver that needs two of
 * them (CDC, audio) takes the second by itself, and is refused it otherwise. */
static int
give_to_drivers(int dir, const struct device_place *place)
{
	int usb, r;

	usb = open("/sys/bus/usb", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (usb == -1) {
		return ERR_SYS;
	}
	r = each_interface(dir, place, open_interface, NULL);
	if (r == 0) {
		r = each_interface(dir, place, probe_drivers, &usb);
	}
	close_fd(&usb);
	return r;
}

/* A device that the kernel has not authorized. Its interfaces come into being
 * in this moment, so the default of its root hub goes first. */
static int
admit_device(int dir, const struct device_place *place)
{
	char path[64], name[16];
	int root, r;

	if (strncmp(place->busid, "usb", 3) == 0) {
		return ERR_FORMAT; /* root hubs are always authorized */
	}
	snprintf(name, sizeof(name), "usb%u", place->busnum);
	snprintf(path, sizeof(path), SYSFS_USB "/%s", name);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	r = roots_close(root, name);
	close_fd(&root);
	return r == 0 ? attr_write(dir, "authorized", "1") : r;
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
		r = attr_number(dir, "bDeviceClass", 16) == 0x09
		    ? give_to_drivers(dir, place)
		    : ERR_POLICY;
		break;
	case IPC_AUTH_KEEP:
		r = give_to_drivers(dir, place);
		break;
	case IPC_AUTH_PORTS:
		r = roots_close(dir, place->busid);
		break;
	case IPC_AUTH_DEVICE:
		r = admit_device(dir, place);
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
	if (attr_write(AT_FDCWD, name, text) != 0) {
		log_warn("set [gateway] usbfs-memory: %s", name);
	}
}
