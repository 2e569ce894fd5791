/*
 * The client of the attacks. Everything is written by hand where the product
 * would refuse to say it.
 */
#include "tests/attack/ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"

struct tls_config *
ws_config(const struct pki_cert *ca, const struct pki_cert *cert)
{
	struct tls_pem pem = {
		.ca = ca->pem,
		.ca_len = ca->pem_len,
		.cert = cert->pem,
		.cert_len = cert->pem_len,
		.key = cert->key,
		.key_len = cert->key_len,
	};
	struct tls_config *config;
	char why[256];

	if (tls_config_new(&config, TLS_CLIENT, &pem, why, sizeof(why)) != 0) {
		fatalx("attack: tls: %s", why);
	}
	return config;
}

static uint64_t
deadline(int ms)
{
	return clock_mono() + (uint64_t)ms * CLOCK_MSEC;
}

/* Waits for the socket. WS_OK or WS_TIMEOUT. */
static int
wait_for(int fd, short events, uint64_t end)
{
	uint64_t now = clock_mono();
	struct pollfd p = {.fd = fd, .events = events};

	if (now >= end) {
		return WS_TIMEOUT;
	}
	return poll(&p, 1, (int)((end - now) / CLOCK_MSEC) + 1) > 0
	    ? WS_OK
	    : WS_TIMEOUT;
}

int
ws_connect(struct ws *ws, uint8_t host)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000u | host)};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(STAGE_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, error = 0;
	socklen_t len = sizeof(error);
	static unsigned turn;

	if (host == 0) {
		host = (uint8_t)(WS_FIRST + turn++ % WS_HOSTS);
		from.sin_addr.s_addr = htonl(0x7f000000u | host);
	}
	*ws = (struct ws){.fd = socket(AF_INET,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	if (ws->fd == -1) {
		fatal("attack: socket");
	}
	(void)setsockopt(ws->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(ws->fd, (struct sockaddr *)&from, sizeof(from)) == -1) {
		fatal("attack: bind to 127.0.0.%u", host);
	}
	if (connect(ws->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    (errno != EINPROGRESS ||
		wait_for(ws->fd, POLLOUT, deadline(WS_MS)) != WS_OK)) {
		close_fd(&ws->fd);
		return WS_CLOSED;
	}
	(void)getsockopt(ws->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		close_fd(&ws->fd);
		return WS_CLOSED;
	}
	return WS_OK;
}

int
ws_open(struct ws *ws, struct tls_config *config, uint8_t host)
{
	uint64_t end = deadline(WS_MS);
	int r = ws_connect(ws, host);

	if (r != WS_OK) {
		return r;
	}
	ws->stream = tls_stream_new(config, ws->fd, "gateway", NULL);
	if (ws->stream == NULL) {
		fatal("attack: tls");
	}
	for (;;) {
		r = stream_handshake(ws->stream);
		if (r == 0) {
			return WS_OK;
		}
		if (r != STREAM_WANT_READ && r != STREAM_WANT_WRITE) {
			return WS_CLOSED;
		}
		if (wait_for(ws->fd,
			r == STREAM_WANT_READ ? POLLIN : POLLOUT,
			end) != WS_OK) {
			return WS_TIMEOUT;
		}
	}
}

void
ws_close(struct ws *ws, enum ws_how how)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (ws->fd != -1 && how == WS_ABRUPT) {
		(void)setsockopt(ws->fd, SOL_SOCKET, SO_LINGER, &reset,
		    sizeof(reset));
	}
	if (ws->stream != NULL) {
		if (how == WS_POLITE) {
			(void)stream_shutdown(ws->stream);
		}
		stream_free(ws->stream);
	} else {
		close_fd(&ws->fd);
	}
	*ws = (struct ws){.fd = -1};
}

int
ws_is_let_in(struct tls_config *config)
{
	uint8_t op[USBIP_OP_COMMON_SIZE];
	struct ws ws;
	int r = ws_open(&ws, config, 0);

	usbip_encode_op(op, USBIP_OP_REQ_DEVLIST, 0);
	/* in TLS 1.3 the handshake is over here before it is there */
	r = r != WS_OK ? r : ws_say(&ws, op, sizeof(op), 0, WS_MS);
	r = r != WS_OK ? r : ws_hear(&ws, op, sizeof(op), WS_MS);
	ws_close(&ws, WS_POLITE);
	return r == WS_OK;
}

/* ------------------------------------------------------------------------ */
/* Bytes                                                                    */

static ssize_t
write_some(struct ws *ws, const uint8_t *p, size_t len)
{
	ssize_t n;

	if (ws->stream != NULL) {
		return stream_write(ws->stream, p, len);
	}
	n = send(ws->fd, p, len, MSG_NOSIGNAL);
	if (n == -1) {
		return errno == EAGAIN ? STREAM_WANT_WRITE : ERR_CLOSED;
	}
	return n;
}

static ssize_t
read_some(struct ws *ws, void *p, size_t len)
{
	ssize_t n;

	if (ws->stream != NULL) {
		return stream_read(ws->stream, p, len);
	}
	n = recv(ws->fd, p, len, 0);
	if (n == -1) {
		return errno == EAGAIN ? STREAM_WANT_READ : ERR_CLOSED;
	}
	return n == 0 ? ERR_CLOSED : n;
}

int
ws_say(struct ws *ws, const void *buf, size_t len, size_t piece, int ms)
{
	uint64_t end = deadline(ms);
	const uint8_t *p = buf;

	while (len > 0) {
		size_t most = piece > 0 && piece < len ? piece : len;
		ssize_t n = write_some(ws, p, most);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n != STREAM_WANT_READ && n != STREAM_WANT_WRITE) {
			return WS_CLOSED;
		} else if (wait_for(ws->fd, POLLOUT, end) != WS_OK) {
			return WS_TIMEOUT;
		}
	}
	return WS_OK;
}

int
ws_hear(struct ws *ws, void *buf, size_t len, int ms)
{
	uint64_t end = deadline(ms);
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = read_some(ws, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n != STREAM_WANT_READ && n != STREAM_WANT_WRITE) {
			return WS_CLOSED;
		} else if (wait_for(ws->fd, POLLIN, end) != WS_OK) {
			return WS_TIMEOUT;
		}
	}
	return WS_OK;
}

