/*
 * TZif: a header, a block with 32-bit times that is skipped, another header and
 * block with 64-bit times, and a line that says what holds after the last of
 * them: "CET-1CEST,M3.5.0,M10.5.0/3". A file of version 1 has only the first.
 */
#include "proxy/warden/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define HEADER 44u
#define TIMES_MAX 4096u
#define TYPES_MAX 256u
#define DAY 86400
#define OFFSET_MAX (26 * 3600)
#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */

/* A day of the year on which the clocks change, in three forms. */
enum change_form { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEK };

struct change {
	enum change_form form;
	int day;	 /* J1..J365, 0..365, or weekday 0 = Sunday */
	int week, month; /* of CHANGE_WEEK */
	int32_t at;	 /* seconds after local midnight */
};

/* After the last time of the table. */
struct footer {
	int is_there, has_summer;
	int32_t winter, summer; /* offsets */
	struct change begin, end;
};

struct zone {
	unsigned ntimes, ntypes;
	int64_t *times;
	uint8_t *types;
	int32_t offsets[TYPES_MAX];
	struct footer footer;
};

static uint32_t
be32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* ------------------------------------------------------------------------ */
/* Days                                                                     */

/* Days from 1970-01-01 to the first of March of that year. */
static int64_t
march_first(int64_t year)
{
	return 365 * (year - 1970) + (year / 4 - 492) - (year / 100 - 19) +
	    (year / 400 - 4) + 59;
}

static int
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
january_first(int64_t year)
{
	return march_first(year) - 59 - is_leap(year);
}

static int64_t
year_of(int64_t day)
{
	int64_t year = 1970 + day / 366;

	while (january_first(year + 1) <= day) {
		year++;
	}
	return year;
}

/* 0 = Sunday; the epoch was a Thursday. */
static int
weekday_of(int64_t day)
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static int64_t
month_first(int64_t year, int month)
{
	static const int before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

	return january_first(year) + before[month - 1] +
	    (month > 2 ? is_leap(year) : 0);
}

/* The change of that year, in seconds of the local clock before it. */
static int64_t
change_in(const struct change *c, int64_t year)
{
	int64_t day = january_first(year), first, next;

	switch (c->form) {
	case CHANGE_JULIAN: /* never counts 29 February */
		day += c->day - 1 + (c->day >= 60 ? is_leap(year) : 0);
		break;
	case CHANGE_DAY:
		day += c->day;
		break;
	case CHANGE_WEEK:
		first = month_first(year, c->month);
		next = c->month < 12 ? month_first(year, c->month + 1)
				     : january_first(year + 1);
		day = first + (c->day - weekday_of(first) + 7) % 7 +
		    7 * (c->week - 1);
		while (day >= next) {
			day -= 7;
		}
		break;
	}
	return day * DAY + c->at;
}

/* ------------------------------------------------------------------------ */
/* The line at the end                                                      */

static int
take_char(const char **p, char c)
{
	if (**p != c) {
		return 0;
	}
	(*p)++;
	return 1;
}

static int
take_number(const char **p, int max, int *out)
{
	int n = 0, digits = 0;

	while (**p >= '0' && **p <= '9' && digits++ < 4) {
		n = 10 * n + (*(*p)++ - '0');
	}
	*out = n;
	return digits > 0 && n <= max;
}

/* "CET" or "<+03>"; which one does not matter. */
static int
take_name(const char **p)
{
	int n = 0;

	if (take_char(p, '<')) {
		while (isalnum((unsigned char)**p) || **p == '+' ||
		    **p == '-') {
			(*p)++;
			n++;
		}
		return n >= 3 && take_char(p, '>');
	}
	while (isalpha((unsigned char)**p)) {
		(*p)++;
		n++;
	}
	return n >= 3;
}

