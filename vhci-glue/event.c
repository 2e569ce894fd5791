/*
 * The events protocol, read. Runs in sallyport-reader, which has no privileges
 * and no network: the bytes come from a gateway through the relay.
 */
#include "vhci-glue/event.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/usbip_check.h"

/* A text of at most size - 1 bytes; longer ones are cut, since they are only
 * shown. None is "". */
static void
get_text(char *dst, size_t size, const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	size_t len = text != NULL ? strnlen(text, size - 1) : 0;

	memcpy(dst, text != NULL ? text : "", len);
	dst[len] = '\0';
}

/* digits hexadecimal digits and no more. */
static int
get_hex(const char **p, unsigned digits, unsigned *out)
{
	*out = 0;
	for (unsigned i = 0; i < digits; i++, (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9') {
			*out = *out << 4 | (unsigned)(c - '0');
		} else if (c >= 'a' && c <= 'f') {
			*out = *out << 4 | (unsigned)(c - 'a' + 10);
		} else {
			return ERR_FORMAT;
		}
	}
	return 0;
}

static int
get_id(const json_t *o, const char *name, uint16_t *out)
{
	const char *p = json_string_value(json_object_get(o, name));
	unsigned value;

	if (p == NULL || get_hex(&p, 4, &value) != 0 || *p != '\0') {
		return ERR_FORMAT;
	}
	*out = (uint16_t)value;
	return 0;
}

static int
get_triple(const json_t *value, uint8_t *a, uint8_t *b, uint8_t *c)
{
	const char *p = json_string_value(value);
	uint8_t *to[] = {a, b, c};
	unsigned n;

	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		if (p == NULL || (i > 0 && *p++ != ':') ||
		    get_hex(&p, 2, &n) != 0) {
			return ERR_FORMAT;
		}
		*to[i] = (uint8_t)n;
	}
	return *p == '\0' ? 0 : ERR_FORMAT;
}

static int
get_interfaces(const json_t *list, struct ipc_item *item)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > DESC_MAX_INTERFACES) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		struct usbip_interface *f = &item->interfaces[i];

		if (get_triple(json_array_get(list, i), &f->class,
			&f->subclass, &f->protocol) != 0) {
			return ERR_FORMAT;
		}
	}
	item->ninterfaces = item->dev.ninterfaces = (uint8_t)n;
	return 0;
}

static int
word_of(const json_t *o, const char *name, const char *const *words, size_t n)
{
	const char *text = json_string_value(json_object_get(o, name));

	for (size_t i = 0; text != NULL && i < n; i++) {
		if (words[i] != NULL && strcmp(words[i], text) == 0) {
			return (int)i;
		}
	}
	return 0;
}

static int
get_name(const json_t *o, struct ipc_watch *w)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	if (name == NULL || *name == '\0' ||
	    strlen(name) >= sizeof(w->name)) {
		return ERR_FORMAT;
	}
	for (const char *p = name; *p != '\0'; p++) {
		if (*p <= 0x20 || *p >= 0x7f) {
			return ERR_FORMAT;
		}
	}
	memcpy(w->name, name, strlen(name) + 1);
	return 0;
}

/* Name and bus id, which every word about a device has. */
static int
get_names(const json_t *o, struct ipc_watch *w)
{
	const char *busid = json_string_value(json_object_get(o, "busid"));
	struct usbip_device *dev = &w->item.dev;

	if (get_name(o, w) != 0 || busid == NULL ||
	    strlen(busid) >= sizeof(dev->busid)) {
		return ERR_FORMAT;
	}
	memcpy(dev->busid, busid, strlen(busid) + 1);
	return usbip_check_busid(dev->busid);
}

static int
say_device(const json_t *o, uint8_t kind, event_cb *cb, void *arg)
{
	static const char *const states[] = {
		[IPC_WATCH_FREE] = "free",
		[IPC_WATCH_YOURS] = "yours",
		[IPC_WATCH_BUSY] = "busy",
		[IPC_WATCH_PENDING] = "needs-approval",
	};
	static const char *const speeds[] = {
		[USBIP_SPEED_LOW] = "low",
		[USBIP_SPEED_FULL] = "full",
		[USBIP_SPEED_HIGH] = "high",
		[USBIP_SPEED_SUPER] = "super",
		[USBIP_SPEED_SUPER_PLUS] = "super+",
	};
	static struct ipc_watch w;
	struct ipc_item *item = &w.item;

	memset(&w, 0, sizeof(w));
	w.kind = kind;
	w.state = (uint8_t)word_of(o, "state", states, ARRAY_LEN(states));
	if (w.state == IPC_WATCH_NONE) {
		w.state = IPC_WATCH_BUSY; /* a state of a later version */
	}
	if (w.state == IPC_WATCH_PENDING) {
		get_text(w.approver, sizeof(w.approver), o, "approver");
	}
	item->dev.speed = (uint32_t)word_of(
	    o, "speed", speeds, ARRAY_LEN(speeds));
	if (get_names(o, &w) != 0 || get_id(o, "vid", &item->dev.vid) != 0 ||
	    get_id(o, "pid", &item->dev.pid) != 0 ||
	    get_id(o, "release", &item->dev.bcd_device) != 0 ||
	    get_triple(json_object_get(o, "class"), &item->dev.class,
		&item->dev.subclass, &item->dev.protocol) != 0 ||
	    get_interfaces(json_object_get(o, "interfaces"), item) != 0) {
		return ERR_FORMAT;
	}
	get_text(item->manufacturer, sizeof(item->manufacturer), o,
	    "manufacturer");
	get_text(item->product, sizeof(item->product), o, "product");
	get_text(item->serial, sizeof(item->serial), o, "serial");
	return cb(arg, &w);
}

