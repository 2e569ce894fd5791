/*
 * sallyport-enroll: fetches one certificate for `sallyport enroll', which is
 * often root and parses no byte of the network. Runs as a user of its own;
 * everything it makes goes up descriptor 3, and it writes no file.
 *
 * 1. confined; 2. host and token from the parent; 3. connect, confined to that,
 * handshake, the pin; 4. the key is made, not before; 5. request, reply, judged;
 * 6. the texts to the parent.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/net.h"
#include "base/sign.h"
#include "base/tls_enroll.h"
#include "certs/enroll_confine.h"
#include "certs/enrolled.h"
#include "certs/key.h"
#include "certs/talk.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define PARENT_MS 10000
#define CONNECT_MS 10000
#define DEADLINE (20 * CLOCK_SEC)

/* The documented exit statuses that the parent ends with. */
enum { FAILED = 1, DENIED = 3, UNREACHABLE = 4 };

struct worker {
	struct ipc_enroll how;
	struct enroll_token token;
	struct tls_config *config; /* owned */
	struct stream *stream;	   /* owned */
	struct enroll_request request;
	unsigned char key[KEY_PEM_MAX];
	struct enrolled got;
	uint8_t reply[ENROLL_REPLY_MAX];
	uint8_t message[CHANNEL_HEADER + CHANNEL_MAX];
};

/* Tells the parent, and is the exit code. */
__attribute__((format(printf, 3, 4))) static int
say(struct worker *w, int code, const char *fmt, ...)
{
	struct ipc_relay_done done = {.exit_code = (uint8_t)code};
	char line[IPC_TEXT];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_escape(done.text, sizeof(done.text), line, strlen(line));
	n = ipc_encode_relay_done(w->message, sizeof(w->message), &done);
	if (n > 0) {
		(void)channel_send_wait(PARENT_FD, IPC_RELAY_DONE, 0,
		    w->message, (size_t)n, -1, PARENT_MS);
	}
	return code;
}

static void
read_how(struct worker *w)
{
	struct channel_msg msg;
	int r = channel_recv_wait(PARENT_FD, w->message, sizeof(w->message),
	    PARENT_MS, &msg);

	if (r != 0 || msg.type != IPC_ENROLL || msg.fd != -1 ||
	    ipc_decode_enroll(&w->how, msg.data, msg.len) != 0 ||
	    enroll_token_read(&w->token, w->how.token) != 0) {
		fatalx("channel: no host and token");
	}
	mem_wipe(w->how.token, sizeof(w->how.token));
	mem_wipe(w->message, sizeof(w->message));
}

/* What ended a conversation, in words. */
static int
say_broken(struct worker *w, const char *doing, int r)
{
	switch (r) {
	case ERR_TLS:
		return say(w, DENIED, "%s: %s", doing, tls_error(w->stream));
	case ERR_TIMEOUT:
		return say(w, UNREACHABLE,
		    "%s: the server did not answer in time", doing);
	case ERR_CLOSED:
		return say(w, FAILED, "%s: the server closed the connection; "
		    "try again, or look into its log", doing);
	default:
		return say(w, UNREACHABLE, "%s: %s", doing, err_str(r));
	}
}

static int
reach(struct worker *w, uint64_t deadline)
{
	static const char *const alpn[] = {ENROLL_ALPN, NULL};
	char why[256] = "connect";
	const char *agreed;
	int fd = -1, r;

	r = net_connect(w->how.host, w->how.port, CONNECT_MS,
	    &net_liveness_default, &fd, why, sizeof(why));
	if (r != 0) {
		return say(w, UNREACHABLE, "%s%s", why, r == ERR_NOENT ? "" :
		    "; does `sallyport-certs serve' run there, and is the port "
		    "open?");
	}
	enroll_confine_connected();
	if (tls_config_new_pinned(&w->config, w->token.pin, why,
		sizeof(why)) != 0) {
		close_fd(&fd);
		return say(w, FAILED, "tls: %s", why);
	}
	w->stream = tls_stream_new(w->config, fd, ENROLL_NAME, alpn);
	if (w->stream == NULL) {
		close_fd(&fd);
		return say(w, FAILED, "tls: no memory");
	}
	r = talk_handshake(w->stream, deadline);
	if (r != 0) {
		return say_broken(w, "handshake", r);
	}
	agreed = tls_alpn(w->stream);
	return agreed != NULL && strcmp(agreed, ENROLL_ALPN) == 0 ? 0 :
	    say(w, DENIED, "handshake: the server speaks another protocol; is "
	    "it the right port?");
}

