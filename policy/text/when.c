/*
 * Times and numbers as rules and profiles write them. Every digit is counted: what does not
 * fit is an error, never a smaller number.
 */
#include "policy/text/when.h"

#include <string.h>

#include "base/err.h"

#define DAY 86400u

/* Digits at *p, at most max of them, moving *p on; -1 when there is none. */
static int64_t
digits(const char **p, const char *end, unsigned max)
{
	int64_t v = 0;
	unsigned n = 0;

	while (*p < end && **p >= '0' && **p <= '9' && n < max) {
		v = v * 10 + (**p - '0');
		(*p)++;
		n++;
	}
	return n > 0 ? v : -1;
}

/* Exactly n digits, of at most max. */
static int
field(const char **p, const char *end, unsigned n, int64_t max, int64_t *out)
{
	const char *start = *p;

	*out = digits(p, end, n);
	return (size_t)(*p - start) == n && *out <= max ? 0 : ERR_FORMAT;
}

static int
skip(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c) {
		return ERR_FORMAT;
	}
	(*p)++;
	return 0;
}

int
when_number(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	const char *p = text, *end = text + len;
	int64_t v = digits(&p, end, 10);

	if (v < 0 || p != end || v > max) {
		return ERR_FORMAT;
	}
	*out = (uint32_t)v;
	return 0;
}

int
when_duration(const char *text, size_t len, uint32_t *seconds)
{
	static const char units[] = "smhd";
	static const uint32_t sizes[] = {1, 60, 3600, DAY};
	const char *p = text, *end = text + len, *unit;
	int64_t v = digits(&p, end, 10);

	if (v <= 0 || p + 1 != end || *p == '\0') {
		return ERR_FORMAT;
	}
	unit = strchr(units, *p);
	if (unit == NULL || v > UINT32_MAX / sizes[unit - units]) {
		return ERR_FORMAT;
	}
	*seconds = (uint32_t)v * sizes[unit - units];
	return 0;
}

int
when_time(const char *text, size_t len, int is_end, uint32_t *second)
{
	const char *p = text, *end = text + len;
	int64_t h, m, s = 0;

	if (field(&p, end, 2, is_end ? 24 : 23, &h) != 0 ||
	    skip(&p, end, ':') != 0 || field(&p, end, 2, 59, &m) != 0) {
		return ERR_FORMAT;
	}
	if (p < end && (skip(&p, end, ':') != 0 ||
			   field(&p, end, 2, 59, &s) != 0)) {
		return ERR_FORMAT;
	}
	if (p != end || (h == 24 && (m != 0 || s != 0))) {
		return ERR_FORMAT;
	}
	*second = (uint32_t)(h * 3600 + m * 60 + s);
	return 0;
}

static int
day(const char *text, size_t len)
{
	static const char names[] = "MonTueWedThuFriSatSun";

	for (int i = 0; len == 3 && i < 7; i++) {
		if (memcmp(text, names + 3 * i, 3) == 0) {
			return i;
		}
	}
	return -1;
}

int
when_days(const char *text, size_t len, uint8_t *days)
{
	int from, to;

	*days = 0;
	from = to = day(text, len);
	if (len == 7 && text[3] == '-') {
		from = day(text, 3);
		to = day(text + 4, 3);
	}
	if (from < 0 || to < 0) {
		return ERR_FORMAT;
	}
	/* Fri-Mon goes over the end of the week */
	for (int i = from;; i = (i + 1) % 7) {
		*days = (uint8_t)(*days | 1u << i);
		if (i == to) {
			return 0;
		}
	}
}

/* Days since 1970-01-01; y >= 1970. */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243,
	    273, 304, 334};
	int64_t leaps, last = m > 2 ? y : y - 1;

	leaps = (last / 4 - last / 100 + last / 400) -
	    (1969 / 4 - 1969 / 100 + 1969 / 400);
	return (y - 1970) * 365 + before[m - 1] + d - 1 + leaps;
}

static int64_t
days_in_month(int64_t y, int64_t m)
{
	if (m == 2) {
		return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : 28;
	}
	return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

/* "Z" or "+HH:MM": seconds to take away. */
static int
offset(const char **p, const char *end, int64_t *out)
{
	int64_t h, m;
	int sign;

	*out = 0;
	if (skip(p, end, 'Z') == 0 || skip(p, end, 'z') == 0) {
		return 0;
	}
	sign = skip(p, end, '-') == 0 ? -1 : 1;
	if ((sign > 0 && skip(p, end, '+') != 0) ||
	    field(p, end, 2, 23, &h) != 0 || skip(p, end, ':') != 0 ||
	    field(p, end, 2, 59, &m) != 0) {
		return ERR_FORMAT;
	}
	*out = sign * (h * 3600 + m * 60);
	return 0;
}

int
when_timestamp(const char *text, size_t len, int64_t *at)
{
	const char *p = text, *end = text + len;
	int64_t y, mo, d, h, mi, s, off;

	if (field(&p, end, 4, 9999, &y) != 0 || skip(&p, end, '-') != 0 ||
	    field(&p, end, 2, 12, &mo) != 0 || skip(&p, end, '-') != 0 ||
	    field(&p, end, 2, 31, &d) != 0 ||
	    (skip(&p, end, 'T') != 0 && skip(&p, end, 't') != 0) ||
	    field(&p, end, 2, 23, &h) != 0 || skip(&p, end, ':') != 0 ||
	    field(&p, end, 2, 59, &mi) != 0 || skip(&p, end, ':') != 0 ||
	    field(&p, end, 2, 60, &s) != 0) {
		return ERR_FORMAT;
	}
	/* parts of a second are allowed and not counted */
	if (skip(&p, end, '.') == 0) {
		if (digits(&p, end, 1) < 0) {
			return ERR_FORMAT;
		}
		while (digits(&p, end, 9) >= 0) {
		}
	}
	if (offset(&p, end, &off) != 0 || p != end || y < 1970 || mo < 1 ||
	    d < 1 || d > days_in_month(y, mo)) {
		return ERR_FORMAT;
	}
	*at = days_from_civil(y, mo, d) * (int64_t)DAY + h * 3600 + mi * 60 +
	    s - off;
	return *at > 0 ? 0 : ERR_FORMAT;
}
