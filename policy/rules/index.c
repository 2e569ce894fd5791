/*
 * Which rules a device and an identity must be compared with. Every value that
 * is compared exactly has a key: an id, a serial number, a port, the
 * fingerprint of a certificate. A rule that cannot match without one of some
 * values is found under their keys, of all such sets of its under the rarest;
 * the rest are compared always. Order is kept: all lists are walked as one, by
 * the place of the rule.
 *
 * Keys are hashes. Two values with the same one cost a comparison, no more:
 * what is found is compared in full.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* What a key is about: an attribute, or one of these. */
enum { KEY_VENDOR = ATTR_MAX, KEY_PIN_HASH, KEY_PIN_DESC, KEY_FACT };

static uint64_t
hash(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ p[i]) * 0x100000001b3ull;
	}
	return h;
}

static uint64_t
key_of_text(int what, const char *text, size_t len)
{
	uint8_t first = (uint8_t)what;

	return hash(hash(0xcbf29ce484222325ull, &first, 1), text, len);
}

static uint64_t
key_of_id(uint16_t vid, uint16_t pid)
{
	char text[4] = {(char)(vid >> 8), (char)vid, (char)(pid >> 8),
	    (char)pid};

	return key_of_text(ATTR_ID, text, 4);
}

static uint64_t
key_of_vendor(uint16_t vid)
{
	char text[2] = {(char)(vid >> 8), (char)vid};

	return key_of_text(KEY_VENDOR, text, 2);
}

static uint64_t
key_of_fact(enum fact_kind kind, const char *text, size_t len)
{
	char folded[IDENTITY_TEXT];

	if (kind == FACT_DNS && len <= sizeof(folded)) {
		for (size_t i = 0; i < len; i++) {
			folded[i] = text[i] >= 'A' && text[i] <= 'Z' ?
			    (char)(text[i] - 'A' + 'a') : text[i];
		}
		text = folded;
	}
	return key_of_text(KEY_FACT + (int)kind, text, len);
}

/* The key without which a value fits nothing; 0 when it has none. */
static int
value_key(enum rule_attr attr, const struct value *value, uint64_t *key)
{
	const struct word *word = value->word;

	switch ((int)attr) {
	case ATTR_ID:
		*key = value->u.id.is_any_pid ?
		    key_of_vendor(value->u.id.vid) :
		    key_of_id(value->u.id.vid, value->u.id.pid);
		return !value->u.id.is_any_vid;
	case ATTR_SERIAL:
	case ATTR_NAME:
	case ATTR_HASH:
	case ATTR_PARENT_HASH:
	case ATTR_MANUFACTURER:
		*key = key_of_text((int)attr, word->text, word->len);
		return 1;
	case ATTR_VIA_PORT:
		*key = key_of_text((int)attr, word->text, word->len);
		return memchr(word->text, '*', word->len) == NULL;
	case ATTR_PIN:
		*key = key_of_text(value->u.pin.kind == PIN_HASH ?
			KEY_PIN_HASH : KEY_PIN_DESC, value->u.pin.text,
		    value->u.pin.len);
		return value->u.pin.kind != PIN_REPORT;
	case ATTR_TO:
		if (value->u.fact.group != NULL ||
		    (FACTS_OF_DESK & 1u << value->u.fact.kind) != 0 ||
		    value->u.fact.len > IDENTITY_TEXT) {
			return 0;
		}
		*key = key_of_fact(value->u.fact.kind, value->u.fact.text,
		    value->u.fact.len);
		return value->u.fact.kind == FACT_FP ||
		    value->u.fact.kind == FACT_ISSUER_KEY ||
		    memchr(value->u.fact.text, '*', value->u.fact.len) == NULL;
	default:
		return 0;
	}
}

static int
needs_all(enum set_op op)
{
	return op == OP_ALL_OF || op == OP_EQUALS ||
	    op == OP_EQUALS_ORDERED || op == OP_EXACTLY;
}

