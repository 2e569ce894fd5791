/*
 * Audio (1.0, 2.0, 3.0, MIDI) and video (UVC): requests to units, terminals and
 * endpoints, and streams. Hook av rules once on each request and once on each
 * transfer of a stream, not on its packets, for nothing that it has facts of
 * changes between them.
 *
 * A stream cannot be refused in words: isochronous endpoints do not stall, and
 * a host that gets errors tries again. So `deny' of a stream is `drop', and the
 * stream lives: samples become zeros, in both directions and at their pace;
 * packets of video become empty; MIDI events and bulk video do not arrive.
 */
#include "policy/decode/av.h"

#include <string.h>

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define TYPE_CLASS 0x20u
#define VS_COMMIT 2u
#define UVC_SET_CUR 0x01u
#define AUDIO_1_STATUS 2u
#define AUDIO_2_STATUS 6u

struct av {
	struct decoder decoder;
	uint8_t is_on, number, alternate;
	uint8_t is_ump; /* MIDI 2.0 packets, without code index numbers */
	struct decode_iface iface;
	struct av_video video;
	enum av_format format; /* of audio */
};

static struct av *
av_of(struct decoder *d)
{
	return (struct av *)(void *)d;
}

static int
is_video(const struct av *a)
{
	return a->iface.alt->class == AV_CLASS_VIDEO;
}

static int
is_midi(const struct av *a)
{
	return !is_video(a) && a->iface.alt->subclass == AV_SUBCLASS_MIDI;
}

static int
av_takes(const struct decode_iface *iface)
{
	return (iface->alt->class == AV_CLASS_AUDIO &&
		   iface->alt->subclass >= AV_SUBCLASS_CONTROL &&
		   iface->alt->subclass <= AV_SUBCLASS_MIDI) ||
	    (iface->alt->class == AV_CLASS_VIDEO &&
		iface->alt->subclass >= AV_SUBCLASS_CONTROL &&
		iface->alt->subclass <= AV_SUBCLASS_STREAMING);
}

/* MIDI 2.0 3.1: bcdMSC of the header of the alternate */
static int
has_ump(const struct decode_iface *iface)
{
	size_t pos = 0, n;
	const uint8_t *p;

	while (desc_step(iface->bytes + iface->alt->offset,
		   iface->alt->length, &pos, &p, &n) == 0) {
		if (p[1] == DESC_CS_INTERFACE && n >= 5 && p[2] == 1) {
			return le16_at(p + 3) >= 0x0200;
		}
	}
	return 0;
}

static int
av_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct av *a = av_of(d);
	const struct desc_alt *alt = how->iface->alt;
	const char *why = av_entities_check(how->iface);
	struct av_video video = a->video;

	if (why == NULL && alt->class == AV_CLASS_VIDEO &&
	    alt->subclass == AV_SUBCLASS_STREAMING) {
		why = av_video_read(&video, how->iface);
	}
	if (why != NULL) {
		*what = why;
		return ERR_FORMAT;
	}
	a->iface = *how->iface;
	if (a->is_on && a->number == alt->number &&
	    a->alternate == alt->alternate) {
		return 0;
	}
	/* what is committed is so for the alternate that comes then */
	video.payload = 0;
	video.packets = 0;
	video.lies = 0;
	a->video = video;
	a->is_on = 1;
	a->number = alt->number;
	a->alternate = alt->alternate;
	a->is_ump = (uint8_t)(is_midi(a) && has_ump(how->iface));
	a->format = av_audio_format(how->iface);
	return 0;
}

static enum decode_act
invalid(struct av *a, const char *what)
{
	judge_invalid(a->decoder.judge, HOOK_AV, what);
	return DECODE_EJECT;
}

/* DECODE_PASS; DECODE_ANSWER: not this unit, by r->verdict; or an end. */
static enum decode_act
rule(struct av *a, const struct facts *f, uint64_t now, struct ruling *r)
{
	enum decode_act act;

	judge_rule(a->decoder.judge, f, now, r);
	act = answer_act(r->verdict);
	/* a hook that does not hold */
	return act == DECODE_HOLD ? DECODE_ANSWER : act;
}

