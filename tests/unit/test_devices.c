/*
 * Vetting of whole devices: each file of tests/devices/honest must be accepted,
 * or by the waiver that it names; each of tests/devices/hostile must be refused
 * by the rule that it names. So must be the recordings of umockdev that are
 * installed on this machine. Prints the list, which is what make test shows.
 */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/vet/vet.h"
#include "policy/tool/devtext.h"
#include "tests/fake/umockdev.h"
#include "wire/waiver.h"

static struct devtext device;
static struct desc_config scratch;
static unsigned count, failures;

/* What vetting says, in the words of an expect line; reason is for people. */
static void
judge(char *verdict, size_t size, char *reason, size_t room)
{
	struct desc_why why = {0};
	const struct waiver *waiver;

	reason[0] = '\0';
	if (device.refused[0] != '\0') {
		snprintf(verdict, size, "refuse %s", device.refused);
		return;
	}
	if (vet_record(&device.rec, &scratch, &why) != 0) {
		vet_say(reason, room, &device.rec, &why);
		snprintf(verdict, size, "refuse %s", why.rule);
		return;
	}
	waiver = waiver_used(&device.rec, &scratch);
	if (waiver != NULL) {
		snprintf(verdict, size, "waiver %s", waiver->name);
		snprintf(reason, room, "%s", waiver->product);
	} else {
		snprintf(verdict, size, "accept");
	}
}

static void
one(const char *kind, const char *path)
{
	char verdict[64], reason[256];
	int is_good;

	if (devtext_read(&device, path) != 0 || device.expect[0] == '\0') {
		failures++;
		printf(
		    "not ok %u - %s: %s cannot be read\n", ++count, kind, path);
		return;
	}
	judge(verdict, sizeof(verdict), reason, sizeof(reason));
	is_good = strcmp(verdict, device.expect) == 0;
	failures += !is_good;
	printf("%s %u - %s: %s: %s%s%s", is_good ? "ok" : "not ok", ++count,
	    kind, device.name, verdict, reason[0] != '\0' ? ": " : "", reason);
	printf("%s%s\n", is_good ? "" : " where the file expects ",
	    is_good ? "" : device.expect);
}

static unsigned recordings;

static int
on_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
	const char *name = path + where->base;
	const char *end = strrchr(name, '.');
	char verdict[64], reason[256];
	unsigned n = 0;
	FILE *f;
	int r;

	(void)st;
	if (type != FTW_F || end == NULL || strcmp(end, ".umockdev") != 0) {
		return 0;
	}
	f = fopen(path, "r");
	while (f != NULL && (r = umockdev_next(&device.rec, f)) != 0) {
		device.refused[0] = '\0';
		snprintf(verdict, sizeof(verdict), "cannot be read");
		reason[0] = '\0';
		if (r > 0) {
			judge(verdict, sizeof(verdict), reason, sizeof(reason));
		}
		r = strcmp(verdict, "accept") == 0 ||
		    strncmp(verdict, "waiver ", 7) == 0;
		failures += r == 0;
		printf("%s %u - umockdev: %s, device %u: %s%s%s\n",
		    r ? "ok" : "not ok", ++count, name, ++n, verdict,
		    reason[0] != '\0' ? ": " : "", reason);
		recordings++;
	}
	if (f != NULL) {
		fclose(f);
	}
	return 0;
}

/* Where Debian's packages put examples and installed tests. */
static void
all_recordings(void)
{
	static const char *const places[] = {"/usr/share/umockdev",
	    "/usr/share/doc/umockdev", "/usr/share/installed-tests",
	    "/usr/libexec/installed-tests"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)nftw(places[i], on_file, 8, FTW_PHYS);
	}
	if (recordings == 0) {
		printf("ok %u - umockdev: # SKIP no recordings installed\n",
		    ++count);
	}
}

static int
is_text(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strcmp(e->d_name + n - 4, ".txt") == 0;
}

/* Returns how many there were. */
static unsigned
all(const char *kind)
{
	struct dirent **list = NULL;
	char path[512];
	int n;

	snprintf(path, sizeof(path), "tests/devices/%s", kind);
	n = scandir(path, &list, is_text, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "tests/devices/%s/%s", kind,
		    list[i]->d_name);
		one(kind, path);
		free(list[i]);
	}
	free(list);
	return n > 0 ? (unsigned)n : 0;
}

static void
at_least(const char *kind, unsigned n, unsigned least)
{
	failures += n < least;
	printf("%s %u - %s: %u devices, at least %u\n",
	    n < least ? "not ok" : "ok", ++count, kind, n, least);
}

/* Files named on the command line, or all. */
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *end = strrchr(argv[i], '.');

		if (end != NULL && strcmp(end, ".umockdev") == 0) {
			(void)nftw(argv[i], on_file, 8, FTW_PHYS);
		} else {
			one("device", argv[i]);
		}
	}
	if (argc < 2) {
		at_least("honest", all("honest"), 60);
		at_least("hostile", all("hostile"), 100);
		all_recordings();
	}
	printf("1..%u\n", count);
	return failures != 0;
}
