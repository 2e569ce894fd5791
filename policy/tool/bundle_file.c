/*
 * Bundles, signatures and keys on disk.
 */
#include "policy/tool/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define KEYS_MAX (64u * 1024u)

static int
say(const char *path, int r)
{
	cmd_warn("read: %s: %s", path,
	    r == ERR_LIMIT ? "it is too large" : err_str(r));
	return r;
}

int
bundle_file_read(struct bundle **out, const char *path)
{
	uint8_t *bytes = NULL;
	char why[256] = "";
	size_t len;
	int r = file_read(path, BUNDLE_MAX, FILE_PUBLIC, &bytes, &len);

	*out = NULL;
	if (r != 0) {
		return say(path, r);
	}
	r = bundle_open(out, bytes, len, why, sizeof(why));
	if (r != 0) {
		cmd_warn("open: %s: %s", path, why);
	}
	return r;
}

int
bundle_file_signatures(struct signatures *out, const char *path)
{
	uint8_t *text = NULL;
	char why[256] = "", *name;
	size_t len;
	int r;

	if (asprintf(&name, "%s.sig", path) == -1) {
		return say(path, ERR_NOMEM);
	}
	r = file_read(name, SIGNED_MAX, FILE_PUBLIC, &text, &len);
	if (r == 0) {
		r = signed_parse(
		    out, (const char *)text, len, why, sizeof(why));
		if (r != 0) {
			cmd_warn("read: %s: %s", name, why);
		}
	} else if (r != ERR_NOENT) {
		(void)say(name, r);
	}
	free(text);
	free(name);
	return r;
}

int
bundle_file_keys(struct keyring *out, const char *path, unsigned threshold)
{
	uint8_t *text = NULL;
	char why[256] = "";
	size_t len;
	int r = file_read(path, KEYS_MAX, FILE_PUBLIC, &text, &len);

	*out = (struct keyring){.threshold = threshold};
	if (r != 0) {
		return say(path, r);
	}
	r = sign_keys_read(out->keys, MANIFEST_KEYS, &out->nkeys,
	    (const char *)text, len, why, sizeof(why));
	free(text);
	if (r == 0 && (threshold < 1 || threshold > out->nkeys)) {
		(void)snprintf(why, sizeof(why),
		    "--threshold %u, and %zu keys are in it", threshold,
		    out->nkeys);
		r = ERR_FORMAT;
	}
	if (r != 0) {
		cmd_warn("read: %s: %s", path, why);
	}
	return r;
}

int
bundle_file_write(const char *path, const void *data, size_t len)
{
	char *name;
	int fd, r = ERR_SYS, saved;

	if (asprintf(&name, "%s.XXXXXX", path) == -1) {
		cmd_warn("write: %s: out of memory", path);
		return ERR_NOMEM;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd != -1) {
		r = file_write_all(fd, data, len);
		if (r == 0 && (fchmod(fd, 0644) == -1 ||
				  rename(name, path) == -1)) {
			r = ERR_SYS;
		}
		saved = errno;
		if (r != 0) {
			(void)unlink(name);
		}
		close_fd(&fd);
		errno = saved;
	}
	if (r != 0) {
		cmd_warn("write: %s: %s", path, err_str(r));
	}
	free(name);
	return r;
}
