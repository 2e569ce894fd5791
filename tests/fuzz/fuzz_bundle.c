/*
 * Archives: what opens has one encoding, so that writing it again gives the same
 * bytes. The digests of files hold, else it would not have opened.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/bundle/bundle.h"
#include "tests/fuzz/fuzz.h"

static void
walk(const uint8_t *data, size_t size)
{
	struct tar_writer again = {.data = NULL};
	struct tar_reader tar;
	struct tar_file file;
	const char *why = "";
	int r;

	tar_open(&tar, data, size);
	while ((r = tar_next(&tar, &file, &why)) == 1) {
		MUST(file.data >= data && file.len <= size);
		MUST(tar_add(&again, file.name, file.data, file.len) == 0);
	}
	if (r == 0) {
		MUST(tar_end(&again) == 0 && again.len == size);
		MUST(memcmp(again.data, data, size) == 0);
	} else {
		MUST(*why != '\0');
	}
	tar_writer_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	char why[256] = "", name[TAR_NAME];
	struct bundle *b = NULL;

	MUST(bytes != NULL);
	if (size > 0) {
		memcpy(bytes, data, size);
	}
	bytes[size] = '\0';
	walk(data, size);
	(void)bundle_resolve(name, "rules.d/a", (const char *)bytes);
	if (bundle_open(&b, bytes, size, why, sizeof(why)) == 0) {
		for (size_t i = 0; i < b->nfiles; i++) {
			MUST(bundle_find(b, b->files[i].name) == &b->files[i]);
		}
	} else {
		MUST(*why != '\0');
	}
	bundle_free(b);
	return 0;
}
