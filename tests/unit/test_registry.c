/*
 * proxy/warden/registry: what comes before a probe. sysfs, facts and the broker
 * are fakes: the test answers what the warden asks, late, never or wrongly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/warden.h"

static struct warden w;
static struct sysfs_device sys; /* what sysfs_read finds */
static int hubs_known, facts_result;
static unsigned reads, killed, authorized, refusals;
static uint8_t what; /* of the last AUTHORIZE */
static char refusal[64];
/* The last PROBE, and the end of its channel. */
static struct {
	unsigned asked;
	uint32_t conn;
	uint8_t flags;
	int end;
} probe;

int
sysfs_read(struct sysfs_device *out, const char *root, const char *busid)
{
	assert_string_equal(root, SYSFS_USB);
	reads++;
	*out = sys;
	snprintf(out->place.busid, sizeof(out->place.busid), "%s", busid);
	return 0;
}

void
sysfs_hash(char out[HASH_TEXT], const struct device_place *place,
    const struct ipc_texts *texts)
{
	(void)place;
	snprintf(out, HASH_TEXT, "hash of %.20s", texts->product);
}

int
sysfs_facts(struct device *dev)
{
	dev->facts.name = dev->texts.product;
	dev->facts.manufacturer = dev->texts.manufacturer;
	dev->facts.serial = dev->texts.serial;
	dev->facts.hash = dev->hash;
	dev->facts.parent_hash = dev->facts.via_port = "";
	dev->facts.stable_port = dev->facts.connect_type = "";
	return facts_result;
}

int
facts_hubs(struct device *dev)
{
	(void)dev;
	return hubs_known ? 0 : ERR_AGAIN;
}

int
facts_fill(struct device *dev)
{
	(void)dev;
	return ERR_FORMAT;
}

void
facts_place(struct device *dev)
{
	(void)dev;
}

void
facts_compare(struct warden *warden)
{
	(void)warden;
}

void
events_touch(struct warden *warden)
{
	(void)warden;
}

int
stable_name(char *dst, size_t size, uint16_t vid, uint16_t pid,
    const char *serial, const char *port)
{
	(void)vid;
	(void)pid;
	(void)serial;
	(void)port;
	snprintf(dst, size, "name");
	return 0;
}

void
audit_write(struct warden *warden, const char *event, const char *outcome,
    const struct session *s, const struct device *dev,
    const struct rule_decision *decision, ...)
{
	va_list ap;

	(void)warden;
	(void)s;
	(void)dev;
	(void)decision;
	va_start(ap, decision);
	if (strcmp(event, "device") == 0 && strcmp(outcome, "refused") == 0) {
		(void)va_arg(ap, const char *);
		snprintf(refusal, sizeof(refusal), "%s",
		    va_arg(ap, const char *));
		refusals++;
	}
	va_end(ap);
}

int64_t
world_now(void)
{
	return 1700000000;
}

void
policy_judge(struct warden *warden, const struct rules *rules,
    const struct device *dev, const struct person *person,
    enum rule_moment moment, uint64_t granted_by, struct judged *out)
{
	(void)warden;
	(void)rules;
	(void)dev;
	(void)person;
	(void)moment;
	(void)granted_by;
	memset(out, 0, sizeof(*out));
}

void
leases_touch(struct warden *warden, const char *why)
{
	(void)warden;
	(void)why;
}

void
lease_cancel(struct session *s)
{
	(void)s;
}

void
session_eject(
    struct session *s, const char *why, const struct rule_decision *decision)
{
	(void)s;
	(void)why;
	(void)decision;
}

void
warden_ask(struct warden *warden, uint16_t type, uint32_t conn,
    const void *data, int len, int fd)
{
	struct ipc_authorize auth;
	struct ipc_probe m;

	(void)warden;
	assert_int_equal(fd, -1);
	switch (type) {
	case IPC_PROBE:
		assert_int_equal(ipc_decode_probe(&m, data, (size_t)len), 0);
		probe.asked++;
		probe.conn = conn;
		probe.flags = m.flags;
		break;
	case IPC_AUTHORIZE:
		assert_int_equal(
		    ipc_decode_authorize(&auth, data, (size_t)len), 0);
		what = auth.what;
		authorized++;
		break;
	case IPC_KILL:
		killed++;
		break;
	default:
		fail_msg("asked %u", type);
	}
}

