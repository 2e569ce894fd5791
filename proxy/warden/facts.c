/*
 * What rules judge a device by, beyond its record: digests of its descriptors,
 * the hubs above it, since when it is here, and whether another one that is
 * here cannot be told apart from it. The record was checked; its texts are
 * hostile.
 */
#include "proxy/warden/warden.h"

#include <string.h>

#include "base/digest.h"
#include "base/err.h"

static int
digest_descriptors(uint8_t out[32], const struct devrec *rec)
{
	struct rule_desc_input in;
	struct digest_part parts[RULE_DESC_PARTS];

	rule_desc_input(&in, rec);
	for (size_t i = 0; i < in.n; i++) {
		parts[i] = (struct digest_part){in.data[i], in.len[i]};
	}
	return digest_sha256(out, parts, in.n);
}

static int
digest_reports(struct device *dev)
{
	const struct devrec *rec = dev->record;

	for (size_t i = 0; i < rec->nreports && i < DEVREC_REPORTS; i++) {
		const struct devrec_report *rep = &rec->reports[i];
		struct digest_part part;
		int r;

		part.data = devrec_report(
		    rec, rep->config, rep->interface, &part.len);
		r = digest_sha256(dev->store->reports[i], &part, 1);
		if (r != 0) {
			return r;
		}
		dev->facts.nreports = i + 1;
	}
	dev->facts.reports = (const uint8_t(*)[32])dev->store->reports;
	return 0;
}

static const struct device *
find_hub(struct warden *w, const char *busid)
{
	struct device *dev;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (strcmp(dev->place.busid, busid) == 0) {
			return dev;
		}
	}
	return NULL;
}

int
facts_hubs(struct device *dev)
{
	char at[USBIP_PATH_SIZE], *slash;
	size_t n = 0;

	memcpy(at, dev->place.path, sizeof(at));
	dev->nhubs = 0;
	while (strncmp(dev->place.busid, "usb", 3) != 0 &&
	    n < RULE_ANCESTORS && (slash = strrchr(at, '/')) != NULL) {
		const struct device *hub;
		struct rule_ancestor *out;

		*slash = '\0';
		slash = strrchr(at, '/');
		if (slash == NULL) {
			break;
		}
		hub = find_hub(dev->warden, slash + 1);
		if (hub == NULL || !hub->has_texts) {
			return ERR_AGAIN;
		}
		memcpy(dev->store->hubs[n].hash, hub->hash, HASH_TEXT);
		memcpy(dev->store->hubs[n].via_port, hub->place.busid,
		    USBIP_BUSID_SIZE);
		memcpy(dev->store->hubs[n].stable_port, hub->stable_port,
		    RULE_PORT);
		out = rule_device_hub(dev->store, n++);
		out->vid = hub->vid;
		out->pid = hub->pid;
		if (strncmp(hub->place.busid, "usb", 3) == 0) {
			break;
		}
	}
	dev->nhubs = n;
	if (n > 0) {
		memcpy(dev->parent_hash, dev->store->hubs[0].hash, HASH_TEXT);
	}
	return 0;
}

void
facts_place(struct device *dev)
{
	memcpy(dev->store->stable_port, dev->stable_port,
	    sizeof(dev->store->stable_port));
	dev->facts.ancestors = dev->store->ancestors;
	dev->facts.nancestors = dev->nhubs;
	dev->facts.plugged = dev->plug != NULL ? dev->plug->at : 0;
}

int
facts_fill(struct device *dev)
{
	uint8_t is_first_seen = dev->facts.is_first_seen;
	int r = rule_device_from_record(&dev->facts, dev->store, &dev->place,
	    dev->record, dev->hash, dev->parent_hash, dev->connect_type);

	if (r != 0 ||
	    (r = digest_descriptors(
		 dev->facts.desc_sha256, dev->record)) != 0 ||
	    (r = digest_reports(dev)) != 0) {
		return r;
	}
	dev->facts.is_first_seen = is_first_seen;
	facts_place(dev);
	return 0;
}

static int
is_alike(const struct rule_device *a, const struct rule_device *b)
{
	/* a device that was not looked at so far has no texts */
	return a->serial != NULL && b->serial != NULL && a->vid == b->vid &&
	    a->pid == b->pid && strcmp(a->serial, b->serial) == 0;
}

void
facts_compare(struct warden *w)
{
	struct device *dev, *other;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		dev->facts.is_ambiguous = 0;
		TAILQ_FOREACH (other, &w->devices, entry) {
			if (other != dev &&
			    is_alike(&dev->facts, &other->facts)) {
				dev->facts.is_ambiguous = 1;
				break;
			}
		}
	}
}
