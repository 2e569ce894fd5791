/*
 * The book: what is written is read again, the same; a file that is cut, or in
 * which a member is missing, doubled, of another type or out of range, is bad as
 * a whole, and what it held counts as used up; and its bounds hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "proxy/warden/book.h"

#define NOW INT64_C(1790000000)
#define MONO (5000 * CLOCK_SEC)

static const uint8_t one[BOOK_KEY] = {1}, two[BOOK_KEY] = {2},
		     drive[BOOK_KEY] = {9};

/* One with something on every page. */
static struct book *
full_book(void)
{
	struct book *book = book_new("11111111-2222-3333-4444-555555555555");
	uint8_t key[BOOK_SEEN_KEY] = {0};
	struct plug *plug;
	struct ask *ask;

	assert_non_null(book);
	memset(book->seed, 0x5a, sizeof(book->seed));
	plug = book_plug(book, "3-2.4", 7, NOW - 60);
	plug->is_named = plug->is_first = 1;
	plug_had(book, plug, 0x1122334455667788);
	plug_had(book, plug, 5);
	memcpy(plug->hold.who, one, BOOK_KEY);
	memcpy(plug->hold.name, "ws1", 4);
	memcpy(plug->hold.issuer_key, two, BOOK_KEY);
	memset(plug->hold.serial, 0x81, sizeof(plug->hold.serial));
	plug->hold.serial_len = 16;
	plug->hold.rule = 5;
	plug->hold.length = 120;
	plug->hold.ends = MONO + 90 * CLOCK_SEC;
	(void)book_plug(book, "1-1", 2, NOW);
	for (key[0] = 1; key[0] < 5; key[0]++) {
		assert_int_equal(book_see(book, key), 1);
	}
	book_count(book, 5, 0, NOW - 5);
	book_count(book, 5, 1, NOW - 4);
	ask = book_new_ask(book, two);
	ask->state = ASK_APPROVED;
	memcpy(ask->device, drive, BOOK_KEY);
	ask->rule = 77;
	ask->valid = 3600;
	ask->ends = MONO + 1000 * CLOCK_SEC;
	memcpy(ask->busid, "3-2.4", 6);
	ask->devnum = 7;
	memcpy(ask->name, "ws2", 4);
	memcpy(ask->device_name, "0525:a4a5@p:1", 14);
	memcpy(ask->approver, "supervisor", 11);
	book_quarantine(book, drive, "0525:a4a5@p:1", NOW - 9);
	book_set_quota(book, drive, "storage-logpart", "daily", 4096, NOW - 8);
	/* not kept: nobody said yes */
	ask = book_new_ask(book, two);
	memcpy(ask->busid, "3-2.4", 6);
	ask->devnum = 7;
	return book;
}

static int
parse(const char *text, size_t len, struct book **out)
{
	char why[160];
	int r;

	*out = book_new("11111111-2222-3333-4444-555555555555");
	assert_non_null(*out);
	r = book_parse(*out, text, len, MONO, NOW, why, sizeof(why));
	if (r != 0) {
		assert_int_equal(r, ERR_FORMAT);
		assert_true(why[0] != '\0');
	}
	return r;
}

static int
parses(const char *text)
{
	struct book *book;
	int r = parse(text, strlen(text), &book);

	book_free(book);
	return r == 0;
}

static void
test_round_trip(void **state)
{
	struct book *book = full_book(), *again;
	char *text = book_dump(book, MONO, NOW), *same;
	struct plug *plug;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &again), 0);
	same = book_dump(again, MONO, NOW);
	assert_string_equal(text, same);
	plug = book_plug(again, "3-2.4", 7, NOW);
	assert_int_equal(plug->at, NOW - 60);
	assert_true(plug->was_here);
	assert_true(plug_is_held(plug));
	assert_int_equal(plug->hold.ends, MONO + 90 * CLOCK_SEC);
	assert_memory_equal(plug->hold.issuer_key, two, BOOK_KEY);
	assert_int_equal(plug->hold.serial_len, 16);
	assert_int_equal(plug->hold.serial[15], 0x81);
	assert_true(plug_has_had(plug, 5));
	assert_false(plug_has_had(plug, 6));
	assert_int_equal(again->nasks, 1);
	assert_non_null(book_find_ask(again, two, drive, 77));
	assert_null(book_find_ask(again, one, drive, 77));
	assert_int_equal(book_counted(again, 5, 1), NOW - 4);
	assert_true(book_is_quarantined(again, drive));
	assert_false(book_is_quarantined(again, one));
	assert_int_equal(book_quota(again, drive, 0)->used, 4096);
	assert_int_equal(book_quota(again, drive, 0)->since, NOW - 8);
	assert_string_equal(book_quota(again, drive, 0)->name, "daily");
	assert_null(book_quota(again, drive, 1));
	/* the same draw, and it depends on whom it is for */
	assert_int_equal(book_draw(again, plug, one, 5),
	    book_draw(book, TAILQ_FIRST(&book->plugs), one, 5));
	assert_int_not_equal(
	    book_draw(again, plug, one, 5), book_draw(again, plug, two, 5));
	free(text);
	free(same);
	book_free(book);
	book_free(again);
}

