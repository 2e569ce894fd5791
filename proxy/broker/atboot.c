/*
 * [local] at-boot = strict: no device is authorized before the gateway is
 * there. That is the kernel's to do, since it configures what it finds long
 * before any program runs; here a file tells it so for the next boot, and the
 * log whether this one was.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

/* The first line marks the file as ours: only such a one is replaced or
 * removed. */
#define MARK "# Written by sallyportd: [local] at-boot = strict.\n"

static const char ours[] = MARK
    "# USB devices are not authorized until sallyportd has judged them.\n"
    "# To undo: set `at-boot = adopt' in gateway.conf(5) and start sallyportd\n"
    "# again; it removes this file. By hand: remove it, and run\n"
    "# `update-initramfs -u' where the initramfs has a copy.\n"
    "options usbcore authorized_default=0\n";

enum found {
	FOUND_NONE,
	FOUND_SAME,
	FOUND_OURS, /* an older one */
	FOUND_OTHER,
	FOUND_ERROR, /* errno says why */
};

static enum found
look_at(const char *path)
{
	uint8_t *data = NULL;
	size_t len;
	enum found found = FOUND_OTHER;
	int r = file_read(path, 4096, FILE_PUBLIC, &data, &len);

	if (r == ERR_NOENT) {
		return FOUND_NONE;
	}
	if (r == ERR_SYS) {
		return FOUND_ERROR;
	}
	if (r == 0 && len == sizeof(ours) - 1 && memcmp(data, ours, len) == 0) {
		found = FOUND_SAME;
	} else if (r == 0 && len >= sizeof(MARK) - 1 &&
	    memcmp(data, MARK, sizeof(MARK) - 1) == 0) {
		found = FOUND_OURS;
	}
	free(data);
	return found;
}

/* What usbcore runs with, and how it came into the kernel. */
static int
is_strict_now(const char *module)
{
	int dir = open(module, O_RDONLY | O_DIRECTORY | O_CLOEXEC), is;

	if (dir == -1) {
		return 0;
	}
	is = attr_number(dir, "parameters/authorized_default", 10) == 0;
	close_fd(&dir);
	return is;
}

/* A module that was loaded has a state; one that is built in has none. */
static int
is_built_in(const char *module)
{
	int dir = open(module, O_RDONLY | O_DIRECTORY | O_CLOEXEC), is;

	if (dir == -1) {
		return 0; /* not loaded so far */
	}
	is = faccessat(dir, "initstate", F_OK, 0) == -1;
	close_fd(&dir);
	return is;
}

static int
install(const char *path)
{
	switch (look_at(path)) {
	case FOUND_SAME:
		return 0;
	case FOUND_NONE:
	case FOUND_OURS:
		if (file_replace(path, ours) == 0) {
			log_infox("wrote %s; where usbcore is loaded from an "
				  "initramfs, run `update-initramfs -u'",
			    path);
			return 0;
		}
		break;
	case FOUND_OTHER:
		log_warnx("%s: was not written by sallyportd; move it away, "
			  "and what you need of it into another file there",
		    path);
		return ERR_POLICY;
	case FOUND_ERROR:
		break;
	}
	log_warn("write %s", path);
	return ERR_SYS;
}

static int
uninstall(const char *path)
{
	switch (look_at(path)) {
	case FOUND_NONE:
	case FOUND_OTHER:
		return 0;
	case FOUND_SAME:
	case FOUND_OURS:
		if (unlink(path) == 0) {
			log_infox("removed %s; where usbcore is loaded from an "
				  "initramfs, run `update-initramfs -u'",
			    path);
			return 0;
		}
		break;
	case FOUND_ERROR:
		break;
	}
	log_warn("remove %s", path);
	return ERR_SYS;
}

int
atboot_apply(int is_strict, const char *path, const char *module)
{
	int r;

	if (!is_strict) {
		return uninstall(path);
	}
	r = install(path);
	if (is_strict_now(module)) {
		/* Somebody sees to it elsewhere, on the command line maybe. */
		return 0;
	}
	if (is_built_in(module)) {
		log_warnx("at-boot = strict: usbcore is built into this "
			  "kernel, so %s has no effect; add "
			  "usbcore.authorized_default=0 to the kernel's command "
			  "line",
		    path);
		return 0;
	}
	if (r == 0) {
		log_warnx("at-boot = strict: takes effect at the next boot; "
			  "this one authorized what it found");
	}
	return r;
}
