/*
 * Audio and video: requests by the entity that they go to, streams that are
 * silenced, packets that lie. The device is a webcam with microphone, headset
 * and a MIDI port.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "policy/decode/av.h"
#include "policy/decode/list.h"
#include "policy/facts/names.h"
#include "tests/fake/judge_list.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define IFACE(n, alt, neps, class, sub) 9, 4, n, alt, neps, class, sub, 0, 0
#define FOURCC(a, b, c, d) \
	a, b, c, d, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71

static const uint8_t webcam[] = {9, 2, 0, 0, 6, 1, 0, 0x80, 250,
	/* video control: camera 1, processing 2, extension 3, output 4 */
	IFACE(0, 0, 1, 0x0e, 1),
	13, 0x24, 1, 0, 1, 77, 0, 0, 0, 0, 0, 1, 1,
	18, 0x24, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
	11, 0x24, 5, 2, 1, 0, 0, 2, 0x3f, 0, 0,
	26, 0x24, 6, 3, FOURCC('X', 'U', 0, 0), 2, 1, 2, 1, 3, 0,
	9, 0x24, 3, 4, 1, 1, 0, 3, 0,
	7, 5, 0x83, 3, 16, 0, 8,
	/* video streaming: 1 = MJPEG, 2 = YUY2 */
	IFACE(1, 0, 0, 0x0e, 2),
	11, 0x24, 6, 1, 1, 1, 1, 0, 0, 0, 0,
	27, 0x24, 4, 2, 1, FOURCC('Y', 'U', 'Y', '2'), 16, 1, 0, 0, 0, 0,
	IFACE(1, 1, 1, 0x0e, 2),
	7, 5, 0x81, 5, 0, 4, 1,
	/* audio control: input 6, feature 5 */
	IFACE(2, 0, 0, 1, 1),
	9, 0x24, 1, 0, 1, 30, 0, 1, 3,
	12, 0x24, 2, 6, 1, 2, 0, 1, 0, 0, 0, 0,
	9, 0x24, 6, 5, 6, 1, 3, 0, 0,
	/* microphone */
	IFACE(3, 0, 0, 1, 2),
	IFACE(3, 1, 1, 1, 2),
	7, 0x24, 1, 7, 1, 1, 0,
	9, 5, 0x82, 5, 32, 0, 1, 0, 0,
	/* speaker with feedback */
	IFACE(4, 0, 0, 1, 2),
	IFACE(4, 1, 2, 1, 2),
	7, 0x24, 1, 8, 1, 3, 0,
	9, 5, 0x04, 5, 192, 0, 1, 0, 0x85,
	9, 5, 0x85, 1, 4, 0, 1, 3, 0,
	/* MIDI */
	IFACE(5, 0, 2, 1, 3),
	7, 0x24, 1, 0, 1, 7, 0,
	9, 5, 0x06, 2, 64, 0, 0, 0, 0,
	9, 5, 0x86, 2, 64, 0, 0, 0, 0};

static uint8_t bytes[sizeof(webcam)];
static struct devrec rec;
static struct desc_config config;
static struct judge_list list;

static struct decoder *
attach(uint8_t number, uint8_t alternate)
{
	memcpy(bytes, webcam, sizeof(bytes));
	le16_put(bytes + 2, sizeof(bytes));
	judge_list_init(&list);
	return judge_list_attach(&list, &decode_av, &rec, &config, bytes,
	    sizeof(bytes), number, alternate, NULL, 0, NULL);
}

static int
attach_again(struct decoder *d, uint8_t number, uint8_t alternate,
    const char **what)
{
	static const struct judge_terms none;
	struct decode_iface iface = {
		.rec = &rec,
		.config = &config,
		.bytes = bytes,
		.alt = desc_find_alt(&config, number, alternate),
		.speed = USBIP_SPEED_HIGH,
	};
	const struct decode_how how = {.iface = &iface, .judge = &list.judge,
	    .terms = &none, .host = &judge_list_host, .host_arg = &list,
	    .now = 1};

	return d->ops->attach(d, &how, what);
}

static const struct {
	const char *name; /* of the control */
	uint8_t iface, alt, type, request, selector, index_low, entity;
} controls[] = {
	{"brightness", 0, 0, 0x21, 0x01, 2, 0, 2},
	{"exposure", 0, 0, 0x21, 0x01, 4, 0, 1},
	{"zoom", 0, 0, 0xa1, 0x81, 11, 0, 1},
	{"extension-unit", 0, 0, 0x21, 0x01, 1, 0, 3},
	{"extension-unit", 0, 0, 0xa1, 0x85, 0xff, 0, 3},
	{"terminal", 0, 0, 0xa1, 0x81, 1, 0, 4},
	{"error-code", 0, 0, 0xa1, 0x81, 2, 0, 0},
	{"probe", 1, 0, 0x21, 0x01, 1, 1, 0},
	{"mute", 2, 0, 0x21, 0x01, 1, 2, 5},
	{"volume", 2, 0, 0xa1, 0x83, 2, 2, 5},
	{"terminal", 2, 0, 0x21, 0x01, 1, 2, 6},
	{"sample-rate", 3, 1, 0x22, 0x01, 1, 0x82, 0},
	{"pitch", 4, 1, 0x22, 0x01, 2, 0x04, 0},
};

