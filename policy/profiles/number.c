/*
 * Numbers, sizes and durations as profiles write them. What does not fit is an
 * error, never a smaller number.
 */
#include "policy/profiles/load.h"

#include <string.h>

#include "base/err.h"
#include "policy/text/when.h"

#define HEX_MAX 64u
#define SECOND UINT64_C(1000000000)

int
number_hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
number_parse(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (len == 0) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		int d = number_hex_digit(text[i]);

		if (d < 0 || (unsigned)d >= base ||
		    v > (UINT64_MAX - (unsigned)d) / base) {
			return ERR_FORMAT;
		}
		v = v * base + (unsigned)d;
	}
	*out = v;
	return v <= max ? 0 : ERR_FORMAT;
}

int
number_size(const char *text, size_t len, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	unsigned shift = 0;

	if (len > 3 && text[len - 2] == 'i' && text[len - 1] == 'B') {
		const char *unit = strchr(units, text[len - 3]);

		if (unit == NULL || *unit == '\0') {
			return ERR_FORMAT;
		}
		shift = 10u * (unsigned)(unit - units + 1);
		len -= 3;
	}
	if (number_parse(text, len, UINT64_MAX >> shift, bytes) != 0 ||
	    *bytes == 0) {
		return ERR_FORMAT;
	}
	*bytes <<= shift;
	return 0;
}

int
number_duration(const char *text, size_t len, uint64_t *ns)
{
	uint32_t n;

	if (len > 2 && memcmp(text + len - 2, "ms", 2) == 0) {
		if (when_number(text, len - 2, UINT32_MAX, &n) != 0 ||
		    n == 0) {
			return ERR_FORMAT;
		}
		*ns = n * (SECOND / 1000);
		return 0;
	}
	if (when_duration(text, len, &n) != 0) {
		return ERR_FORMAT;
	}
	*ns = n * SECOND;
	return 0;
}

int
number_hex(const char *text, size_t len, size_t n, uint8_t *out)
{
	if (n == 0 || len != 3 * n - 1) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < n; i++, text += 3) {
		int hi = number_hex_digit(text[0]);
		int lo = number_hex_digit(text[1]);

		if (hi < 0 || lo < 0 || (i + 1 < n && text[2] != '/')) {
			return ERR_FORMAT;
		}
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

int
number_hex_string(struct profile_load *load, struct value *v)
{
	uint8_t *out = pload_alloc(load, v->len / 2 + 1);
	int is_hex = v->word[0] == '"' && v->len > 0 && v->len % 2 == 0 &&
	    v->len <= 2 * HEX_MAX;

	if (out == NULL) {
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; is_hex && i < v->len; i += 2) {
		int hi = number_hex_digit((char)v->bytes[i]);
		int lo = number_hex_digit((char)v->bytes[i + 1]);

		is_hex = hi >= 0 && lo >= 0;
		out[i / 2] = (uint8_t)((unsigned)hi << 4 | (unsigned)lo);
	}
	if (!is_hex) {
		pload_error(load, &v->at, "%.40s is no hex; expected 1 to %u "
		    "pairs of hex digits in quotes, such as \"a000\"",
		    v->word, HEX_MAX);
		return ERR_FORMAT;
	}
	v->bytes = out;
	v->len /= 2;
	return 0;
}
