/*
 * What `sallyport attach` notes about a port, for status and detach: one small
 * JSON file per port in a directory of root's. The kernel is the truth; a note
 * that does not fit it is stale.
 */
#ifndef VHCI_GLUE_PORTS_H
#define VHCI_GLUE_PORTS_H

#include <stdint.h>
#include <sys/types.h>

#include "vhci-glue/gateway.h"
#include "vhci-glue/vhci.h"
#include "wire/ipc.h"

#define PORTS_DIR "/run/sallyport/ports"

struct ports_note {
	unsigned port;
	char gateway[GATEWAY_TEXT];
	char busid[USBIP_BUSID_SIZE]; /* at the gateway */
	uint16_t vid, pid;
	uint32_t devid;
	pid_t relay;
	int is_agents; /* the agent attached it */
	char since[32];	     /* RFC 3339 */
	char name[IPC_NAME]; /* stable name that it was asked for by, or "" */
	char user[257], seat[33]; /* whose it is; "" */
};

/* Writes the note of note->port, replacing what is there; makes dir and its
 * parent (0755) where they are missing. 0; ERR_POLICY: dir is not ours alone to
 * write; ERR_SYS; ERR_NOMEM. */
int ports_write(const char *dir, const struct ports_note *note);
/* 0; ERR_NOENT: no note; ERR_FORMAT; ERR_SYS; ERR_NOMEM. */
int ports_read(const char *dir, unsigned port, struct ports_note *out);
/* No note is fine. */
void ports_remove(const char *dir, unsigned port);

/* Whether the note is of what the kernel has attached there now, by a relay
 * that lives. */
int ports_is_current(
    const struct ports_note *note, const struct vhci_port *port);

#endif
