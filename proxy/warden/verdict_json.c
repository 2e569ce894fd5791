/*
 * What a server of verdicts is told about an ask, and sallyctl about servers.
 * Texts of devices and peers are escaped; facts of a unit come from its session
 * as one line, and are taken apart by the table of their hook.
 */
#include "proxy/warden/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "policy/facts/facts.h"
#include "proxy/warden/control.h"

/* ------------------------------------------------------------------------ */
/* Facts of a unit                                                          */

/* Decimal digits that fit any reader of JSON. */
static int
is_number(const char *text, size_t len)
{
	return len > 0 && len <= 15 && strspn(text, "0123456789") >= len;
}

static json_t *
number_of(const char *text)
{
	return json_integer((json_int_t)strtoll(text, NULL, 10));
}

/* "2048..4095" as [2048,4095]; NULL when it is not that. */
static json_t *
span(const char *value, size_t len)
{
	const char *dots = memmem(value, len, "..", 2);

	if (dots == NULL || !is_number(value, (size_t)(dots - value)) ||
	    !is_number(dots + 2, len - (size_t)(dots + 2 - value))) {
		return NULL;
	}
	return json_pack("[o,o]", number_of(value), number_of(dots + 2));
}

static json_t *
value_of(enum fact_kind kind, const char *value, size_t len)
{
	json_t *o = NULL;

	if (kind == FACT_IS_SPAN) {
		o = span(value, len);
	} else if (kind != FACT_IS_TEXT && kind != FACT_IS_HEX &&
		   is_number(value, len)) {
		o = number_of(value);
	}
	return o != NULL ? o : json_stringn(value, len);
}

/* One that the hook has; what else a session says is nothing. */
static void
put_fact(json_t *o, const struct hook_info *info, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t n = equals != NULL ? (size_t)(equals - text) : 0;

	for (size_t i = 0; n != 0 && i < info->nfacts; i++) {
		const struct hook_fact *fact = &info->facts[i];

		if (strlen(fact->word) == n &&
		    memcmp(fact->word, text, n) == 0 &&
		    json_object_get(o, fact->word) == NULL) {
			(void)json_object_set_new(o, fact->word,
			    value_of(fact->kind, equals + 1, len - n - 1));
			return;
		}
	}
}

static json_t *
facts_of(const struct held *held)
{
	const struct hook_info *info;
	json_t *o = json_object();
	const char *p = held->ask.text, *end;

	if (held->ask.hook >= HOOKS) {
		return o;
	}
	info = hook_info((enum hook)held->ask.hook);
	for (; *p != '\0'; p = *end == ' ' ? end + 1 : end) {
		end = p + strcspn(p, " ");
		/* the last one of a line that was cut may be another */
		if (*end == '\0' &&
		    strlen(held->ask.text) + 1 == sizeof(held->ask.text)) {
			(void)json_object_set_new(o, "cut", json_true());
			break;
		}
		put_fact(o, info, p, (size_t)(end - p));
	}
	return o;
}

/* ------------------------------------------------------------------------ */

static void
put_text(json_t *o, const char *name, const char *text)
{
	char buf[4 * IDENTITY_TEXT + 1];

	log_escape(buf, sizeof(buf), text, strlen(text));
	(void)json_object_set_new(o, name, json_string(buf));
}

static json_t *
device_json(const struct device *dev)
{
	json_t *o = json_object();
	char text[65];

	put_text(o, "busid", dev->place.busid);
	put_text(o, "stable", dev->name);
	(void)snprintf(
	    text, sizeof(text), "%04x:%04x", dev->facts.vid, dev->facts.pid);
	put_text(o, "id", text);
	put_text(o, "name", dev->facts.name);
	put_text(o, "manufacturer", dev->facts.manufacturer);
	put_text(o, "serial", dev->facts.serial);
	put_text(o, "hash", dev->hash);
	put_text(o, "desc_sha256",
	    digest_hex(text, sizeof(text), dev->facts.desc_sha256, 32));
	return o;
}

