/*
 * sallyport-desks: asks systemd-logind who sits at the desktops of this
 * workstation and whether their screens are locked, and says so to its parent,
 * `sallyport agent`, in messages of fixed form (wire/ipc.h, ipc_desk). Runs under
 * an unprivileged uid from its first instruction; descriptor 3 is its parent. On
 * any signal of logind's it asks for everything again: that is rare, and there is
 * no state to get wrong.
 *
 * logind, org.freedesktop.login1(5): a seat has one active session at most. One
 * of class "greeter" means that nobody has logged in. Sessions without a seat
 * count when they are graphical: those of VDI and remote desktops.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "vhci-glue/confine.h"
#include "vhci-glue/exits.h"
#include "wire/ipc.h"

#define PARENT_FD 3
#define PARENT_MS 10000
#define CALL_USEC 5000000u
/* A gateway lets go of whoever says more than 100 lines in 10 seconds, and may
 * hear of all desktops once more when the agent is new to it: so many at once,
 * and then one in that time. */
#define BURST IPC_DESKS
#define PACE (CLOCK_SEC / 3)

#define LOGIND "org.freedesktop.login1"

/* What is sent of it, in this order. */
struct desks {
	size_t n;
	struct ipc_desk desk[IPC_DESKS];
};

static struct desks told, now;
static int is_stale = 1; /* logind said something since it was asked */

static int
on_signal(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	(void)m;
	(void)arg;
	(void)error;
	is_stale = 1;
	return 0;
}

static int
is_name(const char *text, size_t size)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if (text[i] <= ' ' || text[i] > '~') {
			return 0;
		}
	}
	return n > 0 && n < size;
}

/* The properties of a session that matter. */
struct facts {
	char class[16], type[16], state[16], user[257];
	int is_active, is_locked;
};

static int
read_text(sd_bus_message *m, char *out, size_t size)
{
	const char *text;
	int r = sd_bus_message_read(m, "v", "s", &text);

	if (r >= 0) {
		/* a name that we do not pass on is nobody's */
		(void)snprintf(
		    out, size, "%s", is_name(text, size) ? text : "");
	}
	return r;
}

static int
read_property(sd_bus_message *m, const char *name, struct facts *f)
{
	if (strcmp(name, "Class") == 0) {
		return read_text(m, f->class, sizeof(f->class));
	}
	if (strcmp(name, "Type") == 0) {
		return read_text(m, f->type, sizeof(f->type));
	}
	if (strcmp(name, "State") == 0) {
		return read_text(m, f->state, sizeof(f->state));
	}
	if (strcmp(name, "Name") == 0) {
		return read_text(m, f->user, sizeof(f->user));
	}
	if (strcmp(name, "Active") == 0) {
		return sd_bus_message_read(m, "v", "b", &f->is_active);
	}
	if (strcmp(name, "LockedHint") == 0) {
		return sd_bus_message_read(m, "v", "b", &f->is_locked);
	}
	return sd_bus_message_skip(m, "v");
}

static int
read_facts(sd_bus_message *m, struct facts *f)
{
	const char *name;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 &&
	    (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &name);
		if (r >= 0) {
			r = read_property(m, name, f);
		}
		if (r >= 0) {
			r = sd_bus_message_exit_container(m);
		}
	}
	return r;
}

/* < 0: it went away meanwhile, or is none of logind's. */
static int
ask_session(sd_bus *bus, const char *path, struct facts *f)
{
	sd_bus_message *reply = NULL;
	int r = sd_bus_call_method(bus, LOGIND, path,
	    "org.freedesktop.DBus.Properties", "GetAll", NULL, &reply, "s",
	    LOGIND ".Session");

	memset(f, 0, sizeof(*f));
	if (r >= 0) {
		r = read_facts(reply, f);
	}
	sd_bus_message_unref(reply);
	return r;
}

static int
is_graphical(const struct facts *f)
{
	return strcmp(f->type, "x11") == 0 || strcmp(f->type, "wayland") == 0 ||
	    strcmp(f->type, "mir") == 0;
}

/* Whether the session is a desktop; its seat, of size IPC_DESK's. */
static int
is_desktop(const struct facts *f, const char *id, const char *seat,
    struct ipc_desk *desk)
{
	if (strcmp(f->state, "closing") == 0) {
		return 0;
	}
	if (*seat != '\0') {
		(void)snprintf(desk->seat, sizeof(desk->seat), "%s",
		    is_name(seat, sizeof(desk->seat)) ? seat : "");
		return f->is_active && desk->seat[0] != '\0';
	}
	if (!is_graphical(f) || !is_name(id, sizeof(desk->seat) - 8)) {
		return 0;
	}
	(void)snprintf(desk->seat, sizeof(desk->seat), "session-%s", id);
	return 1;
}

static void
add_session(sd_bus *bus, const char *id, const char *seat, const char *path)
{
	struct ipc_desk *desk = &now.desk[now.n];
	struct facts f;

	if (now.n == IPC_DESKS || ask_session(bus, path, &f) < 0) {
		return;
	}
	memset(desk, 0, sizeof(*desk));
	if (!is_desktop(&f, id, seat, desk)) {
		return;
	}
	desk->lock = f.is_locked ? IPC_DESK_LOCKED : IPC_DESK_UNLOCKED;
	if (strcmp(f.class, "user") == 0) {
		(void)snprintf(
		    desk->user, sizeof(desk->user), "%s", f.user);
	} else {
		desk->lock = IPC_DESK_LOCKED; /* waits for somebody to log in */
	}
	now.n++;
}

