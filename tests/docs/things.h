/*
 * What is plugged into the gateway of tests/docs/scene: devices as people have
 * them, by their descriptors. They answer what they are asked; a read from
 * endpoint 1 always has data.
 */
#ifndef TESTS_DOCS_THINGS_H
#define TESTS_DOCS_THINGS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/devrec.h"

struct thing {
	uint16_t vid, pid;
	const char *maker, *product, *serial; /* serial NULL = none */
	uint8_t speed;
	const uint8_t *config;
	size_t len;
	const uint8_t *report; /* of interface 0; NULL = none */
	size_t report_len;
};

#define THINGS 6
extern const struct thing things[THINGS];

/* Its record; ends the program when it is not sound. */
void thing_record(struct devrec *rec, const struct thing *thing);

#endif
