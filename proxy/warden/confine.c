/*
 * The list of sallyport-warden, and its paths. It reads rules that change, sysfs
 * and /proc, writes state, audit log and captures, and takes connections that
 * it hands on: no program is run, no socket made but the kernel's of events.
 *
 * Directories are named, and those above rules, profiles and keys: what is
 * replaced there as a whole is another directory, which it has to find too.
 */
#include "proxy/warden/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/ipc.h"

#define BROKER 3
#define ABOVE 8u

static const struct sandbox_call calls[] = {
	/* the loop */
	SANDBOX_LOOP,
	SANDBOX_CALL(poll), /* a channel that is full */
	SANDBOX_CALL(ppoll),
	/* who comes: workstations, sallyctl, servers of verdicts */
	SANDBOX_CALL(accept4),
	SANDBOX_CALL(getpeername),
	SANDBOX_CALL(getsockopt), /* who it is, by the kernel */
	SANDBOX_CALL(setsockopt), /* keep-alive */
	SANDBOX_CALL(shutdown),	  /* an ejection */
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvmsg), /* channels, with descriptors */
	SANDBOX_CALL(sendmsg), /* the same; the journal */
	/* devices that come and go: the kernel says so */
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_NETLINK),
	    SANDBOX_IS(2, NETLINK_KOBJECT_UEVENT)),
	SANDBOX_CALL(bind),
	SANDBOX_CALL(getsockname),
	/* files; Landlock says where */
	SANDBOX_CALL(open),
	SANDBOX_CALL(openat),
	SANDBOX_CALL(stat),
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(access),
	SANDBOX_CALL(faccessat),
	SANDBOX_CALL(faccessat2),
	SANDBOX_CALL(readlink),
	SANDBOX_CALL(readlinkat),
	SANDBOX_CALL(getcwd), /* realpath of what has no slash */
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(pread64),
	SANDBOX_CALL(geteuid), /* whose a file is */
	/* rules that change */
	SANDBOX_CALL(inotify_init1),
	SANDBOX_CALL(inotify_add_watch),
	SANDBOX_CALL(inotify_rm_watch),
	/* state, audit log, captures: written beside, synced, renamed over */
	SANDBOX_CALL(pwrite64),
	SANDBOX_CALL(ftruncate),
	SANDBOX_CALL(fsync),
	SANDBOX_CALL(fdatasync),
	SANDBOX_CALL(rename),
	SANDBOX_CALL(renameat),
	SANDBOX_CALL(renameat2),
	SANDBOX_CALL(unlink),
	SANDBOX_CALL(unlinkat),
	SANDBOX_CALL(mkdir),
	SANDBOX_CALL(mkdirat),
	/* profiles and bundles, sealed, and a capture's pipe */
	SANDBOX_CALL(memfd_create),
	SANDBOX_CALL(pipe2),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_ADD_SEALS)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GET_SEALS)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETPIPE_SZ)),
	/* the duplicate of a connection; descriptors that are its own */
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_DUPFD_CLOEXEC)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFD)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFD)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)),
	/* no signals to anybody */
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL),
	    SANDBOX_WITHOUT(2, O_ASYNC)),
	SANDBOX_CALL(getppid), /* the broker: `sallyctl sandbox' */
};
static const struct sandbox_list list = {"warden", calls, ARRAY_LEN(calls)};

/* What the configuration does not name. */
static const struct sandbox_path fixed[] = {
	{"/etc", -1, SANDBOX_READ},	  /* rules to include, this time zone */
	{"/usr/share", -1, SANDBOX_READ}, /* likewise, all time zones */
	{"/run/udev", -1, SANDBOX_READ},
	{"/sys", -1, SANDBOX_READ},  /* devices */
	{"/proc", -1, SANDBOX_READ}, /* which boot this is; processes of ours */
};

struct places {
	struct sandbox_path paths[ARRAY_LEN(fixed) + 4 + ABOVE];
	char above[ABOVE][PATH_MAX];
	size_t npaths, nabove;
};

static void
add(struct places *p, const char *path, enum sandbox_access access)
{
	p->paths[p->npaths++] = (struct sandbox_path){path, -1, access};
}

/* The directory that has it; NULL for what is not named. */
static const char *
above(struct places *p, const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	if (slash == NULL || slash[1] == '\0') {
		return path != NULL && *path == '/' ? path : NULL;
	}
	(void)snprintf(p->above[p->nabove], PATH_MAX, "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	return p->above[p->nabove++];
}

static void
add_above(struct places *p, const char *path, enum sandbox_access access)
{
	const char *dir = above(p, path);

	if (dir != NULL) {
		add(p, dir, access);
	}
}

static void
find_places(struct places *p, const struct gateway_conf *conf)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		p->paths[p->npaths++] = fixed[i];
	}
	add_above(p, conf->rules, SANDBOX_READ);
	add_above(p, conf->profiles, SANDBOX_READ);
	add_above(p, conf->keep, SANDBOX_READ);
	add_above(p, conf->bundle_keys, SANDBOX_READ);
	add(p, conf->stock_profiles, SANDBOX_READ);
	add(p, conf->state, SANDBOX_CHANGE);
	add_above(p, conf->audit, SANDBOX_CHANGE);
	/* Where nothing may be made later it has to be there now; that it cannot
	 * is told to who wants a capture. */
	(void)mkdir(conf->captures, 0700);
	add(p, conf->captures, SANDBOX_CHANGE);
}

void
confine_warden(const struct gateway_conf *conf)
{
	struct places *p = calloc(1, sizeof(*p));
	struct sandbox how = {
		.list = &list,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	if (p == NULL) {
		fatal("start");
	}
	find_places(p, conf);
	how.paths = p->paths;
	how.npaths = p->npaths;
	/* what is asked once, by calls that it has not any more */
	(void)sandbox_lacks();
	json_object_seed(0);
	tzset();
	sandbox_enter(&how);
	free(p);
}
