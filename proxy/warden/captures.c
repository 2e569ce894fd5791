/*
 * Captures: what passes between a device and its holder, kept in files. The
 * warden names and opens them, below one directory that is its own, and hands
 * them to a process that cannot (sallyport-capture); the session gets the other
 * end of that one's pipe.
 *
 * NAME.pcap and NAME.jsonl are written; when they are full they become
 * NAME.1.pcap and NAME.1.jsonl, those before NAME.2, and so on; the last are
 * removed. No file that is there already is opened, no symbolic link followed.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define CAPTURES_MAX 8u /* at once; each is a process */
/* Its pipe has ended: so long it has to finish its files. */
#define FINISH (10 * CLOCK_SEC)
#define CAPTURE_STEM 96u

static const char *const ends[] = {"pcap", "jsonl"};
#define ENDS 2u

struct capture {
	TAILQ_ENTRY(capture) entry;
	struct warden *warden;
	struct session *session; /* borrowed; NULL: it is gone */
	uint32_t conn;		 /* of its process */
	int chan;		 /* owned; -1 */
	struct loop_io *io;
	struct loop_timer *limit;
	int pipe; /* owned: the session's end, until that has it; -1 */
	int dir;  /* owned */
	int next[ENDS]; /* owned: files that are ready; -1 */
	enum capture_why why;
	int is_over; /* it said so */
	struct ipc_recorder_over counts;
	char stem[CAPTURE_STEM];
};

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

static void
file_name(char *dst, size_t size, const struct capture *c, unsigned n,
    unsigned end)
{
	if (n == 0) {
		(void)snprintf(dst, size, "%s.%s", c->stem, ends[end]);
	} else {
		(void)snprintf(dst, size, "%s.%u.%s", c->stem, n, ends[end]);
	}
}

/* 0, or -1 with errno. */
static int
open_next(struct capture *c)
{
	char name[CAPTURE_STEM + 16];

	for (unsigned e = 0; e < ENDS; e++) {
		file_name(name, sizeof(name), c, 0, e);
		c->next[e] = openat(c->dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (c->next[e] == -1) {
			return -1;
		}
	}
	return 0;
}

static int
rotate(struct capture *c)
{
	char from[CAPTURE_STEM + 16], to[CAPTURE_STEM + 16];
	unsigned last = c->warden->conf.capture_files - 1;

	for (unsigned e = 0; e < ENDS; e++) {
		file_name(to, sizeof(to), c, last, e);
		if (unlinkat(c->dir, to, 0) == -1 && errno != ENOENT) {
			return -1;
		}
		for (unsigned n = last; n > 0; n--) {
			file_name(from, sizeof(from), c, n - 1, e);
			file_name(to, sizeof(to), c, n, e);
			if (renameat(c->dir, from, c->dir, to) == -1 &&
			    errno != ENOENT) {
				return -1;
			}
		}
	}
	return open_next(c);
}

/* NAME.pcap of A-Z a-z 0-9 . _ -, and no NAME that rotation makes. */
static int
take_name(struct capture *c, const char *name)
{
	size_t len = strlen(name), dot;

	if (len <= 5 || len - 5 >= CAPTURE_STEM || name[0] == '.' ||
	    strcmp(name + len - 5, ".pcap") != 0) {
		return ERR_FORMAT;
	}
	len -= 5;
	for (size_t i = 0; i < len; i++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789._-:@", name[i]) == NULL) {
			return ERR_FORMAT;
		}
	}
	memcpy(c->stem, name, len);
	c->stem[len] = '\0';
	for (dot = len; dot > 0 && c->stem[dot - 1] >= '0' &&
	     c->stem[dot - 1] <= '9'; dot--) {
	}
	return dot > 0 && dot < len && c->stem[dot - 1] == '.' ? ERR_FORMAT : 0;
}

