/*
 * The little CBOR (RFC 8949) that a FIDO key needs: definite lengths, integers,
 * byte and text strings, arrays, maps, booleans. Both sides are bounded by
 * their buffers; a fault sticks, so that only the end has to be checked.
 */
#ifndef TESTS_VM_FIDOKEY_CBOR_H
#define TESTS_VM_FIDOKEY_CBOR_H

#include <stddef.h>
#include <stdint.h>

enum cbor_major {
	CBOR_UINT = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_OTHER = 7,
};

struct cbor_out {
	uint8_t *buf; /* borrowed */
	size_t size, len;
	int is_full;
};

struct cbor_in {
	const uint8_t *p; /* borrowed */
	size_t left;
	int is_bad;
};

/* The head of an item: a number, or the length of what follows. */
void cbor_put(struct cbor_out *out, enum cbor_major major, uint64_t n);
void cbor_put_int(struct cbor_out *out, int value);
void cbor_put_bytes(struct cbor_out *out, const void *data, size_t len);
void cbor_put_text(struct cbor_out *out, const char *text);
void cbor_put_bool(struct cbor_out *out, int value);

/* The next head; *n is its number or length. Returns its major type, or -1. */
int cbor_get(struct cbor_in *in, uint64_t *n);
/* A string of that type; NULL (and bad) if something else stands there. */
const uint8_t *cbor_get_string(
    struct cbor_in *in, enum cbor_major major, size_t *len);
int cbor_get_int(struct cbor_in *in);
/* Steps over one item, whatever it holds. */
void cbor_skip(struct cbor_in *in);
/* Whether the next item is this text; steps over it either way. */
int cbor_is_text(struct cbor_in *in, const char *text);

#endif
