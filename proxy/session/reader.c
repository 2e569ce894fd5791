/*
 * One look at one device, as a chain of control reads. Runs in sallyport-probe
 * and sallyport-session; every byte that comes back is hostile.
 *
 *   device, for each configuration: 9 bytes, then all of it,
 *   GET_CONFIGURATION, BOS: 5 bytes, then all, qualifier, and with it the
 *   configurations of the other speed, languages, strings, HID reports
 *
 * What a device must have, it must give in full and twice the same; what it may
 * lack (BOS, qualifier, other speed, strings, reports), it may also refuse.
 */
#include "proxy/session/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/session/setup.h"

#define TRANSFER_LIMIT (1 * CLOCK_SEC)
#define BUFFER 4096u /* most bytes of a control transfer through usbfs */
#define LEAD 16u

enum step {
	STEP_DEVICE,
	STEP_CONFIG_HEAD,
	STEP_CONFIG,
	STEP_ACTIVE,
	STEP_BOS_HEAD,
	STEP_BOS,
	STEP_QUALIFIER,
	STEP_OTHER_HEAD,
	STEP_OTHER,
	STEP_LANGUAGES,
	STEP_STRING,
	STEP_REPORT,
	STEP_END,
	STEPS,
};

struct hid {
	uint8_t interface;
	uint16_t length; /* of its report descriptor */
};

struct reader {
	struct reader_how how;
	struct urb urb;
	int in_flight, is_late;
	struct loop_timer *timer; /* limit of a transfer; start */
	enum step step;
	unsigned item;	       /* configuration, string or report */
	uint8_t head[9];       /* first bytes, for the second look */
	uint16_t langids[2];   /* to read: the first, and 0x0409 */
	unsigned nlangids, lang;
	uint8_t strings[256];  /* indexes that something refers to */
	struct hid hids[DESC_MAX_INTERFACES];
	unsigned nhids;
	struct desc_config config; /* scratch */
	uint8_t block[LEAD + BUFFER];
};

static void begin_step(struct reader *reader);

/* ------------------------------------------------------------------------ */
/* Ends                                                                     */

static void
end(struct reader *reader, int err, const char *rule, const char *text)
{
	struct reader_why why = {.rule = rule};

	loop_timer_stop(reader->timer);
	reader->step = STEP_END;
	reader->how.usb->urb_release(reader->how.dev, &reader->urb);
	snprintf(why.text, sizeof(why.text), "%s", text);
	reader->how.done(reader->how.arg, err, &why);
}

static const char *const step_names[STEPS] = {
	[STEP_DEVICE] = "device descriptor",
	[STEP_CONFIG_HEAD] = "configuration descriptor",
	[STEP_CONFIG] = "configuration descriptor",
	[STEP_ACTIVE] = "GET_CONFIGURATION",
	[STEP_BOS_HEAD] = "BOS descriptor",
	[STEP_BOS] = "BOS descriptor",
	[STEP_QUALIFIER] = "device qualifier",
	[STEP_OTHER_HEAD] = "other-speed configuration",
	[STEP_OTHER] = "other-speed configuration",
	[STEP_LANGUAGES] = "string languages",
	[STEP_STRING] = "string descriptor",
	[STEP_REPORT] = "HID report descriptor",
	[STEP_END] = "nothing",
};

static void
fail(struct reader *reader, int err, const char *rule, const char *text)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %u: %s", step_names[reader->step],
	    reader->item, text);
	end(reader, err, rule, line);
}

/* A wrong length, of something that a device must have. */
static void
fail_length(struct reader *reader, const char *text)
{
	fail(reader, ERR_FORMAT, "R1.length", text);
}

/* ------------------------------------------------------------------------ */
/* One transfer                                                             */

static void
on_timer(void *arg)
{
	struct reader *reader = arg;

	if (!reader->in_flight) {
		begin_step(reader);
		return;
	}
	reader->is_late = 1;
	reader->how.usb->cancel(reader->how.dev, &reader->urb);
}

