/*
 * Turns a gateway's reply into one that the importing kernel may see: every
 * number of it comes from what was submitted, or was checked against it. Works
 * in place on a whole PDU; the length never changes. No I/O, no malloc.
 */
#ifndef VHCI_GLUE_REBUILD_H
#define VHCI_GLUE_REBUILD_H

#include <stddef.h>
#include <stdint.h>

#include "vhci-glue/pending.h"
#include "wire/usbip.h"

/* Work space, 32 KiB: lives on the heap. */
struct rebuild {
	struct usbip_iso sub[USBIP_MAX_ISO_PACKETS];
	struct usbip_iso ret[USBIP_MAX_ISO_PACKETS];
};

/* Judges a RET_SUBMIT header against its submit: *body gets the number of bytes
 * that follow. ERR_FORMAT with why (static): the stream cannot be trusted. */
int rebuild_judge(const struct usbip_header *ret, const struct pending *entry,
    uint32_t *body, const char **why);

/* Rewrites the PDU of a RET_SUBMIT that rebuild_judge passed, header and body,
 * len = USBIP_HEADER_SIZE + *body. *data_len gets the bytes of IN data right
 * behind the header. ERR_FORMAT with why. */
int rebuild_submit(struct rebuild *work, const struct pending_table *table,
    const struct pending *entry, const struct usbip_header *ret, uint8_t *pdu,
    size_t len, uint32_t *data_len, const char **why);

/* Rewrites a RET_UNLINK. is_taken: its submit had not been answered and is now
 * taken back. */
enum rebuild_target { REBUILD_ANSWERED, REBUILD_TAKEN };
void rebuild_unlink(uint32_t seqnum, int32_t status,
    enum rebuild_target target, uint8_t pdu[USBIP_HEADER_SIZE]);

#endif
