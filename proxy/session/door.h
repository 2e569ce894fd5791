/*
 * How the peer is let in: the session asks the door for a stream over the
 * peer's socket and for the peer's name. The real one is TLS (door_tls.c);
 * tests have one without locks.
 */
#ifndef PROXY_SESSION_DOOR_H
#define PROXY_SESSION_DOOR_H

#include <stddef.h>

/* The ALPN names that a door lets in: USB/IP, and lines of JSON. */
#define DOOR_USBIP "usbip"
#define DOOR_EVENTS "sallyport-events/1"

struct door;
struct ipc_pem;
struct stream;
struct x509_facts;

struct door_ops {
	const char *name;
	/* Makes the stream, handshake to come. pem is only read. fd is taken
	 * on success. On failure why has one line. ERR_TLS, ERR_NOMEM. */
	int (*open)(struct door *door, int fd, const struct ipc_pem *pem,
	    struct stream **out, char *why, size_t why_size);
	/* After the handshake. ERR_FORMAT: the peer cannot be named. */
	int (*facts)(struct door *door, const struct stream *stream,
	    struct x509_facts *out);
	/* After the handshake: the ALPN name agreed, NULL when the peer
	 * offered none. Borrowed from the stream. */
	const char *(*protocol)(
	    struct door *door, const struct stream *stream);
	/* Why a handshake failed, one line, never NULL. */
	const char *(*error)(struct door *door, const struct stream *stream);
	/* Forgets the key, or who has it, for ever. */
	void (*wipe)(struct door *door);
	/* After the stream was freed. */
	void (*free)(struct door *door);
};

/* First member of every implementation. */
struct door {
	const struct door_ops *ops;
};

/* signer is the channel to who has the key, owned from now on and closed with
 * wipe; -1: the key comes with the other texts. NULL when out of memory. */
struct door *door_tls_new(int signer);

#endif
