/*
 * One set of rules for `issue', which signs at once, and `token', which lets
 * somebody else have it signed.
 */
#include "certs/who.h"

#include <string.h>

#include "certs/cmd.h"
#include "certs/opt.h"
#include "certs/say.h"

int
who_take_san(struct who *w, const char *value)
{
	struct san *s = &w->sans[w->nsans];
	const char *why;

	if (w->nsans == NAME_SANS) {
		return say_usage(w->op, value, "more than %d --san",
		    NAME_SANS);
	}
	why = san_parse(s, value);
	if (why != NULL) {
		return say_usage(w->op, value, "%s", why);
	}
	for (size_t i = 0; i < w->nsans; i++) {
		if (san_equal(&w->sans[i], s)) {
			return say_usage(w->op, value, "is there twice");
		}
	}
	w->texts[w->nsans++] = value;
	return CMD_OK;
}

int
who_take_ou(struct who *w, const char *value)
{
	const char *why = name_check_text(value);

	if (why != NULL) {
		return say_usage(w->op, value, "%s", why);
	}
	if (w->nous == NAME_OUS) {
		return say_usage(w->op, value, "more than %d --ou",
		    NAME_OUS);
	}
	w->ous[w->nous++] = value;
	return CMD_OK;
}

int
who_take_operand(struct who *w, const char *value)
{
	const char *why;

	if (w->role == NULL) {
		w->role = value;
		if (strcmp(value, "gateway") == 0) {
			w->kind = CA_KIND_GATEWAY;
		} else if (strcmp(value, "workstation") == 0) {
			w->kind = CA_KIND_WORKSTATION;
		} else {
			return say_usage(w->op, value,
			    "must be gateway or workstation");
		}
		return CMD_OK;
	}
	if (opt_only(&w->name, w->op, "name", value) != CMD_OK) {
		return CMD_USAGE;
	}
	why = name_check_directory(value);
	return why == NULL ? CMD_OK : say_usage(w->op, value, "%s", why);
}

int
who_complete(struct who *w)
{
	size_t len = strlen("CN=");
	const char *why;

	if (w->role == NULL) {
		return say_usage(w->op, NULL,
		    "gateway or workstation, and a name, are missing");
	}
	if (w->name == NULL) {
		return say_usage(w->op, w->role, "a name is missing");
	}
	len += strlen(w->name);
	for (size_t i = 0; i < w->nous; i++) {
		len += strlen("OU=, ") + strlen(w->ous[i]);
	}
	if (len > NAME_SUBJECT_MAX) {
		return say_usage(w->op, w->name, "with its --ou it makes a "
		    "subject of more than %d bytes", NAME_SUBJECT_MAX);
	}
	if (w->nsans == 0) {
		why = san_default(&w->sans[0], w->name);
		if (why != NULL) {
			return say_usage(w->op, w->name, "%s", why);
		}
		w->texts[0] = NULL;
		w->nsans = 1;
	}
	return CMD_OK;
}
