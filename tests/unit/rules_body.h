/*
 * Bodies shared by the tests of policy/rules: loading a text, asking for a
 * verdict, and a device and an identity to ask about.
 */
#ifndef TESTS_UNIT_RULES_BODY_H
#define TESTS_UNIT_RULES_BODY_H

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "wire/usbip.h"

/* The table, or the test fails and shows why. */
static inline struct rules *
rules_of(const char *text)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	int r;

	assert_non_null(load);
	assert_int_equal(
	    rules_load_text(load, "test.rules", text, strlen(text)), 0);
	r = rules_load_finish(load, &rules);
	for (size_t i = 0; i < rules_load_error_count(load) && i < 3; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		print_message("%s\n", text);
		print_message("%u:%u: %s\n    %s\n", e->line, e->column,
		    e->text, e->source);
	}
	assert_int_equal(r, 0);
	rules_load_free(load);
	return rules;
}

static inline enum rule_verdict
verdict_of(const char *text, const struct rule_device *dev,
    const struct x509_facts *who)
{
	struct rules *rules = rules_of(text);
	struct rule_decision d;

	rules_decide(rules, dev, who, NULL, &d);
	rules_free(rules);
	return d.verdict;
}

/* "allow CLAUSE" for anybody: does it match the device? */
static inline int
clause_matches(const char *clause, const struct rule_device *dev)
{
	char text[4096];

	snprintf(text, sizeof(text), "default to any\nallow %s\n", clause);
	return verdict_of(text, dev, NULL) == RULE_ALLOW;
}

/* The text is refused, and its first error is there and says so. */
static inline void
assert_refused(
    const char *text, unsigned line, unsigned column, const char *says)
{
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	const struct rule_error *e;

	assert_int_equal(
	    rules_load_text(load, "test.rules", text, strlen(text)), 0);
	assert_int_equal(rules_load_finish(load, &rules), ERR_FORMAT);
	assert_null(rules);
	assert_true(rules_load_error_count(load) > 0);
	e = rules_load_error(load, 0);
	if (strstr(e->text, says) == NULL || e->line != line ||
	    e->column != column) {
		fail_msg("%s\n%u:%u: %s\nexpected %u:%u: %s", text, e->line,
		    e->column, e->text, line, column, says);
	}
	rules_load_free(load);
}

/* What most tests need of an interface. */
#define IFACE(c, s, p)                                                         \
	{                                                                      \
		.class = c, .subclass = s, .protocol = p                       \
	}

static const struct rule_interface sample_interfaces[] = {
	IFACE(0x03, 0x00, 0x00), IFACE(0x03, 0x01, 0x01)};

static inline struct rule_device
sample_device(void)
{
	return (struct rule_device){
	    .vid = 0x05e0,
	    .pid = 0x1200,
	    .bcd_device = 0x0110,
	    .speed = USBIP_SPEED_HIGH,
	    .name = "Scanner",
	    .manufacturer = "Acme",
	    .serial = "S1",
	    .hash = "aGFzaA==",
	    .parent_hash = "cGFyZW50",
	    .via_port = "3-2.4",
	    .stable_port = "pci-0000:00:14.0:2.4",
	    .connect_type = "hotplug",
	    .interfaces = sample_interfaces,
	    .ninterfaces = 2,
	};
}

static inline void
add_san(struct x509_facts *who, enum identity_san_type type, const char *text)
{
	who->san[who->nsan].type = (uint8_t)type;
	snprintf(who->san[who->nsan++].text, IDENTITY_TEXT, "%s", text);
}

static inline void
sample_identity(struct x509_facts *who)
{
	memset(who, 0, sizeof(*who));
	memset(who->issuer_key, 0x11, 32);
	memset(who->fingerprint, 0xab, 32);
	snprintf(who->cn, IDENTITY_TEXT, "ws-01");
	snprintf(who->issuer, IDENTITY_TEXT, "CN=Corp Issuing CA 2");
	add_san(who, SAN_DNS, "k1.Hall-A.kiosk.example");
	add_san(who, SAN_URI, "spiffe://corp/vdi/7");
	add_san(who, SAN_IP, "10.0.0.2");
	snprintf(who->ou[who->nou++], IDENTITY_TEXT, "Staff");
	snprintf(who->ou[who->nou++], IDENTITY_TEXT, "Radiology");
}

#endif