/* [+-]hh[:mm[:ss]] */
static int
take_clock(const char **p, int32_t *out)
{
	int sign = 1, h, m = 0, s = 0;

	if (take_char(p, '-')) {
		sign = -1;
	} else {
		(void)take_char(p, '+');
	}
	if (!take_number(p, 167, &h) ||
	    (take_char(p, ':') &&
		(!take_number(p, 59, &m) ||
		    (take_char(p, ':') && !take_number(p, 59, &s))))) {
		return 0;
	}
	*out = sign * (h * 3600 + m * 60 + s);
	return 1;
}

static int
take_change(const char **p, struct change *c)
{
	int ok;

	if (!take_char(p, ',')) {
		return 0;
	}
	if (take_char(p, 'M')) {
		c->form = CHANGE_WEEK;
		ok = take_number(p, 12, &c->month) && c->month >= 1 &&
		    take_char(p, '.') && take_number(p, 5, &c->week) &&
		    c->week >= 1 && take_char(p, '.') &&
		    take_number(p, 6, &c->day);
	} else if (take_char(p, 'J')) {
		c->form = CHANGE_JULIAN;
		ok = take_number(p, 365, &c->day) && c->day >= 1;
	} else {
		c->form = CHANGE_DAY;
		ok = take_number(p, 365, &c->day);
	}
	c->at = 2 * 3600;
	if (ok && take_char(p, '/')) {
		ok = take_clock(p, &c->at);
	}
	return ok;
}

static int
parse_footer(struct footer *f, const char *text)
{
	const char *p = text;

	memset(f, 0, sizeof(*f));
	if (*p == '\0') {
		return 0; /* the last of the table holds */
	}
	if (!take_name(&p) || !take_clock(&p, &f->winter)) {
		return ERR_FORMAT;
	}
	/* POSIX counts westwards. */
	f->winter = -f->winter;
	f->is_there = 1;
	if (*p == '\0') {
		return 0;
	}
	f->has_summer = 1;
	f->summer = f->winter + 3600;
	if (!take_name(&p)) {
		return ERR_FORMAT;
	}
	if (*p != ',') {
		if (!take_clock(&p, &f->summer)) {
			return ERR_FORMAT;
		}
		f->summer = -f->summer;
	}
	if (!take_change(&p, &f->begin) || !take_change(&p, &f->end) ||
	    *p != '\0') {
		return ERR_FORMAT;
	}
	return 0;
}

static int32_t
footer_offset(const struct footer *f, int64_t at)
{
	int64_t year, begin, end;

	if (!f->has_summer) {
		return f->winter;
	}
	/* Far from today nothing is promised, but it must end. */
	at = at < 0 ? 0 : at > TIME_MAX ? TIME_MAX : at;
	year = year_of((at + f->winter) / DAY);
	begin = change_in(&f->begin, year) - f->winter;
	end = change_in(&f->end, year) - f->summer;
	if (begin < end) {
		return at >= begin && at < end ? f->summer : f->winter;
	}
	return at >= end && at < begin ? f->winter : f->summer;
}

/* ------------------------------------------------------------------------ */
/* The file                                                                 */

struct counts {
	uint32_t isut, isstd, leap, times, types, chars;
	uint8_t version;
};

static int
read_header(struct counts *c, const uint8_t *p, size_t len)
{
	if (len < HEADER || memcmp(p, "TZif", 4) != 0) {
		return ERR_FORMAT;
	}
	c->version = p[4];
	c->isut = be32_at(p + 20);
	c->isstd = be32_at(p + 24);
	c->leap = be32_at(p + 28);
	c->times = be32_at(p + 32);
	c->types = be32_at(p + 36);
	c->chars = be32_at(p + 40);
	if (c->times > TIMES_MAX || c->types == 0 || c->types > TYPES_MAX ||
	    c->chars > ZONE_FILE_MAX || c->leap > TIMES_MAX ||
	    c->isut > TYPES_MAX || c->isstd > TYPES_MAX) {
		return ERR_LIMIT;
	}
	return 0;
}

static size_t
block_size(const struct counts *c, size_t wide)
{
	return c->times * (wide + 1) + c->types * 6 + c->chars +
	    c->leap * (wide + 4) + c->isstd + c->isut;
}

