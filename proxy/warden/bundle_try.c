/*
 * From bytes to a policy, and each step may say no:
 *
 *   signatures ─► archive, manifest ─► serial, dates ─► trial ─► bundles_take
 *
 * Nothing but its digest is looked at before enough keys vouch for it. The trial
 * is a process (sallyport-trial): the bundle compiles there first, and its tests
 * run there, which is as much work as its publisher likes.
 */
#include "proxy/warden/bundles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define LIMIT (60 * CLOCK_SEC)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* It is over, whatever came of it. */
static void
drop(struct warden *w)
{
	struct trial *t = &w->bundles->trial;

	loop_io_free(t->io);
	t->io = NULL;
	close_fd(&t->chan);
	loop_timer_stop(t->limit);
	bundle_free(TAKE(t->b));
	free(TAKE(t->signatures));
	t->conn = 0;
}

static void
end(struct warden *w, enum fetch_end how)
{
	drop(w);
	fetch_over(w, how);
}

/* ------------------------------------------------------------------------ */
/* The process                                                              */

static void
on_said(struct warden *w, const struct ipc_tried *m)
{
	if (m->err == 0) {
		end(w, bundles_take(w) == 0 ? FETCH_TAKEN : FETCH_REFUSED);
		return;
	}
	if (m->failed > 0) {
		bundles_fail(w, "serial %lld: its own tests fail, %u of %u; "
		    "the log says which",
		    (long long)w->bundles->trial.b->manifest.serial, m->failed,
		    m->failed + m->passed);
	} else {
		bundles_fail(w, "serial %lld: it does not compile by itself; "
		    "the log says why",
		    (long long)w->bundles->trial.b->manifest.serial);
	}
	end(w, FETCH_REFUSED);
}

static void
on_trial(void *arg, int events)
{
	uint8_t buf[CHANNEL_HEADER + 64];
	struct warden *w = arg;
	struct channel_msg msg;
	struct ipc_tried m;
	int r = channel_recv(w->bundles->trial.chan, buf, sizeof(buf), &msg);

	(void)events;
	if (r == ERR_AGAIN) {
		return;
	}
	if (r == 0) {
		r = msg.type == IPC_TRIED && msg.fd == -1 ?
		    ipc_decode_tried(&m, msg.data, msg.len) :
		    ERR_FORMAT;
		close_fd(&msg.fd);
	}
	if (r == 0) {
		on_said(w, &m);
		return;
	}
	bundles_fail(w, "its tests did not come to an end");
	end(w, FETCH_REFUSED);
}

static void
on_limit(void *arg)
{
	struct warden *w = arg;

	warden_ask(w, IPC_KILL, w->bundles->trial.conn, NULL, 0, -1);
	bundles_fail(w, "its tests did not come to an end");
	end(w, FETCH_REFUSED);
}

void
bundles_on_trying(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct trial *t = w->bundles != NULL ? &w->bundles->trial : NULL;

	if (t == NULL || t->conn != conn || t->chan != -1) {
		close_fd(&fd);
		return;
	}
	if (r->err != 0) {
		close_fd(&fd);
		bundles_fail(w, "its tests cannot be run: %s", err_str(r->err));
		end(w, FETCH_LATER);
		return;
	}
	t->chan = fd;
	t->io = loop_io_new(w->loop, fd, LOOP_READ, on_trial, w);
	if (t->io == NULL) {
		bundles_fail(w, "its tests cannot be run: out of memory");
		end(w, FETCH_LATER);
	}
}

static int
seal(const struct bundle *b, int *fd)
{
	*fd = memfd_create("sallyport-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd == -1 || file_write_all(*fd, b->bytes, b->len) != 0 ||
	    fcntl(*fd, F_ADD_SEALS, SEALS) == -1) {
		close_fd(fd);
		return ERR_SYS;
	}
	return 0;
}

