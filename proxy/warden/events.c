/*
 * Subscribers, in the warden: sessions whose peers watch which devices they may
 * have. Each has a list of what it was told of each device; whenever a device or
 * the rules change, all lists are judged again, once a turn, and the differences
 * are told. A device that no rule allows does not exist for it.
 *
 * What waits to be told is bounded: a subscriber that does not take it is ended.
 */
#include "proxy/warden/warden.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define QUEUE_MAX (1024u * 1024u)
#define PULSE (4 * CLOCK_SEC) /* between heartbeats */
#define LIST_LINE (15u * 1024u)

static const char heartbeat[] = "{\"type\":\"heartbeat\"}";
static const char policy_changed[] = "{\"type\":\"policy\"}";

struct line {
	STAILQ_ENTRY(line) entry;
	size_t len;
	char text[];
};

/* What a subscriber was told of a device. */
struct told {
	TAILQ_ENTRY(told) entry;
	uint64_t id;
	enum rule_verdict verdict;
	int is_seen;
	char name[STABLE_NAME], busid[USBIP_BUSID_SIZE];
	char *text; /* owned: its JSON; NULL while not shown */
};

struct subscriber {
	STAILQ_HEAD(, line) queue;
	size_t queued;
	TAILQ_HEAD(, told) told;
	int has_list, has_greeted;
};

/* ------------------------------------------------------------------------ */
/* The queue                                                                */

static int
is_live(const struct session *s)
{
	return s->events != NULL && s->phase == SESSION_OPEN && s->chan != -1;
}

/* One that was told goodbye hears nothing more. */
static int
is_told(const struct session *s)
{
	return is_live(s) && s->leaves == 0;
}

void
events_flush(struct session *s)
{
	struct subscriber *sub = s->events;
	static uint8_t buf[IPC_LINE_MAX + 16];
	struct line *line;

	while (is_live(s) && (line = STAILQ_FIRST(&sub->queue)) != NULL) {
		struct ipc_line m = {
			.text = line->text, .len = (uint32_t)line->len};
		int n = ipc_encode_line(buf, sizeof(buf), &m);
		int r = n < 0 ? n
			      : channel_send(s->chan, IPC_LINE, s->conn, buf,
				    (size_t)n, -1);

		if (r == ERR_AGAIN) {
			break;
		}
		STAILQ_REMOVE_HEAD(&sub->queue, entry);
		sub->queued -= line->len;
		free(line);
		if (r == ERR_CLOSED) {
			break; /* its end is read there, too */
		}
		if (r != 0) {
			session_eject(s, "cannot be told events", NULL);
		}
	}
	if (is_live(s)) {
		loop_io_set(s->io, STAILQ_EMPTY(&sub->queue)
			? LOOP_READ
			: LOOP_READ | LOOP_WRITE);
	}
}

/* Queues a copy and sends what can be sent. */
static void
tell(struct session *s, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	struct line *line;

	if (!is_told(s)) {
		return;
	}
	line = malloc(sizeof(*line) + len);
	if (text == NULL || line == NULL) {
		free(line);
		session_eject(s, "out of memory", NULL);
		return;
	}
	if (len > IPC_LINE_MAX || s->events->queued + len > QUEUE_MAX) {
		free(line);
		session_eject(s, "does not read what it watches", NULL);
		return;
	}
	line->len = len;
	memcpy(line->text, text, len);
	STAILQ_INSERT_TAIL(&s->events->queue, line, entry);
	s->events->queued += len;
	events_flush(s);
}

static void
tell_and_free(struct session *s, char *text)
{
	tell(s, text);
	free(text);
}

/* ------------------------------------------------------------------------ */
/* Judging                                                                  */

static struct told *
find_told(struct subscriber *sub, uint64_t id)
{
	struct told *t;

	TAILQ_FOREACH (t, &sub->told, entry) {
		if (t->id == id) {
			return t;
		}
	}
	return NULL;
}

static void
free_told(struct subscriber *sub, struct told *t)
{
	TAILQ_REMOVE(&sub->told, t, entry);
	free(t->text);
	free(t);
}

static void
say_gone(struct session *s, struct told *t)
{
	if (t->text != NULL) {
		tell_and_free(s, events_json_gone(t->name, t->busid));
	}
	free(t->text);
	t->text = NULL;
}

/* Whether the rules show it; the audit log hears of it once per change.
 * *approver is who must say yes first, or NULL. */
