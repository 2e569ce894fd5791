/*
 * sallyport-fetch: brings one bundle and its signatures, and ends. The broker
 * starts it with two descriptors, 3 = broker, 4 = warden, and argv
 * {"sallyport-fetch", "fetch", NUMBER}. It trusts nobody and nobody trusts it: who
 * signed what it brings is for the warden to check. It writes no file, holds the
 * client's key only while it fetches, and one look at one server is all its life.
 * Exit status 0 when it said what it found, 1 when it could not, 2 for wrong use.
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
#include "proxy/fetch/confine.h"
#include "proxy/fetch/parcel.h"
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
bound_all(const struct ipc_fetch *how)
{
	rlim_t parcel = (rlim_t)how->bundle_max + how->signatures_max;

	return bound(RLIMIT_FSIZE, parcel) == -1 ||
		bound(RLIMIT_CPU, CPU_SECONDS) == -1
	    ? ERR_SYS
	    : 0;
}

static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

static int
hear(int chan, uint16_t type, struct channel_msg *msg)
{
	int r = channel_recv_wait(chan, buf, sizeof(buf), ANSWER_MS, msg);

	if (r == 0 && (msg->type != type || msg->fd != -1)) {
		close_fd(&msg->fd);
		r = ERR_FORMAT;
	}
	return r;
}

static int
fetch_url(
    const struct ipc_fetch *how, struct parcel *p, struct ipc_fetched *m)
{
	struct channel_msg msg;
	struct ipc_pem pem;
	int r = channel_send_wait(
	    FD_BROKER, IPC_KEY, 0, NULL, 0, -1, ANSWER_MS);

	if (r == 0) {
		r = hear(FD_BROKER, IPC_KEY_IS, &msg);
	}
	if (r == 0) {
		r = ipc_decode_pem(&pem, msg.data, msg.len);
	}
	if (r != 0) {
		(void)snprintf(m->why, sizeof(m->why),
		    "its CA, certificate and key: %s", err_str(r));
		return r;
	}
	r = http_start();
	if (r == 0) {
		confine_fetch_network();
		r = http_fetch(how, &pem, p, m);
		http_stop();
	} else {
		(void)snprintf(m->why, sizeof(m->why), "%s", err_str(r));
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
run(void)
{
	struct ipc_fetched m = {0};
	struct ipc_fetch how;
	struct channel_msg msg;
	struct parcel parcel = {.fd = -1};
	int r = hear(FD_WARDEN, IPC_FETCH, &msg);

	if (r == 0) {
		r = ipc_decode_fetch(&how, msg.data, msg.len);
	}
	if (r == 0) {
		r = bound_all(&how);
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

int
main(int argc, char **argv)
{
	log_init("sallyport-fetch");
	if (argc != 3 || strcmp(argv[1], "fetch") != 0 ||
	    fcntl(FD_BROKER, F_GETFD) == -1 ||
	    fcntl(FD_WARDEN, F_GETFD) == -1) {
		fputs("sallyport-fetch is started by sallyportd(8), not by "
		      "hand\n", stderr);
		return 2;
	}
	signal(SIGXFSZ, SIG_IGN); /* writes fail, and say so */
	return run() == 0 ? 0 : 1;
}
