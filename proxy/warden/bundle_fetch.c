/*
 * When to look for another bundle, and what became of it. Each look is a process
 * that the broker starts (sallyport-fetch) and that ends with it: what a server
 * did to it is gone then, and it hangs nobody but itself. The source of the
 * configuration is asked first; if that is a discovery, what it leads to is
 * asked in the same round.
 */
#include "proxy/warden/bundles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/pace.h"

/* Beyond its own time it is killed. */
#define SLACK (5 * CLOCK_SEC)
/* So often the interval doubles with failures. */
#define DOUBLINGS 4u

static void
schedule(struct warden *w, uint64_t ns)
{
	struct fetch *f = &w->bundles->fetch;

	f->next_at = clock_mono() + ns;
	loop_timer_set(f->next, ns);
}

static uint64_t
pause_of(const struct warden *w)
{
	return pace_jitter(pace_back_off(w->conf.bundle_interval,
	    w->bundles->fetch.failures, DOUBLINGS));
}

/* Its process is gone, or will be. */
static void
drop(struct warden *w)
{
	struct fetch *f = &w->bundles->fetch;

	loop_io_free(f->io);
	f->io = NULL;
	close_fd(&f->chan);
	loop_timer_stop(f->limit);
	f->conn = 0;
}

static void
begin(struct warden *w, enum fetch_stage stage)
{
	struct fetch *f = &w->bundles->fetch;

	if (stage == FETCH_SOURCE) {
		f->began = clock_mono();
		f->is_news = 0;
	}
	f->stage = stage;
	f->new_tag[0] = '\0';
	f->conn = w->next_conn++;
	warden_ask(w, IPC_FETCHER, f->conn, NULL, 0, -1);
	loop_timer_set(f->limit,
	    (w->conf.bundle_timeout + w->conf.bundle_wait) * CLOCK_SEC + SLACK);
}

/* The next round; at once if somebody asked for that meanwhile. */
static void
rest_for(struct warden *w, uint64_t ns)
{
	struct fetch *f = &w->bundles->fetch;

	f->stage = FETCH_SOURCE;
	schedule(w, f->is_hurried ? 0 : ns);
	f->is_hurried = 0;
}

static void
rest(struct warden *w)
{
	rest_for(w, pause_of(w));
}

/* A server that waits for news is asked again at once, or it would be news only
 * after the interval what comes in between; but no round begins sooner after
 * another than one that waited would have taken. One that says at once that
 * nothing changed does not know how to wait. */
static void
rest_well(struct warden *w)
{
	const struct fetch *f = &w->bundles->fetch;
	uint64_t took = clock_mono() - f->began, ns = pause_of(w),
		 wait = w->conf.bundle_wait * CLOCK_SEC,
		 left = took < wait ? wait - took : 0;

	if (wait != 0 && (f->is_news || took >= wait / 2) && left < ns) {
		ns = left;
	}
	rest_for(w, ns);
}

void
fetch_over(struct warden *w, enum fetch_end end)
{
	struct fetch *f = &w->bundles->fetch;

	if (end == FETCH_TAKEN || end == FETCH_SENT_ON) {
		memcpy(f->tag[f->stage], f->new_tag, sizeof(f->new_tag));
		f->failures = 0;
	}
	if (end == FETCH_SENT_ON) {
		begin(w, FETCH_TARGET);
		return;
	}
	f->looks[end == FETCH_TAKEN	? LOOK_FINE :
		 end == FETCH_REFUSED ? LOOK_REFUSED :
					LOOK_LATER]++;
	if (end == FETCH_TAKEN) {
		bundles_fine(w);
		rest_well(w);
		return;
	}
	/* A server that has something, if nothing good, is asked as often as
	 * ever: it may be mended any moment. */
	rest(w);
}

/* Nothing came. */
static void
fail(struct warden *w, const char *why)
{
	struct fetch *f = &w->bundles->fetch;
	char shown[4 * IPC_TEXT + 1];

	drop(w);
	log_escape(shown, sizeof(shown), why, strlen(why));
	f->failures++;
	f->looks[LOOK_FAILED]++;
	bundles_fail(w, "fetch %s: %s",
	    f->stage == FETCH_TARGET ? w->bundles->store.url :
				       w->conf.bundle_source, shown);
	rest(w);
}

/* ------------------------------------------------------------------------ */
/* The process                                                              */

static int
send_order(struct warden *w)
{
	struct fetch *f = &w->bundles->fetch;
	struct ipc_fetch m = {
		.bundle_max = BUNDLE_MAX,
		.signatures_max = SIGNED_MAX,
		.timeout = (uint16_t)w->conf.bundle_timeout,
		.wait = (uint16_t)w->conf.bundle_wait,
	};
	uint8_t buf[4 * IPC_SOURCE];
	int n;

	(void)snprintf(m.source, sizeof(m.source), "%s",
	    f->stage == FETCH_TARGET ? w->bundles->store.url :
				       w->conf.bundle_source);
	memcpy(m.tag, f->tag[f->stage], sizeof(m.tag));
	(void)snprintf(m.pin, sizeof(m.pin), "%s", w->conf.bundle_pin);
	(void)snprintf(m.proxy, sizeof(m.proxy), "%s", w->conf.bundle_proxy);
	n = ipc_encode_fetch(buf, sizeof(buf), &m);
	return n < 0 ? n :
		       channel_send(f->chan, IPC_FETCH, f->conn, buf, (size_t)n,
			   -1);
}

