/*
 * Device, BOS and string descriptors: the high half of byte 0 chooses one, the
 * low half is the speed, or the room that a text gets.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/desc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct desc_device dev;
	struct desc_why why = {0};
	unsigned speed;
	char text[40];
	size_t n;

	if (size == 0) {
		return 0;
	}
	speed = data[0] & 15;
	switch (data[0] >> 4) {
	case 0:
		if (desc_parse_device(&dev, data + 1, size - 1, &why) == 0) {
			(void)desc_check_device(&dev, speed, &why);
		}
		break;
	case 1:
		if (desc_check_bos(data + 1, size - 1, &why) != 0) {
			MUST(why.rule != NULL && why.offset <= size);
		}
		break;
	default:
		(void)desc_check_string(data + 1, size - 1, &why);
		n = desc_string_utf8(text, speed + 8, data + 1, size - 1);
		MUST(n == strlen(text) && n < speed + 8);
	}
	return 0;
}
