/*
 * The device of a capture: which one it is, and its descriptors as it answered
 * when it was asked for them.
 */
#ifndef POLICY_TOOL_REPLAY_DEVICE_H
#define POLICY_TOOL_REPLAY_DEVICE_H

#include "wire/devrec.h"

struct replay_device { /* large */
	uint16_t bus;
	uint8_t number;
	struct devrec rec;
	struct desc_config config; /* the active one */
	const uint8_t *bytes;	   /* of it, in rec */
};

/* name is "BUS.DEVICE", or NULL where there is only one; text a file that has its
 * descriptors (devtext.h), or NULL: they are in the capture. 0, or an error that
 * was said. */
int replay_device_read(struct replay_device *out, const char *path,
    const char *name, const char *text);
/* Another configuration, by its value. ERR_NOENT: it is not known, and the one
 * before stays. */
int replay_device_configure(struct replay_device *dev, uint8_t value);

#endif
