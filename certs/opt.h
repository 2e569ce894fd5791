/*
 * Command lines: long options with exact names, in any place, from one table
 * per subcommand. Knows nothing of what the options mean.
 */
#ifndef CERTS_OPT_H
#define CERTS_OPT_H

enum opt_arg { OPT_FLAG, OPT_VALUE };

/* A row of a table; the row's index is what opt_next returns. The table ends
 * with a NULL name. */
struct opt {
	const char *name; /* without the dashes */
	enum opt_arg arg;
};

/* What opt_next returns besides an index. */
enum opt_what { OPT_OPERAND = -1, OPT_END = -2, OPT_WRONG = -3, OPT_HELP = -4 };

struct opt_iter {
	const char *op;		/* borrowed: the subcommand's name */
	const struct opt *table; /* borrowed */
	char **argv;		/* borrowed */
	int argc;
	int at;		  /* next argument; start with 1 */
	int only_operands; /* `--` was seen */
};

/* One step. *value is the option's value or the operand, borrowed from argv.
 * OPT_WRONG has been said already. */
int opt_next(struct opt_iter *it, const char **value);

#endif
