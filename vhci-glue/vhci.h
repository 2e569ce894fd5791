/*
 * The workstation kernel's virtual host controller as sysfs shows it: read its
 * ports, attach a socket, detach a port. Its files are parsed as untrusted
 * text. Knows nothing of gateways; works on any directory, so that tests can
 * use a copy.
 */
#ifndef VHCI_GLUE_VHCI_H
#define VHCI_GLUE_VHCI_H

#include <stddef.h>
#include <stdint.h>

#define VHCI_DIR "/sys/devices/platform/vhci_hcd.0"

/* Most ports that are looked at: 128 controllers of 2 * 15. */
#define VHCI_MAX_PORTS 3840u
#define VHCI_BUSID 32

enum vhci_hub { VHCI_HS, VHCI_SS };

/* drivers/usb/usbip/usbip_common.h enum usbip_device_status, VDEV_ST_*. */
enum vhci_state {
	VHCI_FREE = 4,
	VHCI_NOT_ASSIGNED = 5, /* attached, not yet enumerated */
	VHCI_USED = 6,
	VHCI_ERROR = 7, /* dead until the module is loaded again */
};

struct vhci_port {
	unsigned port; /* global, as attach and detach want it */
	enum vhci_hub hub;
	enum vhci_state state;
	unsigned speed;		/* enum usbip_speed, 0 when not used */
	uint32_t devid;		/* as attach was told, 0 when not used */
	char local[VHCI_BUSID]; /* bus id here, "0-0" when not used */
};

struct vhci {
	unsigned nports;	 /* what the kernel says it has */
	size_t n;		 /* rows read */
	struct vhci_port *ports; /* owned; by controller, as listed */
};

/* Reads nports, status, status.1, ... below dir. 0; ERR_NOENT: the module is
 * not loaded; ERR_FORMAT: a line that no kernel writes; ERR_NOMEM; ERR_SYS. why
 * gets one line. *out must be given to vhci_fini after 0. */
int vhci_init(struct vhci *out, const char *dir, char *why, size_t why_size);
void vhci_fini(struct vhci *vhci);

/* The row of a port, or NULL. Borrowed. */
const struct vhci_port *vhci_find(const struct vhci *vhci, unsigned port);
/* The first free port at or after row *at of the hub that speed belongs to
 * (vhci chooses the hub by speed, not by port); *at moves behind it. NULL when
 * there is none. */
const struct vhci_port *vhci_next_free(
    const struct vhci *vhci, unsigned speed, size_t *at);

/* "port sockfd devid speed", NUL-terminated; the length, 0 if it does not
 * fit. */
size_t vhci_attach_line(char *dst, size_t size, unsigned port, int sockfd,
    uint32_t devid, unsigned speed);

/* Gives sockfd (ours, a SOCK_STREAM socket) to the port. The kernel takes its
 * own reference. 0; ERR_BUSY: the port was taken meanwhile; ERR_SYS. */
int vhci_attach(const char *dir, unsigned port, int sockfd, uint32_t devid,
    unsigned speed);
/* 0; ERR_NOENT: nothing is attached there; ERR_SYS. */
int vhci_detach(const char *dir, unsigned port);

/* Waits until the port is in that state: 0; ERR_TIMEOUT; or as vhci_init.
 * local, of VHCI_BUSID bytes, may be NULL; it gets the bus id here. */
int vhci_wait(const char *dir, unsigned port, enum vhci_state state,
    unsigned timeout_ms, char *local);

/* "used", "free", ...; never NULL. */
const char *vhci_state_name(enum vhci_state state);

#endif
