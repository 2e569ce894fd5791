/*
 * The audit log: every decision as one JSON object a line, written with a
 * single append, so that lines of two writers never mix. Texts of peers and
 * devices are escaped before they go in; jansson does the JSON.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

int
audit_open(struct audit *audit, char *path)
{
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd == -1) {
		log_warn("open %s", path);
		return ERR_SYS;
	}
	close_fd(&audit->fd);
	audit->fd = fd;
	audit->path = path;
	return 0;
}

/* Hostile text, made printable. */
static void
put_text(json_t *o, const char *name, const char *text)
{
	char buf[4 * IDENTITY_TEXT + 1];

	log_escape(buf, sizeof(buf), text, strlen(text));
	json_object_set_new(o, name, json_string(buf));
}

static json_t *
device_json(const struct device *dev)
{
	json_t *o = json_object();
	char id[16];

	put_text(o, "busid", dev->place.busid);
	if (dev->record != NULL) {
		snprintf(id, sizeof(id), "%04x:%04x", dev->facts.vid,
		    dev->facts.pid);
		put_text(o, "id", id);
		json_object_set_new(o, "stable", json_string(dev->name));
		put_text(o, "name", dev->facts.name);
		put_text(o, "serial", dev->facts.serial);
		put_text(o, "hash", dev->hash);
	}
	return o;
}

static json_t *
session_json(const struct session *s)
{
	json_t *o = json_object();
	char hex[65];

	json_object_set_new(o, "connection", json_integer(s->conn));
	put_text(o, "peer", s->peer);
	if (s->is_identified) {
		put_text(o, "identity", s->identity);
		put_text(o, "name", identity_short(&s->facts));
		put_text(o, "fingerprint",
		    digest_hex(hex, sizeof(hex), s->facts.fingerprint, 32));
	}
	return o;
}

const char *
term_word(enum rule_term term)
{
	switch (term) {
	case RULE_TERM_NONE:
		break;
	case RULE_TERM_WINDOW:
		return "window";
	case RULE_TERM_UNTIL:
		return "until";
	case RULE_TERM_ONCE:
		return "once";
	case RULE_TERM_MAX:
		return "max";
	case RULE_TERM_APPROVE:
		return "approve";
	case RULE_TERM_FORBID:
		return "forbid exposed";
	case RULE_TERM_EXPOSE:
		return "expose";
	case RULE_TERM_WORLD:
		return "world";
	}
	return "";
}

static json_t *
rule_json(const struct rule_decision *d)
{
	json_t *o;

	if (d->is_implicit) {
		return json_string("implicit");
	}
	o = json_object();
	put_text(o, "file", d->file);
	json_object_set_new(o, "line", json_integer(d->line));
	if (*d->key != '\0') {
		put_text(o, "key", d->key);
	}
	if (d->term != RULE_TERM_NONE) {
		json_object_set_new(o, "term", json_string(term_word(d->term)));
	}
	return o;
}

void
audit_write(struct warden *w, const char *event, const char *outcome,
    const struct session *s, const struct device *dev,
    const struct rule_decision *decision, ...)
{
	json_t *o = json_object();
	char when[32], *line = NULL;
	const char *name;
	size_t len;
	va_list ap;

	if (o == NULL) {
		w->audit.failed++;
		return;
	}
	clock_rfc3339(when, sizeof(when), clock_wall());
	json_object_set_new(o, "time", json_string(when));
	json_object_set_new(
	    o, "mono_ms", json_integer((json_int_t)(clock_mono() / CLOCK_MSEC)));
	json_object_set_new(o, "event", json_string(event));
	if (outcome != NULL) {
		json_object_set_new(o, "outcome", json_string(outcome));
	}
	if (dev != NULL) {
		json_object_set_new(o, "device", device_json(dev));
	}
	if (s != NULL) {
		json_object_set_new(o, "session", session_json(s));
	}
	if (decision != NULL) {
		json_object_set_new(o, "rule", rule_json(decision));
	}
	va_start(ap, decision);
	while ((name = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		put_text(o, name, value != NULL ? value : "");
	}
	va_end(ap);
	line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(o);
	if (line == NULL) {
		w->audit.failed++;
		log_warnx("audit %s: out of memory", event);
		return;
	}
	len = strlen(line);
	line[len++] = '\n'; /* in place of the NUL: one write, one line */
	if (write(w->audit.fd, line, len) != (ssize_t)len) {
		w->audit.failed++;
		log_warn("write %s", w->audit.path);
	} else {
		w->audit.count++;
	}
	control_tell(w, line, len);
	free(line);
}

void
audit_notes(struct warden *w, const struct session *s,
    const struct device *dev, const struct judged *judged)
{
	for (unsigned i = 0; i < judged->nnotes; i++) {
		audit_write(w, "trial", rule_verdict_name(judged->notes[i].verdict),
		    s, dev, &judged->notes[i], (char *)NULL);
	}
}
