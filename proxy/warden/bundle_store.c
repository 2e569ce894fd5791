/*
 * Two slots and a file that says which one counts, in that order on disk: the
 * slot is whole and synced before bundles.json, which is replaced in one step,
 * names it. Whatever ends this process in between, the one before is still
 * there, and named. The directory is the warden's own, so that a digest is as
 * good as a signature, unless the keys were changed meanwhile.
 */
#include "proxy/warden/bundles.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define NAME "bundles.json"
#define NAME_BAD "bundles.json.bad"
#define FORMAT "sallyport-bundles/1"
#define STATE_MAX (64u * 1024u)

static const char *const slot_names[STORE_SLOTS] = {"a", "b"};

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

static int
open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *
file_name(char dst[32], int slot, const char *end)
{
	(void)snprintf(dst, 32, "bundle-%s.%s", slot_names[slot], end);
	return dst;
}

static int
replace(int dir, const char *name, const void *data, size_t len)
{
	char new[64];
	int fd, r;

	(void)snprintf(new, sizeof(new), "%s.new", name);
	fd = openat(dir, new,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd == -1 ? ERR_SYS : file_write_all(fd, data, len);
	close_fd(&fd);
	if (r == 0 &&
	    (renameat(dir, new, dir, name) == -1 || fsync(dir) == -1)) {
		r = ERR_SYS;
	}
	if (r != 0) {
		int sys = errno;

		/* a full disk is not to be kept full */
		(void)unlinkat(dir, new, 0);
		errno = sys;
	}
	return r;
}

/* ------------------------------------------------------------------------ */
/* bundles.json                                                             */

static void
ring_digest(uint8_t out[32], const struct keyring *ring)
{
	struct digest_part parts[MANIFEST_KEYS + 1] = {
		{&ring->threshold, sizeof(ring->threshold)}};
	size_t n = 1;

	for (size_t i = 0; i < ring->nkeys; i++) {
		parts[n++] = (struct digest_part){
			ring->keys[i].id, sizeof(ring->keys[i].id)};
	}
	if (digest_sha256(out, parts, n) != 0) {
		fatalx("digest of the keys");
	}
}

static json_t *
hex_json(const uint8_t sha256[32])
{
	char hex[65];

	return json_string(digest_hex(hex, sizeof(hex), sha256, 32));
}

static int
hex_read(uint8_t out[32], const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? digest_unhex(out, 32, text) : ERR_FORMAT;
}

static int
number_read(int64_t *out, const json_t *o, const char *name)
{
	const json_t *n = json_object_get(o, name);

	*out = json_integer_value(n);
	return json_is_integer(n) && *out >= 0 &&
		*out <= MANIFEST_SERIAL_MAX ?
	    0 :
	    ERR_FORMAT;
}

static json_t *
keys_json(const struct keyring *ring)
{
	json_t *list = json_array();
	char text[2 * SIGN_SPKI];

	for (size_t i = 0; i < ring->nkeys; i++) {
		(void)digest_base64(
		    text, sizeof(text), ring->keys[i].spki, SIGN_SPKI);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static int
keys_read(struct keyring *out, const json_t *o)
{
	const json_t *list = json_object_get(o, "keys"), *value;
	int64_t threshold;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > MANIFEST_KEYS ||
	    number_read(&threshold, o, "threshold") != 0 || threshold == 0 ||
	    (size_t)threshold > json_array_size(list)) {
		return ERR_FORMAT;
	}
	json_array_foreach (list, i, value) {
		const char *text = json_string_value(value);
		uint8_t spki[SIGN_SPKI];
		size_t len;

		if (text == NULL ||
		    digest_unbase64(spki, sizeof(spki), &len, text) != 0 ||
		    sign_key_init(&out->keys[i], spki, len) != 0) {
			return ERR_FORMAT;
		}
	}
	out->nkeys = json_array_size(list);
	out->threshold = (unsigned)threshold;
	return 0;
}

static int
slot_read(struct store_slot *out, const json_t *o)
{
	return o == NULL ? 0 :
	    hex_read(out->sha256, o, "sha256") == 0 &&
		number_read(&out->serial, o, "serial") == 0 &&
		number_read(&out->taken, o, "taken") == 0 ?
			   0 :
			   ERR_FORMAT;
}

static int
read_state(struct store *s, const json_t *o)
{
	const char *format = json_string_value(json_object_get(o, "format"));
	const char *current = json_string_value(json_object_get(o, "current"));
	const char *url = json_string_value(json_object_get(o, "url"));
	const json_t *slots = json_object_get(o, "slots");

	if (format == NULL || strcmp(format, FORMAT) != 0 ||
	    hex_read(s->bootstrap, o, "bootstrap") != 0 ||
	    hex_read(s->refused, o, "refused") != 0 ||
	    number_read(&s->serial, o, "serial") != 0 ||
	    number_read(&s->discovery_serial, o, "discovery_serial") != 0 ||
	    keys_read(&s->ring, o) != 0 || url == NULL ||
	    (*url != '\0' && !manifest_is_url(url))) {
		return ERR_FORMAT;
	}
	(void)snprintf(s->url, sizeof(s->url), "%s", url);
	for (int i = 0; i < STORE_SLOTS; i++) {
		if (slot_read(&s->slots[i],
			json_object_get(slots, slot_names[i])) != 0) {
			return ERR_FORMAT;
		}
		if (current != NULL && strcmp(current, slot_names[i]) == 0) {
			s->current = i;
		}
	}
	return s->current == -1 || s->slots[s->current].serial != 0 ?
	    0 :
	    ERR_FORMAT;
}

int
store_save(const struct store *s)
{
	json_t *o = json_object(), *slots = json_object();
	int dir = open_dir(s->dir), r = ERR_SYS;
	char *text;

	json_object_set_new(o, "format", json_string(FORMAT));
	json_object_set_new(o, "bootstrap", hex_json(s->bootstrap));
	json_object_set_new(o, "serial", json_integer(s->serial));
	json_object_set_new(
	    o, "discovery_serial", json_integer(s->discovery_serial));
	json_object_set_new(o, "url", json_string(s->url));
	json_object_set_new(o, "keys", keys_json(&s->ring));
	json_object_set_new(o, "threshold", json_integer(s->ring.threshold));
	json_object_set_new(o, "refused", hex_json(s->refused));
	json_object_set_new(o, "current",
	    s->current != -1 ? json_string(slot_names[s->current]) :
			       json_null());
	for (int i = 0; i < STORE_SLOTS; i++) {
		json_t *slot = json_object();

		if (s->slots[i].serial == 0) {
			json_decref(slot);
			continue;
		}
		json_object_set_new(
		    slot, "sha256", hex_json(s->slots[i].sha256));
		json_object_set_new(
		    slot, "serial", json_integer(s->slots[i].serial));
		json_object_set_new(
		    slot, "taken", json_integer(s->slots[i].taken));
		json_object_set_new(slots, slot_names[i], slot);
	}
	json_object_set_new(o, "slots", slots);
	text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	json_decref(o);
	if (text != NULL && dir != -1) {
		r = replace(dir, NAME, text, strlen(text));
	}
	free(text);
	close_fd(&dir);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Slots                                                                    */

static int
read_slot(const struct store *s, int slot, const char *end, size_t max,
    uint8_t **out, size_t *len)
{
	int dir = open_dir(s->dir), r = ERR_SYS;
	char name[32];

	*out = NULL;
	if (dir != -1) {
		r = file_read_at(dir, file_name(name, slot, end), max,
		    FILE_PUBLIC, out, len);
	}
	close_fd(&dir);
	return r;
}

static int
check_signatures(const struct store *s, int slot, const uint8_t sha256[32],
    char *why, size_t size)
{
	struct signatures sigs;
	uint8_t *text;
	size_t len;
	int r = read_slot(s, slot, "sig", SIGNED_MAX, &text, &len);

	if (r != 0) {
		(void)snprintf(why, size, "its signatures: %s", err_str(r));
		return r;
	}
	r = signed_parse(&sigs, (const char *)text, len, why, size);
	free(text);
	return r != 0 ? r : signed_check(&sigs, &s->ring, sha256, why, size);
}

int
store_load(const struct store *s, int slot, struct bundle **out, char *why,
    size_t size)
{
	uint8_t *bytes;
	size_t len;
	int r = read_slot(s, slot, "tar", BUNDLE_MAX, &bytes, &len);

	*out = NULL;
	if (r != 0) {
		(void)snprintf(why, size, "%s", err_str(r));
		return r;
	}
	r = bundle_open(out, bytes, len, why, size);
	if (r == 0 && !s->is_other &&
	    memcmp((*out)->sha256, s->slots[slot].sha256, 32) != 0) {
		(void)snprintf(why, size, "it is not what was written");
		r = ERR_FORMAT;
	}
	if (r == 0 && s->is_other) {
		r = check_signatures(s, slot, (*out)->sha256, why, size);
	}
	if (r != 0) {
		bundle_free(TAKE(*out));
	}
	return r;
}

int
store_put(struct store *s, const struct bundle *b, const char *signatures,
    size_t len, int *slot)
{
	int dir = open_dir(s->dir), r = ERR_SYS;
	char name[32];

	*slot = s->current == 0 ? 1 : 0;
	if (dir != -1) {
		r = replace(
		    dir, file_name(name, *slot, "sig"), signatures, len);
	}
	if (r == 0) {
		r = replace(
		    dir, file_name(name, *slot, "tar"), b->bytes, b->len);
	}
	close_fd(&dir);
	return r;
}

int
store_settle(struct store *s, const struct bundle *b, int slot, int64_t now)
{
	struct store before = *s;
	int r;

	memcpy(s->slots[slot].sha256, b->sha256, 32);
	s->slots[slot].serial = s->serial = b->manifest.serial;
	s->slots[slot].taken = now;
	s->current = slot;
	if (b->manifest.next.nkeys > 0) {
		s->ring = b->manifest.next;
	}
	r = store_save(s);
	if (r != 0) {
		*s = before;
	}
	return r;
}

/* ------------------------------------------------------------------------ */
/* At the start                                                             */

/* Nothing says what the slots are: their signatures do. */
static void
find_slots(struct store *s)
{
	s->is_other = 1;
	for (int i = 0; i < STORE_SLOTS; i++) {
		struct bundle *b = NULL;
		char why[256];

		if (store_load(s, i, &b, why, sizeof(why)) != 0) {
			continue;
		}
		memcpy(s->slots[i].sha256, b->sha256, 32);
		s->slots[i].serial = b->manifest.serial;
		s->slots[i].taken = b->manifest.not_before;
		if (s->serial < b->manifest.serial) {
			s->serial = b->manifest.serial;
			s->current = i;
		}
		bundle_free(b);
	}
}

static void
begin(struct store *s, const char *dir, const struct keyring *configured)
{
	*s = (struct store){.dir = dir, .current = -1, .ring = *configured};
	ring_digest(s->bootstrap, configured);
}

int
store_open(struct store *s, const char *dir, const struct keyring *configured)
{
	uint8_t *text = NULL, bootstrap[32];
	int fd = open_dir(dir), r;
	json_t *o = NULL;
	size_t len;

	begin(s, dir, configured);
	if (fd == -1) {
		log_warn("open %s", dir);
		return ERR_SYS;
	}
	r = file_read_at(fd, NAME, STATE_MAX, FILE_PUBLIC, &text, &len);
	memcpy(bootstrap, s->bootstrap, 32);
	if (r == 0) {
		o = json_loadb(
		    (const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
		r = json_is_object(o) ? read_state(s, o) : ERR_FORMAT;
	}
	json_decref(o);
	free(text);
	if (r != 0) {
		begin(s, dir, configured);
		find_slots(s);
	} else if (memcmp(bootstrap, s->bootstrap, 32) != 0) {
		/* the operator has the last word on keys */
		s->ring = *configured;
		s->is_other = 1;
		memcpy(s->bootstrap, bootstrap, 32);
	}
	if (r != 0 && r != ERR_NOENT) {
		log_warnx("read %s/" NAME ": %s; it is kept as " NAME_BAD
			  ", and the highest serial is now %lld, the best of "
			  "the bundles that are signed by the configured keys",
		    dir, err_str(r), (long long)s->serial);
		if (renameat(fd, NAME, fd, NAME_BAD) == -1) {
			log_warn("rename %s/" NAME, dir);
		}
	}
	close_fd(&fd);
	return 0;
}
