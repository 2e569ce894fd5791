/*
 * Time zones: the wall clock of a place at a moment, out of the TZif files of
 * the system (RFC 8536). Read by hand, bounded and checked once, since the C
 * library knows one zone per process and takes what it cannot read for UTC.
 * Knows no rules and no warden.
 */
#ifndef PROXY_WARDEN_ZONE_H
#define PROXY_WARDEN_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_DIR "/usr/share/zoneinfo"
#define ZONE_LOCAL "/etc/localtime"
#define ZONE_NAME 64
#define ZONE_FILE_MAX (256u * 1024u)

struct zone;
struct zones;

/* Of the bytes of a TZif file. ERR_FORMAT, ERR_LIMIT, ERR_NOMEM. */
int zone_parse(struct zone **out, const void *data, size_t len);
void zone_free(struct zone *zone);
/* Seconds to add to UTC at that time. NULL is UTC, here and in zone_time. */
int32_t zone_offset(const struct zone *zone, int64_t at);

/* zones.c: whether that can be a zone's name: parts of letters, digits and "+-_", none
 * of them "." or "..", with slashes between. */
int zone_is_name(const char *name);

/* Zones by name, read when they are first asked for. NULL: no memory. */
struct zones *zones_new(const char *dir, const char *local);
void zones_free(struct zones *zones);
/* The zone of that name, "" being this machine's, which is UTC, NULL, when it
 * has none. ERR_NOENT, ERR_FORMAT, ERR_LIMIT (more than 64 of them), ERR_NOMEM.
 * Borrowed. */
int zones_get(struct zones *zones, const char *name, const struct zone **out);

/* What a clock on the wall says. */
struct zone_time {
	unsigned weekday; /* 0 = Monday */
	unsigned second;  /* of the day */
};
void zone_time(struct zone_time *out, const struct zone *zone, int64_t at);

#endif
