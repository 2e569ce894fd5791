/*
 * A record in which hidden interfaces do not exist. Runs in the warden, for its
 * lists, and in the session, which serves nothing else. Pure; the record was
 * checked, but its bytes are the device's own, so that every descriptor is
 * taken by the length that it has, never by what it should have.
 *
 * What goes, and what is changed:
 *
 *   interface, all its alternates,   gone, with every descriptor up to the
 *     endpoints, companions, class-    next interface
 *     specific descriptors
 *   association                      gone with the first of its interfaces,
 *                                      which is the one that drivers bind;
 *                                      shorter when the others that stay
 *                                      follow on the first without a gap; gone
 *                                      otherwise, since it can say nothing else
 *   CDC union                        gone with its controlling interface or
 *                                      with the last of those it controls;
 *                                      hidden ones leave its list
 *   CDC call management              gone when its data interface is hidden
 *   audio 1.0 and video control      hidden ones leave the list of streaming
 *     header                           interfaces
 *   configuration                    gone when nothing of it is left: an empty
 *                                      one is no configuration for any reader.
 *                                      Drivers know configurations by value,
 *                                      which stays; indexes close up
 *   other-speed configuration        as the one it stands for, if it has the
 *                                      same interfaces; else all of them go,
 *                                      and the qualifier
 *   device class EF/02/01            00/00/00 when no association is left, as
 *                                      the IAD specification wants it
 *   string                           stays when what is left refers to it
 *   capabilities of the BOS          stay, but for the configuration summary
 *                                      and the pointer to Microsoft's OS 2.0
 *                                      descriptors: both name functions
 *
 * A reference that stays would be a number that the reader's kernel looks up
 * and does not find. Its drivers check that today; those of cdc-acm, cdc_ether,
 * ims-pcu and others once did not. With the union gone they refuse the
 * function (ENODEV), as they do for a device without one.
 */
#include "wire/devrec.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

#define CONFIG_SIZE 9u
#define INTERFACE_SIZE 9u
#define IAD_SIZE 8u

enum {
	CLASS_AUDIO = 0x01,
	CLASS_COMMUNICATION = 0x02,
	CLASS_VIDEO = 0x0e,
	SUBCLASS_CONTROL = 0x01, /* of audio and of video */
	CS_HEADER = 0x01,	 /* of both */
	CDC_HEADER = 0x00,
	CDC_CALL_MANAGEMENT = 0x01,
	CDC_UNION = 0x06,
	CAP_PLATFORM = 0x05,
	CAP_SUMMARY = 0x10,
};

static int
has(const uint8_t set[32], uint8_t n)
{
	return (set[n / 8] & 1 << n % 8) != 0;
}

static void
add(uint8_t set[32], uint8_t n)
{
	set[n / 8] |= (uint8_t)(1 << n % 8);
}

static unsigned
count(const uint8_t set[32])
{
	unsigned n = 0;

	for (unsigned i = 0; i < 256; i++) {
		n += has(set, (uint8_t)i) != 0;
	}
	return n;
}

/* One configuration on its way from the one record to the other. */
struct pass {
	uint8_t keep[32]; /* numbers that are there and exposed */
	uint8_t gone[32]; /* ... and hidden */
	uint8_t *to;	  /* as many bytes as the original has */
	size_t used;
	unsigned niads;
	/* of the interface that the present descriptor belongs to */
	uint8_t class, subclass, protocol;
	int is_hidden, is_cdc;
};

static uint8_t *
put(struct pass *pass, const uint8_t *p, size_t n)
{
	uint8_t *at = pass->to + pass->used;

	memcpy(at, p, n);
	pass->used += n;
	return at;
}

/* --- descriptors that name interfaces --- */

/* Takes hidden numbers out of a list of `entries' bytes at `at'; *n is the
 * descriptor's length. How many left. */
