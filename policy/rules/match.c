/*
 * Whether a set of a rule holds for a device and an identity. S is the rule's
 * values, D the device's (or the certificate's facts); a value fits an element.
 *
 *   all-of          every value fits some element
 *   one-of          some value fits some element
 *   none-of         not one-of
 *   equals          the values and the elements can be paired off one to one
 *   equals-ordered  as many, and each fits the one in its place
 *   match-all       every element is fitted by some value
 *   only, exactly   match-all and equals over the distinct interfaces
 *
 * Texts come from devices and certificates and are hostile. No malloc.
 */
#include "policy/rules/ast.h"

#include <string.h>

/* The elements that one set is compared with. */
struct domain {
	enum rule_attr attr;
	const struct subject *subject;
	const struct rule_interface *interfaces;
	size_t n;
	uint32_t kinds;		  /* of pins */
	const struct fact *facts[FACTS_MAX + 2]; /* those that count */
	struct fact said[2];			 /* of a desktop */
};

static const char *
device_text(const struct rule_device *device, enum rule_attr attr)
{
	const char *text = NULL;

	if (attr == ATTR_SERIAL) {
		text = device->serial;
	} else if (attr == ATTR_NAME) {
		text = device->name;
	} else if (attr == ATTR_HASH) {
		text = device->hash;
	} else if (attr == ATTR_PARENT_HASH) {
		text = device->parent_hash;
	} else if (attr == ATTR_WITH_CONNECT_TYPE) {
		text = device->connect_type;
	} else if (attr == ATTR_MANUFACTURER) {
		text = device->manufacturer;
	}
	return text != NULL ? text : "";
}

static int
port_fits(const struct word *word, const struct rule_device *device)
{
	const char *port = device->via_port != NULL ? device->via_port : "";
	const char *stable =
	    device->stable_port != NULL ? device->stable_port : "";

	return glob_match(word->text, word->len, port, strlen(port),
		   GLOB_EXACT) ||
	    (stable[0] != '\0' &&
		glob_match(word->text, word->len, stable, strlen(stable),
		    GLOB_EXACT));
}

int
interface_fits(
    const struct value *value, const struct rule_interface *interface)
{
	unsigned nfixed = value->u.interface.nfixed;

	return value->u.interface.class == interface->class &&
	    (nfixed < 2 ||
		value->u.interface.subclass == interface->subclass) &&
	    (nfixed < 3 || value->u.interface.protocol == interface->protocol);
}

static int
fact_fits(const struct value *value, const struct fact *fact)
{
	const struct compiled_group *group = value->u.fact.group;

	if (group != NULL) {
		for (size_t i = 0; i < group->nvalues; i++) {
			if (fact_fits(&group->values[i], fact)) {
				return 1;
			}
		}
		return 0;
	}
	if (value->u.fact.kind != fact->kind) {
		return 0;
	}
	if (fact->kind == FACT_FP || fact->kind == FACT_ISSUER_KEY) {
		return memcmp(value->u.fact.text, fact->text, 32) == 0;
	}
	return glob_match(value->u.fact.text, value->u.fact.len, fact->text,
	    fact->len, fact->kind == FACT_DNS ? GLOB_FOLD : GLOB_EXACT);
}

/* An ancestor by id, or by its hash or port. */
static int
ancestor_fits(const struct value *value, const struct rule_ancestor *ancestor)
{
	const struct word *word = value->word;
	const char *texts[3] = {
	    ancestor->hash, ancestor->via_port, ancestor->stable_port};

	if (!word->is_string) {
		return (value->u.id.is_any_vid ||
			   value->u.id.vid == ancestor->vid) &&
		    (value->u.id.is_any_pid ||
			value->u.id.pid == ancestor->pid);
	}
	for (int i = 0; i < 3; i++) {
		size_t len = texts[i] != NULL ? strlen(texts[i]) : 0;

		if (len == 0) {
			continue;
		}
		if (i == 0 ? len == word->len &&
			    memcmp(texts[i], word->text, len) == 0 :
			glob_match(word->text, word->len, texts[i], len,
			    GLOB_EXACT)) {
			return 1;
		}
	}
	return 0;
}

/* The pins that a device has, of the kinds that the set names, in order: its
 * hash, the digest of its descriptors, those of its reports. */
