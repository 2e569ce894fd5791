/*
 * Words for guarded kinds of devices. They come from a person or from
 * workstation.conf.
 */
#include "vhci-glue/kinds.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/ipc.h"

static const struct {
	const char *word;
	unsigned bit;
	int is_set; /* by the word; else cleared */
} words[] = {
    {"none", IPC_ACCEPT_LISTED, 0},
    {"keyboard", IPC_ACCEPT_KEYBOARD, 1},
    {"network", IPC_ACCEPT_NETWORK, 1},
};

int
kinds_parse(unsigned *accept, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i].word) != len ||
		    memcmp(words[i].word, word, len) != 0) {
			continue;
		}
		*accept = words[i].is_set ? *accept | words[i].bit
					  : *accept & ~words[i].bit;
		return 0;
	}
	return ERR_FORMAT;
}

char *
kinds_text(char *dst, size_t size, unsigned accept)
{
	size_t used = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(words) && used < size; i++) {
		int has = (accept & words[i].bit) != 0;

		if (has == words[i].is_set) {
			used += (size_t)snprintf(dst + used, size - used,
			    "%s%s", used > 0 ? "," : "", words[i].word);
		}
	}
	return dst;
}