static unsigned
shorten(const struct pass *pass, uint8_t *p, size_t *n, size_t at,
    size_t entries)
{
	unsigned removed = 0;

	for (size_t i = at; i < at + entries;) {
		if (!has(pass->gone, p[i])) {
			i++;
			continue;
		}
		memmove(p + i, p + i + 1, *n - i - 1);
		(*n)--;
		entries--;
		removed++;
	}
	p[0] = (uint8_t)*n;
	return removed;
}

/* The header of an audio or video function: byte `at' counts the interfaces
 * that follow it; wTotalLength, in both at 5, counts this descriptor, too. */
static void
put_header(struct pass *pass, const uint8_t *p, size_t n, size_t at)
{
	uint8_t *copy = put(pass, p, n);
	size_t len = n, entries;
	unsigned removed;
	uint16_t total;

	if (n <= at) {
		return;
	}
	entries = n - at - 1 < p[at] ? n - at - 1 : p[at];
	removed = shorten(pass, copy, &len, at + 1, entries);
	total = le16_at(copy + 5);
	copy[at] = (uint8_t)(copy[at] - removed);
	if (total >= removed) {
		le16_put(copy + 5, (uint16_t)(total - removed));
	}
	pass->used -= n - len;
}

static void
put_union(struct pass *pass, const uint8_t *p, size_t n)
{
	uint8_t *copy;
	size_t len = n;

	if (n < 4 || has(pass->gone, p[3])) {
		return;
	}
	copy = put(pass, p, n);
	if (shorten(pass, copy, &len, 4, n - 4) > 0 && len == 4) {
		pass->used -= n; /* it controls nothing any more */
		return;
	}
	pass->used -= n - len;
}

static void
put_class_specific(struct pass *pass, const uint8_t *p, size_t n)
{
	if (n < 3) {
		put(pass, p, n);
		return;
	}
	if (pass->class == CLASS_AUDIO || pass->class == CLASS_VIDEO) {
		int is_header = pass->subclass == SUBCLASS_CONTROL &&
		    p[2] == CS_HEADER;

		if (is_header && pass->class == CLASS_VIDEO) {
			put_header(pass, p, n, 11);
		} else if (is_header && pass->protocol == 0) {
			put_header(pass, p, n, 7);
		} else {
			put(pass, p, n);
		}
		return;
	}
	/* vendors and others use them as well, behind their header */
	if (p[2] == CDC_HEADER) {
		pass->is_cdc = 1;
	}
	if (pass->is_cdc && p[2] == CDC_UNION) {
		put_union(pass, p, n);
	} else if (!pass->is_cdc || p[2] != CDC_CALL_MANAGEMENT || n < 5 ||
	    !has(pass->gone, p[4])) {
		put(pass, p, n);
	}
}

static void
put_association(struct pass *pass, const uint8_t *p, size_t n)
{
	unsigned first = p[2], run = 0, left = 0;

	for (unsigned i = 0; i < p[3] && first + i < 256; i++) {
		if (has(pass->keep, (uint8_t)(first + i))) {
			run += run == i;
			left++;
		}
	}
	if (run > 0 && run == left) {
		put(pass, p, n)[3] = (uint8_t)run;
		pass->niads++;
	}
}

/* --- one configuration --- */

static int
put_descriptor(struct pass *pass, const uint8_t *p, size_t n)
{
	if (p[1] == DESC_IAD) {
		if (n < IAD_SIZE) {
			return ERR_FORMAT;
		}
		put_association(pass, p, n);
		return 0;
	}
	if (p[1] == DESC_INTERFACE) {
		if (n < INTERFACE_SIZE) {
			return ERR_FORMAT;
		}
		pass->class = p[5];
		pass->subclass = p[6];
		pass->protocol = p[7];
		pass->is_hidden = !has(pass->keep, p[2]);
		pass->is_cdc = p[5] == CLASS_COMMUNICATION;
	}
	if (pass->is_hidden) {
		return 0;
	}
	if (p[1] == DESC_CS_INTERFACE) {
		put_class_specific(pass, p, n);
	} else {
		put(pass, p, n);
	}
	return 0;
}

