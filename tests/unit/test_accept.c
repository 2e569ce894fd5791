/*
 * vhci-glue/look and accept: a device as a gateway shows it, honest or not, and
 * whether this workstation takes it. The gateway is a fake that has said all its
 * answers before it is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/fake/gateway_fake.h"
#include "tests/unit/usb_samples.h"
#include "vhci-glue/accept.h"

#define BOOT_KEYBOARD "\x05\x01\x09\x06\xa1\x01\xc0"
#define MOUSE "\x05\x01\x09\x02\xa1\x01\xc0"

/* What a device is made of; reports in the order of its HID interfaces. */
struct toy {
	const uint8_t *configs[4];
	size_t lens[4];
	unsigned nconfigs;
	const char *reports[4];
	unsigned nreports;
	uint8_t class;
};

static const uint8_t drive[] = {CONF(32, 1, 1), INTF(0, 0, 2, 8, 6, 0x50),
    ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0)};
static const uint8_t uas[] = {CONF(55, 1, 1), INTF(0, 0, 2, 8, 6, 0x50),
    ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0), INTF(0, 1, 2, 8, 6, 0x62),
    ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0)};
static const uint8_t drive_keyboard[] = {CONF(57, 2, 1),
    INTF(0, 0, 2, 8, 6, 0x50), ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0),
    INTF(1, 0, 1, 3, 1, 1), HID(7), ENDP(0x83, 3, 8, 10)};
static const uint8_t drive_hid[] = {CONF(57, 2, 1), INTF(0, 0, 2, 8, 6, 0x50),
    ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0), INTF(1, 0, 1, 3, 0, 0),
    HID(7), ENDP(0x83, 3, 8, 10)};
static const uint8_t keyboard[] = {CONF(34, 1, 1), INTF(0, 0, 1, 3, 1, 1),
    HID(7), ENDP(0x81, 3, 8, 10)};
static const uint8_t two_keyboards[] = {CONF(59, 2, 1),
    INTF(0, 0, 1, 3, 1, 1), HID(7), ENDP(0x81, 3, 8, 10),
    INTF(1, 0, 1, 3, 0, 0), HID(7), ENDP(0x82, 3, 8, 10)};
static const uint8_t mouse[] = {CONF(34, 1, 1), INTF(0, 0, 1, 3, 1, 2),
    HID(7), ENDP(0x81, 3, 8, 10)};
static const uint8_t hub2[] = {CONF(25, 1, 2), INTF(0, 0, 1, 9, 0, 0),
    ENDP(0x81, 3, 1, 12)};
static const uint8_t printer2[] = {CONF(25, 1, 2), INTF(0, 0, 1, 7, 1, 2),
    ENDP(0x02, 2, 512, 0)};
static const uint8_t ecm2[] = {CONF(41, 2, 2), INTF(0, 0, 1, 2, 6, 0),
    ENDP(0x81, 3, 8, 10), INTF(1, 0, 1, 10, 0, 0), ENDP(0x82, 2, 512, 0)};
static const uint8_t vendor[] = {CONF(25, 1, 1), INTF(0, 0, 1, 255, 255, 0),
    ENDP(0x81, 2, 512, 0)};
static const uint8_t eem[] = {CONF(32, 1, 1), INTF(0, 0, 2, 2, 12, 7),
    ENDP(0x81, 2, 512, 0), ENDP(0x02, 2, 512, 0)};

#define TOY(config) {.configs = {config}, .lens = {sizeof(config)}, .nconfigs = 1}
#define TOY2(config, other)                                                    \
	{                                                                      \
		.configs = {config, other},                                    \
		.lens = {sizeof(config), sizeof(other)}, .nconfigs = 2         \
	}

struct room {
	struct stream *stream;
	struct gateway_fake gw;
	struct usbip_device dev;
	uint8_t device[18];
	struct seen *seen;
	struct look look;
	struct ipc_relay_done done;
	struct ipc_asked asked;
	uint32_t seqnum;
	uint8_t hid[SEEN_NUMBERS];
	char why[512];
};