static int64_t
time_at(const uint8_t *p, size_t wide)
{
	return wide == 8
	    ? (int64_t)((uint64_t)be32_at(p) << 32 | be32_at(p + 4))
	    : (int64_t)(int32_t)be32_at(p);
}

static int
read_block(struct zone *z, const struct counts *c, const uint8_t *p,
    size_t wide)
{
	z->ntimes = c->times;
	z->ntypes = c->types;
	z->times = calloc(c->times + 1, sizeof(*z->times));
	z->types = calloc(c->times + 1, 1);
	if (z->times == NULL || z->types == NULL) {
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < c->times; i++) {
		z->times[i] = time_at(p + i * wide, wide);
		if (i > 0 && z->times[i] <= z->times[i - 1]) {
			return ERR_FORMAT;
		}
	}
	p += c->times * wide;
	for (unsigned i = 0; i < c->times; i++) {
		z->types[i] = p[i];
		if (p[i] >= c->types) {
			return ERR_FORMAT;
		}
	}
	p += c->times;
	for (unsigned i = 0; i < c->types; i++) {
		z->offsets[i] = (int32_t)be32_at(p + 6 * (size_t)i);
		if (z->offsets[i] < -OFFSET_MAX ||
		    z->offsets[i] > OFFSET_MAX) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

/* The second half of a file: 64-bit times, and the line. */
static int
read_second(struct zone *z, const uint8_t *p, size_t len)
{
	struct counts c;
	char line[128];
	size_t n;
	int r = read_header(&c, p, len);

	if (r != 0) {
		return r;
	}
	n = HEADER + block_size(&c, 8);
	if (n + 2 > len || p[n] != '\n' || p[len - 1] != '\n') {
		return ERR_FORMAT;
	}
	r = read_block(z, &c, p + HEADER, 8);
	p += n + 1;
	n = len - n - 2;
	if (r != 0 || n >= sizeof(line) || memchr(p, '\0', n) != NULL) {
		return r != 0 ? r : ERR_FORMAT;
	}
	memcpy(line, p, n);
	line[n] = '\0';
	return parse_footer(&z->footer, line);
}

int
zone_parse(struct zone **out, const void *data, size_t len)
{
	struct zone *z = calloc(1, sizeof(*z));
	const uint8_t *p = data;
	struct counts c;
	size_t n;
	int r;

	*out = NULL;
	if (z == NULL) {
		return ERR_NOMEM;
	}
	r = read_header(&c, p, len);
	n = r == 0 ? HEADER + block_size(&c, 4) : 0;
	if (r == 0 && n > len) {
		r = ERR_FORMAT;
	}
	if (r == 0) {
		r = c.version >= '2' ? read_second(z, p + n, len - n)
				     : read_block(z, &c, p + HEADER, 4);
	}
	if (r != 0) {
		zone_free(z);
		return r;
	}
	*out = z;
	return 0;
}

void
zone_free(struct zone *zone)
{
	if (zone != NULL) {
		free(zone->times);
		free(zone->types);
		free(zone);
	}
}

int32_t
zone_offset(const struct zone *zone, int64_t at)
{
	unsigned low = 0, high;

	if (zone == NULL) {
		return 0;
	}
	high = zone->ntimes;
	/* the first time after it */
	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (zone->times[mid] <= at) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	if (low == zone->ntimes && zone->footer.is_there) {
		return footer_offset(&zone->footer, at);
	}
	return zone->offsets[low == 0 ? 0 : zone->types[low - 1]];
}

void
zone_time(struct zone_time *out, const struct zone *zone, int64_t at)
{
	int64_t local = at + zone_offset(zone, at);
	int64_t day = local / DAY;

	if (local % DAY < 0) {
		day--;
	}
	out->weekday = (unsigned)(weekday_of(day) + 6) % 7;
	out->second = (unsigned)(local - day * DAY);
}
