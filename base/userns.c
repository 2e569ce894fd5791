/*
 * Leaving the user namespace: user_namespaces(7). The ids of this process are
 * mapped to themselves: a namespace whose maker has no number in it can have none
 * below, and no file system in it can have a file of his.
 */
#include "base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define NUMBER 12u /* digits of a uid, a space */

int
userns_is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == EINVAL ||
	    error == ENOSYS || error == ENOSPC || error == EUSERS;
}

/* Its decimal digits and a space at out; how many. */
static size_t
put_number(char *out, unsigned value)
{
	char digits[NUMBER];
	size_t n = 0, len;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (len = 0; n > 0; len++) {
		out[len] = digits[--n];
	}
	out[len++] = ' ';
	return len;
}

static int
write_to(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd != -1 && write(fd, text, len) == (ssize_t)len ? 0 : -1;

	close_fd(&fd);
	return r;
}

/* "1000 1000 1" */
static int
map(const char *path, unsigned id)
{
	char text[2 * NUMBER + 1];
	size_t len = put_number(text, id);

	len += put_number(text + len, id);
	text[len++] = '1';
	return write_to(path, text, len);
}

int
userns_enter(int with)
{
	unsigned uid = geteuid(), gid = getegid();

	/* Its files in /proc are its own to write; a change of uid took that. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1) {
		return ERR_SYS;
	}
	if (unshare(CLONE_NEWUSER | with) == 0 &&
	    write_to("/proc/self/setgroups", "deny", 4) == 0 &&
	    map("/proc/self/uid_map", uid) == 0 &&
	    map("/proc/self/gid_map", gid) == 0) {
		return 0;
	}
	/* without /proc there is none either */
	return userns_is_refusal(errno) || errno == ENOENT ? ERR_NOENT
							   : ERR_SYS;
}
