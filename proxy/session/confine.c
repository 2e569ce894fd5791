/*
 * The lists of sallyport-session. It begins with the peer's socket and ends
 * with a device; what it may ask the kernel for only shrinks. No file is ever
 * opened, no socket made, no program run: it has no line for it.
 */
#include "proxy/session/confine.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "proxy/session/limits.h"
#include "proxy/usb/calls.h"
#include "wire/ipc.h"

#define BROKER 3
#define FILES 64u
#define MIB ((size_t)1 << 20)

/* What goes on in every state: the peer, the two channels, the loop. */
#define CONVERSATION                                                           \
	SANDBOX_LOOP,                                                          \
	SANDBOX_CALL(recvfrom), /* the peer */                                 \
	SANDBOX_CALL(sendto),                                                  \
	SANDBOX_CALL(recvmsg), /* broker and warden, with descriptors */       \
	SANDBOX_CALL(sendmsg),                                                 \
	SANDBOX_CALL(poll), /* is the peer there; a channel that is full */    \
	SANDBOX_CALL(ppoll),                                                   \
	SANDBOX_CALL(shutdown)

/* Descriptors that the warden sends: a sealed table, a pipe's end. */
#define RECEIVED                                                               \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GET_SEALS)),                       \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)),                           \
	/* no signals to anybody */                                            \
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL),                            \
	    SANDBOX_WITHOUT(2, O_ASYNC))

/* From the key to the comparison of descriptors. */
static const struct sandbox_call first[] = {
	CONVERSATION,
	RECEIVED,
	/* the device comes, and goes where the other lines expect it */
	SANDBOX_WHEN(dup3, SANDBOX_IS(1, CONFINE_DEVICE_FD)),
	USB_CALLS_TO_OPEN(CONFINE_DEVICE_FD),
	USB_CALLS(CONFINE_DEVICE_FD),
};

/* URBs flow, until the end. */
static const struct sandbox_call streaming[] = {
	USB_CALLS(CONFINE_DEVICE_FD),
	CONVERSATION,
	RECEIVED, /* another table, a capture */
};

/* Lines between the peer and the warden: no device, nothing received. */
static const struct sandbox_call watching[] = {
	CONVERSATION,
};

static const struct sandbox_list first_list = {
	"session", first, ARRAY_LEN(first)};
static const struct sandbox_list later_lists[] = {
	[SESSION_STREAMING] = {"session, streaming", streaming,
	    ARRAY_LEN(streaming)},
	[SESSION_WATCHING] = {"session, watching", watching,
	    ARRAY_LEN(watching)},
};

static int
take_device(int *fd)
{
	int moved = dup3(*fd, CONFINE_DEVICE_FD, O_CLOEXEC);

	close_fd(fd);
	*fd = moved;
	return moved != -1 ? 0 : ERR_SYS;
}

static void
close_in(enum session_stage stage)
{
	sandbox_shrink(&later_lists[stage]);
}

static const struct session_walls walls = {
	.name = "sandbox",
	.take_device = take_device,
	.close_in = close_in,
};
const struct session_walls *const confine_walls = &walls;

void
confine_session(const struct session_limits *limits)
{
	const struct sandbox how = {
		.list = &first_list,
		.spaces = SANDBOX_SPACES,
		.files = FILES,
		/* itself and its libraries, buffers of URBs, what waits in
		 * both directions, tables; and as much again */
		.memory = 256 * MIB +
		    2 * ((size_t)limits->bytes + limits->held_bytes +
			    limits->out_bytes),
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
