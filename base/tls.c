/*
 * Mutual TLS as a stream, by mbedTLS. Runs in sessions (server) and relays
 * (client); trusts nobody before the handshake is done, and after it only that
 * the peer holds a certificate of our CA.
 *
 * The config (tls_config.c) holds what is parsed once. Each stream has an
 * mbedtls_ssl_config of its own that points there, since the protocol names
 * (ALPN) differ per stream. Own additions to mbedTLS's checks, all in the
 * verify callback: the extended key usage must be there, an IP address is
 * compared with the SAN, and once a CRL is configured every CA in the chain
 * must have one, and all of them must be in force.
 *
 * Reading goes through a read-ahead buffer: mbedTLS asks for 5 bytes, then for
 * the body, which would be two recv(2) per record.
 */
#include "base/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/tls_parts.h"
#include "base/x509.h"

#define TLS_AHEAD (128u * 1024u) /* under load, seven records and more */
#define TLS_AHEAD_FIRST (17u * 1024u) /* of who is not known: one record */
#define TLS_ALPN 4 /* most protocol names on one stream */
#define TLS_WHY 320

struct tls_stream {
	struct stream base;        /* first: a stream is cast to this */
	struct tls_config *config; /* borrowed until free */
	mbedtls_ssl_config conf;
	mbedtls_ssl_context ssl;
	const char *alpn[TLS_ALPN + 1]; /* the strings are borrowed */
	char name[256];                 /* who the server must be; client */
	int is_up, is_shut;
	int dead; /* the code that every later call gives, 0 = alive */
	int dead_errno;
	size_t again;   /* length of the write that did not finish */
	int is_reading; /* inside mbedtls_ssl_read */
	int is_full;    /* the socket took only a part in this call */
	int io_errno;   /* of the socket, 0 = it did not fail */
	uint8_t first;  /* the very first byte that came */
	int has_read;   /* data came after the handshake */
	uint8_t issuer_key[32];
	int has_issuer_key;
	char why[TLS_WHY];
	size_t ahead_at, ahead_len;
	uint8_t ahead[TLS_AHEAD]; /* last: not cleared, so not there until used */
};

/* CCM first: mbedTLS computes it 1.5 to 1.8 times faster than GCM. Other
 * libraries offer GCM and ChaCha20 by default, and CCM only when asked. */
static const int suites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_AES_128_CCM_SHA256,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

const mbedtls_x509_crt_profile tls_cert_profile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
	MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
	MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF, /* any kind of key */
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
	MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1) |
	MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1),
    2048,
};

/* Its default puts P-521 first, three times as dear as P-256. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
#else
static const mbedtls_ecp_group_id groups[] = {
    MBEDTLS_ECP_DP_SECP256R1,
    MBEDTLS_ECP_DP_CURVE25519,
    MBEDTLS_ECP_DP_SECP384R1,
    MBEDTLS_ECP_DP_SECP521R1,
    MBEDTLS_ECP_DP_NONE,
};

/* Its default has SHA-1 in it. */
static const int hashes[] = {
    MBEDTLS_MD_SHA256,
    MBEDTLS_MD_SHA384,
    MBEDTLS_MD_SHA512,
    MBEDTLS_MD_NONE,
};
#endif

/* ------------------------------------------------------------------------
 * Who the peer is
 */

static int
is_ip(const char *name)
{
	uint8_t buf[16];

	return inet_pton(AF_INET, name, buf) == 1 ||
	       inet_pton(AF_INET6, name, buf) == 1;
}

static int
is_anchor(const struct tls_config *c, const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_crt *ca;

	for (ca = &c->ca; ca != NULL; ca = ca->next) {
		if (ca->raw.len == crt->raw.len &&
		    memcmp(ca->raw.p, crt->raw.p, crt->raw.len) == 0) {
			return 1;
		}
	}
	return 0;
}

/* 0 when the certificate's key is one of those that the server must have; else
 * why says what it is. */
