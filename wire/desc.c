/*
 * Parser of USB descriptors, raw and hostile. Runs in the probe, the session
 * and the relay, each in its own process, and trusts nothing: not a length, not
 * a count, not the order. It refuses what breaks the structure and leaves
 * meaning to wire/desc_check.c.
 *
 * A configuration, in one pass (USB 2.0 9.6.3):
 *  1. its head; wTotalLength is the number of bytes that were given
 *  2. descriptor by descriptor, each inside what is left
 *       interface    closes the alternate before it and opens one
 *       endpoint     belongs to the open alternate
 *       companion    belongs to the endpoint before it in the same alternate
 *       association  belongs to the configuration, wherever it stands
 *       any other    is skipped, inside the open alternate's range
 *  3. the counts that the heads announced are the counts that were found
 */
#include "wire/desc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_why.h"

#define CONFIG_SIZE 9u
#define INTERFACE_SIZE 9u
#define ENDPOINT_SIZE 7u
#define COMPANION_SIZE 6u
#define IAD_SIZE 8u
#define ALT_ENDPOINTS 30u /* 15 in, 15 out */

int
desc_next(
    const void *buf, size_t len, size_t *pos, const uint8_t **p, size_t *n)
{
	const uint8_t *bytes = buf;
	size_t left;

	*p = NULL;
	*n = 0;
	if (*pos > len) {
		return ERR_FORMAT;
	}
	left = len - *pos;
	if (left == 0) {
		return ERR_CLOSED;
	}
	if (left < 2 || bytes[*pos] < 2 || bytes[*pos] > left) {
		return ERR_FORMAT;
	}
	*p = bytes + *pos;
	*n = bytes[*pos];
	*pos += *n;
	return 0;
}

int
desc_step(
    const void *buf, size_t len, size_t *pos, const uint8_t **p, size_t *n)
{
	const uint8_t *bytes = buf;
	int r = desc_next(buf, len, pos, p, n);

	return r == ERR_FORMAT && *pos <= len &&
		desc_tail_harmless(bytes + *pos, len - *pos)
	    ? ERR_CLOSED
	    : r;
}

int
desc_parse_device(struct desc_device *out, const void *buf, size_t len,
    struct desc_why *why)
{
	const uint8_t *p = buf;

	memset(out, 0, sizeof(*out));
	if (len < DESC_DEVICE_SIZE) {
		return desc_refuse(why, ERR_SHORT, "R1.length",
		    "device descriptor shorter than 18 bytes", 0);
	}
	if (len > DESC_DEVICE_SIZE || p[0] != DESC_DEVICE_SIZE) {
		return desc_refuse(why, ERR_FORMAT, "R1.length",
		    "device descriptor is not of 18 bytes", 0);
	}
	if (p[1] != DESC_DEVICE) {
		return desc_refuse(why, ERR_FORMAT, "R1.type",
		    "not a device descriptor", 1);
	}
	out->bcd_usb = le16_at(p + 2);
	out->class = p[4];
	out->subclass = p[5];
	out->protocol = p[6];
	out->max_packet0 = p[7];
	out->vid = le16_at(p + 8);
	out->pid = le16_at(p + 10);
	out->bcd_device = le16_at(p + 12);
	out->imanufacturer = p[14];
	out->iproduct = p[15];
	out->iserial = p[16];
	out->nconfigs = p[17];
	return 0;
}

/* What one pass over a configuration carries from descriptor to descriptor. */
struct walk {
	struct desc_config *out;
	struct desc_why *why;
	struct desc_alt *alt;	 /* open alternate, NULL before the first */
	struct desc_endpoint *ep; /* last endpoint of the open alternate */
	uint8_t declared;	 /* bNumEndpoints of the open alternate */
	size_t at;		 /* offset of the descriptor being read */
	uint8_t seen[256 / 8];	 /* interface numbers */
};

static int
no(const struct walk *w, int err, const char *rule, const char *text)
{
	return desc_refuse(w->why, err, rule, text, w->at);
}

static int
close_alt(struct walk *w)
{
	if (w->alt != NULL && w->alt->nendpoints != w->declared) {
		return desc_refuse(w->why, ERR_FORMAT, "R2.endpoints",
		    "bNumEndpoints is not the number of endpoints that follow",
		    w->alt->offset);
	}
	return 0;
}

static int
on_interface(struct walk *w, const uint8_t *p, size_t n)
{
	struct desc_config *out = w->out;
	int r;

	if (n < INTERFACE_SIZE) {
		return no(w, ERR_FORMAT, "R1.length",
		    "interface descriptor shorter than 9 bytes");
	}
	r = close_alt(w);
	if (r != 0) {
		return r;
	}
	if (out->nalts == DESC_MAX_ALTS) {
		return no(w, ERR_LIMIT, "R2.alternates",
		    "more than 128 alternate settings");
	}
	if ((w->seen[p[2] / 8] & 1 << p[2] % 8) == 0) {
		if (out->ninterfaces == DESC_MAX_INTERFACES) {
			return no(w, ERR_LIMIT, "R2.interfaces",
			    "more than 32 interfaces");
		}
		w->seen[p[2] / 8] |= (uint8_t)(1 << p[2] % 8);
		out->ninterfaces++;
	}
	w->alt = &out->alts[out->nalts++];
	w->ep = NULL;
	w->declared = p[4];
	*w->alt = (struct desc_alt){
	    .number = p[2],
	    .alternate = p[3],
	    .class = p[5],
	    .subclass = p[6],
	    .protocol = p[7],
	    .iinterface = p[8],
	    .first_endpoint = out->nendpoints,
	    .offset = (uint16_t)w->at,
	};
	return 0;
}

