/*
 * Rules from disk: the files of a directory in the order of their names, what
 * they include, and what this gateway has, so that a rule which asks for more
 * does not load. Only regular files that not everybody may write to are read.
 */
#include "proxy/warden/warden.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/bundle/bundle.h"

/* Includes of one load, so that they end: bytes of all together. */
#define FILES_MAX (64u * 1024u * 1024u)

struct loading {
	struct warden *warden;
	struct rules_load *load;
	struct source *src;
};

void
source_watch(struct source *src, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	char *dir = slash == NULL ? strdup(".")
	    : len == 0		  ? strdup("/")
				  : strndup(path, len);

	for (unsigned i = 0; dir != NULL && i < src->ndirs; i++) {
		if (strcmp(src->dirs[i], dir) == 0) {
			free(dir);
			return;
		}
	}
	if (dir != NULL && src->ndirs < SOURCE_DIRS) {
		src->dirs[src->ndirs++] = dir;
	} else {
		free(dir);
	}
}

static void
add_digest(struct source *src, const char *name, const void *text, size_t len)
{
	struct digest_part parts[] = {
		{src->digest, sizeof(src->digest)},
		{name, strlen(name) + 1},
		{text, len},
	};
	uint8_t out[32];

	if (digest_sha256(out, parts, ARRAY_LEN(parts)) != 0) {
		fatalx("digest of the rules");
	}
	memcpy(src->digest, out, sizeof(out));
}

static const char *
read_error(int r)
{
	return r == ERR_POLICY ? "others may write to it; run `chmod o-w' on it"
	    : r == ERR_LIMIT   ? "too long"
	    : r == ERR_SYS && errno == EACCES
	    ? "the gateway's user may not read it, or it lies outside of "
	      "/etc, /usr/share and the directories of gateway.conf"
			       : err_str(r);
}

static int
read_file(struct source *src, const char *path, size_t max, uint8_t **text,
    size_t *len)
{
	int r = file_read(path, max, FILE_TRUSTED, text, len);

	if (r != 0) {
		return r;
	}
	src->total += *len;
	if (src->total > FILES_MAX) {
		free(TAKE(*text));
		return ERR_LIMIT;
	}
	source_watch(src, path);
	add_digest(src, path, *text, *len);
	return 0;
}

int
source_read(struct source *src, const char *path, size_t max, uint8_t **text,
    size_t *len)
{
	int r = read_file(src, path, max, text, len);

	if (r != 0) {
		log_warnx("read %s: %s", path, read_error(r));
		(void)snprintf(src->error, sizeof(src->error), "%s: %s", path,
		    read_error(r));
	}
	return r;
}

static int
load_file(struct loading *l, const char *path)
{
	uint8_t *text = NULL;
	size_t len;
	int r = source_read(l->src, path, RULES_MAX_TEXT, &text, &len);

	if (r != 0) {
		return r;
	}
	r = rules_load_text(l->load, path, (const char *)text, len);
	free(text);
	return r == ERR_NOMEM ? r : 0;
}

static int
is_rules_file(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 6 &&
	    strcmp(e->d_name + n - 6, ".rules") == 0;
}

static int
load_dir(struct loading *l, const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_rules_file, alphasort), r = 0;

	if (n == -1) {
		log_warn("read directory %s", dir);
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		int len = snprintf(
		    path, sizeof(path), "%s/%s", dir, names[i]->d_name);

		if (r == 0) {
			r = len > 0 && (size_t)len < sizeof(path)
			    ? load_file(l, path)
			    : ERR_LIMIT;
		}
		free(names[i]);
	}
	free(names);
	return r;
}

/* ------------------------------------------------------------------------ */
/* What the gateway has                                                     */

static int
on_is_zone(void *arg, const char *zone)
{
	struct loading *l = arg;
	const struct zone *z;

	return *zone != '\0' && zones_get(l->warden->zones, zone, &z) == 0;
}

