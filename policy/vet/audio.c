/*
 * Audio control interfaces: header, terminals, units and clocks of USB Audio
 * 1.0 (4.3.2), 2.0 (4.7.2) and 3.0 (4.5.2). Every length that a reader takes
 * from the descriptor is inside it, every id stands for one thing, and nothing
 * is its own input, however far round.
 *
 * What passes: totals in headers, which no reader uses; inputs that are not
 * there, which all look for and do not find; streaming interfaces in the
 * header's list that are not there.
 */
#include "base/err.h"
#include "policy/vet/graph.h"
#include "policy/vet/part.h"
#include "wire/cursor.h"

enum version { UAC1 = 0x00, UAC2 = 0x20, UAC3 = 0x30 };

enum kind {
	NOTHING, /* no unit, or one of which nothing is known */
	HEADER,
	INPUT,
	OUTPUT,
	MIXER,
	SELECTOR,
	FEATURE,
	EFFECT,
	PROCESSING,
	EXTENSION,
	CLOCK_SOURCE,
	CLOCK_SELECTOR,
	CLOCK_MULTIPLIER,
	CONVERTER,
	POWER_DOMAIN,
	KINDS,
};

/* Subtypes are numbered anew in each version (tables ). */
static const uint8_t kinds1[] = {NOTHING, HEADER, INPUT, OUTPUT, MIXER,
    SELECTOR, FEATURE, PROCESSING, EXTENSION};
static const uint8_t kinds2[] = {NOTHING, HEADER, INPUT, OUTPUT, MIXER,
    SELECTOR, FEATURE, EFFECT, PROCESSING, EXTENSION, CLOCK_SOURCE,
    CLOCK_SELECTOR, CLOCK_MULTIPLIER, CONVERTER};
static const uint8_t kinds3[] = {NOTHING, HEADER, INPUT, OUTPUT, NOTHING, MIXER,
    SELECTOR, FEATURE, EFFECT, PROCESSING, EXTENSION, CLOCK_SOURCE,
    CLOCK_SELECTOR, CLOCK_MULTIPLIER, CONVERTER, NOTHING, POWER_DOMAIN};

/* Least bytes by kind; what varies is added by the functions below. */
struct least {
	uint8_t v1, v2, v3;
};
static const struct least leasts[KINDS] = {
    [HEADER] = {8, 9, 10},
    [INPUT] = {12, 17, 20},
    [OUTPUT] = {9, 12, 19},
    [MIXER] = {5, 5, 5},
    [SELECTOR] = {5, 5, 5},
    [FEATURE] = {7, 10, 11},
    [EFFECT] = {0, 16, 16},
    [PROCESSING] = {7, 7, 7},
    [EXTENSION] = {7, 7, 7},
    [CLOCK_SOURCE] = {0, 8, 12},
    [CLOCK_SELECTOR] = {0, 5, 5},
    [CLOCK_MULTIPLIER] = {0, 7, 11},
    [CONVERTER] = {0, 8, 9},
    [POWER_DOMAIN] = {0, 0, 9},
};

static enum kind
kind_of(unsigned version, uint8_t subtype)
{
	switch (version) {
	case UAC1:
		return subtype < sizeof(kinds1) ? kinds1[subtype] : NOTHING;
	case UAC2:
		return subtype < sizeof(kinds2) ? kinds2[subtype] : NOTHING;
	case UAC3:
		return subtype < sizeof(kinds3) ? kinds3[subtype] : NOTHING;
	}
	return NOTHING;
}

static size_t
by_version(unsigned version, size_t v1, size_t v2, size_t v3)
{
	return version == UAC1 ? v1 : version == UAC2 ? v2 : v3;
}

/* Processing and extension units end in fields that other fields size. 0 when
 * even those do not fit. */
static size_t
processing_size(unsigned version, enum kind kind, const uint8_t *p, size_t n)
{
	size_t len = 7 + (size_t)p[6]; /* bNrInPins, baSourceID */
	uint16_t process = le16_at(p + 4);
	size_t each = by_version(version, 2, 4, 2);

	if (version == UAC1) {
		len += 4; /* bNrChannels, wChannelConfig, iChannelNames */
		if (n < len + 1) {
			return 0;
		}
		len += 1 + (size_t)p[len] + 1; /* bmControls, a string */
	} else if (version == UAC2) {
		len += 6 + 1 + (kind == PROCESSING ? 2 : 1);
	} else {
		len += 2 + 4;
	}
	/* up/down mix, Dolby Prologic: a list of modes */
	if (kind == PROCESSING &&
	    (process == 1 || (process == 2 && version != UAC3))) {
		if (n < len + 1) {
			return 0;
		}
		len += 1 + each * p[len];
	}
	return len;
}

