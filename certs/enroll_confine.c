/*
 * The lists of sallyport-enroll, which has to find its server as a relay has its
 * gateway.
 */
#include "certs/enroll_confine.h"

#include <fcntl.h>
#include <time.h>

#include "base/mem.h"
#include "base/sandbox_resolver.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define FILES 32u
#define MEMORY ((size_t)256 << 20)

/* The server, and the parent. */
#define CONVERSATION                                                           \
	SANDBOX_CALL(recvfrom),                                                \
	SANDBOX_CALL(sendto),                                                  \
	SANDBOX_CALL(recvmsg),                                                 \
	SANDBOX_CALL(sendmsg),                                                 \
	SANDBOX_CALL(poll),                                                    \
	SANDBOX_CALL(ppoll),                                                   \
	SANDBOX_CALL(shutdown)

static const struct sandbox_call connecting[] = {
	CONVERSATION,
	SANDBOX_RESOLVES,
	/* then no path any more, and no network but what it has */
	SANDBOX_LEAVES_NETWORK,
	SANDBOX_CALL(landlock_create_ruleset),
	SANDBOX_CALL(landlock_restrict_self),
};

/* TLS, the key that it makes, a request and a reply. */
static const struct sandbox_call connected[] = {
	CONVERSATION,
	/* the socket is to block nobody */
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL),
	    SANDBOX_WITHOUT(2, O_ASYNC)),
};

static const struct sandbox_list connecting_list = {
	"enroll, connecting", connecting, ARRAY_LEN(connecting)};
static const struct sandbox_list connected_list = {
	"enroll, connected", connected, ARRAY_LEN(connected)};

void
enroll_confine_connecting(void)
{
	const struct sandbox how = {
		.list = &connecting_list,
		.paths = sandbox_resolver_paths,
		.npaths = SANDBOX_RESOLVER_PATHS,
		.spaces = SANDBOX_MOUNTS | SANDBOX_IPC,
		.leaves_network = 1,
		.files = FILES,
		.memory = MEMORY,
		.may_connect = 1,
		.parent = PARENT_FD,
		.barred = IPC_BARRED,
	};

	sandbox_load_resolver();
	tzset(); /* dates of certificates */
	sandbox_enter(&how);
}

void
enroll_confine_connected(void)
{
	sandbox_leave_network();
	sandbox_close_paths();
	sandbox_shrink(&connected_list);
}
