/*
 * Whether two device records say the same: the session's second look against
 * the probe's first. One of them was read from a device that may be lying, the
 * other came over a channel; counts are believed of neither.
 */
#include "wire/devrec.h"

#include <string.h>

static int
is_bounded(const struct devrec *rec)
{
	return rec->nconfigs <= DESC_MAX_CONFIGS &&
	    rec->nothers <= DESC_MAX_CONFIGS &&
	    rec->nstrings <= DEVREC_STRINGS &&
	    rec->nreports <= DEVREC_REPORTS &&
	    rec->bos_length <= sizeof(rec->bos);
}

static int
same(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	return a != NULL && b != NULL && alen == blen &&
	    memcmp(a, b, alen) == 0;
}

static int
same_configs(const struct devrec *a, const struct devrec *b)
{
	const uint8_t *p, *q;
	size_t n, m;

	for (unsigned i = 0; i < a->nconfigs; i++) {
		p = devrec_config(a, i, &n);
		q = devrec_config(b, i, &m);
		if (!same(p, n, q, m)) {
			return 0;
		}
	}
	for (unsigned i = 0; i < a->nothers; i++) {
		p = devrec_other(a, i, &n);
		q = devrec_other(b, i, &m);
		if (!same(p, n, q, m)) {
			return 0;
		}
	}
	return 1;
}

/* In whatever order they were read. */
static int
same_tables(const struct devrec *a, const struct devrec *b)
{
	const uint8_t *p, *q;
	size_t n, m;

	for (size_t i = 0; i < a->nstrings; i++) {
		const struct devrec_string *s = &a->strings[i];

		p = devrec_string(a, s->index, s->langid, &n);
		q = devrec_string(b, s->index, s->langid, &m);
		if (!same(p, n, q, m)) {
			return 0;
		}
	}
	for (size_t i = 0; i < a->nreports; i++) {
		const struct devrec_report *r = &a->reports[i];

		p = devrec_report(a, r->config, r->interface, &n);
		q = devrec_report(b, r->config, r->interface, &m);
		if (!same(p, n, q, m)) {
			return 0;
		}
	}
	return 1;
}

static int
same_qualifier(const struct devrec *a, const struct devrec *b)
{
	return a->has_qualifier == b->has_qualifier &&
	    (!a->has_qualifier ||
		memcmp(a->qualifier, b->qualifier, sizeof(a->qualifier)) == 0);
}

int
devrec_compare(const struct devrec *a, const struct devrec *b)
{
	int is_same = is_bounded(a) && is_bounded(b) &&
	    a->speed == b->speed &&
	    memcmp(a->device, b->device, sizeof(a->device)) == 0 &&
	    a->nconfigs == b->nconfigs && a->nothers == b->nothers &&
	    a->nstrings == b->nstrings && a->nreports == b->nreports &&
	    same_qualifier(a, b) &&
	    same(a->bos, a->bos_length, b->bos, b->bos_length) &&
	    same_configs(a, b) && same_tables(a, b);

	return is_same ? 0 : 1;
}
