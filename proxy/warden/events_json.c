/*
 * The lines of the events protocol (docs/PROTOCOL.md), made and read by jansson
 * in the warden. What is made is ASCII; texts in it are the devices' own and
 * hostile. What is read comes from a workstation and is hostile, too.
 */
#include "proxy/warden/warden.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define COMPACT (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII)

/* Both texts are words of the protocol. */
static const char *
speed_word(unsigned speed)
{
	static const char *const words[] = {
		[USBIP_SPEED_LOW] = "low",
		[USBIP_SPEED_FULL] = "full",
		[USBIP_SPEED_HIGH] = "high",
		[USBIP_SPEED_SUPER] = "super",
		[USBIP_SPEED_SUPER_PLUS] = "super+",
	};

	return speed < ARRAY_LEN(words) && words[speed] != NULL ? words[speed]
								: "unknown";
}

static const char *
state_word(const struct session *s, const struct device *dev)
{
	if (dev->state == DEVICE_READY && !device_is_held_from(dev, s->who)) {
		return "free";
	}
	return dev->holder != NULL &&
		strcmp(dev->holder->identity, s->identity) == 0
	    ? "yours"
	    : "busy";
}

static void
put(json_t *o, const char *name, json_t *value)
{
	(void)json_object_set_new(o, name, value);
}

/* A device's text: as it is when it is UTF-8, else escaped. */
static void
put_text(json_t *o, const char *name, const char *text)
{
	char safe[4 * IDENTITY_TEXT + 1];
	json_t *value = json_string(text);

	if (value == NULL) {
		log_escape(safe, sizeof(safe), text, strlen(text));
		value = json_string(safe);
	}
	put(o, name, value);
}

/* The short name of who has it, or will until its hold is over. */
static void
put_holder(json_t *o, const struct device *dev)
{
	if (dev->holder != NULL) {
		put_text(o, "holder", identity_short(&dev->holder->facts));
	} else if (dev->plug != NULL && plug_is_held(dev->plug)) {
		put_text(o, "holder", dev->plug->hold.name);
	}
}

static void
put_hex(json_t *o, const char *name, unsigned value)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%04x", value & 0xffff);
	put(o, name, json_string(text));
}

static json_t *
triple(unsigned class, unsigned subclass, unsigned protocol)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x", class & 0xff,
	    subclass & 0xff, protocol & 0xff);
	return json_string(text);
}

static char *
dump(json_t *o)
{
	char *text = json_dumps(o, COMPACT);

	json_decref(o);
	return text;
}

char *
events_json_hello(void)
{
	return dump(json_pack("{s:s, s:i, s:s, s:i, s:i}", "type", "hello",
	    "protocol", 1, "server", "sallyport " SALLYPORT_VERSION,
	    "heartbeat", 5, "silence", 15));
}

char *
events_json_device(const struct session *s, const struct device *dev,
    const char *approver, const struct rule_exposure *exposes)
{
	const char *state =
	    approver != NULL ? "needs-approval" : state_word(s, dev);
	json_t *o, *faces;
	struct ipc_item item;

	if (item_fill(&item, dev, exposes) != 0) {
		return NULL;
	}
	o = json_object();
	faces = json_array();
	put(o, "name", json_string(dev->name));
	put(o, "busid", json_string(dev->place.busid));
	put(o, "state", json_string(state));
	if (approver != NULL) {
		put_text(o, "approver", approver);
	} else if (dev->warden->conf.tell_holder &&
	    strcmp(state, "busy") == 0) {
		put_holder(o, dev);
	}
	put_hex(o, "vid", item.dev.vid);
	put_hex(o, "pid", item.dev.pid);
	put_hex(o, "release", item.dev.bcd_device);
	put(o, "class",
	    triple(item.dev.class, item.dev.subclass, item.dev.protocol));
	for (unsigned i = 0; i < item.ninterfaces; i++) {
		(void)json_array_append_new(faces,
		    triple(item.interfaces[i].class,
			item.interfaces[i].subclass,
			item.interfaces[i].protocol));
	}
	put(o, "interfaces", faces);
	put(o, "speed", json_string(speed_word(dev->place.speed)));
	put_text(o, "manufacturer", item.manufacturer);
	put_text(o, "product", item.product);
	put_text(o, "serial", item.serial);
	return dump(o);
}

char *
events_json_about(const char *type, const char *device)
{
	char *text = NULL;

	/* device is JSON of ours already */
	return asprintf(&text, "{\"type\":\"%s\",\"device\":%s}", type,
		   device) < 0
	    ? NULL
	    : text;
}

char *
events_json_gone(const char *name, const char *busid)
{
	return dump(json_pack("{s:s, s:s, s:s}", "type", "gone", "name", name,
	    "busid", busid));
}

char *
events_json_message(const char *name, const char *text)
{
	json_t *o = json_pack("{s:s}", "type", "message");

	put_text(o, "text", text);
	if (*name != '\0') {
		put(o, "name", json_string(name));
	}
	return dump(o);
}

char *
events_json_challenge(const char *name, const char *digits, unsigned within)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "type", "challenge", "name",
	    name, "digits", digits);

	if (within != 0) {
		put(o, "within", json_integer(within));
	}
	return dump(o);
}

/* A text without blanks and control characters, "" if it is not there. */
static int
read_name(json_t *o, const char *name, char *out, size_t size)
{
	json_t *value = json_object_get(o, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (value == NULL) {
		return 0;
	}
	if (text == NULL || len >= size) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == 0x7f) {
			return ERR_FORMAT;
		}
	}
	memcpy(out, text, len + 1);
	return 0;
}

void
events_json_parse(const struct ipc_line *line, struct events_said *out)
{
	json_t *o = json_loadb(
	    line->text, line->len, JSON_REJECT_DUPLICATES, NULL);
	const char *word = json_string_value(json_object_get(o, "type"));
	const char *state = json_string_value(json_object_get(o, "state"));
	json_t *number = json_object_get(o, "protocol");

	*out = (struct events_said){.protocol = 0};
	out->is_bad =
	    read_name(o, "seat", out->desk.seat, sizeof(out->desk.seat)) !=
		0 ||
	    read_name(o, "user", out->desk.user, sizeof(out->desk.user)) != 0;
	if (word != NULL && strlen(word) < sizeof(out->type)) {
		memcpy(out->type, word, strlen(word) + 1);
	}
	if (state != NULL) {
		out->desk.lock = strcmp(state, "locked") == 0 ? RULE_LOCKED
		    : strcmp(state, "unlocked") == 0	 ? RULE_UNLOCKED
							 : RULE_LOCK_UNKNOWN;
	}
	if (json_is_integer(number) && json_integer_value(number) > 0 &&
	    json_integer_value(number) < 1000) {
		out->protocol = (long)json_integer_value(number);
	}
	json_decref(o);
}