static int
set_up(void **state)
{
	(void)state;
	log_init("test_registry");
	memset(&w, 0, sizeof(w));
	memset(&probe, 0, sizeof(probe));
	memset(&sys, 0, sizeof(sys));
	probe.end = -1;
	reads = killed = authorized = refusals = 0;
	what = 0;
	refusal[0] = '\0';
	hubs_known = 1;
	facts_result = 0;
	TAILQ_INIT(&w.devices);
	w.loop = loop_new();
	assert_non_null(w.loop);
	w.book = book_new("boot");
	assert_non_null(w.book);
	w.fresh = calloc(1, sizeof(*w.fresh));
	w.scratch = calloc(1, sizeof(*w.scratch));
	w.next_conn = 1;
	w.conf.before_drivers = 1;
	memcpy(sys.place.path, "/sys/devices/x", 15);
	sys.place.busnum = 3;
	sys.place.devnum = 7;
	sys.place.speed = USBIP_SPEED_HIGH;
	sys.is_authorized = 1;
	sys.configuration = 1;
	return 0;
}

static int
tear_down(void **state)
{
	struct device *dev;

	(void)state;
	while ((dev = TAILQ_FIRST(&w.devices)) != NULL) {
		registry_remove(dev);
	}
	close_fd(&probe.end);
	rules_free(w.keep);
	free(w.fresh);
	free(w.scratch);
	book_free(w.book);
	loop_free(w.loop);
	return 0;
}

static struct device *
plug(const char *busid)
{
	registry_add(&w, busid);
	return registry_find(&w, busid);
}

/* The broker started what was asked for last. */
static void
started(void)
{
	struct ipc_result ok = {0};
	int fds[2];

	close_fd(&probe.end);
	assert_int_equal(channel_pair(fds), 0);
	probe.end = fds[1];
	registry_on_probed(&w, probe.conn, &ok, fds[0]);
}

/* It says something, and ends. */
static void
said(uint16_t type, const void *data, int len)
{
	started();
	assert_true(len >= 0);
	assert_int_equal(
	    channel_send(probe.end, type, 0, data, (size_t)len, -1), 0);
	registry_on_exited(&w, probe.conn);
}

static void
said_texts(const char *product)
{
	static struct ipc_texts texts;
	uint8_t buf[4096];

	memset(&texts, 0, sizeof(texts));
	snprintf(texts.product, sizeof(texts.product), "%s", product);
	said(IPC_TEXTS, buf, ipc_encode_texts(buf, sizeof(buf), &texts));
}

/* It hung until it was killed. */
static void
said_nothing(void)
{
	started();
	registry_on_exited(&w, probe.conn);
}

/* Until the next PROBE is asked for. */
static void
wait_for_ask(void)
{
	unsigned before = probe.asked;

	while (probe.asked == before) {
		loop_once(w.loop, LOOP_WAIT);
	}
}

static void
texts_come_before_the_probe(void **state)
{
	struct device *dev = plug("3-2");

	(void)state;
	assert_int_equal(probe.asked, 1);
	assert_int_equal(probe.flags, IPC_PROBE_TEXTS);
	assert_int_equal(dev->state, DEVICE_WAITING);
	/* one reader at a time, whatever happens meanwhile */
	registry_look(dev);
	assert_int_equal(probe.asked, 1);
	said_texts("Stick");
	assert_string_equal(dev->hash, "hash of Stick");
	assert_int_equal(probe.asked, 2);
	assert_int_equal(probe.flags, 0);
	assert_int_equal(dev->state, DEVICE_PROBING);
	/* a later one asks for no texts again */
	said_nothing();
	assert_int_equal(dev->state, DEVICE_WAITING);
	wait_for_ask();
	assert_int_equal(probe.flags, IPC_PROBE_RESET);
}

