/*
 * Functional descriptors of communication devices (CDC 1.2 5.2.3 and its models
 * ACM, ECM, NCM, MBIM, MDLM). Vendors use them in interfaces of class ff, too;
 * there they are judged when a CDC header stands among them.
 *
 * Descriptors of other lengths than the specification's are read by no one if
 * their own reader would not look at them, so only those are judged that name
 * an interface or have fields at fixed places.
 */
#include "policy/vet/part.h"

#define CLASS_CDC 0x02

enum cdc {
	CDC_HEADER = 0x00,
	CDC_CALL = 0x01,
	CDC_ACM = 0x02,
	CDC_UNION = 0x06,
	CDC_ETHERNET = 0x0f,
	CDC_MDLM = 0x12,
	CDC_NCM = 0x1a,
	CDC_MBIM = 0x1b,
	CDC_MBIM_EXTENDED = 0x1c,
};

static const struct {
	uint8_t subtype, least;
	const char *text;
} lengths[] = {
    {CDC_HEADER, 5, "CDC header shorter than 5 bytes"},
    {CDC_ACM, 4, "abstract control descriptor shorter than 4 bytes"},
    {CDC_UNION, 5, "union shorter than 5 bytes"},
    {CDC_ETHERNET, 13, "Ethernet descriptor shorter than 13 bytes"},
    {CDC_MDLM, 21, "mobile direct line descriptor shorter than 21 bytes"},
    {CDC_NCM, 6, "NCM descriptor shorter than 6 bytes"},
    {CDC_MBIM, 12, "MBIM descriptor shorter than 12 bytes"},
    {CDC_MBIM_EXTENDED, 8, "MBIM extension shorter than 8 bytes"},
};

/* Some modems have one interface for both halves, which then is its own data
 * interface and has all the endpoints. */
static int
is_collapsed(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_ends ends = vet_count_ends(v->config, alt);

	return ends.bulk_in > 0 && ends.bulk_out > 0;
}

static int
judge_union(
    const struct vet *v, const struct desc_alt *alt, const struct vet_walk *w)
{
	uint8_t master = w->p[3];

	if (!vet_has_interface(v, master)) {
		return vet_no(v, "R6.union",
		    "union of a controlling interface that is not there",
		    w->at);
	}
	for (size_t i = 4; i < w->n; i++) {
		if (!vet_has_interface(v, w->p[i])) {
			return vet_no(v, "R6.union",
			    "union of an interface that is not there", w->at);
		}
		if (w->p[i] == master && !is_collapsed(v, alt)) {
			return vet_no(v, "R6.union",
			    "union of an interface with itself", w->at);
		}
	}
	return 0;
}

static int
judge(const struct vet *v, const struct desc_alt *alt, const struct vet_walk *w)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int r;

		if (w->p[2] != lengths[i].subtype) {
			continue;
		}
		r = vet_at_least(v, w, lengths[i].least, lengths[i].text);
		if (r != 0 || w->n < lengths[i].least) {
			return r;
		}
	}
	/* unions of vendor interfaces are for drivers that know better */
	return w->p[2] == CDC_UNION && alt->class == CLASS_CDC
		   ? judge_union(v, alt, w)
		   : 0;
}

static int
is_functional(const struct vet_walk *w)
{
	return w->p[1] == DESC_CS_INTERFACE && w->n >= 3;
}

/* Whether a vendor's descriptors are those of CDC: a header is among them. */
static int
has_header(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		if (is_functional(&w) && w.p[2] == CDC_HEADER && w.n == 5) {
			return 1;
		}
	}
	return 0;
}

int
vet_cdc(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	if (alt->class != CLASS_CDC && !has_header(v, alt)) {
		return 0;
	}
	while (vet_walk_next(&w)) {
		int r;

		if (w.p[1] == DESC_CS_INTERFACE && w.n < 3) {
			return vet_no(v, "R6.length",
			    "functional descriptor without a subtype", w.at);
		}
		if (!is_functional(&w)) {
			continue;
		}
		r = judge(v, alt, &w);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}
