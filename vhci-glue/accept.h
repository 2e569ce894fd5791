/*
 * The workstation's own say, in the relay: whether this machine's kernel may see
 * the device that a gateway shows. Pure. What the device shows is hostile, and
 * so is what the gateway's list said; the rules are this workstation's own.
 *
 * With rules, they decide and nothing else. Without, the device must be what the
 * list said: vid and pid, and the same interfaces. Hubs, keyboards and network
 * cards are guarded: no hub is accepted, and each of the others if a person or
 * the configuration asked for one (enum ipc_accept).
 */
#ifndef VHCI_GLUE_ACCEPT_H
#define VHCI_GLUE_ACCEPT_H

#include "policy/rules/rules.h"
#include "vhci-glue/look.h"
#include "wire/ipc.h"

/* Guarded kinds of interface, by class, subclass and protocol. */
enum accept_kind {
	ACCEPT_PLAIN = 0,
	ACCEPT_HUB,
	ACCEPT_KEYBOARD, /* boot protocol; others say it in their reports */
	ACCEPT_NETWORK,
};
enum accept_kind accept_kind_of(
    uint8_t class, uint8_t subclass, uint8_t protocol);

/* Reads a rule file's text, in which an allow needs no `to'. 0 and *out, for
 * rules_free; or ERR_FORMAT or ERR_NOMEM with why filled, for ERR_FORMAT
 * "FILE:LINE:COLUMN: REASON" of the first error. */
int accept_load(struct rules **out, const char *name, const uint8_t *text,
    size_t len, char *why, size_t size);

struct accept_how {
	const struct rules *rules; /* borrowed; NULL = the defaults */
	unsigned flags;		   /* enum ipc_accept; without rules */
	const struct ipc_asked *asked; /* borrowed; without rules */
};

/* Judges the device that was imported as dev and shows what is in seen and look.
 * 0, and hid (for seen_seal) has what report descriptors may still show; or
 * ERR_POLICY with why filled, one line, free of the device's texts. */
int accept_judge(const struct accept_how *how, const struct usbip_device *dev,
    const struct seen *seen, const struct look *look,
    uint8_t hid[SEEN_NUMBERS], char *why, size_t size);

#endif
