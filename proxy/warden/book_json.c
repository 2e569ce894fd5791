/*
 * state.json: the book as one JSON object, and back, strictly: a member that is
 * missing, unknown, of another type or out of its range makes the whole file
 * bad. It is our own, but a disk may have lost half of it.
 */
#include "proxy/warden/book.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "wire/usbip_check.h"

#define VERSION 1
/* A time that no clock of ours will reach. */
#define QUOTA_MOST (INT64_C(1) << 60)
#define TIME_MAX INT64_C(253402300799)

/* ------------------------------------------------------------------------ */
/* Out                                                                      */

static json_t *
hex_json(const void *data, size_t len)
{
	char text[2 * BOOK_KEY + 1];

	return json_string(digest_hex(text, sizeof(text), data, len));
}

static json_t *
rule_json(uint64_t rule)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)rule);
	return json_string(text);
}

/* When a time of the one clock is on the other; seconds, rounded up. */
static int64_t
to_wall(uint64_t ends, uint64_t mono, int64_t now)
{
	return ends <= mono
	    ? now
	    : now + (int64_t)((ends - mono + CLOCK_SEC - 1) / CLOCK_SEC);
}

static json_t *
hold_json(const struct hold *hold, uint64_t mono, int64_t now)
{
	json_t *o = json_pack("{s:o, s:s, s:o, s:I, s:I}", "who",
	    hex_json(hold->who, BOOK_KEY), "name", hold->name, "rule",
	    rule_json(hold->rule), "length", (json_int_t)hold->length, "ends",
	    (json_int_t)(hold->ends == 0 ? 0
					 : to_wall(hold->ends, mono, now)));

	if (hold->serial_len > 0) {
		(void)json_object_set_new(
		    o, "issuer", hex_json(hold->issuer_key, BOOK_KEY));
		(void)json_object_set_new(
		    o, "serial", hex_json(hold->serial, hold->serial_len));
	}
	return o;
}

static json_t *
plug_json(const struct plug *plug, uint64_t mono, int64_t now)
{
	json_t *had = json_array(), *o;

	for (unsigned i = 0; i < plug->nhad; i++) {
		(void)json_array_append_new(had, rule_json(plug->had[i]));
	}
	o = json_pack("{s:s, s:I, s:I, s:b, s:b, s:b, s:o}", "busid",
	    plug->busid, "devnum", (json_int_t)plug->devnum, "at",
	    (json_int_t)plug->at, "named", plug->is_named, "first",
	    plug->is_first, "spent", plug->is_spent, "had", had);
	if (plug->hold.length != 0) {
		(void)json_object_set_new(
		    o, "hold", hold_json(&plug->hold, mono, now));
	}
	return o;
}

static json_t *
ask_json(const struct ask *ask, uint64_t mono, int64_t now)
{
	return json_pack(
	    "{s:o, s:s, s:o, s:s, s:o, s:s, s:I, s:I, s:s, s:I}", "who",
	    hex_json(ask->who, BOOK_KEY), "name", ask->name, "device",
	    hex_json(ask->device, BOOK_KEY), "device_name", ask->device_name,
	    "rule", rule_json(ask->rule), "approver", ask->approver, "valid",
	    (json_int_t)ask->valid, "ends",
	    (json_int_t)(ask->ends == 0 ? 0 : to_wall(ask->ends, mono, now)),
	    "busid", ask->busid, "devnum", (json_int_t)ask->devnum);
}

static json_t *
quarantine_json(const struct book *book)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < book->nquarantine; i++) {
		const struct quarantined *q = &book->quarantine[i];

		(void)json_array_append_new(list,
		    json_pack("{s:o, s:s, s:I}", "device",
			hex_json(q->device, BOOK_KEY), "name", q->name,
			"since", (json_int_t)q->since));
	}
	return list;
}

static json_t *
quotas_json(const struct book *book)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < book->nquotas; i++) {
		const struct quota *q = &book->quotas[i];

		(void)json_array_append_new(list,
		    json_pack("{s:o, s:s, s:s, s:I, s:I}", "device",
			hex_json(q->device, BOOK_KEY), "profile", q->profile,
			"name", q->name, "used",
			(json_int_t)(q->used < QUOTA_MOST ? q->used :
							    QUOTA_MOST),
			"since", (json_int_t)q->since));
	}
	return list;
}

