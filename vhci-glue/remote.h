/*
 * The first words with a gateway: handshake, device list, import (USB/IP's OP
 * phase). Works on any stream and waits, up to a deadline, since nothing else
 * happens in a relay before its device streams. What comes back is checked:
 * the gateway may be hostile.
 */
#ifndef VHCI_GLUE_REMOTE_H
#define VHCI_GLUE_REMOTE_H

#include <stdint.h>

#include "base/stream.h"
#include "wire/ipc.h"

/* Most devices that one list may have. */
#define REMOTE_DEVICES 4096u

/* All of them: 0, or -1 with *done filled: exit code and one escaped line for
 * people. deadline is a clock_mono() value. */
int remote_handshake(
    struct stream *stream, uint64_t deadline, struct ipc_relay_done *done);

/* Called for each device; not 0 ends the list with that result. item is
 * borrowed for the call; its texts are empty, USB/IP does not carry them. */
typedef int remote_item_cb(void *arg, const struct ipc_item *item);
int remote_list(struct stream *stream, uint64_t deadline, remote_item_cb *cb,
    void *arg, struct ipc_relay_done *done);

/* Asks for busid. After 0 the stream is URBs only and *out is what was
 * imported: its bus id as asked, its numbers in range. */
int remote_import(struct stream *stream, uint64_t deadline, const char *busid,
    struct usbip_device *out, struct ipc_relay_done *done);

/* One control IN transfer on endpoint 0 of the imported device, before the
 * kernel has it; seqnum is any number. *len goes in as the room in buf and
 * comes back as the bytes that there are. 1 when the device did not answer it
 * (a status, such as a stall); *len is then 0. */
int remote_control(struct stream *stream, uint64_t deadline,
    const struct usbip_device *dev, uint32_t seqnum, const uint8_t setup[8],
    uint8_t *buf, size_t *len, struct ipc_relay_done *done);

/* Fills *done; the text is cut to fit. Returns -1. */
__attribute__((format(printf, 3, 4))) int remote_say(
    struct ipc_relay_done *done, int exit_code, const char *fmt, ...);

#endif
