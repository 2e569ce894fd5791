/*
 * USB/IP before the transfers: op header, bus id, device and interface. A bus
 * id that passes names no path; a device comes back to the same bytes.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/usbip_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[USBIP_DEVICE_SIZE], again[USBIP_DEVICE_SIZE];
	struct usbip_op_common op;
	struct usbip_interface iface;
	struct usbip_device dev;
	char busid[USBIP_BUSID_SIZE];

	(void)usbip_decode_op(&op, data, size);
	(void)usbip_decode_interface(&iface, data, size);
	if (usbip_decode_busid(busid, data, size) == 0 &&
	    usbip_check_busid(busid) == 0) {
		MUST(busid[0] != '\0' && strpbrk(busid, "/%\n ") == NULL);
	}
	if (usbip_decode_device(&dev, data, size) != 0) {
		return 0;
	}
	usbip_encode_device(buf, &dev);
	MUST(usbip_decode_device(&dev, buf, sizeof(buf)) == 0);
	usbip_encode_device(again, &dev);
	MUST(memcmp(buf, again, sizeof(buf)) == 0);
	return 0;
}
