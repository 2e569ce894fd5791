/*
 * Looking for what drivers expect: first by product, then by class. Runs in the
 * probe and in the warden.
 */
#include "policy/vet/expect.h"

#include "base/err.h"
#include "policy/vet/expect_table.h"
#include "policy/vet/part.h"
#include "policy/vet/report.h"
#include "wire/cursor.h"

static int
is_meant(const struct expect *e, const struct desc_alt *alt)
{
	return (e->number == EXPECT_ANY || e->number == alt->number) &&
	       (e->class == EXPECT_ANY || e->class == alt->class);
}

static int
has_ends(const struct expect *e, const struct vet_ends *n)
{
	return n->bulk_in >= e->bulk_in && n->bulk_out >= e->bulk_out &&
	       n->int_in >= e->int_in && n->int_out >= e->int_out &&
	       n->iso_in >= e->iso_in && n->iso_out >= e->iso_out &&
	       n->bulk_in + n->bulk_out + n->int_in + n->int_out + n->iso_in +
		       n->iso_out >=
		   e->ends;
}

/* Whether an interface's reports are those that are expected. One whose report
 * was not read (it is not of the active configuration) is not served one
 * either. */
static int
has_reports(
    const struct vet *v, const struct expect *e, const struct desc_alt *alt)
{
	struct report_summary s;
	const uint8_t *p;
	size_t len;

	if ((e->flags & (EXPECT_INPUT | EXPECT_OUTPUT)) == 0 &&
	    e->outputs == 0) {
		return 1;
	}
	p = devrec_report(v->rec, v->config->value, alt->number, &len);
	if (p == NULL) {
		return 1;
	}
	if (report_summarize(&s, p, len, NULL) != 0) {
		return 0;
	}
	if ((e->flags & EXPECT_INPUT) != 0 && s.values[REPORT_INPUT] == 0) {
		return 0;
	}
	if (s.values[REPORT_OUTPUT] == 0) {
		return (e->flags & EXPECT_OUTPUT) == 0;
	}
	return s.values[REPORT_OUTPUT] >= e->outputs;
}

/* Whether some alternate of alt's interface has it all. */
static int
is_satisfied(
    const struct vet *v, const struct expect *e, const struct desc_alt *alt)
{
	for (size_t i = 0; i < v->config->nalts; i++) {
		const struct desc_alt *other = &v->config->alts[i];
		struct vet_ends ends;

		if (other->number != alt->number) {
			continue;
		}
		ends = vet_count_ends(v->config, other);
		if (has_ends(e, &ends) && has_reports(v, e, other)) {
			return 1;
		}
	}
	return 0;
}

static int
check_one(const struct vet *v, const struct expect *e)
{
	const struct desc_alt *missing = NULL;
	int is_met = 0, is_any = 0;

	if (v->config->ninterfaces < e->interfaces) {
		return vet_no(v, e->rule,
		    "fewer interfaces than its driver reaches for", 4);
	}
	if ((e->flags & EXPECT_IAD) != 0 && v->config->niads == 0) {
		return vet_no(v, e->rule,
		    "no interface association, which its driver reads", 0);
	}
	for (size_t i = 0; i < v->config->nalts; i++) {
		const struct desc_alt *alt = &v->config->alts[i];

		if (alt->alternate != 0 || !is_meant(e, alt)) {
			continue;
		}
		is_any = 1;
		if (is_satisfied(v, e, alt)) {
			is_met = 1;
		} else if (missing == NULL) {
			missing = alt;
		}
	}
	if (!is_any) {
		return e->number == EXPECT_ANY
			   ? 0
			   : vet_no(v, e->rule,
				 "an interface that its driver reaches for is "
				 "missing",
				 4);
	}
	if (missing != NULL && ((e->flags & EXPECT_EACH) != 0 || !is_met)) {
		return vet_no(v, e->rule,
		    "endpoints or reports that its driver reaches for are "
		    "missing",
		    missing->offset);
	}
	return 0;
}

static int
check_products(const struct vet *v)
{
	uint16_t vid = le16_at(v->rec->device + 8);
	uint16_t pid = le16_at(v->rec->device + 10);

	for (size_t i = 0; i < expect_table_len; i++) {
		const struct expect *e = &expect_table[i];
		int r;

		if (e->vid != vid || pid < e->first || pid > e->last) {
			continue;
		}
		r = check_one(v, e);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

int
expect_check(
    const struct devrec *rec, struct desc_config *scratch, struct desc_why *why)
{
	struct vet v = {.rec = rec, .config = scratch, .why = why};

	for (unsigned i = 0; i < rec->nconfigs; i++) {
		int r;

		v.index = i;
		v.bytes = devrec_config(rec, i, &v.len);
		if (v.bytes == NULL ||
		    desc_parse_config(scratch, v.bytes, v.len, why) != 0) {
			return desc_refuse(why, ERR_FORMAT, "R1.length",
			    "configuration outside of the record", 0);
		}
		r = check_products(&v);
		if (r == 0) {
			r = expect_classes(&v);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* https://www.usb.org/defined-class-codes: those of interfaces. */
int
expect_is_vendor(const struct desc_alt *alt)
{
	static const uint8_t defined[] = {0x01, 0x02, 0x03, 0x05, 0x06, 0x07,
	    0x08, 0x09, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
	    0x14, 0x3c, 0xdc, 0xe0, 0xef, 0xfe};

	for (size_t i = 0; i < sizeof(defined); i++) {
		if (alt->class == defined[i]) {
			return 0;
		}
	}
	return 1;
}
