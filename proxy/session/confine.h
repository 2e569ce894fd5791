/*
 * What sallyport-session and sallyport-probe may ask the kernel for: their
 * lists, and when each is entered. It must not know what they do with it.
 */
#ifndef PROXY_SESSION_CONFINE_H
#define PROXY_SESSION_CONFINE_H

#include "proxy/session/session.h"

struct session_limits;

/* Where the lists have a session's device. */
#define CONFINE_DEVICE_FD 40

/* Before the first byte of the peer; fatal when the kernel refuses. */
void confine_session(const struct session_limits *limits);

/* And what follows in its later states. */
extern const struct session_walls *const confine_walls;

/* Before the device is opened, or its texts are read below the directory fd. */
#define CONFINE_PROBE_FD 5 /* where the broker puts both */
void confine_probe(void);
void confine_texts(int fd);

#endif
