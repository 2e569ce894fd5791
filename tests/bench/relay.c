/*
 * The workstation's relay as a process of its own: vhci-glue/relay_main.c's
 * way of life, on a connection and a socket that the bench made.
 */
#include "vhci-glue/relay.h"
#include "vhci-glue/seen.h"

#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/tls.h"
#include "tests/bench/count.h"
#include "tests/bench/parts.h"
#include "vhci-glue/remote.h"

enum fds { FD_GATEWAY = 4, FD_KERNEL = 5, FD_COUNTS = 6 };

static void
on_ended(void *arg, const struct ending *end)
{
	if (end->kind != ENDING_DETACHED) {
		char line[256];

		fatalx("relay: %s", relay_describe(line, sizeof(line), end));
	}
	loop_stop(arg);
}

static struct stream *
connect_stream(enum bench_door door)
{
	static const char *const alpn[] = {"usbip", NULL};
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct tls_config *config;
	struct ipc_pem pem;
	struct tls_pem tls;
	char why[256] = "";

	bench_read_pem(&pem, buf);
	if (door == BENCH_PLAIN) {
		return stream_plain_new(FD_GATEWAY);
	}
	tls = (struct tls_pem){
	    .ca = pem.ca,
	    .ca_len = pem.ca_len,
	    .cert = pem.cert,
	    .cert_len = pem.cert_len,
	    .key = pem.key,
	    .key_len = pem.key_len,
	};
	if (tls_config_new(&config, TLS_CLIENT, &tls, why, sizeof(why)) != 0) {
		fatalx("tls: %s", why);
	}
	/* lives as long as the process */
	return tls_stream_new(config, FD_GATEWAY, BENCH_NAME, alpn);
}

int
bench_relay(enum bench_door door)
{
	struct stream *stream = connect_stream(door);
	uint64_t deadline = clock_mono() + 10 * CLOCK_SEC;
	struct ipc_relay_done done = {0};
	struct usbip_device dev;
	struct relay_how how = {
	    .loop = loop_new(),
	    .stream = stream,
	    .kernel = FD_KERNEL,
	    .ended = on_ended,
	};
	struct relay *relay;

	if (stream == NULL || how.loop == NULL) {
		fatal("relay");
	}
	count_in(FD_COUNTS);
	if (remote_handshake(stream, deadline, &done) != 0 ||
	    remote_import(stream, deadline, BENCH_BUSID, &dev, &done) != 0) {
		fatalx("relay: %s", done.text);
	}
	how.arg = how.loop;
	if (seen_new(&how.seen, &dev) != 0) {
		fatalx("relay: out of memory");
	}
	if (relay_new(&relay, &how) != 0) {
		fatalx("relay: out of memory");
	}
	loop_run(how.loop);
	relay_free(relay);
	loop_free(how.loop);
	return 0;
}
