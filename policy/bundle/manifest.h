/*
 * What a bundle says of itself: MANIFEST.json, the first file of its archive.
 * Strict: a member that is not known is an error, since an older gateway must
 * not pass over what a newer publisher meant. No clock, no I/O.
 */
#ifndef POLICY_BUNDLE_MANIFEST_H
#define POLICY_BUNDLE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/sign.h"
#include "policy/bundle/tar.h"

#define MANIFEST_NAME "MANIFEST.json"
#define MANIFEST_MAX (256u * 1024u)
#define MANIFEST_KEYS 16u
#define MANIFEST_TARGETS 256u
#define MANIFEST_LABELS 16u
#define MANIFEST_LABEL 64u /* with its NUL */
#define MANIFEST_REVISION 128u
#define MANIFEST_URL 512u
#define MANIFEST_SERIAL_MAX INT64_C(9007199254740991)
#define MANIFEST_GRACE_MAX (366u * 86400u)

/* Who may sign: so many of those keys. */
struct keyring {
	struct sign_key keys[MANIFEST_KEYS];
	size_t nkeys;
	unsigned threshold; /* 1..nkeys */
};

enum manifest_kind {
	MANIFEST_POLICY,    /* rules and profiles */
	MANIFEST_DISCOVERY, /* where gateways of which labels have theirs */
};

struct manifest_file {
	char name[TAR_NAME];
	uint8_t sha256[32];
};

/* A gateway that has all of those labels fetches from that URL. */
struct manifest_target {
	char labels[MANIFEST_LABELS][MANIFEST_LABEL];
	size_t nlabels;
	char url[MANIFEST_URL];
};

struct manifest {
	enum manifest_kind kind;
	char revision[MANIFEST_REVISION]; /* of the publisher's; "" = none */
	int64_t serial;			  /* 1..MANIFEST_SERIAL_MAX */
	int64_t not_before, expires;	  /* Unix seconds */
	uint32_t grace;			  /* seconds after that */
	int is_delegate; /* local files may allow what it does not */
	struct keyring next; /* nkeys 0: those of now go on */
	struct manifest_file *files; /* owned; by name, ascending */
	size_t nfiles;
	struct manifest_target *targets; /* owned; of a discovery */
	size_t ntargets;
};

/* All of it comes from text. 0, or ERR_FORMAT, ERR_LIMIT or ERR_NOMEM with why;
 * to be given to manifest_fini in any case. */
int manifest_parse(struct manifest *out, const char *text, size_t len,
    char *why, size_t size);
void manifest_fini(struct manifest *m);
/* Its text, malloced, which parses to the same; NULL: no memory. */
char *manifest_print(const struct manifest *m);
/* A word of A-Z a-z 0-9 . _ = : - */
int manifest_is_label(const char *text);
/* "https://" and what may follow; no blanks, no user, no fragment. */
int manifest_is_url(const char *text);

/* When it is: it holds from not_before up to the end of its grace. */
enum manifest_phase {
	MANIFEST_EARLY,
	MANIFEST_VALID,
	MANIFEST_GRACE, /* it holds, and somebody should look */
	MANIFEST_OVER,
};
enum manifest_phase manifest_phase(const struct manifest *m, int64_t now);
int64_t manifest_end(const struct manifest *m); /* of the grace */

#endif
