/*
 * Units and terminals of audio and video functions: which id is of which kind
 * (audio 1.0 4.3.2, 2.0 4.7.2, 3.0 4.5.2; UVC 1.5 3.7.2).
 */
#include "policy/decode/av.h"

#include "wire/cursor.h"

#define INPUT_TERMINAL 2u
#define CAMERA 0x0201u
#define AUDIO_2 0x20u
#define AUDIO_3 0x30u

/* By subtype; AV_NONE: not an entity. */
static const uint8_t audio1[] = {AV_NONE, AV_NONE, AV_AUDIO_TERMINAL,
	AV_AUDIO_TERMINAL, AV_AUDIO_MIXER, AV_AUDIO_SELECTOR, AV_AUDIO_FEATURE,
	AV_AUDIO_PROCESSING, AV_AUDIO_EXTENSION};
static const uint8_t audio2[] = {AV_NONE, AV_NONE, AV_AUDIO_TERMINAL,
	AV_AUDIO_TERMINAL, AV_AUDIO_MIXER, AV_AUDIO_SELECTOR, AV_AUDIO_FEATURE,
	AV_AUDIO_EFFECT, AV_AUDIO_PROCESSING, AV_AUDIO_EXTENSION,
	AV_AUDIO_CLOCK, AV_AUDIO_CLOCK_SELECTOR, AV_AUDIO_CLOCK_MULTIPLIER,
	AV_AUDIO_RATE_CONVERTER};
static const uint8_t audio3[] = {AV_NONE, AV_NONE, AV_AUDIO_TERMINAL,
	AV_AUDIO_TERMINAL, AV_NONE, AV_AUDIO_MIXER, AV_AUDIO_SELECTOR,
	AV_AUDIO_FEATURE, AV_AUDIO_EFFECT, AV_AUDIO_PROCESSING,
	AV_AUDIO_EXTENSION, AV_AUDIO_CLOCK, AV_AUDIO_CLOCK_SELECTOR,
	AV_AUDIO_CLOCK_MULTIPLIER, AV_AUDIO_RATE_CONVERTER, AV_AUDIO_CONNECTORS,
	AV_AUDIO_POWER};
static const uint8_t video[] = {AV_NONE, AV_NONE, AV_VIDEO_TERMINAL,
	AV_VIDEO_TERMINAL, AV_VIDEO_SELECTOR, AV_VIDEO_PROCESSING,
	AV_VIDEO_EXTENSION, AV_VIDEO_ENCODING};

#define LOOK(table) (subtype < sizeof(table) ? table[subtype] : AV_NONE)

static enum av_kind
kind_of(const struct desc_alt *alt, const uint8_t *p, size_t n)
{
	uint8_t subtype = p[2];
	unsigned kind;

	if (alt->class == AV_CLASS_VIDEO) {
		if (subtype == INPUT_TERMINAL && n >= 6 &&
		    le16_at(p + 4) == CAMERA) {
			return AV_VIDEO_CAMERA;
		}
		kind = LOOK(video);
	} else if (alt->protocol == AUDIO_3) {
		kind = LOOK(audio3);
	} else if (alt->protocol == AUDIO_2) {
		kind = LOOK(audio2);
	} else {
		kind = LOOK(audio1);
	}
	return (enum av_kind)kind;
}

enum av_kind
av_entity(const struct decode_iface *iface, uint8_t id)
{
	/* class-specific descriptors stand in the first alternate */
	const struct desc_alt *alt =
	    desc_find_alt(iface->config, iface->alt->number, 0);
	int is_video = iface->alt->class == AV_CLASS_VIDEO;
	enum av_kind found = AV_UNDECLARED, kind;
	size_t pos = 0, n;
	const uint8_t *p;

	if (id == 0) {
		return !is_video ? AV_AUDIO_INTERFACE :
		    iface->alt->subclass == AV_SUBCLASS_STREAMING ?
				   AV_VIDEO_STREAMING :
				   AV_VIDEO_INTERFACE;
	}
	/* Only control interfaces have entities. Firmware that looks at the id
	 * alone would take this for a request to one of those. */
	if (iface->alt->subclass != AV_SUBCLASS_CONTROL) {
		return AV_UNDECLARED;
	}
	while (alt != NULL && desc_step(iface->bytes + alt->offset,
				  alt->length, &pos, &p, &n) == 0) {
		if (p[1] != DESC_CS_INTERFACE || n < 4 || p[3] != id) {
			continue;
		}
		kind = kind_of(alt, p, n);
		/* Honest cameras have two of one id; the one that a profile is
		 * most likely to refuse counts. */
		if (kind == AV_VIDEO_EXTENSION || kind == AV_AUDIO_EXTENSION) {
			return kind;
		}
		if (kind != AV_NONE && found == AV_UNDECLARED) {
			found = kind;
		}
	}
	return found;
}

uint32_t
av_control(const struct decode_iface *iface, const uint8_t setup[8])
{
	enum av_kind kind = av_entity(iface, setup[5]);

	if ((setup[0] & 0x1f) == 2) {
		kind = setup[5] == 0 && iface->alt->class == AV_CLASS_AUDIO ?
		    AV_AUDIO_ENDPOINT :
		    AV_UNDECLARED;
	}
	return (uint32_t)kind << 8 | setup[3];
}

const char *
av_entities_check(const struct decode_iface *iface)
{
	const struct desc_alt *alt = iface->alt;
	size_t pos = 0, n;
	const uint8_t *p;

	if (alt->subclass != AV_SUBCLASS_CONTROL) {
		return NULL;
	}
	while (desc_step(iface->bytes + alt->offset, alt->length, &pos, &p,
		   &n) == 0) {
		if (p[1] != DESC_CS_INTERFACE) {
			continue;
		}
		if (n < 3) {
			return "class-specific descriptor below 3 bytes";
		}
		if (kind_of(alt, p, n) == AV_NONE) {
			continue;
		}
		if (n < 4 || p[3] == 0) {
			return "unit or terminal without an id";
		}
	}
	return NULL;
}
