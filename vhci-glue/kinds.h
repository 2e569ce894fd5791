/*
 * The words of `--accept' and of the agent's `attach' lines: which guarded
 * devices were asked for (enum ipc_accept). Pure.
 */
#ifndef VHCI_GLUE_KINDS_H
#define VHCI_GLUE_KINDS_H

#include <stddef.h>

#define KINDS_TEXT 32

/* One word of len bytes into *accept: "keyboard" and "network" add a bit, "none"
 * takes away IPC_ACCEPT_LISTED. 0, or ERR_FORMAT. */
int kinds_parse(unsigned *accept, const char *word, size_t len);

/* The words, with commas between them, that turn the default into accept; "" for
 * the default. size >= KINDS_TEXT. Returns dst. */
char *kinds_text(char *dst, size_t size, unsigned accept);

#endif
