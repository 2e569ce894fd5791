/*
 * A device as rules see it, out of its record and place. Pure; the record is
 * the probe's, checked, but its texts are the device's own and hostile.
 */
#ifndef POLICY_RULES_DEVICE_H
#define POLICY_RULES_DEVICE_H

#include "policy/rules/rules.h"
#include "wire/devrec.h"

#define RULE_TEXT 512 /* longest UTF-8 of a string descriptor fits */
#define RULE_HASH 48  /* base64 of a SHA-256 fits */
#define RULE_PORT 256 /* a stable port path */
#define RULE_ANCESTORS 8 /* USB has five hubs in a row, and a root hub */

/* Texts of a rule_ancestor. */
struct rule_hub_store {
	char hash[RULE_HASH];
	char via_port[USBIP_BUSID_SIZE];
	char stable_port[RULE_PORT];
};

/* What a rule_device borrows; about 12 KiB, the caller's. */
struct rule_device_store {
	char name[RULE_TEXT];
	char manufacturer[RULE_TEXT];
	char serial[RULE_TEXT];
	char hash[RULE_HASH];
	char parent_hash[RULE_HASH];
	char via_port[USBIP_BUSID_SIZE];
	char stable_port[RULE_PORT];
	char connect_type[32];
	struct rule_interface interfaces[RULE_INTERFACES_MAX];
	struct rule_ancestor ancestors[RULE_ANCESTORS];
	struct rule_hub_store hubs[RULE_ANCESTORS];
	uint8_t reports[DEVREC_REPORTS][32];
};

/* Clears out and points its texts and lists at those of store; the counts are
 * 0. */
void rule_device_point(
    struct rule_device *out, struct rule_device_store *store);
/* Appends the interface descriptors of one configuration, of that index,
 * alternates and all, in order: *n of at most RULE_INTERFACES_MAX are filled,
 * hid being 0. ERR_FORMAT when the bytes do not make descriptors, ERR_LIMIT
 * when there are too many. */
int rule_device_interfaces(struct rule_device_store *store, size_t *n,
    unsigned index, const void *config, size_t len);
/* The same of all configurations in a row, as sysfs has them. */
int rule_device_configs(struct rule_device_store *store, size_t *n,
    const void *configs, size_t len);
/* Points hub i of the store at its texts, and gives it. i < RULE_ANCESTORS. */
struct rule_ancestor *rule_device_hub(struct rule_device_store *store, size_t i);

/* USBGuard's device hash is the base64 of the SHA-256 over these parts in
 * order; the digest itself is the caller's. product and serial are UTF-8
 * without a newline ("" if none), configs all configurations in order, raw.
 * Borrows all of them. (The parent hash of a root hub is taken over the sysfs
 * path of its controller, without the leading "/sys".) */
#define RULE_HASH_PARTS 5
struct rule_hash_input {
	const void *data[RULE_HASH_PARTS];
	size_t len[RULE_HASH_PARTS];
	char ids[9];			  /* vendor and product, in hex */
	uint8_t device[DESC_DEVICE_SIZE]; /* as it is hashed */
};
void rule_hash_input(struct rule_hash_input *in, const char *product,
    const char *serial, const uint8_t device[DESC_DEVICE_SIZE],
    const void *configs, size_t configs_len);

/* desc_sha256 is the SHA-256 over these parts in order; the digest itself is the
 * caller's: the device descriptor, every configuration by index, the BOS, and
 * each string descriptor, by index and then language id, behind three bytes:
 * its index and its language id, low byte first (0, 0, 0 before the table of
 * languages). Each is as the device sent it and as long as it says. What the
 * device would be at its other speed is not among them. Borrows from rec, which
 * was checked. */
#define RULE_DESC_PARTS (2 + DESC_MAX_CONFIGS + 2 * DEVREC_STRINGS)
struct rule_desc_input {
	size_t n;
	const void *data[RULE_DESC_PARTS];
	size_t len[RULE_DESC_PARTS];
	uint8_t heads[DEVREC_STRINGS][3];
};
void rule_desc_input(struct rule_desc_input *in, const struct devrec *rec);

/* Fills out; its texts and interfaces lie in store, which must live as long.
 * What no record says is 0: ancestors, digests, plugged and what follows it.
 * hash, parent_hash and connect_type may be NULL (unknown) and are copied;
 * stable_port is "" and for the caller to set, into the store for example.
 * ERR_FORMAT, ERR_LIMIT (a text too long counts as one). */
int rule_device_from_record(struct rule_device *out,
    struct rule_device_store *store, const struct device_place *place,
    const struct devrec *rec, const char *hash, const char *parent_hash,
    const char *connect_type);

#endif
