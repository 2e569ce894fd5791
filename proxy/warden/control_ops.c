/*
 * The control socket's requests about devices and connections.
 */
#include "proxy/warden/control.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

static unsigned
open_asks(const struct warden *w)
{
	const struct ask *ask;
	const struct held *held;
	unsigned n = 0;

	TAILQ_FOREACH (ask, &w->book->asks, entry) {
		n += ask->state == ASK_OPEN;
	}
	TAILQ_FOREACH (held, &w->held, entry) {
		n++;
	}
	return n;
}

static void
put_end(json_t *o, const char *ends, const char *days, const char *soon,
    const struct expiry_of *e)
{
	control_time(o, ends, (uint64_t)e->until * CLOCK_SEC);
	json_object_set_new(o, days, json_integer(e->days));
	json_object_set_new(o, soon, json_boolean(e->is_soon));
}

json_t *
control_status(struct warden *w, json_t *request)
{
	json_t *o = control_success();
	struct expiry_of e;
	struct device *dev;
	unsigned n = 0;

	(void)request;
	TAILQ_FOREACH (dev, &w->devices, entry) {
		n += dev->record != NULL;
	}
	control_text(o, "version", SALLYPORT_VERSION);
	json_object_set_new(o, "port", json_integer(w->conf.port));
	json_object_set_new(o, "devices", json_integer(n));
	json_object_set_new(o, "sessions", json_integer(w->nsessions));
	json_object_set_new(o, "turned_away",
	    json_integer((json_int_t)w->callers.turned_away));
	json_object_set_new(o, "rules",
	    w->rules != NULL ? json_integer((json_int_t)rules_count(w->rules))
			     : json_null());
	json_object_set_new(
	    o, "rules_revision", json_integer(w->rules_revision));
	control_time(o, "rules_loaded", w->rules_loaded);
	control_text(o, "rules_error", w->rules_error);
	if (w->has_fallback) {
		json_object_set_new(o, "confirm_within",
		    json_integer(control_left(w->confirm_by)));
	}
	if (*w->conf.crl != '\0') {
		json_object_set_new(o, "revoked",
		    revoked_count(w) >= 0 ? json_integer(revoked_count(w))
					  : json_null());
		control_text(o, "crl_error", revoked_error(w));
	}
	if (expiry_cert(w, &e)) {
		put_end(o, "certificate_ends", "certificate_days",
		    "certificate_soon", &e);
	}
	if (expiry_crl(w, &e)) {
		put_end(o, "crl_ends", "crl_days", "crl_soon", &e);
	}
	if (w->bundles != NULL) {
		json_object_set_new(o, "bundle", bundles_json(w));
	}
	if (w->upstream != NULL) {
		json_object_set_new(o, "upstream", upstream_json(w));
	}
	json_object_set_new(o, "asks", json_integer(open_asks(w)));
	json_object_set_new(o, "profiles",
	    json_integer(w->profiles != NULL ?
		    (json_int_t)profile_set_count(w->profiles) :
		    0));
	json_object_set_new(
	    o, "quarantine", json_integer(w->book->nquarantine));
	control_put_audit(o, &w->audit);
	return o;
}

