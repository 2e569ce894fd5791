/*
 * Why each rule did or did not match, in the words of the rules themselves.
 * What devices and certificates say of themselves is shown escaped.
 */
#include "policy/rules/ast.h"

#include <stdio.h>
#include <string.h>

#define REASON_SIZE 1024
#define SHOWN_MAX 12 /* values of a device in one reason */

static void
put_interfaces(
    struct sink *sink, const struct rule_interface *list, size_t n)
{
	if (n == 0) {
		sink_text(sink, "no interface");
	}
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%s%02x:%02x:%02x",
		    i > 0 ? " " : "", list[i].class, list[i].subclass,
		    list[i].protocol);
		sink_text(sink, text);
	}
	if (n > SHOWN_MAX) {
		sink_text(sink, " ...");
	}
}

static void
put_text(struct sink *sink, const char *text)
{
	sink_quoted(sink, text != NULL ? text : "",
	    text != NULL ? strlen(text) : 0);
}

static void
put_fact(struct sink *sink, const struct fact *fact)
{
	static const char *const names[FACT_MAX] = {
		[FACT_CN] = "cn:",
		[FACT_DNS] = "dns:",
		[FACT_URI] = "uri:",
		[FACT_OU] = "ou:",
		[FACT_IP] = "ip:",
		[FACT_ISSUER] = "issuer:",
		[FACT_ISSUER_KEY] = "issuer:sha256:",
		[FACT_FP] = "fp:sha256:",
		[FACT_GROUP] = "@",
	};

	sink_text(sink, names[fact->kind]);
	if (fact->kind != FACT_FP && fact->kind != FACT_ISSUER_KEY) {
		sink_quoted(sink, fact->text, fact->len);
		return;
	}
	for (size_t i = 0; i < fact->len; i++) {
		char hex[3];

		snprintf(hex, sizeof(hex), "%02x",
		    (unsigned)(unsigned char)fact->text[i]);
		sink_text(sink, hex);
	}
}

static void
put_facts(struct sink *sink, const struct subject *s, uint32_t kinds)
{
	size_t n = 0;

	if (s->who == NULL) {
		sink_text(sink, "the workstation is not known");
		return;
	}
	sink_text(sink, "the certificate has ");
	for (size_t i = 0; i < s->nfacts; i++) {
		if ((kinds & 1u << s->facts[i].kind) == 0) {
			continue;
		}
		if (n++ > 0) {
			sink_text(sink, " ");
		}
		put_fact(sink, &s->facts[i]);
	}
	if (n == 0) {
		sink_text(sink, "no fact of that kind");
	}
}

static void
put_port(struct sink *sink, const struct rule_device *device)
{
	sink_text(sink, "device is at ");
	put_text(sink, device->via_port);
	if (device->stable_port != NULL && device->stable_port[0] != '\0') {
		sink_text(sink, ", ");
		put_text(sink, device->stable_port);
	}
}

/* What the device has, where the rule asked for something else. */
static void
put_found(struct sink *sink, const struct test *test,
    const struct value_set *set, const struct subject *s)
{
	const struct rule_device *device = s->device;
	char text[32];

	if (test->attr == ATTR_TO) {
		put_facts(sink, s, set->kinds);
		return;
	}
	if (test->attr == ATTR_VIA_PORT) {
		put_port(sink, device);
		return;
	}
	sink_text(sink, "device has ");
	switch (test->attr) {
	case ATTR_ID:
		snprintf(text, sizeof(text), "%04x:%04x", device->vid,
		    device->pid);
		sink_text(sink, text);
		break;
	case ATTR_RELEASE:
		snprintf(text, sizeof(text), "%x.%02x",
		    device->bcd_device >> 8, device->bcd_device & 0xffu);
		sink_text(sink, text);
		break;
	case ATTR_SPEED:
		sink_text(sink, speed_name(device->speed));
		break;
	case ATTR_WITH_INTERFACE:
		if (set->op == OP_ONLY || set->op == OP_EXACTLY) {
			put_interfaces(sink, s->folded, s->nfolded);
		} else {
			put_interfaces(
			    sink, device->interfaces, device->ninterfaces);
		}
		break;
	case ATTR_WITH_CLASS:
		put_interfaces(sink, s->classes, s->nclasses);
		break;
	case ATTR_SERIAL:
		put_text(sink, device->serial);
		break;
	case ATTR_NAME:
		put_text(sink, device->name);
		break;
	case ATTR_HASH:
		put_text(sink, device->hash);
		break;
	case ATTR_PARENT_HASH:
		put_text(sink, device->parent_hash);
		break;
	case ATTR_WITH_CONNECT_TYPE:
		put_text(sink, device->connect_type);
		break;
	case ATTR_MANUFACTURER:
		put_text(sink, device->manufacturer);
		break;
	case ATTR_VIA_PORT:
	case ATTR_TO:
	case ATTR_LABEL:
	case ATTR_KEY:
	case ATTR_MAX:
		break;
	}
}

static void
put_reason(struct sink *sink, const struct rule *rule,
    const struct test *failed, const struct value_set *set,
    const struct subject *s)
{
	if (failed != NULL) {
		sink_text(sink, attr_name(failed->attr));
		sink_text(sink, " ");
		print_set(sink, failed->attr, set);
		sink_text(sink, ": ");
		put_found(sink, failed, set, s);
		return;
	}
	if (rule->tests == NULL) {
		sink_text(sink, "it asks for nothing");
		return;
	}
	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		if (test != rule->tests) {
			sink_text(sink, test->next != NULL ? ", " : " and ");
		}
		print_test(sink, test);
	}
	sink_text(sink, rule->tests->next != NULL ? " hold" : " holds");
}

void
rules_explain(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    rules_explain_cb *cb, void *arg)
{
	struct subject subject;

	(void)world; /* no condition is known so far */
	if (dev->ninterfaces > RULE_INTERFACES_MAX) {
		cb(arg, "", 0, 0, "device has more interfaces than a rule "
				  "may judge");
		return;
	}
	subject_init(&subject, dev, who);
	for (size_t i = 0; i < rules->nrules; i++) {
		const struct rule *rule = &rules->rules[i];
		const struct value_set *set = NULL;
		const struct test *failed = match_rule(rule, &subject, &set);
		char reason[REASON_SIZE];
		struct sink sink = {.buf = reason, .size = sizeof(reason) - 1};

		put_reason(&sink, rule, failed, set, &subject);
		if (sink.used > sink.size) {
			memcpy(reason + sink.size - 3, "...", 3);
			sink.used = sink.size;
		}
		reason[sink.used] = '\0';
		cb(arg, rule->file, rule->line, failed == NULL, reason);
		if (failed == NULL) {
			return;
		}
	}
}
