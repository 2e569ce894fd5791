/*
 * What the lines of audit logs prove, see base/chain.h. Each line is held against
 * the number and the key that come next:
 *
 *   the number is right, the MAC too      it is what the gateway wrote
 *   right, but the MAC is not             it was changed
 *   further on, and the MAC is right      lines before it are missing
 *   further on, and the MAC is not        it was changed, its number with it
 *   behind                                it was moved or is there twice
 *
 * A head, which the journal had each minute, says how many lines there were and
 * the MAC of the last: with those a tail that was cut off is missed.
 */
#include "proxy/ctl/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"

/* The first line may be far from the key; a line's word for it costs less. */
#define START_MAX UINT64_C(1000000000)
#define JUMP_MAX UINT64_C(10000000)
#define BUDGET UINT64_C(100000000)

static void
tell(struct audit_check *check, enum audit_tone tone, const char *text)
{
	int is_here = tone != AUDIT_BLIND && check->file != NULL;

	check->wrong += tone == AUDIT_WRONG;
	check->say(check->arg, tone, is_here ? check->file : "",
	    is_here ? check->line : 0, text);
}

static int
compare_heads(const void *va, const void *vb)
{
	const struct chain_head *a = va, *b = vb;
	int c = memcmp(a->id, b->id, CHAIN_ID);

	return c != 0 ? c : a->count < b->count ? -1 : a->count > b->count;
}

void
audit_check_begin(struct audit_check *check)
{
	check->budget = BUDGET;
	if (check->nheads != 0) {
		qsort(check->heads, check->nheads, sizeof(*check->heads),
		    compare_heads);
	}
}

void
audit_check_file(struct audit_check *check, const char *name)
{
	check->file = name;
	check->line = 0;
}

/* ------------------------------------------------------------------------ */
/* The log's own lines                                                      */

/* Behind that word, which a text of a line cannot have: its quotes would be
 * escaped. NULL: it is not there. */
static const char *
after(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);
	const char *at = memmem(text, len, word, n);

	return at != NULL ? at + n : NULL;
}

