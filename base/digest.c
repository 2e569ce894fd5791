/*
 * SHA-256 and base64 by mbedTLS, hex by hand.
 */
#include "base/digest.h"

#include <errno.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "base/err.h"

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define sha256_starts mbedtls_sha256_starts_ret
#define sha256_update mbedtls_sha256_update_ret
#define sha256_finish mbedtls_sha256_finish_ret
#else
#define sha256_starts mbedtls_sha256_starts
#define sha256_update mbedtls_sha256_update
#define sha256_finish mbedtls_sha256_finish
#endif

int
digest_sha256(uint8_t out[32], const struct digest_part *parts, size_t n)
{
	mbedtls_sha256_context ctx;
	int failed;
	size_t i;

	mbedtls_sha256_init(&ctx);
	failed = sha256_starts(&ctx, 0);
	for (i = 0; i < n && !failed; i++) {
		if (parts[i].len > 0) {
			failed =
			    sha256_update(&ctx, parts[i].data, parts[i].len);
		}
	}
	if (!failed) {
		failed = sha256_finish(&ctx, out);
	}
	mbedtls_sha256_free(&ctx);
	if (failed) {
		errno = EIO;
		return ERR_SYS;
	}
	return 0;
}

int
digest_base64(char *dst, size_t size, const void *src, size_t len)
{
	size_t written;

	if (len > SIZE_MAX / 4 || size < 4 * ((len + 2) / 3) + 1) {
		return ERR_NOMEM;
	}
	if (len == 0) {
		dst[0] = '\0';
		return 0;
	}
	if (mbedtls_base64_encode(
		(unsigned char *)dst, size, &written, src, len) != 0) {
		return ERR_NOMEM;
	}
	return 0;
}

/* mbedTLS takes line ends and other tails as well; whoever signs a text must not
 * leave a choice of it. */
static int
is_canonical(const char *text, size_t chars)
{
	size_t body = chars;

	while (body > 0 && chars - body < 2 && text[body - 1] == '=') {
		body--;
	}
	for (size_t i = 0; i < body; i++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789+/", text[i]) == NULL) {
			return 0;
		}
	}
	/* bits of the last character that belong to no byte */
	return chars % 4 == 0 &&
	    (chars - body == 0 || body == 0 ||
		strchr(chars - body == 1 ? "AEIMQUYcgkosw048" : "AQgw",
		    text[body - 1]) != NULL);
}

int
digest_unbase64(void *dst, size_t max, size_t *len, const char *text)
{
	size_t chars = strlen(text);

	*len = 0;
	if (chars == 0) {
		return 0;
	}
	if (!is_canonical(text, chars)) {
		return ERR_FORMAT;
	}
	switch (mbedtls_base64_decode(
	    dst, max, len, (const unsigned char *)text, chars)) {
	case 0:
		return 0;
	case MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL:
		return ERR_LIMIT;
	default:
		return ERR_FORMAT;
	}
}

char *
digest_hex(char *dst, size_t size, const void *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *s = src;
	size_t i;

	for (i = 0; i < len && 2 * i + 2 < size; i++) {
		dst[2 * i] = hex[s[i] >> 4];
		dst[2 * i + 1] = hex[s[i] & 15];
	}
	if (size > 0) {
		dst[2 * i] = '\0';
	}
	return dst;
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
				    : -1;
}

int
digest_unhex(void *out, size_t len, const char *text)
{
	uint8_t *to = out;

	if (strlen(text) != 2 * len) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return ERR_FORMAT;
		}
		to[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
