/*
 * Time zones by name, out of the system's directory, read once. A name cannot
 * lead out of it.
 */
#include "proxy/warden/zone.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/file.h"

#define ZONES_MAX 64u

struct known {
	TAILQ_ENTRY(known) entry;
	char name[ZONE_NAME];
	struct zone *zone; /* owned; NULL = UTC */
};

struct zones {
	const char *dir, *local; /* borrowed */
	TAILQ_HEAD(, known) known;
	unsigned n;
};

int
zone_is_name(const char *name)
{
	size_t part = 0;

	if (strlen(name) >= ZONE_NAME) {
		return 0;
	}
	for (; *name != '\0'; name++) {
		if (*name == '/') {
			if (part == 0) {
				return 0;
			}
			part = 0;
		} else if (!isalnum((unsigned char)*name) &&
		    strchr("+-_", *name) == NULL) {
			return 0;
		} else {
			part++;
		}
	}
	return part > 0;
}

struct zones *
zones_new(const char *dir, const char *local)
{
	struct zones *zones = calloc(1, sizeof(*zones));

	if (zones != NULL) {
		zones->dir = dir;
		zones->local = local;
		TAILQ_INIT(&zones->known);
	}
	return zones;
}

void
zones_free(struct zones *zones)
{
	struct known *k;

	while (zones != NULL && (k = TAILQ_FIRST(&zones->known)) != NULL) {
		TAILQ_REMOVE(&zones->known, k, entry);
		zone_free(k->zone);
		free(k);
	}
	free(zones);
}

static int
read_zone(const struct zones *zones, const char *name, struct zone **out)
{
	char path[PATH_MAX];
	uint8_t *data = NULL;
	size_t len;
	int n, r;

	*out = NULL;
	n = *name == '\0' ? snprintf(path, sizeof(path), "%s", zones->local)
			  : snprintf(path, sizeof(path), "%s/%s", zones->dir,
				name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return ERR_LIMIT;
	}
	r = file_read(path, ZONE_FILE_MAX, FILE_PUBLIC, &data, &len);
	if (r == ERR_NOENT && *name == '\0') {
		return 0;
	}
	if (r == ERR_SYS) {
		return ERR_NOENT; /* a directory, or not for us */
	}
	if (r == 0) {
		r = zone_parse(out, data, len);
	}
	free(data);
	return r;
}

int
zones_get(struct zones *zones, const char *name, const struct zone **out)
{
	struct zone *zone;
	struct known *k;
	int r;

	*out = NULL;
	TAILQ_FOREACH (k, &zones->known, entry) {
		if (strcmp(k->name, name) == 0) {
			*out = k->zone;
			return 0;
		}
	}
	if (*name != '\0' && !zone_is_name(name)) {
		return ERR_NOENT;
	}
	if (zones->n >= ZONES_MAX) {
		return ERR_LIMIT;
	}
	r = read_zone(zones, name, &zone);
	k = r == 0 ? calloc(1, sizeof(*k)) : NULL;
	if (k == NULL) {
		if (r == 0) {
			zone_free(zone);
		}
		return r != 0 ? r : ERR_NOMEM;
	}
	memcpy(k->name, name, strlen(name) + 1);
	k->zone = zone;
	TAILQ_INSERT_TAIL(&zones->known, k, entry);
	zones->n++;
	*out = zone;
	return 0;
}
