/*
 * sallyport-policy bundle create: a folder becomes a bundle, if its rules
 * compile and its tests pass.
 */
#include "policy/tool/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "policy/text/when.h"
#include "policy/tool/trial.h"
#include "policy/tool/when.h"

struct content {
	uint8_t *data; /* owned */
	size_t len;
};

struct create {
	const char *dir, *out, *stock, *discovery;
	int is_untested;
	struct manifest manifest;
	struct content *contents; /* owned; of manifest.files, before sorting */
	json_t *targets;	  /* owned */
};

static void
create_fini(struct create *c)
{
	for (size_t i = 0; i < c->manifest.nfiles; i++) {
		free(c->contents[i].data);
	}
	free(c->contents);
	manifest_fini(&c->manifest);
	json_decref(c->targets);
}

/* ------------------------------------------------------------------------ */
/* The folder                                                               */

static int
add_file(struct create *c, const char *path, const char *name)
{
	struct manifest *m = &c->manifest;
	struct content *content = &c->contents[m->nfiles];
	struct manifest_file *file = &m->files[m->nfiles];
	struct digest_part part;
	int r;

	if (m->nfiles == TAR_FILES - 1) {
		cmd_warn("create: %s: more than %u files", c->dir,
		    TAR_FILES - 1);
		return ERR_LIMIT;
	}
	if (!tar_is_name(name) || strcmp(name, MANIFEST_NAME) == 0) {
		cmd_warn("create: %s: no name for a file in a bundle; expected "
			 "A-Z a-z 0-9 . _ -, at most 99 characters", path);
		return ERR_FORMAT;
	}
	r = file_read(path, TAR_MAX, FILE_PUBLIC, &content->data, &content->len);
	if (r != 0) {
		cmd_warn("read: %s: %s", path, err_str(r));
		return r;
	}
	part = (struct digest_part){content->data, content->len};
	memcpy(file->name, name, strlen(name) + 1); /* it is one, so fits */
	m->nfiles++;
	return digest_sha256(file->sha256, &part, 1);
}

static int
is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int add_folder(struct create *c, const char *name, unsigned depth);

/* name is below the folder, "" being itself. */
static int
add_entry(struct create *c, const char *name, const char *entry, unsigned depth)
{
	char inner[PATH_MAX], path[PATH_MAX];
	struct stat st;
	int n = snprintf(inner, sizeof(inner), "%s%s%s", name,
	    *name != '\0' ? "/" : "", entry);

	if (n < 0 || (size_t)n >= TAR_NAME ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", c->dir, inner) >=
		sizeof(path)) {
		cmd_warn("create: %s: its name is too long", inner);
		return ERR_LIMIT;
	}
	if (lstat(path, &st) == -1) {
		cmd_warn("read: %s: %s", path, strerror(errno));
		return ERR_SYS;
	}
	if (S_ISDIR(st.st_mode)) {
		return add_folder(c, inner, depth + 1);
	}
	if (!S_ISREG(st.st_mode)) {
		cmd_warn("create: %s: neither a file nor a folder", path);
		return ERR_FORMAT;
	}
	return add_file(c, path, inner);
}

