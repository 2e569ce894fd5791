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

static int
load_file(struct files *files, struct rules_load *load, const char *path)
{
	char **names;
	uint8_t *text = NULL;
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
	r = file_read(path, RULES_MAX_TEXT, FILE_PUBLIC, &text, &len);
	if (r == ERR_NOENT) {
		cmd_warn("open: %s: no such file", path);
	} else if (r == ERR_LIMIT) {
		cmd_warn("read: %s: larger than %u MiB", path,
		    RULES_MAX_TEXT >> 20);
	} else if (r != 0) {
		cmd_warn("read: %s: %s", path, err_str(r));
	} else {
		r = rules_load_text(load, path, (const char *)text, len);
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

int
files_load(struct files *files, struct rules_load *load, char *const *paths,
    size_t n)
{
	int r = 0;

	*files = (struct files){0};
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		int e;

		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode)) {
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
