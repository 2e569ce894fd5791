/*
 * The floor's tables and its judgement of transfers; requests on endpoint 0 are
 * judged in floor_setup.c. Runs in sallyport-session. Trusts the record, which
 * the probe checked and the session compared with the device; trusts nothing
 * that the peer says.
 */
#include "proxy/session/floor.h"

#include <string.h>

#include "base/err.h"
#include "proxy/session/limits.h"

static unsigned
index_of(uint8_t address)
{
	return (address & 0x0f) | ((address & 0x80) != 0 ? 16 : 0);
}

/* ------------------------------------------------------------------------ */
/* Tables                                                                   */

/* Rebuilt whole: an endpoint is there when the active alternate of an
 * interface has it. */
static void
build_endpoints(struct floor *floor)
{
	memset(floor->endpoints, 0, sizeof(floor->endpoints));
	for (unsigned i = 0; i < floor->ninterfaces; i++) {
		const struct floor_interface *iface = &floor->interfaces[i];
		const struct desc_alt *alt = desc_find_alt(
		    &floor->config, iface->number, iface->alternate);

		for (unsigned j = 0; alt != NULL && j < alt->nendpoints; j++) {
			const struct desc_endpoint *ep =
			    &floor->config.endpoints[alt->first_endpoint + j];
			struct floor_endpoint *at =
			    &floor->endpoints[index_of(ep->address)];

			if ((ep->address & 0x0f) == 0 || at->is_there) {
				continue;
			}
			at->is_there = 1;
			at->type = ep->attributes & 3;
			at->interface = iface->number;
			at->payload =
			    desc_endpoint_payload(ep, floor->rec->speed);
		}
	}
}

static void
list_interfaces(struct floor *floor)
{
	floor->ninterfaces = 0;
	for (unsigned i = 0; i < floor->config.nalts; i++) {
		const struct desc_alt *alt = &floor->config.alts[i];

		if (floor_interface(floor, alt->number) != NULL ||
		    floor->ninterfaces == DESC_MAX_INTERFACES) {
			continue;
		}
		floor->interfaces[floor->ninterfaces++] =
		    (struct floor_interface){.number = alt->number};
	}
}

/* Numbers and endpoint indexes of a configuration, in any alternate. */
static void
collect(const struct devrec *rec, uint8_t value, uint32_t *interfaces,
    uint32_t *endpoints)
{
	size_t len, pos = 0, n;
	const uint8_t *bytes = devrec_config_by_value(rec, value, &len), *p;

	*interfaces = *endpoints = 0;
	while (bytes != NULL && desc_next(bytes, len, &pos, &p, &n) == 0) {
		if (p[1] == DESC_INTERFACE && n > 2) {
			*interfaces |= UINT32_C(1) << (p[2] & 31);
		} else if (p[1] == DESC_ENDPOINT && n > 2) {
			*endpoints |= UINT32_C(1) << index_of(p[2]);
		}
	}
}

/* What some configuration has and does not expose. It does not matter which one
 * the device is in; what is exposed now is not hidden, though. */
static void
find_hidden(struct floor *floor)
{
	uint32_t faces, eps, shown_faces, shown_eps;
	const uint8_t *p;
	size_t len;

	floor->hidden_interfaces = floor->hidden_endpoints = 0;
	if (floor->whole == NULL) {
		return;
	}
	for (unsigned i = 0; i < floor->whole->nconfigs; i++) {
		p = devrec_config(floor->whole, i, &len);
		if (p == NULL) {
			continue;
		}
		collect(floor->whole, p[5], &faces, &eps);
		collect(floor->rec, p[5], &shown_faces, &shown_eps);
		floor->hidden_interfaces |= faces & ~shown_faces;
		floor->hidden_endpoints |= eps & ~shown_eps;
	}
	collect(floor->rec, floor->value, &shown_faces, &shown_eps);
	floor->hidden_interfaces &= ~shown_faces;
	floor->hidden_endpoints &= ~shown_eps;
}

void
floor_hide(struct floor *floor, const struct devrec *whole)
{
	floor->whole = whole != floor->rec ? whole : NULL;
	find_hidden(floor);
}

int
floor_init(struct floor *floor, const struct devrec *rec)
{
	memset(floor, 0, sizeof(*floor));
	floor->rec = rec;
	return floor_set_config(floor, rec->active_config) == 0 ? 0 :
								  ERR_FORMAT;
}