static int
setup(void **state)
{
	struct room *m = calloc(1, sizeof(*m));
	int pair[2];

	if (m == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return -1;
	}
	m->stream = stream_plain_new(pair[0]);
	*state = m;
	return gateway_fake_init(&m->gw, stream_plain_new(pair[1]));
}

static int
teardown(void **state)
{
	struct room *m = *state;

	stream_free(m->stream);
	gateway_fake_fini(&m->gw);
	seen_free(m->seen);
	free(m);
	return 0;
}

static void
answer(struct room *m, const void *data, size_t len)
{
	const struct usbip_ret_submit ret = {.actual_length = (uint32_t)len};

	gateway_fake_say_ret(&m->gw, ++m->seqnum, &ret, data, len, NULL, 0);
}

static void
stall(struct room *m)
{
	const struct usbip_ret_submit ret = {.status = USBIP_EPIPE};

	gateway_fake_say_ret(&m->gw, ++m->seqnum, &ret, NULL, 0, NULL, 0);
}

/* The device is there, and the gateway lists the interfaces given. */
static void
plug(struct room *m, const struct toy *toy)
{
	m->dev = gateway_fake_drive();
	memcpy(m->device, gateway_fake_drive_device, sizeof(m->device));
	m->dev.nconfigurations = (uint8_t)toy->nconfigs;
	m->device[17] = (uint8_t)toy->nconfigs;
	m->dev.class = toy->class;
	m->device[4] = toy->class;
	m->asked = (struct ipc_asked){
	    .is_listed = 1, .vid = m->dev.vid, .pid = m->dev.pid};
	seen_free(m->seen);
	assert_int_equal(seen_new(&m->seen, &m->dev), 0);
	m->seqnum = 0;
}

static void
list(struct room *m, uint8_t class, uint8_t subclass, uint8_t protocol)
{
	m->asked.interfaces[m->asked.ninterfaces++] =
	    (struct usbip_interface){class, subclass, protocol};
}

/* Its answers to what look asks for, in order. */
static void
show(struct room *m, const struct toy *toy)
{
	answer(m, m->device, sizeof(m->device));
	for (unsigned i = 0; i < toy->nconfigs; i++) {
		answer(m, toy->configs[i], 9);
		answer(m, toy->configs[i], toy->lens[i]);
	}
	for (unsigned i = 0; i < toy->nreports; i++) {
		if (toy->reports[i] == NULL) {
			stall(m);
		} else {
			answer(m, toy->reports[i], 7);
		}
	}
}

static int
look_now(struct room *m, enum look_what what)
{
	gateway_fake_turn(&m->gw);
	return look_at(&m->look, m->seen, m->stream,
	    clock_mono() + 300 * CLOCK_MSEC, &m->dev, what, &m->done);
}

static int
judge(struct room *m, const struct rules *rules, unsigned flags)
{
	const struct accept_how how = {
	    .rules = rules, .flags = flags, .asked = &m->asked};

	m->why[0] = '\0';
	return accept_judge(&how, &m->dev, m->seen, &m->look, m->hid, m->why,
	    sizeof(m->why));
}

static void
assert_accepted(struct room *m, unsigned flags)
{
	if (judge(m, NULL, flags) != 0) {
		fail_msg("not accepted: %s", m->why);
	}
}

static void
assert_denied(struct room *m, unsigned flags, const char *word)
{
	assert_int_equal(judge(m, NULL, flags), ERR_POLICY);
	if (strstr(m->why, word) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", m->why, word);
	}
}

/* Plugged in, listed as one interface, and shown. */
static void
start(struct room *m, const struct toy *toy, uint8_t class, uint8_t subclass,
    uint8_t protocol)
{
	plug(m, toy);
	list(m, class, subclass, protocol);
	show(m, toy);
	assert_int_equal(look_now(m, LOOK_DESCRIPTORS), 0);
}

