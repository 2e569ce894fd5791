/*
 * sallyport-capture: keeps what one session writes of its transfers. The broker
 * starts it with three descriptors, 3 = broker, 4 = warden, 5 = the pipe's end,
 * and argv {"sallyport-capture", "capture", NUMBER, MiB of one file}. It opens no
 * file: the warden hands it two, and two more when the first is full. Exit
 * status 0 when the pipe came to its end, 1 when it could not go on, 2 for wrong
 * use.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/capture/confine.h"
#include "proxy/capture/recorder.h"
#include "wire/ipc.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4, FD_PIPE = 5 };

/* The warden answers at once, or is on its way out. */
#define ANSWER_MS 10000
#define MIB_MAX 4096ul
#define MIB (1024ul * 1024ul)
/* Room for the sidecar beside its frames. */
#define FILE_SLACK (4ul * MIB)
#define PIECE (64u * 1024u)

static int
take_file(uint8_t which, int *fd)
{
	uint8_t buf[CHANNEL_HEADER + 16];
	struct channel_msg msg;
	struct ipc_byte m;
	int r = channel_recv_wait(
		FD_WARDEN, buf, sizeof(buf), ANSWER_MS, &msg);

	if (r != 0) {
		return r;
	}
	if (msg.type != IPC_RECORDER_FILE || msg.fd == -1 ||
	    ipc_decode_byte(&m, msg.data, msg.len) != 0 || m.value != which) {
		close_fd(&msg.fd);
		return ERR_PEER;
	}
	*fd = msg.fd;
	return 0;
}

static int
on_next(void *arg, int *pcap, int *rulings)
{
	int r = channel_send_wait(
		FD_WARDEN, IPC_RECORDER_NEXT, 0, NULL, 0, -1, ANSWER_MS);

	(void)arg;
	if (r == 0) {
		r = take_file(IPC_RECORDER_FRAMES, pcap);
	}
	if (r == 0) {
		r = take_file(IPC_RECORDER_RULINGS, rulings);
		if (r != 0) {
			close_fd(pcap);
		}
	}
	return r;
}

/* Whether the next read would wait: then what was read should be seen. */
static int
is_idle(void)
{
	struct pollfd p = {.fd = FD_PIPE, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

/* 0 at the end of the pipe. */
static int
record(struct recorder *rec)
{
	static uint8_t buf[PIECE];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(FD_PIPE, buf, sizeof(buf))) != 0) {
		if (n == -1) {
			if (errno != EINTR) {
				return ERR_SYS;
			}
			continue;
		}
		r = recorder_take(rec, buf, (size_t)n);
		if (r == 0 && is_idle()) {
			r = recorder_flush(rec);
		}
	}
	return r == ERR_CLOSED ? recorder_flush(rec) : r;
}

static void
tell_over(const struct recorder *rec)
{
	struct ipc_recorder_over m;
	uint8_t buf[32];
	int n;

	recorder_counts(rec, &m.frames, &m.dropped);
	n = ipc_encode_recorder_over(buf, sizeof(buf), &m);
	(void)channel_send_wait(FD_WARDEN, IPC_RECORDER_OVER, 0, buf,
	    (size_t)n, -1, ANSWER_MS);
}

/* Whatever it is made to do, a file does not grow past that. */
static void
bound(unsigned long mib)
{
	struct rlimit size = {mib * MIB + FILE_SLACK, mib * MIB + FILE_SLACK};

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &size) == -1) {
		fatal("bound itself");
	}
	json_object_seed(0); /* it would open /dev/urandom, later */
	confine();
}

/* The pipe waits, whatever its other end's maker wanted of it. */
static void
adopt(void)
{
	int flags = fcntl(FD_PIPE, F_GETFL);

	for (int fd = FD_BROKER; fd <= FD_PIPE; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
			fatal("adopt descriptor %d", fd);
		}
	}
	if (flags == -1 || fcntl(FD_PIPE, F_SETFL, flags & ~O_NONBLOCK) == -1) {
		fatal("adopt the pipe");
	}
}

int
main(int argc, char **argv)
{
	struct recorder_how how = {.next = on_next};
	struct recorder *rec;
	unsigned long mib = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	char name[48];
	int r;

	if (mib < 1 || mib > MIB_MAX || strcmp(argv[1], "capture") != 0) {
		fprintf(stderr, "sallyport-capture is started by sallyportd, "
				"not by hand; see sallyport-capture(8)\n");
		return 2;
	}
	snprintf(name, sizeof(name), "sallyport-capture[%.16s]", argv[2]);
	log_init(name);
	adopt();
	bound(mib);
	how.max = mib * MIB;
	r = recorder_new(&rec, &how);
	if (r != 0) {
		log_warnx("begin: %s", err_str(r));
		return 1;
	}
	r = record(rec);
	if (r != 0) {
		log_warnx("capture: %s; ended", err_str(r));
	}
	tell_over(rec);
	recorder_free(rec);
	return r == 0 ? 0 : 1;
}