/* Which numbers there are. */
static int
sort_interfaces(struct pass *pass, const uint8_t *bytes, size_t len,
    const uint8_t mask[32])
{
	const uint8_t *p;
	size_t pos = len > 0 ? bytes[0] : 0, n;
	int r;

	if (len < CONFIG_SIZE || bytes[0] < CONFIG_SIZE || bytes[0] > len) {
		return ERR_FORMAT;
	}
	while ((r = desc_step(bytes, len, &pos, &p, &n)) == 0) {
		if (p[1] == DESC_INTERFACE && n >= INTERFACE_SIZE) {
			add(has(mask, p[2]) ? pass->keep : pass->gone, p[2]);
		}
	}
	return r == ERR_CLOSED ? 0 : r;
}

/* Appends what is left of a configuration to out's bytes; at->length is 0 when
 * nothing is. */
static int
expose_config(struct devrec *out, const uint8_t *bytes, size_t len,
    const uint8_t mask[32], struct devrec_span *at, unsigned *niads)
{
	struct pass pass = {.to = out->config_bytes + out->config_used};
	const uint8_t *p;
	size_t pos, n;
	int r;

	*at = (struct devrec_span){.offset = out->config_used};
	if (len > sizeof(out->config_bytes) - out->config_used) {
		return ERR_LIMIT;
	}
	r = sort_interfaces(&pass, bytes, len, mask);
	if (r != 0 || count(pass.keep) == 0) {
		return r;
	}
	pos = bytes[0];
	put(&pass, bytes, pos);
	while ((r = desc_step(bytes, len, &pos, &p, &n)) == 0) {
		r = put_descriptor(&pass, p, n);
		if (r != 0) {
			return r;
		}
	}
	if (r != ERR_CLOSED) {
		return r;
	}
	le16_put(pass.to + 2, (uint16_t)pass.used);
	pass.to[4] = (uint8_t)count(pass.keep);
	at->length = (uint16_t)pass.used;
	out->config_used = (uint16_t)(out->config_used + pass.used);
	*niads += pass.niads;
	return 0;
}

static int
expose_configs(struct devrec *out, const struct devrec *in,
    const uint8_t mask[DESC_MAX_CONFIGS][32], unsigned *niads)
{
	for (unsigned i = 0; i < in->nconfigs; i++) {
		struct devrec_span at;
		size_t len;
		const uint8_t *p = devrec_config(in, i, &len);
		int r = p == NULL ?
		    ERR_FORMAT :
		    expose_config(out, p, len, mask[i], &at, niads);

		if (r != 0) {
			return r;
		}
		if (at.length > 0) {
			out->configs[out->nconfigs++] = at;
		}
	}
	return 0;
}

/* --- the other speed --- */

/* Whether two configurations have one value and the same interfaces, alternate
 * by alternate. */
static int
is_same_shape(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	size_t apos = 0, bpos = 0, an, bn;
	const uint8_t *p, *q;
	int r, s;

	if (a[5] != b[5]) {
		return 0;
	}
	for (;;) {
		do {
			r = desc_step(a, alen, &apos, &p, &an);
		} while (r == 0 && p[1] != DESC_INTERFACE);
		do {
			s = desc_step(b, blen, &bpos, &q, &bn);
		} while (s == 0 && q[1] != DESC_INTERFACE);
		if (r != 0 || s != 0) {
			return r == ERR_CLOSED && s == ERR_CLOSED;
		}
		if (an < INTERFACE_SIZE || bn < INTERFACE_SIZE ||
		    memcmp(p + 2, q + 2, 2) != 0 ||
		    memcmp(p + 5, q + 5, 3) != 0) {
			return 0;
		}
	}
}

