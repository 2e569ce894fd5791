/*
 * The list of sallyport-trial: a bundle that somebody else opened, the directory
 * of stock profiles, and two channels.
 */
#include "policy/tool/confine.h"

#include <time.h>

#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/ipc.h"

#define BROKER 3
/* Rules and profiles are compiled once for each test file, one after the other. */
#define MEMORY ((size_t)1024 << 20)

static const struct sandbox_call calls[] = {
	SANDBOX_CALL(openat), /* stock profiles; Landlock has them alone */
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(newfstatat), /* what is a folder, and what a profile */
	SANDBOX_CALL(pread64),	  /* the bundle */
	SANDBOX_CALL(sendmsg),	  /* what came of it */
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
};
static const struct sandbox_list list = {"trial", calls, ARRAY_LEN(calls)};

void
confine_trial(const char *stock)
{
	const struct sandbox_path path = {
		.path = stock, .access = SANDBOX_READ};
	const struct sandbox how = {
		.list = &list,
		.paths = &path,
		.npaths = 1,
		.spaces = SANDBOX_SPACES,
		.files = 32,
		.memory = MEMORY,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	tzset(); /* tests have times of day */
	sandbox_enter(&how);
}
