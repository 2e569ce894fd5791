/*
 * A gateway for tests: the far end of any stream, plain or TLS. Says exactly
 * the bytes it is told to, true or false, and keeps what it hears. It never
 * waits: gateway_fake_turn moves what can move.
 */
#ifndef TESTS_FAKE_GATEWAY_FAKE_H
#define TESTS_FAKE_GATEWAY_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/stream.h"
#include "wire/usbip.h"

#define GATEWAY_FAKE_BYTES (4u * 1024u * 1024u)

struct gateway_fake {
	struct stream *stream; /* owned */
	int is_up;	       /* its handshake is done */
	int is_deaf;	       /* while set, it reads nothing */
	size_t piece;	       /* bytes of a record at most; 0 = as it comes */
	int last;	       /* what its last read or write gave, if < 0 */
	uint8_t *out;	       /* owned: to be said */
	size_t out_head, out_tail;
	uint8_t *in; /* owned: heard, and not yet taken */
	size_t in_head, in_tail;
};

/* Takes stream on success. 0, or -1 when out of memory. */
int gateway_fake_init(struct gateway_fake *gw, struct stream *stream);
void gateway_fake_fini(struct gateway_fake *gw);
/* Moves what moves without waiting. */
void gateway_fake_turn(struct gateway_fake *gw);
/* Turns until everything is said or ms have passed, waiting on the socket. */
void gateway_fake_run(struct gateway_fake *gw, int ms);
/* Hangs up after what was said. */
void gateway_fake_hang_up(struct gateway_fake *gw);

/* What it is to say. */
void gateway_fake_say(struct gateway_fake *gw, const void *p, size_t len);
void gateway_fake_say_op(
    struct gateway_fake *gw, uint16_t code, uint32_t status);
void gateway_fake_say_device(
    struct gateway_fake *gw, const struct usbip_device *dev);
void gateway_fake_say_header(
    struct gateway_fake *gw, const struct usbip_header *hdr);
/* A RET_SUBMIT with its body as given: nothing is made to fit. */
void gateway_fake_say_ret(struct gateway_fake *gw, uint32_t seqnum,
    const struct usbip_ret_submit *ret, const void *data, size_t len,
    const struct usbip_iso *iso, size_t niso);
void gateway_fake_say_unlinked(
    struct gateway_fake *gw, uint32_t seqnum, int32_t status);

/* Takes len heard bytes: borrowed until the next turn, NULL when there are
 * fewer. */
const uint8_t *gateway_fake_hear(struct gateway_fake *gw, size_t len);
/* Takes one command's header; -1 when there is none. */
int gateway_fake_hear_header(
    struct gateway_fake *gw, struct usbip_header *hdr);
/* Heard bytes that nobody took. */
size_t gateway_fake_heard(const struct gateway_fake *gw);

/* A high speed flash drive at 3-2, as an import would show it, and its device
 * descriptor. */
struct usbip_device gateway_fake_drive(void);
extern const uint8_t gateway_fake_drive_device[18];

#endif
