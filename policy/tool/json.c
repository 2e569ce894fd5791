/*
 * Devices and identities out of JSON files, strictly: a member that is not
 * known is an error for a device, since it may be a misspelt one.
 */
#include "policy/tool/device.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/identity.h"
#include "policy/tool/json.h"

#define JSON_MAX (1u << 20)

int
json_read_object(json_t **out, const char *path)
{
	json_error_t error;
	char *text = NULL, why[128];
	size_t len = 0;
	int r = files_read_text(path, JSON_MAX, &text, &len, why, sizeof(why));

	*out = NULL;
	if (r != 0) {
		cmd_warn("read: %s: %s", path, why);
		return r;
	}
	*out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (*out == NULL) {
		cmd_warn("read: %s:%d:%d: %s", path, error.line, error.column,
		    error.text);
		return ERR_FORMAT;
	}
	if (!json_is_object(*out)) {
		cmd_warn("read: %s: expected one JSON object", path);
		json_decref(*out);
		*out = NULL;
		return ERR_FORMAT;
	}
	return 0;
}

int
json_copy_text(const json_t *value, char *dst, size_t size)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) >= size ||
	    strlen(text) != json_string_length(value)) {
		return ERR_FORMAT;
	}
	memcpy(dst, text, strlen(text) + 1);
	return 0;
}

/* --- a device --- */

static int
read_flag(const json_t *value, uint8_t *out)
{
	*out = json_is_true(value);
	return json_is_boolean(value) ? 0 : ERR_FORMAT;
}

