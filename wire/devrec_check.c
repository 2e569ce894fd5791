/*
 * Judging a whole device record, and the 312 bytes that a workstation sees of
 * it. The probe judges what it read before it says a word of it; the session
 * judges again what it serves.
 */
#include "wire/devrec.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/desc_why.h"
#include "wire/waiver.h"

/* A parser's "too short" and "too much" in this room's two words. */
static int
verdict(int r)
{
	if (r == ERR_SHORT) {
		return ERR_FORMAT;
	}
	return r == ERR_LIMIT ? ERR_POLICY : r;
}

static int
has_hid(const struct desc_config *config, uint8_t interface)
{
	for (size_t i = 0; i < config->nalts; i++) {
		if (config->alts[i].number == interface &&
		    config->alts[i].class == 0x03) {
			return 1;
		}
	}
	return 0;
}

/* One configuration and the HID reports that belong to it; counts those. */
static int
check_config(const struct devrec *rec, unsigned index,
    struct desc_config *scratch, size_t *nreports, struct desc_why *why)
{
	size_t len;
	const uint8_t *p = devrec_config(rec, index, &len);
	int r;

	if (p == NULL) {
		return desc_refuse(why, ERR_FORMAT, "R1.length",
		    "configuration outside of the record", 0);
	}
	r = desc_parse_config(scratch, p, len, why);
	if (r != 0) {
		return verdict(r);
	}
	r = desc_check_config_but(scratch, rec->speed,
	    waiver_flaws(
		le16_at(rec->device + 8), le16_at(rec->device + 10)),
	    why);
	if (r != 0) {
		return r;
	}
	for (size_t i = 0; i < rec->nreports && i < DEVREC_REPORTS; i++) {
		if (rec->reports[i].config != scratch->value) {
			continue;
		}
		if (!has_hid(scratch, rec->reports[i].interface)) {
			r = desc_refuse(why, ERR_POLICY, "R7.interface",
			    "report descriptor of an interface that is not HID",
			    0);
			return desc_blame(why, r, DESC_PART_REPORT, i);
		}
		(*nreports)++;
	}
	return 0;
}

static int
check_configs(const struct devrec *rec, const struct desc_device *dev,
    struct desc_config *scratch, struct desc_why *why)
{
	uint8_t values[DESC_MAX_CONFIGS];
	size_t nreports = 0;

	if (rec->nconfigs != dev->nconfigs ||
	    rec->nconfigs > DESC_MAX_CONFIGS) {
		return desc_refuse(why, ERR_POLICY, "R2.configurations",
		    "bNumConfigurations is not the number of configurations",
		    17);
	}
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		int r = check_config(rec, i, scratch, &nreports, why);

		if (r == 0 && memchr(values, scratch->value, i) != NULL) {
			r = desc_refuse(why, ERR_POLICY, "R2.configurations",
			    "two configurations with one value", 5);
		}
		if (r != 0) {
			return why == NULL || why->part != DESC_PART_NONE
			    ? r
			    : desc_blame(why, r, DESC_PART_CONFIG, i);
		}
		values[i] = scratch->value;
	}
	if (rec->active_config != 0 &&
	    memchr(values, rec->active_config, rec->nconfigs) == NULL) {
		return desc_refuse(why, ERR_POLICY, "R2.configurations",
		    "the active configuration is not one of the device's", 0);
	}
	if (nreports != rec->nreports) {
		return desc_refuse(why, ERR_POLICY, "R7.interface",
		    "report descriptor of a configuration that is not there",
		    0);
	}
	return 0;
}

/* String 0 is a table of language ids: judged as a string but for its text. */
static int
check_languages(const uint8_t *p, size_t len, struct desc_why *why)
{
	if (len < 2 || len > 254 || len % 2 != 0 || p[0] != len) {
		return desc_refuse(why, ERR_POLICY, "R5.length",
		    "table of languages of odd, wrong or excessive length", 0);
	}
	if (p[1] != DESC_STRING) {
		return desc_refuse(why, ERR_POLICY, "R5.type",
		    "table of languages is not a string descriptor", 1);
	}
	return 0;
}

