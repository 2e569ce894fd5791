/*
 * The address of a gateway as a person types it: host, host:port, [v6]:port,
 * or a bare IPv6 address. Pure; resolves nothing.
 */
#ifndef VHCI_GLUE_GATEWAY_H
#define VHCI_GLUE_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

#define GATEWAY_HOST 256
#define GATEWAY_TEXT (GATEWAY_HOST + 16)

struct gateway {
	char host[GATEWAY_HOST]; /* without brackets */
	uint16_t port;
};

/* default_port is used when text names none. ERR_FORMAT with why (static). */
int gateway_parse(struct gateway *out, const char *text,
    uint16_t default_port, const char **why);

/* "host:port" or "[v6]:port"; size >= GATEWAY_TEXT. Returns dst. */
char *gateway_text(char *dst, size_t size, const struct gateway *gateway);

#endif
