/*
 * JSON files of the tool, bounded and strict.
 */
#ifndef POLICY_TOOL_JSON_H
#define POLICY_TOOL_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "policy/rules/device.h"

/* One object out of a file. 0, or an error that was said. */
int json_read_object(json_t **out, const char *path);
/* A text without a NUL inside; ERR_FORMAT when it is none or does not fit. */
int json_copy_text(const json_t *value, char *dst, size_t size);

/* A device out of an object of the file at path, on a device_init. 0, or an
 * error that was said. */
struct device;
int device_take_json(struct device *dev, json_t *top, const char *path);

/* Values of a device, each ERR_FORMAT for what is not of that form. Lists fill
 * the store and point out at it. */
int json_hex(const char *text, size_t digits, unsigned *out);
int json_sha256(uint8_t out[32], const char *text); /* 64 digits */
int json_read_id(uint16_t *vid, uint16_t *pid, const json_t *value);
int json_read_triple(struct rule_interface *out, const json_t *value);
int json_read_interface_list(struct rule_device *out,
    struct rule_device_store *store, const json_t *list);
int json_read_ancestors(struct rule_device *out,
    struct rule_device_store *store, const json_t *list);
int json_read_sha256(uint8_t out[32], const json_t *value);
int json_read_reports(struct rule_device *out,
    struct rule_device_store *store, const json_t *list);

#endif
