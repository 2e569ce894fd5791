/* policy/bundle: archives, manifests and signatures, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/fake/bundle_make.h"

static const struct make_file lab[] = {
	{"lists/lab.conf", "allow id 1234:*\n"},
	{"profiles.d/x.profile", "profile x { }\n"},
	{"rules.d/10-lab.rules", "include \"../lists/lab.conf\"\n"},
	{"rules.d/20-rest.rules", "block\n"},
	{"rules.d/old/30.rules", "reject\n"},
	{"tests/lab.t", "rules \"../rules.d\"\n"},
	{NULL, NULL},
};

static uint8_t *
make_lab(size_t *len)
{
	struct manifest m = make_manifest(7);

	return make_bundle(&m, lab, len);
}

static void
test_open(void **state)
{
	const struct tar_file *file;
	char why[256] = "", name[TAR_NAME];
	struct bundle *b;
	uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = make_lab(&len);
	assert_int_equal(bundle_open(&b, bytes, len, why, sizeof(why)), 0);
	assert_int_equal(b->manifest.serial, 7);
	assert_int_equal(b->nfiles, 6);
	file = bundle_find(b, "lists/lab.conf");
	assert_non_null(file);
	assert_int_equal(file->len, strlen(lab[0].text));
	assert_memory_equal(file->data, lab[0].text, file->len);
	assert_null(bundle_find(b, "lists/lab"));
	assert_null(bundle_find(b, MANIFEST_NAME));
	file = bundle_next(b, NULL, BUNDLE_RULES, ".rules");
	assert_string_equal(file->name, "rules.d/10-lab.rules");
	file = bundle_next(b, file, BUNDLE_RULES, ".rules");
	assert_string_equal(file->name, "rules.d/20-rest.rules");
	assert_null(bundle_next(b, file, BUNDLE_RULES, ".rules"));
	assert_int_equal(bundle_resolve(name, "bundle:rules.d/10-lab.rules",
			     "../lists/./lab.conf"),
	    0);
	assert_string_equal(name, "lists/lab.conf");
	assert_int_equal(bundle_resolve(name, "a", "b"), 0);
	assert_string_equal(name, "b");
	assert_int_equal(bundle_resolve(name, "x/a", "../../b"), ERR_FORMAT);
	assert_int_equal(bundle_resolve(name, "x/a", "/etc/b"), ERR_FORMAT);
	assert_int_equal(bundle_resolve(name, "x/a", ".."), ERR_FORMAT);
	assert_int_equal(bundle_resolve(name, "x/a", ""), 0);
	assert_string_equal(name, "x");
	bundle_free(b);
}

/* Every prefix is refused, and every byte that is another. */
static void
test_tampered(void **state)
{
	struct keyring ring = make_ring(1, 1);
	char why[256], *text;
	struct signatures s;
	struct bundle *b;
	uint8_t *bytes, *copy;
	size_t len, tries = 0;

	(void)state;
	bytes = make_lab(&len);
	text = make_signatures(bytes, len, 1);
	assert_int_equal(
	    signed_parse(&s, text, strlen(text), why, sizeof(why)), 0);
	for (size_t i = 0; i < len; i += 37) {
		copy = malloc(i + 1);
		memcpy(copy, bytes, i);
		assert_true(bundle_open(&b, copy, i, why, sizeof(why)) < 0);
		assert_null(b);
	}
	for (size_t i = 0; i < len; i += 13) {
		copy = malloc(len);
		memcpy(copy, bytes, len);
		copy[i] ^= 0x20;
		/* in the manifest's texts it may still be one, of nobody */
		if (bundle_open(&b, copy, len, why, sizeof(why)) == 0) {
			assert_int_equal(signed_check(&s, &ring, b->sha256,
					     why, sizeof(why)),
			    ERR_POLICY);
			bundle_free(b);
		}
		tries++;
	}
	assert_true(tries > 100);
	free(text);
	free(bytes);
}

/* ------------------------------------------------------------------------ */
/* Hostile archives: a good one with something changed, and the reason        */

struct archive {
	uint8_t *p;
	size_t len;
	uint8_t *file, *second; /* headers behind the manifest */
};

static void
fix_sum(uint8_t *h)
{
	char text[16];
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++) {
		sum += h[i];
	}
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
}

static void
set_type(struct archive *a, char type)
{
	a->file[156] = (uint8_t)type;
	fix_sum(a->file);
}

static void
set_name(struct archive *a, const char *name)
{
	memset(a->file, 0, 100);
	memcpy(a->file, name, strlen(name));
	fix_sum(a->file);
}

