/*
 * The walk over a command line. Written out because getopt_long accepts
 * abbreviations, which turn into other options when a new one is added.
 */
#include "certs/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/cmd.h"
#include "certs/say.h"
#include "certs/when.h"

static int
take_option(struct opt_iter *it, const char *arg, const char **value)
{
	const char *name = arg + 2, *eq = strchr(name, '=');
	size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);

	for (int i = 0; it->table[i].name != NULL; i++) {
		const struct opt *o = &it->table[i];

		if (strlen(o->name) != len || memcmp(o->name, name, len) != 0) {
			continue;
		}
		if (o->arg == OPT_FLAG) {
			if (eq != NULL) {
				say_usage(it->op, arg, "takes no value");
				return OPT_WRONG;
			}
			return i;
		}
		if (eq != NULL) {
			*value = eq + 1;
		} else if (it->at < it->argc) {
			*value = it->argv[it->at++];
		} else {
			say_usage(it->op, arg, "a value is missing");
			return OPT_WRONG;
		}
		return i;
	}
	say_usage(it->op, arg, "unknown option");
	return OPT_WRONG;
}

int
opt_next(struct opt_iter *it, const char **value)
{
	const char *arg;

	*value = NULL;
	if (it->at < it->argc && !it->only_operands &&
	    strcmp(it->argv[it->at], "--") == 0) {
		it->only_operands = 1;
		it->at++;
	}
	if (it->at >= it->argc) {
		return OPT_END;
	}
	arg = it->argv[it->at++];
	if (it->only_operands || arg[0] != '-' || arg[1] == '\0') {
		*value = arg;
		return OPT_OPERAND;
	}
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
		return OPT_HELP;
	}
	if (arg[1] != '-') {
		say_usage(it->op, arg, "unknown option");
		return OPT_WRONG;
	}
	return take_option(it, arg, value);
}

int
opt_read(const char *op, const struct opt *table, const char *help, int argc,
    char **argv, opt_take *take, void *want)
{
	struct opt_iter it = { .op = op, .table = table, .argv = argv,
		.argc = argc, .at = 1 };
	const char *value;
	int o, status;

	while ((o = opt_next(&it, &value)) != OPT_END) {
		if (o == OPT_WRONG) {
			return CMD_USAGE;
		}
		if (o == OPT_HELP) {
			fputs(help, stdout);
			return say_done(op);
		}
		status = take(want, o, value);
		if (status != CMD_OK) {
			return status;
		}
	}
	return OPT_GO;
}

int
opt_text(const char **out, const char *op, const char *name, const char *value)
{
	*out = value;
	return *value != '\0' ? CMD_OK : say_usage(op, name, "is empty");
}

int
opt_days(long *out, const char *op, const char *value)
{
	return when_parse_days(out, value) == 0 ? CMD_OK :
	    say_usage(op, value, "--days is 1 to %d", WHEN_MAX_DAYS);
}

int
opt_number(unsigned *out, const char *op, const char *name, unsigned max,
    const char *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 ||
	    n == 0 || n > max) {
		return say_usage(op, value, "%s is 1 to %u", name, max);
	}
	*out = (unsigned)n;
	return CMD_OK;
}

int
opt_only(const char **out, const char *op, const char *what, const char *value)
{
	if (*out != NULL) {
		return say_usage(op, value, "only one %s at a time", what);
	}
	*out = value;
	return CMD_OK;
}
