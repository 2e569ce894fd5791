/*
 * TZif files as the warden reads them: what is taken gives an offset of at most
 * a day and some hours at any time, and a second of a day.
 */
#include "proxy/warden/zone.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t times[] = {INT64_MIN / 2, -1, 0, 951782400,
	    1790000000, 4102444800, 253402300799, INT64_MAX / 2};
	struct zone_time t;
	struct zone *zone;

	if (zone_parse(&zone, data, size) != 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int32_t offset = zone_offset(zone, times[i]);

		MUST(offset >= -170 * 3600 && offset <= 170 * 3600);
		zone_time(&t, zone, times[i]);
		MUST(t.weekday < 7 && t.second < 86400);
	}
	zone_free(zone);
	return 0;
}
