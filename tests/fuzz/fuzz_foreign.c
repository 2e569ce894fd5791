/* Filters of any bytes: an error with its place, or rules of which each one is
 * right when it has a receiver. The first byte says whose filter it is. */
#include <string.h>

#include "base/err.h"
#include "policy/rules/foreign.h"
#include "policy/rules/rules.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	struct rules_load *load;
	unsigned line;
};

static int
add(void *arg, unsigned line, const char *rule, size_t len)
{
	static const char any[] = "default to any\n";
	static char text[1u << 13];
	struct seen *seen = arg;

	MUST(line >= seen->line && line > 0);
	MUST(len > 0 && len < sizeof(text) - sizeof(any));
	MUST(memchr(rule, '\n', len) == NULL);
	seen->line = line;
	memcpy(text, any, sizeof(any) - 1);
	memcpy(text + sizeof(any) - 1, rule, len);
	rules_load_text(seen->load, "f", text, sizeof(any) - 1 + len);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {.load = rules_load_new()};
	struct foreign_error err;
	struct rules *rules = NULL;
	enum foreign_kind kind = size > 0 && data[0] == 'c' ?
	    FOREIGN_CITRIX : FOREIGN_USBREDIR;
	const char *text = (const char *)data + (size > 0);
	int r = foreign_translate(kind, text, size - (size > 0), add, &seen,
	    &err);

	if (r != 0) {
		MUST(seen.line == 0);
		MUST(err.line > 0 && err.column > 0 && err.text[0] != '\0');
		MUST(err.column <= size + 1);
	} else {
		MUST(rules_load_finish(seen.load, &rules) == 0);
	}
	rules_free(rules);
	rules_load_free(seen.load);
	return 0;
}
