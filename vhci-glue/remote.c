/*
 * USB/IP's OP phase as a client, in the relay (usbip_protocol.rst OP_REQ_*), and
 * the few transfers that the relay makes by itself before the kernel's.
 * Reads exactly what each reply consists of and not a byte more. Every length
 * is fixed or counted by a checked number.
 */
#include "vhci-glue/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tls.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/imported.h"
#include "wire/cursor.h"
#include "wire/usbip.h"
#include "wire/usbip_check.h"

int
remote_say(struct ipc_relay_done *done, int exit_code, const char *fmt, ...)
{
	char line[IPC_TEXT];
	va_list ap;

	memset(done, 0, sizeof(*done));
	done->exit_code = (uint8_t)exit_code;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_escape(done->text, sizeof(done->text), line, strlen(line));
	return -1;
}

/* Waits for what the stream wants: 0, ERR_TIMEOUT or ERR_SYS. */
static int
await(struct stream *s, ssize_t want, uint64_t deadline)
{
	struct pollfd p = {
	    .fd = s->fd,
	    .events = want == STREAM_WANT_READ ? POLLIN : POLLOUT,
	};

	for (;;) {
		uint64_t now = clock_mono();
		int n;

		if (now >= deadline) {
			return ERR_TIMEOUT;
		}
		n = poll(&p, 1, (int)((deadline - now) / CLOCK_MSEC) + 1);
		if (n > 0) {
			return 0;
		}
		if (n < 0 && errno != EINTR) {
			return ERR_SYS;
		}
	}
}

static int
is_want(ssize_t r)
{
	return r == STREAM_WANT_READ || r == STREAM_WANT_WRITE;
}

/* A broken connection while `doing`, for people. */
static int
say_broken(struct stream *s, const char *doing, int err,
    struct ipc_relay_done *done)
{
	int sys = errno;

	switch (err) {
	case ERR_CLOSED:
		return remote_say(done, EXITS_FAILED,
		    "%s: the gateway closed the connection; its audit log has "
		    "the reason",
		    doing);
	case ERR_TIMEOUT:
		return remote_say(done, EXITS_UNREACHABLE,
		    "%s: the gateway did not answer in time", doing);
	case ERR_TLS:
		return remote_say(
		    done, EXITS_DENIED, "%s: %s", doing, tls_error(s));
	}
	errno = sys;
	return remote_say(
	    done, EXITS_UNREACHABLE, "%s: %s", doing, err_str(err));
}

/* A gateway that refuses us says so in an alert, but the alert is lost when it
 * closes before it has read all that we say. */
static int
is_broken_off(int err)
{
	return err == ERR_CLOSED ||
	    (err == ERR_SYS && (errno == ECONNRESET || errno == EPIPE));
}

int
remote_handshake(
    struct stream *s, uint64_t deadline, struct ipc_relay_done *done)
{
	for (;;) {
		int r = stream_handshake(s);

		if (r == 0) {
			return 0;
		}
		if (is_want(r)) {
			r = await(s, r, deadline);
		}
		if (is_broken_off(r)) {
			return remote_say(done, EXITS_DENIED,
			    "handshake: the gateway broke it off: it refuses "
			    "this workstation's certificate, or takes no more "
			    "connections; its audit log has the reason");
		}
		if (r != 0) {
			return say_broken(s, "handshake", r, done);
		}
	}
}

static int
send_all(struct stream *s, uint64_t deadline, const uint8_t *p, size_t len,
    struct ipc_relay_done *done)
{
	while (len > 0) {
		ssize_t n = stream_write(s, p, len);

		if (is_want(n)) {
			n = await(s, n, deadline);
		} else if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n != 0) {
			return say_broken(s, "request", (int)n, done);
		}
	}
	return 0;
}

static int
read_all(struct stream *s, uint64_t deadline, uint8_t *p, size_t len,
    struct ipc_relay_done *done)
{
	while (len > 0) {
		ssize_t n = stream_read(s, p, len);

		if (is_want(n)) {
			n = await(s, n, deadline);
		} else if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n != 0) {
			return say_broken(s, "answer", (int)n, done);
		}
	}
	return 0;
}

static int
say_malformed(struct ipc_relay_done *done, const char *what)
{
	return remote_say(done, EXITS_FAILED,
	    "answer: %s; this is no Sallyport or USB/IP 1.1.1 gateway", what);
}

/* The 8 bytes that every answer starts with. */
static int
read_op(struct stream *s, uint64_t deadline, uint16_t code,
    struct usbip_op_common *op, struct ipc_relay_done *done)
{
	uint8_t head[USBIP_OP_COMMON_SIZE];

	if (read_all(s, deadline, head, sizeof(head), done) != 0) {
		return -1;
	}
	if (usbip_decode_op(op, head, sizeof(head)) != 0 ||
	    op->version != USBIP_VERSION) {
		return say_malformed(done, "another protocol version");
	}
	if (op->code != code) {
		return say_malformed(done, "not what was asked for");
	}
	return 0;
}

static int
say_status(const char *busid, uint32_t status, struct ipc_relay_done *done)
{
	switch (status) {
	case USBIP_ST_NODEV:
		return remote_say(done, EXITS_NOT_FOUND,
		    "%s: no such device, or not for you; `sallyport list` "
		    "shows what you may use",
		    busid);
	case USBIP_ST_DEV_BUSY:
		return remote_say(done, EXITS_NOT_FOUND,
		    "%s: busy: another workstation holds it; try again later",
		    busid);
	case USBIP_ST_DEV_ERR:
		return remote_say(done, EXITS_FAILED,
		    "%s: the device is in an error state; unplug it and plug "
		    "it in again",
		    busid);
	}
	return remote_say(done, EXITS_FAILED,
	    "%s: the gateway refused (status %u); its audit log has the "
	    "reason",
	    busid, status);
}