int
ws_hear_out(struct ws *ws, int ms)
{
	uint64_t end = deadline(ms);
	uint8_t buf[4096];

	for (;;) {
		ssize_t n = read_some(ws, buf, sizeof(buf));

		if (n > 0) {
			continue;
		}
		if (n != STREAM_WANT_READ && n != STREAM_WANT_WRITE) {
			return WS_CLOSED;
		}
		if (wait_for(ws->fd, POLLIN, end) != WS_OK) {
			return WS_TIMEOUT;
		}
	}
}

/* ------------------------------------------------------------------------ */
/* USB/IP                                                                   */

int
ws_import(struct ws *ws, const char *busid)
{
	uint8_t req[USBIP_IMPORT_REQ_SIZE], rep[USBIP_DEVICE_SIZE];
	struct usbip_op_common op;
	struct usbip_device dev;
	int r;

	usbip_encode_op(req, USBIP_OP_REQ_IMPORT, 0);
	usbip_encode_busid(req + USBIP_OP_COMMON_SIZE, busid);
	r = ws_say(ws, req, sizeof(req), 0, WS_MS);
	if (r == WS_OK) {
		r = ws_hear(ws, rep, USBIP_OP_COMMON_SIZE, 2 * WS_MS);
	}
	if (r != WS_OK) {
		return r;
	}
	if (usbip_decode_op(&op, rep, USBIP_OP_COMMON_SIZE) != 0 ||
	    op.code != USBIP_OP_REP_IMPORT) {
		return WS_CLOSED;
	}
	if (op.status != USBIP_ST_OK) {
		return (int)op.status;
	}
	r = ws_hear(ws, rep, USBIP_DEVICE_SIZE, WS_MS);
	if (r == WS_OK && usbip_decode_device(&dev, rep, sizeof(rep)) != 0) {
		return WS_CLOSED;
	}
	ws->devid = r == WS_OK ? dev.busnum << 16 | dev.devnum : 0;
	return r;
}