static int
is_shown(struct session *s, const struct device *dev, struct told *t,
    int is_new, const char **approver, struct rule_exposure *exposes)
{
	struct judged judged;

	*approver = NULL;
	if (dev->state == DEVICE_REFUSED || dev->state == DEVICE_KEPT ||
	    device_is_quarantined(dev)) {
		return 0;
	}
	policy_decide(s->warden, dev, s, RULE_AT_LIST, &judged);
	if (is_new || judged.d.verdict != t->verdict) {
		audit_notes(s->warden, s, dev, &judged);
		audit_write(s->warden, "watch",
		    judged.d.verdict == RULE_ALLOW     ? "shown"
			: judged.d.verdict == RULE_PENDING ? "needs approval"
							   : "hidden",
		    s, dev, &judged.d, (char *)NULL);
	}
	t->verdict = judged.d.verdict;
	*exposes = judged.d.exposes;
	if (t->verdict == RULE_PENDING) {
		*approver = judged.d.grant.approver;
	}
	return t->verdict == RULE_ALLOW || t->verdict == RULE_PENDING;
}

static void
say_device(struct session *s, const struct device *dev, struct told *t,
    const char *approver, const struct rule_exposure *exposes)
{
	char *text = events_json_device(s, dev, approver, exposes);
	int was_there = t->text != NULL;

	if (was_there && strcmp(t->name, dev->name) != 0) {
		/* read again, it was another */
		say_gone(s, t);
		was_there = 0;
	}
	if (text == NULL || (was_there && strcmp(text, t->text) == 0)) {
		free(text);
		return;
	}
	free(t->text);
	t->text = text;
	memcpy(t->name, dev->name, sizeof(t->name));
	memcpy(t->busid, dev->place.busid, sizeof(t->busid));
	if (s->events->has_list) {
		tell_and_free(s,
		    events_json_about(
			was_there ? "changed" : "appeared", text));
	}
}

static void
judge_device(struct session *s, const struct device *dev)
{
	struct told *t = find_told(s->events, dev->id);
	int is_new = t == NULL;
	struct rule_exposure exposes;
	const char *approver;

	if (dev->record == NULL || dev->name[0] == '\0') {
		return;
	}
	if (is_new) {
		t = calloc(1, sizeof(*t));
		if (t == NULL) {
			return; /* told at the next change */
		}
		t->id = dev->id;
		TAILQ_INSERT_TAIL(&s->events->told, t, entry);
	}
	t->is_seen = 1;
	if (is_shown(s, dev, t, is_new, &approver, &exposes)) {
		say_device(s, dev, t, approver, &exposes);
	} else {
		say_gone(s, t);
	}
}

/* Before the devices are walked: they appear once others are gone. */
static void
sweep(struct session *s)
{
	struct subscriber *sub = s->events;
	struct told *t, *next;

	for (t = TAILQ_FIRST(&sub->told); t != NULL; t = next) {
		struct device *dev;

		next = TAILQ_NEXT(t, entry);
		t->is_seen = 0;
		TAILQ_FOREACH (dev, &s->warden->devices, entry) {
			t->is_seen |= dev->id == t->id;
		}
		if (!t->is_seen) {
			say_gone(s, t);
			free_told(sub, t);
		}
	}
}

static void
judge(struct session *s)
{
	struct device *dev;

	sweep(s);
	TAILQ_FOREACH (dev, &s->warden->devices, entry) {
		if (is_live(s)) {
			judge_device(s, dev);
		}
	}
}

/* The list in as many lines as it needs. */
static void
say_list(struct session *s)
{
	static const char head[] = "{\"type\":\"devices\",\"devices\":[";
	struct told *t = TAILQ_FIRST(&s->events->told);
	static char text[IPC_LINE_MAX + 1];

	do {
		size_t len = sizeof(head) - 1, n = 0;

		memcpy(text, head, len);
		for (; t != NULL; t = TAILQ_NEXT(t, entry)) {
			size_t more = t->text != NULL ? strlen(t->text) : 0;

			if (more == 0) {
				continue;
			}
			if (len + more + 1 > LIST_LINE && n > 0) {
				break;
			}
			if (len + more + 20 > IPC_LINE_MAX) {
				continue; /* no device has that much to say */
			}
			if (n++ > 0) {
				text[len++] = ',';
			}
			memcpy(text + len, t->text, more);
			len += more;
		}
		(void)snprintf(text + len, sizeof(text) - len,
		    "],\"more\":%s}", t != NULL ? "true" : "false");
		tell(s, text);
	} while (t != NULL && is_live(s));
	s->events->has_list = 1;
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static void
on_judge(void *arg)
{
	struct warden *w = arg;
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (is_told(s)) {
			judge(s);
		}
	}
}

