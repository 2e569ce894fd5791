/*
 * Filters of usbredir and Citrix in our words: what is said, what is refused,
 * and that no device is allowed that the original refuses. usbredir's own
 * library is asked for that, and for Citrix a model of its documentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <usbredirfilter.h>

#include "policy/rules/foreign.h"
#include "tests/unit/rnd.h"
#include "tests/unit/rules_body.h"

struct output {
	char text[1u << 20];
	size_t n, stop;
};

static int
keep(void *arg, unsigned line, const char *rule, size_t len)
{
	struct output *out = arg;

	assert_true(out->n + len + 16 < sizeof(out->text));
	out->n += (size_t)snprintf(out->text + out->n,
	    sizeof(out->text) - out->n, "%u: %.*s\n", line, (int)len, rule);
	return out->stop != 0 && out->n >= out->stop ? 7 : 0;
}

static void
assert_becomes(enum foreign_kind kind, const char *text, const char *rules)
{
	static struct output out;
	struct foreign_error err;

	out.n = 0;
	out.text[0] = '\0';
	if (foreign_translate(kind, text, strlen(text), keep, &out, &err) !=
	    0) {
		fail_msg("%s\n%u:%u: %s", text, err.line, err.column,
		    err.text);
	}
	assert_string_equal(out.text, rules);
}

static void
assert_not(enum foreign_kind kind, const char *text, unsigned line,
    unsigned column, const char *says)
{
	static struct output out;
	struct foreign_error err;
	int r;

	out.n = 0;
	out.text[0] = '\0';
	r = foreign_translate(kind, text, strlen(text), keep, &out, &err);
	if (r != ERR_FORMAT || err.line != line || err.column != column ||
	    strstr(err.text, says) == NULL) {
		fail_msg("%s\n%d %u:%u: %s\nexpected %u:%u: %s", text, r,
		    err.line, err.column, err.text, line, column, says);
	}
	assert_int_equal(out.n, 0); /* all or nothing */
}

static void
test_usbredir(void **state)
{
	(void)state;
	assert_becomes(FOREIGN_USBREDIR,
	    "0x03,-1,-1,-1,0|-1,-1,-1,-1,1",
	    "1: block with-interface one-of { 03:*:* }\n"
	    "1: allow\n");
	assert_becomes(FOREIGN_USBREDIR,
	    "# sticks\n"
	    "\n"
	    "8,0x0781,-1,-1,1 | 0x08,1921,0x5581,0x0110,0\r\n"
	    "|-1, 0x046D ,-1,-1,1||\n"
	    "-1,010,0x1,-1,0",
	    "3: allow id 0781:* with-interface only { 08:*:* }\n"
	    "3: block id 0781:5581 release 1.10 with-interface one-of { "
	    "08:*:* }\n"
	    "4: allow id 046d:*\n"
	    "5: block id 0008:0001\n");
	assert_becomes(FOREIGN_USBREDIR, "", "");
	assert_becomes(FOREIGN_USBREDIR, "||\n#x|\n", "");
	/* a headset: what was allowed before for the same devices, too */
	assert_becomes(FOREIGN_USBREDIR,
	    "1,-1,-1,-1,1|1,-1,-1,-1,1|9,7,-1,-1,1|3,5,6,-1,1",
	    "1: allow with-interface only { 01:*:* }\n"
	    "1: allow with-interface only { 01:*:* }\n"
	    "1: allow id 0007:* with-interface only { 01:*:* 09:*:* }\n"
	    "1: allow id 0005:0006 with-interface only { 01:*:* 03:*:* }\n");
}

