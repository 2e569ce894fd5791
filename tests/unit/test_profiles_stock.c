/*
 * The profiles that are shipped: they load with the names of the protocols, are
 * in canonical form, and are what `auto' picks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/facts/names.h"
#include "policy/profiles/profile.h"

#define STOCK "policy/profiles/stock"

static const char *const expected[] = {"base", "camera", "ccid", "fido",
	"headset", "headset-nomic", "keyboard", "mouse", "mtp-ro", "net",
	"printer", "probe-no-dfu", "raw", "scanner", "serial", "storage-ro",
	"storage-rw"};
#define NEXPECTED (sizeof(expected) / sizeof(expected[0]))

static struct profile_set *set;
static struct desc_config config;
static uint8_t bytes[64];

static size_t
read_file(const char *name, char *text, size_t size)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), STOCK "/%s", name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, size, f);
	assert_true(n < size);
	fclose(f);
	return n;
}

struct printed {
	char p[1u << 16];
	size_t n;
};

static void
keep(void *arg, const char *text, size_t len)
{
	struct printed *t = arg;

	assert_true(t->n + len < sizeof(t->p));
	memcpy(t->p + t->n, text, len);
	t->n += len;
}

static int
is_profile(const struct dirent *e)
{
	return strstr(e->d_name, ".profile") != NULL;
}

static void
test_canonical(void **state)
{
	static char text[1u << 16];
	static struct printed printed;
	struct dirent **list;
	int n = scandir(STOCK, &list, is_profile, alphasort);

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		struct profile_load *load = profile_load_new();
		size_t len = read_file(list[i]->d_name, text, sizeof(text));

		printed.n = 0;
		assert_int_equal(profile_load_text(load, PROFILE_STOCK,
				     list[i]->d_name, text, len),
		    0);
		assert_int_equal(profile_load_format(load, keep, &printed), 0);
		if (printed.n != len || memcmp(printed.p, text, len) != 0) {
			fail_msg("%s is not in canonical form",
			    list[i]->d_name);
		}
		profile_load_free(load);
		free(list[i]);
	}
	free(list);
}

/* Every array that the profiles need; without one, nothing here is true. */
static int
has_names(void)
{
	static const struct fact_name *const all[] = {names_setup_request,
		names_scsi_op, names_key, names_ctap_cmd, names_ctap_u2f,
		names_ctap_cbor, names_ccid_msg, names_apdu_ins,
		names_ethertype, names_ip_proto, names_av_control,
		names_av_stream, names_print_lang, names_print_pjl,
		names_mtp_op, names_dfu_request};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->name == NULL) {
			return 0;
		}
	}
	return 1;
}

static void
test_load(void **state)
{
	static char text[1u << 16];
	struct profile_load *load = profile_load_new();
	struct dirent **list;
	int n = scandir(STOCK, &list, is_profile, alphasort);

	(void)state;
	for (int i = 0; i < n; i++) {
		size_t len = read_file(list[i]->d_name, text, sizeof(text));

		assert_int_equal(profile_load_text(load, PROFILE_STOCK,
				     list[i]->d_name, text, len),
		    0);
		free(list[i]);
	}
	free(list);
	if (!has_names()) {
		profile_load_free(load);
		skip();
	}
	profile_load_finish(load, &set);
	for (size_t i = 0; i < profile_load_error_count(load); i++) {
		const struct profile_error *e = profile_load_error(load, i);

		print_message(
		    "%s:%u:%u: %s\n", e->file, e->line, e->column, e->text);
	}
	assert_int_equal(profile_load_error_count(load), 0);
	assert_int_equal(profile_load_warning_count(load), 0);
	profile_load_free(load);
	assert_int_equal(profile_set_count(set), NEXPECTED);
	for (size_t i = 0; i < NEXPECTED; i++) {
		assert_string_equal(profile_set_name(set, i), expected[i]);
	}
}

/* One interface, with a Union descriptor of a control interface before it when
 * that has a subclass. */
