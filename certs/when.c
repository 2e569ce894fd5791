/*
 * Calendar arithmetic by timegm and gmtime_r; only the reading of RFC 3339
 * text is our own. Years before 2000 are refused, since mbedTLS writes them in
 * a form that RFC 5280 forbids.
 */
#include "certs/when.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW 300 /* seconds that a peer's clock may be late */

/* Reads n digits at *p and moves on; -1 if there are fewer. */
static int
take_digits(const char **p, int n)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (!isdigit((unsigned char)**p)) {
			return -1;
		}
		v = v * 10 + (**p - '0');
	}
	return v;
}

static int
take_char(const char **p, const char *set)
{
	if (**p == '\0' || strchr(set, **p) == NULL) {
		return -1;
	}
	return *(*p)++;
}

/* `Z` or `+HH:MM` or `-HH:MM`, as seconds east of UTC. */
static int
take_zone(const char **p, long *out)
{
	int c = take_char(p, "Zz+-"), hour, minute;

	*out = 0;
	if (c < 0 || c == 'Z' || c == 'z') {
		return c < 0 ? -1 : 0;
	}
	hour = take_digits(p, 2);
	if (hour < 0 || hour > 23 || take_char(p, ":") < 0) {
		return -1;
	}
	minute = take_digits(p, 2);
	if (minute < 0 || minute > 59) {
		return -1;
	}
	*out = (hour * 60L + minute) * (c == '-' ? -60 : 60);
	return 0;
}

int
when_parse(time_t *out, const char *text)
{
	const char *p = text;
	struct tm tm, back;
	long zone;
	time_t t;

	memset(&tm, 0, sizeof(tm));
	if ((tm.tm_year = take_digits(&p, 4)) < 2000 ||
	    take_char(&p, "-") < 0 || (tm.tm_mon = take_digits(&p, 2)) < 1 ||
	    take_char(&p, "-") < 0 || (tm.tm_mday = take_digits(&p, 2)) < 1 ||
	    take_char(&p, "Tt ") < 0 || (tm.tm_hour = take_digits(&p, 2)) < 0 ||
	    take_char(&p, ":") < 0 || (tm.tm_min = take_digits(&p, 2)) < 0 ||
	    take_char(&p, ":") < 0 || (tm.tm_sec = take_digits(&p, 2)) < 0) {
		return -1;
	}
	if (*p == '.') { /* a fraction of a second has no place in X.509 */
		p++;
		if (take_digits(&p, 1) < 0) {
			return -1;
		}
		while (isdigit((unsigned char)*p)) {
			p++;
		}
	}
	if (take_zone(&p, &zone) != 0 || *p != '\0') {
		return -1;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back);
	/* timegm folds 31 February into March: then it was no date. */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min ||
	    back.tm_sec != tm.tm_sec) {
		return -1;
	}
	t -= zone;
	if (gmtime_r(&t, &back) == NULL || back.tm_year < 100) {
		return -1;
	}
	*out = t;
	return 0;
}

int
when_parse_days(long *out, const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 5) {
		return -1;
	}
	*out = strtol(text, &end, 10);
	return *end == '\0' && *out >= 1 && *out <= WHEN_MAX_DAYS ? 0 : -1;
}

void
when_text(char out[WHEN_TEXT], time_t t)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, WHEN_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(out, WHEN_TEXT, "?");
	}
}

void
when_compact(char out[WHEN_COMPACT], time_t t)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, WHEN_COMPACT, "%Y%m%d%H%M%S", &tm) == 0) {
		snprintf(out, WHEN_COMPACT, "?");
	}
}

time_t
when_of_x509(const mbedtls_x509_time *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	tm.tm_year = t->year - 1900;
	tm.tm_mon = t->mon - 1;
	tm.tm_mday = t->day;
	tm.tm_hour = t->hour;
	tm.tm_min = t->min;
	tm.tm_sec = t->sec;
	return timegm(&tm);
}

int
when_span(struct when_span *out, const time_t *start, long days)
{
	time_t from = start != NULL ? *start : time(NULL);
	struct tm tm;

	out->from = start != NULL ? from : from - SKEW;
	out->until = from + (time_t)days * WHEN_DAY;
	if (gmtime_r(&out->until, &tm) == NULL || tm.tm_year + 1900 > 9999) {
		return -1;
	}
	return 0;
}
