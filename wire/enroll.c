/*
 * Tokens, requests and replies of enrolment. The server's side reads what any
 * stranger sends, so a request is nearly all of fixed length: no field of it
 * says how long another is, but for the signature's one byte.
 */
#include "wire/enroll.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

#define VERSION 1
#define PREFIX "sp1_"
#define TOKEN_BYTES (ENROLL_ID + ENROLL_SECRET + ENROLL_PIN)
#define SIG_MIN 8u

_Static_assert(TOKEN_BYTES % 3 == 0, "base64 without padding");
_Static_assert(sizeof(PREFIX) + TOKEN_BYTES / 3 * 4 == ENROLL_TOKEN_TEXT,
    "length of a token's text");

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ------------------------------------------------------------------------ */
/* Tokens                                                                   */

void
enroll_token_text(
    char out[ENROLL_TOKEN_TEXT], const struct enroll_token *token)
{
	uint8_t bytes[TOKEN_BYTES];
	char *p = out + strlen(PREFIX);

	memcpy(bytes, token->id, ENROLL_ID);
	memcpy(bytes + ENROLL_ID, token->secret, ENROLL_SECRET);
	memcpy(bytes + ENROLL_ID + ENROLL_SECRET, token->pin, ENROLL_PIN);
	memcpy(out, PREFIX, strlen(PREFIX));
	for (size_t i = 0; i < sizeof(bytes); i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 |
		    (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6) {
			*p++ = alphabet[v >> shift & 63];
		}
	}
	*p = '\0';
}

int
enroll_token_read(struct enroll_token *out, const char *text)
{
	uint8_t bytes[TOKEN_BYTES];
	const char *p = text + strlen(PREFIX);

	if (strlen(text) != ENROLL_TOKEN_TEXT - 1 ||
	    strncmp(text, PREFIX, strlen(PREFIX)) != 0) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < sizeof(bytes); i += 3) {
		uint32_t v = 0;

		for (int n = 0; n < 4; n++) {
			const char *at = strchr(alphabet, *p++);

			if (at == NULL) {
				return ERR_FORMAT;
			}
			v = v << 6 | (uint32_t)(at - alphabet);
		}
		bytes[i] = (uint8_t)(v >> 16);
		bytes[i + 1] = (uint8_t)(v >> 8);
		bytes[i + 2] = (uint8_t)v;
	}
	memcpy(out->id, bytes, ENROLL_ID);
	memcpy(out->secret, bytes + ENROLL_ID, ENROLL_SECRET);
	memcpy(out->pin, bytes + ENROLL_ID + ENROLL_SECRET, ENROLL_PIN);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Frames                                                                   */

int
enroll_length(const uint8_t head[ENROLL_HEAD], size_t max, size_t *len)
{
	struct rcur c = rcur_of(head, ENROLL_HEAD);
	uint32_t n = rcur_be32(&c);

	*len = 0;
	if (n == 0) {
		return ERR_FORMAT;
	}
	if (max < ENROLL_HEAD || n > max - ENROLL_HEAD) {
		return ERR_LIMIT;
	}
	*len = n;
	return 0;
}

/* The head, once all is there. */
static int
finish(struct wcur *c, uint8_t *head)
{
	struct wcur h = wcur_of(head, ENROLL_HEAD);

	if (c->failed) {
		return ERR_NOMEM;
	}
	wcur_be32(&h, (uint32_t)(c->used - ENROLL_HEAD));
	return (int)c->used;
}

