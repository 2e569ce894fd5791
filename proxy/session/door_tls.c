/*
 * The session's door: mutual TLS as the server, ALPN "usbip" (a client that
 * offers no ALPN, as stunnel, means the same) or "sallyport-events/1". Runs in
 * sallyport-session. Holds the gateway's key from open to wipe.
 */
#include "proxy/session/door.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/tls.h"
#include "wire/ipc.h"

struct tls_door {
	struct door door; /* first member */
	struct tls_config *config;
};

static const char *const protocols[] = {DOOR_USBIP, DOOR_EVENTS, NULL};

static struct tls_door *
tls_door_of(struct door *door)
{
	return (struct tls_door *)(void *)door;
}

static int
tls_door_open(struct door *door, int fd, const struct ipc_pem *pem,
    struct stream **out, char *why, size_t why_size)
{
	struct tls_door *d = tls_door_of(door);
	struct tls_pem tls = {
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
}

static void
tls_door_free(struct door *door)
{
	struct tls_door *d = tls_door_of(door);

	tls_config_free(d->config);
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
door_tls_new(void)
{
	struct tls_door *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->door.ops = &tls_door_ops;
	return &d->door;
}
