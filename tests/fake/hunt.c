#include "tests/fake/hunt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define MASK 0x5a
#define CHUNK 4096u
#define DER_MAX 1024u

struct der {
	uint8_t bytes[DER_MAX];
	size_t len;
	const char *text; /* the base64 */
};

static void
need(int is_good, const char *what)
{
	if (!is_good) {
		fprintf(stderr, "hunt: %s\n", what);
		abort();
	}
}

static int
of_base64(int c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c == '\0' ? NULL : strchr(alphabet, c);

	return p == NULL ? -1 : (int)(p - alphabet);
}

static void
decode(struct der *d, const uint8_t *pem)
{
	const char *p = strchr((const char *)pem, '\n');
	unsigned bits = 0, acc = 0;

	need(p != NULL, "no PEM");
	d->text = p + 1;
	d->len = 0;
	for (p = d->text; *p != '\0' && *p != '-' && *p != '='; p++) {
		int v = of_base64(*p);

		if (v == -1) {
			continue;
		}
		acc = (acc << 6 | (unsigned)v) & 0xffff;
		bits += 6;
		if (bits >= 8 && d->len < DER_MAX) {
			bits -= 8;
			d->bytes[d->len++] = (uint8_t)(acc >> bits);
		}
	}
}

/* The value at *at: where it begins; *at moves behind it, or into it. */
static size_t
element(const struct der *d, size_t *at, uint8_t tag, int is_into, size_t *len)
{
	size_t p = *at + 2, n;

	need(p + 2 < d->len && d->bytes[*at] == tag, "no such key");
	n = d->bytes[p - 1];
	if (n == 0x81) {
		n = d->bytes[p++];
	} else if (n == 0x82) {
		n = (size_t)d->bytes[p] << 8 | d->bytes[p + 1];
		p += 2;
	}
	need(p + (is_into ? 0 : n) <= d->len, "a longer key");
	*len = n;
	*at = is_into ? p : p + n;
	return p;
}

static size_t
find_secret(const struct der *d, size_t *len)
{
	size_t at = 0, p;

	(void)element(d, &at, 0x30, 1, len);
	(void)element(d, &at, 2, 0, len); /* version */
	if (d->bytes[at] == 4) {
		return element(d, &at, 4, 0, len);
	}
	for (int i = 0; i < 3; i++) {
		(void)element(d, &at, 2, 0, len); /* n, e, d */
	}
	p = element(d, &at, 2, 0, len);
	while (d->bytes[p] == 0) {
		p++;
		--*len;
	}
	return p;
}

void
hunt_learn(struct hunt *out, const uint8_t *pem, enum hunt_for what)
{
	struct der d;
	size_t at, len, column;
	const char *text;

	out->nparts = what == HUNT_ALL ? 3 : 2;
	decode(&d, pem);
	at = find_secret(&d, &len);
	need(len >= HUNT_PART, "a short key");
	/* four signs for three bytes, 64 of them on a line */
	column = (at + 2) / 3 * 4;
	if (column % 64 + HUNT_PART > 64) {
		column += 64 - column % 64;
	}
	text = d.text + column + column / 64;
	for (size_t i = 0; i < HUNT_PART; i++) {
		out->part[0][i] = d.bytes[at + i] ^ MASK;
		out->part[1][i] = d.bytes[at + len - 1 - i] ^ MASK;
		out->part[2][i] = (uint8_t)text[i] ^ MASK;
	}
	mem_wipe(&d, sizeof(d));
}

static int
is_secret(const struct hunt *h, const uint8_t *p)
{
	for (unsigned k = 0; k < h->nparts; k++) {
		unsigned i = 0;

		while (i < HUNT_PART && (p[i] ^ MASK) == h->part[k][i]) {
			i++;
		}
		if (i == HUNT_PART) {
			return 1;
		}
	}
	return 0;
}

/* Looks through one mapping by way of mem, so that gaps do no harm. */
static int
search(const struct hunt *h, int mem, uint64_t from, uint64_t to, int is_self)
{
	static uint8_t buf[CHUNK + HUNT_PART];
	int found = 0;

	for (uint64_t at = from; at < to; at += CHUNK) {
		ssize_t n, i;

		/* not this buffer, which has what was read before */
		if (is_self && at + sizeof(buf) > (uintptr_t)buf &&
		    at < (uintptr_t)buf + sizeof(buf)) {
			continue;
		}
		n = pread(mem, buf, sizeof(buf), (off_t)at);
		/* each place once: the next chunk has the rest */
		for (i = 0; i < (ssize_t)CHUNK &&
		     i + (ssize_t)HUNT_PART <= n; i++) {
			found += is_secret(h, buf + i);
		}
	}
	mem_wipe(buf, sizeof(buf));
	return found;
}

static int
open_proc(pid_t pid, const char *name)
{
	char path[64];

	if (pid == 0) {
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	} else {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
hunt_count(const struct hunt *h, pid_t pid)
{
	int fd = open_proc(pid, "maps"), mem = open_proc(pid, "mem");
	FILE *maps = fd == -1 ? NULL : fdopen(fd, "r");
	char line[512], *end;
	int found = 0;

	if (maps == NULL || mem == -1) {
		close_fd(&mem);
		return -1;
	}
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint64_t from = strtoull(line, &end, 16), to;

		to = strtoull(end + 1, &end, 16);
		if (end[2] == 'w' && to - from < (UINT64_C(64) << 20)) {
			found += search(h, mem, from, to, pid == 0);
		}
	}
	fclose(maps);
	close_fd(&mem);
	return found;
}

unsigned
hunt_kib(pid_t pid)
{
	int fd = open_proc(pid, "smaps_rollup");
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");
	unsigned long kib = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		/* Private_Dirty has a program's own pages in it for as long
		 * as its file is not on the disk */
		if (strncmp(line, "Anonymous:", 10) == 0) {
			kib = strtoul(line + 10, NULL, 10);
			break;
		}
	}
	if (f != NULL) {
		fclose(f);
	}
	return (unsigned)kib;
}
