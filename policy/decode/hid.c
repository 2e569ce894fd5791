/*
 * Human interface devices (HID 1.11): one unit is one report. Runs in
 * sallyport-session.
 *
 *   input    interrupt IN, and what GET_REPORT brings
 *   output   interrupt OUT, SET_REPORT
 *   feature  SET_REPORT, and what GET_REPORT brings
 *
 * A report is as long as its descriptor says, and has an id that is there:
 *
 *  - An input report with more bytes than that is cut to them if the others are
 *    0, as some firmware pads to the size of a packet; else it is invalid.
 *    Linux hands longer ones to drivers that did not expect them.
 *  - One with fewer passes as it is. Devices send such, Linux takes what is
 *    missing as 0 (hid_report_raw_event), and so do the facts. No byte is
 *    added.
 *  - Input with an id that is not there is invalid. What the workstation asks
 *    for or sends under such an id, or longer than declared, is a STALL: a
 *    report that nobody declared is a back door.
 *
 * len and bytes are those of a report without its id, which is a fact of its
 * own.
 *
 * Keys. A report says which keys are down, not which went down; what is not in
 * it is up. For each report that has keys stands here
 *
 *   held    what the workstation believes to be down: the last one that passed
 *   known   what was down in the last one, as far as it was counted
 *
 * keydowns are those that are down now and not in `known'. A report that was
 * refused leaves in `known' only what is still down, so a key that the
 * workstation never saw counts when it sees it. With a refused report a release
 * is lost, too, until the next one, which says it again. But one that brings
 * nothing than releases of keys that are held passes whatever the ruling is: a
 * key that stays down types on by itself, and a device can say nothing by
 * letting go of what it was allowed to press.
 *
 * Keys of one person may come in several reports, and of several interfaces: a
 * chord is made of all that are held. The modifiers of other interfaces count
 * when a report has keys; their other keys when it has a modifier.
 */
#include <string.h>

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/hid.h"
#include "policy/decode/list.h"
#include "wire/desc_why.h"

#define CLASS_HID 3u
#define SUBCLASS_BOOT 1u
#define MILLISECOND UINT64_C(1000000)

enum hid_request {
	GET_REPORT = 0x01,
	SET_REPORT = 0x09,
	SET_PROTOCOL = 0x0b,
};

static struct hid *
hid_of(struct decoder *d)
{
	return (struct hid *)(void *)d;
}

static enum decode_act
invalid(struct hid *h, const char *what)
{
	judge_invalid(h->decoder.judge, HOOK_HID, what);
	return DECODE_EJECT;
}

/* The workstation asked for what is not there: said to it alone. */
static enum decode_act
refuse(struct hid *h, struct unit *u, const char *what)
{
	h->decoder.host->note(h->decoder.host_arg, "hid.report", what);
	return answer_stall(u);
}

/* ------------------------------------------------------------------------ */
/* Attaching                                                                */

static const uint8_t *
report_of(const struct decode_iface *iface, size_t *len)
{
	return devrec_report(
	    iface->rec, iface->config->value, iface->alt->number, len);
}

static int
hid_takes(const struct decode_iface *iface)
{
	size_t len;

	return iface->alt->class == CLASS_HID && iface->rec != NULL &&
	    report_of(iface, &len) != NULL;
}

static void
find_others(struct hid *h, const struct desc_config *config)
{
	h->nothers = 0;
	for (unsigned i = 0; i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];

		if (alt->class == CLASS_HID && alt->alternate == 0 &&
		    alt->number != h->number && h->nothers < HID_ARM_PEERS) {
			h->others[h->nothers++] = alt->number;
		}
	}
}

static void
forget_keys(struct hid *h)
{
	memset(h->held, 0, sizeof(h->held));
	memset(h->known, 0, sizeof(h->known));
	memset(&h->stale, 0, sizeof(h->stale));
	h->is_boot = 0;
	h->last = 0;
	h->arm.ntyped = 0;
}

