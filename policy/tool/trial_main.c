/*
 * sallyport-trial: a bundle on trial, for a gateway. The broker starts it with
 * three descriptors, 3 = broker, 4 = warden, 5 = the bundle in sealed memory, and
 * argv {"sallyport-trial", "trial", NUMBER, directory of stock profiles}. The
 * signatures were checked before; what the bundle's tests do is bounded all the
 * same. The warden gets one TRIED, and the log what went wrong. Exit status 0
 * when it passed, 1 when it did not, 2 for wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/tool/cmd.h"
#include "policy/tool/confine.h"
#include "policy/tool/trial.h"
#include "wire/ipc.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4, FD_BUNDLE = 5 };

#define CPU_SECONDS 20u

/* Not RLIMIT_FSIZE: the log may be a file, and there is no other one that it
 * could write to. */
static int
bound_time(void)
{
	return setrlimit(RLIMIT_CPU,
	    &(struct rlimit){CPU_SECONDS, CPU_SECONDS});
}

static int
read_bundle(uint8_t **out, size_t *len)
{
	struct stat st;
	ssize_t n;

	*out = NULL;
	if (fstat(FD_BUNDLE, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size <= 0 || st.st_size > (off_t)BUNDLE_MAX) {
		return ERR_FORMAT;
	}
	*len = (size_t)st.st_size;
	*out = malloc(*len);
	if (*out == NULL) {
		return ERR_NOMEM;
	}
	for (size_t at = 0; at < *len; at += (size_t)n) {
		n = pread(FD_BUNDLE, *out + at, *len - at, (off_t)at);
		if (n <= 0) {
			free(TAKE(*out));
			return ERR_SYS;
		}
	}
	return 0;
}

static int
try(const char *stock, struct test_tally *tally)
{
	struct bundle *b = NULL;
	uint8_t *bytes;
	char why[256];
	size_t len;
	int r = read_bundle(&bytes, &len);

	if (r != 0) {
		cmd_warn("read the bundle: %s", err_str(r));
		return r;
	}
	r = bundle_open(&b, bytes, len, why, sizeof(why));
	if (r != 0) {
		cmd_warn("open the bundle: %s", why);
		return r;
	}
	r = trial_run(b, stock, tally);
	bundle_free(b);
	return r;
}

int
main(int argc, char **argv)
{
	struct test_tally tally = {.is_quiet = 1};
	struct ipc_tried m;
	uint8_t buf[64];
	int n;

	if (argc != 4 || strcmp(argv[1], "trial") != 0 ||
	    fcntl(FD_WARDEN, F_GETFD) == -1 || bound_time() == -1) {
		fputs("sallyport-trial is started by sallyportd(8), not by "
		      "hand\n", stderr);
		return 2;
	}
	log_init("sallyport-trial");
	confine_trial(argv[3]);
	m.err = try(argv[3], &tally);
	m.passed = (uint32_t)tally.passed;
	m.failed = (uint32_t)tally.failed;
	n = ipc_encode_tried(buf, sizeof(buf), &m);
	if (n < 0 || channel_send_wait(FD_WARDEN, IPC_TRIED, 0, buf, (size_t)n,
			 -1, 10000) != 0) {
		return 1;
	}
	return m.err == 0 ? 0 : 1;
}