static int
say_plain(uint8_t kind, event_cb *cb, void *arg)
{
	static struct ipc_watch w;

	memset(&w, 0, sizeof(w));
	w.kind = kind;
	return cb(arg, &w);
}

static int
on_hello(const json_t *o, event_cb *cb, void *arg)
{
	const json_t *version = json_object_get(o, "protocol");

	(void)cb;
	(void)arg;
	return json_is_integer(version) && json_integer_value(version) == 1
	    ? 0
	    : ERR_PEER;
}

static int
on_devices(const json_t *o, event_cb *cb, void *arg)
{
	const json_t *list = json_object_get(o, "devices");
	int r = json_is_array(list) ? 0 : ERR_FORMAT;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		r = say_device(
		    json_array_get(list, i), IPC_WATCH_LISTED, cb, arg);
	}
	if (r == 0 && !json_is_true(json_object_get(o, "more"))) {
		r = say_plain(IPC_WATCH_READY, cb, arg);
	}
	return r;
}

static int
on_appeared(const json_t *o, event_cb *cb, void *arg)
{
	return say_device(
	    json_object_get(o, "device"), IPC_WATCH_APPEARED, cb, arg);
}

static int
on_changed(const json_t *o, event_cb *cb, void *arg)
{
	return say_device(
	    json_object_get(o, "device"), IPC_WATCH_CHANGED, cb, arg);
}

static int
on_gone(const json_t *o, event_cb *cb, void *arg)
{
	static struct ipc_watch w;

	memset(&w, 0, sizeof(w));
	w.kind = IPC_WATCH_GONE;
	return get_names(o, &w) != 0 ? ERR_FORMAT : cb(arg, &w);
}

static int
on_policy(const json_t *o, event_cb *cb, void *arg)
{
	(void)o;
	return say_plain(IPC_WATCH_POLICY, cb, arg);
}

/* It names the device that it is about, if any. */
static int
on_message(const json_t *o, event_cb *cb, void *arg)
{
	const char *text = json_string_value(json_object_get(o, "text"));
	static struct ipc_watch w;

	memset(&w, 0, sizeof(w));
	w.kind = IPC_WATCH_MESSAGE;
	if (text == NULL ||
	    (json_object_get(o, "name") != NULL && get_name(o, &w) != 0)) {
		return ERR_FORMAT;
	}
	get_text(w.text, sizeof(w.text), o, "text");
	return cb(arg, &w);
}

/* Digits and nothing else; ipc_encode_watch says so again. */
static int
on_challenge(const json_t *o, event_cb *cb, void *arg)
{
	const char *digits = json_string_value(json_object_get(o, "digits"));
	const json_t *within = json_object_get(o, "within");
	static struct ipc_watch w;

	memset(&w, 0, sizeof(w));
	w.kind = IPC_WATCH_CHALLENGE;
	if (digits == NULL || strlen(digits) > 15 ||
	    digits[strspn(digits, "0123456789")] != '\0' ||
	    get_name(o, &w) != 0) {
		return ERR_FORMAT;
	}
	memcpy(w.text, digits, strlen(digits) + 1);
	if (json_is_integer(within) && json_integer_value(within) > 0 &&
	    json_integer_value(within) <= UINT16_MAX) {
		w.within = (uint16_t)json_integer_value(within);
	}
	return cb(arg, &w);
}

static const struct {
	const char *type;
	int (*say)(const json_t *o, event_cb *cb, void *arg);
} types[] = {
	{"hello", on_hello},
	{"devices", on_devices},
	{"appeared", on_appeared},
	{"changed", on_changed},
	{"gone", on_gone},
	{"policy", on_policy},
	{"message", on_message},
	{"challenge", on_challenge},
};

int
event_parse(const struct ipc_line *line, event_cb *cb, void *arg)
{
	const char *type;
	int r = ERR_FORMAT;
	json_t *o;

	/* jansson bounds its own recursion, and a line is short */
	o = json_loadb(line->text, line->len, JSON_REJECT_DUPLICATES, NULL);
	type = json_string_value(json_object_get(o, "type"));
	if (type != NULL) {
		r = 0;
	}
	for (size_t i = 0; type != NULL && i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].type, type) == 0) {
			r = types[i].say(o, cb, arg);
		}
	}
	json_decref(o);
	return r;
}
