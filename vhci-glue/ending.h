/*
 * Why the streaming of a device ended: said once by whoever noticed first, in a
 * form for the log and for the person. Pure data.
 */
#ifndef VHCI_GLUE_ENDING_H
#define VHCI_GLUE_ENDING_H

#include <errno.h>

#include "base/err.h"

enum ending_kind {
	ENDING_NONE = 0,
	ENDING_DETACHED, /* this workstation's kernel let go of the device */
	ENDING_CLOSED,	 /* the gateway closed: unplugged or withdrawn */
	ENDING_LOST,	 /* the connection broke */
	ENDING_REFUSED,	 /* the gateway sent what no kernel must see */
	ENDING_DENIED,	 /* this workstation does not accept the device */
	ENDING_FAILED,	 /* something went wrong here */
};

struct ending {
	enum ending_kind kind;
	const char *why; /* static text */
	int err;	 /* negative enum err with more detail, or 0 */
	int sys;	 /* errno when err is ERR_SYS */
};

/* Fills end and returns 1, for `return ending_set(...)`. */
static inline int
ending_set(struct ending *end, enum ending_kind kind, const char *why, int err)
{
	end->sys = errno;
	end->kind = kind;
	end->why = why;
	end->err = err;
	return 1;
}

#endif
