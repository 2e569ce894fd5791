/*
 * CBOR for the FIDO key; see cbor.h.
 */
#include "tests/vm/fidokey/cbor.h"

#include <limits.h>
#include <string.h>

#define DEPTH 8

void
cbor_put(struct cbor_out *out, enum cbor_major major, uint64_t n)
{
	unsigned bytes = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 4;
	static const uint8_t codes[] = {0, 24, 25, 0, 26};

	if (n > UINT32_MAX || out->size - out->len < 1 + bytes) {
		out->is_full = 1;
		return;
	}
	out->buf[out->len++] = (uint8_t)(
	    (unsigned)major << 5 | (bytes == 0 ? (unsigned)n : codes[bytes]));
	while (bytes > 0) {
		bytes--;
		out->buf[out->len++] = (uint8_t)(n >> 8 * bytes);
	}
}

void
cbor_put_int(struct cbor_out *out, int value)
{
	if (value >= 0) {
		cbor_put(out, CBOR_UINT, (uint64_t)value);
	} else {
		cbor_put(out, CBOR_NEGATIVE, (uint64_t)(-1 - (int64_t)value));
	}
}

static void
put_string(struct cbor_out *out, enum cbor_major major, const void *data,
    size_t len)
{
	cbor_put(out, major, len);
	if (out->is_full || out->size - out->len < len) {
		out->is_full = 1;
		return;
	}
	memcpy(out->buf + out->len, data, len);
	out->len += len;
}

void
cbor_put_bytes(struct cbor_out *out, const void *data, size_t len)
{
	put_string(out, CBOR_BYTES, data, len);
}

void
cbor_put_text(struct cbor_out *out, const char *text)
{
	put_string(out, CBOR_TEXT, text, strlen(text));
}

void
cbor_put_bool(struct cbor_out *out, int value)
{
	cbor_put(out, CBOR_OTHER, value ? 21 : 20);
}

static int
bad(struct cbor_in *in)
{
	in->is_bad = 1;
	in->left = 0;
	return -1;
}

int
cbor_get(struct cbor_in *in, uint64_t *n)
{
	unsigned head, bytes;

	*n = 0;
	if (in->left < 1) {
		return bad(in);
	}
	head = *in->p++;
	in->left--;
	if ((head & 31) < 24) {
		*n = head & 31;
		return (int)(head >> 5);
	}
	if ((head & 31) > 27) {
		return bad(in);
	}
	bytes = 1u << ((head & 31) - 24);
	if (in->left < bytes) {
		return bad(in);
	}
	for (unsigned i = 0; i < bytes; i++) {
		*n = *n << 8 | *in->p++;
		in->left--;
	}
	return (int)(head >> 5);
}

const uint8_t *
cbor_get_string(struct cbor_in *in, enum cbor_major major, size_t *len)
{
	const uint8_t *p;
	uint64_t n;

	*len = 0;
	if (cbor_get(in, &n) != (int)major || n > in->left) {
		bad(in);
		return NULL;
	}
	p = in->p;
	*len = (size_t)n;
	in->p += n;
	in->left -= (size_t)n;
	return p;
}

int
cbor_get_int(struct cbor_in *in)
{
	uint64_t n;
	int major = cbor_get(in, &n);

	if (n >= INT_MAX || (major != CBOR_UINT && major != CBOR_NEGATIVE)) {
		bad(in);
		return 0;
	}
	return major == CBOR_UINT ? (int)n : -1 - (int)n;
}

static void
skip(struct cbor_in *in, int depth)
{
	uint64_t n;
	int major = cbor_get(in, &n);

	if (depth == 0 || major == 6) {
		bad(in);
		return;
	}
	if (major == CBOR_BYTES || major == CBOR_TEXT) {
		if (n > in->left) {
			bad(in);
			return;
		}
		in->p += n;
		in->left -= (size_t)n;
		return;
	}
	if (major == CBOR_MAP || major == CBOR_ARRAY) {
		if (n > in->left) {
			bad(in);
			return;
		}
		for (uint64_t i = 0;
		    i < (major == CBOR_MAP ? 2 * n : n) && !in->is_bad; i++) {
			skip(in, depth - 1);
		}
	}
}

void
cbor_skip(struct cbor_in *in)
{
	skip(in, DEPTH);
}

int
cbor_is_text(struct cbor_in *in, const char *text)
{
	size_t len;
	const uint8_t *p;

	if (in->left > 0 && *in->p >> 5 != CBOR_TEXT) {
		cbor_skip(in);
		return 0;
	}
	p = cbor_get_string(in, CBOR_TEXT, &len);
	return p != NULL && len == strlen(text) && memcmp(p, text, len) == 0;
}
