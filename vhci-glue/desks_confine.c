/*
 * The list of sallyport-desks: a bus to which it is connected already, and its
 * parent.
 */
#include "base/mem.h"
#include "base/sandbox.h"
#include "vhci-glue/confine.h"
#include "wire/ipc.h"

#define PARENT_FD 3

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(recvmsg), /* the bus */
	SANDBOX_CALL(sendmsg), /* the same; the parent */
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(clock_nanosleep), /* it keeps a pace */
	/* a bus that did not take the connection at once: who it is */
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(getsockname),
	SANDBOX_CALL(shutdown), /* the end */
};
static const struct sandbox_list list = {"desks", calls, ARRAY_LEN(calls)};

void
confine_desks(void)
{
	const struct sandbox how = {
		.list = &list,
		.spaces = SANDBOX_SPACES,
		.files = 32,
		.memory = (size_t)128 << 20,
		.parent = PARENT_FD,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
