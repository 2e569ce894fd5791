/*
 * Members of a device's JSON that have parts of their own: interfaces with
 * their numbers, hubs, digests. As strict as the rest: a part that is not known
 * is an error.
 */
#include <jansson.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/tool/json.h"

int
json_hex(const char *text, size_t digits, unsigned *out)
{
	*out = 0;
	if (strspn(text, "0123456789abcdefABCDEF") < digits) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < digits; i++) {
		char c = text[i];
		unsigned v = c <= '9' ? (unsigned)(c - '0')
				      : (unsigned)((c | 0x20) - 'a' + 10);

		*out = *out << 4 | v;
	}
	return 0;
}

int
json_read_id(uint16_t *vid, uint16_t *pid, const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned v, p;

	if (text == NULL || strlen(text) != 9 || text[4] != ':' ||
	    json_hex(text, 4, &v) != 0 || json_hex(text + 5, 4, &p) != 0) {
		return ERR_FORMAT;
	}
	*vid = (uint16_t)v;
	*pid = (uint16_t)p;
	return 0;
}

int
json_read_triple(struct rule_interface *out, const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned v[3];

	if (text == NULL || strlen(text) != 8 || text[2] != ':' ||
	    text[5] != ':' || json_hex(text, 2, &v[0]) != 0 ||
	    json_hex(text + 3, 2, &v[1]) != 0 ||
	    json_hex(text + 6, 2, &v[2]) != 0) {
		return ERR_FORMAT;
	}
	*out = (struct rule_interface){.class = (uint8_t)v[0],
	    .subclass = (uint8_t)v[1],
	    .protocol = (uint8_t)v[2]};
	return 0;
}

static int
read_byte(uint8_t *out, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > 255) {
		return ERR_FORMAT;
	}
	*out = (uint8_t)n;
	return 0;
}

static int
read_hid(uint8_t *out, const json_t *list)
{
	static const struct {
		const char *word;
		enum rule_hid bit;
	} words[] = {
		{"keyboard", RULE_HID_KEYBOARD},
		{"mouse", RULE_HID_MOUSE},
		{"fido", RULE_HID_FIDO},
		{"other", RULE_HID_OTHER},
	};

	if (!json_is_array(list)) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		size_t k = 0;

		while (k < ARRAY_LEN(words) &&
		    (text == NULL || strcmp(text, words[k].word) != 0)) {
			k++;
		}
		if (k == ARRAY_LEN(words)) {
			return ERR_FORMAT;
		}
		*out |= (uint8_t)words[k].bit;
	}
	return 0;
}

static int
read_interface(struct rule_interface *out, json_t *o)
{
	const char *key;
	json_t *value;
	int r = json_read_triple(out, json_object_get(o, "class"));

	json_object_foreach (o, key, value) {
		if (r != 0) {
			break;
		}
		if (strcmp(key, "config") == 0) {
			r = read_byte(&out->config, value);
		} else if (strcmp(key, "number") == 0) {
			r = read_byte(&out->number, value);
		} else if (strcmp(key, "hid") == 0) {
			r = read_hid(&out->hid, value);
		} else if (strcmp(key, "class") != 0) {
			r = ERR_FORMAT;
		}
	}
	return r;
}

int
json_read_interface_list(struct rule_device *out,
    struct rule_device_store *store, const json_t *list)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > RULE_INTERFACES_MAX) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		int r = read_interface(
		    &store->interfaces[i], json_array_get(list, i));

		if (r != 0) {
			return r;
		}
	}
	out->ninterfaces = n;
	return 0;
}

static int
read_hub(struct rule_ancestor *hub, struct rule_hub_store *texts, json_t *o)
{
	const char *key;
	json_t *value;
	int r = json_read_id(&hub->vid, &hub->pid, json_object_get(o, "id"));

	json_object_foreach (o, key, value) {
		if (r != 0) {
			break;
		}
		if (strcmp(key, "hash") == 0) {
			r = json_copy_text(
			    value, texts->hash, sizeof(texts->hash));
		} else if (strcmp(key, "via_port") == 0) {
			r = json_copy_text(
			    value, texts->via_port, sizeof(texts->via_port));
		} else if (strcmp(key, "stable_port") == 0) {
			r = json_copy_text(value, texts->stable_port,
			    sizeof(texts->stable_port));
		} else if (strcmp(key, "id") != 0) {
			r = ERR_FORMAT;
		}
	}
	return r;
}

int
json_read_ancestors(struct rule_device *out, struct rule_device_store *store,
    const json_t *list)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > RULE_ANCESTORS) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		int r = read_hub(rule_device_hub(store, i), &store->hubs[i],
		    json_array_get(list, i));

		if (r != 0) {
			return r;
		}
	}
	out->ancestors = store->ancestors;
	out->nancestors = n;
	return 0;
}

int
json_sha256(uint8_t out[32], const char *text)
{
	unsigned byte;

	if (strlen(text) != 64) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < 32; i++) {
		if (json_hex(text + 2 * i, 2, &byte) != 0) {
			return ERR_FORMAT;
		}
		out[i] = (uint8_t)byte;
	}
	return 0;
}

int
json_read_sha256(uint8_t out[32], const json_t *value)
{
	const char *text = json_string_value(value);

	return text == NULL ? ERR_FORMAT : json_sha256(out, text);
}

int
json_read_reports(struct rule_device *out, struct rule_device_store *store,
    const json_t *list)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > DEVREC_REPORTS) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		int r = json_read_sha256(
		    store->reports[i], json_array_get(list, i));

		if (r != 0) {
			return r;
		}
	}
	out->reports = (const uint8_t(*)[32])store->reports;
	out->nreports = n;
	return 0;
}