static int
has_name(const char *name, uint32_t control)
{
	uint32_t low, high;

	for (unsigned i = 0; fact_name_range(names_av_control, name,
				 strlen(name), i, &low, &high);
	     i++) {
		if (control >= low && control <= high) {
			return 1;
		}
	}
	return 0;
}

static void
test_controls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		struct decoder *d = attach(controls[i].iface, controls[i].alt);
		int is_out = controls[i].type < 0x80;
		const struct facts *f;
		uint8_t data[26] = {0};
		struct unit u;

		unit_control(&u, controls[i].type, controls[i].request,
		    (uint16_t)(controls[i].selector << 8),
		    (uint16_t)(controls[i].entity << 8 | controls[i].index_low),
		    data, 2, 1);
		assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
		f = judge_list_last(&list);
		assert_int_equal(f->hook, HOOK_AV);
		assert_int_equal(f->num[FACT_DIR], !is_out);
		assert_int_equal(f->num[FACT_LEN], 2);
		assert_int_equal(f->nbytes, is_out ? 2 : 0);
		assert_int_equal(facts_has(f, FACT_ENTITY),
		    (controls[i].type & 3) == 1);
		if (!has_name(controls[i].name,
			(uint32_t)f->num[FACT_CONTROL])) {
			fail_msg("%zu: %s is %x", i, controls[i].name,
			    (unsigned)f->num[FACT_CONTROL]);
		}
		judge_list_add(&list, VERDICT_DENY);
		judge_list_add(&list, VERDICT_DROP);
		judge_list_add(&list, VERDICT_EJECT);
		judge_list_add(&list, VERDICT_QUARANTINE);
		assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
		assert_int_equal(u.status, USBIP_EPIPE);
		assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
		assert_int_equal(u.status, is_out ? 0 : USBIP_EPIPE);
		assert_int_equal(u.actual, is_out ? 2 : 0);
		assert_int_equal(d->ops->submit(d, &u), DECODE_EJECT);
		assert_int_equal(d->ops->submit(d, &u), DECODE_QUARANTINE);
		assert_int_equal(list.ninvalid, 0);
		free(d);
	}
}

/* No name of one kind of entity stands for a control of an extension unit. */
static void
test_extension_alone(void **state)
{
	(void)state;
	for (const struct fact_name *n = names_av_control; n->name; n++) {
		int is_extension = n->low >> 8 == AV_VIDEO_EXTENSION ||
		    n->low >> 8 == AV_AUDIO_EXTENSION;

		assert_int_equal(n->low >> 8, n->high >> 8);
		assert_int_equal(
		    is_extension, strcmp(n->name, "extension-unit") == 0);
	}
}

/* Ids that no descriptor has, and those of another interface. */
static void
test_undeclared(void **state)
{
	static const struct {
		uint8_t number, type;
		uint16_t index;
	} cases[] = {{0, 0x21, 0x0900}, {1, 0x21, 0x0301}, {1, 0x22, 0x0081},
		{2, 0xa1, 0x0302}, {3, 0x21, 0x0503}, {3, 0x22, 0x0582}};
	uint8_t data[2] = {0};
	struct unit u;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct decoder *d = attach(cases[i].number, 0);

		unit_control(&u, cases[i].type, 1, 0x100, cases[i].index, data,
		    2, 1);
		assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
		assert_int_equal(u.status, USBIP_EPIPE);
		assert_int_equal(list.nseen, 0);
		/* a vendor request has no facts here: the hook setup has */
		unit_control(&u, 0x41, 1, 0x100, 0x0900, data, 2, 1);
		assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
		free(d);
	}
}

static void
iso(struct unit *u, uint8_t ep, uint8_t *data, struct unit_packet *packets,
    uint32_t n, uint32_t each, uint32_t actual)
{
	unit_make(u, ep, XFER_ISO, data, n * each, 1);
	u->packets = packets;
	u->npackets = n;
	for (uint32_t i = 0; i < n; i++) {
		packets[i] = (struct unit_packet){.offset = i * each,
		    .length = each, .actual = actual};
	}
	unit_done(u, 0, n * actual);
}

