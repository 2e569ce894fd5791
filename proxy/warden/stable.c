/*
 * Stable names, in the warden. sysfs is the kernel's own and trusted as far as
 * its links go; the serial number is the device's and hostile.
 *
 * 1. the hub above the device, and the number of its port;
 * 2. on a SuperSpeed hub the port's peer, that is: hub and port on the
 *    high-speed side of the same socket (USB 3.2 has two buses in one cable);
 * 3. the numbers of the ports on the way to that hub, from the hub's name;
 * 4. the controller above the root hub, named as udev's path_id does.
 */
#include "proxy/warden/stable.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define SUPER_SPEED 5000 /* Mb/s */

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Cuts the last component off; 0 when there is none to cut. */
static int
cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path) {
		return 0;
	}
	*slash = '\0';
	return 1;
}

static long
number_in(const char *dir, const char *name)
{
	char path[PATH_MAX], text[32], *end;
	int fd, n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	ssize_t got;
	long v;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		return -1;
	}
	got = read(fd, text, sizeof(text) - 1);
	close_fd(&fd);
	if (got <= 0) {
		return -1;
	}
	text[got] = '\0';
	v = strtol(text, &end, 10);
	return end != text ? v : -1;
}

/* A name that is the prefix and then digits alone: their value, or -1. */
static long
number_behind(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	char *end;
	long v;

	if (strncmp(name, prefix, len) != 0 || name[len] < '0' ||
	    name[len] > '9') {
		return -1;
	}
	v = strtol(name + len, &end, 10);
	return *end == '\0' && v < 1000 ? v : -1;
}

static int
is_root_hub(const char *name)
{
	return number_behind(name, "usb") > 0;
}

/* A socket: a hub, by its path, and a port of it. */
struct socket {
	char hub[PATH_MAX];
	long port;
};

static int
socket_of(struct socket *out, const char *syspath)
{
	const char *name = base_of(syspath), *number;
	size_t len = strlen(syspath);

	if (len >= sizeof(out->hub)) {
		return ERR_LIMIT;
	}
	memcpy(out->hub, syspath, len + 1);
	if (is_root_hub(name)) {
		out->port = 0;
		return 0;
	}
	number = strrchr(name, '.');
	if (number == NULL) {
		number = strchr(name, '-');
	}
	if (number == NULL || name[0] < '0' || name[0] > '9' ||
	    !cut(out->hub)) {
		return ERR_FORMAT;
	}
	out->port = number_behind(number + 1, "");
	return out->port > 0 ? 0 : ERR_FORMAT;
}

int
stable_config(const char *syspath)
{
	const char *name = base_of(syspath);
	char prefix[NAME_MAX + 8];
	struct dirent *e;
	int value = 0;
	size_t len;
	DIR *d;

	/* "1-2:C.N" or, of root hub usb3, "3-0:C.N" */
	(void)snprintf(prefix, sizeof(prefix), "%.*s%s:", NAME_MAX,
	    is_root_hub(name) ? name + 3 : name,
	    is_root_hub(name) ? "-0" : "");
	len = strlen(prefix);
	d = opendir(syspath);
	while (d != NULL && value == 0 && (e = readdir(d)) != NULL) {
		const char *at = e->d_name + len;
		char *end;
		long v;

		if (strncmp(e->d_name, prefix, len) != 0 || *at < '0' ||
		    *at > '9') {
			continue;
		}
		v = strtol(at, &end, 10);
		if (*end == '.' && v > 0 && v < 256) {
			value = (int)v;
		}
	}
	if (d != NULL) {
		closedir(d);
	}
	return value;
}

/* The port's directory: below the hub's only interface. */
static int
port_dir(char *dst, size_t size, const struct socket *s)
{
	const char *hub = base_of(s->hub);
	int n, config;

	if (is_root_hub(hub)) {
		n = snprintf(dst, size, "%s/%s-0:1.0/%s-port%ld", s->hub,
		    hub + 3, hub, s->port);
	} else {
		config = stable_config(s->hub);
		n = snprintf(dst, size, "%s/%s:%d.0/%s-port%ld", s->hub, hub,
		    config > 0 ? config : 1, hub, s->port);
	}
	return n > 0 && (size_t)n < size ? 0 : ERR_LIMIT;
}

/* Moves to the other port of the same socket: 1 when there is one. */
static int
to_peer(struct socket *s)
{
	char dir[PATH_MAX], link[PATH_MAX + 8], real[PATH_MAX], prefix[64];
	long port;

	if (port_dir(dir, sizeof(dir), s) != 0) {
		return 0;
	}
	(void)snprintf(link, sizeof(link), "%s/peer", dir);
	if (realpath(link, real) == NULL) {
		return 0;
	}
	/* .../HUB/HUB:1.0/HUB-portN */
	memcpy(dir, real, sizeof(dir));
	if (!cut(real) || !cut(real) ||
	    snprintf(prefix, sizeof(prefix), "%s-port", base_of(real)) >=
		(int)sizeof(prefix)) {
		return 0;
	}
	port = number_behind(base_of(dir), prefix);
	if (port <= 0) {
		return 0;
	}
	memcpy(s->hub, real, strlen(real) + 1);
	s->port = port;
	return 1;
}