int
floor_set_config(struct floor *floor, uint8_t value)
{
	const uint8_t *raw;
	size_t len;

	if (value == 0) {
		floor->value = 0;
		floor->ninterfaces = 0;
		memset(floor->endpoints, 0, sizeof(floor->endpoints));
		find_hidden(floor);
		return 0;
	}
	raw = devrec_config_by_value(floor->rec, value, &len);
	if (raw == NULL) {
		return ERR_NOENT;
	}
	if (desc_parse_config(&floor->config, raw, len, NULL) != 0) {
		floor_set_config(floor, 0);
		return ERR_FORMAT;
	}
	floor->value = value;
	list_interfaces(floor);
	build_endpoints(floor);
	find_hidden(floor);
	return 0;
}

int
floor_set_interface(struct floor *floor, uint8_t number, uint8_t alternate)
{
	for (unsigned i = 0; i < floor->ninterfaces; i++) {
		if (floor->interfaces[i].number == number &&
		    desc_find_alt(&floor->config, number, alternate) != NULL) {
			floor->interfaces[i].alternate = alternate;
			build_endpoints(floor);
			return 0;
		}
	}
	return ERR_NOENT;
}

void
floor_reset(struct floor *floor)
{
	for (unsigned i = 0; i < floor->ninterfaces; i++) {
		floor->interfaces[i].alternate = 0;
	}
	build_endpoints(floor);
}

const struct floor_endpoint *
floor_endpoint(const struct floor *floor, uint8_t address)
{
	const struct floor_endpoint *ep = &floor->endpoints[index_of(address)];

	return (address & 0x70) == 0 && ep->is_there ? ep : NULL;
}

const struct floor_interface *
floor_interface(const struct floor *floor, uint8_t number)
{
	for (unsigned i = 0; i < floor->ninterfaces; i++) {
		if (floor->interfaces[i].number == number) {
			return &floor->interfaces[i];
		}
	}
	return NULL;
}

uint32_t
floor_endpoints_of(const struct floor *floor, uint8_t number)
{
	uint32_t mask = 0;

	for (unsigned i = 1; i < 32; i++) {
		if (floor->endpoints[i].is_there &&
		    floor->endpoints[i].interface == number) {
			mask |= UINT32_C(1) << i;
		}
	}
	return mask;
}

/* ------------------------------------------------------------------------ */
/* Transfers                                                                */

static enum usbip_xfer
xfer_of(uint8_t type)
{
	switch (type & 3) {
	case XFER_ISO:
		return USBIP_XFER_ISO;
	case XFER_BULK:
		return USBIP_XFER_BULK;
	case XFER_INT:
		return USBIP_XFER_INTERRUPT;
	}
	return USBIP_XFER_CONTROL;
}

enum usbip_xfer
floor_framing(const struct floor *floor, const struct usbip_header *hdr)
{
	uint8_t address = (uint8_t)(
	    hdr->ep | (hdr->direction == USBIP_DIR_IN ? 0x80 : 0));
	const struct floor_endpoint *ep = floor_endpoint(floor, address);
	uint32_t np = hdr->u.submit.npackets;

	if (hdr->ep == 0) {
		return USBIP_XFER_CONTROL;
	}
	if (ep != NULL) {
		return xfer_of(ep->type);
	}
	for (unsigned i = 0; floor->value != 0 && i < floor->config.nendpoints;
	    i++) {
		if (floor->config.endpoints[i].address == address) {
			return xfer_of(floor->config.endpoints[i].attributes);
		}
	}
	return np > 0 && np != USBIP_NON_ISO_PACKETS ? USBIP_XFER_ISO :
						       USBIP_XFER_BULK;
}

static int
refuse(struct floor_why *why, const char *rule, const char *text)
{
	why->rule = rule;
	why->text = text;
	return ERR_POLICY;
}

int
floor_check_transfer(const struct floor *floor,
    const struct session_limits *limits, uint8_t address, uint32_t length,
    enum usbip_xfer framed, const struct usbip_iso *packets,
    uint32_t npackets, struct floor_why *why)
{
	const struct floor_endpoint *ep = floor_endpoint(floor, address);

	if (ep == NULL) {
		return refuse(why, "floor.endpoint",
		    "no active alternate setting has this endpoint");
	}
	if (ep->type == XFER_CONTROL || xfer_of(ep->type) != framed) {
		return refuse(
		    why, "floor.type", "not of the endpoint's transfer type");
	}
	if (length > limits->urb_bytes) {
		return refuse(why, "floor.length", "longer than the cap");
	}
	for (uint32_t i = 0; packets != NULL && i < npackets; i++) {
		if (packets[i].length > ep->payload) {
			return refuse(why, "floor.packet",
			    "packet longer than the endpoint's interval takes");
		}
	}
	return 0;
}
