/*
 * The registry: which devices are plugged into this gateway, what they are, and
 * who has them. Each device is read once by a probe, and again after each
 * holder.
 *
 *   WAITING -> PROBING -> READY <-> HELD
 *                 |  ^________________|  (reset and read again)
 *                 v
 *              REFUSED                      KEPT (hubs, [local] keep)
 *
 * WAITING: not authorized by the kernel ([local] at-boot = strict: the broker is
 * asked to), or not configured so far; or its texts, or those of a hub above,
 * are not known. They are read first, by a process of their own, which waits
 * while the kernel has the device locked. Nobody else waits for that: not the
 * warden, and not the broker, who opens a device only after its texts came.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "policy/vet/vet.h"

#define SETTLE (100 * CLOCK_MSEC) /* between looks at an unconfigured device */
#define SETTLE_TRIES 50
#define PROBE_TRIES 3
#define RETRY (500 * CLOCK_MSEC)
#define HUB_RETRY (5 * CLOCK_SEC) /* of its texts, from then on */
#define MAX_DEVICES 512

const char *
device_state_name(enum device_state state)
{
	switch (state) {
	case DEVICE_WAITING:
		return "waiting";
	case DEVICE_PROBING:
		return "probing";
	case DEVICE_READY:
		return "ready";
	case DEVICE_HELD:
		return "held";
	case DEVICE_REFUSED:
		return "refused";
	case DEVICE_KEPT:
		return "kept";
	}
	return "unknown";
}

struct device *
registry_find(struct warden *w, const char *busid)
{
	struct device *dev;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (strcmp(dev->place.busid, busid) == 0) {
			return dev;
		}
	}
	return NULL;
}

int
registry_is_named(const struct device *dev, const char *what)
{
	return strcmp(dev->place.busid, what) == 0 ||
	    (dev->name[0] != '\0' && strcmp(dev->name, what) == 0);
}

static struct device *
find_probe(struct warden *w, uint32_t conn)
{
	struct device *dev;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (dev->probe == conn && conn != 0) {
			return dev;
		}
	}
	return NULL;
}

/* Rules may ask what else is here. */
static void
others_changed(struct warden *w)
{
	events_touch(w);
	if (w->rules != NULL &&
	    (rules_ask(w->rules) & RULES_ASK_DEVICES) != 0) {
		leases_touch(w, "another device came or went");
	}
}

static void
close_probe(struct device *dev)
{
	loop_io_free(dev->probe_io);
	dev->probe_io = NULL;
	close_fd(&dev->probe_chan);
}

static void
device_free(struct device *dev)
{
	struct warden *w = dev->warden;

	if (dev->holder != NULL) {
		struct session *s = dev->holder;

		session_eject(s, "device unplugged", NULL);
		lease_cancel(s);
		s->device = NULL;
	}
	if (dev->probe != 0) {
		warden_ask(w, IPC_KILL, dev->probe, NULL, 0, -1);
	}
	close_probe(dev);
	loop_timer_free(dev->settle);
	TAILQ_REMOVE(&w->devices, dev, entry);
	if (dev->plug != NULL) {
		book_unplug(w->book, dev->plug);
	}
	facts_compare(w);
	others_changed(w);
	free(dev->held_for);
	free(dev->record);
	free(dev->store);
	free(dev);
}

static void
refuse(struct device *dev, const char *rule, const char *text)
{
	dev->state = DEVICE_REFUSED;
	events_touch(dev->warden);
	if (rule != dev->refused) {
		snprintf(dev->refused, sizeof(dev->refused), "%s", rule);
	}
	log_warnx("device %s: refused by %s: %s", dev->place.busid, rule, text);
	metrics_refused(&dev->warden->metrics, METRICS_BY_VETTING, rule, 1);
	audit_write(dev->warden, "device", "refused", NULL, dev, NULL, "refusal",
	    rule, "detail", text, (char *)NULL);
	if (dev->holder != NULL) {
		session_eject(dev->holder, rule, NULL);
	}
}

/* Its probe ended without a good record: once more, after a pause, since a
 * device that was just plugged in or let go may need a moment. */
