/*
 * The book's pages. All lists are bounded: what is over a bound is refused, or
 * pushes the oldest out where losing it makes nobody's rights wider.
 */
#include "proxy/warden/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/random.h"

#define ASKS_EACH 16u /* open ones of one identity */

struct book *
book_new(const char *boot)
{
	struct book *book = calloc(1, sizeof(*book));

	if (book == NULL) {
		return NULL;
	}
	book->seen = calloc(BOOK_SEEN_MAX, sizeof(*book->seen));
	book->quarantine =
	    calloc(BOOK_QUARANTINE_MAX, sizeof(*book->quarantine));
	book->quotas = calloc(BOOK_QUOTAS_MAX, sizeof(*book->quotas));
	if (book->seen == NULL || book->quarantine == NULL ||
	    book->quotas == NULL ||
	    random_fill(book->seed, sizeof(book->seed)) != 0) {
		free(book->seen);
		free(book->quarantine);
		free(book->quotas);
		free(book);
		return NULL;
	}
	(void)snprintf(book->boot, sizeof(book->boot), "%s", boot);
	book->next_ask = 1;
	TAILQ_INIT(&book->plugs);
	TAILQ_INIT(&book->asks);
	return book;
}

static void
free_plug(struct book *book, struct plug *plug)
{
	TAILQ_REMOVE(&book->plugs, plug, entry);
	book->nplugs--;
	free(plug);
}

void
book_free(struct book *book)
{
	struct plug *plug;
	struct ask *ask;

	if (book == NULL) {
		return;
	}
	while ((plug = TAILQ_FIRST(&book->plugs)) != NULL) {
		free_plug(book, plug);
	}
	while ((ask = TAILQ_FIRST(&book->asks)) != NULL) {
		book_drop_ask(book, ask);
	}
	free(book->seen);
	free(book->quarantine);
	free(book->quotas);
	free(book);
}

/* ------------------------------------------------------------------------ */
/* Plugs                                                                    */

struct plug *
book_plug(struct book *book, const char *busid, unsigned devnum, int64_t now)
{
	struct plug *plug, *next;

	for (plug = TAILQ_FIRST(&book->plugs); plug != NULL; plug = next) {
		next = TAILQ_NEXT(plug, entry);
		if (strcmp(plug->busid, busid) != 0) {
			continue;
		}
		if (plug->devnum == devnum) {
			plug->is_here = 1;
			return plug;
		}
		book_unplug(book, plug);
	}
	if (book->nplugs >= BOOK_PLUGS_MAX || strlen(busid) >=
	    sizeof(plug->busid)) {
		return NULL;
	}
	plug = calloc(1, sizeof(*plug));
	if (plug == NULL) {
		return NULL;
	}
	memcpy(plug->busid, busid, strlen(busid) + 1);
	plug->devnum = devnum;
	plug->at = now;
	plug->is_here = 1;
	plug->is_spent = book->was_bad;
	TAILQ_INSERT_TAIL(&book->plugs, plug, entry);
	book->nplugs++;
	book->is_dirty = 1;
	return plug;
}

static int
is_of_plug(const struct ask *ask, const struct plug *plug)
{
	return ask->devnum == plug->devnum &&
	    strcmp(ask->busid, plug->busid) == 0;
}

void
book_unplug(struct book *book, struct plug *plug)
{
	struct ask *ask, *next;

	for (ask = TAILQ_FIRST(&book->asks); ask != NULL; ask = next) {
		next = TAILQ_NEXT(ask, entry);
		if (is_of_plug(ask, plug) &&
		    (ask->ends == 0 || ask->state != ASK_APPROVED)) {
			book_drop_ask(book, ask);
		}
	}
	free_plug(book, plug);
	book->is_dirty = 1;
}

void
book_purge(struct book *book)
{
	struct plug *plug, *next;

	for (plug = TAILQ_FIRST(&book->plugs); plug != NULL; plug = next) {
		next = TAILQ_NEXT(plug, entry);
		if (!plug->is_here) {
			book_unplug(book, plug);
		}
	}
	/* What comes from now on was not there before. */
	book->was_bad = 0;
}

void
plug_had(struct book *book, struct plug *plug, uint64_t rule)
{
	if (plug_has_had(plug, rule)) {
		return;
	}
	if (plug->nhad < BOOK_HAD_MAX) {
		plug->had[plug->nhad++] = rule;
	} else {
		plug->is_spent = 1;
	}
	book->is_dirty = 1;
}

int
plug_has_had(const struct plug *plug, uint64_t rule)
{
	for (unsigned i = 0; i < plug->nhad; i++) {
		if (plug->had[i] == rule) {
			return 1;
		}
	}
	return plug->is_spent;
}

int
plug_is_held(const struct plug *plug)
{
	return plug->hold.length != 0 && plug->hold.ends != 0;
}