static void
ask(struct reader *reader, uint8_t type, uint8_t request, uint16_t value,
    uint16_t index, uint16_t length)
{
	struct urb *urb = &reader->urb;
	int r;

	urb->type = URB_CONTROL;
	urb->endpoint = 0;
	urb->setup[0] = type;
	urb->setup[1] = request;
	le16_put(urb->setup + 2, value);
	le16_put(urb->setup + 4, index);
	le16_put(urb->setup + 6, length);
	urb->data = reader->block + LEAD;
	urb->length = length;
	urb->actual = 0;
	memset(urb->data, 0, length);
	reader->is_late = 0;
	r = reader->how.usb->submit(reader->how.dev, urb);
	if (r != 0) {
		fail(reader, r, "R1.answer",
		    r == ERR_CLOSED ? "the device is gone" :
				      "the transfer cannot be submitted");
		return;
	}
	reader->in_flight = 1;
	loop_timer_set(reader->timer, TRANSFER_LIMIT);
}

static void
ask_descriptor(struct reader *reader, uint8_t type, uint8_t index,
    uint16_t windex, uint16_t length)
{
	ask(reader, SETUP_IN, SETUP_GET_DESCRIPTOR,
	    (uint16_t)(type << 8 | index), windex, length);
}

/* ------------------------------------------------------------------------ */
/* What is to be read                                                       */

static void
want_string(struct reader *reader, uint8_t index)
{
	reader->strings[index] = index != 0;
}

static void
want_strings_of_config(struct reader *reader, const uint8_t *raw, size_t len)
{
	struct desc_config *config = &reader->config;

	if (desc_parse_config(config, raw, len, NULL) != 0) {
		return; /* devrec_check will say why */
	}
	want_string(reader, config->iconfiguration);
	for (unsigned i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];

		want_string(reader, alt->iinterface);
		desc_class_strings(
		    alt, raw + alt->offset, alt->length, reader->strings);
	}
	for (unsigned i = 0; i < config->niads; i++) {
		want_string(reader, config->iads[i].ifunction);
	}
}

static uint16_t
report_length(const uint8_t *raw, size_t len)
{
	size_t pos = 0, n;
	const uint8_t *p;

	while (desc_next(raw, len, &pos, &p, &n) == 0) {
		/* HID 1.11 6.2.1: from byte 6, {type, length} of each */
		for (size_t at = 6; p[1] == DESC_HID && at + 3 <= n; at += 3) {
			if (p[at] == DESC_HID_REPORT) {
				return le16_at(p + at + 1);
			}
		}
	}
	return 0;
}

/* HID interfaces of the active configuration: only those can be asked. */
static void
list_hids(struct reader *reader)
{
	struct desc_config *config = &reader->config;
	const uint8_t *raw;
	size_t len;

	raw = devrec_config_by_value(
	    reader->how.rec, reader->how.rec->active_config, &len);
	if (raw == NULL || desc_parse_config(config, raw, len, NULL) != 0) {
		return;
	}
	for (unsigned i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];
		struct hid *hid = &reader->hids[reader->nhids];

		if (alt->class != 3 || alt->alternate != 0 ||
		    reader->nhids == ARRAY_LEN(reader->hids) ||
		    (size_t)alt->offset + alt->length > len) {
			continue;
		}
		hid->interface = alt->number;
		hid->length = report_length(raw + alt->offset, alt->length);
		if (hid->length > 0 && hid->length <= BUFFER) {
			reader->nhids++;
		}
	}
}

static void
choose_languages(struct reader *reader, const uint8_t *raw, size_t len)
{
	for (size_t at = 2; at + 2 <= len; at += 2) {
		uint16_t langid = le16_at(raw + at);

		if (reader->nlangids == 0) {
			reader->langids[reader->nlangids++] = langid;
		} else if (langid == 0x0409 && reader->nlangids == 1 &&
		    reader->langids[0] != 0x0409) {
			reader->langids[reader->nlangids++] = langid;
		}
	}
}

/* ------------------------------------------------------------------------ */
/* The chain                                                                */

static void
go(struct reader *reader, enum step step)
{
	reader->step = step;
	reader->item = 0;
	reader->lang = 0;
	begin_step(reader);
}

static void
begin_string(struct reader *reader)
{
	while (reader->nlangids > 0 && reader->item < 256 &&
	    !reader->strings[reader->item]) {
		reader->item++;
	}
	if (reader->nlangids == 0 || reader->item >= 256) {
		go(reader, STEP_REPORT);
		return;
	}
	ask_descriptor(reader, DESC_STRING, (uint8_t)reader->item,
	    reader->langids[reader->lang], 255);
}