static int
hid_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	struct hid *h = hid_of(d);
	const struct desc_alt *alt = how->iface->alt;
	struct desc_why why = {.text = NULL};
	const uint8_t *bytes;
	size_t len;

	if (!h->is_on || h->number != alt->number ||
	    h->alternate != alt->alternate) {
		bytes = report_of(how->iface, &len);
		if (bytes == NULL ||
		    hid_report_compile(&h->report, bytes, len, &why) != 0) {
			*what = why.text != NULL ? why.text :
						   "HID without a report";
			return ERR_FORMAT;
		}
		h->is_on = 1;
		h->number = alt->number;
		h->alternate = alt->alternate;
		h->boot = alt->subclass == SUBCLASS_BOOT &&
			(alt->protocol == BOOT_KEYBOARD ||
			    alt->protocol == BOOT_MOUSE) ?
		    alt->protocol :
		    0;
		find_others(h, how->iface->config);
		forget_keys(h);
	}
	hid_arm_terms(&h->arm, how->terms,
	    h->report.nslots > 0 || h->boot == BOOT_KEYBOARD, d);
	if (h->arm.ndigits == 0) {
		h->was_armed = 1;
	} else if (!h->arm.is_armed) {
		h->was_armed = 0;
	}
	return 0;
}

/* Another interface of the device that is a HID here, too. */
static const struct hid *
other(const struct hid *h, unsigned i)
{
	const struct decoder *d =
	    h->decoder.host->sibling(h->decoder.host_arg, h->others[i]);

	return d != NULL && d != &h->decoder && d->ops == &decode_hid ?
	    (const struct hid *)(const void *)d :
	    NULL;
}

static void
arms_of(struct hid *h, struct hid_arms *arms)
{
	unsigned first = h->number;

	arms->own = &h->arm;
	arms->owner = h->arm.can_type ? &h->arm : NULL;
	arms->npeers = 0;
	arms->decoder = &h->decoder;
	for (unsigned i = 0; i < h->nothers; i++) {
		const struct hid *o = other(h, i);

		if (o == NULL || o->arm.ndigits != h->arm.ndigits) {
			continue;
		}
		arms->peers[arms->npeers++] = &o->arm;
		if (o->arm.can_type &&
		    (arms->owner == NULL || o->number < first)) {
			arms->owner = &o->arm;
			first = o->number;
		}
	}
}

/* ------------------------------------------------------------------------ */
/* Keys                                                                     */

/* Of a set of keys, both sides of a modifier as one. */
static uint8_t
mods_of(const uint64_t keys[KEY_WORDS])
{
	unsigned sides = keys[0xe0 / 64] >> 0xe0 % 64 & 0xff;

	return (uint8_t)((sides | sides >> 4) & 0x0f);
}
_Static_assert(MOD_CTRL == 1 && MOD_SHIFT == 2 && MOD_ALT == 4 && MOD_GUI == 8,
    "modifiers in the order of their usages");

/* All that an interface holds, but for one slot. */
static void
add_held(uint64_t to[KEY_WORDS], const struct hid *h, unsigned but)
{
	for (unsigned i = 0; i < h->report.nslots; i++) {
		if (i != but) {
			keys_add(to, &h->held[i]);
		}
	}
	if (but != BOOT_SLOT) {
		keys_add(to, &h->held[BOOT_SLOT]);
	}
}

/* Keys and modifiers that stand when this report has come. */
static void
set_keys(struct facts *f, const struct hid *h, const struct hid_piece *p,
    const struct keys *now)
{
	memcpy(f->keys, now->bits, sizeof(f->keys));
	f->mods = 0;
	if (!keys_is_empty(now)) {
		int has_mods = mods_of(now->bits) != 0;

		add_held(f->keys, h, p->slot);
		f->mods = mods_of(f->keys);
		for (unsigned i = 0; i < h->nothers; i++) {
			const struct hid *o = other(h, i);
			uint64_t theirs[KEY_WORDS] = {0};

			if (o == NULL) {
				continue;
			}
			add_held(theirs, o, HID_NO_SLOT);
			f->mods |= mods_of(theirs);
			for (unsigned k = 0; has_mods && k < KEY_WORDS; k++) {
				f->keys[k] |= theirs[k];
			}
		}
	}
	facts_set(f, FACT_KEY, 0);
	facts_set(f, FACT_CHORD, 0);
}

