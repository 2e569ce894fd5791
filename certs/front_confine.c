/*
 * The list of sallyport-front: one peer's socket and one channel. No file is
 * opened, no process is touched, no socket is made.
 */
#include "certs/front_confine.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/ipc.h"

#define SERVE 3
#define MEMORY ((size_t)64 << 20) /* the program's own included */
#define CPU_SECONDS 5

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(recvfrom), /* the peer */
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvmsg), /* the channel */
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(shutdown), /* the end */
};
static const struct sandbox_list list = {"front", calls, ARRAY_LEN(calls)};

void
front_confine(void)
{
	const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};
	const struct sandbox how = {
		.list = &list,
		.files = 16,
		.memory = MEMORY,
		.parent = SERVE,
		.barred = IPC_BARRED,
	};

	if (setrlimit(RLIMIT_CPU, &cpu) == -1) {
		fatal("limits");
	}
	tzset(); /* dates of certificates */
	sandbox_enter(&how);
}
