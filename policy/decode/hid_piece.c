/*
 * One report in hand: which it is, and what it says, in the protocol that its
 * descriptor declares or in that of boot firmware (HID 1.11 B). Runs in
 * sallyport-session.
 */
#include <string.h>

#include "base/err.h"
#include "policy/decode/hid.h"

static void
read_boot(struct hid *h, const struct hid_piece *p)
{
	struct hid_values *v = &h->values;
	uint32_t usage[BOOT_KEYBOARD_SIZE * 8];
	/* modifiers, buttons; LEDs, which are all that goes out */
	unsigned n = 0, first = p->kind == HID_OUTPUT ? 0x80001 :
	    h->boot == BOOT_KEYBOARD		      ? 0x700e0 :
							0x90001;

	memset(v->keys, 0, sizeof(v->keys));
	v->is_rollover = 0;
	v->is_full = 0;
	for (unsigned bit = 0; bit < 8; bit++) {
		if (p->len > 0 && (p->data[0] >> bit & 1) != 0) {
			usage[n++] = first + bit;
		}
	}
	for (unsigned i = h->boot == BOOT_KEYBOARD ? 2 : 1;
	     i < p->len && i < BOOT_KEYBOARD_SIZE; i++) {
		if (p->data[i] == 0) {
			continue;
		}
		if (h->boot == BOOT_KEYBOARD) {
			v->is_rollover |= p->data[i] == 1;
			usage[n++] = 0x70000u | p->data[i];
		} else if (i < BOOT_MOUSE_SIZE) {
			usage[n++] = 0x10030 + i - 1; /* X, Y */
		}
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned key = hid_key_of(usage[i]);

		if (key != HID_NO_KEY) {
			v->keys[key / 64] |= UINT64_C(1) << key % 64;
		}
		v->usages[i] = usage[i];
	}
	v->nusages = n;
}

void
hid_keys_of(const struct hid *h, const struct hid_piece *p, struct keys *now)
{
	memcpy(now->bits, h->values.keys, sizeof(now->bits));
	if (h->values.is_rollover && p->slot != HID_NO_SLOT) {
		struct keys before = h->known[p->slot];

		before.bits[0xe0 / 64] &= ~(UINT64_C(0xff) << 0xe0 % 64);
		keys_add(now->bits, &before);
	}
}

void
hid_facts_of(struct facts *f, struct hid *h, const struct hid_piece *p)
{
	if (p->shape != NULL) {
		hid_report_read(
		    &h->values, &h->report, p->shape, p->data, p->len);
	} else {
		read_boot(h, p);
	}
	facts_init(f, HOOK_HID);
	facts_set(f, FACT_KIND, p->kind + 1u);
	facts_set(f, FACT_REPORT_ID, p->id);
	facts_set(f, FACT_LEN, p->len);
	facts_set(f, FACT_USAGE, 0);
	f->usages = h->values.usages;
	f->nusages = h->values.nusages;
	f->bytes = p->data;
	f->nbytes = p->len;
}

int
hid_piece_of(const struct hid *h, struct hid_piece *p, enum hid_kind kind,
    uint8_t id, const uint8_t *data, uint32_t len)
{
	memset(p, 0, sizeof(*p));
	p->kind = (uint8_t)kind;
	p->slot = HID_NO_SLOT;
	if (kind == HID_INPUT && h->is_boot) {
		p->slot = h->boot == BOOT_KEYBOARD ? BOOT_SLOT : HID_NO_SLOT;
		p->is_pure = h->boot == BOOT_KEYBOARD;
		p->data = data;
		p->len = len;
		return 0;
	}
	if (kind == HID_OUTPUT && h->is_boot && h->boot == BOOT_KEYBOARD) {
		p->data = data;
		p->len = len;
		return 0;
	}
	p->id = id;
	if (h->report.is_numbered[kind] && len > 0) {
		p->has_id = 1;
		p->id = data[0];
	}
	p->shape = hid_report_shape(&h->report, kind, p->id);
	if (p->shape == NULL) {
		return ERR_NOENT;
	}
	p->slot = p->shape->slot;
	p->is_pure = p->shape->is_pure;
	p->data = data + p->has_id;
	p->len = len - p->has_id;
	return 0;
}
