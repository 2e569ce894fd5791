/*
 * The profile language (sallyport.profile(5)): from texts to compiled tables.
 * For the warden and sallyport-policy; a session links table.c and judge.c only
 * (table.h). No I/O: texts come from the caller.
 */
#ifndef POLICY_PROFILES_PROFILE_H
#define POLICY_PROFILES_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/hook.h"
#include "wire/devrec.h"

#define PROFILES_MAX_TEXT (16u * 1024u * 1024u) /* all texts together */
#define PROFILES_MAX_ERRORS 100u		 /* kept; the rest is counted */
#define PROFILE_NAME 64u /* bytes with the NUL: a-z A-Z 0-9 . _ - */

enum profile_level { PROFILE_INFO, PROFILE_WARN, PROFILE_ALERT };

struct profile_error {
	const char *file;
	unsigned line, column; /* from 1; bytes */
	const char *text, *source;
	unsigned caret;
};

/* Loading, as rules_load of policy/rules/rules.h: new → text for each file →
 * finish → free. All errors of all files are collected; with one, finish gives
 * ERR_FORMAT and no set. */
struct profile_load;
struct profile_set;

enum profile_origin { PROFILE_STOCK, PROFILE_LOCAL, PROFILE_BUNDLE };

struct profile_load *profile_load_new(void);
/* Reads what `include' names: NULL = include is an error. Contract as
 * rules_means.read. */
struct profile_file {
	char *name, *text;
	size_t len;
};
typedef int profile_read_fn(void *arg, const char *from, const char *path,
    struct profile_file *out, char *why, size_t size);
void profile_load_read(
    struct profile_load *load, profile_read_fn *fn, void *arg);
/* name and text are copied. A local profile takes the place of a stock one of
 * its name; two of one origin are an error. 0 also when it has errors.
 * ERR_LIMIT, ERR_NOMEM. */
int profile_load_text(struct profile_load *load, enum profile_origin origin,
    const char *name, const char *text, size_t len);
int profile_load_finish(struct profile_load *load, struct profile_set **out);
size_t profile_load_error_count(const struct profile_load *load);
const struct profile_error *profile_load_error(
    const struct profile_load *load, size_t i);
/* Things a person should see that are no errors (a local profile in the place
 * of a stock one); same form. */
size_t profile_load_warning_count(const struct profile_load *load);
const struct profile_error *profile_load_warning(
    const struct profile_load *load, size_t i);
void profile_load_free(struct profile_load *load);

typedef void profile_text_cb(void *arg, const char *text, size_t len);
/* Canonical form of all texts loaded, comments kept, before finish and only
 * without errors; parses to the same tree. */
int profile_load_format(
    const struct profile_load *load, profile_text_cb *cb, void *arg);

void profile_set_free(struct profile_set *set);
size_t profile_set_count(const struct profile_set *set);
const char *profile_set_name(const struct profile_set *set, size_t i);
/* Index of a profile; -1 when there is none. "auto" is none: it is a choice
 * among the others, made by profile_choose. */
int profile_set_find(const struct profile_set *set, const char *name);
/* Whether its `for' takes the interface class; 1 without a `for'. */
int profile_takes(const struct profile_set *set, size_t i, uint8_t class,
    uint8_t subclass, uint8_t protocol);
/* Hooks that it has, as a set of bits. */
uint32_t profile_hooks(const struct profile_set *set, size_t i);

/* Which profile `using NAME' means for an interface: NAME itself, or what
 * `auto' picks by the class of the interface. The index, or a negative error
 * with why filled: ERR_NOENT, ERR_POLICY (its `for' does not take it; a vendor
 * interface has none). Defined in choose.c. */
int profile_choose(const struct profile_set *set, const char *name,
    const struct desc_config *config, const uint8_t *bytes,
    const struct desc_alt *alt, char *why, size_t size);

/* Whether an interface meets the `pin's of a profile and of those it extends:
 * digest is the SHA-256 of its report descriptor; report is NULL when it has
 * none. 0, or an error with why. pins.c. */
int profile_pins(const struct profile_set *set, size_t i,
    const uint8_t digest[32], const uint8_t *report, size_t len, char *why,
    size_t size);

/* One interface of one configuration and the profile that it gets. */
struct profile_bind {
	uint8_t config;	   /* bConfigurationValue */
	uint8_t interface; /* bInterfaceNumber */
	uint16_t profile;  /* index in the set */
};
/* Compiles the profiles that the binds name into one block (table.h), malloced,
 * the caller's. utc_offset is local time's, in seconds, for `time'. 0,
 * ERR_NOMEM, ERR_LIMIT with why. */
int profile_build(const struct profile_set *set,
    const struct profile_bind *binds, size_t nbinds, int32_t utc_offset,
    void **block, size_t *size, char *why, size_t why_size);

#endif
