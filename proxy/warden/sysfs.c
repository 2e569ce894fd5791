/*
 * What the kernel says of a device in sysfs: where it is, how it is connected,
 * and the bytes for USBGuard's hash. Texts are read bounded; numbers are
 * checked. The device's own descriptors are not judged here: that is the
 * probe's business.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "proxy/warden/stable.h"
#include "wire/cursor.h"
#include "wire/usbip_check.h"

#define SYSFS_USB "/sys/bus/usb/devices"
/* 18 bytes and eight configurations of at most 64 KiB, cut: a device with
 * more has no hash. */
#define DESCRIPTORS_MAX (128u * 1024u)

/* Reads an attribute whole, without its line end; NUL-terminated. The number
 * of bytes, or -1. */
static ssize_t
read_attr(int dir, const char *name, void *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd == -1) {
		return -1;
	}
	while (used < size - 1 &&
	    (n = read(fd, (char *)buf + used, size - 1 - used)) > 0) {
		used += (size_t)n;
	}
	close_fd(&fd);
	if (n < 0 || used == size - 1) {
		return -1;
	}
	((char *)buf)[used] = '\0';
	return (ssize_t)used;
}

static void
read_text(int dir, const char *name, char *buf, size_t size)
{
	ssize_t n = read_attr(dir, name, buf, size);

	if (n <= 0) {
		buf[0] = '\0';
	} else if (buf[n - 1] == '\n') {
		buf[n - 1] = '\0';
	}
}

static long
read_number(int dir, const char *name, int base)
{
	char text[32], *end;
	long v;

	read_text(dir, name, text, sizeof(text));
	v = strtol(text, &end, base);
	return end != text && *end == '\0' ? v : -1;
}

static uint8_t
read_speed(int dir)
{
	static const struct {
		const char *text;
		uint8_t speed;
	} speeds[] = {
		{"1.5", USBIP_SPEED_LOW},
		{"12", USBIP_SPEED_FULL},
		{"480", USBIP_SPEED_HIGH},
		{"5000", USBIP_SPEED_SUPER},
		{"10000", USBIP_SPEED_SUPER_PLUS},
		{"20000", USBIP_SPEED_SUPER_PLUS},
	};
	char text[32];

	read_text(dir, "speed", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
		if (strcmp(text, speeds[i].text) == 0) {
			return speeds[i].speed;
		}
	}
	return USBIP_SPEED_UNKNOWN;
}

/* USBGuard's device hash: product, ids, serial, descriptors. For a root hub
 * the kernel's version (bcdDevice) does not count. */
static void
hash_dir(int dir, char out[HASH_TEXT])
{
	char product[256], serial[256], vid[8], pid[8];
	uint8_t *desc = malloc(DESCRIPTORS_MAX + 1), digest[32];
	ssize_t n;

	out[0] = '\0';
	if (desc == NULL) {
		return;
	}
	read_text(dir, "product", product, sizeof(product));
	read_text(dir, "serial", serial, sizeof(serial));
	read_text(dir, "idVendor", vid, sizeof(vid));
	read_text(dir, "idProduct", pid, sizeof(pid));
	n = read_attr(dir, "descriptors", desc, DESCRIPTORS_MAX + 1);
	if (n >= 18 && strlen(vid) == 4 && strlen(pid) == 4) {
		struct digest_part parts[] = {
			{product, strlen(product)},
			{vid, 4},
			{pid, 4},
			{serial, strlen(serial)},
			{desc, (size_t)n},
		};

		if (strcmp(vid, "1d6b") == 0 &&
		    (strcmp(pid, "0001") == 0 || strcmp(pid, "0002") == 0 ||
			strcmp(pid, "0003") == 0)) {
			desc[12] = desc[13] = 0;
		}
		if (digest_sha256(digest, parts, ARRAY_LEN(parts)) == 0) {
			digest_base64(out, HASH_TEXT, digest, sizeof(digest));
		}
	}
	free(desc);
}

/* The hash of what it is plugged into; above a root hub there is only the
 * controller, and USBGuard hashes its path. */
static void
hash_parent(const char *real, int is_root_hub, char out[HASH_TEXT])
{
	char parent[PATH_MAX], *slash;
	size_t len = strlen(real);
	uint8_t digest[32];
	int dir;

	out[0] = '\0';
	if (len >= sizeof(parent)) {
		return;
	}
	memcpy(parent, real, len + 1);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent) {
		return;
	}
	*slash = '\0';
	if (is_root_hub) {
		/* Relative to the mount point, as USBGuard has it. */
		const char *path =
		    strncmp(parent, "/sys", 4) == 0 ? parent + 4 : parent;
		struct digest_part part = {path, strlen(path)};

		if (digest_sha256(digest, &part, 1) == 0) {
			digest_base64(out, HASH_TEXT, digest, sizeof(digest));
		}
		return;
	}
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != -1) {
		hash_dir(dir, out);
		close_fd(&dir);
	}
}

/* What it is plugged into. The device's own `port' link comes later than its
 * first event, so the way there is made up. */
static void
read_socket(struct sysfs_device *out, const char *real)
{
	char path[PATH_MAX];
	int dir;

	if (stable_port(out->stable_port, sizeof(out->stable_port), real) !=
	    0) {
		out->stable_port[0] = '\0';
	}
	if (stable_port_dir(path, sizeof(path), real) != 0) {
		return;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != -1) {
		read_text(dir, "connect_type", out->connect_type,
		    sizeof(out->connect_type));
		close_fd(&dir);
	}
}