char *
book_dump(const struct book *book, uint64_t mono, int64_t now)
{
	json_t *o, *plugs = json_array(), *seen = json_array(),
		*counters = json_array(), *asks = json_array();
	const struct plug *plug;
	const struct ask *ask;
	char *text;

	TAILQ_FOREACH (plug, &book->plugs, entry) {
		(void)json_array_append_new(plugs, plug_json(plug, mono, now));
	}
	for (unsigned i = 0; i < book->nseen; i++) {
		(void)json_array_append_new(
		    seen, hex_json(book->seen[i].key, BOOK_SEEN_KEY));
	}
	for (unsigned i = 0; i < book->ncounters; i++) {
		const struct counter *c = &book->counters[i];

		(void)json_array_append_new(counters,
		    json_pack("{s:o, s:I, s:I}", "rule", rule_json(c->rule),
			"evaluated", (json_int_t)c->evaluated, "applied",
			(json_int_t)c->applied));
	}
	TAILQ_FOREACH (ask, &book->asks, entry) {
		if (ask->state == ASK_APPROVED) {
			(void)json_array_append_new(
			    asks, ask_json(ask, mono, now));
		}
	}
	o = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "version", VERSION, "boot", book->boot, "seed",
	    hex_json(book->seed, sizeof(book->seed)), "plugs", plugs, "seen",
	    seen, "counters", counters, "approvals", asks, "quarantine",
	    quarantine_json(book), "quotas", quotas_json(book));
	text = o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	return text;
}

/* ------------------------------------------------------------------------ */
/* In                                                                       */

struct reading {
	struct book *book;
	uint64_t mono;
	int64_t now;
	int is_other_boot;
	char *why;
	size_t size;
};

static int __attribute__((format(printf, 2, 3)))
bad(struct reading *rd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rd->why, rd->size, fmt, ap);
	va_end(ap);
	return ERR_FORMAT;
}

static int
take_hex(const char *text, uint8_t *out, size_t len)
{
	return text != NULL && digest_unhex(out, len, text) == 0;
}

static int
take_rule(const char *text, uint64_t *out)
{
	uint8_t bytes[8];

	if (!take_hex(text, bytes, sizeof(bytes))) {
		return 0;
	}
	*out = 0;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		*out = *out << 8 | bytes[i];
	}
	return *out != 0;
}

/* A text of ours: printable ASCII. */
static int
take_text(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);

	if (len >= size) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e) {
			return 0;
		}
	}
	memcpy(out, text, len + 1);
	return 1;
}

static int
is_time(json_int_t t)
{
	return t >= 0 && t <= TIME_MAX;
}

/* A time of the file on our clock; never further away than its whole length,
 * however the clock on the wall was set meanwhile. */
static uint64_t
to_mono(const struct reading *rd, json_int_t ends, uint32_t length)
{
	int64_t left = ends <= rd->now ? 0 : ends - rd->now;

	if (left > (int64_t)length) {
		left = (int64_t)length;
	}
	return rd->mono + (uint64_t)left * CLOCK_SEC;
}

/* Both or neither: a book of an earlier version has none. */
static int
take_certificate(const char *issuer, const char *serial, struct hold *hold)
{
	size_t len = serial != NULL ? strlen(serial) / 2 : 0;

	if (issuer == NULL || serial == NULL) {
		return issuer == NULL && serial == NULL;
	}
	if (len < 1 || len > sizeof(hold->serial) ||
	    !take_hex(serial, hold->serial, len)) {
		return 0;
	}
	hold->serial_len = (uint8_t)len;
	return take_hex(issuer, hold->issuer_key, BOOK_KEY);
}

static int
read_hold(struct reading *rd, struct plug *plug, json_t *o)
{
	const char *who, *name, *rule, *issuer = NULL, *serial = NULL;
	json_int_t length, ends;
	struct hold *hold = &plug->hold;

	if (json_unpack_ex(o, NULL, JSON_STRICT,
		"{s:s, s:s, s:s, s:I, s:I, s?s, s?s}", "who", &who, "name",
		&name, "rule", &rule, "length", &length, "ends", &ends,
		"issuer", &issuer, "serial", &serial) != 0 ||
	    !take_certificate(issuer, serial, hold) ||
	    !take_hex(who, hold->who, BOOK_KEY) ||
	    !take_text(name, hold->name, sizeof(hold->name)) ||
	    !take_rule(rule, &hold->rule) || length < 1 ||
	    length > UINT32_MAX || !is_time(ends)) {
		return bad(rd, "plug %s: its hold", plug->busid);
	}
	hold->length = (uint32_t)length;
	/* One whose lease was in force begins now. */
	hold->ends = ends == 0
	    ? rd->mono + hold->length * CLOCK_SEC
	    : to_mono(rd, ends, hold->length);
	return 0;
}