/* BUSID-20261125T182612Z-CONNECTION */
static void
make_name(struct capture *c)
{
	time_t now = (time_t)world_now();
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL) {
		(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	}
	(void)snprintf(c->stem, sizeof(c->stem), "%s-%s-%u",
	    c->session->device->place.busid, when, c->session->conn);
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static void
capture_free(struct capture *c)
{
	if (c->session != NULL) {
		c->session->capture = NULL;
	}
	TAILQ_REMOVE(&c->warden->captures, c, entry);
	loop_io_free(c->io);
	loop_timer_free(c->limit);
	close_fd(&c->chan);
	close_fd(&c->pipe);
	close_fd(&c->dir);
	for (unsigned e = 0; e < ENDS; e++) {
		close_fd(&c->next[e]);
	}
	free(c);
}

static void
write_audit(struct capture *c, const char *outcome, const char *how)
{
	static const char *const whys[] = {
		[CAPTURE_BY_RULE] = "rule",
		[CAPTURE_BY_OPERATOR] = "operator",
		[CAPTURE_BY_PROFILE] = "profile",
	};
	char frames[24], dropped[24];

	(void)snprintf(frames, sizeof(frames), "%llu",
	    (unsigned long long)c->counts.frames);
	(void)snprintf(dropped, sizeof(dropped), "%llu",
	    (unsigned long long)c->counts.dropped);
	audit_write(c->warden, "capture", outcome, c->session,
	    c->session != NULL ? c->session->device : NULL, NULL, "file",
	    c->stem, "by", whys[c->why], "how", how, "frames", frames,
	    "dropped", dropped, (char *)NULL);
}

static void
on_limit(void *arg)
{
	struct capture *c = arg;

	warden_ask(c->warden, IPC_KILL, c->conn, NULL, 0, -1);
}

/* Its files are to be finished. */
static void
set_limit(struct capture *c)
{
	loop_timer_set(c->limit, FINISH);
}

static struct capture *
make(struct session *s)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	*c = (struct capture){.warden = s->warden, .session = s, .chan = -1,
		.pipe = -1, .dir = -1, .next = {-1, -1}};
	TAILQ_INSERT_TAIL(&s->warden->captures, c, entry);
	s->capture = c;
	c->limit = loop_timer_new(s->warden->loop, on_limit, c);
	if (c->limit == NULL) {
		capture_free(c);
		return NULL;
	}
	return c;
}

static unsigned
count(const struct warden *w)
{
	const struct capture *c;
	unsigned n = 0;

	TAILQ_FOREACH (c, &w->captures, entry) {
		n++;
	}
	return n;
}