static int
start_process(struct warden *w)
{
	struct trial *t = &w->bundles->trial;
	int fd, r = seal(t->b, &fd);

	if (r != 0) {
		bundles_fail(w, "its tests cannot be run: %s", strerror(errno));
		return r;
	}
	t->conn = w->next_conn++;
	warden_ask(w, IPC_TRIAL, t->conn, NULL, 0, fd);
	close_fd(&fd);
	loop_timer_set(t->limit, LIMIT);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* What it must be                                                          */

static int
check_signatures(struct warden *w, const uint8_t sha256[32], const char *text,
    size_t len)
{
	struct signatures sigs;
	char why[256];
	int r = signed_parse(&sigs, text, len, why, sizeof(why));

	if (r == 0) {
		r = signed_check(&sigs, &w->bundles->store.ring, sha256, why,
		    sizeof(why));
	}
	if (r != 0) {
		bundles_fail(w, "%s", why);
	}
	return r;
}

/* Dates are those of the clock and of what was taken before. */
static int
check_dates(struct warden *w, const struct manifest *m)
{
	switch (manifest_phase(m, bundles_time(w))) {
	case MANIFEST_EARLY:
		bundles_fail(w, "serial %lld: it does not hold yet",
		    (long long)m->serial);
		return ERR_POLICY;
	case MANIFEST_OVER:
		bundles_fail(w, "serial %lld: it has expired, and its grace is "
		    "over", (long long)m->serial);
		return ERR_POLICY;
	case MANIFEST_VALID:
	case MANIFEST_GRACE:
		break;
	}
	return 0;
}

static int
check_serial(struct warden *w, int64_t serial, int64_t before)
{
	if (serial > before) {
		return 0;
	}
	bundles_fail(w, "serial %lld: %s", (long long)serial,
	    serial < before ? "a higher one was taken before" :
			      "another bundle with this one was taken before");
	return ERR_POLICY;
}

/* The first of its targets all of whose labels are ours; NULL = none. */
static const struct manifest_target *
find_target(const struct warden *w, const struct manifest *m)
{
	for (size_t i = 0; i < m->ntargets; i++) {
		const struct manifest_target *t = &m->targets[i];
		size_t n = 0;

		for (size_t j = 0; j < t->nlabels; j++) {
			for (size_t k = 0; k < w->conf.bundle_labels.n; k++) {
				if (strcmp(t->labels[j],
					w->conf.bundle_labels.v[k]) == 0) {
					n++;
					break;
				}
			}
		}
		if (n == t->nlabels) {
			return t;
		}
	}
	return NULL;
}

static enum fetch_end
take_discovery(struct warden *w, const struct manifest *m)
{
	const struct manifest_target *target = find_target(w, m);
	struct store *s = &w->bundles->store, before = *s;

	if (w->bundles->fetch.stage != FETCH_SOURCE) {
		bundles_fail(w, "a discovery does not lead to another one");
		return FETCH_REFUSED;
	}
	/* the same again is fine: only what it says counts */
	if ((m->serial < s->discovery_serial &&
		check_serial(w, m->serial, s->discovery_serial) != 0) ||
	    check_dates(w, m) != 0) {
		return FETCH_REFUSED;
	}
	if (target == NULL) {
		bundles_fail(w, "discovery, serial %lld: it has nothing for "
		    "the labels of this gateway", (long long)m->serial);
		return FETCH_REFUSED;
	}
	if (m->serial == s->discovery_serial &&
	    strcmp(target->url, s->url) == 0) {
		return FETCH_SENT_ON;
	}
	s->discovery_serial = m->serial;
	(void)snprintf(s->url, sizeof(s->url), "%s", target->url);
	if (m->next.nkeys > 0) {
		s->ring = m->next;
	}
	if (store_save(s) != 0) {
		bundles_fail(w, "discovery, serial %lld: %s",
		    (long long)m->serial, strerror(errno));
		*s = before;
		return FETCH_LATER;
	}
	w->bundles->fetch.tag[FETCH_TARGET][0] = '\0';
	audit_write(w, "bundle", "discovered", NULL, NULL, NULL, "url", s->url,
	    (char *)NULL);
	return FETCH_SENT_ON;
}

static int
is_same(const uint8_t a[32], const uint8_t b[32])
{
	return memcmp(a, b, 32) == 0;
}

/* Rules come from the source itself: what a discovery said there is no more. */
static void
forget_target(struct warden *w)
{
	if (w->bundles->fetch.stage == FETCH_SOURCE) {
		w->bundles->store.url[0] = '\0';
	}
}

/* What is known without opening it. 1, or 0 after fetch_over. */
static int
is_news(struct warden *w, const uint8_t sha256[32])
{
	struct bundles *b = w->bundles;

	if (b->now != NULL && is_same(b->now->sha256, sha256)) {
		forget_target(w);
		end(w, FETCH_TAKEN);
		return 0;
	}
	if (is_same(b->store.refused, sha256)) {
		bundles_fail(w, "it was in force, and nobody confirmed it");
		end(w, FETCH_REFUSED);
		return 0;
	}
	if (w->has_fallback) {
		bundles_fail(w, "another one waits until what is in force is "
		    "confirmed");
		end(w, FETCH_LATER);
		return 0;
	}
	return 1;
}

static int
open_it(struct warden *w, uint8_t *bytes, size_t len)
{
	struct trial *t = &w->bundles->trial;
	char why[256];
	int r = bundle_open(&t->b, bytes, len, why, sizeof(why));

	if (r != 0) {
		bundles_fail(w, "%s", why);
	}
	return r;
}

static void
judge(struct warden *w)
{
	struct trial *t = &w->bundles->trial;
	const struct manifest *m = &t->b->manifest;

	if (m->kind == MANIFEST_DISCOVERY) {
		end(w, take_discovery(w, m));
		return;
	}
	forget_target(w);
	if (check_serial(w, m->serial, w->bundles->store.serial) != 0 ||
	    check_dates(w, m) != 0) {
		end(w, FETCH_REFUSED);
	} else if (start_process(w) != 0) {
		end(w, FETCH_LATER);
	}
}

void
trial_offer(struct warden *w, uint8_t *bytes, size_t len, char *signatures,
    size_t signatures_len)
{
	struct digest_part part = {bytes, len};
	struct trial *t = &w->bundles->trial;
	uint8_t sha256[32];
	int r = digest_sha256(sha256, &part, 1);

	t->signatures = signatures;
	t->len = signatures_len;
	if (r == 0 && !is_news(w, sha256)) {
		free(bytes);
		return;
	}
	if (r != 0 || check_signatures(w, sha256, signatures, signatures_len) != 0) {
		free(bytes);
		end(w, FETCH_REFUSED);
		return;
	}
	if (open_it(w, bytes, len) != 0) {
		end(w, FETCH_REFUSED);
		return;
	}
	judge(w);
}

int
trial_start(struct warden *w)
{
	struct trial *t = &w->bundles->trial;

	t->chan = -1;
	t->limit = loop_timer_new(w->loop, on_limit, w);
	return t->limit != NULL ? 0 : ERR_NOMEM;
}

void
trial_free(struct warden *w)
{
	drop(w);
	loop_timer_free(w->bundles->trial.limit);
	w->bundles->trial.limit = NULL;
}
