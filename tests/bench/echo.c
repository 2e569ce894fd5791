/*
 * The baseline's server: reads a USB/IP command, answers it, and knows nothing
 * else. What it gives is whatever lies in its buffer. Replies to commands that
 * came together leave together, as the gateway's do.
 */
#include <string.h>

#include "base/channel.h"
#include "base/log.h"
#include "tests/bench/count.h"
#include "tests/bench/parts.h"
#include "tests/bench/raw.h"

enum fds { FD_PEER = 4, FD_COUNTS = 5 };

/* 0, or -1 when the peer left. */
static int
answer(struct raw *raw)
{
	const uint8_t *p = raw_take(raw, USBIP_HEADER_SIZE);
	struct usbip_header hdr, ret = {.command = USBIP_RET_SUBMIT};
	uint8_t out[USBIP_HEADER_SIZE];

	if (p == NULL) {
		return -1;
	}
	if (usbip_decode_header(&hdr, p, USBIP_HEADER_SIZE) != 0 ||
	    hdr.command != USBIP_CMD_SUBMIT) {
		fatalx("echo: not a submit");
	}
	ret.seqnum = hdr.seqnum;
	ret.u.ret_submit.actual_length = hdr.u.submit.length;
	if (hdr.direction == USBIP_DIR_OUT &&
	    raw_skip(raw, hdr.u.submit.length) != 0) {
		return -1;
	}
	(void)usbip_encode_header(out, &ret);
	raw_put(raw, out, sizeof(out));
	if (hdr.direction == USBIP_DIR_IN) {
		raw_put_any(raw, hdr.u.submit.length);
	}
	return 0;
}

int
bench_echo(enum bench_door door)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct ipc_pem pem;
	struct raw *raw;

	bench_read_pem(&pem, buf);
	raw = door == BENCH_TLS ? raw_tls(FD_PEER, RAW_SERVER, &pem)
				: raw_plain(FD_PEER);
	raw_handshake(raw);
	count_in(FD_COUNTS);
	while (answer(raw) == 0) {
		continue;
	}
	raw_free(raw);
	return 0;
}
