/*
 * policy/rules: what a file brings in and takes for granted: includes of every
 * kind, defaults, what the gateway has; and texts that are meant to hurt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"

#define HEX64                                                                  \
	"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"

/* The files that may be included: name, text, name, text, NULL. */
static int
read_row(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	const char *const *files = arg;

	assert_true(from[0] != '\0');
	for (size_t i = 0; files[i] != NULL; i += 2) {
		if (strcmp(files[i], path) == 0) {
			out->name = strdup(path);
			out->text = strdup(files[i + 1]);
			out->len = strlen(files[i + 1]);
			return 0;
		}
	}
	snprintf(why, size, "no such file");
	return ERR_NOENT;
}

static int
is_zone(void *arg, const char *zone)
{
	(void)arg;
	return strcmp(zone, "Europe/Berlin") == 0;
}

static struct rules_load *
load_main(const char *text, const struct rules_means *means)
{
	struct rules_load *load = rules_load_new();

	rules_load_means(load, means);
	assert_int_equal(
	    rules_load_text(load, "main", text, strlen(text)), 0);
	return load;
}

/* All rules as printed, one a line, with where they stand. */
static void
assert_rules(const char *text, const struct rules_means *means,
    const char *expected)
{
	struct rules_load *load = load_main(text, means);
	struct rules *rules = NULL;
	char out[4096] = "";
	size_t n = 0;

	if (rules_load_finish(load, &rules) != 0) {
		fail_msg("%s:%u: %s", rules_load_error(load, 0)->file,
		    rules_load_error(load, 0)->line,
		    rules_load_error(load, 0)->text);
	}
	for (size_t i = 0; i < rules_count(rules); i++) {
		int len = rules_print(rules, i, out + n, sizeof(out) - n - 1);

		assert_true(len > 0);
		n += (size_t)len;
		out[n++] = '\n';
	}
	out[n] = '\0';
	assert_string_equal(out, expected);
	rules_free(rules);
	rules_load_free(load);
}

static void
assert_error(const char *text, const struct rules_means *means,
    const char *file, unsigned line, const char *says)
{
	struct rules_load *load = load_main(text, means);
	struct rules *rules = NULL;
	const struct rule_error *e;

	assert_int_equal(rules_load_finish(load, &rules), ERR_FORMAT);
	e = rules_load_error(load, 0);
	if (strcmp(e->file, file) != 0 || e->line != line ||
	    strstr(e->text, says) == NULL) {
		fail_msg("%s\n%s:%u: %s; expected %s:%u: %s", text, e->file,
		    e->line, e->text, file, line, says);
	}
	rules_load_free(load);
}

static void
includes_stand_in_their_place(void **state)
{
	const char *files[] = {
	    "a", "block name \"2\"\ninclude \"b\"\nblock name \"4\"\n"
		 "forbid name \"f\"\n",
	    "b", "workstations g = { \"cn:x\" }\nblock name \"3\"\n", NULL};
	struct rules_means means = {.read = read_row, .arg = files};

	(void)state;
	assert_rules("block name \"1\"\ninclude \"a\"\n"
		     "allow name \"5\" to \"@g\"\n", &means,
	    "forbid name \"f\"\nblock name \"1\"\nblock name \"2\"\n"
	    "block name \"3\"\nblock name \"4\"\n"
	    "allow name \"5\" to \"@g\"\n");
	/* what a file says of itself is not said of the other */
	files[1] = "allow\n";
	assert_error("default to any\ninclude \"a\"\n", &means, "a", 1,
	    "to whom");
	files[1] = "default to any\nallow\n";
	assert_error("include \"a\"\nallow\n", &means, "main", 2, "to whom");
	files[1] = "blok\n";
	assert_error("include \"a\"\n", &means, "a", 1, "unknown statement");
	assert_error("\ninclude \"z\"\n", &means, "main", 2, "no such file");
	assert_error("include \"\"\n", &means, "main", 1, "no name of a");
	assert_error("include \"a\\x00b\"\n", &means, "main", 1, "no name of");
}