static void
set_size(struct archive *a, const char *octal)
{
	memcpy(a->file + 124, octal, strlen(octal) + 1);
	fix_sum(a->file);
}

static void symlink_in(struct archive *a) { set_type(a, '2'); }
static void hardlink_in(struct archive *a) { set_type(a, '1'); }
static void device_in(struct archive *a) { set_type(a, '3'); }
static void fifo_in(struct archive *a) { set_type(a, '6'); }
static void directory_in(struct archive *a) { set_type(a, '5'); }
static void pax_in(struct archive *a) { set_type(a, 'x'); }
static void gnu_in(struct archive *a) { set_type(a, 'L'); }
static void sparse_in(struct archive *a) { set_type(a, 'S'); }
static void old_type(struct archive *a) { set_type(a, '\0'); }
static void absolute(struct archive *a) { set_name(a, "/etc/passwd"); }
static void upwards(struct archive *a) { set_name(a, "a/../../b"); }
static void dot_name(struct archive *a) { set_name(a, ".a"); }
static void dash_name(struct archive *a) { set_name(a, "-rf"); }
static void two_slashes(struct archive *a) { set_name(a, "a//b"); }
static void slash_at_end(struct archive *a) { set_name(a, "a/"); }
static void blank_name(struct archive *a) { set_name(a, "a b"); }
static void line_in_name(struct archive *a) { set_name(a, "a\nb"); }
static void utf8_name(struct archive *a) { set_name(a, "\xc3\xa4"); }
static void no_name(struct archive *a) { set_name(a, ""); }
static void too_deep(struct archive *a) { set_name(a, "a/b/c/d/e"); }
static void huge(struct archive *a) { set_size(a, "77777777777"); }
static void hex_size(struct archive *a) { set_size(a, "0000000000a"); }
static void negative(struct archive *a) { set_size(a, "-0000000001"); }

static void
long_name(struct archive *a)
{
	memset(a->file, 'a', 100);
	fix_sum(a->file);
}

static void
base256_size(struct archive *a)
{
	a->file[124] = 0x80;
	fix_sum(a->file);
}

static void
hidden_name(struct archive *a)
{
	a->file[60] = 'x'; /* behind the name's NUL */
	fix_sum(a->file);
}

static void
prefix(struct archive *a)
{
	memcpy(a->file + 345, "etc", 3);
	fix_sum(a->file);
}

static void
link_name(struct archive *a)
{
	memcpy(a->file + 157, "/etc/passwd", 11);
	fix_sum(a->file);
}

static void
bad_sum(struct archive *a)
{
	a->file[148] ^= 1;
}

static void
set_uid_mode(struct archive *a)
{
	memcpy(a->file + 100, "0004755", 7);
	fix_sum(a->file);
}

static void
other_time(struct archive *a)
{
	a->file[146] = '1';
	fix_sum(a->file);
}

static void
gnu_magic(struct archive *a)
{
	memcpy(a->file + 257, "ustar  ", 8);
	fix_sum(a->file);
}

static void
same_twice(struct archive *a)
{
	memcpy(a->second, a->file, 100);
	fix_sum(a->second);
}

static void
not_sorted(struct archive *a)
{
	memset(a->second, 0, 100);
	memcpy(a->second, "a", 1);
	fix_sum(a->second);
}

static void
manifest_again(struct archive *a)
{
	set_name(a, MANIFEST_NAME);
}

static void
hidden_bytes(struct archive *a)
{
	a->file[512 + 500] = 1;
}

static void
trailing(struct archive *a)
{
	a->p = realloc(a->p, a->len + 512);
	memset(a->p + a->len, 0, 512);
	a->len += 512;
}

static void
trailing_byte(struct archive *a)
{
	a->p = realloc(a->p, a->len + 1);
	a->p[a->len++] = 0;
}

static void
no_end(struct archive *a)
{
	a->len -= 1024;
}

static void
half_an_end(struct archive *a)
{
	a->len -= 512;
}

static void
early_end(struct archive *a)
{
	memset(a->file, 0, 1024);
}

static void
one_zero_block(struct archive *a)
{
	memset(a->file, 0, 512);
}

static void
nothing(struct archive *a)
{
	a->len = 0;
}

static void
only_zeros(struct archive *a)
{
	a->len = 1024;
	memset(a->p, 0, a->len);
}

static void
compressed(struct archive *a)
{
	memcpy(a->p, "\x1f\x8b\x08", 3);
}

static void
too_large(struct archive *a)
{
	a->p = realloc(a->p, TAR_MAX + 512);
	memset(a->p + a->len, 0, TAR_MAX + 512 - a->len);
	a->len = TAR_MAX + 512;
}

