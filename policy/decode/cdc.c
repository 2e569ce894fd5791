/*
 * See cdc.h: a walk over the bytes of the control interface.
 */
#include "policy/decode/cdc.h"

#include "base/err.h"
#include "wire/cursor.h"

enum cdc_class {
	CLASS_COMM = 0x02,
	CLASS_DATA = 0x0a,
	CLASS_WIRELESS = 0xe0,
	CLASS_MISC = 0xef,
};

enum cdc_subtype { /* CDC 1.2 table 13 */
	SUBTYPE_CALL = 0x01,
	SUBTYPE_ACM = 0x02,
	SUBTYPE_UNION = 0x06,
	SUBTYPE_ETHER = 0x0f,
	SUBTYPE_NCM = 0x1a,
	SUBTYPE_MBIM = 0x1b,
};

/* RNDIS comes as 02:02:ff, e0:01:03 or ef:04:01. */
static int
is_control(const struct desc_alt *alt)
{
	return alt->class == CLASS_COMM ||
	    (alt->class == CLASS_WIRELESS && alt->subclass == 1 &&
		alt->protocol == 3) ||
	    (alt->class == CLASS_MISC && alt->subclass == 4);
}

static int
is_new(const struct cdc *c, enum cdc_has has)
{
	return (c->has & has) == 0;
}

/* p is a CS_INTERFACE descriptor of n >= 3 bytes. */
static int
take(struct cdc *c, const uint8_t *p, size_t n, int *union_data, int *call_data)
{
	switch (p[2]) {
	case SUBTYPE_UNION:
		if (n < 5) {
			return ERR_FORMAT;
		}
		if (is_new(c, CDC_UNION) && p[3] == c->control) {
			c->has |= CDC_UNION;
			*union_data = p[4];
		}
		break;
	case SUBTYPE_CALL:
		if (n < 5) {
			return ERR_FORMAT;
		}
		if (is_new(c, CDC_CALL)) {
			c->has |= CDC_CALL;
			c->call_caps = p[3];
			*call_data = p[4];
		}
		break;
	case SUBTYPE_ACM:
		if (n < 4) {
			return ERR_FORMAT;
		}
		if (is_new(c, CDC_ACM)) {
			c->has |= CDC_ACM;
			c->acm_caps = p[3];
		}
		break;
	case SUBTYPE_ETHER:
		if (n < 13) {
			return ERR_FORMAT;
		}
		if (is_new(c, CDC_ETHER)) {
			c->has |= CDC_ETHER;
			c->imac = p[3];
			c->max_segment = le16_at(p + 8);
			c->filters = le16_at(p + 10);
		}
		break;
	case SUBTYPE_NCM:
		if (n < 6) {
			return ERR_FORMAT;
		}
		if (is_new(c, CDC_NCM)) {
			c->has |= CDC_NCM;
			c->ncm_caps = p[5];
		}
		break;
	case SUBTYPE_MBIM:
		c->has |= CDC_MBIM;
		break;
	}
	return 0;
}

static int
is_data(const struct desc_config *config, uint8_t number)
{
	const struct desc_alt *alt = desc_find_alt(config, number, 0);

	return alt != NULL && alt->class == CLASS_DATA;
}

/* The first data interface that an IAD puts together with the control one. */
static int
iad_data(const struct desc_config *config, uint8_t control)
{
	for (unsigned i = 0; i < config->niads; i++) {
		const struct desc_iad *iad = &config->iads[i];
		unsigned end = iad->first + iad->count;

		if (control < iad->first || control >= end) {
			continue;
		}
		for (unsigned k = iad->first; k < end && k <= 0xff; k++) {
			if (is_data(config, (uint8_t)k)) {
				return (int)k;
			}
		}
	}
	return -1;
}

int
cdc_parse(struct cdc *out, const struct desc_config *config,
    const uint8_t *bytes, uint8_t control)
{
	const struct desc_alt *alt = desc_find_alt(config, control, 0);
	int union_data = -1, call_data = -1, data;
	size_t pos = 0, n;
	const uint8_t *p;

	if (alt == NULL || !is_control(alt)) {
		return ERR_NOENT;
	}
	*out = (struct cdc){.control = control, .class = alt->class,
	    .subclass = alt->subclass, .protocol = alt->protocol};
	while (desc_step(bytes + alt->offset, alt->length, &pos, &p, &n) == 0) {
		if (p[1] != DESC_CS_INTERFACE) {
			continue;
		}
		if (n < 3 || take(out, p, n, &union_data, &call_data) != 0) {
			return ERR_FORMAT;
		}
	}
	data = union_data;
	if (data < 0 && call_data >= 0 && is_data(config, (uint8_t)call_data)) {
		data = call_data;
	}
	if (data < 0) {
		data = iad_data(config, control);
	}
	if (data >= 0 && desc_find_alt(config, (uint8_t)data, 0) != NULL) {
		out->has |= CDC_DATA;
		out->data = (uint8_t)data;
	}
	return 0;
}

int
cdc_find(struct cdc *out, const struct desc_config *config,
    const uint8_t *bytes, const struct desc_alt *alt)
{
	int found = ERR_NOENT;

	for (unsigned i = 0; i < config->nalts; i++) {
		const struct desc_alt *a = &config->alts[i];
		struct cdc c;
		int err;

		if (a->alternate != 0 || !is_control(a)) {
			continue;
		}
		err = cdc_parse(&c, config, bytes, a->number);
		if (err != 0 && a->number == alt->number) {
			return err;
		}
		if (err != 0 ||
		    (c.control != alt->number && !((c.has & CDC_DATA) != 0 &&
						     c.data == alt->number))) {
			continue;
		}
		if (found == 0) {
			return ERR_FORMAT;
		}
		*out = c;
		found = 0;
	}
	return found;
}
