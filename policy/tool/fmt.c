/*
 * sallyport-policy fmt: the canonical form of one file.
 */
#include "policy/tool/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/files.h"
#include "policy/tool/profile_files.h"

static void
write_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	fwrite(text, 1, len, stdout);
}

int
cmd_fmt(int argc, char **argv)
{
	struct rules_load *load;
	struct files files = {.is_alone = 1};
	int exit_code = CMD_FAILED;
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	if (first == 1 && argc > 1 && argv[1][0] == '-') {
		return cmd_usage("fmt: unknown option %s", argv[1]);
	}
	if (argc != first + 1) {
		return cmd_usage("fmt: expected one FILE");
	}
	if (profile_files_is_path(argv[first])) {
		return profile_files_format(argv[first]);
	}
	load = rules_load_new();
	if (load == NULL) {
		cmd_warn("fmt: out of memory");
		return CMD_FAILED;
	}
	if (files_load(&files, load, argv + first, 1) == 0 &&
	    rules_load_format(load, write_text, NULL) == 0) {
		exit_code = CMD_OK;
	}
	files_show_errors(load);
	files_fini(&files);
	rules_load_free(load);
	return exit_code;
}
