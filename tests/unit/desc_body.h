/*
 * For the tests of descriptors: a configuration of given descriptors behind a
 * head that fits them, parsed into one table that the test then looks at.
 */
#ifndef TESTS_UNIT_DESC_BODY_H
#define TESTS_UNIT_DESC_BODY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/usb_samples.h"
#include "wire/desc.h"

#define LS USBIP_SPEED_LOW
#define FS USBIP_SPEED_FULL
#define HS USBIP_SPEED_HIGH
#define SS USBIP_SPEED_SUPER
#define SP USBIP_SPEED_SUPER_PLUS

static struct desc_config config;

/* Descriptors behind a head that is made to fit: 0 or an error and a rule. */
static inline int
parse_body(const uint8_t *body, size_t n, uint8_t nif, struct desc_why *why)
{
	static uint8_t buf[16384];
	const uint8_t head[] = {CONF(n + 9, nif, 1)};

	memcpy(buf, head, sizeof(head));
	memcpy(buf + sizeof(head), body, n);
	memset(why, 0, sizeof(*why));
	return desc_parse_config(&config, buf, sizeof(head) + n, why);
}

/* bytes, length */
#define BODY(...)                                                            \
	(const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

#endif
