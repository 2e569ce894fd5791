/*
 * The list of sallyport-capture: a pipe to read, a channel, and files that
 * somebody else opened.
 */
#include "proxy/capture/confine.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/ipc.h"

#define BROKER 3

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(poll), /* whether more is in the pipe */
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(sendmsg), /* wants files, says it is over */
	SANDBOX_CALL(recvmsg), /* gets them */
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)), /* fdopen */
	SANDBOX_CALL(lseek), /* where a file is: libpcap */
};
static const struct sandbox_list list = {"capture", calls, ARRAY_LEN(calls)};

void
confine(void)
{
	const struct sandbox how = {
		.list = &list,
		.spaces = SANDBOX_SPACES,
		.files = 16,
		.memory = (size_t)128 << 20,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
