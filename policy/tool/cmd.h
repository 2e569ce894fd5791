/*
 * The subcommands of sallyport-policy: one file each, one row each in the
 * table of main.c. A subcommand knows nothing of the others.
 */
#ifndef POLICY_TOOL_CMD_H
#define POLICY_TOOL_CMD_H

/* The documented exit statuses. */
enum cmd_exit {
	CMD_OK = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2,
	CMD_DENIED = 3,
};

/* argv[0] is the subcommand's own name. Whatever is not CMD_OK has been said:
 * on standard error, or for CMD_DENIED as the answer. */
typedef int cmd_fn(int argc, char **argv);

cmd_fn cmd_bundle;
cmd_fn cmd_check;
cmd_fn cmd_explain;
cmd_fn cmd_fmt;
cmd_fn cmd_import;
cmd_fn cmd_replay;
cmd_fn cmd_test;

/* cmd.c */
/* "PROGRAM: TEXT" on standard error. */
void cmd_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for wrong use, and where help is; gives CMD_USAGE. */
int cmd_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "OPTION VALUE" or "OPTION=VALUE" at *i of the arguments: the value, moving *i
 * on; NULL when it is another option, or its value is missing. */
const char *cmd_value(char **argv, int argc, int *i, const char *option);

#endif