static int
add_folder(struct create *c, const char *name, unsigned depth)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int n, r = 0;

	if (depth > TAR_DEPTH ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", c->dir, name) >=
		sizeof(path)) {
		cmd_warn("create: %s: folders are nested too deep", name);
		return ERR_LIMIT;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	if (n == -1) {
		cmd_warn("open: %s: %s", path, strerror(errno));
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0) {
			r = add_entry(c, name, entries[i]->d_name, depth);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* ------------------------------------------------------------------------ */
/* The bundle                                                               */

/* Written as any other, so that a list which no gateway would take is found
 * here. */
static char *
print_manifest(struct create *c)
{
	char *text = manifest_print(&c->manifest), why[256] = "";
	struct manifest check;
	json_t *top;
	int r;

	if (text != NULL && c->targets != NULL) {
		top = json_loads(text, 0, NULL);
		free(text);
		json_object_set(top, "bundles", c->targets);
		text = json_dumps(top, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		json_decref(top);
	}
	if (text == NULL) {
		cmd_warn("create: out of memory");
		return NULL;
	}
	r = manifest_parse(&check, text, strlen(text), why, sizeof(why));
	manifest_fini(&check);
	if (r != 0) {
		cmd_warn("create: %s", why);
		free(text);
		return NULL;
	}
	return text;
}

static int
by_name(const void *a, const void *b, void *arg)
{
	const struct create *c = arg;
	const size_t *x = a, *y = b;

	return strcmp(c->manifest.files[*x].name, c->manifest.files[*y].name);
}

static int
write_tar(struct create *c, struct tar_writer *tar)
{
	size_t order[TAR_FILES];
	char *text = print_manifest(c);
	int r = text == NULL ? ERR_FORMAT :
			       tar_add(tar, MANIFEST_NAME, text, strlen(text));

	free(text);
	for (size_t i = 0; i < c->manifest.nfiles; i++) {
		order[i] = i;
	}
	qsort_r(order, c->manifest.nfiles, sizeof(order[0]), by_name, c);
	for (size_t i = 0; r == 0 && i < c->manifest.nfiles; i++) {
		r = tar_add(tar, c->manifest.files[order[i]].name,
		    c->contents[order[i]].data, c->contents[order[i]].len);
		if (r != 0) {
			cmd_warn("create: %s: %s",
			    c->manifest.files[order[i]].name,
			    r == ERR_LIMIT ? "the bundle is over 16 MiB with it" :
					     err_str(r));
		}
	}
	return r == 0 ? tar_end(tar) : r;
}

/* What is written is what a gateway opens. */
static int
try_it(const struct create *c, const struct tar_writer *tar)
{
	struct test_tally tally = {0, 0, 1};
	uint8_t *copy = malloc(tar->len);
	struct bundle *b = NULL;
	char why[256] = "";
	int r = ERR_NOMEM;

	if (copy != NULL) {
		memcpy(copy, tar->data, tar->len);
		r = bundle_open(&b, copy, tar->len, why, sizeof(why));
	}
	if (r != 0) {
		cmd_warn("create: %s", why);
	} else if (!c->is_untested) {
		r = trial_run(b, c->stock, &tally);
		printf("tests: %zu passed, %zu failed\n", tally.passed,
		    tally.failed);
	}
	bundle_free(b);
	return r;
}

static int
create(struct create *c)
{
	struct tar_writer tar = {.data = NULL};
	int r = 0;

	c->manifest.files = calloc(TAR_FILES, sizeof(*c->manifest.files));
	c->contents = calloc(TAR_FILES, sizeof(*c->contents));
	if (c->manifest.files == NULL || c->contents == NULL) {
		cmd_warn("create: out of memory");
		r = ERR_NOMEM;
	}
	if (r == 0 && c->dir != NULL) {
		r = add_folder(c, "", 1);
	}
	if (r == 0) {
		r = write_tar(c, &tar);
	}
	if (r == 0) {
		r = try_it(c, &tar);
	}
	if (r == 0) {
		r = bundle_file_write(c->out, tar.data, tar.len);
	}
	tar_writer_fini(&tar);
	return r == 0 ? CMD_OK : CMD_FAILED;
}

/* ------------------------------------------------------------------------ */
/* Words                                                                    */

static int
read_discovery(struct create *c)
{
	json_error_t error;

	c->manifest.kind = MANIFEST_DISCOVERY;
	c->targets = json_load_file(c->discovery, JSON_REJECT_DUPLICATES, &error);
	if (c->targets == NULL) {
		cmd_warn("read: %s:%d: %s", c->discovery, error.line,
		    error.text);
		return CMD_FAILED;
	}
	return 0;
}

static int
read_serial(const char *text, int64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9') {
		return ERR_FORMAT;
	}
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && *out >= 1 &&
		*out <= MANIFEST_SERIAL_MAX ?
	    0 :
	    ERR_FORMAT;
}

/* A time, or how long from that one on. */
static int
read_when(const char *text, int64_t from, int64_t *out)
{
	uint32_t seconds;

	if (when_read_duration(text, &seconds) == 0) {
		*out = from + seconds;
		return 0;
	}
	return when_read(text, out);
}

struct words {
	const char *serial, *not_before, *expires, *grace, *revision, *keys,
	    *threshold;
	int is_delegate;
};

static int
take_words(struct create *c, const struct words *w)
{
	struct manifest *m = &c->manifest;
	uint32_t threshold = 1;

	m->not_before = time(NULL);
	m->is_delegate = w->is_delegate;
	if (w->serial == NULL || read_serial(w->serial, &m->serial) != 0) {
		return cmd_usage("bundle create: --serial: expected a number, "
				 "higher than that of any bundle before");
	}
	if (w->not_before != NULL &&
	    when_read(w->not_before, &m->not_before) != 0) {
		return cmd_usage("bundle create: --not-before: expected a time, "
				 "2026-03-02T06:15:00Z");
	}
	if (w->expires == NULL ||
	    read_when(w->expires, m->not_before, &m->expires) != 0) {
		return cmd_usage("bundle create: --expires: expected a time, or "
				 "a duration after --not-before, 30d");
	}
	if (w->grace != NULL && when_read_duration(w->grace, &m->grace) != 0) {
		return cmd_usage(
		    "bundle create: --grace: expected a duration, 7d");
	}
	if (w->revision != NULL && strlen(w->revision) >= MANIFEST_REVISION) {
		return cmd_usage("bundle create: --revision: at most %u "
				 "characters", MANIFEST_REVISION - 1);
	}
	(void)snprintf(m->revision, sizeof(m->revision), "%s",
	    w->revision != NULL ? w->revision : "");
	if (w->threshold != NULL && (w->keys == NULL ||
		when_number(w->threshold, strlen(w->threshold), MANIFEST_KEYS,
		    &threshold) != 0)) {
		return cmd_usage("bundle create: --threshold: expected how many "
				 "of --next-keys must sign");
	}
	return w->keys == NULL ||
		bundle_file_keys(&m->next, w->keys, threshold) == 0 ?
	    0 :
	    CMD_FAILED;
}

static int
read_words(struct create *c, int argc, char **argv)
{
	struct words w = {.serial = NULL};
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--serial", &w.serial}, {"--not-before", &w.not_before},
		{"--expires", &w.expires}, {"--grace", &w.grace},
		{"--revision", &w.revision}, {"--next-keys", &w.keys},
		{"--threshold", &w.threshold}, {"--stock", &c->stock},
		{"--discovery", &c->discovery}, {"-o", &c->out},
	};
	int r;

	for (int i = 1; i < argc; i++) {
		const char *value = NULL;
		size_t j;

		for (j = 0; j < sizeof(options) / sizeof(options[0]); j++) {
			value = cmd_value(argv, argc, &i, options[j].name);
			if (value != NULL) {
				*options[j].value = value;
				break;
			}
		}
		if (value != NULL) {
			continue;
		}
		if (strcmp(argv[i], "--delegate") == 0) {
			w.is_delegate = 1;
		} else if (strcmp(argv[i], "--no-test") == 0) {
			c->is_untested = 1;
		} else if (argv[i][0] != '-' && c->dir == NULL) {
			c->dir = argv[i];
		} else {
			return cmd_usage(
			    "bundle create: unknown option %s", argv[i]);
		}
	}
	if ((c->dir == NULL) == (c->discovery == NULL) || c->out == NULL) {
		return cmd_usage("bundle create: a DIR or --discovery, and -o "
				 "FILE are needed");
	}
	r = take_words(c, &w);
	return r == 0 && c->discovery != NULL ? read_discovery(c) : r;
}

int
bundle_create(int argc, char **argv)
{
	struct create c = {.dir = NULL};
	int r = read_words(&c, argc, argv);

	if (r == 0) {
		r = create(&c);
	}
	create_fini(&c);
	return r;
}
