/*
 * Amounts for people: three digits are enough.
 */
#include "proxy/ctl/ctl.h"

#include <stdio.h>

#include "base/mem.h"

char *
ctl_amount(char dst[CTL_AMOUNT], double n)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t i = 0;

	while (n >= 999.5 && i + 1 < ARRAY_LEN(units)) {
		n /= 1000;
		i++;
	}
	(void)snprintf(dst, CTL_AMOUNT, i == 0 || n >= 99.95 ? "%.0f %s"
								: "%.1f %s",
	    n, units[i]);
	return dst;
}
