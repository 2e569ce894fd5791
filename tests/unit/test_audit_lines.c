/*
 * What the lines of the audit log say: serial numbers that are hidden, and that
 * no device is given away which no line could tell of. That lines are as
 * docs/AUDIT.md has them is seen to by the end of each test of the warden.
 */
#include <signal.h>
#include <sys/resource.h>

#include "proxy/ctl/audit.h"
#include "tests/unit/lease_body.h"

static void
give_serial(unsigned i, const char *serial, const char *name)
{
	(void)snprintf(devs[i].store->serial, sizeof(devs[i].store->serial),
	    "%s", serial);
	devs[i].facts.serial = devs[i].store->serial;
	(void)snprintf(devs[i].name, sizeof(devs[i].name), "%s", name);
}

/* The last line with that event. */
static json_t *
last_line(const char *event)
{
	char line[8192];
	json_t *last = NULL;
	FILE *f = fopen(audit_path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		json_t *o = json_loads(line, 0, NULL);
		const char *is =
		    json_string_value(json_object_get(o, "event"));

		if (is != NULL && strcmp(is, event) == 0) {
			json_decref(last);
			last = json_incref(o);
		}
		json_decref(o);
	}
	(void)fclose(f);
	assert_non_null(last);
	return last;
}

static const char *
of_device(const json_t *o, const char *name)
{
	return json_string_value(
	    json_object_get(json_object_get(o, "device"), name));
}

static void
test_serials_are_hidden(void **state)
{
	char serial[64], text[4096];
	uint8_t key[32];
	json_t *o;
	FILE *f;

	(void)state;
	w->conf.audit_serials = (char *)(uintptr_t) "hashed";
	assert_int_equal(audit_serials(w), 0);
	give_serial(0, "A/1", "1234:5678:A%2F1@p:1");
	give_serial(1, "A/1", "1234:9999:A%2F1@p:2");
	use_rules("allow id *:*");
	assert_int_equal(import(0, "desk-1", 0), 0);
	o = last_line("import");
	(void)snprintf(
	    serial, sizeof(serial), "%s", of_device(o, "serial"));
	assert_int_equal(strlen(serial), 5 + 16);
	assert_memory_equal(serial, "hmac-", 5);
	assert_null(of_device(o, "hash"));
	(void)snprintf(text, sizeof(text), "1234:5678:%s@p:1", serial);
	assert_string_equal(of_device(o, "stable"), text);
	json_decref(o);
	/* the same number is the same, wherever it is */
	assert_int_equal(import(1, "desk-2", 1), 0);
	o = last_line("import");
	assert_string_equal(of_device(o, "serial"), serial);
	json_decref(o);
	/* another of it is another, and none is none */
	leave(1);
	give_serial(1, "A/2", "1234:9999:A%2F2@p:2");
	assert_int_equal(import(1, "desk-2", 1), 0);
	o = last_line("import");
	assert_string_not_equal(of_device(o, "serial"), serial);
	json_decref(o);
	leave(1);
	give_serial(1, "", "1234:9999@p:2");
	assert_int_equal(import(1, "desk-2", 1), 0);
	o = last_line("import");
	assert_null(of_device(o, "serial"));
	assert_string_equal(of_device(o, "stable"), "1234:9999@p:2");
	json_decref(o);
	/* where a line names a device alone; and after a restart */
	memcpy(key, w->audit.hash_key, sizeof(key));
	memset(w->audit.hash_key, 0, sizeof(w->audit.hash_key));
	assert_int_equal(audit_serials(w), 0);
	assert_memory_equal(key, w->audit.hash_key, sizeof(key));
	audit_write(w, "quarantine", "cleared", NULL, NULL, NULL, "stable",
	    devs[0].name, (char *)NULL);
	(void)snprintf(text, sizeof(text),
	    "\"stable\":\"1234:5678:%s@p:1\"", serial);
	assert_true(audited("quarantine", text));
	/* nowhere is it as it was */
	f = fopen(audit_path, "r");
	assert_non_null(f);
	while (fgets(text, sizeof(text), f) != NULL) {
		assert_null(strstr(text, "A/1"));
		assert_null(strstr(text, "A%2F"));
	}
	(void)fclose(f);
}

