/*
 * Times as a person gives them to the tool, and the clock on a wall.
 */
#ifndef POLICY_TOOL_WHEN_H
#define POLICY_TOOL_WHEN_H

#include <stdint.h>

#include "policy/rules/rules.h"

/* RFC 3339, "2026-03-02T06:15:00Z" or "...+01:00": Unix seconds. ERR_FORMAT. */
int when_read(const char *text, int64_t *out);
#define WHEN_TEXT 32
/* The same in UTC; "?" when it has no year of four digits. */
const char *when_show(char buf[WHEN_TEXT], int64_t at);

/* "90s" "30m" "8h" "7d": seconds. ERR_FORMAT. */
int when_read_duration(const char *text, uint32_t *out);
/* The same with the largest unit that divides it. */
const char *when_show_duration(char buf[WHEN_TEXT], uint32_t seconds);

/* Whether the C library has that time zone. */
int when_is_zone(const char *zone);
/* The wall clock there at that time, "" being this machine's zone. 0,
 * ERR_NOENT. Not for more than one thread. */
int when_local(const char *zone, int64_t at, struct rule_local *out);

#endif
