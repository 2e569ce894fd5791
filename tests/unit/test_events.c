/*
 * The warden's subscribers: each hears of what the rules let it have and of
 * nothing else, at first, when devices come, change and go, and when the rules
 * are others; and one that does not read is let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/warden.h"
#include "tests/unit/usb_samples.h"

static struct warden w;
static struct session one, two;
static int ends[2];
static struct device devs[3];
static unsigned ejected, audited, rejudged;
static struct rule_exposure exposes; /* what the rules say, if not all */
static int is_masked;
static const struct device *held; /* is on hold */
static uint8_t held_by[BOOK_KEY];
static enum rule_approval approval;
static const struct device *quarantined;
static unsigned listened; /* times that somebody came or went */

/* What rules of these tests ask for: the lock, and approval. */
static size_t
on_desks(void *arg, struct rule_desk *out)
{
	return desks_put(
	    ((const struct session *)arg)->desks, out, RULE_DESKS_MAX);
}

/* Of its only desktop; RULE_LOCK_UNKNOWN too if it has none. */
static enum rule_lock
lock_of(const struct session *s)
{
	struct rule_desk desks[RULE_DESKS_MAX];

	return desks_put(s->desks, desks, RULE_DESKS_MAX) == 0
	    ? RULE_LOCK_UNKNOWN
	    : desks[0].lock;
}

static enum rule_approval
on_approval(void *arg, uint64_t rule)
{
	(void)arg;
	(void)rule;
	return approval;
}

static struct rule_world
world_of(const struct session *s)
{
	static struct rule_world_ops ops;

	ops.desks = on_desks;
	ops.approval = on_approval;
	return (struct rule_world){
		.ops = &ops, .arg = (void *)(uintptr_t)s, .now = 1790000000};
}

/* What events.c asks of its neighbours. */
void
audit_write(struct warden *warden, const char *event, const char *outcome,
    const struct session *s, const struct device *dev,
    const struct rule_decision *decision, ...)
{
	(void)warden;
	(void)event;
	(void)outcome;
	(void)s;
	(void)dev;
	(void)decision;
	audited++;
}

void
session_eject(
    struct session *s, const char *why, const struct rule_decision *decision)
{
	(void)why;
	(void)decision;
	s->phase = SESSION_ENDING;
	ejected++;
}

void
policy_decide(struct warden *warden, const struct device *dev,
    const struct session *s, enum rule_moment moment, struct judged *out)
{
	assert_int_equal(moment, RULE_AT_LIST);
	memset(out, 0, sizeof(*out));
	if (warden->rules != NULL) {
		struct rule_world world = world_of(s);

		rules_decide(warden->rules, &dev->facts, &s->facts, &world,
		    &out->d);
	}
	if (is_masked) {
		out->d.exposes = exposes;
	}
}

void
audit_notes(struct warden *warden, const struct session *s,
    const struct device *dev, const struct judged *judged)
{
	(void)warden;
	(void)s;
	(void)dev;
	(void)judged;
}

void
leases_touch(struct warden *warden, const char *why)
{
	(void)warden;
	(void)why;
	rejudged++;
}

int
device_is_held_from(const struct device *dev, const uint8_t *who)
{
	return dev == held && memcmp(held_by, who, BOOK_KEY) != 0;
}

int
device_is_quarantined(const struct device *dev)
{
	return dev == quarantined;
}

void
inspect_listeners(struct warden *warden, const char *identity)
{
	(void)warden;
	(void)identity;
	listened++;
}

int
plug_is_held(const struct plug *plug)
{
	return plug != NULL;
}

static void
use_rules(const char *text)
{
	struct rules_load *load = rules_load_new();

	rules_free(w.rules);
	w.rules = NULL;
	assert_int_equal(
	    rules_load_text(load, "test", text, strlen(text)), 0);
	assert_int_equal(rules_load_finish(load, &w.rules), 0);
	rules_load_free(load);
}

