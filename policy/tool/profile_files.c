/*
 * Profile files from disk into a load, and what there is to say about them.
 */
#include "policy/tool/profile_files.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "policy/profiles/profile.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/inside.h"

#define SUFFIX ".profile"

int
profile_files_is_path(const char *path)
{
	size_t len = strlen(path), n = strlen(SUFFIX);

	return len > n && strcmp(path + len - n, SUFFIX) == 0;
}

static int
read_included(void *arg, const char *from, const char *path,
    struct profile_file *out, char *why, size_t size)
{
	const int *is_alone = arg;

	*out = (struct profile_file){0};
	if (*is_alone) {
		out->name = files_beside(from, path);
		out->text = calloc(1, 1);
		return out->name != NULL && out->text != NULL ? 0 : ERR_NOMEM;
	}
	return files_read_beside(from, path, PROFILES_MAX_TEXT, &out->name,
	    &out->text, &out->len, why, size);
}

static int
load_file(
    struct profile_load *load, enum profile_origin origin, const char *path)
{
	char *text = NULL, why[128];
	size_t len = 0;
	int r = files_read_text(
	    path, PROFILES_MAX_TEXT, &text, &len, why, sizeof(why));

	if (r != 0) {
		cmd_warn("read: %s: %s", path, why);
		return r;
	}
	r = profile_load_text(load, origin, path, text, len);
	free(text);
	if (r == ERR_NOMEM) {
		cmd_warn("load: %s: out of memory", path);
	}
	return r == ERR_LIMIT ? 0 : r; /* an error of the load */
}

/* Whether a path names the same file as one of the others. */
static int
is_among(char *const *paths, size_t n, const char *path)
{
	struct stat a, b;

	for (size_t i = 0; i < n; i++) {
		if (stat(paths[i], &a) == 0 && stat(path, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
			return 1;
		}
	}
	return 0;
}

static int
is_profile(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && profile_files_is_path(entry->d_name);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The *.profile of a directory, but for those that are among the paths. */
static int
load_directory(struct profile_load *load, enum profile_origin origin,
    const char *dir, char *const *paths, size_t npaths)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_profile, by_name), r = 0;

	if (n == -1) {
		cmd_warn("open: %s: %s", dir, strerror(errno));
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		size_t len = strlen(dir) + strlen(entries[i]->d_name) + 2;
		char *path = malloc(len);

		if (path == NULL) {
			cmd_warn("read: %s: out of memory", dir);
			r = ERR_NOMEM;
		} else {
			snprintf(path, len, "%s/%s", dir, entries[i]->d_name);
			if (r == 0 && !is_among(paths, npaths, path)) {
				r = load_file(load, origin, path);
			}
		}
		free(path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* A file that is checked and is one of them is not loaded twice. */
static int
load_stock(struct profile_load *load, const char *stock, char *const *paths,
    size_t npaths)
{
	const char *dir = stock != NULL ? stock : PROFILEDIR;
	struct stat st;

	if (stock == NULL && stat(dir, &st) == -1 && errno == ENOENT) {
		return 0;
	}
	return load_directory(load, PROFILE_STOCK, dir, paths, npaths);
}

/* --- what there is to say --- */

static void
show_errors(const struct profile_load *load)
{
	size_t n = profile_load_error_count(load);

	for (size_t i = 0; i < n && i < PROFILES_MAX_ERRORS; i++) {
		const struct profile_error *e = profile_load_error(load, i);

		fprintf(stderr, "%s:%u:%u: %s\n", e->file, e->line, e->column,
		    e->text);
		if (e->source[0] != '\0') {
			fprintf(stderr, "    %s\n    %*s\n", e->source,
			    (int)e->caret, "^");
		}
	}
	if (n > PROFILES_MAX_ERRORS) {
		fprintf(
		    stderr, "... and %zu more\n", n - PROFILES_MAX_ERRORS);
	}
	if (n > 0) {
		cmd_warn("check: %zu error%s: no profile is in force until "
			 "all are right",
		    n, n == 1 ? "" : "s");
	}
}

static void
show_warnings(const struct profile_load *load)
{
	size_t n = profile_load_warning_count(load);

	for (size_t i = 0; i < n && i < PROFILES_MAX_ERRORS; i++) {
		const struct profile_error *e = profile_load_warning(load, i);

		fprintf(stderr, "%s:%u: warning: %s\n", e->file, e->line,
		    e->text);
	}
}

typedef const struct profile_error *message_fn(
    const struct profile_load *load, size_t i);

static json_t *
messages_json(const struct profile_load *load, size_t n, message_fn *get)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n && i < PROFILES_MAX_ERRORS; i++) {
		const struct profile_error *e = get(load, i);

		json_array_append_new(list,
		    json_pack("{s:s, s:i, s:i, s:s, s:s, s:i}", "file",
			e->file, "line", (int)e->line, "column",
			(int)e->column, "text", e->text, "source", e->source,
			"caret", (int)e->caret));
	}
	return list;
}

static void
show_json(const struct profile_load *load, const struct profile_set *set)
{
	size_t nerrors = profile_load_error_count(load);
	json_t *names = json_array(), *top;

	for (size_t i = 0; set != NULL && i < profile_set_count(set); i++) {
		json_array_append_new(
		    names, json_string(profile_set_name(set, i)));
	}
	top = json_pack("{s:b, s:I, s:o, s:o, s:o}", "ok", set != NULL,
	    "error_count", (json_int_t)nerrors, "errors",
	    messages_json(load, nerrors, profile_load_error), "warnings",
	    messages_json(load, profile_load_warning_count(load),
		profile_load_warning),
	    "profiles", names);
	if (top == NULL || json_dumpf(top, stdout, JSON_INDENT(2)) != 0) {
		cmd_warn("print: JSON: out of memory, or a file name that is "
			 "no UTF-8");
	}
	putchar('\n');
	json_decref(top);
}

/* --- commands --- */

int
profile_files_check(char *const *paths, size_t n, const char *stock, int is_json)
{
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	int is_alone = 0, r = load != NULL ? 0 : ERR_NOMEM;

	if (load == NULL) {
		cmd_warn("check: out of memory");
		return CMD_FAILED;
	}
	profile_load_read(load, read_included, &is_alone);
	r = load_stock(load, stock, paths, n);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (profile_files_is_path(paths[i])) {
			r = load_file(load, PROFILE_LOCAL, paths[i]);
		}
	}
	if (r == 0) {
		r = profile_load_finish(load, &set);
		if (r == ERR_NOMEM) {
			cmd_warn("check: out of memory");
		}
	}
	if (is_json) {
		show_json(load, set);
	} else {
		show_errors(load);
		show_warnings(load);
	}
	for (size_t i = 0; i < n && set != NULL && !is_json; i++) {
		if (profile_files_is_path(paths[i])) {
			printf("%s: ok\n", paths[i]);
		}
	}
	profile_set_free(set);
	profile_load_free(load);
	return r == 0 ? CMD_OK : CMD_FAILED;
}

