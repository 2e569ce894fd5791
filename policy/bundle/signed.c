/*
 * FILE.sig:
 *
 *   {"format": "sallyport-signatures/1", "sha256": HEX, "signatures":
 *       [{"key": HEX, "signature": BASE64 of DER}, ...]}
 */
#include "policy/bundle/signed.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"

#define FORMAT "sallyport-signatures/1"

static int
refuse(char *why, size_t size, int err, const char *text)
{
	(void)snprintf(why, size, "signatures: %s", text);
	return err;
}

static int
read_hex(uint8_t out[32], const json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && json_string_length(value) == 64 ?
	    digest_unhex(out, 32, text) :
	    ERR_FORMAT;
}

static int
read_one(struct signatures *out, const json_t *value)
{
	struct signature *s = &out->list[out->n];
	const json_t *der = json_object_get(value, "signature");
	const char *text = json_string_value(der);

	if (json_object_size(value) != 2 ||
	    read_hex(s->key, json_object_get(value, "key")) != 0 ||
	    text == NULL || strlen(text) != json_string_length(der) ||
	    digest_unbase64(s->der, sizeof(s->der), &s->len, text) != 0 ||
	    s->len == 0) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < out->n; i++) {
		if (memcmp(out->list[i].key, s->key, 32) == 0) {
			return ERR_FORMAT;
		}
	}
	out->n++;
	return 0;
}

static int
read_all(struct signatures *out, const json_t *top, char *why, size_t size)
{
	const char *format = json_string_value(json_object_get(top, "format"));
	const json_t *list = json_object_get(top, "signatures"), *value;
	size_t i;

	if (format == NULL || strcmp(format, FORMAT) != 0) {
		return refuse(why, size, ERR_FORMAT,
		    "\"format\": expected \"" FORMAT "\"");
	}
	if (json_object_size(top) != 3 || !json_is_array(list) ||
	    read_hex(out->sha256, json_object_get(top, "sha256")) != 0) {
		return refuse(why, size, ERR_FORMAT, "expected \"format\", "
		    "\"sha256\" of 64 digits and \"signatures\", a list");
	}
	if (json_array_size(list) > SIGNED_SIGNATURES) {
		return refuse(why, size, ERR_LIMIT, "more than 32");
	}
	json_array_foreach (list, i, value) {
		if (read_one(out, value) != 0) {
			(void)snprintf(why, size, "signatures: number %zu: "
			    "expected \"key\", of 64 digits and in no other "
			    "one, and \"signature\", base64", i + 1);
			return ERR_FORMAT;
		}
	}
	return 0;
}

int
signed_parse(struct signatures *out, const char *text, size_t len, char *why,
    size_t size)
{
	json_t *top;
	int r;

	*out = (struct signatures){.n = 0};
	if (len > SIGNED_MAX) {
		return refuse(why, size, ERR_LIMIT, "larger than 16 KiB");
	}
	top = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	r = json_is_object(top) ?
	    read_all(out, top, why, size) :
	    refuse(why, size, ERR_FORMAT, "not one JSON object");
	json_decref(top);
	return r;
}

char *
signed_print(const struct signatures *s)
{
	json_t *top = json_object(), *list = json_array();
	char hex[65], der[2 * SIGN_DER_MAX], *text;

	json_object_set_new(top, "format", json_string(FORMAT));
	json_object_set_new(top, "sha256",
	    json_string(digest_hex(hex, sizeof(hex), s->sha256, 32)));
	for (size_t i = 0; i < s->n; i++) {
		json_t *o = json_object();

		(void)digest_base64(
		    der, sizeof(der), s->list[i].der, s->list[i].len);
		json_object_set_new(o, "key",
		    json_string(
			digest_hex(hex, sizeof(hex), s->list[i].key, 32)));
		json_object_set_new(o, "signature", json_string(der));
		json_array_append_new(list, o);
	}
	json_object_set_new(top, "signatures", list);
	text = json_dumps(top, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(top);
	return text;
}

int
signed_add(struct signatures *s, const uint8_t key[32], const uint8_t *der,
    size_t len)
{
	size_t i = 0;

	while (i < s->n && memcmp(s->list[i].key, key, 32) != 0) {
		i++;
	}
	if (i == SIGNED_SIGNATURES || len > SIGN_DER_MAX) {
		return ERR_LIMIT;
	}
	memcpy(s->list[i].key, key, 32);
	memcpy(s->list[i].der, der, len);
	s->list[i].len = len;
	s->n += i == s->n;
	return 0;
}

unsigned
signed_count(const struct signatures *s, const struct keyring *ring,
    const uint8_t sha256[32])
{
	unsigned count = 0;

	if (memcmp(s->sha256, sha256, 32) != 0) {
		return 0;
	}
	/* by key, not by signature: no key counts twice */
	for (size_t k = 0; k < ring->nkeys; k++) {
		for (size_t i = 0; i < s->n; i++) {
			if (memcmp(s->list[i].key, ring->keys[k].id, 32) == 0) {
				count += sign_check(&ring->keys[k], sha256,
					     s->list[i].der,
					     s->list[i].len) == 0;
				break;
			}
		}
	}
	return count;
}

int
signed_check(const struct signatures *s, const struct keyring *ring,
    const uint8_t sha256[32], char *why, size_t size)
{
	unsigned n;

	if (memcmp(s->sha256, sha256, 32) != 0) {
		return refuse(why, size, ERR_POLICY,
		    "they are of another bundle, or it was changed");
	}
	n = signed_count(s, ring, sha256);
	if (ring->threshold == 0 || n < ring->threshold) {
		(void)snprintf(why, size, "signatures: %u of the keys that are "
		    "trusted here signed it, and %u must", n,
		    ring->threshold);
		return ERR_POLICY;
	}
	return 0;
}