static int
are_same_shape(const struct devrec *in)
{
	for (unsigned i = 0; i < in->nothers; i++) {
		size_t alen, blen;
		const uint8_t *a = devrec_config(in, i, &alen);
		const uint8_t *b = devrec_other(in, i, &blen);

		if (a == NULL || b == NULL || blen < CONFIG_SIZE ||
		    !is_same_shape(a, alen, b, blen)) {
			return 0;
		}
	}
	return in->has_qualifier && in->nothers == in->nconfigs;
}

/* EF/02/01 says: look for associations. */
static void
fix_class(uint8_t triple[3], unsigned niads)
{
	static const uint8_t associated[3] = {0xef, 0x02, 0x01};

	if (niads == 0 && memcmp(triple, associated, 3) == 0) {
		memset(triple, 0, 3);
	}
}

static int
expose_others(struct devrec *out, const struct devrec *in,
    const uint8_t mask[DESC_MAX_CONFIGS][32])
{
	unsigned niads = 0;

	if (!are_same_shape(in)) {
		return 0;
	}
	for (unsigned i = 0; i < in->nothers; i++) {
		struct devrec_span at;
		size_t len;
		const uint8_t *p = devrec_other(in, i, &len);
		int r = expose_config(out, p, len, mask[i], &at, &niads);

		if (r != 0) {
			return r;
		}
		if (at.length > 0) {
			out->others[out->nothers++] = at;
		}
	}
	out->has_qualifier = 1;
	memcpy(out->qualifier, in->qualifier, sizeof(out->qualifier));
	out->qualifier[8] = out->nothers;
	fix_class(out->qualifier + 4, niads);
	return 0;
}

/* --- strings, reports, BOS --- */

static void
want_config(uint8_t wanted[256], const uint8_t *bytes, size_t len)
{
	struct desc_alt alt = {0};
	const uint8_t *p;
	size_t pos = 0, n;

	while (desc_next(bytes, len, &pos, &p, &n) == 0) {
		switch (p[1]) {
		case DESC_CONFIG:
		case DESC_OTHER_SPEED:
			wanted[n >= CONFIG_SIZE ? p[6] : 0] = 1;
			break;
		case DESC_IAD:
			wanted[n >= IAD_SIZE ? p[7] : 0] = 1;
			break;
		case DESC_INTERFACE:
			alt = (struct desc_alt){.class = p[5],
			    .subclass = p[6],
			    .protocol = p[7]};
			wanted[p[8]] = 1;
			break;
		case DESC_CS_INTERFACE:
			desc_class_strings(&alt, p, n, wanted);
			break;
		}
	}
}

static int
expose_strings(struct devrec *out, const struct devrec *in)
{
	uint8_t wanted[256] = {1}; /* the table of languages */
	const uint8_t *p;
	size_t len;
	int r = 0;

	for (unsigned i = 14; i <= 16; i++) {
		wanted[out->device[i]] = 1;
	}
	for (unsigned i = 0; i < out->nconfigs; i++) {
		p = devrec_config(out, i, &len);
		want_config(wanted, p, len);
	}
	for (unsigned i = 0; i < out->nothers; i++) {
		p = devrec_other(out, i, &len);
		want_config(wanted, p, len);
	}
	for (size_t i = 0; r == 0 && i < in->nstrings; i++) {
		const struct devrec_string *s = &in->strings[i];

		if (!wanted[s->index]) {
			continue;
		}
		p = devrec_string(in, s->index, s->langid, &len);
		r = p == NULL ?
		    ERR_FORMAT :
		    devrec_add_string(out, s->index, s->langid, p, len);
	}
	return r;
}