static void
plug(struct device *dev, const char *busid, const char *port)
{
	static uint64_t next;

	dev->warden = &w;
	dev->id = ++next;
	dev->state = DEVICE_READY;
	dev->record = calloc(1, sizeof(*dev->record));
	dev->store = calloc(1, sizeof(*dev->store));
	devrec_init(dev->record);
	dev->record->speed = dev->place.speed = USBIP_SPEED_LOW;
	dev->record->active_config = 1;
	memcpy(dev->record->device, usb_samples[3].device, DESC_DEVICE_SIZE);
	assert_int_equal(devrec_add_config(dev->record, sample_keyboard_ls,
			     sizeof(sample_keyboard_ls)),
	    0);
	(void)snprintf(
	    dev->place.busid, sizeof(dev->place.busid), "%s", busid);
	assert_int_equal(rule_device_from_record(&dev->facts, dev->store,
			     &dev->place, dev->record, "", "", ""),
	    0);
	assert_int_equal(stable_name(dev->name, sizeof(dev->name),
			     dev->facts.vid, dev->facts.pid, "", port),
	    0);
	TAILQ_INSERT_TAIL(&w.devices, dev, entry);
	events_touch(&w);
}

static void
unplug(struct device *dev)
{
	TAILQ_REMOVE(&w.devices, dev, entry);
	free(dev->record);
	free(dev->store);
	memset(dev, 0, sizeof(*dev));
	events_touch(&w);
}

static void
on_channel(void *arg, int events)
{
	if ((events & LOOP_WRITE) != 0) {
		events_flush(arg);
	}
}

static void
connect_one(struct session *s, const char *cn, int *end)
{
	int fds[2];

	memset(s, 0, sizeof(*s));
	assert_int_equal(channel_pair(fds), 0);
	s->warden = &w;
	s->chan = fds[0];
	*end = fds[1];
	s->phase = SESSION_OPEN;
	s->is_identified = 1;
	s->facts.serial_len = 1;
	(void)snprintf(s->facts.cn, sizeof(s->facts.cn), "%s", cn);
	(void)snprintf(
	    s->facts.subject, sizeof(s->facts.subject), "CN=%s", cn);
	identity_name(s->identity, sizeof(s->identity), &s->facts);
	s->io = loop_io_new(w.loop, s->chan, LOOP_READ, on_channel, s);
	TAILQ_INSERT_TAIL(&w.sessions, s, entry);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	memset(devs, 0, sizeof(devs));
	ejected = audited = 0;
	is_masked = 0;
	w.loop = loop_new();
	assert_non_null(w.loop);
	w.scratch = calloc(1, sizeof(*w.scratch));
	w.shown = calloc(1, sizeof(*w.shown));
	TAILQ_INIT(&w.devices);
	TAILQ_INIT(&w.sessions);
	assert_int_equal(events_start(&w), 0);
	connect_one(&one, "one", &ends[0]);
	connect_one(&two, "two", &ends[1]);
	plug(&devs[0], "1-1", "p:1");
	plug(&devs[1], "1-2", "p:2");
	use_rules("default to any\n"
		  "allow via-port \"1-1\" to \"cn:one\"\n"
		  "allow via-port \"1-2\" to \"cn:two\"\n");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	events_close(&one);
	events_close(&two);
	loop_io_free(one.io);
	loop_io_free(two.io);
	close_fd(&one.chan);
	close_fd(&two.chan);
	close_fd(&ends[0]);
	close_fd(&ends[1]);
	for (size_t i = 0; i < ARRAY_LEN(devs); i++) {
		free(devs[i].record);
		free(devs[i].store);
	}
	rules_free(w.rules);
	free(w.scratch);
	free(w.shown);
	loop_timer_free(w.judge);
	loop_timer_free(w.pulse);
	loop_free(w.loop);
	return 0;
}