/* All desktops into now. 0; or < 0: logind does not answer. */
static int
ask_all(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	const char *id, *user, *seat, *path;
	uint32_t uid;
	int r = sd_bus_call_method(bus, LOGIND, "/org/freedesktop/login1",
	    LOGIND ".Manager", "ListSessions", NULL, &reply, "");

	now.n = 0;
	if (r >= 0) {
		r = sd_bus_message_enter_container(reply, 'a', "(susso)");
	}
	while (r >= 0 &&
	    (r = sd_bus_message_read(
		 reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0) {
		add_session(bus, id, seat, path);
	}
	sd_bus_message_unref(reply);
	return r;
}

/* Waits until one more may be said. */
static void
keep_pace(void)
{
	static uint64_t paid; /* that time is used up */
	const struct timespec nap = {0, 50000000};
	uint64_t t;

	while ((t = clock_mono()) < paid) {
		(void)nanosleep(&nap, NULL);
	}
	if (paid + BURST * PACE < t) {
		paid = t - BURST * PACE;
	}
	paid += PACE;
}

static int
tell(const struct ipc_desk *desk)
{
	uint8_t buf[512];
	int n = ipc_encode_desk(buf, sizeof(buf), desk);

	keep_pace();
	return n < 0 ? n
		     : channel_send_wait(PARENT_FD, IPC_RELAY_DESK, 0, buf,
			   (size_t)n, -1, PARENT_MS);
}

static const struct ipc_desk *
find(const struct desks *desks, const char *seat)
{
	for (size_t i = 0; i < desks->n; i++) {
		if (strcmp(desks->desk[i].seat, seat) == 0) {
			return &desks->desk[i];
		}
	}
	return NULL;
}

/* What changed; what is gone first, to make room. */
static int
tell_changes(void)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < told.n; i++) {
		if (find(&now, told.desk[i].seat) == NULL) {
			struct ipc_desk gone = {0};

			memcpy(gone.seat, told.desk[i].seat, sizeof(gone.seat));
			r = tell(&gone);
		}
	}
	for (size_t i = 0; r == 0 && i < now.n; i++) {
		const struct ipc_desk *was = find(&told, now.desk[i].seat);

		if (was == NULL || was->lock != now.desk[i].lock ||
		    strcmp(was->user, now.desk[i].user) != 0) {
			r = tell(&now.desk[i]);
		}
	}
	told = now;
	return r;
}

/* Once: why nothing is said. */
static void
say_trouble(int r)
{
	static int is_said;

	if (!is_said) {
		log_warnx("logind: %s; nothing is known of desktops",
		    strerror(-r));
		is_said = 1;
	}
}

static int
look(sd_bus *bus)
{
	int r;

	is_stale = 0;
	r = ask_all(bus);
	if (r < 0) {
		say_trouble(r);
		now.n = 0;
	}
	return tell_changes();
}

/* Until the parent leaves, or the bus does. */
static int
work(sd_bus *bus)
{
	for (;;) {
		struct pollfd p[2] = {
			{.fd = sd_bus_get_fd(bus)},
			{.fd = PARENT_FD, .events = POLLIN},
		};
		int r = sd_bus_process(bus, NULL);

		if (r < 0) {
			say_trouble(r);
			return EXITS_FAILED;
		}
		if (r > 0) {
			continue;
		}
		if (is_stale) {
			if (look(bus) != 0) {
				return EXITS_OK; /* the parent left */
			}
			continue;
		}
		p[0].events = (short)sd_bus_get_events(bus);
		if (poll(p, 2, -1) == -1 && errno != EINTR) {
			return EXITS_FAILED;
		}
		if (p[1].revents != 0) {
			return EXITS_OK; /* it left; it has nothing to say */
		}
	}
}

static int
open_bus(sd_bus **out, const char *address)
{
	int r;

	if (address == NULL) {
		return sd_bus_open_system(out);
	}
	r = sd_bus_new(out);
	if (r >= 0) {
		r = sd_bus_set_address(*out, address);
	}
	if (r >= 0) {
		r = sd_bus_set_bus_client(*out, 1);
	}
	return r >= 0 ? sd_bus_start(*out) : r;
}

int
main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int r;

	log_init("sallyport-desks");
	if (argc < 2 || argc > 3 || strcmp(argv[1], "logind") != 0 ||
	    fcntl(PARENT_FD, F_SETFD, FD_CLOEXEC) == -1) {
		(void)fprintf(stderr,
		    "sallyport-desks is started by `sallyport agent`, not by "
		    "hand\n");
		return EXITS_USAGE;
	}
	if (geteuid() == 0) {
		fatalx("refuses to run as root: `sallyport agent` starts it");
	}
	r = open_bus(&bus, argv[2]);
	confine_desks();
	if (r >= 0) {
		r = sd_bus_set_method_call_timeout(bus, CALL_USEC);
	}
	/* also that logind itself came or went: the bus says so */
	if (r >= 0) {
		r = sd_bus_match_signal(
		    bus, NULL, LOGIND, NULL, NULL, NULL, on_signal, NULL);
	}
	if (r >= 0) {
		r = sd_bus_add_match(bus, NULL,
		    "type='signal',sender='org.freedesktop.DBus',"
		    "member='NameOwnerChanged',arg0='" LOGIND "'",
		    on_signal, NULL);
	}
	if (r < 0) {
		say_trouble(r);
		return EXITS_FAILED;
	}
	r = work(bus);
	sd_bus_flush_close_unref(bus);
	return r;
}
