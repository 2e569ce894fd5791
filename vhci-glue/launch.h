/*
 * Starts a relay: reads the key files, gives it its own uid, one channel, and
 * what it has to know, and wipes our copy of the key. Parses none of it.
 */
#ifndef VHCI_GLUE_LAUNCH_H
#define VHCI_GLUE_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/channel.h"
#include "vhci-glue/gateway.h"
#include "vhci-glue/opts.h"
#include "wire/ipc.h"

/* What is said of a relay that fails. */
enum launch_voice {
	LAUNCH_SPEAKS, /* everything */
	LAUNCH_ASKS,   /* all but that there is no such device */
	LAUNCH_SILENT, /* nothing */
};

struct launch_how {
	const struct opts *opts;
	const struct settings *settings;
	const struct gateway *gateway;
	enum ipc_relay_mode mode;
	enum launch_voice voice;
	const char *busid; /* "" for a list */
	const struct ipc_asked *asked; /* what its list said; NULL = nothing */
	int log;	   /* borrowed descriptor for its log, -1 = none */
};

struct launch {
	const char *command; /* borrowed, for messages */
	const char *what;    /* "relay"; likewise */
	enum launch_voice voice;
	pid_t pid, reader; /* -1 = none */
	int channel; /* owned: to the relay, or the reader */
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

/* 0, or -1 with the reason said. After 0, launch_end. For IPC_RELAY_EVENTS a
 * reader stands between, and speaks in IPC_RELAY_WATCH. */
int launch_start(struct launch *out, const struct launch_how *how);
/* A helper of another kind, by the name of its program, with (data, len) as its
 * first message, which is taken as launch_start's setup is. */
int launch_helper(struct launch *out, const struct opts *opts,
    const char *program, const char *what, uint16_t type, const void *data,
    size_t len);
/* Closes the channel and, when the relay is still our child and ends soon,
 * reaps it. */
void launch_end(struct launch *launch);

/* Lets the relay live on by itself: closes the channel, forgets the child. */
void launch_leave(struct launch *launch);

/* Says a desktop (docs/PROTOCOL.md, `session') to the reader of an
 * IPC_RELAY_EVENTS. 0, or a code of channel_send_wait. */
int launch_tell(struct launch *launch, const struct ipc_desk *desk);

/* The relay's next message: 0, or an exit code with the reason said, when it
 * died, or did not speak in time, or spoke nonsense, or said that it failed.
 * An IPC_RELAY_DONE with exit code 0 is a message like any other. */
int launch_recv(
    struct launch *launch, int timeout_ms, struct channel_msg *out);

#endif
