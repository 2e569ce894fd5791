/*
 * Bodies shared by the tests of leases: the warden's own sessions, rules,
 * profiles and book, a clock that the test turns, a broker that is a socket, and
 * devices that somebody plugged in by hand.
 */
#ifndef TESTS_UNIT_LEASE_BODY_H
#define TESTS_UNIT_LEASE_BODY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/control.h"
#include "proxy/warden/warden.h"
#include "tests/unit/audit_schema.h"
#include "tests/unit/usb_samples.h"

#define NDEVS 2
#define NPEERS 4

static struct warden *w;
static int broker; /* the other end */
static struct device devs[NDEVS];
static int ends[NPEERS]; /* the sessions' own ends */
static struct session *peers[NPEERS];
static char dir[] = "/tmp/test_lease.XXXXXX", rules_path[64], audit_path[64];
static char profiles_path[64];

/* Monday, 2026-11-23, 09:00:00 UTC */
#define MONDAY INT64_C(1795424400)
static uint64_t mono;
static int64_t wall;

uint64_t __wrap_clock_mono(void);
uint64_t __wrap_clock_wall(void);

uint64_t
__wrap_clock_mono(void)
{
	return mono;
}

uint64_t
__wrap_clock_wall(void)
{
	return (uint64_t)wall * CLOCK_SEC;
}

/* ------------------------------------------------------------------------ */
/* The bench                                                                */

static inline void
drain(int fd)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;

	while (channel_recv(fd, buf, sizeof(buf), &msg) == 0) {
		close_fd(&msg.fd);
	}
}

/* A number of the metrics: of that part of them, or of an object in it; -1. */
static inline json_int_t
metric_in(const char *part, const char *name, const char *of)
{
	json_t *all = control_metrics(w, NULL);
	const json_t *o = json_object_get(all, part);
	json_int_t n = -1;

	o = of != NULL ? json_object_get(o, of) : o;
	if (json_is_integer(json_object_get(o, name))) {
		n = json_integer_value(json_object_get(o, name));
	}
	json_decref(all);
	return n;
}

/* Whether a line of it has that text. */
static inline int
file_says(const char *path, const char *text)
{
	char line[4096];
	FILE *f = fopen(path, "r");
	int is = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		is |= strstr(line, text) != NULL;
	}
	(void)fclose(f);
	return is;
}

static inline void
settle(void)
{
	for (int i = 0; i < 6; i++) {
		loop_once(w->loop, LOOP_NOWAIT);
	}
	drain(broker);
}

/* Time goes on; the tick of each second comes. */
static inline void
pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		mono += CLOCK_SEC;
		wall++;
		leases_tick(w);
		settle();
	}
}

static inline void
write_at(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fprintf(f, "default to any\n%s\n", text);
	assert_int_equal(fclose(f), 0);
}

static inline void
write_rules(const char *text)
{
	write_at(rules_path, text);
}

static inline void
use_rules(const char *text)
{
	write_rules(text);
	assert_int_equal(policy_replace(w, NULL, 0), 0);
	settle();
}

static inline void
plug(unsigned i, unsigned devnum)
{
	struct device *dev = &devs[i];

	memset(dev, 0, sizeof(*dev));
	dev->warden = w;
	dev->id = ++w->next_device;
	dev->state = DEVICE_READY;
	dev->probe_chan = -1;
	dev->record = calloc(1, sizeof(*dev->record));
	dev->store = calloc(1, sizeof(*dev->store));
	devrec_init(dev->record);
	dev->record->speed = dev->place.speed = USBIP_SPEED_LOW;
	dev->record->active_config = 1;
	memcpy(dev->record->device, usb_samples[3].device, DESC_DEVICE_SIZE);
	assert_int_equal(devrec_add_config(dev->record, sample_keyboard_ls,
			     sizeof(sample_keyboard_ls)),
	    0);
	(void)snprintf(dev->place.busid, sizeof(dev->place.busid), "1-%u",
	    i + 1);
	memcpy(dev->place.path, "/sys/x", 7);
	dev->place.busnum = 1;
	dev->place.devnum = (uint16_t)devnum;
	assert_int_equal(rule_device_from_record(&dev->facts, dev->store,
			     &dev->place, dev->record, "", "", ""),
	    0);
	(void)snprintf(dev->name, sizeof(dev->name), "kbd@p:%u", i + 1);
	dev->plug = book_plug(w->book, dev->place.busid, devnum, wall);
	assert_non_null(dev->plug);
	memset(dev->key, (int)i + 1, sizeof(dev->key));
	TAILQ_INSERT_TAIL(&w->devices, dev, entry);
}

