/*
 * Durations and times as people give them.
 */
#include "proxy/ctl/ctl.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

long
ctl_duration(const char *text)
{
	static const struct {
		char unit;
		long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char *end;
	long n;

	if (*text < '0' || *text > '9') {
		return 0;
	}
	n = strtol(text, &end, 10);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (end[0] == units[i].unit && end[1] == '\0' && n > 0 &&
		    n <= 366 * 86400 / units[i].seconds) {
			return n * units[i].seconds;
		}
	}
	return 0;
}

const char *
ctl_time(const char *text, char buf[CTL_TIME])
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	uint64_t ago = (uint64_t)ctl_duration(text) * CLOCK_SEC;
	size_t len = strlen(text);

	if (ago != 0) {
		return clock_rfc3339(buf, CTL_TIME, clock_wall() - ago);
	}
	if (len < 4 || len >= sizeof(form)) {
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i] &&
			!(i == 19 && text[i] == 'Z' && text[i + 1] == '\0')) {
			return NULL;
		}
	}
	/* to the second, Z is no fraction: what follows it counts as in it */
	(void)snprintf(buf, CTL_TIME, "%s", text);
	if (len == 20) {
		buf[19] = '\0';
	}
	return buf;
}
