/*
 * Names of audio and video controls, streams and formats (audio 1.0 A.9, 2.0
 * A.9, 3.0 A.21; UVC 1.5 A.9).
 */
#include "policy/facts/names.h"

#include "policy/facts/av.h"

#define ONE(name, kind, selector) \
	{name, kind << 8 | selector, kind << 8 | selector}
#define TWO(name, kind, low, high) {name, kind << 8 | low, kind << 8 | high}
#define ALL(name, kind) {name, kind << 8, kind << 8 | 0xff}

const struct fact_name names_av_control[] = {
	/* every control of such an entity */
	ALL("terminal", AV_AUDIO_TERMINAL),
	ALL("terminal", AV_VIDEO_TERMINAL),
	ALL("mixer-unit", AV_AUDIO_MIXER),
	ALL("selector-unit", AV_AUDIO_SELECTOR),
	ALL("selector-unit", AV_VIDEO_SELECTOR),
	ALL("feature-unit", AV_AUDIO_FEATURE),
	ALL("effect-unit", AV_AUDIO_EFFECT),
	ALL("processing-unit", AV_AUDIO_PROCESSING),
	ALL("processing-unit", AV_VIDEO_PROCESSING),
	ALL("extension-unit", AV_AUDIO_EXTENSION),
	ALL("extension-unit", AV_VIDEO_EXTENSION),
	ALL("encoding-unit", AV_VIDEO_ENCODING),
	ALL("clock", AV_AUDIO_CLOCK),
	ALL("clock", AV_AUDIO_CLOCK_SELECTOR),
	ALL("clock", AV_AUDIO_CLOCK_MULTIPLIER),
	ALL("rate-converter", AV_AUDIO_RATE_CONVERTER),
	ALL("connectors", AV_AUDIO_CONNECTORS),
	ALL("power-domain", AV_AUDIO_POWER),
	ALL("audio-interface", AV_AUDIO_INTERFACE),
	ALL("camera-terminal", AV_VIDEO_CAMERA),
	ALL("streaming", AV_VIDEO_STREAMING),

	ONE("mute", AV_AUDIO_FEATURE, 1),
	ONE("volume", AV_AUDIO_FEATURE, 2),
	ONE("bass", AV_AUDIO_FEATURE, 3),
	ONE("mid", AV_AUDIO_FEATURE, 4),
	ONE("treble", AV_AUDIO_FEATURE, 5),
	ONE("equalizer", AV_AUDIO_FEATURE, 6),
	ONE("automatic-gain", AV_AUDIO_FEATURE, 7),
	ONE("delay", AV_AUDIO_FEATURE, 8),
	ONE("bass-boost", AV_AUDIO_FEATURE, 9),
	ONE("loudness", AV_AUDIO_FEATURE, 10),
	ONE("input-gain", AV_AUDIO_FEATURE, 11),
	ONE("input-gain-pad", AV_AUDIO_FEATURE, 12),
	ONE("phase-inverter", AV_AUDIO_FEATURE, 13),
	/* of an endpoint in audio 1.0, of a clock later */
	ONE("sample-rate", AV_AUDIO_ENDPOINT, 1),
	ONE("sample-rate", AV_AUDIO_CLOCK, 1),
	ONE("pitch", AV_AUDIO_ENDPOINT, 2),
	ONE("clock-valid", AV_AUDIO_CLOCK, 2),

	ONE("power-mode", AV_VIDEO_INTERFACE, 1),
	ONE("error-code", AV_VIDEO_INTERFACE, 2),
	ONE("scanning-mode", AV_VIDEO_CAMERA, 1),
	ONE("exposure-auto", AV_VIDEO_CAMERA, 2),
	ONE("exposure-priority", AV_VIDEO_CAMERA, 3),
	TWO("exposure", AV_VIDEO_CAMERA, 4, 5),
	TWO("focus", AV_VIDEO_CAMERA, 6, 7),
	ONE("focus-auto", AV_VIDEO_CAMERA, 8),
	TWO("iris", AV_VIDEO_CAMERA, 9, 10),
	TWO("zoom", AV_VIDEO_CAMERA, 11, 12),
	TWO("pan-tilt", AV_VIDEO_CAMERA, 13, 14),
	TWO("roll", AV_VIDEO_CAMERA, 15, 16),
	ONE("privacy", AV_VIDEO_CAMERA, 17),
	ONE("focus-simple", AV_VIDEO_CAMERA, 18),
	ONE("window", AV_VIDEO_CAMERA, 19),
	ONE("region-of-interest", AV_VIDEO_CAMERA, 20),
	ONE("backlight", AV_VIDEO_PROCESSING, 1),
	ONE("brightness", AV_VIDEO_PROCESSING, 2),
	ONE("contrast", AV_VIDEO_PROCESSING, 3),
	ONE("gain", AV_VIDEO_PROCESSING, 4),
	ONE("power-line-frequency", AV_VIDEO_PROCESSING, 5),
	ONE("hue", AV_VIDEO_PROCESSING, 6),
	ONE("saturation", AV_VIDEO_PROCESSING, 7),
	ONE("sharpness", AV_VIDEO_PROCESSING, 8),
	ONE("gamma", AV_VIDEO_PROCESSING, 9),
	ONE("white-balance", AV_VIDEO_PROCESSING, 10),
	ONE("white-balance-auto", AV_VIDEO_PROCESSING, 11),
	ONE("white-balance", AV_VIDEO_PROCESSING, 12),
	ONE("white-balance-auto", AV_VIDEO_PROCESSING, 13),
	TWO("digital-zoom", AV_VIDEO_PROCESSING, 14, 15),
	ONE("hue-auto", AV_VIDEO_PROCESSING, 16),
	ONE("video-standard", AV_VIDEO_PROCESSING, 17),
	ONE("lock-status", AV_VIDEO_PROCESSING, 18),
	ONE("contrast-auto", AV_VIDEO_PROCESSING, 19),
	ONE("probe", AV_VIDEO_STREAMING, 1),
	ONE("commit", AV_VIDEO_STREAMING, 2),
	ONE("still-probe", AV_VIDEO_STREAMING, 3),
	ONE("still-commit", AV_VIDEO_STREAMING, 4),
	ONE("still-trigger", AV_VIDEO_STREAMING, 5),
	ONE("stream-error", AV_VIDEO_STREAMING, 6),
	{NULL, 0, 0}};

const struct fact_name names_av_stream[] = {
	{"microphone", AV_MICROPHONE, AV_MICROPHONE},
	{"speaker", AV_SPEAKER, AV_SPEAKER}, {"video", AV_VIDEO, AV_VIDEO},
	{"midi", AV_MIDI, AV_MIDI}, {NULL, 0, 0}};

const struct fact_name names_av_format[] = {{"other", AV_OTHER, AV_OTHER},
	{"pcm", AV_PCM, AV_PCM}, {"pcm8", AV_PCM8, AV_PCM8},
	{"float", AV_FLOAT, AV_FLOAT}, {"alaw", AV_ALAW, AV_ALAW},
	{"mulaw", AV_MULAW, AV_MULAW}, {"mjpeg", AV_MJPEG, AV_MJPEG},
	{"yuy2", AV_YUY2, AV_YUY2}, {"nv12", AV_NV12, AV_NV12},
	{"uncompressed", AV_YUY2, AV_UNCOMPRESSED}, {"h264", AV_H264, AV_H264},
	{"h265", AV_H265, AV_H265}, {"vp8", AV_VP8, AV_VP8},
	{"mpeg2ts", AV_MPEG2TS, AV_MPEG2TS}, {"dv", AV_DV, AV_DV},
	{NULL, 0, 0}};
