/*
 * Picking a user id for a relay, in the root parent: the first, counted from a
 * place of our own, that no process has. A process that starts meanwhile makes
 * two relays share one, which weakens but breaks nothing.
 */
#include "vhci-glue/uids.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* The uid in the "Uid:" line of status, or -1. The directory's owner will not
 * do: that of a process that is not dumpable is root. */
static long
uid_of(int dir, const char *pid)
{
	char path[64], text[1024];
	const char *line;
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/status", pid) >=
	    (int)sizeof(path)) {
		return -1;
	}
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		return -1;
	}
	n = read(fd, text, sizeof(text) - 1);
	close_fd(&fd);
	if (n <= 0) {
		return -1;
	}
	text[n] = '\0';
	line = strstr(text, "\nUid:");
	return line == NULL ? -1 : strtol(line + 5, NULL, 10);
}

uid_t
uids_pick(const char *proc)
{
	unsigned char taken[UIDS_COUNT] = {0};
	unsigned start = (unsigned)getpid() % UIDS_COUNT;
	DIR *dir = opendir(proc);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		long uid;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
			continue;
		}
		uid = uid_of(dirfd(dir), entry->d_name);
		if (uid >= (long)UIDS_FIRST &&
		    uid < (long)(UIDS_FIRST + UIDS_COUNT)) {
			taken[uid - (long)UIDS_FIRST] = 1;
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
	for (unsigned i = 0; i < UIDS_COUNT; i++) {
		unsigned n = (start + i) % UIDS_COUNT;

		if (!taken[n]) {
			return UIDS_FIRST + n;
		}
	}
	return UIDS_FIRST + start;
}
