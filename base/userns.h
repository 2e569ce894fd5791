/*
 * A user namespace of one's own, which is what lets somebody without privileges
 * leave the other namespaces of the machine. Who it is there stays as it was, and
 * nobody else has a number in it. It must not know what it is for.
 */
#ifndef BASE_USERNS_H
#define BASE_USERNS_H

/* Enters one, and with it what `with` names (CLONE_NEWPID, ... or 0). Between
 * fork and exec as well: async-signal-safe. 0; ERR_NOENT: the kernel, or who
 * administers it, gives none (errno says how); noticed late, this process is in
 * one without a number of its own; ERR_SYS. */
int userns_enter(int with);

/* Whether errno says that a kernel has no such namespace, or refuses it to
 * whoever has no privileges. */
int userns_is_refusal(int error);

#endif