static void
try_again(struct device *dev, const char *rule, const char *text)
{
	if (++dev->failures >= PROBE_TRIES) {
		refuse(dev, rule, text);
		return;
	}
	log_infox("device %s: %s: %s; trying again", dev->place.busid, rule,
	    text);
	dev->state = DEVICE_WAITING;
	loop_timer_set(dev->settle, dev->failures * RETRY);
}

/* What the book knows of it: since when it is here, and whether it ever was
 * before. That is settled when it is plugged in, and for one that turns out to
 * be another. */
static int
note_plug(struct device *dev)
{
	struct book *book = dev->warden->book;
	struct rule_device *f = &dev->facts;
	uint8_t seen[32];
	char ids[16];
	int n = snprintf(ids, sizeof(ids), "%04x:%04x:", f->vid, f->pid);
	struct digest_part what[] = {
		{ids, (size_t)n},
		{f->serial, strlen(f->serial) + 1},
		{dev->hash, strlen(dev->hash)},
	};
	struct digest_part where[] = {
		{dev->name, strlen(dev->name) + 1},
		{dev->hash, strlen(dev->hash)},
	};

	if (dev->plug == NULL ||
	    digest_sha256(seen, what, ARRAY_LEN(what)) != 0 ||
	    digest_sha256(dev->key, where, ARRAY_LEN(where)) != 0) {
		return ERR_NOMEM;
	}
	if (!dev->plug->is_named || (dev->is_new && dev->was_read)) {
		dev->plug->is_first = book_see(book, seen);
		dev->plug->is_named = 1;
		book->is_dirty = 1;
	}
	dev->was_read = 1;
	f->is_first_seen = dev->plug->is_first != 0;
	return 0;
}

static void look(void *arg);

/* Its texts were not to be had: once more, after a pause. A device that gives
 * none stays out, for to export it and to keep it are both judged by them. A
 * hub may be locked by what is plugged into it, for as long as that likes, and
 * is the gateway's own: it is asked until it answers, and what is below waits. */
static void
no_texts(struct device *dev, const char *text)
{
	dev->failures++;
	if (dev->failures < PROBE_TRIES) {
		log_infox("device %s: %s; trying again", dev->place.busid,
		    text);
		loop_timer_set(dev->settle, dev->failures * RETRY);
		return;
	}
	if (!dev->is_hub) {
		refuse(dev, "gateway.texts", text);
		return;
	}
	if (dev->failures == PROBE_TRIES) {
		log_warnx("device %s: %s; it and what is plugged into it have "
			  "to wait", dev->place.busid, text);
	}
	loop_timer_set(dev->settle, HUB_RETRY);
}

static void
on_texts(struct device *dev)
{
	struct device *other;

	dev->has_texts = 1;
	dev->failures = 0;
	sysfs_hash(dev->hash, &dev->place, &dev->texts);
	/* Itself, and what waits for it. */
	TAILQ_FOREACH (other, &dev->warden->devices, entry) {
		if (other->has_texts) {
			look(other);
		}
	}
}

/* A record came: the device is what it says, or is judged anew. It is free
 * when its probe is gone, not before. */
static void
on_record(struct device *dev, const uint8_t *data, size_t len)
{
	struct warden *w = dev->warden;
	struct desc_why why = {0};
	char text[256];

	if (devrec_decode(w->fresh, data, len) != 0) {
		refuse(dev, "probe.format", "the record cannot be read");
		return;
	}
	/* the probe did the same, but it had the device in its hands */
	if (vet_record(w->fresh, w->scratch, &why) != 0) {
		vet_say(text, sizeof(text), w->fresh, &why);
		refuse(dev, why.rule != NULL ? why.rule : "probe.check", text);
		return;
	}
	if (devrec_has_uas(w->fresh) < 0) {
		refuse(dev, "uas.only",
		    "its disk speaks USB Attached SCSI and nothing else; that "
		    "needs bulk streams, which vhci_hcd does not carry");
		return;
	}
	dev->is_new = dev->record == NULL;
	if (!dev->is_new && devrec_compare(dev->record, w->fresh) != 0) {
		audit_write(w, "device", "changed", NULL, dev, NULL, "detail",
		    "its descriptors differ from those read before; judged "
		    "anew",
		    (char *)NULL);
		dev->is_new = 1;
	}
	if (dev->record == NULL) {
		dev->record = malloc(sizeof(*dev->record));
	}
	if (dev->record == NULL) {
		refuse(dev, "gateway.memory", "out of memory");
		return;
	}
	*dev->record = *w->fresh;
	if (facts_fill(dev) != 0) {
		refuse(dev, "gateway.facts", "its facts do not fit");
		return;
	}
	facts_compare(w);
	if (stable_name(dev->name, sizeof(dev->name), dev->facts.vid,
		dev->facts.pid, dev->facts.serial, dev->stable_port) != 0) {
		refuse(dev, "gateway.facts", "its stable name does not fit");
		return;
	}
	if (note_plug(dev) != 0) {
		refuse(dev, "gateway.memory", "too many devices are plugged in");
		return;
	}
	dev->is_read = 1;
}

