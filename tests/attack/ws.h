/*
 * A workstation that says what it likes: its own TLS, its own USB/IP. It waits
 * for what it asked for, never longer than it is told.
 */
#ifndef TESTS_ATTACK_WS_H
#define TESTS_ATTACK_WS_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"
#include "tests/fake/pki.h"
#include "wire/usbip.h"

#define WS_MS 5000 /* what an honest gateway does in time */

struct tls_config;

struct ws {
	int fd;		       /* borrowed from stream, or owned without one */
	struct stream *stream; /* owned; NULL = bare TCP */
	uint32_t devid;
};

enum ws_end { WS_OK = 0, WS_TIMEOUT = -1, WS_CLOSED = -2 };

/* Made once, to be shared. cert NULL: none at all. */
struct tls_config *ws_config(
    const struct pki_cert *ca, const struct pki_cert *cert);

/* A TCP connection from 127.0.0.HOST; 0: of many hosts the next one, as whoever
 * has them would do it. WS_OK or WS_CLOSED. */
#define WS_FIRST 50u
#define WS_HOSTS 200u
int ws_connect(struct ws *ws, uint8_t host);
/* The same with its handshake done. WS_* */
int ws_open(struct ws *ws, struct tls_config *config, uint8_t host);
/* Whether one is let in; it leaves at once. */
int ws_is_let_in(struct tls_config *config);
/* Ends it, at once and without a word where abruptly. */
enum ws_how { WS_POLITE, WS_ABRUPT };
void ws_close(struct ws *ws, enum ws_how how);

/* All of it, in records of at most piece bytes (0: as it comes). WS_* */
int ws_say(struct ws *ws, const void *buf, size_t len, size_t piece, int ms);
/* Exactly len bytes. WS_* */
int ws_hear(struct ws *ws, void *buf, size_t len, int ms);
/* Until the gateway hangs up, whatever it says. WS_CLOSED is the good end. */
int ws_hear_out(struct ws *ws, int ms);

/* OP_REQ_IMPORT; tries again while it is busy with what was before. The
 * status, or WS_*. */
int ws_import(struct ws *ws, const char *busid);
/* Open, and import: an URB stream. WS_* */
int ws_stream(struct ws *ws, struct tls_config *config, const char *busid);

/* A CMD_SUBMIT of length bytes; address has the direction bit. */
void ws_submit_header(struct usbip_header *h, const struct ws *ws,
    uint32_t seqnum, uint8_t address, uint32_t length);
/* Says it, with that many bytes of nothing. WS_* */
int ws_submit(struct ws *ws, uint32_t seqnum, uint8_t address, uint32_t length);
int ws_unlink(struct ws *ws, uint32_t seqnum, uint32_t of);
/* The next reply's header; the data of an IN is stepped over. WS_* */
int ws_reply(struct ws *ws, struct usbip_header *h, int is_in, int ms);
/* Whether GET_STATUS is answered as an honest workstation needs it. */
int ws_works(struct ws *ws, uint32_t seqnum);
/* SET_INTERFACE of interface 0. WS_* */
int ws_alternate(struct ws *ws, uint32_t seqnum, uint8_t alternate);

#endif
