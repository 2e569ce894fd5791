/*
 * What sessions say of the units that their profiles ruled on: rulings for the
 * audit log, challenges for the person at the workstation, what was used of
 * quotas, and devices that have to leave.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/facts/facts.h"

const char *
inspect_hook(unsigned hook)
{
	return hook < HOOKS ? hook_info((enum hook)hook)->name : "?";
}

int
inspect_on_ruled(struct session *s, const struct channel_msg *msg)
{
	static const char *const levels[] = {"info", "warn", "alert"};
	char line[16], interface[16], more[16];
	struct ipc_ruled m;

	if (s->device == NULL ||
	    ipc_decode_ruled(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	if (m.verdict != VERDICT_ALLOW && m.verdict != VERDICTS &&
	    !m.is_trial) {
		s->refusals++;
		metrics_refused_at(&s->warden->metrics, METRICS_BY_PROFILE,
		    m.file, m.line, m.key, 1 + (uint64_t)m.more);
	}
	(void)snprintf(line, sizeof(line), "%u", m.line);
	(void)snprintf(interface, sizeof(interface), "%u", m.interface);
	(void)snprintf(more, sizeof(more), "%u", m.more);
	audit_write(s->warden, m.is_trial ? "transfer trial" : "transfer",
	    verdict_name((enum verdict)m.verdict), s, s->device, NULL,
	    "profile", m.profile, "hook", inspect_hook(m.hook), "interface",
	    interface, m.is_invalid ? "invalid" : "facts", m.text, "file",
	    m.line != 0 ? m.file : "implicit", "line", line, "key", m.key,
	    "log", m.log, "level", levels[m.level], "more", more,
	    (char *)NULL);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Challenges                                                               */

