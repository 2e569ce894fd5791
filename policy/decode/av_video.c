/*
 * Video streams: the formats of a streaming interface, which one is committed,
 * and the header of each payload (UVC 1.5 2.4.3.3, 3.9.2, 4.3.1).
 */
#include "policy/decode/av.h"

#include <string.h>

#include "wire/cursor.h"

/* Headers that lie are dropped; Linux does no more. A camera of which every
 * fourth packet is one shows no picture and has some other purpose. */
#define WINDOW 256u
#define LIES 64u

#define COMMIT_SIZE 26u /* UVC 1.0; later ones are longer */

enum format_subtype {
	FORMAT_UNCOMPRESSED = 0x04,
	FORMAT_MJPEG = 0x06,
	FORMAT_MPEG2TS = 0x0a,
	FORMAT_DV = 0x0c,
	FORMAT_FRAME_BASED = 0x10,
	FORMAT_STREAM_BASED = 0x12,
	FORMAT_H264 = 0x13,
	FORMAT_H264_SIMULCAST = 0x15,
	FORMAT_VP8 = 0x16,
	FORMAT_VP8_SIMULCAST = 0x17,
};

/* GUIDs begin with a FourCC. */
static enum av_format
format_of_guid(const uint8_t *guid, enum av_format other)
{
	static const struct {
		char fourcc[5];
		enum av_format format;
	} known[] = {{"YUY2", AV_YUY2}, {"NV12", AV_NV12}, {"H264", AV_H264},
		{"H265", AV_H265}, {"HEVC", AV_H265}, {"VP80", AV_VP8},
		{"MJPG", AV_MJPEG}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (memcmp(guid, known[i].fourcc, 4) == 0) {
			return known[i].format;
		}
	}
	return other;
}

/* *least: the bytes that such a descriptor has; 0 = it is no format. */
static enum av_format
format_of(const uint8_t *p, size_t n, size_t *least)
{
	*least = 5;
	switch (p[2]) {
	case FORMAT_UNCOMPRESSED:
		*least = 27;
		return n < 27 ? AV_OTHER :
				format_of_guid(p + 5, AV_UNCOMPRESSED);
	case FORMAT_FRAME_BASED:
		*least = 28;
		return n < 28 ? AV_OTHER : format_of_guid(p + 5, AV_OTHER);
	case FORMAT_MJPEG:
		*least = 11;
		return AV_MJPEG;
	case FORMAT_MPEG2TS:
		return AV_MPEG2TS;
	case FORMAT_DV:
		return AV_DV;
	case FORMAT_STREAM_BASED:
		return AV_OTHER;
	case FORMAT_H264:
	case FORMAT_H264_SIMULCAST:
		return AV_H264;
	case FORMAT_VP8:
	case FORMAT_VP8_SIMULCAST:
		return AV_VP8;
	}
	*least = 0;
	return AV_OTHER;
}

static int
find(const struct av_video *v, uint8_t index)
{
	for (unsigned i = 0; i < v->nformats; i++) {
		if (v->formats[i].index == index) {
			return (int)i;
		}
	}
	return -1;
}

const char *
av_video_read(struct av_video *v, const struct decode_iface *iface)
{
	const struct desc_alt *alt =
	    desc_find_alt(iface->config, iface->alt->number, 0);
	size_t pos = 0, n, least;
	const uint8_t *p;

	v->nformats = 0;
	while (alt != NULL && desc_step(iface->bytes + alt->offset,
				  alt->length, &pos, &p, &n) == 0) {
		enum av_format format;

		if (p[1] != DESC_CS_INTERFACE || n < 3) {
			continue;
		}
		format = format_of(p, n, &least);
		if (least == 0) {
			continue;
		}
		if (n < least) {
			return "video format cut short";
		}
		if (find(v, p[3]) >= 0 || v->nformats == AV_FORMATS) {
			return "two video formats of one index, or too many";
		}
		v->formats[v->nformats].index = p[3];
		v->formats[v->nformats].nframes = p[4];
		v->formats[v->nformats].format = format;
		v->nformats++;
	}
	return NULL;
}

int
av_video_has(const struct av_video *v, const uint8_t *p, uint32_t len)
{
	return len >= COMMIT_SIZE && find(v, p[2]) >= 0;
}

void
av_video_commit(struct av_video *v, const uint8_t *p, uint32_t len)
{
	if (av_video_has(v, p, len)) {
		v->format = v->formats[find(v, p[2])].format;
		v->max_payload = le32_at(p + 22);
		v->payload = 0;
	}
}

static int
is_lie(const uint8_t *p, uint32_t len)
{
	return len > 0 && (len < 2 || p[0] < 2 || p[0] > len);
}

static const char *
count(struct av_video *v, int lies)
{
	if (v->packets == WINDOW) {
		v->packets = 0;
		v->lies = 0;
	}
	v->packets++;
	v->lies = (uint16_t)(v->lies + lies);
	return v->lies > LIES ? "video payload headers that lie" : NULL;
}

static const char *
bulk_payload(struct av_video *v, struct unit *u)
{
	uint32_t actual = u->actual;
	const char *why = NULL;

	if (v->max_payload == 0) { /* nobody knows where one begins */
		return NULL;
	}
	if (v->payload == 0 && actual > 0) {
		int lies = is_lie(u->data, actual);

		why = count(v, lies);
		u->actual = lies ? 0 : actual;
	}
	v->payload += actual;
	if (actual < u->length || v->payload >= v->max_payload) {
		v->payload = 0;
	}
	return why;
}

const char *
av_video_payload(struct av_video *v, struct unit *u)
{
	const char *why = NULL;

	if (u->type != XFER_ISO) {
		return bulk_payload(v, u);
	}
	u->actual = 0;
	for (uint32_t i = 0; i < u->npackets; i++) {
		struct unit_packet *p = &u->packets[i];
		int lies = is_lie(u->data + p->offset, p->actual);

		if (p->actual > 0 && why == NULL) {
			why = count(v, lies);
		}
		p->actual = lies ? 0 : p->actual;
		u->actual += p->actual;
	}
	return why;
}
