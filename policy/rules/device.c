/*
 * A device as rules see it, out of its record and place. Runs in the warden.
 */
#include "policy/rules/device.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/hid.h"
#include "wire/cursor.h"

#define CONFIG_SIZE 9u
/* Interface descriptors: bLength 9, class triple at offset 5. */
#define INTERFACE_SIZE 9u
#define CLASS_HID 0x03

int
rule_device_interfaces(struct rule_device_store *store, size_t *n,
    unsigned index, const void *config, size_t len)
{
	size_t pos = 0, dlen;
	const uint8_t *p;
	int r;

	while ((r = desc_step(config, len, &pos, &p, &dlen)) == 0) {
		if (p[1] != DESC_INTERFACE) {
			continue;
		}
		if (dlen < INTERFACE_SIZE) {
			return ERR_FORMAT;
		}
		if (*n >= RULE_INTERFACES_MAX) {
			return ERR_LIMIT;
		}
		store->interfaces[*n] = (struct rule_interface){.class = p[5],
		    .subclass = p[6],
		    .protocol = p[7],
		    .config = (uint8_t)index,
		    .number = p[2]};
		(*n)++;
	}
	return r == ERR_CLOSED ? 0 : r;
}

/* Each is as long as its wTotalLength; the kernel cuts the last one when the
 * device sent less. */
int
rule_device_configs(struct rule_device_store *store, size_t *n,
    const void *configs, size_t len)
{
	const uint8_t *p = configs;
	unsigned index = 0;

	while (len > 0) {
		size_t total = len < CONFIG_SIZE ? 0 : le16_at(p + 2);
		int r;

		if (total < CONFIG_SIZE) {
			return ERR_FORMAT;
		}
		total = total < len ? total : len;
		r = rule_device_interfaces(store, n, index++, p, total);
		if (r != 0) {
			return r;
		}
		p += total;
		len -= total;
	}
	return 0;
}

struct rule_ancestor *
rule_device_hub(struct rule_device_store *store, size_t i)
{
	store->ancestors[i] = (struct rule_ancestor){
	    .hash = store->hubs[i].hash,
	    .via_port = store->hubs[i].via_port,
	    .stable_port = store->hubs[i].stable_port};
	return &store->ancestors[i];
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

static void
add_part(struct rule_desc_input *in, const void *data, size_t len)
{
	if (len > 0) {
		in->data[in->n] = data;
		in->len[in->n++] = len;
	}
}

/* The string that comes next behind (index, langid), both in one number. */
static const struct devrec_string *
next_string(const struct devrec *rec, int32_t behind)
{
	const struct devrec_string *next = NULL;
	int32_t best = INT32_MAX;

	for (size_t i = 0; i < rec->nstrings && i < DEVREC_STRINGS; i++) {
		const struct devrec_string *s = &rec->strings[i];
		int32_t key = (int32_t)s->index << 16 | s->langid;

		if (key > behind && key < best) {
			best = key;
			next = s;
		}
	}
	return next;
}

void
rule_desc_input(struct rule_desc_input *in, const struct devrec *rec)
{
	const struct devrec_string *s;
	const uint8_t *p;
	size_t len, i = 0;
	int32_t key = -1;

	in->n = 0;
	add_part(in, rec->device, sizeof(rec->device));
	for (unsigned k = 0; k < rec->nconfigs && k < DESC_MAX_CONFIGS; k++) {
		p = devrec_config(rec, k, &len);
		add_part(in, p, len);
	}
	add_part(in, rec->bos, rec->bos_length);
	for (; (s = next_string(rec, key)) != NULL; i++) {
		key = (int32_t)s->index << 16 | s->langid;
		in->heads[i][0] = s->index;
		le16_put(in->heads[i] + 1, s->langid);
		add_part(in, in->heads[i], 3);
		p = devrec_string(rec, s->index, s->langid, &len);
		add_part(in, p, len);
	}
}

/* What the report descriptors say of the interfaces from `first' on, which are
 * those of one configuration. The triple of a boot device says it, too, but not
 * that it is nothing else. */
static void
add_hid(struct rule_device_store *store, size_t first, size_t n,
    const struct devrec *rec, uint8_t value)
{
	for (size_t i = first; i < n; i++) {
		struct rule_interface *f = &store->interfaces[i];
		const uint8_t *report;
		size_t len;

		if (f->class != CLASS_HID) {
			continue;
		}
		report = devrec_report(rec, value, f->number, &len);
		f->hid = report != NULL ? rule_hid_usages(report, len) : 0;
		if (f->hid != 0 && f->subclass == 1 && f->protocol == 1) {
			f->hid |= RULE_HID_KEYBOARD;
		} else if (f->hid != 0 && f->subclass == 1 &&
		    f->protocol == 2) {
			f->hid |= RULE_HID_MOUSE;
		}
	}
}

static int
add_configs(
    struct rule_device_store *store, size_t *n, const struct devrec *rec)
{
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		size_t len, first = *n;
		const uint8_t *config = devrec_config(rec, i, &len);
		int r = config == NULL || len < CONFIG_SIZE ?
		    ERR_FORMAT :
		    rule_device_interfaces(store, n, i, config, len);

		if (r != 0) {
			return r;
		}
		add_hid(store, first, *n, rec, config[5]);
	}
	return 0;
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

void
rule_device_point(struct rule_device *out, struct rule_device_store *store)
{
	*out = (struct rule_device){
	    .name = store->name,
	    .manufacturer = store->manufacturer,
	    .serial = store->serial,
	    .hash = store->hash,
	    .parent_hash = store->parent_hash,
	    .via_port = store->via_port,
	    .stable_port = store->stable_port,
	    .connect_type = store->connect_type,
	    .interfaces = store->interfaces,
	    .ancestors = store->ancestors,
	    .reports = (const uint8_t(*)[32])store->reports,
	};
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
	if (r != 0 || (r = add_configs(store, &n, rec)) != 0 ||
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
	rule_device_point(out, store);
	out->vid = dev.vid;
	out->pid = dev.pid;
	out->bcd_device = dev.bcd_device;
	out->speed = rec->speed;
	out->ninterfaces = n;
	return 0;
}
