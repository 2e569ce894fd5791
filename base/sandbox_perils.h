/*
 * What no program of ours has any use for, and neither has what it starts: the
 * lines of a list that is denied, of a process whose children are free in all
 * else until they enter a sandbox of their own. Each is a way to other processes,
 * to the kernel itself, or around what else holds.
 */
#ifndef BASE_SANDBOX_PERILS_H
#define BASE_SANDBOX_PERILS_H

#include <errno.h>

#include "base/sandbox.h"

/* What some architectures, or the headers of some systems, do without. */
#ifndef SYS_iopl
#define SYS_iopl SANDBOX_NONE
#endif
#ifndef SYS_ioperm
#define SYS_ioperm SANDBOX_NONE
#endif
#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load SANDBOX_NONE
#endif
#ifndef SYS_lookup_dcookie
#define SYS_lookup_dcookie SANDBOX_NONE
#endif
#ifndef SYS_mknod
#define SYS_mknod SANDBOX_NONE
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise SANDBOX_NONE
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd SANDBOX_NONE
#endif

#define SANDBOX_PERILS                                                         \
	/* other processes, and their descriptors */                           \
	SANDBOX_CALL(ptrace),                                                  \
	SANDBOX_CALL(process_vm_readv),                                        \
	SANDBOX_CALL(process_vm_writev),                                       \
	SANDBOX_CALL(process_madvise),                                         \
	SANDBOX_CALL(pidfd_getfd),                                             \
	SANDBOX_FAILS(kcmp, EPERM), /* libsystemd may look */                  \
	SANDBOX_CALL(move_pages),                                              \
	SANDBOX_CALL(migrate_pages),                                           \
	/* other code in the kernel, or another kernel */                      \
	SANDBOX_CALL(init_module),                                             \
	SANDBOX_CALL(finit_module),                                            \
	SANDBOX_CALL(delete_module),                                           \
	SANDBOX_CALL(kexec_load),                                              \
	SANDBOX_CALL(kexec_file_load),                                         \
	SANDBOX_CALL(bpf),                                                     \
	SANDBOX_CALL(perf_event_open),                                         \
	SANDBOX_CALL(lookup_dcookie),                                          \
	/* around a list, or a help in breaking the kernel */                  \
	SANDBOX_CALL(io_uring_setup),                                          \
	SANDBOX_CALL(io_uring_enter),                                          \
	SANDBOX_CALL(io_uring_register),                                       \
	SANDBOX_CALL(userfaultfd),                                             \
	SANDBOX_CALL(vmsplice),                                                \
	/* keys of the kernel's */                                             \
	SANDBOX_CALL(add_key),                                                 \
	SANDBOX_CALL(request_key),                                             \
	SANDBOX_CALL(keyctl),                                                  \
	/* somebody else's namespaces; ours are made anew */                   \
	SANDBOX_CALL(setns),                                                   \
	/* the machine: its clock, names, memory, logs, ports and end */       \
	SANDBOX_CALL(settimeofday),                                            \
	SANDBOX_CALL(clock_settime),                                           \
	SANDBOX_CALL(clock_adjtime),                                           \
	SANDBOX_CALL(adjtimex),                                                \
	SANDBOX_CALL(sethostname),                                             \
	SANDBOX_CALL(setdomainname),                                           \
	SANDBOX_CALL(swapon),                                                  \
	SANDBOX_CALL(swapoff),                                                 \
	SANDBOX_CALL(syslog),                                                  \
	SANDBOX_CALL(acct),                                                    \
	SANDBOX_CALL(quotactl),                                                \
	SANDBOX_CALL(quotactl_fd),                                             \
	SANDBOX_CALL(iopl),                                                    \
	SANDBOX_CALL(ioperm),                                                  \
	SANDBOX_CALL(vhangup),                                                 \
	SANDBOX_CALL(reboot),                                                  \
	/* files by no path: past every directory's mode, and Landlock */      \
	SANDBOX_FAILS(name_to_handle_at, EPERM),                               \
	SANDBOX_CALL(open_by_handle_at),                                       \
	SANDBOX_CALL(fanotify_init),                                           \
	SANDBOX_CALL(mknod),                                                   \
	SANDBOX_CALL(mknodat)

#endif