static int
on_endpoint(struct walk *w, const uint8_t *p, size_t n)
{
	struct desc_config *out = w->out;

	if (n < ENDPOINT_SIZE) {
		return no(w, ERR_FORMAT, "R1.length",
		    "endpoint descriptor shorter than 7 bytes");
	}
	if (w->alt == NULL) {
		return no(w, ERR_FORMAT, "R1.order",
		    "endpoint outside of any interface");
	}
	if (w->alt->nendpoints == w->declared) {
		return no(w, ERR_FORMAT, "R2.endpoints",
		    "more endpoints than bNumEndpoints");
	}
	if (out->nendpoints == DESC_MAX_ENDPOINTS ||
	    w->alt->nendpoints == ALT_ENDPOINTS) {
		return no(w, ERR_LIMIT, "R2.endpoints",
		    "more endpoints than USB can address");
	}
	w->alt->nendpoints++;
	w->ep = &out->endpoints[out->nendpoints++];
	*w->ep = (struct desc_endpoint){
	    .address = p[2],
	    .attributes = p[3],
	    .max_packet = le16_at(p + 4),
	    .interval = p[6],
	    .offset = (uint16_t)w->at,
	};
	return 0;
}

static int
on_companion(struct walk *w, const uint8_t *p, size_t n)
{
	if (n < COMPANION_SIZE) {
		return no(w, ERR_FORMAT, "R1.length",
		    "endpoint companion shorter than 6 bytes");
	}
	if (w->ep == NULL || w->ep->has_companion) {
		return no(w, ERR_FORMAT, "R1.order",
		    "companion without an endpoint of its own");
	}
	w->ep->has_companion = 1;
	w->ep->burst = p[2];
	w->ep->ss_attributes = p[3];
	w->ep->bytes_per_interval = le16_at(p + 4);
	return 0;
}

static int
on_iad(struct walk *w, const uint8_t *p, size_t n)
{
	struct desc_config *out = w->out;

	if (n < IAD_SIZE) {
		return no(w, ERR_FORMAT, "R1.length",
		    "interface association shorter than 8 bytes");
	}
	if (out->niads == DESC_MAX_IADS) {
		return no(w, ERR_LIMIT, "R2.associations",
		    "more than 16 interface associations");
	}
	out->iads[out->niads++] = (struct desc_iad){
	    .first = p[2],
	    .count = p[3],
	    .class = p[4],
	    .subclass = p[5],
	    .protocol = p[6],
	    .ifunction = p[7],
	    .offset = (uint16_t)w->at,
	};
	return 0;
}

static int
on_descriptor(struct walk *w, const uint8_t *p, size_t n)
{
	int r = 0;

	switch (p[1]) {
	case DESC_INTERFACE:
		r = on_interface(w, p, n);
		break;
	case DESC_ENDPOINT:
		r = on_endpoint(w, p, n);
		break;
	case DESC_SS_COMPANION:
		r = on_companion(w, p, n);
		break;
	case DESC_IAD:
		/* not the alternate's, unless more of it follows */
		return on_iad(w, p, n);
	}
	if (r == 0 && w->alt != NULL) {
		w->alt->length = (uint16_t)(w->at + n - w->alt->offset);
	}
	return r;
}

static int
parse_head(struct walk *w, const uint8_t *p, size_t len)
{
	struct desc_config *out = w->out;

	if (len < CONFIG_SIZE || p[0] < CONFIG_SIZE || p[0] > len) {
		return no(w, ERR_FORMAT, "R1.length",
		    "configuration descriptor shorter than 9 bytes");
	}
	if (p[1] != DESC_CONFIG) {
		return no(w, ERR_FORMAT, "R1.type",
		    "not a configuration descriptor");
	}
	out->total_length = le16_at(p + 2);
	out->value = p[5];
	out->iconfiguration = p[6];
	out->attributes = p[7];
	out->max_power = p[8];
	if (out->total_length != len) {
		return no(w, ERR_FORMAT, "R1.total",
		    "wTotalLength is not the number of bytes");
	}
	return 0;
}

int
desc_parse_config(struct desc_config *out, const void *buf, size_t len,
    struct desc_why *why)
{
	const uint8_t *bytes = buf, *p;
	struct walk w = {.out = out, .why = why};
	size_t pos, n;
	int r;

	memset(out, 0, sizeof(*out));
	r = parse_head(&w, bytes, len);
	if (r != 0) {
		return r;
	}
	pos = bytes[0];
	for (;;) {
		w.at = pos;
		r = desc_step(bytes, len, &pos, &p, &n);
		if (r == ERR_CLOSED) {
			break;
		}
		if (r != 0) {
			return no(&w, ERR_FORMAT, "R1.length",
			    "descriptor runs past its container");
		}
		r = on_descriptor(&w, p, n);
		if (r != 0) {
			return r;
		}
	}
	r = close_alt(&w);
	if (r != 0) {
		return r;
	}
	if (bytes[4] != out->ninterfaces) {
		return desc_refuse(why, ERR_FORMAT, "R2.interfaces",
		    "bNumInterfaces is not the number of interfaces", 4);
	}
	return 0;
}

const struct desc_alt *
desc_find_alt(
    const struct desc_config *config, uint8_t number, uint8_t alternate)
{
	for (size_t i = 0; i < config->nalts; i++) {
		if (config->alts[i].number == number &&
		    config->alts[i].alternate == alternate) {
			return &config->alts[i];
		}
	}
	return NULL;
}
