/*
 * The book's pages on what inspection found out about devices: those in
 * quarantine, and what was used up of quotas. Both outlive sessions, plugs and
 * boots, and know a device by what it is and where.
 */
#include "proxy/warden/book.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

void
book_quarantine(struct book *book, const uint8_t device[BOOK_KEY],
    const char *name, int64_t now)
{
	struct quarantined *q;

	if (book_is_quarantined(book, device)) {
		return;
	}
	if (book->nquarantine == BOOK_QUARANTINE_MAX) {
		(void)book_clear(book, 0);
	}
	q = &book->quarantine[book->nquarantine++];
	memcpy(q->device, device, BOOK_KEY);
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	q->since = now;
	book->is_dirty = 1;
}

int
book_is_quarantined(const struct book *book, const uint8_t device[BOOK_KEY])
{
	for (unsigned i = 0; i < book->nquarantine; i++) {
		if (memcmp(book->quarantine[i].device, device, BOOK_KEY) ==
		    0) {
			return 1;
		}
	}
	return 0;
}

int
book_clear(struct book *book, unsigned i)
{
	if (i >= book->nquarantine) {
		return ERR_NOENT;
	}
	book->nquarantine--;
	memmove(&book->quarantine[i], &book->quarantine[i + 1],
	    (book->nquarantine - i) * sizeof(book->quarantine[0]));
	book->is_dirty = 1;
	return 0;
}

static void
drop_quota(struct book *book, unsigned i)
{
	book->nquotas--;
	memmove(&book->quotas[i], &book->quotas[i + 1],
	    (book->nquotas - i) * sizeof(book->quotas[0]));
}

static int
is_of(const struct quota *q, const uint8_t device[BOOK_KEY])
{
	return memcmp(q->device, device, BOOK_KEY) == 0;
}

void
book_set_quota(struct book *book, const uint8_t device[BOOK_KEY],
    const char *profile, const char *name, uint64_t used, int64_t since)
{
	unsigned i = 0, own = 0, oldest = 0;
	struct quota q = {.used = used, .since = since};

	memcpy(q.device, device, BOOK_KEY);
	(void)snprintf(q.profile, sizeof(q.profile), "%s", profile);
	(void)snprintf(q.name, sizeof(q.name), "%s", name);
	for (unsigned k = book->nquotas; k > 0; k--) {
		if (is_of(&book->quotas[k - 1], device)) {
			own++;
			oldest = k - 1;
		}
	}
	while (i < book->nquotas &&
	    !(is_of(&book->quotas[i], device) &&
		strcmp(book->quotas[i].profile, q.profile) == 0 &&
		strcmp(book->quotas[i].name, q.name) == 0)) {
		i++;
	}
	if (i < book->nquotas) {
		drop_quota(book, i);
	} else if (own >= BOOK_QUOTAS_EACH) {
		drop_quota(book, oldest);
	} else if (book->nquotas == BOOK_QUOTAS_MAX) {
		drop_quota(book, 0);
	}
	book->quotas[book->nquotas++] = q;
	book->is_dirty = 1;
}

const struct quota *
book_quota(
    const struct book *book, const uint8_t device[BOOK_KEY], unsigned i)
{
	for (unsigned k = 0; k < book->nquotas; k++) {
		if (is_of(&book->quotas[k], device) && i-- == 0) {
			return &book->quotas[k];
		}
	}
	return NULL;
}
