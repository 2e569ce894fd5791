/*
 * sallyport-notify: shows what the agent of this workstation has to say to who
 * sits here, as notifications of the desktop (org.freedesktop.Notifications) or
 * as lines. Runs as that user; it has no key, no right to plug anything, and says
 * nothing to the agent, which lets it listen while its user sits at a desktop.
 *
 * The lines are the agent's, texts in them a gateway's, escaped to printable
 * ASCII: here they only must not become markup, nor too many.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/notices.h"

#define SERVER "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"
#define CALL_USEC 5000000u
#define AGAIN_MS 1000
#define SHOWN 32 /* devices whose notification a later one replaces */
/* So many at once, and then one in that time; what is more is not shown. */
#define BURST 16u
#define PACE CLOCK_SEC
#define BODY 4096

struct told {
	char *device; /* gateway and name; owned; NULL = free */
	uint32_t id;
};

static struct told told[SHOWN];
static size_t next_told;
static unsigned missed;

/* ------------------------------------------------------------------------ */
/* Words                                                                    */

static const char *
text_of(json_t *o, const char *member)
{
	const char *text = json_string_value(json_object_get(o, member));

	return text != NULL ? text : "";
}

/* What is shown; urgency and time are of the specification of notifications. */
struct shown {
	char summary[128], body[BODY];
	uint8_t urgency; /* 0 low, 1 normal, 2 critical */
	int32_t ms;	 /* -1: as the desktop likes, 0: until it is closed */
};

static void
word_challenge(struct shown *s, const char *device, const char *digits,
    json_int_t within)
{
	if (*digits == '\0') {
		(void)snprintf(
		    s->summary, sizeof(s->summary), "USB device may be used");
		(void)snprintf(s->body, sizeof(s->body), "%s", device);
		return;
	}
	(void)snprintf(s->summary, sizeof(s->summary),
	    "Type %.64s on the USB keyboard", digits);
	s->urgency = 2;
	s->ms = 0;
	if (within > 0 && within <= 65535) {
		s->ms = (int32_t)within * 1000;
		(void)snprintf(s->body, sizeof(s->body),
		    "and then Enter, within %d seconds: %s", (int)within,
		    device);
	} else {
		(void)snprintf(s->body, sizeof(s->body), "and then Enter: %s",
		    device);
	}
}

/* 0, or -1: nothing that is shown. */
static int
word(struct shown *s, json_t *o)
{
	const char *event = text_of(o, "event"), *text = text_of(o, "text");
	const char *device = text_of(o, "device");
	const char *summary;

	*s = (struct shown){.urgency = 1, .ms = -1};
	device = *device != '\0' ? device : text_of(o, "name");
	if (strcmp(event, "challenge") == 0) {
		word_challenge(s, device, text,
		    json_integer_value(json_object_get(o, "within")));
		return 0;
	}
	if (strcmp(event, "attached") == 0) {
		summary = "USB device attached";
		s->urgency = 0;
	} else if (strcmp(event, "unplugged") == 0) {
		summary = "USB device unplugged";
		s->urgency = 0;
	} else if (strcmp(event, "refused") == 0) {
		summary = "USB device not attached";
	} else if (strcmp(event, "approval") == 0) {
		summary = "USB device waits for approval";
	} else if (strcmp(event, "message") == 0) {
		summary = "Message of the USB gateway";
	} else {
		return -1;
	}
	(void)snprintf(s->summary, sizeof(s->summary), "%s", summary);
	(void)snprintf(s->body, sizeof(s->body), "%s%s%s%s", device,
	    *device != '\0' && *text != '\0' ? ": " : "",
	    strcmp(event, "approval") == 0 ? "by " : "", text);
	return 0;
}

/* Where servers take markup, no text of a gateway's is any. */
static const char *
without_markup(char *dst, size_t size, const char *text)
{
	size_t used = 0;

	for (const char *p = text; *p != '\0'; p++) {
		const char one[2] = {*p, '\0'};
		const char *as = *p == '&' ? "&amp;"
		    : *p == '<'		   ? "&lt;"
		    : *p == '>'		   ? "&gt;"
					   : one;

		if (used + strlen(as) >= size) {
			break;
		}
		memcpy(dst + used, as, strlen(as));
		used += strlen(as);
	}
	dst[used] = '\0';
	return dst;
}

/* ------------------------------------------------------------------------ */
/* The desktop                                                              */

/* Which a notification is to replace: its place, or NULL for want of memory. */
static struct told *
told_of(json_t *o)
{
	char *device = NULL;
	struct told *t;

	if (asprintf(&device, "%s %s", text_of(o, "gateway"),
		text_of(o, "name")) < 0) {
		return NULL;
	}
	for (size_t i = 0; i < SHOWN; i++) {
		if (told[i].device != NULL &&
		    strcmp(told[i].device, device) == 0) {
			free(device);
			return &told[i];
		}
	}
	t = &told[next_told++ % SHOWN];
	free(t->device);
	*t = (struct told){.device = device};
	return t;
}

/* Whether bodies are markup: asked each time, as servers come and go. */
static int
has_markup(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	const char *name;
	int has = 0;
	int r = sd_bus_call_method(
	    bus, SERVER, PATH, SERVER, "GetCapabilities", NULL, &reply, "");

	if (r >= 0) {
		r = sd_bus_message_enter_container(reply, 'a', "s");
	}
	while (r >= 0 && (r = sd_bus_message_read(reply, "s", &name)) > 0) {
		has |= strcmp(name, "body-markup") == 0;
	}
	sd_bus_message_unref(reply);
	return r < 0 ? r : has;
}

