/*
 * USBGuard's device hash, so that rules written for it keep their meaning.
 */
#ifndef POLICY_TOOL_HASH_H
#define POLICY_TOOL_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "wire/desc.h"

#define USBGUARD_HASH 45 /* base64 of a SHA-256 and its NUL */

/* Of a device: product and serial as UTF-8 without a newline ("" if none), its
 * 18-byte device descriptor, and all configurations in order, raw. 0 or
 * ERR_SYS. */
int usbguard_hash(char out[USBGUARD_HASH], const char *product,
    const char *serial, const uint8_t device[DESC_DEVICE_SIZE],
    const void *configs, size_t configs_len);

/* The parent hash of a root hub: of the sysfs path of its controller, without
 * the leading "/sys". 0 or ERR_SYS. */
int usbguard_path_hash(char out[USBGUARD_HASH], const char *path);

#endif
