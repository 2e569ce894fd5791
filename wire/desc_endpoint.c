/*
 * Endpoints: which address, type and packet size exist at which speed (USB 2.0
 * 5.5-5.8 and 9.6.6, USB 3.2 9.6.6-9.6.7), and how much one of them can carry.
 * The tolerances are in the table at the top of wire/desc_check.c.
 */
#include "wire/desc_endpoint.h"

#include "base/err.h"
#include "wire/desc_why.h"
#include "wire/usbip.h"

#define SIZE_BITS 0x07ffu     /* bytes of one packet */
#define MULT_SHIFT 11	      /* additional transactions, two bits */
#define RESERVED_BITS 0xe000u /* of wMaxPacketSize */
#define BURST_MAX 15
#define STREAMS_MAX 16	/* exponent */
#define SSP_ISO 0x80	/* a SuperSpeedPlus companion follows */
#define SSP_ISO_MULT 6	/* most times an SSP iso burst repeats */

static int
refuse(const struct desc_endpoint *ep, struct desc_why *why, const char *rule,
    const char *text)
{
	return desc_refuse(why, ERR_POLICY, rule, text, ep->offset);
}

static int
is_super(unsigned speed)
{
	return speed == USBIP_SPEED_SUPER || speed == USBIP_SPEED_SUPER_PLUS;
}

static enum desc_xfer
xfer_of(const struct desc_endpoint *ep)
{
	return (enum desc_xfer)(ep->attributes & 3);
}

static int
is_periodic(const struct desc_endpoint *ep)
{
	return xfer_of(ep) == XFER_ISO || xfer_of(ep) == XFER_INT;
}

static int
bulk_size_ok(unsigned size, unsigned speed)
{
	if (is_super(speed)) {
		return size == 1024;
	}
	return size == 8 || size == 16 || size == 32 || size == 64 ||
	    (speed == USBIP_SPEED_HIGH && size == 512);
}

/* Largest packet of a periodic endpoint; 0: the type does not exist there. */
static unsigned
periodic_limit(enum desc_xfer xfer, unsigned speed)
{
	switch (speed) {
	case USBIP_SPEED_LOW:
		/* 8 in truth; 64 is what firmware made for full speed says */
		return xfer == XFER_INT ? 64 : 0;
	case USBIP_SPEED_FULL:
		return xfer == XFER_INT ? 64 : 1023;
	case USBIP_SPEED_HIGH:
	case USBIP_SPEED_SUPER:
	case USBIP_SPEED_SUPER_PLUS:
		return 1024;
	}
	return 0;
}

static int
check_type(
    const struct desc_endpoint *ep, unsigned speed, struct desc_why *why)
{
	if ((ep->attributes & 0xc0) != 0) {
		return refuse(ep, why, "R3.attributes",
		    "reserved bits of bmAttributes are set");
	}
	if (xfer_of(ep) == XFER_CONTROL) {
		return refuse(ep, why, "R3.type",
		    "a control endpoint other than 0");
	}
	if (speed == USBIP_SPEED_LOW && xfer_of(ep) != XFER_INT) {
		return refuse(ep, why, "R3.type",
		    "low speed has interrupt endpoints only");
	}
	return 0;
}

static int
check_size(const struct desc_endpoint *ep, uint8_t alternate, unsigned speed,
    struct desc_why *why)
{
	unsigned size = ep->max_packet & SIZE_BITS;
	unsigned more = ep->max_packet >> MULT_SHIFT & 3;

	if ((ep->max_packet & RESERVED_BITS) != 0) {
		return refuse(ep, why, "R3.max-packet",
		    "reserved bits of wMaxPacketSize are set");
	}
	if (more != 0 &&
	    (speed != USBIP_SPEED_HIGH || !is_periodic(ep) || more == 3)) {
		return refuse(ep, why, "R3.max-packet",
		    "additional transactions where there are none");
	}
	if (size == 0) {
		if (xfer_of(ep) == XFER_ISO && alternate == 0 && more == 0) {
			return 0;
		}
		return refuse(
		    ep, why, "R3.max-packet", "wMaxPacketSize is 0");
	}
	if (xfer_of(ep) == XFER_BULK
		? !bulk_size_ok(size, speed)
		: size > periodic_limit(xfer_of(ep), speed)) {
		return refuse(ep, why, "R3.max-packet",
		    "wMaxPacketSize illegal for type and speed");
	}
	return 0;
}

/* Largest bytes in one service interval that the companion allows. */
static uint32_t
super_payload(const struct desc_endpoint *ep)
{
	uint32_t payload = (ep->max_packet & SIZE_BITS) *
	    ((uint32_t)(ep->burst > BURST_MAX ? BURST_MAX : ep->burst) + 1);

	if (xfer_of(ep) != XFER_ISO) {
		return payload;
	}
	if ((ep->ss_attributes & SSP_ISO) != 0) {
		return payload * SSP_ISO_MULT;
	}
	return payload * ((ep->ss_attributes & 3u) + 1);
}

static int
check_companion(
    const struct desc_endpoint *ep, unsigned speed, struct desc_why *why)
{
	if (!is_super(speed)) {
		return 0;
	}
	if (!ep->has_companion) {
		return refuse(ep, why, "R3.companion",
		    "no companion at SuperSpeed");
	}
	if (ep->burst > BURST_MAX) {
		return refuse(
		    ep, why, "R3.companion", "bMaxBurst above 15");
	}
	if (xfer_of(ep) == XFER_BULK) {
		if (ep->ss_attributes > STREAMS_MAX) {
			return refuse(ep, why, "R3.companion",
			    "more streams than 65536");
		}
		return 0;
	}
	if (xfer_of(ep) == XFER_ISO && (ep->ss_attributes & 3) == 3 &&
	    (ep->ss_attributes & SSP_ISO) == 0) {
		return refuse(ep, why, "R3.companion",
		    "multiplier of an isochronous endpoint above 3");
	}
	if (ep->bytes_per_interval > super_payload(ep)) {
		return refuse(ep, why, "R3.companion",
		    "wBytesPerInterval above what the endpoint can carry");
	}
	return 0;
}

int
desc_check_endpoint(const struct desc_endpoint *ep, uint8_t alternate,
    unsigned speed, struct desc_why *why)
{
	int r;

	if ((ep->address & 0x70) != 0) {
		return refuse(ep, why, "R3.address",
		    "reserved bits of bEndpointAddress are set");
	}
	if ((ep->address & 0x0f) == 0) {
		return refuse(
		    ep, why, "R3.address", "endpoint 0 has no descriptor");
	}
	r = check_type(ep, speed, why);
	if (r != 0) {
		return r;
	}
	r = check_size(ep, alternate, speed, why);
	if (r != 0) {
		return r;
	}
	return check_companion(ep, speed, why);
}

uint32_t
desc_endpoint_payload(const struct desc_endpoint *ep, unsigned speed)
{
	uint32_t size = ep->max_packet & SIZE_BITS;
	uint32_t more = ep->max_packet >> MULT_SHIFT & 3u;

	if (is_super(speed)) {
		return super_payload(ep);
	}
	if (speed == USBIP_SPEED_HIGH && is_periodic(ep)) {
		return size * (more + 1);
	}
	return size;
}