static void
unit_facts(struct facts *f, const struct unit *u, uint32_t len)
{
	facts_init(f, HOOK_AV);
	facts_set(f, FACT_DIR, (uint64_t)unit_is_in(u));
	facts_set(f, FACT_LEN, len);
}

static int
is_commit(const struct av *a, const struct unit *u)
{
	return is_video(a) && u->setup[0] == 0x21 &&
	    u->setup[1] == UVC_SET_CUR && u->setup[3] == VS_COMMIT &&
	    a->iface.alt->subclass == AV_SUBCLASS_STREAMING;
}

static enum decode_act
submit_control(struct av *a, struct unit *u)
{
	uint32_t control;
	struct facts f;
	struct ruling r;
	enum decode_act act;

	if ((u->setup[0] & 0x60) != TYPE_CLASS) {
		return DECODE_PASS;
	}
	control = av_control(&a->iface, u->setup);
	if (control >> 8 == AV_UNDECLARED ||
	    (is_commit(a, u) && !av_video_has(&a->video, u->data, u->length))) {
		return answer_stall(u);
	}
	unit_facts(&f, u, u->length);
	facts_set(&f, FACT_CONTROL, control);
	if ((u->setup[0] & 0x1f) == 1) {
		facts_set(&f, FACT_ENTITY, u->setup[5]);
	}
	if (!unit_is_in(u)) {
		f.bytes = u->data;
		f.nbytes = u->length;
	}
	act = rule(a, &f, u->now, &r);
	if (act != DECODE_ANSWER) {
		return act;
	}
	if (r.verdict != VERDICT_DROP || unit_is_in(u)) {
		return answer_stall(u);
	}
	u->status = 0;
	u->actual = u->length;
	return DECODE_ANSWER;
}

static enum av_stream
stream_of(const struct av *a, const struct unit *u)
{
	return is_video(a)   ? AV_VIDEO :
	    is_midi(a)	     ? AV_MIDI :
	    unit_is_in(u) ? AV_MICROPHONE :
			    AV_SPEAKER;
}

static enum decode_act
rule_stream(struct av *a, const struct unit *u, uint32_t len)
{
	struct facts f;
	struct ruling r;

	unit_facts(&f, u, len);
	f.is_back = (uint8_t)unit_is_in(u);
	facts_set(&f, FACT_STREAM, stream_of(a, u));
	if (!is_midi(a)) {
		facts_set(&f, FACT_FORMAT,
		    is_video(a) ? a->video.format : a->format);
	}
	if (u->type != XFER_ISO) {
		f.bytes = u->data;
		f.nbytes = len;
	}
	return rule(a, &f, u->now, &r);
}

static int
is_feedback(const struct av *a, const struct unit *u)
{
	const struct desc_alt *alt = a->iface.alt;

	if (is_video(a) || u->type != XFER_ISO) {
		return 0;
	}
	for (unsigned i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *ep =
		    &a->iface.config->endpoints[alt->first_endpoint + i];

		if (ep->address == u->endpoint) {
			return av_audio_is_feedback(&a->iface, ep);
		}
	}
	return 0;
}

static enum decode_act
submit_stream(struct av *a, struct unit *u)
{
	enum decode_act act;

	if (is_feedback(a, u)) {
		return DECODE_PASS;
	}
	if (is_midi(a) && u->length % 4 != 0) {
		return invalid(a, "MIDI events that are not whole");
	}
	if (is_midi(a) && !a->is_ump) {
		av_audio_midi(u->data, u->length);
	}
	act = rule_stream(a, u, u->length);
	if (act != DECODE_ANSWER) {
		return act;
	}
	if (u->type == XFER_ISO) { /* the clock of the host */
		memset(u->data, 0, u->length);
		return DECODE_PASS;
	}
	u->status = 0;
	u->actual = u->length;
	return DECODE_ANSWER;
}

