/*
 * The session's door: mutual TLS as the server, ALPN "usbip" (a client that
 * offers no ALPN, as stunnel, means the same) or "sallyport-events/1". Runs in
 * sallyport-session. Holds the gateway's key from open to wipe, or, in its place,
 * a channel to sallyport-signer, which signs once.
 */
#include "proxy/session/door.h"

#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/tls.h"
#include "wire/ipc.h"

#define SIGN_MS 5000 /* half of what a handshake has */

struct tls_door {
	struct door door; /* first member */
	struct tls_config *config;
	int signer; /* owned; -1 = none, or none any more */
};

static const char *const protocols[] = {DOOR_USBIP, DOOR_EVENTS, NULL};

static struct tls_door *
tls_door_of(struct door *door)
{
	return (struct tls_door *)(void *)door;
}

/* Nothing else happens meanwhile: a session has one peer, and that waits for
 * this. */
static int
ask_signer(void *arg, enum tls_hash hash, const uint8_t *digest, size_t len,
    uint8_t *sig, size_t sig_len)
{
	struct tls_door *d = arg;
	struct ipc_sign ask = {.hash = (uint8_t)hash};
	uint8_t buf[CHANNEL_HEADER + IPC_SIGNATURE_MAX + 16];
	struct channel_msg msg = {.fd = -1};
	struct ipc_signed answer;
	int n, r;

	if (d->signer == -1 || len > sizeof(ask.digest)) {
		return ERR_NOENT;
	}
	memcpy(ask.digest, digest, len);
	n = ipc_encode_sign(buf, sizeof(buf), &ask);
	if (n < 0 || (size_t)n != len + 1) {
		return ERR_FORMAT;
	}
	r = channel_send_wait(
	    d->signer, IPC_SIGN, 0, buf, (size_t)n, -1, SIGN_MS);
	if (r == 0) {
		r = channel_recv_wait(
		    d->signer, buf, sizeof(buf), SIGN_MS, &msg);
	}
	if (r != 0) {
		return r;
	}
	if (msg.type != IPC_SIGNED || msg.fd != -1 ||
	    ipc_decode_signed(&answer, msg.data, msg.len) != 0 ||
	    (answer.err == 0 && answer.len != sig_len)) {
		close_fd(&msg.fd);
		return ERR_PEER;
	}
	memcpy(sig, answer.signature, answer.len);
	return answer.err;
}

static int
tls_door_open(struct door *door, int fd, const struct ipc_pem *pem,
    struct stream **out, char *why, size_t why_size)
{
	struct tls_door *d = tls_door_of(door);
	const struct tls_signer signer = {ask_signer, d};
	struct tls_pem tls = {
		.signer = d->signer != -1 ? &signer : NULL,
		.ca = pem->ca,
		.ca_len = pem->ca_len,
		.cert = pem->cert,
		.cert_len = pem->cert_len,
		.key = pem->key,
		.key_len = pem->key_len,
		.crl = pem->crl_len > 0 ? pem->crl : NULL,
		.crl_len = pem->crl_len,
	};
	int r = tls_config_new(&d->config, TLS_SERVER, &tls, why, why_size);

	if (r != 0) {
		return r;
	}
	*out = tls_stream_new(d->config, fd, NULL, protocols);
	return *out != NULL ? 0 : ERR_NOMEM;
}

static int
tls_door_facts(
    struct door *door, const struct stream *stream, struct x509_facts *out)
{
	(void)door;
	return tls_peer_facts(stream, out);
}

static const char *
tls_door_protocol(struct door *door, const struct stream *stream)
{
	(void)door;
	return tls_alpn(stream);
}

static const char *
tls_door_error(struct door *door, const struct stream *stream)
{
	(void)door;
	return tls_error(stream);
}

static void
tls_door_wipe(struct door *door)
{
	struct tls_door *d = tls_door_of(door);

	if (d->config != NULL) {
		tls_config_wipe_key(d->config);
	}
	close_fd(&d->signer);
}

static void
tls_door_free(struct door *door)
{
	struct tls_door *d = tls_door_of(door);

	tls_config_free(d->config);
	close_fd(&d->signer);
	free(d);
}

static const struct door_ops tls_door_ops = {
    .name = "tls",
    .open = tls_door_open,
    .facts = tls_door_facts,
    .protocol = tls_door_protocol,
    .error = tls_door_error,
    .wipe = tls_door_wipe,
    .free = tls_door_free,
};

struct door *
door_tls_new(int signer)
{
	struct tls_door *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->door.ops = &tls_door_ops;
	d->signer = signer;
	return &d->door;
}
