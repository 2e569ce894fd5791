/*
 * What is right in rules and yet hardly meant: for `check' to warn of.
 */
#ifndef POLICY_TOOL_LINT_H
#define POLICY_TOOL_LINT_H

#include <stddef.h>

#include "policy/rules/rules.h"

typedef void lint_cb(
    void *arg, const char *file, unsigned line, const char *text);

/* Rules that are never reached or give a device other terms than one before
 * them, and ports by a name that changes, in rules of at most 64 KiB. 0 or
 * ERR_NOMEM. */
#define LINT_TEXT 65536u
int lint_rules(const struct rules *rules, lint_cb *cb, void *arg);

/* Names that are defined and never used. */
struct lint_names;
struct lint_names *lint_names_new(void);
/* The text of a file. What is no rule is passed over. */
void lint_names_read(struct lint_names *names, const char *file,
    const char *text, size_t len);
/* 0 or ERR_NOMEM. */
int lint_names_find(struct lint_names *names, lint_cb *cb, void *arg);
void lint_names_free(struct lint_names *names);

#endif
