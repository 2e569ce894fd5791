/*
 * What every subcommand says and reads alike.
 */
#include "policy/tool/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
cmd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int
cmd_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fputs("; sallyport-policy --help shows the usage\n", stderr);
	va_end(ap);
	return CMD_USAGE;
}

const char *
cmd_value(char **argv, int argc, int *i, const char *option)
{
	size_t len = strlen(option);

	if (strncmp(argv[*i], option, len) != 0) {
		return NULL;
	}
	if (argv[*i][len] == '=') {
		return argv[*i] + len + 1;
	}
	return argv[*i][len] == '\0' && *i + 1 < argc ? argv[++*i] : NULL;
}
