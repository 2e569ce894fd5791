/*
 * Which rules a device must be compared with: those that name its id, those
 * that name its vendor, and those that name neither; so that a long list of
 * known devices costs no more than a short one. Order is kept: the three lists
 * are walked as one, by the place of the rule.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>

#include "base/err.h"

/* Bigger than any id, so that vendors follow the ids in one sorted array. */
#define VENDOR_KEY 0x100000000ull

static uint64_t
key_of(const struct value *value)
{
	uint64_t vid = value->u.id.vid;

	return value->u.id.is_any_pid ? VENDOR_KEY | vid
				      : vid << 16 | value->u.id.pid;
}

/* The set that a device's id must be in for the rule to match, or NULL. With
 * one id per device every operator but none-of asks for some value that fits.
 */
static const struct value_set *
ids_of(const struct rule *rule)
{
	const struct test *test = rule->tests; /* `id' is the first */

	if (test == NULL || test->attr != ATTR_ID ||
	    test->sets->op == OP_NONE_OF) {
		return NULL;
	}
	for (size_t i = 0; i < test->sets->nvalues; i++) {
		if (test->sets->values[i].u.id.is_any_vid) {
			return NULL;
		}
	}
	return test->sets;
}

static int
compare(const void *pa, const void *pb)
{
	const struct index_entry *a = pa, *b = pb;

	if (a->key != b->key) {
		return a->key < b->key ? -1 : 1;
	}
	return (a->rule > b->rule) - (a->rule < b->rule);
}

/* Multiplication spreads the keys; the upper bits are the best ones. */
static size_t
slot_of(const struct rule_index *index, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> index->shift);
}

/* A hash table of the first entry of each key, at most half full. */
static int
build_slots(struct arena *arena, struct rule_index *index)
{
	size_t size = 2;
	unsigned bits = 1;

	while (size < 2 * index->nentries) {
		size *= 2;
		bits++;
	}
	index->mask = size - 1;
	index->shift = 64 - bits;
	index->slots = arena_alloc(arena, size * sizeof(*index->slots));
	if (index->slots == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < index->nentries; i++) {
		uint64_t key = index->entries[i].key;
		size_t slot = slot_of(index, key);

		if (i > 0 && index->entries[i - 1].key == key) {
			continue;
		}
		while (index->slots[slot] != 0) {
			slot = (slot + 1) & index->mask;
		}
		index->slots[slot] = (uint32_t)i + 1;
	}
	return 0;
}

int
index_build(struct arena *arena, struct rules *rules)
{
	struct rule_index *index = &rules->index;
	size_t nentries = 0, nothers = 0;

	for (size_t i = 0; i < rules->nrules; i++) {
		const struct value_set *ids = ids_of(&rules->rules[i]);

		nentries += ids != NULL ? ids->nvalues : 0;
		nothers += ids == NULL;
	}
	index->entries =
	    arena_alloc(arena, (nentries + 1) * sizeof(*index->entries));
	index->others =
	    arena_alloc(arena, (nothers + 1) * sizeof(*index->others));
	if (index->entries == NULL || index->others == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < rules->nrules; i++) {
		const struct value_set *ids = ids_of(&rules->rules[i]);

		if (ids == NULL) {
			index->others[index->nothers++] = (uint32_t)i;
			continue;
		}
		for (size_t j = 0; j < ids->nvalues; j++) {
			index->entries[index->nentries++] =
			    (struct index_entry){
				.key = key_of(&ids->values[j]),
				.rule = (uint32_t)i};
		}
	}
	qsort(index->entries, index->nentries, sizeof(*index->entries),
	    compare);
	return build_slots(arena, index);
}

/* The first entry with that key, or nentries. */
static size_t
find_key(const struct rule_index *index, uint64_t key)
{
	size_t slot = slot_of(index, key);

	while (index->slots[slot] != 0) {
		size_t i = index->slots[slot] - 1;

		if (index->entries[i].key == key) {
			return i;
		}
		slot = (slot + 1) & index->mask;
	}
	return index->nentries;
}

void
index_start(struct index_walk *walk, const struct rule_index *index,
    uint16_t vid, uint16_t pid)
{
	walk->index = index;
	walk->key[0] = (uint64_t)vid << 16 | pid;
	walk->key[1] = VENDOR_KEY | vid;
	walk->at[0] = find_key(index, walk->key[0]);
	walk->at[1] = find_key(index, walk->key[1]);
	walk->other = 0;
	walk->last = INDEX_END;
}

uint32_t
index_next(struct index_walk *walk)
{
	const struct rule_index *index = walk->index;
	uint32_t next;

	do {
		int from = -1;

		next = walk->other < index->nothers ?
		    index->others[walk->other] : INDEX_END;
		for (int i = 0; i < 2; i++) {
			size_t at = walk->at[i];

			if (at < index->nentries &&
			    index->entries[at].key == walk->key[i] &&
			    index->entries[at].rule < next) {
				next = index->entries[at].rule;
				from = i;
			}
		}
		if (from >= 0) {
			walk->at[from]++;
		} else {
			walk->other++;
		}
		/* a rule may name an id twice, or its vendor as well */
	} while (next != INDEX_END && next == walk->last);
	walk->last = next;
	return next;
}