static void
test_usbredir_errors(void **state)
{
	(void)state;
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,1|\n 3,-1,-1,-1", 2, 12,
	    "no allow");
	assert_not(FOREIGN_USBREDIR, "3", 1, 2, "no vendor");
	assert_not(FOREIGN_USBREDIR, "3,,-1,-1,1", 1, 3, "vendor: expected");
	assert_not(FOREIGN_USBREDIR, "256,-1,-1,-1,1", 1, 1, "up to 255");
	assert_not(FOREIGN_USBREDIR, "3,0x10000,-1,-1,1", 1, 3, "65535");
	assert_not(FOREIGN_USBREDIR, "3,99999999999999999999,-1,-1,1", 1, 3,
	    "65535");
	assert_not(FOREIGN_USBREDIR, "08,-1,-1,-1,1", 1, 1, "class");
	assert_not(FOREIGN_USBREDIR, "0x,-1,-1,-1,1", 1, 1, "class");
	assert_not(FOREIGN_USBREDIR, "-2,-1,-1,-1,1", 1, 1, "class");
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,-1", 1, 12, "allow");
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,2", 1, 12, "allow");
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,1,1", 1, 13, "more than");
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,1,", 1, 13, "more than");
	assert_not(FOREIGN_USBREDIR, "3,-1,-1,-1,1 # x", 1, 12, "allow");
	assert_not(FOREIGN_USBREDIR, "-1,-1,-1,-1,1|-1,-1,5,-1,1", 1, 15,
	    "a product without a vendor");
}

static void
test_citrix(void **state)
{
	(void)state;
	/* what its documentation shows */
	assert_becomes(FOREIGN_CITRIX,
	    "DENY: class=09 # Hub devices\n"
	    "DENY: class=03 subclass=01 # HID Boot device\n"
	    "deny:class=0B;\tDeny : CLASS=e0 prot=1 subclass=01\r\n"
	    "CONNECT: vid=046D pid=0002 rel=110 # and so; on: and on\n"
	    "ALLOW: vid=1188 class=3\n"
	    "ALLOW: # Ultimate fallback: allow everything else\n",
	    "1: block with-interface one-of { 09:*:* }\n"
	    "2: block with-interface one-of { 03:01:* }\n"
	    "3: block with-interface one-of { 0b:*:* }\n"
	    "3: block with-interface one-of { e0:01:01 }\n"
	    "4: allow id 046d:0002 release 1.10\n"
	    "5: allow id 1188:* with-interface only { 03:*:* }\n"
	    "6: allow\n");
	assert_becomes(FOREIGN_CITRIX, "#ALLOW:\n;;\n", "");
}

static void
test_citrix_split(void **state)
{
	(void)state;
	assert_becomes(FOREIGN_CITRIX,
	    "DENY: vid=1188 pid=A001 split=01 intf=00 # keys\n"
	    "CONNECT: vid=1188 pid=A001 split=01 intf=00,01\n"
	    "DENY: vid=1188 pid=A301 split=01 intf=02\n"
	    "ALLOW: vid=1188 pid=A301 intf=00,01 split=1\n"
	    "ALLOW: vid=1188 pid=A301 split=01 intf=02,3\n"
	    "DENY: vid=17e9 split=00",
	    "2: allow id 1188:a001 expose { interface 1 }\n"
	    "4: allow id 1188:a301 expose { interface 0 interface 1 "
	    "interface 3 }\n"
	    "6: block id 17e9:*\n");
	assert_not(FOREIGN_CITRIX,
	    "DENY: class=03\n DENY: vid=1188 pid=A001 split=01 intf=00\n"
	    "DENY: vid=1188 pid=A001\n"
	    "ALLOW: vid=1188 pid=A001 split=01 intf=01\n",
	    2, 2, "expected an ALLOW or CONNECT of this device");
	assert_not(FOREIGN_CITRIX, "ALLOW: vid=1 pid=2 split=01", 1, 1,
	    "together");
	assert_not(FOREIGN_CITRIX, "ALLOW: vid=1 pid=2 intf=01", 1, 1,
	    "together");
	assert_not(FOREIGN_CITRIX, "ALLOW: vid=1 split=01 intf=01", 1, 1,
	    "split device");
	assert_not(FOREIGN_CITRIX,
	    "ALLOW: vid=1 pid=2 class=3 split=01 intf=01", 1, 1,
	    "split device");
	/* hexadecimal or not: nobody says */
	assert_not(FOREIGN_CITRIX, "ALLOW: vid=1 pid=2 split=1 intf=1,10", 1,
	    35, "intf");
	assert_not(FOREIGN_CITRIX, "ALLOW: vid=1 pid=2 split=1 intf=1,", 1,
	    35, "intf");
}

