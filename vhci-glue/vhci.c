/*
 * vhci_hcd through sysfs, in the root parent. One status file per controller:
 *
 *	hub port sta spd dev      sockfd local_busid
 *	hs  0000 006 003 00010002 000009 17-1
 *
 * Ports are global numbers; which of them exist, and in which order, is for the
 * kernel to say (8 + 8 per controller by default, Debian 15 + 15, eight
 * controllers). A line that does not fit is an error, never a guess.
 */
#include "vhci-glue/vhci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "wire/usbip.h"

#define CONTROLLERS 128
#define FILE_MAX (64u * 1024u)
#define PATH_SIZE 512
#define POLL_NS 50000000L

/* A piece of a text, not NUL-terminated. */
struct span {
	const char *p;
	size_t len;
};

/* Where reading stands, for messages. */
struct place {
	const char *path;
	unsigned line;
	char *why;
	size_t why_size;
};

static int
refuse(const struct place *at, const char *what)
{
	(void)snprintf(at->why, at->why_size, "%s:%u: %s", at->path, at->line,
	    what);
	return ERR_FORMAT;
}

/* The next piece between separators; 0 at the end. */
static int
next_span(struct span *rest, char separator, struct span *out)
{
	const char *stop;

	if (rest->len == 0) {
		return 0;
	}
	stop = memchr(rest->p, separator, rest->len);
	out->p = rest->p;
	out->len = stop == NULL ? rest->len : (size_t)(stop - rest->p);
	rest->p += out->len;
	rest->len -= out->len;
	if (stop != NULL) {
		rest->p++;
		rest->len--;
	}
	return 1;
}

static int
next_word(struct span *line, struct span *out)
{
	do {
		if (!next_span(line, ' ', out)) {
			return 0;
		}
	} while (out->len == 0);
	return 1;
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return 16;
}

static int
parse_number(struct span s, unsigned base, uint32_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned)digit_of(s.p[i]);

		if (d >= base) {
			return ERR_FORMAT;
		}
		n = n * base + d; /* max is of 32 bits: no overflow */
		if (n > max) {
			return ERR_FORMAT;
		}
	}
	*out = n;
	return 0;
}

static int
is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}

static int
parse_local(struct vhci_port *port, struct span s)
{
	if (s.len == 0 || s.len >= sizeof(port->local)) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if ((c < '0' || c > '9') && c != '-' && c != '.') {
			return ERR_FORMAT;
		}
	}
	memcpy(port->local, s.p, s.len);
	port->local[s.len] = '\0';
	return 0;
}

/* hub port sta spd dev sockfd local_busid */
static int
parse_row(struct vhci_port *port, struct span line, unsigned nports,
    const struct place *at)
{
	struct span w[7], more;
	uint64_t number, state, speed, devid, sockfd;

	for (size_t i = 0; i < ARRAY_LEN(w); i++) {
		if (!next_word(&line, &w[i])) {
			return refuse(at, "too few columns");
		}
	}
	if (next_word(&line, &more)) {
		return refuse(at, "too many columns");
	}
	if (!is_word(w[0], "hs") && !is_word(w[0], "ss")) {
		return refuse(at, "hub is neither hs nor ss");
	}
	if (parse_number(w[1], 10, UINT32_MAX, &number) != 0 ||
	    number >= nports) {
		return refuse(at, "port out of range");
	}
	if (parse_number(w[2], 10, VHCI_ERROR, &state) != 0 ||
	    state < VHCI_FREE) {
		return refuse(at, "unknown state");
	}
	if (parse_number(w[3], 10, USBIP_SPEED_SUPER_PLUS, &speed) != 0 ||
	    parse_number(w[4], 16, UINT32_MAX, &devid) != 0 ||
	    parse_number(w[5], 10, UINT32_MAX, &sockfd) != 0 ||
	    parse_local(port, w[6]) != 0) {
		return refuse(at, "speed, device, socket or bus id");
	}
	port->port = (unsigned)number;
	port->hub = is_word(w[0], "ss") ? VHCI_SS : VHCI_HS;
	port->state = (enum vhci_state)state;
	port->speed = (unsigned)speed;
	port->devid = (uint32_t)devid;
	return 0;
}

static int
add_row(struct vhci *v, const struct vhci_port *row, const struct place *at)
{
	if (vhci_find(v, row->port) != NULL) {
		return refuse(at, "port is listed twice");
	}
	if (v->n == v->nports) {
		return refuse(at, "more ports than nports says");
	}
	v->ports[v->n++] = *row;
	return 0;
}

