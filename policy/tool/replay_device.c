#include "policy/tool/replay_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/tool/cmd.h"
#include "policy/tool/devtext.h"
#include "policy/tool/usb_file.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define ASKED 64u  /* descriptors that are asked for at a time */
#define DEVICES 16u /* in one capture */

struct asked {
	uint64_t id;
	int is_used;
	uint8_t setup[8];
};

struct reading {
	struct replay_device *dev;
	const char *name; /* NULL: any */
	struct {
		uint16_t bus;
		uint8_t number;
	} seen[DEVICES];
	unsigned nseen;
	int has_device;
	uint8_t value; /* of the last SET_CONFIGURATION */
	struct asked asked[ASKED];
	unsigned at;
};

int
replay_device_configure(struct replay_device *dev, uint8_t value)
{
	struct desc_config config;
	struct desc_why why;
	size_t len;
	const uint8_t *bytes = devrec_config_by_value(&dev->rec, value, &len);

	if (bytes == NULL || desc_parse_config(&config, bytes, len, &why) != 0) {
		return ERR_NOENT;
	}
	dev->config = config;
	dev->bytes = bytes;
	dev->rec.active_config = value;
	return 0;
}

/* ------------------------------------------------------------------------ */

static int
is_named(const struct reading *r, const struct usb_frame *f)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u.%u", f->bus, f->device);
	return r->name == NULL ? f->device != 0 : strcmp(r->name, text) == 0;
}

static void
note(struct reading *r, const struct usb_frame *f)
{
	for (unsigned i = 0; i < r->nseen; i++) {
		if (r->seen[i].bus == f->bus &&
		    r->seen[i].number == f->device) {
			return;
		}
	}
	if (r->nseen < DEVICES) {
		r->seen[r->nseen].bus = f->bus;
		r->seen[r->nseen++].number = f->device;
	}
}

/* A descriptor that came whole; what came before stays. */
static void
take(struct reading *r, const uint8_t setup[8], const uint8_t *p, uint32_t len)
{
	struct devrec *rec = &r->dev->rec;

	if (len < 4) {
		return;
	}
	switch (setup[3]) {
	case DESC_DEVICE:
		if (len == DESC_DEVICE_SIZE && !r->has_device) {
			memcpy(rec->device, p, len);
			r->has_device = 1;
		}
		return;
	case DESC_CONFIG:
		if (le16_at(p + 2) == len) {
			(void)devrec_add_config(rec, p, len);
		}
		return;
	case DESC_STRING:
		if (p[0] == len) {
			(void)devrec_add_string(
			    rec, setup[2], le16_at(setup + 4), p, len);
		}
		return;
	case DESC_HID_REPORT:
		/* the configuration that was set, or the only one */
		if (setup[0] == 0x81) {
			(void)devrec_add_report(rec,
			    r->value != 0	  ? r->value :
				rec->nconfigs > 0 ?
						    rec->config_bytes[5] :
						    0,
			    setup[4], p, len);
		}
		return;
	}
}

static void
look(struct reading *r, const struct usb_frame *f)
{
	if (f->event == 'S' && f->has_setup) {
		struct asked *a = &r->asked[r->at++ % ASKED];

		a->id = f->id;
		a->is_used = 1;
		memcpy(a->setup, f->setup, sizeof(a->setup));
		return;
	}
	for (unsigned i = 0; f->event == 'C' && i < ASKED; i++) {
		struct asked *a = &r->asked[i];

		if (!a->is_used || a->id != f->id) {
			continue;
		}
		a->is_used = 0;
		if (f->status == 0 && (a->setup[0] == 0x80 ||
			a->setup[0] == 0x81) && a->setup[1] == 6) {
			take(r, a->setup, f->data, f->len);
		} else if (f->status == 0 && a->setup[0] == 0 &&
		    a->setup[1] == 9) {
			r->value = a->setup[2];
		}
	}
}

/* What the bus ran at, by what the endpoints are made for: a capture does not
 * say. USB 2.0 5.8.3: bulk packets have 512 bytes at high speed, and only
 * there. */
static uint8_t
speed_of(const struct replay_device *dev)
{
	int is_high = dev->rec.device[7] == 64;

	if (dev->rec.device[3] >= 3 && dev->rec.device[7] == 9) {
		return USBIP_SPEED_SUPER;
	}
	for (unsigned i = 0; i < dev->config.nendpoints; i++) {
		const struct desc_endpoint *ep = &dev->config.endpoints[i];

		if ((ep->attributes & 3) == XFER_BULK) {
			return ep->max_packet == 512 ? USBIP_SPEED_HIGH :
						       USBIP_SPEED_FULL;
		}
	}
	return is_high ? USBIP_SPEED_HIGH : USBIP_SPEED_FULL;
}

/* What a file says stands for what is in the capture. */
static int
take_text(struct replay_device *dev, const char *text)
{
	static struct devtext given;

	if (devtext_read(&given, text) != 0) {
		return ERR_FORMAT;
	}
	dev->rec = given.rec;
	if (replay_device_configure(dev, dev->rec.active_config) != 0) {
		cmd_warn("%s: has no configuration %u that can be read", text,
		    dev->rec.active_config);
		return ERR_FORMAT;
	}
	return 0;
}

static int
finish(struct reading *r, const char *path, const char *text)
{
	struct replay_device *dev = r->dev;

	if (r->nseen == 0) {
		cmd_warn("%s: nothing of %s in it", path,
		    r->name != NULL ? r->name : "any device");
		return ERR_NOENT;
	}
	if (r->nseen > 1) {
		cmd_warn("%s: %u devices in it; choose one by --device, %u.%u "
			 "or %u.%u for example", path, r->nseen, r->seen[0].bus,
		    r->seen[0].number, r->seen[1].bus, r->seen[1].number);
		return ERR_POLICY;
	}
	dev->bus = r->seen[0].bus;
	dev->number = r->seen[0].number;
	if (text != NULL) {
		return take_text(dev, text);
	}
	if (!r->has_device || dev->rec.nconfigs == 0 ||
	    replay_device_configure(dev, dev->rec.config_bytes[5]) != 0) {
		cmd_warn("%s: the descriptors of %u.%u are not in it: capture "
			 "from before it is plugged in, or give them by "
			 "--descriptors", path, dev->bus,
		    dev->number);
		return ERR_NOENT;
	}
	dev->rec.speed = speed_of(dev);
	return 0;
}

int
replay_device_read(struct replay_device *out, const char *path,
    const char *name, const char *text)
{
	static struct usb_frame frame;
	struct reading r = {.dev = out, .name = name};
	char why[512];
	struct usb_file *file = usb_file_open(path, why, sizeof(why));
	int e = file != NULL ? 1 : ERR_FORMAT;

	devrec_init(&out->rec);
	while (e == 1) {
		e = usb_file_next(file, &frame, why, sizeof(why));
		if (e == 1 && is_named(&r, &frame)) {
			note(&r, &frame);
			look(&r, &frame);
		}
	}
	if (file != NULL) {
		usb_file_close(file);
	}
	if (e != 0) {
		cmd_warn("%s: %s", path, why);
		return e;
	}
	return finish(&r, path, text);
}
