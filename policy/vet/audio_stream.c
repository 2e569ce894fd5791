/*
 * Audio and MIDI streaming interfaces (USB Audio 1.0 4.5, Formats 1.0 2.2,
 * Audio 2.0 4.9, 3.0 4.7, MIDI 1.0 6.1-6.2): lists of sample rates, jacks and
 * their pins lie inside the descriptor that counts them.
 */
#include "policy/vet/part.h"

enum { UAC1 = 0x00, UAC2 = 0x20, UAC3 = 0x30 };
enum { AS_GENERAL = 1, AS_FORMAT = 2 };
enum { MS_HEADER = 1, MS_IN_JACK = 2, MS_OUT_JACK = 3 };
enum { FORMAT_I = 1, FORMAT_II = 2, FORMAT_III = 3 };

/* Sample rates of version 1 are a list of n, or a range of two when n is 0. */
static size_t
rates_size(const uint8_t *p, size_t n, size_t count_at)
{
	size_t rates;

	if (n <= count_at) {
		return 0;
	}
	rates = p[count_at] != 0 ? p[count_at] : 2;
	return count_at + 1 + 3 * rates;
}

static int
judge_format(
    const struct vet *v, const struct desc_alt *alt, const struct vet_walk *w)
{
	size_t size = 4;

	if (alt->protocol == UAC2) {
		size = w->n > 3 && w->p[3] == FORMAT_I ? 6 : 4;
	} else if (w->n > 3 && (w->p[3] == FORMAT_I || w->p[3] == FORMAT_III)) {
		size = rates_size(w->p, w->n, 7);
	} else if (w->n > 3 && w->p[3] == FORMAT_II) {
		size = rates_size(w->p, w->n, 8);
	}
	return size != 0 && w->n >= size
		   ? 0
		   : vet_no(v, "R6.format",
			 "audio format shorter than its list of rates", w->at);
}

int
vet_audio_stream(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		int r = 0;

		if (w.p[1] != DESC_CS_INTERFACE) {
			continue;
		}
		if (w.n < 3) {
			r = vet_no(v, "R6.length",
			    "audio descriptor without a subtype", w.at);
		} else if (w.p[2] == AS_GENERAL) {
			size_t least = alt->protocol == UAC3   ? 23
				       : alt->protocol == UAC2 ? 16
							       : 7;

			r = vet_at_least(v, &w, least,
			    "streaming descriptor shorter than its version");
		} else if (w.p[2] == AS_FORMAT && alt->protocol != UAC3) {
			r = judge_format(v, alt, &w);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
judge_jack(const struct vet *v, const struct vet_walk *w)
{
	if (w->n < 3) {
		return vet_no(
		    v, "R6.length", "MIDI descriptor without a subtype", w->at);
	}
	switch (w->p[2]) {
	case MS_HEADER:
		return vet_at_least(
		    v, w, 7, "MIDI header shorter than 7 bytes");
	case MS_IN_JACK:
		/* 6, and some leave the name out */
		return vet_at_least(v, w, 5, "MIDI jack shorter than 5 bytes");
	case MS_OUT_JACK:
		if (w->n < 6 || w->n < 6 + 2u * w->p[5]) {
			return vet_no(v, "R6.length",
			    "MIDI jack shorter than its pins", w->at);
		}
		return 0;
	}
	return 0;
}

int
vet_midi(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		int r = 0;

		if (w.p[1] == DESC_CS_INTERFACE) {
			r = judge_jack(v, &w);
		} else if (w.p[1] == DESC_CS_ENDPOINT && w.n >= 3 &&
			   w.p[2] == 1 && (w.n < 4 || w.n < 4u + w.p[3])) {
			/* MS_GENERAL: the embedded jacks of the endpoint */
			r = vet_no(v, "R6.length",
			    "MIDI endpoint shorter than its list of jacks",
			    w.at);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}
