/* base/tls after the handshake: records, counts, full sockets, ends. */
#include <errno.h>
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
#include "tests/fake/tlsbed.h"

/* Counts what anybody allocates, the TLS library as well, where no sanitizer
 * has taken that place. */
static unsigned long allocations;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif
#if !defined(SANITIZED) && defined(__GLIBC__)
#define COUNTING
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);

void *
malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}
#endif

/* TLS 1.3 has a byte of its own in each record. */
#define RECORD (STREAM_RECORD - 1)

static struct pki_cert ca, gateway, kiosk;
static uint8_t out[1 << 20], in[1 << 20];

struct ends {
	struct tls_config *server, *client;
	struct bed bed;
};

static int
setup_group(void **state)
{
	uint8_t sans[64];
	size_t len = 0, i;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw", 2);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	for (i = 0; i < sizeof(out); i++) {
		out[i] = (uint8_t)(i * 7 + i / 251);
	}
	return 0;
}

static int
setup(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));

	e->server = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	e->client = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	bed_connect(&e->bed, e->server, e->client, "gw", NULL, NULL);
	*state = e;
	return e->bed.rs == 0 && e->bed.rc == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	struct ends *e = *state;

	bed_close(&e->bed);
	tls_config_free(e->server);
	tls_config_free(e->client);
	free(e);
	return 0;
}

/* Reads all there is. */
static size_t
drain(struct stream *s, uint8_t *buf)
{
	size_t len = 0;
	ssize_t n;

	while ((n = stream_read(s, buf + len, sizeof(in) - len)) > 0) {
		len += (size_t)n;
	}
	assert_int_equal(n, STREAM_WANT_READ);
	return len;
}

static void
test_one_send_per_record(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;
	uint64_t sends = c->count.sends, bytes = c->count.bytes_out;
	ssize_t n;

	assert_int_equal(stream_write(c, out, 48), 48);
	assert_int_equal(c->count.sends, sends + 1);
	assert_int_equal(drain(s, in), 48);
	assert_int_equal(stream_write(c, out, RECORD), RECORD);
	assert_int_equal(c->count.sends, sends + 2);
	assert_int_equal(drain(s, in), RECORD);
	assert_memory_equal(in, out, RECORD);
	/* more than a record: one of it is taken */
	n = stream_write(c, out, STREAM_RECORD + 1);
	assert_true(n == STREAM_RECORD || n == RECORD);
	assert_int_equal(c->count.sends, sends + 3);
	assert_int_equal(drain(s, in), n);
	assert_true(c->count.bytes_out - bytes > 48 + 2 * RECORD);
	assert_true(c->count.bytes_out - bytes < 48 + 2 * RECORD + 200);
	assert_int_equal(stream_write(c, out, 0), ERR_NOMEM);
	assert_int_equal(stream_read(c, in, 0), ERR_NOMEM);
}

static void
test_few_recvs(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;
	uint64_t before = s->count.recvs;
	size_t got = 0;
	int i, reads = 0;

	for (i = 0; i < 100; i++) {
		assert_int_equal(stream_write(c, out + got, 64), 64);
		got += 64;
	}
	got = 0;
	/* as an owner does it: while pending, read on */
	do {
		ssize_t n = stream_read(s, in + got, sizeof(in) - got);

		assert_true(n > 0);
		got += (size_t)n;
		reads++;
	} while (stream_pending(s) > 0);
	assert_int_equal(got, 6400);
	assert_memory_equal(in, out, 6400);
	assert_int_equal(reads, 100);
	assert_true(s->count.recvs - before <= 30);
	assert_true(s->count.recvs - before >= 1);
}

static void
test_pending_inside(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;

	assert_int_equal(stream_pending(s), 0);
	assert_int_equal(stream_write(c, out, 1000), 1000);
	assert_int_equal(stream_read(s, in, 100), 100);
	assert_int_equal(stream_pending(s), 900);
	assert_int_equal(stream_read(s, in + 100, 5000), 900);
	assert_int_equal(stream_pending(s), 0);
	assert_memory_equal(in, out, 1000);
	assert_int_equal(stream_read(s, in, 100), STREAM_WANT_READ);
}

static void
test_full_socket(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;
	size_t sent = 0, got = 0;
	uint64_t sends;
	ssize_t n;
	int size = 20000, blocks = 0;

	/* small buffers, so that records go out in pieces */
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sent < sizeof(out)) {
		sends = c->count.sends;
		n = stream_write(c, out + sent, sizeof(out) - sent);
		assert_true(c->count.sends - sends <= 1);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		assert_int_equal(n, STREAM_WANT_WRITE);
		blocks++;
		/* again, with nothing read meanwhile: still no */
		assert_int_equal(
		    stream_write(c, out + sent, sizeof(out) - sent),
		    STREAM_WANT_WRITE);
		/* less than before is a mistake of the caller's */
		assert_int_equal(stream_write(c, out + sent, 1), ERR_NOMEM);
		got += drain(s, in + got);
	}
	got += drain(s, in + got);
	assert_true(blocks > 10);
	assert_int_equal(got, sizeof(out));
	assert_memory_equal(in, out, sizeof(out));
}

