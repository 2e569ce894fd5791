/*
 * Video control interfaces (USB Video 1.5 3.7.2): header, terminals, units, and
 * that no chain of them closes on itself (CVE-2020-0404).
 *
 * What passes, because sold cameras have it and readers look things up by id,
 * the first one wins: ids of 0, one id twice, inputs that are not there,
 * extension units behind an output terminal; totals and bcdUVC of any value;
 * names and video standards left out at the end of a unit; streaming interfaces
 * in the header's list that are not there.
 */
#include "base/err.h"
#include "policy/vet/graph.h"
#include "policy/vet/part.h"
#include "wire/cursor.h"

enum vc {
	VC_HEADER = 1,
	VC_INPUT = 2,
	VC_OUTPUT = 3,
	VC_SELECTOR = 4,
	VC_PROCESSING = 5,
	VC_EXTENSION = 6,
	VC_ENCODING = 7,
};

#define ITT_CAMERA 0x0201
#define ITT_MEDIA 0x0202

/* Bytes that a descriptor must have, by its own fields; 0: not even those. */
static size_t
input_size(const uint8_t *p, size_t n)
{
	if (n < 8) {
		return 0;
	}
	if (le16_at(p + 4) == ITT_CAMERA) {
		return n < 15 ? 0 : 15 + (size_t)p[14];
	}
	if (le16_at(p + 4) == ITT_MEDIA) {
		size_t controls;

		if (n < 10 || n < 10 + (size_t)p[8]) {
			return 0;
		}
		controls = p[8];
		return 10 + controls + p[9 + controls];
	}
	return 8;
}

static size_t
extension_size(const uint8_t *p, size_t n)
{
	size_t pins;

	if (n < 23 || n < 23 + (size_t)p[21]) {
		return 0;
	}
	pins = p[21];
	return 23 + pins + p[22 + pins];
}

static size_t
size_of(const uint8_t *p, size_t n)
{
	switch (p[2]) {
	case VC_HEADER:
		return n < 12 ? 0 : 12 + (size_t)p[11];
	case VC_INPUT:
		return input_size(p, n);
	case VC_OUTPUT:
		return 8; /* and a name */
	case VC_SELECTOR:
		return n < 5 ? 0 : 5 + (size_t)p[4];
	case VC_PROCESSING:
		return n < 8 ? 0 : 8 + (size_t)p[7];
	case VC_EXTENSION:
		return extension_size(p, n);
	case VC_ENCODING:
		return n < 7 ? 0 : 7 + (size_t)p[6];
	}
	return 3;
}

static int
add_unit(struct graph *g, const struct vet_walk *w)
{
	const uint8_t *p = w->p;

	switch (p[2]) {
	case VC_INPUT:
		return graph_add(g, p[3], NULL, 0, 0, w->at);
	case VC_OUTPUT:
		return graph_add(g, p[3], p + 7, 1, 0, w->at);
	case VC_SELECTOR:
		return graph_add(g, p[3], p + 5, p[4], 0, w->at);
	case VC_PROCESSING:
	case VC_ENCODING:
		return graph_add(g, p[3], p + 4, 1, 0, w->at);
	case VC_EXTENSION:
		return graph_add(g, p[3], p + 22, p[21], 0, w->at);
	}
	return 0;
}

/* The type of a terminal shares its word with the kind of a unit in readers:
 * one without its upper byte would be taken for a unit (CVE-2019-2101), and an
 * input with the uppermost bit for an output. */
static int
judge_terminal(const struct vet *v, const struct vet_walk *w)
{
	uint16_t type = le16_at(w->p + 4);

	if ((w->p[2] == VC_INPUT &&
		((type & 0x7f00) == 0 || (type & 0x8000) != 0)) ||
	    (w->p[2] == VC_OUTPUT && (type & 0xff00) == 0)) {
		return vet_no(v, "R6.terminal",
		    "video terminal of an impossible type", w->at + 4);
	}
	return 0;
}

static int
judge(const struct vet *v, struct graph *g, const struct vet_walk *w)
{
	size_t size;
	int r;

	if (w->n < 3) {
		return vet_no(v, "R6.length",
		    "video descriptor without a subtype", w->at);
	}
	size = size_of(w->p, w->n);
	if (size == 0 || w->n < size) {
		return vet_no(v, "R6.length",
		    "video descriptor shorter than its own fields", w->at);
	}
	r = w->p[2] == VC_INPUT || w->p[2] == VC_OUTPUT ? judge_terminal(v, w)
							: 0;
	if (r == 0 && add_unit(g, w) != 0) {
		r = vet_no(v, "R6.units", "too many video units", w->at);
	}
	return r;
}

int
vet_video_control(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);
	const struct graph_node *node;
	struct graph g = {.n = 0};

	while (vet_walk_next(&w)) {
		int r = w.p[1] == DESC_CS_INTERFACE ? judge(v, &g, &w) : 0;

		if (r != 0) {
			return r;
		}
	}
	node = graph_cycle(&g);
	return node == NULL ? 0
			    : vet_no(v, "R6.cycle",
				  "video units run in a circle", node->offset);
}
