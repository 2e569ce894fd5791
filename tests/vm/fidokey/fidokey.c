/*
 * fidokey NODE: a FIDO key behind the kernel's HID gadget, for /dev/hidg0. The
 * framing (CTAPHID 2.0) is here, the commands are in ctap2.c. Runs until the
 * node breaks or a signal ends it.
 *
 *   first packet   channel[4] command|0x80 length[2] data[57]
 *   further ones   channel[4] sequence data[59]
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/vm/fidokey/ctap2.h"

#define REPORT 64u
#define MESSAGE 7609u /* most that the framing can carry */
#define ANSWER 2048u

#define PING 0x01
#define INIT 0x06
#define CBOR 0x10
#define CANCEL 0x11
#define ERROR 0x3f

#define BROADCAST 0xffffffffu
#define ERR_COMMAND 0x01
#define ERR_LENGTH 0x03
#define ERR_SEQUENCE 0x04
#define ERR_BUSY 0x06
#define ERR_CHANNEL 0x0b

static struct {
	uint32_t channel;
	uint8_t command, sequence;
	size_t len, have;
	uint8_t data[MESSAGE];
} message;
static uint32_t nchannels;
static int node;

static uint32_t
channel_of(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
put_channel(uint8_t *p, uint32_t channel)
{
	for (unsigned i = 0; i < 4; i++) {
		p[i] = (uint8_t)(channel >> (24 - 8 * i));
	}
}

/* The gadget takes the next report when the host has fetched the last. */
static void
send_report(const uint8_t report[REPORT])
{
	struct pollfd pfd = {.fd = node, .events = POLLOUT};

	for (;;) {
		ssize_t n = write(node, report, REPORT);

		if (n == (ssize_t)REPORT) {
			return;
		}
		if (n != -1 || (errno != EAGAIN && errno != EINTR)) {
			err(1, "write");
		}
		poll(&pfd, 1, -1);
	}
}

static void
answer(uint32_t channel, uint8_t command, const uint8_t *data, size_t len)
{
	uint8_t report[REPORT] = {0};
	size_t at = 7, n;
	uint8_t sequence = 0;

	put_channel(report, channel);
	report[4] = command | 0x80;
	report[5] = (uint8_t)(len >> 8);
	report[6] = (uint8_t)len;
	for (;;) {
		n = len < REPORT - at ? len : REPORT - at;
		if (n > 0) {
			memcpy(report + at, data, n);
		}
		send_report(report);
		data += n;
		len -= n;
		if (len == 0) {
			return;
		}
		memset(report + 4, 0, REPORT - 4);
		report[4] = sequence++;
		at = 5;
	}
}

static void
answer_error(uint32_t channel, uint8_t code)
{
	answer(channel, ERROR, &code, 1);
}

static void
on_init(uint32_t channel, const uint8_t *nonce, size_t len)
{
	uint8_t reply[17] = {0};

	if (len != 8) {
		answer_error(channel, ERR_LENGTH);
		return;
	}
	memcpy(reply, nonce, 8);
	put_channel(reply + 8,
	    channel == BROADCAST ? 0x5a110000u + ++nchannels : channel);
	reply[12] = 2;	  /* protocol */
	reply[13] = 1;	  /* version 1.0.0 */
	reply[16] = 0x0c; /* CBOR, and no U2F messages */
	answer(channel, INIT, reply, sizeof(reply));
}

static void
on_message(void)
{
	static uint8_t reply[ANSWER];
	size_t len;

	switch (message.command) {
	case PING:
		answer(message.channel, PING, message.data, message.len);
		break;
	case INIT:
		on_init(message.channel, message.data, message.len);
		break;
	case CBOR:
		len = ctap2_command(
		    message.data, message.len, reply, sizeof(reply));
		fprintf(stderr, "fidokey: command %02x, status %02x\n",
		    message.len > 0 ? message.data[0] : 0u, reply[0]);
		answer(message.channel, CBOR, reply, len);
		break;
	case CANCEL: /* nothing ever waits */
		break;
	default:
		answer_error(message.channel, ERR_COMMAND);
	}
	message.channel = 0;
}

static void
append(const uint8_t *data, size_t n)
{
	size_t left = message.len - message.have;

	n = n < left ? n : left;
	memcpy(message.data + message.have, data, n);
	message.have += n;
	if (message.have == message.len) {
		on_message();
	}
}

static void
begin(uint32_t channel, const uint8_t report[REPORT])
{
	size_t len = (size_t)report[5] << 8 | report[6];
	uint8_t command = report[4] & 0x7f;

	if (len > MESSAGE) {
		answer_error(channel, ERR_LENGTH);
	} else if (channel == 0 ||
	    (channel == BROADCAST && command != INIT)) {
		answer_error(channel, ERR_CHANNEL);
	} else if (message.channel != 0 && message.channel != channel) {
		answer_error(channel, ERR_BUSY);
	} else {
		message.channel = channel;
		message.command = command;
		message.sequence = 0;
		message.len = len;
		message.have = 0;
		append(report + 7, REPORT - 7);
	}
}

static void
on_report(const uint8_t report[REPORT])
{
	uint32_t channel = channel_of(report);

	if ((report[4] & 0x80) != 0) {
		begin(channel, report);
	} else if (message.channel == channel && channel != 0) {
		if (report[4] != message.sequence) {
			message.channel = 0;
			answer_error(channel, ERR_SEQUENCE);
			return;
		}
		message.sequence++;
		append(report + 5, REPORT - 5);
	}
}

int
main(int argc, char **argv)
{
	uint8_t report[REPORT];
	ssize_t n;

	if (argc != 2) {
		fputs("usage: fidokey NODE\n", stderr);
		return 2;
	}
	node = open(argv[1], O_RDWR | O_CLOEXEC);
	if (node == -1) {
		err(1, "open: %s", argv[1]);
	}
	for (;;) {
		n = read(node, report, sizeof(report));
		if (n == -1 && errno != EINTR && errno != ESHUTDOWN) {
			err(1, "read: %s", argv[1]);
		}
		if (n == (ssize_t)sizeof(report)) {
			on_report(report);
		}
	}
}
