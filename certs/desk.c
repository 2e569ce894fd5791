/*
 * In this order, so that nothing is signed for who has no token, no token works
 * twice, and nothing leaves that the CA does not remember: 1. the record, its
 * time and its failures; 2. the secret; 3. the key and its signature; 4. sign;
 * 5. the CA's own copy; 6. the token is used; 7. the reply.
 */
#include "certs/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/pem.h>
#include <mbedtls/platform_util.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sign.h"
#include "certs/file.h"
#include "certs/issued.h"
#include "certs/names.h"
#include "certs/text.h"
#include "certs/tokens.h"

#define OP "serve"
#define DEFAULT_DAYS 365
#define SHOWN_DAYS 1
#define RENEW_AFTER (12 * 3600)

int
desk_open(struct desk *d, const char *dir)
{
	memset(d, 0, sizeof(*d));
	d->dir = dir;
	if (ca_load(&d->ca, OP, dir) != 0) {
		return -1;
	}
	d->tokens = file_path(OP, dir, TOKENS_DIR);
	return d->tokens != NULL ? desk_renew(d) : -1;
}

void
desk_free(struct desk *d)
{
	ca_free(&d->ca);
	free(d->tokens);
	mbedtls_platform_zeroize(d->key, sizeof(d->key));
}

/* ------------------------------------------------------------------------ */
/* What a front shows                                                       */

static int
put_chain(char *out, size_t size, const struct desk *d,
    const struct ca_signed *cert)
{
	size_t len = strlen((const char *)cert->pem), n = 0;

	if (len >= size) {
		return -1;
	}
	memcpy(out, cert->pem, len);
	/* the CA itself, also one that signed itself: it is what a workstation
	 * has the hash of */
	return mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
	    "-----END CERTIFICATE-----\n", d->ca.crt.raw.p, d->ca.crt.raw.len,
	    (unsigned char *)out + len, size - len, &n);
}

