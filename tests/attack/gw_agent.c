/*
 * `sallyport agent` and its readers against gateways whose events are garbage,
 * and whose offers lead to devices that are. The agent goes on, says why in one
 * clean line, and nothing is attached: its vhci_hcd is a directory of ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/tls.h"
#include "tests/attack/attack.h"
#include "tests/attack/gw.h"
#include "tests/attack/stage.h"
#include "vhci-glue/notices.h"

#define VHCI "/sys/devices/platform/vhci_hcd.0"
#define EVENTS "sallyport-events/1"
#define CONNECTIONS 8u
#define LOG_MAX 65536u

/* What the gateway says behind its hello, and what the agent's log then has. */
struct talk {
	const char *what;
	const char *log;
	const char *text; /* or, without it: */
	size_t (*make)(char *dst, size_t size);
	size_t len; /* of text that has NULs; 0 = up to its end */
	const struct lie *lie; /* for who imports; NULL = an honest device */
};

#define HELLO "{\"type\":\"hello\",\"protocol\":1}\n"
#define NAMED "\"name\":\"1209:5a11@pci-0000:00:14.0:2\",\"busid\":\"3-2\""
#define DEVICE                                                                 \
	"{" NAMED ",\"vid\":\"1209\",\"pid\":\"5a11\",\"release\":\"0100\","   \
	"\"class\":\"00:00:00\",\"interfaces\":[\"ff:00:00\",\"03:00:00\"],"   \
	"\"speed\":\"high\",\"state\":\"free\"}"
#define READY "{\"type\":\"devices\",\"devices\":[]}\n"
#define OFFER "{\"type\":\"devices\",\"devices\":[" DEVICE "]}\n"
#define NONE "a line that is none of the protocol's"
#define CONTROL "a line with control characters"

static size_t
make_long(char *dst, size_t size)
{
	memset(dst, 'a', size);
	return size;
}

static size_t
make_deep(char *dst, size_t size)
{
	size_t n = 16000 < size ? 16000 : size - 1;

	memset(dst, '[', n);
	dst[n] = '\n';
	return n + 1;
}

/* Of one name each, more than are kept. */
static size_t
make_many(char *dst, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < 4200 && size - n > 512; i++) {
		n += (size_t)snprintf(dst + n, size - n,
		    "{\"type\":\"appeared\",\"device\":{\"name\":\"d%u@x\","
		    "\"busid\":\"3-2\",\"vid\":\"1209\",\"pid\":\"5a11\","
		    "\"release\":\"0100\",\"class\":\"00:00:00\","
		    "\"interfaces\":[],\"speed\":\"high\","
		    "\"state\":\"busy\"}}\n", i);
	}
	return n;
}

static size_t
make_name(char *dst, size_t size)
{
	int n = snprintf(dst, size, "{\"type\":\"gone\",\"name\":\"");

	memset(dst + n, 'n', 3000);
	return (size_t)n + 3000 + (size_t)snprintf(dst + n + 3000,
	    size - 4000, "\",\"busid\":\"3-2\"}\n");
}

static const struct lie off_lie = {"offered, and then bus 0", LIE_IMPORT, 0,
	"", 0, 0, 0, {{8 + 288, 4, 0}}};
static const struct lie off_face = {"offered, and then a keyboard", LIE_CONFIG,
	1, "", 0, 0, 0, {{48 + 9 + 5, 3, 0x030101}}};

