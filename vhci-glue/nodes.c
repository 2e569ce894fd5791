/*
 * Below each interface's directory there is one for each thing that a driver
 * registered, in a directory of the name of its class: block/sdb, input/input7,
 * tty/ttyACM0. What has a node says so in its uevent. Links are not followed.
 */
#include "vhci-glue/nodes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define DEPTH 12
#define ENTRIES 512 /* of one directory */

/* HAS_NODE: called by its node; NAMED: by its own name. */
enum call { HAS_NODE, NAMED };

static const struct {
	const char *class;
	enum call call;
} classes[] = {
	{"block", HAS_NODE},
	{"tty", HAS_NODE},
	{"usbmisc", HAS_NODE}, /* printers, modems */
	{"video4linux", HAS_NODE},
	{"hidraw", HAS_NODE},
	{"input", NAMED},
	{"net", NAMED},
	{"sound", NAMED}, /* card1; the nodes are below it */
};

struct search {
	struct nodes *out;
	const char *dev; /* borrowed */
	unsigned found;	 /* of the interface */
};

static int
is_plain(const char *text)
{
	return *text != '\0' && *text != '/' && strstr(text, "..") == NULL &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")] == '\0';
}

/* An attribute's first bytes, as text: its length, or -1. */
static ssize_t
read_text(int dir, const char *name, char *out, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd != -1 ? read(fd, out, size - 1) : -1;

	close_fd(&fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

/* -1 = not there, or no number of two digits. */
static long
read_hex(int dir, const char *name)
{
	char text[8], *end;
	long n;

	if (read_text(dir, name, text, sizeof(text)) <= 0) {
		return -1;
	}
	n = strtol(text, &end, 16);
	return end == text + 2 && (*end == '\n' || *end == '\0') ? n : -1;
}

static void
add(struct search *s, const char *name)
{
	struct nodes *out = s->out;

	s->found++;
	if (out->n < NODES_MAX && strlen(name) < NODES_NAME) {
		(void)snprintf(out->names[out->n++], NODES_NAME, "%s", name);
	}
}

/* One directory of a class: whether there is nothing more to find in it. */
static int
take(struct search *s, int dir, enum call call, const char *name)
{
	char text[1024], path[NODES_NAME], *at, *end;

	if (call == NAMED) {
		if (is_plain(name)) {
			add(s, name);
		}
		return 1;
	}
	if (read_text(dir, "uevent", text, sizeof(text)) <= 0 ||
	    (at = strstr(text, "DEVNAME=")) == NULL) {
		return 0;
	}
	at += strlen("DEVNAME=");
	end = strchr(at, '\n');
	if (end != NULL) {
		*end = '\0';
	}
	if (is_plain(at) &&
	    snprintf(path, sizeof(path), "%s/%s", s->dev, at) <
		(int)sizeof(path) &&
	    access(path, F_OK) == 0) {
		add(s, path);
	}
	return 1;
}

static int
class_of(const char *name, enum call *call)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strcmp(classes[i].class, name) == 0) {
			*call = classes[i].call;
			return 1;
		}
	}
	return 0;
}

/* Everything below dir, which it takes; parent is its name. */
static void
walk(struct search *s, int dir, const char *parent, int depth)
{
	enum call call = NAMED;
	int is_class = class_of(parent, &call);
	const struct dirent *e;
	DIR *d = fdopendir(dir);

	if (d == NULL) {
		(void)close(dir);
		return;
	}
	for (int n = 0; n < ENTRIES && (e = readdir(d)) != NULL; n++) {
		int sub;

		if (e->d_name[0] == '.' || depth == DEPTH) {
			continue;
		}
		sub = openat(dirfd(d), e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub == -1) {
			continue;
		}
		if (is_class && take(s, sub, call, e->d_name)) {
			(void)close(sub);
		} else {
			walk(s, sub, e->d_name, depth + 1);
		}
	}
	(void)closedir(d);
}

/* Whether a driver of Linux makes something of that kind of interface. Of audio
 * and video it belongs to the one that controls. */
static int
has_something(long class, long subclass)
{
	switch (class) {
	case 0x01:
	case 0x0e:
		return subclass == 1;
	case 0x02: /* communications: modem, network */
		return subclass == 0x02 || subclass == 0x06 ||
		    subclass == 0x0d || subclass == 0x0e;
	case 0x03:
	case 0x07:
	case 0x08:
		return 1;
	}
	return 0;
}

static void
look_at(struct search *s, int dir)
{
	long class = read_hex(dir, "bInterfaceClass");
	long subclass = read_hex(dir, "bInterfaceSubClass");
	int copy = dup(dir);
	struct stat st;

	s->found = 0;
	if (copy != -1) {
		walk(s, copy, "", 0);
	}
	if (s->found == 0 && class == 0xff) {
		s->out->unknown++;
	} else if (s->found == 0 && has_something(class, subclass)) {
		s->out->waiting++;
		s->out->undriven += fstatat(dir, "driver", &st,
				       AT_SYMLINK_NOFOLLOW) != 0;
	}
}

static int
look_at_all(struct search *s, int dir, const char *local)
{
	size_t len = strlen(local);
	const struct dirent *e;
	DIR *d = fdopendir(dir);
	int interfaces = 0;

	if (d == NULL) {
		(void)close(dir);
		return ERR_SYS;
	}
	for (int n = 0; n < ENTRIES && (e = readdir(d)) != NULL; n++) {
		int sub;

		if (strncmp(e->d_name, local, len) != 0 ||
		    e->d_name[len] != ':') {
			continue;
		}
		sub = openat(
		    dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub != -1) {
			interfaces++;
			look_at(s, sub);
			(void)close(sub);
		}
	}
	(void)closedir(d);
	return interfaces > 0 ? 0 : ERR_NOENT;
}

int
nodes_find(
    struct nodes *out, const char *sysfs, const char *dev, const char *local)
{
	struct search s = {.out = out, .dev = dev};
	char path[256];
	int fd;

	memset(out, 0, sizeof(*out));
	if (!is_plain(local) || strchr(local, '/') != NULL ||
	    snprintf(path, sizeof(path), "%s/%s", sysfs, local) >=
		(int)sizeof(path)) {
		return ERR_FORMAT;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	return look_at_all(&s, fd, local);
}
