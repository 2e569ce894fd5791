/*
 * The directory of a machine's certificate and key, when they are made: all
 * three files or none, and never in the place of others. Looks at no byte of
 * them. What is wrong has been said when a function returns -1.
 */
#ifndef VHCI_GLUE_KEYS_H
#define VHCI_GLUE_KEYS_H

#include "wire/ipc.h"

/* Makes dir, mode 0700, if its parent is there. -1 also when one of the files
 * is. */
int keys_check(const char *command, const char *dir);
/* Writes ca, cert and key of pem, mode 0600, the certificate last. */
int keys_write(
    const char *command, const char *dir, const struct ipc_pem *pem);

#endif
