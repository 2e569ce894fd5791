/*
 * How those who judge descriptors say no, and the one flaw of length that they
 * share. Internal to wire/ and policy/vet/.
 */
#ifndef WIRE_DESC_WHY_H
#define WIRE_DESC_WHY_H

#include "base/err.h"
#include "wire/desc.h"

/* Fills why, if the caller wants it, and returns err. */
static inline int
desc_refuse(struct desc_why *why, int err, const char *rule, const char *text,
    size_t offset)
{
	if (why != NULL) {
		why->rule = rule;
		why->text = text;
		why->offset = offset;
		why->part = DESC_PART_NONE;
		why->item = 0;
	}
	return err;
}

/* Adds which bytes of a record it was about; returns err. */
static inline int
desc_blame(struct desc_why *why, int err, enum desc_part part, size_t item)
{
	if (why != NULL) {
		why->part = part;
		why->item = (uint8_t)item;
	}
	return err;
}

/* Bytes behind the last whole descriptor of a container that real firmware
 * leaves there: one byte of any value, in which no descriptor can begin, or up
 * to DESC_TAIL zeros or bytes of erased flash, ff, which no reader can take for
 * one: there is no descriptor of length 0, nor one of type ff. */
#define DESC_TAIL 8u
static inline int
desc_tail_harmless(const uint8_t *p, size_t n)
{
	if (n <= 1) {
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i] != p[0]) {
			return 0;
		}
	}
	return n <= DESC_TAIL && (p[0] == 0 || p[0] == 0xff);
}

#endif
