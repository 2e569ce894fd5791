/*
 * Facts of control transfers, for the hook `setup': of every request, whatever
 * decoder its interface has. Names are those of policy/facts/setup.h.
 */
#ifndef POLICY_DECODE_SETUP_H
#define POLICY_DECODE_SETUP_H

#include "policy/decode/decode.h"

/* data: the len bytes of an OUT data stage, or NULL. iface: the interface that
 * the request goes to, or that has its endpoint; NULL when its recipient is
 * the device or unknown. Besides the fields of the packet it sets kind and
 * report-id for a HID, baud for SET_LINE_CODING, entity and control for audio
 * and video. bytes are the data. */
void setup_facts(struct facts *f, const uint8_t setup[8], const uint8_t *data,
    uint32_t len, const struct decode_iface *iface);

/* The number of the interface that a request with recipient interface goes to:
 * the low byte of wIndex, but for a printer's GET_DEVICE_ID the high one
 * (Printer 1.1 4.2.1; the low one is the alternate). config is the active
 * configuration. */
uint8_t setup_interface(
    const uint8_t setup[8], const struct desc_config *config);

#endif
