/*
 * A device out of its sysfs directory. Its texts and descriptors are the
 * device's own and hostile; sizes are bounded and nothing is taken for text
 * that has a NUL in it.
 */
#include "policy/tool/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/hash.h"
#include "wire/cursor.h"

/* One directory: its two texts and its descriptors. */
struct entry {
	char product[RULE_TEXT];
	char serial[RULE_TEXT];
	uint8_t *descriptors; /* owned */
	size_t len;
};

/* The first line of a file; "" when there is no such file. */
static int
read_line(int dir, const char *name, char *dst, size_t size)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	int r = file_read_at(dir, name, 4096, FILE_PUBLIC, &bytes, &len);

	dst[0] = '\0';
	if (r == ERR_NOENT) {
		return 0;
	}
	if (r == 0) {
		if (len > 0 && bytes[len - 1] == '\n') {
			len--;
		}
		if (len >= size) {
			r = ERR_LIMIT;
		} else if (memchr(bytes, '\0', len) != NULL) {
			r = ERR_FORMAT;
		} else {
			memcpy(dst, bytes, len);
			dst[len] = '\0';
		}
	}
	free(bytes);
	return r;
}

static int
read_entry(int dir, struct entry *e)
{
	int r;

	memset(e, 0, sizeof(*e));
	if ((r = read_line(dir, "product", e->product, RULE_TEXT)) != 0 ||
	    (r = read_line(dir, "serial", e->serial, RULE_TEXT)) != 0) {
		return r;
	}
	r = file_read_at(dir, "descriptors", DESC_MAX_CONFIGS * 65536,
	    FILE_PUBLIC, &e->descriptors, &e->len);
	if (r == 0 && e->len < DESC_DEVICE_SIZE) {
		r = ERR_SHORT;
	}
	return r;
}

static int
hash_entry(const struct entry *e, char out[USBGUARD_HASH])
{
	return usbguard_hash(out, e->product, e->serial, e->descriptors,
	    e->descriptors + DESC_DEVICE_SIZE, e->len - DESC_DEVICE_SIZE);
}

/* The hash of the hub that it is plugged into or, for a root hub, of the
 * controller's path. */
static int
hash_parent(const char *real, char out[USBGUARD_HASH])
{
	const char *path = NULL, *p = real;
	char *parent = strdup(real);
	char *slash = parent != NULL ? strrchr(parent, '/') : NULL;
	struct entry e = {0};
	int dir = -1, r;

	out[0] = '\0';
	if (slash == NULL) {
		free(parent);
		return 0;
	}
	*slash = '\0';
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir == -1 ? ERR_NOENT : read_entry(dir, &e);
	if (r == 0) {
		r = hash_entry(&e, out);
	} else if (r == ERR_NOENT) {
		/* a controller: its path below the root of sysfs */
		while ((p = strstr(p, "/sys/devices/")) != NULL) {
			path = parent + (p - real) + 4;
			p++;
		}
		r = path != NULL ? usbguard_path_hash(out, path) : 0;
	}
	close_fd(&dir);
	free(e.descriptors);
	free(parent);
	return r;
}

/* The hubs above, nearest first, up to the controller, which has no
 * descriptors. */
static int
read_hubs(const char *real, struct rule_device *out,
    struct rule_device_store *store)
{
	char *at = strdup(real), *slash;
	int r = at != NULL ? 0 : ERR_NOMEM;

	while (r == 0 && out->nancestors < RULE_ANCESTORS &&
	    (slash = strrchr(at, '/')) != NULL && slash != at) {
		struct rule_hub_store *texts = &store->hubs[out->nancestors];
		struct rule_ancestor *hub;
		struct entry e = {0};
		int dir;

		*slash = '\0';
		slash = strrchr(at, '/');
		dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir == -1 || slash == NULL ||
		    strlen(slash + 1) >= sizeof(texts->via_port) ||
		    read_entry(dir, &e) != 0) {
			free(e.descriptors);
			close_fd(&dir);
			break;
		}
		memcpy(texts->via_port, slash + 1, strlen(slash + 1) + 1);
		hub = rule_device_hub(store, out->nancestors++);
		hub->vid = le16_at(e.descriptors + 8);
		hub->pid = le16_at(e.descriptors + 10);
		r = hash_entry(&e, texts->hash);
		free(e.descriptors);
		close_fd(&dir);
	}
	free(at);
	out->ancestors = store->ancestors;
	return r;
}