static void
test_read_while_write_waits(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;
	size_t sent = 0, got = 0;
	ssize_t n;

	while ((n = stream_write(c, out + sent, STREAM_RECORD)) > 0) {
		sent += (size_t)n;
	}
	assert_int_equal(n, STREAM_WANT_WRITE);
	assert_int_equal(stream_write(s, "hello", 5), 5);
	assert_int_equal(stream_read(c, in, 100), 5);
	got = drain(s, in);
	n = stream_write(c, out + sent, STREAM_RECORD);
	assert_true(n >= RECORD);
	sent += (size_t)n;
	got += drain(s, in + got);
	assert_int_equal(got, sent);
	assert_memory_equal(in, out, sent);
}

static void
test_goodbye(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client, *s = e->bed.server;

	assert_int_equal(stream_write(c, "last", 4), 4);
	assert_int_equal(stream_shutdown(c), 0);
	assert_int_equal(stream_write(c, "x", 1), ERR_CLOSED);
	assert_int_equal(stream_read(s, in, 100), 4);
	assert_int_equal(stream_read(s, in, 100), ERR_CLOSED);
	assert_int_equal(stream_read(s, in, 100), ERR_CLOSED);
	assert_int_equal(stream_pending(s), 0);
	assert_int_equal(stream_shutdown(c), 0); /* twice does no harm */
}

static void
test_goodbye_on_a_full_socket(void **state)
{
	struct ends *e = *state;
	struct stream *c = e->bed.client;

	while (stream_write(c, out, STREAM_RECORD) > 0) {
		continue;
	}
	/* never waits */
	assert_int_equal(stream_shutdown(c), 0);
}

static void
test_plain_end(void **state)
{
	struct ends *e = *state;

	shutdown(e->bed.client->fd, SHUT_WR);
	assert_int_equal(stream_read(e->bed.server, in, 100), ERR_CLOSED);
	assert_non_null(
	    strstr(tls_error(e->bed.server), "closed the connection"));
	stream_free(e->bed.server);
	e->bed.server = NULL;
	assert_int_equal(stream_write(e->bed.client, "x", 1), ERR_CLOSED);
}

static void
test_tampered_record(void **state)
{
	struct ends *e = *state;
	static const uint8_t record[] = {23, 3, 3, 0, 32, 1, 2, 3, 4, 5, 6, 7,
	    8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
	    25, 26, 27, 28, 29, 30, 31, 32};

	assert_int_equal(
	    send(e->bed.client->fd, record, sizeof(record), 0), sizeof(record));
	assert_int_equal(stream_read(e->bed.server, in, 100), ERR_TLS);
	assert_non_null(strstr(tls_error(e->bed.server), "not authentic"));
	/* the peer is told */
	assert_int_equal(stream_read(e->bed.client, in, 100), ERR_TLS);
	assert_non_null(strstr(tls_error(e->bed.client), "alert"));
}

static void
test_garbage_after_handshake(void **state)
{
	struct ends *e = *state;

	assert_int_equal(send(e->bed.client->fd, "hello world", 11, 0), 11);
	assert_int_equal(stream_read(e->bed.server, in, 100), ERR_TLS);
	assert_int_equal(stream_write(e->bed.server, "x", 1), ERR_TLS);
}

static void
test_no_renegotiation(void **state)
{
	struct ends *e = *state;
	struct bare_how how = {.role = TLS_CLIENT, .cert = &kiosk};
	struct stream *s;
	struct bare *b;
	int fds[2], rb, i;

	bed_pair(fds);
	s = tls_stream_new(e->server, fds[0], NULL, NULL);
	b = bare_new(fds[1], &how);
	assert_int_equal(bed_against(s, b, &rb), 0);
	assert_int_equal(rb, 0);
	rb = 1;
	for (i = 0; i < 20 && rb == 1; i++) {
		ssize_t n;

		rb = bare_renegotiate(b);
		n = stream_read(s, in, 100);
		assert_true(n == STREAM_WANT_READ || n < 0);
	}
	assert_int_not_equal(rb, 0);
	bare_free(b);
	stream_free(s);
}

static void
test_steady_memory(void **state)
{
	struct ends *e = *state;
	unsigned long before = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		stream_write(e->bed.client, out, 512);
		assert_int_equal(stream_read(e->bed.server, in, 512), 512);
		stream_write(e->bed.server, out, 4096);
		assert_int_equal(stream_read(e->bed.client, in, 4096), 4096);
		if (i == 10) {
			before = allocations;
		}
	}
	assert_int_equal(allocations, before);
#ifdef COUNTING
	assert_true(before > 0);
#endif
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_one_send_per_record),
	    T(test_few_recvs),
	    T(test_pending_inside),
	    T(test_full_socket),
	    T(test_read_while_write_waits),
	    T(test_goodbye),
	    T(test_goodbye_on_a_full_socket),
	    T(test_plain_end),
	    T(test_tampered_record),
	    T(test_garbage_after_handshake),
	    T(test_no_renegotiation),
	    T(test_steady_memory),
	};

	return cmocka_run_group_tests(tests, setup_group, NULL);
}