static inline void
unplug(unsigned i)
{
	struct device *dev = &devs[i];

	TAILQ_REMOVE(&w->devices, dev, entry);
	book_unplug(w->book, dev->plug);
	free(dev->held_for);
	free(dev->record);
	free(dev->store);
}

/* A new connection with that certificate. */
static inline struct session *
connect_with(unsigned i, const struct x509_facts *facts)
{
	static uint8_t buf[IDENTITY_WIRE];
	struct session *s = calloc(1, sizeof(*s));
	struct ipc_result ok = {0};
	int chan[2], n;

	s->warden = w;
	s->conn = w->next_conn++;
	s->phase = SESSION_SPAWNING;
	s->chan = s->peer_fd = -1;
	TAILQ_INSERT_TAIL(&w->sessions, s, entry);
	w->nsessions++;
	assert_int_equal(channel_pair(chan), 0);
	session_on_spawned(w, s->conn, &ok, chan[0]);
	close_fd(&ends[i]);
	ends[i] = chan[1];
	peers[i] = s;
	n = identity_encode(buf, sizeof(buf), facts);
	assert_int_equal(channel_send(ends[i], IPC_IDENTITY, 0, buf, (size_t)n,
			     -1),
	    0);
	settle();
	assert_true(s->is_identified);
	drain(ends[i]);
	return s;
}

/* A new connection of that name. */
static inline struct session *
connect_as(unsigned i, const char *cn)
{
	struct x509_facts facts = {.serial_len = 1};

	(void)snprintf(facts.cn, sizeof(facts.cn), "%s", cn);
	(void)snprintf(facts.subject, sizeof(facts.subject), "CN=%s", cn);
	return connect_with(i, &facts);
}

/* The session's process is reaped; the device was read again. */
static inline void
leave(unsigned i)
{
	struct device *dev = peers[i]->device;
	struct ipc_exited m = {.role = IPC_ROLE_SESSION};

	assert_int_equal(session_on_exited(w, peers[i]->conn, &m), 1);
	peers[i] = NULL;
	if (dev != NULL) {
		dev->state = DEVICE_READY;
		dev->probe = 0;
	}
	settle();
}

/* What came to a session with its device. */
struct given {
	int fd; /* closed by the next one's test, or by drop_given */
	unsigned nprofiles, nquotas;
	struct ipc_quota quota;
};
static struct given given;

static inline void
take_given(struct channel_msg *msg)
{
	struct ipc_profile profile;

	if (msg->type == IPC_PROFILE) {
		assert_int_equal(
		    ipc_decode_profile(&profile, msg->data, msg->len), 0);
		assert_true(msg->fd != -1);
		close_fd(&given.fd);
		given.fd = msg->fd;
		given.nprofiles++;
	} else {
		assert_int_equal(msg->type, IPC_QUOTA_IS);
		assert_int_equal(
		    ipc_decode_quota(&given.quota, msg->data, msg->len), 0);
		given.nquotas++;
	}
}

/* What the session hears; the broker does what it is asked to. */
static inline int
answer(unsigned i, int granted)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	static struct devrec rec;
	struct ipc_result m = {.err = granted};
	struct ipc_imported imported;
	struct channel_msg msg;

	settle();
	if (peers[i]->phase == SESSION_GRANTING) {
		session_on_granted(w, peers[i]->conn, &m);
	}
	given = (struct given){.fd = -1};
	while (channel_recv(ends[i], buf, sizeof(buf), &msg) == 0 &&
	    msg.type != IPC_IMPORTED) {
		take_given(&msg);
	}
	assert_int_equal(msg.type, IPC_IMPORTED);
	assert_int_equal(
	    ipc_decode_imported(&imported, &rec, msg.data, msg.len), 0);
	return imported.err;
}

/* The one that is connected asks for it. */
static inline int
import_now(unsigned i, unsigned dev, int granted)
{
	struct ipc_busid m;
	uint8_t buf[64];
	int n;

	memcpy(m.busid, devs[dev].place.busid, sizeof(m.busid));
	n = ipc_encode_busid(buf, sizeof(buf), &m);
	assert_int_equal(
	    channel_send(ends[i], IPC_IMPORT, 0, buf, (size_t)n, -1), 0);
	return answer(i, granted);
}

static inline int
import_with(unsigned i, const char *cn, unsigned dev, int granted)
{
	(void)connect_as(i, cn);
	return import_now(i, dev, granted);
}

static inline int
import(unsigned i, const char *cn, unsigned dev)
{
	return import_with(i, cn, dev, 0);
}

/* One that comes to nothing leaves at once. */
static inline int
try(const char *cn, unsigned dev)
{
	int r = import(NPEERS - 1, cn, dev);

	leave(NPEERS - 1);
	return r;
}

static inline int
is_over(unsigned i)
{
	return peers[i]->phase == SESSION_ENDING;
}

