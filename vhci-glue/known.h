/*
 * The gateways whose keys this workstation knows, as ssh knows hosts: lines
 * "GATEWAY sha256:HEX", in a file that an administrator writes, or that is
 * added to when somebody asks for it. A gateway may have several; one without
 * any is trusted as its certificate says. Knows nothing of TLS.
 */
#ifndef VHCI_GLUE_KNOWN_H
#define VHCI_GLUE_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ipc.h"

#define KNOWN_FILE SYSCONFDIR "/sallyport/known_gateways"
#define KNOWN_TEXT 72 /* "sha256:" and 64 digits, with its NUL */

/* The keys of gateway (as gateway_text writes it), *n of them; 0 when the file
 * is not there. The file may be written to by its owner alone, who is root or
 * the caller. ERR_LIMIT (more than IPC_PINS of it), ERR_POLICY, ERR_SYS,
 * ERR_NOMEM; ERR_FORMAT with *line where the file is wrong, whatever gateway
 * that line is about: a slip of the pen must not unpin one. */
int known_find(const char *path, const char *gateway,
    uint8_t keys[IPC_PINS][32], unsigned *n, unsigned *line);
/* Adds a line, and makes the file when there is none. 0, ERR_SYS, ERR_NOMEM,
 * ERR_FORMAT (gateway is no name), or as known_find. */
int known_add(const char *path, const char *gateway, const uint8_t key[32]);

/* Returns dst. */
char *known_text(char dst[KNOWN_TEXT], const uint8_t key[32]);

#endif