static void
on_pulse(void *arg)
{
	struct warden *w = arg;
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		tell(s, heartbeat);
	}
	if (w->nsubscribers > 0) {
		loop_timer_set(w->pulse, PULSE);
	}
}

int
events_start(struct warden *w)
{
	w->judge = loop_timer_new(w->loop, on_judge, w);
	w->pulse = loop_timer_new(w->loop, on_pulse, w);
	return w->judge != NULL && w->pulse != NULL ? 0 : ERR_NOMEM;
}

int
events_open(struct session *s)
{
	struct subscriber *sub = calloc(1, sizeof(*sub));

	if (sub == NULL) {
		return ERR_NOMEM;
	}
	STAILQ_INIT(&sub->queue);
	TAILQ_INIT(&sub->told);
	s->events = sub;
	if (s->warden->nsubscribers++ == 0) {
		loop_timer_set(s->warden->pulse, PULSE);
	}
	audit_write(s->warden, "watch", "began", s, NULL, NULL, (char *)NULL);
	tell_and_free(s, events_json_hello());
	judge(s);
	say_list(s);
	inspect_listeners(s->warden, s->identity);
	return 0;
}

static void
desks_changed(struct warden *w)
{
	if (w->rules != NULL && (rules_ask(w->rules) & RULES_ASK_DESKS) != 0) {
		leases_touch(w, "the desktop was locked or unlocked, or has "
				"another user");
		events_touch(w);
	}
}

void
events_close(struct session *s)
{
	struct subscriber *sub = s->events;
	struct line *line;
	struct told *t;

	if (sub == NULL) {
		return;
	}
	while ((line = STAILQ_FIRST(&sub->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&sub->queue, entry);
		free(line);
	}
	while ((t = TAILQ_FIRST(&sub->told)) != NULL) {
		free_told(sub, t);
	}
	free(sub);
	s->events = NULL;
	s->warden->nsubscribers--;
	inspect_listeners(s->warden, s->identity);
	if (s->desks != NULL) {
		/* What it said of its desktops is not known any more. */
		desks_free(TAKE(s->desks));
		desks_changed(s->warden);
	}
}

static void
refuse(struct session *s, const char *why)
{
	audit_write(s->warden, "watch", "refused", s, NULL, NULL, "refusal",
	    "events.message", "detail", why, (char *)NULL);
	session_eject(s, why, NULL);
}

static void
desk_said(struct session *s, const struct events_said *said)
{
	const struct desks_said *desk = &said->desk;
	int r = said->is_bad ? ERR_FORMAT : desks_hear(&s->desks, desk);

	if (r < 0) {
		refuse(s, r == ERR_FORMAT ? "a seat or user that is no name"
			: r == ERR_LIMIT  ? "more desktops than it may have"
					  : "no memory for a desktop");
		return;
	}
	if (r == 0) {
		return;
	}
	audit_write(s->warden, "desktop",
	    desk->lock == RULE_LOCKED	     ? "locked"
		: desk->lock == RULE_UNLOCKED ? "unlocked"
					      : "unknown",
	    s, NULL, NULL, "seat", desk->seat, "user", desk->user,
	    (char *)NULL);
	desks_changed(s->warden);
}

void
events_said(struct session *s, const struct ipc_line *line)
{
	struct events_said said;

	events_json_parse(line, &said);
	if (said.type[0] == '\0') {
		refuse(s, "a line that is no message");
	} else if (!s->events->has_greeted) {
		if (strcmp(said.type, "hello") != 0 || said.protocol != 1) {
			refuse(s, "no hello of protocol 1");
		}
		s->events->has_greeted = 1;
	} else if (strcmp(said.type, "session") == 0) {
		desk_said(s, &said);
	}
	/* heartbeats have done their work in the session, by coming; a type
	 * that a later version knows is no mistake */
}

void
events_touch(struct warden *w)
{
	if (w->nsubscribers > 0) {
		loop_timer_set(w->judge, 0);
	}
}

void
events_policy(struct warden *w)
{
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		tell(s, policy_changed);
	}
	events_touch(w);
}

void
events_message(struct warden *w, const char *identity, const char *name,
    const char *text)
{
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (is_live(s) && strcmp(s->identity, identity) == 0) {
			tell_and_free(s, events_json_message(name, text));
		}
	}
}

void
events_farewell(struct session *s, const char *text)
{
	tell_and_free(s, events_json_message("", text));
}

void
events_challenge(struct warden *w, const char *identity, const char *name,
    const char *digits, unsigned within)
{
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (is_live(s) && strcmp(s->identity, identity) == 0) {
			tell_and_free(
			    s, events_json_challenge(name, digits, within));
		}
	}
}