/* size bytes of what it wrote, from at on; a NUL behind them. */
static uint8_t *
read_part(int fd, size_t at, size_t size)
{
	uint8_t *p = malloc(size + 1);

	for (size_t got = 0; p != NULL && got < size;) {
		ssize_t n = pread(fd, p + got, size - got, (off_t)(at + got));

		if (n <= 0) {
			free(TAKE(p));
		} else {
			got += (size_t)n;
		}
	}
	if (p != NULL) {
		p[size] = '\0';
	}
	return p;
}

static void
take_parcel(struct warden *w, const struct ipc_fetched *m, int fd)
{
	struct fetch *f = &w->bundles->fetch;
	uint8_t *bytes, *signatures;
	struct stat st;

	if (m->bundle_len > BUNDLE_MAX || m->signatures_len > SIGNED_MAX ||
	    fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size != (off_t)m->bundle_len + (off_t)m->signatures_len) {
		fail(w, "it is not what sallyport-fetch said");
		return;
	}
	bytes = read_part(fd, 0, m->bundle_len);
	signatures = read_part(fd, m->bundle_len, m->signatures_len);
	if (bytes == NULL || signatures == NULL) {
		free(bytes);
		free(signatures);
		fail(w, "out of memory");
		return;
	}
	f->failures = 0;
	f->is_news = 1;
	memcpy(f->new_tag, m->tag, sizeof(f->new_tag));
	drop(w);
	trial_offer(w, bytes, m->bundle_len, (char *)signatures,
	    m->signatures_len);
}

/* It is still the one of the tag that was sent. */
static void
take_same(struct warden *w)
{
	struct fetch *f = &w->bundles->fetch;

	if (f->tag[f->stage][0] == '\0') {
		fail(w, "the server says that nothing changed, but there was "
			"nothing before");
		return;
	}
	memcpy(f->new_tag, f->tag[f->stage], sizeof(f->new_tag));
	drop(w);
	fetch_over(w,
	    f->stage == FETCH_SOURCE && w->bundles->store.url[0] != '\0' ?
		FETCH_SENT_ON :
		FETCH_TAKEN);
}

static void
on_fetched(struct warden *w, struct channel_msg *msg)
{
	struct ipc_fetched m;

	if (msg->type != IPC_FETCHED ||
	    ipc_decode_fetched(&m, msg->data, msg->len) != 0 ||
	    (m.err == 0) != (msg->fd != -1)) {
		fail(w, "sallyport-fetch spoke out of turn");
	} else if (m.err == 0) {
		take_parcel(w, &m, msg->fd);
	} else if (m.err == ERR_AGAIN) {
		take_same(w);
	} else {
		fail(w, m.why);
	}
}

static void
on_fetch(void *arg, int events)
{
	uint8_t buf[CHANNEL_HEADER + 2 * IPC_TEXT];
	struct warden *w = arg;
	struct channel_msg msg;
	int r = channel_recv(w->bundles->fetch.chan, buf, sizeof(buf), &msg);

	(void)events;
	if (r == ERR_AGAIN) {
		return;
	}
	if (r != 0) {
		fail(w, "sallyport-fetch ended before it was done");
		return;
	}
	on_fetched(w, &msg);
	close_fd(&msg.fd);
}

void
bundles_on_fetching(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct fetch *f = w->bundles != NULL ? &w->bundles->fetch : NULL;

	if (f == NULL || f->conn != conn || f->chan != -1) {
		close_fd(&fd);
		return;
	}
	if (r->err != 0) {
		close_fd(&fd);
		fail(w, r->err == ERR_SYS ? strerror(r->sys) : err_str(r->err));
		return;
	}
	f->chan = fd;
	f->io = loop_io_new(w->loop, fd, LOOP_READ, on_fetch, w);
	if (f->io == NULL || send_order(w) != 0) {
		fail(w, "sallyport-fetch cannot be told what to do");
	}
}

static void
on_limit(void *arg)
{
	struct warden *w = arg;

	warden_ask(w, IPC_KILL, w->bundles->fetch.conn, NULL, 0, -1);
	fail(w, "it took too long");
}

static void
on_next(void *arg)
{
	begin(arg, FETCH_SOURCE);
}

void
bundles_look(struct warden *w)
{
	struct fetch *f = w->bundles != NULL ? &w->bundles->fetch : NULL;

	if (f == NULL) {
		return;
	}
	if (f->conn == 0 && w->bundles->trial.b == NULL) {
		schedule(w, 0);
	} else {
		f->is_hurried = 1;
	}
}

int
fetch_start(struct warden *w)
{
	struct fetch *f = &w->bundles->fetch;

	f->chan = -1;
	f->next = loop_timer_new(w->loop, on_next, w);
	f->limit = loop_timer_new(w->loop, on_limit, w);
	if (f->next == NULL || f->limit == NULL) {
		return ERR_NOMEM;
	}
	/* Who has none cannot wait; who has one need not come with all the
	 * others after a power cut. */
	schedule(w, w->bundles->now == NULL ? 0 :
		pace_jitter(w->conf.bundle_interval * CLOCK_SEC));
	return 0;
}

void
fetch_free(struct warden *w)
{
	struct fetch *f = &w->bundles->fetch;

	drop(w);
	loop_timer_free(f->next);
	loop_timer_free(f->limit);
	f->next = f->limit = NULL;
}
