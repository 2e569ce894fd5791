/*
 * Files of audit lines, the oldest first. A line has a bound, a file has none: it
 * is read as it comes.
 */
#include "proxy/ctl/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define ROTATED_MAX 99u

/* NAME.7 is 7, NAME is 0. */
static unsigned long
number_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	char *end;
	unsigned long n;

	if (dot == NULL || dot[1] < '1' || dot[1] > '9') {
		return 0;
	}
	n = strtoul(dot + 1, &end, 10);
	return *end == '\0' ? n : 0;
}

static int
compare(const void *va, const void *vb)
{
	const struct audit_file *a = va, *b = vb;

	return a->number > b->number ? -1 : a->number < b->number;
}

/* 0, or an errno. */
static int
add(struct audit_files *files, const char *name)
{
	struct audit_file *v =
	    realloc(files->v, (files->n + 1) * sizeof(*files->v));
	struct audit_file *f;

	if (v == NULL) {
		return ENOMEM;
	}
	files->v = v;
	f = &v[files->n];
	f->fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO)
				       : open(name, O_RDONLY | O_CLOEXEC);
	if (f->fd == -1) {
		return errno;
	}
	f->name = strdup(name);
	if (f->name == NULL) {
		close_fd(&f->fd);
		return ENOMEM;
	}
	f->number = number_of(name);
	files->n++;
	return 0;
}

int
audit_files_open(struct audit_files *files, char **names, int n)
{
	char name[sizeof(AUDIT_PATH) + 12];
	int e = 0;

	for (int i = 0; i < n && e == 0; i++) {
		e = add(files, names[i]);
		if (e != 0) {
			log_warnx("open %s: %s", names[i], strerror(e));
		}
	}
	/* all are open before one is read: rotation takes none away */
	for (unsigned i = n == 0 ? ROTATED_MAX + 1 : 0; i-- > 0 && e == 0;) {
		(void)snprintf(name, sizeof(name),
		    i == 0 ? AUDIT_PATH : AUDIT_PATH ".%u", i);
		e = add(files, name);
		e = e == ENOENT && i > 0 ? 0 : e;
		if (e != 0) {
			log_warnx("open %s: %s", name, strerror(e));
		}
	}
	if (files->n > 1) {
		qsort(files->v, files->n, sizeof(*files->v), compare);
	}
	return e == 0 ? 0 : e == ENOENT ? 5 : 1;
}

void
audit_files_close(struct audit_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].name);
		close_fd(&files->v[i].fd);
	}
	free(files->v);
	*files = (struct audit_files){0};
}

int
audit_file_read(const struct audit_file *file, audit_line *line,
    void (*torn)(void *arg), void *arg)
{
	size_t room = CHAIN_LINE_MAX, used = 0;
	char *buf = malloc(room), *end;
	int is_long = 0, r = buf != NULL ? 0 : ERR_NOMEM;
	ssize_t n;

	while (r == 0 && (n = read(file->fd, buf + used, room - used)) != 0) {
		char *at = buf;

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n == -1) {
			log_warn("read %s", file->name);
			r = ERR_SYS;
			break;
		}
		used += (size_t)n;
		while ((end = memchr(at, '\n', used - (size_t)(at - buf))) !=
		    NULL) {
			if (is_long) {
				torn(arg);
			} else {
				line(arg, at, (size_t)(end - at));
			}
			is_long = 0;
			at = end + 1;
		}
		used -= (size_t)(at - buf);
		memmove(buf, at, used);
		if (used == room) {
			is_long = 1;
			used = 0;
		}
	}
	if (r == 0 && (used > 0 || is_long)) {
		torn(arg);
	}
	free(buf);
	return r;
}
