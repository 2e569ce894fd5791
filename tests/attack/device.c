/*
 * In place of proxy/broker/device.c: the broker of the attacked gateway gives
 * away a node that nobody reads, since behind it is the simulated device. That
 * a place is what it says is checked against sysfs, as there.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/usbip_check.h"

static int
open_place(const struct device_place *place, int *out)
{
	char path[PATH_MAX];

	if (usbip_check_busid(place->busid) != 0) {
		return ERR_FORMAT;
	}
	(void)snprintf(path, sizeof(path), SYSFS_USB "/%s", place->busid);
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out == -1) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	if (attr_number(*out, "devnum", 10) != place->devnum) {
		close_fd(out);
		return ERR_NOENT;
	}
	return 0;
}

int
device_open(const struct device_place *place, int *out)
{
	int dir = -1, r = open_place(place, &dir);

	if (r == 0) {
		/* where there are several, which one it is */
		*out = openat(dir, "node", O_RDONLY | O_CLOEXEC);
		if (*out == -1) {
			*out = open("/dev/null", O_RDWR | O_CLOEXEC);
		}
		r = *out == -1 ? ERR_SYS : 0;
	}
	close_fd(&dir);
	return r;
}

int
device_texts(const struct device_place *place, int *out)
{
	int dir = -1, r = open_place(place, &dir);

	if (r == 0) {
		*out = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = *out == -1 ? ERR_SYS : 0;
	}
	close_fd(&dir);
	return r;
}

void
device_close(const struct device_place *place)
{
	(void)place;
}

int
device_set_config(
    const struct device_place *place, uint8_t value, int fd, uint8_t *before)
{
	(void)place;
	(void)fd;
	*before = value;
	return 0;
}

void
device_restore_config(const struct device_place *place, uint8_t value)
{
	(void)place;
	(void)value;
}

int
device_authorize(const struct device_place *place, uint8_t what)
{
	(void)place;
	(void)what;
	return 0;
}

void
device_set_memory(unsigned mib)
{
	(void)mib;
}
