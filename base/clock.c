/*
 * The two clocks of a process: monotonic for distances, wall for people and
 * certificates.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t
nanoseconds(clockid_t which)
{
	struct timespec ts = {0, 0};

	clock_gettime(which, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_mono(void)
{
	return nanoseconds(CLOCK_MONOTONIC);
}

uint64_t
clock_wall(void)
{
	return nanoseconds(CLOCK_REALTIME);
}

char *
clock_rfc3339(char *buf, size_t size, uint64_t wall)
{
	time_t secs = (time_t)(wall / CLOCK_SEC);
	unsigned ms = (unsigned)(wall % CLOCK_SEC / CLOCK_MSEC);
	struct tm tm;

	if (gmtime_r(&secs, &tm) == NULL) {
		snprintf(buf, size, "1970-01-01T00:00:00.000Z");
		return buf;
	}
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, ms);
	return buf;
}