static void
room_for(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A decision that nobody could ever read of gives nothing away. */
static void
test_no_log_no_device(void **state)
{
	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	use_rules("allow id *:*");
	assert_int_equal(import(0, "desk-1", 0), 0);
	(void)connect_as(1, "desk-2");
	room_for(w->audit.size + 10);
	assert_int_equal(import_now(1, 1, 0), ERR_BUSY);
	assert_true(w->audit.is_failing);
	assert_false(is_over(0)); /* what was given stays */
	assert_null(devs[1].holder);
	room_for(RLIM_INFINITY);
	audit_beat(&w->audit);
	assert_false(w->audit.is_failing);
	assert_true(audited("import", "the audit log cannot be written"));
	assert_true(audited("audit", "\"outcome\":\"resumed\""));
	leave(1);
	assert_int_equal(import(1, "desk-2", 1), 0);
}

/* What the search finds in lines of the warden's own. */
static unsigned
found(struct audit_query query)
{
	char line[8192];
	unsigned n = 0;
	FILE *f = fopen(audit_path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		json_t *o = json_loads(line, 0, NULL);

		n += audit_query_matches(&query, o) != 0;
		json_decref(o);
	}
	(void)fclose(f);
	return n;
}

static void
test_search(void **state)
{
	(void)state;
	give_serial(0, "S1", "045e:00db:S1@p:1");
	use_rules("allow id *:*\nblock id *:*");
	assert_int_equal(import(0, "desk-1", 0), 0);
	pass(60);
	assert_int_equal(import(1, "desk-2", 1), 0);
	pass(1);
#define FOUND(...) found((struct audit_query){__VA_ARGS__})
	/* identified and imported */
	assert_int_equal(FOUND(.identity = "desk-1"), 2);
	assert_int_equal(FOUND(.identity = "desk-*"), 4);
	assert_int_equal(FOUND(.identity = "desk"), 0);
	assert_int_equal(FOUND(.device = "1-1"), 1);
	assert_int_equal(FOUND(.device = "*:S1@*"), 1);
	assert_int_equal(FOUND(.device = "S1", .identity = "desk-1"), 1);
	assert_int_equal(FOUND(.device = "S1", .identity = "desk-2"), 0);
	assert_int_equal(FOUND(.event = "import"), 2);
	assert_int_equal(FOUND(.event = "import/allowed"), 2);
	assert_int_equal(FOUND(.event = "import/busy"), 0);
	/* use_rules writes one line before them */
	assert_int_equal(FOUND(.rule = "a.rules:2"), 2);
	assert_int_equal(FOUND(.rule = "*/a.rules"), 2);
	assert_int_equal(FOUND(.rule = "a.rules:20"), 0);
	assert_int_equal(FOUND(.rule = "implicit"), 0);
	assert_int_equal(FOUND(.event = "import",
			     .since = "2026-11-23T09:01"), 1);
	assert_int_equal(FOUND(.event = "import",
			     .until = "2026-11-23T09:00"), 1);
	assert_int_equal(FOUND(.event = "import", .until = "2026-11-23"), 2);
	assert_int_equal(FOUND(.event = "import",
			     .since = "2026-11-23T09:00:00.001Z"), 1);
	assert_int_equal(FOUND(.event = "import",
			     .since = "2026-11-23T09:01:00.001Z"), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_serials_are_hidden),
		TEST(test_no_log_no_device),
		TEST(test_search),
	};

	log_init("test_audit_lines");
	return cmocka_run_group_tests_name(
	    "lines of the audit log", tests, NULL, NULL);
}
