/*
 * A decision in words, for people and for programs.
 */
#ifndef POLICY_TOOL_VERDICT_H
#define POLICY_TOOL_VERDICT_H

#include <jansson.h>
#include <stddef.h>

#include "policy/rules/rules.h"

/* One word for a term, "" for none: window until once max approve forbid
 * expose time. */
const char *verdict_term(enum rule_term term);
/* What that means: "outside of its window". */
const char *verdict_term_words(enum rule_term term);

/* "allow: a.rules:3 key K-SCAN", with the reason of what is no allow. */
const char *verdict_line(
    char *buf, size_t size, const struct rule_decision *decision);
/* The terms of an allow or pending: "using "x", lease 30m, once"; "" when it
 * has none. */
const char *verdict_grant(
    char *buf, size_t size, const struct rule_decision *decision);
/* The numbers of interfaces that are shown, in order, each once: "0 2". What
 * is shown in one configuration and hidden in another is shown. */
const char *verdict_exposes(char *buf, size_t size,
    const struct rule_decision *decision, const struct rule_device *dev);

/* A new object; NULL when memory is short, or a name no UTF-8. */
json_t *verdict_json(const struct rule_decision *decision,
    const struct rule_device *dev);

#endif
