/*
 * The list of sallyport-metrics: a socket that listens, who comes there, and a
 * question to the gateway now and then. It has no parent to tell what ended it:
 * that is in the kernel's log.
 */
#include "proxy/metrics/metrics.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

#define FILES 64u
#define MEMORY ((size_t)256 << 20)

static const struct sandbox_call calls[] = {
	SANDBOX_LOOP,
	SANDBOX_CALL(accept4), /* who comes */
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(shutdown),
	SANDBOX_CALL(setsockopt), /* whole packets */
	SANDBOX_CALL(getsockopt),
	/* the gateway's socket, which has a path */
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_UNIX)),
	SANDBOX_CALL(connect),
	/* its own, at the end; Landlock has that directory */
	SANDBOX_CALL(unlink),
	SANDBOX_CALL(unlinkat),
};
static const struct sandbox_list list = {"metrics", calls, ARRAY_LEN(calls)};

void
metrics_confine(const char *listen)
{
	const char *slash = strrchr(listen, '/');
	struct sandbox_path dir = {.path = NULL, .access = SANDBOX_REMOVE};
	char path[128];
	const struct sandbox how = {
		.list = &list,
		.paths = &dir,
		.npaths = slash != NULL ? 1 : 0,
		.files = FILES,
		.memory = MEMORY,
	};

	if (slash != NULL) {
		(void)snprintf(path, sizeof(path), "%.*s/",
		    (int)(slash - listen), listen);
		dir.path = path;
	}
	json_object_seed(0); /* from a file */
	tzset();
	sandbox_enter(&how);
}