static void
test_citrix_errors(void **state)
{
	(void)state;
	assert_not(FOREIGN_CITRIX, "ALLOW:\nPERMIT: vid=1", 2, 1,
	    "expected ALLOW:");
	assert_not(FOREIGN_CITRIX, "ALLOW vid=1", 1, 1, "expected ALLOW:");
	assert_not(FOREIGN_CITRIX, "ALLOW", 1, 1, "expected ALLOW:");
	assert_not(FOREIGN_CITRIX, "DENY: vid=1 ALLOW: vid=2", 1, 13,
	    "expected vid=");
	assert_not(FOREIGN_CITRIX, "DENY: vid=12345", 1, 11, "FFFF");
	assert_not(FOREIGN_CITRIX, "DENY: vid=0x12", 1, 11, "hexadecimal");
	assert_not(FOREIGN_CITRIX, "DENY: vid=", 1, 11, "hexadecimal");
	assert_not(FOREIGN_CITRIX, "DENY: class=100", 1, 13, "FF");
	assert_not(FOREIGN_CITRIX, "DENY: class = 10", 1, 7, "expected vid=");
	assert_not(FOREIGN_CITRIX, "DENY: serial=1", 1, 7, "expected vid=");
	assert_not(FOREIGN_CITRIX, "DENY: vid=1 VID=2", 1, 13, "twice");
	assert_not(FOREIGN_CITRIX, "DENY: pid=1", 1, 1, "without a vendor");
	assert_not(FOREIGN_CITRIX, "DENY: subclass=1", 1, 1,
	    "without a class");
	assert_not(FOREIGN_CITRIX, "DENY: class=3 prot=1", 1, 1,
	    "without a subclass");
	/* the registry joins rules by `;', a comment too */
	assert_not(FOREIGN_CITRIX, "Allow: VID=1 # it ; Deny: Class=03", 1, 21,
	    "or a part of the comment?");
}

static void
test_bounds(void **state)
{
	static char text[(FOREIGN_MAX_RULES + 1) * 8 + 1];
	static struct output out;
	struct foreign_error err;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i <= FOREIGN_MAX_RULES; i++) {
		memcpy(text + n, "DENY: ; ", 8);
		n += 8;
	}
	assert_int_equal(foreign_translate(FOREIGN_CITRIX, text, n, keep, &out,
			     &err), ERR_LIMIT);
	assert_int_equal(err.line, 1);
	assert_int_equal(out.n, 0);
	out.stop = 1;
	assert_int_equal(foreign_translate(FOREIGN_CITRIX, text, n - 8, keep,
			     &out, &err), 7);
	assert_string_equal(out.text, "1: block\n");
	out.n = out.stop = 0;
	assert_int_equal(foreign_translate(FOREIGN_USBREDIR,
			     "1,-1,-1,-1,0\n\0|", 15, keep, &out, &err),
	    ERR_FORMAT);
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 1);
	/* 300 classes: one rule takes 256 of them */
	n = out.n = 0;
	for (size_t i = 0; i < 300; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "ALLOW: class=%zx subclass=%zx;", i / 256, i % 256);
	}
	assert_int_equal(foreign_translate(FOREIGN_CITRIX, text, n, keep, &out,
			     &err), 0);
	assert_int_equal(out.text[out.n - 2], '}');
}

/* --- against the originals --- */

