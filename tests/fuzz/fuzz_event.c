/*
 * A line of a gateway's events as the reader takes it: what comes out of it
 * fits the channel to the process with the privileges, and comes back from
 * there.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "vhci-glue/event.h"

static int
heard(void *arg, const struct ipc_watch *watch)
{
	static uint8_t buf[8192], again[8192];
	static struct ipc_watch back;
	int n = ipc_encode_watch(buf, sizeof(buf), watch);

	(void)arg;
	MUST(n > 0 && ipc_decode_watch(&back, buf, (size_t)n) == 0);
	MUST(ipc_encode_watch(again, sizeof(again), &back) == n);
	MUST(memcmp(buf, again, (size_t)n) == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct ipc_line line = {.text = text, .len = (uint32_t)size};

	MUST(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (size <= IPC_LINE_MAX) {
		(void)event_parse(&line, heard, NULL);
	}
	free(text);
	return 0;
}
