/*
 * The lists of sallyport-relay. It has to find its gateway first, and that
 * means the resolver (base/sandbox_resolver.h).
 *
 * It connects by itself, so it leaves the machine's network only then; that it
 * can make no socket from then on is another wall before the same.
 */
#include "vhci-glue/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sandbox_resolver.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define FILES 64u
#define MEMORY ((size_t)512 << 20)

/* What goes on in every state: the gateway, the parent, the loop. */
#define CONVERSATION                                                           \
	SANDBOX_CALL(recvfrom), /* the gateway, and the kernel's socket */     \
	SANDBOX_CALL(sendto),	/* the same; syslog */                         \
	SANDBOX_LOOP,                                                          \
	SANDBOX_CALL(poll),                                                    \
	SANDBOX_CALL(ppoll),                                                   \
	SANDBOX_CALL(recvmsg), /* the parent */                                \
	SANDBOX_CALL(sendmsg),                                                 \
	SANDBOX_CALL(shutdown),                                                \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)),                           \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFD)),                           \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL),                            \
	    SANDBOX_WITHOUT(2, O_ASYNC)),                                      \
	/* the loop lets go of SIGTERM at the end */                           \
	SANDBOX_WHEN(rt_sigaction, SANDBOX_IS(0, SIGTERM))

/* What is needed when the device is there, before bytes flow. */
#define SETTLING                                                               \
	SANDBOX_CALL(eventfd2), /* the loop */                                 \
	SANDBOX_CALL(dup2), /* descriptors of who stays in the background */   \
	SANDBOX_CALL(dup3),                                                    \
	SANDBOX_CALL(chdir)

/* The resolver and connect. */
static const struct sandbox_call connecting[] = {
	CONVERSATION,
	SETTLING,
	SANDBOX_RESOLVES,
	/* then no path any more, and no network but what it has */
	SANDBOX_LEAVES_NETWORK,
	SANDBOX_CALL(landlock_create_ruleset),
	SANDBOX_CALL(landlock_restrict_self),
};

/* The handshake is done: a list, a look at the device, its judgement. */
static const struct sandbox_call connected[] = {
	CONVERSATION,
	SETTLING,
	/* syslog, when its daemon went away: the line is lost */
	SANDBOX_FAILS(socket, EACCES),
	SANDBOX_FAILS(connect, EACCES),
	/* and its time zone, which is known already */
	SANDBOX_FAILS(openat, EACCES),
	SANDBOX_FAILS(newfstatat, EACCES),
};

static const struct sandbox_call streaming[] = {
	CONVERSATION,
	SANDBOX_FAILS(socket, EACCES),
	SANDBOX_FAILS(connect, EACCES),
	SANDBOX_FAILS(openat, EACCES),
	SANDBOX_FAILS(newfstatat, EACCES),
};

static const struct sandbox_list connecting_list = {
	"relay, connecting", connecting, ARRAY_LEN(connecting)};
static const struct sandbox_list connected_list = {
	"relay, connected", connected, ARRAY_LEN(connected)};
static const struct sandbox_list streaming_list = {
	"relay, streaming", streaming, ARRAY_LEN(streaming)};

void
confine_relay_connecting(void)
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
	tzset(); /* for syslog */
	sandbox_enter(&how);
}

void
confine_relay_connected(void)
{
	sandbox_leave_network();
	sandbox_close_paths();
	sandbox_shrink(&connected_list);
}

void
confine_relay_streaming(void)
{
	sandbox_shrink(&streaming_list);
}
