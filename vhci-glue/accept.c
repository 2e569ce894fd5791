/*
 * The verdict on a device, in the relay. All configurations count, and all
 * alternates: the kernel may choose any of them. A configuration that cannot be
 * parsed is not accepted, since the kernel might read another device in it than
 * we do.
 */
#include "vhci-glue/accept.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/desc.h"

#define CLASS_COMM 0x02
#define CLASS_HID 0x03
#define CLASS_HUB 0x09
#define CLASS_DATA 0x0a
#define ANY (-1)

_Static_assert((RULE_HID_KEYBOARD | RULE_HID_MOUSE | RULE_HID_FIDO |
		   RULE_HID_OTHER) == SEEN_HID_ALL,
    "all bits");
_Static_assert(SEEN_BYTES / 9 <= UINT16_MAX, "counts fit");

/* Every interface descriptor: one per alternate. */
struct face {
	struct rule_interface v[RULE_INTERFACES_MAX];
	uint8_t alternate[RULE_INTERFACES_MAX];
	size_t n;
	unsigned active; /* index of the configuration that it is in */
	struct desc_config scratch;
};

struct judge {
	const struct accept_how *how;
	const struct usbip_device *dev;
	const struct look *look;
	uint8_t *hid;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int
no(struct judge *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(j->why, j->size, fmt, ap);
	va_end(ap);
	return ERR_POLICY;
}

enum accept_kind
accept_kind_of(uint8_t class, uint8_t subclass, uint8_t protocol)
{
	static const struct {
		int class, subclass, protocol;
		enum accept_kind kind;
	} kinds[] = {
	    {CLASS_HUB, ANY, ANY, ACCEPT_HUB},
	    {CLASS_HID, 0x01, 0x01, ACCEPT_KEYBOARD},
	    {CLASS_COMM, 0x02, 0xff, ACCEPT_NETWORK}, /* RNDIS */
	    {CLASS_COMM, 0x06, ANY, ACCEPT_NETWORK},  /* ECM */
	    {CLASS_COMM, 0x0a, ANY, ACCEPT_NETWORK},  /* MDLM */
	    {CLASS_COMM, 0x0c, ANY, ACCEPT_NETWORK},  /* EEM */
	    {CLASS_COMM, 0x0d, ANY, ACCEPT_NETWORK},  /* NCM */
	    {CLASS_COMM, 0x0e, ANY, ACCEPT_NETWORK},  /* MBIM */
	    {0xe0, 0x01, 0x03, ACCEPT_NETWORK},	      /* RNDIS */
	    {0xef, 0x01, 0x01, ACCEPT_NETWORK},	      /* RNDIS, ActiveSync */
	    {0xef, 0x04, ANY, ACCEPT_NETWORK},	      /* RNDIS */
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (class == kinds[i].class &&
		    (kinds[i].subclass == ANY ||
			subclass == kinds[i].subclass) &&
		    (kinds[i].protocol == ANY ||
			protocol == kinds[i].protocol)) {
			return kinds[i].kind;
		}
	}
	return ACCEPT_PLAIN;
}

/* ------------------------------------------------------------------------ */
/* Rules                                                                    */

/* The line before a rule file's first; numbers are one too high behind it. */
static const char prefix[] = "default to any\n";

int
accept_load(struct rules **out, const char *name, const uint8_t *text,
    size_t len, char *why, size_t size)
{
	size_t head = sizeof(prefix) - 1;
	struct rules_load *load = rules_load_new();
	char *whole = malloc(head + len);
	const struct rule_error *e;
	int r = ERR_NOMEM;

	*out = NULL;
	if (load == NULL || whole == NULL) {
		(void)snprintf(why, size, "%s: no memory", name);
		goto out;
	}
	memcpy(whole, prefix, head);
	if (len > 0) {
		memcpy(whole + head, text, len);
	}
	r = rules_load_text(load, name, whole, head + len);
	if (r == 0) {
		r = rules_load_finish(load, out);
	}
	if (r == 0) {
		goto out;
	}
	e = rules_load_error(load, 0);
	if (e != NULL) {
		(void)snprintf(why, size, "%s:%u:%u: %s", e->file,
		    e->line > 1 ? e->line - 1 : 1, e->column, e->text);
	} else {
		(void)snprintf(why, size, "%s: %s", name, err_str(r));
	}
out:
	free(whole);
	rules_load_free(load);
	return r;
}

/* Nobody here ends a lease or asks an approver. */
static int
has_terms(const struct rule_decision *d)
{
	const struct rule_grant *g = &d->grant;

	return g->lease != 0 || g->idle != 0 || g->hold != 0 || g->until != 0 ||
	    g->is_once || g->max != 0 || g->has_capture ||
	    (g->profile != NULL && g->profile[0] != '\0') ||
	    (g->approver != NULL && g->approver[0] != '\0') ||
	    !d->exposes.is_all;
}

static int
judge_by_rules(struct judge *j, const struct face *face)
{
	const struct rule_device dev = {
	    .vid = j->dev->vid,
	    .pid = j->dev->pid,
	    .bcd_device = j->dev->bcd_device,
	    .speed = (uint8_t)j->dev->speed,
	    .name = j->look->product,
	    .manufacturer = j->look->manufacturer,
	    .serial = j->look->serial,
	    .hash = "",
	    .parent_hash = "",
	    .via_port = "",
	    .stable_port = "",
	    .connect_type = "",
	    .interfaces = face->v,
	    .ninterfaces = face->n,
	};
	struct rule_decision d;
	unsigned line;

	rules_decide(j->how->rules, &dev, NULL, NULL, &d);
	if (d.verdict == RULE_DEPENDS) {
		return no(j, "its rules ask who receives it; here they have no "
			     "`to'");
	}
	if (d.is_implicit) {
		return no(j, "no rule in [accept] of workstation.conf allows "
			     "it");
	}
	line = d.line > 1 ? d.line - 1 : 1;
	if (d.verdict != RULE_ALLOW && d.verdict != RULE_PENDING) {
		return no(j, "by the rule at %s:%u", d.file, line);
	}
	if (d.verdict == RULE_PENDING || has_terms(&d)) {
		return no(j, "the rule at %s:%u has terms that only a gateway "
			     "can keep",
		    d.file, line);
	}
	/* What was not read was judged as a keyboard. */
	for (size_t i = 0; i < face->n; i++) {
		const struct rule_interface *f = &face->v[i];

		if (f->class == CLASS_HID) {
			j->hid[f->number] |=
			    f->hid != 0 ? f->hid : SEEN_HID_ALL;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The defaults                                                             */

static int
is_same(const struct rule_interface *a, const struct usbip_interface *b)
{
	return a->class == b->class && a->subclass == b->subclass &&
	    a->protocol == b->protocol;
}

static int
is_listed(const struct ipc_asked *asked, const struct rule_interface *f)
{
	for (size_t i = 0; i < asked->ninterfaces; i++) {
		if (is_same(f, &asked->interfaces[i])) {
			return 1;
		}
	}
	return 0;
}

static int
is_listed_class(const struct ipc_asked *asked, uint8_t class)
{
	for (size_t i = 0; i < asked->ninterfaces; i++) {
		if (asked->interfaces[i].class == class) {
			return 1;
		}
	}
	return 0;
}

/* Whether one of that kind was asked for. */
static int
may_have(const struct judge *j, enum accept_kind kind, unsigned flag)
{
	const struct ipc_asked *asked = j->how->asked;
	int has = 0;

	for (size_t i = 0; i < asked->ninterfaces; i++) {
		const struct usbip_interface *f = &asked->interfaces[i];

		has |= accept_kind_of(f->class, f->subclass, f->protocol) ==
		    kind;
	}
	return (j->how->flags & flag) != 0 ||
	    (has && (j->how->flags & IPC_ACCEPT_LISTED) != 0);
}

/* Whether the list has it. An alternate, or an interface of a configuration
 * that the device is not in, is in no list: it must be of a class that is, or
 * belong to a network card that was asked for. */
static int
is_expected(const struct judge *j, const struct face *face, size_t i,
    enum accept_kind kind)
{
	const struct rule_interface *f = &face->v[i];
	const struct ipc_asked *asked = j->how->asked;

	if (is_listed(asked, f)) {
		return 1;
	}
	if (kind == ACCEPT_KEYBOARD) {
		return (j->how->flags & IPC_ACCEPT_KEYBOARD) != 0;
	}
	if ((j->how->flags & IPC_ACCEPT_NETWORK) != 0 &&
	    (kind == ACCEPT_NETWORK || f->class == CLASS_DATA)) {
		return 1;
	}
	if (f->config == face->active && face->alternate[i] == 0) {
		return 0;
	}
	return is_listed_class(asked, f->class) ||
	    (f->class == CLASS_DATA && is_listed_class(asked, CLASS_COMM));
}

static int
judge_interface(struct judge *j, const struct face *face, size_t i)
{
	const struct rule_interface *f = &face->v[i];
	enum accept_kind kind =
	    accept_kind_of(f->class, f->subclass, f->protocol);

	switch (kind) {
	case ACCEPT_PLAIN:
		break;
	case ACCEPT_HUB:
		return no(j, "it is a hub; a rule in [accept] of "
			     "workstation.conf can allow it");
	case ACCEPT_KEYBOARD:
		if (!may_have(j, kind, IPC_ACCEPT_KEYBOARD)) {
			return no(j, "it is a keyboard, and was not asked for "
				     "as one; --accept keyboard");
		}
		break;
	case ACCEPT_NETWORK:
		if (!may_have(j, kind, IPC_ACCEPT_NETWORK)) {
			return no(j, "it is a network card, and was not asked "
				     "for as one; --accept network");
		}
		break;
	}
	if (!is_expected(j, face, i, kind)) {
		return no(j, "its interface %02x:%02x:%02x is not in the "
			     "gateway's list; a rule in [accept] of "
			     "workstation.conf can allow it",
		    f->class, f->subclass, f->protocol);
	}
	return 0;
}

/* What the list promised is there. */
static int
judge_missing(struct judge *j, const struct face *face)
{
	const struct ipc_asked *asked = j->how->asked;

	for (size_t i = 0; i < asked->ninterfaces; i++) {
		const struct usbip_interface *want = &asked->interfaces[i];
		int has = 0;

		for (size_t k = 0; k < face->n && !has; k++) {
			has = face->v[k].config == face->active &&
			    is_same(&face->v[k], want);
		}
		if (!has) {
			return no(j, "the gateway's list has an interface "
				     "%02x:%02x:%02x, the device has not",
			    want->class, want->subclass, want->protocol);
		}
	}
	return 0;
}

/* A device that was accepted as a keyboard may be one in its other interfaces
 * too: many have one for the boot protocol and one for all their keys. */
static int
judge_reports(struct judge *j, const struct face *face)
{
	int may_all = (j->how->flags & IPC_ACCEPT_KEYBOARD) != 0;

	for (size_t i = 0; i < face->n; i++) {
		const struct rule_interface *f = &face->v[i];

		may_all |= f->config == face->active &&
		    accept_kind_of(f->class, f->subclass, f->protocol) ==
			ACCEPT_KEYBOARD;
	}
	for (size_t i = 0; i < face->n; i++) {
		const struct rule_interface *f = &face->v[i];

		if (f->class != CLASS_HID) {
			continue;
		}
		j->hid[f->number] |= RULE_HID_MOUSE | RULE_HID_FIDO |
		    RULE_HID_OTHER;
		if (may_all) {
			j->hid[f->number] |= RULE_HID_KEYBOARD;
		}
	}
	for (unsigned i = 0; i < SEEN_NUMBERS; i++) {
		if ((j->look->hid[i] & ~j->hid[i]) != 0) {
			return no(j, "interface %u is a keyboard by its report "
				     "descriptor, and was not asked for as "
				     "one; --accept keyboard",
			    i);
		}
	}
	return 0;
}

static int
judge_by_list(struct judge *j, const struct face *face)
{
	const struct ipc_asked *asked = j->how->asked;
	int r;

	if (!asked->is_listed) {
		return no(j, "the gateway does not list it");
	}
	if (j->dev->vid != asked->vid || j->dev->pid != asked->pid) {
		return no(j, "it is %04x:%04x, the gateway's list has "
			     "%04x:%04x there",
		    j->dev->vid, j->dev->pid, asked->vid, asked->pid);
	}
	if (j->dev->class == CLASS_HUB) {
		return no(j, "it is a hub; a rule in [accept] of "
			     "workstation.conf can allow it");
	}
	for (size_t i = 0; i < face->n; i++) {
		r = judge_interface(j, face, i);
		if (r != 0) {
			return r;
		}
	}
	r = judge_missing(j, face);
	return r != 0 ? r : judge_reports(j, face);
}

/* ------------------------------------------------------------------------ */

static int
add_config(struct judge *j, struct face *face, unsigned index,
    const uint8_t *data, size_t len)
{
	struct desc_why why = {.rule = "", .text = ""};

	if (desc_parse_config(&face->scratch, data, len, &why) != 0) {
		return no(j, "configuration %u: %s", index, why.text);
	}
	if (face->scratch.value == j->dev->configuration) {
		face->active = index;
	}
	for (size_t i = 0; i < face->scratch.nalts; i++) {
		const struct desc_alt *alt = &face->scratch.alts[i];

		if (face->n == RULE_INTERFACES_MAX) {
			return no(j, "it has too many interfaces");
		}
		face->v[face->n] = (struct rule_interface){
		    .class = alt->class,
		    .subclass = alt->subclass,
		    .protocol = alt->protocol,
		    .config = (uint8_t)index,
		    .number = alt->number,
		};
		face->alternate[face->n++] = alt->alternate;
	}
	return 0;
}

static int
fill(struct judge *j, struct face *face, const struct seen *seen)
{
	int r = 0;

	/* Not in any of them, as it says: none is the active one. */
	face->active = j->dev->configuration == 0 ? 0 : DESC_MAX_CONFIGS;
	for (unsigned i = 0; r == 0 && i < j->dev->nconfigurations; i++) {
		size_t len;
		const uint8_t *data = seen_config(seen, i, &len);

		r = data == NULL
		    ? no(j, "configuration %u was not shown", i)
		    : add_config(j, face, i, data, len);
	}
	if (r == 0 && face->active == DESC_MAX_CONFIGS) {
		return no(j, "it is in a configuration that it does not show");
	}
	for (size_t i = 0; i < face->n; i++) {
		struct rule_interface *f = &face->v[i];

		if (f->class == CLASS_HID && f->config == face->active) {
			f->hid = j->look->hid[f->number];
		}
	}
	return r;
}

int
accept_judge(const struct accept_how *how, const struct usbip_device *dev,
    const struct seen *seen, const struct look *look,
    uint8_t hid[SEEN_NUMBERS], char *why, size_t size)
{
	struct judge j = {how, dev, look, hid, why, size};
	struct face *face = calloc(1, sizeof(*face));
	int r;

	memset(hid, 0, SEEN_NUMBERS);
	if (face == NULL) {
		return no(&j, "no memory");
	}
	r = fill(&j, face, seen);
	if (r == 0) {
		r = how->rules != NULL ? judge_by_rules(&j, face)
				       : judge_by_list(&j, face);
	}
	free(face);
	return r;
}