static void
become_ready(struct device *dev)
{
	const char *speed = rule_speed_name(dev->place.speed);

	dev->state = DEVICE_READY;
	others_changed(dev->warden);
	dev->failures = 0;
	audit_write(dev->warden, "device", dev->is_new ? "appeared" : "free",
	    NULL, dev, NULL, "speed",
	    speed != NULL ? speed : "unknown", (char *)NULL);
	registry_judge(dev);
}

static void
on_probe_channel(void *arg, int events)
{
	struct device *dev = arg;
	struct warden *w = dev->warden;
	struct ipc_refused why;
	struct channel_msg msg;
	int r;

	(void)events;
	r = channel_recv(dev->probe_chan, w->buf, sizeof(w->buf), &msg);
	if (r == ERR_AGAIN) {
		return;
	}
	if (r != 0) {
		/* Its exit will be told by the broker. */
		close_probe(dev);
		return;
	}
	if (msg.fd != -1) {
		close_fd(&msg.fd);
		r = ERR_FORMAT;
	} else if (msg.type == IPC_RECORD && !dev->is_texts) {
		on_record(dev, msg.data, msg.len);
	} else if (msg.type == IPC_TEXTS && dev->is_texts &&
	    ipc_decode_texts(&dev->texts, msg.data, msg.len) == 0) {
		dev->is_read = 1;
	} else if (msg.type == IPC_PROBE_FAILED &&
	    ipc_decode_refused(&why, msg.data, msg.len) == 0) {
		snprintf(dev->refused, sizeof(dev->refused), "%s", why.rule);
		snprintf(dev->why, sizeof(dev->why), "%s", why.text);
	} else {
		r = ERR_FORMAT;
	}
	close_probe(dev);
	if (r != 0) {
		refuse(dev, "probe.format", "the probe broke its protocol");
		warden_ask(w, IPC_KILL, dev->probe, NULL, 0, -1);
	}
}

void
registry_on_probed(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct device *dev = find_probe(w, conn);

	if (dev == NULL) {
		/* Unplugged meanwhile; it was told to be killed then. */
		close_fd(&fd);
		return;
	}
	if (r->err != 0) {
		const char *text =
		    r->err == ERR_SYS ? strerror(r->sys) : err_str(r->err);

		close_fd(&fd);
		dev->probe = 0;
		if (r->err == ERR_POLICY) {
			refuse(dev, "gateway.open", text);
		} else if (r->err != ERR_NOENT && dev->is_texts) {
			no_texts(dev, text);
		} else if (r->err != ERR_NOENT) {
			try_again(dev, "gateway.open", text);
		}
		/* ERR_NOENT: its removal is on the way. */
		return;
	}
	dev->probe_chan = fd;
	dev->probe_io =
	    loop_io_new(w->loop, fd, LOOP_READ, on_probe_channel, dev);
	if (dev->probe_io == NULL) {
		fatal("watch a probe");
	}
}

