/*
 * Memory of a device's descriptors, in the relay. Trusts nothing of the data;
 * it compares bytes and never parses past the fields of the 18-byte device
 * descriptor (USB 2.0 9.6.1). Reads may be short, so every comparison goes up
 * to the shorter of the two.
 */
#include "vhci-glue/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/cursor.h"
#include "wire/desc.h"

#define REQ_DEVICE_IN 0x80
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

int
seen_check(struct seen *s, const uint8_t setup[8], const uint8_t *data,
    size_t len, const char **why)
{
	uint8_t index = setup[2];

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
	if (setup[3] != DESC_CONFIG) {
		return 0;
	}
	if (index >= s->imported.nconfigurations ||
	    index >= ARRAY_LEN(s->configs)) {
		*why = "configuration that the device did not announce";
		return ERR_PEER;
	}
	return check_shown(s, &s->configs[index], data, len, why);
}
