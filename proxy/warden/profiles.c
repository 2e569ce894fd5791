/*
 * Profiles in the warden: read from the stock directory and from the gateway's
 * own, chosen for each interface that a lease exposes, compiled and sealed for
 * the session. Rules and profiles are one policy: an error in either loads
 * neither.
 */
#include "proxy/warden/warden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/bundle/bundle.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* ------------------------------------------------------------------------ */
/* Reading                                                                  */

static int
is_profile_file(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 8 &&
	    strcmp(e->d_name + n - 8, ".profile") == 0;
}

static int
load_file(struct profile_load *load, struct source *src,
    enum profile_origin origin, const char *path)
{
	uint8_t *text = NULL;
	size_t len;
	int r = source_read(src, path, PROFILES_MAX_TEXT, &text, &len);

	if (r == 0) {
		r = profile_load_text(
		    load, origin, path, (const char *)text, len);
		free(text);
		r = r == ERR_NOMEM ? r : 0; /* the rest is in its errors */
	}
	return r;
}

/* The directory; or, where there is none, the one in which it would appear. */
static void
watch_dir(struct source *src, const char *dir, int is_there)
{
	char path[PATH_MAX];
	char *slash;

	(void)snprintf(path, sizeof(path), "%s%s", dir, is_there ? "/" : "");
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path) {
		return;
	}
	*slash = '\0';
	if (access(path, F_OK) == 0) {
		*slash = '/';
		source_watch(src, path);
	}
}

/* A directory that is not there has no profiles. */
static int
load_dir(struct profile_load *load, struct source *src,
    enum profile_origin origin, const char *dir)
{
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int n, r = 0;

	n = scandir(dir, &names, is_profile_file, alphasort);
	watch_dir(src, dir, n != -1);
	if (n == -1 && errno != ENOENT) {
		log_warn("read directory %s", dir);
		(void)snprintf(src->error, sizeof(src->error), "%s: %s", dir,
		    strerror(errno));
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		int len = snprintf(
		    path, sizeof(path), "%s/%s", dir, names[i]->d_name);

		if (r == 0) {
			r = len > 0 && (size_t)len < sizeof(path) ?
			    load_file(load, src, origin, path) :
			    ERR_LIMIT;
		}
		free(names[i]);
	}
	free(names);
	return r;
}

/* They count whatever the gateway has: its publisher tested them. */
static int
load_bundle(struct profile_load *load, const struct bundle *b)
{
	const struct tar_file *file = NULL;
	int r = 0;

	while (r == 0 && (file = bundle_next(b, file, BUNDLE_PROFILES,
			      ".profile")) != NULL) {
		char name[sizeof(BUNDLE_SCHEME) + TAR_NAME];

		(void)snprintf(
		    name, sizeof(name), BUNDLE_SCHEME "%s", file->name);
		r = profile_load_text(load, PROFILE_BUNDLE, name,
		    (const char *)file->data, file->len);
		r = r == ERR_NOMEM ? r : 0; /* the rest is in its errors */
	}
	return r;
}

static int
on_read(void *arg, const char *from, const char *path,
    struct profile_file *out, char *why, size_t size)
{
	return source_include(
	    arg, from, path, &out->name, &out->text, &out->len, why, size);
}

static void
show_errors(struct source *src, const struct profile_load *load)
{
	size_t n = profile_load_error_count(load);

	for (size_t i = 0; i < n && i < PROFILES_MAX_ERRORS; i++) {
		const struct profile_error *e = profile_load_error(load, i);

		log_warnx("%s:%u:%u: %s", e->file, e->line, e->column, e->text);
		if (i == 0) {
			(void)snprintf(src->error, sizeof(src->error),
			    "%s:%u:%u: %s", e->file, e->line, e->column,
			    e->text);
		}
	}
	for (size_t i = 0; i < profile_load_warning_count(load); i++) {
		const struct profile_error *e = profile_load_warning(load, i);

		log_infox("%s:%u:%u: %s", e->file, e->line, e->column, e->text);
	}
}

int
profiles_load(
    struct warden *w, struct source *src, struct profile_set **out)
{
	struct profile_load *load = profile_load_new();
	const struct bundle *b = bundles_compiled(w);
	int r;

	*out = NULL;
	if (load == NULL) {
		return ERR_NOMEM;
	}
	profile_load_read(load, on_read, src);
	r = load_dir(load, src, PROFILE_STOCK, w->conf.stock_profiles);
	/* One of this gateway's in the place of a stock one would be a way to
	 * allow what the bundle does not. */
	if (r == 0 && (w->bundles == NULL ||
			  (b != NULL && b->manifest.is_delegate))) {
		r = load_dir(load, src, PROFILE_LOCAL, w->conf.profiles);
	}
	if (r == 0 && b != NULL) {
		r = load_bundle(load, b);
	}
	if (r == 0) {
		r = profile_load_finish(load, out);
	}
	show_errors(src, load);
	profile_load_free(load);
	return r;
}

/* ------------------------------------------------------------------------ */
/* Choosing                                                                 */

/* What is gathered for one lease. */
struct choice {
	struct warden *w;
	const struct device *dev;
	const struct rule_decision *d;
	struct profile_bind binds[DESC_MAX_CONFIGS * DESC_MAX_INTERFACES];
	size_t nbinds, nbare; /* with a profile, and without */
	char *why;
	size_t size;
};

/* Rules count configurations as the whole record has them. */
static unsigned
index_of_config(const struct devrec *rec, uint8_t value)
{
	for (unsigned i = 0; i < rec->nconfigs; i++) {
		size_t len;
		const uint8_t *bytes = devrec_config(rec, i, &len);

		if (bytes != NULL && len > 5 && bytes[5] == value) {
			return i;
		}
	}
	return 0;
}