static void
add_ours(struct rules_load *load, const char *rules)
{
	assert_int_equal(
	    rules_load_text(load, "f", rules, strlen(rules)), 0);
}

static int
load_rule(void *arg, unsigned line, const char *rule, size_t len)
{
	char text[4096];

	(void)line;
	snprintf(text, sizeof(text), "default to any\n%.*s\n", (int)len, rule);
	add_ours(arg, text);
	return 0;
}

static struct rules *
translated(enum foreign_kind kind, const char *text)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct foreign_error err;

	assert_int_equal(foreign_translate(kind, text, strlen(text), load_rule,
			     load, &err), 0);
	assert_int_equal(rules_load_finish(load, &rules), 0);
	rules_load_free(load);
	return rules;
}

/* Few values, so that rules and devices meet. */
static void
random_device(struct rnd *rnd, struct rule_device *dev,
    struct rule_interface ifaces[3])
{
	static const uint8_t classes[] = {1, 3, 8};

	*dev = sample_device();
	dev->vid = (uint16_t)(1 + rnd_below(rnd, 2));
	dev->pid = (uint16_t)(1 + rnd_below(rnd, 2));
	dev->bcd_device = (uint16_t)(0x100 + rnd_below(rnd, 2));
	dev->interfaces = ifaces;
	dev->ninterfaces = 1 + rnd_below(rnd, 3);
	for (size_t i = 0; i < dev->ninterfaces; i++) {
		ifaces[i] = (struct rule_interface){
		    .class = classes[rnd_below(rnd, 3)],
		    .subclass = (uint8_t)rnd_below(rnd, 2),
		    .protocol = (uint8_t)rnd_below(rnd, 2)};
	}
}

struct tally {
	unsigned both, neither, stricter;
};

/* theirs = the original allows it. With one interface both are the same. */
static void
compare(const char *text, const struct rules *rules,
    const struct rule_device *dev, int theirs, struct tally *tally)
{
	struct rule_decision d;
	int ours;

	rules_decide(rules, dev, NULL, NULL, &d);
	ours = d.verdict == RULE_ALLOW;
	if (ours > theirs || (dev->ninterfaces == 1 && ours != theirs)) {
		fail_msg("%s\n%04x:%04x %zu interfaces, first %02x: ours %d, "
			 "theirs %d",
		    text, dev->vid, dev->pid, dev->ninterfaces,
		    dev->interfaces[0].class, ours, theirs);
	}
	tally->both += ours && theirs;
	tally->neither += !ours && !theirs;
	tally->stricter += !ours && theirs;
}

static int
usbredir_allows(const char *text, const struct rule_device *dev)
{
	struct usbredirfilter_rule *rules;
	uint8_t class[3], subclass[3], protocol[3];
	int n, r;

	assert_int_equal(usbredirfilter_string_to_rules(
			     text, ",", "|", &rules, &n), 0);
	for (size_t i = 0; i < dev->ninterfaces; i++) {
		class[i] = dev->interfaces[i].class;
		subclass[i] = dev->interfaces[i].subclass;
		protocol[i] = dev->interfaces[i].protocol;
	}
	r = usbredirfilter_check(rules, n, 0, 0, 0, class, subclass, protocol,
	    (int)dev->ninterfaces, dev->vid, dev->pid, dev->bcd_device, 0);
	free(rules);
	return r == 0;
}

