/*
 * The list of sallyport-reader: two channels, and nothing else.
 */
#include "base/mem.h"
#include "base/sandbox.h"
#include "vhci-glue/confine.h"
#include "wire/ipc.h"

#define PARENT_FD 3

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(sendmsg),
};
static const struct sandbox_list list = {"reader", calls, ARRAY_LEN(calls)};

void
confine_reader(void)
{
	const struct sandbox how = {
		.list = &list,
		.spaces = SANDBOX_SPACES,
		.files = 16,
		.memory = (size_t)128 << 20,
		.parent = PARENT_FD,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
