/*
 * A scriptable gateway. Linked into tests only.
 */
#include "tests/fake/gateway_fake.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

const uint8_t gateway_fake_drive_device[18] = {
    18, 1, 0x00, 0x02, 0, 0, 0, 64,	/* USB 2.0, class per interface */
    0x51, 0x09, 0x66, 0x16, 0x10, 0x01, /* 0951:1666, 1.10 */
    1, 2, 3, 1,
};

struct usbip_device
gateway_fake_drive(void)
{
	struct usbip_device d = {
	    .path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2",
	    .busid = "3-2",
	    .busnum = 3,
	    .devnum = 7,
	    .speed = USBIP_SPEED_HIGH,
	    .vid = 0x0951,
	    .pid = 0x1666,
	    .bcd_device = 0x0110,
	    .configuration = 1,
	    .nconfigurations = 1,
	    .ninterfaces = 1,
	};

	return d;
}

int
gateway_fake_init(struct gateway_fake *gw, struct stream *stream)
{
	*gw = (struct gateway_fake){.stream = NULL};
	gw->out = malloc(GATEWAY_FAKE_BYTES);
	gw->in = malloc(GATEWAY_FAKE_BYTES);
	if (gw->out == NULL || gw->in == NULL) {
		gateway_fake_fini(gw);
		return -1;
	}
	gw->stream = stream;
	return 0;
}

void
gateway_fake_fini(struct gateway_fake *gw)
{
	stream_free(gw->stream);
	free(gw->out);
	free(gw->in);
	*gw = (struct gateway_fake){.stream = NULL};
}

static void
listen_to(struct gateway_fake *gw)
{
	while (!gw->is_deaf && gw->in_tail < GATEWAY_FAKE_BYTES) {
		ssize_t n = stream_read(gw->stream, gw->in + gw->in_tail,
		    GATEWAY_FAKE_BYTES - gw->in_tail);

		if (n < 0) {
			gw->last = (int)n;
			return;
		}
		gw->in_tail += (size_t)n;
	}
}

static void
speak(struct gateway_fake *gw)
{
	while (gw->out_head < gw->out_tail) {
		size_t len = gw->out_tail - gw->out_head;
		ssize_t n = stream_write(gw->stream, gw->out + gw->out_head,
		    gw->piece > 0 && gw->piece < len ? gw->piece : len);

		if (n < 0) {
			gw->last = (int)n;
			return;
		}
		gw->out_head += (size_t)n;
	}
	gw->out_head = gw->out_tail = 0;
}

void
gateway_fake_turn(struct gateway_fake *gw)
{
	if (gw->stream == NULL) {
		return;
	}
	if (!gw->is_up) {
		gw->last = stream_handshake(gw->stream);
		if (gw->last != 0) {
			return;
		}
		gw->is_up = 1;
	}
	if (gw->in_head > 0) {
		memmove(gw->in, gw->in + gw->in_head,
		    gw->in_tail - gw->in_head);
		gw->in_tail -= gw->in_head;
		gw->in_head = 0;
	}
	speak(gw);
	listen_to(gw);
}

void
gateway_fake_run(struct gateway_fake *gw, int ms)
{
	for (; ms > 0; ms--) {
		struct pollfd p = {.fd = gw->stream->fd, .events = POLLIN};

		gateway_fake_turn(gw);
		if (gw->last == ERR_CLOSED || gw->last == ERR_TLS) {
			return;
		}
		(void)poll(&p, 1, 1);
	}
}

void
gateway_fake_hang_up(struct gateway_fake *gw)
{
	gateway_fake_turn(gw);
	(void)stream_shutdown(gw->stream);
	stream_free(gw->stream);
	gw->stream = NULL;
}

void
gateway_fake_say(struct gateway_fake *gw, const void *p, size_t len)
{
	if (len > GATEWAY_FAKE_BYTES - gw->out_tail) {
		abort();
	}
	if (len > 0) {
		memcpy(gw->out + gw->out_tail, p, len);
		gw->out_tail += len;
	}
}

void
gateway_fake_say_op(struct gateway_fake *gw, uint16_t code, uint32_t status)
{
	uint8_t buf[USBIP_OP_COMMON_SIZE];

	usbip_encode_op(buf, code, status);
	gateway_fake_say(gw, buf, sizeof(buf));
}

void
gateway_fake_say_device(
    struct gateway_fake *gw, const struct usbip_device *dev)
{
	uint8_t buf[USBIP_DEVICE_SIZE];

	usbip_encode_device(buf, dev);
	gateway_fake_say(gw, buf, sizeof(buf));
}

void
gateway_fake_say_header(
    struct gateway_fake *gw, const struct usbip_header *hdr)
{
	uint8_t buf[USBIP_HEADER_SIZE];

	if (usbip_encode_header(buf, hdr) != 0) {
		abort();
	}
	gateway_fake_say(gw, buf, sizeof(buf));
}

void
gateway_fake_say_ret(struct gateway_fake *gw, uint32_t seqnum,
    const struct usbip_ret_submit *ret, const void *data, size_t len,
    const struct usbip_iso *iso, size_t niso)
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_SUBMIT,
	    .seqnum = seqnum,
	};
	uint8_t buf[USBIP_ISO_SIZE];

	hdr.u.ret_submit = *ret;
	gateway_fake_say_header(gw, &hdr);
	gateway_fake_say(gw, data, len);
	for (size_t i = 0; i < niso; i++) {
		usbip_encode_iso(buf, &iso[i]);
		gateway_fake_say(gw, buf, sizeof(buf));
	}
}

void
gateway_fake_say_unlinked(
    struct gateway_fake *gw, uint32_t seqnum, int32_t status)
{
	struct usbip_header hdr = {
	    .command = USBIP_RET_UNLINK,
	    .seqnum = seqnum,
	};

	hdr.u.ret_unlink.status = status;
	gateway_fake_say_header(gw, &hdr);
}

const uint8_t *
gateway_fake_hear(struct gateway_fake *gw, size_t len)
{
	const uint8_t *p = gw->in + gw->in_head;

	if (len > gw->in_tail - gw->in_head) {
		return NULL;
	}
	gw->in_head += len;
	return p;
}

int
gateway_fake_hear_header(struct gateway_fake *gw, struct usbip_header *hdr)
{
	const uint8_t *p = gateway_fake_hear(gw, USBIP_HEADER_SIZE);

	return p == NULL ? -1 : usbip_decode_header(hdr, p, USBIP_HEADER_SIZE);
}

size_t
gateway_fake_heard(const struct gateway_fake *gw)
{
	return gw->in_tail - gw->in_head;
}
