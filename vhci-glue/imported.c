/*
 * Numbers of an imported device, for relay and root parent. The device comes
 * from a gateway that may be hostile, or, in the parent, from a relay that a
 * hostile gateway may have taken over.
 */
#include "vhci-glue/imported.h"

#include <stddef.h>

#include "wire/usbip_check.h"

const char *
imported_check(const struct usbip_device *dev)
{
	if (usbip_check_busid(dev->busid) != 0) {
		return "bus id of other characters than USB's";
	}
	if (dev->busnum == 0 || dev->busnum > UINT16_MAX) {
		return "bus number out of range";
	}
	if (dev->devnum == 0 || dev->devnum > 127) {
		return "device number out of range";
	}
	switch (dev->speed) {
	case USBIP_SPEED_LOW:
	case USBIP_SPEED_FULL:
	case USBIP_SPEED_HIGH:
	case USBIP_SPEED_SUPER:
	case USBIP_SPEED_SUPER_PLUS:
		return NULL;
	}
	return "speed that this kernel cannot attach";
}

uint32_t
imported_devid(const struct usbip_device *dev)
{
	return dev->busnum << 16 | dev->devnum;
}

uint32_t
imported_speed(const struct usbip_device *dev)
{
	return dev->speed == USBIP_SPEED_SUPER_PLUS ? USBIP_SPEED_SUPER
						    : dev->speed;
}
