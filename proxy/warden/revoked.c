/*
 * Certificates that their CA took back, for those who are connected already: new
 * ones are judged in their handshake. The broker has the files; it is asked four
 * times a second whether they are others, which costs it three stats. The
 * gateway's own certificate comes the same way, also where there is no list.
 *
 * A list that is missing, not signed or out of date changes nothing for who is
 * connected (nobody new gets in), and is told. A good one acts at once.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/sealed.h"
#include "base/x509_crl.h"

#define POLL (250 * CLOCK_MSEC)
/* For its session to send the peer what it is told last. */
#define FAREWELL (200 * CLOCK_MSEC)

struct revoked {
	struct x509_revoked *list; /* owned; NULL = none was good so far */
	struct x509_revoked *next; /* owned; may be in force later; or NULL */
	int is_asked;  /* the broker owes an answer */
	int is_forced; /* the next question is for the texts in any case */
	int is_late;   /* error is that the list is not in force any more */
	struct loop_timer *farewell; /* runs while one who watches leaves */
	char error[320];
};

int
revoked_is(const struct warden *w, const struct x509_facts *facts)
{
	return w->revoked != NULL && w->revoked->list != NULL &&
	    x509_revoked_has(w->revoked->list, facts->issuer_key,
		facts->serial, facts->serial_len);
}

const char *
revoked_error(const struct warden *w)
{
	return w->revoked != NULL ? w->revoked->error : "";
}

int
revoked_count(const struct warden *w)
{
	return w->revoked != NULL && w->revoked->list != NULL
	    ? (int)x509_revoked_count(w->revoked->list)
	    : -1;
}

/* ------------------------------------------------------------------------ */
/* Who has to go                                                            */

static int
is_to_go(const struct session *s)
{
	return s->is_identified && s->phase != SESSION_ENDING &&
	    s->leaves == 0 && revoked_is(s->warden, &s->facts);
}

static void
end_hold(struct device *dev)
{
	const struct hold *hold = dev->plug != NULL ? &dev->plug->hold : NULL;

	if (hold == NULL || !plug_is_held(dev->plug) ||
	    !x509_revoked_has(dev->warden->revoked->list, hold->issuer_key,
		hold->serial, hold->serial_len)) {
		return;
	}
	audit_write(dev->warden, "hold", "revoked", NULL, dev, NULL,
	    "held_for", hold->name, (char *)NULL);
	device_free_hold(dev);
	events_touch(dev->warden);
}

void
revoked_judge(struct warden *w)
{
	struct session *s;
	struct device *dev;

	if (w->revoked == NULL || w->revoked->list == NULL) {
		return;
	}
	/* an ejected one stays in the list until it is reaped */
	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (s->events == NULL && is_to_go(s)) {
			session_revoke(s);
		}
	}
	/* Who watches was told of those before, and hears of itself now. */
	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (is_to_go(s)) {
			events_farewell(s, REVOKED_TEXT);
			s->leaves = clock_mono() + FAREWELL;
			loop_timer_set(w->revoked->farewell, FAREWELL);
		}
	}
	TAILQ_FOREACH (dev, &w->devices, entry) {
		end_hold(dev);
	}
}

void
revoked_leave(struct warden *w)
{
	uint64_t now = clock_mono(), first = UINT64_MAX;
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (s->leaves == 0 || s->phase == SESSION_ENDING) {
			continue;
		}
		if (now >= s->leaves) {
			session_revoke(s);
		} else if (s->leaves < first) {
			first = s->leaves;
		}
	}
	if (first != UINT64_MAX) {
		loop_timer_set(w->revoked->farewell, first - now);
	}
}

/* ------------------------------------------------------------------------ */
/* The list                                                                 */

static void
fail(struct warden *w, const char *why)
{
	struct revoked *r = w->revoked;

	(void)snprintf(r->error, sizeof(r->error), "%s", why);
	audit_write(w, "crl", "failed", NULL, NULL, NULL, "error", why, "kept",
	    r->list != NULL ? "the list before" : "nothing", (char *)NULL);
	log_warnx("crl %s: %s; nobody can connect until it is mended, and who "
		  "is connected stays", w->conf.crl, why);
}

static void
take(struct warden *w, struct x509_revoked *list)
{
	struct revoked *r = w->revoked;
	int64_t from, until;
	char count[32];

	x509_revoked_free(r->list);
	r->list = list;
	r->error[0] = '\0';
	r->is_late = 0;
	x509_revoked_period(list, &from, &until);
	expiry_on_crl(w, from, until);
	(void)snprintf(count, sizeof(count), "%d", revoked_count(w));
	audit_write(w, "crl", "loaded", NULL, NULL, NULL, "revoked", count,
	    (char *)NULL);
	log_infox("crl %s: %s certificates revoked", w->conf.crl, count);
	leases_touch(w, REVOKED_TEXT);
}