/* The directory is the warden's own, who makes it. 0, or -1 with errno. */
static int
open_dir(struct capture *c, const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		return -1;
	}
	c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir == -1 || fstat(c->dir, &st) == -1) {
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* Everything but the process. */
static int
prepare(struct capture *c, const char *name, int *pipe_end, char *why,
    size_t size)
{
	const char *dir = c->warden->conf.captures;
	int ends_of_pipe[2];

	if (name == NULL) {
		make_name(c);
	} else if (take_name(c, name) != 0) {
		(void)snprintf(why, size, "a capture is NAME.pcap below %s, "
			"with NAME of letters, digits and . _ - : @", dir);
		return ERR_FORMAT;
	}
	if (open_dir(c, dir) == -1) {
		(void)snprintf(why, size, "%s: %s", dir,
		    errno == EPERM ? "is not the gateway's alone" :
				     strerror(errno));
		return ERR_SYS;
	}
	if (open_next(c) == -1) {
		(void)snprintf(why, size, "%s/%s.pcap: %s", dir, c->stem,
		    strerror(errno));
		return ERR_SYS;
	}
	if (pipe2(ends_of_pipe, O_CLOEXEC) == -1) {
		(void)snprintf(why, size, "pipe: %s", strerror(errno));
		return ERR_SYS;
	}
	/* what it can hold while its reader writes; a smaller one will do */
	(void)fcntl(ends_of_pipe[1], F_SETPIPE_SZ, 1 << 20);
	*pipe_end = ends_of_pipe[0];
	c->pipe = ends_of_pipe[1];
	return 0;
}

int
captures_start(struct session *s, enum capture_why reason, const char *name,
    char *why, size_t size)
{
	struct warden *w = s->warden;
	struct capture *c;
	int end = -1, r;

	if (s->capture != NULL) {
		(void)snprintf(why, size, "it is captured already");
		return ERR_BUSY;
	}
	if (count(w) >= CAPTURES_MAX) {
		(void)snprintf(why, size, "%u captures go on already",
		    CAPTURES_MAX);
		return ERR_LIMIT;
	}
	c = make(s);
	if (c == NULL) {
		(void)snprintf(why, size, "out of memory");
		return ERR_NOMEM;
	}
	c->why = reason;
	r = prepare(c, name, &end, why, size);
	if (r != 0) {
		capture_free(c);
		return r;
	}
	c->conn = w->next_conn++;
	warden_ask(w, IPC_RECORDER, c->conn, NULL, 0, end);
	close_fd(&end);
	write_audit(c, "began", "");
	return 0;
}

const char *
captures_name(const struct session *s)
{
	return s->capture != NULL ? s->capture->stem : NULL;
}

int
captures_is_demanded(const struct session *s)
{
	return s->capture != NULL && s->capture->why == CAPTURE_BY_RULE;
}

void
captures_stop(struct session *s)
{
	struct capture *c = s->capture;

	if (c == NULL) {
		return;
	}
	if (c->pipe == -1 && s->chan != -1) {
		(void)channel_send(
		    s->chan, IPC_CAPTURE, s->conn, NULL, 0, -1);
	}
	close_fd(&c->pipe);
	c->session = NULL;
	s->capture = NULL;
	set_limit(c);
}

void
captures_forget(struct session *s)
{
	struct capture *c = s->capture;

	if (c != NULL) {
		close_fd(&c->pipe);
		c->session = NULL;
		s->capture = NULL;
		set_limit(c);
	}
}

/* ------------------------------------------------------------------------ */
/* Its process                                                              */

static int
send_file(struct capture *c, uint8_t which)
{
	struct ipc_byte m = {.value = which};
	uint8_t buf[8];
	int r = channel_send(c->chan, IPC_RECORDER_FILE, 0, buf,
	    (size_t)ipc_encode_byte(buf, sizeof(buf), &m), c->next[which]);

	close_fd(&c->next[which]);
	return r;
}

static int
on_next(struct capture *c)
{
	if (c->next[0] == -1 && rotate(c) == -1) {
		log_warn("capture %s/%s", c->warden->conf.captures, c->stem);
		return ERR_SYS;
	}
	return send_file(c, IPC_RECORDER_FRAMES) == 0 ?
	    send_file(c, IPC_RECORDER_RULINGS) :
	    ERR_CLOSED;
}

static int
take_message(struct capture *c)
{
	uint8_t buf[CHANNEL_HEADER + 64];
	struct channel_msg msg;
	int r = channel_recv(c->chan, buf, sizeof(buf), &msg);

	if (r != 0) {
		return r;
	}
	r = ERR_FORMAT;
	if (msg.fd == -1 && msg.type == IPC_RECORDER_NEXT && msg.len == 0 &&
	    !c->is_over) {
		r = on_next(c);
	} else if (msg.fd == -1 && msg.type == IPC_RECORDER_OVER &&
	    !c->is_over) {
		r = ipc_decode_recorder_over(&c->counts, msg.data, msg.len);
		c->is_over = 1;
	}
	close_fd(&msg.fd);
	return r;
}

static void
on_channel(void *arg, int events)
{
	struct capture *c = arg;
	int r = take_message(c);

	(void)events;
	if (r == 0 || r == ERR_AGAIN) {
		return;
	}
	loop_io_free(c->io);
	c->io = NULL;
	close_fd(&c->chan); /* without files it ends by itself */
	if (r == ERR_FORMAT) {
		warden_ask(c->warden, IPC_KILL, c->conn, NULL, 0, -1);
	} else {
		set_limit(c);
	}
}

/* The session begins to write. */
static int
hand_over(struct capture *c)
{
	struct ipc_capture m = {
		.is_all = c->why != CAPTURE_BY_PROFILE,
		.payload = c->warden->conf.capture_record * 1024u,
	};
	struct session *s = c->session;
	uint8_t buf[16];
	int n = ipc_encode_capture(buf, sizeof(buf), &m);
	int r = ERR_CLOSED;

	if (s->chan != -1 && s->phase != SESSION_ENDING) {
		r = channel_send_wait(s->chan, IPC_CAPTURE, s->conn, buf,
		    (size_t)n, c->pipe, 1000);
	}
	close_fd(&c->pipe);
	return r;
}

static struct capture *
find(struct warden *w, uint32_t conn)
{
	struct capture *c;

	TAILQ_FOREACH (c, &w->captures, entry) {
		if (c->conn == conn) {
			return c;
		}
	}
	return NULL;
}

/* There is none any more. Where the session did not end it, what its rule
 * demands of the lease is not kept. */
static void
lost(struct capture *c, int is_clean)
{
	struct session *s = c->session;

	if (s == NULL) {
		return;
	}
	c->session = NULL;
	s->capture = NULL;
	if (is_clean) {
		return;
	}
	if (c->why == CAPTURE_BY_RULE) {
		lease_revoke(s, "its capture ended, which its rule demands");
	} else if (s->chan != -1) {
		(void)channel_send(
		    s->chan, IPC_CAPTURE, s->conn, NULL, 0, -1);
	}
}

void
captures_on_recording(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd)
{
	struct capture *c = find(w, conn);

	if (c == NULL || r->err != 0) {
		close_fd(&fd);
		if (c != NULL) {
			log_warnx("start sallyport-capture: %s",
			    r->err == ERR_SYS ? strerror(r->sys) :
						err_str(r->err));
			write_audit(c, "failed", "its process did not start");
			lost(c, 0);
			capture_free(c);
		}
		return;
	}
	c->chan = fd;
	c->io = loop_io_new(w->loop, fd, LOOP_READ, on_channel, c);
	if (c->io == NULL) {
		warden_ask(w, IPC_KILL, conn, NULL, 0, -1);
	} else if (c->session != NULL && hand_over(c) != 0) {
		log_warnx("session %u: does not take its capture",
		    c->session->conn);
	}
}

int
captures_on_exited(
    struct warden *w, uint32_t conn, const struct ipc_exited *m)
{
	struct capture *c = find(w, conn);
	char how[32];

	if (c == NULL) {
		return 0;
	}
	while (c->chan != -1 && !c->is_over && take_message(c) == 0) {
	}
	(void)snprintf(how, sizeof(how), m->signal != 0 ? "signal %u" :
							  "exit %u",
	    m->signal != 0 ? m->signal : m->status);
	write_audit(c, "ended", how);
	lost(c, m->signal == 0 && m->status == 0);
	capture_free(c);
	return 1;
}

int
captures_on_wanted(struct session *s, const struct channel_msg *msg)
{
	struct ipc_wanted m;
	char why[512], line[16];

	if (s->device == NULL || s->has_wanted ||
	    ipc_decode_wanted(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	s->has_wanted = 1;
	if (s->capture != NULL) {
		return 0; /* that and an operator's word crossed */
	}
	(void)snprintf(line, sizeof(line), "%u", m.line);
	if (captures_start(
		s, CAPTURE_BY_PROFILE, NULL, why, sizeof(why)) != 0) {
		log_warnx("%s: capture: %s", s->device->place.busid, why);
		audit_write(s->warden, "capture", "failed", s, s->device, NULL,
		    "how", why, "profile", m.profile, "file", m.file, "line",
		    line, "key", m.key, (char *)NULL);
	}
	return 0;
}
