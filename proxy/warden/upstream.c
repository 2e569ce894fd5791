/*
 * When lines of the audit log are sent, and what became of them. Each batch is
 * sent by a process of its own (sallyport-fetch, as one that posts), which the
 * broker starts and which ends with it. A batch is the same one, of the same
 * numbers, until the server has said that it has it; only then the mark on disk
 * goes on. Who restarts in between sends lines again, with their numbers.
 */
#include "proxy/warden/upstream.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/warden/control.h"
#include "proxy/warden/pace.h"

/* Beyond its own time it is killed. */
#define SLACK (5 * CLOCK_SEC)
/* So often the interval doubles with failures. */
#define DOUBLINGS 8u
/* So many batches that a server took before it is offered larger ones again. */
#define FITS 16u

static void
schedule(struct upstream *u, uint64_t ns)
{
	u->next_at = clock_mono() + ns;
	loop_timer_set(u->next, ns);
}

/* The next one; at once if somebody asked for that meanwhile. */
static void
rest(struct upstream *u, uint64_t ns)
{
	schedule(u, u->is_hurried ? 0 : ns);
	u->is_hurried = 0;
}

static uint64_t
pause_of(const struct warden *w, uint32_t retry_after)
{
	uint64_t ns = pace_jitter(pace_back_off(
	    w->conf.upstream_interval, w->upstream->failures, DOUBLINGS));
	uint64_t asked = retry_after * CLOCK_SEC;

	return ns > asked ? ns : asked;
}

/* Its process is gone, or will be. */
static void
drop(struct upstream *u)
{
	loop_io_free(u->io);
	u->io = NULL;
	close_fd(&u->chan);
	loop_timer_stop(u->limit);
	u->conn = 0;
}

/* The log says it, once for each time that some were lost. */
static void
tell_lost(struct warden *w)
{
	struct upstream *u = w->upstream;
	uint64_t lost = u->reader.mark.lost;
	char text[24];

	if (lost > u->told) {
		log_warnx("upstream: %llu lines of the audit log were rotated "
			  "away unsent",
		    (unsigned long long)(lost - u->told));
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)(lost - u->told));
		u->told = lost;
		audit_write(w, "upstream", "lost", NULL, NULL, NULL, "lines",
		    text, (char *)NULL);
	}
}

static void
fail(struct warden *w, const char *why, uint32_t retry_after)
{
	struct upstream *u = w->upstream;

	drop(u);
	u->posts[POST_FAILED]++;
	log_escape(u->error, sizeof(u->error), why, strlen(why));
	rest(u, pause_of(w, retry_after));
	u->failures++;
	if (u->failing == 0) {
		u->failing = clock_wall();
		log_warnx("upstream %s: %s", w->conf.upstream_url, u->error);
		audit_write(w, "upstream", "failed", NULL, NULL, NULL,
		    "error", why, (char *)NULL);
	}
}

/* The server wants less at once: the same lines, in smaller batches. */
static void
shrink(struct warden *w, const char *why)
{
	struct upstream *u = w->upstream;
	char text[2 * IPC_TEXT];
	uint32_t len = u->batch.len;

	u->fits = 0;
	if (upstream_halve(&u->reader, &u->batch) == 0) {
		drop(u);
		u->posts[POST_TOO_LARGE]++;
		u->batch_end = u->reader.mark;
		schedule(u, 0);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s to %s%u bytes", why,
	    u->batch.first == u->batch.last ? "one line of " : "", len);
	fail(w, text, 0);
}

/* What was too much once need not be for ever. */
static void
grow(struct upstream *u)
{
	if (u->reader.most < UPSTREAM_BATCH && ++u->fits == FITS) {
		u->fits = 0;
		u->reader.most = u->reader.most < UPSTREAM_BATCH / 2 ?
		    u->reader.most * 2 :
		    UPSTREAM_BATCH;
	}
}

static void
succeed(struct warden *w)
{
	struct upstream *u = w->upstream;
	int is_more = u->batch.is_more;

	drop(u);
	u->posts[POST_TAKEN]++;
	grow(u);
	u->taken = u->batch_end;
	(void)upstream_save(&u->taken, w->conf.state);
	close_fd(&u->batch.fd);
	u->failures = 0;
	u->taken_at = clock_wall();
	u->error[0] = '\0';
	if (u->failing != 0) {
		u->failing = 0;
		log_infox("upstream %s: works again", w->conf.upstream_url);
		audit_write(w, "upstream", "mended", NULL, NULL, NULL,
		    (char *)NULL);
	}
	rest(u, is_more ? 0 :
		pace_jitter(w->conf.upstream_interval * CLOCK_SEC));
}

