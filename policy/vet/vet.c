/*
 * Vetting of a record: structure, classes, reports, expectations, in this
 * order, so that each may rely on those before it. Runs in the probe and in the
 * warden.
 */
#include "policy/vet/vet.h"

#include "base/err.h"
#include "policy/vet/expect.h"
#include "policy/vet/part.h"
#include "policy/vet/report.h"

#define ANY 0xffu

/* ------------------------------------------------------------------------ */
/* For the class files                                                      */

struct vet_walk
vet_walk_of(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = {.start = alt->offset};

	if ((size_t)alt->offset + alt->length <= v->len) {
		w.base = v->bytes + alt->offset;
		w.len = alt->length;
	}
	return w;
}

int
vet_walk_next(struct vet_walk *w)
{
	size_t pos = w->pos;

	if (w->base == NULL ||
	    desc_step(w->base, w->len, &w->pos, &w->p, &w->n) != 0) {
		return 0;
	}
	w->at = w->start + pos;
	return 1;
}

int
vet_no(const struct vet *v, const char *rule, const char *text, size_t at)
{
	(void)desc_refuse(v->why, ERR_POLICY, rule, text, at);
	return desc_blame(v->why, ERR_POLICY, DESC_PART_CONFIG, v->index);
}

int
vet_at_least(const struct vet *v, const struct vet_walk *w, size_t least,
    const char *text)
{
	return w->n >= least ? 0 : vet_no(v, "R6.length", text, w->at);
}

int
vet_has_interface(const struct vet *v, uint8_t number)
{
	return desc_find_alt(v->config, number, 0) != NULL;
}

struct vet_ends
vet_count_ends(const struct desc_config *config, const struct desc_alt *alt)
{
	struct vet_ends ends = {0};

	for (size_t i = 0; i < alt->nendpoints; i++) {
		const struct desc_endpoint *ep =
		    &config->endpoints[alt->first_endpoint + i];
		int is_in = (ep->address & 0x80) != 0;

		switch ((enum desc_xfer)(ep->attributes & 3)) {
		case XFER_BULK:
			*(is_in ? &ends.bulk_in : &ends.bulk_out) += 1;
			break;
		case XFER_INT:
			*(is_in ? &ends.int_in : &ends.int_out) += 1;
			break;
		case XFER_ISO:
			*(is_in ? &ends.iso_in : &ends.iso_out) += 1;
			break;
		case XFER_CONTROL:
			break;
		}
	}
	return ends;
}

/* ------------------------------------------------------------------------ */

typedef int vet_fn(const struct vet *, const struct desc_alt *);

/* Whose descriptors stand in which interface. Vendors reuse those of
 * communication devices; vet_cdc looks whether these are some. */
static const struct {
	uint8_t class, subclass, protocol;
	vet_fn *judge;
} classes[] = {
    {0x01, 0x01, ANY, vet_audio_control},
    {0x01, 0x02, ANY, vet_audio_stream},
    {0x01, 0x03, ANY, vet_midi},
    {0x02, ANY, ANY, vet_cdc},
    {0x03, ANY, ANY, vet_hid_descriptor},
    {0x08, ANY, 0x62, vet_uas},
    {0x0b, ANY, ANY, vet_ccid},
    {0x0e, 0x01, ANY, vet_video_control},
    {0x0e, 0x02, ANY, vet_video_stream},
    {0xfe, 0x01, ANY, vet_dfu},
    {0xff, ANY, ANY, vet_cdc},
};

static int
is_one_of(uint8_t value, uint8_t want)
{
	return want == ANY || value == want;
}

static int
vet_config(const struct vet *v)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		const struct desc_alt *alt = &v->config->alts[i];

		for (size_t k = 0; k < sizeof(classes) / sizeof(classes[0]);
		     k++) {
			int r;

			if (alt->class != classes[k].class ||
			    !is_one_of(alt->subclass, classes[k].subclass) ||
			    !is_one_of(alt->protocol, classes[k].protocol)) {
				continue;
			}
			r = classes[k].judge(v, alt);
			if (r != 0) {
				return r;
			}
		}
	}
	return 0;
}

int
vet_classes(
    const struct devrec *rec, struct desc_config *scratch, struct desc_why *why)
{
	struct vet v = {
	    .rec = rec,
	    .config = scratch,
	    .why = why,
	};

	for (unsigned i = 0; i < rec->nconfigs; i++) {
		int r;

		v.index = i;
		v.bytes = devrec_config(rec, i, &v.len);
		if (v.bytes == NULL) {
			return desc_refuse(why, ERR_FORMAT, "R1.length",
			    "configuration outside of the record", 0);
		}
		r = desc_parse_config(scratch, v.bytes, v.len, why);
		if (r == 0) {
			r = vet_config(&v);
		}
		if (r != 0) {
			return desc_blame(why, r, DESC_PART_CONFIG, i);
		}
	}
	return 0;
}

int
vet_reports(const struct devrec *rec, struct desc_why *why)
{
	for (unsigned i = 0; i < rec->nreports && i < DEVREC_REPORTS; i++) {
		const struct devrec_report *at = &rec->reports[i];
		struct report_summary summary;
		size_t len;
		const uint8_t *p =
		    devrec_report(rec, at->config, at->interface, &len);
		int r = report_summarize(&summary, p, len, why);

		if (r != 0) {
			return desc_blame(why, r, DESC_PART_REPORT, i);
		}
	}
	return 0;
}

int
vet_record(
    const struct devrec *rec, struct desc_config *scratch, struct desc_why *why)
{
	int r = devrec_check(rec, scratch, why);

	if (r == 0) {
		r = vet_classes(rec, scratch, why);
	}
	if (r == 0) {
		r = vet_reports(rec, why);
	}
	return r != 0 ? r : expect_check(rec, scratch, why);
}
