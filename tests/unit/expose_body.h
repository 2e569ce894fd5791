/*
 * What has to hold of an exposed record, for the unit test and the fuzz target:
 * a reason why it does not, or NULL.
 */
#ifndef TESTS_UNIT_EXPOSE_BODY_H
#define TESTS_UNIT_EXPOSE_BODY_H

#include <string.h>

#include "wire/devrec.h"

typedef uint8_t expose_mask[DESC_MAX_CONFIGS][32];

static struct desc_config expose_before, expose_after;

static inline int
expose_bit(const uint8_t mask[32], unsigned n)
{
	return (mask[n / 8] & 1 << n % 8) != 0;
}

/* Descriptors of an alternate that are the same before and after: all but
 * class-specific ones, some of which name interfaces. */
static inline int
expose_same_alt(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	size_t apos = 0, bpos = 0, an, bn;
	const uint8_t *p, *q;
	int r, s;

	for (;;) {
		do {
			r = desc_next(a, alen, &apos, &p, &an);
		} while (r == 0 && (p[1] == 0x24 || p[1] == DESC_IAD));
		do {
			s = desc_next(b, blen, &bpos, &q, &bn);
		} while (s == 0 && (q[1] == 0x24 || q[1] == DESC_IAD));
		if (r != 0 || s != 0) {
			return r != 0 && s != 0;
		}
		if (an != bn || memcmp(p, q, an) != 0) {
			return 0;
		}
	}
}

static inline const char *
expose_bad_config(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen,
    const uint8_t mask[32])
{
	unsigned k = 0;

	if (desc_parse_config(&expose_before, a, alen, NULL) != 0 ||
	    desc_parse_config(&expose_after, b, blen, NULL) != 0) {
		return "a configuration does not parse";
	}
	if (blen > alen) {
		return "a configuration grew";
	}
	for (unsigned i = 0; i < expose_before.nalts; i++) {
		const struct desc_alt *x = &expose_before.alts[i];
		const struct desc_alt *y = &expose_after.alts[k];

		if (!expose_bit(mask, x->number)) {
			continue;
		}
		if (k++ == expose_after.nalts || x->number != y->number ||
		    x->alternate != y->alternate ||
		    !expose_same_alt(
			a + x->offset, x->length, b + y->offset, y->length)) {
			return "an exposed interface is not as it was";
		}
	}
	return k == expose_after.nalts ? NULL : "a hidden interface is there";
}

/* Descriptors of drivers' concern that name an interface that was hidden. */
static inline const char *
expose_bad_name(const uint8_t *b, size_t blen)
{
	const uint8_t *p;
	size_t pos = 0, n;
	uint8_t class = 0;

	while (desc_next(b, blen, &pos, &p, &n) == 0) {
		if (p[1] == DESC_INTERFACE) {
			class = p[5];
		} else if (class == 2 && n > 4 && p[1] == 0x24 && p[2] == 6) {
			for (size_t i = 3; i < n; i++) {
				if (desc_find_alt(&expose_before, p[i], 0) !=
					NULL &&
				    desc_find_alt(&expose_after, p[i], 0) ==
					NULL) {
					return "a union names what is hidden";
				}
			}
		}
	}
	return NULL;
}

static inline const char *
expose_bad(const struct devrec *in, const struct devrec *out,
    const expose_mask mask)
{
	unsigned k = 0;

	for (unsigned i = 0; i < in->nconfigs; i++) {
		size_t alen, blen;
		const uint8_t *a = devrec_config(in, i, &alen);
		const uint8_t *b = devrec_config(out, k, &blen);
		const char *bad;

		if (b == NULL || b[5] != a[5]) {
			continue; /* gone; nothing of it may be exposed */
		}
		bad = expose_bad_config(a, alen, b, blen, mask[i]);
		if (bad == NULL) {
			bad = expose_bad_name(b, blen);
		}
		if (bad != NULL) {
			return bad;
		}
		k++;
	}
	if (k != out->nconfigs || k == 0 || out->device[17] != k) {
		return "configurations are not those of before";
	}
	for (unsigned i = 0; i < out->nreports; i++) {
		for (unsigned c = 0; c < in->nconfigs; c++) {
			size_t len;
			const uint8_t *p = devrec_config(in, c, &len);

			if (p[5] == out->reports[i].config &&
			    !expose_bit(mask[c], out->reports[i].interface)) {
				return "a hidden report is there";
			}
		}
	}
	if (out->nstrings > in->nstrings || out->nothers > in->nothers ||
	    out->bos_length > in->bos_length) {
		return "something came to it";
	}
	return NULL;
}

#endif
