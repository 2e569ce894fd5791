/*
 * The workstation for `explain': out of facts on the command line, or out of
 * the JSON that sallyport-certs show prints.
 */
#ifndef POLICY_TOOL_IDENTITY_H
#define POLICY_TOOL_IDENTITY_H

#include <stddef.h>

#include "wire/identity.h"

/* "dns:kiosk1.example,ou:Staff", "cn=x", or the name of a JSON file; adds to
 * facts. 0, or an error that was said on standard error. */
int identity_read(struct x509_facts *facts, const char *arg);
int identity_read_json(struct x509_facts *facts, const char *path);

/* One fact. prefix is its kind ("dns", "fp:sha256"); "" when text starts with
 * it. ERR_FORMAT, ERR_LIMIT (too long, too many). */
int identity_add(struct x509_facts *facts, const char *prefix,
    const char *text, size_t len);

#endif
