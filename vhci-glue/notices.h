/*
 * What the agent tells the people at this workstation: lines of JSON, to whoever
 * may hear them on a socket that it never reads. It knows nothing of desktops, or
 * of how a notice looks.
 */
#ifndef VHCI_GLUE_NOTICES_H
#define VHCI_GLUE_NOTICES_H

#include <stdint.h>
#include <sys/socket.h>

#define NOTICES_SOCKET "/run/sallyport/notices.sock"
/* A line with its newline, whatever a gateway put into it. */
#define NOTICES_LINE 8192u
#define NOTICES_CLIENTS 16u
#define NOTICES_OF_ONE 4u /* connections of a user */
#define NOTICES_OPEN 16u  /* that a newcomer is told */

enum notice_kind {
	NOTICE_ATTACHED,
	NOTICE_UNPLUGGED,
	NOTICE_REFUSED,	 /* text: why */
	NOTICE_APPROVAL, /* text: by whom */
	NOTICE_CHALLENGE, /* text: the digits; "": no more */
	NOTICE_MESSAGE,	 /* text: of the gateway */
};

/* All borrowed for the call; texts of a gateway are shown escaped already. */
struct notice {
	enum notice_kind kind;
	const char *gateway, *name, *device, *text;
	unsigned within; /* seconds, of a challenge; 0 = no limit */
};

struct notices;

/* Whether that peer may hear them: 1 or 0. */
typedef int notices_may(void *arg, int fd, const struct ucred *peer);

/* NULL with the reason said; then all else may be called with NULL and does
 * nothing. The socket is everybody's: may says who is let in. */
struct notices *notices_new(const char *path, notices_may *may, void *arg);
void notices_free(struct notices *n);
int notices_fd(const struct notices *n); /* to be polled for reading, or -1 */
void notices_accept(struct notices *n, uint64_t now);
/* Those who may not any more are let go. */
void notices_check(struct notices *n);
void notices_say(struct notices *n, const struct notice *notice, uint64_t now);

#endif
