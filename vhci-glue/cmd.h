/*
 * The commands of `sallyport`: one file each, one row each in the table of
 * main.c. A command knows nothing of the others. Operands are counted before
 * it is called; it returns an exit code, and whatever is not EXITS_OK has been
 * said on standard error.
 */
#ifndef VHCI_GLUE_CMD_H
#define VHCI_GLUE_CMD_H

#include "vhci-glue/exits.h"
#include "vhci-glue/opts.h"

typedef int cmd_fn(const struct opts *opts);

cmd_fn cmd_agent;
cmd_fn cmd_list;
cmd_fn cmd_attach;
cmd_fn cmd_detach;
cmd_fn cmd_enroll;
cmd_fn cmd_notify;
cmd_fn cmd_status;
cmd_fn cmd_tunnel;
cmd_fn cmd_watch;

/* The first operand as a gateway: 0, or an exit code with the mistake said. */
int cmd_gateway(struct gateway *out, const struct opts *opts);
/* 0 for root; else an exit code, said. */
int cmd_need_root(const struct opts *opts);
/* What those that it starts would have to do without is said; with
 * --require-sandbox it is nothing from now on, or an exit code. */
int cmd_sandbox(const struct opts *opts);
/* Reads the controller: 0, or an exit code with the reason said and, when the
 * module is not loaded, what to run. */
struct vhci;
int cmd_vhci(struct vhci *out, const struct opts *opts);
/* Flushes standard output: code, or EXITS_FAILED with the reason said when that
 * goes wrong. */
int cmd_flush(const struct opts *opts, int code);

#endif
