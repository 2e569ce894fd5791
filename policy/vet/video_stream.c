/*
 * Video streaming interfaces (USB Video 1.5 3.9): formats, and frames that
 * belong to them. A reader sizes its tables by counting frames of the kinds
 * that it knows and fills them by another rule; a frame of a kind that is none
 * was counted by one and not by the other (CVE-2024-53104). So a frame stands
 * behind a format of its own kind, and there is no undefined kind.
 *
 * What passes: totals, bNumFormats, bNumFrameDescriptors and indexes of any
 * value, which no reader sizes anything by; formats that nobody knows.
 */
#include "policy/vet/part.h"

enum vs {
	VS_UNDEFINED = 0x00,
	VS_INPUT = 0x01,
	VS_OUTPUT = 0x02,
	VS_FORMAT_UNCOMPRESSED = 0x04,
	VS_FRAME_UNCOMPRESSED = 0x05,
	VS_FORMAT_MJPEG = 0x06,
	VS_FRAME_MJPEG = 0x07,
	VS_FORMAT_MPEG2TS = 0x0a,
	VS_FORMAT_DV = 0x0c,
	VS_COLOR = 0x0d,
	VS_FORMAT_FRAME_BASED = 0x10,
	VS_FRAME_FRAME_BASED = 0x11,
	VS_FORMAT_STREAM = 0x12,
	VS_FORMAT_H264 = 0x13,
	VS_FRAME_H264 = 0x14,
	VS_FORMAT_H264_SIMULCAST = 0x15,
	VS_FORMAT_VP8 = 0x16,
	VS_FRAME_VP8 = 0x17,
	VS_FORMAT_VP8_SIMULCAST = 0x18,
};

/* Formats: least bytes. Frames: their formats, where the number of intervals
 * stands (0 of them: a range of three), and where the intervals begin. */
static const struct format {
	uint8_t subtype, least;
} formats[] = {
    {VS_FORMAT_UNCOMPRESSED, 27},
    {VS_FORMAT_MJPEG, 11},
    {VS_FORMAT_MPEG2TS, 7},
    {VS_FORMAT_DV, 9},
    {VS_FORMAT_FRAME_BASED, 28},
    {VS_FORMAT_STREAM, 5},
    {VS_FORMAT_H264, 8},
    {VS_FORMAT_H264_SIMULCAST, 8},
    {VS_FORMAT_VP8, 8},
    {VS_FORMAT_VP8_SIMULCAST, 8},
};
static const struct frame {
	uint8_t subtype, format, simulcast;
	uint8_t count_at, first;
	uint8_t is_range; /* a count of 0 means three values */
} frames[] = {
    {VS_FRAME_UNCOMPRESSED, VS_FORMAT_UNCOMPRESSED, 0, 25, 26, 1},
    {VS_FRAME_MJPEG, VS_FORMAT_MJPEG, 0, 25, 26, 1},
    {VS_FRAME_FRAME_BASED, VS_FORMAT_FRAME_BASED, 0, 21, 26, 1},
    {VS_FRAME_H264, VS_FORMAT_H264, VS_FORMAT_H264_SIMULCAST, 43, 44, 0},
    {VS_FRAME_VP8, VS_FORMAT_VP8, VS_FORMAT_VP8_SIMULCAST, 30, 31, 0},
};

static const struct format *
format_of(uint8_t subtype)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].subtype == subtype) {
			return &formats[i];
		}
	}
	return NULL;
}

static const struct frame *
frame_of(uint8_t subtype)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		if (frames[i].subtype == subtype) {
			return &frames[i];
		}
	}
	return NULL;
}

static int
judge_frame(const struct vet *v, const struct frame *frame, uint8_t format,
    const struct vet_walk *w)
{
	size_t intervals;

	if (format == 0 ||
	    (format != frame->format && format != frame->simulcast)) {
		return vet_no(v, "R6.frame",
		    "video frame behind a format of another kind", w->at);
	}
	if (w->n < frame->first) {
		return vet_no(
		    v, "R6.frame", "video frame shorter than its kind", w->at);
	}
	intervals = w->p[frame->count_at];
	if (intervals == 0 && frame->is_range) {
		intervals = 3;
	}
	if (w->n < frame->first + 4 * intervals) {
		return vet_no(v, "R6.frame-interval",
		    "video frame shorter than its table of intervals", w->at);
	}
	return 0;
}

/* bmaControls: bControlSize for each format. A header whose count of formats is
 * too large is common, and readers take the bytes behind it; those must be the
 * interface's own. */
static int
judge_header(const struct vet *v, const struct vet_walk *w)
{
	size_t least = w->p[2] == VS_INPUT ? 13 : 9;
	size_t left = w->len - (w->at - w->start);

	if (w->n < least || left < least + (size_t)w->p[3] * w->p[least - 1]) {
		return vet_no(v, "R6.length",
		    "streaming header shorter than its controls", w->at);
	}
	return 0;
}

static int
judge(const struct vet *v, uint8_t *format, const struct vet_walk *w)
{
	const struct format *f;
	const struct frame *frame;

	if (w->n < 3) {
		return vet_no(v, "R6.length",
		    "video descriptor without a subtype", w->at);
	}
	if (w->p[2] == VS_UNDEFINED) {
		return vet_no(v, "R6.frame",
		    "video frame or format of the undefined kind", w->at);
	}
	if (w->p[2] == VS_INPUT || w->p[2] == VS_OUTPUT) {
		return judge_header(v, w);
	}
	f = format_of(w->p[2]);
	if (f != NULL) {
		*format = f->subtype;
		return w->n >= f->least
			   ? 0
			   : vet_no(v, "R6.format",
				 "video format shorter than its kind", w->at);
	}
	frame = frame_of(w->p[2]);
	if (frame != NULL) {
		return judge_frame(v, frame, *format, w);
	}
	if (w->p[2] == VS_COLOR) {
		return vet_at_least(
		    v, w, 6, "colour matching shorter than 6 bytes");
	}
	return 0;
}

int
vet_video_stream(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);
	uint8_t format = 0;

	while (vet_walk_next(&w)) {
		int r = w.p[1] == DESC_CS_INTERFACE ? judge(v, &format, &w) : 0;

		if (r != 0) {
			return r;
		}
	}
	return 0;
}
