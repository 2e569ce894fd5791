/*
 * Certificates as they reach us: two bytes of length, an issuer's, and behind
 * it somebody's; each DER, or PEM if it begins so. Facts that come out fit an
 * IDENTITY and come back from it; a name that is judged is whole.
 */
#include <string.h>

#include "base/x509.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"

/* PEM has its NUL counted. */
static uint8_t *
copy(const uint8_t *p, size_t *n)
{
	uint8_t *out = malloc(*n + 1);

	MUST(out != NULL);
	memcpy(out, p, *n);
	out[*n] = '\0';
	if (*n > 5 && memcmp(p, "-----", 5) == 0) {
		++*n;
	}
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_facts facts, back;
	static uint8_t buf[IDENTITY_WIRE];
	struct rcur in = rcur_of(data, size);
	size_t n = rcur_be16(&in), rest;
	uint8_t *issuer, *own;

	if (in.failed || n > size - 2) {
		return 0;
	}
	rest = size - 2 - n;
	own = copy(data + 2 + n, &rest);
	issuer = copy(data + 2, &n);
	memset(&facts, 0xa5, sizeof(facts));
	if (x509_facts_of(&facts, own, rest, issuer, n) == 0) {
		int len = identity_encode(buf, sizeof(buf), &facts);

		MUST(len > 0);
		MUST(identity_decode(&back, buf, (size_t)len) == 0);
		MUST(strcmp(facts.subject, back.subject) == 0);
		MUST(facts.nsan == back.nsan && facts.nou == back.nou);
	}
	free(issuer);
	free(own);
	return 0;
}
