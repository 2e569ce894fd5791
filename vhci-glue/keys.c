/*
 * Each file is written under a hidden name, which is then linked to its own: a
 * link never replaces. What was made is removed again when a later one fails.
 */
#include "vhci-glue/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define HIDDEN ".enroll.tmp"

static const char *const names[] = {"key.pem", "ca.pem", "cert.pem"};

static int
say(const char *command, const char *dir, const char *name)
{
	if (errno == EEXIST) {
		log_warnx("%s: %s/%s: is there already; move it away, or "
			  "choose another --tls", command, dir, name);
	} else {
		log_warn("%s: %s/%s", command, dir, name);
	}
	return -1;
}

static int
open_dir(const char *command, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1) {
		log_warn("%s: %s", command, dir);
	}
	return fd;
}

int
keys_check(const char *command, const char *dir)
{
	struct stat st;
	int fd, r = 0;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		log_warn("%s: %s", command, dir);
		return -1;
	}
	fd = open_dir(command, dir);
	if (fd == -1) {
		return -1;
	}
	if (faccessat(fd, ".", W_OK, AT_EACCESS) == -1) {
		log_warn("%s: %s", command, dir);
		r = -1;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			errno = EEXIST;
			r = say(command, dir, names[i]);
		}
	}
	close_fd(&fd);
	return r;
}

/* Without the NUL that len counts. */
static int
write_one(int dir, const char *name, const uint8_t *text, size_t len)
{
	int fd, r, err;

	(void)unlinkat(dir, HIDDEN, 0); /* one of a run that was killed */
	fd = openat(dir, HIDDEN,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		return -1;
	}
	r = file_write_all(fd, text, len - 1);
	if (r == 0) {
		r = linkat(dir, HIDDEN, dir, name, 0);
	}
	err = errno;
	close_fd(&fd);
	(void)unlinkat(dir, HIDDEN, 0);
	errno = err;
	return r == 0 ? 0 : -1;
}

int
keys_write(const char *command, const char *dir, const struct ipc_pem *pem)
{
	const struct {
		const uint8_t *text;
		size_t len;
	} texts[] = {
		{pem->key, pem->key_len},
		{pem->ca, pem->ca_len},
		{pem->cert, pem->cert_len},
	};
	int fd = open_dir(command, dir), r = fd == -1 ? -1 : 0;
	size_t done = 0;

	for (; r == 0 && done < ARRAY_LEN(names); done++) {
		r = write_one(
		    fd, names[done], texts[done].text, texts[done].len);
		if (r != 0) {
			say(command, dir, names[done]);
			break;
		}
	}
	if (r == 0 && fsync(fd) == -1) {
		log_warn("%s: %s", command, dir);
		r = -1;
	}
	for (size_t i = 0; r != 0 && i < done; i++) {
		(void)unlinkat(fd, names[i], 0);
	}
	close_fd(&fd);
	return r;
}
