/*
 * Class descriptors of a few bytes: HID 1.11 6.2.1, CCID 1.1 5.1, UAS 1.0
 * 5.2.3.3, DFU 1.1 4.1.3.
 */
#include "policy/vet/part.h"
#include "wire/cursor.h"

#define FUNCTIONAL 0x21 /* HID's, CCID's and DFU's number */
#define HID_REPORT_MAX 4096u
#define CCID_SIZE 54u
#define CCID_MESSAGE_MAX 65554u /* 10, and 65544 of an extended APDU */
#define UAS_PIPES 4

/* ------------------------------------------------------------------------ */

static int
judge_hid(const struct vet *v, const struct vet_walk *w)
{
	if (w->n < 9 || w->n < 6 + 3u * w->p[5]) {
		return vet_no(
		    v, "R6.hid", "HID descriptor shorter than its list", w->at);
	}
	if (w->p[5] == 0) {
		return vet_no(v, "R6.hid",
		    "HID descriptor without a report descriptor", w->at);
	}
	for (size_t at = 6; at + 3 <= w->n && at < 6 + 3u * w->p[5]; at += 3) {
		if (w->p[at] == DESC_HID_REPORT &&
		    le16_at(w->p + at + 1) > HID_REPORT_MAX) {
			return vet_no(v, "R6.hid",
			    "HID report descriptor above 4096 bytes", w->at);
		}
	}
	return 0;
}

int
vet_hid_descriptor(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		int r = w.p[1] == FUNCTIONAL ? judge_hid(v, &w) : 0;

		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

int
vet_ccid(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		uint32_t longest;

		if (w.p[1] != FUNCTIONAL) {
			continue;
		}
		if (w.n != CCID_SIZE) {
			return vet_no(v, "R6.ccid",
			    "CCID descriptor is not of 54 bytes", w.at);
		}
		longest = le16_at(w.p + 44) | (uint32_t)le16_at(w.p + 46) << 16;
		if (longest > CCID_MESSAGE_MAX) {
			return vet_no(v, "R6.ccid",
			    "dwMaxCCIDMessageLength above 65554", w.at + 44);
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

/* Pipe usage descriptors stand behind their endpoints: command and status, data
 * in and data out, each once and with its own direction. */
int
vet_uas(const struct vet *v, const struct desc_alt *alt)
{
	static const uint8_t is_in[UAS_PIPES + 1] = {0, 0, 1, 1, 0};
	struct vet_walk w = vet_walk_of(v, alt);
	uint8_t seen = 0, address = 0;

	while (vet_walk_next(&w)) {
		if (w.p[1] == DESC_ENDPOINT && w.n >= 3) {
			address = w.p[2];
			continue;
		}
		if (w.p[1] != DESC_CS_INTERFACE) {
			continue;
		}
		if (w.n < 4 || w.p[2] < 1 || w.p[2] > UAS_PIPES ||
		    (seen & 1 << w.p[2]) != 0 || address == 0 ||
		    is_in[w.p[2]] != address >> 7) {
			return vet_no(v, "R6.uas",
			    "pipe usage that is none, or another pipe's", w.at);
		}
		seen |= (uint8_t)(1 << w.p[2]);
	}
	return 0;
}

/* ------------------------------------------------------------------------ */

int
vet_dfu(const struct vet *v, const struct desc_alt *alt)
{
	struct vet_walk w = vet_walk_of(v, alt);

	while (vet_walk_next(&w)) {
		/* 7 bytes in DFU 1.0, 9 in 1.1 */
		if (w.p[1] == FUNCTIONAL && w.n < 7) {
			return vet_no(v, "R6.dfu",
			    "DFU functional descriptor shorter than 7 bytes",
			    w.at);
		}
	}
	return 0;
}
