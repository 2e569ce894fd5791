/*
 * How the gateway is, as a line of the audit log every few minutes: a server that
 * gets the lines can tell a gateway where nothing happens from one that is gone,
 * and sees what rules each has in force. Without a server there is no such line.
 */
#include "proxy/warden/upstream.h"

#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

#define NUMBER 24

static const char *
number(char out[NUMBER], uint64_t n)
{
	(void)snprintf(out, NUMBER, "%llu", (unsigned long long)n);
	return out;
}

static const char *
text_in(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static uint64_t
count_devices(const struct warden *w)
{
	const struct device *dev;
	uint64_t n = 0;

	TAILQ_FOREACH (dev, &w->devices, entry) {
		n += dev->record != NULL;
	}
	return n;
}

static uint64_t
count_leases(const struct warden *w)
{
	const struct session *s;
	uint64_t n = 0;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		n += s->lease != NULL;
	}
	return n;
}

void
upstream_tell_status(struct warden *w)
{
	json_t *b = w->bundles != NULL ? bundles_json(w) : NULL;
	char devices[NUMBER], leases[NUMBER], rules[NUMBER], serial[NUMBER];

	/* the list ends early where no bundles are configured */
	audit_write(w, "gateway", "status", NULL, NULL, NULL, "version",
	    SALLYPORT_VERSION, "devices", number(devices, count_devices(w)),
	    "leases", number(leases, count_leases(w)), "rules",
	    number(rules, w->rules != NULL ? rules_count(w->rules) : 0),
	    "error", w->rules_error, b != NULL ? "serial" : (char *)NULL,
	    number(serial, (uint64_t)json_integer_value(
		json_object_get(b, "serial"))),
	    "phase", text_in(b, "phase"), "bundle_error", text_in(b, "error"),
	    (char *)NULL);
	json_decref(b);
}

static void
on_status(void *arg)
{
	struct warden *w = arg;

	upstream_tell_status(w);
	loop_timer_set(w->upstream->status, w->conf.upstream_status * CLOCK_SEC);
}

int
upstream_start_status(struct warden *w)
{
	struct upstream *u = w->upstream;

	if (w->conf.upstream_status == 0) {
		return 0;
	}
	u->status = loop_timer_new(w->loop, on_status, w);
	if (u->status == NULL) {
		return ERR_NOMEM;
	}
	loop_timer_set(u->status, w->conf.upstream_status * CLOCK_SEC);
	return 0;
}
