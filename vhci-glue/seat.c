#include "vhci-glue/seat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "vhci-glue/desks.h"
#include "vhci-glue/exits.h"

#define SEAT_NAME 33
#define ASK_MS 3000
#define MBIT_SUPER 5000

/* ------------------------------------------------------------------------ */
/* Who                                                                      */

int
seat_is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n > 0 && n < SEAT_NAME && text[n] == '\0';
}

/* Whoever sits there now: 0, or ERR_NOENT. */
static int
ask_logind(char user[257], const char *seat)
{
	struct desks *desks = desks_new(NULL, NULL, NULL);
	uint64_t until = clock_mono() + ASK_MS * CLOCK_MSEC, now;
	const struct ipc_desk *desk;
	int r = ERR_NOENT;

	desks_start(desks, clock_mono());
	while (r != 0 && desks_fd(desks) != -1 &&
	    (now = clock_mono()) < until) {
		struct pollfd p = {.fd = desks_fd(desks), .events = POLLIN};

		if (poll(&p, 1, (int)((until - now) / CLOCK_MSEC) + 1) > 0) {
			desks_hear(desks, now);
		}
		for (size_t i = 0; (desk = desks_at(desks, i)) != NULL; i++) {
			if (strcmp(desk->seat, seat) == 0 &&
			    desk->user[0] != '\0') {
				(void)snprintf(user, 257, "%s", desk->user);
				r = 0;
			}
		}
	}
	desks_free(desks);
	return r;
}

