/*
 * Waivers: honest hardware that breaks a rule, by name. A waiver lifts one rule
 * for one product, and only such a rule of which breaking does no harm in that
 * product; the reason stands beside it. What many products get wrong is no
 * waiver but a tolerance of the rule itself (docs/VETTING.md). Pure; it knows
 * no process.
 */
#ifndef WIRE_WAIVER_H
#define WIRE_WAIVER_H

#include <stdint.h>

struct desc_config;
struct devrec;

/* Bits of what a check may be told to overlook. */
enum waiver_flaw {
	WAIVER_LOW_BULK = 1,  /* bulk endpoints at low speed */
	WAIVER_DUPLICATE = 2, /* an endpoint in two interfaces */
};

struct waiver {
	const char *name; /* "W1"; all texts are static */
	enum waiver_flaw flaw;
	const char *rule; /* that it lifts */
	uint16_t vid, pid;
	const char *product, *reason;
};

/* The waiver for that product, or NULL. */
const struct waiver *waiver_of(uint16_t vid, uint16_t pid);

/* Its bits, or 0. */
unsigned waiver_flaws(uint16_t vid, uint16_t pid);

/* The waiver without which a record that was checked would have been refused,
 * or NULL. */
const struct waiver *waiver_used(
    const struct devrec *rec, struct desc_config *scratch);

#endif
