/*
 * What the files of the sandbox share; nobody else includes it.
 */
#ifndef BASE_SANDBOX_PARTS_H
#define BASE_SANDBOX_PARTS_H

#include "base/sandbox.h"

/* Instrumented builds open files and start threads when they end or complain.
 * They have the list in sandbox_calls.c as well, and no Landlock; never a
 * release. */
#if defined(__SANITIZE_ADDRESS__) || defined(SANDBOX_INSTRUMENTED)
#define SANDBOX_IS_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_IS_INSTRUMENTED 1
#endif
#endif
#ifndef SANDBOX_IS_INSTRUMENTED
#define SANDBOX_IS_INSTRUMENTED 0
#endif

/* What every process of ours needs, and what instrumented ones do. */
extern const struct sandbox_list sandbox_basics, sandbox_instruments;

/* sandbox.c: is somebody told of what is not permitted. */
int sandbox_tells(void);

/* sandbox_seccomp.c: 0, ERR_NOENT: the kernel has none, or ERR_SYS. */
int sandbox_seccomp_load(const struct sandbox_list *list);
int sandbox_seccomp_is_there(void);

/* sandbox_landlock.c: likewise. */
int sandbox_landlock_enter(const struct sandbox_path *paths, size_t npaths,
    int may_connect);

#endif