int
sysfs_read(struct sysfs_device *out, const char *busid)
{
	char link[PATH_MAX], real[PATH_MAX];
	size_t len = strlen(busid);
	long busnum, devnum, class;
	int dir, r = 0;

	memset(out, 0, sizeof(*out));
	if (len >= USBIP_BUSID_SIZE) {
		return ERR_FORMAT;
	}
	memcpy(out->place.busid, busid, len + 1);
	if (usbip_check_busid(out->place.busid) != 0) {
		return ERR_FORMAT;
	}
	snprintf(link, sizeof(link), SYSFS_USB "/%s", busid);
	if (realpath(link, real) == NULL) {
		return ERR_NOENT;
	}
	if (strlen(real) >= USBIP_PATH_SIZE) {
		return ERR_LIMIT;
	}
	dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1) {
		return ERR_NOENT;
	}
	memcpy(out->place.path, real, strlen(real) + 1);
	busnum = read_number(dir, "busnum", 10);
	devnum = read_number(dir, "devnum", 10);
	class = read_number(dir, "bDeviceClass", 16);
	if (busnum < 1 || busnum > 999 || devnum < 1 || devnum > 127 ||
	    class < 0 || class > 255) {
		r = ERR_FORMAT;
		goto out;
	}
	out->place.busnum = (uint16_t)busnum;
	out->place.devnum = (uint16_t)devnum;
	out->place.speed = read_speed(dir);
	out->class = (uint8_t)class;
	out->configuration = (int)read_number(dir, "bConfigurationValue", 10);
	out->is_authorized = read_number(dir, "authorized", 10) != 0;
	out->is_root_hub = strncmp(busid, "usb", 3) == 0;
	out->is_virtual = strstr(real, "/vhci_hcd") != NULL;
	if (!out->is_authorized) {
		goto out; /* nothing else is to be believed */
	}
	read_socket(out, real);
	hash_dir(dir, out->hash);
	hash_parent(real, out->is_root_hub, out->parent_hash);
out:
	close_fd(&dir);
	return r;
}

size_t
sysfs_hubs(struct rule_device_store *store, const char *path)
{
	char at[PATH_MAX], *slash;
	size_t n = 0, len = strlen(path);

	if (len >= sizeof(at)) {
		return 0;
	}
	memcpy(at, path, len + 1);
	while (n < RULE_ANCESTORS && (slash = strrchr(at, '/')) != NULL &&
	    slash != at) {
		struct rule_hub_store *texts = &store->hubs[n];
		struct rule_ancestor *hub;
		const char *name;
		long vid, pid;
		int dir;

		*slash = '\0';
		name = strrchr(at, '/');
		dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (name == NULL || dir == -1 ||
		    strlen(name + 1) >= sizeof(texts->via_port)) {
			close_fd(&dir);
			break;
		}
		vid = read_number(dir, "idVendor", 16);
		pid = read_number(dir, "idProduct", 16);
		hash_dir(dir, texts->hash);
		close_fd(&dir);
		if (vid < 0 || vid > 0xffff || pid < 0 || pid > 0xffff) {
			break; /* the controller */
		}
		memcpy(texts->via_port, name + 1, strlen(name + 1) + 1);
		if (stable_port(texts->stable_port, sizeof(texts->stable_port),
			at) != 0) {
			texts->stable_port[0] = '\0';
		}
		hub = rule_device_hub(store, n++);
		hub->vid = (uint16_t)vid;
		hub->pid = (uint16_t)pid;
	}
	return n;
}

int
sysfs_facts(struct rule_device *out, struct rule_device_store *store,
    const struct sysfs_device *dev)
{
	int dir = open(
	    dev->place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t *desc = NULL;
	size_t count = 0;
	ssize_t n;
	int r = ERR_NOENT;

	if (dir == -1) {
		return ERR_NOENT;
	}
	_Static_assert(HASH_TEXT == RULE_HASH, "a hash fits its store");
	desc = malloc(DESCRIPTORS_MAX + 1);
	if (desc == NULL) {
		r = ERR_NOMEM;
		goto out;
	}
	n = read_attr(dir, "descriptors", desc, DESCRIPTORS_MAX + 1);
	if (n < 18) {
		r = ERR_FORMAT;
		goto out;
	}
	read_text(dir, "product", store->name, sizeof(store->name));
	read_text(dir, "manufacturer", store->manufacturer,
	    sizeof(store->manufacturer));
	read_text(dir, "serial", store->serial, sizeof(store->serial));
	r = rule_device_configs(store, &count, desc + 18, (size_t)n - 18);
	if (r != 0) {
		goto out;
	}
	memcpy(store->hash, dev->hash, sizeof(store->hash));
	memcpy(store->parent_hash, dev->parent_hash,
	    sizeof(store->parent_hash));
	memcpy(store->via_port, dev->place.busid, sizeof(store->via_port));
	memcpy(store->connect_type, dev->connect_type,
	    sizeof(store->connect_type));
	memcpy(store->stable_port, dev->stable_port,
	    sizeof(store->stable_port));
	*out = (struct rule_device){
		.vid = le16_at(desc + 8),
		.pid = le16_at(desc + 10),
		.bcd_device = le16_at(desc + 12),
		.speed = dev->place.speed,
		.name = store->name,
		.manufacturer = store->manufacturer,
		.serial = store->serial,
		.hash = store->hash,
		.parent_hash = store->parent_hash,
		.via_port = store->via_port,
		.stable_port = store->stable_port,
		.connect_type = store->connect_type,
		.interfaces = store->interfaces,
		.ninterfaces = count,
	};
out:
	free(desc);
	close_fd(&dir);
	return r;
}
