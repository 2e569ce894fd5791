/*
 * One bundle for the whole process: a command that looks into one reads nothing
 * else, and a name of it means the same wherever it comes from.
 */
#include "policy/tool/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const struct bundle *bundle;
static const char *stock_dir;

void
inside_set(const struct bundle *b, const char *stock)
{
	bundle = b;
	stock_dir = stock != NULL ? stock : PROFILEDIR;
}

int
inside_is_set(void)
{
	return bundle != NULL;
}

int
inside_names(const char *path)
{
	return bundle != NULL &&
	    strncmp(path, BUNDLE_SCHEME, strlen(BUNDLE_SCHEME)) == 0;
}

char *
inside_beside(const char *from, const char *path)
{
	char name[TAR_NAME], *out;

	if (bundle_resolve(name, from, path) != 0) {
		return asprintf(&out, BUNDLE_SCHEME "/%s", path) == -1 ? NULL :
									 out;
	}
	return asprintf(&out, BUNDLE_SCHEME "%s", name) == -1 ? NULL : out;
}

int
inside_may_read(const char *path)
{
	size_t n;

	if (bundle == NULL || inside_names(path)) {
		return 1;
	}
	n = strlen(stock_dir);
	return strncmp(path, stock_dir, n) == 0 && path[n] == '/' &&
	    strstr(path + n, "/..") == NULL;
}

int
inside_read(const char *path, size_t max, char **text, size_t *len, char *why,
    size_t size)
{
	const struct tar_file *file =
	    bundle_find(bundle, path + strlen(BUNDLE_SCHEME));

	*text = NULL;
	if (file == NULL) {
		(void)snprintf(why, size, "no such file in the bundle");
		return ERR_NOENT;
	}
	if (file->len > max) {
		(void)snprintf(why, size, "larger than %zu MiB", max >> 20);
		return ERR_LIMIT;
	}
	*text = malloc(file->len + 1);
	if (*text == NULL) {
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

/* "bundle:rules.d" as "rules.d/". 0 or ERR_FORMAT. */
static int
folder_of(char out[TAR_NAME + 1], const char *path)
{
	size_t len;

	if (!inside_names(path)) {
		return ERR_FORMAT;
	}
	path += strlen(BUNDLE_SCHEME);
	len = strlen(path);
	if (len == 0 || len >= TAR_NAME) {
		return ERR_FORMAT;
	}
	(void)snprintf(out, TAR_NAME + 1, "%s%s", path,
	    path[len - 1] == '/' ? "" : "/");
	return 0;
}

int
inside_is_folder(const char *path)
{
	char folder[TAR_NAME + 1];

	if (folder_of(folder, path) != 0) {
		return 0;
	}
	for (size_t i = 0; i < bundle->nfiles; i++) {
		if (strncmp(bundle->files[i].name, folder, strlen(folder)) ==
		    0) {
			return 1;
		}
	}
	return 0;
}

int
inside_each(const char *folder, const char *ending,
    int (*fn)(void *arg, const char *path), void *arg)
{
	char dir[TAR_NAME + 1], path[sizeof(BUNDLE_SCHEME) + TAR_NAME];
	const struct tar_file *file = NULL;
	int r = 0;

	if (folder_of(dir, folder) != 0) {
		return 0;
	}
	while (r == 0 &&
	    (file = bundle_next(bundle, file, dir, ending)) != NULL) {
		(void)snprintf(
		    path, sizeof(path), BUNDLE_SCHEME "%s", file->name);
		r = fn(arg, path);
	}
	return r;
}