static void
test_drive(void **state)
{
	static const struct toy toy = TOY(drive), two = TOY(uas);
	struct room *m = *state;
	size_t len;

	start(m, &toy, 8, 6, 0x50);
	assert_memory_equal(seen_device(m->seen), m->device, 18);
	assert_memory_equal(seen_config(m->seen, 0, &len), drive, 32);
	assert_int_equal(len, 32);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	assert_accepted(m, 0);
	/* an alternate of the same class is in no list */
	start(m, &two, 8, 6, 0x50);
	assert_accepted(m, IPC_ACCEPT_LISTED);
}

static void
test_not_as_listed(void **state)
{
	static const struct toy toy = TOY(drive), more = TOY(drive_hid),
				printer = TOY2(drive, printer2);
	struct room *m = *state;

	start(m, &toy, 8, 6, 0x50);
	m->asked.pid++;
	assert_denied(m, 1, "it is 0951:1666, the gateway's list has 0951:1667");
	m->asked.pid--;
	m->asked.is_listed = 0;
	assert_denied(m, 1, "does not list it");
	start(m, &toy, 7, 1, 2);
	assert_denied(m, 1, "interface 08:06:50 is not in the gateway's list");
	/* listed, and not there */
	start(m, &toy, 8, 6, 0x50);
	list(m, 7, 1, 2);
	assert_denied(m, 1, "07:01:02, the device has not");
	/* an extra interface that the list does not have */
	plug(m, &more);
	list(m, 8, 6, 0x50);
	show(m, &more);
	answer(m, MOUSE, 7);
	assert_int_equal(look_now(m, LOOK_DESCRIPTORS), 0);
	assert_denied(m, 1, "interface 03:00:00 is not in the gateway's list");
	assert_denied(m, IPC_ACCEPT_ALL, "interface 03:00:00");
	/* a second configuration of another class */
	start(m, &printer, 8, 6, 0x50);
	assert_denied(m, 1, "interface 07:01:02 is not in the gateway's list");
}

static void
test_hub(void **state)
{
	static const struct toy second = TOY2(drive, hub2);
	static const struct toy device = {.configs = {drive},
	    .lens = {sizeof(drive)},
	    .nconfigs = 1,
	    .class = 9};
	struct room *m = *state;

	start(m, &second, 8, 6, 0x50);
	assert_denied(m, IPC_ACCEPT_ALL, "it is a hub");
	list(m, 9, 0, 0);
	assert_denied(m, IPC_ACCEPT_ALL, "it is a hub");
	start(m, &device, 8, 6, 0x50);
	assert_denied(m, IPC_ACCEPT_ALL, "it is a hub");
}

static void
test_keyboard(void **state)
{
	static const struct toy toy = {.configs = {keyboard},
	    .lens = {sizeof(keyboard)},
	    .nconfigs = 1,
	    .reports = {BOOT_KEYBOARD},
	    .nreports = 1};
	static const struct toy two = {.configs = {two_keyboards},
	    .lens = {sizeof(two_keyboards)},
	    .nconfigs = 1,
	    .reports = {BOOT_KEYBOARD, BOOT_KEYBOARD},
	    .nreports = 2};
	static const struct toy hidden = {.configs = {drive_keyboard},
	    .lens = {sizeof(drive_keyboard)},
	    .nconfigs = 1,
	    .reports = {BOOT_KEYBOARD},
	    .nreports = 1};
	struct room *m = *state;

	/* named, and listed as one */
	start(m, &toy, 3, 1, 1);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	assert_int_equal(m->hid[0], SEEN_HID_ALL);
	assert_int_equal(m->hid[1], 0);
	/* by a pattern: only with the word */
	assert_denied(m, 0, "it is a keyboard");
	assert_denied(m, IPC_ACCEPT_NETWORK, "--accept keyboard");
	assert_accepted(m, IPC_ACCEPT_KEYBOARD);
	/* the other interface of a keyboard */
	start(m, &two, 3, 1, 1);
	list(m, 3, 0, 0);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	assert_int_equal(m->hid[1], SEEN_HID_ALL);
	/* one that the list does not show */
	start(m, &hidden, 8, 6, 0x50);
	assert_denied(m, IPC_ACCEPT_LISTED, "it is a keyboard");
	assert_accepted(m, IPC_ACCEPT_LISTED | IPC_ACCEPT_KEYBOARD);
}