static void
test_commit(void **state)
{
	uint8_t probe[26] = {1, 0, 2, 1}, data[64];
	struct decoder *d = attach(1, 0);
	struct unit_packet packets[2];
	const char *what = NULL;
	struct unit u;

	(void)state;
	le32_put(probe + 22, 1024);
	unit_control(&u, 0x21, 1, 0x200, 1, probe, 26, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	unit_done(&u, 0, 26);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	probe[2] = 9; /* no such format */
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.status, USBIP_EPIPE);
	probe[2] = 1;
	u.length = 25;
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	/* the alternate that streams knows what was committed */
	assert_int_equal(attach_again(d, 1, 1, &what), 0);
	memset(data, 12, sizeof(data));
	iso(&u, 0x81, data, packets, 2, 32, 20);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(judge_list_last(&list)->num[FACT_STREAM], AV_VIDEO);
	assert_int_equal(judge_list_last(&list)->num[FACT_FORMAT], AV_YUY2);
	assert_int_equal(judge_list_last(&list)->num[FACT_LEN], 40);
	d->ops->event(d, DECODE_RESET, 0);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(judge_list_last(&list)->num[FACT_FORMAT], AV_OTHER);
	free(d);
}

static void
test_video_packets(void **state)
{
	struct decoder *d = attach(1, 1);
	struct unit_packet p[4];
	uint8_t data[128];
	struct unit u;
	unsigned n;

	(void)state;
	memset(data, 0xff, sizeof(data));
	iso(&u, 0x81, data, p, 4, 32, 12);
	data[0] = 12;	 /* a header alone, as honest cameras send */
	data[32] = 13;	 /* longer than the packet */
	data[64] = 1;	 /* shorter than a header */
	p[3].actual = 0; /* nothing to send */
	u.actual = 36;
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(p[0].actual, 12);
	assert_int_equal(p[1].actual, 0);
	assert_int_equal(p[2].actual, 0);
	assert_int_equal(u.actual, 12);
	assert_int_equal(list.nseen, 1); /* once, not for each packet */
	judge_list_add(&list, VERDICT_DROP);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(u.actual, 0);
	assert_int_equal(p[0].actual, 0);
	assert_int_equal(data[1], 0);
	/* a camera that always lies */
	for (n = 0; list.ninvalid == 0 && n < 100; n++) {
		iso(&u, 0x81, data, p, 1, 32, 12);
		data[0] = 13;
		(void)d->ops->complete(d, &u);
	}
	assert_int_equal(n, 63); /* two came before */
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS); /* emptied */
	free(d);
}

static void
test_video_flaws(void **state)
{
	struct decoder *d = attach(1, 1);
	struct unit_packet p[1];
	uint8_t data[32] = {12};
	struct unit u;

	(void)state;
	for (unsigned n = 0; n < 4096; n++) { /* one packet in eight */
		iso(&u, 0x81, data, p, 1, 32, 12);
		data[0] = n % 8 == 0 ? 99 : 12;
		assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	}
	assert_int_equal(list.ninvalid, 0);
	free(d);
}

static void
test_video_bulk(void **state)
{
	struct av_video v = {.max_payload = 100};
	uint8_t data[64] = {12};
	struct unit u;

	(void)state;
	unit_make(&u, 0x81, XFER_BULK, data, 64, 1);
	unit_done(&u, 0, 64);
	assert_null(av_video_payload(&v, &u));
	data[0] = 0; /* the payload goes on; this is no header */
	unit_done(&u, 0, 36);
	assert_null(av_video_payload(&v, &u));
	assert_int_equal(u.actual, 36);
	unit_done(&u, 0, 64); /* and here it is one */
	assert_null(av_video_payload(&v, &u));
	assert_int_equal(u.actual, 0);
	assert_int_equal(v.lies, 1);
}

static void
test_audio(void **state)
{
	struct decoder *d = attach(3, 1);
	struct unit_packet p[4];
	uint8_t data[128];
	struct unit u;

	(void)state;
	memset(data, 0x55, sizeof(data));
	iso(&u, 0x82, data, p, 4, 32, 30);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	assert_int_equal(list.nseen, 0);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(judge_list_last(&list)->num[FACT_STREAM],
	    AV_MICROPHONE);
	assert_int_equal(judge_list_last(&list)->num[FACT_FORMAT], AV_PCM);
	assert_int_equal(data[0], 0x55);
	for (unsigned i = 0; i < 2; i++) {
		judge_list_add(&list, i == 0 ? VERDICT_DROP : VERDICT_DENY);
		memset(data, 0x55, sizeof(data));
		assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
		assert_int_equal(u.actual, 120);
		assert_int_equal(u.status, 0);
		for (unsigned k = 0; k < sizeof(data); k++) {
			assert_int_equal(data[k], 0);
		}
		assert_int_equal(p[3].actual, 30);
	}
	free(d);
	d = attach(4, 1);
	judge_list_add(&list, VERDICT_DROP);
	memset(data, 0x55, sizeof(data));
	iso(&u, 0x04, data, p, 4, 32, 0);
	assert_int_equal(d->ops->submit(d, &u), DECODE_PASS);
	assert_int_equal(judge_list_last(&list)->num[FACT_STREAM], AV_SPEAKER);
	assert_int_equal(judge_list_last(&list)->num[FACT_FORMAT], AV_FLOAT);
	assert_int_equal(data[0], 0);
	assert_int_equal(data[127], 0);
	iso(&u, 0x85, data, p, 4, 4, 3);
	p[1].actual = 4;
	p[2].actual = 0;
	p[3].actual = 2;
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(u.actual, 7);
	assert_int_equal(p[3].actual, 0);
	assert_int_equal(list.nseen, 1); /* feedback is no stream */
	free(d);
}

