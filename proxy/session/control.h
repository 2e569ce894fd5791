/*
 * Control requests that the session answers itself or turns into calls of the
 * USB backend, because the kernel must know of them: configuration, alternate
 * settings, halts, reset. It owns the floor's state and the claims. It must not
 * know how the broker is reached.
 */
#ifndef PROXY_SESSION_CONTROL_H
#define PROXY_SESSION_CONTROL_H

#include <stdint.h>

#include "proxy/session/floor.h"
#include "proxy/session/transfer.h"

struct control;
struct inspect;
struct loop;

struct control_hooks {
	/* Ask the broker for another configuration; control_config_set brings
	 * the answer. ERR_*: it cannot be asked. */
	int (*ask_config)(void *arg, uint8_t value);
	/* The floor refused something: for the audit log. setup is NULL for
	 * transfers that are not control. */
	void (*refused)(void *arg, const struct floor_why *why,
	    const uint8_t *setup, uint8_t address);
	/* The device is not what it was (rule "R8.changed"), or its interfaces
	 * cannot be held any more: the session must end. */
	void (*lost)(void *arg, const char *rule, const char *text);
	/* The device left. */
	void (*gone)(void *arg);
	void *arg;
};

struct control_how {
	struct loop *loop; /* borrowed, as are the others */
	const struct usb_ops *usb;
	struct usb_dev *dev;
	struct transfers *transfers; /* may be set later, before streaming */
	const struct devrec *rec;   /* what the peer may have of the device */
	const struct devrec *whole; /* all of it; may be rec */
	const struct session_limits *limits;
	const struct control_hooks *hooks; /* copied */
};

/* 0, ERR_NOMEM, or ERR_FORMAT: the record's active configuration is bad. */
int control_new(struct control **outp, const struct control_how *how);
/* After usb close. NULL is fine. */
void control_free(struct control *control);
/* inspect may be NULL: then the floor alone judges. */
void control_use(struct control *control, struct transfers *transfers,
    struct inspect *inspect);
const struct floor *control_floor(const struct control *control);

/* Claims all interfaces of the active configuration, or none: the backend's
 * error. */
int control_claim(struct control *control);

/* The judge of transfers.h, its abandon and its quiet. */
enum transfer_verdict control_judge(
    struct control *control, struct transfer *t);
void control_abandon(struct control *control, struct transfer *t);
void control_quiet(struct control *control);

/* The broker's answer to ask_config: 0 or ERR_*. ERR_PEER when nothing was
 * asked. */
int control_config_set(struct control *control, int err);
/* The sink's done, for an URB that is not a transfer's: 1 if it was ours. */
int control_done(struct control *control, struct urb *urb);

#endif