/* Headers of empty files without end: small, and much work. */
static void
too_many(struct archive *a)
{
	struct tar_writer tar = {.data = NULL};
	uint8_t *h;

	free(a->p);
	a->p = calloc(TAR_FILES + 3, TAR_BLOCK);
	for (unsigned i = 0; i <= TAR_FILES; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%05u", i);
		tar.len = tar.count = 0;
		assert_int_equal(tar_add(&tar, name, "", 0), 0);
		h = a->p + i * (size_t)TAR_BLOCK;
		memcpy(h, tar.data, TAR_BLOCK);
	}
	a->len = (TAR_FILES + 3) * (size_t)TAR_BLOCK;
	tar_writer_fini(&tar);
}

#define ENDS "it ends too early"
#define NAME "a name may not be"
#define HEADER "a header is not as"

static const struct hostile {
	const char *name;
	void (*change)(struct archive *a);
	const char *why;
} hostile[] = {
	{"a symbolic link", symlink_in, "a link is in it"},
	{"a hard link", hardlink_in, "a link is in it"},
	{"a device", device_in, "a device or a FIFO"},
	{"a FIFO", fifo_in, "a device or a FIFO"},
	{"a directory", directory_in, "a directory is in it"},
	{"a pax header", pax_in, "an extended header"},
	{"a GNU long name", gnu_in, "an extended header"},
	{"a sparse file", sparse_in, "something that is no file"},
	{"a file of old type", old_type, "something that is no file"},
	{"an absolute name", absolute, NAME},
	{"a name with ..", upwards, NAME},
	{"a hidden file", dot_name, NAME},
	{"a name like an option", dash_name, NAME},
	{"two slashes", two_slashes, NAME},
	{"a slash at the end", slash_at_end, NAME},
	{"a blank in a name", blank_name, NAME},
	{"a line end in a name", line_in_name, NAME},
	{"a name in UTF-8", utf8_name, NAME},
	{"no name", no_name, NAME},
	{"a name too deep", too_deep, NAME},
	{"a name of 100 bytes", long_name, "longer than 99"},
	{"a prefix", prefix, "longer than 99"},
	{"bytes behind a name", hidden_name, HEADER},
	{"the name of a link", link_name, "the name of a link"},
	{"a size of 8 GiB", huge, ENDS},
	{"a size that is no number", hex_size, "a size is no number"},
	{"a negative size", negative, "a size is no number"},
	{"a size in base 256", base256_size, "a size is no number"},
	{"a wrong checksum", bad_sum, HEADER},
	{"a set-uid mode", set_uid_mode, HEADER},
	{"a time", other_time, HEADER},
	{"GNU's magic", gnu_magic, HEADER},
	{"a file twice", same_twice, "twice"},
	{"files out of order", not_sorted, "not in the order"},
	{"a second manifest", manifest_again, "it is not what"},
	{"bytes behind a file", hidden_bytes, "bytes are hidden"},
	{"a block behind the end", trailing, "bytes follow its end"},
	{"a byte behind the end", trailing_byte, "bytes follow its end"},
	{"no end", no_end, ENDS},
	{"half an end", half_an_end, ENDS},
	{"an end in the middle", early_end, "bytes follow its end"},
	{"a block of zeros", one_zero_block, "one block of zeros"},
	{"nothing", nothing, ENDS},
	{"zeros", only_zeros, "its first file is not"},
	{"gzip", compressed, NAME},
	{"17 MiB", too_large, "larger than 16 MiB"},
	{"1025 files", too_many, "its first file is not"},
};

static void
test_hostile(void **state)
{
	size_t plain;
	uint8_t *good = make_lab(&plain);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct archive a = {.p = malloc(plain), .len = plain};
		char why[256] = "";
		struct bundle *b;
		int r;

		memcpy(a.p, good, plain);
		for (a.file = a.p + 512;
		     memcmp(a.file, lab[0].name, strlen(lab[0].name)) != 0;
		     a.file += 512) {
		}
		a.second = a.file + 1024;
		hostile[i].change(&a);
		r = bundle_open(&b, a.p, a.len, why, sizeof(why));
		if ((r != ERR_FORMAT && r != ERR_LIMIT) ||
		    strstr(why, hostile[i].why) == NULL) {
			fail_msg("%s: %d, %s", hostile[i].name, r, why);
		}
		print_message("#   %-26s %s\n", hostile[i].name, why);
	}
	free(good);
}