static void
begin_report(struct reader *reader)
{
	const struct hid *hid = &reader->hids[reader->item];

	if (reader->item >= reader->nhids) {
		end(reader, 0, "", "");
		return;
	}
	if (reader->how.claims == READER_CLAIMS &&
	    reader->how.usb->claim(reader->how.dev, hid->interface) != 0) {
		fail(reader, ERR_BUSY, "R7.report",
		    "its interface cannot be claimed");
		return;
	}
	ask(reader, SETUP_IN | SETUP_INTERFACE, SETUP_GET_DESCRIPTOR,
	    DESC_HID_REPORT << 8, hid->interface, hid->length);
}

static int
may_have_bos(const struct reader *reader)
{
	return reader->how.speed >= USBIP_SPEED_SUPER ||
	    le16_at(reader->how.rec->device + 2) >= 0x0201;
}

static void
begin_step(struct reader *reader)
{
	switch (reader->step) {
	case STEP_DEVICE:
		ask_descriptor(reader, DESC_DEVICE, 0, 0, DESC_DEVICE_SIZE);
		return;
	case STEP_CONFIG_HEAD:
		ask_descriptor(
		    reader, DESC_CONFIG, (uint8_t)reader->item, 0, 9);
		return;
	case STEP_CONFIG:
		ask_descriptor(reader, DESC_CONFIG, (uint8_t)reader->item, 0,
		    le16_at(reader->head + 2));
		return;
	case STEP_ACTIVE:
		ask(reader, SETUP_IN, SETUP_GET_CONFIGURATION, 0, 0, 1);
		return;
	case STEP_BOS_HEAD:
		if (!may_have_bos(reader)) {
			go(reader, STEP_QUALIFIER);
			return;
		}
		ask_descriptor(reader, DESC_BOS, 0, 0, 5);
		return;
	case STEP_BOS:
		ask_descriptor(
		    reader, DESC_BOS, 0, 0, le16_at(reader->head + 2));
		return;
	case STEP_QUALIFIER:
		if (reader->how.speed != USBIP_SPEED_HIGH) {
			go(reader, STEP_LANGUAGES);
			return;
		}
		ask_descriptor(reader, DESC_QUALIFIER, 0, 0, 10);
		return;
	case STEP_OTHER_HEAD:
		if (reader->item >= reader->how.rec->qualifier[8] ||
		    reader->item >= DESC_MAX_CONFIGS) {
			go(reader, STEP_LANGUAGES);
			return;
		}
		ask_descriptor(
		    reader, DESC_OTHER_SPEED, (uint8_t)reader->item, 0, 9);
		return;
	case STEP_OTHER:
		ask_descriptor(reader, DESC_OTHER_SPEED,
		    (uint8_t)reader->item, 0, le16_at(reader->head + 2));
		return;
	case STEP_LANGUAGES:
		ask_descriptor(reader, DESC_STRING, 0, 0, 255);
		return;
	case STEP_STRING:
		begin_string(reader);
		return;
	case STEP_REPORT:
		begin_report(reader);
		return;
	case STEP_END:
	case STEPS:
		return;
	}
}

/* ------------------------------------------------------------------------ */
/* Answers                                                                  */

static void
on_device(struct reader *reader, const uint8_t *raw, size_t len)
{
	struct devrec *rec = reader->how.rec;

	if (len != DESC_DEVICE_SIZE || raw[0] != DESC_DEVICE_SIZE ||
	    raw[1] != DESC_DEVICE) {
		fail_length(reader, "not 18 bytes");
		return;
	}
	memcpy(rec->device, raw, DESC_DEVICE_SIZE);
	if (raw[17] == 0 || raw[17] > DESC_MAX_CONFIGS) {
		fail(reader, ERR_FORMAT, "R2.configurations",
		    "not 1 to 8 configurations");
		return;
	}
	want_string(reader, raw[14]);
	want_string(reader, raw[15]);
	want_string(reader, raw[16]);
	go(reader, STEP_CONFIG_HEAD);
}

static void
on_config_head(struct reader *reader, const uint8_t *raw, size_t len)
{
	uint16_t total;

	if (len != 9 || raw[0] != 9 || raw[1] != DESC_CONFIG) {
		fail_length(reader, "not 9 bytes");
		return;
	}
	total = le16_at(raw + 2);
	if (total < 9 || total > BUFFER) {
		fail_length(reader, "wTotalLength below 9 or above 4096");
		return;
	}
	memcpy(reader->head, raw, 9);
	reader->step = STEP_CONFIG;
	begin_step(reader);
}