static int
on_inside(void *arg, const char *path)
{
	return load_file(arg, PROFILE_LOCAL, path);
}

static int
open_path(struct profile_load *load, const char *path)
{
	struct stat st;

	if (inside_is_folder(path)) {
		return inside_each(path, SUFFIX, on_inside, load);
	}
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ?
	    load_directory(load, PROFILE_LOCAL, path, NULL, 0) :
	    load_file(load, PROFILE_LOCAL, path);
}

int
profile_files_open(struct profile_set **out, char *const *paths, size_t n,
    const char *stock)
{
	struct profile_load *load = profile_load_new();
	int is_alone = 0, r = ERR_NOMEM;

	*out = NULL;
	if (load != NULL) {
		profile_load_read(load, read_included, &is_alone);
		r = load_stock(load, stock, paths, n);
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		r = open_path(load, paths[i]);
	}
	if (r == 0) {
		r = profile_load_finish(load, out);
		show_errors(load);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("load: profiles: out of memory");
	}
	profile_load_free(load);
	return r;
}

static void
write_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	fwrite(text, 1, len, stdout);
}

int
profile_files_format(const char *path)
{
	struct profile_load *load = profile_load_new();
	int is_alone = 1, r;

	if (load == NULL) {
		cmd_warn("fmt: out of memory");
		return CMD_FAILED;
	}
	profile_load_read(load, read_included, &is_alone);
	r = load_file(load, PROFILE_LOCAL, path);
	if (r == 0) {
		r = profile_load_format(load, write_text, NULL);
	}
	show_errors(load);
	profile_load_free(load);
	return r == 0 ? CMD_OK : CMD_FAILED;
}