/* Behind the head, which must tell of just these bytes. */
static int
begin(struct rcur *c, const void *buf, size_t len)
{
	*c = rcur_of(buf, len);
	return rcur_be32(c) == c->left && !c->failed ? 0 : ERR_FORMAT;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

int
enroll_encode_request(
    void *buf, size_t size, const struct enroll_request *m)
{
	struct wcur c = wcur_of(buf, size);
	uint8_t *head = wcur_room(&c, ENROLL_HEAD);

	if (m->sig_len < SIG_MIN || m->sig_len > ENROLL_SIG_MAX) {
		return ERR_FORMAT;
	}
	wcur_u8(&c, VERSION);
	wcur_copy(&c, m->id, ENROLL_ID);
	wcur_copy(&c, m->secret, ENROLL_SECRET);
	wcur_copy(&c, m->spki, ENROLL_SPKI);
	wcur_u8(&c, (uint8_t)m->sig_len);
	wcur_copy(&c, m->sig, m->sig_len);
	return finish(&c, head);
}

int
enroll_decode_request(struct enroll_request *m, const void *buf, size_t len)
{
	struct rcur c;

	memset(m, 0, sizeof(*m));
	if (begin(&c, buf, len) != 0 || rcur_u8(&c) != VERSION) {
		return ERR_FORMAT;
	}
	rcur_copy(&c, m->id, ENROLL_ID);
	rcur_copy(&c, m->secret, ENROLL_SECRET);
	rcur_copy(&c, m->spki, ENROLL_SPKI);
	m->sig_len = rcur_u8(&c);
	if (m->sig_len < SIG_MIN || m->sig_len > ENROLL_SIG_MAX) {
		m->sig_len = 0;
		return ERR_FORMAT;
	}
	rcur_copy(&c, m->sig, m->sig_len);
	return rcur_done(&c) ? 0 : ERR_FORMAT;
}

void
enroll_signed_part(
    uint8_t out[ENROLL_SIGNED], const struct enroll_request *m)
{
	memcpy(out, ENROLL_ALPN, sizeof(ENROLL_ALPN));
	out += sizeof(ENROLL_ALPN);
	memcpy(out, m->id, ENROLL_ID);
	out += ENROLL_ID;
	memcpy(out, m->secret, ENROLL_SECRET);
	out += ENROLL_SECRET;
	memcpy(out, m->spki, ENROLL_SPKI);
}

/* ------------------------------------------------------------------------ */
/* Replies                                                                  */

static int
is_text(const uint8_t *p, size_t len)
{
	return len > 0 && p != NULL && memchr(p, '\0', len) == NULL;
}

static int
reply_bad(const struct enroll_reply *m)
{
	if (m->status > ENROLL_FAILED) {
		return 1;
	}
	if (m->status != ENROLL_OK) {
		return m->cert_len != 0 || m->ca_len != 0;
	}
	return !is_text(m->cert, m->cert_len) || !is_text(m->ca, m->ca_len);
}

int
enroll_encode_reply(void *buf, size_t size, const struct enroll_reply *m)
{
	struct wcur c = wcur_of(buf, size);
	uint8_t *head = wcur_room(&c, ENROLL_HEAD);

	if (reply_bad(m) || m->cert_len > ENROLL_REPLY_MAX ||
	    m->ca_len > ENROLL_REPLY_MAX) {
		return ERR_FORMAT;
	}
	wcur_u8(&c, VERSION);
	wcur_u8(&c, m->status);
	wcur_be32(&c, (uint32_t)m->cert_len);
	wcur_copy(&c, m->cert, m->cert_len);
	wcur_be32(&c, (uint32_t)m->ca_len);
	wcur_copy(&c, m->ca, m->ca_len);
	return finish(&c, head);
}

int
enroll_decode_reply(struct enroll_reply *m, const void *buf, size_t len)
{
	struct rcur c;

	memset(m, 0, sizeof(*m));
	if (begin(&c, buf, len) != 0 || rcur_u8(&c) != VERSION) {
		return ERR_FORMAT;
	}
	m->status = rcur_u8(&c);
	m->cert_len = rcur_be32(&c);
	m->cert = rcur_bytes(&c, m->cert_len);
	m->ca_len = rcur_be32(&c);
	m->ca = rcur_bytes(&c, m->ca_len);
	if (!rcur_done(&c) || reply_bad(m)) {
		memset(m, 0, sizeof(*m));
		return ERR_FORMAT;
	}
	return 0;
}