void
registry_on_exited(struct warden *w, uint32_t conn)
{
	struct device *dev = find_probe(w, conn);

	if (dev == NULL) {
		return;
	}
	/* What it said last may still be in the channel. */
	if (dev->probe_chan != -1) {
		on_probe_channel(dev, LOOP_READ);
	}
	close_probe(dev);
	dev->probe = 0;
	if (dev->state == DEVICE_REFUSED) {
		return; /* meanwhile */
	}
	if (dev->is_texts && dev->is_read) {
		on_texts(dev);
	} else if (dev->is_texts) {
		no_texts(dev, dev->why[0] != '\0'
			? dev->why
			: "its texts cannot be read: it does not answer");
	} else if (dev->is_read) {
		become_ready(dev);
	} else if (dev->refused[0] != '\0') {
		try_again(dev, dev->refused, dev->why);
	} else {
		try_again(dev, "probe.silent", "no answer within its time");
	}
}

static void
ask_probe(struct device *dev, unsigned flags)
{
	struct warden *w = dev->warden;
	struct ipc_probe m = {.place = dev->place, .flags = (uint8_t)flags};
	uint8_t buf[PLACE_WIRE + 8];

	dev->is_texts = (flags & IPC_PROBE_TEXTS) != 0;
	dev->is_read = 0;
	dev->refused[0] = dev->why[0] = '\0';
	dev->probe = w->next_conn++;
	warden_ask(w, IPC_PROBE, dev->probe, buf,
	    ipc_encode_probe(buf, sizeof(buf), &m), -1);
}

static void
start_probe(struct device *dev, unsigned flags)
{
	dev->state = DEVICE_PROBING;
	events_touch(dev->warden);
	ask_probe(dev, flags);
}

void
registry_judge(struct device *dev)
{
	struct judged judged;
	char text[IPC_TEXT];

	if (dev->state != DEVICE_READY && dev->state != DEVICE_HELD) {
		return;
	}
	policy_judge(
	    dev->warden, dev->warden->rules, dev, NULL, RULE_AT_LIST, 0,
	    &judged);
	if (judged.d.verdict == RULE_REJECT) {
		(void)snprintf(text, sizeof(text), "rejected by %s:%u",
		    judged.d.file, judged.d.line);
		refuse(dev, "policy.reject", text);
	}
}

void
registry_release(struct device *dev)
{
	dev->holder = NULL;
	if (dev->state == DEVICE_REFUSED) {
		return; /* rejected while somebody had it: nobody will again */
	}
	dev->failures = 0;
	start_probe(dev, IPC_PROBE_RESET);
}

static void
authorize(struct device *dev, enum ipc_authorize_what what)
{
	struct ipc_authorize m = {.place = dev->place, .what = (uint8_t)what};
	uint8_t buf[PLACE_WIRE + 8];

	warden_ask(dev->warden, IPC_AUTHORIZE, dev->warden->next_conn++, buf,
	    ipc_encode_authorize(buf, sizeof(buf), &m), -1);
}

/* It is the gateway's own. */
static void
keep(struct device *dev, enum ipc_authorize_what what)
{
	dev->state = DEVICE_KEPT;
	if (dev->warden->conf.before_drivers) {
		authorize(dev, what);
	}
}

/* 1 when [local] keep names it, or 0, or what is wrong with its facts. */
static int
is_kept(struct device *dev)
{
	struct rule_decision d;
	int r;

	if (dev->warden->keep == NULL) {
		return 0;
	}
	r = sysfs_facts(dev);
	if (r != 0) {
		return r;
	}
	facts_place(dev);
	facts_compare(dev->warden);
	rules_decide(dev->warden->keep, &dev->facts, NULL, NULL, &d);
	return d.verdict == RULE_ALLOW;
}

/* It has no configuration: it is not authorized, or the kernel's event came
 * before it was set. Looks again soon. */
static void
wait_for_kernel(struct device *dev, const struct sysfs_device *sys)
{
	if (!sys->is_authorized && dev->warden->conf.is_strict &&
	    !dev->is_asked) {
		dev->is_asked = 1;
		authorize(dev, IPC_AUTH_DEVICE);
	}
	if (++dev->looks <= SETTLE_TRIES) {
		loop_timer_set(dev->settle, SETTLE);
	} else if (sys->is_authorized) {
		refuse(dev, "gateway.unconfigured",
		    "the kernel set no configuration");
	} else {
		refuse(dev, "gateway.unauthorized",
		    "the kernel has not authorized it; [local] at-boot = "
		    "strict lets the gateway do so");
	}
}