static int
check_pins(struct tls_stream *t, const mbedtls_x509_crt *crt)
{
	const struct tls_config *c = t->config;
	uint8_t key[32];
	char hex[65];

	if (c->npins == 0) {
		return 0;
	}
	if (x509_key_hash(key, crt) != 0) {
		memset(key, 0, sizeof(key));
	}
	for (size_t i = 0; i < c->npins; i++) {
		if (memcmp(key, c->pins[i], sizeof(key)) == 0) {
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(key); i++) {
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	}
	snprintf(t->why, sizeof(t->why),
	    "its key is none that is known of it, but sha256:%s: either it got "
	    "a new one, or somebody else answers for it", hex);
	return -1;
}

/* Called by mbedTLS for each certificate of the chain, the CA's first, the
 * peer's own (depth 0) last. */
static int
on_verify(void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_stream *t = arg;
	const struct tls_config *c = t->config;

	if (depth == 1 || (depth == 0 && !t->has_issuer_key)) {
		if (x509_key_hash(t->issuer_key, crt) != 0) {
			return MBEDTLS_ERR_X509_FATAL_ERROR;
		}
		t->has_issuer_key = 1;
	}
	if (c->has_crl && !is_anchor(c, crt) &&
	    !x509_is_covered(crt, &c->crl)) {
		*flags |= MBEDTLS_X509_BADCRL_NOT_TRUSTED;
	}
	if (depth == 0) {
		if (!x509_has_usage(crt, c->role == TLS_SERVER
					     ? X509_CLIENT_AUTH
					     : X509_SERVER_AUTH)) {
			*flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
		}
		if (c->role == TLS_CLIENT && is_ip(t->name) &&
		    !x509_names_ip(crt, t->name)) {
			*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
		}
	}
	if (*flags != 0) {
		x509_reason(
		    t->why, sizeof(t->why), crt, depth, *flags, t->name);
	} else if (depth == 0 && check_pins(t, crt) != 0) {
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	}
	if (c->crl_why[0] != '\0' &&
	    (*flags & MBEDTLS_X509_BADCERT_REVOKED) == 0) {
		*flags |= MBEDTLS_X509_BADCRL_EXPIRED;
		snprintf(t->why, sizeof(t->why),
		    "nobody can be let in: %s", c->crl_why);
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * Why it failed
 */

/* The number of the fatal alert that just arrived; no version has a function
 * for it. */
static int
alert_code(const mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return ssl->MBEDTLS_PRIVATE(in_msg)[1];
#else
	return ssl->in_msg[1];
#endif
}

/* With TLS 1.3, a server of mbedTLS 3 that refuses our certificate says so with
 * keys that we have left behind already. */
static int
is_late_refusal(const struct tls_stream *t, int ret)
{
	return MBEDTLS_VERSION_NUMBER >= 0x03000000 &&
	       ret == MBEDTLS_ERR_SSL_INVALID_MAC && t->is_up && !t->has_read &&
	       t->config->role == TLS_CLIENT;
}

static void
explain(struct tls_stream *t, int ret)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
	const char *known;
	char buf[128];

	if (!t->is_up && t->config->sign_why[0] != '\0') {
		snprintf(t->why, sizeof(t->why), "%s", t->config->sign_why);
	} else if (ret == MBEDTLS_ERR_SSL_CONN_EOF) {
		snprintf(t->why, sizeof(t->why),
		    "the peer closed the connection%s",
		    t->is_up ? "" : " during the handshake");
	} else if (t->io_errno != 0) {
		snprintf(t->why, sizeof(t->why), "%s", strerror(t->io_errno));
	} else if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		tls_alert_text(t->why, sizeof(t->why), alert_code(&t->ssl));
	} else if (is_late_refusal(t, ret)) {
		snprintf(t->why, sizeof(t->why),
		    "the peer broke off right after the handshake: most "
		    "likely it did not accept our certificate");
	} else if (!t->is_up && t->why[0] != '\0') {
		return; /* on_verify said it */
	} else if (!t->is_up && t->first != 0 &&
		   t->first != MBEDTLS_SSL_MSG_HANDSHAKE &&
		   t->first != MBEDTLS_SSL_MSG_ALERT) {
		snprintf(t->why, sizeof(t->why), "the peer does not speak TLS");
	} else if ((known = tls_failure_text(ret)) != NULL) {
		snprintf(t->why, sizeof(t->why), "%s", known);
	} else if (!t->is_up && flags != 0 && flags != UINT32_MAX) {
		x509_reason(t->why, sizeof(t->why), NULL, 0, flags, t->name);
	} else {
		snprintf(t->why, sizeof(t->why), "%s", tls_code_text(buf, ret));
	}
}

/* Ends the stream; every later call gives the same code. */
static int
fail(struct tls_stream *t, int ret)
{
	explain(t, ret);
	if (ret == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) {
		/* the one refusal that mbedTLS 2.28 keeps to itself */
		(void)mbedtls_ssl_send_alert_message(&t->ssl,
		    MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		    MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
	}
	t->dead_errno = t->io_errno;
	if (ret == MBEDTLS_ERR_SSL_CONN_EOF ||
	    ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
		t->dead = ERR_CLOSED;
	} else if (t->io_errno == EPIPE) {
		t->dead = ERR_CLOSED;
	} else if (t->io_errno != 0) {
		t->dead = ERR_SYS;
	} else if (ret == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
		t->dead = ERR_NOMEM;
	} else {
		t->dead = ERR_TLS;
	}
	errno = t->dead_errno;
	return t->dead;
}

static int
still_dead(const struct tls_stream *t)
{
	errno = t->dead_errno;
	return t->dead;
}

/* ------------------------------------------------------------------------
 * The socket below
 */

/* One send per record: when the socket takes only a part, the rest waits for
 * the next call instead of a second try that can only fail. */
static int
bio_send(void *arg, const unsigned char *buf, size_t len)
{
	struct tls_stream *t = arg;
	ssize_t n;

	/* While a record of ours is half out, mbedTLS would take an alert's
	 * success for the record's, and we would send that twice. */
	if (t->is_full || (t->is_reading && t->again != 0)) {
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	}
	do {
		t->base.count.sends++;
		n = send(t->base.fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN) {
			t->is_full = 1;
			return MBEDTLS_ERR_SSL_WANT_WRITE;
		}
		t->io_errno = errno;
		return MBEDTLS_ERR_NET_SEND_FAILED;
	}
	t->base.count.bytes_out += (uint64_t)n;
	t->is_full = (size_t)n < len;
	return (int)n;
}

static int
fill_ahead(struct tls_stream *t)
{
	size_t most = t->is_up ? sizeof(t->ahead) : TLS_AHEAD_FIRST;
	ssize_t n;

	do {
		t->base.count.recvs++;
		n = recv(t->base.fd, t->ahead, most, MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN) {
			return MBEDTLS_ERR_SSL_WANT_READ;
		}
		t->io_errno = errno;
		return MBEDTLS_ERR_NET_RECV_FAILED;
	}
	if (n == 0) {
		return MBEDTLS_ERR_SSL_CONN_EOF;
	}
	if (t->base.count.bytes_in == 0) {
		t->first = t->ahead[0];
	}
	t->base.count.bytes_in += (uint64_t)n;
	t->ahead_at = 0;
	t->ahead_len = (size_t)n;
	return 0;
}

static int
bio_recv(void *arg, unsigned char *buf, size_t len)
{
	struct tls_stream *t = arg;

	if (t->ahead_len == 0) {
		int ret = fill_ahead(t);

		if (ret != 0) {
			return ret;
		}
	}
	if (len > t->ahead_len) {
		len = t->ahead_len;
	}
	memcpy(buf, t->ahead + t->ahead_at, len);
	t->ahead_at += len;
	t->ahead_len -= len;
	return (int)len;
}

/* ------------------------------------------------------------------------
 * The stream
 */

static struct tls_stream *
of(struct stream *s)
{
	return (struct tls_stream *)s;
}

static int
tls_handshake(struct stream *s)
{
	struct tls_stream *t = of(s);
	int ret;

	if (t->dead != 0) {
		return still_dead(t);
	}
	if (t->is_up) {
		return 0;
	}
	if (!t->config->has_key) {
		snprintf(t->why, sizeof(t->why),
		    "our private key is wiped: no more handshakes");
		t->dead = ERR_TLS;
		return t->dead;
	}
	t->is_full = 0;
	ret = mbedtls_ssl_handshake(&t->ssl);
	if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
		return STREAM_WANT_READ;
	}
	if (ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
		return STREAM_WANT_WRITE;
	}
	if (ret != 0) {
		return fail(t, ret);
	}
	if (t->config->peer == TLS_PEER_CHECKED &&
	    t->config->check(t->config, mbedtls_ssl_get_peer_cert(&t->ssl),
		t->name, t->why, sizeof(t->why)) != 0) {
		t->dead = ERR_TLS;
		return t->dead;
	}
	t->is_up = 1;
	return 0;
}

/* What may come up instead of data on a TLS 1.3 connection, and is none of our
 * business: session tickets that we did not ask for. */
static int
is_ticket(int ret)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
	(void)ret;
	return 0;
#endif
}