static void
test_limits(void **state)
{
	struct book *book = full_book();
	uint8_t key[BOOK_KEY] = {0};
	char name[32];

	(void)state;
	/* counted anew, in place */
	book_set_quota(book, drive, "storage-logpart", "daily", 9000, NOW);
	assert_int_equal(book->nquotas, 1);
	assert_int_equal(book_quota(book, drive, 0)->used, 9000);
	/* a device has so many, and then its oldest goes */
	for (unsigned i = 0; i < BOOK_QUOTAS_EACH; i++) {
		(void)snprintf(name, sizeof(name), "q%u", i);
		book_set_quota(book, drive, "p", name, i, NOW);
	}
	assert_int_equal(book->nquotas, BOOK_QUOTAS_EACH);
	assert_string_equal(book_quota(book, drive, 0)->name, "q0");
	for (unsigned i = 0; i < BOOK_QUOTAS_MAX + 10; i++) {
		key[0] = (uint8_t)i;
		key[1] = (uint8_t)(i >> 8);
		key[2] = 1;
		book_set_quota(book, key, "p", "q", i, NOW);
	}
	assert_int_equal(book->nquotas, BOOK_QUOTAS_MAX);
	for (unsigned i = 0; i < BOOK_QUARANTINE_MAX + 3; i++) {
		key[0] = (uint8_t)i;
		key[1] = (uint8_t)(i >> 8);
		book_quarantine(book, key, "d", NOW);
		book_quarantine(book, key, "d", NOW);
	}
	assert_int_equal(book->nquarantine, BOOK_QUARANTINE_MAX);
	assert_true(book_is_quarantined(book, key));
	assert_int_equal(book_clear(book, BOOK_QUARANTINE_MAX), ERR_NOENT);
	assert_int_equal(book_clear(book, BOOK_QUARANTINE_MAX - 1), 0);
	assert_false(book_is_quarantined(book, key));
	book_free(book);
}

/* Another boot: nothing is plugged in that was; what people said stays. */
static void
test_other_boot(void **state)
{
	struct book *book = full_book(), *again;
	char *text, why[160];

	(void)state;
	book->boot[0] = '9';
	text = book_dump(book, MONO, NOW);
	again = book_new("11111111-2222-3333-4444-555555555555");
	assert_int_equal(book_parse(again, text, strlen(text), MONO, NOW, why,
			     sizeof(why)),
	    0);
	assert_true(TAILQ_EMPTY(&again->plugs));
	assert_int_equal(again->nseen, 4);
	assert_int_equal(again->nasks, 1);
	free(text);
	book_free(book);
	book_free(again);
}

/* A lease that was in force when the process died is a hold from then on; and
 * no clock that was set makes one longer than it is. */
static void
test_holds(void **state)
{
	struct book *book = full_book(), *again;
	struct plug *plug = TAILQ_FIRST(&book->plugs);
	char *text, why[160];

	(void)state;
	plug->hold.ends = 0;
	text = book_dump(book, MONO, NOW);
	again = book_new(book->boot);
	assert_int_equal(book_parse(again, text, strlen(text), 7 * CLOCK_SEC,
			     NOW + 1000000, why, sizeof(why)),
	    0);
	plug = TAILQ_FIRST(&again->plugs);
	assert_int_equal(plug->hold.ends, 127 * CLOCK_SEC);
	assert_false(book_expire_holds(again, 126 * CLOCK_SEC));
	assert_true(book_expire_holds(again, 127 * CLOCK_SEC));
	assert_false(plug_is_held(plug));
	book_free(again);
	free(text);
	/* one of an earlier version says nothing of the certificate */
	TAILQ_FIRST(&book->plugs)->hold.serial_len = 0;
	TAILQ_FIRST(&book->plugs)->hold.ends = MONO + 90 * CLOCK_SEC;
	text = book_dump(book, MONO, NOW);
	assert_null(strstr(text, "issuer"));
	again = book_new(book->boot);
	/* the wall clock was set back by a year meanwhile */
	assert_int_equal(book_parse(again, text, strlen(text), MONO,
			     NOW - 31536000, why, sizeof(why)),
	    0);
	assert_int_equal(TAILQ_FIRST(&again->plugs)->hold.ends,
	    MONO + 120 * CLOCK_SEC);
	assert_int_equal(TAILQ_FIRST(&again->plugs)->hold.serial_len, 0);
	book_free(again);
	book_free(book);
	free(text);
}

