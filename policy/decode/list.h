/*
 * The decoders, one line each; the raw one, which takes every interface, is the
 * last of the list.
 */
#ifndef POLICY_DECODE_LIST_H
#define POLICY_DECODE_LIST_H

#include "policy/decode/decode.h"

extern const struct decoder_ops decode_bot, decode_hid, decode_ctap,
    decode_ccid, decode_serial, decode_net, decode_av, decode_print,
    decode_mtp, decode_dfu, decode_raw;

#endif
