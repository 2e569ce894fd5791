/*
 * Notes about attached ports, below /run. Written by root only; read by anyone
 * who asks for status, with every value checked on the way in. A directory that
 * somebody else could write to is not used.
 */
#include "vhci-glue/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "wire/usbip_check.h"

#define NOTE_MAX 8192u
#define NAME_SIZE 16

/* Makes dir's parent and dir, opens dir. */
static int
open_dir(const char *dir, int *out)
{
	char parent[512];
	const char *slash = strrchr(dir, '/');
	struct stat st;
	int fd;

	if (slash != NULL && slash != dir &&
	    (size_t)(slash - dir) < sizeof(parent)) {
		memcpy(parent, dir, (size_t)(slash - dir));
		parent[slash - dir] = '\0';
		(void)mkdir(parent, 0755);
	}
	if (mkdir(dir, 0755) == -1 && errno != EEXIST) {
		return ERR_SYS;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		return ERR_SYS;
	}
	if (fstat(fd, &st) == -1 || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0) {
		close_fd(&fd);
		return ERR_POLICY;
	}
	*out = fd;
	return 0;
}

static char *
note_text(const struct ports_note *note)
{
	char vid[8], pid[8];
	json_t *root;
	char *text;

	(void)snprintf(vid, sizeof(vid), "%04x", note->vid);
	(void)snprintf(pid, sizeof(pid), "%04x", note->pid);
	root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, "
	    "s:b, s:s, s:s}",
	    "port", (int)note->port, "gateway", note->gateway, "busid", note->busid,
	    "vid", vid, "pid", pid, "devid", (json_int_t)note->devid, "relay",
	    (json_int_t)note->relay, "since", note->since, "name",
	    note->name, "agent", note->is_agents, "user", note->user, "seat",
	    note->seat);
	if (root == NULL) {
		return NULL;
	}
	text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

static int
write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return ERR_SYS;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
replace(int dir, const char *name, const char *text)
{
	static const char temporary[] = ".new";
	int fd, r;

	(void)unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		return ERR_SYS;
	}
	r = fchmod(fd, 0644) == -1 ? ERR_SYS
				   : write_all(fd, text, strlen(text));
	close_fd(&fd);
	if (r == 0 && renameat(dir, temporary, dir, name) == -1) {
		r = ERR_SYS;
	}
	return r;
}

int
ports_write(const char *dir, const struct ports_note *note)
{
	char name[NAME_SIZE];
	char *text = note_text(note);
	int fd = -1, r;

	if (text == NULL) {
		return ERR_NOMEM;
	}
	(void)snprintf(name, sizeof(name), "%u", note->port);
	r = open_dir(dir, &fd);
	if (r == 0) {
		r = replace(fd, name, text);
	}
	close_fd(&fd);
	free(text);
	return r;
}

static int
is_hex16(const char *s, uint16_t *out)
{
	char *end;
	unsigned long n = strtoul(s, &end, 16);

	*out = (uint16_t)n;
	return strlen(s) == 4 && *end == '\0';
}

static int
note_of(const json_t *root, struct ports_note *out)
{
	const char *gateway, *busid, *vid, *pid, *since, *name = "";
	const char *user = "", *seat = "";
	json_int_t devid, relay;
	int port;

	if (json_unpack((json_t *)(uintptr_t)root,
		"{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s?s, "
		"s?b, s?s, s?s}",
		"port", &port,
		"gateway", &gateway, "busid", &busid, "vid", &vid, "pid", &pid,
		"devid", &devid, "relay", &relay, "since", &since, "name", &name,
		"agent", &out->is_agents, "user", &user, "seat", &seat) != 0 ||
	    strlen(user) >= sizeof(out->user) ||
	    strlen(seat) >= sizeof(out->seat) ||
	    strlen(name) >= sizeof(out->name) ||
	    port != (int)out->port || strlen(gateway) >= GATEWAY_TEXT ||
	    strlen(busid) >= USBIP_BUSID_SIZE ||
	    strlen(since) >= sizeof(out->since) || devid < 0 ||
	    devid > UINT32_MAX || relay <= 0 || relay > INT32_MAX ||
	    !is_hex16(vid, &out->vid) || !is_hex16(pid, &out->pid)) {
		return ERR_FORMAT;
	}
	(void)snprintf(out->gateway, sizeof(out->gateway), "%s", gateway);
	(void)snprintf(out->busid, sizeof(out->busid), "%s", busid);
	(void)snprintf(out->since, sizeof(out->since), "%s", since);
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	(void)snprintf(out->user, sizeof(out->user), "%s", user);
	(void)snprintf(out->seat, sizeof(out->seat), "%s", seat);
	out->devid = (uint32_t)devid;
	out->relay = (pid_t)relay;
	return usbip_check_busid(out->busid);
}

int
ports_read(const char *dir, unsigned port, struct ports_note *out)
{
	char path[512];
	uint8_t *data = NULL;
	size_t len = 0;
	json_t *root;
	int n = snprintf(path, sizeof(path), "%s/%u", dir, port);
	int r;

	memset(out, 0, sizeof(*out));
	out->port = port;
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return ERR_LIMIT;
	}
	r = file_read(path, NOTE_MAX, FILE_PUBLIC, &data, &len);
	if (r != 0) {
		return r;
	}
	root = json_loadb((const char *)data, len, 0, NULL);
	free(data);
	if (root == NULL) {
		return ERR_FORMAT;
	}
	r = note_of(root, out);
	json_decref(root);
	return r;
}

void
ports_remove(const char *dir, unsigned port)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s/%u", dir, port);

	if (n > 0 && (size_t)n < sizeof(path)) {
		(void)unlink(path);
	}
}

/* A process of that number that is a relay. */
static int
is_relay(pid_t pid)
{
	static const char name[] = "sallyport-relay\n"; /* comm: 15 at most */
	char path[64];
	uint8_t *data = NULL;
	size_t len = 0;
	int is_it;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_read(path, 64, FILE_PUBLIC, &data, &len) != 0) {
		return 0;
	}
	is_it = len == sizeof(name) - 1 && memcmp(data, name, len) == 0;
	free(data);
	return is_it;
}

int
ports_is_current(const struct ports_note *note, const struct vhci_port *port)
{
	if (port->state != VHCI_USED && port->state != VHCI_NOT_ASSIGNED) {
		return 0;
	}
	/* The kernel shows the device only once it is enumerated. */
	if (port->state == VHCI_USED && port->devid != note->devid) {
		return 0;
	}
	return is_relay(note->relay);
}