/* Whether a rule with that set can be found by its values. */
static int
has_keys(enum rule_attr attr, const struct value_set *set)
{
	size_t n = 0;
	uint64_t key;

	if (set->op == OP_NONE_OF || attr == ATTR_IF) {
		return 0;
	}
	for (size_t i = 0; i < set->nvalues; i++) {
		n += value_key(attr, &set->values[i], &key) != 0;
	}
	return needs_all(set->op) ? n > 0 : n > 0 && n == set->nvalues;
}

static int
compare_keys(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
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

/* All keys of all rules, sorted: how often each is asked for. */
struct census {
	uint64_t *keys;
	size_t n;
};

static size_t
lower_bound(const struct census *census, uint64_t key)
{
	size_t low = 0, high = census->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (census->keys[mid] < key) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static size_t
frequency(const struct census *census, uint64_t key)
{
	size_t i = lower_bound(census, key);

	/* a common one is as good as none: no need to count further */
	for (size_t n = 0;; n++) {
		if (n == 1024 || i + n >= census->n ||
		    census->keys[i + n] != key) {
			return n;
		}
	}
}

/* The keys of a set into keys, unless that is NULL; how many. */
static size_t
count_set(enum rule_attr attr, const struct value_set *set, uint64_t *keys)
{
	size_t n = 0;

	if (!has_keys(attr, set)) {
		return 0;
	}
	for (size_t i = 0; i < set->nvalues; i++) {
		uint64_t key;

		if (value_key(attr, &set->values[i], &key)) {
			if (keys != NULL) {
				keys[n] = key;
			}
			n++;
		}
	}
	return n;
}

static size_t
take_census(const struct rule *rules, size_t n, uint64_t *keys)
{
	size_t nkeys = 0;

	for (size_t i = 0; i < n; i++) {
		for (const struct test *test = rules[i].tests; test != NULL;
		     test = test->next) {
			for (const struct value_set *set = test->sets;
			     set != NULL; set = set->next) {
				nkeys += count_set(test->attr, set,
				    keys != NULL ? keys + nkeys : NULL);
			}
		}
	}
	return nkeys;
}

/* How a rule is found. */
struct choice {
	const struct value_set *set; /* NULL = it is compared always */
	enum rule_attr attr;
	size_t only;	  /* one of its values is enough, this one */
	size_t frequency; /* of the commonest value */
};

static void
consider(struct choice *best, const struct census *census,
    enum rule_attr attr, const struct value_set *set)
{
	struct choice choice = {.set = set, .attr = attr};
	size_t rarest = SIZE_MAX;

	if (!has_keys(attr, set)) {
		return;
	}
	for (size_t i = 0; i < set->nvalues; i++) {
		uint64_t key;
		size_t n;

		if (!value_key(attr, &set->values[i], &key)) {
			continue;
		}
		n = frequency(census, key);
		if (n < rarest) {
			rarest = n;
			choice.only = i;
		}
		choice.frequency = n > choice.frequency ? n :
							   choice.frequency;
	}
	if (needs_all(set->op)) {
		choice.frequency = rarest;
	}
	/* when in doubt by what is known of every device */
	if (best->set == NULL || choice.frequency < best->frequency) {
		*best = choice;
	}
}

static struct choice
choose(const struct rule *rule, const struct census *census)
{
	struct choice best = {.set = NULL};

	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		for (const struct value_set *set = test->sets; set != NULL;
		     set = set->next) {
			consider(&best, census, test->attr, set);
		}
	}
	return best;
}

static void
add_rule(struct rule_index *index, const struct choice *choice, uint32_t rule)
{
	if (choice->set == NULL) {
		index->others[index->nothers++] = rule;
		return;
	}
	if (choice->attr == ATTR_TO) {
		index->identity[index->nidentity++] = rule;
	}
	for (size_t i = 0; i < choice->set->nvalues; i++) {
		struct index_entry *entry = &index->entries[index->nentries];

		if (needs_all(choice->set->op) && i != choice->only) {
			continue;
		}
		if (value_key(choice->attr, &choice->set->values[i],
			&entry->key)) {
			entry->rule = rule;
			index->nentries++;
		}
	}
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
index_build(struct arena *arena, struct rule_index *index,
    const struct rule *rules, size_t first, size_t n)
{
	size_t nkeys = take_census(rules + first, n, NULL);
	struct census census = {malloc((nkeys + 1) * sizeof(uint64_t)), nkeys};
	int r = ERR_NOMEM;

	index->entries =
	    arena_alloc(arena, (nkeys + 1) * sizeof(*index->entries));
	index->others = arena_alloc(arena, (n + 1) * sizeof(*index->others));
	index->identity =
	    arena_alloc(arena, (n + 1) * sizeof(*index->identity));
	if (census.keys == NULL || index->entries == NULL ||
	    index->others == NULL || index->identity == NULL) {
		goto out;
	}
	take_census(rules + first, n, census.keys);
	qsort(census.keys, nkeys, sizeof(*census.keys), compare_keys);
	for (size_t i = first; i < first + n; i++) {
		struct choice choice = choose(&rules[i], &census);

		add_rule(index, &choice, (uint32_t)i);
	}
	qsort(index->entries, index->nentries, sizeof(*index->entries),
	    compare);
	r = build_slots(arena, index);
out:
	free(census.keys);
	return r;
}

/* --- the walk --- */

static void
add_way(struct index_walk *walk, uint64_t key)
{
	const struct rule_index *index = walk->index;
	size_t slot = slot_of(index, key);

	while (index->slots[slot] != 0) {
		size_t i = index->slots[slot] - 1;

		if (index->entries[i].key == key) {
			walk->key[walk->nways] = key;
			walk->at[walk->nways++] = i;
			return;
		}
		slot = (slot + 1) & index->mask;
	}
}

static void
add_text(struct index_walk *walk, int what, const char *text)
{
	text = text != NULL ? text : "";
	add_way(walk, key_of_text(what, text, strlen(text)));
}

void
index_start(struct index_walk *walk, const struct rule_index *index,
    const struct subject *s)
{
	const struct rule_device *device = s->device;

	walk->index = index;
	walk->nways = 0;
	walk->last = INDEX_END;
	walk->list[0] = index->others;
	walk->nlist[0] = index->nothers;
	walk->list[1] = index->identity;
	walk->nlist[1] = s->who == NULL ? index->nidentity : 0;
	if (index->nentries == 0) {
		return;
	}
	add_way(walk, key_of_id(device->vid, device->pid));
	add_way(walk, key_of_vendor(device->vid));
	add_text(walk, ATTR_SERIAL, device->serial);
	add_text(walk, ATTR_NAME, device->name);
	add_text(walk, ATTR_HASH, device->hash);
	add_text(walk, ATTR_PARENT_HASH, device->parent_hash);
	add_text(walk, ATTR_MANUFACTURER, device->manufacturer);
	add_text(walk, ATTR_VIA_PORT, device->via_port);
	add_text(walk, ATTR_VIA_PORT, device->stable_port);
	add_text(walk, KEY_PIN_HASH, device->hash);
	add_way(walk, key_of_text(KEY_PIN_DESC,
			  (const char *)device->desc_sha256, 32));
	for (size_t i = 0; i < s->nfacts; i++) {
		add_way(walk, key_of_fact(s->facts[i].kind, s->facts[i].text,
				  s->facts[i].len));
	}
}

uint32_t
index_next(struct index_walk *walk)
{
	const struct rule_index *index = walk->index;
	uint32_t next;

	do {
		size_t from = SIZE_MAX;

		next = INDEX_END;
		for (size_t i = 0; i < 2; i++) {
			if (walk->nlist[i] > 0 && *walk->list[i] < next) {
				next = *walk->list[i];
				from = i;
			}
		}
		for (size_t i = 0; i < walk->nways; i++) {
			size_t at = walk->at[i];

			if (at < index->nentries &&
			    index->entries[at].key == walk->key[i] &&
			    index->entries[at].rule < next) {
				next = index->entries[at].rule;
				from = 2 + i;
			}
		}
		if (from < 2) {
			walk->list[from]++;
			walk->nlist[from]--;
		} else if (from != SIZE_MAX) {
			walk->at[from - 2]++;
		}
		/* a rule may be found under several of its values */
	} while (next != INDEX_END && next == walk->last);
	walk->last = next;
	return next;
}
