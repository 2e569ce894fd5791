/*
 * The same steps as a gateway's, without what only that gateway has: its local
 * files, its CAs, its devices.
 */
#include "policy/tool/trial.h"

#include <stdlib.h>

#include "base/err.h"
#include "policy/profiles/profile.h"
#include "policy/rules/rules.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/inside.h"
#include "policy/tool/profile_files.h"

static char rules_folder[] = BUNDLE_SCHEME BUNDLE_RULES;
static char profiles_folder[] = BUNDLE_SCHEME BUNDLE_PROFILES;

struct trial {
	const char *stock;
	struct test_tally *tally;
};

/* Borrowed from the set, but for the list. */
static const char **
names_of(const struct profile_set *set, size_t *n)
{
	const char **names = calloc(profile_set_count(set) + 1, sizeof(*names));

	*n = 0;
	if (names != NULL) {
		names[(*n)++] = "auto";
		for (size_t i = 0; i < profile_set_count(set); i++) {
			names[(*n)++] = profile_set_name(set, i);
		}
	}
	return names;
}

static int
compile_rules(const struct profile_set *set)
{
	char *paths[] = {rules_folder};
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	struct files files = {0};
	const char **names = names_of(set, &files.nprofiles);
	int r = load != NULL && names != NULL ? 0 : ERR_NOMEM;

	if (r == 0) {
		files.profiles = names;
		r = inside_is_folder(rules_folder) ?
		    files_load(&files, load, paths, 1) :
		    0;
	}
	if (r == 0) {
		r = rules_load_finish(load, &rules);
		files_show_errors(load);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("bundle: out of memory");
	}
	files_fini(&files);
	free(names);
	rules_free(rules);
	rules_load_free(load);
	return r;
}

static int
on_test(void *arg, const char *path)
{
	struct trial *t = arg;

	test_file(path, t->stock, t->tally);
	return 0;
}

int
trial_run(const struct bundle *b, const char *stock, struct test_tally *tally)
{
	char *paths[] = {profiles_folder};
	struct trial t = {stock, tally};
	struct profile_set *set = NULL;
	int r;

	inside_set(b, stock);
	r = profile_files_open(&set, paths,
	    inside_is_folder(profiles_folder) ? 1 : 0, stock);
	if (r == 0) {
		r = compile_rules(set);
	}
	profile_set_free(set);
	if (r == 0) {
		(void)inside_each(
		    BUNDLE_SCHEME BUNDLE_TESTS, ".t", on_test, &t);
		r = tally->failed == 0 ? 0 : ERR_POLICY;
	}
	inside_set(NULL, NULL);
	return r;
}
