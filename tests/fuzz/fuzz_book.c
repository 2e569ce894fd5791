/*
 * state.json as the warden reads it at its start: what is taken is within its
 * bounds, and written again and read again it is the same.
 */
#include <string.h>

#include "base/clock.h"
#include "proxy/warden/book.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1790000000)
#define MONO (5000 * CLOCK_SEC)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct book *book = book_new("boot"), *again = book_new("boot");
	const struct plug *plug;
	char why[160], *text, *same;

	MUST(book != NULL && again != NULL);
	if (book_parse(book, (const char *)data, size, MONO, NOW, why,
		sizeof(why)) == 0) {
		TAILQ_FOREACH (plug, &book->plugs, entry) {
			MUST(plug->nhad <= BOOK_HAD_MAX);
			(void)plug_has_had(plug, 1);
		}
		MUST(book->nseen <= BOOK_SEEN_MAX);
		MUST(book->nasks <= BOOK_ASKS_MAX);
		text = book_dump(book, MONO, NOW);
		MUST(book_parse(again, text, strlen(text), MONO, NOW, why,
			 sizeof(why)) == 0);
		same = book_dump(again, MONO, NOW);
		MUST(strcmp(text, same) == 0);
		free(text);
		free(same);
	}
	book_free(book);
	book_free(again);
	return 0;
}