static void
test_usbredir_same(void **state)
{
	static const char *const classes[] = {"-1", "1", "0x03", "010"};
	static const char *const vids[] = {"-1", "1", "0x0002"};
	static const char *const pids[] = {"-1", "-1", "1", "2"};
	static const char *const releases[] = {"-1", "-1", "0x100"};
	struct rnd rnd = {4711};
	struct tally tally = {0};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char text[1024];
		size_t n = 0, nrules = 1 + rnd_below(&rnd, 5);
		struct rules *rules;

		for (size_t i = 0; i < nrules; i++) {
			uint32_t v = rnd_below(&rnd, 3);

			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s,%s,%s,%s,%u", i > 0 ? "|" : "",
			    classes[rnd_below(&rnd, 4)], vids[v],
			    v == 0 ? "-1" : pids[rnd_below(&rnd, 4)],
			    releases[rnd_below(&rnd, 3)],
			    (unsigned)rnd_below(&rnd, 2));
		}
		rules = translated(FOREIGN_USBREDIR, text);
		for (int i = 0; i < 10; i++) {
			struct rule_interface ifaces[3];
			struct rule_device dev;

			random_device(&rnd, &dev, ifaces);
			compare(text, rules, &dev, usbredir_allows(text, &dev),
			    &tally);
		}
		rules_free(rules);
	}
	print_message("# usbredir: both %u, neither %u, ours stricter %u\n",
	    tally.both, tally.neither, tally.stricter);
	assert_true(tally.both > 4 * tally.stricter);
	assert_true(tally.neither > 1000);
}

struct citrix_rule {
	int is_allow, vid, class, subclass; /* -1 = any */
};

/* The first match of each interface allows it. */
static int
citrix_allows(const struct citrix_rule *rules, size_t n,
    const struct rule_device *dev)
{
	for (size_t i = 0; i < dev->ninterfaces; i++) {
		const struct rule_interface *in = &dev->interfaces[i];
		size_t j = 0;

		while (j < n &&
		    ((rules[j].vid != -1 && rules[j].vid != dev->vid) ||
			(rules[j].class != -1 &&
			    rules[j].class != in->class) ||
			(rules[j].subclass != -1 &&
			    rules[j].subclass != in->subclass))) {
			j++;
		}
		if (j == n || !rules[j].is_allow) {
			return 0;
		}
	}
	return 1;
}

static void
test_citrix_same(void **state)
{
	struct rnd rnd = {4712};
	struct tally tally = {0};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct citrix_rule model[5];
		char text[1024];
		size_t n = 0, nrules = 1 + rnd_below(&rnd, 5);
		struct rules *rules;

		for (size_t i = 0; i < nrules; i++) {
			static const int classes[] = {-1, 1, 3, 8};
			struct citrix_rule r = {(int)rnd_below(&rnd, 2),
			    (int)rnd_below(&rnd, 3),
			    classes[rnd_below(&rnd, 4)],
			    (int)rnd_below(&rnd, 3) - 1};

			r.vid = r.vid == 0 ? -1 : r.vid;
			r.subclass = r.class == -1 ? -1 : r.subclass;
			model[i] = r;
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s:", r.is_allow ? "ALLOW" : "DENY");
			if (r.vid != -1) {
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, " vid=%04x", r.vid);
			}
			if (r.class != -1) {
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, " class=%02x", r.class);
			}
			if (r.subclass != -1) {
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, " subclass=%02x",
				    r.subclass);
			}
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, " # %zu\n", i);
		}
		rules = translated(FOREIGN_CITRIX, text);
		for (int i = 0; i < 10; i++) {
			struct rule_interface ifaces[3];
			struct rule_device dev;

			random_device(&rnd, &dev, ifaces);
			compare(text, rules, &dev,
			    citrix_allows(model, nrules, &dev), &tally);
		}
		rules_free(rules);
	}
	print_message("# citrix: both %u, neither %u, ours stricter %u\n",
	    tally.both, tally.neither, tally.stricter);
	assert_true(tally.both > 4 * tally.stricter);
	assert_true(tally.neither > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usbredir),
	    cmocka_unit_test(test_usbredir_errors),
	    cmocka_unit_test(test_citrix),
	    cmocka_unit_test(test_citrix_split),
	    cmocka_unit_test(test_citrix_errors),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_usbredir_same),
	    cmocka_unit_test(test_citrix_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
