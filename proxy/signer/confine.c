/*
 * The list of sallyport-signer: channels, and nothing else. No file, no socket
 * of its own making, no program, and nobody who reads its memory.
 */
#include "proxy/signer/confine.h"

#include "base/mem.h"
#include "base/sandbox.h"
#include "proxy/signer/signer.h"
#include "wire/ipc.h"

#define BROKER 3
#define MEMORY ((size_t)64 << 20)

static const struct sandbox_call calls[] = {
	SANDBOX_LOOP,
	SANDBOX_CALL(recvmsg), /* the key, sessions' channels, what they ask */
	SANDBOX_CALL(sendmsg), /* signatures */
	SANDBOX_CALL(poll),    /* a channel that is full */
	SANDBOX_CALL(ppoll),
};
static const struct sandbox_list list = {"signer", calls, ARRAY_LEN(calls)};

void
confine_signer(void)
{
	const struct sandbox how = {
		.list = &list,
		.spaces = SANDBOX_SPACES,
		.files = SIGNER_SESSIONS + 16,
		.memory = MEMORY,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
