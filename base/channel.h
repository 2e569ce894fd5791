/*
 * A framed channel between two of our own processes: AF_UNIX SOCK_SEQPACKET,
 * one message a packet, header {u16 type, u16 zero, u32 id, u32 len}
 * big-endian, then len bytes. At most one fd per message, and only where the
 * receiver says so. What is malformed here is not bad luck but a broken or
 * hostile process: the receiver gets ERR_FORMAT and must close.
 */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

/* Payload limit. 64 KiB, since a device record with its descriptors must go in
 * one message; the per-type limits of wire/ipc.h are far smaller. */
#define CHANNEL_MAX (64u * 1024u)
#define CHANNEL_HEADER 12u

struct channel_msg {
	uint16_t type;
	uint32_t id;
	const uint8_t *data; /* borrowed from the caller's buffer */
	size_t len;
	int fd; /* owned by the receiver, -1 if none */
};

/* Makes a connected pair, both ends CLOEXEC and non-blocking, with send buffers
 * that hold at least two messages of CHANNEL_MAX. 0 or ERR_SYS. */
int channel_pair(int fds[2]);

/* Sends one message whole, or nothing. fd is borrowed (-1 for none).
 * ERR_AGAIN: the buffer is full, try when writable; ERR_CLOSED: the other end
 * is gone; ERR_LIMIT: len > CHANNEL_MAX; ERR_SYS. Never blocks on a
 * non-blocking fd. */
int channel_send(int chan, uint16_t type, uint32_t id, const void *data,
    size_t len, int fd);

/* Receives one message into buf (size >= CHANNEL_HEADER + CHANNEL_MAX is
 * always enough; a smaller one bounds what is accepted). An fd that arrives is
 * put in out->fd; more than one, or a truncated packet, or a length that does
 * not match, is ERR_FORMAT and every received fd is closed. ERR_AGAIN when
 * there is nothing, ERR_CLOSED at EOF, ERR_SYS. */
int channel_recv(int chan, void *buf, size_t size, struct channel_msg *out);

/* Same, but waits up to timeout_ms for a message (-1 = for ever): for the few
 * processes that have no loop yet. ERR_TIMEOUT. */
int channel_recv_wait(int chan, void *buf, size_t size, int timeout_ms,
    struct channel_msg *out);
/* Sends, waiting up to timeout_ms for room. */
int channel_send_wait(int chan, uint16_t type, uint32_t id, const void *data,
    size_t len, int fd, int timeout_ms);

#endif
