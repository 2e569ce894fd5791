/*
 * A device as lists show it, in the warden: out of its record, which a probe
 * made and which was checked, with texts that are the device's own and hostile.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <string.h>

void
item_fill(struct ipc_item *item, const struct device *dev)
{
	struct desc_config *scratch = dev->warden->scratch;
	const uint8_t *bytes;
	uint8_t value = dev->record->active_config;
	size_t len;

	memset(item, 0, sizeof(*item));
	devrec_usbip(&item->dev, dev->record, &dev->place, scratch);
	snprintf(item->manufacturer, sizeof(item->manufacturer), "%s",
	    dev->facts.manufacturer);
	snprintf(
	    item->product, sizeof(item->product), "%s", dev->facts.name);
	snprintf(item->serial, sizeof(item->serial), "%s", dev->facts.serial);
	bytes = value != 0
	    ? devrec_config_by_value(dev->record, value, &len)
	    : devrec_config(dev->record, 0, &len);
	if (bytes == NULL ||
	    desc_parse_config(scratch, bytes, len, NULL) != 0) {
		return;
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
}
