/*
 * Judging descriptors that parsed: by named rules, refusing what is dangerous
 * or impossible. The workstation's kernel repairs many a flaw in silence; what
 * it would repair we refuse or pass on as it is, never change, so that every
 * reader of a device sees the same bytes. Pure; no device is trusted.
 *
 * What honest firmware gets wrong, and why it may pass:
 *
 *   flaw                             why it is harmless
 *   -------------------------------  --------------------------------------
 *   any bcdUSB, bcdDevice, VID, PID  nobody sizes anything by them
 *   bmAttributes bit 7 of a          documented as set, read by nobody
 *     configuration clear, reserved
 *     bits set, any bMaxPower
 *   gaps in interface numbers        readers search, they do not index; but
 *                                    31 is the last one usbfs users can claim
 *   interfaces, alternates and       ranges never overlap, whatever the order
 *     associations in any order
 *   an association of class 0        names no driver
 *   bInterval of any value           every host clamps it to what it can do
 *   bmAttributes bits 2-5 set on a   usage bits have a meaning for isochronous
 *     bulk or interrupt endpoint     and interrupt endpoints only
 *   bMaxPacketSize0 of 8, 16 or 32   hosts use what is there
 *     at high speed
 *   low-speed interrupt packets of   hosts cut them down to 8, and no more
 *     up to 64 bytes                 fits into one
 *   high-speed bulk of 8, 16, 32 or  a smaller packet of a legal size; hosts
 *     64 bytes instead of 512        only send more of them
 *   isochronous wMaxPacketSize 0 in  the "no bandwidth" setting; no transfer
 *     alternate 0                    is ever sent there
 *   a SuperSpeed companion below     read at SuperSpeed only
 *     SuperSpeed
 *   wBytesPerInterval of a bulk      reserved there, read by nobody
 *     endpoint
 *   SuperSpeed interrupt packets     hosts use the size given
 *     below 1024 with a burst
 *   no BOS at SuperSpeed             hosts then do without link power states
 *   device or configuration          skipped by length, as all other unknown
 *     descriptors inside another     descriptors
 *   one byte, or up to 8 of 00 or    too short to begin a descriptor, or one
 *     of ff, behind the last         that no reader accepts (desc_why.h)
 *     descriptor
 *   NULs that pad a string           text ends there for the kernel and for us
 *   no device qualifier, no strings  both are optional
 *
 * Refused although the kernel repairs it: counts that do not match what is
 * there, packets too large for the speed, low-speed bulk, a missing companion,
 * one endpoint in two interfaces, a configuration of value 0.
 */
#include "wire/desc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_endpoint.h"
#include "wire/desc_why.h"
#include "wire/usbip.h"
#include "wire/waiver.h"

static int
refuse(struct desc_why *why, const char *rule, const char *text, size_t offset)
{
	return desc_refuse(why, ERR_POLICY, rule, text, offset);
}

/* bMaxPacketSize0: USB 2.0 5.5.3; at SuperSpeed it is an exponent. */
static int
max_packet0_ok(uint8_t size, unsigned speed)
{
	switch (speed) {
	case USBIP_SPEED_LOW:
		return size == 8;
	case USBIP_SPEED_FULL:
	case USBIP_SPEED_HIGH:
		return size == 8 || size == 16 || size == 32 || size == 64;
	case USBIP_SPEED_SUPER:
	case USBIP_SPEED_SUPER_PLUS:
		return size == 9;
	}
	return 0;
}

static int
speed_ok(unsigned speed)
{
	return speed >= USBIP_SPEED_LOW && speed <= USBIP_SPEED_SUPER_PLUS &&
	    speed != USBIP_SPEED_WIRELESS;
}

int
desc_check_device(
    const struct desc_device *dev, unsigned speed, struct desc_why *why)
{
	if (!speed_ok(speed)) {
		return refuse(why, "R3.speed", "no such wired speed", 0);
	}
	if (!max_packet0_ok(dev->max_packet0, speed)) {
		return refuse(why, "R3.max-packet0",
		    "bMaxPacketSize0 illegal for the speed", 7);
	}
	if (dev->nconfigs < 1 || dev->nconfigs > DESC_MAX_CONFIGS) {
		return refuse(why, "R2.configurations",
		    "bNumConfigurations is not 1 to 8", 17);
	}
	return 0;
}

/* Per interface the alternates 0..n-1, each once. Kernel drivers have used the
 * number as an index. */
static int
check_alternates(const struct desc_config *config, struct desc_why *why)
{
	uint8_t seen[DESC_MAX_INTERFACES][256 / 8];
	unsigned count[DESC_MAX_INTERFACES] = {0};

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];
		uint8_t bit = (uint8_t)(1 << alt->alternate % 8);
		uint8_t *byte;

		if (alt->number >= DESC_MAX_INTERFACES) {
			return refuse(why, "R2.interface-number",
			    "bInterfaceNumber above 31", alt->offset);
		}
		byte = &seen[alt->number][alt->alternate / 8];
		if ((*byte & bit) != 0) {
			return refuse(why, "R2.alternates",
			    "the same alternate setting twice", alt->offset);
		}
		*byte |= bit;
		count[alt->number]++;
	}
	for (size_t i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];

		/* all distinct, so contiguous if none is above the count */
		if (alt->alternate >= count[alt->number]) {
			return refuse(why, "R2.alternates",
			    "alternate settings are not contiguous from 0",
			    alt->offset);
		}
	}
	return 0;
}

