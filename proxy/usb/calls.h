/*
 * What libusb asks the kernel for, as lines for the list of a process that has
 * a device (base/sandbox.h): requests to usbfs on the descriptor fd alone. It
 * says nothing of what they may ask of the device: that is the floor's business
 * in a session, and the probe's own.
 */
#ifndef PROXY_USB_CALLS_H
#define PROXY_USB_CALLS_H

#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include "base/sandbox.h"

#ifndef USBDEVFS_GET_SPEED
#define USBDEVFS_GET_SPEED _IO('U', 31)
#endif

#define USB_REQUEST(fd, request)                                               \
	SANDBOX_WHEN(ioctl, SANDBOX_IS(0, fd), SANDBOX_IS(1, request))

/* Transfers, and what a workstation may have done to its device. Not here:
 * another configuration, drivers (IOCTL, GETDRIVER), suspending, streams, the
 * claiming of ports. */
#define USB_CALLS(fd)                                                          \
	USB_REQUEST(fd, USBDEVFS_SUBMITURB),                                   \
	USB_REQUEST(fd, USBDEVFS_REAPURBNDELAY),                               \
	USB_REQUEST(fd, USBDEVFS_DISCARDURB),                                  \
	USB_REQUEST(fd, USBDEVFS_SETINTERFACE),                                \
	USB_REQUEST(fd, USBDEVFS_CLEAR_HALT),                                  \
	USB_REQUEST(fd, USBDEVFS_RESET),                                       \
	USB_REQUEST(fd, USBDEVFS_CLAIMINTERFACE),                              \
	USB_REQUEST(fd, USBDEVFS_RELEASEINTERFACE),                            \
	/* how libusb claims again after a reset; from a driver the kernel     \
	 * takes nothing away for a descriptor that dropped its privileges */  \
	USB_REQUEST(fd, USBDEVFS_DISCONNECT_CLAIM),                            \
	/* whether it is there */                                              \
	USB_REQUEST(fd, USBDEVFS_GET_CAPABILITIES),                            \
	/* when a transfer with a limit is due */                              \
	SANDBOX_CALL(timerfd_settime)

/* In addition while libusb takes the descriptor up. */
#define USB_CALLS_TO_OPEN(fd)                                                  \
	USB_REQUEST(fd, USBDEVFS_CONNECTINFO),                                 \
	USB_REQUEST(fd, USBDEVFS_GET_SPEED),                                   \
	/* which configuration is set; without sysfs it asks the device */     \
	USB_REQUEST(fd, USBDEVFS_CONTROL),                                     \
	SANDBOX_CALL(lseek), /* and reads its descriptors, which we ignore */  \
	SANDBOX_CALL(eventfd2),                                                \
	SANDBOX_CALL(timerfd_create),                                          \
	SANDBOX_CALL(uname),                                                   \
	/* it looks for devices and for the descriptor's name, and does        \
	 * without */                                                          \
	SANDBOX_FAILS(openat, EACCES),                                         \
	SANDBOX_FAILS(statfs, EACCES),                                         \
	SANDBOX_FAILS(readlink, EACCES),                                       \
	SANDBOX_FAILS(readlinkat, EACCES)

#endif