/* Of a file of the bundle: another one of it, and nothing else. */
static int
include_inside(const struct bundle *b, const char *from, const char *path,
    char **name, char **text, size_t *len, char *why, size_t size)
{
	const struct tar_file *file = NULL;
	char inside[TAR_NAME];

	if (b == NULL || bundle_resolve(inside, from, path) != 0) {
		(void)snprintf(why, size, "it leads out of the bundle");
		return ERR_FORMAT;
	}
	file = bundle_find(b, inside);
	if (file == NULL) {
		(void)snprintf(why, size, "no such file in the bundle");
		return ERR_NOENT;
	}
	*text = malloc(file->len + 1);
	if (*text == NULL || asprintf(name, BUNDLE_SCHEME "%s", inside) == -1) {
		free(TAKE(*text));
		(void)snprintf(why, size, "out of memory");
		return ERR_NOMEM;
	}
	if (file->len > 0) {
		memcpy(*text, file->data, file->len);
	}
	(*text)[file->len] = '\0';
	*len = file->len;
	return 0;
}

int
source_include(struct source *src, const char *from, const char *path,
    char **name, char **text, size_t *len, char *why, size_t size)
{
	char joined[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(from, '/');
	int n = *path == '/' || slash == NULL
	    ? snprintf(joined, sizeof(joined), "%s", path)
	    : snprintf(joined, sizeof(joined), "%.*s/%s",
		  (int)(slash - from), from, path);
	uint8_t *bytes = NULL;
	int r;

	if (strncmp(from, BUNDLE_SCHEME, strlen(BUNDLE_SCHEME)) == 0) {
		return include_inside(bundles_compiled(src->warden), from, path,
		    name, text, len, why, size);
	}
	if (n < 0 || (size_t)n >= sizeof(joined)) {
		(void)snprintf(why, size, "its path is too long");
		return ERR_LIMIT;
	}
	if (realpath(joined, real) == NULL) {
		(void)snprintf(why, size, "%s", strerror(errno));
		return ERR_NOENT;
	}
	r = read_file(src, real, RULES_MAX_TEXT, &bytes, len);
	if (r != 0) {
		(void)snprintf(why, size, "%s", read_error(r));
		return r;
	}
	*text = (char *)bytes;
	*name = strdup(real);
	if (*name == NULL) {
		free(TAKE(*text));
		(void)snprintf(why, size, "out of memory");
		return ERR_NOMEM;
	}
	return 0;
}

static int
on_read(void *arg, const char *from, const char *path, struct rules_file *out,
    char *why, size_t size)
{
	struct loading *l = arg;

	return source_include(l->src, from, path, &out->name, &out->text,
	    &out->len, why, size);
}

/* "NAME sha256:HEX" */
static int
parse_issuer(struct rules_issuer *out, const char *text)
{
	size_t len = strcspn(text, " \t");
	const char *hex = text + len + strspn(text + len, " \t");

	if (len == 0 || strncmp(hex, "sha256:", 7) != 0 ||
	    digest_unhex(out->key, sizeof(out->key), hex + 7) != 0) {
		return ERR_FORMAT;
	}
	out->name = strndup(text, len);
	return out->name != NULL ? 0 : ERR_NOMEM;
}

int
rulefiles_issuers(struct warden *w)
{
	const struct conf_list *list = &w->conf.issuers;

	w->issuers = calloc(list->n + 1, sizeof(*w->issuers));
	if (w->issuers == NULL) {
		log_warn("issuers");
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < list->n; i++) {
		int r = parse_issuer(&w->issuers[i], list->v[i]);

		if (r != 0) {
			log_warnx("%s: [tls] issuer = %s: expected a name and "
				  "sha256: with 64 hexadecimal digits, lower "
				  "case; see gateway.conf(5)", w->conf_path,
			    list->v[i]);
			return r;
		}
		w->nnamed++;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* All together                                                             */

static void
show_errors(struct source *src, const struct rules_load *load)
{
	size_t n = rules_load_error_count(load);

	for (size_t i = 0; i < n && i < RULES_MAX_ERRORS; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		log_warnx("%s:%u:%u: %s", e->file, e->line, e->column, e->text);
		if (i == 0) {
			(void)snprintf(src->error, sizeof(src->error),
			    "%s:%u:%u: %s", e->file, e->line, e->column,
			    e->text);
		}
	}
	if (n > RULES_MAX_ERRORS) {
		log_warnx("rules: %zu errors in all", n);
	}
}

/* What `using' may name: every profile, and the choice among them. */
static const char **
profile_names(const struct profile_set *set, size_t *n)
{
	const char **names;

	*n = set != NULL ? profile_set_count(set) + 1 : 0;
	names = calloc(*n + 1, sizeof(*names));
	if (names == NULL || set == NULL) {
		return names;
	}
	names[0] = "auto";
	for (size_t i = 1; i < *n; i++) {
		names[i] = profile_set_name(set, i - 1);
	}
	return names;
}

static int
load_path(struct loading *l, const char *path)
{
	struct stat st;
	char inside[PATH_MAX];

	if (stat(path, &st) == -1) {
		log_warn("rules %s", path);
		return ERR_SYS;
	}
	if (!S_ISDIR(st.st_mode)) {
		return load_file(l, path);
	}
	/* also when it is empty */
	(void)snprintf(inside, sizeof(inside), "%s/", path);
	source_watch(l->src, inside);
	return load_dir(l, path);
}

/* The bundle's rules; and those of the gateway narrow what they allow, unless it
 * says otherwise. */
static int
load_bundle(struct loading *l)
{
	const struct bundle *b = bundles_compiled(l->warden);
	const struct tar_file *file = NULL;
	int r = 0;

	if (b != NULL) {
		add_digest(l->src, "bundle", b->sha256, sizeof(b->sha256));
	}
	while (b != NULL && r == 0 &&
	    (file = bundle_next(b, file, BUNDLE_RULES, ".rules")) != NULL) {
		char name[sizeof(BUNDLE_SCHEME) + TAR_NAME];

		(void)snprintf(
		    name, sizeof(name), BUNDLE_SCHEME "%s", file->name);
		r = rules_load_text(
		    l->load, name, (const char *)file->data, file->len);
		r = r == ERR_NOMEM ? r : 0;
	}
	rules_load_layer(l->load,
	    b != NULL && b->manifest.is_delegate ? RULES_DECIDE :
						   RULES_NARROW);
	return r;
}

int
rulefiles_load(struct warden *w, const char *path, struct source *src,
    struct rules **out, struct profile_set **profiles)
{
	struct loading l = {
		.warden = w, .load = rules_load_new(), .src = src};
	struct rules_means means = {
		.is_gateway = 1,
		.has_capture = 1,
		.nissuers = w->nissuers,
		.issuers = w->issuers,
		.nnamed = w->nnamed,
		.is_zone = on_is_zone,
		.read = on_read,
		.arg = &l,
	};
	const char **names = NULL;
	int r = 0;

	*src = (struct source){.warden = w};
	if (l.load == NULL) {
		return ERR_NOMEM;
	}
	if (profiles != NULL) {
		r = profiles_load(w, src, profiles);
	}
	names = profile_names(
	    profiles != NULL ? *profiles : NULL, &means.nprofiles);
	if (r == 0 && names == NULL) {
		r = ERR_NOMEM;
	}
	if (r == 0) {
		means.profiles = names;
		rules_load_means(l.load, &means);
		/* [local] keep is the gateway's own business */
		r = w->bundles != NULL && profiles != NULL ? load_bundle(&l) :
							     0;
	}
	if (r == 0) {
		r = load_path(&l, path);
	}
	if (r == 0) {
		r = rules_load_finish(l.load, out);
	}
	show_errors(src, l.load);
	if (r != 0 && src->error[0] == '\0') {
		(void)snprintf(src->error, sizeof(src->error), "%s: %s", path,
		    err_str(r));
	}
	rules_load_free(l.load);
	free(names);
	if (r != 0 && profiles != NULL) {
		profile_set_free(TAKE(*profiles));
	}
	return r;
}

void
source_fini(struct source *src)
{
	for (unsigned i = 0; i < src->ndirs; i++) {
		free(src->dirs[i]);
	}
	src->ndirs = 0;
}
