/*
 * Lists of system calls as filters of the kernel; the only file that includes
 * libseccomp. What a list does not name kills the process: with SIGSYS, by way
 * of a handler when its parent is to hear which call it was (sandbox.c).
 *
 * SANDBOX_LOGS is for whoever writes a list (docs/HACKING.md): what would kill
 * is logged by the kernel instead.
 */
#include "base/sandbox_parts.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <seccomp.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#ifdef SANDBOX_LOGS
#define ELSE SCMP_ACT_LOG
#define DENIED SCMP_ACT_LOG
#else
#define ELSE                                                                   \
	(sandbox_tells() ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS)
#define DENIED SCMP_ACT_TRAP
#endif

_Static_assert(SANDBOX_TESTS <= 6, "as many as a call has arguments");

/* What becomes of a call that a line names. */
static int
add_call(
    scmp_filter_ctx ctx, const struct sandbox_call *call, uint32_t named)
{
	struct scmp_arg_cmp tests[SANDBOX_TESTS];
	uint32_t action = call->error == 0
	    ? named
	    : SCMP_ACT_ERRNO((uint16_t)call->error);
	unsigned n = 0;

	if (call->nr == SANDBOX_NONE) {
		return 0;
	}
	while (n < SANDBOX_TESTS && call->tests[n].mask != 0) {
		const struct sandbox_test *t = &call->tests[n];

		tests[n++] = SCMP_CMP64(
		    t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value);
	}
	return seccomp_rule_add_array(ctx, action, (int)call->nr, n, tests);
}

/* A call that one list permits and another lets fail is permitted: libseccomp
 * refuses to have it both ways, so the first stands. */
static int
add_list(scmp_filter_ctx ctx, const struct sandbox_list *list, uint32_t named)
{
	for (size_t i = 0; i < list->ncalls; i++) {
		int r = add_call(ctx, &list->calls[i], named);

		if (r != 0 && r != -EEXIST) {
			errno = -r;
			return ERR_SYS;
		}
	}
	return 0;
}

/* A filter that does `otherwise' to what is in none of the lists. */
static int
load(uint32_t otherwise, uint32_t named,
    const struct sandbox_list *const *lists, size_t nlists)
{
	scmp_filter_ctx ctx;
	int r;

	if (!sandbox_seccomp_is_there()) {
		return ERR_NOENT;
	}
	ctx = seccomp_init(otherwise);
	if (ctx == NULL) {
		errno = ENOMEM;
		return ERR_SYS;
	}
	/* A tree instead of a chain: ioctl of a session is far down. What is
	 * always permitted the kernel answers without a look at it. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0) {
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
		    SCMP_ACT_KILL_PROCESS);
	}
	if (r == 0) {
		/* set already, and prctl is in no list */
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	}
	errno = -r;
	r = r == 0 ? 0 : ERR_SYS;
	for (size_t i = 0; r == 0 && i < nlists; i++) {
		r = add_list(ctx, lists[i], named);
	}
	if (r == 0) {
		r = seccomp_load(ctx);
		errno = -r;
		r = r == 0 ? 0 : ERR_SYS;
	}
	seccomp_release(ctx);
	/* some hundred KiB that no process needs again */
	(void)malloc_trim(0);
	return r;
}

int
sandbox_seccomp_load(const struct sandbox_list *list)
{
	const struct sandbox_list *const lists[] = {
		&sandbox_instruments, &sandbox_basics, list};

	return load(ELSE, SCMP_ACT_ALLOW, lists, ARRAY_LEN(lists));
}

/* By a signal: a child that tells its parent what it was killed for goes on doing
 * so, since the kernel takes the stricter answer of the two. */
int
sandbox_seccomp_deny(const struct sandbox_list *list)
{
	/* the leak check of an instrumented build traces what it checks */
	return SANDBOX_IS_INSTRUMENTED
	    ? 0
	    : load(SCMP_ACT_ALLOW, DENIED, &list, 1);
}

int
sandbox_seccomp_is_there(void)
{
	/* a new list needs no more than the call itself: asked once */
	static int is_there = -1;
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (is_there == -1) {
		is_there = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
			       &action) == 0;
	}
	return is_there;
}

char *
sandbox_call_name(uint32_t nr)
{
	return seccomp_syscall_resolve_num_arch(
	    SCMP_ARCH_NATIVE, (int)nr);
}
