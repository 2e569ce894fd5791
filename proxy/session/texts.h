/*
 * The kernel's copy of a device's texts, out of its sysfs directory, for the
 * warden, which must not wait for a device. Knows nothing of USB.
 */
#ifndef PROXY_SESSION_TEXTS_H
#define PROXY_SESSION_TEXTS_H

#include "wire/ipc.h"

/* Waits for as long as the kernel has the device locked, then reads its texts
 * below dir. 0; ERR_NOENT: it is gone; ERR_LIMIT, ERR_FORMAT: what no kernel
 * says; ERR_SYS. */
int texts_read(struct ipc_texts *out, int dir);

/* Reads and tells the warden, or tells it why not; the exit code. dir and
 * warden are borrowed. */
int texts_run(int dir, int warden);

#endif
