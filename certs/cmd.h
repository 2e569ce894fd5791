/*
 * The subcommands of sallyport-certs: one file each, one row each in the table
 * of main.c. A subcommand knows nothing of the others.
 */
#ifndef CERTS_CMD_H
#define CERTS_CMD_H

/* The documented exit statuses. */
enum cmd_exit { CMD_OK = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

#define CMD_DEFAULT_DIR "/etc/sallyport/pki"

/* argv[0] is the subcommand's own name. Whatever is not CMD_OK has been said
 * on standard error. */
typedef int cmd_fn(int argc, char **argv);

cmd_fn cmd_crl;
cmd_fn cmd_init;
cmd_fn cmd_issue;
cmd_fn cmd_renew;
cmd_fn cmd_revoke;
cmd_fn cmd_serve;
cmd_fn cmd_show;
cmd_fn cmd_token;

#endif
