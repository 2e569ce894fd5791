/*
 * Names of vendors and products from this machine's usb.ids, since USB/IP
 * carries numbers only. A missing file or number is no error.
 */
#ifndef BASE_USBIDS_H
#define BASE_USBIDS_H

#include <stddef.h>
#include <stdint.h>

#define USBIDS_NAME 128

struct usbids;

/* Reads path, or when it is NULL the places where distributions put it. NULL
 * when there is none. */
struct usbids *usbids_open(const char *path);
/* NULL is fine. */
void usbids_close(struct usbids *ids);

/* Escaped names, "" when unknown. ids may be NULL. */
void usbids_find(const struct usbids *ids, uint16_t vid, uint16_t pid,
    char vendor[USBIDS_NAME], char product[USBIDS_NAME]);

#endif