int
seat_find(struct seat *out, const struct opts *opts)
{
	const char *user = opts->user;
	const struct passwd *pw;
	char found[257], safe[300];

	*out = (struct seat){
		.uid = (uid_t)-1, .name = opts->seat != NULL ? opts->seat : ""};
	if (opts->seat != NULL && !seat_is_name(opts->seat)) {
		log_warnx("attach: --seat: no such seat can be; `loginctl "
			  "list-seats` has their names");
		return EXITS_USAGE;
	}
	if (user == NULL && opts->seat == NULL) {
		return 0;
	}
	if (user == NULL) {
		if (ask_logind(found, opts->seat) != 0) {
			log_warnx("attach: --seat: nobody sits at %s; name "
				  "who may have the device with --user",
			    opts->seat);
			return EXITS_NOT_FOUND;
		}
		user = found;
	}
	pw = getpwnam(user);
	if (pw == NULL) {
		log_escape(safe, sizeof(safe), user, strlen(user));
		log_warnx("attach: --user: %s: no such user", safe);
		return EXITS_USAGE;
	}
	out->uid = pw->pw_uid;
	(void)snprintf(out->user, sizeof(out->user), "%s", user);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Where                                                                    */

/* A number of an attribute, or 0. */
static unsigned
read_number(int dir, const char *name)
{
	char text[16] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, text, sizeof(text) - 1) : -1;

	close_fd(&fd);
	return n > 0 ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* The number of the bus of that hub below a controller's directory, or 0. */
static unsigned
find_bus(const char *path, enum vhci_hub hub)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	unsigned bus = 0;

	while (dir != NULL && bus == 0 && (e = readdir(dir)) != NULL) {
		unsigned long number;
		unsigned speed;
		char *end;
		int fd;

		if (strncmp(e->d_name, "usb", 3) != 0) {
			continue;
		}
		number = strtoul(e->d_name + 3, &end, 10);
		if (*end != '\0' || number == 0 || number > 65535) {
			continue;
		}
		fd = openat(dirfd(dir), e->d_name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		speed = fd != -1 ? read_number(fd, "speed") : 0;
		close_fd(&fd);
		if (speed != 0 &&
		    (speed >= MBIT_SUPER) == (hub == VHCI_SS)) {
			bus = (unsigned)number;
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
	return bus;
}

/* Controllers are vhci_hcd.0, .1, ..., without a gap, and have as many ports
 * each; a port's number on its hub is its place among those of it. */
int
seat_local(char out[VHCI_BUSID], const char *platform,
    const struct vhci *vhci, const struct vhci_port *port)
{
	size_t at = (size_t)(port - vhci->ports), begin;
	unsigned ncontrollers = 0, bus, place = 1;
	char path[256];
	struct stat st;

	do {
		(void)snprintf(path, sizeof(path), "%s/vhci_hcd.%u", platform,
		    ncontrollers);
	} while (stat(path, &st) == 0 && ++ncontrollers < VHCI_MAX_PORTS);
	if (ncontrollers == 0 || vhci->n < ncontrollers) {
		return ERR_NOENT;
	}
	begin = at - at % (vhci->n / ncontrollers);
	for (size_t i = begin; i < at; i++) {
		place += vhci->ports[i].hub == port->hub;
	}
	(void)snprintf(path, sizeof(path), "%s/vhci_hcd.%zu", platform,
	    begin / (vhci->n / ncontrollers));
	bus = find_bus(path, port->hub);
	if (bus == 0) {
		return ERR_NOENT;
	}
	(void)snprintf(out, VHCI_BUSID, "%u-%u", bus, place);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The rule                                                                 */

char *
seat_rule(char *dst, size_t size, const char *local, const struct seat *seat)
{
	int n = snprintf(dst, size,
	    "DEVPATH==\"/devices/platform/vhci_hcd.*\", SUBSYSTEMS==\"usb\", "
	    "KERNELS==\"%s\", OWNER:=\"%u\", MODE:=\"0600\"",
	    local, (unsigned)seat->uid);

	if (n > 0 && (size_t)n < size && *seat->name != '\0') {
		n += snprintf(dst + n, size - (size_t)n,
		    ", ENV{ID_SEAT}=\"%s\", TAG+=\"seat\"", seat->name);
	}
	if (n > 0 && (size_t)n < size) {
		n += snprintf(dst + n, size - (size_t)n, "\n");
	}
	return n > 0 && (size_t)n < size ? dst : NULL;
}

static void
rule_path(char path[128], unsigned port, const char *end)
{
	(void)snprintf(
	    path, 128, SEAT_RULES "/70-sallyport-port%u.rules%s", port, end);
}

/* udev also looks by itself, but only every three seconds. */
static int
reload(void)
{
	static const char *const paths[] = {"/usr/bin/udevadm", "/bin/udevadm"};
	static const char *const argv[] = {
		"udevadm", "control", "--reload", NULL};
	struct spawn spawn = {
		.argv = argv, .uid = (uid_t)-1, .gid = (gid_t)-1};
	int status = -1;
	pid_t pid = -1;

	for (size_t i = 0; i < ARRAY_LEN(paths) && pid == -1; i++) {
		spawn.path = paths[i];
		pid = spawn_child(&spawn);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0) {
		log_warnx("attach: --user: udev does not read its rules; is "
			  "systemd-udevd running? `udevadm control --reload` "
			  "may tell");
		return -1;
	}
	return 0;
}

static int
write_rule(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	int r = fd != -1 && write(fd, text, len) == (ssize_t)len ? 0 : -1;

	close_fd(&fd);
	return r;
}

int
seat_set(const struct seat *seat, const struct vhci *vhci,
    const struct vhci_port *port)
{
	char local[VHCI_BUSID], text[SEAT_RULE_MAX], path[128], made[128];

	rule_path(path, port->port, "");
	if (seat->uid == (uid_t)-1) {
		return unlink(path) == -1 ? 0 : reload();
	}
	if (seat_local(local, SEAT_PLATFORM, vhci, port) != 0 ||
	    seat_rule(text, sizeof(text), local, seat) == NULL) {
		log_warnx("attach: --user: port %u: which bus it is on cannot "
			  "be seen below " SEAT_PLATFORM,
		    port->port);
		return -1;
	}
	(void)mkdir("/run/udev", 0755);
	(void)mkdir(SEAT_RULES, 0755);
	rule_path(made, port->port, ".new");
	if (write_rule(made, text) != 0 || rename(made, path) == -1) {
		log_warn("attach: --user: write %s", path);
		return -1;
	}
	return reload();
}

void
seat_clear(unsigned port)
{
	char path[128];

	rule_path(path, port, "");
	(void)unlink(path); /* udev finds out by itself, in time */
}