/* The key, and the request that shows that we have it. */
static int
make_request(struct worker *w)
{
	struct enroll_request *rq = &w->request;
	uint8_t text[ENROLL_SIGNED], digest[32];
	struct digest_part part = {text, sizeof(text)};
	struct sign_key pub;
	mbedtls_pk_context pk;
	char why[128] = "";
	int r;

	memcpy(rq->id, w->token.id, sizeof(rq->id));
	memcpy(rq->secret, w->token.secret, sizeof(rq->secret));
	mbedtls_pk_init(&pk);
	r = key_make(&pk, w->key);
	if (r == 0) {
		r = key_spki(rq->spki, &pk);
	}
	mbedtls_pk_free(&pk);
	if (r != 0) {
		return -1;
	}
	enroll_signed_part(text, rq);
	r = digest_sha256(digest, &part, 1);
	if (r == 0) {
		r = sign_make(&pub, rq->sig, &rq->sig_len, digest,
		    (const char *)w->key,
		    strlen((const char *)w->key) + 1, why, sizeof(why));
	}
	mem_wipe(text, sizeof(text));
	return r == 0 && memcmp(pub.spki, rq->spki, sizeof(rq->spki)) == 0
	    ? 0 : -1;
}

static int
say_refusal(struct worker *w, unsigned status)
{
	switch (status) {
	case ENROLL_REFUSED:
		return say(w, DENIED, "the token is not good, or not any more: "
		    "it works once, and not for long; ask for another");
	case ENROLL_BAD_KEY:
		return say(w, DENIED, "the server refused our key; is it of "
		    "another version?");
	default:
		return say(w, FAILED, "the server could not sign; its log has "
		    "the reason");
	}
}

static int
ask(struct worker *w, uint64_t deadline)
{
	uint8_t out[ENROLL_REQUEST_MAX];
	struct enroll_reply reply;
	const uint8_t *anchor;
	char why[256];
	size_t len, anchor_len;
	int n, r;

	if (make_request(w) != 0 ||
	    (n = enroll_encode_request(out, sizeof(out), &w->request)) < 0) {
		return say(w, FAILED, "key: none could be made");
	}
	r = talk_write(w->stream, out, (size_t)n, deadline);
	mem_wipe(out, sizeof(out));
	if (r == 0) {
		r = talk_read_frame(w->stream, w->reply, sizeof(w->reply),
		    &len, deadline);
	}
	if (r == ERR_FORMAT || r == ERR_LIMIT ||
	    (r == 0 && enroll_decode_reply(&reply, w->reply, len) != 0)) {
		return say(w, FAILED, "the server's reply cannot be read; is "
		    "it of another version?");
	}
	if (r != 0) {
		return say_broken(w, "request", r);
	}
	if (reply.status != ENROLL_OK) {
		return say_refusal(w, reply.status);
	}
	anchor = tls_pinned_ca(w->config, &anchor_len);
	return enrolled_take(&w->got, &reply, anchor, anchor_len,
	    w->request.spki, why, sizeof(why)) == 0 ? 0 :
	    say(w, FAILED, "%s", why);
}

static int
hand_up(struct worker *w)
{
	const struct ipc_pem pem = {
	    .ca = (const uint8_t *)w->got.ca,
	    .ca_len = (uint32_t)strlen(w->got.ca) + 1,
	    .cert = (const uint8_t *)w->got.cert,
	    .cert_len = (uint32_t)strlen(w->got.cert) + 1,
	    .key = w->key,
	    .key_len = (uint32_t)strlen((const char *)w->key) + 1,
	};
	int n = ipc_encode_pem(w->message, CHANNEL_MAX, &pem);

	if (n < 0) {
		return say(w, FAILED, "the server's CAs are too many");
	}
	return channel_send_wait(PARENT_FD, IPC_ENROLLED, 0, w->message,
		   (size_t)n, -1, PARENT_MS) == 0 ? 0 : FAILED;
}

int
main(void)
{
	static struct worker w;
	uint64_t deadline;
	int r;

	log_init("sallyport-enroll");
	if (geteuid() == 0) {
		fatalx("refuses to run as root: `sallyport enroll` starts it");
	}
	enroll_confine_connecting();
	read_how(&w);
	deadline = clock_mono() + DEADLINE;
	r = reach(&w, deadline);
	if (r == 0) {
		r = ask(&w, deadline);
	}
	stream_free(w.stream);
	tls_config_free(w.config);
	if (r == 0) {
		r = hand_up(&w);
	}
	mem_wipe(&w, sizeof(w));
	return r;
}
