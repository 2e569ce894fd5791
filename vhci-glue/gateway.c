/*
 * Gateway addresses, for the workstation's commands. The text is the user's
 * own, yet checked: it goes into messages, state files and a certificate's
 * name check.
 */
#include "vhci-glue/gateway.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return ERR_FORMAT;
}

/* 1..65535, digits only. */
static int
parse_port(const char *text, uint16_t *out)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 5; i++) {
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (i == 0 || text[i] != '\0' || n == 0 || n > 65535) {
		return ERR_FORMAT;
	}
	*out = (uint16_t)n;
	return 0;
}

static int
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
	    c == ':' || c == '%';
}

int
gateway_parse(struct gateway *out, const char *text, uint16_t default_port,
    const char **why)
{
	const char *host = text, *port = NULL, *end;
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	out->port = default_port;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
			return refuse(why, "no closing bracket, or something "
					   "but :PORT behind it");
		}
		host = text + 1;
		len = (size_t)(end - host);
		port = end[1] == ':' ? end + 2 : NULL;
	} else if ((end = strchr(text, ':')) != NULL &&
	    strchr(end + 1, ':') == NULL) {
		len = (size_t)(end - text);
		port = end + 1;
	}
	if (port != NULL && parse_port(port, &out->port) != 0) {
		return refuse(why, "port is not a number from 1 to 65535");
	}
	if (len == 0 || len >= sizeof(out->host)) {
		return refuse(why, "host is empty or too long");
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_host_char(host[i])) {
			return refuse(why, "not a host name or address");
		}
	}
	memcpy(out->host, host, len);
	return 0;
}

char *
gateway_text(char *dst, size_t size, const struct gateway *g)
{
	int is_v6 = strchr(g->host, ':') != NULL;

	(void)snprintf(dst, size, is_v6 ? "[%s]:%u" : "%s:%u", g->host,
	    g->port);
	return dst;
}
