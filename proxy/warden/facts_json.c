/*
 * The facts of a device for `sallyctl --json devices', in the words that
 * sallyport-policy reads, made by jansson in the warden.
 */
#include "proxy/warden/warden.h"

#include <jansson.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/mem.h"

static void
put(json_t *o, const char *name, json_t *value)
{
	(void)json_object_set_new(o, name, value);
}

static json_t *
hex(const uint8_t sum[32])
{
	char text[65];

	return json_string(digest_hex(text, sizeof(text), sum, 32));
}

static json_t *
id(unsigned vid, unsigned pid)
{
	char text[16];

	(void)snprintf(
	    text, sizeof(text), "%04x:%04x", vid & 0xffff, pid & 0xffff);
	return json_string(text);
}

static json_t *
hid_words(unsigned bits)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
		{RULE_HID_KEYBOARD, "keyboard"},
		{RULE_HID_MOUSE, "mouse"},
		{RULE_HID_FIDO, "fido"},
		{RULE_HID_OTHER, "other"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if ((bits & words[i].bit) != 0) {
			(void)json_array_append_new(
			    list, json_string(words[i].word));
		}
	}
	return list;
}

static json_t *
interface_list(const struct rule_device *dev)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dev->ninterfaces; i++) {
		const struct rule_interface *f = &dev->interfaces[i];
		char text[16];
		json_t *o = json_object();

		(void)snprintf(text, sizeof(text), "%02x:%02x:%02x", f->class,
		    f->subclass, f->protocol);
		put(o, "class", json_string(text));
		put(o, "config", json_integer(f->config));
		put(o, "number", json_integer(f->number));
		if (f->hid != 0) {
			put(o, "hid", hid_words(f->hid));
		}
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
ancestors(const struct rule_device *dev)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dev->nancestors; i++) {
		const struct rule_ancestor *hub = &dev->ancestors[i];
		json_t *o = json_object();

		put(o, "id", id(hub->vid, hub->pid));
		put(o, "hash", json_string(hub->hash));
		put(o, "via_port", json_string(hub->via_port));
		put(o, "stable_port", json_string(hub->stable_port));
		(void)json_array_append_new(list, o);
	}
	return list;
}

void
facts_put_json(json_t *o, const struct device *dev)
{
	const struct rule_device *facts = &dev->facts;
	const char *speed = rule_speed_name(facts->speed);
	json_t *reports = json_array();
	char release[8];

	(void)snprintf(release, sizeof(release), "%x.%02x",
	    facts->bcd_device >> 8, facts->bcd_device & 0xff);
	put(o, "release", json_string(release));
	if (speed != NULL) {
		put(o, "speed", json_string(speed));
	}
	put(o, "via_port", json_string(facts->via_port));
	put(o, "stable_port", json_string(facts->stable_port));
	put(o, "desc_sha256", hex(facts->desc_sha256));
	for (size_t i = 0; i < facts->nreports; i++) {
		(void)json_array_append_new(reports, hex(facts->reports[i]));
	}
	put(o, "reports", reports);
	put(o, "interface_list", interface_list(facts));
	put(o, "ancestors", ancestors(facts));
	put(o, "plugged", json_integer(facts->plugged));
	put(o, "ambiguous", json_boolean(facts->is_ambiguous));
	put(o, "first_seen", json_boolean(facts->is_first_seen));
}