static int
is_in_force(const struct x509_revoked *list, char *why, size_t size)
{
	return x509_revoked_in_force(list, world_now(), why, size) == 0;
}

static void
drop_next(struct revoked *r)
{
	x509_revoked_free(r->next);
	r->next = NULL;
}

static void
on_texts(struct warden *w, const struct ipc_crl *m, const uint8_t *crl,
    size_t len)
{
	struct revoked *r = w->revoked;
	struct x509_revoked *list;
	char why[320];

	if (x509_revoked_new(
		&list, m->ca, m->ca_len, crl, len, why, sizeof(why)) != 0) {
		fail(w, why);
	} else if (is_in_force(list, why, sizeof(why))) {
		take(w, list);
	} else {
		r->next = list;
		fail(w, why);
	}
}

/* What time alone changes. */
static void
look_at_clock(struct warden *w)
{
	struct revoked *r = w->revoked;
	struct x509_revoked *next = r->next;
	char why[320];

	if (next != NULL && is_in_force(next, why, sizeof(why))) {
		r->next = NULL;
		take(w, next);
	}
	if (r->list == NULL) {
		return;
	}
	if (!is_in_force(r->list, why, sizeof(why))) {
		if (!r->is_late) {
			r->is_late = 1;
			fail(w, why);
		}
	} else if (r->is_late) {
		r->is_late = 0; /* the clock was set */
		r->error[0] = '\0';
	}
}

static void
ask(struct warden *w)
{
	struct revoked *r = w->revoked;
	struct ipc_byte m = {.value = (uint8_t)r->is_forced};
	uint8_t buf[4];

	if (!r->is_asked) {
		r->is_asked = 1;
		r->is_forced = 0;
		warden_ask(w, IPC_CRL, 0, buf,
		    ipc_encode_byte(buf, sizeof(buf), &m), -1);
	}
}

void
revoked_on_crl(struct warden *w, const struct channel_msg *msg, int fd)
{
	struct revoked *r = w->revoked;
	struct ipc_crl m;
	const uint8_t *crl = NULL;
	size_t len = 0;
	char why[128];

	if (r == NULL || !r->is_asked ||
	    ipc_decode_crl(&m, msg->data, msg->len) != 0 ||
	    (fd != -1) != (m.err == 0)) {
		fatalx("broker: CRL_IS cannot be read");
	}
	r->is_asked = 0;
	if (m.err == ERR_AGAIN) {
		return;
	}
	expiry_on_cert(w, m.cert, m.cert_len);
	if (m.err == 0) {
		m.err = sealed_map(fd, IPC_CRL_MAX, &crl, &len);
		m.sys = m.err == ERR_SYS ? errno : 0;
		close_fd(&fd);
	}
	if (*w->conf.crl == '\0') {
		sealed_unmap(crl, len);
		return;
	}
	drop_next(r);
	r->is_late = 0;
	if (m.err != 0) {
		(void)snprintf(why, sizeof(why), "it or the CA cannot be read: "
		    "%s", m.err == ERR_SYS ? strerror(m.sys) : err_str(m.err));
		fail(w, why);
	} else {
		on_texts(w, &m, crl, len);
	}
	sealed_unmap(crl, len);
}

void
revoked_read(struct warden *w)
{
	if (w->revoked != NULL) {
		w->revoked->is_forced = 1;
		ask(w);
	}
}

void
revoked_tick(struct warden *w)
{
	look_at_clock(w);
	expiry_tick(w);
	ask(w);
}

static void
on_farewell(void *arg)
{
	revoked_leave(arg);
}

static void
on_poll(void *arg)
{
	struct warden *w = arg;

	revoked_tick(w);
	loop_timer_set(w->crl_poll, POLL);
}

int
revoked_start(struct warden *w)
{
	struct revoked *r;

	r = calloc(1, sizeof(*r));
	w->crl_poll = loop_timer_new(w->loop, on_poll, w);
	if (r != NULL) {
		r->farewell = loop_timer_new(w->loop, on_farewell, w);
	}
	w->revoked = r;
	if (r == NULL || w->crl_poll == NULL || r->farewell == NULL) {
		log_warn("start");
		revoked_free(w);
		return ERR_NOMEM;
	}
	revoked_read(w);
	loop_timer_set(w->crl_poll, POLL);
	return 0;
}

void
revoked_free(struct warden *w)
{
	struct revoked *r = w->revoked;

	w->revoked = NULL;
	loop_timer_free(w->crl_poll);
	w->crl_poll = NULL;
	if (r != NULL) {
		loop_timer_free(r->farewell);
		x509_revoked_free(r->list);
		x509_revoked_free(r->next);
		free(r);
	}
}