static void
put_number(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

/* What went through so far, and in the last second. */
static void
put_tally(json_t *o, const struct session *s)
{
	int is_idle = clock_mono() - s->rate.at > 5 * CLOCK_SEC / 2;

	put_number(o, "urbs", s->tally.urbs);
	put_number(o, "bytes_in", s->tally.bytes_in);
	put_number(o, "bytes_out", s->tally.bytes_out);
	put_number(o, "open", s->tally.open);
	put_number(o, "urbs_s", is_idle ? 0 : s->rate.urbs_s);
	put_number(o, "in_s", is_idle ? 0 : s->rate.in_s);
	put_number(o, "out_s", is_idle ? 0 : s->rate.out_s);
}

/* Its terms, as far as there are any. */
static void
put_lease(json_t *o, const struct session *s)
{
	const struct lease *lease = s->lease;
	char rule[320];

	if (lease == NULL) {
		return;
	}
	(void)snprintf(rule, sizeof(rule), "%s:%u", lease->file, lease->line);
	control_text(o, "rule", rule);
	if (lease->ends != 0) {
		json_object_set_new(o, "lease_seconds",
		    json_integer(control_left(lease->ends)));
	}
	if (lease->idle != 0) {
		json_object_set_new(o, "idle_seconds",
		    json_integer(control_left(
			lease->active + lease->idle * CLOCK_SEC)));
	}
}

static json_t *
device_json(const struct device *dev)
{
	json_t *o = json_object(), *list = json_array();
	char text[16];

	control_text(o, "busid", dev->place.busid);
	control_text(o, "state", device_state_name(dev->state));
	if (dev->state == DEVICE_REFUSED) {
		control_text(o, "refused", dev->refused);
	}
	if (dev->record != NULL) {
		snprintf(text, sizeof(text), "%04x:%04x", dev->facts.vid,
		    dev->facts.pid);
		control_text(o, "id", text);
		json_object_set_new(o, "stable", json_string(dev->name));
		control_text(o, "name", dev->facts.name);
		control_text(o, "manufacturer", dev->facts.manufacturer);
		control_text(o, "serial", dev->facts.serial);
		control_text(o, "hash", dev->hash);
		control_text(o, "parent_hash", dev->parent_hash);
		control_text(o, "connect_type", dev->connect_type);
		facts_put_json(o, dev);
		for (size_t i = 0; i < dev->facts.ninterfaces; i++) {
			const struct rule_interface *f =
			    &dev->facts.interfaces[i];

			snprintf(text, sizeof(text), "%02x:%02x:%02x", f->class,
			    f->subclass, f->protocol);
			json_array_append_new(list, json_string(text));
		}
	}
	json_object_set_new(o, "interfaces", list);
	if (device_is_quarantined(dev)) {
		json_object_set_new(o, "quarantined", json_true());
	}
	if (dev->holder != NULL) {
		control_text(o, "holder", dev->holder->identity);
		json_object_set_new(
		    o, "connection", json_integer(dev->holder->conn));
		put_lease(o, dev->holder);
		put_tally(o, dev->holder);
	} else if (dev->plug != NULL && plug_is_held(dev->plug)) {
		control_text(o, "held_for", dev->plug->hold.name);
		json_object_set_new(o, "held_seconds",
		    json_integer(control_left(dev->plug->hold.ends)));
	}
	return o;
}

/* What the rules say of it to each identity that is known, and to nobody. */
static void
put_verdicts(struct warden *w, json_t *o, const struct device *dev,
    const struct known_person *people, unsigned n)
{
	json_t *list = json_array();
	struct judged judged;

	if (dev->record == NULL || dev->state == DEVICE_REFUSED) {
		json_decref(list);
		return;
	}
	policy_judge(w, w->rules, dev, NULL, RULE_AT_LIST, 0, &judged);
	control_text(o, "verdict", rule_verdict_name(judged.d.verdict));
	for (unsigned i = 0; i < n; i++) {
		json_t *e = json_object();

		if (people[i].session != NULL) {
			policy_decide(w, dev, people[i].session, RULE_AT_LIST,
			    &judged);
		} else {
			policy_judge(w, w->rules, dev, &people[i].person,
			    RULE_AT_LIST, 0, &judged);
		}
		control_text(
		    e, "name", identity_short(people[i].person.facts));
		control_text(e, "verdict", rule_verdict_name(judged.d.verdict));
		if (judged.d.term != RULE_TERM_NONE) {
			control_text(e, "term", term_word(judged.d.term));
		}
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "verdicts", list);
}

json_t *
control_devices(struct warden *w, json_t *request)
{
	json_t *o = control_success(), *list = json_array();
	static struct known_person people[PEOPLE_MAX];
	unsigned n = people_list(w, people, PEOPLE_MAX);
	struct device *dev;

	(void)request;
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (dev->state != DEVICE_KEPT) {
			json_t *e = device_json(dev);

			put_verdicts(w, e, dev, people, n);
			json_array_append_new(list, e);
		}
	}
	json_object_set_new(o, "devices", list);
	return o;
}

static const char *
state_name(enum ipc_session_state state)
{
	switch (state) {
	case IPC_ST_BORN:
		return "born";
	case IPC_ST_HANDSHAKE:
		return "handshake";
	case IPC_ST_IDENTIFIED:
		return "identified";
	case IPC_ST_IMPORTING:
		return "importing";
	case IPC_ST_STREAMING:
		return "streaming";
	case IPC_ST_CLOSING:
		return "closing";
	}
	return "unknown";
}

json_t *
control_sessions(struct warden *w, json_t *request)
{
	json_t *o = control_success(), *list = json_array();
	struct session *s;

	(void)request;
	TAILQ_FOREACH (s, &w->sessions, entry) {
		json_t *e = json_object();

		json_object_set_new(e, "connection", json_integer(s->conn));
		control_text(e, "peer", s->peer);
		control_text(e, "state",
		    s->events != NULL ? "watching"
				      : state_name(s->state));
		control_time(e, "since", s->since);
		if (s->is_identified) {
			control_text(e, "identity", s->identity);
			control_text(e, "name", identity_short(&s->facts));
		}
		if (s->device != NULL) {
			control_text(e, "busid", s->device->place.busid);
			json_object_set_new(
			    e, "stable", json_string(s->device->name));
			control_text(e, "device", s->device->facts.name);
			put_tally(e, s);
		}
		if (s->capture != NULL) {
			control_text(e, "capture", captures_name(s));
		}
		json_object_set_new(e, "refusals", json_integer(s->refusals));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "sessions", list);
	return o;
}