static const struct talk talks[] = {
	{"no JSON", NONE, "hello\n", NULL, 0, NULL},
	{"an empty line", CONTROL, "\n", NULL, 0, NULL},
	{"bytes of chance", CONTROL, "\x80\xff\x01\x02\xfe\n", NULL, 0, NULL},
	{"NUL bytes", CONTROL, "{\"type\":\0\"gone\"}\n", NULL, 18, NULL},
	{"a line without end", "a line too long", NULL, make_long, 0, NULL},
	{"16,000 brackets", NONE, NULL, make_deep, 0, NULL},
	{"no type", NONE, "{}\n", NULL, 0, NULL},
	{"a type that is a number", NONE, "{\"type\":1}\n", NULL, 0, NULL},
	{"an array", NONE, "[]\n", NULL, 0, NULL},
	{"two types", NONE, "{\"type\":\"gone\",\"type\":\"hello\"}\n", NULL, 0,
	    NULL},
	{"another version", "another version",
	    "{\"type\":\"hello\",\"protocol\":2}\n", NULL, 0, NULL},
	{"a version of 2^64", NONE,
	    "{\"type\":\"hello\",\"protocol\":18446744073709551617}\n", NULL, 0,
	    NULL},
	{"devices that are none", NONE,
	    "{\"type\":\"devices\",\"devices\":[1,2,3]}\n", NULL, 0, NULL},
	{"devices that are an object", NONE,
	    "{\"type\":\"devices\",\"devices\":{}}\n", NULL, 0, NULL},
	{"a path for a bus id", NONE,
	    "{\"type\":\"gone\",\"name\":\"a@b\",\"busid\":\"../../x\"}\n",
	    NULL, 0, NULL},
	{"an escape in a name", NONE,
	    "{\"type\":\"gone\",\"name\":\"a\\u001b[2J\",\"busid\":\"3-2\"}\n",
	    NULL, 0, NULL},
	{"a name of 3,000 bytes", NONE, NULL, make_name, 0, NULL},
	{"a NUL in a name", NONE,
	    "{\"type\":\"gone\",\"name\":\"a\\u0000b\",\"busid\":\"3-2\"}\n",
	    NULL, 0, NULL},
	{"half a surrogate", NONE,
	    "{\"type\":\"message\",\"text\":\"\\ud800\"}\n", NULL, 0, NULL},
	{"a challenge that is none", NONE, "{\"type\":\"challenge\","
	    "\"name\":\"a@b\",\"digits\":\"12; reboot\"}\n", NULL, 0, NULL},
	{"escapes in a message", "says: ", READY
	    "{\"type\":\"message\",\"text\":\"\\u001b[2J\\u001b]0;x\\u0007"
	    "\\n\\rroot: all is well\"}\n", NULL, 0, NULL},
	{"a type of tomorrow", "0 devices are offered",
	    "{\"type\":\"tomorrow\",\"x\":[[]]}\n" READY, NULL, 0, NULL},
	{"4,200 devices", "too many", NULL, make_many, 0, NULL},
	{"offered, and then bus 0", "bus number out of range", OFFER, NULL, 0,
	    &off_lie},
	{"offered, and then a keyboard", "not accepted", OFFER, NULL, 0,
	    &off_face},
};

/* ------------------------------------------------------------------------ */
/* A gateway with events                                                    */

struct speaker {
	struct gw_bed *bed;
	const struct talk *talk;
	int listener;
	uint16_t port;
	struct liar *conns[CONNECTIONS];
	unsigned n;
	unsigned imports;
};

static void
speak(struct speaker *s, struct liar *l)
{
	static char text[2 * 1024 * 1024];
	const struct talk *t = s->talk;
	size_t len;

	gateway_fake_say(&l->fake, HELLO, sizeof(HELLO) - 1);
	if (t->text != NULL) {
		len = t->len > 0 ? t->len : strlen(t->text);
		gateway_fake_say(&l->fake, t->text, len);
	} else {
		len = t->make(text, sizeof(text));
		gateway_fake_say(&l->fake, text, len);
	}
	l->told = 1;
}

static void
turn_conn(struct speaker *s, struct liar *l)
{
	const char *agreed;

	if (!l->fake.is_up) {
		l->is_silent = 1;
		gateway_fake_turn(&l->fake);
		agreed = l->fake.is_up ? tls_alpn(l->fake.stream) : NULL;
		if (agreed != NULL && strcmp(agreed, EVENTS) == 0) {
			l->lie = NULL;
			speak(s, l);
		} else if (l->fake.is_up) {
			l->is_silent = 0;
			s->imports++;
		}
	}
	liar_turn(l);
	if (l->is_silent) {
		/* heartbeats, which nobody reads */
		(void)gateway_fake_hear(&l->fake, gateway_fake_heard(&l->fake));
	}
}

static void
speaker_turn(struct speaker *s)
{
	static const char *const alpn[] = {"usbip", EVENTS, NULL};
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd != -1 && s->n == CONNECTIONS) {
		close_fd(&fd);
	} else if (fd != -1) {
		struct stream *stream =
		    tls_stream_new(s->bed->server, fd, NULL, alpn);
		struct liar *l = malloc(sizeof(*l));

		if (l == NULL || stream == NULL ||
		    liar_init(l, stream, s->talk->lie) != 0) {
			fatalx("attack: a connection");
		}
		s->conns[s->n++] = l;
	}
	for (unsigned i = 0; i < s->n; i++) {
		turn_conn(s, s->conns[i]);
	}
}

static void
speaker_open(struct speaker *s, struct gw_bed *bed, const struct talk *talk)
{
	*s = (struct speaker){.bed = bed, .talk = talk};
	s->listener = gw_listen(&s->port);
}

