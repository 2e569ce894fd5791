/*
 * Judges the numbers of a device that a gateway offers. The relay asks before
 * it passes them up, its root parent again before it tells the kernel. Pure.
 */
#ifndef VHCI_GLUE_IMPORTED_H
#define VHCI_GLUE_IMPORTED_H

#include "wire/usbip.h"

/* Bus id of allowed characters, bus 1..65535, device 1..127, a speed that
 * vhci takes. NULL when all is well, else a static reason. */
const char *imported_check(const struct usbip_device *dev);

/* As vhci and the URB headers know it: busnum << 16 | devnum. */
uint32_t imported_devid(const struct usbip_device *dev);
/* The speed to give to vhci: SuperSpeedPlus goes as SuperSpeed, since not every
 * kernel takes 6. */
uint32_t imported_speed(const struct usbip_device *dev);

#endif