static uint8_t
speed_of(const char *mbit)
{
	static const struct {
		const char *mbit;
		enum usbip_speed speed;
	} speeds[] = {
		{"1.5", USBIP_SPEED_LOW},
		{"12", USBIP_SPEED_FULL},
		{"480", USBIP_SPEED_HIGH},
		{"53.3-480", USBIP_SPEED_WIRELESS},
		{"5000", USBIP_SPEED_SUPER},
		{"10000", USBIP_SPEED_SUPER_PLUS},
		{"20000", USBIP_SPEED_SUPER_PLUS},
	};

	for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
		if (strcmp(mbit, speeds[i].mbit) == 0) {
			return speeds[i].speed;
		}
	}
	return USBIP_SPEED_UNKNOWN;
}

/* All texts of the store. what names the file that was the reason. */
static int
read_store(int dir, struct rule_device_store *store, char *speed,
    size_t speed_size, const char **what)
{
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} lines[] = {
		{"product", store->name, sizeof(store->name)},
		{"manufacturer", store->manufacturer,
		    sizeof(store->manufacturer)},
		{"serial", store->serial, sizeof(store->serial)},
		{"port/connect_type", store->connect_type,
		    sizeof(store->connect_type)},
		{"speed", speed, speed_size},
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int r = read_line(dir, lines[i].name, lines[i].dst,
		    lines[i].size);

		if (r != 0) {
			*what = lines[i].name;
			return r;
		}
	}
	return 0;
}

static int
read_device(int dir, const char *real, struct rule_device *out,
    struct rule_device_store *store, const char **what)
{
	const char *slash = strrchr(real, '/');
	const char *port = slash != NULL ? slash + 1 : real;
	struct entry e = {0};
	char speed[16];
	size_t n = 0;
	int r;

	r = read_store(dir, store, speed, sizeof(speed), what);
	if (r != 0) {
		return r;
	}
	*what = "descriptors";
	if ((r = read_entry(dir, &e)) != 0 ||
	    (r = rule_device_configs(store, &n,
		 e.descriptors + DESC_DEVICE_SIZE,
		 e.len - DESC_DEVICE_SIZE)) != 0 ||
	    (r = hash_entry(&e, store->hash)) != 0 ||
	    (r = hash_parent(real, store->parent_hash)) != 0) {
		free(e.descriptors);
		return r;
	}
	*what = "the directory's name";
	if (strlen(port) >= sizeof(store->via_port)) {
		free(e.descriptors);
		return ERR_LIMIT;
	}
	memcpy(store->via_port, port, strlen(port) + 1);
	store->stable_port[0] = '\0';
	*out = (struct rule_device){
	    .vid = le16_at(e.descriptors + 8),
	    .pid = le16_at(e.descriptors + 10),
	    .bcd_device = le16_at(e.descriptors + 12),
	    .speed = speed_of(speed),
	    .name = store->name,
	    .manufacturer = store->manufacturer,
	    .serial = store->serial,
	    .hash = store->hash,
	    .parent_hash = store->parent_hash,
	    .via_port = store->via_port,
	    .stable_port = store->stable_port,
	    .connect_type = store->connect_type,
	    .interfaces = store->interfaces,
	    .ninterfaces = n,
	};
	free(e.descriptors);
	*what = "the hubs above";
	return read_hubs(real, out, store);
}

int
device_read_sysfs(struct rule_device *out, struct rule_device_store *store,
    const char *shown, const char *real)
{
	const char *what = "";
	int dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir == -1) {
		cmd_warn("open: %s: %s", shown, strerror(errno));
		return ERR_SYS;
	}
	r = read_device(dir, real, out, store, &what);
	close_fd(&dir);
	if (r == ERR_NOENT) {
		cmd_warn("read: %s: no `descriptors' in it; expected the "
			 "directory of a device, such as "
			 "/sys/bus/usb/devices/3-2",
		    shown);
	} else if (r != 0) {
		cmd_warn("read: %s: %s: %s", shown, what, err_str(r));
	}
	return r;
}
