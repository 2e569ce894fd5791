/*
 * Points in time as certificates and command lines write them. Always UTC.
 */
#ifndef CERTS_WHEN_H
#define CERTS_WHEN_H

#include <time.h>

#include <mbedtls/x509.h>

#define WHEN_DAY 86400
#define WHEN_MAX_DAYS 36500
#define WHEN_TEXT 21	/* 2026-01-31T12:00:00Z and a NUL */
#define WHEN_COMPACT 15 /* 20260131120000 and a NUL */

/* From `not before` to `not after`. */
struct when_span {
	time_t from, until;
};

/* An RFC 3339 time of the years 2000 to 9999: 0, or -1. */
int when_parse(time_t *out, const char *text);
/* 1 to WHEN_MAX_DAYS in decimal digits: 0, or -1. */
int when_parse_days(long *out, const char *text);

void when_text(char out[WHEN_TEXT], time_t t);
void when_compact(char out[WHEN_COMPACT], time_t t);
time_t when_of_x509(const mbedtls_x509_time *t);

/* days from *start, or from now (and then begun five minutes early) when start
 * is NULL: 0, or -1 when it would end after the year 9999. */
int when_span(struct when_span *out, const time_t *start, long days);

#endif
