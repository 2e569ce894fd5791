/*
 * USBGuard's device hash: what goes into it is the engine's to say, the digest
 * is base/'s.
 */
#include "policy/tool/hash.h"

#include <string.h>

#include "base/digest.h"
#include "policy/rules/device.h"

static int
finish(char out[USBGUARD_HASH], const struct digest_part *parts, size_t n)
{
	uint8_t sum[32];
	int r = digest_sha256(sum, parts, n);

	out[0] = '\0';
	return r != 0 ? r : digest_base64(out, USBGUARD_HASH, sum, 32);
}

int
usbguard_hash(char out[USBGUARD_HASH], const char *product,
    const char *serial, const uint8_t device[DESC_DEVICE_SIZE],
    const void *configs, size_t configs_len)
{
	struct rule_hash_input in;
	struct digest_part parts[RULE_HASH_PARTS];

	rule_hash_input(&in, product, serial, device, configs, configs_len);
	for (size_t i = 0; i < RULE_HASH_PARTS; i++) {
		parts[i] = (struct digest_part){in.data[i], in.len[i]};
	}
	return finish(out, parts, RULE_HASH_PARTS);
}

int
usbguard_path_hash(char out[USBGUARD_HASH], const char *path)
{
	return finish(
	    out, (const struct digest_part[]){{path, strlen(path)}}, 1);
}
