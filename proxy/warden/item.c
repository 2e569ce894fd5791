/*
 * A device as lists show it, in the warden: out of its record, which a probe
 * made and which was checked, with texts that are the device's own and hostile.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

_Static_assert(RULE_CONFIGS == DESC_MAX_CONFIGS, "one mask a configuration");

const struct devrec *
item_view(const struct device *dev, const struct rule_exposure *exposes)
{
	struct devrec *shown = dev->warden->shown;

	if (exposes->is_all) {
		return dev->record;
	}
	return devrec_expose(shown, dev->record, exposes->mask) == 0 ? shown :
								       NULL;
}

int
item_fill(struct ipc_item *item, const struct device *dev,
    const struct rule_exposure *exposes)
{
	struct desc_config *scratch = dev->warden->scratch;
	const struct devrec *rec = item_view(dev, exposes);
	const uint8_t *bytes;
	size_t len;

	memset(item, 0, sizeof(*item));
	if (rec == NULL) {
		return ERR_NOENT;
	}
	devrec_usbip(&item->dev, rec, &dev->place, scratch);
	snprintf(item->manufacturer, sizeof(item->manufacturer), "%s",
	    dev->facts.manufacturer);
	snprintf(
	    item->product, sizeof(item->product), "%s", dev->facts.name);
	snprintf(item->serial, sizeof(item->serial), "%s", dev->facts.serial);
	bytes = rec->active_config != 0
	    ? devrec_config_by_value(rec, rec->active_config, &len)
	    : devrec_config(rec, 0, &len);
	if (bytes == NULL ||
	    desc_parse_config(scratch, bytes, len, NULL) != 0) {
		return 0;
	}
	for (unsigned i = 0; i < scratch->nalts; i++) {
		const struct desc_alt *alt = &scratch->alts[i];

		if (alt->alternate == 0 &&
		    item->ninterfaces < DESC_MAX_INTERFACES) {
			item->interfaces[item->ninterfaces++] =
			    (struct usbip_interface){.class = alt->class,
				.subclass = alt->subclass,
				.protocol = alt->protocol};
		}
	}
	item->dev.ninterfaces = item->ninterfaces;
	return 0;
}
