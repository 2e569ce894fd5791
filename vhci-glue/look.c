/*
 * A look at an imported device, in the relay: 1. the device descriptor; 2. each
 * configuration, its head for the length and then all of it; 3. the report
 * descriptors of the active configuration's HID interfaces; 4. its texts. Every
 * answer is bounded by what was asked, and seen_check judges it as it will judge
 * the kernel's reads.
 */
#include "vhci-glue/look.h"

#include <string.h>

#include "base/err.h"
#include "policy/rules/hid.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/remote.h"
#include "wire/cursor.h"
#include "wire/desc.h"

#define REQ_GET_DESCRIPTOR 6
#define RECIPIENT_DEVICE 0x80
#define RECIPIENT_INTERFACE 0x81
#define CONFIG_HEAD 9u

struct looker {
	struct look *look;
	struct seen *seen;
	struct stream *stream;
	uint64_t deadline;
	const struct usbip_device *dev;
	struct ipc_relay_done *done;
	uint32_t seqnum;
	uint8_t buf[UINT16_MAX];
};

/* 0 with *len bytes in buf, 1 when the device does not answer it, -1. */
static int
get(struct looker *l, uint8_t recipient, uint8_t type, uint8_t index,
    uint16_t windex, uint16_t length, size_t *len)
{
	const uint8_t setup[8] = {recipient, REQ_GET_DESCRIPTOR, index, type,
	    (uint8_t)windex, (uint8_t)(windex >> 8), (uint8_t)length,
	    (uint8_t)(length >> 8)};
	const char *why = "";
	int r;

	*len = length;
	r = remote_control(l->stream, l->deadline, l->dev, ++l->seqnum, setup,
	    l->buf, len, l->done);
	if (r != 0) {
		return r;
	}
	if (seen_check(l->seen, setup, l->buf, *len, &why) != 0) {
		return remote_say(
		    l->done, EXITS_FAILED, "%s: %s", l->dev->busid, why);
	}
	return 0;
}

static int
say_unread(struct looker *l, const char *what)
{
	return remote_say(l->done, EXITS_FAILED,
	    "%s: the device does not show its %s; unplug it and plug it in "
	    "again",
	    l->dev->busid, what);
}

static int
read_config(struct looker *l, uint8_t index)
{
	size_t len;
	int r = get(l, RECIPIENT_DEVICE, DESC_CONFIG, index, 0, CONFIG_HEAD,
	    &len);

	if (r < 0) {
		return r;
	}
	if (r == 0 && len >= 4) {
		r = get(l, RECIPIENT_DEVICE, DESC_CONFIG, index, 0,
		    le16_at(l->buf + 2), &len);
	}
	if (r < 0) {
		return r;
	}
	return seen_config(l->seen, index, &len) != NULL
	    ? 0
	    : say_unread(l, "configuration");
}

/* The length of its report descriptor, as the HID descriptor of an interface
 * has it (HID 1.11 6.2.1); 0 = it has none. */
static uint16_t
report_length(const uint8_t *p, size_t n)
{
	for (size_t at = 6; at + 3 <= n; at += 3) {
		if (p[at] == DESC_HID_REPORT) {
			return le16_at(p + at + 1);
		}
	}
	return 0;
}

/* The HID descriptor stands behind the interface descriptor that it is for.
 * Alternates have one number; what any of them says counts. */
static int
read_reports(struct looker *l, const uint8_t *config, size_t config_len)
{
	size_t pos = 0, n, len;
	const uint8_t *p;
	int number = -1;

	while (desc_next(config, config_len, &pos, &p, &n) == 0) {
		uint16_t length;
		int r;

		if (p[1] == DESC_INTERFACE) {
			number = n >= 9 && p[5] == 0x03 ? p[2] : -1;
		}
		if (p[1] != DESC_HID || number < 0) {
			continue;
		}
		length = report_length(p, n);
		if (length == 0 || length > LOOK_REPORT) {
			continue;
		}
		r = get(l, RECIPIENT_INTERFACE, DESC_HID_REPORT, 0,
		    (uint16_t)number, length, &len);
		if (r < 0) {
			return r;
		}
		if (r == 0) {
			l->look->hid[number] |= rule_hid_usages(l->buf, len);
		}
	}
	return 0;
}

/* The configuration that the device is in; the first one when it is in none. */
static int
read_active_reports(struct looker *l)
{
	const uint8_t *config;
	size_t len;

	for (unsigned i = 0; i < l->dev->nconfigurations; i++) {
		config = seen_config(l->seen, i, &len);
		if (config != NULL && len > 5 &&
		    (config[5] == l->dev->configuration ||
			l->dev->configuration == 0)) {
			return read_reports(l, config, len);
		}
	}
	return 0;
}

static int
read_text(struct looker *l, uint8_t index, uint16_t language, char *out)
{
	size_t len;
	int r;

	if (index == 0) {
		return 0;
	}
	r = get(l, RECIPIENT_DEVICE, DESC_STRING, index, language, 255, &len);
	if (r == 0 && desc_check_string(l->buf, len, NULL) == 0) {
		(void)desc_string_utf8(out, LOOK_TEXT, l->buf, len);
	}
	return r < 0 ? r : 0;
}

static int
read_texts(struct looker *l, const uint8_t *device)
{
	const uint8_t indices[3] = {device[14], device[15], device[16]};
	uint16_t language;
	size_t len;
	int r = get(l, RECIPIENT_DEVICE, DESC_STRING, 0, 0, 255, &len);

	if (r != 0 || len < 4) {
		return r < 0 ? r : 0; /* a device without texts */
	}
	language = le16_at(l->buf + 2);
	r = read_text(l, indices[0], language, l->look->manufacturer);
	if (r == 0) {
		r = read_text(l, indices[1], language, l->look->product);
	}
	if (r == 0) {
		r = read_text(l, indices[2], language, l->look->serial);
	}
	return r;
}

int
look_at(struct look *out, struct seen *seen, struct stream *stream,
    uint64_t deadline, const struct usbip_device *dev, enum look_what what,
    struct ipc_relay_done *done)
{
	static struct looker looker;
	struct looker *l = &looker;
	size_t len;
	int r;

	memset(out, 0, sizeof(*out));
	l->look = out;
	l->seen = seen;
	l->stream = stream;
	l->deadline = deadline;
	l->dev = dev;
	l->done = done;
	l->seqnum = 0;
	if (dev->nconfigurations == 0 ||
	    dev->nconfigurations > DESC_MAX_CONFIGS) {
		return remote_say(done, EXITS_FAILED,
		    "%s: %u configurations; a device has 1 to %u", dev->busid,
		    dev->nconfigurations, DESC_MAX_CONFIGS);
	}
	r = get(l, RECIPIENT_DEVICE, DESC_DEVICE, 0, 0, DESC_DEVICE_SIZE, &len);
	if (r < 0) {
		return r;
	}
	if (seen_device(seen) == NULL) {
		return say_unread(l, "device descriptor");
	}
	for (uint8_t i = 0; r >= 0 && i < dev->nconfigurations; i++) {
		r = read_config(l, i);
	}
	if (r >= 0) {
		r = read_active_reports(l);
	}
	if (r >= 0 && what == LOOK_TEXTS) {
		r = read_texts(l, seen_device(seen));
	}
	return r < 0 ? -1 : 0;
}
