/*
 * Which devices somebody detached by hand: the agent leaves them alone until
 * they are attached again. A file of root's below /run, so that it works with
 * and without an agent, and a reboot forgets it.
 */
#ifndef VHCI_GLUE_OFF_H
#define VHCI_GLUE_OFF_H

#define OFF_FILE "/run/sallyport/off"

/* what is a stable name or a bus id; printable, without blanks. All: 0, or
 * ERR_SYS, ERR_NOMEM, ERR_FORMAT. */
int off_add(const char *path, const char *gateway, const char *what);
/* Not there is fine. */
int off_remove(const char *path, const char *gateway, const char *what);
/* 1 when it is there. */
int off_has(const char *path, const char *gateway, const char *what);

#endif
