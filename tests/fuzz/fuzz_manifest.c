/*
 * Manifests and signatures: what is taken is within its bounds, and printed and
 * parsed again it is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/bundle/manifest.h"
#include "policy/bundle/signed.h"
#include "tests/fuzz/fuzz.h"

static void
manifest(const char *text, size_t len)
{
	char why[256] = "", *a, *b;
	struct manifest m, n;

	if (manifest_parse(&m, text, len, why, sizeof(why)) == 0) {
		MUST(m.serial >= 1 && m.expires > m.not_before);
		MUST(m.next.nkeys == 0 || (m.next.threshold >= 1 &&
		    m.next.threshold <= m.next.nkeys));
		a = manifest_print(&m);
		MUST(a != NULL &&
		    manifest_parse(&n, a, strlen(a), why, sizeof(why)) == 0);
		b = manifest_print(&n);
		MUST(b != NULL && strcmp(a, b) == 0);
		manifest_fini(&n);
		free(a);
		free(b);
	} else {
		MUST(*why != '\0');
	}
	manifest_fini(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signatures s, t;
	static const struct keyring none;
	char why[256] = "", *text;

	manifest((const char *)data, size);
	if (signed_parse(&s, (const char *)data, size, why, sizeof(why)) == 0) {
		MUST(s.n <= SIGNED_SIGNATURES);
		MUST(signed_check(&s, &none, s.sha256, why, sizeof(why)) != 0);
		text = signed_print(&s);
		MUST(text != NULL && signed_parse(&t, text, strlen(text), why,
					 sizeof(why)) == 0);
		MUST(t.n == s.n);
		free(text);
	} else {
		MUST(*why != '\0');
	}
	return 0;
}
