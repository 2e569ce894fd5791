/*
 * sallyport-probe: reads one device once. The broker starts it with three
 * descriptors, 3 = broker, 4 = warden, 5 = the device's usbfs node, and argv
 * {"sallyport-probe", "probe", CONNECTION [, "reset"]}; or, as a reader of the
 * device's texts, with 5 = its sysfs directory and {..., "texts", CONNECTION}.
 * Exit status 0 when the warden was told what the device is, or why it is
 * refused; 1 when it was not; 2 for wrong use.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/session/confine.h"
#include "proxy/session/probe.h"
#include "proxy/session/texts.h"

enum fds { FD_BROKER = 3, FD_WARDEN = 4, FD_DEVICE = CONFINE_PROBE_FD };

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

static int
is_usage(int argc, char **argv)
{
	if (argc == 3) {
		return strcmp(argv[1], "probe") == 0 ||
		    strcmp(argv[1], "texts") == 0;
	}
	return argc == 4 && strcmp(argv[1], "probe") == 0 &&
	    strcmp(argv[3], "reset") == 0;
}

int
main(int argc, char **argv)
{
	struct run run = {.exit_code = 1};
	struct probe_how how = {
		.broker = FD_BROKER,
		.warden = FD_WARDEN,
		.fd = FD_DEVICE,
		.start = argc == 4 ? PROBE_RESET_FIRST : PROBE_AS_IT_IS,
		.usb = usb_backend,
		.ended = on_ended,
		.arg = &run,
	};
	struct probe *probe;
	char name[48];

	if (!is_usage(argc, argv)) {
		fprintf(stderr, "sallyport-probe is started by sallyportd, "
				"not by hand; see sallyportd(8)\n");
		return 2;
	}
	snprintf(name, sizeof(name), "sallyport-probe[%.16s]", argv[2]);
	log_init(name);
	signal(SIGPIPE, SIG_IGN);
	for (int fd = FD_BROKER; fd <= FD_DEVICE; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
			fatal("adopt descriptor %d", fd);
		}
	}
	if (strcmp(argv[1], "texts") == 0) {
		confine_texts(FD_DEVICE);
		return texts_run(FD_DEVICE, FD_WARDEN);
	}
	run.loop = loop_new();
	how.loop = run.loop;
	confine_probe();
	if (run.loop == NULL || probe_new(&probe, &how) != 0) {
		fatalx("start: out of memory");
	}
	loop_run(run.loop);
	probe_free(probe);
	loop_free(run.loop);
	return run.exit_code;
}