/* "03:01:01": the first is interface 0 of the first configuration. */
static int
read_interfaces(struct device *dev, const json_t *list)
{
	size_t i;
	json_t *value;

	if (!json_is_array(list)) {
		return ERR_FORMAT;
	}
	json_array_foreach (list, i, value) {
		char text[64];

		if (json_copy_text(value, text, sizeof(text)) != 0 ||
		    device_add_interface(dev, text) != 0) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

/* What only the gateway knows; and what it says beside, which no rule asks for.
 */
static int
read_more(struct device *dev, const char *key, const json_t *value,
    const char **expected)
{
	static const char *const ignored[] = {"busid", "state", "stable",
	    "refused", "holder", "connection", "rule", "lease_seconds",
	    "idle_seconds", "held_for", "held_seconds", "verdict", "verdicts",
	    "quarantined"};
	struct rule_device *out = &dev->facts;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		if (strcmp(key, ignored[i]) == 0) {
			return 0;
		}
	}
	if (strcmp(key, "interface_list") == 0) {
		*expected = "an array of {\"class\": \"03:01:01\", "
			    "\"config\": 0, \"number\": 0, \"hid\": "
			    "[\"keyboard\"]}";
		return json_read_interface_list(out, &dev->store, value);
	}
	if (strcmp(key, "ancestors") == 0) {
		*expected = "an array of {\"id\": \"1234:5678\", \"hash\": "
			    "\"\", \"via_port\": \"3-2\", \"stable_port\": "
			    "\"\"}";
		return json_read_ancestors(out, &dev->store, value);
	}
	if (strcmp(key, "reports") == 0) {
		*expected = "an array of 64 hexadecimal digits each";
		return json_read_reports(out, &dev->store, value);
	}
	if (strcmp(key, "plugged") == 0) {
		*expected = "seconds since 1970";
		out->plugged = json_integer_value(value);
		return json_is_integer(value) ? 0 : ERR_FORMAT;
	}
	if (strcmp(key, "ambiguous") == 0 || strcmp(key, "first_seen") == 0) {
		*expected = "true or false";
		return read_flag(value, *key == 'a' ? &out->is_ambiguous :
						       &out->is_first_seen);
	}
	*expected = "id, name, manufacturer, serial, hash, parent_hash, "
		    "via_port, stable_port, connect_type, release, speed, "
		    "interfaces or a member that sallyctl prints";
	return ERR_NOENT;
}

static int
read_member(struct device *dev, const char *key, json_t *value,
    const char **expected)
{
	/* as they are called in JSON and in words */
	static const char *const names[][2] = {
		{"id", "id"}, {"name", "name"},
		{"manufacturer", "manufacturer"}, {"serial", "serial"},
		{"hash", "hash"}, {"parent_hash", "parent-hash"},
		{"via_port", "via-port"}, {"stable_port", "stable-port"},
		{"connect_type", "with-connect-type"},
		{"release", "release"}, {"speed", "speed"},
		{"desc_sha256", "desc"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[RULE_TEXT];

		if (strcmp(key, names[i][0]) != 0) {
			continue;
		}
		*expected = "a text that is not too long";
		if (json_copy_text(value, text, sizeof(text)) != 0) {
			return ERR_FORMAT;
		}
		return device_set(dev, names[i][1], text, expected);
	}
	if (strcmp(key, "interfaces") == 0) {
		*expected = "an array of \"03:01:01\"";
		/* the list, where there is one, says more of the same */
		return dev->facts.ninterfaces > 0 ? 0 :
						    read_interfaces(dev, value);
	}
	return read_more(dev, key, value, expected);
}

int
device_take_json(struct device *dev, json_t *top, const char *path)
{
	const char *key, *expected = "";
	json_t *value;
	int r = 0;

	if (json_object_get(top, "id") == NULL) {
		cmd_warn("read: %s: no \"id\"; expected \"id\": "
			 "\"1234:5678\"",
		    path);
		r = ERR_FORMAT;
	}
	json_object_foreach (top, key, value) {
		int e = read_member(dev, key, value, &expected);

		if (e == ERR_NOENT) {
			cmd_warn("read: %s: unknown member \"%s\"; expected "
				 "%s",
			    path, key, expected);
		} else if (e != 0) {
			cmd_warn("read: %s: \"%s\": expected %s", path, key,
			    expected);
		}
		r = r != 0 ? r : e;
	}
	return r;
}

int
device_read_json(struct device *dev, const char *path)
{
	json_t *top;
	int r = json_read_object(&top, path);

	if (r == 0) {
		r = device_take_json(dev, top, path);
		json_decref(top);
	}
	return r;
}

/* --- an identity --- */

static int
read_list(struct x509_facts *facts, const json_t *top, const char *key,
    const char *prefix)
{
	const json_t *list = json_object_get(top, key);
	size_t i;
	json_t *value;

	if (list == NULL || json_is_null(list)) {
		return 0;
	}
	if (!json_is_array(list)) {
		return ERR_FORMAT;
	}
	json_array_foreach (list, i, value) {
		int r = json_is_string(value) ?
		    identity_add(facts, prefix, json_string_value(value),
			json_string_length(value)) :
		    ERR_FORMAT;

		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
read_fact(struct x509_facts *facts, const json_t *top, const char *key,
    const char *prefix)
{
	const json_t *value = json_object_get(top, key);

	if (value == NULL || json_is_null(value)) {
		return 0;
	}
	return json_is_string(value) ?
	    identity_add(facts, prefix, json_string_value(value),
		json_string_length(value)) :
	    ERR_FORMAT;
}

int
identity_read_json(struct x509_facts *facts, const char *path)
{
	static const struct {
		const char *key, *prefix;
		int is_list;
	} members[] = {
		{"cn", "cn", 0},
		{"issuer", "issuer", 0},
		{"issuer_key_sha256", "issuer:sha256", 0},
		{"fingerprint", "", 0},
		{"dns", "dns", 1},
		{"uri", "uri", 1},
		{"ip", "ip", 1},
		{"ou", "ou", 1},
	};
	size_t found = 0;
	json_t *top;
	int r = json_read_object(&top, path);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(members); i++) {
		const char *key = members[i].key;

		found += json_object_get(top, key) != NULL;
		r = members[i].is_list ?
		    read_list(facts, top, key, members[i].prefix) :
		    read_fact(facts, top, key, members[i].prefix);
		if (r != 0) {
			cmd_warn("read: %s: \"%s\": %s", path, key,
			    r == ERR_LIMIT ? "too many, or too long" :
			    members[i].is_list ? "expected an array of texts" :
						 "expected a text");
		}
	}
	if (r == 0 && found == 0) {
		cmd_warn("read: %s: no facts of a certificate; expected what "
			 "sallyport-certs show --json prints",
		    path);
		r = ERR_FORMAT;
	}
	json_decref(top);
	return r;
}