/* The next line that this end hears, parsed; NULL = none. */
static json_t *
heard(int end)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;
	struct ipc_line line;
	json_t *o;

	loop_once(w.loop, LOOP_NOWAIT);
	if (channel_recv(end, buf, sizeof(buf), &msg) != 0) {
		return NULL;
	}
	assert_int_equal(msg.type, IPC_LINE);
	assert_int_equal(ipc_decode_line(&line, msg.data, msg.len), 0);
	o = json_loadb(line.text, line.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	return o;
}

/* The next line is of that type and about that device ("" = none). */
static void
expect(int end, const char *type, const char *name, const char *state_is)
{
	json_t *o = heard(end), *dev;
	const char *have = "", *is = "";

	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "type")), type);
	dev = json_object_get(o, "device");
	if (dev == NULL) {
		dev = json_array_get(json_object_get(o, "devices"), 0);
	}
	if (dev == NULL) {
		dev = o;
	}
	if (json_object_get(dev, "name") != NULL) {
		have = json_string_value(json_object_get(dev, "name"));
	}
	if (json_object_get(dev, "state") != NULL) {
		is = json_string_value(json_object_get(dev, "state"));
	}
	assert_string_equal(have, name);
	assert_string_equal(is, state_is);
	json_decref(o);
}

static void
expect_nothing(int end)
{
	assert_null(heard(end));
}

static void
subscribe(struct session *s, int end, const char *name)
{
	json_t *o;

	assert_int_equal(events_open(s), 0);
	o = heard(end);
	assert_string_equal(
	    json_string_value(json_object_get(o, "type")), "hello");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "protocol")), 1);
	json_decref(o);
	expect(end, "devices", name, *name != '\0' ? "free" : "");
	expect_nothing(end);
}

static char *
name_of(unsigned i)
{
	return devs[i].name;
}

static void
test_only_what_is_allowed(void **state)
{
	(void)state;
	assert_true(strstr(name_of(0), "@p:1") != NULL);
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(1));
	/* each decision is in the audit log, once */
	assert_int_equal(audited, 2 + 4);
	events_touch(&w);
	expect_nothing(ends[0]);
	assert_int_equal(audited, 2 + 4);
}

static void
test_nothing_without_rules(void **state)
{
	(void)state;
	rules_free(w.rules);
	w.rules = NULL;
	subscribe(&one, ends[0], "");
}

static void
test_plug_and_unplug(void **state)
{
	char name[STABLE_NAME];

	(void)state;
	use_rules("allow to \"cn:one\"\n");
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], "");
	plug(&devs[2], "1-3", "p:3");
	expect(ends[0], "appeared", name_of(2), "free");
	/* another in the same socket */
	memcpy(name, name_of(2), sizeof(name));
	unplug(&devs[2]);
	plug(&devs[2], "1-3", "p:3");
	expect(ends[0], "gone", name, "");
	expect(ends[0], "appeared", name_of(2), "free");
	memcpy(name, name_of(2), sizeof(name));
	unplug(&devs[2]);
	expect(ends[0], "gone", name, "");
	/* one that its probe refused, and one that the gateway keeps */
	devs[0].state = DEVICE_REFUSED;
	devs[1].state = DEVICE_KEPT;
	events_touch(&w);
	expect(ends[0], "gone", name_of(0), "");
	expect(ends[0], "gone", name_of(1), "");
	expect_nothing(ends[0]);
	expect_nothing(ends[1]);
}

/* The interfaces of the next line's device, as one text. */
static void
expect_interfaces(int end, const char *type, const char *want)
{
	json_t *o = heard(end), *list;
	char *have;

	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "type")), type);
	list = json_object_get(json_object_get(o, "device"), "interfaces");
	have = json_dumps(list, JSON_COMPACT);
	assert_string_equal(have, want);
	free(have);
	json_decref(o);
}

