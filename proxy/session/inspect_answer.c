/*
 * What decoders say in the device's place on IN endpoints: to the oldest
 * transfer that waits there, or kept for the next one. Runs in
 * sallyport-session.
 */
#include "proxy/session/inspect_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void
keep(struct answers *a, uint8_t *data, uint32_t len, int at_head)
{
	if (a->n == INSPECT_ANSWERS) {
		free(data);
		return;
	}
	if (at_head) {
		memmove(a->data + 1, a->data, a->n * sizeof(a->data[0]));
		memmove(a->len + 1, a->len, a->n * sizeof(a->len[0]));
	}
	a->data[at_head ? 0 : a->n] = data;
	a->len[at_head ? 0 : a->n] = len;
	a->n++;
}

void
inspect_answer_in(
    struct inspect *i, uint8_t index, const void *data, uint32_t len)
{
	struct answers *a = &i->answers[index];
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL) {
		return; /* as if it had been lost on the bus */
	}
	memcpy(copy, data, len);
	/* those that are kept were said before */
	if (a->n > 0 ||
	    transfers_answer_in(i->how.transfers, index, copy, len) != 0) {
		keep(a, copy, len, 0);
	}
}

int
inspect_take_answer(struct inspect *i, struct transfer *t)
{
	struct answers *a = &i->answers[t->index];
	uint32_t len;

	if (a->n == 0) {
		return 0;
	}
	len = a->len[0] < t->length ? a->len[0] : t->length;
	memcpy(t->urb.data, a->data[0], len);
	t->urb.actual = len;
	t->urb.result = URB_OK;
	free(a->data[0]);
	a->n--;
	memmove(a->data, a->data + 1, a->n * sizeof(a->data[0]));
	memmove(a->len, a->len + 1, a->n * sizeof(a->len[0]));
	return 1;
}

void
inspect_unused(
    struct inspect *i, struct transfer *t, uint8_t *data, uint32_t len)
{
	keep(&i->answers[t->index], data, len, 1);
}

void
inspect_drop_answers(struct inspect *i)
{
	for (unsigned e = 0; e < TRANSFER_ENDPOINTS; e++) {
		struct answers *a = &i->answers[e];

		while (a->n > 0) {
			free(TAKE(a->data[--a->n]));
		}
	}
}