static int
parse_status(struct vhci *v, struct span text, struct place *at)
{
	static const char head[] = "hub port sta spd dev";
	struct span line;
	struct vhci_port row;
	int r;

	if (!next_span(&text, '\n', &line) || line.len < sizeof(head) - 1 ||
	    memcmp(line.p, head, sizeof(head) - 1) != 0) {
		return refuse(at, "unknown format; Linux 4.13 or later writes "
				  "\"hub port sta spd dev\"");
	}
	while (next_span(&text, '\n', &line)) {
		at->line++;
		if (line.len == 0) {
			continue;
		}
		r = parse_row(&row, line, v->nports, at);
		if (r == 0) {
			r = add_row(v, &row, at);
		}
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

/* Reads dir/name and hands it to nobody; the caller frees. */
static int
read_file(const char *dir, const char *name, char *path, struct place *at,
    uint8_t **out, size_t *len)
{
	int n = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
	int r;

	if (n < 0 || n >= PATH_SIZE) {
		return refuse(at, "path is too long");
	}
	at->path = path;
	at->line = 1;
	r = file_read(path, FILE_MAX, FILE_PUBLIC, out, len);
	if (r != 0) {
		(void)snprintf(
		    at->why, at->why_size, "%s: %s", path, err_str(r));
	}
	return r;
}

static int
read_nports(struct vhci *v, const char *dir, struct place *at)
{
	char path[PATH_SIZE];
	uint8_t *data = NULL;
	size_t len = 0;
	struct span text, line = {NULL, 0};
	uint64_t n = 0;
	int r = read_file(dir, "nports", path, at, &data, &len);

	if (r != 0) {
		return r;
	}
	text = (struct span){(const char *)data, len};
	if (!next_span(&text, '\n', &line) || text.len != 0 ||
	    parse_number(line, 10, VHCI_MAX_PORTS, &n) != 0 || n == 0) {
		r = refuse(at, "not a number of ports");
	}
	free(data);
	v->nports = (unsigned)n;
	return r;
}

static int
read_controller(
    struct vhci *v, const char *dir, unsigned i, struct place *at)
{
	char name[32] = "status", path[PATH_SIZE];
	uint8_t *data = NULL;
	size_t len = 0;
	int r;

	if (i > 0) {
		(void)snprintf(name, sizeof(name), "status.%u", i);
	}
	r = read_file(dir, name, path, at, &data, &len);
	if (r == 0) {
		r = parse_status(
		    v, (struct span){(const char *)data, len}, at);
	}
	free(data);
	return r;
}

int
vhci_init(struct vhci *v, const char *dir, char *why, size_t why_size)
{
	struct place at = {.why = why, .why_size = why_size};
	int r;

	*v = (struct vhci){0, 0, NULL};
	r = read_nports(v, dir, &at);
	if (r != 0) {
		return r;
	}
	v->ports = calloc(v->nports, sizeof(*v->ports));
	if (v->ports == NULL) {
		(void)snprintf(why, why_size, "%s", err_str(ERR_NOMEM));
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < CONTROLLERS && v->n < v->nports; i++) {
		r = read_controller(v, dir, i, &at);
		if (r == ERR_NOENT && i > 0) {
			r = 0;
			break;
		}
		if (r != 0) {
			vhci_fini(v);
			return r;
		}
	}
	return 0;
}

void
vhci_fini(struct vhci *v)
{
	free(v->ports);
	*v = (struct vhci){0, 0, NULL};
}

const struct vhci_port *
vhci_find(const struct vhci *v, unsigned port)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->ports[i].port == port) {
			return &v->ports[i];
		}
	}
	return NULL;
}

const struct vhci_port *
vhci_next_free(const struct vhci *v, unsigned speed, size_t *at)
{
	enum vhci_hub hub = speed >= USBIP_SPEED_SUPER ? VHCI_SS : VHCI_HS;

	while (*at < v->n) {
		const struct vhci_port *p = &v->ports[(*at)++];

		if (p->hub == hub && p->state == VHCI_FREE) {
			return p;
		}
	}
	return NULL;
}

size_t
vhci_attach_line(char *dst, size_t size, unsigned port, int sockfd,
    uint32_t devid, unsigned speed)
{
	int n = snprintf(dst, size, "%u %u %u %u", port, (unsigned)sockfd,
	    devid, speed);

	return n > 0 && (size_t)n < size && sockfd >= 0 ? (size_t)n : 0;
}

/* One write is one command; errno is the kernel's answer. */
static int
write_file(const char *dir, const char *name, const char *text, size_t len)
{
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	ssize_t written;
	int fd;

	if (n < 0 || n >= PATH_SIZE || len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1) {
		return -1;
	}
	written = write(fd, text, len);
	close_fd(&fd);
	if (written >= 0 && (size_t)written != len) {
		errno = EIO;
		return -1;
	}
	return written < 0 ? -1 : 0;
}

int
vhci_attach(const char *dir, unsigned port, int sockfd, uint32_t devid,
    unsigned speed)
{
	char line[64];
	size_t n = vhci_attach_line(
	    line, sizeof(line), port, sockfd, devid, speed);

	if (write_file(dir, "attach", line, n) == 0) {
		return 0;
	}
	return errno == EBUSY ? ERR_BUSY : ERR_SYS;
}

int
vhci_detach(const char *dir, unsigned port)
{
	char line[16];
	int n = snprintf(line, sizeof(line), "%u", port);

	if (write_file(dir, "detach", line, (size_t)n) == 0) {
		return 0;
	}
	return errno == EINVAL ? ERR_NOENT : ERR_SYS;
}

int
vhci_wait(const char *dir, unsigned port, enum vhci_state state,
    unsigned timeout_ms, char *local)
{
	const struct timespec nap = {0, POLL_NS};
	uint64_t deadline = clock_mono() + timeout_ms * CLOCK_MSEC;
	char why[256];

	for (;;) {
		const struct vhci_port *p;
		struct vhci v;
		int is_there;
		int r = vhci_init(&v, dir, why, sizeof(why));

		if (r != 0) {
			return r;
		}
		p = vhci_find(&v, port);
		is_there = p != NULL && p->state == state;
		if (is_there && local != NULL) {
			memcpy(local, p->local, VHCI_BUSID);
		}
		vhci_fini(&v);
		if (is_there) {
			return 0;
		}
		if (clock_mono() >= deadline) {
			return ERR_TIMEOUT;
		}
		(void)nanosleep(&nap, NULL);
	}
}

const char *
vhci_state_name(enum vhci_state state)
{
	switch (state) {
	case VHCI_FREE:
		return "free";
	case VHCI_NOT_ASSIGNED:
		return "attaching";
	case VHCI_USED:
		return "used";
	case VHCI_ERROR:
		return "error";
	}
	return "unknown";
}