/* A warden before this one had it in its book. */
static void
one_from_before_is_reset(void **state)
{
	struct plug *known = book_plug(w.book, "3-2", sys.place.devnum, 0);

	(void)state;
	assert_non_null(known);
	known->was_here = 1;
	plug("3-2");
	said_texts("Stick");
	assert_int_equal(probe.asked, 2);
	assert_int_equal(probe.flags, IPC_PROBE_RESET);
}

static void
nothing_is_asked_of_what_is_not_ours(void **state)
{
	struct device *dev;

	(void)state;
	sys.is_virtual = 1;
	dev = plug("9-1");
	assert_int_equal(dev->state, DEVICE_KEPT);
	sys.is_virtual = 0;
	sys.is_authorized = 0;
	dev = plug("3-1");
	assert_int_equal(dev->state, DEVICE_WAITING);
	sys.is_authorized = 1;
	sys.configuration = 0;
	dev = plug("3-2");
	assert_int_equal(dev->state, DEVICE_WAITING);
	assert_int_equal(probe.asked + authorized, 0);
}

/* Three readers hang: neither exported nor kept. */
static void
a_mute_device_is_refused(void **state)
{
	struct device *dev = plug("3-2");

	(void)state;
	said_nothing();
	assert_int_equal(dev->state, DEVICE_WAITING);
	wait_for_ask();
	said_nothing();
	wait_for_ask();
	assert_int_equal(probe.flags, IPC_PROBE_TEXTS);
	assert_int_equal(refusals, 0);
	said_nothing();
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_string_equal(dev->refused, "gateway.texts");
	assert_string_equal(refusal, "gateway.texts");
	registry_look(dev);
	assert_int_equal(probe.asked, 3);
	assert_int_equal(authorized, 0);
}

/* One that failed can say why, and the next try may do. */
static void
a_late_device_is_taken(void **state)
{
	struct ipc_refused why = {
		.rule = "gateway.texts", .text = "its texts: gone"};
	struct device *dev = plug("3-2");
	uint8_t buf[1024];

	(void)state;
	said(IPC_PROBE_FAILED, buf,
	    ipc_encode_refused(buf, sizeof(buf), &why));
	wait_for_ask();
	said_texts("Stick");
	assert_int_equal(dev->state, DEVICE_PROBING);
	assert_int_equal(dev->failures, 0);
	assert_int_equal(probe.flags, 0);
}

/* A hub gets its driver when it has answered, however long that takes: the
 * broker would wait for its lock. */
static void
a_hub_is_asked_until_it_answers(void **state)
{
	struct device *dev;

	(void)state;
	sys.class = 0x09;
	dev = plug("3-2");
	for (unsigned i = 0; i < 3; i++) {
		said_nothing();
		assert_int_equal(dev->state, DEVICE_WAITING);
		if (i < 2) {
			wait_for_ask();
		}
	}
	registry_look(dev); /* an event, so that the test need not wait */
	said_nothing();
	assert_int_equal(dev->state, DEVICE_WAITING);
	assert_int_equal(authorized + refusals, 0);
	registry_look(dev);
	said_texts("Hub");
	assert_int_equal(dev->state, DEVICE_KEPT);
	assert_int_equal(authorized, 1);
	assert_int_equal(what, IPC_AUTH_HUB);
	assert_string_equal(dev->hash, "hash of Hub");
	assert_int_equal(probe.asked, 5);
}

static void
what_is_below_a_hub_waits_for_it(void **state)
{
	struct device *hub, *dev;
	uint32_t of_hub;

	(void)state;
	hubs_known = 0;
	sys.class = 0x09;
	hub = plug("3-2");
	of_hub = probe.conn;
	sys.class = 0;
	dev = plug("3-2.1");
	said_texts("Stick");
	assert_int_equal(dev->state, DEVICE_WAITING);
	assert_int_equal(probe.asked, 2);
	hubs_known = 1;
	sys.class = 0x09;
	probe.conn = of_hub;
	started();
	sys.class = 0;
	{
		static struct ipc_texts texts;
		uint8_t buf[64];
		int n = ipc_encode_texts(buf, sizeof(buf), &texts);

		assert_int_equal(channel_send(probe.end, IPC_TEXTS, 0, buf,
				     (size_t)n, -1),
		    0);
	}
	registry_on_exited(&w, of_hub);
	assert_true(hub->has_texts);
	assert_int_equal(dev->state, DEVICE_PROBING);
}

