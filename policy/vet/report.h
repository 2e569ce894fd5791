/*
 * HID report descriptors, as far as vetting goes: whether the items hold
 * together (R7), and which reports there are. What the fields mean is the
 * decoder's matter. Internal to policy/vet/.
 */
#ifndef POLICY_VET_REPORT_H
#define POLICY_VET_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "wire/desc.h"

enum report_kind { REPORT_INPUT, REPORT_OUTPUT, REPORT_FEATURE, REPORT_KINDS };

struct report_summary {
	uint32_t values[REPORT_KINDS]; /* fields times their count, padding
					  left out */
	uint32_t fields[REPORT_KINDS]; /* of any sort; 0: no such report */
	uint8_t has_input_device; /* an application that is a mouse, joystick,
				     keyboard or of their kind */
};

/* 0, or ERR_POLICY with why ("R7.item" ...; offset in the report). out is set
 * either way. */
int report_summarize(struct report_summary *out, const void *report, size_t len,
    struct desc_why *why);

#endif
