/*
 * The way of an import: the rules, the lease, the broker's grant, the answer.
 * What is not allowed, not there, refused, and what needs a person's yes get
 * the same answer.
 */
#include "proxy/warden/warden.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"

static int
reply_import(struct session *s, int err)
{
	struct warden *w = s->warden;
	struct ipc_imported m = {.err = err};
	int n;

	if (err == 0) {
		m.place = s->device->place;
		m.is_all = s->lease->exposes.is_all;
		if (!m.is_all) {
			memcpy(m.mask, s->lease->exposes.mask, sizeof(m.mask));
		}
	}
	n = ipc_encode_imported(w->out, sizeof(w->out), &m,
	    err == 0 ? s->device->record : NULL);
	return n < 0 ? n
		     : channel_send_wait(s->chan, IPC_IMPORTED, s->conn,
			   w->out, (size_t)n, -1, 1000);
}

static int
ask_grant(struct session *s, struct device *dev)
{
	struct warden *w = s->warden;
	const struct devrec *rec = item_view(dev, &s->lease->exposes);
	struct ipc_grant m = {.place = dev->place};
	uint8_t buf[PLACE_WIRE + 16];
	size_t len;

	if (rec == NULL) {
		captures_stop(s);
		lease_cancel(s);
		s->device = NULL;
		return reply_import(s, ERR_NOENT);
	}
	/* the others cannot be set */
	m.nconfigs = rec->nconfigs;
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		const uint8_t *bytes = devrec_config(rec, i, &len);

		m.configs[i] = bytes != NULL && len > 5 ? bytes[5] : 0;
	}
	s->phase = SESSION_GRANTING;
	dev->holder = s;
	dev->state = DEVICE_HELD;
	events_touch(w);
	if (w->rules != NULL &&
	    (rules_ask(w->rules) & RULES_ASK_DEVICES) != 0) {
		leases_touch(w, "another device was given away");
	}
	warden_ask(w, IPC_GRANT, s->conn, buf,
	    ipc_encode_grant(buf, sizeof(buf), &m), -1);
	return 0;
}

/* Who has it, or for whom it is on hold; "" = nobody, it is being read. */
static const char *
holder_name(const struct device *dev)
{
	return dev->holder != NULL ? dev->holder->identity
	    : dev->plug != NULL	   ? dev->plug->hold.name
				   : "";
}

/* Not allowed, and there is only one answer to that. */
static int
refuse_import(
    struct session *s, struct device *dev, const struct rule_decision *d)
{
	static const char *const outcomes[] = {
		[RULE_BLOCK] = "blocked",
		[RULE_ALLOW] = "blocked",
		[RULE_REJECT] = "rejected",
		[RULE_PENDING] = "needs approval",
		[RULE_DEPENDS] = "blocked",
	};

	audit_write(s->warden, "import", outcomes[d->verdict], s, dev, d,
	    (char *)NULL);
	if (d->verdict != RULE_PENDING) {
		metrics_refused_at(&s->warden->metrics, METRICS_BY_RULE,
		    d->is_implicit ? "" : d->file,
		    d->is_implicit ? 0 : d->line,
		    d->is_implicit ? "" : d->key, 1);
	}
	if (d->verdict == RULE_PENDING) {
		asks_open(s, dev, d);
	} else if (d->verdict == RULE_REJECT) {
		registry_judge(dev); /* it may be so since a moment ago */
	}
	return reply_import(s, ERR_NOENT);
}

static int
give_not(struct session *s, struct device *dev, const struct rule_decision *d,
    int err, const char *why)
{
	lease_cancel(s);
	s->device = NULL;
	audit_write(s->warden, "import", "blocked", s, dev, d, "detail", why,
	    (char *)NULL);
	events_message(s->warden, s->identity, dev->name, why);
	return reply_import(s, err);
}

static int
give(struct session *s, struct device *dev, const struct rule_decision *d)
{
	char why[512];

	s->device = dev;
	if (lease_begin(s, d) != 0) {
		return give_not(s, dev, d, ERR_NOENT,
		    "its lease cannot be written down");
	}
	if (inspect_seal(s, d, why, sizeof(why)) != 0) {
		log_warnx("import %s: %s", dev->place.busid, why);
		return give_not(s, dev, d, ERR_NOENT, why);
	}
	if (d->grant.has_capture &&
	    captures_start(s, CAPTURE_BY_RULE, NULL, why, sizeof(why)) != 0) {
		log_warnx("import %s: capture: %s", dev->place.busid, why);
		return give_not(
		    s, dev, d, ERR_NOENT, "its capture cannot begin");
	}
	audit_write(
	    s->warden, "import", "allowed", s, dev, d, (char *)NULL);
	if (s->warden->audit.is_failing) {
		/* what nobody would ever learn of is not given; it may be soon */
		return give_not(
		    s, dev, d, ERR_BUSY, "the audit log cannot be written");
	}
	s->warden->metrics.imports++;
	return ask_grant(s, dev);
}

int
session_import(struct session *s, const struct channel_msg *msg)
{
	struct warden *w = s->warden;
	struct judged judged;
	struct ipc_busid m;
	struct device *dev;

	if (!s->is_identified || s->device != NULL || s->events != NULL ||
	    ipc_decode_busid(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	s->has_asked = 1;
	dev = registry_find(w, m.busid);
	if (dev == NULL || dev->record == NULL ||
	    dev->state == DEVICE_REFUSED || dev->state == DEVICE_KEPT) {
		audit_write(w, "import", "no such device", s, NULL, NULL,
		    "busid", m.busid, (char *)NULL);
		return reply_import(s, ERR_NOENT);
	}
	policy_decide(w, dev, s, RULE_AT_IMPORT, &judged);
	audit_notes(w, s, dev, &judged);
	if (judged.d.verdict != RULE_ALLOW) {
		return refuse_import(s, dev, &judged.d);
	}
	if (device_is_quarantined(dev)) {
		audit_write(w, "import", "blocked", s, dev, &judged.d,
		    "detail", "it is in quarantine", (char *)NULL);
		return reply_import(s, ERR_NOENT);
	}
	if (dev->state != DEVICE_READY ||
	    device_is_held_from(dev, s->who)) {
		audit_write(w, "import", "busy", s, dev, &judged.d, "state",
		    device_state_name(dev->state), "holder", holder_name(dev),
		    (char *)NULL);
		return reply_import(s, ERR_BUSY);
	}
	return give(s, dev, &judged.d);
}

void
session_on_granted(
    struct warden *w, uint32_t conn, const struct ipc_result *r)
{
	struct session *s = session_find(w, conn);
	int err = r->err;

	if (s == NULL || s->phase != SESSION_GRANTING) {
		return;
	}
	s->phase = SESSION_OPEN;
	if (err != 0) {
		log_warnx("give %s to session %u: %s", s->device->place.busid,
		    conn, err == ERR_SYS ? strerror(r->sys) : err_str(err));
		/* The session ends after this answer; the device is read
		 * again when it is gone. */
		captures_stop(s);
		lease_cancel(s);
		if (err != ERR_BUSY && err != ERR_NOENT) {
			err = ERR_SYS;
		}
	}
	if (s->chan == -1 || (err == 0 && inspect_send_profiles(s) != 0) ||
	    reply_import(s, err) != 0) {
		session_eject(s, "does not read", NULL);
	}
}
