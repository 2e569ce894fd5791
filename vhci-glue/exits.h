/*
 * The documented exit statuses of every program of the project, as the
 * workstation's use them.
 */
#ifndef VHCI_GLUE_EXITS_H
#define VHCI_GLUE_EXITS_H

enum exits {
	EXITS_OK = 0,
	EXITS_FAILED = 1,
	EXITS_USAGE = 2,
	EXITS_DENIED = 3,      /* by policy, or a certificate was refused */
	EXITS_UNREACHABLE = 4, /* no gateway answers */
	EXITS_NOT_FOUND = 5,   /* no such device or port, or it is busy */
};

#endif
