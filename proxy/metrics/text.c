/*
 * Numbers of the gateway in Prometheus' text format. Every family has its help
 * and its type; units are seconds and bytes. Labels come from the warden, and are
 * escaped all the same.
 */
#include "proxy/metrics/metrics.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum kind { GAUGE, COUNTER, HISTOGRAM };

static void
family(FILE *f, const char *name, enum kind kind, const char *help)
{
	static const char *const kinds[] = {"gauge", "counter", "histogram"};

	(void)fprintf(f, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\n",
	    name, help, name, kinds[kind]);
}

static long long
number(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static void
label(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\') {
			(void)putc('\\', f);
		}
		(void)putc(*text == '\n' ? ' ' : *text, f);
	}
}

/* The members of an object, one sample each under that label. */
static void
by_member(FILE *f, const json_t *o, const char *name, enum kind kind,
    const char *key, const char *help)
{
	const char *member;
	json_t *value;

	if (!json_is_object(o)) {
		return;
	}
	family(f, name, kind, help);
	json_object_foreach ((json_t *)(uintptr_t)o, member, value) {
		(void)fprintf(f, "sallyport_%s{%s=\"", name, key);
		label(f, member);
		(void)fprintf(
		    f, "\"} %lld\n", (long long)json_integer_value(value));
	}
}

struct single {
	const char *in;	    /* member of the answer it is in, or NULL */
	const char *member; /* of that */
	const char *name;
	enum kind kind;
	const char *help;
};

static const struct single singles[] = {
	{NULL, "sessions_total", "sessions_total", COUNTER,
	    "Connections that were let in to try."},
	{NULL, "turned_away", "turned_away_total", COUNTER,
	    "Connections that the bounds of [gateway] turned away."},
	{NULL, "ejected", "ejected_total", COUNTER,
	    "Sessions that the gateway ended."},
	{NULL, "imports", "imports_total", COUNTER,
	    "Devices that were given away."},
	{NULL, "leases", "leases", GAUGE, "Leases in force."},
	{NULL, "asks", "asks", GAUGE, "Asks that wait for an answer."},
	{NULL, "policy_rules", "policy_rules", GAUGE, "Rules in force."},
	{NULL, "policy_revision", "policy_revision", GAUGE,
	    "Which policy since the start is in force."},
	{NULL, "policy_loaded", "policy_loaded_timestamp_seconds", GAUGE,
	    "When the policy in force was loaded; time() less this is its "
	    "age."},
	{NULL, "policy_loads", "policy_loads_total", COUNTER,
	    "Loads of rules that came into force."},
	{NULL, "policy_failed_loads", "policy_load_failures_total", COUNTER,
	    "Loads of rules that failed."},
	{NULL, "policy_failed", "policy_last_load_failed", GAUGE,
	    "Whether the last load failed, and older rules are in force."},
	{NULL, "certificate_until", "certificate_expiry_timestamp_seconds",
	    GAUGE, "When the certificate of the gateway ends."},
	{NULL, "crl_until", "crl_expiry_timestamp_seconds", GAUGE,
	    "When the revocation list ends."},
	{NULL, "crl_failed", "crl_failed", GAUGE,
	    "Whether the revocation list lets nobody in."},
	{"urbs", "done", "urbs_total", COUNTER,
	    "URBs that got their reply, or were unlinked."},
	{"urbs", "open", "urbs_open", GAUGE, "URBs without a reply."},
	{"audit", "lines", "audit_lines_total", COUNTER,
	    "Audit lines that were written."},
	{"audit", "lost", "audit_lost_lines_total", COUNTER,
	    "Audit lines that could not be written."},
	{"audit", "journal_missed", "audit_journal_missed_total", COUNTER,
	    "Audit lines that journald had no room for."},
	{"audit", "waiting", "audit_waiting_lines", GAUGE,
	    "Audit lines that wait for the disk."},
	{"audit", "failing", "audit_failing", GAUGE,
	    "Whether the audit log cannot be written: no device is given "
	    "away."},
	{"bundle", "serial", "bundle_serial", GAUGE,
	    "Serial of the bundle in force."},
	{"bundle", "taken", "bundle_taken_timestamp_seconds", GAUGE,
	    "When it was taken; time() less this is its age."},
	{"bundle", "expires", "bundle_expiry_timestamp_seconds", GAUGE,
	    "When it expires."},
	{"bundle", "grace_ends", "bundle_grace_end_timestamp_seconds", GAUGE,
	    "When its grace ends, and nothing is given any more."},
	{"bundle", "checked", "bundle_checked_timestamp_seconds", GAUGE,
	    "When a look for another one went well last."},
	{"bundle", "failing", "bundle_last_look_failed", GAUGE,
	    "Whether the last look failed, or what it found was refused."},
	{"upstream", "sent", "upstream_lines_total", COUNTER,
	    "Audit lines that the server has."},
	{"upstream", "lost", "upstream_lost_lines_total", COUNTER,
	    "Audit lines that were rotated away unsent."},
	{"upstream", "waiting", "upstream_waiting_lines", GAUGE,
	    "Audit lines that the server has not yet."},
	{"upstream", "taken", "upstream_taken_timestamp_seconds", GAUGE,
	    "When the server took some last."},
	{"upstream", "failing", "upstream_failing", GAUGE,
	    "Whether the server does not take them."},
};

