/*
 * Facts of a device, one by one, and where to read them all.
 */
#include "policy/tool/device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/inside.h"
#include "policy/tool/json.h"
#include "policy/tool/when.h"

void
device_init(struct device *dev)
{
	memset(dev, 0, sizeof(*dev));
	rule_device_point(&dev->facts, &dev->store);
}

/* "1234:5678" */
static int
set_id(const char *text, uint16_t *vid, uint16_t *pid)
{
	unsigned v, p;

	if (strlen(text) != 9 || text[4] != ':' || json_hex(text, 4, &v) != 0 ||
	    json_hex(text + 5, 4, &p) != 0) {
		return ERR_FORMAT;
	}
	*vid = (uint16_t)v;
	*pid = (uint16_t)p;
	return 0;
}

/* "1.10" or "0110" */
static int
set_release(struct rule_device *out, const char *text)
{
	const char *dot = strchr(text, '.');
	size_t major_len = dot != NULL ? (size_t)(dot - text) : 2;
	unsigned major, minor;

	if (major_len < 1 || major_len > 2 ||
	    strlen(text) != major_len + (dot != NULL) + 2 ||
	    json_hex(text, major_len, &major) != 0 ||
	    json_hex(text + major_len + (dot != NULL), 2, &minor) != 0) {
		return ERR_FORMAT;
	}
	out->bcd_device = (uint16_t)(major << 8 | minor);
	return 0;
}

static int
set_speed(struct rule_device *out, const char *text)
{
	const char *name;

	if (strcmp(text, "unknown") == 0) {
		out->speed = USBIP_SPEED_UNKNOWN;
		return 0;
	}
	for (unsigned i = USBIP_SPEED_LOW; i <= USBIP_SPEED_SUPER_PLUS; i++) {
		name = rule_speed_name(i);
		if (name != NULL && strcmp(text, name) == 0) {
			out->speed = (uint8_t)i;
			return 0;
		}
	}
	return ERR_FORMAT;
}

static int
add_report(struct device *dev, const char *text)
{
	size_t n = dev->facts.nreports;

	if (n == DEVREC_REPORTS) {
		return ERR_LIMIT;
	}
	if (json_sha256(dev->store.reports[n], text) != 0) {
		return ERR_FORMAT;
	}
	dev->facts.nreports++;
	return 0;
}

static int
copy_text(char *dst, size_t size, const char *text)
{
	if (strlen(text) >= size) {
		return ERR_LIMIT;
	}
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

int
device_set(struct device *dev, const char *name, const char *text,
    const char **expected)
{
	struct rule_device_store *store = &dev->store;
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} texts[] = {
		{"name", store->name, sizeof(store->name)},
		{"manufacturer", store->manufacturer,
		    sizeof(store->manufacturer)},
		{"serial", store->serial, sizeof(store->serial)},
		{"hash", store->hash, sizeof(store->hash)},
		{"parent-hash", store->parent_hash,
		    sizeof(store->parent_hash)},
		{"via-port", store->via_port, sizeof(store->via_port)},
		{"stable-port", store->stable_port,
		    sizeof(store->stable_port)},
		{"with-connect-type", store->connect_type,
		    sizeof(store->connect_type)},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			*expected = "a text that is not too long";
			return copy_text(texts[i].dst, texts[i].size, text);
		}
	}
	if (strcmp(name, "id") == 0) {
		*expected = "1234:5678";
		return set_id(text, &dev->facts.vid, &dev->facts.pid);
	}
	if (strcmp(name, "release") == 0) {
		*expected = "1.10";
		return set_release(&dev->facts, text);
	}
	if (strcmp(name, "speed") == 0) {
		*expected = "low, full, high, wireless, super or super-plus";
		return set_speed(&dev->facts, text);
	}
	if (strcmp(name, "plugged") == 0) {
		*expected = "a time, 2026-03-02T06:15:00Z";
		return when_read(text, &dev->facts.plugged);
	}
	if (strcmp(name, "desc") == 0) {
		*expected = "64 hexadecimal digits";
		return json_sha256(dev->facts.desc_sha256, text);
	}
	if (strcmp(name, "report") == 0) {
		*expected = "64 hexadecimal digits, and not too many of them";
		return add_report(dev, text);
	}
	return ERR_NOENT;
}

/* "keyboard+fido" */
static int
hid_of(const char *text, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} kinds[] = {{"keyboard", RULE_HID_KEYBOARD}, {"mouse", RULE_HID_MOUSE},
	    {"fido", RULE_HID_FIDO}, {"other", RULE_HID_OTHER}};

	for (;;) {
		size_t len = strcspn(text, "+"), i = 0;

		while (i < ARRAY_LEN(kinds) &&
		    (strlen(kinds[i].name) != len ||
			memcmp(kinds[i].name, text, len) != 0)) {
			i++;
		}
		if (i == ARRAY_LEN(kinds)) {
			return ERR_FORMAT;
		}
		*out |= kinds[i].bit;
		if (text[len] == '\0') {
			return 0;
		}
		text += len + 1;
	}
}

int
device_add_interface(struct device *dev, const char *text)
{
	size_t n = dev->facts.ninterfaces;
	struct rule_interface in = {0};
	unsigned v[3];

	if (n == 256) {
		return ERR_LIMIT;
	}
	if (strlen(text) < 8 || text[2] != ':' || text[5] != ':' ||
	    json_hex(text, 2, &v[0]) != 0 || json_hex(text + 3, 2, &v[1]) != 0 ||
	    json_hex(text + 6, 2, &v[2]) != 0) {
		return ERR_FORMAT;
	}
	if (text[8] != '\0' &&
	    (v[0] != 3 || text[8] != '=' || hid_of(text + 9, &in.hid) != 0)) {
		return ERR_FORMAT;
	}
	in.class = (uint8_t)v[0];
	in.subclass = (uint8_t)v[1];
	in.protocol = (uint8_t)v[2];
	in.number = (uint8_t)n;
	dev->store.interfaces[n] = in;
	dev->facts.ninterfaces++;
	return 0;
}

int
device_read(struct device *dev, const char *path)
{
	struct stat st;
	char *real;
	int r;

	device_init(dev);
	if (inside_is_set() || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		return device_read_json(dev, path);
	}
	real = realpath(path, NULL);
	if (real == NULL) {
		cmd_warn("open: %s: %s", path, err_str(ERR_SYS));
		return ERR_SYS;
	}
	r = device_read_sysfs(dev, path, real);
	free(real);
	return r;
}
