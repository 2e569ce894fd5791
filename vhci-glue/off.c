/*
 * The file of devices detached by hand: lines "GATEWAY DEVICE". Written by root
 * alone, whole, under a lock, and put in place by a rename.
 */
#include "vhci-glue/off.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define OFF_MAX (256u * 1024u)
#define LINE_MAX_OFF 4096

/* "GATEWAY DEVICE\n" */
static int
line_of(char line[LINE_MAX_OFF], const char *gateway, const char *what)
{
	int n = snprintf(line, LINE_MAX_OFF, "%s %s\n", gateway, what);

	if (n < 0 || n >= LINE_MAX_OFF || *gateway == '\0' || *what == '\0' ||
	    strpbrk(gateway, " \n") != NULL || strpbrk(what, " \n") != NULL) {
		return ERR_FORMAT;
	}
	return n;
}

/* The file's text, "" when there is none. */
static int
read_all(const char *path, char **out)
{
	uint8_t *data = NULL;
	size_t len;
	int r = file_read(path, OFF_MAX, FILE_PUBLIC, &data, &len);

	if (r == ERR_NOENT) {
		*out = calloc(1, 1);
		return *out == NULL ? ERR_NOMEM : 0;
	}
	*out = (char *)data;
	return r;
}

/* Where the line stands in text, or NULL. */
static char *
find(char *text, const char *line)
{
	size_t len = strlen(line);

	for (char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		if (*p == '\n') {
			p++;
		}
		if (strncmp(p, line, len) == 0) {
			return p;
		}
	}
	return NULL;
}

static int
replace(const char *path, const char *text)
{
	char fresh[512];
	size_t len = strlen(text);
	int fd, r = ERR_SYS;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >=
	    (int)sizeof(fresh)) {
		return ERR_FORMAT;
	}
	(void)unlink(fresh);
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		return ERR_SYS;
	}
	if (write(fd, text, len) == (ssize_t)len &&
	    rename(fresh, path) == 0) {
		r = 0;
	}
	close_fd(&fd);
	return r;
}

static int
change(const char *path, const char *line, int is_in)
{
	char lock[512], *text = NULL, *at, *grown;
	int fd, r;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) >=
	    (int)sizeof(lock)) {
		return ERR_FORMAT;
	}
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || flock(fd, LOCK_EX) == -1) {
		close_fd(&fd);
		return ERR_SYS;
	}
	r = read_all(path, &text);
	at = r == 0 ? find(text, line) : NULL;
	if (r == 0 && at != NULL && !is_in) {
		memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
		r = replace(path, text);
	} else if (r == 0 && at == NULL && is_in) {
		grown = NULL;
		r = asprintf(&grown, "%s%s", text, line) < 0
		    ? ERR_NOMEM
		    : replace(path, grown);
		free(grown);
	}
	free(text);
	close_fd(&fd);
	return r;
}

int
off_add(const char *path, const char *gateway, const char *what)
{
	char line[LINE_MAX_OFF];

	return line_of(line, gateway, what) < 0 ? ERR_FORMAT
						: change(path, line, 1);
}

int
off_remove(const char *path, const char *gateway, const char *what)
{
	char line[LINE_MAX_OFF];

	if (line_of(line, gateway, what) < 0) {
		return ERR_FORMAT;
	}
	return off_has(path, gateway, what) ? change(path, line, 0) : 0;
}

int
off_has(const char *path, const char *gateway, const char *what)
{
	char line[LINE_MAX_OFF], *text = NULL;
	int has;

	if (line_of(line, gateway, what) < 0) {
		return 0;
	}
	has = read_all(path, &text) == 0 && find(text, line) != NULL;
	free(text);
	return has;
}
