/*
 * Lists of revoked certificates as the broker hands them over. Byte 0: whether
 * the list is DER, put into PEM here, so that its bytes can be bent. Two bytes
 * of length, the text of the CAs, and behind it the list. One that is taken was
 * signed by one of these; why it is not is one line.
 */
#include <string.h>

#include <mbedtls/pem.h>

#include "base/err.h"
#include "base/x509_crl.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"

static uint8_t text[128 * 1024];

static size_t
list_text(int is_der, const uint8_t *p, size_t n)
{
	size_t out = 0;

	if (is_der && n < 64 * 1024 &&
	    mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n",
		"-----END X509 CRL-----\n", p, n, text, sizeof(text),
		&out) == 0) {
		return out; /* with its NUL */
	}
	n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
	memcpy(text, p, n);
	text[n] = '\0';
	return n + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rcur in = rcur_of(data, size);
	uint8_t is_der = rcur_u8(&in) & 1, *ca;
	size_t n = rcur_be16(&in), len;
	struct x509_revoked *list = NULL;
	char why[200];
	int r;

	if (in.failed || n > size - 3) {
		return 0;
	}
	ca = malloc(n + 1);
	MUST(ca != NULL);
	memcpy(ca, data + 3, n);
	ca[n] = '\0';
	len = list_text(is_der, data + 3 + n, size - 3 - n);
	why[0] = '\0';
	r = x509_revoked_new(&list, ca, n + 1, text, len, why, sizeof(why));
	MUST((r == 0) == (list != NULL));
	MUST(r == 0 || r == ERR_NOMEM || (r == ERR_TLS && why[0] != '\0'));
	MUST(strlen(why) < sizeof(why) && strchr(why, '\n') == NULL);
	if (r == 0) {
		static const uint8_t key[32], serial[] = {1, 2};

		(void)x509_revoked_in_force(list, 1795424400, why, sizeof(why));
		MUST(!x509_revoked_has(list, key, serial, sizeof(serial)));
		(void)x509_revoked_count(list);
	}
	x509_revoked_free(list);
	free(ca);
	return 0;
}