static void
usbguard_files(void **state)
{
	const char *files[] = {
	    "r", "allow 1234:5678 if localtime(08:00-09:00)\n"
		 "  # comment\n"
		 "block with-interface {08:06:50}\n"
		 "reject\n"
		 "allow 1234:*\n", NULL};
	struct rules_means means = {.read = read_row, .arg = files};

	(void)state;
	assert_rules("default using \"p\"\ndefault tz \"Z\"\n"
	    "include usbguard \"r\" to \"cn:a\" lease 12h once key \"K\" "
	    "window { Mon 01:00-02:00 }\n", &means,
	    "allow id 1234:5678 to \"cn:a\" using \"p\" lease 12h once "
	    "window { Mon 01:00-02:00 } tz \"Z\" if localtime(08:00-09:00) "
	    "key \"K\"\n"
	    "block with-interface 08:06:50\n"
	    "reject\n"
	    "allow id 1234:* to \"cn:a\" using \"p\" lease 12h once "
	    "window { Mon 01:00-02:00 } tz \"Z\" key \"K\"\n");
	assert_rules("default to any\ninclude usbguard \"r\"\n", &means,
	    "allow id 1234:5678 if localtime(08:00-09:00)\n"
	    "block with-interface 08:06:50\nreject\nallow id 1234:*\n");
	assert_error("include usbguard \"r\" lease 1h\n", &means, "main", 1,
	    "to whom");
	/* an error of the statement is said once, not for every rule */
	assert_error("include usbguard \"r\" to \"cn:a\" lease 1x\n", &means,
	    "main", 1, "no duration");
	assert_error("include usbguard \"r\" to \"cn:a\" name \"x\"\n",
	    &means, "main", 1, "unexpected `name'");
	/* its language, and not ours */
	files[1] = "allow\nallow to \"cn:x\"\n";
	assert_error("include usbguard \"r\" to \"cn:a\"\n", &means, "r", 2,
	    "unknown attribute `to'; expected a device id");
	files[1] = "allow name \\\n\"a\"\n";
	assert_error("include usbguard \"r\" to \"cn:a\"\n", &means, "r", 1,
	    "`\\' joins");
	files[1] = "allow name { \"a\"\n\"b\" }\n";
	assert_error("include usbguard \"r\" to \"cn:a\"\n", &means, "r", 1,
	    "unexpected end of the line");
	files[1] = "default to any\n";
	assert_error("include usbguard \"r\" to \"cn:a\"\n", &means, "r", 1,
	    "unknown statement `default'; expected `allow', `block', `reject'"
	    " or the end");
	files[1] = "include \"x\"\n";
	assert_error("include usbguard \"r\" to \"cn:a\"\n", &means, "r", 1,
	    "unknown statement");
}

static void
keys_of_includes_are_not_one(void **state)
{
	const char *files[] = {"r", "allow 1234:5678\nallow 1234:*\n", NULL};
	struct rules_means means = {.read = read_row, .arg = files};
	struct rules_load *load = load_main(
	    "include usbguard \"r\" to \"cn:a\" once key \"K\"\n", &means);
	struct rules *rules;

	(void)state;
	assert_int_equal(rules_load_finish(load, &rules), 0);
	assert_true(rules_id(rules, 0) != rules_id(rules, 1));
	rules_free(rules);
	rules_load_free(load);
}

static void
filters_of_others(void **state)
{
	const char *files[] = {
	    "f", "# storage\n0x08,-1,-1,-1,1\n-1,-1,-1,-1,0\n",
	    "c", "ALLOW: class=08 # sticks\nDENY:\n",
	    "bad", "0x08,-1,-1,-1,1\n0x08,x\n", NULL};
	struct rules_means means = {.read = read_row, .arg = files};
	struct rules_load *load = load_main("include usbredir \"f\" to "
	    "\"cn:ws-*\" lease 1h\n", &means);
	static const struct rule_interface storage[] = {IFACE(8, 6, 0x50)};
	struct rule_device dev = sample_device();
	struct rule_decision d;
	struct x509_facts who;
	struct rules *rules;

	(void)state;
	sample_identity(&who);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_BLOCK);
	dev.interfaces = storage;
	dev.ninterfaces = 1;
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_string_equal(d.file, "f");
	assert_int_equal(d.line, 2);
	assert_int_equal(d.grant.lease, 3600);
	rules_free(rules);
	load = load_main("include citrix \"c\" to \"cn:ws-*\"\n", &means);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	assert_int_equal(d.line, 1);
	rules_free(rules);
	assert_error("include usbredir \"bad\" to \"cn:a\"\n", &means, "bad",
	    2, "");
}