/* What no class says, its report descriptor does. */
static void
test_reports(void **state)
{
	static const struct toy liar = {.configs = {mouse},
	    .lens = {sizeof(mouse)},
	    .nconfigs = 1,
	    .reports = {BOOT_KEYBOARD},
	    .nreports = 1};
	static const struct toy honest = {.configs = {mouse},
	    .lens = {sizeof(mouse)},
	    .nconfigs = 1,
	    .reports = {MOUSE},
	    .nreports = 1};
	static const struct toy mute = {.configs = {mouse},
	    .lens = {sizeof(mouse)},
	    .nconfigs = 1,
	    .reports = {NULL},
	    .nreports = 1};
	struct room *m = *state;

	start(m, &liar, 3, 1, 2);
	assert_int_equal(m->look.hid[0], RULE_HID_KEYBOARD);
	assert_denied(m, IPC_ACCEPT_LISTED, "interface 0 is a keyboard by its "
					    "report descriptor");
	assert_accepted(m, IPC_ACCEPT_KEYBOARD);
	start(m, &honest, 3, 1, 2);
	assert_accepted(m, 0);
	assert_int_equal(m->hid[0], SEEN_HID_ALL & ~RULE_HID_KEYBOARD);
	/* nothing is known: it is looked at when it passes */
	start(m, &mute, 3, 1, 2);
	assert_accepted(m, 0);
	assert_int_equal(m->hid[0], SEEN_HID_ALL & ~RULE_HID_KEYBOARD);
}

static void
test_network(void **state)
{
	static const struct toy plain = TOY(eem), second = TOY2(vendor, ecm2),
				both = TOY2(eem, ecm2);
	struct room *m = *state;

	start(m, &plain, 2, 12, 7);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	assert_denied(m, 0, "it is a network card");
	assert_accepted(m, IPC_ACCEPT_NETWORK);
	/* one network card, in two dialects */
	start(m, &both, 2, 12, 7);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	assert_denied(m, 0, "it is a network card");
	/* a card whose second configuration is what the list does not show */
	start(m, &second, 255, 255, 0);
	assert_denied(m, IPC_ACCEPT_LISTED, "--accept network");
	assert_accepted(m, IPC_ACCEPT_LISTED | IPC_ACCEPT_NETWORK);
}