/* The last line of the audit log with that event has that in it. */
static inline int
audited(const char *event, const char *what)
{
	char line[8192], mark[64], last[8192] = "";
	FILE *f = fopen(audit_path, "r");

	assert_non_null(f);
	(void)snprintf(mark, sizeof(mark), "\"event\":\"%s\"", event);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strstr(line, mark) != NULL) {
			memcpy(last, line, sizeof(last));
		}
	}
	(void)fclose(f);
	return strstr(last, what) != NULL;
}

static inline void
restart_book(void)
{
	assert_int_equal(book_save(w->book, w->conf.state), 0);
	book_free(w->book);
	w->book = book_open(w->conf.state);
	assert_non_null(w->book);
	assert_false(w->book->was_bad);
	for (unsigned i = 0; i < NDEVS; i++) {
		devs[i].plug = book_plug(w->book, devs[i].place.busid,
		    devs[i].place.devnum, wall);
	}
}

static inline void
write_profile(const char *text)
{
	char path[80];
	FILE *f;

	(void)mkdir(profiles_path, 0755);
	(void)snprintf(path, sizeof(path), "%s/a.profile", profiles_path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void
use_profile(const char *profile, const char *rules)
{
	write_profile(profile);
	use_rules(rules);
}

/* Says something in the session's name. */
static inline void
say(unsigned i, uint16_t type, const void *buf, int len)
{
	assert_true(len >= 0);
	assert_int_equal(
	    channel_send(ends[i], type, 0, buf, (size_t)len, -1), 0);
	settle();
}

/* The next message to the session, or 0. */
static inline uint16_t
hear(unsigned i, struct channel_msg *msg)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];

	settle();
	return channel_recv(ends[i], buf, sizeof(buf), msg) == 0 ? msg->type :
								   0;
}

static inline int
setup(void **state)
{
	int chan[2];

	(void)state;
	mono = 1000 * CLOCK_SEC;
	wall = MONDAY;
	w = calloc(1, sizeof(*w));
	TAILQ_INIT(&w->devices);
	TAILQ_INIT(&w->sessions);
	TAILQ_INIT(&w->held);
	w->next_conn = 1;
	w->audit.fd = w->listen_fd = w->control_fd = -1;
	w->loop = loop_new();
	assert_non_null(w->loop);
	w->scratch = calloc(1, sizeof(*w->scratch));
	w->nissuers = 1;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(rules_path, sizeof(rules_path), "%s/a.rules", dir);
	(void)snprintf(audit_path, sizeof(audit_path), "%s/audit", dir);
	(void)snprintf(profiles_path, sizeof(profiles_path), "%s/p", dir);
	w->conf.rules = rules_path;
	w->conf.profiles = w->conf.stock_profiles = profiles_path;
	w->conf.audit = audit_path;
	w->conf.state = dir;
	w->conf.keep = w->conf.crl = (char *)(uintptr_t) "";
	assert_int_equal(audit_open(&w->audit, audit_path), 0);
	assert_int_equal(audit_chain_start(&w->audit, dir), 0);
	assert_int_equal(channel_pair(chan), 0);
	w->broker = chan[0];
	broker = chan[1];
	for (unsigned i = 0; i < NPEERS; i++) {
		ends[i] = -1;
	}
	w->book = book_open(dir);
	assert_non_null(w->book);
	assert_int_equal(policy_start(w), 0);
	assert_int_equal(events_start(w), 0);
	assert_int_equal(leases_start(w), 0);
	plug(0, 5);
	plug(1, 6);
	return 0;
}

static inline int
teardown(void **state)
{
	static const char *const names[] = {
		"a.rules", "audit", "audit.chain", "audit.serials", "state.json", "b.rules", "p/a.profile",
		"p"};
	char path[64];

	(void)state;
	for (unsigned i = 0; i < NPEERS; i++) {
		if (peers[i] != NULL) {
			leave(i);
		}
		close_fd(&ends[i]);
	}
	for (unsigned i = 0; i < NDEVS; i++) {
		unplug(i);
	}
	assert_true(schema_check_log(audit_path) > 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
	assert_int_equal(rmdir(dir), 0);
	book_free(w->book);
	zones_free(w->zones);
	rules_free(w->rules);
	rules_free(w->fallback);
	profile_set_free(w->profiles);
	profile_set_free(w->fallback_profiles);
	free(w->issuers);
	loop_timer_free(w->judge);
	loop_timer_free(w->pulse);
	loop_timer_free(w->tick);
	loop_timer_free(w->rejudge);
	loop_timer_free(w->rollback);
	loop_free(w->loop);
	close_fd(&w->broker);
	close_fd(&broker);
	audit_close(&w->audit);
	free(w->scratch);
	free(w);
	return 0;
}

#endif
