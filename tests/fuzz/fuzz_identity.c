/*
 * Identities as the warden reads them from a session: what decodes is
 * canonical, and its names are whole texts of the size that they promise.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/identity.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_facts facts;
	static uint8_t buf[IDENTITY_WIRE];
	char name[IDENTITY_NAME], cut[80];
	const char *text;

	if (identity_decode(&facts, data, size) != 0) {
		return 0;
	}
	MUST(identity_encode(buf, sizeof(buf), &facts) == (int)size);
	MUST(memcmp(buf, data, size) == 0);
	identity_name(name, sizeof(name), &facts);
	MUST(strlen(name) < sizeof(name) && name[64] == ':');
	identity_name(cut, sizeof(cut), &facts);
	MUST(strncmp(cut, name, strlen(cut)) == 0);
	text = identity_short(&facts);
	MUST(strlen(text) < IDENTITY_TEXT);
	return 0;
}