/* The report descriptor of an interface, and its digest; NULL = none. */
static const uint8_t *
report_of(const struct device *dev, uint8_t config, uint8_t interface,
    size_t *len, const uint8_t **digest)
{
	const struct devrec *rec = dev->record;

	*digest = NULL;
	for (size_t i = 0; i < rec->nreports && i < dev->facts.nreports; i++) {
		if (rec->reports[i].config == config &&
		    rec->reports[i].interface == interface) {
			*digest = dev->facts.reports[i];
			return devrec_report(rec, config, interface, len);
		}
	}
	return NULL;
}

static int
check_pins(struct choice *c, size_t profile, uint8_t config,
    uint8_t interface)
{
	const uint8_t *digest, *report;
	char why[256] = "";
	size_t len = 0;
	int r;

	report = report_of(c->dev, config, interface, &len, &digest);
	r = profile_pins(
	    c->w->profiles, profile, digest, report, len, why, sizeof(why));
	if (r != 0) {
		(void)snprintf(
		    c->why, c->size, "interface %u: %s", interface, why);
	}
	return r;
}

static int
choose(struct choice *c, const struct desc_config *config,
    const uint8_t *bytes, const struct desc_alt *alt)
{
	const struct devrec *whole = c->dev->record;
	const char *name = rules_profile_of(c->w->rules, c->d, &c->dev->facts,
	    index_of_config(whole, config->value), alt->number);
	char why[256] = "";
	int i;

	if (*name == '\0' && alt->class == 0xff) {
		(void)snprintf(c->why, c->size,
		    "interface %u is of a vendor's own class and has no "
		    "profile: name one with `using', or hide it with `expose'",
		    alt->number);
		return ERR_POLICY;
	}
	if (*name == '\0') {
		c->nbare++;
		return 0;
	}
	i = profile_choose(
	    c->w->profiles, name, config, bytes, alt, why, sizeof(why));
	if (i < 0) {
		(void)snprintf(c->why, c->size, "interface %u: profile %s: %s",
		    alt->number, name, why);
		return i;
	}
	if (check_pins(c, (size_t)i, config->value, alt->number) != 0) {
		return ERR_POLICY;
	}
	c->binds[c->nbinds++] = (struct profile_bind){
		.config = config->value,
		.interface = alt->number,
		.profile = (uint16_t)i,
	};
	return 0;
}

/* Each interface once, by its first alternate. */
static int
choose_config(struct choice *c, const uint8_t *bytes, size_t len)
{
	struct desc_config *config = c->w->scratch;
	uint32_t seen = 0;
	int r = desc_parse_config(config, bytes, len, NULL);

	for (unsigned i = 0; i < config->nalts && r == 0; i++) {
		const struct desc_alt *alt = &config->alts[i];

		if ((seen >> (alt->number & 31) & 1) == 0) {
			seen |= UINT32_C(1) << (alt->number & 31);
			r = choose(c, config, bytes, alt);
		}
	}
	return r;
}

static int
choose_all(struct choice *c)
{
	const struct devrec *rec = item_view(c->dev, &c->d->exposes);
	int r = rec != NULL ? 0 : ERR_NOENT;

	(void)snprintf(c->why, c->size, "nothing of it is exposed");
	for (unsigned i = 0; r == 0 && i < rec->nconfigs; i++) {
		size_t len;
		const uint8_t *bytes = devrec_config(rec, i, &len);

		r = bytes != NULL ? choose_config(c, bytes, len) : ERR_FORMAT;
	}
	if (r == 0 && c->nbinds > 0 && c->nbare > 0) {
		(void)snprintf(c->why, c->size,
		    "some of its interfaces have a profile and others have "
		    "none: name one for each, or hide them");
		r = ERR_POLICY;
	}
	return r;
}

/* ------------------------------------------------------------------------ */
/* Sealing                                                                  */

int32_t
profiles_utc_offset(struct warden *w)
{
	const struct zone *zone;

	return zones_get(w->zones, "", &zone) == 0 ?
	    zone_offset(zone, world_now()) :
	    0;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0) {
			return ERR_SYS;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
seal(const void *block, size_t size, int *fd)
{
	*fd = memfd_create("sallyport-profiles", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd == -1 || write_all(*fd, block, size) != 0 ||
	    fcntl(*fd, F_ADD_SEALS, SEALS) == -1) {
		log_warn("seal the profiles");
		close_fd(fd);
		return ERR_SYS;
	}
	return 0;
}

int
profiles_seal(struct warden *w, const struct device *dev,
    const struct rule_decision *d, int *fd, uint8_t digest[32], char *why,
    size_t size)
{
	struct choice *c = calloc(1, sizeof(*c));
	struct digest_part part = {NULL, 0};
	void *block = NULL;
	int r;

	*fd = -1;
	memset(digest, 0, 32);
	if (c == NULL) {
		(void)snprintf(why, size, "out of memory");
		return ERR_NOMEM;
	}
	c->w = w;
	c->dev = dev;
	c->d = d;
	c->why = why;
	c->size = size;
	r = choose_all(c);
	if (r == 0 && c->nbinds > 0) {
		r = profile_build(w->profiles, c->binds, c->nbinds,
		    profiles_utc_offset(w), &block, &part.len, why, size);
	}
	if (r == 0 && block != NULL) {
		part.data = block;
		r = digest_sha256(digest, &part, 1);
	}
	if (r == 0 && block != NULL) {
		r = seal(block, part.len, fd);
	}
	free(block);
	free(c);
	return r;
}