static void
test_what_is_exposed(void **state)
{
	const struct usb_sample *composite = &usb_samples[4];
	struct rule_exposure all = {.is_all = 1};
	struct ipc_item item;

	(void)state;
	use_rules("allow to \"cn:one\"\n");
	subscribe(&one, ends[0], name_of(0));
	plug(&devs[2], "1-3", "p:3");
	devrec_init(devs[2].record);
	devs[2].record->speed = (uint8_t)composite->speed;
	devs[2].record->active_config = 1;
	memcpy(devs[2].record->device, composite->device, DESC_DEVICE_SIZE);
	assert_int_equal(devrec_add_config(devs[2].record,
			     composite->config[0], composite->config_len[0]),
	    0);
	expect_interfaces(ends[0], "appeared",
	    "[\"02:02:01\",\"0a:00:00\",\"03:00:00\"]");
	/* the rules are others: the keyboard is hidden from them */
	is_masked = 1;
	memset(&exposes, 0, sizeof(exposes));
	exposes.mask[0][0] = 3;
	devs[0].state = devs[1].state = DEVICE_REFUSED;
	events_touch(&w);
	expect(ends[0], "gone", name_of(0), "");
	expect(ends[0], "gone", name_of(1), "");
	expect_interfaces(
	    ends[0], "changed", "[\"02:02:01\",\"0a:00:00\"]");
	assert_int_equal(item_fill(&item, &devs[2], &exposes), 0);
	assert_int_equal(item.ninterfaces, 2);
	assert_int_equal(item.dev.ninterfaces, 2);
	assert_int_equal(item_fill(&item, &devs[2], &all), 0);
	assert_int_equal(item.ninterfaces, 3);
	/* nothing of it is left */
	memset(&exposes, 0, sizeof(exposes));
	assert_int_equal(
	    item_fill(&item, &devs[2], &exposes), ERR_NOENT);
	assert_null(item_view(&devs[2], &exposes));
	assert_null(events_json_device(&one, &devs[2], NULL, &exposes));
}

static void
test_states(void **state)
{
	char before[STABLE_NAME];

	(void)state;
	use_rules("default to any\nallow via-port \"1-1\"\n");
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(0));
	devs[0].state = DEVICE_HELD;
	devs[0].holder = &one;
	events_touch(&w);
	expect(ends[0], "changed", name_of(0), "yours");
	expect(ends[1], "changed", name_of(0), "busy");
	devs[0].state = DEVICE_PROBING;
	devs[0].holder = NULL;
	events_touch(&w);
	expect(ends[0], "changed", name_of(0), "busy");
	expect_nothing(ends[1]);
	devs[0].state = DEVICE_READY;
	events_touch(&w);
	expect(ends[0], "changed", name_of(0), "free");
	expect(ends[1], "changed", name_of(0), "free");
	/* read again, it calls itself otherwise */
	memcpy(before, name_of(0), sizeof(before));
	assert_int_equal(stable_name(name_of(0), STABLE_NAME, 0x1209, 1,
			     "new", "p:1"),
	    0);
	events_touch(&w);
	expect(ends[0], "gone", before, "");
	expect(ends[0], "appeared", "1209:0001:new@p:1", "free");
}

static void
test_other_rules(void **state)
{
	(void)state;
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(1));
	use_rules("allow to \"cn:two\"\n");
	events_policy(&w);
	expect(ends[0], "policy", "", "");
	expect(ends[0], "gone", name_of(0), "");
	expect_nothing(ends[0]);
	expect(ends[1], "policy", "", "");
	expect(ends[1], "appeared", name_of(0), "free");
	expect_nothing(ends[1]);
}

static void
test_messages(void **state)
{
	(void)state;
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(1));
	events_message(&w, one.identity, name_of(0), "rules \"changed\"\n");
	expect(ends[0], "message", name_of(0), "");
	expect_nothing(ends[1]);
}

