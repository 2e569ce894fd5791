/*
 * policy/rules: what is printed parses to the same. 10 000 generated files,
 * written in every way that the grammar has, are printed, parsed and printed
 * again, and both tables decide alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rnd.h"
#include "tests/unit/rules_body.h"
#include "tests/unit/rules_world.h"

#define FILES 10000
#define RULES 12
#define DEVICES 2
#define TEXT (64 * 1024)

struct text {
	char *p;
	size_t n;
};

static void put(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->p + t->n, TEXT - t->n, fmt, ap);
	va_end(ap);
	assert_true(t->n < TEXT);
}

#define HEX64                                                                  \
	"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
#define PICK(r, list) (list)[rnd_below(r, sizeof(list) / sizeof((list)[0]))]

/* A blank, in one of its forms. */
static void
put_blank(struct text *t, struct rnd *r, int in_braces)
{
	static const char *const blanks[] = {" ", " ", " ", "  ", "\t",
	    " \\\n", " \\\n\t"};

	put(t, "%s", in_braces && rnd_below(r, 8) == 0 ? "\n # \"}{\n" :
							   PICK(r, blanks));
}

static void
put_string(struct text *t, struct rnd *r)
{
	static const char *const pieces[] = {"a", "S1", "\\\"", "\\\\",
	    "\\x41", "\\xFF", "\xc3\xa9", " ", "#", "{ }", "$x", "\t", "*"};
	unsigned n = rnd_below(r, 4);

	put(t, "\"");
	for (unsigned i = 0; i < n; i++) {
		put(t, "%s", PICK(r, pieces));
	}
	put(t, "\"");
}

static void
put_value(struct text *t, struct rnd *r, const char *attr)
{
	static const char *const ids[] = {"1234:5678", "05E0:1200", "05e0:*",
	    "*:*", "ABcd:*", "$id"};
	static const char *const interfaces[] = {"03:01:01", "03:*:*",
	    "0E:02:*", "ff:FF:ff", "08:06:50", "$if"};
	static const char *const releases[] = {"1.10", "0110", "2.*", "A.bC"};
	static const char *const speeds[] = {"low", "full", "high", "super"};
	static const char *const class_words[] = {"hid", "mass-storage",
	    "cdc-serial", "vendor", "hid-keyboard", "fido"};
	static const char *const who[] = {"\"cn:ws-*\"", "\"ou:Staff\"",
	    "\"dns:*.example\"", "\"@g\"", "\"@h\"", "$who", "\"ip:10.0.0.*\"",
	    "\"issuer:CN=x\""};
	static const char *const hubs[] = {"17ef:3060", "17EF:*", "\"3-*\"",
	    "\"usb1\"", "$hub"};
	static const char *const pins[] = {"\"hash:aGFzaA==\"",
	    "\"desc:sha256:" HEX64 "\"", "\"report:sha256:" HEX64 "\""};
	static const char *const conditions[] = {"true", "!true", "false(x y)",
	    "random(0.5)", "localtime(08:00-17:00)",
	    "!localtime(22:00 - 06:00:30 Europe/Berlin)",
	    "allowed-matches(name \"a(\\x29\" with-class hid)",
	    "exported-matches(1234:* under 17ef:*)", "rule-applied",
	    "rule-evaluated(00:10)", "session(unlocked)", "first-seen",
	    "!ambiguous", "plugged-within(10m)", "armed(\"svc\")",
	    "allowed-matches", "$cond"};

	if (strcmp(attr, "id") == 0) {
		put(t, "%s", PICK(r, ids));
	} else if (strcmp(attr, "with-interface") == 0) {
		put(t, "%s", PICK(r, interfaces));
	} else if (strcmp(attr, "release") == 0) {
		put(t, "%s", PICK(r, releases));
	} else if (strcmp(attr, "speed") == 0) {
		put(t, "%s", PICK(r, speeds));
	} else if (strcmp(attr, "with-class") == 0) {
		put(t, "%s", PICK(r, class_words));
	} else if (strcmp(attr, "to") == 0) {
		put(t, "%s", PICK(r, who));
	} else if (strcmp(attr, "under") == 0) {
		put(t, "%s", PICK(r, hubs));
	} else if (strcmp(attr, "pin") == 0) {
		put(t, "%s", PICK(r, pins));
	} else if (strcmp(attr, "if") == 0) {
		put(t, "%s", PICK(r, conditions));
	} else {
		put_string(t, r);
	}
}