/* Looks at a device that waits: what is it, and is it configured? */
static void
look(void *arg)
{
	struct device *dev = arg;
	struct warden *w = dev->warden;
	struct sysfs_device sys;
	int r, needs_reset;

	if (dev->state != DEVICE_WAITING || dev->probe != 0) {
		return;
	}
	r = sysfs_read(&sys, SYSFS_USB, dev->place.busid);
	if (r == ERR_NOENT) {
		return; /* its removal is on the way */
	}
	if (r != 0) {
		refuse(dev, "gateway.sysfs", err_str(r));
		return;
	}
	dev->place = sys.place;
	dev->vid = sys.vid;
	dev->pid = sys.pid;
	dev->is_hub = sys.class == 0x09;
	memcpy(dev->parent_hash, sys.parent_hash, sizeof(dev->parent_hash));
	memcpy(
	    dev->connect_type, sys.connect_type, sizeof(dev->connect_type));
	memcpy(dev->stable_port, sys.stable_port, sizeof(dev->stable_port));
	if (sys.is_virtual) {
		dev->state = DEVICE_KEPT;
		return;
	}
	if (sys.is_root_hub && w->conf.before_drivers && !dev->is_asked) {
		/* At once, before anything below it is found. Of a controller
		 * that came just now the hub's own interface may be born under
		 * that default as well: it is a hub like any other below. */
		dev->is_asked = 1;
		authorize(dev, IPC_AUTH_PORTS);
	}
	/* Before it is read: what the book has of others is purged once all that
	 * is here has been looked at. */
	if (dev->plug == NULL) {
		dev->plug = book_plug(w->book, dev->place.busid,
		    dev->place.devnum, world_now());
	}
	if (!sys.is_authorized || sys.configuration <= 0) {
		wait_for_kernel(dev, &sys);
		return;
	}
	if (!dev->has_texts) {
		ask_probe(dev, IPC_PROBE_TEXTS);
		return;
	}
	if (dev->is_hub) {
		keep(dev, IPC_AUTH_HUB);
		return;
	}
	if (facts_hubs(dev) != 0) {
		return; /* until their texts come */
	}
	r = is_kept(dev);
	if (r < 0) {
		refuse(dev, "gateway.facts", err_str(r));
		return;
	}
	if (r == 1) {
		keep(dev, IPC_AUTH_KEEP);
		return;
	}
	/* One that failed, or that somebody had, or may have had when a warden
	 * before this one ended, is reset before it is read: it may be in the
	 * middle of a transfer. */
	needs_reset = dev->failures > 0 || dev->record != NULL ||
	    dev->plug == NULL || dev->plug->was_here;
	start_probe(dev, needs_reset ? IPC_PROBE_RESET : 0);
}

void
registry_add(struct warden *w, const char *busid)
{
	struct device *dev;
	unsigned n = 0;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		n++;
	}
	if (n >= MAX_DEVICES || strlen(busid) >= USBIP_BUSID_SIZE) {
		log_warnx("device %s: too many devices, left alone", busid);
		return;
	}
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL) {
		log_warn("device %s", busid);
		return;
	}
	dev->warden = w;
	dev->probe_chan = -1;
	dev->id = ++w->next_device;
	memcpy(dev->place.busid, busid, strlen(busid) + 1);
	dev->store = calloc(1, sizeof(*dev->store));
	dev->settle = loop_timer_new(w->loop, look, dev);
	if (dev->store == NULL || dev->settle == NULL) {
		log_warn("device %s", busid);
		free(dev->store);
		loop_timer_free(dev->settle);
		free(dev);
		return;
	}
	TAILQ_INSERT_TAIL(&w->devices, dev, entry);
	look(dev);
}

void
registry_remove(struct device *dev)
{
	if (dev->record != NULL) {
		audit_write(dev->warden, "device", "gone", dev->holder, dev,
		    NULL, (char *)NULL);
	}
	device_free(dev);
}

void
registry_look(struct device *dev)
{
	look(dev);
}
