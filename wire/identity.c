/*
 * Identity of a workstation: its lasting name and the exact form in which the
 * facts of its certificate go from session to warden. The session has met the
 * peer and may be lost to it, so the decoder believes no count and no length.
 *
 * Form: issuer_key[32] fingerprint[32] serial text(subject) text(issuer)
 * text(cn) nsan { type text } nou { text }; serial and texts are a length byte
 * and that many bytes, texts without a NUL.
 */
#include "wire/identity.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

static const char hex_digits[] = "0123456789abcdef";

static const char *
first_san(const struct x509_facts *facts, enum identity_san_type type)
{
	size_t n = facts->nsan;

	if (n > IDENTITY_SANS) {
		n = IDENTITY_SANS;
	}
	for (size_t i = 0; i < n; i++) {
		if (facts->san[i].type == type &&
		    facts->san[i].text[0] != '\0') {
			return facts->san[i].text;
		}
	}
	return NULL;
}

/* Appends what fits and keeps room for the NUL. */
static size_t
append(char *buf, size_t size, size_t at, const char *text, size_t n)
{
	if (at >= size) {
		return at;
	}
	if (n > size - 1 - at) {
		n = size - 1 - at;
	}
	memcpy(buf + at, text, n);
	buf[at + n] = '\0';
	return at + n;
}

char *
identity_name(char *buf, size_t size, const struct x509_facts *facts)
{
	const char *uri = first_san(facts, SAN_URI);
	const char *dns = first_san(facts, SAN_DNS);
	const char *text = facts->subject, *prefix = "dn:";
	size_t at = 0;

	if (size == 0) {
		return buf;
	}
	for (size_t i = 0; i < sizeof(facts->issuer_key); i++) {
		uint8_t b = facts->issuer_key[i];
		char two[2] = {hex_digits[b >> 4], hex_digits[b & 15]};

		at = append(buf, size, at, two, sizeof(two));
	}
	if (uri != NULL) {
		text = uri;
		prefix = "uri:";
	} else if (dns != NULL) {
		text = dns;
		prefix = "dns:";
	}
	at = append(buf, size, at, ":", 1);
	at = append(buf, size, at, prefix, strlen(prefix));
	append(buf, size, at, text, strnlen(text, IDENTITY_TEXT - 1));
	return buf;
}

const char *
identity_short(const struct x509_facts *facts)
{
	const char *uri = first_san(facts, SAN_URI);
	const char *dns = first_san(facts, SAN_DNS);

	if (uri != NULL) {
		return uri;
	}
	if (dns != NULL) {
		return dns;
	}
	return facts->cn[0] != '\0' ? facts->cn : facts->subject;
}

/* 0, or ERR_FORMAT for a text that has no NUL within its array. */
static int
put_text(struct wcur *c, const char text[IDENTITY_TEXT])
{
	size_t n = strnlen(text, IDENTITY_TEXT);

	if (n == IDENTITY_TEXT) {
		return ERR_FORMAT;
	}
	wcur_u8(c, (uint8_t)n);
	wcur_copy(c, text, n);
	return 0;
}

static int
get_text(struct rcur *c, char text[IDENTITY_TEXT])
{
	size_t n = rcur_u8(c);

	_Static_assert(IDENTITY_TEXT == 256, "a length byte covers every text");
	rcur_copy(c, text, n);
	text[n] = '\0';
	return c->failed || strlen(text) != n ? ERR_FORMAT : 0;
}

int
identity_encode(void *buf, size_t size, const struct x509_facts *facts)
{
	struct wcur c = wcur_of(buf, size);
	int bad = 0;

	if (facts->serial_len < 1 ||
	    facts->serial_len > sizeof(facts->serial) ||
	    facts->nsan > IDENTITY_SANS || facts->nou > IDENTITY_OUS) {
		return ERR_FORMAT;
	}
	wcur_copy(&c, facts->issuer_key, sizeof(facts->issuer_key));
	wcur_copy(&c, facts->fingerprint, sizeof(facts->fingerprint));
	wcur_u8(&c, facts->serial_len);
	wcur_copy(&c, facts->serial, facts->serial_len);
	bad |= put_text(&c, facts->subject);
	bad |= put_text(&c, facts->issuer);
	bad |= put_text(&c, facts->cn);
	wcur_u8(&c, facts->nsan);
	for (size_t i = 0; i < facts->nsan; i++) {
		if (facts->san[i].type < SAN_DNS ||
		    facts->san[i].type > SAN_IP) {
			return ERR_FORMAT;
		}
		wcur_u8(&c, facts->san[i].type);
		bad |= put_text(&c, facts->san[i].text);
	}
	wcur_u8(&c, facts->nou);
	for (size_t i = 0; i < facts->nou; i++) {
		bad |= put_text(&c, facts->ou[i]);
	}
	if (bad) {
		return ERR_FORMAT;
	}
	return c.failed ? ERR_NOMEM : (int)c.used;
}

int
identity_decode(struct x509_facts *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = 0;

	memset(out, 0, sizeof(*out));
	rcur_copy(&c, out->issuer_key, sizeof(out->issuer_key));
	rcur_copy(&c, out->fingerprint, sizeof(out->fingerprint));
	out->serial_len = rcur_u8(&c);
	if (out->serial_len < 1 || out->serial_len > sizeof(out->serial)) {
		goto bad;
	}
	rcur_copy(&c, out->serial, out->serial_len);
	bad |= get_text(&c, out->subject);
	bad |= get_text(&c, out->issuer);
	bad |= get_text(&c, out->cn);
	out->nsan = rcur_u8(&c);
	if (out->nsan > IDENTITY_SANS) {
		goto bad;
	}
	for (size_t i = 0; i < out->nsan; i++) {
		out->san[i].type = rcur_u8(&c);
		if (out->san[i].type < SAN_DNS || out->san[i].type > SAN_IP) {
			goto bad;
		}
		bad |= get_text(&c, out->san[i].text);
	}
	out->nou = rcur_u8(&c);
	if (out->nou > IDENTITY_OUS) {
		goto bad;
	}
	for (size_t i = 0; i < out->nou; i++) {
		bad |= get_text(&c, out->ou[i]);
	}
	if (!bad && rcur_done(&c)) {
		return 0;
	}
bad:
	memset(out, 0, sizeof(*out));
	return ERR_FORMAT;
}
