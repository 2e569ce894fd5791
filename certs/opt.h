/*
 * Command lines: long options with exact names, in any place, from one table
 * per subcommand; and values that several of them take.
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

/* Hands a row's index or OPT_OPERAND, and its value, to whoever keeps them:
 * CMD_OK, or the exit status of what was wrong, which has been said. */
typedef int opt_take(void *want, int o, const char *value);
/* The whole line, beginning behind the subcommand's name. OPT_GO: all was
 * taken; else the exit status, that of --help included, which prints help. */
#define OPT_GO (-1)
int opt_read(const char *op, const struct opt *table, const char *help,
    int argc, char **argv, opt_take *take, void *want);

/* Values of some kinds. CMD_OK, or CMD_USAGE after saying it; name is that of
 * the option, with its dashes. */
int opt_text(const char **out, const char *op, const char *name,
    const char *value); /* not empty */
/* From 1 to max. */
int opt_number(unsigned *out, const char *op, const char *name, unsigned max,
    const char *value);
int opt_days(long *out, const char *op, const char *value);
/* An operand, of which there can be one: `what'. */
int opt_only(const char **out, const char *op, const char *what,
    const char *value);

#endif
