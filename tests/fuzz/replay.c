/*
 * Runs a fuzz target over the files of the directories (or files) given, once
 * each: corpora and old crashes as an ordinary test, with any compiler. Fails
 * when there is nothing to run.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1024 * 1024)

static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *all, *data;
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "open: %s: %s\n", path, strerror(errno));
		return -1;
	}
	all = malloc(INPUT_MAX);
	n = all == NULL ? 0 : fread(all, 1, INPUT_MAX, f);
	/* of the exact size, so that a sanitizer sees one byte too many */
	data = malloc(n > 0 ? n : 1);
	if (all == NULL || data == NULL || ferror(f)) {
		fprintf(stderr, "read: %s: failed\n", path);
		free(all);
		free(data);
		fclose(f);
		return -1;
	}
	memcpy(data, all, n);
	free(all);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

static long
run_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	long count = 0;

	if (d == NULL) {
		fprintf(stderr, "open: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (count >= 0 && (e = readdir(d)) != NULL) {
		char name[PATH_MAX];
		int n = snprintf(
		    name, sizeof(name), "%s/%s", path, e->d_name);

		if (e->d_name[0] == '.') {
			continue;
		}
		if (n < 0 || (size_t)n >= sizeof(name) || run_file(name) != 0) {
			count = -1;
		} else {
			count++;
		}
	}
	closedir(d);
	return count;
}

int
main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		long n = 1;

		if (stat(argv[i], &st) != 0) {
			fprintf(stderr, "stat: %s: %s\n", argv[i],
			    strerror(errno));
			return 1;
		}
		if (S_ISDIR(st.st_mode)) {
			n = run_dir(argv[i]);
		} else if (run_file(argv[i]) != 0) {
			n = -1;
		}
		if (n < 0) {
			return 1;
		}
		total += n;
	}
	if (total == 0) {
		fprintf(stderr, "replay: no input: name a corpus directory\n");
		return 1;
	}
	printf("%ld inputs\n", total);
	return 0;
}
