/*
 * What is wrong with a profile whose words are all right: things that its hooks
 * cannot do, and interfaces that it could never serve.
 */
#include "policy/profiles/load.h"

#include <stdio.h>
#include <string.h>

/* --- interfaces --- */

#define BIT(hook) (1u << (hook))
#define ANY (-1)

/* The hooks that judge the endpoints of a class: one of `one', or all of
 * `all'. The first row that fits counts. */
static const struct needs {
	int class, subclass, protocol;
	uint32_t one, all;
	const char *expected;
} needs[] = {
	{0x01, ANY, ANY, BIT(HOOK_AV), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on av', or `on out' and `on in'"},
	{0x02, ANY, ANY, BIT(HOOK_SERIAL) | BIT(HOOK_NET) | BIT(HOOK_IN), 0,
	    "`on serial', `on net' or `on in'"},
	{0x03, ANY, ANY, BIT(HOOK_HID) | BIT(HOOK_CTAP) | BIT(HOOK_IN), 0,
	    "`on hid', `on ctap' or `on in'"},
	{0x06, ANY, ANY, BIT(HOOK_MTP), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on mtp', or `on out' and `on in'"},
	{0x07, ANY, ANY, BIT(HOOK_PRINT), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on print', or `on out' and `on in'"},
	{0x08, 0x06, 0x50, BIT(HOOK_SCSI), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on scsi', or `on out' and `on in'"},
	{0x08, ANY, ANY, BIT(HOOK_SCSI), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on scsi', or `on out' and `on in'"},
	{0x0a, ANY, ANY, BIT(HOOK_SERIAL) | BIT(HOOK_NET),
	    BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on serial', `on net', or `on out' and `on in'"},
	{0x0b, ANY, ANY, BIT(HOOK_CCID) | BIT(HOOK_APDU),
	    BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on ccid', `on apdu', or `on out' and `on in'"},
	{0x0e, ANY, ANY, BIT(HOOK_AV), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on av', or `on out' and `on in'"},
	/* DFU has no endpoints but the control one */
	{0xfe, 0x01, ANY, BIT(HOOK_DFU) | BIT(HOOK_SETUP), 0,
	    "`on dfu' or `on setup'"},
	{0xe0, 0x01, 0x03, BIT(HOOK_NET), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on net', or `on out' and `on in'"},
	{0xef, 0x04, 0x01, BIT(HOOK_NET), BIT(HOOK_OUT) | BIT(HOOK_IN),
	    "`on net', or `on out' and `on in'"},
	/* its endpoints are the vendor's secret: any direction may be all */
	{ANY, ANY, ANY, BIT(HOOK_OUT) | BIT(HOOK_IN), 0,
	    "`on out' or `on in'"},
};

static int
fits(int wanted, uint8_t value, int is_any)
{
	return wanted == ANY || (!is_any && wanted == value);
}

static void
check_triple(struct profile_load *load, const struct profile *p,
    const struct triple *t)
{
	const struct needs *n = needs;

	while (!fits(n->class, t->class, 0) ||
	    !fits(n->subclass, t->subclass, t->any & 2) ||
	    !fits(n->protocol, t->protocol, t->any & 4)) {
		n++;
	}
	if ((p->hooks & n->one) == 0 &&
	    (n->all == 0 || (p->hooks & n->all) != n->all)) {
		pload_error(load, &t->at, "an interface of class %02x has "
		    "endpoints that no hook of profile `%s' judges; expected "
		    "%s", t->class, p->name, n->expected);
	}
}

static void
check_for(struct profile_load *load, const struct profile *p)
{
	const struct triple *t = p->triples;
	int has_hid = 0;

	for (; t != NULL; t = t->next) {
		has_hid |= t->class == 0x03;
		/* those of the parent are judged there */
		if (p->parent == NULL || p->triples != p->parent->triples) {
			check_triple(load, p, t);
		}
	}
	if (p->arm_digits != 0 && !has_hid) {
		pload_error(load, &p->arm_at, "`arm' is for keyboards; "
		    "expected a class of 03 in the `for' of profile `%s'",
		    p->name);
	}
}

/* --- rules --- */

static struct meter *
find_meter(const struct profile *p, const char *name)
{
	for (; p != NULL; p = p->parent) {
		for (struct meter *m = p->meters; m != NULL; m = m->next) {
			if (strcmp(m->name, name) == 0) {
				return m;
			}
		}
	}
	return NULL;
}

static void
list_meters(char *buf, size_t size, const struct profile *p)
{
	size_t used = 0;

	snprintf(buf, size, "a `meter' or `quota' of this profile");
	for (; p != NULL; p = p->parent) {
		for (struct meter *m = p->meters; m != NULL; m = m->next) {
			int n;

			if (used + strlen(m->name) + 4 >= size) {
				return;
			}
			n = snprintf(buf + used, size - used, "%s%s",
			    used > 0 ? ", " : "", m->name);
			used += n > 0 ? (size_t)n : 0;
		}
	}
}

static void
check_how(struct profile_load *load, const struct prule *rule,
    const struct hook_info *info)
{
	static const struct {
		const char *word;
		unsigned flag;
	} hows[] = {[HOW_SENSE] = {"sense", HOOK_SENSE},
		[HOW_SW] = {"sw", HOOK_SW},
		[HOW_CTAPERR] = {"ctaperr", HOOK_CTAPERR}};
	const char *own = info->flags & HOOK_SENSE ? ", `deny sense'" :
	    info->flags & HOOK_SW		   ? ", `deny sw'" :
	    info->flags & HOOK_CTAPERR		   ? ", `deny ctaperr'" :
						     "";

	if (rule->how != HOW_DEFAULT && rule->how != HOW_STALL &&
	    (info->flags & hows[rule->how].flag) == 0) {
		pload_error(load, &rule->at, "`deny %s' is no answer of `on "
		    "%s'; expected `deny'%s or `deny stall'",
		    hows[rule->how].word, info->name, own);
	}
}

static void
check_match(struct profile_load *load, const struct profile *p,
    const struct match *m, const struct hook_info *info)
{
	struct meter *meter;
	char list[256];

	if ((m->kind == MATCH_BYTES || m->kind == MATCH_CONTAINS) &&
	    (info->flags & HOOK_BYTES) == 0) {
		pload_error(load, &m->at, "`on %s' has no bytes to look at; "
		    "expected a fact", info->name);
	}
	if (m->kind != MATCH_OVER) {
		return;
	}
	meter = find_meter(p, m->name);
	if (meter == NULL) {
		list_meters(list, sizeof(list), p);
		pload_error(load, &m->at, "there is no meter or quota "
		    "`%.60s'; expected %s", m->name, list);
	} else {
		meter->is_used = 1;
	}
}

static void
check_rule(struct profile_load *load, const struct profile *p,
    const struct prule *rule, const struct hook_info *info)
{
	if (rule->verdict == VERDICT_ASK && (info->flags & HOOK_HOLDS) == 0) {
		pload_error(load, &rule->at, "`ask' cannot hold a unit of "
		    "`on %s', whose transfers do not wait; expected another "
		    "verdict", info->name);
	}
	if (rule->verdict == VERDICT_DROP && (info->flags & HOOK_DROPS) == 0) {
		pload_error(load, &rule->at, "`drop' means nothing for `on "
		    "%s', where an answer is waited for; expected `deny'",
		    info->name);
	}
	check_how(load, rule, info);
	for (const struct match *m = rule->matches; m != NULL; m = m->next) {
		check_match(load, p, m, info);
	}
}

void
check_profile(struct profile_load *load, const struct profile *p)
{
	check_for(load, p);
	for (unsigned hook = 0; hook < HOOKS; hook++) {
		for (const struct prule *rule = p->rules[hook]; rule != NULL;
		     rule = rule->next) {
			check_rule(
			    load, p, rule, hook_info((enum hook)hook));
		}
	}
}

/* --- meters --- */

/* A profile may give a meter of its own to the rules of its parents. */
static int
is_named(const struct profile *p, const char *name)
{
	for (; p != NULL; p = p->parent) {
		for (unsigned hook = 0; hook < HOOKS; hook++) {
			for (const struct prule *rule = p->rules[hook];
			     rule != NULL; rule = rule->next) {
				for (const struct match *m = rule->matches;
				     m != NULL; m = m->next) {
					if (m->kind == MATCH_OVER &&
					    strcmp(m->name, name) == 0) {
						return 1;
					}
				}
			}
		}
	}
	return 0;
}

void
check_meters(struct profile_load *load, const struct profile_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct profile *p = set->profiles[i];

		for (struct meter *m = p->meters; m != NULL; m = m->next) {
			if (!m->is_used && is_named(p, m->name)) {
				m->is_used = 1;
			}
			if (!m->is_used) {
				pload_warn(load, &m->at, "%s `%s' is never "
				    "used; no rule has `over %s'",
				    m->is_quota ? "quota" : "meter", m->name,
				    m->name);
			}
		}
	}
}
