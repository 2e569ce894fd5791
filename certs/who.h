/*
 * Whom a certificate is for, as a command line says it: a role, a name, other
 * names and organizational units. What is wrong has been said when a function
 * does not return CMD_OK.
 */
#ifndef CERTS_WHO_H
#define CERTS_WHO_H

#include <stddef.h>

#include "certs/ca.h"
#include "certs/name.h"

struct who {
	const char *op;		  /* borrowed: the subcommand's name; set first */
	const char *role, *name; /* borrowed from argv; NULL = not said yet */
	enum ca_kind kind;
	struct san sans[NAME_SANS];
	const char *texts[NAME_SANS]; /* of sans, borrowed; NULL: by default */
	const char *ous[NAME_OUS];	/* borrowed */
	size_t nsans, nous;
};

/* Values of --san and --ou, and operands: the role, then the name. */
int who_take_san(struct who *w, const char *value);
int who_take_ou(struct who *w, const char *value);
int who_take_operand(struct who *w, const char *value);
/* What can only be judged when all words are there. */
int who_complete(struct who *w);

#endif
