/*
 * policy/rules: the index finds what comparing with every rule finds, and
 * compares with few. Counted, not timed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rules/ast.h"
#include "tests/unit/rnd.h"
#include "tests/unit/rules_body.h"

#define RULES 10000u
#define DEVICES 1000u
#define TEXT (4u << 20)

/* Each names one thing of one device or identity, in all ways that are found
 * by it. */
static size_t
put_rule(char *text, size_t size, unsigned i)
{
	static const char *const forms[] = {
		"allow id %04x:0001 to \"ou:Staff\"",
		"block serial \"S-%u\" with-class hid",
		"reject hash one-of { \"H-%u\" \"x\" }",
		"allow 0483:374b via-port \"9-%u\" to \"cn:ws-*\"",
		"allow id 0483:374b to \"fp:sha256:%064x\"",
		"allow id 0483:374b to all-of { \"ou:Staff\" \"cn:ws-%u\" }",
		"forbid name \"N-%u\" with-class hid",
		"forbid exposed manufacturer \"M-%u\"",
		"block pin one-of { \"hash:H-%u\" \"desc:sha256:60303ae22b998861"
		"bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\" }",
		"allow to one-of { \"dns:k%u.Example\" \"uri:x\" } if false",
	};
	int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = snprintf(text, size, forms[i % 10], i);
#pragma GCC diagnostic pop
	assert_true(n > 0 && (size_t)n + 1 < size);
	text[n] = '\n';
	return (size_t)n + 1;
}

struct named {
	char serial[16], hash[16], port[16], name[16], manufacturer[16];
};

static void
make_device(struct rule_device *dev, struct named *n, unsigned i,
    struct rnd *r)
{
	/* some of its own, some of others */
	*dev = sample_device();
	snprintf(n->serial, 16, "S-%u", i * 30 + 1);
	snprintf(n->hash, 16, "H-%u", rnd_below(r, RULES));
	snprintf(n->port, 16, "9-%u", rnd_below(r, RULES));
	snprintf(n->name, 16, "N-%u", rnd_below(r, 4 * RULES));
	snprintf(n->manufacturer, 16, "M-%u", rnd_below(r, 4 * RULES));
	dev->vid = rnd_below(r, 2) ? 0x0483 : (uint16_t)rnd_below(r, RULES);
	dev->pid = dev->vid == 0x0483 ? 0x374b : 1;
	dev->serial = n->serial;
	dev->hash = n->hash;
	dev->via_port = n->port;
	dev->name = n->name;
	dev->manufacturer = n->manufacturer;
}

static size_t
count_candidates(
    const struct rule_index *index, const struct subject *subject)
{
	struct index_walk walk;
	uint32_t last = 0, i;
	size_t n = 0;

	index_start(&walk, index, subject);
	while ((i = index_next(&walk)) != INDEX_END) {
		assert_true(n == 0 || i > last); /* in order, each once */
		last = i;
		n++;
	}
	return n;
}

/* The first rule that matches, without an index. */
static const struct rule *
first_match(
    const struct rules *rules, const struct subject *subject, int *is_depends)
{
	size_t others = rules->nforbids + rules->nexposed;
	struct match_why why;

	for (size_t i = 0; i < rules->nrules; i++) {
		const struct rule *rule = &rules->rules[i];
		enum match match;

		if (i >= rules->nforbids && i < others) {
			continue;
		}
		match = match_rule(rule, subject, &why);
		if (match == MATCH_NO) {
			continue;
		}
		*is_depends = match == MATCH_DEPENDS;
		if (rule->verdict != RULE_ALLOW || *is_depends) {
			return rule;
		}
		for (size_t j = rules->nforbids; j < others; j++) {
			if (match_rule(&rules->rules[j], subject, &why) !=
			    MATCH_NO) {
				return &rules->rules[j];
			}
		}
		return rule;
	}
	return NULL;
}

static void
agrees_with_trying_all(void **state)
{
	char *text = malloc(TEXT);
	struct rnd rnd = {.state = 7};
	struct rules *rules;
	size_t len = 0, most = 0, sum = 0, found = 0;

	(void)state;
	for (unsigned i = 0; i < RULES; i++) {
		len += put_rule(text + len, TEXT - len, i);
	}
	text[len] = '\0';
	rules = rules_of(text);
	free(text);
	assert_int_equal(rules_count(rules), RULES);
	for (unsigned i = 0; i < DEVICES; i++) {
		struct rule_decision d;
		struct rule_device dev;
		struct subject subject;
		struct named named;
		struct x509_facts who;
		const struct rule *rule;
		size_t n;
		int is_known = i % 10 != 0, is_depends = 0;

		make_device(&dev, &named, i, &rnd);
		sample_identity(&who);
		memset(who.fingerprint, 0, 32);
		who.fingerprint[30] = (uint8_t)rnd_below(&rnd, 40);
		who.fingerprint[31] = (uint8_t)rnd_below(&rnd, 256);
		snprintf(who.cn, IDENTITY_TEXT, "ws-%u",
		    rnd_below(&rnd, RULES));
		subject_init(&subject, &dev, is_known ? &who : NULL, NULL);
		rules_decide(
		    rules, &dev, is_known ? &who : NULL, NULL, &d);
		rule = first_match(rules, &subject, &is_depends);
		assert_int_equal(d.is_implicit, rule == NULL);
		assert_int_equal(d.verdict == RULE_DEPENDS, is_depends);
		if (rule != NULL) {
			assert_int_equal(d.line, rule->line);
			found++;
		}
		n = count_candidates(&rules->forbids, &subject) +
		    count_candidates(&rules->exposed, &subject) +
		    count_candidates(&rules->others, &subject);
		if (is_known) {
			most = n > most ? n : most;
			sum += n;
		}
	}
	assert_true(found > DEVICES / 5 && found < DEVICES);
	/* of 10 000 */
	assert_true(most <= 12);
	assert_true(sum < 4 * DEVICES);
	rules_free(rules);
}

/* What cannot be found by a value is compared always. */
static void
the_rest_is_compared_always(void **state)
{
	static const char text[] =
	    "block id none-of { 1234:* }\n"
	    "block id one-of { 1234:* *:* } name \"none\"\n"
	    "block via-port \"3-*\" serial none-of { \"x\" }\n"
	    "block with-class hub\n"
	    "block if false\n"
	    "block to \"cn:ws-*\" label \"x\"\n"
	    "block to \"cn:nobody\"\n"
	    "block serial match-all { \"a\" \"b\" }\n";
	struct rules *rules = rules_of(text);
	struct rule_device dev = sample_device();
	struct subject subject;
	struct x509_facts who;

	(void)state;
	sample_identity(&who);
	subject_init(&subject, &dev, &who, NULL);
	/* not the second, which is found by its name, nor the last two */
	assert_int_equal(count_candidates(&rules->others, &subject), 5);
	dev.serial = "b";
	dev.name = "none";
	assert_int_equal(count_candidates(&rules->others, &subject), 7);
	subject_init(&subject, &dev, NULL, NULL);
	assert_int_equal(count_candidates(&rules->others, &subject), 8);
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_trying_all),
		cmocka_unit_test(the_rest_is_compared_always),
	};

	return cmocka_run_group_tests_name("rules_index", tests, NULL, NULL);
}
