/*
 * The answer to {"op":"metrics"}: all that the gateway counts, and nothing that
 * names a person or a device. sallyport-metrics(8) makes of it what Prometheus
 * reads.
 */
#include "proxy/warden/control.h"

#include "base/clock.h"
#include "base/mem.h"

static void
put(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static json_t *
times_json(const struct tally_times *times)
{
	json_t *o = json_object(), *steps = json_array();

	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		json_array_append_new(
		    steps, json_integer((json_int_t)times->steps[i]));
	}
	json_object_set_new(o, "steps", steps);
	put(o, "ns", times->ns);
	return o;
}

static json_t *
urbs_json(const struct warden *w)
{
	json_t *o = json_object(), *us = json_array();
	const struct session *s;
	uint64_t open = 0;

	for (unsigned i = 0; i < TALLY_STEPS - 1; i++) {
		json_array_append_new(us, json_integer(tally_us[i]));
	}
	TAILQ_FOREACH (s, &w->sessions, entry) {
		open += s->tally.open;
	}
	put(o, "done", w->metrics.tally.urbs);
	put(o, "open", open);
	put(o, "bytes_in", w->metrics.tally.bytes_in);
	put(o, "bytes_out", w->metrics.tally.bytes_out);
	json_object_set_new(o, "step_us", us);
	json_object_set_new(o, "wait", times_json(&w->metrics.tally.wait));
	json_object_set_new(o, "took", times_json(&w->metrics.tally.took));
	return o;
}

static json_t *
refusals_json(const struct metrics *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->nnames; i++) {
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:I}", "by",
			metrics_by_name(m->names[i].by), "rule",
			m->names[i].name, "n", (json_int_t)m->names[i].n));
	}
	for (unsigned by = 0; by < METRICS_BYS; by++) {
		if (m->other[by] > 0) {
			json_array_append_new(list,
			    json_pack("{s:s,s:s,s:I}", "by",
				metrics_by_name((enum metrics_by)by), "rule",
				"other", "n", (json_int_t)m->other[by]));
		}
	}
	return list;
}

static json_t *
sessions_json(const struct warden *w)
{
	static const char *const names[] = {"unknown", "identified",
		"watching", "streaming"};
	uint64_t n[ARRAY_LEN(names)] = {0};
	json_t *o = json_object();
	const struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		n[!s->is_identified	    ? 0
			: s->events != NULL ? 2
			: s->device != NULL ? 3
					    : 1]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		put(o, names[i], n[i]);
	}
	return o;
}

static json_t *
devices_json(const struct warden *w)
{
	static const enum device_state states[] = {DEVICE_WAITING,
		DEVICE_PROBING, DEVICE_READY, DEVICE_HELD, DEVICE_REFUSED};
	uint64_t n[DEVICE_KEPT + 1] = {0}, holds = 0, quarantined = 0;
	json_t *o = json_object();
	const struct device *dev;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		n[dev->state]++;
		holds += dev->holder == NULL && dev->plug != NULL &&
		    plug_is_held(dev->plug);
		quarantined += device_is_quarantined(dev) != 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		put(o, device_state_name(states[i]), n[states[i]]);
	}
	json_object_set_new(o, "on_hold", json_integer((json_int_t)holds));
	json_object_set_new(
	    o, "quarantined", json_integer((json_int_t)quarantined));
	return o;
}

static json_t *
audit_json(const struct audit *audit)
{
	json_t *o = json_object();

	put(o, "lines", audit->count);
	put(o, "lost", audit->failed);
	put(o, "waiting", audit->is_failing ? audit->nwait : 0);
	put(o, "failing", audit->is_failing != 0);
	put(o, "journal_missed", audit->missed);
	return o;
}

json_t *
control_metrics(struct warden *w, json_t *request)
{
	json_t *o = control_success();
	const struct session *s;
	uint64_t leases = 0, asks = 0;
	const struct ask *ask;

	(void)request;
	TAILQ_FOREACH (s, &w->sessions, entry) {
		leases += s->lease != NULL;
	}
	TAILQ_FOREACH (ask, &w->book->asks, entry) {
		asks += ask->state == ASK_OPEN;
	}
	json_object_set_new(o, "version", json_string(SALLYPORT_VERSION));
	json_object_set_new(o, "sessions", sessions_json(w));
	json_object_set_new(o, "devices", devices_json(w));
	json_object_set_new(o, "urbs", urbs_json(w));
	json_object_set_new(o, "refusals", refusals_json(&w->metrics));
	json_object_set_new(o, "audit", audit_json(&w->audit));
	if (w->bundles != NULL) {
		json_object_set_new(o, "bundle", bundles_metrics(w));
	}
	if (w->upstream != NULL) {
		json_object_set_new(o, "upstream", upstream_metrics(w));
	}
	put(o, "sessions_total", w->metrics.sessions);
	put(o, "turned_away", w->callers.turned_away);
	put(o, "ejected", w->metrics.ejected);
	put(o, "imports", w->metrics.imports);
	put(o, "leases", leases);
	put(o, "asks", asks);
	put(o, "policy_loads", w->metrics.loads);
	put(o, "policy_failed_loads", w->metrics.failed_loads);
	put(o, "policy_failed", w->metrics.is_failed != 0);
	put(o, "policy_revision", w->rules_revision);
	if (w->rules != NULL) {
		put(o, "policy_rules", rules_count(w->rules));
		put(o, "policy_loaded", w->rules_loaded / CLOCK_SEC);
	}
	if (w->expiry.cert_until != 0) {
		put(o, "certificate_until", (uint64_t)w->expiry.cert_until);
	}
	if (w->expiry.crl_until != 0) {
		put(o, "crl_until", (uint64_t)w->expiry.crl_until);
	}
	if (*w->conf.crl != '\0') {
		put(o, "crl_failed", *revoked_error(w) != '\0');
	}
	return o;
}
