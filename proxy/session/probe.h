/*
 * One look at one device: read it, judge it, and say the result to the warden
 * in one message. It knows nothing of who wants the device.
 */
#ifndef PROXY_SESSION_PROBE_H
#define PROXY_SESSION_PROBE_H

#include "proxy/usb/usb.h"

struct loop;
struct probe;

enum probe_start { PROBE_AS_IT_IS, PROBE_RESET_FIRST };

struct probe_how {
	struct loop *loop;  /* borrowed until probe_free */
	int broker, warden; /* channels; taken. EOF on either ends it */
	int fd;		    /* usbfs node; taken */
	enum probe_start start;
	const struct usb_ops *usb;
	/* Once, from the loop: exit_code 0 when the warden has its answer. */
	void (*ended)(void *arg, int exit_code);
	void *arg;
};

/* ERR_NOMEM; what is taken is closed then, too. */
int probe_new(struct probe **outp, const struct probe_how *how);
/* NULL is fine. */
void probe_free(struct probe *probe);

#endif