static void
defaults(void **state)
{
	const struct rules_issuer issuers[] = {{"corp", {1}}, {"labs", {2}}};
	struct rules_means means = {.is_gateway = 1, .is_zone = is_zone,
	    .nissuers = 2, .issuers = issuers, .nnamed = 2};
	const char *const profiles[] = {"p", "q"};

	(void)state;
	means.profiles = profiles;
	means.nprofiles = 2;
	assert_rules("default issuer corp\ndefault using \"p\"\n"
	    "default tz \"Europe/Berlin\"\n"
	    "allow to \"ou:x\"\n"
	    "allow to all-of { \"ou:x\" \"issuer:labs\" } using \"q\"\n"
	    "allow to \"cn:y\" if { localtime(08:00-09:00) "
	    "!localtime(08:30 Europe/Berlin) }\n"
	    "block to \"cn:y\"\n", &means,
	    "allow to \"ou:x\" and \"issuer:corp\" using \"p\"\n"
	    "allow to all-of { \"ou:x\" \"issuer:labs\" } using \"q\"\n"
	    "allow to \"cn:y\" and \"issuer:corp\" using \"p\" "
	    "if { localtime(08:00-09:00 Europe/Berlin) "
	    "!localtime(08:30 Europe/Berlin) }\n"
	    "block to \"cn:y\" and \"issuer:corp\"\n");
	assert_error("default using \"p\"\ndefault using \"p\"\n", &means,
	    "main", 2, "given twice in one file, first in line 1");
}

/* With several CAs a `to' says of which; only what cannot be of another one
 * does. */
static void
several_issuers(void **state)
{
	static const char *const named[] = {
	    "\"issuer:corp\"", "\"issuer:CN=Some CA\"",
	    "all-of { \"ou:x\" \"issuer:corp\" }",
	    "one-of { \"issuer:corp\" \"issuer:labs\" }",
	    "\"ou:x\" and \"issuer:corp\"", "\"@one\"",
	    "\"fp:sha256:" HEX64 "\""};
	static const char *const unnamed[] = {"\"ou:x\"",
	    "one-of { \"ou:x\" \"issuer:corp\" }", "\"@two\"",
	    "\"ou:x\" and none-of { \"issuer:labs\" }"};
	const struct rules_issuer issuers[] = {{"corp", {1}}, {"labs", {2}}};
	struct rules_means means = {.nissuers = 2, .issuers = issuers,
	    .nnamed = 2};
	static const char groups[] =
	    "workstations one = { \"issuer:corp\" }\n"
	    "workstations two = { \"issuer:corp\" \"cn:x\" }\n";
	struct rule_device dev = sample_device();
	struct rule_decision d;
	struct x509_facts who;
	struct rules *rules;
	struct rules_load *load;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		snprintf(text, sizeof(text), "%sallow to %s\n", groups,
		    named[i]);
		load = load_main(text, &means);
		assert_int_equal(rules_load_finish(load, &rules), 0);
		rules_free(rules);
		rules_load_free(load);
	}
	for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++) {
		snprintf(text, sizeof(text), "%sallow to %s\n", groups,
		    unnamed[i]);
		assert_error(text, &means, "main", 3,
		    "does not say of which CA, and the gateway trusts 2");
	}
	/* the name of a CA is its key, whatever it calls itself */
	sample_identity(&who);
	load = load_main("allow to \"issuer:labs\"\n", &means);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	snprintf(who.issuer, sizeof(who.issuer), "labs");
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_BLOCK);
	memset(who.issuer_key, 0, 32);
	who.issuer_key[0] = 2;
	rules_decide(rules, &dev, &who, NULL, &d);
	assert_int_equal(d.verdict, RULE_ALLOW);
	rules_free(rules);
}