void
upstream_look(struct warden *w)
{
	struct upstream *u = w->upstream;

	if (u != NULL && u->conn == 0) {
		schedule(u, 0);
	} else if (u != NULL) {
		u->is_hurried = 1;
	}
}

/* ------------------------------------------------------------------------ */
/* The process                                                              */

static int
send_order(struct warden *w)
{
	struct upstream *u = w->upstream;
	struct ipc_post m = {
		.first = u->batch.first,
		.last = u->batch.last,
		.lost = u->batch_end.lost,
		.len = u->batch.len,
		.timeout = (uint16_t)w->conf.upstream_timeout,
	};
	uint8_t buf[4 * IPC_SOURCE];
	int n;

	(void)snprintf(m.url, sizeof(m.url), "%s", w->conf.upstream_url);
	(void)snprintf(m.pin, sizeof(m.pin), "%s", w->conf.upstream_pin);
	(void)snprintf(m.proxy, sizeof(m.proxy), "%s", w->conf.upstream_proxy);
	memcpy(m.chain, u->batch.chain, sizeof(m.chain));
	n = ipc_encode_post(buf, sizeof(buf), &m);
	return n < 0 ? n :
		       channel_send(u->chan, IPC_POST, u->conn, buf, (size_t)n,
			   u->batch.fd);
}

static void
on_post(void *arg, int events)
{
	uint8_t buf[CHANNEL_HEADER + 2 * IPC_TEXT];
	struct warden *w = arg;
	struct channel_msg msg;
	struct ipc_posted m;
	int r = channel_recv(w->upstream->chan, buf, sizeof(buf), &msg);

	(void)events;
	if (r == ERR_AGAIN) {
		return;
	}
	if (r != 0) {
		fail(w, "sallyport-fetch ended before it was done", 0);
		return;
	}
	if (msg.type != IPC_POSTED || msg.fd != -1 ||
	    ipc_decode_posted(&m, msg.data, msg.len) != 0) {
		fail(w, "sallyport-fetch spoke out of turn", 0);
	} else if (m.err == ERR_LIMIT) {
		shrink(w, m.why);
	} else if (m.err != 0) {
		fail(w, m.why, m.retry_after);
	} else {
		succeed(w);
	}
	close_fd(&msg.fd);
}

void
upstream_on_posting(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct upstream *u = w->upstream;

	if (u == NULL || u->conn != conn || u->chan != -1) {
		close_fd(&fd);
		return;
	}
	if (r->err != 0) {
		close_fd(&fd);
		fail(w, r->err == ERR_SYS ? strerror(r->sys) : err_str(r->err),
		    0);
		return;
	}
	u->chan = fd;
	u->io = loop_io_new(w->loop, fd, LOOP_READ, on_post, w);
	if (u->io == NULL || send_order(w) != 0) {
		fail(w, "sallyport-fetch cannot be told what to do", 0);
	}
}

static void
on_limit(void *arg)
{
	struct warden *w = arg;

	warden_ask(w, IPC_KILL, w->upstream->conn, NULL, 0, -1);
	fail(w, "it took too long", 0);
}

static void
on_next(void *arg)
{
	struct warden *w = arg;
	struct upstream *u = w->upstream;
	int r = 0;

	if (u->batch.fd == -1) {
		r = upstream_read(&u->reader, &u->batch);
		u->batch_end = u->reader.mark;
		if (r == 0 && *u->taken.chain == '\0') {
			/* what is lost now is missed after a restart, too */
			u->taken = upstream_first(&u->batch);
			(void)upstream_save(&u->taken, w->conf.state);
		}
	} else {
		upstream_check(&u->reader);
	}
	tell_lost(w);
	if (r == ERR_AGAIN) {
		schedule(u, pace_jitter(w->conf.upstream_interval * CLOCK_SEC));
		return;
	}
	if (r != 0) {
		fail(w, r == ERR_SYS ? strerror(errno) : err_str(r), 0);
		return;
	}
	u->conn = w->next_conn++;
	warden_ask(w, IPC_POSTER, u->conn, NULL, 0, -1);
	loop_timer_set(
	    u->limit, w->conf.upstream_timeout * CLOCK_SEC + SLACK);
}

