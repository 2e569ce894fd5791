/*
 * What the files of the sandbox share; nobody else includes it.
 */
#ifndef BASE_SANDBOX_PARTS_H
#define BASE_SANDBOX_PARTS_H

#include "base/sandbox.h"

/* What every process of ours needs, and what instrumented ones do. */
extern const struct sandbox_list sandbox_basics, sandbox_instruments;

/* sandbox.c: is somebody told of what is not permitted. */
int sandbox_tells(void);

/* sandbox_seccomp.c: 0, ERR_NOENT: the kernel has none, or ERR_SYS. */
int sandbox_seccomp_load(const struct sandbox_list *list);
int sandbox_seccomp_deny(const struct sandbox_list *list);
int sandbox_seccomp_is_there(void);

/* sandbox_landlock.c: likewise. */
int sandbox_landlock_enter(const struct sandbox_path *paths, size_t npaths,
    int may_connect);

/* sandbox_spaces.c: leaves `what` of the namespaces of SANDBOX_SPACES; the new
 * root has those paths. *refused is what the kernel gives none of. 0, or
 * ERR_SYS. */
int sandbox_spaces_leave(unsigned what, const struct sandbox_path *paths,
    size_t npaths, unsigned *refused);
/* Those, and SANDBOX_PIDS, that it would refuse. Asked once. */
unsigned sandbox_spaces_lacking(void);

#endif