static void
test_kinds(void **state)
{
	static const struct {
		uint8_t class, subclass, protocol;
		enum accept_kind kind;
	} rows[] = {
	    {9, 0, 0, ACCEPT_HUB},
	    {9, 0, 2, ACCEPT_HUB},
	    {3, 1, 1, ACCEPT_KEYBOARD},
	    {3, 1, 2, ACCEPT_PLAIN},
	    {3, 0, 1, ACCEPT_PLAIN},
	    {2, 2, 1, ACCEPT_PLAIN}, /* a modem */
	    {2, 2, 0xff, ACCEPT_NETWORK},
	    {2, 6, 0, ACCEPT_NETWORK},
	    {2, 0xc, 7, ACCEPT_NETWORK},
	    {2, 0xd, 0, ACCEPT_NETWORK},
	    {2, 0xe, 0, ACCEPT_NETWORK},
	    {0xe0, 1, 3, ACCEPT_NETWORK},
	    {0xe0, 1, 1, ACCEPT_PLAIN}, /* Bluetooth */
	    {0xef, 4, 1, ACCEPT_NETWORK},
	    {0xef, 2, 1, ACCEPT_PLAIN}, /* association */
	    {8, 6, 0x50, ACCEPT_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(accept_kind_of(rows[i].class, rows[i].subclass,
				     rows[i].protocol),
		    rows[i].kind);
	}
}

/* ------------------------------------------------------------------------ */

static struct rules *
rules_of(const char *text)
{
	struct rules *rules = NULL;
	char why[512] = "";

	if (accept_load(&rules, "/etc/own.rules", (const uint8_t *)text,
		strlen(text), why, sizeof(why)) != 0) {
		fail_msg("%s", why);
	}
	return rules;
}

static void
by_rules(struct room *m, const char *text, const char *word)
{
	struct rules *rules = rules_of(text);
	int r = judge(m, rules, 0);

	if (word == NULL && r != 0) {
		fail_msg("%s: %s", text, m->why);
	}
	if (word != NULL && (r != ERR_POLICY || strstr(m->why, word) == NULL)) {
		fail_msg("%s: %d: \"%s\" does not say \"%s\"", text, r, m->why,
		    word);
	}
	rules_free(rules);
}

static void
test_rules(void **state)
{
	static const struct toy plain = TOY(drive);
	static const struct toy composite = {.configs = {drive_keyboard},
	    .lens = {sizeof(drive_keyboard)},
	    .nconfigs = 1,
	    .reports = {BOOT_KEYBOARD},
	    .nreports = 1};
	struct room *m = *state;

	/* they decide alone: no list is needed */
	start(m, &plain, 7, 1, 2);
	m->asked.is_listed = 0;
	by_rules(m, "allow", NULL);
	by_rules(m, "", "no rule");
	by_rules(m, "block with-interface one-of { 08:*:* }\nallow",
	    "by the rule at /etc/own.rules:1");
	by_rules(m, "# mine\n\nreject 0951:1666", "/etc/own.rules:3");
	by_rules(m, "allow 0951:*", NULL);
	/* nobody is asked who he is here */
	by_rules(m, "allow to \"dns:ws1\"", "ask who receives it");
	by_rules(m, "block to \"dns:ws1\"\nallow", "ask who");
	/* nor can a lease be kept */
	by_rules(m, "allow lease 5m", "terms that only a gateway can keep");
	by_rules(m, "allow once", "terms that only a gateway can keep");
	by_rules(m, "allow expose { 08:*:* }", "only a gateway");
	by_rules(m, "allow approve by \"desk\"", "only a gateway can keep");
	by_rules(m, "allow if !rule-applied", "");
	by_rules(m, "allow 0952:*", "no rule");
	by_rules(m, "allow with-interface equals { 08:06:50 }", NULL);
	start(m, &composite, 8, 6, 0x50);
	by_rules(m, "allow with-interface equals { 08:*:* }", "no rule");
	by_rules(m, "allow with-interface one-of { 08:*:* }", NULL);
	/* and then it may be what it showed, and no more */
	assert_int_equal(m->hid[1], RULE_HID_KEYBOARD);
	assert_int_equal(m->hid[0], 0);
}

/* A hub in a second configuration is seen by rules, too. */
static void
test_rules_see_all(void **state)
{
	static const struct toy second = TOY2(drive, hub2);
	struct room *m = *state;

	start(m, &second, 8, 6, 0x50);
	by_rules(m, "block with-interface one-of { 09:*:* }\nallow",
	    "by the rule at /etc/own.rules:1");
	by_rules(m, "allow with-interface equals { 08:06:50 }", "no rule");
	by_rules(m, "allow", NULL);
}

static void
test_rules_errors(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"alow", "/etc/own.rules:1:1: "},
	    {"allow\nblock nonsense 1", "/etc/own.rules:2:7: "},
	    {"allow with-interface { 08 ", "/etc/own.rules:1:"},
	};
	struct rules *rules = NULL;
	char why[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int r = accept_load(&rules, "/etc/own.rules",
		    (const uint8_t *)rows[i].text, strlen(rows[i].text), why,
		    sizeof(why));

		assert_int_equal(r, ERR_FORMAT);
		assert_null(rules);
		if (strstr(why, rows[i].why) != why ||
		    strchr(why, '\n') != NULL) {
			fail_msg("%s", why);
		}
	}
	/* any bytes */
	assert_int_equal(accept_load(&rules, "f", (const uint8_t *)"a\0b\xff", 4,
			     why, sizeof(why)),
	    ERR_FORMAT);
}