static void
test_midi(void **state)
{
	uint8_t data[14] = {0x09, 0x90, 60, 100, 0x01, 1, 2, 3, 0x08, 0x80, 60,
		0, 0x09, 0x90};
	struct decoder *d = attach(5, 0);
	struct unit u;

	(void)state;
	unit_make(&u, 0x86, XFER_BULK, data, 64, 1);
	unit_done(&u, 0, 14);
	assert_int_equal(d->ops->complete(d, &u), DECODE_PASS);
	assert_int_equal(u.actual, 12);
	assert_int_equal(le32_at(data + 4), 0);
	assert_int_equal(data[8], 8);
	assert_int_equal(judge_list_last(&list)->num[FACT_STREAM], AV_MIDI);
	judge_list_add(&list, VERDICT_DENY);
	judge_list_add(&list, VERDICT_DENY);
	assert_int_equal(d->ops->complete(d, &u), DECODE_AGAIN);
	unit_make(&u, 0x06, XFER_BULK, data, 12, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_ANSWER);
	assert_int_equal(u.actual, 12);
	unit_make(&u, 0x06, XFER_BULK, data, 13, 1);
	assert_int_equal(d->ops->submit(d, &u), DECODE_EJECT);
	free(d);
}

static void
test_status(void **state)
{
	static const struct {
		uint8_t p[8];
		uint32_t len;
		enum decode_act act;
	} cases[] = {
		{{1, 2, 0, 2, 0, 5}, 6, DECODE_PASS},
		{{1, 2, 0, 2}, 4, DECODE_AGAIN},
		{{2, 1, 0, 1}, 4, DECODE_PASS},
		{{2, 1, 0}, 3, DECODE_AGAIN},
		{{7, 1, 0, 1}, 4, DECODE_AGAIN},
		{{0}, 0, DECODE_PASS},
	};
	struct decoder *d = attach(0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t data[16];
		struct unit u;

		memcpy(data, cases[i].p, 8);
		unit_make(&u, 0x83, XFER_INT, data, 16, 1);
		unit_done(&u, 0, cases[i].len);
		assert_int_equal(d->ops->complete(d, &u), cases[i].act);
	}
	assert_int_equal(list.nseen, 0);
	free(d);
}

static void
test_descriptors(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t was, value, iface;
	} lies[] = {
		{31 + 3, 1, 0, 0},	/* camera without an id */
		{49 + 3, 2, 0, 0},	/* processing unit */
	};
	struct decoder *d = attach(0, 0);
	const char *what = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		assert_int_equal(bytes[lies[i].at], lies[i].was);
		bytes[lies[i].at] = lies[i].value;
		assert_int_equal(
		    attach_again(d, lies[i].iface, 0, &what), ERR_FORMAT);
		assert_non_null(what);
		bytes[lies[i].at] = lies[i].was;
		assert_int_equal(attach_again(d, lies[i].iface, 0, &what), 0);
	}
	free(d);
}

static void
test_formats(void **state)
{
	struct decoder *d = attach(1, 0);
	const char *what = NULL;
	uint8_t *format;

	(void)state;
	format = bytes + desc_find_alt(&config, 1, 0)->offset;
	while (format[1] != DESC_CS_INTERFACE || format[2] != 4) {
		format += format[0];
	}
	format[3] = 1; /* the index of the other */
	assert_int_equal(attach_again(d, 1, 0, &what), ERR_FORMAT);
	format[3] = 2;
	format[2] = 0x10; /* frame-based ones are longer */
	assert_int_equal(attach_again(d, 1, 0, &what), ERR_FORMAT);
	format[2] = 4;
	assert_int_equal(attach_again(d, 1, 0, &what), 0);
	free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_extension_alone),
		cmocka_unit_test(test_undeclared),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_video_packets),
		cmocka_unit_test(test_video_flaws),
		cmocka_unit_test(test_video_bulk),
		cmocka_unit_test(test_audio),
		cmocka_unit_test(test_midi),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