int
book_expire_holds(struct book *book, uint64_t mono)
{
	struct plug *plug;
	int any = 0;

	TAILQ_FOREACH (plug, &book->plugs, entry) {
		if (plug_is_held(plug) && mono >= plug->hold.ends) {
			plug->hold = (struct hold){.length = 0};
			book->is_dirty = any = 1;
		}
	}
	return any;
}

/* ------------------------------------------------------------------------ */
/* Devices seen, counters, draws                                            */

int
book_see(struct book *book, const uint8_t key[BOOK_SEEN_KEY])
{
	struct seen it;
	unsigned i = 0;
	int is_first;

	while (i < book->nseen &&
	    memcmp(book->seen[i].key, key, BOOK_SEEN_KEY) != 0) {
		i++;
	}
	is_first = i == book->nseen;
	if (is_first && book->nseen == BOOK_SEEN_MAX) {
		i = 0;
	} else if (is_first) {
		book->nseen++;
	}
	/* To the end: that is the one seen last. */
	memcpy(it.key, key, BOOK_SEEN_KEY);
	memmove(&book->seen[i], &book->seen[i + 1],
	    (book->nseen - i - 1) * sizeof(it));
	book->seen[book->nseen - 1] = it;
	book->is_dirty = 1;
	return is_first;
}

int64_t
book_counted(const struct book *book, uint64_t rule, int applied)
{
	for (unsigned i = 0; i < book->ncounters; i++) {
		if (book->counters[i].rule == rule) {
			return applied ? book->counters[i].applied
				       : book->counters[i].evaluated;
		}
	}
	return 0;
}

static int64_t
last_of(const struct counter *c)
{
	return c->evaluated > c->applied ? c->evaluated : c->applied;
}

void
book_count(struct book *book, uint64_t rule, int applied, int64_t now)
{
	struct counter *c = NULL, *oldest = &book->counters[0];

	for (unsigned i = 0; i < book->ncounters; i++) {
		if (book->counters[i].rule == rule) {
			c = &book->counters[i];
			break;
		}
		if (last_of(&book->counters[i]) < last_of(oldest)) {
			oldest = &book->counters[i];
		}
	}
	if (c == NULL) {
		c = book->ncounters < BOOK_COUNTERS_MAX
		    ? &book->counters[book->ncounters++]
		    : oldest;
		*c = (struct counter){.rule = rule};
	}
	if (applied) {
		c->applied = now;
	} else {
		c->evaluated = now;
	}
	book->is_dirty = 1;
}

uint32_t
book_draw(const struct book *book, const struct plug *plug,
    const uint8_t who[BOOK_KEY], uint64_t rule)
{
	struct digest_part parts[] = {
		{book->seed, sizeof(book->seed)},
		{book->boot, sizeof(book->boot)},
		{plug->busid, sizeof(plug->busid)},
		{&plug->devnum, sizeof(plug->devnum)},
		{who, BOOK_KEY},
		{&rule, sizeof(rule)},
	};
	uint8_t out[32];
	uint32_t n;

	if (digest_sha256(out, parts, sizeof(parts) / sizeof(parts[0])) !=
	    0) {
		return UINT32_MAX; /* no luck */
	}
	memcpy(&n, out, sizeof(n));
	return n;
}

/* ------------------------------------------------------------------------ */
/* Asks                                                                     */

struct ask *
book_find_ask(struct book *book, const uint8_t who[BOOK_KEY],
    const uint8_t device[BOOK_KEY], uint64_t rule)
{
	struct ask *ask;

	TAILQ_FOREACH (ask, &book->asks, entry) {
		if (ask->rule == rule &&
		    memcmp(ask->who, who, BOOK_KEY) == 0 &&
		    memcmp(ask->device, device, BOOK_KEY) == 0) {
			return ask;
		}
	}
	return NULL;
}

struct ask *
book_ask_by_id(struct book *book, unsigned id)
{
	struct ask *ask;

	TAILQ_FOREACH (ask, &book->asks, entry) {
		if (ask->id == id) {
			return ask;
		}
	}
	return NULL;
}

struct ask *
book_new_ask(struct book *book, const uint8_t who[BOOK_KEY])
{
	struct ask *ask;
	unsigned n = 0;

	TAILQ_FOREACH (ask, &book->asks, entry) {
		n += memcmp(ask->who, who, BOOK_KEY) == 0;
	}
	if (n >= ASKS_EACH || book->nasks >= BOOK_ASKS_MAX) {
		return NULL;
	}
	ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		return NULL;
	}
	ask->id = book->next_ask++;
	memcpy(ask->who, who, BOOK_KEY);
	TAILQ_INSERT_TAIL(&book->asks, ask, entry);
	book->nasks++;
	return ask;
}

void
book_drop_ask(struct book *book, struct ask *ask)
{
	book->is_dirty |= ask->state == ASK_APPROVED;
	TAILQ_REMOVE(&book->asks, ask, entry);
	book->nasks--;
	free(ask);
}
