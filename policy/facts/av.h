/*
 * Numbers of FACT_CONTROL: a selector means something only together with the
 * kind of entity that has it. kind << 8 | selector; AV_NONE, which leaves the
 * bare selector, is for what has no kind.
 */
#ifndef POLICY_FACTS_AV_H
#define POLICY_FACTS_AV_H

enum av_kind {
	AV_NONE,

	/* Audio 1.0 A.9, audio 2.0 A.9, audio 3.0 A.21 */
	AV_AUDIO_TERMINAL,
	AV_AUDIO_MIXER,
	AV_AUDIO_SELECTOR,
	AV_AUDIO_FEATURE,
	AV_AUDIO_EFFECT,
	AV_AUDIO_PROCESSING,
	AV_AUDIO_EXTENSION,
	AV_AUDIO_CLOCK,
	AV_AUDIO_CLOCK_SELECTOR,
	AV_AUDIO_CLOCK_MULTIPLIER,
	AV_AUDIO_RATE_CONVERTER,
	AV_AUDIO_CONNECTORS,
	AV_AUDIO_POWER,
	AV_AUDIO_INTERFACE, /* entity 0 */
	AV_AUDIO_ENDPOINT,

	/* UVC 1.5 A.9 */
	AV_VIDEO_INTERFACE, /* entity 0 of the control interface */
	AV_VIDEO_CAMERA,
	AV_VIDEO_TERMINAL, /* another one */
	AV_VIDEO_SELECTOR,
	AV_VIDEO_PROCESSING,
	AV_VIDEO_EXTENSION,
	AV_VIDEO_ENCODING,
	AV_VIDEO_STREAMING,

	AV_UNDECLARED, /* no descriptor has that id */
	AV_KINDS
};

enum av_stream { AV_MICROPHONE = 1, AV_SPEAKER, AV_VIDEO, AV_MIDI };

enum av_format {
	AV_OTHER,
	AV_PCM,
	AV_PCM8,
	AV_FLOAT,
	AV_ALAW,
	AV_MULAW,
	AV_MJPEG,
	AV_YUY2,
	AV_NV12,
	AV_UNCOMPRESSED,
	AV_H264,
	AV_H265,
	AV_VP8,
	AV_MPEG2TS,
	AV_DV,
};

#endif
