/*
 * Vetting: everything that is judged of a device before anyone may have it.
 * Structure is wire/devrec_check (rules R1-R5); here are the class-specific
 * descriptors (R6), HID reports (R7), and what a driver that binds expects to
 * find (R10, expect.h). Runs in the probe and, on the same bytes, in the
 * warden. Pure: no I/O, no malloc; it knows no rule file and no peer.
 *
 * docs/VETTING.md lists the rules, what passes in spite of the letter, and the
 * waivers.
 */
#ifndef POLICY_VET_VET_H
#define POLICY_VET_VET_H

#include <stddef.h>

#include "wire/devrec.h"

/* The whole judgement of a record that decoded: 0, or ERR_POLICY or ERR_FORMAT
 * with why. scratch is work space. */
int vet_record(const struct devrec *rec, struct desc_config *scratch,
    struct desc_why *why);

/* R6 alone, of a record that devrec_check accepted. */
int vet_classes(const struct devrec *rec, struct desc_config *scratch,
    struct desc_why *why);
/* R7 alone: the report descriptors, each by itself. */
int vet_reports(const struct devrec *rec, struct desc_why *why);

/* One line for people and the audit log: the text, offset, and up to 16 bytes
 * from there in hex: "union of a missing interface, at offset 43 of
 * configuration 0: 05 24 06 00 07". Cut to fit; always ended by a NUL. */
void vet_say(char *dst, size_t size, const struct devrec *rec,
    const struct desc_why *why);

#endif