/* Digits go to the one who has the keyboard, and to nobody else. */
static void
test_challenges(void **state)
{
	unsigned before = listened;
	json_t *o;

	(void)state;
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(1));
	assert_int_equal(listened, before + 2);
	events_challenge(&w, one.identity, name_of(0), "4711", 60);
	o = heard(ends[0]);
	assert_string_equal(
	    json_string_value(json_object_get(o, "type")), "challenge");
	assert_string_equal(
	    json_string_value(json_object_get(o, "name")), name_of(0));
	assert_string_equal(
	    json_string_value(json_object_get(o, "digits")), "4711");
	assert_int_equal(json_integer_value(json_object_get(o, "within")), 60);
	json_decref(o);
	events_challenge(&w, one.identity, name_of(0), "", 0);
	o = heard(ends[0]);
	assert_string_equal(
	    json_string_value(json_object_get(o, "digits")), "");
	assert_null(json_object_get(o, "within"));
	json_decref(o);
	expect_nothing(ends[1]);
}

static void
test_quarantine(void **state)
{
	(void)state;
	subscribe(&one, ends[0], name_of(0));
	quarantined = &devs[0];
	events_touch(&w);
	expect(ends[0], "gone", name_of(0), "");
	quarantined = NULL;
	events_touch(&w);
	expect(ends[0], "appeared", name_of(0), "free");
}

static void
say(struct session *s, const char *text)
{
	struct ipc_line line = {.text = text, .len = (uint32_t)strlen(text)};

	events_said(s, &line);
}

/* The member of the device in the next line. */
static void
expect_member(int end, const char *name, const char *value)
{
	json_t *o = heard(end), *dev = json_object_get(o, "device");
	const char *text = json_string_value(json_object_get(dev, name));

	assert_non_null(dev);
	if (value == NULL) {
		assert_null(text);
	} else {
		assert_string_equal(text, value);
	}
	json_decref(o);
}

static void
test_needs_approval(void **state)
{
	(void)state;
	approval = RULE_NOT_ASKED;
	use_rules("allow via-port \"1-1\" to \"cn:one\"\n");
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], "");
	use_rules("allow via-port \"1-1\" to \"cn:one\" approve by \"boss\"\n");
	events_touch(&w);
	expect_member(ends[0], "approver", "boss");
	expect_nothing(ends[1]);
	/* what it is doing meanwhile is nobody's business */
	devs[0].state = DEVICE_PROBING;
	events_touch(&w);
	expect_nothing(ends[0]);
	devs[0].state = DEVICE_READY;
	approval = RULE_DENIED;
	events_touch(&w);
	expect(ends[0], "gone", name_of(0), "");
	approval = RULE_NOT_ASKED;
	events_touch(&w);
	expect(ends[0], "appeared", name_of(0), "needs-approval");
	approval = RULE_APPROVED;
	events_touch(&w);
	expect(ends[0], "changed", name_of(0), "free");
	approval = RULE_NOT_ASKED;
}

static void
test_holder(void **state)
{
	static struct plug plug = {.hold = {.name = "one"}};

	(void)state;
	use_rules("default to any\nallow via-port \"1-1\"\n");
	memset(one.who, 1, BOOK_KEY);
	memset(two.who, 2, BOOK_KEY);
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(0));
	/* on hold for one of them: busy for the other alone */
	held = &devs[0];
	memcpy(held_by, one.who, BOOK_KEY);
	devs[0].plug = &plug;
	events_touch(&w);
	expect_nothing(ends[0]);
	expect_member(ends[1], "holder", NULL);
	w.conf.tell_holder = 1;
	events_touch(&w);
	expect_member(ends[1], "holder", "one");
	held = NULL;
	devs[0].plug = NULL;
	devs[0].state = DEVICE_HELD;
	devs[0].holder = &one;
	events_touch(&w);
	expect(ends[0], "changed", name_of(0), "yours");
	expect_nothing(ends[1]); /* the same is said of it */
	w.conf.tell_holder = 0;
	events_touch(&w);
	expect_member(ends[1], "holder", NULL);
	devs[0].state = DEVICE_READY;
	devs[0].holder = NULL;
}

