/*
 * Time. Deadlines and distances use the monotonic clock, in nanoseconds;
 * wall time is only for certificates, audit lines and people.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_SEC UINT64_C(1000000000)
#define CLOCK_MSEC UINT64_C(1000000)

/* Nanoseconds of CLOCK_MONOTONIC. Never fails. */
uint64_t clock_mono(void);
/* Nanoseconds since the epoch, CLOCK_REALTIME. */
uint64_t clock_wall(void);
/* Writes RFC 3339 UTC with milliseconds ("2026-11-22T13:09:00.123Z") of a
 * clock_wall() value; size >= 25. Returns buf. */
char *clock_rfc3339(char *buf, size_t size, uint64_t wall);

#endif