static uint32_t
declared(const struct hid_piece *p)
{
	if (p->shape != NULL) {
		return p->shape->len;
	}
	return BOOT_KEYBOARD_SIZE; /* the longest that a boot report is */
}

static int
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0) {
			return 0;
		}
	}
	return 1;
}

/* ------------------------------------------------------------------------ */
/* Input                                                                    */

/* A report that was allowed came before it is armed: it is typed at us. */
static enum decode_act
type(struct hid *h, struct hid_arms *arms, const struct hid_piece *p,
    const struct keys *now, uint64_t at)
{
	static const struct keys none;
	const struct keys *known =
	    p->slot != HID_NO_SLOT ? &h->known[p->slot] : &none;

	for (unsigned key = 0; key < KEY_CODES; key++) {
		if (((now->bits[key / 64] & ~known->bits[key / 64]) >> key % 64 &
			1) == 0) {
			continue;
		}
		switch (hid_arm_press(arms, key, at)) {
		case HID_ARM_NOTHING:
			break;
		case HID_ARM_ARMED:
			return DECODE_AGAIN;
		case HID_ARM_OUT:
			h->decoder.host->note(h->decoder.host_arg, "hid.arm",
			    "three wrong tries to arm the keyboard");
			return DECODE_QUARANTINE;
		}
	}
	return DECODE_AGAIN;
}

/* Keys that went down before it was armed do not reach the workstation while
 * they are down. */
static int
is_stale(struct hid *h, const struct keys *now)
{
	uint64_t known[KEY_WORDS] = {0};
	uint64_t any = 0;

	for (unsigned i = 0; i <= HID_KEY_SLOTS; i++) {
		keys_add(known, &h->known[i]);
	}
	if (!h->was_armed) {
		h->was_armed = 1;
		memcpy(h->stale.bits, known, sizeof(known));
	}
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		h->stale.bits[i] &= known[i];
		any |= h->stale.bits[i] & now->bits[i];
	}
	return any != 0;
}

/* DECODE_PASS for what is kept from the workstation and still has to reach it,
 * see above; else DECODE_AGAIN. */
static enum decode_act
keep_back(struct hid *h, const struct hid_piece *p, const struct keys *now)
{
	if (p->slot == HID_NO_SLOT || !p->is_pure ||
	    !keys_is_release(now, &h->held[p->slot])) {
		return DECODE_AGAIN;
	}
	h->held[p->slot] = *now;
	return DECODE_PASS;
}

static enum decode_act
on_allowed(struct hid *h, const struct hid_piece *p, const struct keys *now,
    uint64_t at)
{
	enum decode_act act = DECODE_PASS;
	struct hid_arms arms;

	if (!h->was_armed) {
		arms_of(h, &arms);
		if (!hid_arm_passes(&arms)) {
			act = type(h, &arms, p, now, at);
		} else {
			/* since the report before: what was down then */
			(void)is_stale(h, now);
		}
	}
	if (p->slot != HID_NO_SLOT) {
		h->known[p->slot] = *now;
	}
	if (act == DECODE_QUARANTINE) {
		return act;
	}
	if (act == DECODE_AGAIN ||
	    (!keys_is_empty(&h->stale) && is_stale(h, now))) {
		return keep_back(h, p, now);
	}
	if (p->slot != HID_NO_SLOT) {
		h->held[p->slot] = *now;
	}
	return DECODE_PASS;
}

static enum decode_act
on_refused(struct hid *h, const struct hid_piece *p, const struct keys *now)
{
	if (p->slot != HID_NO_SLOT) {
		keys_keep(&h->known[p->slot], now);
	}
	return keep_back(h, p, now);
}