static json_t *
identity_json(const struct session *s)
{
	json_t *o = json_object(), *ou = json_array();
	char hex[65], text[4 * IDENTITY_TEXT + 1];

	put_text(o, "name", identity_short(&s->facts));
	put_text(o, "identity", s->identity);
	put_text(o, "cn", s->facts.cn);
	for (unsigned i = 0; i < s->facts.nou; i++) {
		log_escape(
		    text, sizeof(text), s->facts.ou[i], strlen(s->facts.ou[i]));
		(void)json_array_append_new(ou, json_string(text));
	}
	(void)json_object_set_new(o, "ou", ou);
	put_text(o, "fingerprint",
	    digest_hex(hex, sizeof(hex), s->facts.fingerprint, 32));
	put_text(o, "peer", s->peer);
	return o;
}

static json_t *
begin(unsigned id, const char *kind, const struct session *s,
    const struct device *dev)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "type", json_string("ask"));
	(void)json_object_set_new(o, "id", json_integer(id));
	(void)json_object_set_new(o, "kind", json_string(kind));
	(void)json_object_set_new(o, "deadline_ms", json_integer(0));
	(void)json_object_set_new(o, "device", device_json(dev));
	(void)json_object_set_new(o, "identity", identity_json(s));
	return o;
}

static json_t *
rule_json(const char *file, unsigned line, const char *key)
{
	json_t *o = json_object();

	put_text(o, "file", file);
	(void)json_object_set_new(o, "line", json_integer(line));
	put_text(o, "key", key);
	return o;
}

json_t *
verdict_json_unit(const struct held *held)
{
	const struct session *s = held->session;
	json_t *o = begin(held->id, "transfer", s, s->device);

	(void)json_object_set_new(o, "rule",
	    rule_json(held->ask.file, held->ask.line, held->ask.key));
	if (held->ask.hook < HOOKS) {
		put_text(o, "hook", hook_info((enum hook)held->ask.hook)->name);
	}
	(void)json_object_set_new(o, "facts", facts_of(held));
	return o;
}

json_t *
verdict_json_import(const struct session *s, const struct device *dev,
    const struct rule_decision *d, unsigned id)
{
	json_t *o = begin(id, "import", s, dev), *facts = json_object();

	(void)json_object_set_new(
	    o, "rule", rule_json(d->file, d->line, d->key));
	facts_put_json(facts, dev);
	(void)json_object_set_new(o, "facts", facts);
	return o;
}

/* ------------------------------------------------------------------------ */
/* For sallyctl                                                             */

static void
put(json_t *o, const char *name, uint64_t n)
{
	(void)json_object_set_new(o, name, json_integer((json_int_t)n));
}

static json_t *
name_json(const struct verdict_name *name)
{
	const struct server *server = name->server;
	const struct verdict_counts *c = &name->counts;
	json_t *o = json_object();

	control_text(o, "name", name->conf->name);
	control_text(o, "user", name->conf->user);
	put(o, "concurrency", name->conf->concurrency);
	put(o, "queue", name->conf->queue);
	control_text(o, "health",
	    server == NULL      ? "none"
	    : server->is_pinged ? "pinged"
				: "ok");
	if (server != NULL) {
		put(o, "pid", (uint64_t)server->pid);
		control_time(o, "since", server->since_wall);
	}
	control_text(o, "last", name->last);
	put(o, "out", name->nout);
	put(o, "waiting", name->nwaiting);
	put(o, "asked", c->asked);
	put(o, "allowed", c->allowed);
	put(o, "denied", c->denied);
	put(o, "ejected", c->ejected);
	put(o, "otherwise", c->otherwise);
	put(o, "cached", c->cached);
	put(o, "late", c->late);
	put(o, "dropped", c->dropped);
	put(o, "mean_ms",
	    c->answers == 0 ? 0 : c->total / c->answers / CLOCK_MSEC);
	put(o, "longest_ms", c->longest / CLOCK_MSEC);
	return o;
}

json_t *
control_verdicts(struct warden *w, json_t *request)
{
	json_t *o = control_success(), *list = json_array();

	(void)request;
	for (unsigned i = 0; w->verdicts != NULL && i < w->verdicts->n; i++) {
		(void)json_array_append_new(
		    list, name_json(&w->verdicts->names[i]));
	}
	(void)json_object_set_new(o, "verdicts", list);
	return o;
}
