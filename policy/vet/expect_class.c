/*
 * What drivers of a class expect. Asked for is what a driver cannot do without;
 * of that at least one alternate must have it, but of disks each, since their
 * driver takes what is set. A driver that finds an optional pipe missing goes
 * without, and so do we: notifications of a modem, events of a camera, the way
 * back from a printer.
 */
#include "policy/vet/part.h"
#include "policy/vet/report.h"

#define ANY 0xffu

enum need {
	NEED_BULK_PAIR,
	NEED_BULK_OUT,
	NEED_INT_IN,
	NEED_ISO,
	NEED_STREAM, /* isochronous or bulk, any direction */
	NEED_PIPE,   /* bulk or interrupt, any direction */
	NEED_DATA,   /* a data interface with a bulk pair */
};

static const struct class_need {
	uint8_t class, subclass, protocol;
	enum need need;
	uint8_t is_each; /* alternate */
	const char *rule, *text;
} needs[] = {
    {0x01, 0x02, ANY, NEED_ISO, 0, "R10.audio",
	"audio stream without an isochronous endpoint"},
    {0x01, 0x03, ANY, NEED_PIPE, 0, "R10.midi",
	"MIDI stream without an endpoint"},
    {0x02, 0x02, ANY, NEED_DATA, 0, "R10.acm",
	"modem without a data interface of two bulk endpoints"},
    {0x02, 0x06, ANY, NEED_DATA, 0, "R10.ethernet",
	"network adapter without a data interface of two bulk endpoints"},
    {0x02, 0x0d, ANY, NEED_DATA, 0, "R10.ethernet",
	"network adapter without a data interface of two bulk endpoints"},
    {0x02, 0x0e, ANY, NEED_DATA, 0, "R10.ethernet",
	"network adapter without a data interface of two bulk endpoints"},
    {0x03, ANY, ANY, NEED_INT_IN, 0, "R10.hid",
	"HID without an interrupt IN endpoint"},
    {0x06, 0x01, ANY, NEED_BULK_PAIR, 0, "R10.image",
	"camera without two bulk endpoints"},
    {0x07, 0x01, ANY, NEED_BULK_OUT, 0, "R10.printer",
	"printer without a bulk OUT endpoint"},
    {0x08, ANY, ANY, NEED_BULK_PAIR, 1, "R10.storage",
	"disk without two bulk endpoints"},
    {0x09, ANY, ANY, NEED_INT_IN, 1, "R10.hub",
	"hub without an interrupt IN endpoint"},
    {0x0b, ANY, 0x00, NEED_BULK_PAIR, 0, "R10.ccid",
	"card reader without two bulk endpoints"},
    {0x0e, 0x02, ANY, NEED_STREAM, 0, "R10.video",
	"video stream without an endpoint"},
    {0xe0, 0x01, 0x02, NEED_INT_IN, 0, "R10.uwb",
	"radio controller without an interrupt IN endpoint"},
    {0xe0, 0x01, 0x03, NEED_DATA, 0, "R10.ethernet",
	"network adapter without a data interface of two bulk endpoints"},
    {0xef, 0x04, 0x01, NEED_DATA, 0, "R10.ethernet",
	"network adapter without a data interface of two bulk endpoints"},
};

#define CLASS_HID 0x03
#define CLASS_DATA 0x0a
#define CDC_UNION 0x06
#define INTERFACE_SIZE 9u

/* ------------------------------------------------------------------------ */
/* The data half of a communication device                                  */

static int
has_pair(const struct vet_ends *ends)
{
	return ends->bulk_in > 0 && ends->bulk_out > 0;
}

static int
interface_has_pair(const struct vet *v, uint8_t number)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		struct vet_ends ends =
		    vet_count_ends(v->config, &v->config->alts[i]);

		if (v->config->alts[i].number == number && has_pair(&ends)) {
			return 1;
		}
	}
	return 0;
}

static int
is_data(const struct vet *v, uint8_t number)
{
	const struct desc_alt *alt = desc_find_alt(v->config, number, 0);

	return alt != NULL && alt->class == CLASS_DATA;
}

/* By its union: 1 there, 0 missing, -1 it names no data interface. A union that
 * was copied from another product and names something else is common; drivers
 * then look at the classes, or leave it. */
