/*
 * What fuzz targets of decoders share: an input is a row of transfers between
 * a hostile device and a hostile workstation, with the rulings that they meet.
 * Each transfer is a byte of kind, two of length, and its bytes.
 */
#ifndef TESTS_FUZZ_FUZZ_DECODE_H
#define TESTS_FUZZ_FUZZ_DECODE_H

#include <string.h>

#include "policy/decode/decode.h"
#include "tests/fuzz/fuzz.h"
#include "wire/usbip.h"

struct fuzz_decode {
	struct judge judge; /* first member */
	uint8_t verdict;    /* of each ruling to come */
	unsigned ninvalid;
	const struct decoder *sibling;
	const struct devrec *rec; /* NULL where the decoder asks for none */
	uint8_t ep_out, ep_in, ep_int;
};

static void
fuzz_rule(struct judge *judge, const struct facts *f, uint64_t now,
    struct ruling *out)
{
	const struct fuzz_decode *z = (const struct fuzz_decode *)(void *)judge;

	(void)now;
	MUST(f->hook < HOOKS);
	for (unsigned i = 0; i < FACTS; i++) {
		MUST(!facts_has(f, (enum fact)i) ||
		    hook_fact_of(f->hook, (enum fact)i) != NULL);
	}
	touch(f->text, f->text_len);
	touch(f->bytes, f->nbytes);
	*out = (struct ruling){.verdict = (enum verdict)(z->verdict % VERDICTS),
	    .rule = RULING_IMPLICIT};
}

static void
fuzz_invalid(struct judge *judge, enum hook hook, const char *what)
{
	MUST(hook < HOOKS && what != NULL);
	((struct fuzz_decode *)(void *)judge)->ninvalid++;
}

static void
fuzz_answer_in(void *arg, uint8_t endpoint, const void *data, uint32_t len)
{
	MUST(endpoint == ((struct fuzz_decode *)arg)->ep_in && len > 0);
	touch(data, len);
}

static const struct decoder *
fuzz_sibling(void *arg, uint8_t interface)
{
	(void)interface;
	return ((struct fuzz_decode *)arg)->sibling;
}

static const struct judge_ops fuzz_judge = {fuzz_rule, fuzz_invalid};
static const struct decode_host_ops fuzz_host = {
	.answer_in = fuzz_answer_in, .sibling = fuzz_sibling};

/* Attaches to interface `number' of a configuration, into memory that a
 * sanitizer watches; freed by the caller. */
static inline struct decoder *
fuzz_attach(struct fuzz_decode *z, const struct decoder_ops *ops,
    const uint8_t *bytes, size_t len, uint8_t number)
{
	static struct desc_config config;
	static const struct judge_terms terms;
	struct decode_iface iface = {.rec = z->rec, .config = &config,
	    .bytes = bytes,
	    .speed = USBIP_SPEED_HIGH};
	const struct decode_how how = {.iface = &iface, .judge = &z->judge,
	    .terms = &terms, .host = &fuzz_host, .host_arg = z, .now = 1};
	struct decoder *d = calloc(1, ops->size);
	const char *what = NULL;

	z->judge.ops = &fuzz_judge;
	MUST(d != NULL && desc_parse_config(&config, bytes, len, NULL) == 0);
	iface.alt = desc_find_alt(&config, number, 0);
	MUST(iface.alt != NULL && ops->takes(&iface));
	d->ops = ops;
	d->judge = &z->judge;
	d->host = &fuzz_host;
	d->host_arg = z;
	MUST(ops->attach(d, &how, &what) == 0);
	return d;
}

/* The low three bits of the kind say where it goes, the others the verdict. */
static inline void
fuzz_transfers(struct fuzz_decode *z, struct decoder *d, const uint8_t *data,
    size_t size)
{
	const uint8_t eps[] = {z->ep_out, z->ep_in, z->ep_int, 0, 0x80,
		z->ep_in, z->ep_out, z->ep_in};
	static const uint8_t types[] = {XFER_BULK, XFER_BULK, XFER_INT,
		XFER_CONTROL, XFER_CONTROL, XFER_BULK, XFER_BULK, XFER_BULK};

	while (size >= 11) {
		unsigned kind = data[0] & 7;
		uint32_t n = (uint32_t)(data[1] | (data[2] & 3) << 8);
		struct unit u = {.endpoint = eps[kind], .type = types[kind]};
		enum decode_act act;

		z->verdict = data[0] >> 3;
		memcpy(u.setup, data + 3, 8);
		u.setup[0] &= 0x7f;
		u.setup[0] |= eps[kind] & 0x80;
		data += types[kind] == XFER_CONTROL ? 11 : 3;
		size -= types[kind] == XFER_CONTROL ? 11 : 3;
		n = n < size ? n : (uint32_t)size;
		u.length = kind == 5 ? n + 3 : n; /* a short one */
		u.data = malloc(u.length + 1u);
		MUST(u.data != NULL);
		memset(u.data, 0, u.length + 1u);
		memcpy(u.data, data, n);
		data += n;
		size -= n;
		if (kind == 7) {
			d->ops->event(d, n & 1 ? DECODE_RESET
					       : DECODE_HALT_CLEARED, z->ep_in);
		}
		act = d->ops->submit(d, &u);
		MUST(act != DECODE_AGAIN);
		if (act == DECODE_PASS) {
			u.status = kind == 6 ? USBIP_ECONNRESET : 0;
			u.actual = n;
			act = d->ops->complete(d, &u);
			MUST(act != DECODE_ANSWER);
		}
		MUST(u.actual <= u.length);
		free(u.data);
		if (act == DECODE_EJECT || act == DECODE_QUARANTINE) {
			break;
		}
	}
}

#endif