static void
speaker_close(struct speaker *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		liar_fini(s->conns[i]);
		free(s->conns[i]);
	}
	close_fd(&s->listener);
}

/* ------------------------------------------------------------------------ */
/* The workstation                                                          */

struct station {
	char dir[64];
	pid_t agent;
	char log[LOG_MAX];
};

static void
make_vhci(void)
{
	char rows[2048] = "hub port sta spd dev      sockfd local_busid\n";
	size_t n = strlen(rows);

	for (unsigned i = 0; i < 16; i++) {
		n += (size_t)snprintf(rows + n, sizeof(rows) - n,
		    "%s  %04u 004 000 00000000 000000 0-0\n",
		    i < 8 ? "hs" : "ss", i);
	}
	stage_dirs(VHCI);
	stage_text(VHCI, "nports", "16\n");
	stage_text(VHCI, "status", "%s", rows);
	stage_text(VHCI, "attach", "%s", "");
	stage_text(VHCI, "detach", "%s", "");
}

static void
station_open(struct station *w, const struct gw_bed *bed)
{
	memset(w, 0, sizeof(*w));
	make_vhci();
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/sallyport-attack.XXXXXX");
	if (mkdtemp(w->dir) == NULL) {
		fatal("attack: make a directory in /tmp");
	}
	stage_pem(w->dir, "ca.pem", bed->ca.pem, bed->ca.pem_len);
	stage_pem(w->dir, "cert.pem", bed->workstation.pem,
	    bed->workstation.pem_len);
	stage_pem(w->dir, "key.pem", bed->workstation.key,
	    bed->workstation.key_len);
}

static void
station_close(struct station *w)
{
	stage_remove(w->dir);
}

static void
run_agent(const struct station *w)
{
	static char name[] = "sallyport", agent[] = "agent", cfg[] = "--config";
	char program[PATH_MAX], conf[PATH_MAX], log[PATH_MAX];
	char *const argv[] = {name, agent, cfg, conf, NULL};
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(conf, sizeof(conf), "%s/workstation.conf", w->dir);
	(void)snprintf(log, sizeof(log), "%s/log", w->dir);
	fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1 ||
	    spawn_program(program, sizeof(program), name) == NULL) {
		_exit(126);
	}
	(void)execv(program, argv);
	_exit(127);
}

static void
station_start(struct station *w, const uint16_t *ports, unsigned n)
{
	char lines[256] = "";

	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(lines);

		(void)snprintf(lines + at, sizeof(lines) - at,
		    "attach = 127.0.0.1:%u *\n", ports[i]);
	}
	stage_text(w->dir, "workstation.conf",
	    "[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n"
	    "[agent]\n%s", w->dir, w->dir, w->dir, lines);
	stage_text(w->dir, "log", "%s", ""); /* not that of the one before */
	w->agent = fork();
	if (w->agent == -1) {
		fatal("attack: fork");
	}
	if (w->agent == 0) {
		run_agent(w);
	}
}

static const char *
read_log(struct station *w)
{
	char path[PATH_MAX];
	ssize_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/log", w->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, w->log, sizeof(w->log) - 1);
	}
	close_fd(&fd);
	w->log[n > 0 ? n : 0] = '\0';
	return w->log;
}

/* No byte of the gateway is a terminal's, and sanitizers have nothing to say. */
static void
judge_log(struct station *w, struct scene *scene, const char *what)
{
	for (const char *p = read_log(w); *p != '\0'; p++) {
		if ((*p < 0x20 && *p != '\n') || *p == 0x7f) {
			attack_fails(scene, "%s: the log has byte %02x", what,
			    (unsigned)(uint8_t)*p);
			return;
		}
	}
	if (strstr(w->log, "ERROR: ") != NULL ||
	    strstr(w->log, "runtime error: ") != NULL) {
		attack_fails(scene, "%s: a sanitizer found something", what);
		fputs(w->log, stderr);
	}
}

static void
station_stop(struct station *w, struct scene *scene, const char *what)
{
	struct stat st;
	int status = -1;

	gw_look(scene->bed, w->agent);
	if (waitpid(w->agent, &status, WNOHANG) != 0) {
		attack_fails(scene, "%s: the agent ended", what);
	} else {
		(void)kill(w->agent, SIGTERM);
		for (int ms = 0; ms < GW_MS && status != 0; ms += 10) {
			if (waitpid(w->agent, &status, WNOHANG) != 0) {
				break;
			}
			(void)poll(NULL, 0, 10);
		}
		if (status != 0) {
			attack_fails(scene, "%s: the agent ended with %x",
			    what, (unsigned)status);
			(void)kill(w->agent, SIGKILL);
			(void)waitpid(w->agent, NULL, WNOHANG);
		}
	}
	if (stat(VHCI "/attach", &st) == -1 || st.st_size != 0) {
		attack_fails(scene, "%s: something was attached", what);
	}
	judge_log(w, scene, what);
}