static int
by_union(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);
	int result = -1;

	while (vet_walk_next(&w)) {
		if (w.p[1] != DESC_CS_INTERFACE || w.n < 5 ||
		    w.p[2] != CDC_UNION) {
			continue;
		}
		for (size_t i = 3; i < w.n; i++) {
			if (interface_has_pair(v, w.p[i])) {
				return 1;
			}
			if (is_data(v, w.p[i])) {
				result = 0;
			}
		}
	}
	return result;
}

static int
has_data(const struct vet *v, const struct desc_alt *alt)
{
	int named = by_union(v, alt);

	if (named >= 0) {
		return named;
	}
	if (interface_has_pair(v, alt->number)) {
		return 1; /* both halves in one */
	}
	for (size_t i = 0; i < v->config->nalts; i++) {
		if (v->config->alts[i].class == CLASS_DATA &&
		    interface_has_pair(v, v->config->alts[i].number)) {
			return 1;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

static int
has_need(const struct vet *v, enum need need, const struct desc_alt *alt)
{
	struct vet_ends n = vet_count_ends(v->config, alt);

	switch (need) {
	case NEED_BULK_PAIR:
		return has_pair(&n);
	case NEED_BULK_OUT:
		return n.bulk_out > 0;
	case NEED_INT_IN:
		return n.int_in > 0;
	case NEED_ISO:
		return n.iso_in + n.iso_out > 0;
	case NEED_STREAM:
		return n.iso_in + n.iso_out + n.bulk_in + n.bulk_out > 0;
	case NEED_PIPE:
		return n.bulk_in + n.bulk_out + n.int_in + n.int_out > 0;
	case NEED_DATA:
		return has_data(v, alt);
	}
	return 0;
}

/* Some alternate of the interface has it. */
static int
some_has(const struct vet *v, enum need need, uint8_t number)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		if (v->config->alts[i].number == number &&
		    has_need(v, need, &v->config->alts[i])) {
			return 1;
		}
	}
	return 0;
}

/* An interface of which nothing is said but that it is there: its driver finds
 * nothing to begin with. */
static int
is_bare(const struct vet *v, uint8_t number)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		if (v->config->alts[i].number == number &&
		    v->config->alts[i].length > INTERFACE_SIZE) {
			return 0;
		}
	}
	return 1;
}

static int
is_met(
    const struct vet *v, const struct class_need *n, const struct desc_alt *alt)
{
	if ((n->need == NEED_ISO || n->need == NEED_STREAM) &&
	    is_bare(v, alt->number)) {
		return 1;
	}
	return n->is_each ? has_need(v, n->need, alt)
			  : some_has(v, n->need, alt->number);
}

static int
is_one_of(uint8_t value, uint8_t want)
{
	return want == ANY || value == want;
}

/* A keyboard, mouse or joystick that sends nothing is made for the drivers that
 * took a first input report for granted (CVE-2019-19532); so is a HID without
 * any report (CVE-2023-1073). Of other pages there are relays and lamps that
 * have feature or output reports and nothing else. */
static int
check_reports(const struct vet *v, const struct desc_alt *alt)
{
	struct report_summary s;
	size_t len;
	const uint8_t *p =
	    devrec_report(v->rec, v->config->value, alt->number, &len);

	if (p == NULL || report_summarize(&s, p, len, NULL) != 0) {
		return 0; /* R7 has spoken */
	}
	if (s.values[REPORT_INPUT] > 0) {
		return 0;
	}
	if (s.fields[REPORT_INPUT] + s.fields[REPORT_OUTPUT] +
		s.fields[REPORT_FEATURE] ==
	    0) {
		return vet_no(
		    v, "R10.hid-report", "HID without a report", alt->offset);
	}
	if (s.has_input_device) {
		return vet_no(v, "R10.hid-input",
		    "input device without an input report", alt->offset);
	}
	return 0;
}

int
expect_classes(const struct vet *v)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		const struct desc_alt *alt = &v->config->alts[i];
		int r = 0;

		for (size_t k = 0; k < sizeof(needs) / sizeof(needs[0]); k++) {
			const struct class_need *n = &needs[k];

			if (alt->class == n->class &&
			    is_one_of(alt->subclass, n->subclass) &&
			    is_one_of(alt->protocol, n->protocol) &&
			    !is_met(v, n, alt)) {
				return vet_no(v, n->rule, n->text, alt->offset);
			}
		}
		if (alt->class == CLASS_HID && alt->alternate == 0) {
			r = check_reports(v, alt);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}