static int
check_iads(const struct desc_config *config, struct desc_why *why)
{
	uint32_t present = 0, taken = 0;

	for (size_t i = 0; i < config->nalts; i++) {
		present |= (uint32_t)1 << (config->alts[i].number & 31);
	}
	for (size_t i = 0; i < config->niads; i++) {
		const struct desc_iad *iad = &config->iads[i];

		if (iad->count == 0 || iad->first >= DESC_MAX_INTERFACES ||
		    iad->count > DESC_MAX_INTERFACES - iad->first) {
			return refuse(why, "R2.associations",
			    "association of impossible interfaces",
			    iad->offset);
		}
		for (unsigned n = 0; n < iad->count; n++) {
			uint32_t bit = (uint32_t)1 << (iad->first + n);

			if ((present & bit) == 0) {
				return refuse(why, "R2.associations",
				    "association names a missing interface",
				    iad->offset);
			}
			if ((taken & bit) != 0) {
				return refuse(why, "R2.associations",
				    "associations overlap", iad->offset);
			}
			taken |= bit;
		}
	}
	return 0;
}

/* An address belongs to one interface, and once to each of its alternates: a
 * transfer to it must have one meaning only. */
static int
check_addresses(const struct desc_config *config, unsigned overlook,
    struct desc_why *why)
{
	int owner[32]; /* interface number, by direction and number */

	memset(owner, -1, sizeof(owner));
	for (size_t i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];
		uint32_t seen = 0;

		for (size_t k = 0; k < alt->nendpoints; k++) {
			const struct desc_endpoint *ep =
			    &config->endpoints[alt->first_endpoint + k];
			unsigned at = (ep->address >> 3 & 16) |
			    (ep->address & 15);

			if ((seen & (uint32_t)1 << at) != 0) {
				return refuse(why, "R3.duplicate",
				    "an endpoint twice in one alternate",
				    ep->offset);
			}
			if (owner[at] >= 0 && owner[at] != alt->number &&
			    (overlook & WAIVER_DUPLICATE) == 0) {
				return refuse(why, "R3.duplicate",
				    "an endpoint in two interfaces",
				    ep->offset);
			}
			seen |= (uint32_t)1 << at;
			owner[at] = alt->number;
		}
	}
	return 0;
}

/* Whether the tables can be walked at all: a caller may hand us any struct. */
static int
tables_ok(const struct desc_config *config)
{
	if (config->nalts > DESC_MAX_ALTS ||
	    config->nendpoints > DESC_MAX_ENDPOINTS ||
	    config->niads > DESC_MAX_IADS) {
		return 0;
	}
	for (size_t i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];

		if ((size_t)alt->first_endpoint + alt->nendpoints >
		    config->nendpoints) {
			return 0;
		}
	}
	return 1;
}

/* As it is; or, of a product that has bulk endpoints at low speed, as what
 * kernels make of it. */
static int
check_endpoint(const struct desc_endpoint *ep, uint8_t alternate,
    unsigned speed, unsigned overlook, struct desc_why *why)
{
	struct desc_endpoint as = *ep;

	if ((overlook & WAIVER_LOW_BULK) != 0 &&
	    speed == USBIP_SPEED_LOW && (as.attributes & 3) == XFER_BULK) {
		as.attributes |= XFER_INT;
	}
	return desc_check_endpoint(&as, alternate, speed, why);
}

int
desc_check_config(
    const struct desc_config *config, unsigned speed, struct desc_why *why)
{
	return desc_check_config_but(config, speed, 0, why);
}

int
desc_check_config_but(const struct desc_config *config, unsigned speed,
    unsigned overlook, struct desc_why *why)
{
	int r;

	if (!speed_ok(speed)) {
		return refuse(why, "R3.speed", "no such wired speed", 0);
	}
	if (!tables_ok(config)) {
		return refuse(why, "R2.tables", "counts beyond the tables", 0);
	}
	if (config->value == 0) {
		return refuse(why, "R2.configurations",
		    "bConfigurationValue 0 means unconfigured", 5);
	}
	if (config->ninterfaces == 0 || config->nalts == 0) {
		return refuse(why, "R2.interfaces",
		    "configuration without interfaces", 4);
	}
	r = check_alternates(config, why);
	if (r != 0) {
		return r;
	}
	r = check_iads(config, why);
	if (r != 0) {
		return r;
	}
	for (size_t i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];

		for (size_t k = 0; k < alt->nendpoints; k++) {
			r = check_endpoint(
			    &config->endpoints[alt->first_endpoint + k],
			    alt->alternate, speed, overlook, why);
			if (r != 0) {
				return r;
			}
		}
	}
	return check_addresses(config, overlook, why);
}