static void
put_singles(FILE *f, const json_t *answer)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		const struct single *s = &singles[i];
		const json_t *in =
		    s->in != NULL ? json_object_get(answer, s->in) : answer;

		if (json_is_integer(json_object_get(in, s->member))) {
			family(f, s->name, s->kind, s->help);
			(void)fprintf(f, "sallyport_%s %lld\n", s->name,
			    number(in, s->member));
		}
	}
}

static void
put_bytes(FILE *f, const json_t *urbs)
{
	if (json_is_object(urbs)) {
		family(f, "bytes_total", COUNTER,
		    "Data between devices and workstations: in is from the "
		    "device.");
		(void)fprintf(f,
		    "sallyport_bytes_total{direction=\"in\"} %lld\n"
		    "sallyport_bytes_total{direction=\"out\"} %lld\n",
		    number(urbs, "bytes_in"), number(urbs, "bytes_out"));
	}
}

/* Steps up to so many microseconds each, and one more. */
static void
put_times(FILE *f, const json_t *urbs, const char *member, const char *name,
    const char *help)
{
	const json_t *us = json_object_get(urbs, "step_us");
	const json_t *times = json_object_get(urbs, member);
	const json_t *steps = json_object_get(times, "steps");
	size_t n = json_array_size(steps);
	long long sum = 0;

	if (n == 0 || json_array_size(us) + 1 != n) {
		return;
	}
	family(f, name, HISTOGRAM, help);
	for (size_t i = 0; i < n; i++) {
		sum += (long long)json_integer_value(json_array_get(steps, i));
		if (i + 1 < n) {
			(void)fprintf(f,
			    "sallyport_%s_bucket{le=\"%g\"} %lld\n", name,
			    (double)json_integer_value(json_array_get(us, i)) /
				1e6,
			    sum);
		}
	}
	(void)fprintf(f,
	    "sallyport_%s_bucket{le=\"+Inf\"} %lld\n"
	    "sallyport_%s_sum %.9f\nsallyport_%s_count %lld\n",
	    name, sum, name, (double)number(times, "ns") / 1e9, name, sum);
}

/* Numbers of the bundle are among the singles. */
static void
put_bundle(FILE *f, const json_t *o)
{
	const char *revision =
	    json_string_value(json_object_get(o, "revision"));
	const char *phase = json_string_value(json_object_get(o, "phase"));

	by_member(f, json_object_get(o, "looks"), "bundle_looks_total",
	    COUNTER, "result",
	    "Looks for another bundle, by what became of them.");
	if (revision != NULL && phase != NULL) {
		family(f, "bundle_info", GAUGE, "Which bundle is in force.");
		(void)fputs("sallyport_bundle_info{revision=\"", f);
		label(f, revision);
		(void)fputs("\",phase=\"", f);
		label(f, phase);
		(void)fputs("\"} 1\n", f);
	}
}

static void
put_refusals(FILE *f, const json_t *list)
{
	long long handshakes = 0;
	const json_t *e;
	size_t i;

	if (!json_is_array(list)) {
		return;
	}
	family(f, "refusals_total", COUNTER,
	    "What was refused: by whom, and by which rule or check.");
	json_array_foreach ((json_t *)(uintptr_t)list, i, e) {
		const char *by = json_string_value(json_object_get(e, "by"));
		const char *rule =
		    json_string_value(json_object_get(e, "rule"));

		(void)fputs("sallyport_refusals_total{by=\"", f);
		label(f, by != NULL ? by : "");
		(void)fputs("\",rule=\"", f);
		label(f, rule != NULL ? rule : "");
		(void)fprintf(f, "\"} %lld\n", number(e, "n"));
		handshakes += by != NULL && strcmp(by, "handshake") == 0
		    ? number(e, "n")
		    : 0;
	}
	family(f, "tls_failures_total", COUNTER,
	    "Handshakes that failed; refusals_total has why.");
	(void)fprintf(f, "sallyport_tls_failures_total %lld\n", handshakes);
}

static void
put_all(FILE *f, const json_t *answer)
{
	const json_t *urbs = json_object_get(answer, "urbs");
	const char *version =
	    json_string_value(json_object_get(answer, "version"));

	family(f, "up", GAUGE, "Whether the gateway answers.");
	(void)fprintf(f, "sallyport_up %d\n", answer != NULL);
	if (answer == NULL) {
		return;
	}
	family(f, "build_info", GAUGE, "Which version it is.");
	(void)fputs("sallyport_build_info{version=\"", f);
	label(f, version != NULL ? version : "");
	(void)fputs("\"} 1\n", f);
	by_member(f, json_object_get(answer, "sessions"), "sessions", GAUGE,
	    "state", "Connections, by how far they are.");
	by_member(f, json_object_get(answer, "devices"), "devices", GAUGE,
	    "state",
	    "Devices, by state; on_hold and quarantined are among them.");
	put_singles(f, answer);
	put_bundle(f, json_object_get(answer, "bundle"));
	by_member(f,
	    json_object_get(json_object_get(answer, "upstream"), "posts"),
	    "upstream_posts_total", COUNTER, "result",
	    "Batches of audit lines, by what became of them.");
	put_bytes(f, urbs);
	put_times(f, urbs, "wait", "urb_wait_seconds",
	    "From the last byte of a URB to the device: order, bounds, "
	    "inspection.");
	put_times(f, urbs, "took", "urb_seconds",
	    "To its reply, of control and bulk URBs.");
	put_refusals(f, json_object_get(answer, "refusals"));
}

char *
metrics_text(const json_t *answer)
{
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL) {
		return NULL;
	}
	put_all(f, answer);
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
