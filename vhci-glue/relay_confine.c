/*
 * The lists of sallyport-relay. It has to find its gateway first, and that
 * means the resolver: files below /etc, sockets, and modules of the C library
 * that an administrator chose. These are loaded before anything is asked of a
 * network, so that no code comes later; one that was missed cannot be loaded,
 * and the resolver goes on without it.
 *
 * A network namespace of its own it cannot have, since it connects by itself;
 * from the connection on it can make no socket instead.
 */
#include "vhci-glue/confine.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define FILES 64u
#define MEMORY ((size_t)512 << 20)
#define NSSWITCH "/etc/nsswitch.conf"
#define NAME_MAX_LEN 32u

/* What goes on in every state: the gateway, the parent, the loop. */
#define CONVERSATION                                                           \
	SANDBOX_CALL(recvfrom), /* the gateway, and the kernel's socket */     \
	SANDBOX_CALL(sendto),	/* the same; syslog */                         \
	SANDBOX_CALL(epoll_wait),                                              \
	SANDBOX_CALL(epoll_pwait),                                             \
	SANDBOX_CALL(epoll_ctl),                                               \
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
	SANDBOX_CALL(epoll_create1), /* the loop */                            \
	SANDBOX_CALL(eventfd2),                                                \
	SANDBOX_CALL(dup2), /* descriptors of who stays in the background */   \
	SANDBOX_CALL(dup3),                                                    \
	SANDBOX_CALL(chdir)

/* The resolver and connect. */
static const struct sandbox_call connecting[] = {
	CONVERSATION,
	SETTLING,
	SANDBOX_CALL(socket),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(bind), /* to netlink: which addresses this host has */
	SANDBOX_CALL(getsockname),
	SANDBOX_CALL(getpeername),
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(setsockopt),
	SANDBOX_CALL(sendmmsg), /* both questions at once */
	SANDBOX_WHEN(ioctl, SANDBOX_IS(1, FIONREAD)), /* how long an answer */
	SANDBOX_CALL(uname), /* the domain to search */
	/* files of the resolver; Landlock says which */
	SANDBOX_CALL(openat),
	SANDBOX_CALL(open),
	SANDBOX_CALL(stat),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(access),
	SANDBOX_CALL(faccessat),
	SANDBOX_CALL(faccessat2),
	SANDBOX_CALL(readlink),
	SANDBOX_CALL(readlinkat),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(pread64),
	SANDBOX_CALL(fcntl),
	/* a module that is not loaded yet stays so */
	SANDBOX_FAILS_WHEN(mmap, EPERM, SANDBOX_WITH(2, PROT_EXEC)),
	/* modules ask who they run for, and wait */
	SANDBOX_CALL(getuid),
	SANDBOX_CALL(geteuid),
	SANDBOX_CALL(clock_nanosleep),
	/* then no path any more */
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

static const struct sandbox_path resolver[] = {
	{"/etc", -1, SANDBOX_READ},
	{"/usr/share/zoneinfo", -1, SANDBOX_READ},
	/* what /etc/resolv.conf is a link to */
	{"/run/systemd/resolve", -1, SANDBOX_READ},
	{"/run/resolvconf", -1, SANDBOX_READ},
	{"/run/NetworkManager", -1, SANDBOX_READ},
	{"/run/connman", -1, SANDBOX_READ},
};

/* The module of one word of nsswitch.conf. It stays for good. */
static void
load_module(const char *word, size_t len)
{
	char name[NAME_MAX_LEN + 32];

	for (size_t i = 0; i < len; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", word[i]) ==
		    NULL) {
			return;
		}
	}
	if (len > 0 && len <= NAME_MAX_LEN) {
		(void)snprintf(name, sizeof(name), "libnss_%.*s.so.2",
		    (int)len, word);
		(void)dlopen(name, RTLD_NOW | RTLD_LOCAL);
	}
}

/* "hosts: files mdns4_minimal [NOTFOUND=return] dns" */
static void
load_modules(void)
{
	char line[512];
	FILE *f = fopen(NSSWITCH, "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *p = line + strspn(line, " \t");

		if (strncmp(p, "hosts:", 6) != 0) {
			continue;
		}
		for (p += 6; *p != '\0' && *p != '#' && *p != '\n';) {
			size_t len = strcspn(p, " \t\n#");

			load_module(p, len);
			p += len;
			p += strspn(p, " \t");
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
}

void
confine_relay_connecting(void)
{
	const struct sandbox how = {
		.list = &connecting_list,
		.paths = resolver,
		.npaths = ARRAY_LEN(resolver),
		.files = FILES,
		.memory = MEMORY,
		.may_connect = 1,
		.parent = PARENT_FD,
		.barred = IPC_BARRED,
	};

	load_modules();
	tzset(); /* for syslog */
	sandbox_enter(&how);
}

void
confine_relay_connected(void)
{
	sandbox_close_paths();
	sandbox_shrink(&connected_list);
}

void
confine_relay_streaming(void)
{
	sandbox_shrink(&streaming_list);
}
