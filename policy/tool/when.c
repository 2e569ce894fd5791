/*
 * Times: RFC 3339 and durations as in rules, and time zones of the C library,
 * which knows them by the environment only.
 */
#include "policy/tool/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"

#define ZONES "/usr/share/zoneinfo/"

/* Whether text has that shape: 0 stands for a digit, all else for itself. */
static int
has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; text++, shape++) {
		if (*shape == '0' ? *text < '0' || *text > '9' :
				    *text != *shape) {
			return 0;
		}
	}
	return *text == '\0';
}

static int
pair(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

int
when_read(const char *text, int64_t *out)
{
	static const char shape[] = "0000-00-00T00:00:00";
	char date[sizeof(shape)];
	const char *zone = text + sizeof(shape) - 1;
	struct tm tm = {0}, back;
	int64_t offset = 0;
	time_t at;

	if (strnlen(text, sizeof(shape)) != sizeof(shape)) {
		return ERR_FORMAT; /* at least one byte behind it */
	}
	memcpy(date, text, sizeof(shape) - 1);
	date[sizeof(shape) - 1] = '\0';
	if (!has_shape(date, shape)) {
		return ERR_FORMAT;
	}
	tm.tm_year = pair(date) * 100 + pair(date + 2) - 1900;
	tm.tm_mon = pair(date + 5) - 1;
	tm.tm_mday = pair(date + 8);
	tm.tm_hour = pair(date + 11);
	tm.tm_min = pair(date + 14);
	tm.tm_sec = pair(date + 17);
	back = tm;
	at = timegm(&back);
	/* what was not a date comes back as another one */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min ||
	    back.tm_sec != tm.tm_sec || at < 0) {
		return ERR_FORMAT;
	}
	if (has_shape(zone, "+00:00") || has_shape(zone, "-00:00")) {
		if (pair(zone + 1) > 23 || pair(zone + 4) > 59) {
			return ERR_FORMAT;
		}
		offset = pair(zone + 1) * 3600 + pair(zone + 4) * 60;
		offset = zone[0] == '-' ? -offset : offset;
	} else if (strcmp(zone, "Z") != 0) {
		return ERR_FORMAT;
	}
	*out = (int64_t)at - offset;
	return 0;
}

const char *
when_show(char buf[WHEN_TEXT], int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900 ||
	    strftime(buf, WHEN_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(buf, WHEN_TEXT, "?");
	}
	return buf;
}

static const struct {
	char unit;
	uint32_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
#define NUNITS (sizeof(units) / sizeof(units[0]))

int
when_read_duration(const char *text, uint32_t *out)
{
	uint64_t n = 0;
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; i < digits && i < 11; i++) {
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	for (size_t i = 0; i < NUNITS && digits > 0 && digits < 11; i++) {
		if (text[digits] == units[i].unit &&
		    text[digits + 1] == '\0' && n > 0 &&
		    n * units[i].seconds <= UINT32_MAX) {
			*out = (uint32_t)(n * units[i].seconds);
			return 0;
		}
	}
	return ERR_FORMAT;
}

const char *
when_show_duration(char buf[WHEN_TEXT], uint32_t seconds)
{
	size_t i = 0;

	while (i + 1 < NUNITS && seconds % units[i].seconds != 0) {
		i++;
	}
	snprintf(buf, WHEN_TEXT, "%u%c", (unsigned)(seconds / units[i].seconds),
	    units[i].unit);
	return buf;
}

int
when_is_zone(const char *zone)
{
	char path[256];
	struct stat st;
	int len = snprintf(path, sizeof(path), ZONES "%s", zone);

	return zone[0] != '\0' && zone[0] != '/' &&
	    strstr(zone, "..") == NULL && strstr(zone, ":") == NULL &&
	    (size_t)len < sizeof(path) && stat(path, &st) == 0 &&
	    S_ISREG(st.st_mode);
}

int
when_local(const char *zone, int64_t at, struct rule_local *out)
{
	time_t t = (time_t)at;
	const char *now = getenv("TZ");
	char *saved = now != NULL ? strdup(now) : NULL;
	struct tm tm;
	int r = 0;

	if ((now != NULL && saved == NULL) ||
	    (zone[0] != '\0' && !when_is_zone(zone))) {
		free(saved);
		return ERR_NOENT;
	}
	if (zone[0] != '\0') {
		setenv("TZ", zone, 1);
	}
	tzset();
	if (localtime_r(&t, &tm) == NULL) {
		r = ERR_NOENT;
	} else {
		out->weekday = (uint8_t)((tm.tm_wday + 6) % 7);
		out->second = (uint32_t)(tm.tm_hour * 3600 + tm.tm_min * 60 +
		    tm.tm_sec);
	}
	if (saved != NULL) {
		setenv("TZ", saved, 1);
	} else {
		unsetenv("TZ");
	}
	free(saved);
	return r;
}
