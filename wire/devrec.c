/*
 * The device record: filled by the probe, read by the warden, compared and
 * served by the session. A record that came over a channel was written by a
 * process that had hostile bytes in its hands, so the decoder lays out the
 * byte arrays itself and believes no offset of the sender.
 *
 * Form: speed active_config device[18] nconfigs nstrings nreports
 * has_qualifier [qualifier[10] nothers] { len config } { len other }
 * bos_len bos { index langid len string } { config interface len report };
 * every len is a be16.
 */
#include "wire/devrec.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

#define CONFIG_HEAD 9u /* bConfigurationValue is its byte 5 */

void
devrec_init(struct devrec *rec)
{
	memset(rec, 0, sizeof(*rec));
}

/* Bytes of a span, or NULL when it does not lie in what is used. */
static const uint8_t *
span_bytes(const uint8_t *bytes, size_t used, struct devrec_span at)
{
	return (size_t)at.offset + at.length <= used ? bytes + at.offset : NULL;
}

/* Copies to the end of a byte array of `room` bytes, `*used` of them taken. */
static int
append(uint8_t *bytes, size_t room, uint16_t *used, const void *buf, size_t len,
    struct devrec_span *at)
{
	if (*used > room || len > room - *used) {
		return ERR_LIMIT;
	}
	*at = (struct devrec_span){.offset = *used, .length = (uint16_t)len};
	if (len > 0) {
		memcpy(bytes + *used, buf, len);
	}
	*used = (uint16_t)(*used + len);
	return 0;
}

int
devrec_add_config(struct devrec *rec, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n;
	int r;

	if (len < CONFIG_HEAD ||
	    devrec_config_by_value(rec, p[5], &n) != NULL) {
		return ERR_FORMAT;
	}
	if (rec->nconfigs >= DESC_MAX_CONFIGS) {
		return ERR_LIMIT;
	}
	r = append(rec->config_bytes, sizeof(rec->config_bytes),
	    &rec->config_used, buf, len, &rec->configs[rec->nconfigs]);
	if (r == 0) {
		rec->nconfigs++;
	}
	return r;
}

/* A head that tells the length, then descriptors to the last byte. */
static int
is_other(const uint8_t *p, size_t len)
{
	const uint8_t *at;
	size_t pos = 0, n;
	int r;

	if (len < CONFIG_HEAD || p[0] < CONFIG_HEAD ||
	    p[1] != DESC_OTHER_SPEED || le16_at(p + 2) != len) {
		return 0;
	}
	do {
		r = desc_next(p, len, &pos, &at, &n);
	} while (r == 0);
	return pos == len;
}

int
devrec_add_other(struct devrec *rec, const void *buf, size_t len)
{
	int r;

	if (!rec->has_qualifier || !is_other(buf, len)) {
		return ERR_FORMAT;
	}
	if (rec->nothers >= DESC_MAX_CONFIGS) {
		return ERR_LIMIT;
	}
	r = append(rec->config_bytes, sizeof(rec->config_bytes),
	    &rec->config_used, buf, len, &rec->others[rec->nothers]);
	if (r == 0) {
		rec->nothers++;
	}
	return r;
}

static const struct devrec_string *
find_string(const struct devrec *rec, uint8_t index, uint16_t langid)
{
	for (size_t i = 0; i < rec->nstrings && i < DEVREC_STRINGS; i++) {
		const struct devrec_string *s = &rec->strings[i];

		if (s->index == index && (index == 0 || s->langid == langid)) {
			return s;
		}
	}
	return NULL;
}

int
devrec_add_string(struct devrec *rec, uint8_t index, uint16_t langid,
    const void *buf, size_t len)
{
	/* in place: a copy could bring bytes that no member has */
	struct devrec_string *s;
	int r;

	if (len == 0 || (index == 0 && langid != 0) ||
	    find_string(rec, index, langid) != NULL) {
		return ERR_FORMAT;
	}
	if (rec->nstrings >= DEVREC_STRINGS) {
		return ERR_LIMIT;
	}
	s = &rec->strings[rec->nstrings];
	r = append(rec->string_bytes, sizeof(rec->string_bytes),
	    &rec->string_used, buf, len, &s->at);
	if (r == 0) {
		s->index = index;
		s->langid = langid;
		rec->nstrings++;
	}
	return r;
}

static const struct devrec_report *
find_report(const struct devrec *rec, uint8_t config, uint8_t interface)
{
	for (size_t i = 0; i < rec->nreports && i < DEVREC_REPORTS; i++) {
		if (rec->reports[i].config == config &&
		    rec->reports[i].interface == interface) {
			return &rec->reports[i];
		}
	}
	return NULL;
}

