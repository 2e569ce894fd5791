/*
 * sallyctl watch: lines of the audit log as they are written, one event a line.
 * Texts in them are escaped already.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "proxy/ctl/ctl.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static int has_colour;

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

/* Good news, bad news, or neither; by the word for what came of it. */
static const char *
colour_of(const char *outcome)
{
	static const char *const good[] = {
	    "allow", "done", "loaded", "ready", "started", "approved"};
	static const char *const bad[] = {"block", "reject", "deny", "denied",
	    "refused", "failed", "ejected", "quarantine", "quarantined",
	    "killed"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (strcmp(outcome, good[i]) == 0) {
			return GREEN;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (strcmp(outcome, bad[i]) == 0) {
			return RED;
		}
	}
	return YELLOW;
}

/* What is not shown in a place of its own. */
static int
is_placed(const char *name)
{
	static const char *const placed[] = {"time", "mono_ms", "event",
	    "outcome", "device", "session", "rule", "mac", "seq"};

	for (size_t i = 0; i < ARRAY_LEN(placed); i++) {
		if (strcmp(name, placed[i]) == 0) {
			return 1;
		}
	}
	return 0;
}

static void
show_rest(json_t *o)
{
	const char *name;
	json_t *value;

	json_object_foreach (o, name, value) {
		if (is_placed(name)) {
			continue;
		}
		if (json_is_string(value) && *json_string_value(value)) {
			printf("  %s: %s", name, json_string_value(value));
		} else if (json_is_integer(value)) {
			printf("  %s: %lld", name,
			    (long long)json_integer_value(value));
		}
	}
}

static void
show_rule(const json_t *rule)
{
	if (json_is_string(rule)) {
		printf("  by no rule");
	} else if (rule != NULL) {
		printf("  by %s:%lld", text_of(rule, "file"),
		    (long long)json_integer_value(
			json_object_get(rule, "line")));
		if (*text_of(rule, "key") != '\0') {
			printf(" \"%s\"", text_of(rule, "key"));
		}
	}
}

static void
show_line(json_t *o, const char *text)
{
	const json_t *device = json_object_get(o, "device");
	const json_t *session = json_object_get(o, "session");
	const char *outcome = text_of(o, "outcome"), *when = text_of(o, "time");
	const char *name = text_of(device, "stable");

	(void)text;
	/* the day is today */
	when = strchr(when, 'T') != NULL ? strchr(when, 'T') + 1 : when;
	printf("%s%.12s%s %-10s %s%-12s%s", has_colour ? DIM : "", when,
	    has_colour ? PLAIN : "", text_of(o, "event"),
	    has_colour ? colour_of(outcome) : "", outcome,
	    has_colour ? PLAIN : "");
	if (device != NULL) {
		printf("  %s %s", text_of(device, "busid"), name);
		if (*text_of(device, "name") != '\0') {
			printf(" (%s)", text_of(device, "name"));
		}
	}
	if (session != NULL) {
		name = text_of(session, "name");
		printf("  %s %s", device != NULL ? "for" : "from",
		    *name != '\0' ? name : text_of(session, "peer"));
	}
	show_rule(json_object_get(o, "rule"));
	show_rest(o);
	putchar('\n');
	fflush(stdout);
}

static void
show_json(json_t *o, const char *text)
{
	(void)o;
	fputs(text, stdout);
	fflush(stdout);
}

int
watch_gateway(const char *socket_path, int is_json)
{
	json_t *request = json_object();

	json_object_set_new(request, "op", json_string("watch"));
	has_colour = isatty(STDOUT_FILENO);
	return ctl_watch(
	    socket_path, request, is_json ? show_json : show_line);
}