static void
test_lock(void **state)
{
	(void)state;
	use_rules("allow via-port \"1-1\" to \"cn:one\" if "
		  "session(unlocked)\n");
	subscribe(&one, ends[0], "");
	say(&one, "{\"type\":\"hello\",\"protocol\":1}");
	rejudged = 0;
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\"}");
	assert_int_equal(lock_of(&one), RULE_UNLOCKED);
	assert_int_equal(rejudged, 1);
	expect(ends[0], "appeared", name_of(0), "free");
	/* once more is no news */
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\"}");
	assert_int_equal(rejudged, 1);
	say(&one, "{\"type\":\"session\",\"state\":\"locked\"}");
	assert_int_equal(rejudged, 2);
	expect(ends[0], "gone", name_of(0), "");
	say(&one, "{\"type\":\"session\",\"state\":\"away\"}");
	assert_int_equal(lock_of(&one), RULE_LOCK_UNKNOWN);
	say(&one, "{\"type\":\"session\",\"state\":7}");
	assert_int_equal(lock_of(&one), RULE_LOCK_UNKNOWN);
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\"}");
	expect(ends[0], "appeared", name_of(0), "free");
	/* a seat has a user; which one matters to those who ask for it */
	say(&one, "{\"type\":\"session\",\"state\":\"\"}");
	expect(ends[0], "gone", name_of(0), "");
	use_rules("allow via-port \"1-1\" to \"cn:one\" and \"user:eve\" if "
		  "session(unlocked)\n");
	say(&one, "{\"type\":\"session\",\"state\":\"locked\","
		  "\"seat\":\"seat0\",\"user\":\"mallory\"}");
	expect_nothing(ends[0]);
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\","
		  "\"seat\":\"seat1\",\"user\":\"eve\"}");
	expect(ends[0], "appeared", name_of(0), "free");
	say(&one, "{\"type\":\"session\",\"state\":\"locked\","
		  "\"seat\":\"seat1\",\"user\":\"eve\"}");
	expect(ends[0], "gone", name_of(0), "");
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\","
		  "\"seat\":\"seat1\",\"user\":\"eve\"}");
	expect(ends[0], "appeared", name_of(0), "free");
	/* the seat is not there any more */
	say(&one, "{\"type\":\"session\",\"state\":\"\","
		  "\"seat\":\"seat1\"}");
	expect(ends[0], "gone", name_of(0), "");
	say(&one, "{\"type\":\"session\",\"state\":\"unlocked\","
		  "\"seat\":\"seat1\",\"user\":\"eve\"}");
	expect(ends[0], "appeared", name_of(0), "free");
	rejudged = 4;
	/* forgotten with the connection */
	events_close(&one);
	assert_int_equal(lock_of(&one), RULE_LOCK_UNKNOWN);
	assert_int_equal(rejudged, 5);
	assert_int_equal(ejected, 0);
}

/* A workstation has no end of seats, and names that are none. */
static void
test_bad_desks(void **state)
{
	static const char *const bad[] = {"\"seat\":7", "\"user\":null",
	    "\"seat\":\"a b\"", "\"user\":\"a\\u007f\"",
	    "\"seat\":\"0123456789012345678901234567890123\""};
	char text[120];

	(void)state;
	subscribe(&one, ends[0], name_of(0));
	say(&one, "{\"type\":\"hello\",\"protocol\":1}");
	for (unsigned i = 0; i <= RULE_DESKS_MAX; i++) {
		assert_int_equal(ejected, 0);
		(void)snprintf(text, sizeof(text),
		    "{\"type\":\"session\",\"seat\":\"%u\","
		    "\"user\":\"u\"}",
		    i);
		say(&one, text);
	}
	assert_int_equal(ejected, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		events_close(&one);
		one.phase = SESSION_OPEN;
		assert_int_equal(events_open(&one), 0);
		say(&one, "{\"type\":\"hello\",\"protocol\":1}");
		ejected = 0;
		(void)snprintf(text, sizeof(text),
		    "{\"type\":\"session\",\"state\":\"locked\",%s}",
		    bad[i]);
		say(&one, text);
		assert_int_equal(ejected, 1);
		assert_null(one.desks);
	}
}