static int
choose(const char *name, uint8_t c, uint8_t s, uint8_t p, int has_int_out,
    uint8_t control, char why[128])
{
	struct desc_alt *alt = &config.alts[1];

	memset(&config, 0, sizeof(config));
	memcpy(bytes, "\x05\x24\x06\x00\x01", 5);
	config.nalts = 2;
	config.alts[0] = (struct desc_alt){
	    .class = control != 0 ? 2 : 0xff, .subclass = control, .length = 5};
	*alt = (struct desc_alt){
	    .number = 1, .class = c, .subclass = s, .protocol = p};
	alt->nendpoints = 2;
	config.endpoints[0] = (struct desc_endpoint){0x81, 3, 64, 1, 0, 0, 0,
		0, 0};
	config.endpoints[1] = (struct desc_endpoint){
	    has_int_out ? 0x01 : 0x82, 3, 64, 1, 0, 0, 0, 0, 0};
	why[0] = '\0';
	return profile_choose(set, name, &config, bytes, alt, why, 128);
}

static void
test_auto(void **state)
{
	static const struct {
		uint8_t c, s, p, has_int_out, control;
		const char *name;
	} table[] = {{0x08, 0x06, 0x50, 0, 0, "storage-ro"},
		{0x03, 1, 1, 0, 0, "keyboard"}, {0x03, 1, 2, 0, 0, "mouse"},
		{0x03, 0, 0, 0, 0, "keyboard"}, {0x03, 0, 0, 1, 0, "fido"},
		{0x0b, 0, 0, 0, 0, "ccid"}, {0x02, 2, 1, 0, 0, "serial"},
		{0x0a, 0, 0, 0, 2, "serial"}, {0x07, 1, 2, 0, 0, "printer"},
		{0x01, 2, 0, 0, 0, "headset"}, {0x0e, 1, 0, 0, 0, "camera"},
		{0x06, 1, 1, 0, 0, "mtp-ro"}};
	char why[128];

	(void)state;
	if (set == NULL) {
		skip();
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int r = choose("auto", table[i].c, table[i].s, table[i].p,
		    table[i].has_int_out, table[i].control, why);

		assert_true(r >= 0);
		assert_string_equal(
		    profile_set_name(set, (size_t)r), table[i].name);
	}
}

static void
test_refused(void **state)
{
	char why[128];

	(void)state;
	if (set == NULL) {
		skip();
	}
	assert_int_equal(
	    choose("auto", 0xff, 0, 0, 0, 0, why), ERR_POLICY);
	assert_string_equal(
	    why, "auto has no profile for an interface of class ff:00:00");
	/* networks by any of their names, data of nobody, uas, firmware */
	assert_int_equal(choose("auto", 2, 6, 0, 0, 0, why), ERR_POLICY);
	assert_int_equal(choose("auto", 0x0a, 0, 0, 0, 6, why), ERR_POLICY);
	assert_int_equal(choose("auto", 0x0a, 0, 0, 0, 0, why), ERR_POLICY);
	assert_int_equal(choose("auto", 0xe0, 1, 3, 0, 0, why), ERR_POLICY);
	assert_int_equal(choose("auto", 8, 6, 0x62, 0, 0, why), ERR_POLICY);
	assert_string_equal(why, "profile \"storage-ro\" is not for an "
				 "interface of class 08:06:62");
	assert_int_equal(choose("auto", 0xfe, 1, 2, 0, 0, why), ERR_POLICY);
	assert_int_equal(choose("none", 8, 6, 0x50, 0, 0, why), ERR_NOENT);
	assert_string_equal(why, "there is no profile \"none\"");
	assert_int_equal(choose("mouse", 8, 6, 0x50, 0, 0, why), ERR_POLICY);
	assert_true(choose("raw", 0xff, 1, 2, 0, 0, why) >= 0);
}

static int
give_back(void **state)
{
	(void)state;
	profile_set_free(set);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_load),
	    cmocka_unit_test(test_auto),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, give_back);
}