static uint64_t
gap_of(const struct hid *h, uint64_t now)
{
	uint64_t gap = (now - h->last) / MILLISECOND;

	return h->last == 0 || gap > UINT32_MAX ? UINT32_MAX : gap;
}

/* DECODE_AGAIN: it does not reach the workstation. */
static enum decode_act
on_input(struct hid *h, const struct unit *u, const struct hid_piece *p)
{
	static const struct keys none;
	const struct keys *known =
	    p->slot != HID_NO_SLOT ? &h->known[p->slot] : &none;
	struct ruling ruling;
	enum decode_act act;
	struct keys now;
	struct facts f;

	hid_facts_of(&f, h, p);
	if (h->values.is_full) {
		return invalid(h, "input report of too many usages");
	}
	hid_keys_of(h, p, &now);
	f.is_back = 1;
	set_keys(&f, h, p, &now);
	facts_set(&f, FACT_KEYDOWNS, keys_count_new(&now, known));
	facts_set(&f, FACT_GAP, gap_of(h, u->now));
	judge_rule(h->decoder.judge, &f, u->now, &ruling);
	act = answer_act(ruling.verdict);
	if (act == DECODE_PASS) {
		act = on_allowed(h, p, &now, u->now);
	} else if (act == DECODE_ANSWER) {
		act = on_refused(h, p, &now);
	} else {
		return act;
	}
	h->last = u->now;
	return act;
}

static enum decode_act
on_interrupt(struct hid *h, struct unit *u)
{
	struct hid_piece p;
	uint32_t most;

	if (u->actual == 0) {
		return DECODE_AGAIN;
	}
	if (hid_piece_of(h, &p, HID_INPUT, 0, u->data, u->actual) != 0) {
		return invalid(h, "input report of an id that is not declared");
	}
	most = declared(&p);
	if (p.len > most) {
		if (!is_zero(p.data + most, p.len - most)) {
			return invalid(h, "input report longer than declared");
		}
		u->actual -= p.len - most;
		p.len = most;
	}
	return on_input(h, u, &p);
}

/* ------------------------------------------------------------------------ */
/* Output, and requests                                                     */

static enum decode_act
on_output(struct hid *h, struct unit *u, enum hid_kind kind, uint8_t id)
{
	struct ruling ruling;
	enum decode_act act;
	struct hid_piece p;
	struct facts f;

	if (u->length == 0 ||
	    hid_piece_of(h, &p, kind, id, u->data, u->length) != 0) {
		return refuse(h, u, "a report that is not declared is sent");
	}
	if (u->type == XFER_CONTROL && p.id != id) {
		return refuse(h, u, "a report under two ids is sent");
	}
	if (p.len > (p.shape != NULL ? p.shape->len : BOOT_LEDS_SIZE)) {
		return refuse(h, u, "a report longer than declared is sent");
	}
	hid_facts_of(&f, h, &p);
	if (h->values.is_full) {
		return refuse(h, u, "a report of too many usages is sent");
	}
	judge_rule(h->decoder.judge, &f, u->now, &ruling);
	act = answer_act(ruling.verdict);
	if (act != DECODE_ANSWER) {
		return act;
	}
	return ruling.verdict == VERDICT_DROP ? answer_done(u, u->length)
					      : answer_stall(u);
}

static int
is_class(const struct unit *u, uint8_t request)
{
	return u->type == XFER_CONTROL && (u->setup[0] & 0x60) == 0x20 &&
	    u->setup[1] == request;
}

/* The kind of a report that a request is about; -1 = none. */
static int
kind_of(const struct unit *u)
{
	return u->setup[3] >= 1 && u->setup[3] <= HID_KINDS ?
	    u->setup[3] - 1 :
	    -1;
}