/* Every cut of the text is bad, every flipped byte bad or harmless. */
static void
test_damaged(void **state)
{
	struct book *book = full_book(), *again;
	char *text = book_dump(book, MONO, NOW);
	size_t len = strlen(text);
	unsigned bad = 0;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		assert_int_not_equal(parse(text, n, &again), 0);
		book_free(again);
	}
	for (size_t i = 0; i < len; i++) {
		text[i] ^= 0x11;
		bad += parse(text, len, &again) != 0;
		book_free(again);
		text[i] ^= 0x11;
	}
	/* what is left are digits, letters of names, and numbers */
	assert_true(bad > len / 3);
	free(text);
	book_free(book);
}

/* Walks all members of all objects: away with it, another type, a new one. */
static unsigned
spoil(json_t *root, json_t *o)
{
	json_t *odd[] = {json_null(), json_true(), json_integer(-1),
	    json_integer(INT64_MAX), json_string(""), json_string("x\x01y"),
	    json_real(1.5), json_array(), json_object()};
	const char *names[16], *name;
	unsigned n = 0, nnames = 0;
	json_t *value;

	json_object_foreach (o, name, value) {
		assert_true(nnames < 16);
		names[nnames++] = name;
	}
	for (unsigned k = 0; k < nnames; k++) {
		char *text;
		json_t *e;
		size_t i;

		/* a copy: the object's own goes when it is taken out */
		name = names[k] = strdup(names[k]);
		value = json_incref(json_object_get(o, name));
		if (strcmp(name, "hold") != 0 &&
		    strcmp(name, "quarantine") != 0 &&
		    strcmp(name, "quotas") != 0) {
			json_object_del(o, name);
			text = json_dumps(root, 0);
			assert_false(parses(text));
			free(text);
			n++;
		}
		for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
			/* those that mean something there */
			if ((json_is_array(value) && json_is_array(odd[i])) ||
			    (json_is_boolean(value) &&
				json_is_boolean(odd[i])) ||
			    (json_is_string(value) &&
				json_is_string(odd[i]) &&
				(strcmp(name, "boot") == 0 ||
				    strstr(name, "name") != NULL ||
				    strcmp(name, "approver") == 0 ||
				    strcmp(name, "profile") == 0 ||
				    (strcmp(name, "busid") == 0 &&
					json_object_get(o, "device") !=
					    NULL)))) {
				continue;
			}
			json_object_set(o, name, odd[i]);
			text = json_dumps(root, 0);
			if (parses(text)) {
				fail_msg("%s: number %zu passes", name, i);
			}
			free(text);
			n++;
		}
		json_object_set(o, name, value);
		if (json_is_array(value)) {
			json_array_foreach (value, i, e) {
				if (json_is_object(e)) {
					n += spoil(root, e);
				}
			}
		} else if (json_is_object(value)) {
			n += spoil(root, value);
		}
		json_decref(value);
		free((char *)(uintptr_t)name);
	}
	json_object_set_new(o, "more", json_integer(1));
	{
		char *text = json_dumps(root, 0);

		assert_false(parses(text));
		free(text);
	}
	json_object_del(o, "more");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		json_decref(odd[i]);
	}
	return n + 1;
}

static void
test_members(void **state)
{
	struct book *book = full_book();
	char *text = book_dump(book, MONO, NOW);
	json_t *root = json_loads(text, 0, NULL);
	unsigned n;

	(void)state;
	assert_true(parses(text));
	n = spoil(root, root);
	print_message("%u spoilt books\n", n);
	assert_true(n > 300);
	json_decref(root);
	free(text);
	book_free(book);
}

/* One socket has one plug. */
static void
test_twice(void **state)
{
	struct book *book = full_book();
	char *text = book_dump(book, MONO, NOW);
	json_t *root = json_loads(text, 0, NULL);
	json_t *plugs = json_object_get(root, "plugs");
	char *doubled;

	(void)state;
	json_array_append(plugs, json_array_get(plugs, 0));
	doubled = json_dumps(root, 0);
	assert_false(parses(doubled));
	free(doubled);
	free(text);
	json_decref(root);
	book_free(book);
}

