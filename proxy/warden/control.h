/*
 * The control socket's requests, each a function that makes the answer. For
 * the files control*.c and diff.c alone.
 */
#ifndef PROXY_WARDEN_CONTROL_H
#define PROXY_WARDEN_CONTROL_H

#include <jansson.h>

#include "proxy/warden/warden.h"

/* request is an object; the answer is the caller's. */
typedef json_t *control_op(struct warden *w, json_t *request);

/* control.c: answers. Hostile text, escaped; a clock_wall time, unless it is
 * 0; how long until then; an exit code of sallyctl(1) and a line for people. */
void control_text(json_t *o, const char *name, const char *text);
void control_time(json_t *o, const char *name, uint64_t wall);
json_int_t control_left(uint64_t ends); /* seconds, of a clock_mono time */
json_t *control_failure(int code, const char *text);
json_t *control_success(void);

/* control_ops.c: devices and connections. */
control_op control_status, control_devices, control_sessions, control_kick,
    control_quarantined, control_unquarantine, control_capture;

/* metrics_json.c: numbers. */
control_op control_metrics;

/* control_audit.c: the audit log. */
control_op control_audit_key;
void control_put_audit(json_t *o, const struct audit *audit); /* its state */

/* sandboxes.c: what holds each process. */
control_op control_sandbox;

/* control_policy.c: rules, and who says yes. */
control_op control_reload, control_confirm, control_explain, control_asks,
    control_approve, control_deny, control_arm, control_disarm,
    control_policy;

/* verdict_json.c */
control_op control_verdicts;

/* diff.c: what other rules mean for the devices that are here and the
 * identities that are known. */
struct snapshot;
/* By those rules, NULL being none. NULL: no memory. Its texts are borrowed from
 * the rules. */
struct snapshot *snapshot_take(struct warden *w, const struct rules *rules);
void snapshot_free(struct snapshot *snapshot);
/* Array of what differs; both of the same turn of the loop. */
json_t *snapshot_diff(
    const struct snapshot *before, const struct snapshot *after);

#endif
