/*
 * Hotplug, in the warden: the kernel's own events about USB devices, and a look
 * around at the start. Their text says only that something happened and where;
 * what it is the registry finds out.
 */
#include "proxy/warden/warden.h"

#include <dirent.h>
#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"

static void
on_uevent(void *arg, int events)
{
	struct warden *w = arg;
	struct udev_device *ud = udev_monitor_receive_device(w->monitor);
	const char *action, *type, *busid;
	struct device *dev;

	(void)events;
	if (ud == NULL) {
		return;
	}
	action = udev_device_get_action(ud);
	type = udev_device_get_devtype(ud);
	busid = udev_device_get_sysname(ud);
	if (action == NULL || type == NULL || busid == NULL ||
	    strcmp(type, "usb_device") != 0) {
		udev_device_unref(ud);
		return;
	}
	dev = registry_find(w, busid);
	if (strcmp(action, "remove") == 0) {
		if (dev != NULL) {
			registry_remove(dev);
		}
	} else if (dev == NULL) {
		if (strcmp(action, "add") == 0 || strcmp(action, "bind") == 0) {
			registry_add(w, busid);
		}
	} else if (strcmp(action, "add") == 0) {
		/* Its removal was lost: begin again. */
		registry_remove(dev);
		registry_add(w, busid);
	} else if (dev->state == DEVICE_WAITING) {
		registry_look(dev);
	}
	udev_device_unref(ud);
}

int
hotplug_start(struct warden *w)
{
	struct dirent **names = NULL;
	int n;

	w->udev = udev_new();
	/* The kernel's events, not udevd's: they need no daemon. */
	w->monitor =
	    w->udev != NULL ? udev_monitor_new_from_netlink(w->udev, "kernel")
			    : NULL;
	if (w->monitor == NULL ||
	    udev_monitor_filter_add_match_subsystem_devtype(
		w->monitor, "usb", "usb_device") < 0 ||
	    udev_monitor_enable_receiving(w->monitor) < 0) {
		log_warn("watch hotplug events");
		return ERR_SYS;
	}
	w->monitor_io = loop_io_new(w->loop, udev_monitor_get_fd(w->monitor),
	    LOOP_READ, on_uevent, w);
	if (w->monitor_io == NULL) {
		return ERR_NOMEM;
	}
	n = scandir(SYSFS_USB, &names, NULL, versionsort);
	if (n == -1) {
		log_warn("read %s", SYSFS_USB);
		return errno == ENOENT ? 0 : ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		/* Interfaces have a colon in their name. */
		if (names[i]->d_name[0] != '.' &&
		    strchr(names[i]->d_name, ':') == NULL) {
			registry_add(w, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}
