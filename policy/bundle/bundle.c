/*
 * Opening: the archive is walked once, and each file must be the next one of the
 * manifest and have its digest. So nothing is in it that the manifest does not
 * name, and nothing is missing.
 */
#include "policy/bundle/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"

struct opening {
	struct bundle *b;
	struct tar_reader tar;
	char *why;
	size_t size;
};

static int
refuse(struct opening *o, int err, const char *text)
{
	(void)snprintf(o->why, o->size, "%s", text);
	return err;
}

static int
open_manifest(struct opening *o)
{
	const char *flaw = "";
	struct tar_file file;
	int r = tar_next(&o->tar, &file, &flaw);

	if (r < 0) {
		return refuse(o, r, flaw);
	}
	if (r == 0 || strcmp(file.name, MANIFEST_NAME) != 0) {
		return refuse(
		    o, ERR_FORMAT, "its first file is not " MANIFEST_NAME);
	}
	r = manifest_parse(&o->b->manifest, (const char *)file.data, file.len,
	    o->why, o->size);
	if (r != 0) {
		return r;
	}
	o->b->files =
	    calloc(o->b->manifest.nfiles + 1, sizeof(*o->b->files));
	return o->b->files != NULL ? 0 : refuse(o, ERR_NOMEM, "out of memory");
}

static int
check_file(struct opening *o, const struct tar_file *file)
{
	struct digest_part part = {file->data, file->len};
	const struct manifest *m = &o->b->manifest;
	uint8_t sha256[32];

	if (o->b->nfiles == m->nfiles ||
	    strcmp(m->files[o->b->nfiles].name, file->name) != 0) {
		(void)snprintf(o->why, o->size,
		    "%s: it is not what " MANIFEST_NAME " has there",
		    file->name);
		return ERR_FORMAT;
	}
	if (digest_sha256(sha256, &part, 1) != 0) {
		return refuse(o, ERR_SYS, "no digest can be made");
	}
	if (memcmp(sha256, m->files[o->b->nfiles].sha256, 32) != 0) {
		(void)snprintf(o->why, o->size,
		    "%s: its digest is not the one of " MANIFEST_NAME,
		    file->name);
		return ERR_FORMAT;
	}
	o->b->files[o->b->nfiles++] = *file;
	return 0;
}

static int
open_files(struct opening *o)
{
	const struct manifest *m = &o->b->manifest;
	const char *flaw = "";
	struct tar_file file;
	int r;

	while ((r = tar_next(&o->tar, &file, &flaw)) == 1) {
		r = check_file(o, &file);
		if (r != 0) {
			return r;
		}
	}
	if (r != 0) {
		return refuse(o, r, flaw);
	}
	if (o->b->nfiles != m->nfiles) {
		(void)snprintf(o->why, o->size, "%s: it is missing",
		    m->files[o->b->nfiles].name);
		return ERR_FORMAT;
	}
	return 0;
}

int
bundle_open(struct bundle **out, uint8_t *bytes, size_t len, char *why,
    size_t size)
{
	struct bundle *b = calloc(1, sizeof(*b));
	struct opening o = {.b = b, .why = why, .size = size};
	struct digest_part part = {bytes, len};
	int r;

	*out = NULL;
	if (b == NULL) {
		free(bytes);
		return refuse(&o, ERR_NOMEM, "out of memory");
	}
	b->bytes = bytes;
	b->len = len;
	tar_open(&o.tar, bytes, len);
	r = open_manifest(&o);
	if (r == 0) {
		r = open_files(&o);
	}
	if (r == 0 && digest_sha256(b->sha256, &part, 1) != 0) {
		r = refuse(&o, ERR_SYS, "no digest can be made");
	}
	if (r != 0) {
		bundle_free(b);
		return r;
	}
	*out = b;
	return 0;
}

void
bundle_free(struct bundle *b)
{
	if (b != NULL) {
		manifest_fini(&b->manifest);
		free(b->files);
		free(b->bytes);
		free(b);
	}
}

const struct tar_file *
bundle_find(const struct bundle *b, const char *name)
{
	size_t low = 0, high = b->nfiles;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(name, b->files[mid].name);

		if (c == 0) {
			return &b->files[mid];
		}
		if (c < 0) {
			high = mid;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

const struct tar_file *
bundle_next(const struct bundle *b, const struct tar_file *after,
    const char *folder, const char *ending)
{
	size_t i = after == NULL ? 0 : (size_t)(after - b->files) + 1;
	size_t n = strlen(folder), m = strlen(ending);

	for (; i < b->nfiles; i++) {
		const char *name = b->files[i].name;
		size_t len = strlen(name);

		if (strncmp(name, folder, n) == 0 && len > n + m &&
		    strchr(name + n, '/') == NULL &&
		    strcmp(name + len - m, ending) == 0) {
			return &b->files[i];
		}
	}
	return NULL;
}

/* Takes the last part away. */
static int
go_up(char *path, size_t *len)
{
	if (*len == 0) {
		return ERR_FORMAT;
	}
	do {
		(*len)--;
	} while (*len > 0 && path[*len] != '/');
	path[*len] = '\0';
	return 0;
}

int
bundle_resolve(char out[TAR_NAME], const char *from, const char *path)
{
	size_t scheme = strlen(BUNDLE_SCHEME), len, part;

	if (strncmp(from, BUNDLE_SCHEME, scheme) == 0) {
		from += scheme;
	}
	len = strlen(from);
	if (len >= TAR_NAME || *path == '/') {
		return ERR_FORMAT;
	}
	memcpy(out, from, len + 1);
	if (len > 0 && go_up(out, &len) != 0) {
		return ERR_FORMAT;
	}
	for (; *path != '\0'; path += part + (path[part] == '/')) {
		part = strcspn(path, "/");
		if (part == 0 || (part == 1 && path[0] == '.')) {
			continue;
		}
		if (part == 2 && memcmp(path, "..", 2) == 0) {
			if (go_up(out, &len) != 0) {
				return ERR_FORMAT;
			}
			continue;
		}
		if (len + (len > 0) + part >= TAR_NAME) {
			return ERR_FORMAT;
		}
		if (len > 0) {
			out[len++] = '/';
		}
		memcpy(out + len, path, part);
		len += part;
		out[len] = '\0';
	}
	return len > 0 ? 0 : ERR_FORMAT;
}