/* The bound on files is the reader's own, also without a manifest. */
static void
test_many(void **state)
{
	struct archive a = {.p = NULL};
	struct tar_reader tar;
	struct tar_file file;
	const char *why = "";
	int r;

	(void)state;
	too_many(&a);
	tar_open(&tar, a.p, a.len);
	while ((r = tar_next(&tar, &file, &why)) == 1) {
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_string_equal(why, "more than 1024 files are in it");
	free(a.p);
}

static void
test_writer(void **state)
{
	struct tar_writer tar = {.data = NULL};
	static char large[TAR_MAX];

	(void)state;
	assert_int_equal(tar_add(&tar, "first", "x", 1), 0);
	assert_int_equal(tar_add(&tar, "a", "x", 1), 0);
	assert_int_equal(tar_add(&tar, "a", "x", 1), ERR_FORMAT);
	assert_int_equal(tar_add(&tar, "A", "x", 1), ERR_FORMAT);
	assert_int_equal(tar_add(&tar, "../b", "x", 1), ERR_FORMAT);
	assert_int_equal(
	    tar_add(&tar, "b", large, sizeof(large)), ERR_LIMIT);
	assert_int_equal(tar_end(&tar), 0);
	assert_int_equal(tar.len, 6 * 512);
	tar_writer_fini(&tar);
}

/* ------------------------------------------------------------------------ */

#define HEAD                                                                   \
	"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","                \
	"\"revision\":\"r\",\"serial\":3,"                                       \
	"\"not_before\":\"2026-01-01T00:00:00Z\","                               \
	"\"expires\":\"2026-02-01T00:00:00Z\",\"grace\":60,"                     \
	"\"delegate\":false"
#define DISCOVERY                                                              \
	"{\"format\":\"sallyport-bundle/1\",\"kind\":\"discovery\","             \
	"\"revision\":\"\",\"serial\":3,"                                        \
	"\"not_before\":\"2026-01-01T00:00:00Z\","                               \
	"\"expires\":\"2026-02-01T00:00:00Z\",\"grace\":0,"                      \
	"\"delegate\":false,\"files\":{}"

static void
test_manifest_errors(void **state)
{
	static const char *const bad[][2] = {
		{"", "line"},
		{"[]", "not one JSON object"},
		{"{} x", "line"},
		{"{}", "\"format\""},
		{HEAD "}", "\"files\""},
		{HEAD ",\"files\":{},\"more\":1}", "not known"},
		{HEAD ",\"serial\":4,\"files\":{}}", "line"},
		{HEAD ",\"files\":{\"a\":\"00\"}}", "64 hexadecimal"},
		{HEAD ",\"files\":{\"../a\":\"00\"}}", "may not be"},
		{HEAD ",\"files\":{\"MANIFEST.json\":\"00\"}}", "may not be"},
		{HEAD ",\"files\":{},\"threshold\":1}", "without"},
		{HEAD ",\"files\":{},\"keys\":[],\"threshold\":1}", "\"keys\""},
		{HEAD ",\"files\":{},\"keys\":[\"AAAA\"],\"threshold\":1}",
		    "key 1"},
		{HEAD ",\"files\":{},\"bundles\":[]}", "\"bundles\""},
		{DISCOVERY "}", "\"bundles\""},
		{DISCOVERY ",\"bundles\":[{\"labels\":[\"a b\"],"
			   "\"url\":\"https://x\"}]}",
		    "no word"},
		{DISCOVERY ",\"bundles\":[{\"labels\":[],"
			   "\"url\":\"http://x\"}]}",
		    "number 1"},
		{DISCOVERY ",\"bundles\":[{\"labels\":[],"
			   "\"url\":\"https://u@x\"}]}",
		    "number 1"},
		{"{\"format\":\"sallyport-bundle/2\",\"kind\":\"policy\"}",
		    "\"format\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"x\"}",
		    "\"kind\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","
		 "\"serial\":0}",
		    "\"serial\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","
		 "\"serial\":9007199254740992}",
		    "\"serial\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","
		 "\"serial\":1.0}",
		    "\"serial\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","
		 "\"serial\":1,\"not_before\":\"2026-02-30T00:00:00Z\"}",
		    "\"not_before\""},
		{"{\"format\":\"sallyport-bundle/1\",\"kind\":\"policy\","
		 "\"serial\":1,\"not_before\":\"2026-02-01T00:00:00Z\","
		 "\"expires\":\"2026-02-01T00:00:00Z\",\"grace\":0}",
		    "not after"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char why[256] = "";
		struct manifest m;
		int r = manifest_parse(
		    &m, bad[i][0], strlen(bad[i][0]), why, sizeof(why));

		if (r != ERR_FORMAT || strstr(why, bad[i][1]) == NULL) {
			fail_msg("%s: %d, %s", bad[i][0], r, why);
		}
		manifest_fini(&m);
	}
}

/* What is printed parses to the same, with all that there can be. */
static void
test_manifest_print(void **state)
{
	struct manifest m = make_manifest(9), n;
	struct manifest_target target = {
		.labels = {"site=a", "lab"}, .nlabels = 2,
		.url = "https://x.example/b.tar?c=1"};
	char why[256] = "", *text, *again;

	(void)state;
	m.next = make_ring(7, 2);
	m.kind = MANIFEST_DISCOVERY;
	m.targets = &target;
	m.ntargets = 1;
	text = manifest_print(&m);
	assert_int_equal(
	    manifest_parse(&n, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(n.next.nkeys, 3);
	assert_int_equal(n.next.threshold, 2);
	assert_memory_equal(n.next.keys[2].id, m.next.keys[2].id, 32);
	assert_string_equal(n.targets[0].labels[1], "lab");
	again = manifest_print(&n);
	assert_string_equal(text, again);
	manifest_fini(&n);
	free(text);
	free(again);
}

static void
test_phase(void **state)
{
	struct manifest m = make_manifest(1);

	(void)state;
	assert_int_equal(manifest_phase(&m, 999), MANIFEST_EARLY);
	assert_int_equal(manifest_phase(&m, 1000), MANIFEST_VALID);
	assert_int_equal(manifest_phase(&m, 1999), MANIFEST_VALID);
	assert_int_equal(manifest_phase(&m, 2000), MANIFEST_GRACE);
	assert_int_equal(manifest_phase(&m, 2499), MANIFEST_GRACE);
	assert_int_equal(manifest_phase(&m, 2500), MANIFEST_OVER);
}

/* ------------------------------------------------------------------------ */

static void
test_threshold(void **state)
{
	static const struct {
		unsigned signers, ring, threshold, count;
	} rows[] = {
		{1, 1, 1, 1}, {3, 3, 2, 2}, {1, 3, 2, 1}, {4, 3, 1, 0},
		{7, 7, 3, 3}, {5, 6, 1, 1}, {0, 1, 1, 0},
	};
	char why[256];
	uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = make_lab(&len);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keyring ring = make_ring(rows[i].ring,
		    rows[i].threshold);
		char *text = make_signatures(bytes, len, rows[i].signers);
		struct signatures s;

		assert_int_equal(
		    signed_parse(&s, text, strlen(text), why, sizeof(why)), 0);
		assert_int_equal(
		    signed_count(&s, &ring, s.sha256), rows[i].count);
		assert_int_equal(
		    signed_check(&s, &ring, s.sha256, why, sizeof(why)),
		    rows[i].count >= rows[i].threshold ? 0 : ERR_POLICY);
		free(text);
	}
	free(bytes);
}

/* One key, however often it is there, is one. */
static void
test_one_key_once(void **state)
{
	struct keyring ring = make_ring(3, 2);
	char why[256], *text;
	struct signatures s;
	uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = make_lab(&len);
	text = make_signatures(bytes, len, 1);
	assert_int_equal(
	    signed_parse(&s, text, strlen(text), why, sizeof(why)), 0);
	free(text);
	s.list[1] = s.list[0];
	s.n = 2;
	assert_int_equal(
	    signed_check(&s, &ring, s.sha256, why, sizeof(why)), ERR_POLICY);
	text = signed_print(&s);
	assert_int_equal(
	    signed_parse(&s, text, strlen(text), why, sizeof(why)),
	    ERR_FORMAT);
	free(text);
	free(bytes);
}

static void
test_signed_errors(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"format\":1}",
	    "{\"format\":\"sallyport-signatures/1\",\"sha256\":\"00\","
	    "\"signatures\":[]}",
	    "{\"format\":\"sallyport-signatures/1\",\"sha256\":\"\","
	    "\"signatures\":{}}"};
	char why[256];
	struct signatures s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(signed_parse(&s, bad[i], strlen(bad[i]), why,
				     sizeof(why)),
		    ERR_FORMAT);
	}
	assert_int_equal(
	    signed_parse(&s, bad[0], SIGNED_MAX + 1, why, sizeof(why)),
	    ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_tampered),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_writer),
	    cmocka_unit_test(test_manifest_errors),
	    cmocka_unit_test(test_manifest_print),
	    cmocka_unit_test(test_phase),
	    cmocka_unit_test(test_threshold),
	    cmocka_unit_test(test_one_key_once),
	    cmocka_unit_test(test_signed_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