/* Frees a device (by bus id or stable name) from its holder, or from its hold;
 * or ends a connection (by number). */
json_t *
control_kick(struct warden *w, json_t *request)
{
	const char *busid = json_string_value(json_object_get(request, "busid"));
	json_t *number = json_object_get(request, "connection");
	struct session *s, *hit = NULL;
	struct device *dev;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if ((busid != NULL && s->device != NULL &&
			registry_is_named(s->device, busid)) ||
		    (json_is_integer(number) &&
			json_integer_value(number) == s->conn)) {
			hit = s;
		}
	}
	if (hit != NULL) {
		lease_revoke(hit, "kicked by an operator");
		return control_success();
	}
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (busid != NULL && dev->plug != NULL &&
		    plug_is_held(dev->plug) && registry_is_named(dev, busid)) {
			audit_write(w, "hold", "kicked", NULL, dev, NULL,
			    "held_for", dev->plug->hold.name, (char *)NULL);
			device_free_hold(dev);
			events_touch(w);
			return control_success();
		}
	}
	return control_failure(
	    5, "nobody holds that; see `sallyctl sessions'");
}

/* Devices that their profiles put there. */
json_t *
control_quarantined(struct warden *w, json_t *request)
{
	json_t *o = control_success(), *list = json_array();

	(void)request;
	for (unsigned i = 0; i < w->book->nquarantine; i++) {
		const struct quarantined *q = &w->book->quarantine[i];
		json_t *e = json_object();

		json_object_set_new(e, "stable", json_string(q->name));
		control_time(e, "since", (uint64_t)q->since * CLOCK_SEC);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "quarantine", list);
	return o;
}

/* The end of that for one of them: by stable name, or by the bus id that it has
 * now. */
json_t *
control_unquarantine(struct warden *w, json_t *request)
{
	const char *name =
	    json_string_value(json_object_get(request, "device"));
	struct book *book = w->book;
	struct device *dev;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (name != NULL && strcmp(dev->place.busid, name) == 0) {
			name = dev->name;
		}
	}
	for (unsigned i = 0; name != NULL && i < book->nquarantine; i++) {
		if (strcmp(book->quarantine[i].name, name) != 0) {
			continue;
		}
		audit_write(w, "quarantine", "cleared", NULL, NULL, NULL,
		    "stable", name, (char *)NULL);
		(void)book_clear(book, i);
		(void)book_save(book, w->conf.state);
		events_touch(w);
		return control_success();
	}
	return control_failure(
	    5, "no such device in quarantine; see `sallyctl quarantine'");
}

/* A file below [gateway] captures, by its name or its whole path. */
static const char *
below_captures(const struct warden *w, const char *file)
{
	size_t n = strlen(w->conf.captures);

	return strncmp(file, w->conf.captures, n) == 0 && file[n] == '/' ?
	    file + n + 1 :
	    file;
}

static json_t *
start_capture(struct warden *w, struct session *s, const char *file)
{
	char why[512], path[1024];
	json_t *o;
	int r = captures_start(s, CAPTURE_BY_OPERATOR,
	    file != NULL ? below_captures(w, file) : NULL, why, sizeof(why));

	if (r != 0) {
		return control_failure(r == ERR_BUSY ? 5 :
			r == ERR_FORMAT		     ? 2 :
						       1,
		    why);
	}
	o = control_success();
	(void)snprintf(path, sizeof(path), "%s/%s.pcap", w->conf.captures,
	    captures_name(s));
	control_text(o, "file", path);
	return o;
}

/* Begins to keep what passes between a device and its holder, or ends that. */
json_t *
control_capture(struct warden *w, json_t *request)
{
	const char *what =
	    json_string_value(json_object_get(request, "device"));
	const char *file = json_string_value(json_object_get(request, "file"));
	struct session *s, *hit = NULL;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (what != NULL && s->device != NULL && s->chan != -1 &&
		    s->phase == SESSION_OPEN &&
		    registry_is_named(s->device, what)) {
			hit = s;
		}
	}
	if (hit == NULL) {
		return control_failure(
		    5, "nobody holds that device; see `sallyctl devices'");
	}
	if (!json_is_true(json_object_get(request, "stop"))) {
		return start_capture(w, hit, file);
	}
	if (hit->capture == NULL) {
		return control_failure(5, "it is not captured");
	}
	if (captures_is_demanded(hit)) {
		return control_failure(
		    1, "its rule says `capture'; `sallyctl kick' ends both");
	}
	captures_stop(hit);
	return control_success();
}
