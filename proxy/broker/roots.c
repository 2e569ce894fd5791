/*
 * Root hubs: whether the interfaces of what is plugged in below are authorized
 * from the start. What was changed is written down in the run directory, so that
 * a broker that was killed does not leave a machine on which no driver ever
 * binds again: the next one gives back what the first one found.
 *
 * One line for each: "usb1 1", the hub and the default that it had.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define MAX_ROOTS 64
#define ROOT_NAME 16u /* "usb999" and a NUL */
#define DEFAULT "interface_authorized_default"

static struct {
	char name[ROOT_NAME];
	char before; /* '0' or '1' */
} roots[MAX_ROOTS];
static unsigned nroots;
static char list_path[PATH_MAX]; /* "" = nothing is written down */

/* True for "usb" and a bus number of 1 to 999. */
static int
is_root_name(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, "usb", 3) != 0 || name[3] < '1' || name[3] > '9') {
		return 0;
	}
	n = strtol(name + 3, &end, 10);
	return *end == '\0' && n <= 999;
}

static int
find(const char *name)
{
	for (unsigned i = 0; i < nroots; i++) {
		if (strcmp(roots[i].name, name) == 0) {
			return 1;
		}
	}
	return 0;
}

static int
add(const char *name, char before)
{
	if (!is_root_name(name) || (before != '0' && before != '1')) {
		return ERR_FORMAT;
	}
	if (find(name)) {
		return 0;
	}
	if (nroots == MAX_ROOTS) {
		return ERR_LIMIT;
	}
	memcpy(roots[nroots].name, name, strlen(name) + 1);
	roots[nroots++].before = before;
	return 0;
}

static void
write_list(void)
{
	char text[MAX_ROOTS * (ROOT_NAME + 4)] = "";
	size_t used = 0;

	if (list_path[0] == '\0') {
		return;
	}
	for (unsigned i = 0; i < nroots; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s %c\n", roots[i].name, roots[i].before);
	}
	if (file_replace(list_path, text) != 0) {
		log_warn("write %s", list_path);
	}
}

int
roots_load(const char *path)
{
	uint8_t *data = NULL;
	char *line, *next;
	size_t len;
	int r;

	nroots = 0;
	list_path[0] = '\0';
	if (strlen(path) >= sizeof(list_path)) {
		return ERR_LIMIT;
	}
	memcpy(list_path, path, strlen(path) + 1);
	r = file_read(path, sizeof(roots) * 2, FILE_PUBLIC, &data, &len);
	if (r != 0) {
		return r == ERR_NOENT ? 0 : r;
	}
	for (line = (char *)data; r == 0 && *line != '\0'; line = next) {
		size_t n = strcspn(line, "\n");

		/* A name, one space, one digit. */
		r = ERR_FORMAT;
		if (line[n] == '\n' && n > 2 && n < ROOT_NAME + 2 &&
		    line[n - 2] == ' ') {
			line[n - 2] = '\0';
			r = add(line, line[n - 1]);
		}
		next = line + n + 1;
	}
	free(data);
	if (r != 0) {
		nroots = 0;
	}
	return r;
}

int
roots_close(int dir, const char *name)
{
	long before;
	int r;

	if (!is_root_name(name)) {
		return ERR_FORMAT;
	}
	if (!find(name)) {
		before = attr_number(dir, DEFAULT, 10);
		if (before == -1) {
			return ERR_SYS;
		}
		r = add(name, before == 0 ? '0' : '1');
		if (r != 0) {
			return r;
		}
		/* Written down before it is done, not after. */
		write_list();
	}
	return attr_write(dir, DEFAULT, "0");
}

void
roots_restore(const char *sysfs)
{
	for (unsigned i = 0; i < nroots; i++) {
		char path[PATH_MAX];
		char text[2] = {roots[i].before, '\0'};
		int dir, n;

		n = snprintf(
		    path, sizeof(path), "%s/%s", sysfs, roots[i].name);
		if (n < 0 || (size_t)n >= sizeof(path)) {
			continue;
		}
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir == -1) {
			continue; /* its controller is gone */
		}
		if (attr_write(dir, DEFAULT, text) != 0) {
			log_warn("restore %s/" DEFAULT, path);
		}
		close_fd(&dir);
	}
	nroots = 0;
	if (list_path[0] != '\0' && unlink(list_path) == -1 &&
	    errno != ENOENT) {
		log_warn("remove %s", list_path);
	}
}