int
devrec_add_report(struct devrec *rec, uint8_t config, uint8_t interface,
    const void *buf, size_t len)
{
	struct devrec_report rep = {.config = config, .interface = interface};
	int r;

	if (len == 0 || find_report(rec, config, interface) != NULL) {
		return ERR_FORMAT;
	}
	if (rec->nreports >= DEVREC_REPORTS) {
		return ERR_LIMIT;
	}
	r = append(rec->report_bytes, sizeof(rec->report_bytes),
	    &rec->report_used, buf, len, &rep.at);
	if (r == 0) {
		rec->reports[rec->nreports++] = rep;
	}
	return r;
}

int
devrec_set_bos(struct devrec *rec, const void *buf, size_t len)
{
	if (len == 0 || rec->bos_length != 0) {
		return ERR_FORMAT;
	}
	if (len > sizeof(rec->bos)) {
		return ERR_LIMIT;
	}
	memcpy(rec->bos, buf, len);
	rec->bos_length = (uint16_t)len;
	return 0;
}

const uint8_t *
devrec_config(const struct devrec *rec, unsigned index, size_t *len)
{
	const uint8_t *p = NULL;

	*len = 0;
	if (index < rec->nconfigs && index < DESC_MAX_CONFIGS) {
		p = span_bytes(rec->config_bytes, rec->config_used,
		    rec->configs[index]);
	}
	if (p != NULL) {
		*len = rec->configs[index].length;
	}
	return p;
}

const uint8_t *
devrec_config_by_value(const struct devrec *rec, uint8_t value, size_t *len)
{
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		const uint8_t *p = devrec_config(rec, i, len);

		if (p != NULL && *len >= CONFIG_HEAD && p[5] == value) {
			return p;
		}
	}
	*len = 0;
	return NULL;
}

const uint8_t *
devrec_other(const struct devrec *rec, unsigned index, size_t *len)
{
	const uint8_t *p = NULL;

	*len = 0;
	if (index < rec->nothers && index < DESC_MAX_CONFIGS) {
		p = span_bytes(rec->config_bytes, rec->config_used,
		    rec->others[index]);
	}
	if (p != NULL) {
		*len = rec->others[index].length;
	}
	return p;
}

static const uint8_t *
string_bytes(
    const struct devrec *rec, const struct devrec_string *s, size_t *len)
{
	const uint8_t *p = NULL;

	*len = 0;
	if (s != NULL) {
		p = span_bytes(rec->string_bytes, rec->string_used, s->at);
	}
	if (p != NULL) {
		*len = s->at.length;
	}
	return p;
}

const uint8_t *
devrec_string(const struct devrec *rec, uint8_t index, uint16_t langid,
    size_t *len)
{
	return string_bytes(rec, find_string(rec, index, langid), len);
}

const uint8_t *
devrec_report(const struct devrec *rec, uint8_t config, uint8_t interface,
    size_t *len)
{
	const struct devrec_report *rep = find_report(rec, config, interface);
	const uint8_t *p = NULL;

	*len = 0;
	if (rep != NULL) {
		p = span_bytes(rec->report_bytes, rec->report_used, rep->at);
	}
	if (p != NULL) {
		*len = rep->at.length;
	}
	return p;
}

/* The first language is the first entry of string 0. Devices without a usable
 * table exist; then it is the language in which the string was read. */
char *
devrec_text(const struct devrec *rec, uint8_t index, char *dst, size_t size)
{
	const struct devrec_string *found = NULL;
	const uint8_t *p;
	size_t len;

	if (size == 0) {
		return dst;
	}
	dst[0] = '\0';
	if (index == 0) {
		return dst;
	}
	p = devrec_string(rec, 0, 0, &len);
	if (p != NULL && len >= 4) {
		found = find_string(rec, index, le16_at(p + 2));
	} else {
		for (size_t i = 0; i < rec->nstrings && i < DEVREC_STRINGS &&
		    found == NULL; i++) {
			if (rec->strings[i].index == index) {
				found = &rec->strings[i];
			}
		}
	}
	p = string_bytes(rec, found, &len);
	if (p != NULL) {
		desc_string_utf8(dst, size, p, len);
	}
	return dst;
}

/* Counts and spans within bounds: what an encoder may rely on. */
static int
is_sound(const struct devrec *rec)
{
	size_t len;

	if (rec->nconfigs > DESC_MAX_CONFIGS ||
	    rec->nothers > (rec->has_qualifier ? DESC_MAX_CONFIGS : 0) ||
	    rec->nstrings > DEVREC_STRINGS || rec->nreports > DEVREC_REPORTS ||
	    rec->config_used > sizeof(rec->config_bytes) ||
	    rec->string_used > sizeof(rec->string_bytes) ||
	    rec->report_used > sizeof(rec->report_bytes) ||
	    rec->bos_length > sizeof(rec->bos) || rec->has_qualifier > 1) {
		return 0;
	}
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		if (devrec_config(rec, i, &len) == NULL) {
			return 0;
		}
	}
	for (unsigned i = 0; i < rec->nothers; i++) {
		if (devrec_other(rec, i, &len) == NULL) {
			return 0;
		}
	}
	for (size_t i = 0; i < rec->nstrings; i++) {
		if (string_bytes(rec, &rec->strings[i], &len) == NULL) {
			return 0;
		}
	}
	for (size_t i = 0; i < rec->nreports; i++) {
		if (span_bytes(rec->report_bytes, rec->report_used,
			rec->reports[i].at) == NULL) {
			return 0;
		}
	}
	return 1;
}

