/*
 * A bundle: an archive (tar.h) whose first file says what the others are
 * (manifest.h). Opening it takes nothing on trust; who signed it is signed.h's
 * business, and what its rules mean is nobody's here. No I/O, no clock.
 */
#ifndef POLICY_BUNDLE_BUNDLE_H
#define POLICY_BUNDLE_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/bundle/manifest.h"
#include "policy/bundle/tar.h"

#define BUNDLE_MAX TAR_MAX
/* Where things are. Other files are there to be included. */
#define BUNDLE_RULES "rules.d/"	      /* *.rules */
#define BUNDLE_PROFILES "profiles.d/" /* *.profile */
#define BUNDLE_TESTS "tests/"	      /* *.t */

/* How a file of a bundle is called where it stands beside others:
 * "bundle:rules.d/10-lab.rules". */
#define BUNDLE_SCHEME "bundle:"

struct bundle {
	uint8_t *bytes; /* owned */
	size_t len;
	uint8_t sha256[32]; /* of all bytes: what is signed */
	struct manifest manifest;
	struct tar_file *files; /* owned; but for the manifest, by name */
	size_t nfiles;
};

/* Opens what is in bytes, malloced, which are its own in any case. 0 and *out;
 * or ERR_FORMAT, ERR_LIMIT, ERR_NOMEM or ERR_SYS with why: one line. */
int bundle_open(struct bundle **out, uint8_t *bytes, size_t len, char *why,
    size_t size);
void bundle_free(struct bundle *b);

/* NULL: there is none. */
const struct tar_file *bundle_find(const struct bundle *b, const char *name);
/* The next file after after (NULL: the first) directly in that folder, "rules.d/",
 * with that ending; NULL: no more. */
const struct tar_file *bundle_next(const struct bundle *b,
    const struct tar_file *after, const char *folder, const char *ending);
/* The name of what the file from, by name or as BUNDLE_SCHEME has it, means by
 * path. 0; ERR_FORMAT: it leads out of the bundle. */
int bundle_resolve(char out[TAR_NAME], const char *from, const char *path);

#endif