static void
test_what_peers_say(void **state)
{
	static const char *const bad[] = {"{}", "[]", "x", "{\"type\":1}",
	    "{\"type\":\"heartbeat\"}", "{\"type\":\"hello\"}",
	    "{\"type\":\"hello\",\"protocol\":2}",
	    "{\"type\":\"hello\",\"protocol\":\"1\"}",
	    "{\"type\":\"hello\",\"type\":\"hello\",\"protocol\":1}"};
	static char deep[8000];

	(void)state;
	subscribe(&one, ends[0], name_of(0));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		one.phase = SESSION_OPEN;
		events_close(&one);
		assert_int_equal(events_open(&one), 0);
		ejected = 0;
		say(&one, bad[i]);
		assert_int_equal(ejected, 1);
	}
	events_close(&one);
	one.phase = SESSION_OPEN;
	assert_int_equal(events_open(&one), 0);
	ejected = 0;
	say(&one, "{\"type\":\"hello\",\"protocol\":1,\"program\":\"x\"}");
	say(&one, "{\"type\":\"heartbeat\"}");
	say(&one, "{\"type\":\"what a later version says\"}");
	assert_int_equal(ejected, 0);
	memset(deep, '[', sizeof(deep) - 1);
	say(&one, deep);
	assert_int_equal(ejected, 1);
}

/* The session's channel is full: what waits is bounded. */
static void
test_slow(void **state)
{
	char text[200];

	(void)state;
	subscribe(&one, ends[0], name_of(0));
	subscribe(&two, ends[1], name_of(1));
	for (unsigned i = 0; i < 100000 && ejected == 0; i++) {
		(void)snprintf(text, sizeof(text), "message %u", i);
		events_message(&w, one.identity, name_of(0), text);
	}
	assert_int_equal(ejected, 1);
	assert_int_equal(one.phase, SESSION_ENDING);
	assert_int_equal(two.phase, SESSION_OPEN);
}

/* More devices than fit one line. */
static void
test_long_list(void **state)
{
	static struct device many[300];
	unsigned n = 0, lines = 0;
	int more = 1;

	(void)state;
	use_rules("default to any\nallow\n");
	for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
		char busid[16], port[16];

		(void)snprintf(busid, sizeof(busid), "2-%u", i + 1);
		(void)snprintf(port, sizeof(port), "q:%u", i + 1);
		plug(&many[i], busid, port);
	}
	assert_int_equal(events_open(&one), 0);
	json_decref(heard(ends[0]));
	while (more) {
		json_t *o = heard(ends[0]);

		assert_non_null(o);
		more = json_is_true(json_object_get(o, "more"));
		n += json_array_size(json_object_get(o, "devices"));
		lines++;
		json_decref(o);
	}
	assert_int_equal(n, ARRAY_LEN(many) + 2);
	assert_true(lines > 1);
	expect_nothing(ends[0]);
	for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
		unplug(&many[i]);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_only_what_is_allowed),
		TEST(test_nothing_without_rules),
		TEST(test_plug_and_unplug),
		TEST(test_what_is_exposed),
		TEST(test_states),
		TEST(test_other_rules),
		TEST(test_messages),
		TEST(test_challenges),
		TEST(test_quarantine),
		TEST(test_needs_approval),
		TEST(test_holder),
		TEST(test_lock),
		TEST(test_bad_desks),
		TEST(test_what_peers_say),
		TEST(test_slow),
		TEST(test_long_list),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