/* The texts that rules name are asked for. */
static void
test_texts(void **state)
{
	static const struct toy toy = TOY(drive);
	struct room *m = *state;

	plug(m, &toy);
	show(m, &toy);
	answer(m, "\4\3\x09\x04", 4);
	answer(m, "\6\3B\0s\0", 6);
	answer(m, "\6\3D\0r\0", 6);
	answer(m, "\6\3S\0001\0", 6);
	assert_int_equal(look_now(m, LOOK_TEXTS), 0);
	assert_string_equal(m->look.manufacturer, "Bs");
	assert_string_equal(m->look.product, "Dr");
	assert_string_equal(m->look.serial, "S1");
	by_rules(m, "allow serial \"S1\" name \"Dr\"", NULL);
	by_rules(m, "allow serial \"S2\"", "no rule");
	/* one that has none, and one that is bent */
	plug(m, &toy);
	show(m, &toy);
	stall(m);
	assert_int_equal(look_now(m, LOOK_TEXTS), 0);
	assert_string_equal(m->look.serial, "");
	plug(m, &toy);
	show(m, &toy);
	answer(m, "\4\3\x09\x04", 4);
	stall(m);
	answer(m, "\7\3D\0r\0", 6);
	answer(m, "", 0);
	assert_int_equal(look_now(m, LOOK_TEXTS), 0);
	assert_string_equal(m->look.product, "");
	assert_string_equal(m->look.serial, "");
}

/* ------------------------------------------------------------------------ */
/* Hostile devices and gateways                                             */

static void
assert_fails(struct room *m, const char *word)
{
	assert_int_equal(look_now(m, LOOK_DESCRIPTORS), -1);
	if (strstr(m->done.text, word) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", m->done.text, word);
	}
}

static void
test_short(void **state)
{
	static const struct toy toy = TOY(drive);
	struct room *m = *state;

	plug(m, &toy);
	answer(m, m->device, 8);
	assert_fails(m, "does not show its device descriptor");
	plug(m, &toy);
	answer(m, m->device, 18);
	answer(m, drive, 9);
	answer(m, drive, 31);
	assert_fails(m, "does not show its configuration");
	plug(m, &toy);
	answer(m, m->device, 18);
	answer(m, drive, 3);
	assert_fails(m, "does not show its configuration");
	plug(m, &toy);
	answer(m, m->device, 18);
	stall(m);
	assert_fails(m, "does not show its configuration");
	plug(m, &toy);
	m->dev.nconfigurations = 9;
	assert_fails(m, "9 configurations");
	plug(m, &toy);
	m->dev.nconfigurations = 0;
	assert_fails(m, "0 configurations");
}

static void
test_changes_its_face(void **state)
{
	static const struct toy toy = TOY(drive);
	struct room *m = *state;
	uint8_t other[sizeof(drive)];

	plug(m, &toy);
	m->device[8]++;
	answer(m, m->device, 18);
	assert_fails(m, "differs from the one imported");
	plug(m, &toy);
	memcpy(other, drive, sizeof(drive));
	other[7]++;
	answer(m, m->device, 18);
	answer(m, drive, 9);
	answer(m, other, sizeof(other));
	assert_fails(m, "differs from an earlier read");
}

static void
test_nonsense(void **state)
{
	static const struct toy toy = TOY(drive);
	struct room *m = *state;
	const struct usbip_ret_submit much = {.actual_length = 19};

	plug(m, &toy);
	gateway_fake_say_ret(&m->gw, 7, &much, m->device, 18, NULL, 0);
	assert_fails(m, "not a reply to what was asked");
	teardown(state);
	assert_int_equal(setup(state), 0);
	m = *state;
	plug(m, &toy);
	gateway_fake_say_ret(&m->gw, 1, &much, m->device, 18, NULL, 0);
	assert_fails(m, "actual_length above what was asked");
	teardown(state);
	assert_int_equal(setup(state), 0);
	m = *state;
	plug(m, &toy);
	gateway_fake_say_unlinked(&m->gw, 1, 0);
	assert_fails(m, "not a reply to what was asked");
	/* silence */
	teardown(state);
	assert_int_equal(setup(state), 0);
	m = *state;
	plug(m, &toy);
	assert_fails(m, "did not answer in time");
}