static int
read_device(struct stream *s, uint64_t deadline, struct usbip_device *dev,
    struct ipc_relay_done *done)
{
	uint8_t raw[USBIP_DEVICE_SIZE];
	const char *why;

	if (read_all(s, deadline, raw, sizeof(raw), done) != 0) {
		return -1;
	}
	if (usbip_decode_device(dev, raw, sizeof(raw)) != 0) {
		return say_malformed(done, "text without its end");
	}
	why = imported_check(dev);
	return why == NULL ? 0 : say_malformed(done, why);
}

static int
read_item(struct stream *s, uint64_t deadline, struct ipc_item *item,
    struct ipc_relay_done *done)
{
	uint8_t raw[USBIP_INTERFACE_SIZE];

	memset(item, 0, sizeof(*item));
	if (read_device(s, deadline, &item->dev, done) != 0) {
		return -1;
	}
	if (item->dev.ninterfaces > DESC_MAX_INTERFACES) {
		return say_malformed(done, "more than 32 interfaces");
	}
	item->ninterfaces = item->dev.ninterfaces;
	for (unsigned i = 0; i < item->ninterfaces; i++) {
		if (read_all(s, deadline, raw, sizeof(raw), done) != 0) {
			return -1;
		}
		if (usbip_decode_interface(
			&item->interfaces[i], raw, sizeof(raw)) != 0) {
			return say_malformed(done, "interface");
		}
	}
	return 0;
}

int
remote_list(struct stream *s, uint64_t deadline, remote_item_cb *cb,
    void *arg, struct ipc_relay_done *done)
{
	uint8_t req[USBIP_OP_COMMON_SIZE], raw[4];
	struct usbip_op_common op;
	struct rcur c;
	uint32_t count;

	usbip_encode_op(req, USBIP_OP_REQ_DEVLIST, 0);
	if (send_all(s, deadline, req, sizeof(req), done) != 0 ||
	    read_op(s, deadline, USBIP_OP_REP_DEVLIST, &op, done) != 0) {
		return -1;
	}
	if (op.status != USBIP_ST_OK) {
		return say_status("list", op.status, done);
	}
	if (read_all(s, deadline, raw, sizeof(raw), done) != 0) {
		return -1;
	}
	c = rcur_of(raw, sizeof(raw));
	count = rcur_be32(&c);
	if (count > REMOTE_DEVICES) {
		return say_malformed(done, "more than 4096 devices");
	}
	for (uint32_t i = 0; i < count; i++) {
		struct ipc_item item;

		if (read_item(s, deadline, &item, done) != 0) {
			return -1;
		}
		if (cb(arg, &item) != 0) {
			return remote_say(
			    done, EXITS_FAILED, "list: nobody takes it");
		}
	}
	return 0;
}

int
remote_import(struct stream *s, uint64_t deadline, const char *busid,
    struct usbip_device *out, struct ipc_relay_done *done)
{
	uint8_t req[USBIP_IMPORT_REQ_SIZE];
	struct usbip_op_common op;

	usbip_encode_op(req, USBIP_OP_REQ_IMPORT, 0);
	usbip_encode_busid(req + USBIP_OP_COMMON_SIZE, busid);
	if (send_all(s, deadline, req, sizeof(req), done) != 0 ||
	    read_op(s, deadline, USBIP_OP_REP_IMPORT, &op, done) != 0) {
		return -1;
	}
	if (op.status != USBIP_ST_OK) {
		return say_status(busid, op.status, done);
	}
	if (read_device(s, deadline, out, done) != 0) {
		return -1;
	}
	if (strncmp(out->busid, busid, USBIP_BUSID_SIZE) != 0) {
		return say_malformed(done, "another device than asked for");
	}
	return 0;
}

int
remote_control(struct stream *s, uint64_t deadline,
    const struct usbip_device *dev, uint32_t seqnum, const uint8_t setup[8],
    uint8_t *buf, size_t *len, struct ipc_relay_done *done)
{
	struct usbip_header hdr = {
	    .command = USBIP_CMD_SUBMIT,
	    .seqnum = seqnum,
	    .devid = imported_devid(dev),
	    .direction = USBIP_DIR_IN,
	    .u.submit.length = (uint32_t)*len,
	};
	const struct usbip_pending sub = {
	    .seqnum = seqnum,
	    .direction = USBIP_DIR_IN,
	    .length = (uint32_t)*len,
	};
	uint8_t raw[USBIP_HEADER_SIZE];
	const char *why = "reply does not fit what was submitted";

	*len = 0;
	memcpy(hdr.u.submit.setup, setup, sizeof(hdr.u.submit.setup));
	if (usbip_encode_header(raw, &hdr) != 0) {
		return remote_say(done, EXITS_FAILED, "request: malformed");
	}
	if (send_all(s, deadline, raw, sizeof(raw), done) != 0 ||
	    read_all(s, deadline, raw, sizeof(raw), done) != 0) {
		return -1;
	}
	if (usbip_decode_header(&hdr, raw, sizeof(raw)) != 0 ||
	    hdr.command != USBIP_RET_SUBMIT || hdr.seqnum != seqnum) {
		return say_malformed(done, "not a reply to what was asked");
	}
	if (usbip_check_ret_submit(&hdr, &sub, &why) != 0 ||
	    hdr.u.ret_submit.actual_length > sub.length) {
		return say_malformed(done, why);
	}
	if (read_all(s, deadline, buf, hdr.u.ret_submit.actual_length, done) !=
	    0) {
		return -1;
	}
	if (hdr.u.ret_submit.status != 0) {
		return 1;
	}
	*len = hdr.u.ret_submit.actual_length;
	return 0;
}
