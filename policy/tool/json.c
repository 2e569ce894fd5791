/*
 * Devices and identities out of JSON files, strictly: a member that is not
 * known is an error for a device, since it may be a misspelt one.
 */
#include "policy/tool/device.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/identity.h"
#include "policy/tool/json.h"

#define JSON_MAX (1u << 20)

int
json_read_object(json_t **out, const char *path)
{
	json_error_t error;
	uint8_t *text = NULL;
	size_t len = 0;
	int r = file_read(path, JSON_MAX, FILE_PUBLIC, &text, &len);

	*out = NULL;
	if (r == ERR_NOENT) {
		cmd_warn("open: %s: no such file", path);
		return r;
	}
	if (r != 0) {
		cmd_warn("read: %s: %s", path, err_str(r));
		return r;
	}
	*out = json_loadb(
	    (const char *)text, len, JSON_REJECT_DUPLICATES, &error);
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

/* "1.10" or "0110" */
static int
read_release(struct rule_device *out, const json_t *value)
{
	const char *text = json_string_value(value);
	const char *dot = text != NULL ? strchr(text, '.') : NULL;
	size_t major_len = dot != NULL ? (size_t)(dot - text) : 2;
	unsigned major, minor;

	if (text == NULL || major_len < 1 || major_len > 2 ||
	    strlen(text) != major_len + (dot != NULL) + 2 ||
	    json_hex(text, major_len, &major) != 0 ||
	    json_hex(text + major_len + (dot != NULL), 2, &minor) != 0) {
		return ERR_FORMAT;
	}
	out->bcd_device = (uint16_t)(major << 8 | minor);
	return 0;
}

static int
read_speed(struct rule_device *out, const json_t *value)
{
	static const char *const names[] = {"unknown", "low", "full", "high",
	    "wireless", "super", "super-plus"};
	const char *text = json_string_value(value);

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			out->speed = (uint8_t)i;
			return 0;
		}
	}
	return ERR_FORMAT;
}

static int
read_interfaces(struct rule_device *out, struct rule_device_store *store,
    const json_t *value)
{
	size_t n = json_array_size(value);

	if (!json_is_array(value) || n > RULE_INTERFACES_MAX) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++) {
		int r = json_read_triple(
		    &store->interfaces[i], json_array_get(value, i));

		if (r != 0) {
			return r;
		}
	}
	out->ninterfaces = n;
	return 0;
}

static int
read_flag(uint8_t *out, const json_t *value)
{
	*out = json_is_true(value);
	return json_is_boolean(value) ? 0 : ERR_FORMAT;
}

/* What only the gateway knows; and what it says beside, which no rule asks for.
 */
static int
read_more(struct rule_device *out, struct rule_device_store *store,
    const char *key, const json_t *value, const char **expected)
{
	static const char *const ignored[] = {"busid", "state", "stable",
	    "refused", "holder", "connection"};

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		if (strcmp(key, ignored[i]) == 0) {
			return 0;
		}
	}
	if (strcmp(key, "interface_list") == 0) {
		*expected = "an array of {\"class\": \"03:01:01\", "
			    "\"config\": 0, \"number\": 0, \"hid\": "
			    "[\"keyboard\"]}";
		return json_read_interface_list(out, store, value);
	}
	if (strcmp(key, "ancestors") == 0) {
		*expected = "an array of {\"id\": \"1234:5678\", \"hash\": "
			    "\"\", \"via_port\": \"3-2\", \"stable_port\": "
			    "\"\"}";
		return json_read_ancestors(out, store, value);
	}
	if (strcmp(key, "desc_sha256") == 0) {
		*expected = "64 hexadecimal digits";
		return json_read_sha256(out->desc_sha256, value);
	}
	if (strcmp(key, "reports") == 0) {
		*expected = "an array of 64 hexadecimal digits each";
		return json_read_reports(out, store, value);
	}
	if (strcmp(key, "plugged") == 0) {
		*expected = "seconds since 1970";
		out->plugged = json_integer_value(value);
		return json_is_integer(value) ? 0 : ERR_FORMAT;
	}
	if (strcmp(key, "ambiguous") == 0 || strcmp(key, "first_seen") == 0) {
		*expected = "true or false";
		return read_flag(*key == 'a' ? &out->is_ambiguous :
					       &out->is_first_seen,
		    value);
	}
	*expected = "id, name, manufacturer, serial, hash, parent_hash, "
		    "via_port, stable_port, connect_type, release, speed, "
		    "interfaces or a member that sallyctl prints";
	return ERR_NOENT;
}

static int
read_member(struct rule_device *out, struct rule_device_store *store,
    const char *key, const json_t *value, const char **expected)
{
	const struct {
		const char *key;
		char *dst;
		size_t size;
	} texts[] = {
		{"name", store->name, sizeof(store->name)},
		{"manufacturer", store->manufacturer,
		    sizeof(store->manufacturer)},
		{"serial", store->serial, sizeof(store->serial)},
		{"hash", store->hash, sizeof(store->hash)},
		{"parent_hash", store->parent_hash,
		    sizeof(store->parent_hash)},
		{"via_port", store->via_port, sizeof(store->via_port)},
		{"stable_port", store->stable_port,
		    sizeof(store->stable_port)},
		{"connect_type", store->connect_type,
		    sizeof(store->connect_type)},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(key, texts[i].key) == 0) {
			*expected = "a text that is not too long";
			return json_copy_text(
			    value, texts[i].dst, texts[i].size);
		}
	}
	if (strcmp(key, "id") == 0) {
		*expected = "\"1234:5678\"";
		return json_read_id(&out->vid, &out->pid, value);
	}
	if (strcmp(key, "release") == 0) {
		*expected = "\"1.10\"";
		return read_release(out, value);
	}
	if (strcmp(key, "speed") == 0) {
		*expected = "\"low\", \"full\", \"high\", \"wireless\", "
			    "\"super\" or \"super-plus\"";
		return read_speed(out, value);
	}
	if (strcmp(key, "interfaces") == 0) {
		*expected = "an array of \"03:01:01\"";
		/* the list, where there is one, says more of the same */
		return out->ninterfaces > 0 ?
		    0 :
		    read_interfaces(out, store, value);
	}
	return read_more(out, store, key, value, expected);
}

int
device_read_json(struct rule_device *out, struct rule_device_store *store,
    const char *path)
{
	const char *key, *expected = "";
	json_t *top, *value;
	int r = json_read_object(&top, path);

	if (r != 0) {
		return r;
	}
	memset(store, 0, sizeof(*store));
	*out = (struct rule_device){
	    .name = store->name,
	    .manufacturer = store->manufacturer,
	    .serial = store->serial,
	    .hash = store->hash,
	    .parent_hash = store->parent_hash,
	    .via_port = store->via_port,
	    .stable_port = store->stable_port,
	    .connect_type = store->connect_type,
	    .interfaces = store->interfaces,
	};
	if (json_object_get(top, "id") == NULL) {
		cmd_warn("read: %s: no \"id\"; expected \"id\": "
			 "\"1234:5678\"",
		    path);
		r = ERR_FORMAT;
	}
	json_object_foreach (top, key, value) {
		int e = read_member(out, store, key, value, &expected);

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
	json_decref(top);
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