static void
on_config(struct reader *reader, const uint8_t *raw, size_t len)
{
	if (len != le16_at(reader->head + 2)) {
		fail_length(reader, "fewer bytes than its wTotalLength");
		return;
	}
	if (memcmp(raw, reader->head, 9) != 0) {
		fail(reader, ERR_FORMAT, "R8.changed",
		    "the second read differs from the first");
		return;
	}
	if (devrec_add_config(reader->how.rec, raw, len) != 0) {
		fail_length(reader, "more than a device record holds");
		return;
	}
	want_strings_of_config(reader, raw, len);
	reader->item++;
	if (reader->item < reader->how.rec->device[17]) {
		reader->step = STEP_CONFIG_HEAD;
		begin_step(reader);
	} else {
		go(reader, STEP_ACTIVE);
	}
}

static void
on_active(struct reader *reader, const uint8_t *raw, size_t len)
{
	if (len != 1) {
		fail_length(reader, "not 1 byte");
		return;
	}
	reader->how.rec->active_config = raw[0];
	list_hids(reader);
	go(reader, STEP_BOS_HEAD);
}

static void
on_bos_head(struct reader *reader, const uint8_t *raw, size_t len)
{
	uint16_t total;

	if (len < 5) {
		go(reader, STEP_QUALIFIER); /* refused: it has none */
		return;
	}
	total = le16_at(raw + 2);
	if (raw[0] != 5 || raw[1] != DESC_BOS || total < 5 ||
	    total > DEVREC_BOS_BYTES) {
		fail(reader, ERR_FORMAT, "R4.length", "not a BOS header");
		return;
	}
	memcpy(reader->head, raw, 5);
	reader->step = STEP_BOS;
	begin_step(reader);
}

static void
on_bos(struct reader *reader, const uint8_t *raw, size_t len)
{
	if (len != le16_at(reader->head + 2) ||
	    memcmp(raw, reader->head, 5) != 0) {
		fail(reader, ERR_FORMAT, "R4.length",
		    "not what its header announced");
		return;
	}
	if (devrec_set_bos(reader->how.rec, raw, len) != 0) {
		fail(reader, ERR_FORMAT, "R4.length",
		    "more than a device record holds");
		return;
	}
	go(reader, STEP_QUALIFIER);
}

static void
on_qualifier(struct reader *reader, const uint8_t *raw, size_t len)
{
	if (len == 10 && raw[0] == 10 && raw[1] == DESC_QUALIFIER) {
		memcpy(reader->how.rec->qualifier, raw, 10);
		reader->how.rec->has_qualifier = 1;
		go(reader, STEP_OTHER_HEAD);
		return;
	}
	go(reader, STEP_LANGUAGES);
}

/* Nothing uses these, so that one which is not sound is left out, with those
 * behind it: both looks leave out the same. */
static void
on_other_head(struct reader *reader, const uint8_t *raw, size_t len)
{
	uint16_t total;

	if (len != 9 || raw[0] != 9 || raw[1] != DESC_OTHER_SPEED) {
		go(reader, STEP_LANGUAGES);
		return;
	}
	total = le16_at(raw + 2);
	if (total < 9 || total > BUFFER) {
		go(reader, STEP_LANGUAGES);
		return;
	}
	memcpy(reader->head, raw, 9);
	reader->step = STEP_OTHER;
	begin_step(reader);
}

static void
on_other(struct reader *reader, const uint8_t *raw, size_t len)
{
	if (len < 9 || memcmp(raw, reader->head, 9) != 0 ||
	    devrec_add_other(reader->how.rec, raw, len) != 0) {
		go(reader, STEP_LANGUAGES);
		return;
	}
	reader->item++;
	reader->step = STEP_OTHER_HEAD;
	begin_step(reader);
}

/* A string as its bLength says: devices that send more than that are common;
 * one that is no string descriptor at all is as good as none. */
static size_t
string_length(const uint8_t *raw, size_t len)
{
	if (len < 2 || raw[1] != DESC_STRING || raw[0] < 2) {
		return 0;
	}
	return raw[0] < len ? raw[0] : len;
}