static int
read_plug(struct reading *rd, json_t *o)
{
	json_t *had, *hold = NULL, *e;
	json_int_t devnum, at;
	char place[USBIP_BUSID_SIZE] = "";
	const char *busid;
	int named, first, spent;
	struct plug *plug;
	size_t i;

	if (json_unpack_ex(o, NULL, JSON_STRICT,
		"{s:s, s:I, s:I, s:b, s:b, s:b, s:o, s?o}", "busid", &busid,
		"devnum", &devnum, "at", &at, "named", &named, "first",
		&first, "spent", &spent, "had", &had, "hold", &hold) != 0 ||
	    !take_text(busid, place, sizeof(place)) ||
	    usbip_check_busid(place) != 0 || devnum < 1 || devnum > 127 ||
	    !is_time(at) || !json_is_array(had) ||
	    json_array_size(had) > BOOK_HAD_MAX) {
		return bad(rd, "a plug");
	}
	if (rd->is_other_boot) {
		return 0;
	}
	TAILQ_FOREACH (plug, &rd->book->plugs, entry) {
		if (strcmp(plug->busid, place) == 0) {
			return bad(rd, "plug %s: twice", place);
		}
	}
	plug = book_plug(rd->book, place, (unsigned)devnum, at);
	if (plug == NULL) {
		return bad(rd, "plug %s: too many, or no memory", place);
	}
	plug->is_here = 0;
	plug->was_here = 1;
	plug->is_named = named;
	plug->is_first = first;
	plug->is_spent = spent;
	json_array_foreach (had, i, e) {
		if (!take_rule(json_string_value(e), &plug->had[i])) {
			return bad(rd, "plug %s: had", place);
		}
		plug->nhad++;
	}
	return hold != NULL ? read_hold(rd, plug, hold) : 0;
}

static int
read_seen(struct reading *rd, json_t *o)
{
	struct book *book = rd->book;

	if (book->nseen >= BOOK_SEEN_MAX ||
	    !take_hex(json_string_value(o), book->seen[book->nseen].key,
		BOOK_SEEN_KEY)) {
		return bad(rd, "a device that was seen");
	}
	book->nseen++;
	return 0;
}

static int
read_counter(struct reading *rd, json_t *o)
{
	struct book *book = rd->book;
	json_int_t evaluated, applied;
	struct counter c;
	const char *rule;

	if (book->ncounters >= BOOK_COUNTERS_MAX ||
	    json_unpack_ex(o, NULL, JSON_STRICT, "{s:s, s:I, s:I}", "rule",
		&rule, "evaluated", &evaluated, "applied", &applied) != 0 ||
	    !take_rule(rule, &c.rule) || !is_time(evaluated) ||
	    !is_time(applied)) {
		return bad(rd, "a counter");
	}
	c.evaluated = evaluated;
	c.applied = applied;
	book->counters[book->ncounters++] = c;
	return 0;
}

static int
read_approval(struct reading *rd, json_t *o)
{
	const char *who, *name, *device, *device_name, *rule, *approver,
	    *busid;
	json_int_t valid, ends, devnum;
	uint8_t key[BOOK_KEY];
	struct ask *ask;

	if (json_unpack_ex(o, NULL, JSON_STRICT,
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I}", "who",
		&who, "name", &name, "device", &device, "device_name",
		&device_name, "rule", &rule, "approver", &approver, "valid",
		&valid, "ends", &ends, "busid", &busid, "devnum",
		&devnum) != 0 ||
	    !take_hex(who, key, BOOK_KEY) || valid < 0 || valid > UINT32_MAX ||
	    !is_time(ends) || (ends == 0) != (valid == 0) || devnum < 1 ||
	    devnum > 127) {
		return bad(rd, "an approval");
	}
	ask = book_new_ask(rd->book, key);
	if (ask == NULL) {
		return bad(rd, "approvals: too many, or no memory");
	}
	ask->state = ASK_APPROVED;
	ask->valid = (uint32_t)valid;
	ask->devnum = (unsigned)devnum;
	if (!take_hex(device, ask->device, BOOK_KEY) ||
	    !take_text(name, ask->name, sizeof(ask->name)) ||
	    !take_text(device_name, ask->device_name,
		sizeof(ask->device_name)) ||
	    !take_text(approver, ask->approver, sizeof(ask->approver)) ||
	    !take_text(busid, ask->busid, sizeof(ask->busid)) ||
	    !take_rule(rule, &ask->rule)) {
		return bad(rd, "an approval");
	}
	if (ends == 0 && rd->is_other_boot) {
		book_drop_ask(rd->book, ask);
	} else if (ends != 0) {
		ask->ends = to_mono(rd, ends, ask->valid);
	}
	return 0;
}

