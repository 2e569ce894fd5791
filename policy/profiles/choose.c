/*
 * Which profile an interface gets: the one that was named, or for `auto' the
 * shipped one of its class. Whatever is not in the table is refused; so are
 * networks, which are never given by default, and vendors' own protocols.
 */
#include "policy/profiles/profile.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define CDC 0x02
#define CDC_DATA 0x0a
#define CDC_ACM 0x02
#define UNION_TYPE 0x06 /* CDC 1.2 5.2.3: Union functional descriptor */

/* A FIDO key is a HID without a boot protocol that is written to by interrupt
 * (CTAP 2.1 11.2.8.1); a keyboard's own output goes by control transfer. */
static int
has_interrupt_out(const struct desc_config *config, const struct desc_alt *alt)
{
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *e =
		    &config->endpoints[alt->first_endpoint + i];

		if ((e->attributes & 3) == XFER_INT &&
		    (e->address & 0x80) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The interface that a data interface belongs to: whose Union descriptor names
 * it. NULL when there is none. */
static const struct desc_alt *
controls(const struct desc_config *config, const uint8_t *bytes,
    uint8_t interface)
{
	for (unsigned i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];
		size_t pos = 0, n;
		const uint8_t *p;

		if (alt->class != CDC) {
			continue;
		}
		while (desc_step(bytes + alt->offset, alt->length, &pos, &p,
			   &n) == 0) {
			if (n < 5 || p[1] != DESC_CS_INTERFACE ||
			    p[2] != UNION_TYPE) {
				continue;
			}
			if (memchr(p + 4, interface, n - 4) != NULL) {
				return alt;
			}
		}
	}
	return NULL;
}

static const char *
pick_hid(const struct desc_config *config, const struct desc_alt *alt)
{
	if (alt->subclass == 1 && alt->protocol == 2) {
		return "mouse";
	}
	if (alt->subclass == 0 && has_interrupt_out(config, alt)) {
		return "fido";
	}
	return "keyboard";
}

/* NULL = none. */
static const char *
pick(const struct desc_config *config, const uint8_t *bytes,
    const struct desc_alt *alt)
{
	const struct desc_alt *control;

	switch (alt->class) {
	case 0x01:
		return "headset";
	case CDC:
		return alt->subclass == CDC_ACM ? "serial" : NULL;
	case CDC_DATA:
		control = controls(config, bytes, alt->number);
		return control != NULL && control->subclass == CDC_ACM ?
		    "serial" : NULL;
	case 0x03:
		return pick_hid(config, alt);
	case 0x06:
		return "mtp-ro";
	case 0x07:
		return "printer";
	case 0x08:
		return "storage-ro";
	case 0x0b:
		return "ccid";
	case 0x0e:
		return "camera";
	default:
		return NULL;
	}
}

int
profile_choose(const struct profile_set *set, const char *name,
    const struct desc_config *config, const uint8_t *bytes,
    const struct desc_alt *alt, char *why, size_t size)
{
	const char *picked = name;
	int i;

	if (strcmp(name, "auto") == 0) {
		picked = pick(config, bytes, alt);
		if (picked == NULL) {
			snprintf(why, size, "auto has no profile for an "
			    "interface of class %02x:%02x:%02x",
			    alt->class, alt->subclass, alt->protocol);
			return ERR_POLICY;
		}
	}
	i = profile_set_find(set, picked);
	if (i < 0) {
		snprintf(why, size, "there is no profile \"%s\"", picked);
		return ERR_NOENT;
	}
	if (!profile_takes(set, (size_t)i, alt->class, alt->subclass,
		alt->protocol)) {
		snprintf(why, size, "profile \"%s\" is not for an interface "
		    "of class %02x:%02x:%02x", picked, alt->class,
		    alt->subclass, alt->protocol);
		return ERR_POLICY;
	}
	return i;
}
