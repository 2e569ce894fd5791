/*
 * What the relay's parent tells it on its command line.
 */
#ifndef VHCI_GLUE_RELAY_OPTS_H
#define VHCI_GLUE_RELAY_OPTS_H

#include "base/net.h"

enum relay_place {
	RELAY_BACKGROUND, /* lives on without its parent */
	RELAY_FOREGROUND,
};

struct relay_opts {
	struct net_liveness live;
	enum relay_place place;
	int has_log; /* descriptor 4 is a log file */
};

/* Exits on a wrong command line, and after --help and --version. */
void relay_opts_parse(struct relay_opts *out, int argc, char **argv);

#endif
