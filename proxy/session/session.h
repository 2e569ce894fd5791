/*
 * One connection of one workstation, from the first byte to the last: it brings
 * together the peer's stream, the broker, the warden and one device. It must
 * not know where keys lie, who may have what, or how a device is opened.
 */
#ifndef PROXY_SESSION_SESSION_H
#define PROXY_SESSION_SESSION_H

#include <stdint.h>

#include "proxy/usb/usb.h"

struct door;
struct loop;
struct session;
struct session_limits;

/* The walls around the process, which only close in. */
enum session_stage { SESSION_STREAMING, SESSION_WATCHING };
struct session_walls {
	const char *name;
	/* The device came: its descriptor may become another. 0 or ERR_SYS,
	 * and *fd is -1. */
	int (*take_device)(int *fd);
	/* From now on no more than this stage needs. */
	void (*close_in)(enum session_stage stage);
};
/* None: a test's process is its own. */
extern const struct session_walls *const session_no_walls;

struct session_how {
	struct loop *loop;	/* borrowed until session_free */
	int broker, warden;	/* channels, non-blocking; taken */
	int peer;		/* the peer's socket; taken */
	struct door *door;	/* taken */
	const struct usb_ops *usb;
	const struct session_limits *limits; /* borrowed; NULL = default */
	const struct session_walls *walls;   /* NULL = session_no_walls */
	/* The session is over: nothing of it runs any more. exit_code is 0
	 * when the peer ended it or got its answer. Called once, from the
	 * loop; session_free may not be called inside it. */
	void (*ended)(void *arg, int exit_code);
	void *arg;
};

/* Starts: asks the broker for the key. ERR_NOMEM, ERR_SYS; what is taken is
 * closed then, too. */
int session_new(struct session **outp, const struct session_how *how);
/* NULL is fine. */
void session_free(struct session *session);

/* The machine, for documentation and tests: names, and whether a state has a
 * step for an event. NULL past the end. */
const char *session_state_name(unsigned state);
const char *session_event_name(unsigned event);
int session_has_step(unsigned state, unsigned event);

#endif
