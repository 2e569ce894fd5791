/*
 * Tar, as little of it as a bundle needs: regular files in POSIX's ustar form,
 * with one encoding for each content. What is written by anything else is
 * refused, also where every other program would read it. It knows nothing of
 * what is in the files.
 *
 * Why not libarchive: it reads dozens of formats through a dozen libraries, and
 * would do so in the process that decides. Of tar itself what it takes is what
 * makes tar dangerous, links, paths, extensions, two names for one entry. Here a
 * header is compared with the one that we would have written, byte for byte.
 */
#ifndef POLICY_BUNDLE_TAR_H
#define POLICY_BUNDLE_TAR_H

#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK 512u
#define TAR_NAME 100u /* with its NUL */
#define TAR_DEPTH 4u  /* parts of a name */
/* Bounds of one archive; the reader and the writer have the same. */
#define TAR_FILES 1024u
#define TAR_MAX (16u << 20) /* bytes of all of it */

struct tar_file {
	char name[TAR_NAME];
	const uint8_t *data; /* borrowed from the archive */
	size_t len;
};

/* Whether that can be a name: parts of A-Z a-z 0-9 . _ - that begin with no dot
 * and no dash, at most TAR_DEPTH of them with a slash between. */
int tar_is_name(const char *name);

struct tar_reader {
	const uint8_t *p, *end;
	unsigned count;
	char last[TAR_NAME];
};

/* The bytes are borrowed while it is used. */
void tar_open(struct tar_reader *tar, const void *bytes, size_t len);
/* The next file. 1; 0: there are no more, and the archive ends as it must;
 * ERR_FORMAT or ERR_LIMIT with *why: static, for people. Names come in
 * ascending order, but for the first one, which may be any. */
int tar_next(struct tar_reader *tar, struct tar_file *out, const char **why);

/* Growing by itself. Files in the reader's order. */
struct tar_writer {
	uint8_t *data; /* owned; malloc */
	size_t len, room;
	unsigned count;
	char last[TAR_NAME];
};

/* 0; ERR_FORMAT (the name, or its place), ERR_LIMIT, ERR_NOMEM. */
int tar_add(struct tar_writer *tar, const char *name, const void *data,
    size_t len);
int tar_end(struct tar_writer *tar);
void tar_writer_fini(struct tar_writer *tar);

#endif
