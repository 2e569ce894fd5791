/*
 * The file of known gateways. It is replaced whole, under a lock, by a rename,
 * so that nobody reads half of it.
 */
#include "vhci-glue/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "vhci-glue/gateway.h"

#define KNOWN_MAX (256u * 1024u)
#define GATEWAY_LINE (GATEWAY_TEXT + KNOWN_TEXT + 64)
#define BLANKS " \t\r"
#define PREFIX "sha256:"

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c == '\0'
	    ? NULL
	    : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

	return p == NULL ? -1 : (int)(p - digits);
}

static int
parse_key(uint8_t out[32], const char *text, size_t len)
{
	size_t skip = strlen(PREFIX);

	if (len != skip + 64 || memcmp(text, PREFIX, skip) != 0) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < 32; i++) {
		int high = digit(text[skip + 2 * i]);
		int low = digit(text[skip + 2 * i + 1]);

		if (high < 0 || low < 0) {
			return ERR_FORMAT;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* One line, without its end: 1 with its key when it is gateway's, 0 when it is
 * another's or empty, or ERR_FORMAT. */
static int
parse_line(const char *p, size_t len, const char *gateway, uint8_t key[32])
{
	char line[GATEWAY_LINE], *name, *value;
	size_t n;

	if (len >= sizeof(line) || memchr(p, '\0', len) != NULL) {
		return ERR_FORMAT;
	}
	memcpy(line, p, len);
	line[len] = '\0';
	name = line + strspn(line, BLANKS);
	if (*name == '\0' || *name == '#') {
		return 0;
	}
	n = strcspn(name, BLANKS);
	value = name + n + strspn(name + n, BLANKS);
	len = strcspn(value, BLANKS);
	if (value[len + strspn(value + len, BLANKS)] != '\0' ||
	    parse_key(key, value, len) != 0) {
		return ERR_FORMAT;
	}
	/* names of hosts have no case */
	return n == strlen(gateway) && strncasecmp(name, gateway, n) == 0;
}

static int
parse(const char *text, size_t size, const char *gateway,
    uint8_t keys[IPC_PINS][32], unsigned *n, unsigned *line)
{
	const char *end = text + size;

	for (const char *p = text; p < end; ++*line) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol == NULL ? end : eol) - p);
		uint8_t key[32];
		int r = parse_line(p, len, gateway, key);

		if (r < 0) {
			return r;
		}
		if (r == 1 && *n == IPC_PINS) {
			return ERR_LIMIT;
		}
		if (r == 1) {
			memcpy(keys[(*n)++], key, 32);
		}
		p += len + 1;
	}
	return 0;
}

int
known_find(const char *path, const char *gateway, uint8_t keys[IPC_PINS][32],
    unsigned *n, unsigned *line)
{
	uint8_t *text = NULL;
	size_t len;
	int r = file_read(path, KNOWN_MAX, FILE_OWN, &text, &len);

	*n = 0;
	*line = 1;
	if (r == ERR_NOENT) {
		return 0;
	}
	if (r == 0) {
		r = parse((const char *)text, len, gateway, keys, n, line);
	}
	free(text);
	if (r != 0) {
		*n = 0;
	}
	return r;
}

char *
known_text(char dst[KNOWN_TEXT], const uint8_t key[32])
{
	(void)snprintf(dst, KNOWN_TEXT, PREFIX);
	for (size_t i = 0; i < 32; i++) {
		(void)snprintf(dst + strlen(PREFIX) + 2 * i, 3, "%02x",
		    key[i]);
	}
	return dst;
}

static int
replace(const char *path, const char *before, size_t len, const char *line)
{
	char fresh[512];
	int fd, r;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >=
	    (int)sizeof(fresh)) {
		return ERR_LIMIT;
	}
	(void)unlink(fresh);
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		return ERR_SYS;
	}
	r = len > 0 ? file_write_all(fd, before, len) : 0;
	if (r == 0 && len > 0 && before[len - 1] != '\n') {
		r = file_write_all(fd, "\n", 1);
	}
	if (r == 0) {
		r = file_write_all(fd, line, strlen(line));
	}
	close_fd(&fd);
	if (r == 0 && rename(fresh, path) == -1) {
		r = ERR_SYS;
	}
	if (r != 0) {
		int saved = errno;

		(void)unlink(fresh);
		errno = saved;
	}
	return r;
}

int
known_add(const char *path, const char *gateway, const uint8_t key[32])
{
	char lock[512], line[GATEWAY_LINE], hex[KNOWN_TEXT];
	uint8_t *text = NULL;
	size_t len = 0;
	int fd, r;

	if (*gateway == '\0' || *gateway == '#' ||
	    strpbrk(gateway, BLANKS "\n") != NULL ||
	    snprintf(line, sizeof(line), "%s %s\n", gateway,
		known_text(hex, key)) >= (int)sizeof(line)) {
		return ERR_FORMAT;
	}
	if (snprintf(lock, sizeof(lock), "%s.lock", path) >=
	    (int)sizeof(lock)) {
		return ERR_LIMIT;
	}
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || flock(fd, LOCK_EX) == -1) {
		close_fd(&fd);
		return ERR_SYS;
	}
	r = file_read(path, KNOWN_MAX, FILE_OWN, &text, &len);
	if (r == 0 || r == ERR_NOENT) {
		r = replace(path, (const char *)text, len, line);
	}
	free(text);
	close_fd(&fd);
	return r;
}
