/*
 * Times and numbers out of the text of rules and profiles. 0 or ERR_FORMAT.
 */
#ifndef POLICY_TEXT_WHEN_H
#define POLICY_TEXT_WHEN_H

#include <stddef.h>
#include <stdint.h>

/* A number from 1 and s, m, h or d. */
int when_duration(const char *text, size_t len, uint32_t *seconds);
/* HH:MM[:SS], 24:00 only with is_end. */
int when_time(const char *text, size_t len, int is_end, uint32_t *second);
/* Mon or Mon-Fri: bit 0 = Monday. */
int when_days(const char *text, size_t len, uint8_t *days);
int when_timestamp(const char *text, size_t len, int64_t *at);
int when_number(const char *text, size_t len, uint32_t max, uint32_t *out);

#endif