static ssize_t
tls_read(struct stream *s, void *buf, size_t len)
{
	struct tls_stream *t = of(s);
	int ret;

	if (t->dead != 0) {
		return still_dead(t);
	}
	if (len == 0 || !t->is_up) {
		return ERR_NOMEM;
	}
	t->is_full = 0;
	t->is_reading = 1;
	do {
		ret = mbedtls_ssl_read(&t->ssl, buf, len);
	} while (is_ticket(ret));
	t->is_reading = 0;
	if (ret > 0) {
		t->has_read = 1;
		return ret;
	}
	if (ret == MBEDTLS_ERR_SSL_WANT_READ) {
		return STREAM_WANT_READ;
	}
	if (ret == 0) {
		ret = MBEDTLS_ERR_SSL_CONN_EOF;
	} else if (ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
		/* It wants to answer a renegotiation and cannot. */
		ret = MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
	}
	return fail(t, ret);
}

static ssize_t
tls_write(struct stream *s, const void *buf, size_t len)
{
	struct tls_stream *t = of(s);
	int ret;

	if (t->dead != 0) {
		return still_dead(t);
	}
	if (t->is_shut) {
		return ERR_CLOSED;
	}
	if (len < t->again || len == 0 || !t->is_up) {
		return ERR_NOMEM;
	}
	if (t->again != 0) {
		len = t->again;
	} else if (len > STREAM_RECORD) {
		len = STREAM_RECORD;
	}
	t->is_full = 0;
	ret = mbedtls_ssl_write(&t->ssl, buf, len);
	if (ret > 0) {
		t->again = 0;
		return ret;
	}
	if (ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
		t->again = len;
		return STREAM_WANT_WRITE;
	}
	return fail(t, ret);
}