static enum decode_act
submit_control(struct hid *h, struct unit *u)
{
	int kind = kind_of(u);

	if (is_class(u, SET_REPORT) && !unit_is_in(u)) {
		return kind < 0 ?
		    refuse(h, u, "a report of no kind is sent") :
		    on_output(h, u, (enum hid_kind)kind, u->setup[2]);
	}
	if (is_class(u, GET_REPORT) && unit_is_in(u) &&
	    (kind < 0 ||
		(!(h->is_boot && kind == HID_INPUT) &&
		    hid_report_shape(&h->report, (enum hid_kind)kind,
			u->setup[2]) == NULL))) {
		return refuse(
		    h, u, "a report that is not declared is asked for");
	}
	return DECODE_PASS;
}

static enum decode_act
hid_submit(struct decoder *d, struct unit *u)
{
	struct hid *h = hid_of(d);

	if (u->type == XFER_CONTROL) {
		return submit_control(h, u);
	}
	if (u->type != XFER_INT) {
		return invalid(h, "transfer to an endpoint that no HID has");
	}
	if (!unit_is_in(u)) {
		return on_output(h, u, HID_OUTPUT, 0);
	}
	if (!h->is_boot && u->length < h->report.longest[HID_INPUT]) {
		/* the rest would come as if it were a report */
		return refuse(h, u, "no room for the longest input report");
	}
	return DECODE_PASS;
}

/* What GET_REPORT brought. */
static enum decode_act
on_answer(struct hid *h, struct unit *u)
{
	enum hid_kind kind = (enum hid_kind)kind_of(u);
	struct ruling ruling;
	enum decode_act act;
	struct hid_piece p;
	struct facts f;
	uint32_t most;

	if (u->actual == 0) {
		return DECODE_PASS;
	}
	if (hid_piece_of(h, &p, kind, u->setup[2], u->data, u->actual) != 0) {
		return answer_hush(u);
	}
	most = declared(&p);
	if (p.len > most) {
		u->actual -= p.len - most;
		p.len = most;
	}
	if (kind == HID_INPUT) {
		act = on_input(h, u, &p);
		return act == DECODE_AGAIN ? answer_hush(u) : act;
	}
	hid_facts_of(&f, h, &p);
	if (h->values.is_full) {
		return answer_hush(u);
	}
	f.is_back = 1;
	judge_rule(h->decoder.judge, &f, u->now, &ruling);
	act = answer_act(ruling.verdict);
	return act == DECODE_ANSWER ? answer_hush(u) : act;
}

static enum decode_act
hid_complete(struct decoder *d, struct unit *u)
{
	struct hid *h = hid_of(d);

	if (u->status != USBIP_OK && u->status != USBIP_EREMOTEIO) {
		if (unit_is_in(u)) {
			u->actual = 0; /* nobody judged it */
		}
		return DECODE_PASS;
	}
	if (u->type != XFER_CONTROL) {
		return unit_is_in(u) ? on_interrupt(h, u) : DECODE_PASS;
	}
	if (is_class(u, GET_REPORT) && unit_is_in(u)) {
		return on_answer(h, u);
	}
	if (is_class(u, SET_PROTOCOL) && h->boot != 0) {
		h->is_boot = u->setup[2] == 0;
	}
	return DECODE_PASS;
}

static void
hid_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	(void)endpoint;
	if (event == DECODE_RESET) {
		forget_keys(hid_of(d));
	}
}

static uint64_t
hid_tick(struct decoder *d, uint64_t now)
{
	struct hid *h = hid_of(d);
	struct hid_arms arms;

	if (h->was_armed) {
		return 0;
	}
	arms_of(h, &arms);
	return hid_arm_tick(&arms, now);
}

const struct decoder_ops decode_hid = {
	.name = "hid",
	.hooks = 1u << HOOK_HID,
	.size = sizeof(struct hid),
	.takes = hid_takes,
	.attach = hid_attach,
	.submit = hid_submit,
	.complete = hid_complete,
	.event = hid_event,
	.tick = hid_tick,
};