static size_t
count_pins(const struct rule_device *device, uint32_t kinds)
{
	static const uint8_t unknown[32];
	size_t n = 0;

	n += (kinds & 1u << PIN_HASH) != 0 && device->hash != NULL &&
	    device->hash[0] != '\0';
	n += (kinds & 1u << PIN_DESC) != 0 &&
	    memcmp(device->desc_sha256, unknown, 32) != 0;
	return n + ((kinds & 1u << PIN_REPORT) != 0 ? device->nreports : 0);
}

static int
pin_fits(const struct value *value, const struct domain *d, size_t j)
{
	const struct rule_device *device = d->subject->device;
	size_t nhash = count_pins(device, d->kinds & 1u << PIN_HASH);
	size_t ndesc = count_pins(device, d->kinds & 1u << PIN_DESC);

	if (j < nhash) {
		return value->u.pin.kind == PIN_HASH &&
		    strlen(device->hash) == value->u.pin.len &&
		    memcmp(device->hash, value->u.pin.text,
			value->u.pin.len) == 0;
	}
	if (j < nhash + ndesc) {
		return value->u.pin.kind == PIN_DESC &&
		    memcmp(device->desc_sha256, value->u.pin.text, 32) == 0;
	}
	return value->u.pin.kind == PIN_REPORT &&
	    memcmp(device->reports[j - nhash - ndesc], value->u.pin.text,
		32) == 0;
}

