/*
 * Names of devices and sockets that outlive a boot and a plug in other order,
 * out of sysfs. Knows no registry and no rules; works on any directory tree, so
 * that tests can make one.
 */
#ifndef PROXY_WARDEN_STABLE_H
#define PROXY_WARDEN_STABLE_H

#include <stddef.h>
#include <stdint.h>

/* 4 + 1 + 4, a serial number of which every byte is escaped, a port path of
 * RULE_PORT, three separators and the NUL. */
#define STABLE_NAME 1856

/* The port path of the device at syspath (a real path below /sys/devices):
 * the ID_PATH of its controller, as udev makes it, ':', and the port numbers
 * from the root hub on: "pci-0000:00:14.0:2.4", "platform-dummy_hcd.0:1". A
 * root hub has port 0.
 *
 * The SuperSpeed and the high-speed port of one socket have the same path, that
 * of the high-speed one, which sysfs calls the `peer' of the other. A
 * SuperSpeed port without a peer keeps its own numbers behind "ss-".
 *
 * 0; ERR_FORMAT: not a USB device's path; ERR_LIMIT: it does not fit. */
int stable_port(char *dst, size_t size, const char *syspath);

/* Directory in sysfs of the port that the device at syspath hangs on, which is
 * there before the device's own `port' link is. ERR_NOENT for a root hub;
 * ERR_FORMAT, ERR_LIMIT. */
int stable_port_dir(char *dst, size_t size, const char *syspath);

/* Which configuration of the device at syspath is set, by the names of its
 * interfaces, for the kernel shows the number only under the device's lock. 0 =
 * none, or one without interfaces, which is of no use to anybody. */
int stable_config(const char *syspath);

/* "vid:pid[:serial]@port": serial is the device's own text, of which every byte
 * but [A-Za-z0-9._-] becomes %HH; port is a stable_port, "" = unknown. 0, or
 * ERR_LIMIT; size STABLE_NAME is always enough. */
int stable_name(char *dst, size_t size, uint16_t vid, uint16_t pid,
    const char *serial, const char *port);

#endif
