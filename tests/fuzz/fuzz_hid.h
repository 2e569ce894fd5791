/*
 * What the fuzz targets of HID decoders share: an interface with a report
 * descriptor and interrupt endpoints. A transfer is a byte of kind, whose upper
 * bits are the verdict, one of length, for control 8 of setup, and its bytes;
 * packets of CTAPHID are filled up to 64.
 */
#ifndef TESTS_FUZZ_FUZZ_HID_H
#define TESTS_FUZZ_FUZZ_HID_H

#include <stdlib.h>

#include "tests/fuzz/fuzz_decode.h"
#include "tests/unit/hid_devices.h"

static void
fuzz_hid_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	memset(buf, 0x11, len);
}

static int
fuzz_hid_challenge(void *arg, const char *digits, uint64_t within)
{
	(void)arg;
	(void)within;
	touch((const uint8_t *)digits, strlen(digits) + 1);
	return 0;
}

static void
fuzz_hid_note(void *arg, const char *what, const char *text)
{
	MUST(arg != NULL && what != NULL && text != NULL);
}

static const struct decode_host_ops fuzz_hid_host = {
	.random = fuzz_hid_random,
	.challenge = fuzz_hid_challenge,
	.note = fuzz_hid_note,
	.answer_in = fuzz_answer_in,
	.sibling = fuzz_sibling,
};

static struct decoder *
fuzz_hid_attach(struct fuzz_decode *z, const struct decoder_ops *ops,
    const uint8_t *report, size_t len, uint8_t digits)
{
	static const uint8_t bytes[] = {
		HID_CONFIG(41, 1), HID_INTERFACE(0, 1, 1, 0)};
	static struct devrec rec;
	static struct desc_config config;
	const struct judge_terms terms = {.arm_digits = digits};
	struct decode_iface iface = {.rec = &rec, .config = &config,
	    .bytes = bytes, .speed = USBIP_SPEED_HIGH};
	const struct decode_how how = {.iface = &iface, .judge = &z->judge,
	    .terms = &terms, .host = &fuzz_hid_host, .host_arg = z, .now = 1};
	struct decoder *d = calloc(1, ops->size);
	const char *what = NULL;

	z->judge.ops = &fuzz_judge;
	z->ep_in = 0x81;
	devrec_init(&rec);
	MUST(desc_parse_config(&config, bytes, sizeof(bytes), NULL) == 0);
	MUST(devrec_add_report(&rec, config.value, 0, report, len) == 0);
	iface.alt = desc_find_alt(&config, 0, 0);
	MUST(d != NULL && iface.alt != NULL && ops->takes(&iface));
	d->ops = ops;
	d->judge = &z->judge;
	d->host = &fuzz_hid_host;
	d->host_arg = z;
	MUST(ops->attach(d, &how, &what) == 0);
	return d;
}

static void
fuzz_hid_transfers(struct fuzz_decode *z, struct decoder *d,
    const uint8_t *data, size_t size)
{
	static const uint8_t eps[] = {0x81, 0x01, 0x00, 0x80};
	uint64_t now = 1;

	while (size >= 10) {
		uint8_t ep = eps[data[0] & 3];
		uint32_t n = data[1] & 0x7f;
		struct unit u = {.endpoint = ep, .type = XFER_INT,
			.now = now += 1000000};
		int is_padded = (data[1] & 0x80) != 0;
		enum decode_act act;

		z->verdict = data[0] >> 3;
		if ((data[0] & 7) == 4) {
			(void)d->ops->tick(d, now);
		}
		if ((ep & 0x7f) == 0) {
			u.type = XFER_CONTROL;
			memcpy(u.setup, data + 2, 8);
			u.setup[0] = (uint8_t)((u.setup[0] & 0x7f) | ep);
			data += 8;
			size -= 8;
		}
		data += 2;
		size -= 2;
		n = n < size ? n : (uint32_t)size;
		u.length = is_padded && n < 64 ? 64 : n;
		u.data = calloc(1, u.length + 1u);
		MUST(u.data != NULL);
		memcpy(u.data, data, n);
		data += n;
		size -= n;
		act = d->ops->submit(d, &u);
		MUST(act != DECODE_AGAIN);
		if (act == DECODE_PASS) {
			u.actual = u.length;
			act = d->ops->complete(d, &u);
			MUST(act != DECODE_ANSWER);
			MUST(act != DECODE_AGAIN || ep == 0x81);
		}
		MUST(u.actual <= u.length);
		free(u.data);
		if (act == DECODE_EJECT || act == DECODE_QUARANTINE) {
			break;
		}
	}
}

#endif
