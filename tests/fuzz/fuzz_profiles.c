/* Profile files of any bytes: errors or a set, never more. What fmt prints of a
 * right one is right, means the same, and prints to itself. */
#include <string.h>

#include "policy/profiles/ast.h"
#include "tests/fake/profile_dump.h"
#include "tests/fuzz/fuzz.h"

static struct text {
	char p[1u << 20];
	size_t n;
} once, twice;

static void
keep(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	for (size_t i = 0; i < len && t->n < sizeof(t->p); i++) {
		t->p[t->n++] = text[i];
	}
}

/* What it means, malloced, or NULL; and its canonical form. */
static char *
judge(const char *text, size_t size, struct text *out)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	char *dump = NULL;

	out->n = 0;
	profile_load_text(load, PROFILE_LOCAL, "f", text, size);
	profile_load_format(load, keep, out);
	if (profile_load_finish(load, &set) == 0) {
		dump = profile_dump(set);
	}
	MUST((dump != NULL) == (profile_load_error_count(load) == 0));
	profile_set_free(set);
	profile_load_free(load);
	return dump;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *a = judge((const char *)data, size, &once);
	char *b = judge(once.p, once.n, &twice);

	if (a != NULL && once.n < sizeof(once.p)) {
		MUST(b != NULL && strcmp(a, b) == 0);
		MUST(once.n == twice.n);
		MUST(memcmp(once.p, twice.p, once.n) == 0);
	}
	free(a);
	free(b);
	return 0;
}
