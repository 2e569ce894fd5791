/*
 * sallyport-policy replay: what of a capture a profile would refuse.
 */
#include "policy/tool/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "policy/tool/replay.h"
#include "policy/tool/when.h"

#define MAX_PROFILES 32

int
cmd_replay(int argc, char **argv)
{
	char *paths[MAX_PROFILES];
	struct replay q = {.paths = paths, .tz = ""};
	const char *value;
	int is_operand = 0;

	for (int i = 1; i < argc; i++) {
		if (is_operand || argv[i][0] != '-') {
			if (q.capture != NULL) {
				return cmd_usage("replay: one CAPTURE only");
			}
			q.capture = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			is_operand = 1;
		} else if (strcmp(argv[i], "--json") == 0) {
			q.is_json = 1;
		} else if ((value = cmd_value(argv, argc, &i, "--profile")) !=
		    NULL) {
			q.profile = value;
		} else if ((value = cmd_value(argv, argc, &i, "--profiles")) !=
		    NULL) {
			if (q.npaths == MAX_PROFILES) {
				return cmd_usage("replay: too many --profiles");
			}
			/* the value is the end of that argument */
			paths[q.npaths++] = argv[i] + (value - argv[i]);
		} else if ((value = cmd_value(argv, argc, &i, "--stock")) !=
		    NULL) {
			q.stock = value;
		} else if ((value = cmd_value(argv, argc, &i, "--device")) !=
		    NULL) {
			q.device = value;
		} else if ((value = cmd_value(
				argv, argc, &i, "--descriptors")) != NULL) {
			q.descriptors = value;
		} else if ((value = cmd_value(argv, argc, &i, "--tz")) !=
		    NULL) {
			if (!when_is_zone(value)) {
				return cmd_usage("replay: --tz %s: no such "
						 "time zone", value);
			}
			q.tz = value;
		} else {
			return cmd_usage("replay: %s: unknown, or without a "
					 "value", argv[i]);
		}
	}
	if (q.capture == NULL || q.profile == NULL) {
		return cmd_usage("replay: a CAPTURE and --profile are needed");
	}
	return replay(&q);
}