static void
put_values(struct text *t, struct rnd *r, const char *attr, int is_ours)
{
	static const char *const ops[] = {"all-of", "one-of", "none-of",
	    "equals", "equals-ordered", "match-all", "only", "exactly"};
	int is_folding = strncmp(attr, "with-i", 6) == 0 ||
	    strncmp(attr, "with-cl", 7) == 0;
	unsigned n = 1 + rnd_below(r, 4);

	if (rnd_below(r, 3) == 0) {
		/* a define of several values needs an operator after ours */
		put_value(t, r, attr);
		return;
	}
	if (is_ours || rnd_below(r, 2) == 0) {
		const char *op = ops[rnd_below(r, is_folding ? 8 : 6)];

		if (strcmp(attr, "to") == 0 && strcmp(op, "none-of") == 0) {
			op = "one-of";
		}
		put(t, "%s", op);
		put_blank(t, r, 0);
	}
	put(t, "{");
	for (unsigned i = 0; i < n; i++) {
		if (i > 0 || rnd_below(r, 2)) {
			put_blank(t, r, 1);
		}
		put_value(t, r, attr);
	}
	put(t, rnd_below(r, 2) ? " }" : "}");
}

/* The terms of an allow, each once at most. */
static void
put_terms(struct text *t, struct rnd *r)
{
	static const char *const terms[][4] = {
		{"using \"p\"", "using \"storage-ro\"", "using  \"x\"",
		    "using \"a.b\""},
		{"expose { interface 1 using \"fido\"  smartcard }",
		    "expose {08:06:*}", "expose { 0E:*:* audio using \"x\" }",
		    "expose { hid-other interface 255 }"},
		{"lease 12h", "lease 30m idle 15m", "lease 1d", "lease 7s"},
		{"until \"2030-01-31T18:00:00Z\"",
		    "until \"2030-01-31T18:00:00.5+01:00\"",
		    "until \"2100-12-31t23:59:60z\"",
		    "until \"1971-01-01T00:00:00-23:59\""},
		{"hold 2m", "hold 1h", "hold 59s", "hold 9d"},
		{"once", "once", "once", "once"},
		{"max 1 per-workstation", "max 20 per-gateway",
		    "max 1000000 per-gateway", "max 2 per-workstation"},
		{"window { Mon-Fri 06:00-07:30 }",
		    "window { Sat 22:00-06:00 Sun 00:00-24:00 } tz \"Z\"",
		    "window {Fri-Mon 00:00:01-00:00:00}",
		    "window { Wed 01:00-02:00 } tz \"Europe/Berlin\""},
		{"approve by \"boss\"", "approve by \"x\" within 60s",
		    "approve by \"x\" valid 4h",
		    "approve by \"x\" within 1m valid 1d"},
		{"capture", "capture", "capture", "capture"},
	};
	unsigned first = rnd_below(r, 10), n = rnd_below(r, 5);

	for (unsigned i = 0; i < n; i++) {
		put_blank(t, r, 0);
		put(t, "%s", terms[(first + 3 * i) % 10][rnd_below(r, 4)]);
	}
}

/* The verdict; what of it may stand in such a rule. */
struct form {
	const char *text;
	int has_to, has_terms, has_audit;
};