int
ws_stream(struct ws *ws, struct tls_config *config, const char *busid)
{
	uint64_t end = deadline(2 * WS_MS);

	for (;;) {
		int r = ws_open(ws, config, 0);

		if (r == WS_OK) {
			r = ws_import(ws, busid);
		}
		if (r <= 0 || clock_mono() > end) {
			return r == WS_OK || r < 0 ? r : WS_TIMEOUT;
		}
		/* the one before is being cleared away, or read again */
		ws_close(ws, WS_POLITE);
		(void)poll(NULL, 0, 5);
	}
}

void
ws_submit_header(struct usbip_header *h, const struct ws *ws, uint32_t seqnum,
    uint8_t address, uint32_t length)
{
	*h = (struct usbip_header){
		.command = USBIP_CMD_SUBMIT,
		.seqnum = seqnum,
		.devid = ws->devid,
		.direction =
		    (address & 0x80) != 0 ? USBIP_DIR_IN : USBIP_DIR_OUT,
		.ep = address & 15,
		.u.submit.length = length,
	};
}

int
ws_submit(struct ws *ws, uint32_t seqnum, uint8_t address, uint32_t length)
{
	static uint8_t buf[USBIP_HEADER_SIZE + 1024 * 1024];
	struct usbip_header h;
	size_t body = (address & 0x80) != 0 ? 0 : length;

	ws_submit_header(&h, ws, seqnum, address, length);
	(void)usbip_encode_header(buf, &h);
	return ws_say(ws, buf, USBIP_HEADER_SIZE + body, 0, WS_MS);
}

int
ws_unlink(struct ws *ws, uint32_t seqnum, uint32_t of)
{
	struct usbip_header h = {.command = USBIP_CMD_UNLINK,
		.seqnum = seqnum, .devid = ws->devid, .u.unlink.seqnum = of};
	uint8_t buf[USBIP_HEADER_SIZE];

	(void)usbip_encode_header(buf, &h);
	return ws_say(ws, buf, sizeof(buf), 0, WS_MS);
}

int
ws_reply(struct ws *ws, struct usbip_header *h, int is_in, int ms)
{
	uint8_t buf[USBIP_HEADER_SIZE], skip[4096];
	int r = ws_hear(ws, buf, sizeof(buf), ms);
	size_t left;

	if (r != WS_OK || usbip_decode_header(h, buf, sizeof(buf)) != 0) {
		return r != WS_OK ? r : WS_CLOSED;
	}
	left = is_in && h->command == USBIP_RET_SUBMIT
	    ? h->u.ret_submit.actual_length
	    : 0;
	while (r == WS_OK && left > 0) {
		size_t n = left < sizeof(skip) ? left : sizeof(skip);

		r = ws_hear(ws, skip, n, ms);
		left -= n;
	}
	return r;
}

static int
control(struct ws *ws, uint32_t seqnum, const uint8_t setup[8], int is_in)
{
	uint8_t buf[USBIP_HEADER_SIZE];
	struct usbip_header h;
	int r;

	ws_submit_header(
	    &h, ws, seqnum, is_in ? 0x80 : 0, is_in ? setup[6] : 0);
	memcpy(h.u.submit.setup, setup, 8);
	(void)usbip_encode_header(buf, &h);
	r = ws_say(ws, buf, sizeof(buf), 0, WS_MS);
	if (r == WS_OK) {
		r = ws_reply(ws, &h, is_in, WS_MS);
	}
	if (r != WS_OK) {
		return r;
	}
	return h.command == USBIP_RET_SUBMIT && h.seqnum == seqnum &&
		h.u.ret_submit.status == 0
	    ? WS_OK
	    : WS_CLOSED;
}

int
ws_works(struct ws *ws, uint32_t seqnum)
{
	static const uint8_t get_status[8] = {0x80, 0, 0, 0, 0, 0, 2, 0};

	return control(ws, seqnum, get_status, 1) == WS_OK;
}

int
ws_alternate(struct ws *ws, uint32_t seqnum, uint8_t alternate)
{
	const uint8_t set_interface[8] = {1, 0x0b, alternate};

	return control(ws, seqnum, set_interface, 0);
}