int
inspect_on_challenge(struct session *s, const struct channel_msg *msg)
{
	struct ipc_challenge m;

	if (s->device == NULL ||
	    ipc_decode_challenge(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	/* the digits are nobody's business but the person's who types them */
	audit_write(s->warden, "challenge",
	    m.digits[0] != '\0' ? "shown" : "met", s, s->device, NULL,
	    (char *)NULL);
	events_challenge(s->warden, s->identity, s->device->name, m.digits,
	    m.within);
	return 0;
}

static int
is_listening(const struct warden *w, const struct session *to)
{
	const struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (s->events != NULL && s->phase == SESSION_OPEN &&
		    strcmp(s->identity, to->identity) == 0) {
			return 1;
		}
	}
	return 0;
}

void
inspect_listeners(struct warden *w, const char *identity)
{
	struct session *s;
	uint8_t buf[8];

	TAILQ_FOREACH (s, &w->sessions, entry) {
		struct ipc_byte m;

		if (s->lease == NULL || !s->lease->has_profiles ||
		    s->chan == -1 || s->phase != SESSION_OPEN ||
		    strcmp(s->identity, identity) != 0) {
			continue;
		}
		m.value = (uint8_t)is_listening(w, s);
		(void)channel_send(s->chan, IPC_LISTENING, s->conn, buf,
		    (size_t)ipc_encode_byte(buf, sizeof(buf), &m), -1);
	}
}

/* ------------------------------------------------------------------------ */
/* Profiles to sessions                                                     */

static int
send_quotas(struct session *s)
{
	const struct quota *q;
	uint8_t buf[256];
	int r = 0;

	for (unsigned i = 0; r == 0 &&
	     (q = book_quota(s->warden->book, s->device->key, i)) != NULL;
	     i++) {
		struct ipc_quota m = {.used = q->used, .since = q->since};
		int n;

		memcpy(m.profile, q->profile, sizeof(m.profile));
		memcpy(m.name, q->name, sizeof(m.name));
		n = ipc_encode_quota(buf, sizeof(buf), &m);
		r = n < 0 ? n :
			    channel_send_wait(s->chan, IPC_QUOTA_IS, s->conn,
				buf, (size_t)n, -1, 1000);
	}
	return r;
}

static int
send_block(struct session *s, int fd)
{
	struct ipc_profile m = {
		.is_listening = (uint8_t)is_listening(s->warden, s),
		.wall = world_now(),
	};
	uint8_t buf[16];
	int n = ipc_encode_profile(buf, sizeof(buf), &m);

	return n < 0 ? n :
		       channel_send_wait(s->chan, IPC_PROFILE, s->conn, buf,
			   (size_t)n, fd, 1000);
}

int
inspect_send_profiles(struct session *s)
{
	struct lease *lease = s->lease;
	int r;

	if (lease == NULL || lease->block == -1) {
		return 0;
	}
	r = send_block(s, lease->block);
	close_fd(&lease->block);
	return r == 0 ? send_quotas(s) : r;
}

int
inspect_seal(struct session *s, const struct rule_decision *d, char *why,
    size_t size)
{
	struct lease *lease = s->lease;
	int r = profiles_seal(s->warden, s->device, d, &lease->block,
	    lease->profiles, why, size);

	lease->has_profiles = lease->block != -1;
	lease->revision = s->warden->rules_revision;
	lease->utc_offset = profiles_utc_offset(s->warden);
	return r;
}

/* The profiles, as they are now, of a lease that goes on. */
static int
renew(struct session *s, const struct rule_decision *d, const char **reason)
{
	struct lease *lease = s->lease;
	uint8_t digest[32];
	char why[256];
	int fd, r = profiles_seal(
		s->warden, s->device, d, &fd, digest, why, sizeof(why));

	if (r != 0) {
		log_warnx("%s: %s", s->device->place.busid, why);
		*reason = "it has no profile any more that could inspect it";
		return r;
	}
	lease->revision = s->warden->rules_revision;
	lease->utc_offset = profiles_utc_offset(s->warden);
	if ((fd != -1) != lease->has_profiles) {
		close_fd(&fd);
		*reason = "whether it is inspected changed";
		return ERR_POLICY;
	}
	if (fd != -1 && memcmp(digest, lease->profiles, 32) != 0) {
		r = send_block(s, fd);
		memcpy(lease->profiles, digest, 32);
		*reason = "its other profiles cannot be handed over";
		audit_write(s->warden, "profiles", "changed", s, s->device, d,
		    (char *)NULL);
	}
	close_fd(&fd);
	return r;
}

int
inspect_goes_on(
    struct session *s, const struct rule_decision *d, const char **reason)
{
	const struct lease *lease = s->lease;
	char why[512];

	if (d->grant.has_capture && s->capture == NULL &&
	    s->phase == SESSION_OPEN &&
	    captures_start(s, CAPTURE_BY_RULE, NULL, why, sizeof(why)) != 0) {
		log_warnx("%s: capture: %s", s->device->place.busid, why);
		*reason = "its capture cannot begin";
		return ERR_SYS;
	}
	/* before it is granted, what was sealed for it is still on its way */
	if (s->phase != SESSION_OPEN || lease->block != -1 ||
	    (lease->revision == s->warden->rules_revision &&
		lease->rule == d->rule &&
		(!lease->has_profiles || lease->utc_offset ==
			profiles_utc_offset(s->warden)))) {
		return 0;
	}
	return renew(s, d, reason);
}

/* ------------------------------------------------------------------------ */
/* Quotas and quarantine                                                    */

int
inspect_on_quota(struct session *s, const struct channel_msg *msg)
{
	struct ipc_quota m;

	if (s->device == NULL ||
	    ipc_decode_quota(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	book_set_quota(s->warden->book, s->device->key, m.profile, m.name,
	    m.used, m.since);
	return 0;
}

int
inspect_on_out(struct session *s, const struct channel_msg *msg)
{
	struct warden *w = s->warden;
	struct device *dev = s->device;
	struct ipc_out m;

	if (dev == NULL || ipc_decode_out(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	if (m.is_quarantine) {
		book_quarantine(w->book, dev->key, dev->name, world_now());
		audit_write(w, "quarantine", "began", s, dev, NULL, "reason",
		    m.text, (char *)NULL);
		(void)book_save(w->book, w->conf.state);
		events_touch(w);
	}
	lease_revoke(s, m.is_quarantine ?
		"quarantined by its profile; an operator has to clear it" :
		"ejected by its profile");
	return 0;
}

int
device_is_quarantined(const struct device *dev)
{
	return book_is_quarantined(dev->warden->book, dev->key);
}
