/*
 * A device as rules see it, out of its record and place. Runs in the warden.
 */
#include "policy/rules/device.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"

/* Interface descriptors: bLength 9, class triple at offset 5. */
#define INTERFACE_SIZE 9u

int
rule_device_interfaces(struct rule_device_store *store, size_t *n,
    const void *config, size_t len)
{
	size_t pos = 0, dlen;
	const uint8_t *p;
	int r;

	while ((r = desc_next(config, len, &pos, &p, &dlen)) == 0) {
		if (p[1] != DESC_INTERFACE) {
			continue;
		}
		if (dlen < INTERFACE_SIZE) {
			return ERR_FORMAT;
		}
		if (*n >= RULE_INTERFACES_MAX) {
			return ERR_LIMIT;
		}
		store->interfaces[*n] = (struct rule_interface){
		    .class = p[5], .subclass = p[6], .protocol = p[7]};
		(*n)++;
	}
	return r == ERR_CLOSED ? 0 : r;
}

#define OFFSET_VID 8
#define OFFSET_PID 10
#define OFFSET_RELEASE 12

void
rule_hash_input(struct rule_hash_input *in, const char *product,
    const char *serial, const uint8_t device[DESC_DEVICE_SIZE],
    const void *configs, size_t configs_len)
{
	uint16_t vid = le16_at(device + OFFSET_VID);
	uint16_t pid = le16_at(device + OFFSET_PID);

	memcpy(in->device, device, sizeof(in->device));
	if (vid == 0x1d6b && pid >= 1 && pid <= 3) {
		/* root hubs carry the kernel's version there */
		in->device[OFFSET_RELEASE] = 0;
		in->device[OFFSET_RELEASE + 1] = 0;
	}
	snprintf(in->ids, sizeof(in->ids), "%04x%04x", vid, pid);
	in->data[0] = product;
	in->len[0] = strlen(product);
	in->data[1] = in->ids;
	in->len[1] = 8;
	in->data[2] = serial;
	in->len[2] = strlen(serial);
	in->data[3] = in->device;
	in->len[3] = sizeof(in->device);
	in->data[4] = configs;
	in->len[4] = configs_len;
}

static int
copy(char *dst, size_t size, const char *src)
{
	size_t len = src != NULL ? strlen(src) : 0;

	if (len >= size) {
		return ERR_LIMIT;
	}
	memcpy(dst, src != NULL ? src : "", len + 1);
	return 0;
}

int
rule_device_from_record(struct rule_device *out,
    struct rule_device_store *store, const struct device_place *place,
    const struct devrec *rec, const char *hash, const char *parent_hash,
    const char *connect_type)
{
	struct desc_device dev;
	struct desc_why why;
	size_t n = 0;
	int r;

	r = desc_parse_device(&dev, rec->device, sizeof(rec->device), &why);
	for (unsigned i = 0; r == 0 && i < rec->nconfigs; i++) {
		size_t len;
		const uint8_t *config = devrec_config(rec, i, &len);

		r = config == NULL ?
		    ERR_FORMAT : rule_device_interfaces(store, &n, config, len);
	}
	if (r != 0 ||
	    (r = copy(store->hash, sizeof(store->hash), hash)) != 0 ||
	    (r = copy(store->parent_hash, sizeof(store->parent_hash),
		 parent_hash)) != 0 ||
	    (r = copy(store->via_port, sizeof(store->via_port),
		 place->busid)) != 0 ||
	    (r = copy(store->connect_type, sizeof(store->connect_type),
		 connect_type)) != 0) {
		return r;
	}
	store->stable_port[0] = '\0';
	devrec_text(
	    rec, dev.iproduct, store->name, sizeof(store->name));
	devrec_text(rec, dev.imanufacturer, store->manufacturer,
	    sizeof(store->manufacturer));
	devrec_text(rec, dev.iserial, store->serial, sizeof(store->serial));
	*out = (struct rule_device){
	    .vid = dev.vid,
	    .pid = dev.pid,
	    .bcd_device = dev.bcd_device,
	    .speed = rec->speed,
	    .name = store->name,
	    .manufacturer = store->manufacturer,
	    .serial = store->serial,
	    .hash = store->hash,
	    .parent_hash = store->parent_hash,
	    .via_port = store->via_port,
	    .stable_port = store->stable_port,
	    .connect_type = store->connect_type,
	    .interfaces = store->interfaces,
	    .ninterfaces = n,
	};
	return 0;
}
