/*
 * The list of decoders, and which one an interface gets.
 */
#include "policy/decode/decode.h"

#include "policy/decode/list.h"

const struct decoder_ops *const decoders[] = {
	&decode_bot,
	&decode_ccid,
	&decode_ctap, /* before any HID */
	&decode_serial,
	&decode_mtp,
	&decode_net,
	&decode_dfu,
	&decode_print,
	&decode_av,
	&decode_hid,
	&decode_raw, /* takes every interface */
	NULL,
};

const struct decoder_ops *
decoder_find(const struct decode_iface *iface, uint32_t hooks)
{
	for (unsigned i = 0; decoders[i] != NULL; i++) {
		if ((decoders[i]->hooks & hooks) != 0 &&
		    decoders[i]->takes(iface)) {
			return decoders[i];
		}
	}
	return NULL;
}

int
decoder_covers(const struct decode_iface *iface, uint32_t hooks)
{
	return iface->alt->nendpoints == 0 ||
	    decoder_find(iface, hooks) != NULL;
}
