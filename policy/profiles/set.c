/*
 * What is asked of a loaded set.
 */
#include "policy/profiles/load.h"

#include <stdlib.h>
#include <string.h>

void
profile_set_free(struct profile_set *set)
{
	if (set != NULL) {
		arena_fini(&set->arena);
		free(set);
	}
}

size_t
profile_set_count(const struct profile_set *set)
{
	return set->n;
}

const char *
profile_set_name(const struct profile_set *set, size_t i)
{
	return i < set->n ? set->profiles[i]->name : NULL;
}

const struct profile *
profile_set_tree(const struct profile_set *set, size_t i)
{
	return i < set->n ? set->profiles[i] : NULL;
}

int
profile_set_find(const struct profile_set *set, const char *name)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = strcmp(set->profiles[mid]->name, name);

		if (r == 0) {
			return (int)mid;
		}
		if (r < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return -1;
}

int
profile_takes(const struct profile_set *set, size_t i, uint8_t class,
    uint8_t subclass, uint8_t protocol)
{
	const struct triple *t;

	if (i >= set->n) {
		return 0;
	}
	t = set->profiles[i]->triples;
	if (t == NULL) {
		return 1;
	}
	for (; t != NULL; t = t->next) {
		if (t->class == class &&
		    ((t->any & 2) != 0 || t->subclass == subclass) &&
		    ((t->any & 4) != 0 || t->protocol == protocol)) {
			return 1;
		}
	}
	return 0;
}

uint32_t
profile_hooks(const struct profile_set *set, size_t i)
{
	return i < set->n ? set->profiles[i]->hooks : 0;
}
