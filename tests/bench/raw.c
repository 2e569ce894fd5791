/*
 * Raw TCP and raw mbedTLS. Nothing of base/stream.c or base/tls.c is used here:
 * a baseline that shares the code of what it measures would share its faults.
 */
#include "tests/bench/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "base/log.h"
#include "base/mem.h"
#include "tests/bench/parts.h"
#include "wire/ipc.h"

#define RUN 16384u
#define AHEAD (64u * 1024u)

struct raw_crypt {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
	mbedtls_x509_crt ca, cert;
	mbedtls_pk_context key;
	mbedtls_ssl_config conf;
	mbedtls_ssl_context ssl;
	size_t at, len; /* of ahead */
	uint8_t ahead[AHEAD];
};

struct raw {
	int fd;			 /* owned */
	struct raw_crypt *crypt; /* owned; NULL = plain */
	size_t out_len, in_at, in_len;
	uint8_t out[RUN];
	uint8_t in[AHEAD];
};

/* What the gateway prefers, alone, so that both speak the same. */
static const int suites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_AES_128_CCM_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
    0,
};

/* ------------------------------------------------------------------------ */
/* The socket                                                               */

static void
send_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1) {
			fatal("send");
		}
		p += n;
		len -= (size_t)n;
	}
}

/* 0 at the end of the stream. */
static size_t
recv_some(int fd, void *buf, size_t room)
{
	for (;;) {
		ssize_t n = recv(fd, buf, room, 0);

		if (n >= 0) {
			return (size_t)n;
		}
		if (errno == ECONNRESET) {
			return 0;
		}
		if (errno != EINTR) {
			fatal("recv");
		}
	}
}

static int
bio_send(void *arg, const unsigned char *buf, size_t len)
{
	struct raw *raw = arg;

	send_all(raw->fd, buf, len);
	return (int)len;
}

static int
bio_recv(void *arg, unsigned char *buf, size_t len)
{
	struct raw *raw = arg;
	struct raw_crypt *c = raw->crypt;

	if (c->len == 0) {
		c->at = 0;
		c->len = recv_some(raw->fd, c->ahead, sizeof(c->ahead));
		if (c->len == 0) {
			return MBEDTLS_ERR_SSL_CONN_EOF;
		}
	}
	len = len < c->len ? len : c->len;
	memcpy(buf, c->ahead + c->at, len);
	c->at += len;
	c->len -= len;
	return (int)len;
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

struct raw *
raw_plain(int fd)
{
	struct raw *raw = calloc(1, sizeof(*raw));

	if (raw == NULL) {
		fatal("raw");
	}
	raw->fd = fd;
	return raw;
}

static int
parse_key(struct raw_crypt *c, const struct ipc_pem *pem)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(&c->key, pem->key, pem->key_len, NULL, 0,
	    mbedtls_ctr_drbg_random, &c->rng);
#else
	return mbedtls_pk_parse_key(&c->key, pem->key, pem->key_len, NULL, 0);
#endif
}

static void
must(int ret, const char *what)
{
	if (ret != 0) {
		fatalx("mbedtls: %s: -0x%04x", what, (unsigned)-ret);
	}
}

static void
configure(struct raw_crypt *c, enum raw_side side)
{
	must(mbedtls_ssl_config_defaults(&c->conf,
		 side == RAW_SERVER ? MBEDTLS_SSL_IS_SERVER
				    : MBEDTLS_SSL_IS_CLIENT,
		 MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT),
	    "config");
	mbedtls_ssl_conf_rng(&c->conf, mbedtls_ctr_drbg_random, &c->rng);
	mbedtls_ssl_conf_ca_chain(&c->conf, &c->ca, NULL);
	mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ciphersuites(&c->conf, suites);
	must(mbedtls_ssl_conf_own_cert(&c->conf, &c->cert, &c->key), "cert");
	must(mbedtls_ssl_setup(&c->ssl, &c->conf), "setup");
	if (side == RAW_CLIENT) {
		must(mbedtls_ssl_set_hostname(&c->ssl, BENCH_NAME), "name");
	}
}

struct raw *
raw_tls(int fd, enum raw_side side, const struct ipc_pem *pem)
{
	struct raw *raw = raw_plain(fd);
	struct raw_crypt *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		fatal("raw");
	}
	raw->crypt = c;
	mbedtls_entropy_init(&c->entropy);
	mbedtls_ctr_drbg_init(&c->rng);
	mbedtls_x509_crt_init(&c->ca);
	mbedtls_x509_crt_init(&c->cert);
	mbedtls_pk_init(&c->key);
	mbedtls_ssl_config_init(&c->conf);
	mbedtls_ssl_init(&c->ssl);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	must((int)psa_crypto_init(), "psa");