/* Of a refused transfer: nothing of what came. */
static enum decode_act
silence(const struct av *a, struct unit *u)
{
	if (u->type != XFER_ISO) {
		u->actual = 0;
		return u->status == 0 ? DECODE_AGAIN : DECODE_PASS;
	}
	for (uint32_t i = 0; i < u->npackets; i++) {
		struct unit_packet *p = &u->packets[i];

		memset(u->data + p->offset, 0, p->length);
		if (is_video(a)) {
			p->actual = 0;
		}
	}
	if (is_video(a)) {
		u->actual = 0;
	}
	return DECODE_PASS;
}

static enum decode_act
complete_stream(struct av *a, struct unit *u)
{
	const char *why = NULL;
	enum decode_act act;

	if (is_feedback(a, u)) {
		av_audio_feedback(u);
		return DECODE_PASS;
	}
	if (u->type != XFER_ISO && (u->status != 0 || u->actual == 0)) {
		a->video.payload = 0;
		u->actual = 0;
		return DECODE_PASS;
	}
	if (is_video(a)) {
		why = av_video_payload(&a->video, u);
	} else if (is_midi(a)) {
		u->actual = a->is_ump ? u->actual - u->actual % 4 :
					av_audio_midi(u->data, u->actual);
	}
	if (why != NULL) {
		return invalid(a, why);
	}
	act = rule_stream(a, u, u->actual);
	return act == DECODE_ANSWER ? silence(a, u) : act;
}

/* UVC 1.5 2.4.2.2; audio 1.0 3.7.1.2, 2.0 6.1, 3.0 6.1. What is too short to be
 * a status does not arrive. */
static enum decode_act
complete_status(const struct av *a, struct unit *u)
{
	uint32_t size = a->iface.alt->protocol == 0 ? AUDIO_1_STATUS :
						     AUDIO_2_STATUS;

	if (u->status != 0 || u->actual == 0) {
		return DECODE_PASS;
	}
	if (!is_video(a)) {
		u->actual -= u->actual % size;
		return u->actual > 0 ? DECODE_PASS : DECODE_AGAIN;
	}
	switch (u->data[0] & 15) {
	case 1: /* of the control interface */
		return u->actual >= 5 ? DECODE_PASS : DECODE_AGAIN;
	case 2: /* of a streaming interface */
		return u->actual >= 4 ? DECODE_PASS : DECODE_AGAIN;
	}
	return DECODE_AGAIN;
}

static enum decode_act
av_submit(struct decoder *d, struct unit *u)
{
	struct av *a = av_of(d);

	if (u->type == XFER_CONTROL) {
		return submit_control(a, u);
	}
	if (unit_is_in(u)) {
		return DECODE_PASS;
	}
	if (u->type == XFER_INT && !is_midi(a)) {
		return invalid(a, "status to the device");
	}
	return submit_stream(a, u);
}

static enum decode_act
av_complete(struct decoder *d, struct unit *u)
{
	struct av *a = av_of(d);

	if (u->type == XFER_CONTROL) {
		if (is_commit(a, u) && u->status == 0) {
			av_video_commit(&a->video, u->data, u->length);
		}
		return DECODE_PASS;
	}
	if (!unit_is_in(u)) {
		return DECODE_PASS;
	}
	return u->type == XFER_INT && !is_midi(a) ? complete_status(a, u) :
						    complete_stream(a, u);
}

static void
av_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	struct av *a = av_of(d);

	(void)endpoint;
	a->video.payload = 0;
	if (event == DECODE_RESET) {
		a->video.format = AV_OTHER;
		a->video.max_payload = 0;
	}
}

static uint64_t
av_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_av = {
	.name = "av",
	.hooks = 1u << HOOK_AV,
	.size = sizeof(struct av),
	.takes = av_takes,
	.attach = av_attach,
	.submit = av_submit,
	.complete = av_complete,
	.event = av_event,
	.tick = av_tick,
};
