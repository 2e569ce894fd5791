/*
 * What one report says: the values of its fields, as keys and as usages. Runs
 * in sallyport-session, for each report that passes: it reads what has a usage,
 * and nothing else.
 */
#include <string.h>

#include "policy/decode/hid_report.h"

/* n bits, 1..32, from the given one; what lies behind the end is 0. */
static uint32_t
bits_at(const uint8_t *data, size_t len, uint32_t bit, unsigned n)
{
	size_t at = bit / 8;
	uint64_t v = 0;

	for (unsigned i = 0; i < 5 && at + i < len; i++) {
		v |= (uint64_t)data[at + i] << 8 * i;
	}
	return (uint32_t)(v >> bit % 8 & (UINT64_MAX >> (64 - n)));
}

/* Usage number i of a field, the last one for all behind it. */
static uint32_t
usage_at(const struct hid_report *r, const struct hid_field *f, uint32_t i)
{
	const struct hid_run *runs = r->runs + f->run;
	unsigned low = 0, high = f->nruns;

	i = i < f->nusages ? i : f->nusages - 1;
	while (high - low > 1) {
		unsigned mid = (low + high) / 2;

		if (runs[mid].at <= i) {
			low = mid;
		} else {
			high = mid;
		}
	}
	return runs[low].first + (i - runs[low].at);
}

static void
add_value(struct hid_values *v, uint32_t usage)
{
	unsigned key = hid_key_of(usage);

	if ((usage & 0xffff) == 0) {
		return;
	}
	if (key != HID_NO_KEY) {
		v->keys[key / 64] |= UINT64_C(1) << key % 64;
	}
	if (v->nusages > 0 && v->usages[v->nusages - 1] == usage) {
		return;
	}
	if (v->nusages == HID_USAGES) {
		v->is_full = 1;
		return;
	}
	v->usages[v->nusages++] = usage;
}

/* Each bit that is set; 32 of them at a time. */
static void
read_flags(struct hid_values *v, const struct hid_report *r,
    const struct hid_field *f, const uint8_t *data, size_t len)
{
	for (uint32_t i = 0; i < f->count; i += 32) {
		unsigned n = f->count - i < 32 ? f->count - i : 32;
		uint32_t set = bits_at(data, len, f->bit + i, n);

		while (set != 0) {
			add_value(v, usage_at(r, f,
					 i + (unsigned)__builtin_ctz(set)));
			set &= set - 1;
		}
	}
}

static int
is_set(const struct hid_field *f, uint32_t i, const uint8_t *data, size_t len)
{
	uint32_t bit = f->bit + i * f->size;

	for (uint32_t done = 0; done < f->size; done += 32) {
		unsigned n = f->size - done < 32 ? f->size - done : 32;

		if (bits_at(data, len, bit + done, n) != 0) {
			return 1;
		}
	}
	return 0;
}

static void
read_array(struct hid_values *v, const struct hid_report *r,
    const struct hid_field *f, const uint8_t *data, size_t len)
{
	uint32_t n = f->nusages > f->count ? f->nusages : f->count;

	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t raw =
		    bits_at(data, len, f->bit + i * f->size, f->size);
		int64_t value = raw;
		uint32_t usage;

		if (f->low < 0) {
			/* the sign of so many bits */
			value = (int64_t)((uint64_t)raw << (64 - f->size)) >>
			    (64 - f->size);
		}
		if (value < f->low ||
		    value > (f->low < 0 ? f->high :
					  (int64_t)(uint32_t)f->high) ||
		    value - f->low >= n) {
			continue;
		}
		usage = usage_at(r, f, (uint32_t)(value - f->low));
		v->is_rollover |= usage == 0x70001;
		add_value(v, usage);
	}
}

void
hid_report_read(struct hid_values *out, const struct hid_report *r,
    const struct hid_shape *shape, const uint8_t *data, size_t len)
{
	memset(out->keys, 0, sizeof(out->keys));
	out->is_rollover = 0;
	out->is_full = 0;
	out->nusages = 0;
	for (unsigned next = shape->first; next != 0;) {
		const struct hid_field *f = &r->fields[next - 1];

		next = f->next;
		if (f->is_array) {
			read_array(out, r, f, data, len);
		} else if (f->size == 1) {
			read_flags(out, r, f, data, len);
		} else {
			for (uint32_t i = 0; i < f->count; i++) {
				if (is_set(f, i, data, len)) {
					add_value(out, usage_at(r, f, i));
				}
			}
		}
	}
}
