/*
 * sallyport-fetch: brings one bundle and its signatures, or posts lines of the
 * audit log, and ends. The broker starts it with two descriptors, 3 = broker, 4 =
 * warden, and argv {"sallyport-fetch", "fetch" or "post", NUMBER}. It trusts nobody
 * and nobody trusts it: who signed what it brings is for the warden to check. It
 * writes no file, holds the client's key only while it is at it, and one look at
 * one server is all its life. Exit status 0 when it said what it found or what
 * became of the lines, 1 when it could not, 2 for wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sealed.h"
#include "proxy/fetch/confine.h"
#include "proxy/fetch/parcel.h"
#include "proxy/fetch/post.h"
#include "wire/ipc.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4 };

#define ANSWER_MS 10000
#define CPU_SECONDS 30ul

static int
bound(int what, rlim_t most)
{
	return setrlimit(what, &(struct rlimit){most, most});
}

/* Before the first byte of the network or a file; the rest is in confine.c. */
static int
bound_all(rlim_t written)
{
	return bound(RLIMIT_FSIZE, written) == -1 ||
		bound(RLIMIT_CPU, CPU_SECONDS) == -1
	    ? ERR_SYS
	    : 0;
}

static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

enum fd_rule { NO_FD, ONE_FD };

static int
hear(int chan, uint16_t type, enum fd_rule fd, struct channel_msg *msg)
{
	int r = channel_recv_wait(chan, buf, sizeof(buf), ANSWER_MS, msg);

	if (r == 0 &&
	    (msg->type != type || (msg->fd != -1) != (fd == ONE_FD))) {
		close_fd(&msg->fd);
		r = ERR_FORMAT;
	}
	return r;
}

/* pem points into buf, which is to be wiped when it is not needed any more. */
static int
ask_pem(struct ipc_pem *pem, char why[IPC_TEXT])
{
	struct channel_msg msg;
	int r = channel_send_wait(
	    FD_BROKER, IPC_KEY, 0, NULL, 0, -1, ANSWER_MS);

	if (r == 0) {
		r = hear(FD_BROKER, IPC_KEY_IS, NO_FD, &msg);
	}
	if (r == 0) {
		r = ipc_decode_pem(pem, msg.data, msg.len);
	}
	if (r != 0) {
		(void)snprintf(why, IPC_TEXT,
		    "its CA, certificate and key: %s", err_str(r));
	}
	return r;
}

/* The last thing before the network: 0 or ERR_NOMEM. */
static int
start_network(char why[IPC_TEXT])
{
	int r = http_start();

	if (r == 0) {
		confine_fetch_network();
	} else {
		(void)snprintf(why, IPC_TEXT, "%s", err_str(r));
	}
	return r;
}

/* ------------------------------------------------------------------------ */
/* A bundle                                                                 */

static int
fetch_url(
    const struct ipc_fetch *how, struct parcel *p, struct ipc_fetched *m)
{
	struct ipc_pem pem;
	int r = ask_pem(&pem, m->why);

	if (r == 0) {
		r = start_network(m->why);
	}
	if (r == 0) {
		r = http_fetch(how, &pem, p, m);
		http_stop();
	}
	mem_wipe(buf, sizeof(buf));
	return r;
}

static int
fetch_files(
    const struct ipc_fetch *how, struct parcel *p, struct ipc_fetched *m)
{
	struct pair pair;
	int r = file_open(&pair, how, m);

	confine_fetch_files();
	if (r == 0) {
		r = file_fetch(&pair, how, p, m);
	}
	file_close(&pair);
	return r;
}

static int
tell(struct ipc_fetched *m, int err, const struct parcel *p)
{
	uint8_t out[2 * IPC_TEXT];
	int n;

	m->err = err;
	if (err != 0) {
		m->bundle_len = m->signatures_len = 0;
	}
	n = ipc_encode_fetched(out, sizeof(out), m);
	return n < 0 ? n :
		       channel_send_wait(FD_WARDEN, IPC_FETCHED, 0, out,
			   (size_t)n, err == 0 ? p->fd : -1, ANSWER_MS);
}

static int
run_fetch(void)
{
	struct ipc_fetched m = {0};
	struct ipc_fetch how;
	struct channel_msg msg;
	struct parcel parcel = {.fd = -1};
	int r = hear(FD_WARDEN, IPC_FETCH, NO_FD, &msg);

	if (r == 0) {
		r = ipc_decode_fetch(&how, msg.data, msg.len);
	}
	if (r == 0) {
		r = bound_all((rlim_t)how.bundle_max + how.signatures_max);
	}
	if (r != 0) {
		log_warnx("start: %s", err_str(r));
		return r;
	}
	r = parcel_open(&parcel);
	if (r != 0) {
		(void)snprintf(m.why, sizeof(m.why), "%s", strerror(errno));
	} else {
		r = how.source[0] == '/' ? fetch_files(&how, &parcel, &m) :
					   fetch_url(&how, &parcel, &m);
	}
	r = tell(&m, r, &parcel);
	parcel_fini(&parcel);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Lines for a server                                                       */

static int
post_lines(const struct ipc_post *how, int fd, struct ipc_posted *m)
{
	const uint8_t *text = NULL;
	struct ipc_pem pem;
	size_t len = 0;
	int r = sealed_map(fd, (size_t)how->len + 1, &text, &len);

	if (r == 0 && len != (size_t)how->len + 1) {
		r = ERR_FORMAT;
	}
	if (r != 0) {
		(void)snprintf(m->why, sizeof(m->why), "the lines: %s",
		    err_str(r));
	} else {
		r = ask_pem(&pem, m->why);
	}
	if (r == 0) {
		r = start_network(m->why);
	}
	if (r == 0) {
		r = http_post(how, &pem, text, m);
		http_stop();
	}
	mem_wipe(buf, sizeof(buf));
	sealed_unmap(text, len);
	return r;
}

static int
run_post(void)
{
	struct ipc_posted m = {0};
	struct ipc_post how;
	struct channel_msg msg;
	uint8_t out[2 * IPC_TEXT];
	int n, r = hear(FD_WARDEN, IPC_POST, ONE_FD, &msg);

	if (r != 0) {
		log_warnx("start: %s", err_str(r));
		return r;
	}
	r = ipc_decode_post(&how, msg.data, msg.len);
	if (r == 0) {
		r = bound_all(0);
	}
	if (r == 0) {
		m.err = post_lines(&how, msg.fd, &m);
		n = ipc_encode_posted(out, sizeof(out), &m);
		r = n < 0 ? n :
			    channel_send_wait(FD_WARDEN, IPC_POSTED, 0, out,
				(size_t)n, -1, ANSWER_MS);
	} else {
		log_warnx("start: %s", err_str(r));
	}
	close_fd(&msg.fd);
	return r;
}

int
main(int argc, char **argv)
{
	log_init("sallyport-fetch");
	if (argc != 3 ||
	    (strcmp(argv[1], "fetch") != 0 && strcmp(argv[1], "post") != 0) ||
	    fcntl(FD_BROKER, F_GETFD) == -1 ||
	    fcntl(FD_WARDEN, F_GETFD) == -1) {
		fputs("sallyport-fetch is started by sallyportd(8), not by "
		      "hand\n", stderr);
		return 2;
	}
	signal(SIGXFSZ, SIG_IGN); /* writes fail, and say so */
	return (strcmp(argv[1], "post") == 0 ? run_post() : run_fetch()) == 0 ?
	    0 :
	    1;
}
