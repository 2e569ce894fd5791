/*
 * What the kernel says of a device in sysfs: where it is, how it is connected,
 * and the bytes for USBGuard's hash. Texts are read bounded; numbers are
 * checked. The device's own descriptors are not judged here: that is the
 * probe's business.
 *
 * Nothing is read here that the kernel shows under the lock of the device:
 * bConfigurationValue and what else is of the configuration that is set,
 * product, manufacturer and serial. A device that does not answer holds its own
 * lock, and that of the hub it is plugged into, for minutes, and the warden
 * would wait with it. The texts come from sallyport-probe.
 */
#include "proxy/warden/warden.h"

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

/* The kernel's copy of the descriptors, 18 bytes at least, to be freed. */
static uint8_t *
read_descriptors(const struct device_place *place, size_t *len)
{
	int dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t *desc = NULL;
	ssize_t n = -1;

	if (dir == -1) {
		return NULL;
	}
	/* Another one may be there by now. */
	if (read_number(dir, "devnum", 10) == place->devnum &&
	    (desc = malloc(DESCRIPTORS_MAX + 1)) != NULL) {
		n = read_attr(dir, "descriptors", desc, DESCRIPTORS_MAX + 1);
	}
	close_fd(&dir);
	if (n < DESC_DEVICE_SIZE) {
		free(desc);
		return NULL;
	}
	*len = (size_t)n;
	return desc;
}

void
sysfs_hash(char out[HASH_TEXT], const struct device_place *place,
    const struct ipc_texts *texts)
{
	struct digest_part parts[RULE_HASH_PARTS];
	struct rule_hash_input in;
	uint8_t digest[32], *desc;
	size_t len;

	out[0] = '\0';
	desc = read_descriptors(place, &len);
	if (desc == NULL) {
		return;
	}
	rule_hash_input(&in, texts->product, texts->serial, desc,
	    desc + DESC_DEVICE_SIZE, len - DESC_DEVICE_SIZE);
	for (size_t i = 0; i < RULE_HASH_PARTS; i++) {
		parts[i] = (struct digest_part){in.data[i], in.len[i]};
	}
	if (digest_sha256(digest, parts, RULE_HASH_PARTS) == 0) {
		digest_base64(out, HASH_TEXT, digest, sizeof(digest));
	}
	free(desc);
}

/* Above a root hub there is only the controller, and USBGuard hashes its path,
 * relative to the mount point. */
static void
hash_controller(const char *real, char out[HASH_TEXT])
{
	const char *slash = strrchr(real, '/');
	const char *path = strncmp(real, "/sys", 4) == 0 ? real + 4 : real;
	struct digest_part part;
	uint8_t digest[32];

	if (slash == NULL || slash <= path) {
		return;
	}
	part = (struct digest_part){path, (size_t)(slash - path)};
	if (digest_sha256(digest, &part, 1) == 0) {
		digest_base64(out, HASH_TEXT, digest, sizeof(digest));
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
sysfs_read(struct sysfs_device *out, const char *root, const char *busid)
{
	char link[PATH_MAX], real[PATH_MAX];
	size_t len = strlen(busid);
	long busnum, devnum, class, vid, pid;
	int dir, r = 0;

	memset(out, 0, sizeof(*out));
	if (len >= USBIP_BUSID_SIZE) {
		return ERR_FORMAT;
	}
	memcpy(out->place.busid, busid, len + 1);
	if (usbip_check_busid(out->place.busid) != 0) {
		return ERR_FORMAT;
	}
	if (snprintf(link, sizeof(link), "%s/%s", root, busid) >=
	    (int)sizeof(link)) {
		return ERR_LIMIT;
	}
	if (realpath(link, real) == NULL) {
		return ERR_NOENT;
	}
	if (strlen(real) >= USBIP_PATH_SIZE) {
		return ERR_LIMIT;
	}
	memcpy(out->place.path, real, strlen(real) + 1);
	out->is_root_hub = strncmp(busid, "usb", 3) == 0;
	out->is_virtual = strstr(real, "/vhci_hcd") != NULL;
	if (out->is_virtual) {
		return 0; /* not this machine's: nothing of it is looked at */
	}
	dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1) {
		return ERR_NOENT;
	}
	busnum = read_number(dir, "busnum", 10);
	devnum = read_number(dir, "devnum", 10);
	class = read_number(dir, "bDeviceClass", 16);
	vid = read_number(dir, "idVendor", 16);
	pid = read_number(dir, "idProduct", 16);
	if (busnum < 1 || busnum > 999 || devnum < 1 || devnum > 127 ||
	    class < 0 || class > 255 || vid < 0 || vid > 0xffff || pid < 0 ||
	    pid > 0xffff) {
		r = ERR_FORMAT;
		goto out;
	}
	out->place.busnum = (uint16_t)busnum;
	out->place.devnum = (uint16_t)devnum;
	out->place.speed = read_speed(dir);
	out->class = (uint8_t)class;
	out->vid = (uint16_t)vid;
	out->pid = (uint16_t)pid;
	out->is_authorized = read_number(dir, "authorized", 10) != 0;
	if (!out->is_authorized) {
		goto out; /* nothing else is to be believed */
	}
	out->configuration = stable_config(real);
	read_socket(out, real);
	if (out->is_root_hub) {
		hash_controller(real, out->parent_hash);
	}
out:
	close_fd(&dir);
	return r;
}

int
sysfs_facts(struct device *dev)
{
	struct rule_device_store *store = dev->store;
	size_t count = 0, len;
	uint8_t *desc = read_descriptors(&dev->place, &len);
	int r;

	if (desc == NULL) {
		return ERR_NOENT;
	}
	_Static_assert(HASH_TEXT == RULE_HASH, "a hash fits its store");
	_Static_assert(IPC_DEVICE_TEXT == RULE_TEXT, "so does a text");
	r = rule_device_configs(
	    store, &count, desc + DESC_DEVICE_SIZE, len - DESC_DEVICE_SIZE);
	if (r != 0) {
		goto out;
	}
	memcpy(store->name, dev->texts.product, RULE_TEXT);
	memcpy(store->manufacturer, dev->texts.manufacturer, RULE_TEXT);
	memcpy(store->serial, dev->texts.serial, RULE_TEXT);
	memcpy(store->hash, dev->hash, sizeof(store->hash));
	memcpy(store->parent_hash, dev->parent_hash,
	    sizeof(store->parent_hash));
	memcpy(store->via_port, dev->place.busid, sizeof(store->via_port));
	memcpy(store->connect_type, dev->connect_type,
	    sizeof(store->connect_type));
	memcpy(store->stable_port, dev->stable_port,
	    sizeof(store->stable_port));
	rule_device_point(&dev->facts, store);
	dev->facts.vid = le16_at(desc + 8);
	dev->facts.pid = le16_at(desc + 10);
	dev->facts.bcd_device = le16_at(desc + 12);
	dev->facts.speed = dev->place.speed;
	dev->facts.ninterfaces = count;
out:
	free(desc);
	return r;
}