static int
read_quarantined(struct reading *rd, json_t *o)
{
	struct book *book = rd->book;
	struct quarantined q;
	const char *device, *name;
	json_int_t since;

	if (book->nquarantine >= BOOK_QUARANTINE_MAX ||
	    json_unpack_ex(o, NULL, JSON_STRICT, "{s:s, s:s, s:I}", "device",
		&device, "name", &name, "since", &since) != 0 ||
	    !take_hex(device, q.device, BOOK_KEY) ||
	    !take_text(name, q.name, sizeof(q.name)) || !is_time(since)) {
		return bad(rd, "a device in quarantine");
	}
	q.since = since;
	book->quarantine[book->nquarantine++] = q;
	return 0;
}

static int
read_quota(struct reading *rd, json_t *o)
{
	struct book *book = rd->book;
	const char *device, *profile, *name;
	json_int_t used, since;
	struct quota q;

	if (book->nquotas >= BOOK_QUOTAS_MAX ||
	    json_unpack_ex(o, NULL, JSON_STRICT,
		"{s:s, s:s, s:s, s:I, s:I}", "device", &device, "profile",
		&profile, "name", &name, "used", &used, "since",
		&since) != 0 ||
	    !take_hex(device, q.device, BOOK_KEY) ||
	    !take_text(profile, q.profile, sizeof(q.profile)) ||
	    !take_text(name, q.name, sizeof(q.name)) || used < 0 ||
	    used > QUOTA_MOST || !is_time(since)) {
		return bad(rd, "a quota");
	}
	q.used = (uint64_t)used;
	q.since = since;
	book->quotas[book->nquotas++] = q;
	return 0;
}

static int
read_array(struct reading *rd, json_t *list, const char *name, size_t max,
    int (*read)(struct reading *rd, json_t *o))
{
	json_t *e;
	size_t i;
	int r;

	if (!json_is_array(list) || json_array_size(list) > max) {
		return bad(rd, "%s: no list, or too long", name);
	}
	json_array_foreach (list, i, e) {
		r = read(rd, e);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
read_book(struct reading *rd, json_t *o)
{
	json_t *plugs, *seen, *counters, *asks;
	json_t *quarantine = NULL, *quotas = NULL;
	const char *boot, *seed;
	char text[BOOK_BOOT];
	int version, r;

	if (json_unpack_ex(o, NULL, JSON_STRICT,
		"{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s?o, s?o}", "version",
		&version, "boot", &boot, "seed", &seed, "plugs", &plugs,
		"seen", &seen, "counters", &counters, "approvals", &asks,
		"quarantine", &quarantine, "quotas", &quotas) != 0) {
		return bad(rd, "a member is missing, unknown or of another "
			       "type");
	}
	if (version != VERSION) {
		return bad(rd, "version %d; expected %d", version, VERSION);
	}
	if (!take_text(boot, text, sizeof(text)) ||
	    !take_hex(seed, rd->book->seed, sizeof(rd->book->seed))) {
		return bad(rd, "boot or seed");
	}
	rd->is_other_boot = strcmp(text, rd->book->boot) != 0;
	r = read_array(rd, plugs, "plugs", BOOK_PLUGS_MAX, read_plug);
	if (r == 0) {
		r = read_array(rd, seen, "seen", BOOK_SEEN_MAX, read_seen);
	}
	if (r == 0) {
		r = read_array(rd, counters, "counters", BOOK_COUNTERS_MAX,
		    read_counter);
	}
	if (r == 0) {
		r = read_array(rd, asks, "approvals", BOOK_ASKS_MAX,
		    read_approval);
	}
	/* a book of before there was inspection has neither */
	if (r == 0 && quarantine != NULL) {
		r = read_array(rd, quarantine, "quarantine",
		    BOOK_QUARANTINE_MAX, read_quarantined);
	}
	if (r == 0 && quotas != NULL) {
		r = read_array(
		    rd, quotas, "quotas", BOOK_QUOTAS_MAX, read_quota);
	}
	return r;
}

int
book_parse(struct book *book, const char *text, size_t len, uint64_t mono,
    int64_t now, char *why, size_t size)
{
	struct reading rd = {
		.book = book, .mono = mono, .now = now, .why = why,
		.size = size};
	json_error_t error;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int r;

	why[0] = '\0';
	if (o == NULL) {
		return bad(&rd, "line %d: %s", error.line, error.text);
	}
	r = read_book(&rd, o);
	json_decref(o);
	book->is_dirty = 0;
	return r;
}
