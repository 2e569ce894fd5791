/*
 * Memory of a device's descriptors, in the relay. Trusts nothing of the data;
 * it compares bytes, and reads no fields but those of the 18-byte device
 * descriptor (USB 2.0 9.6.1), wTotalLength, and the usages of reports. Reads may
 * be short, so every comparison goes up to the shorter of the two.
 */
#include "vhci-glue/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/rules/hid.h"
#include "policy/rules/rules.h"
#include "wire/cursor.h"
#include "wire/desc.h"

#define REQ_DEVICE_IN 0x80
#define REQ_INTERFACE_IN 0x81
#define REQ_GET_DESCRIPTOR 6

struct shown {
	uint8_t *data; /* owned */
	size_t len;
};

struct seen {
	struct usbip_device imported;
	uint8_t device[DESC_DEVICE_SIZE];
	size_t device_len;
	struct shown configs[DESC_MAX_CONFIGS];
	struct shown bos;
	size_t used;
	int is_sealed;
	uint8_t hid[SEEN_NUMBERS];
};

int
seen_new(struct seen **out, const struct usbip_device *imported)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_NOMEM;
	}
	s->imported = *imported;
	*out = s;
	return 0;
}

void
seen_free(struct seen *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(s->configs); i++) {
		free(s->configs[i].data);
	}
	free(s->bos.data);
	free(s);
}

/* The bytes of the device descriptor that the import has promised; a short read
 * may end in the middle of a field. */
static int
is_promised(const struct usbip_device *dev, const uint8_t *data, size_t len)
{
	static const uint8_t fields[] = {
	    0, 1, 4, 5, 6, 8, 9, 10, 11, 12, 13, 17};
	uint8_t want[DESC_DEVICE_SIZE] = {
	    [0] = DESC_DEVICE_SIZE,
	    [1] = DESC_DEVICE,
	    [4] = dev->class,
	    [5] = dev->subclass,
	    [6] = dev->protocol,
	    [17] = dev->nconfigurations,
	};

	le16_put(want + 8, dev->vid);
	le16_put(want + 10, dev->pid);
	le16_put(want + 12, dev->bcd_device);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		size_t at = fields[i];

		if (at < len && data[at] != want[at]) {
			return 0;
		}
	}
	return 1;
}

static int
check_device(
    struct seen *s, const uint8_t *data, size_t len, const char **why)
{
	size_t n = len < s->device_len ? len : s->device_len;

	if (len > DESC_DEVICE_SIZE) {
		*why = "device descriptor is longer than 18 bytes";
		return ERR_PEER;
	}
	if (!is_promised(&s->imported, data, len)) {
		*why = "device descriptor differs from the one imported";
		return ERR_PEER;
	}
	if (n > 0 && memcmp(data, s->device, n) != 0) {
		*why = "device descriptor differs from an earlier read";
		return ERR_PEER;
	}
	if (len > s->device_len) {
		memcpy(s->device, data, len);
		s->device_len = len;
	}
	return 0;
}

static int
check_shown(struct seen *s, struct shown *shown, const uint8_t *data,
    size_t len, const char **why)
{
	size_t n = len < shown->len ? len : shown->len;
	uint8_t *grown;

	if (n > 0 && memcmp(data, shown->data, n) != 0) {
		*why = "descriptor differs from an earlier read";
		return ERR_PEER;
	}
	if (len <= shown->len) {
		return 0;
	}
	if (len - shown->len > SEEN_BYTES - s->used) {
		*why = "device shows more descriptors than are remembered";
		return ERR_LIMIT;
	}
	grown = realloc(shown->data, len);
	if (grown == NULL) {
		*why = "no memory for descriptors";
		return ERR_NOMEM;
	}
	memcpy(grown + shown->len, data + shown->len, len - shown->len);
	s->used += len - shown->len;
	shown->data = grown;
	shown->len = len;
	return 0;
}

/* Each one that passes is judged by itself: an alternate or another
 * configuration may have another. */
static int
check_report(const struct seen *s, uint8_t number, const uint8_t *data,
    size_t len, const char **why)
{
	unsigned bits = rule_hid_usages(data, len), more;

	if (bits == 0) {
		bits = SEEN_HID_ALL; /* nothing is known: the kernel may know */
	}
	more = bits & ~(unsigned)s->hid[number];
	if (!s->is_sealed || more == 0) {
		return 0;
	}
	*why = (more & RULE_HID_KEYBOARD) != 0
	    ? "not accepted: its report descriptor is a keyboard's"
	    : "not accepted: its report descriptor is another one now";
	return ERR_POLICY;
}

static int
check_config(struct seen *s, uint8_t index, const uint8_t *data, size_t len,
    const char **why)
{
	if (index >= s->imported.nconfigurations ||
	    index >= ARRAY_LEN(s->configs)) {
		*why = "configuration that the device did not announce";
		return ERR_PEER;
	}
	if (s->is_sealed && len > s->configs[index].len) {
		*why = "configuration is longer than the one accepted";
		return ERR_PEER;
	}
	return check_shown(s, &s->configs[index], data, len, why);
}

int
seen_check(struct seen *s, const uint8_t setup[8], const uint8_t *data,
    size_t len, const char **why)
{
	if (setup[0] == REQ_INTERFACE_IN && setup[1] == REQ_GET_DESCRIPTOR &&
	    setup[3] == DESC_HID_REPORT) {
		return check_report(s, setup[4], data, len, why);
	}
	if (setup[0] != REQ_DEVICE_IN || setup[1] != REQ_GET_DESCRIPTOR ||
	    len == 0) {
		return 0;
	}
	if (setup[3] == DESC_DEVICE) {
		return check_device(s, data, len, why);
	}
	if (setup[3] == DESC_BOS) {
		return check_shown(s, &s->bos, data, len, why);
	}
	return setup[3] == DESC_CONFIG
	    ? check_config(s, setup[2], data, len, why)
	    : 0;
}

const uint8_t *
seen_device(const struct seen *s)
{
	return s->device_len == DESC_DEVICE_SIZE ? s->device : NULL;
}

const uint8_t *
seen_config(const struct seen *s, unsigned i, size_t *len)
{
	const struct shown *shown;
	size_t total;

	*len = 0;
	if (i >= ARRAY_LEN(s->configs) || s->configs[i].len < 4) {
		return NULL;
	}
	shown = &s->configs[i];
	total = le16_at(shown->data + 2);
	if (total < 4 || shown->len < total) {
		return NULL;
	}
	*len = total;
	return shown->data;
}

void
seen_seal(struct seen *s, const uint8_t hid[SEEN_NUMBERS])
{
	memcpy(s->hid, hid, sizeof(s->hid));
	s->is_sealed = 1;
}