static int
show(sd_bus *bus, const struct shown *s, uint32_t *id)
{
	sd_bus_message *reply = NULL;
	char body[BODY];
	int r = has_markup(bus);

	if (r < 0) {
		return r;
	}
	r = sd_bus_call_method(bus, SERVER, PATH, SERVER, "Notify", NULL,
	    &reply, "susssasa{sv}i", "Sallyport", *id,
	    "drive-removable-media", s->summary,
	    r > 0 ? without_markup(body, sizeof(body), s->body) : s->body, 0,
	    2, "urgency", "y", s->urgency, "category", "s", "device", s->ms);
	if (r >= 0) {
		r = sd_bus_message_read(reply, "u", id);
	}
	sd_bus_message_unref(reply);
	return r;
}

/* Whether one more may be shown now. */
static int
may_show(void)
{
	static uint64_t paid; /* that time is used up */
	uint64_t now = clock_mono();

	if (paid + BURST * PACE < now) {
		paid = now - BURST * PACE;
	}
	if (paid > now) {
		if (missed++ == 0) {
			log_warnx("too much to say: not all of it is shown");
		}
		return 0;
	}
	missed = 0;
	paid += PACE;
	return 1;
}

static void
on_line(sd_bus *bus, const char *line)
{
	static int is_said;
	static struct shown s;
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	struct told *t;
	int r;

	if (bus == NULL) {
		(void)puts(line);
		(void)fflush(stdout);
	} else if (json_is_object(o) && word(&s, o) == 0 && may_show() &&
	    (t = told_of(o)) != NULL) {
		r = show(bus, &s, &t->id);
		if (r < 0 && !is_said) {
			log_warnx("notifications: %s: nothing is shown",
			    strerror(-r));
		}
		is_said = r < 0;
	}
	json_decref(o);
}

/* ------------------------------------------------------------------------ */
/* The agent                                                                */

struct reader {
	char in[NOTICES_LINE];
	size_t used;
};

/* 0; -1: it left, or says what is none of its lines. */
static int
hear(int fd, struct reader *r, sd_bus *bus)
{
	ssize_t n = recv(fd, r->in + r->used, sizeof(r->in) - r->used, 0);
	char *end;

	if (n <= 0) {
		return n == -1 && errno == EINTR ? 0 : -1;
	}
	r->used += (size_t)n;
	while ((end = memchr(r->in, '\n', r->used)) != NULL) {
		size_t len = (size_t)(end - r->in) + 1;

		*end = '\0';
		on_line(bus, r->in);
		memmove(r->in, r->in + len, r->used - len);
		r->used -= len;
	}
	return r->used < sizeof(r->in) ? 0 : -1;
}

static int
dial(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close_fd(&fd);
	}
	return fd;
}

/* Until the agent leaves. 0, or -1: the bus left. */
static int
listen_on(int fd, sd_bus *bus)
{
	static struct reader reader;

	reader.used = 0;
	for (;;) {
		struct pollfd p[2] = {
			{.fd = fd, .events = POLLIN},
			{.fd = bus != NULL ? sd_bus_get_fd(bus) : -1,
			    .events = POLLIN},
		};
		int r = 0;

		while (bus != NULL && (r = sd_bus_process(bus, NULL)) > 0) {
		}
		if (r < 0) {
			return -1;
		}
		if (poll(p, 2, -1) > 0 && p[0].revents != 0 &&
		    hear(fd, &reader, bus) != 0) {
			return 0;
		}
	}
}

static int
work(const char *path, sd_bus *bus)
{
	int is_said = 0;

	for (;;) {
		uint64_t since = clock_mono();
		int fd = dial(path), r = 0;

		if (fd != -1) {
			r = listen_on(fd, bus);
			close_fd(&fd);
		}
		if (r != 0) {
			log_warnx("the desktop's bus is gone");
			return EXITS_FAILED;
		}
		if (clock_mono() - since >= CLOCK_SEC) {
			is_said = 0;
		} else if (!is_said) {
			log_infox("%s: no agent, or nobody sits here: waits",
			    path);
			is_said = 1;
		}
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

/* ------------------------------------------------------------------------ */

static int
open_bus(sd_bus **out, const char *address)
{
	int r;

	if (address == NULL) {
		r = sd_bus_open_user(out);
	} else {
		r = sd_bus_new(out);
		if (r >= 0) {
			r = sd_bus_set_address(*out, address);
		}
		if (r >= 0) {
			r = sd_bus_set_bus_client(*out, 1);
		}
		if (r >= 0) {
			r = sd_bus_start(*out);
		}
	}
	return r >= 0 ? sd_bus_set_method_call_timeout(*out, CALL_USEC) : r;
}

static void
drop_rights(void)
{
	const struct rlimit none = {0, 0}, files = {32, 32};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 ||
	    setrlimit(RLIMIT_NOFILE, &files) == -1) {
		fatal("drop rights");
	}
}

int
main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int is_json, r;

	log_init("sallyport-notify");
	is_json = argc > 1 && strcmp(argv[1], "--json") == 0;
	if (argc < 2 || argc > 4 ||
	    (!is_json && strcmp(argv[1], "--bus") != 0)) {
		(void)fprintf(
		    stderr, "sallyport-notify is `sallyport notify'\n");
		return EXITS_USAGE;
	}
	drop_rights();
	(void)signal(SIGPIPE, SIG_DFL); /* whoever reads its lines left */
	if (!is_json) {
		r = open_bus(&bus, argc > 3 ? argv[3] : NULL);
		if (r < 0) {
			log_warnx("the desktop's bus: %s", strerror(-r));
			return EXITS_FAILED;
		}
	}
	r = work(argc > 2 ? argv[2] : NOTICES_SOCKET, bus);
	sd_bus_flush_close_unref(bus);
	return r;
}
