/*
 * softdev MODEL PATH [NAME=VALUE]...: play a software device; see softdev.h.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "tests/vm/softdev/softdev.h"

const struct softdev_model *const softdev_models[] = {
    &softdev_camera,
    &softdev_dfu,
    &softdev_liar,
    &softdev_microphone,
    &softdev_mute,
    &softdev_typist,
    NULL,
};

static int
usage(void)
{
	fputs("usage: softdev MODEL PATH [NAME=VALUE]...\n", stderr);
	for (size_t i = 0; softdev_models[i] != NULL; i++) {
		fprintf(stderr, "  %-12s %s\n", softdev_models[i]->name,
		    softdev_models[i]->about);
	}
	return 2;
}

static int
set_option(const struct softdev_model *model, char *arg)
{
	char *value = strchr(arg, '=');

	if (value == NULL || model->option == NULL) {
		return -1;
	}
	*value++ = '\0';
	return model->option(arg, value);
}

int
main(int argc, char **argv)
{
	const struct softdev_model *model = NULL;

	if (argc < 3) {
		return usage();
	}
	for (size_t i = 0; softdev_models[i] != NULL; i++) {
		if (strcmp(softdev_models[i]->name, argv[1]) == 0) {
			model = softdev_models[i];
		}
	}
	if (model == NULL) {
		return usage();
	}
	for (int i = 3; i < argc; i++) {
		if (set_option(model, argv[i]) != 0) {
			warnx("%s: no such option, or not of that value",
			    argv[i]);
			return usage();
		}
	}
	return softdev_run(model, argv[2]);
}