static size_t
tls_pending(struct stream *s)
{
	struct tls_stream *t = of(s);

	if (t->dead != 0 || !t->is_up) {
		return 0;
	}
	return t->ahead_len + mbedtls_ssl_get_bytes_avail(&t->ssl);
}

static int
tls_shutdown(struct stream *s)
{
	struct tls_stream *t = of(s);

	if (t->is_up && !t->is_shut && t->dead == 0) {
		t->is_full = 0;
		/* best effort: a full socket means a peer that is not there */
		(void)mbedtls_ssl_close_notify(&t->ssl);
	}
	t->is_shut = 1;
	return shutdown(t->base.fd, SHUT_WR) == -1 ? ERR_SYS : 0;
}

static void
tls_free(struct stream *s)
{
	struct tls_stream *t = of(s);

	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->conf);
	close_fd(&t->base.fd);
	free(t);
}

static const struct stream_ops tls_ops = {
    .name = "tls",
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .shutdown = tls_shutdown,
    .free = tls_free,
};

static void
choose_algorithms(mbedtls_ssl_config *conf)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_groups(conf, groups);
#ifdef MBEDTLS_SSL_PROTO_TLS1_3
	mbedtls_ssl_conf_tls13_key_exchange_modes(
	    conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
#endif
#else
	mbedtls_ssl_conf_min_version(
	    conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_curves(conf, groups);
	mbedtls_ssl_conf_sig_hashes(conf, hashes);
#endif
	mbedtls_ssl_conf_ciphersuites(conf, suites);
	mbedtls_ssl_conf_cert_profile(conf, &tls_cert_profile);
}

static void
choose_peer(struct tls_stream *t)
{
	mbedtls_ssl_config *conf = &t->conf;

	switch (t->config->peer) {
	case TLS_PEER_OF_CA:
		mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
		mbedtls_ssl_conf_verify(conf, on_verify, t);
		break;
	case TLS_PEER_ANY:
		mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
		break;
	case TLS_PEER_CHECKED:
		/* a CA that is known by its key alone comes with the chain */
		mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
		break;
	}
}

static int
configure(struct tls_stream *t)
{
	struct tls_config *c = t->config;
	mbedtls_ssl_config *conf = &t->conf;
	int ret;

	ret = mbedtls_ssl_config_defaults(conf,
	    c->role == TLS_SERVER ? MBEDTLS_SSL_IS_SERVER
				  : MBEDTLS_SSL_IS_CLIENT,
	    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (ret != 0) {
		return ret;
	}
	choose_algorithms(conf);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (c->signer.sign != NULL) {
		mbedtls_ssl_conf_max_tls_version(
		    conf, MBEDTLS_SSL_VERSION_TLS1_2);
	}
#endif
	choose_peer(t);
	mbedtls_ssl_conf_rng(conf, mbedtls_ctr_drbg_random, &c->rng);
	mbedtls_ssl_conf_ca_chain(conf, &c->ca, c->has_crl ? &c->crl : NULL);
#ifdef MBEDTLS_SSL_RENEGOTIATION
	mbedtls_ssl_conf_renegotiation(
	    conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#ifdef MBEDTLS_SSL_SESSION_TICKETS
	if (c->role == TLS_CLIENT) {
		mbedtls_ssl_conf_session_tickets(
		    conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	}
#endif
	if (t->alpn[0] != NULL) {
		ret = mbedtls_ssl_conf_alpn_protocols(conf, t->alpn);
		if (ret != 0) {
			return ret;
		}
	}
	if (c->peer == TLS_PEER_CHECKED) {
		return 0; /* we have none yet */
	}
	return mbedtls_ssl_conf_own_cert(conf, &c->cert, &c->key);
}

static int
set_names(struct tls_stream *t, const char *name, const char *const *alpn)
{
	size_t i;

	for (i = 0; alpn != NULL && alpn[i] != NULL; i++) {
		if (i >= TLS_ALPN) {
			return -1;
		}
		t->alpn[i] = alpn[i];
	}
	if (t->config->role == TLS_SERVER) {
		return 0;
	}
	if (name == NULL || name[0] == '\0' ||
	    strlen(name) >= sizeof(t->name)) {
		return -1;
	}
	memcpy(t->name, name, strlen(name) + 1);
	return 0;
}

static int
set_up(struct tls_stream *t)
{
	int ret = configure(t);

	if (ret == 0) {
		ret = mbedtls_ssl_setup(&t->ssl, &t->conf);
	}
	if (ret == 0 && t->config->role == TLS_CLIENT) {
		/* an address is not sent, and compared in on_verify */
		ret = mbedtls_ssl_set_hostname(
		    &t->ssl, is_ip(t->name) ? NULL : t->name);
	}
	mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
	return ret;
}

struct stream *
tls_stream_new(struct tls_config *config, int fd, const char *name,
    const char *const *alpn)
{
	struct tls_stream *t = malloc(sizeof(*t));
	int flags;

	if (t == NULL) {
		return NULL;
	}
	memset(t, 0, offsetof(struct tls_stream, ahead));
	t->base.ops = &tls_ops;
	t->base.fd = -1;
	t->config = config;
	mbedtls_ssl_init(&t->ssl);
	mbedtls_ssl_config_init(&t->conf);
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		int saved = errno;

		tls_free(&t->base);
		errno = saved;
		return NULL;
	}
	if (set_names(t, name, alpn) != 0) {
		tls_free(&t->base);
		errno = EINVAL;
		return NULL;
	}
	if (set_up(t) != 0) {
		tls_free(&t->base);
		errno = ENOMEM;
		return NULL;
	}
	t->base.fd = fd;
	return &t->base;
}

/* ------------------------------------------------------------------------
 * Questions
 */

static const struct tls_stream *
of_const(const struct stream *s)
{
	return (const struct tls_stream *)s;
}

const char *
tls_alpn(const struct stream *s)
{
	if (s->ops != &tls_ops || !of_const(s)->is_up) {
		return NULL;
	}
	return mbedtls_ssl_get_alpn_protocol(&of_const(s)->ssl);
}

int
tls_peer_facts(const struct stream *s, struct x509_facts *out)
{
	const mbedtls_x509_crt *crt;

	if (s->ops != &tls_ops || !of_const(s)->is_up ||
	    !of_const(s)->has_issuer_key) {
		return ERR_FORMAT;
	}
	crt = mbedtls_ssl_get_peer_cert(&of_const(s)->ssl);
	if (crt == NULL) {
		return ERR_FORMAT;
	}
	return x509_facts_get(out, crt, of_const(s)->issuer_key);
}

int
tls_peer_key(const struct stream *s, uint8_t out[32])
{
	const mbedtls_x509_crt *crt = NULL;

	if (s->ops == &tls_ops && of_const(s)->is_up) {
		crt = mbedtls_ssl_get_peer_cert(&of_const(s)->ssl);
	}
	return crt != NULL && x509_key_hash(out, crt) == 0 ? 0 : ERR_FORMAT;
}

const char *
tls_error(const struct stream *s)
{
	if (s->ops != &tls_ops || of_const(s)->why[0] == '\0') {
		return "no error";
	}
	return of_const(s)->why;
}
