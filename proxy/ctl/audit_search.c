/*
 * Which lines of an audit log are about something: a device, a person, a rule, an
 * event, a time. Any JSON may come, texts of it are shown escaped.
 */
#include "proxy/ctl/audit.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

static const char *
text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* FNM_NOESCAPE: names have backslashes of their own. */
static int
is_like(const char *pattern, const char *text)
{
	return text != NULL && fnmatch(pattern, text, FNM_NOESCAPE) == 0;
}

static int
has_like(const char *pattern, const json_t *o, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (is_like(pattern, text_of(o, *names))) {
			return 1;
		}
	}
	return 0;
}

static int
is_device(const char *pattern, const json_t *o)
{
	static const char *const inner[] = {
		"busid", "id", "stable", "name", "serial", "hash", NULL};
	static const char *const outer[] = {"busid", "stable", NULL};

	return has_like(pattern, json_object_get(o, "device"), inner) ||
	    has_like(pattern, o, outer);
}

static int
is_identity(const char *pattern, const json_t *o)
{
	static const char *const inner[] = {
		"identity", "name", "fingerprint", NULL};
	static const char *const outer[] = {
		"identity", "held_for", "holder", "approver", NULL};

	return has_like(pattern, json_object_get(o, "session"), inner) ||
	    has_like(pattern, o, outer);
}

/* FILE, FILE:LINE or the key; a file by its whole path or its name. */
static int
is_rule_of(const char *pattern, const char *file, const char *line,
    const char *key)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	char at[1024];

	if (is_like(pattern, key) || is_like(pattern, file) ||
	    is_like(pattern, slash != NULL ? slash + 1 : NULL)) {
		return 1;
	}
	if (file == NULL || line == NULL) {
		return 0;
	}
	(void)snprintf(at, sizeof(at), "%s:%s", file, line);
	if (is_like(pattern, at)) {
		return 1;
	}
	slash = strrchr(at, '/');
	return slash != NULL && is_like(pattern, slash + 1);
}

static int
is_rule(const char *pattern, const json_t *o)
{
	const json_t *rule = json_object_get(o, "rule");
	char line[24] = "";

	if (json_is_object(rule)) {
		(void)snprintf(line, sizeof(line), "%lld",
		    (long long)json_integer_value(
			json_object_get(rule, "line")));
		if (is_rule_of(pattern, text_of(rule, "file"), line,
			text_of(rule, "key"))) {
			return 1;
		}
	}
	return is_like(pattern, json_string_value(rule)) ||
	    is_rule_of(pattern, text_of(o, "file"), text_of(o, "line"),
		text_of(o, "key")) ||
	    is_like(pattern, text_of(o, "refusal"));
}

/* "import" or "import/allowed". */
static int
is_event(const char *pattern, const json_t *o)
{
	const char *event = text_of(o, "event"), *outcome = text_of(o, "outcome");
	char both[256];

	(void)snprintf(both, sizeof(both), "%s/%s", event != NULL ? event : "",
	    outcome != NULL ? outcome : "");
	return is_like(pattern, event) || is_like(pattern, both);
}

int
audit_query_matches(const struct audit_query *query, const json_t *o)
{
	const char *time = text_of(o, "time");

	if (!json_is_object(o) || time == NULL) {
		return 0;
	}
	/* RFC 3339 in UTC sorts as it reads; what begins like the end is in */
	if ((query->since != NULL && strcmp(time, query->since) < 0) ||
	    (query->until != NULL && strcmp(time, query->until) > 0 &&
		strncmp(time, query->until, strlen(query->until)) != 0)) {
		return 0;
	}
	return (query->device == NULL || is_device(query->device, o)) &&
	    (query->identity == NULL || is_identity(query->identity, o)) &&
	    (query->rule == NULL || is_rule(query->rule, o)) &&
	    (query->event == NULL || is_event(query->event, o));
}

/* ------------------------------------------------------------------------ */
/* For people                                                               */

/* What the gateway escaped is shown as it is: a backslash harms nobody. */
static void
print(FILE *f, const char *before, const char *text)
{
	char shown[512];

	if (text == NULL || *text == '\0') {
		return;
	}
	fputs(before, f);
	for (size_t n; *text != '\0'; text += n) {
		n = strcspn(text, "\\");
		if (n == 0) {
			n = 1;
			(void)putc('\\', f);
			continue;
		}
		n = n < sizeof(shown) / 4 ? n : sizeof(shown) / 4 - 1;
		fputs(log_escape(shown, sizeof(shown), text, n), f);
	}
}

char *
audit_query_text(const json_t *o)
{
	static const char *const shown[] = {"time", "mono_ms", "seq", "mac",
		"event", "outcome", "device", "session", "rule"};
	const json_t *dev = json_object_get(o, "device");
	const json_t *s = json_object_get(o, "session");
	const json_t *rule = json_object_get(o, "rule");
	const char *name, *key;
	json_t *value;
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL) {
		return NULL;
	}
	print(f, "", text_of(o, "time"));
	print(f, " ", text_of(o, "event"));
	print(f, " ", text_of(o, "outcome"));
	name = text_of(dev, "stable");
	print(f, ", ", name != NULL ? name : text_of(dev, "busid"));
	name = text_of(s, "name");
	print(f, ", ", name != NULL ? name : text_of(s, "peer"));
	if (json_is_object(rule)) {
		print(f, ", by ", text_of(rule, "file"));
		(void)fprintf(f, ":%lld",
		    (long long)json_integer_value(
			json_object_get(rule, "line")));
		print(f, " key ", text_of(rule, "key"));
	} else {
		print(f, ", by ", json_string_value(rule));
	}
	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		int is_shown = 0;

		for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
			is_shown |= strcmp(key, shown[i]) == 0;
		}
		if (!is_shown && json_string_length(value) > 0) {
			print(f, ", ", key);
			print(f, " ", json_string_value(value));
		}
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