/* ------------------------------------------------------------------------ */
/* Begin, end, status                                                       */

/* A log that ends before the mark was taken back by somebody, or is not what the
 * disk said it was: what comes next is sent, and not taken for what was. */
static void
take_back(struct upstream_mark *m, const struct audit_chain *c)
{
	char id[CHAIN_ID_TEXT];

	if (c != NULL && m->seq > c->chain.seq &&
	    strcmp(digest_hex(id, sizeof(id), c->chain.id, CHAIN_ID),
		m->chain) == 0) {
		log_warnx("upstream: the audit log ends before line %llu, "
			  "which was sent", (unsigned long long)m->seq - 1);
		m->seq = c->chain.seq;
	}
}

int
upstream_start(struct warden *w)
{
	struct upstream *u;
	int r;

	if (*w->conf.upstream_url == '\0') {
		return 0;
	}
	u = calloc(1, sizeof(*u));
	if (u == NULL) {
		return ERR_NOMEM;
	}
	w->upstream = u;
	u->chan = u->batch.fd = u->reader.fd = -1;
	u->reader.audit = &w->audit;
	u->reader.most = UPSTREAM_BATCH;
	u->next = loop_timer_new(w->loop, on_next, w);
	u->limit = loop_timer_new(w->loop, on_limit, w);
	if (u->next == NULL || u->limit == NULL) {
		return ERR_NOMEM;
	}
	r = upstream_load(&u->taken, w->conf.state);
	if (r != 0 && r != ERR_NOENT) {
		log_warnx("read %s/upstream.json: %s; all lines that are kept "
			  "are sent again", w->conf.state, err_str(r));
	}
	take_back(&u->taken, w->audit.chain);
	u->reader.mark = u->taken;
	u->told = u->taken.lost;
	schedule(u, pace_jitter(w->conf.upstream_interval * CLOCK_SEC));
	return upstream_start_status(w);
}

void
upstream_free(struct warden *w)
{
	struct upstream *u = w->upstream;

	if (u == NULL) {
		return;
	}
	drop(u);
	loop_timer_free(u->next);
	loop_timer_free(u->limit);
	loop_timer_free(u->status);
	close_fd(&u->batch.fd);
	close_fd(&u->reader.fd);
	free(u);
	w->upstream = NULL;
}

static void
put_number(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

/* Lines that are in the log and that the server has not: those in hand, and
 * those behind; not known while these are of another chain. */
static void
put_waiting(json_t *o, const struct warden *w)
{
	const struct upstream_mark *m = &w->upstream->reader.mark;
	char id[CHAIN_ID_TEXT];

	if (w->audit.chain != NULL &&
	    strcmp(digest_hex(id, sizeof(id), w->audit.chain->chain.id,
		       CHAIN_ID),
		m->chain) == 0) {
		put_number(o, "waiting", w->audit.chain->chain.seq - m->seq +
			m->sent - w->upstream->taken.sent);
	}
}

json_t *
upstream_json(struct warden *w)
{
	struct upstream *u = w->upstream;
	json_t *o = json_object();

	upstream_check(&u->reader);
	control_text(o, "url", w->conf.upstream_url);
	put_number(o, "sent", u->taken.sent);
	put_number(o, "lost", u->reader.mark.lost);
	put_waiting(o, w);
	put_number(o, "batch", u->reader.most);
	if (u->taken_at != 0) {
		control_time(o, "taken", u->taken_at);
	}
	control_text(o, "error", u->error);
	if (u->failing != 0) {
		control_time(o, "failing_since", u->failing);
	}
	if (u->conn == 0) {
		put_number(o, "next", control_left(u->next_at));
	}
	return o;
}

json_t *
upstream_metrics(struct warden *w)
{
	static const char *const names[] = {"taken", "too large", "failed"};
	struct upstream *u = w->upstream;
	json_t *o = json_object(), *posts = json_object();

	upstream_check(&u->reader);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		put_number(posts, names[i], u->posts[i]);
	}
	json_object_set_new(o, "posts", posts);
	put_number(o, "sent", u->taken.sent);
	put_number(o, "lost", u->reader.mark.lost);
	put_waiting(o, w);
	put_number(o, "failing", u->failing != 0);
	if (u->taken_at != 0) {
		put_number(o, "taken", u->taken_at / CLOCK_SEC);
	}
	return o;
}
