/*
 * The audit log: every decision as one JSON object a line. Texts of peers and
 * devices are escaped before they go in; jansson does the JSON. docs/AUDIT.md
 * has what each line says.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define SERIAL_HIDDEN (5 + 16 + 1)
#define SERIALS_KEY "audit.serials"

/* What stands for a serial number where those are not written: the same device
 * has the same, and only who has the key can tell whose it is. */
static void
hide(const struct warden *w, char out[SERIAL_HIDDEN], const char *serial)
{
	struct digest_part part = {serial, strlen(serial)};
	uint8_t mac[32];

	memcpy(out, "hmac-", 6);
	if (digest_hmac(mac, w->audit.hash_key, &part, 1) == 0) {
		digest_hex(out + 5, SERIAL_HIDDEN - 5, mac, 8);
	}
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

/* vid:pid[:serial]@port, the serial number in %HH: as it was. */
static void
unescape(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; n++) {
		if (text[i] == '%' && i + 2 < len && nibble(text[i + 1]) >= 0 &&
		    nibble(text[i + 2]) >= 0) {
			out[n] = (char)(nibble(text[i + 1]) << 4 |
			    nibble(text[i + 2]));
			i += 3;
		} else {
			out[n] = text[i++];
		}
	}
	out[n] = '\0';
}

const char *
audit_name(const struct warden *w, char buf[AUDIT_NAME], const char *name)
{
	const char *at = strrchr(name, '@');
	char serial[STABLE_NAME], hidden[SERIAL_HIDDEN];

	if (!w->audit.is_hashed || at == NULL || at - name < 11 ||
	    name[4] != ':' || name[9] != ':') {
		return name; /* it has none */
	}
	unescape(serial, sizeof(serial), name + 10, (size_t)(at - name) - 10);
	hide(w, hidden, serial);
	(void)snprintf(buf, AUDIT_NAME, "%.10s%s%s", name, hidden, at);
	return buf;
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
device_json(const struct warden *w, const struct device *dev)
{
	json_t *o = json_object();
	char id[16], name[AUDIT_NAME], hidden[SERIAL_HIDDEN];

	put_text(o, "busid", dev->place.busid);
	if (dev->record != NULL) {
		snprintf(id, sizeof(id), "%04x:%04x", dev->facts.vid,
		    dev->facts.pid);
		put_text(o, "id", id);
		json_object_set_new(o, "stable",
		    json_string(
			audit_name(w, name, dev->name)));
		put_text(o, "name", dev->facts.name);
		if (!w->audit.is_hashed) {
			put_text(o, "serial", dev->facts.serial);
			put_text(o, "hash", dev->hash);
		} else if (*dev->facts.serial != '\0') {
			/* its hash would tell it to who tries some */
			hide(w, hidden, dev->facts.serial);
			put_text(o, "serial", hidden);
		}
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
	char when[32], fields[128], stable[AUDIT_NAME];
	char *line = NULL;
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
		json_object_set_new(o, "device", device_json(w, dev));
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

		if (value != NULL && strcmp(name, "stable") == 0) {
			value = audit_name(w, stable, value);
		}
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
	(void)snprintf(fields, sizeof(fields),
	    "SALLYPORT_EVENT=%s\nSALLYPORT_OUTCOME=%s\n", event,
	    outcome != NULL ? outcome : "");
	len = strlen(line);
	audit_put(&w->audit, fields, line, len);
	line[len++] = '\n'; /* in place of the NUL */
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

/* ------------------------------------------------------------------------ */
/* Begin and end                                                            */

static void
on_tick(void *arg)
{
	struct warden *w = arg;

	audit_beat(&w->audit);
	loop_timer_set(w->audit.tick, CLOCK_SEC);
}

/* The key of what stands for serial numbers: made once, and kept, so that a
 * device is the same over the years. */
static int
read_key(struct warden *w)
{
	int dir = open(w->conf.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir == -1
	    ? -1
	    : openat(dir, SERIALS_KEY,
		  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	uint8_t *key = w->audit.hash_key;
	ssize_t n = fd == -1 ? -1 : read(fd, key, sizeof(w->audit.hash_key));

	if (n == 0) {
		n = getrandom(key, sizeof(w->audit.hash_key), 0);
		if (n != -1) {
			n = pwrite(fd, key, (size_t)n, 0);
		}
		if (n != -1 && fsync(fd) == -1) {
			n = -1;
		}
	}
	close_fd(&fd);
	close_fd(&dir);
	if (n != sizeof(w->audit.hash_key)) {
		log_warn("read %s/" SERIALS_KEY, w->conf.state);
		return ERR_SYS;
	}
	return 0;
}

int
audit_serials(struct warden *w)
{
	w->audit.is_hashed = strcmp(w->conf.audit_serials, "hashed") == 0;
	return w->audit.is_hashed ? read_key(w) : 0;
}

int
audit_start(struct warden *w)
{
	struct audit *audit = &w->audit;
	int r = audit_open(audit, w->conf.audit);

	audit->limit = (uint64_t)w->conf.audit_size * 1024 * 1024;
	audit->files = w->conf.audit_files;
	if (r == 0) {
		r = audit_serials(w);
	}
	if (r == 0 && strcmp(w->conf.audit_journal, "no") != 0) {
		audit->has_lines = strcmp(w->conf.audit_journal, "all") == 0;
		audit->journal = journal_new(JOURNAL_SOCKET);
		if (audit->journal == NULL) {
			log_warn("audit log: journal");
			r = ERR_SYS;
		}
	}
	if (r == 0) {
		r = audit_chain_start(audit, w->conf.state);
	}
	audit->tick = loop_timer_new(w->loop, on_tick, w);
	if (audit->tick == NULL) {
		return ERR_NOMEM;
	}
	loop_timer_set(audit->tick, CLOCK_SEC);
	return r;
}

void
audit_stop(struct warden *w)
{
	/* who reads the journal is to know how far the log goes */
	audit_head(&w->audit);
	for (int i = 0; i < 20 && w->audit.is_head_due; i++) {
		(void)poll(NULL, 0, 10);
		audit_head(&w->audit);
	}
	loop_timer_free(w->audit.tick);
	w->audit.tick = NULL;
	audit_close(&w->audit);
}