/* A record is no answer to a question for texts, nor the reverse. */
static void
wrong_answers_end_it(void **state)
{
	struct device *dev = plug("3-2");
	uint8_t buf[8] = {0};

	(void)state;
	said(IPC_RECORD, buf, sizeof(buf));
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_string_equal(dev->refused, "probe.format");
	assert_int_equal(killed, 1);
	dev = plug("3-3");
	said(IPC_TEXTS, buf, sizeof(buf));
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_int_equal(killed, 2);
	dev = plug("3-4");
	said_texts("Stick");
	assert_int_equal(dev->state, DEVICE_PROBING);
	said_texts("Stick");
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_int_equal(killed, 3);
}

static void
use_keep(const char *text)
{
	struct rules_load *load = rules_load_new();

	assert_int_equal(
	    rules_load_text(load, "test", text, strlen(text)), 0);
	assert_int_equal(rules_load_finish(load, &w.keep), 0);
	rules_load_free(load);
}

/* Whether it is the gateway's own is judged with its texts, or not at all. */
static void
keep_is_judged_with_texts(void **state)
{
	struct device *dev;

	(void)state;
	use_keep("default to any\nallow name \"Boot disk\"\n");
	dev = plug("3-2");
	said_texts("Boot disk");
	assert_int_equal(dev->state, DEVICE_KEPT);
	assert_int_equal(what, IPC_AUTH_KEEP);
	dev = plug("3-3");
	said_texts("Stick");
	assert_int_equal(dev->state, DEVICE_PROBING);
	facts_result = ERR_FORMAT;
	dev = plug("3-4");
	said_texts("Boot disk");
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_string_equal(dev->refused, "gateway.facts");
	assert_int_equal(authorized, 1);
}

/* A record that the probe let pass is judged again: of a disk without a bulk OUT
 * endpoint there is no saying what it is for. */
static void
records_are_vetted_again(void **state)
{
	static const uint8_t device[DESC_DEVICE_SIZE] = {18, 1, 0, 2, 0, 0, 0,
	    64, 0x34, 0x12, 0x78, 0x56, 0, 1, 0, 0, 0, 1};
	static const uint8_t config[] = {9, 2, 25, 0, 1, 1, 0, 0x80, 50, 9, 4,
	    0, 0, 1, 8, 6, 0x50, 0, 7, 5, 0x81, 2, 0, 2, 0};
	static struct devrec rec;
	static uint8_t buf[DEVREC_WIRE];
	struct device *dev = plug("3-2");

	(void)state;
	devrec_init(&rec);
	rec.speed = USBIP_SPEED_HIGH;
	memcpy(rec.device, device, sizeof(device));
	assert_int_equal(devrec_add_config(&rec, config, sizeof(config)), 0);
	said_texts("Stick");
	said(IPC_RECORD, buf, devrec_encode(buf, sizeof(buf), &rec));
	assert_int_equal(dev->state, DEVICE_REFUSED);
	assert_string_equal(dev->refused, "R10.storage");
	assert_string_equal(refusal, "R10.storage");
}

/* Unplugged while its reader hangs: that is ended. */
static void
unplugged_meanwhile(void **state)
{
	struct ipc_result ok = {0};
	struct device *dev = plug("3-2");
	uint32_t conn = probe.conn;

	(void)state;
	registry_remove(dev);
	assert_int_equal(killed, 1);
	registry_on_probed(&w, conn, &ok, dup(0));
	registry_on_exited(&w, conn);
	assert_true(TAILQ_EMPTY(&w.devices));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(texts_come_before_the_probe),
		TEST(one_from_before_is_reset),
		TEST(nothing_is_asked_of_what_is_not_ours),
		TEST(a_mute_device_is_refused),
		TEST(a_late_device_is_taken),
		TEST(a_hub_is_asked_until_it_answers),
		TEST(what_is_below_a_hub_waits_for_it),
		TEST(wrong_answers_end_it),
		TEST(keep_is_judged_with_texts),
		TEST(records_are_vetted_again),
		TEST(unplugged_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
