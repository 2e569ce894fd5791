/*
 * What sallyport-relay, sallyport-reader and sallyport-desks may ask the kernel
 * for: their lists, and when each is entered. It must not know what they do with
 * it.
 */
#ifndef VHCI_GLUE_CONFINE_H
#define VHCI_GLUE_CONFINE_H

/* All of these are fatal when the kernel refuses. */

/* Before the gateway's name is resolved. */
void confine_relay_connecting(void);
/* Nothing more is connected: no path, no socket. */
void confine_relay_connected(void);
/* The kernel's socket is here, or the client's: bytes are moved, no more. */
void confine_relay_streaming(void);

void confine_reader(void);

/* The bus is connected, and has not been read from. */
void confine_desks(void);

#endif