static int
is_in(const char *path, const char *subsystem)
{
	char link[PATH_MAX + 16], target[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "%s/subsystem", path);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0) {
		return 0;
	}
	target[n] = '\0';
	return strcmp(base_of(target), subsystem) == 0;
}

/* Puts "word-name" and, where there was something, '-' before dst. */
static int
prepend(char *dst, size_t size, const char *word, const char *name)
{
	char copy[512];
	int n = snprintf(copy, sizeof(copy), "%s%s%s%s%s", word,
	    *word != '\0' ? "-" : "", name, *dst != '\0' ? "-" : "", dst);

	if (n < 0 || (size_t)n >= sizeof(copy) || (size_t)n >= size) {
		return ERR_LIMIT;
	}
	memcpy(dst, copy, (size_t)n + 1);
	return 0;
}

/* udev's ID_PATH of a controller: each bus on the way up that has addresses
 * gives one part, of its lowest device. path is used up. */
static int
id_path(char *dst, size_t size, char *path)
{
	static const char *const buses[] = {
		"pci", "platform", "acpi", "virtio", "xen"};
	char last[256];
	int r;

	dst[0] = '\0';
	(void)snprintf(last, sizeof(last), "%s", base_of(path));
	do {
		for (size_t i = 0; i < ARRAY_LEN(buses); i++) {
			char up[PATH_MAX];

			if (!is_in(path, buses[i])) {
				continue;
			}
			r = prepend(dst, size, buses[i], base_of(path));
			if (r != 0) {
				return r;
			}
			memcpy(up, path, strlen(path) + 1);
			while (cut(up) && is_in(up, buses[i])) {
				memcpy(path, up, strlen(up) + 1);
			}
			break;
		}
	} while (cut(path));
	return *dst != '\0' ? 0 : prepend(dst, size, "", last);
}

/* sysfs has none of these in a name; what else it has is escaped, so that a
 * stable name is one word of printable ASCII. */
static int
append(char *dst, size_t size, const char *src, const char *plain)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t used = strlen(dst);

	for (; *src != '\0'; src++) {
		unsigned char c = (unsigned char)*src;
		int is_plain = (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr(plain, c) != NULL;

		if (used + (is_plain ? 2 : 4) > size) {
			return ERR_LIMIT;
		}
		if (is_plain) {
			dst[used++] = (char)c;
		} else {
			dst[used++] = '%';
			dst[used++] = hex[c >> 4];
			dst[used++] = hex[c & 15];
		}
	}
	dst[used] = '\0';
	return 0;
}

int
stable_port_dir(char *dst, size_t size, const char *syspath)
{
	struct socket s;
	int r = socket_of(&s, syspath);

	if (r != 0) {
		return r;
	}
	return s.port == 0 ? ERR_NOENT : port_dir(dst, size, &s);
}

int
stable_port(char *dst, size_t size, const char *syspath)
{
	char controller[256], chain[128];
	const char *hub, *dash, *ss = "";
	struct socket s;
	int n, r = socket_of(&s, syspath);

	if (r != 0 || size == 0) {
		return r != 0 ? r : ERR_LIMIT;
	}
	if (s.port > 0 && number_in(s.hub, "speed") >= SUPER_SPEED &&
	    !to_peer(&s)) {
		ss = "ss-";
	}
	hub = base_of(s.hub);
	dash = strchr(hub, '-');
	if (is_root_hub(hub)) {
		n = snprintf(chain, sizeof(chain), ":%s%ld", ss, s.port);
	} else if (dash != NULL) {
		n = snprintf(chain, sizeof(chain), ":%s%s.%ld", ss, dash + 1,
		    s.port);
	} else {
		return ERR_FORMAT;
	}
	if (n < 0 || (size_t)n >= sizeof(chain)) {
		return ERR_LIMIT;
	}
	while (!is_root_hub(base_of(s.hub))) {
		if (!cut(s.hub)) {
			return ERR_FORMAT;
		}
	}
	if (!cut(s.hub)) {
		return ERR_FORMAT;
	}
	r = id_path(controller, sizeof(controller), s.hub);
	if (r != 0) {
		return r;
	}
	dst[0] = '\0';
	r = append(dst, size, controller, "._:+,-");
	return r == 0 ? append(dst, size, chain, "._:-") : r;
}

int
stable_name(char *dst, size_t size, uint16_t vid, uint16_t pid,
    const char *serial, const char *port)
{
	int n = snprintf(dst, size, "%04x:%04x%s", vid, pid,
	    *serial != '\0' ? ":" : "");
	int r;

	if (n < 0 || (size_t)n >= size) {
		return ERR_LIMIT;
	}
	r = append(dst, size, serial, "._-");
	if (r == 0 && strlen(dst) + 1 < size) {
		n = (int)strlen(dst);
		dst[n] = '@';
		dst[n + 1] = '\0';
		r = append(dst, size, port, "._:+,%-");
	} else if (r == 0) {
		r = ERR_LIMIT;
	}
	return r;
}
