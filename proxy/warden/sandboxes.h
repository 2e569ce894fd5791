/*
 * What holds each process of the gateway, as the kernel has it in /proc: their
 * own word is not asked. What Landlock has a process by /proc does not say; the
 * kernel's own version of it stands for that. IPC it shows to nobody who may not
 * trace.
 */
#ifndef PROXY_WARDEN_SANDBOXES_H
#define PROXY_WARDEN_SANDBOXES_H

#include <stddef.h>
#include <stdint.h>

struct sandbox_state {
	uint32_t uid;
	int seccomp; /* 0 = none, 2 = lists of system calls; -1 = unknown */
	int lists;   /* so many of them; -1 = unknown: before Linux 5.10 */
	int no_new_privs; /* -1 = unknown */
	int pids; /* process ids of its own; -1 = unknown: before Linux 4.1 */
	int has_caps;
	uint64_t caps; /* in force */
};

/* The text of /proc/PID/status. 0, or ERR_FORMAT when it has no uid. */
int sandboxes_parse(struct sandbox_state *out, const char *text);

#endif