/* Bytes that a descriptor must have, by its own fields; 0: it has not even
 * those. */
static size_t
size_of(unsigned version, enum kind kind, const uint8_t *p, size_t n)
{
	size_t least = by_version(
	    version, leasts[kind].v1, leasts[kind].v2, leasts[kind].v3);

	if (n < least) {
		return 0;
	}
	switch (kind) {
	case HEADER:
		return version == UAC1 ? 8 + (size_t)p[7] : least;
	case MIXER:
		/* the bit map in the middle has a size of its own */
		return p[4] == 0
			   ? 0
			   : 5 + (size_t)p[4] + by_version(version, 4, 7, 2);
	case SELECTOR:
	case CLOCK_SELECTOR:
		return 5 + (size_t)p[4] + by_version(version, 1, 2, 6);
	case FEATURE:
		/* at least the controls of the master channel */
		return version == UAC1 ? (p[5] == 0 ? 0 : 6 + (size_t)p[5] + 1)
				       : least;
	case PROCESSING:
	case EXTENSION:
		return processing_size(version, kind, p, n);
	case POWER_DOMAIN:
		return 9 + (size_t)p[8] + 2;
	case NOTHING:
	case INPUT:
	case OUTPUT:
	case EFFECT:
	case CLOCK_SOURCE:
	case CLOCK_MULTIPLIER:
	case CONVERTER:
	case KINDS:
		break;
	}
	return least;
}

/* Inputs of a unit whose length was judged. */
static int
add_unit(
    struct graph *g, unsigned version, enum kind kind, const struct vet_walk *w)
{
	const uint8_t *p = w->p, *sources = NULL;
	uint8_t n = 0, clock = 0;

	switch (kind) {
	case NOTHING:
	case HEADER:
	case POWER_DOMAIN:
	case KINDS:
		return 0;
	case INPUT:
		clock = version == UAC1 ? 0 : p[7];
		break;
	case OUTPUT:
		sources = p + 7;
		n = 1;
		clock = version == UAC1 ? 0 : p[8];
		break;
	case MIXER:
	case SELECTOR:
	case CLOCK_SELECTOR:
		sources = p + 5;
		n = p[4];
		break;
	case FEATURE:
	case CLOCK_MULTIPLIER:
	case CONVERTER:
		sources = p + 4;
		n = 1;
		break;
	case EFFECT:
		sources = p + 6;
		n = 1;
		break;
	case PROCESSING:
	case EXTENSION:
		sources = p + 7;
		n = p[6];
		break;
	case CLOCK_SOURCE:
		break;
	}
	return graph_add(g, p[3], sources, n, clock, w->at);
}

static int
judge_unit(const struct vet *v, struct graph *g, unsigned version,
    const struct vet_walk *w)
{
	enum kind kind;
	size_t size;

	if (w->n < 3) {
		return vet_no(v, "R6.length",
		    "audio descriptor without a subtype", w->at);
	}
	kind = kind_of(version, w->p[2]);
	if (kind == NOTHING) {
		return 0;
	}
	size = size_of(version, kind, w->p, w->n);
	if (size == 0 || w->n < size) {
		return vet_no(v, "R6.length",
		    "audio descriptor shorter than its own fields", w->at);
	}
	if (kind != HEADER && kind != POWER_DOMAIN &&
	    graph_find(g, w->p[3]) != NULL) {
		return vet_no(v, "R6.id", "two audio units of one id", w->at);
	}
	if (add_unit(g, version, kind, w) != 0) {
		return vet_no(v, "R6.units", "too many audio units", w->at);
	}
	return 0;
}

int
vet_audio_control(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);
	const struct graph_node *node;
	struct graph g = {.n = 0};

	if (alt->protocol != UAC1 && alt->protocol != UAC2 &&
	    alt->protocol != UAC3) {
		return 0; /* no driver of the class knows another one */
	}
	while (vet_walk_next(&w)) {
		int r = w.p[1] == DESC_CS_INTERFACE
			    ? judge_unit(v, &g, alt->protocol, &w)
			    : 0;

		if (r != 0) {
			return r;
		}
	}
	node = graph_cycle(&g);
	return node == NULL ? 0
			    : vet_no(v, "R6.cycle",
				  "audio units run in a circle", node->offset);
}
