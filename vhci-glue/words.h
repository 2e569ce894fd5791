/*
 * USB numbers in plain words, for tables. Pure.
 */
#ifndef VHCI_GLUE_WORDS_H
#define VHCI_GLUE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ipc.h"

/* What a device is, by the classes of its interfaces: "keyboard", "mass
 * storage + audio". Always NUL-terminated, cut to fit; returns dst. */
char *words_what(char *dst, size_t size, const struct ipc_item *item);

/* "high (480 Mb/s)" and the like; short: "high". Never NULL. */
const char *words_speed(unsigned speed);
const char *words_speed_short(unsigned speed);

/* "31.2 MB/s" of so many bytes a second; returns dst. */
char *words_rate(char *dst, size_t size, uint64_t rate);

/* What a person has to do about a CHALLENGE; returns dst. */
const char *words_challenge(
    char *dst, size_t size, const struct ipc_watch *watch);

#endif