static void
put_rule(struct text *t, struct rnd *r)
{
	static const struct form forms[] = {{"allow", 1, 1, 1},
	    {"allow", 1, 1, 1}, {"block", 1, 0, 1}, {"reject", 1, 0, 1},
	    {"forbid", 0, 0, 0}, {"forbid exposed", 0, 0, 0}};
	static const char *const attrs[] = {"id", "name", "serial", "hash",
	    "parent-hash", "via-port", "with-interface", "with-connect-type",
	    "label", "if", "manufacturer", "release", "speed", "with-class",
	    "under", "pin", "to"};
	/* a bare `forbid' would leave nothing to decide */
	const struct form *form =
	    &forms[rnd_below(r, 12) ? rnd_below(r, 4) : 4 + rnd_below(r, 2)];
	uint32_t seen = 0;
	unsigned n = form->has_to ? rnd_below(r, 5) : 2 + rnd_below(r, 3);

	put(t, "%s", form->text);
	if (form->has_to && rnd_below(r, 6) == 0) {
		put(t, " 05E0:*");
		seen = 1;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned a = rnd_below(r, form->has_to ? 17 : 16);

		if (seen & 1u << a) {
			continue;
		}
		seen |= 1u << a;
		put_blank(t, r, 0);
		put(t, "%s", attrs[a]);
		put_blank(t, r, 0);
		put_values(t, r, attrs[a], a > 9);
		if (a == 16 && rnd_below(r, 3) == 0) {
			put(t, " and none-of { \"cn:guest\" }");
		}
	}
	if (form->has_terms && rnd_below(r, 2)) {
		put_terms(t, r);
	}
	if (form->has_audit && rnd_below(r, 8) == 0) {
		put(t, " audit");
	}
	if (rnd_below(r, 4) == 0) {
		put(t, " key \"K-%u\"", rnd_below(r, 100));
	}
	if (rnd_below(r, 6) == 0) {
		put(t, " # comment \\ \" {");
	}
	put(t, "\n%s", rnd_below(r, 8) ? "" : "\n");
}

static const char head[] = "default to any\n"
			   "define id = { 05e0:1200 1234:* }\n"
			   "define if = 03:00:00\n"
			   "define hub = 17ef:3060\n"
			   "define cond = { first-seen !true }\n"
			   "define who = \"cn:ws-01\"\n"
			   "workstations g = { \"cn:x\" \"@h\" }\n"
			   "workstations h = { \"dns:*.example\" $who }\n";

static void
random_device(struct rule_device *dev, struct rule_interface *list,
    struct rnd *r)
{
	static const uint16_t vids[] = {0x05e0, 0x1234, 0xabcd};
	static const uint16_t pids[] = {0x1200, 0x5678};
	static const char *const texts[] = {"", "a", "S1", "A", "\"", "aS1"};
	static const struct rule_interface triples[] = {IFACE(3, 0, 0), IFACE(3, 1, 1),
	    IFACE(0x0e, 2, 0), IFACE(8, 6, 0x50), IFACE(0xff, 0xff, 0xff), IFACE(2, 2, 1)};

	*dev = sample_device();
	dev->vid = PICK(r, vids);
	dev->pid = PICK(r, pids);
	dev->name = PICK(r, texts);
	dev->serial = PICK(r, texts);
	dev->via_port = PICK(r, texts);
	dev->speed = (uint8_t)rnd_below(r, 6);
	dev->ninterfaces = rnd_below(r, 4);
	dev->interfaces = list;
	for (size_t i = 0; i < dev->ninterfaces; i++) {
		list[i] = PICK(r, triples);
	}
}

/* Prints every rule after the head, as one text. */
static size_t
print_all(const struct rules *rules, char *out)
{
	struct text t = {.p = out};

	put(&t, "%s", head);
	for (size_t i = 0; i < rules_count(rules); i++) {
		int n = rules_print(rules, i, out + t.n, TEXT - t.n);

		assert_true(n > 0);
		t.n += (size_t)n;
		put(&t, "\n");
	}
	return t.n;
}

struct last {
	unsigned line;
	int matched;
};

static void
keep_last(void *arg, const char *file, unsigned line, int matched,
    const char *reason)
{
	struct last *last = arg;

	(void)file;
	assert_true(strlen(reason) > 0);
	last->line = line;
	last->matched = matched;
}

static unsigned decided[5], implicit, exposed_all, terms;

