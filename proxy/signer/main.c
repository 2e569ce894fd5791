/*
 * sallyport-signer: has the gateway's key, so that no session has it. The broker
 * starts it with one descriptor, 3 = broker, and argv {"sallyport-signer",
 * "signer"}. Exit status 0 when the broker needs it no more, 1 when the key is
 * none for it or something failed, 2 for wrong use.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/signer/confine.h"
#include "proxy/signer/signer.h"

#define FD_BROKER 3

struct run {
	struct loop *loop;
	int exit_code;
};

static void
on_ended(void *arg, int exit_code)
{
	struct run *run = arg;

	run->exit_code = exit_code;
	loop_stop(run->loop);
}

int
main(int argc, char **argv)
{
	struct run run = {.exit_code = 1};
	struct signer_how how = {
		.broker = FD_BROKER, .ended = on_ended, .arg = &run};
	struct signer *signer;
	int r;

	if (argc != 2 || strcmp(argv[1], "signer") != 0) {
		fprintf(stderr, "sallyport-signer is started by sallyportd, "
				"not by hand; see sallyport-signer(8)\n");
		return 2;
	}
	log_init("sallyport-signer");
	signal(SIGPIPE, SIG_IGN);
	if (fcntl(FD_BROKER, F_SETFD, FD_CLOEXEC) == -1) {
		fatal("adopt descriptor %d", FD_BROKER);
	}
	run.loop = loop_new();
	if (run.loop == NULL) {
		fatal("start");
	}
	confine_signer();
	how.loop = run.loop;
	r = signer_new(&signer, &how);
	if (r != 0) {
		fatalx("start: %s", err_str(r));
	}
	loop_run(run.loop);
	signer_free(signer);
	loop_free(run.loop);
	return run.exit_code;
}