static int
expose_reports(struct devrec *out, const struct devrec *in,
    const uint8_t mask[DESC_MAX_CONFIGS][32])
{
	for (size_t i = 0; i < in->nreports; i++) {
		const struct devrec_report *rep = &in->reports[i];
		int is_kept = 0, r;
		const uint8_t *p;
		size_t len;

		for (unsigned k = 0; k < in->nconfigs; k++) {
			p = devrec_config(in, k, &len);
			is_kept |= p != NULL && len >= CONFIG_SIZE &&
			    p[5] == rep->config && has(mask[k], rep->interface);
		}
		if (!is_kept) {
			continue;
		}
		p = devrec_report(in, rep->config, rep->interface, &len);
		r = p == NULL ? ERR_FORMAT :
				devrec_add_report(out, rep->config,
				    rep->interface, p, len);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* Capabilities that name functions of the device, or say where they are named.
 */
static int
names_functions(const uint8_t *p, size_t n)
{
	static const uint8_t ms_os_20[16] = {0xdf, 0x60, 0xdd, 0xd8, 0x89, 0x45,
	    0xc7, 0x4c, 0x9c, 0xd2, 0x65, 0x9d, 0x9e, 0x64, 0x8a, 0x9f};

	if (n < 3) {
		return 0;
	}
	return p[2] == CAP_SUMMARY ||
	    (p[2] == CAP_PLATFORM && n >= 20 &&
		memcmp(p + 4, ms_os_20, sizeof(ms_os_20)) == 0);
}

static int
expose_bos(struct devrec *out, const struct devrec *in)
{
	size_t len = in->bos_length, pos, used, n;
	const uint8_t *p;
	int r;

	if (len == 0) {
		return 0;
	}
	if (len > sizeof(in->bos) || len < 5 || in->bos[0] < 5 ||
	    in->bos[0] > len) {
		return ERR_FORMAT;
	}
	pos = used = in->bos[0];
	memcpy(out->bos, in->bos, used);
	out->bos[4] = 0;
	while ((r = desc_step(in->bos, len, &pos, &p, &n)) == 0) {
		if (!names_functions(p, n)) {
			memcpy(out->bos + used, p, n);
			used += n;
			out->bos[4]++;
		}
	}
	le16_put(out->bos + 2, (uint16_t)used);
	out->bos_length = (uint16_t)used;
	return r == ERR_CLOSED ? 0 : r;
}

/* --- */

static int
is_bounded(const struct devrec *in)
{
	return in->nconfigs <= DESC_MAX_CONFIGS &&
	    in->nothers <= DESC_MAX_CONFIGS && in->nstrings <= DEVREC_STRINGS &&
	    in->nreports <= DEVREC_REPORTS;
}

/* Whether the masks hide anything that is there. */
static int
hides(const struct devrec *in, const uint8_t mask[DESC_MAX_CONFIGS][32])
{
	for (unsigned i = 0; i < in->nconfigs; i++) {
		struct pass pass = {0};
		size_t len;
		const uint8_t *p = devrec_config(in, i, &len);

		if (p == NULL || sort_interfaces(&pass, p, len, mask[i]) != 0 ||
		    count(pass.gone) > 0) {
			return 1;
		}
	}
	return 0;
}

int
devrec_expose(struct devrec *out, const struct devrec *in,
    const uint8_t mask[DESC_MAX_CONFIGS][32])
{
	unsigned niads = 0;
	size_t len;
	int r;

	if (!is_bounded(in)) {
		return ERR_FORMAT;
	}
	if (!hides(in, mask)) {
		*out = *in;
		return 0;
	}
	devrec_init(out);
	out->speed = in->speed;
	memcpy(out->device, in->device, sizeof(out->device));
	r = expose_configs(out, in, mask, &niads);
	if (r != 0) {
		return r;
	}
	if (out->nconfigs == 0) {
		return ERR_NOENT;
	}
	out->device[17] = out->nconfigs;
	fix_class(out->device + 4, niads);
	if (devrec_config_by_value(out, in->active_config, &len) != NULL) {
		out->active_config = in->active_config;
	}
	if ((r = expose_others(out, in, mask)) != 0 ||
	    (r = expose_bos(out, in)) != 0 ||
	    (r = expose_reports(out, in, mask)) != 0) {
		return r;
	}
	return expose_strings(out, in);
}