static void
test_bounds(void **state)
{
	struct book *book = book_new("b");
	uint8_t key[BOOK_SEEN_KEY] = {0};
	struct plug *plug;
	char busid[32];

	(void)state;
	for (unsigned i = 0; i < BOOK_SEEN_MAX + 5; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(book_see(book, key), 1);
	}
	assert_int_equal(book->nseen, BOOK_SEEN_MAX);
	/* the oldest five are out, and are new again */
	memset(key, 0, sizeof(key));
	assert_int_equal(book_see(book, key), 1);
	memcpy(key, &(unsigned){100}, sizeof(unsigned));
	assert_int_equal(book_see(book, key), 0);
	plug = book_plug(book, "1-1", 3, NOW);
	for (uint64_t rule = 1; rule <= BOOK_HAD_MAX; rule++) {
		plug_had(book, plug, rule);
	}
	assert_false(plug_has_had(plug, 1000));
	plug_had(book, plug, 999);
	/* more than can be kept in mind: it counts as had by all */
	assert_true(plug_has_had(plug, 1000));
	for (unsigned i = 2; i <= BOOK_PLUGS_MAX; i++) {
		(void)snprintf(busid, sizeof(busid), "1-%u", i);
		assert_non_null(book_plug(book, busid, 3, NOW));
	}
	assert_null(book_plug(book, "2-1", 3, NOW));
	for (unsigned i = 0; i < 16; i++) {
		assert_non_null(book_new_ask(book, one));
	}
	assert_null(book_new_ask(book, one));
	assert_non_null(book_new_ask(book, two));
	for (uint64_t rule = 1; rule < BOOK_COUNTERS_MAX + 10; rule++) {
		book_count(book, rule, 0, NOW + (int64_t)rule);
	}
	assert_int_equal(book->ncounters, BOOK_COUNTERS_MAX);
	assert_int_equal(book_counted(book, 1, 0), 0);
	assert_int_equal(book_counted(book, 20, 0), NOW + 20);
	book_free(book);
}

/* ------------------------------------------------------------------------ */
/* On disk                                                                  */

static char dir[] = "/tmp/test_book.XXXXXX";

static void
write_file(const char *name, const char *text)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
is_there(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
test_file(void **state)
{
	struct book *book;
	struct plug *plug;

	(void)state;
	assert_non_null(mkdtemp(dir));
	book = book_open(dir);
	assert_non_null(book);
	assert_false(book->was_bad);
	plug = book_plug(book, "3-2", 4, NOW);
	plug_had(book, plug, 5);
	assert_int_equal(book_save(book, dir), 0);
	assert_false(is_there("state.json.new"));
	book_free(book);

	book = book_open(dir);
	assert_false(book->was_bad);
	plug = book_plug(book, "3-2", 4, NOW);
	assert_true(plug_has_had(plug, 5));
	assert_false(plug_has_had(plug, 6));
	/* plugged in anew: another device number */
	plug = book_plug(book, "3-2", 5, NOW);
	assert_false(plug_has_had(plug, 5));
	assert_int_equal(book->nplugs, 1);
	book_free(book);

	write_file("state.json", "{\"version\":1,");
	book = book_open(dir);
	assert_non_null(book);
	assert_true(book->was_bad);
	assert_true(is_there("state.json.bad"));
	assert_false(is_there("state.json"));
	/* what is here counts as had; what comes later does not */
	plug = book_plug(book, "3-2", 4, NOW);
	assert_true(plug_has_had(plug, 5));
	book_purge(book);
	assert_false(plug_has_had(book_plug(book, "3-3", 5, NOW), 5));
	assert_int_equal(book_save(book, dir), 0);
	book_free(book);
	/* and that is not forgotten at the next start */
	book = book_open(dir);
	assert_false(book->was_bad);
	assert_true(plug_has_had(book_plug(book, "3-2", 4, NOW), 5));
	/* what left meanwhile is over */
	book_purge(book);
	assert_int_equal(book->nplugs, 1);
	/* a disk that is gone: it stays to be written */
	book->is_dirty = 1;
	assert_int_not_equal(book_save(book, "/nonexistent"), 0);
	assert_true(book->is_dirty);
	book_free(book);
	assert_null(book_open("/nonexistent"));
	for (size_t i = 0; i < 2; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/state.json%s", dir,
		    i == 0 ? "" : ".bad");
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_limits),
		cmocka_unit_test(test_other_boot),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_file),
	};

	log_init("test_book");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
