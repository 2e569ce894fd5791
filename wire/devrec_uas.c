/*
 * Disks that speak USB Attached SCSI. vhci_hcd carries no bulk streams, so of
 * such a disk only the Bulk-Only alternate can be exported; a driver that saw
 * the other one would choose it. Runs in the warden, for its lists, and in the
 * session. Pure; the record was checked.
 */
#include "wire/devrec.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

/* Interface class of UAS (USB Mass Storage overview 1.4, UAS 1.0 5.2.3) */
static const uint8_t uas[3] = {0x08, 0x06, 0x62};

static int
is_uas(const uint8_t *p, size_t n)
{
	return p[1] == DESC_INTERFACE && n >= 9 && memcmp(p + 5, uas, 3) == 0;
}

/* Whether interface `number' has an alternate 0 that is not UAS. */
static int
has_other(const uint8_t *bytes, size_t len, uint8_t number)
{
	const uint8_t *p;
	size_t pos = 0, n;

	while (desc_next(bytes, len, &pos, &p, &n) == 0) {
		if (p[1] == DESC_INTERFACE && n >= 9 && p[2] == number &&
		    p[3] == 0 && !is_uas(p, n)) {
			return 1;
		}
	}
	return 0;
}

static int
config_has(const uint8_t *bytes, size_t len)
{
	const uint8_t *p;
	size_t pos = 0, n;
	int has = 0;

	while (bytes != NULL && desc_next(bytes, len, &pos, &p, &n) == 0) {
		if (is_uas(p, n)) {
			if (!has_other(bytes, len, p[2])) {
				return ERR_POLICY;
			}
			has = 1;
		}
	}
	return has;
}

int
devrec_has_uas(const struct devrec *rec)
{
	int has = 0;

	for (unsigned i = 0; i < rec->nconfigs; i++) {
		size_t len;
		const uint8_t *p = devrec_config(rec, i, &len);
		int r = config_has(p, len);

		if (r < 0) {
			return r;
		}
		has |= r;
	}
	for (unsigned i = 0; i < rec->nothers; i++) {
		size_t len;
		const uint8_t *p = devrec_other(rec, i, &len);

		/* shown, never used: what is left of it does not matter */
		has |= config_has(p, len) != 0;
	}
	return has;
}

/* Closes up the bytes of one configuration, in place. */
static void
drop(struct devrec *rec, struct devrec_span *at)
{
	uint8_t *bytes = rec->config_bytes + at->offset;
	size_t len = at->length, pos = 0, used = 0, n;
	const uint8_t *p;
	int is_dropped = 0;

	while (desc_next(bytes, len, &pos, &p, &n) == 0) {
		if (p[1] == DESC_INTERFACE) {
			is_dropped = is_uas(p, n);
		}
		if (!is_dropped) {
			memmove(bytes + used, p, n);
			used += n;
		}
	}
	if (used >= 4) {
		le16_put(bytes + 2, (uint16_t)used);
		at->length = (uint16_t)used;
	}
}

void
devrec_drop_uas(struct devrec *rec)
{
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		drop(rec, &rec->configs[i]);
	}
	for (unsigned i = 0; i < rec->nothers; i++) {
		drop(rec, &rec->others[i]);
	}
}