int
desk_renew(struct desk *d)
{
	struct san name = { .tag = SAN_TAG_DNS, .len = strlen(ENROLL_NAME) };
	struct ca_request rq = { .kind = CA_KIND_GATEWAY,
		.cn = "sallyport-certs serve", .sans = &name, .nsans = 1 };
	time_t now = time(NULL);
	struct ca_signed cert;
	mbedtls_pk_context key;
	int r = -1;

	if (d->renewed != 0 && now >= d->renewed &&
	    now - d->renewed < RENEW_AFTER) {
		return 0;
	}
	memcpy(name.bytes, ENROLL_NAME, name.len);
	memset(&cert, 0, sizeof(cert));
	mbedtls_pk_init(&key);
	rq.key = &key;
	if (ca_span(&rq.span, OP, d->dir, &d->ca, NULL, 0, SHOWN_DAYS) == 0 &&
	    key_make(&key, d->key) == 0 &&
	    ca_sign(&cert, OP, &d->ca, &rq) == 0 &&
	    put_chain(d->cert, sizeof(d->cert), d, &cert) == 0) {
		d->renewed = now;
		r = 0;
	}
	mbedtls_pk_free(&key);
	ca_signed_free(&cert);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static int
is_key_good(const struct enroll_request *rq)
{
	uint8_t text[ENROLL_SIGNED], digest[32];
	struct digest_part part = { text, sizeof(text) };
	struct sign_key key;
	int r;

	enroll_signed_part(text, rq);
	r = digest_sha256(digest, &part, 1);
	mbedtls_platform_zeroize(text, sizeof(text));
	return r == 0 && sign_key_init(&key, rq->spki, sizeof(rq->spki)) == 0 &&
	    sign_check(&key, digest, rq->sig, rq->sig_len) == 0;
}

static int
sign(struct desk *d, const struct token *token,
    const struct enroll_request *rq, struct ca_signed *out)
{
	struct ca_request want;
	mbedtls_pk_context key;
	int r = -1;

	names_request(&want, &token->names);
	mbedtls_pk_init(&key);
	want.key = &key;
	if (mbedtls_pk_parse_public_key(&key, rq->spki, sizeof(rq->spki)) ==
	    0 && ca_span(&want.span, OP, want.cn, &d->ca, NULL, token->days,
	    DEFAULT_DAYS) == 0) {
		r = ca_sign(out, OP, &d->ca, &want);
	}
	mbedtls_pk_free(&key);
	return r;
}

/* How many bytes; the certificate first, as in cert.pem. */
static int
write_reply(const struct desk *d, const struct ca_signed *cert,
    uint8_t out[ENROLL_REPLY_MAX])
{
	static char chain[ENROLL_REPLY_MAX / 2];
	struct enroll_reply reply = { .status = ENROLL_OK,
		.cert = (const uint8_t *)chain, .ca = d->ca.pem.bytes,
		.ca_len = d->ca.pem.len };
	size_t len = strlen((const char *)cert->pem);

	memcpy(chain, cert->pem, len);
	if (ca_add_chain(chain, sizeof(chain), &len, &d->ca) != 0) {
		return -1;
	}
	reply.cert_len = len;
	return enroll_encode_reply(out, ENROLL_REPLY_MAX, &reply);
}

/* The token is good. */
static int
give(struct desk *d, struct token *token, const struct enroll_request *rq,
    const char *peer, uint8_t out[ENROLL_REPLY_MAX])
{
	struct file_set *copy = NULL;
	char serial[2 * CA_SERIAL_MAX + 1];
	struct ca_signed cert;
	const uint8_t *p;
	size_t len;
	int n = -1;

	memset(&cert, 0, sizeof(cert));
	if (sign(d, token, rq, &cert) == 0) {
		n = write_reply(d, &cert, out);
	}
	if (n > 0) {
		copy = issued_add(OP, d->dir, &cert);
		n = copy != NULL && tokens_use(token) == 0 ? n : -1;
	}
	if (n > 0) {
		file_set_keep(copy);
		p = ca_serial(&cert.crt, &len);
		text_hex(serial, p, len);
		log_infox("enroll %s: %s: certificate %s", peer,
		    token->names.cn, serial);
	}
	file_set_free(copy);
	ca_signed_free(&cert);
	return n;
}

static const char *
state_words(enum token_state state)
{
	switch (state) {
	case TOKEN_OPEN:
		return "wrong secret";
	case TOKEN_NONE:
		return "no such token, or a used one";
	case TOKEN_LATE:
		return "its time is over";
	case TOKEN_CLOSED:
		return "closed by failures before";
	case TOKEN_BROKEN:
		return "its record cannot be read";
	}
	return "";
}

static int
judge(struct desk *d, struct token *token, const struct enroll_request *rq,
    const char *peer, enum enroll_status *status, uint8_t *out)
{
	char id[2 * ENROLL_ID + 1];
	enum token_state state;
	int n;

	text_hex(id, rq->id, sizeof(rq->id));
	state = tokens_open(token, OP, d->tokens, rq->id);
	*status = ENROLL_REFUSED;
	if (state != TOKEN_OPEN || !tokens_is_secret(token, rq->secret)) {
		log_warnx("enroll %s: token %s: %s", peer, id,
		    state_words(state));
		if (state == TOKEN_OPEN) {
			(void)tokens_fail(token);
		}
		return -1;
	}
	if (!is_key_good(rq)) {
		log_warnx("enroll %s: token %s: the key or its signature is "
			  "not good", peer, id);
		(void)tokens_fail(token);
		*status = ENROLL_BAD_KEY;
		return -1;
	}
	*status = ENROLL_FAILED;
	n = give(d, token, rq, peer, out);
	if (n < 0) {
		log_warnx("enroll %s: token %s: nothing was signed", peer, id);
	}
	return n;
}

size_t
desk_answer(struct desk *d, const void *request, size_t len, const char *peer,
    uint8_t out[ENROLL_REPLY_MAX])
{
	struct enroll_reply refusal = { .status = ENROLL_REFUSED };
	enum enroll_status status = ENROLL_REFUSED;
	struct enroll_request rq;
	struct token token = { .lock = -1 };
	int n = -1;

	if (enroll_decode_request(&rq, request, len) != 0) {
		log_warnx("enroll %s: malformed request", peer);
	} else {
		n = judge(d, &token, &rq, peer, &status, out);
		tokens_close(&token);
	}
	mbedtls_platform_zeroize(&rq, sizeof(rq));
	if (n < 0) {
		refusal.status = (uint8_t)status;
		n = enroll_encode_reply(out, ENROLL_REPLY_MAX, &refusal);
	}
	return (size_t)n;
}
