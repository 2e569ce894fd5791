/*
 * Audio streams: formats of alternates (audio 1.0 4.5.2, 2.0 4.9.2, 3.0 4.7.2),
 * feedback (USB 2.0 5.12.4.2) and MIDI events (MIDI 1.0 4).
 */
#include "policy/decode/av.h"

#include <string.h>

#include "wire/cursor.h"

#define AS_GENERAL 1u

static enum av_format
format_of_bits(uint32_t bits)
{
	return (bits & 1) ? AV_PCM :
	    (bits & 2)	  ? AV_PCM8 :
	    (bits & 4)	  ? AV_FLOAT :
	    (bits & 8)	  ? AV_ALAW :
	    (bits & 16)	  ? AV_MULAW :
			    AV_OTHER;
}

static enum av_format
format_of_tag(uint16_t tag)
{
	return tag >= 1 && tag <= 5 ? format_of_bits(1u << (tag - 1)) :
				      AV_OTHER;
}

enum av_format
av_audio_format(const struct decode_iface *iface)
{
	const struct desc_alt *alt = iface->alt;
	size_t pos = 0, n;
	const uint8_t *p;

	while (desc_step(iface->bytes + alt->offset, alt->length, &pos, &p,
		   &n) == 0) {
		if (p[1] != DESC_CS_INTERFACE || n < 7 || p[2] != AS_GENERAL) {
			continue;
		}
		if (alt->protocol == 0x30) {
			return n < 23 ? AV_OTHER :
					format_of_bits(le32_at(p + 10));
		}
		if (alt->protocol == 0x20) {
			return n < 16 ? AV_OTHER :
					format_of_bits(le32_at(p + 6));
		}
		return format_of_tag(le16_at(p + 5));
	}
	return AV_OTHER;
}

int
av_audio_is_feedback(
    const struct decode_iface *iface, const struct desc_endpoint *ep)
{
	const struct desc_alt *alt = iface->alt;

	if ((ep->attributes & 3) != XFER_ISO) {
		return 0;
	}
	if ((ep->attributes >> 4 & 3) == 1) {
		return 1;
	}
	/* audio 1.0 4.6.1.1: the endpoint that has the data names it */
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *data =
		    &iface->config->endpoints[alt->first_endpoint + i];
		const uint8_t *p = iface->bytes + data->offset;

		if (p[0] >= 9 && data != ep && p[8] == ep->address) {
			return 1;
		}
	}
	return 0;
}

void
av_audio_feedback(struct unit *u)
{
	u->actual = 0;
	for (uint32_t i = 0; i < u->npackets; i++) {
		struct unit_packet *p = &u->packets[i];

		if (p->actual != 3 && p->actual != 4) {
			p->actual = 0;
		}
		u->actual += p->actual;
	}
}

uint32_t
av_audio_midi(uint8_t *p, uint32_t len)
{
	len -= len % 4;
	for (uint32_t i = 0; i < len; i += 4) {
		/* code index numbers 0 and 1 are reserved */
		if ((p[i] & 15) < 2) {
			memset(p + i, 0, 4);
		}
	}
	return len;
}
