/*
 * One device and one identity made ready for being compared with many rules:
 * the facts of the certificate, the interfaces folded, and, where rules ask for
 * them, the desktops that the workstation speaks of.
 *
 * Texts come from devices, certificates and workstations and are hostile. No
 * malloc.
 */
#include "policy/rules/ast.h"

#include <string.h>

static void
add_fact(struct subject *s, enum fact_kind kind, const char *text, size_t len)
{
	if (len > 0 && s->nfacts < FACTS_MAX) {
		s->facts[s->nfacts++] = (struct fact){
		    .kind = kind, .len = (uint32_t)len, .text = text};
	}
}

static void
add_hash(struct subject *s, enum fact_kind kind, const uint8_t hash[32])
{
	static const uint8_t unknown[32];

	if (memcmp(hash, unknown, 32) != 0) {
		add_fact(s, kind, (const char *)hash, 32);
	}
}

static void
add_facts(struct subject *s, const struct x509_facts *who)
{
	size_t nsan = who->nsan < IDENTITY_SANS ? who->nsan : IDENTITY_SANS;
	size_t nou = who->nou < IDENTITY_OUS ? who->nou : IDENTITY_OUS;

	add_fact(s, FACT_CN, who->cn, strnlen(who->cn, IDENTITY_TEXT));
	for (size_t i = 0; i < nsan; i++) {
		const char *text = who->san[i].text;
		size_t len = strnlen(text, IDENTITY_TEXT);

		if (who->san[i].type == SAN_DNS) {
			add_fact(s, FACT_DNS, text, len);
		} else if (who->san[i].type == SAN_URI) {
			add_fact(s, FACT_URI, text, len);
		} else if (who->san[i].type == SAN_IP) {
			add_fact(s, FACT_IP, text, len);
		}
	}
	for (size_t i = 0; i < nou; i++) {
		add_fact(s, FACT_OU, who->ou[i],
		    strnlen(who->ou[i], IDENTITY_TEXT));
	}
	add_fact(
	    s, FACT_ISSUER, who->issuer, strnlen(who->issuer, IDENTITY_TEXT));
	add_hash(s, FACT_ISSUER_KEY, who->issuer_key);
	add_hash(s, FACT_FP, who->fingerprint);
}

static int
is_same_triple(const struct rule_interface *a, const struct rule_interface *b)
{
	return a->class == b->class && a->subclass == b->subclass &&
	    a->protocol == b->protocol;
}

size_t
hid_things(const struct rule_interface *interface, uint8_t things[4])
{
	uint8_t bits = interface->hid;
	size_t n = 0;

	if (interface->class != 0x03) {
		things[0] = 0;
		return 1;
	}
	for (unsigned bit = 1; bit <= RULE_HID_OTHER; bit <<= 1) {
		if (bits & bit) {
			things[n++] = (uint8_t)bit;
		}
	}
	if (n == 0) { /* nobody knows: the worst it can be */
		things[n++] = RULE_HID_KEYBOARD;
	}
	return n;
}

static void
add_class(struct subject *s, const struct rule_interface *interface)
{
	uint8_t things[4];
	size_t n = hid_things(interface, things);

	for (size_t i = 0; i < n; i++) {
		s->classes[s->nclasses] = *interface;
		s->classes[s->nclasses++].hid = things[i];
	}
}

static void
fold_interfaces(struct subject *s, const struct rule_device *device)
{
	int has_control = 0;

	for (size_t i = 0;
	     i < device->ninterfaces && i < RULE_INTERFACES_MAX; i++) {
		const struct rule_interface *interface =
		    &device->interfaces[i];
		size_t j = 0;

		while (j < s->nfolded &&
		    !is_same_triple(&s->folded[j], interface)) {
			j++;
		}
		if (j == s->nfolded) {
			s->folded[s->nfolded] = *interface;
			s->folded[s->nfolded++].hid = 0;
			has_control |= interface->class == 0x02;
		}
		s->folded[j].hid |= interface->hid != 0 ? interface->hid :
							  RULE_HID_KEYBOARD;
	}
	/* a CDC data interface belongs to the control interface beside it and
	 * has no class name of its own */
	for (size_t i = 0; i < s->nfolded; i++) {
		if (s->folded[i].class != 0x0a || !has_control) {
			add_class(s, &s->folded[i]);
		}
	}
}

void
subject_init(struct subject *s, const struct rule_device *device,
    const struct x509_facts *who, const struct rule_world *world)
{
	s->device = device;
	s->who = who;
	s->world = world;
	s->nfacts = 0;
	s->ndesks = 0;
	s->nfolded = 0;
	s->nclasses = 0;
	fold_interfaces(s, device);
	if (who != NULL) {
		add_facts(s, who);
	}
}

void
subject_hear(struct subject *s)
{
	const struct rule_world *world = s->world;

	if (world != NULL) {
		s->ndesks = world->ops->desks(world->arg, s->desks);
	}
}
