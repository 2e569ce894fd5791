/*
 * What a server of verdicts says, line by line. Runs in the warden; the server
 * is a local program that an operator trusts with verdicts, not with the
 * warden: a line that is not exactly right costs it its connection.
 */
#include "proxy/warden/verdict.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const char *const words[] = {
    [WORD_ALLOW] = "allow",
    [WORD_DENY] = "deny",
    [WORD_EJECT] = "eject",
    [WORD_NONE] = "none",
};

const char *
verdict_word_name(enum verdict_word word)
{
	return words[word];
}

/* A member that is a number from min to max. */
static int
number(const json_t *o, const char *name, json_int_t min, json_int_t max,
    uint32_t *out)
{
	const json_t *m = json_object_get(o, name);
	json_int_t n = json_integer_value(m);

	if (!json_is_integer(m) || n < min || n > max) {
		return ERR_FORMAT;
	}
	*out = (uint32_t)n;
	return 0;
}

static int
hello(struct verdict_line *out, const json_t *o, const char **why)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	uint32_t protocol;

	out->said = SAID_HELLO;
	if (name == NULL || *name == '\0' || strlen(name) > CONF_NAME) {
		*why = "a hello without a name";
		return ERR_FORMAT;
	}
	if (number(o, "protocol", 1, INT32_MAX, &protocol) != 0) {
		*why = "a hello without its protocol";
		return ERR_FORMAT;
	}
	out->protocol = protocol;
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

static int
answer(struct verdict_line *out, const json_t *o, const char **why)
{
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const json_t *reason = json_object_get(o, "reason");
	size_t i = 0;

	out->said = SAID_ANSWER;
	if (number(o, "id", 1, UINT32_MAX, &out->id) != 0) {
		*why = "a verdict without an id";
		return ERR_FORMAT;
	}
	while (verdict != NULL && i < ARRAY_LEN(words) &&
	       strcmp(verdict, words[i]) != 0) {
		i++;
	}
	if (verdict == NULL || i == ARRAY_LEN(words)) {
		*why = "a verdict that is none of allow, deny, eject and none";
		return ERR_FORMAT;
	}
	out->word = (enum verdict_word)i;
	if (json_object_get(o, "valid") != NULL &&
	    number(o, "valid", 0, VERDICT_VALID_MAX, &out->valid) != 0) {
		*why = "a verdict whose valid is no number of seconds";
		return ERR_FORMAT;
	}
	if (reason != NULL && !json_is_string(reason)) {
		*why = "a verdict whose reason is no text";
		return ERR_FORMAT;
	}
	if (reason != NULL) {
		(void)snprintf(out->reason, sizeof(out->reason), "%s",
		    json_string_value(reason));
	}
	return 0;
}

static int
pong(struct verdict_line *out, const json_t *o, const char **why)
{
	out->said = SAID_PONG;
	if (number(o, "id", 1, UINT32_MAX, &out->id) != 0) {
		*why = "a pong without an id";
		return ERR_FORMAT;
	}
	return 0;
}

int
verdict_line_parse(
    struct verdict_line *out, const char *text, size_t len, const char **why)
{
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *member = json_object_get(o, "type");
	const char *type = json_string_value(member);
	int r = ERR_FORMAT;

	memset(out, 0, sizeof(*out));
	*why = "a line that is no object of JSON";
	if (json_is_object(o)) {
		*why = "a line of a type that there is not";
	}
	if (json_is_object(o) &&
	    (member == NULL ||
		(type != NULL && strcmp(type, "verdict") == 0))) {
		r = answer(out, o, why);
	} else if (type != NULL && strcmp(type, "hello") == 0) {
		r = hello(out, o, why);
	} else if (type != NULL && strcmp(type, "pong") == 0) {
		r = pong(out, o, why);
	}
	json_decref(o);
	return r;
}
