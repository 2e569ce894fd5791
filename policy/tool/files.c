/*
 * Rule files from disk into a load, and their errors to the terminal.
 */
#include "policy/tool/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "policy/tool/cmd.h"
#include "policy/tool/inside.h"
#include "policy/tool/when.h"

int
files_read_text(const char *path, size_t max, char **text, size_t *len,
    char *why, size_t size)
{
	uint8_t *bytes = NULL;
	struct stat st;
	int r;

	if (inside_names(path)) {
		return inside_read(path, max, text, len, why, size);
	}
	if (!inside_may_read(path)) {
		*text = NULL;
		snprintf(why, size, "it is not in the bundle");
		return ERR_POLICY;
	}
	r = file_read(path, max, FILE_PUBLIC, &bytes, len);
	*text = (char *)bytes;
	if (r == ERR_NOENT) {
		snprintf(why, size, "no such file");
	} else if (r == ERR_LIMIT) {
		snprintf(why, size, "larger than %zu MiB", max >> 20);
	} else if (r == ERR_SYS && stat(path, &st) == 0 &&
	    !S_ISREG(st.st_mode)) {
		snprintf(why, size, "%s, not a file",
		    S_ISDIR(st.st_mode) ? "a directory" : "a pipe or device");
	} else if (r != 0) {
		snprintf(why, size, "%s", err_str(r));
	}
	return r;
}

/* --- what a load may ask for --- */

static int
is_zone(void *arg, const char *zone)
{
	(void)arg;
	return when_is_zone(zone);
}

char *
files_beside(const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');
	int dir_len = path[0] != '/' && slash != NULL ?
	    (int)(slash - from + 1) : 0;
	size_t size = (size_t)dir_len + strlen(path) + 1;
	char *beside;

	if (inside_names(from)) {
		return inside_beside(from, path);
	}
	beside = malloc(size);
	if (beside != NULL) {
		snprintf(beside, size, "%.*s%s", dir_len, from, path);
	}
	return beside;
}

int
files_read_beside(const char *from, const char *path, size_t max, char **name,
    char **text, size_t *len, char *why, size_t size)
{
	char *beside = files_beside(from, path);
	int r = beside != NULL ? 0 : ERR_NOMEM;

	*name = *text = NULL;
	if (r == 0) {
		r = files_read_text(beside, max, text, len, why, size);
	}
	if (r == 0) {
		*name = inside_names(beside) ? strdup(beside) :
					       realpath(beside, NULL);
		if (*name == NULL) {
			snprintf(why, size, "%s", strerror(errno));
			r = ERR_SYS;
		}
	}
	if (r == ERR_NOMEM) {
		snprintf(why, size, "out of memory");
	}
	if (r != 0) {
		free(*text);
		*text = NULL;
	}
	free(beside);
	return r;
}

static int
read_included(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	const struct files *files = arg;
	int r;

	*out = (struct rules_file){0};
	if (files->is_alone) {
		out->name = files_beside(from, path);
		out->text = calloc(1, 1);
		return out->name != NULL && out->text != NULL ? 0 : ERR_NOMEM;
	}
	r = files_read_beside(from, path, RULES_MAX_TEXT, &out->name,
	    &out->text, &out->len, why, size);
	if (r == 0 && files->seen != NULL) {
		files->seen(files->arg, out->name, out->text, out->len);
	}
	return r;
}

void
files_means(struct files *files, struct rules_load *load)
{
	files->means = (struct rules_means){
	    .is_gateway = files->profiles != NULL,
	    .has_capture = 1,
	    .profiles = files->profiles,
	    .nprofiles = files->nprofiles,
	    .is_zone = is_zone,
	    .read = read_included,
	    .arg = files,
	};
	rules_load_means(load, &files->means);
}

/* --- what is named on the command line --- */

static int
load_file(struct files *files, struct rules_load *load, const char *path)
{
	char **names, *text = NULL;
	char why[128];
	size_t len = 0;
	int r;

	names = realloc(files->names, (files->n + 1) * sizeof(*names));
	if (names == NULL) {
		cmd_warn("read: %s: out of memory", path);
		return ERR_NOMEM;
	}
	files->names = names;
	files->names[files->n] = strdup(path);
	if (files->names[files->n] == NULL) {
		cmd_warn("read: %s: out of memory", path);
		return ERR_NOMEM;
	}
	files->n++;
	r = files_read_text(
	    path, RULES_MAX_TEXT, &text, &len, why, sizeof(why));
	if (r != 0) {
		cmd_warn("read: %s: %s", path, why);
	} else {
		if (files->seen != NULL) {
			files->seen(files->arg, path, text, len);
		}
		r = rules_load_text_as(load, files->dialect, path, text, len);
		if (r == ERR_NOMEM) {
			cmd_warn("load: %s: out of memory", path);
		}
	}
	free(text);
	return r;
}

static int
is_rules(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 6 &&
	    strcmp(entry->d_name + len - 6, ".rules") == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
load_directory(struct files *files, struct rules_load *load, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_rules, by_name);
	int r = 0;

	if (n == -1) {
		cmd_warn("open: %s: %s", dir, strerror(errno));
		return ERR_SYS;
	}
	if (n == 0) {
		cmd_warn("open: %s: no *.rules in this directory", dir);
		r = ERR_NOENT;
	}
	for (int i = 0; i < n; i++) {
		size_t len = strlen(dir) + strlen(entries[i]->d_name) + 2;
		char *path = malloc(len);
		int e;

		if (path == NULL) {
			cmd_warn("read: %s: out of memory", dir);
			e = ERR_NOMEM;
		} else {
			snprintf(path, len, "%s%s%s", dir,
			    dir[strlen(dir) - 1] == '/' ? "" : "/",
			    entries[i]->d_name);
			e = load_file(files, load, path);
		}
		r = r != 0 ? r : e;
		free(path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

struct loading {
	struct files *files;
	struct rules_load *load;
};

static int
on_inside(void *arg, const char *path)
{
	struct loading *l = arg;

	return load_file(l->files, l->load, path);
}

int
files_load(struct files *files, struct rules_load *load, char *const *paths,
    size_t n)
{
	struct loading l = {files, load};
	int r = 0;

	files_means(files, load);
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		int e;

		if (inside_is_folder(paths[i])) {
			e = inside_each(paths[i], ".rules", on_inside, &l);
		} else if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			e = load_directory(files, load, paths[i]);
		} else {
			e = load_file(files, load, paths[i]);
		}
		r = r != 0 ? r : e;
	}
	return r;
}

void
files_fini(struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->names[i]);
	}
	free(files->names);
	*files = (struct files){0};
}

void
files_show_errors(const struct rules_load *load)
{
	size_t n = rules_load_error_count(load);

	for (size_t i = 0; i < n && i < RULES_MAX_ERRORS; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		fprintf(stderr, "%s:%u:%u: %s\n", e->file, e->line, e->column,
		    e->text);
		if (e->source[0] != '\0') {
			fprintf(stderr, "    %s\n    %*s\n", e->source,
			    (int)e->caret, "^");
		}
	}
	if (n > RULES_MAX_ERRORS) {
		fprintf(stderr, "... and %zu more\n", n - RULES_MAX_ERRORS);
	}
	if (n > 0) {
		cmd_warn("check: %zu error%s: no rule is in force until all "
			 "are right",
		    n, n == 1 ? "" : "s");
	}
}