/* Both tables decide alike; explaining agrees with deciding. */
static void
assert_alike(const struct rules *a, const struct rules *b, struct rnd *r)
{
	for (int i = 0; i < DEVICES; i++) {
		struct rule_interface list[4];
		struct rule_device dev;
		struct x509_facts who;
		const struct x509_facts *facts =
		    rnd_below(r, 5) ? &who : NULL;
		struct rule_decision da, db;
		const struct rule_world *world;
		struct last last = {0, 0};
		struct world w;

		sample_identity(&who);
		random_device(&dev, list, r);
		world_init(&w);
		w.lock = rnd_below(r, 2) ? RULE_UNLOCKED : RULE_LOCKED;
		w.draw = rnd_u32(r);
		w.local.second = rnd_below(r, 86400);
		w.local.weekday = (uint8_t)rnd_below(r, 7);
		w.exported = rnd_below(r, 2) ? &dev : NULL;
		w.had = rnd_below(r, 4) == 0;
		w.world.moment = RULE_AT_LIST;
		world = rnd_below(r, 4) ? &w.world : NULL;
		rules_decide(a, &dev, facts, world, &da);
		rules_decide(b, &dev, facts, world, &db);
		assert_int_equal(da.verdict, db.verdict);
		assert_string_equal(da.key, db.key);
		assert_int_equal(da.is_implicit, db.is_implicit);
		assert_int_equal(da.term, db.term);
		assert_int_equal(da.rule, db.rule);
		assert_memory_equal(
		    &da.exposes, &db.exposes, sizeof(da.exposes));
		assert_string_equal(da.grant.profile, db.grant.profile);
		assert_int_equal(da.grant.lease, db.grant.lease);
		terms += da.term != RULE_TERM_NONE;
		exposed_all += da.exposes.is_all;
		rules_explain(a, &dev, facts, world, keep_last, &last);
		assert_int_equal(last.matched, !da.is_implicit);
		if (last.matched) {
			assert_int_equal(last.line, da.line);
		}
		decided[da.verdict]++;
		implicit += da.is_implicit != 0;
	}
}

static void
keep_text(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	assert_true(t->n + len < TEXT);
	memcpy(t->p + t->n, text, len);
	t->n += len;
	t->p[t->n] = '\0';
}

static void
format(const char *text, char *out)
{
	struct rules_load *load = rules_load_new();
	struct text t = {.p = out};

	out[0] = '\0';
	assert_int_equal(rules_load_text(load, "f", text, strlen(text)), 0);
	assert_int_equal(rules_load_format(load, keep_text, &t), 0);
	rules_load_free(load);
}

static void
printing_is_the_inverse_of_parsing(void **state)
{
	static char text[TEXT], once[TEXT], twice[TEXT], formatted[TEXT];
	struct rnd rnd = {.state = 20260101};

	(void)state;
	for (int file = 0; file < FILES; file++) {
		struct text t = {.p = text};
		struct rules *a, *b, *c;

		put(&t, "%s", head);
		for (int i = 0; i < RULES; i++) {
			put_rule(&t, &rnd);
		}
		a = rules_of(text);
		assert_int_equal(rules_count(a), RULES);
		print_all(a, once);
		b = rules_of(once);
		print_all(b, twice);
		assert_string_equal(once, twice);
		assert_alike(a, b, &rnd);
		/* and so is fmt: names and comments stay, meaning too */
		format(text, formatted);
		c = rules_of(formatted);
		print_all(c, twice);
		assert_string_equal(once, twice);
		format(formatted, twice);
		assert_string_equal(formatted, twice);
		rules_free(a);
		rules_free(b);
		rules_free(c);
	}
	/* the devices were not all alike */
	assert_true(decided[RULE_ALLOW] > 100 && decided[RULE_BLOCK] > 100 &&
	    decided[RULE_REJECT] > 100 && decided[RULE_PENDING] > 10 &&
	    decided[RULE_DEPENDS] > 100 && terms > 10 && implicit > 10);
	assert_true(exposed_all < FILES * DEVICES);
}

static void
small_buffers(void **state)
{
	struct rules *rules = rules_of("block name \"abc\" key \"K\"\n");
	char buf[64];
	int n = rules_print(rules, 0, buf, sizeof(buf));

	(void)state;
	assert_string_equal(buf, "block name \"abc\" key \"K\"");
	assert_int_equal(n, 24);
	assert_int_equal(rules_print(rules, 0, buf, 25), 24);
	for (size_t size = 0; size <= 24; size++) {
		char small[25];

		memset(small, 'x', sizeof(small));
		assert_int_equal(
		    rules_print(rules, 0, small, size), ERR_NOMEM);
		assert_int_equal(small[size], 'x');
		if (size > 0) {
			assert_int_equal(small[size - 1], '\0');
		}
	}
	assert_int_equal(rules_print(rules, 1, buf, sizeof(buf)), ERR_NOMEM);
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing_is_the_inverse_of_parsing),
		cmocka_unit_test(small_buffers),
	};

	return cmocka_run_group_tests_name("rules_print", tests, NULL, NULL);
}