/* A configuration that two readers might read differently. */
static void
test_unparsable(void **state)
{
	static const uint8_t bent[] = {CONF(20, 1, 1),
	    INTF(0, 0, 0, 8, 6, 0x50), 9, 4};
	static const struct toy toy = TOY(bent);
	/* behind a length of 0 Linux looks no further */
	static const uint8_t hidden[] = {CONF(29, 2, 1),
	    INTF(0, 0, 0, 8, 6, 0x50), 0, 4, INTF(1, 0, 0, 3, 1, 1)};
	static const struct toy zero = TOY(hidden), elsewhere = TOY(drive);
	struct room *m = *state;

	start(m, &toy, 8, 6, 0x50);
	assert_denied(m, IPC_ACCEPT_ALL, "configuration 0: ");
	by_rules(m, "allow", "configuration 0: ");
	start(m, &zero, 8, 6, 0x50);
	assert_denied(m, 0, "configuration 0: ");
	start(m, &elsewhere, 8, 6, 0x50);
	m->dev.configuration = 5;
	assert_denied(m, IPC_ACCEPT_ALL, "it is in a configuration that it");
}

/* After the verdict nothing new is shown. */
static void
test_sealed(void **state)
{
	static const uint8_t get_report[8] = {0x81, 6, 0, 0x22, 0, 0, 64, 0};
	static const uint8_t get_other[8] = {0x81, 6, 0, 0x22, 7, 0, 64, 0};
	static const uint8_t get_config[8] = {0x80, 6, 0, 2, 0, 0, 255, 0};
	static const struct toy toy = {.configs = {mouse},
	    .lens = {sizeof(mouse)},
	    .nconfigs = 1,
	    .reports = {MOUSE},
	    .nreports = 1};
	struct room *m = *state;
	const uint8_t *keys = (const uint8_t *)BOOT_KEYBOARD;
	const uint8_t *moves = (const uint8_t *)MOUSE;
	const char *why = NULL;
	uint8_t longer[40] = {0};

	start(m, &toy, 3, 1, 2);
	/* before it, both pass: nothing is known */
	assert_int_equal(seen_check(m->seen, get_report, keys, 7, &why), 0);
	assert_accepted(m, IPC_ACCEPT_LISTED);
	seen_seal(m->seen, m->hid);
	assert_int_equal(seen_check(m->seen, get_report, moves, 7, &why), 0);
	assert_int_equal(
	    seen_check(m->seen, get_report, keys, 7, &why), ERR_POLICY);
	assert_non_null(strstr(why, "keyboard"));
	/* an interface that the verdict knows nothing of */
	assert_int_equal(
	    seen_check(m->seen, get_other, moves, 7, &why), ERR_POLICY);
	/* one that no reader understands */
	assert_int_equal(
	    seen_check(m->seen, get_report, moves, 5, &why), ERR_POLICY);
	/* short reads, and then more than there was */
	memcpy(longer, mouse, sizeof(mouse));
	assert_int_equal(seen_check(m->seen, get_config, longer, 9, &why), 0);
	assert_int_equal(
	    seen_check(m->seen, get_config, longer, sizeof(mouse), &why), 0);
	assert_int_equal(
	    seen_check(m->seen, get_config, longer, sizeof(longer), &why),
	    ERR_PEER);
	assert_non_null(strstr(why, "longer than the one accepted"));
}

#define ROOM_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROOM_TEST(test_drive),
	    ROOM_TEST(test_not_as_listed),
	    ROOM_TEST(test_hub),
	    ROOM_TEST(test_keyboard),
	    ROOM_TEST(test_reports),
	    ROOM_TEST(test_network),
	    cmocka_unit_test(test_kinds),
	    ROOM_TEST(test_rules),
	    ROOM_TEST(test_rules_see_all),
	    cmocka_unit_test(test_rules_errors),
	    ROOM_TEST(test_texts),
	    ROOM_TEST(test_short),
	    ROOM_TEST(test_changes_its_face),
	    ROOM_TEST(test_nonsense),
	    ROOM_TEST(test_unparsable),
	    ROOM_TEST(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
