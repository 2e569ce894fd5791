/*
 * The relay between two fakes, for its tests: a kernel on one socket pair, a
 * gateway on another, one loop, one thread. Each .c that includes this gets its
 * own copy.
 */
#ifndef TESTS_UNIT_RELAY_RIG_H
#define TESTS_UNIT_RELAY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "tests/fake/gateway_fake.h"
#include "vhci-glue/relay.h"
#include "vhci-glue/seen.h"
#include "wire/usbip.h"

#define RIG_TURNS 40

struct rig {
	struct loop *loop;
	struct relay *relay;
	struct seen *seen; /* the relay's; borrowed, to seal it */
	struct gateway_fake gw;
	struct stream *stream; /* the relay's; borrowed, for its counts */
	int kernel;	       /* the kernel's end */
	struct usbip_device dev;
	struct ending end;
	int ended;
	uint8_t *got; /* what the kernel has read, last time */
	size_t ngot;
};

#define RIG_GOT (4u * 1024u * 1024u)

static void
rig_ended(void *arg, const struct ending *end)
{
	struct rig *r = arg;

	r->end = *end;
	r->ended++;
}

/* Starts a relay on two given streams; dev is in place. */
static inline void
rig_start(struct rig *r, struct stream *near, struct stream *far)
{
	struct relay_how how = {
	    .stream = near,
	    .ended = rig_ended,
	    .arg = r,
	};
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	r->got = malloc(RIG_GOT);
	assert_non_null(r->got);
	r->loop = loop_new();
	assert_non_null(r->loop);
	assert_int_equal(gateway_fake_init(&r->gw, far), 0);
	r->stream = near;
	r->kernel = pair[0];
	assert_int_equal(seen_new(&r->seen, &r->dev), 0);
	how.seen = r->seen;
	how.loop = r->loop;
	how.kernel = pair[1];
	assert_int_equal(relay_new(&r->relay, &how), 0);
}

static inline int
rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	int pair[2];

	assert_non_null(r);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	r->dev = gateway_fake_drive();
	rig_start(r, stream_plain_new(pair[0]), stream_plain_new(pair[1]));
	*state = r;
	return 0;
}

static inline int
rig_teardown(void **state)
{
	struct rig *r = *state;

	relay_free(r->relay);
	gateway_fake_fini(&r->gw);
	close_fd(&r->kernel);
	loop_free(r->loop);
	free(r->got);
	free(r);
	return 0;
}

/* Appends what the relay has written to the kernel. */
static inline void
rig_kernel_read(struct rig *r)
{
	while (r->ngot < RIG_GOT) {
		ssize_t n = recv(r->kernel, r->got + r->ngot,
		    RIG_GOT - r->ngot, MSG_DONTWAIT);

		if (n <= 0) {
			return;
		}
		r->ngot += (size_t)n;
	}
}

static inline void
rig_turn(struct rig *r)
{
	for (int i = 0; i < RIG_TURNS; i++) {
		gateway_fake_turn(&r->gw);
		loop_once(r->loop, LOOP_NOWAIT);
		rig_kernel_read(r);
	}
}

/* The kernel says len bytes, however long it takes. */
static inline void
rig_kernel_say(struct rig *r, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = send(
		    r->kernel, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else {
			gateway_fake_turn(&r->gw);
			loop_once(r->loop, LOOP_NOWAIT);
		}
	}
}

static inline void
rig_say_header(struct rig *r, const struct usbip_header *hdr)
{
	uint8_t buf[USBIP_HEADER_SIZE];

	assert_int_equal(usbip_encode_header(buf, hdr), 0);
	rig_kernel_say(r, buf, sizeof(buf));
}

/* A submit as vhci_hcd writes it (number_of_packets 0). */
static inline struct usbip_header
rig_submit(uint32_t seqnum, uint32_t direction, uint32_t ep, uint32_t length)
{
	struct usbip_header h = {
	    .command = USBIP_CMD_SUBMIT,
	    .seqnum = seqnum,
	    .devid = 3 << 16 | 7,
	    .direction = direction,
	    .ep = ep,
	};

	h.u.submit.length = length;
	return h;
}

static inline struct usbip_header
rig_get_descriptor(
    uint32_t seqnum, uint8_t type, uint8_t index, uint16_t length)
{
	struct usbip_header h = rig_submit(seqnum, USBIP_DIR_IN, 0, length);
	const uint8_t setup[8] = {0x80, 6, index, type, 0, 0,
	    (uint8_t)length, (uint8_t)(length >> 8)};

	memcpy(h.u.submit.setup, setup, sizeof(setup));
	return h;
}

static inline void
rig_say_unlink(struct rig *r, uint32_t seqnum, uint32_t target)
{
	struct usbip_header h = {
	    .command = USBIP_CMD_UNLINK,
	    .seqnum = seqnum,
	    .devid = 3 << 16 | 7,
	};

	h.u.unlink.seqnum = target;
	rig_say_header(r, &h);
}

/* Takes the next reply that the kernel got, with len bytes behind its header
 * (borrowed in *body until the next turn). */
static inline struct usbip_header
rig_take(struct rig *r, size_t len, const uint8_t **body)
{
	static uint8_t keep[2 * 1024 * 1024];
	struct usbip_header h;
	size_t whole = USBIP_HEADER_SIZE + len;

	assert_true(r->ngot >= whole);
	assert_int_equal(usbip_decode_header(&h, r->got, r->ngot), 0);
	memcpy(keep, r->got + USBIP_HEADER_SIZE, len);
	memmove(r->got, r->got + whole, r->ngot - whole);
	r->ngot -= whole;
	if (body != NULL) {
		*body = keep;
	}
	return h;
}

/* The gateway answers seqnum with actual bytes of data. */
static inline void
rig_answer(struct rig *r, uint32_t seqnum, int32_t status, const void *data,
    size_t len, uint32_t actual)
{
	const struct usbip_ret_submit ret = {
	    .status = status,
	    .actual_length = actual,
	};

	gateway_fake_say_ret(&r->gw, seqnum, &ret, data, len, NULL, 0);
}

/* What the kernel has got since are the relay's own last words: transfers that
 * the device's end took away, and unlinks of such. */
static inline void
rig_assert_drained(struct rig *r)
{
	while (r->ngot > 0) {
		struct usbip_header h = rig_take(r, 0, NULL);

		if (h.command == USBIP_RET_UNLINK) {
			assert_int_equal(
			    h.u.ret_unlink.status, USBIP_ECONNRESET);
			continue;
		}
		assert_int_equal(h.command, USBIP_RET_SUBMIT);
		assert_int_equal(h.u.ret_submit.status, USBIP_ESHUTDOWN);
		assert_int_equal(h.u.ret_submit.actual_length, 0);
		assert_int_equal(h.u.ret_submit.npackets, 0);
	}
}

/* The relay ended for that reason and the kernel saw nothing of it. */
static inline void
rig_assert_refused(struct rig *r, const char *why)
{
	rig_turn(r);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end.kind, ENDING_REFUSED);
	assert_string_equal(r->end.why, why);
	rig_assert_drained(r);
}

#endif