static void
what_the_gateway_has(void **state)
{
	const char *const profiles[] = {"keyboard", "raw", "storage-ro"};
	struct rules_means means = {.is_gateway = 1, .is_zone = is_zone};

	(void)state;
	assert_error("allow to \"cn:a\" using \"raw\"\n", &means, "main", 1,
	    "\"raw\": this gateway has no profile of that name; it has none");
	assert_error("allow to \"cn:a\" capture\n", &means, "main", 1,
	    "`capture': this gateway keeps no captures");
	means.profiles = profiles;
	means.nprofiles = 3;
	means.has_capture = 1;
	assert_rules("allow to \"cn:a\" using \"raw\" capture\n", &means,
	    "allow to \"cn:a\" using \"raw\" capture\n");
	assert_error("allow to \"cn:a\" using \"rw\"\n", &means, "main", 1,
	    "it has `keyboard', `raw' and `storage-ro'");
	assert_error("allow to \"cn:a\" expose { hid using \"x\" }\n",
	    &means, "main", 1, "no profile of that name");
	assert_error("default using \"x\"\nallow to \"cn:a\"\n", &means,
	    "main", 1, "no profile of that name");
	assert_error("allow to \"cn:a\" window { Mon 01:00-02:00 } tz "
		     "\"Mars\"\n", &means, "main", 1, "no such time zone");
	assert_error("block if localtime(01:00 Mars)\n", &means, "main", 1,
	    "no time zone `Mars'");
}

/* C1 to C7, by line, also of lines that are errors here. */
static void
keep_difference(void *arg, const char *file, unsigned line, const char *name,
    const char *text)
{
	char *out = arg;
	size_t n = strlen(out);

	assert_string_equal(file, "u");
	assert_true(strlen(text) > 20);
	snprintf(out + n, 256 - n, "%u%s ", line, name);
}

static void
differences(void **state)
{
	static const char text[] =
	    "allow id 046d:c52b name \"ABCD\"\n"
	    "allow id { 1234:5678 046D:* }\n"
	    "allow label \"a\" label \"b\"\n"
	    "allow with-interface { 03:*:* 03:01:* }\n"
	    "allow with-interface { 03:00:00 03:01:01 }\n"
	    "allow with-interface one-of { 03:*:* 03:*:* }\n"
	    "match id 1:2\n"
	    "block serial match-all { \"x\" } name match-all { \"y\" }\n"
	    "block with-interface match-all { 03:*:* }\n"
	    "block if { !localtime(08:00) rule-applied(5) }\n"
	    "device\n";
	struct rules_load *load = rules_load_new();
	char out[256] = "";

	(void)state;
	assert_int_equal(rules_load_text_as(load, RULES_USBGUARD, "u", text,
			     strlen(text)), 0);
	rules_load_differences(load, keep_difference, out);
	assert_string_equal(
	    out, "2C1 3C6 4C2 7C7 8C3 8C3 10C4 10C5 11C7 ");
	assert_int_equal(rules_load_error_count(load), 3);
	rules_load_free(load);
	/* ours has none */
	load = load_main("block id 046D:*\n", NULL);
	rules_load_differences(load, keep_difference, NULL);
	rules_load_free(load);
}

/* --- texts that are meant to hurt --- */

/* The same text for every name: each file includes two more. */
static int
read_tree(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	char text[128];
	size_t *n = arg;

	(void)from;
	(void)why;
	(void)size;
	(*n)++;
	snprintf(text, sizeof(text), "include \"%.40sa\"\ninclude \"%.40sb\"\n",
	    path, path);
	out->name = strdup(path);
	out->text = strdup(text);
	out->len = strlen(text);
	return 0;
}

/* One file of 6 MiB, whatever its name. */
static int
read_large(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	(void)arg;
	(void)from;
	(void)why;
	(void)size;
	out->len = 6u << 20;
	out->name = strdup(path);
	out->text = malloc(out->len + 1);
	memset(out->text, '\n', out->len);
	return 0;
}

