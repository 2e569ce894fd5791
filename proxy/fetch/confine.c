/*
 * The lists of sallyport-fetch. It connects whenever libcurl wants to, also for
 * the signatures, and so has one state until its end; files it never opens, but
 * those of the resolver and the CAs of this host. libcurl resolves names in a
 * thread, and glibc starts one by clone when it cannot by clone3, whose flags no
 * list can see.
 */
#include "proxy/fetch/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "base/mem.h"
#include "base/sandbox_resolver.h"
#include "wire/ipc.h"

#define BROKER 3
#define FILES 64u
#define TASKS 8u
#define MEMORY ((size_t)512 << 20)
/* of glibc, for the ids of all threads */
#define SIGSETXID 33

/* What it brings goes to the warden. */
#define SAYS                                                                   \
	SANDBOX_CALL(sendmsg),                                                 \
	SANDBOX_CALL(poll),                                                    \
	SANDBOX_CALL(ppoll)

static const struct sandbox_call network[] = {
	SAYS,
	SANDBOX_RESOLVES,
	SANDBOX_CALL(recvfrom), /* the server, a name server */
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvmsg), /* netlink: the addresses of this host */
	SANDBOX_CALL(shutdown),
	SANDBOX_CALL(socketpair), /* that the thread is done */
	SANDBOX_CALL(pipe2),
	SANDBOX_CALL(eventfd2),
	SANDBOX_CALL(getdents64), /* a directory of CAs */
	/* the thread, never a process */
	SANDBOX_FAILS(clone3, ENOSYS),
	SANDBOX_WHEN(clone,
	    SANDBOX_WITH(0, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)),
	SANDBOX_WHEN(rt_sigaction, SANDBOX_IS(0, SIGSETXID)),
	SANDBOX_CALL(set_robust_list),
	SANDBOX_CALL(rseq),
	SANDBOX_CALL(exit),
};

static const struct sandbox_call files[] = {
	SAYS,
};

static const struct sandbox_list network_list = {
	"fetch, network", network, ARRAY_LEN(network)};
static const struct sandbox_list files_list = {
	"fetch, files", files, ARRAY_LEN(files)};

/* What /etc/ssl/certs has links to. */
static const struct sandbox_path cas[] = {
	{"/usr/share/ca-certificates", -1, SANDBOX_READ},
	{"/usr/local/share/ca-certificates", -1, SANDBOX_READ},
};

void
confine_fetch_network(void)
{
	struct sandbox_path paths[SANDBOX_RESOLVER_PATHS + ARRAY_LEN(cas)];
	const struct sandbox how = {
		.list = &network_list,
		.paths = paths,
		.npaths = ARRAY_LEN(paths),
		.spaces = SANDBOX_MOUNTS | SANDBOX_IPC,
		.files = FILES,
		.memory = MEMORY,
		.tasks = TASKS,
		.may_connect = 1,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	for (size_t i = 0; i < SANDBOX_RESOLVER_PATHS; i++) {
		paths[i] = sandbox_resolver_paths[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(cas); i++) {
		paths[SANDBOX_RESOLVER_PATHS + i] = cas[i];
	}
	sandbox_load_resolver();
	tzset(); /* dates of certificates */
	sandbox_enter(&how);
}

void
confine_fetch_files(void)
{
	const struct sandbox how = {
		.list = &files_list,
		.spaces = SANDBOX_SPACES,
		.files = FILES,
		.memory = MEMORY,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
