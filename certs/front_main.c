/*
 * sallyport-front: one stranger who wants a certificate. Speaks TLS with him,
 * takes one request off, hands it to `sallyport-certs serve' as it is, and its
 * answer back. Has the key of a server that may do this alone for one day, no
 * key of a CA and no file; nothing of what it says is believed.
 *
 * 1. certificate and key over descriptor 3; 2. confined; 3. handshake with
 * descriptor 4; 4. request, answer; 5. the end. All in one deadline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tls_enroll.h"
#include "certs/front_confine.h"
#include "certs/talk.h"
#include "wire/enroll.h"
#include "wire/ipc.h"

#define SERVE_FD 3
#define PEER_FD 4
#define SERVE_MS 10000
#define DEADLINE (15 * CLOCK_SEC)

static uint8_t message[CHANNEL_HEADER + CHANNEL_MAX];

static void
recv_serve(uint16_t type, struct channel_msg *msg)
{
	int r = channel_recv_wait(
	    SERVE_FD, message, sizeof(message), SERVE_MS, msg);

	if (r == ERR_CLOSED) {
		exit(1); /* it ended us, or itself */
	}
	if (r != 0 || msg->type != type || msg->fd != -1) {
		fatalx("channel: %s",
		    r != 0 ? err_str(r) : "unexpected message");
	}
}

static struct tls_config *
load(void)
{
	struct tls_config *config;
	struct channel_msg msg;
	struct tls_pem material;
	struct ipc_pem pem;
	char why[256] = "";

	recv_serve(IPC_FRONT_KEY, &msg);
	if (ipc_decode_pem(&pem, msg.data, msg.len) != 0) {
		fatalx("channel: malformed key");
	}
	material = (struct tls_pem){.cert = pem.cert,
	    .cert_len = pem.cert_len,
	    .key = pem.key,
	    .key_len = pem.key_len};
	if (tls_config_new_open(&config, &material, why, sizeof(why)) != 0) {
		fatalx("tls: %s", why);
	}
	mem_wipe(message, sizeof(message));
	return config;
}

/* What it says is the administrator's to read, the stranger's to provoke: one
 * line at most for each connection. */
static int
give_up(struct stream *s, const char *what, int r)
{
	log_warnx("%s: %s", what, r == ERR_TLS ? tls_error(s) : err_str(r));
	return 1;
}

static int
serve(struct stream *s, uint64_t deadline)
{
	uint8_t request[ENROLL_REQUEST_MAX];
	struct channel_msg msg;
	size_t len;
	int r = talk_handshake(s, deadline);

	if (r != 0) {
		return give_up(s, "handshake", r);
	}
	if (tls_alpn(s) == NULL) {
		log_warnx("handshake: no " ENROLL_ALPN);
		return 1;
	}
	r = talk_read_frame(s, request, sizeof(request), &len, deadline);
	if (r != 0) {
		return give_up(s, "request", r);
	}
	r = channel_send_wait(SERVE_FD, IPC_FRONT_ASK, 0, request, len, -1,
	    SERVE_MS);
	mem_wipe(request, sizeof(request));
	if (r != 0) {
		return give_up(s, "channel", r);
	}
	recv_serve(IPC_FRONT_REPLY, &msg);
	r = talk_write(s, msg.data, msg.len, deadline);
	if (r != 0) {
		return give_up(s, "reply", r);
	}
	(void)stream_shutdown(s);
	return 0;
}

int
main(int argc, char **argv)
{
	static const char *const alpn[] = {ENROLL_ALPN, NULL};
	static char name[128];
	struct tls_config *config;
	struct stream *s;
	int r;

	(void)snprintf(name, sizeof(name), "sallyport-front[%s]",
	    argc > 1 ? argv[1] : "");
	log_init(name);
	if (argc != 2 || geteuid() == 0) {
		fatalx("is started by `sallyport-certs serve', not as root");
	}
	config = load();
	s = tls_stream_new(config, PEER_FD, NULL, alpn);
	if (s == NULL) {
		fatal("tls");
	}
	front_confine();
	r = serve(s, clock_mono() + DEADLINE);
	stream_free(s);
	tls_config_free(config);
	return r;
}