/* Whether a value fits element j. */
static int
fits(const struct value *value, const struct domain *d, size_t j)
{
	const struct rule_device *device = d->subject->device;
	const char *text;

	switch (d->attr) {
	case ATTR_ID:
		return (value->u.id.is_any_vid ||
			   value->u.id.vid == device->vid) &&
		    (value->u.id.is_any_pid || value->u.id.pid == device->pid);
	case ATTR_VIA_PORT:
		return port_fits(value->word, device);
	case ATTR_WITH_INTERFACE:
		return interface_fits(value, &d->interfaces[j]);
	case ATTR_RELEASE:
		return value->u.release.bcd ==
		    (device->bcd_device & value->u.release.mask);
	case ATTR_SPEED:
		return value->u.speed == device->speed;
	case ATTR_WITH_CLASS:
		return class_fits(value->u.class, &d->interfaces[j]);
	case ATTR_UNDER:
		return ancestor_fits(value, &device->ancestors[j]);
	case ATTR_PIN:
		return pin_fits(value, d, j);
	case ATTR_TO:
		return fact_fits(value, d->facts[j]);
	case ATTR_SERIAL:
	case ATTR_NAME:
	case ATTR_HASH:
	case ATTR_PARENT_HASH:
	case ATTR_WITH_CONNECT_TYPE:
	case ATTR_MANUFACTURER:
		text = device_text(device, d->attr);
		return strlen(text) == value->word->len &&
		    memcmp(text, value->word->text, value->word->len) == 0;
	case ATTR_LABEL: /* a name for people, not a fact of the device */
		return 1;
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
	return 0;
}

/* Of the certificate only the kinds of facts that the set speaks of: "equals" is
 * not about its fingerprint. What is said of a desktop is a fact like them. */
static void
add_facts(struct domain *d, uint32_t kinds, const struct rule_desk *desk)
{
	const struct subject *s = d->subject;

	d->n = 0;
	for (size_t i = 0; i < s->nfacts; i++) {
		if (kinds & 1u << s->facts[i].kind) {
			d->facts[d->n++] = &s->facts[i];
		}
	}
	if (desk == NULL) {
		return;
	}
	d->said[0] = (struct fact){
	    FACT_USER, (uint32_t)strlen(desk->user), desk->user};
	d->said[1] = (struct fact){
	    FACT_SEAT, (uint32_t)strlen(desk->seat), desk->seat};
	for (size_t i = 0; i < 2; i++) {
		if ((kinds & 1u << d->said[i].kind) && d->said[i].len > 0) {
			d->facts[d->n++] = &d->said[i];
		}
	}
}

static void
domain_init(struct domain *d, const struct value_set *set,
    enum rule_attr attr, const struct subject *s,
    const struct rule_desk *desk)
{
	d->attr = attr;
	d->subject = s;
	d->interfaces = NULL;
	d->n = 1;
	if (attr == ATTR_WITH_INTERFACE &&
	    (set->op == OP_ONLY || set->op == OP_EXACTLY)) {
		d->interfaces = s->folded;
		d->n = s->nfolded;
	} else if (attr == ATTR_WITH_INTERFACE) {
		d->interfaces = s->device->interfaces;
		d->n = s->device->ninterfaces;
	} else if (attr == ATTR_WITH_CLASS) {
		d->interfaces = s->classes;
		d->n = s->nclasses;
	} else if (attr == ATTR_UNDER) {
		d->n = s->device->nancestors;
	} else if (attr == ATTR_PIN) {
		d->kinds = set->kinds;
		d->n = count_pins(s->device, set->kinds);
	} else if (attr == ATTR_TO) {
		add_facts(d, set->kinds, desk);
	}
}

static int
is_fitted(const struct value *value, const struct domain *d)
{
	for (size_t j = 0; j < d->n; j++) {
		if (fits(value, d, j)) {
			return 1;
		}
	}
	return 0;
}

static int
match_all_of(const struct value_set *set, const struct domain *d)
{
	for (size_t i = 0; i < set->nvalues; i++) {
		if (!is_fitted(&set->values[i], d)) {
			return 0;
		}
	}
	return 1;
}

static int
match_one_of(const struct value_set *set, const struct domain *d)
{
	for (size_t i = 0; i < set->nvalues; i++) {
		if (is_fitted(&set->values[i], d)) {
			return 1;
		}
	}
	return 0;
}

static int
match_ordered(const struct value_set *set, const struct domain *d)
{
	if (set->nvalues != d->n) {
		return 0;
	}
	for (size_t i = 0; i < d->n; i++) {
		if (!fits(&set->values[i], d, i)) {
			return 0;
		}
	}
	return 1;
}

static int
match_match_all(const struct value_set *set, const struct domain *d)
{
	for (size_t j = 0; j < d->n; j++) {
		size_t i = 0;

		while (i < set->nvalues && !fits(&set->values[i], d, j)) {
			i++;
		}
		if (i == set->nvalues) {
			return 0;
		}
	}
	return 1;
}

/* A pairing of values and elements, grown by augmenting paths. */
#define UNPAIRED 0xffffu
struct pairing {
	uint16_t value_of[RULES_MAX_EQUALS];   /* by element */
	uint16_t element_of[RULES_MAX_EQUALS]; /* by value */
	uint16_t reached_by[RULES_MAX_EQUALS]; /* element <- value */
	uint16_t queue[RULES_MAX_EQUALS];      /* values to look at */
	uint8_t is_reached[RULES_MAX_EQUALS];
};

/* Pairs value i as well, re-pairing others where that helps. */
static int
augment(struct pairing *p, const struct value_set *set,
    const struct domain *d, size_t i)
{
	size_t head = 0, tail = 0;

	memset(p->is_reached, 0, d->n);
	p->queue[tail++] = (uint16_t)i;
	while (head < tail) {
		uint16_t v = p->queue[head++];

		for (size_t j = 0; j < d->n; j++) {
			size_t e = j;

			if (p->is_reached[j] ||
			    !fits(&set->values[v], d, j)) {
				continue;
			}
			p->is_reached[j] = 1;
			p->reached_by[j] = v;
			if (p->value_of[j] != UNPAIRED) {
				p->queue[tail++] = p->value_of[j];
				continue;
			}
			for (;;) {
				uint16_t by = p->reached_by[e];
				uint16_t before = p->element_of[by];

				p->value_of[e] = by;
				p->element_of[by] = (uint16_t)e;
				if (by == i) {
					return 1;
				}
				e = before;
			}
		}
	}
	return 0;
}

/* Narrow values first: those of ids and interfaces are nested or disjoint, so
 * that the first free element is then always right and no path is longer. */
static int
width(const struct value *value, enum rule_attr attr)
{
	if (attr == ATTR_ID) {
		return value->u.id.is_any_vid + value->u.id.is_any_pid;
	}
	return attr == ATTR_WITH_INTERFACE ? 3 - value->u.interface.nfixed : 0;
}

static int
match_equals(const struct value_set *set, const struct domain *d)
{
	struct pairing p;

	if (set->nvalues != d->n || d->n > RULES_MAX_EQUALS) {
		return 0;
	}
	if (d->n == 1) {
		return fits(&set->values[0], d, 0);
	}
	memset(p.value_of, 0xff, d->n * sizeof(p.value_of[0]));
	memset(p.element_of, 0xff, d->n * sizeof(p.element_of[0]));
	for (int w = 0; w <= 2; w++) {
		for (size_t i = 0; i < set->nvalues; i++) {
			if (width(&set->values[i], d->attr) == w &&
			    !augment(&p, set, d, i)) {
				return 0;
			}
		}
	}
	return 1;
}

int
match_set(const struct value_set *set, enum rule_attr attr,
    const struct subject *subject, const struct rule_desk *desk)
{
	struct domain d;

	if (attr == ATTR_LABEL) {
		return 1;
	}
	if (attr == ATTR_TO && subject->who == NULL) {
		return 0;
	}
	domain_init(&d, set, attr, subject, desk);
	switch (set->op) {
	case OP_ALL_OF:
		return match_all_of(set, &d);
	case OP_ONE_OF:
		return match_one_of(set, &d);
	case OP_NONE_OF:
		return !match_one_of(set, &d);
	case OP_EQUALS:
	case OP_EXACTLY:
		return match_equals(set, &d);
	case OP_EQUALS_ORDERED:
		return match_ordered(set, &d);
	case OP_ONLY:
		return d.n > 0 && match_match_all(set, &d);
	case OP_MATCH_ALL:
		/* "all its names are ours" is not said of one without names */
		return ((attr != ATTR_TO && attr != ATTR_PIN) || d.n > 0) &&
		    match_match_all(set, &d);
	case OP_NONE:
	case OP_MAX:
		break;
	}
	return 0;
}

const struct test *
match_tests(const struct test *tests, const struct subject *subject,
    const struct value_set **set)
{
	for (const struct test *test = tests; test != NULL;
	     test = test->next) {
		for (const struct value_set *s = test->sets; s != NULL;
		     s = s->next) {
			if (!match_set(s, test->attr, subject, NULL)) {
				*set = s;
				return test;
			}
		}
	}
	return NULL;
}

/* Conditions are the last test, so what they ask the world is only asked about
 * rules that hold otherwise. */
static enum match
match_condition(const struct rule *rule, const struct test *test,
    const struct subject *subject, struct match_why *why)
{
	const struct rule_world *world = subject->world;
	enum rule_answer answer = condition_judge(test->sets, rule, subject);

	if (world != NULL && world->moment == RULE_AT_IMPORT &&
	    rule->counts & 1u << RULE_EVALUATED) {
		world->ops->count(world->arg, rule->id, RULE_EVALUATED);
	}
	why->is_unknown |= answer == RULE_UNKNOWN;
	if (answer == RULE_YES ||
	    (answer == RULE_UNKNOWN && rule->verdict != RULE_ALLOW)) {
		return MATCH_YES;
	}
	why->test = test;
	why->set = test->sets;
	return MATCH_NO;
}

/* What is not known of desktops counts against the device, as in conditions. */
static enum match
match_desk(const struct rule *rule, const struct test *test,
    const struct subject *subject, struct match_why *why)
{
	enum rule_answer answer = desk_judge(test, subject, &why->set);

	if (answer == RULE_YES ||
	    (answer == RULE_UNKNOWN && rule->verdict != RULE_ALLOW)) {
		why->is_unknown |= answer == RULE_UNKNOWN;
		why->set = NULL;
		return MATCH_YES;
	}
	why->test = test;
	return MATCH_NO;
}

enum match
match_rule(const struct rule *rule, const struct subject *subject,
    struct match_why *why)
{
	const struct test *to = NULL;

	*why = (struct match_why){NULL, NULL, 0};
	for (const struct test *test = rule->tests; test != NULL;
	     test = test->next) {
		if (test->attr == ATTR_TO && subject->who == NULL) {
			to = test;
			continue;
		}
		if (test->attr == ATTR_IF) {
			if (match_condition(rule, test, subject, why) ==
			    MATCH_NO) {
				return MATCH_NO;
			}
			continue;
		}
		if (test->is_of_desk) {
			if (match_desk(rule, test, subject, why) == MATCH_NO) {
				return MATCH_NO;
			}
			continue;
		}
		for (const struct value_set *s = test->sets; s != NULL;
		     s = s->next) {
			if (!match_set(s, test->attr, subject, NULL)) {
				why->test = test;
				why->set = s;
				return MATCH_NO;
			}
		}
	}
	if (to != NULL) {
		why->test = to;
		why->set = to->sets;
		return MATCH_DEPENDS;
	}
	return MATCH_YES;
}