static int
log_gets(struct station *w, const char *text, struct speaker *s, unsigned n)
{
	for (uint64_t end = clock_mono() + GW_MS * CLOCK_MSEC;
	     clock_mono() < end;) {
		for (unsigned i = 0; i < n; i++) {
			speaker_turn(&s[i]);
		}
		if (strstr(read_log(w), text) != NULL) {
			return 1;
		}
		(void)poll(NULL, 0, 5);
	}
	return 0;
}

static void
try_talk(struct scene *scene, struct station *w, const struct talk *talk)
{
	struct speaker s;

	scene->tries++;
	speaker_open(&s, scene->bed, talk);
	station_start(w, &s.port, 1);
	if (!log_gets(w, talk->log, &s, 1)) {
		attack_fails(scene, "%s: the agent's log has no \"%s\"",
		    talk->what, talk->log);
	}
	if (talk->lie != NULL && s.imports == 0) {
		attack_fails(scene, "%s: nothing was imported", talk->what);
	}
	station_stop(w, scene, talk->what);
	speaker_close(&s);
}

/* Who is honest is heard beside one who is not, and one who was not is heard
 * when he is. */
static void
try_both(struct scene *scene, struct station *w)
{
	static const struct talk honest = {
		"an honest gateway beside it", "", READY, NULL, 0, NULL};
	struct speaker s[2];
	char text[64];

	scene->tries++;
	speaker_open(&s[0], scene->bed, &talks[0]);
	speaker_open(&s[1], scene->bed, &honest);
	station_start(w, (const uint16_t[]){s[0].port, s[1].port}, 2);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u: 0 devices are",
	    s[1].port);
	if (!log_gets(w, talks[0].log, s, 2) || !log_gets(w, text, s, 2)) {
		attack_fails(scene, "%s: not heard", honest.what);
	}
	s[0].talk = &honest;
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u: 0 devices are",
	    s[0].port);
	if (!log_gets(w, text, s, 2)) {
		attack_fails(scene, "a gateway that is honest again: not heard");
	}
	station_stop(w, scene, honest.what);
	speaker_close(&s[0]);
	speaker_close(&s[1]);
}

/* What who listens for notices is told at once. */
static const char *
read_notices(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	static char buf[65536];
	size_t used = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%s", NOTICES_SOCKET);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close_fd(&fd);
		return "";
	}
	/* a greeting, and then what is open, without a pause */
	while (used < sizeof(buf) - 1 && poll(&p, 1, GW_MS / 10) > 0) {
		ssize_t n = recv(fd, buf + used, sizeof(buf) - used - 1, 0);

		if (n <= 0) {
			break;
		}
		used += (size_t)n;
	}
	buf[used] = '\0';
	close_fd(&fd);
	return buf;
}

/* The digits of a gateway reach who sits there, also when he comes late. */
static void
try_notices(struct scene *scene, struct station *w)
{
	static const struct talk talk = {"a challenge", "type 4711 on it",
		READY "{\"type\":\"challenge\",\"name\":\"a@b\","
		      "\"digits\":\"4711\",\"within\":60}\n",
		NULL, 0, NULL};
	struct speaker s;

	scene->tries++;
	speaker_open(&s, scene->bed, &talk);
	station_start(w, &s.port, 1);
	if (!log_gets(w, talk.log, &s, 1) ||
	    strstr(read_notices(), "\"name\":\"a@b\",\"text\":\"4711\","
				   "\"within\":60}\n") == NULL) {
		attack_fails(scene, "%s: no notice of it", talk.what);
	}
	station_stop(w, scene, talk.what);
	speaker_close(&s);
}

static void
run_events(struct scene *scene)
{
	struct station w;

	station_open(&w, scene->bed);
	for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
		try_talk(scene, &w, &talks[i]);
	}
	try_both(scene, &w);
	try_notices(scene, &w);
	station_close(&w);
}

const struct attack gw_events = {"gw-events",
	"the agent: lines that are none, offers that are lies", FROM_GATEWAY, 1,
	NULL, run_events};
