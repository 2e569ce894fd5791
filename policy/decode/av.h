/*
 * Inside of the decoder of audio and video (av.c), and av_control for the facts
 * of the hook setup.
 */
#ifndef POLICY_DECODE_AV_H
#define POLICY_DECODE_AV_H

#include "policy/decode/decode.h"
#include "policy/facts/av.h"

#define AV_CLASS_AUDIO 0x01u
#define AV_CLASS_VIDEO 0x0eu

enum av_subclass {
	AV_SUBCLASS_CONTROL = 1,
	AV_SUBCLASS_STREAMING = 2,
	AV_SUBCLASS_MIDI = 3, /* audio only */
};

/* The kind of the entity that a class request to the interface, or to an
 * endpoint of it, goes to. It looks at the descriptors each time. */
enum av_kind av_entity(const struct decode_iface *iface, uint8_t id);
/* FACT_CONTROL of a class request; setup as the floor has passed it. */
uint32_t av_control(const struct decode_iface *iface, const uint8_t setup[8]);
/* NULL, or why the units and terminals of a control interface make no sense. */
const char *av_entities_check(const struct decode_iface *iface);

#define AV_FORMATS 16u

struct av_video { /* of a streaming interface */
	struct {
		uint8_t index, nframes;
		enum av_format format;
	} formats[AV_FORMATS];
	uint8_t nformats;
	enum av_format format; /* committed; AV_OTHER before */
	uint32_t max_payload;  /* committed; of bulk */
	uint32_t payload;      /* bytes of the bulk payload so far, 0 = none */
	uint16_t packets, lies; /* of the last 256 packets */
};

/* Formats of the interface, alternate 0 of it: NULL, or what is wrong. */
const char *av_video_read(
    struct av_video *v, const struct decode_iface *iface);
/* Whether the device has what a SET_CUR of probe or commit asks for. */
int av_video_has(const struct av_video *v, const uint8_t *p, uint32_t len);
void av_video_commit(struct av_video *v, const uint8_t *p, uint32_t len);
/* Payload headers of a transfer that came. Packets whose header lies become
 * empty. NULL, or why this is no camera. */
const char *av_video_payload(struct av_video *v, struct unit *u);

/* The format of the active alternate of an audio stream. */
enum av_format av_audio_format(const struct decode_iface *iface);
/* 1 when the endpoint of the alternate says how fast the device plays. */
int av_audio_is_feedback(
    const struct decode_iface *iface, const struct desc_endpoint *ep);
void av_audio_feedback(struct unit *u);
/* MIDI 1.0 events: what is none becomes zeros, that is, nothing. Bytes in whole
 * events. */
uint32_t av_audio_midi(uint8_t *p, uint32_t len);

#endif
