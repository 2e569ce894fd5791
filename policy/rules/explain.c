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
		[FACT_USER] = "user:",
		[FACT_SEAT] = "seat:",
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
put_desks(struct sink *sink, const struct subject *s)
{
	if (s->ndesks == 0) {
		sink_text(sink, "the workstation says nothing of desktops");
		return;
	}
	sink_text(sink, "the workstation says");
	for (size_t i = 0; i < s->ndesks && i < SHOWN_MAX; i++) {
		sink_text(sink, i > 0 ? ", user:" : " user:");
		put_text(sink, s->desks[i].user);
		sink_text(sink, " seat:");
		put_text(sink, s->desks[i].seat);
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
	if (kinds & FACTS_OF_DESK) {
		put_desks(sink, s);
		if ((kinds & ~FACTS_OF_DESK) == 0) {
			return;
		}
		sink_text(sink, ", and ");
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

static void
put_hex(struct sink *sink, const uint8_t digest[32])
{
	for (size_t i = 0; i < 32; i++) {
		char hex[3];

		snprintf(hex, sizeof(hex), "%02x", (unsigned)digest[i]);
		sink_text(sink, hex);
	}
}

static void
put_pins(struct sink *sink, const struct rule_device *device, uint32_t kinds)
{
	if (kinds & 1u << PIN_HASH) {
		sink_text(sink, " hash:");
		put_text(sink, device->hash);
	}
	if (kinds & 1u << PIN_DESC) {
		sink_text(sink, " desc:sha256:");
		put_hex(sink, device->desc_sha256);
	}
	for (size_t i = 0; (kinds & 1u << PIN_REPORT) != 0 &&
	     i < device->nreports && i < SHOWN_MAX; i++) {
		sink_text(sink, " report:sha256:");
		put_hex(sink, device->reports[i]);
	}
}

static void
put_ancestors(struct sink *sink, const struct rule_device *device)
{
	sink_text(sink, "device is under");
	for (size_t i = 0; i < device->nancestors && i < SHOWN_MAX; i++) {
		const struct rule_ancestor *a = &device->ancestors[i];
		char text[16];

		snprintf(text, sizeof(text), "%s %04x:%04x ",
		    i > 0 ? "," : "", a->vid, a->pid);
		sink_text(sink, text);
		put_text(sink, a->via_port);
	}
	if (device->nancestors == 0) {
		sink_text(sink, " no hub that is known");
	}
}

static void
put_conditions(struct sink *sink, const struct rule *rule,
    const struct value_set *set, const struct subject *s)
{
	static const char *const answers[] = {
		[RULE_NO] = " is false",
		[RULE_YES] = " is true",
		[RULE_UNKNOWN] = " is not known",
	};

	for (size_t i = 0; i < set->nvalues; i++) {
		const struct word *word = set->values[i].word;

		sink_text(sink, i > 0 ? ", " : "");
		sink_bytes(sink, word->text, word->len);
		sink_text(sink, answers[condition_answer(
				    set->values[i].u.condition, rule, s)]);
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
	if (test->attr == ATTR_UNDER) {
		put_ancestors(sink, device);
		return;
	}
	if (test->attr == ATTR_PIN) {
		sink_text(sink, "device has");
		put_pins(sink, device, set->kinds);
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
	case ATTR_UNDER:
	case ATTR_PIN:
	case ATTR_TO:
	case ATTR_LABEL:
	case ATTR_USING:
	case ATTR_EXPOSE:
	case ATTR_LEASE:
	case ATTR_UNTIL:
	case ATTR_HOLD:
	case ATTR_ONCE:
	case ATTR_AT_MOST:
	case ATTR_WINDOW:
	case ATTR_APPROVE:
	case ATTR_CAPTURE:
	case ATTR_IF:
	case ATTR_AUDIT:
	case ATTR_KEY:
	case ATTR_MAX:
		break;
	}
}

static void
put_failed(struct sink *sink, const struct rule *rule,
    const struct match_why *why, const struct subject *s)
{
	sink_text(sink, attr_name(why->test->attr));
	sink_text(sink, " ");
	print_set(sink, why->test->attr, why->set);
	sink_text(sink, ": ");
	if (why->test->attr == ATTR_IF) {
		put_conditions(sink, rule, why->set, s);
	} else {
		put_found(sink, why->test, why->set, s);
	}
}

static void
put_held(struct sink *sink, const struct rule *rule,
    const struct match_why *why)
{
	if (rule->tests == NULL) {
		sink_text(sink, "it asks for nothing");
	}
	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		if (test != rule->tests) {
			sink_text(sink, test->next != NULL ? ", " : " and ");
		}
		print_test(sink, test);
	}
	if (rule->tests != NULL) {
		sink_text(sink, rule->tests->next != NULL ? " hold" : " holds");
	}
	if (why->is_unknown) {
		sink_text(sink, "; what is not known counts against the "
				"device");
	}
}

/* What the decision has to say besides. */
static void
put_outcome(struct sink *sink, const struct rule *rule,
    const struct rule_decision *d, const struct verdict *verdict)
{
	static const char *const terms[] = {
		[RULE_TERM_NONE] = "",
		[RULE_TERM_WINDOW] = "; blocked: it is outside of `window'",
		[RULE_TERM_UNTIL] = "; blocked: `until' has passed",
		[RULE_TERM_ONCE] = "; blocked: `once', and it was had since "
				   "it was plugged in",
		[RULE_TERM_MAX] = "; blocked: as many as `max' says are in use",
		[RULE_TERM_APPROVE] = "; blocked: not approved",
		[RULE_TERM_FORBID] = "; of what is exposed by the rule in ",
		[RULE_TERM_EXPOSE] = "; blocked: `expose' leaves nothing of "
				     "this device",
		[RULE_TERM_WORLD] = "; blocked: the time is not known",
	};
	char line[32];

	sink_text(sink, terms[d->term]);
	if (d->term == RULE_TERM_FORBID && verdict->allow != NULL) {
		sink_text(sink, verdict->allow->file);
		snprintf(line, sizeof(line), ", line %u",
		    (unsigned)verdict->allow->line);
		sink_text(sink, line);
	}
	if (d->verdict == RULE_PENDING) {
		sink_text(sink, "; it waits for the approval of ");
		put_text(sink, rule->grant.approver);
	}
}

static int
put_reason(struct sink *sink, const struct rule *rule,
    const struct subject *s, const struct rule_decision *d,
    const struct verdict *verdict, int *is_past)
{
	struct match_why why;
	enum match match = match_rule(rule, s, &why);

	if (match == MATCH_NO) {
		put_failed(sink, rule, &why, s);
		return 0;
	}
	if (match == MATCH_DEPENDS) {
		put_failed(sink, rule, &why, s);
		return rule == verdict->rule;
	}
	put_held(sink, rule, &why);
	if (rule->is_narrowing && rule->verdict == RULE_ALLOW &&
	    !rule->is_audit) {
		sink_text(sink, "; the local rules say no more, the bundle's "
				"decide");
		*is_past = 1;
		return 0;
	}
	if (rule->is_audit) {
		sink_text(sink, "; it would decide, but only audits");
		return 0;
	}
	put_outcome(sink, rule, d, verdict);
	return rule == verdict->rule;
}

static void
end_reason(struct sink *sink)
{
	if (sink->used > sink->size) {
		memcpy(sink->buf + sink->size - 3, "...", 3);
		sink->used = sink->size;
	}
	sink->buf[sink->used] = '\0';
}

/* The world without its ears: explaining counts nothing. */
struct quiet {
	struct rule_world_ops ops;
	struct rule_world world;
};

static const struct rule_world *
make_quiet(struct quiet *quiet, const struct rule_world *world)
{
	if (world == NULL) {
		return NULL;
	}
	quiet->ops = *world->ops;
	quiet->ops.noted = NULL;
	quiet->world = *world;
	quiet->world.ops = &quiet->ops;
	if (world->moment == RULE_AT_IMPORT) {
		quiet->world.moment = RULE_AT_LIST;
	}
	return &quiet->world;
}

void
rules_explain(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    rules_explain_cb *cb, void *arg)
{
	struct subject subject, exposed;
	struct rule_decision d;
	struct verdict verdict;
	struct quiet quiet;
	int is_past = 0; /* the rules that narrow, by an `allow' of them */

	if (dev->ninterfaces > RULE_INTERFACES_MAX) {
		cb(arg, "", 0, 0, "device has more interfaces than a rule "
				  "may judge");
		return;
	}
	world = make_quiet(&quiet, world);
	subject_init(&subject, dev, who, world);
	subject_hear(&subject);
	rules_judge(rules, &subject, &d, &verdict);
	if (verdict.is_reduced) {
		subject_init(&exposed, &verdict.reduced, who, world);
		subject_hear(&exposed);
	}
	for (size_t i = 0; i < rules->nrules; i++) {
		const struct rule *rule = &rules->rules[i];
		char reason[REASON_SIZE];
		struct sink sink = {.buf = reason, .size = sizeof(reason) - 1};
		int matched = 0;

		if (rule->is_narrowing && !rule->is_forbid && is_past) {
			continue;
		}
		if (rule->is_exposed && !verdict.is_reduced) {
			sink_text(&sink, "no rule exposes anything");
		} else {
			matched = put_reason(&sink, rule,
			    rule->is_exposed ? &exposed : &subject, &d,
			    &verdict, &is_past);
		}
		end_reason(&sink);
		cb(arg, rule->file, rule->line, matched, reason);
		if (matched) {
			return;
		}
	}
}
