/*
 * A device for a question: out of a sysfs directory, a JSON file, or words.
 */
#ifndef POLICY_TOOL_DEVICE_H
#define POLICY_TOOL_DEVICE_H

#include "policy/rules/device.h"

/* The facts and what they borrow: large, never on the stack, and it must not
 * move. */
struct device {
	struct rule_device facts;
	struct rule_device_store store;
};

/* A device that nothing is known of, 0000:0000. */
void device_init(struct device *dev);

/* Fills dev. 0, or an error that was said on standard error. */
int device_read(struct device *dev, const char *path);

/* One fact by its name: id name manufacturer serial hash parent-hash via-port
 * stable-port with-connect-type release speed plugged desc report. ERR_NOENT
 * for another name; ERR_FORMAT with expected set, ERR_LIMIT. */
int device_set(struct device *dev, const char *name, const char *text,
    const char **expected);
/* One more interface, "03:01:01", for HID also "03:01:01=keyboard+mouse": of the
 * first configuration, its number being how many there were. ERR_FORMAT,
 * ERR_LIMIT. */
int device_add_interface(struct device *dev, const char *text);

/* The two forms, for device_read: shown and real are the directory's name as
 * given and resolved. */
int device_read_sysfs(struct device *dev, const char *shown, const char *real);
int device_read_json(struct device *dev, const char *path);

#endif
