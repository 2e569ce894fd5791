/*
 * A device for `explain': out of a sysfs directory or a JSON file.
 */
#ifndef POLICY_TOOL_DEVICE_H
#define POLICY_TOOL_DEVICE_H

#include "policy/rules/device.h"

/* Fills out, whose texts lie in store. 0, or an error that was said on
 * standard error. */
int device_read(struct rule_device *out, struct rule_device_store *store,
    const char *path);

/* The two forms, for device_read: shown and real are the directory's name as
 * given and resolved. */
int device_read_sysfs(struct rule_device *out,
    struct rule_device_store *store, const char *shown, const char *real);
int device_read_json(struct rule_device *out,
    struct rule_device_store *store, const char *path);

#endif
