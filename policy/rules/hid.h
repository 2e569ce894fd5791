/*
 * What a HID interface is, out of its report descriptor. Pure; the bytes are
 * the device's own and hostile.
 */
#ifndef POLICY_RULES_HID_H
#define POLICY_RULES_HID_H

#include <stddef.h>
#include <stdint.h>

/* Bits of enum rule_hid (rules.h) by HID 1.11 6.2.2: the usages of all
 * application collections, whatever they stand in, and a keyboard for each
 * input field of the keyboard page, since drivers make keys of those under any
 * collection. A usage counts with the page that stood before it and with the
 * one that stands before its main item (6.2.2.8 and older readers differ).
 *
 * 0 for what is no sound descriptor (an item past the end, a long item, an
 * unbalanced collection or pop, stacks too deep) and for one that has no
 * application collection: of it nothing is known. */
uint8_t rule_hid_usages(const void *report, size_t len);

#endif