/* Whether it is one that names its chain. */
static int
names_chain(const char *text, size_t len, const char *word, uint8_t id[8])
{
	const char *at = after(text, len, word);
	char hex[CHAIN_ID_TEXT];

	if (at == NULL || (size_t)(text + len - at) < sizeof(hex)) {
		return 0;
	}
	memcpy(hex, at, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	return digest_unhex(id, CHAIN_ID, hex) == 0;
}
#define OWN(outcome) "\"event\":\"audit\",\"outcome\":\"" outcome "\","

/* What a line says of the log itself. */
static void
heed(struct audit_check *check, const char *text, size_t len)
{
	const char *at = after(text, len, "\"kept_from\":\"");
	uint64_t n;

	if (at != NULL && after(text, len, OWN("continued")) != NULL &&
	    chain_number(&n, at, (size_t)(text + len - at)) != 0) {
		check->kept_from = n;
	}
	if (after(text, len, OWN("missing")) != NULL) {
		tell(check, AUDIT_NOTE,
		    "the gateway itself found here that lines before were "
		    "missing when it started: power was lost, or they were "
		    "removed");
	}
	at = after(text, len, "\"lost\":\"");
	if (at != NULL && after(text, len, OWN("resumed")) != NULL &&
	    chain_number(&n, at, (size_t)(text + len - at)) != 0 && n != 0) {
		char say[128];

		(void)snprintf(say, sizeof(say),
		    "%llu lines were never written, since the disk was full",
		    (unsigned long long)n);
		tell(check, AUDIT_NOTE, say);
	}
	check->is_stop = after(text, len,
			     "\"event\":\"gateway\",\"outcome\":\"stopped\"") !=
	    NULL;
}

/* ------------------------------------------------------------------------ */
/* Chains                                                                   */

/* Its key goes on to the next number, if it may: whether lines can be proved. */
static int
has_proof(struct audit_check *check)
{
	if (check->has_key && check->key.seq < check->next &&
	    chain_skip(&check->key, check->next, START_MAX) != 0) {
		check->has_key = 0;
	}
	return check->has_key && check->key.seq == check->next;
}

/* The heads of this chain, or none. */
static void
find_heads(struct audit_check *check)
{
	struct chain_head want = {.count = check->first};

	memcpy(want.id, check->id, CHAIN_ID);
	for (check->head = 0; check->head < check->nheads; check->head++) {
		if (compare_heads(&check->heads[check->head], &want) > 0) {
			break;
		}
	}
}

static const struct chain_head *
next_head(const struct audit_check *check)
{
	const struct chain_head *h = &check->heads[check->head];

	return check->has_id && check->head < check->nheads &&
		memcmp(h->id, check->id, CHAIN_ID) == 0
	    ? h
	    : NULL;
}

/* A line was taken, the next number is set. */
static void
hold_heads(struct audit_check *check, const struct chain_parts *parts)
{
	const struct chain_head *h;

	while ((h = next_head(check)) != NULL && h->count <= check->next) {
		if (h->count == check->next &&
		    memcmp(h->mac, parts->mac, 32) != 0) {
			tell(check, AUDIT_WRONG,
			    "the journal was told of another line here");
		}
		check->head++;
	}
}

static void
end_chain(struct audit_check *check)
{
	const struct chain_head *h, *last = NULL;
	char text[192];

	while ((h = next_head(check)) != NULL) {
		last = h;
		check->head++;
	}
	if (last != NULL && last->count > check->next) {
		(void)snprintf(text, sizeof(text),
		    "the end is cut off: the journal was told of %llu lines, "
		    "and they end with number %llu",
		    (unsigned long long)last->count,
		    (unsigned long long)check->next - 1);
		tell(check, AUDIT_WRONG, text);
	}
	if (check->kept_from < check->first && check->kept_from != UINT64_MAX &&
	    !check->is_partial) {
		(void)snprintf(text, sizeof(text),
		    "lines %llu to %llu are missing: files that the gateway "
		    "had kept",
		    (unsigned long long)check->kept_from,
		    (unsigned long long)check->first - 1);
		tell(check, AUDIT_WRONG, text);
	}
}

static void
begin_chain(struct audit_check *check, const uint8_t *id, uint64_t seq)
{
	if (check->has_chain) {
		end_chain(check);
	}
	check->nchains++;
	check->has_chain = 1;
	check->first = check->next = seq;
	check->kept_from = UINT64_MAX;
	check->has_key = 0;
	check->has_id = id != NULL;
	if (id == NULL) {
		return;
	}
	memcpy(check->id, id, CHAIN_ID);
	for (size_t i = 0; i < check->nkeys; i++) {
		const struct chain *k = &check->keys[i];

		/* of several the one that proves most */
		if (memcmp(k->id, id, CHAIN_ID) == 0 &&
		    (!check->has_key || k->seq < check->key.seq)) {
			check->key = *k;
			check->has_key = 1;
		}
	}
	if (check->nkeys != 0 && !check->has_key) {
		/* or whoever writes a chain of his own would get away with
		 * it */
		tell(check, AUDIT_WRONG, "no key is for the chain of this line");
	}
	find_heads(check);
}

/* The first line of all is in the middle of a chain that it does not name: one
 * of the keys may fit. */
static void
guess_chain(struct audit_check *check, const char *text,
    const struct chain_parts *parts)
{
	for (size_t i = 0; i < check->nkeys; i++) {
		struct chain at = check->keys[i];

		if (chain_skip(&at, parts->seq, START_MAX) == 0 &&
		    chain_is_mac(&at, text, parts)) {
			begin_chain(check, at.id, parts->seq);
			return;
		}
	}
	begin_chain(check, check->nkeys == 1 ? check->keys[0].id : NULL,
	    parts->seq);
}

static void
first_line(struct audit_check *check, const char *text, size_t len,
    const struct chain_parts *parts)
{
	uint8_t id[CHAIN_ID];
	char say[128];

	if (names_chain(text, len, OWN("continued") "\"chain\":\"", id) ||
	    names_chain(text, len, OWN("begun") "\"chain\":\"", id)) {
		begin_chain(check, id, parts->seq);
		return;
	}
	guess_chain(check, text, parts);
	if (parts->seq > 0 && !check->is_partial) {
		(void)snprintf(say, sizeof(say),
		    "no file begins with line %llu: what was before it is cut "
		    "off", (unsigned long long)parts->seq);
		tell(check, AUDIT_WRONG, say);
	}
}

/* ------------------------------------------------------------------------ */
/* Lines                                                                    */

static void
take(struct audit_check *check, const char *text, size_t len,
    const struct chain_parts *parts, uint64_t seq, int is_proven)
{
	check->next = seq + 1;
	check->proven += is_proven != 0;
	hold_heads(check, parts);
	heed(check, text, len);
}

/* It counts as the one that comes next. */
static void
changed(struct audit_check *check)
{
	char say[96];

	(void)snprintf(say, sizeof(say), "line %llu was changed",
	    (unsigned long long)check->next);
	tell(check, AUDIT_WRONG, say);
	check->next++;
	check->is_stop = 0;
}

static void
missing(struct audit_check *check, uint64_t seq)
{
	char say[96];

	(void)snprintf(say, sizeof(say), "lines %llu to %llu are missing here",
	    (unsigned long long)check->next, (unsigned long long)seq - 1);
	tell(check, AUDIT_WRONG, say);
}

/* Its number is further on than the one that comes next. */
static void
ahead(struct audit_check *check, const char *text, size_t len,
    const struct chain_parts *parts, int can_prove)
{
	struct chain at = check->key;
	uint64_t far = parts->seq - check->next;

	if (!can_prove) {
		missing(check, parts->seq);
		take(check, text, len, parts, parts->seq, 0);
		return;
	}
	if (far > JUMP_MAX || far > check->budget) {
		changed(check);
		return;
	}
	if (chain_skip(&at, parts->seq, far) == 0 &&
	    chain_is_mac(&at, text, parts)) {
		missing(check, parts->seq);
		check->key = at;
		take(check, text, len, parts, parts->seq, 1);
		return;
	}
	check->budget -= far;
	changed(check);
}

void
audit_check_line(struct audit_check *check, const char *text, size_t len)
{
	struct chain_parts parts;
	uint8_t id[CHAIN_ID];
	char say[128];
	int can_prove;

	check->line++;
	if (chain_split(&parts, text, len) != 0) {
		if (!check->has_chain && len > 0 && text[0] == '{') {
			check->bare++;
		} else {
			tell(check, AUDIT_WRONG, "not a line of this log");
		}
		return;
	}
	check->lines++;
	if (parts.seq == 0 &&
	    names_chain(text, len, OWN("begun") "\"chain\":\"", id) &&
	    !(check->has_chain && check->has_id &&
		memcmp(id, check->id, CHAIN_ID) == 0)) {
		begin_chain(check, id, 0);
	} else if (!check->has_chain) {
		first_line(check, text, len, &parts);
	}
	can_prove = has_proof(check);
	if (parts.seq < check->next) {
		(void)snprintf(say, sizeof(say),
		    "line %llu stands after line %llu: it was moved, or is "
		    "there twice", (unsigned long long)parts.seq,
		    (unsigned long long)check->next - 1);
		tell(check, AUDIT_WRONG, say);
	} else if (parts.seq > check->next) {
		ahead(check, text, len, &parts, can_prove);
	} else if (can_prove && !chain_is_mac(&check->key, text, &parts)) {
		changed(check);
	} else {
		take(check, text, len, &parts, parts.seq, can_prove);
	}
}

void
audit_check_torn(struct audit_check *check)
{
	check->line++;
	tell(check, AUDIT_WRONG, "not a whole line");
}

/* ------------------------------------------------------------------------ */
/* The end                                                                  */

static void
blind(struct audit_check *check)
{
	char text[192];

	if (check->bare != 0) {
		(void)snprintf(text, sizeof(text),
		    "whether the %llu lines before the first chain are what "
		    "was written: they carry no proof",
		    (unsigned long long)check->bare);
		tell(check, AUDIT_BLIND, text);
	}
	if (check->proven != check->lines && check->proven == 0) {
		tell(check, AUDIT_BLIND,
		    "whether a line was changed: there is no key of these "
		    "lines (--key)");
	} else if (check->proven != check->lines) {
		tell(check, AUDIT_BLIND,
		    "whether lines were changed that no key is for, or that "
		    "are wrong in another way");
	}
	if (check->first > 0) {
		(void)snprintf(text, sizeof(text),
		    "what the lines before number %llu were",
		    (unsigned long long)check->first);
		tell(check, AUDIT_BLIND, text);
	}
	if (check->nheads == 0) {
		tell(check, AUDIT_BLIND,
		    "whether lines are missing at the end: no heads of the "
		    "journal were given (--heads)");
	} else if (!check->is_stop) {
		tell(check, AUDIT_BLIND,
		    "whether lines are missing after the last head: these "
		    "files do not end with a stop of the gateway");
	}
	tell(check, AUDIT_BLIND,
	    "whether what was written is true, from the moment on that "
	    "somebody ruled the gateway");
}

void
audit_check_end(struct audit_check *check)
{
	if (check->has_chain) {
		(void)has_proof(check);
		check->file = NULL;
		end_chain(check);
	} else {
		check->file = NULL;
		tell(check, AUDIT_WRONG, "there is no line of a chain");
	}
	blind(check);
}