#endif
	must(mbedtls_ctr_drbg_seed(
		 &c->rng, mbedtls_entropy_func, &c->entropy, NULL, 0),
	    "seed");
	must(mbedtls_x509_crt_parse(&c->ca, pem->ca, pem->ca_len), "CA");
	must(mbedtls_x509_crt_parse(&c->cert, pem->cert, pem->cert_len),
	    "certificate");
	must(parse_key(c, pem), "key");
	configure(c, side);
	mbedtls_ssl_set_bio(&c->ssl, raw, bio_send, bio_recv, NULL);
	return raw;
}

void
raw_handshake(struct raw *raw)
{
	if (raw->crypt != NULL) {
		must(mbedtls_ssl_handshake(&raw->crypt->ssl), "handshake");
	}
}

void
raw_free(struct raw *raw)
{
	if (raw == NULL) {
		return;
	}
	if (raw->crypt != NULL) {
		mbedtls_ssl_free(&raw->crypt->ssl);
		mbedtls_ssl_config_free(&raw->crypt->conf);
		mbedtls_pk_free(&raw->crypt->key);
		mbedtls_x509_crt_free(&raw->crypt->cert);
		mbedtls_x509_crt_free(&raw->crypt->ca);
		mbedtls_ctr_drbg_free(&raw->crypt->rng);
		mbedtls_entropy_free(&raw->crypt->entropy);
		free(raw->crypt);
	}
	close_fd(&raw->fd);
	free(raw);
}

const char *
raw_suite(const struct raw *raw)
{
	return raw->crypt == NULL ? "none"
				  : mbedtls_ssl_get_ciphersuite(
					&raw->crypt->ssl);
}

/* ------------------------------------------------------------------------ */
/* Out                                                                      */

void
raw_flush(struct raw *raw)
{
	size_t at = 0;

	if (raw->crypt == NULL) {
		send_all(raw->fd, raw->out, raw->out_len);
		raw->out_len = 0;
		return;
	}
	while (at < raw->out_len) {
		int n = mbedtls_ssl_write(
		    &raw->crypt->ssl, raw->out + at, raw->out_len - at);

		if (n <= 0) {
			fatalx("mbedtls: write: -0x%04x", (unsigned)-n);
		}
		at += (size_t)n;
	}
	raw->out_len = 0;
}

static void
put(struct raw *raw, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n = RUN - raw->out_len;

		n = n < len ? n : len;
		if (p != NULL) {
			memcpy(raw->out + raw->out_len, p, n);
			p += n;
		}
		raw->out_len += n;
		len -= n;
		if (raw->out_len == RUN) {
			raw_flush(raw);
		}
	}
}

void
raw_put(struct raw *raw, const void *buf, size_t len)
{
	put(raw, buf, len);
}

void
raw_put_any(struct raw *raw, size_t len)
{
	put(raw, NULL, len);
}

/* ------------------------------------------------------------------------ */
/* In                                                                       */

/* Whether a read would go to the socket. */
static int
is_dry(const struct raw *raw)
{
	return raw->crypt == NULL ||
	    (raw->crypt->len == 0 &&
		mbedtls_ssl_get_bytes_avail(&raw->crypt->ssl) == 0);
}

/* 0 at the end of the stream. */
static size_t
read_some(struct raw *raw, uint8_t *buf, size_t room)
{
	int n;

	if (raw->out_len > 0 && is_dry(raw)) {
		raw_flush(raw);
	}
	if (raw->crypt == NULL) {
		return recv_some(raw->fd, buf, room);
	}
	n = mbedtls_ssl_read(&raw->crypt->ssl, buf, room);
	if (n == 0 || n == MBEDTLS_ERR_SSL_CONN_EOF ||
	    n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
		return 0;
	}
	if (n < 0) {
		fatalx("mbedtls: read: -0x%04x", (unsigned)-n);
	}
	return (size_t)n;
}

const uint8_t *
raw_take(struct raw *raw, size_t len)
{
	const uint8_t *p;

	if (raw->in_at > 0 && raw->in_len < len) {
		memmove(raw->in, raw->in + raw->in_at, raw->in_len);
		raw->in_at = 0;
	}
	while (raw->in_len < len) {
		size_t end = raw->in_at + raw->in_len;
		size_t n = read_some(raw, raw->in + end, AHEAD - end);

		if (n == 0) {
			return NULL;
		}
		raw->in_len += n;
	}
	p = raw->in + raw->in_at;
	raw->in_at += len;
	raw->in_len -= len;
	if (raw->in_len == 0) {
		raw->in_at = 0;
	}
	return p;
}

int
raw_skip(struct raw *raw, size_t len)
{
	size_t n = len < raw->in_len ? len : raw->in_len;

	raw->in_at += n;
	raw->in_len -= n;
	len -= n;
	while (len > 0) {
		raw->in_at = 0;
		n = read_some(raw, raw->in, AHEAD);
		if (n == 0) {
			return -1;
		}
		if (n > len) {
			raw->in_at = len;
			raw->in_len = n - len;
			return 0;
		}
		len -= n;
	}
	return 0;
}
