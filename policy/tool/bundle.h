/*
 * The subcommands of sallyport-policy bundle, and what they share: bundles,
 * signatures and keys as files.
 */
#ifndef POLICY_TOOL_BUNDLE_H
#define POLICY_TOOL_BUNDLE_H

#include <stddef.h>

#include "policy/bundle/bundle.h"
#include "policy/bundle/signed.h"
#include "policy/tool/cmd.h"

cmd_fn bundle_create, bundle_sign, bundle_verify, bundle_show, bundle_diff,
    bundle_test;

/* bundle_file.c. Each 0, or an error that was said. */
int bundle_file_read(struct bundle **out, const char *path);
/* FILE.sig. ERR_NOENT, and nothing is said, when there is none. */
int bundle_file_signatures(struct signatures *out, const char *path);
int bundle_file_keys(
    struct keyring *out, const char *path, unsigned threshold);
/* Replaces path, so that there is always the old file or the new one. */
int bundle_file_write(const char *path, const void *data, size_t len);

#endif
