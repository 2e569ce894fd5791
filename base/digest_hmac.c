/*
 * HMAC (RFC 2104): two hashes. A file of its own for those few who have a key.
 */
#include "base/digest.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* The key is never longer than a block. */
int
digest_hmac(uint8_t out[32], const uint8_t key[32],
    const struct digest_part *parts, size_t n)
{
	struct digest_part inner[DIGEST_PARTS + 1], outer[2];
	uint8_t pad[64], hash[32];
	int r;

	if (n > DIGEST_PARTS) {
		errno = EINVAL;
		return ERR_SYS;
	}
	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < 32; i++) {
		pad[i] ^= key[i];
	}
	inner[0] = (struct digest_part){pad, sizeof(pad)};
	for (size_t i = 0; i < n; i++) {
		inner[i + 1] = parts[i];
	}
	r = digest_sha256(hash, inner, n + 1);
	for (size_t i = 0; i < sizeof(pad); i++) {
		pad[i] ^= 0x36 ^ 0x5c;
	}
	outer[0] = (struct digest_part){pad, sizeof(pad)};
	outer[1] = (struct digest_part){hash, sizeof(hash)};
	if (r == 0) {
		r = digest_sha256(out, outer, 2);
	}
	mem_wipe(pad, sizeof(pad));
	mem_wipe(hash, sizeof(hash));
	return r;
}