static void
on_languages(struct reader *reader, const uint8_t *raw, size_t len)
{
	size_t n = string_length(raw, len);

	if (n >= 4 &&
	    devrec_add_string(reader->how.rec, 0, 0, raw, n) == 0) {
		choose_languages(reader, raw, n);
	}
	go(reader, STEP_STRING);
}

static void
on_string(struct reader *reader, const uint8_t *raw, size_t len)
{
	size_t n = string_length(raw, len);

	if (n > 0) {
		/* what does not fit into the record is left out: the device
		 * works without it, and both looks leave out the same */
		(void)devrec_add_string(reader->how.rec,
		    (uint8_t)reader->item, reader->langids[reader->lang], raw,
		    n);
	}
	reader->lang++;
	if (reader->lang >= reader->nlangids) {
		reader->lang = 0;
		reader->item++;
	}
	begin_step(reader);
}

static void
on_report(struct reader *reader, const uint8_t *raw, size_t len)
{
	const struct hid *hid = &reader->hids[reader->item];

	if (len > 0 &&
	    devrec_add_report(reader->how.rec,
		reader->how.rec->active_config, hid->interface, raw,
		len) != 0) {
		fail(reader, ERR_FORMAT, "R7.report",
		    "more than a device record holds");
		return;
	}
	reader->item++;
	begin_step(reader);
}

typedef void answer_fn(struct reader *, const uint8_t *, size_t);

static const struct {
	answer_fn *answer;
	int is_required;
} steps[STEPS] = {
	[STEP_DEVICE] = {on_device, 1},
	[STEP_CONFIG_HEAD] = {on_config_head, 1},
	[STEP_CONFIG] = {on_config, 1},
	[STEP_ACTIVE] = {on_active, 1},
	[STEP_BOS_HEAD] = {on_bos_head, 0},
	[STEP_BOS] = {on_bos, 0},
	[STEP_QUALIFIER] = {on_qualifier, 0},
	[STEP_OTHER_HEAD] = {on_other_head, 0},
	[STEP_OTHER] = {on_other, 0},
	[STEP_LANGUAGES] = {on_languages, 0},
	[STEP_STRING] = {on_string, 0},
	[STEP_REPORT] = {on_report, 0},
};

/* No answer to a required request, or the device left. */
static int
is_fatal(struct reader *reader, const struct urb *urb)
{
	int is_required = steps[reader->step].is_required;

	switch (urb->result) {
	case URB_OK:
		return 0;
	case URB_STALL:
		if (is_required) {
			fail(reader, ERR_STALL, "R1.answer", "stalled");
		}
		return is_required;
	case URB_GONE:
		fail(reader, ERR_CLOSED, "R1.answer", "the device is gone");
		return 1;
	case URB_CANCELLED:
		if (is_required) {
			fail(reader, ERR_TIMEOUT, "R1.answer",
			    "no answer within 1 second");
		}
		return is_required;
	case URB_OVERFLOW:
	case URB_ERROR:
		break;
	}
	if (is_required) {
		fail(reader, ERR_FORMAT, "R1.answer",
		    urb->result == URB_OVERFLOW ? "more than was asked" :
						  "bus error");
	}
	return is_required;
}

int
reader_done(struct reader *reader, struct urb *urb)
{
	size_t len = urb->actual < urb->length ? urb->actual : urb->length;

	if (urb != &reader->urb) {
		return 0;
	}
	reader->in_flight = 0;
	loop_timer_stop(reader->timer);
	if (is_fatal(reader, urb)) {
		return 1;
	}
	steps[reader->step].answer(
	    reader, urb->data, urb->result == URB_OK ? len : 0);
	return 1;
}

int
reader_new(struct reader **outp, const struct reader_how *how)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	*outp = NULL;
	if (reader == NULL) {
		return ERR_NOMEM;
	}
	reader->how = *how;
	reader->timer = loop_timer_new(how->loop, on_timer, reader);
	if (reader->timer == NULL) {
		free(reader);
		return ERR_NOMEM;
	}
	devrec_init(how->rec);
	how->rec->speed = how->speed;
	loop_timer_set(reader->timer, 0);
	*outp = reader;
	return 0;
}

void
reader_free(struct reader *reader)
{
	if (reader == NULL) {
		return;
	}
	loop_timer_free(reader->timer);
	free(reader);
}