static void
put_span(struct wcur *c, const uint8_t *bytes, struct devrec_span at)
{
	wcur_be16(c, at.length);
	wcur_copy(c, bytes + at.offset, at.length);
}

int
devrec_encode(void *buf, size_t size, const struct devrec *rec)
{
	struct wcur c = wcur_of(buf, size);

	if (!is_sound(rec)) {
		return ERR_FORMAT;
	}
	wcur_u8(&c, rec->speed);
	wcur_u8(&c, rec->active_config);
	wcur_copy(&c, rec->device, sizeof(rec->device));
	wcur_u8(&c, rec->nconfigs);
	wcur_u8(&c, rec->nstrings);
	wcur_u8(&c, rec->nreports);
	wcur_u8(&c, rec->has_qualifier);
	if (rec->has_qualifier) {
		wcur_copy(&c, rec->qualifier, sizeof(rec->qualifier));
		wcur_u8(&c, rec->nothers);
	}
	for (size_t i = 0; i < rec->nconfigs; i++) {
		put_span(&c, rec->config_bytes, rec->configs[i]);
	}
	for (size_t i = 0; i < rec->nothers; i++) {
		put_span(&c, rec->config_bytes, rec->others[i]);
	}
	wcur_be16(&c, rec->bos_length);
	wcur_copy(&c, rec->bos, rec->bos_length);
	for (size_t i = 0; i < rec->nstrings; i++) {
		wcur_u8(&c, rec->strings[i].index);
		wcur_be16(&c, rec->strings[i].langid);
		put_span(&c, rec->string_bytes, rec->strings[i].at);
	}
	for (size_t i = 0; i < rec->nreports; i++) {
		wcur_u8(&c, rec->reports[i].config);
		wcur_u8(&c, rec->reports[i].interface);
		put_span(&c, rec->report_bytes, rec->reports[i].at);
	}
	return c.failed ? ERR_NOMEM : (int)c.used;
}

/* A be16 length and that many bytes in place; NULL when they are not there. */
static const uint8_t *
get_span(struct rcur *c, size_t *len)
{
	*len = rcur_be16(c);
	return rcur_bytes(c, *len);
}

static int
decode_items(struct devrec *out, struct rcur *c, uint8_t nconfigs,
    uint8_t nothers, uint8_t nstrings, uint8_t nreports)
{
	const uint8_t *p;
	size_t len;
	int bad = 0;

	for (unsigned i = 0; i < nconfigs; i++) {
		p = get_span(c, &len);
		bad |= p == NULL || devrec_add_config(out, p, len) != 0;
	}
	for (unsigned i = 0; i < nothers; i++) {
		p = get_span(c, &len);
		bad |= p == NULL || devrec_add_other(out, p, len) != 0;
	}
	p = get_span(c, &len);
	bad |= p == NULL || (len > 0 && devrec_set_bos(out, p, len) != 0);
	for (unsigned i = 0; i < nstrings; i++) {
		uint8_t index = rcur_u8(c);
		uint16_t langid = rcur_be16(c);

		p = get_span(c, &len);
		bad |= p == NULL ||
		    devrec_add_string(out, index, langid, p, len) != 0;
	}
	for (unsigned i = 0; i < nreports; i++) {
		uint8_t config = rcur_u8(c);
		uint8_t interface = rcur_u8(c);

		p = get_span(c, &len);
		bad |= p == NULL ||
		    devrec_add_report(out, config, interface, p, len) != 0;
	}
	return bad || !rcur_done(c) ? ERR_FORMAT : 0;
}

int
devrec_decode(struct devrec *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	uint8_t nconfigs, nothers = 0, nstrings, nreports;

	devrec_init(out);
	out->speed = rcur_u8(&c);
	out->active_config = rcur_u8(&c);
	rcur_copy(&c, out->device, sizeof(out->device));
	nconfigs = rcur_u8(&c);
	nstrings = rcur_u8(&c);
	nreports = rcur_u8(&c);
	out->has_qualifier = rcur_u8(&c);
	if (out->has_qualifier == 1) {
		rcur_copy(&c, out->qualifier, sizeof(out->qualifier));
		nothers = rcur_u8(&c);
	}
	if (out->has_qualifier > 1 || nconfigs > DESC_MAX_CONFIGS ||
	    nothers > DESC_MAX_CONFIGS || nstrings > DEVREC_STRINGS ||
	    nreports > DEVREC_REPORTS ||
	    decode_items(out, &c, nconfigs, nothers, nstrings, nreports) !=
		0) {
		devrec_init(out);
		return ERR_FORMAT;
	}
	return 0;
}
