/*
 * `things': makes the devices of tests/docs/scene below /sys, which has to be a
 * tmpfs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tests/attack/stage.h"
#include "tests/docs/things.h"

#define CONTROLLER "/sys/devices/pci0000:00/0000:00:14.0"
#define HUB CONTROLLER "/usb3"

static void
put_bytes(const char *dir, const struct devrec *rec, const struct thing *t)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/descriptors", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1 ||
	    write(fd, rec->device, sizeof(rec->device)) !=
		(ssize_t)sizeof(rec->device) ||
	    write(fd, t->config, t->len) != (ssize_t)t->len) {
		fatal("write %s", path);
	}
	close_fd(&fd);
}

static void
plug(unsigned i)
{
	static struct devrec rec;
	const struct thing *t = &things[i];
	char dir[128], link[128];

	(void)snprintf(dir, sizeof(dir), HUB "/3-%u", i + 1);
	(void)snprintf(
	    link, sizeof(link), "/sys/bus/usb/devices/3-%u", i + 1);
	thing_record(&rec, t);
	stage_dirs("%s/3-%u:1.0", dir, i + 1);
	stage_dirs(HUB "/3-0:1.0/usb3-port%u", i + 1);
	stage_text(dir, "busnum", "3\n");
	stage_text(dir, "devnum", "%u\n", 11 + i);
	stage_text(dir, "bDeviceClass", "00\n");
	stage_text(dir, "idVendor", "%04x\n", t->vid);
	stage_text(dir, "idProduct", "%04x\n", t->pid);
	stage_text(dir, "speed", "%s\n",
	    t->speed == USBIP_SPEED_LOW ? "1.5" : "480");
	stage_text(dir, "authorized", "1\n");
	stage_text(dir, "bConfigurationValue", "1\n");
	stage_text(dir, "manufacturer", "%s\n", t->maker);
	stage_text(dir, "product", "%s\n", t->product);
	if (t->serial != NULL) {
		stage_text(dir, "serial", "%s\n", t->serial);
	}
	stage_text(dir, "node", "%u", i);
	put_bytes(dir, &rec, t);
	if (symlink(dir, link) == -1) {
		fatal("link %s", link);
	}
}

int
main(void)
{
	log_init("things");
	stage_make_sysfs();
	/* of those, the hub and its sockets stay */
	for (unsigned i = 1; i <= STAGE_DEVICES + STAGE_SPENT; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), HUB "/3-%u", i);
		stage_remove(path);
		(void)snprintf(
		    path, sizeof(path), "/sys/bus/usb/devices/3-%u", i);
		(void)unlink(path);
	}
	for (unsigned i = 0; i < THINGS; i++) {
		plug(i);
	}
	return 0;
}