static void
includes_that_hurt(void **state)
{
	const char *circle[] = {"main2", "include \"b\"\n",
	    "b", "include \"c\"\n", "c", "\ninclude \"b\"\n", NULL};
	struct rules_means means = {.read = read_row, .arg = circle};
	size_t n = 0;

	(void)state;
	assert_error("include \"b\"\n", &means, "c", 2,
	    "includes itself, in a circle");
	assert_error("include \"main\"\n", &means, "main", 1, "no such file");
	circle[0] = "main";
	assert_error("include \"main\"\n", &means, "main", 1,
	    "includes itself, in a circle");
	/* twice is no circle */
	circle[5] = "block\n";
	assert_rules("include \"c\"\ninclude \"c\"\n", &means,
	    "block\nblock\n");
	means = (struct rules_means){.read = read_tree, .arg = &n};
	assert_error("include \"x\"\n", &means,
	    "xaaaaaaaaaaaaaaa", 1, "nested more than 16 deep");
	assert_true(n <= 1000);
	means = (struct rules_means){.read = read_large};
	assert_error("include \"1\"\ninclude \"2\"\ninclude \"3\"\n",
	    &means, "main", 3, "larger than 16 MiB");
}

static void
assert_hurts(const char *text, size_t len, const char *says)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	int r = rules_load_text(load, "main", text, len);

	assert_true(r == 0 || r == ERR_LIMIT);
	assert_int_equal(rules_load_finish(load, &rules), ERR_FORMAT);
	if (strstr(rules_load_error(load, 0)->text, says) == NULL) {
		fail_msg("%s", rules_load_error(load, 0)->text);
	}
	rules_load_free(load);
}

static void
texts_that_hurt(void **state)
{
	static char text[(16u << 20) + 2];
	size_t n = 0;

	(void)state;
	memset(text, '#', sizeof(text));
	assert_hurts(text, (16u << 20) + 1, "larger than 16 MiB");
	memset(text, '{', 10000);
	memcpy(text, "block id ", 9);
	assert_hurts(text, 10000, "unexpected `{'");
	for (n = 0; n < 20000; n += 2) {
		memcpy(text + n, "{ ", 2);
	}
	memcpy(text, "allow expose ", 13);
	assert_hurts(text, n, "unexpected `{'");
	memset(text, 0, 100000);
	assert_hurts(text, 100000, "NUL byte");
	/* a condition, a query and a `to' as long as a file may be */
	memset(text, 'x', 8u << 20);
	memcpy(text, "block if armed(", 15);
	assert_hurts(text, 8u << 20, "is not closed");
	text[(8u << 20) - 1] = ')';
	assert_hurts(text, 8u << 20, "expected armed");
	memcpy(text, "block if allowed-matches(", 25);
	assert_hurts(text, 8u << 20, "in its query: ");
	n = (size_t)snprintf(text, 64, "allow to \"cn:a\"");
	while (n < 4u << 20) {
		memcpy(text + n, " and \"cn:a\"", 12);
		n += 11;
	}
	memcpy(text + n, " x", 2);
	assert_hurts(text, n + 2, "unknown attribute `x'");
	/* queries without end */
	n = (size_t)snprintf(text, 64, "block if one-of {");
	for (int i = 0; i < 5000; i++) {
		if (i == 2500) { /* of two rules: a set has an end as well */
			n += (size_t)snprintf(
			    text + n, 64, " }\nblock if one-of {");
		}
		n += (size_t)snprintf(text + n, 64, " exported-matches(*:*)");
	}
	memcpy(text + n, " }", 2);
	assert_hurts(text, n + 2, "more than 4096 queries");
	/* selectors without end */
	n = (size_t)snprintf(text, 64, "allow to \"cn:a\" expose {");
	for (int i = 0; i < 100000; i++) {
		memcpy(text + n, " hid", 4);
		n += 4;
	}
	memcpy(text + n, " }", 2);
	assert_hurts(text, n + 2, "names more than 256 interfaces");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_stand_in_their_place),
		cmocka_unit_test(usbguard_files),
		cmocka_unit_test(keys_of_includes_are_not_one),
		cmocka_unit_test(filters_of_others),
		cmocka_unit_test(defaults),
		cmocka_unit_test(several_issuers),
		cmocka_unit_test(what_the_gateway_has),
		cmocka_unit_test(differences),
		cmocka_unit_test(includes_that_hurt),
		cmocka_unit_test(texts_that_hurt),
	};

	return cmocka_run_group_tests_name("rules_include", tests, NULL, NULL);
}
