/*
 * User ids of relays. Relays of one machine do not share one, so that a relay
 * that was taken over cannot touch the others; nor do they share one with the
 * gateway's sessions, which use 60710 to 60989.
 */
#ifndef VHCI_GLUE_UIDS_H
#define VHCI_GLUE_UIDS_H

#include <sys/types.h>

#define UIDS_FIRST 61000u
#define UIDS_COUNT 100u

/* One that no process below proc ("/proc") runs under; when all are taken, one
 * that is shared. The group id is the same number. */
uid_t uids_pick(const char *proc);

#endif