static int
check_strings(const struct devrec *rec, struct desc_why *why)
{
	if (rec->nstrings > DEVREC_STRINGS) {
		return desc_refuse(why, ERR_FORMAT, "R5.count",
		    "more strings than a record holds", 0);
	}
	for (size_t i = 0; i < rec->nstrings; i++) {
		const struct devrec_string *s = &rec->strings[i];
		const uint8_t *p;
		size_t len;
		int r;

		p = devrec_string(rec, s->index, s->langid, &len);
		if (p == NULL) {
			return desc_refuse(why, ERR_FORMAT, "R5.length",
			    "string outside of the record", 0);
		}
		r = s->index == 0 ? check_languages(p, len, why)
				  : desc_check_string(p, len, why);
		if (r != 0) {
			return desc_blame(why, r, DESC_PART_STRING, i);
		}
	}
	return 0;
}

/* Spans that the checks above do not read. */
static int
check_rest(const struct devrec *rec, struct desc_why *why)
{
	if (rec->nreports > DEVREC_REPORTS) {
		return desc_refuse(why, ERR_FORMAT, "R7.count",
		    "more report descriptors than a record holds", 0);
	}
	for (size_t i = 0; i < rec->nreports; i++) {
		const struct devrec_report *rep = &rec->reports[i];
		size_t len;

		if (devrec_report(rec, rep->config, rep->interface, &len) ==
		    NULL) {
			return desc_refuse(why, ERR_FORMAT, "R7.length",
			    "report descriptor outside of the record", 0);
		}
	}
	if (rec->has_qualifier &&
	    (rec->qualifier[0] != sizeof(rec->qualifier) ||
		rec->qualifier[1] != DESC_QUALIFIER)) {
		return desc_refuse(why, ERR_POLICY, "R1.length",
		    "device qualifier of wrong length or type", 0);
	}
	/* devrec_add_other let in nothing else; here for a record whose spans
	 * were made otherwise */
	for (unsigned i = 0; i < rec->nothers; i++) {
		size_t len;
		const uint8_t *p = devrec_other(rec, i, &len);

		if (!rec->has_qualifier || p == NULL || len < 9 ||
		    p[1] != DESC_OTHER_SPEED || le16_at(p + 2) != len) {
			return desc_refuse(why, ERR_FORMAT, "R1.length",
			    "other-speed configuration of wrong length or "
			    "type",
			    0);
		}
	}
	return 0;
}

int
devrec_check(const struct devrec *rec, struct desc_config *scratch,
    struct desc_why *why)
{
	struct desc_device dev;
	int r;

	r = desc_parse_device(&dev, rec->device, sizeof(rec->device), why);
	if (r == 0) {
		r = desc_check_device(&dev, rec->speed, why);
	}
	if (r != 0) {
		return desc_blame(why, verdict(r), DESC_PART_DEVICE, 0);
	}
	r = check_rest(rec, why);
	if (r != 0) {
		return r;
	}
	r = check_configs(rec, &dev, scratch, why);
	if (r != 0) {
		return r;
	}
	if (rec->bos_length > sizeof(rec->bos)) {
		return desc_refuse(why, ERR_FORMAT, "R4.total",
		    "BOS outside of the record", 0);
	}
	if (rec->bos_length > 0) {
		r = desc_check_bos(rec->bos, rec->bos_length, why);
		if (r != 0) {
			return desc_blame(why, r, DESC_PART_BOS, 0);
		}
	}
	return check_strings(rec, why);
}

void
devrec_usbip(struct usbip_device *out, const struct devrec *rec,
    const struct device_place *place, struct desc_config *scratch)
{
	struct desc_device dev;
	const uint8_t *p = NULL;
	size_t len = 0;

	memset(out, 0, sizeof(*out));
	memcpy(out->path, place->path, sizeof(out->path) - 1);
	memcpy(out->busid, place->busid, sizeof(out->busid) - 1);
	out->busnum = place->busnum;
	out->devnum = place->devnum;
	/* the oldest vhci that we serve refuses SuperSpeedPlus */
	out->speed = place->speed == USBIP_SPEED_SUPER_PLUS
	    ? USBIP_SPEED_SUPER
	    : place->speed;
	if (desc_parse_device(&dev, rec->device, sizeof(rec->device), NULL) !=
	    0) {
		return;
	}
	out->vid = dev.vid;
	out->pid = dev.pid;
	out->bcd_device = dev.bcd_device;
	out->class = dev.class;
	out->subclass = dev.subclass;
	out->protocol = dev.protocol;
	out->nconfigurations = dev.nconfigs;
	out->configuration = rec->active_config;
	if (rec->active_config != 0) {
		p = devrec_config_by_value(rec, rec->active_config, &len);
	}
	if (p == NULL) {
		p = devrec_config(rec, 0, &len);
	}
	if (p != NULL && desc_parse_config(scratch, p, len, NULL) == 0) {
		out->ninterfaces = scratch->ninterfaces;
	}
}
