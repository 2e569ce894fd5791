/*
 * Text for the shared error codes. Runs in every process, trusts nothing.
 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

const char *
err_str(int err)
{
	switch ((enum err)err) {
	case ERR_OK:
		return "success";
	case ERR_SHORT:
		return "incomplete";
	case ERR_FORMAT:
		return "malformed";
	case ERR_LIMIT:
		return "over the limit";
	case ERR_POLICY:
		return "refused by policy";
	case ERR_SYS:
		return strerror(errno);
	case ERR_PEER:
		return "the peer broke the protocol";
	case ERR_NOMEM:
		return "out of memory";
	case ERR_AGAIN:
		return "nothing to do now";
	case ERR_CLOSED:
		return "closed by the other side";
	case ERR_NOENT:
		return "no such thing";
	case ERR_BUSY:
		return "busy";
	case ERR_TLS:
		return "TLS failed";
	case ERR_STALL:
		return "stalled";
	case ERR_TIMEOUT:
		return "timed out";
	}
	return "unknown error";
}
