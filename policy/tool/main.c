/*
 * sallyport-policy: check, explain and format rule files, without a gateway.
 * Runs as anybody; reads the files it is given and nothing else.
 */
#include "policy/tool/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	cmd_fn *run;
	const char *help;
} commands[] = {
	{"check", cmd_check,
	    "usage: sallyport-policy check [--json] FILE...\n"
	    "\n"
	    "Reads rule files as the gateway does, all together, and prints\n"
	    "every error with file, line and column. A directory stands for\n"
	    "the *.rules in it, in the order of their names.\n"
	    "\n"
	    "  --json   print one JSON object instead\n"
	    "\n"
	    "Exit status: 0 no error, 1 errors, 2 wrong use.\n"},
	{"explain", cmd_explain,
	    "usage: sallyport-policy explain DEVICE [--to IDENTITY]... "
	    "[--json] FILE...\n"
	    "\n"
	    "Prints what the rules of FILE... decide, which rule decided, and\n"
	    "why each rule before it did not match.\n"
	    "\n"
	    "  DEVICE         a sysfs directory, /sys/bus/usb/devices/3-2,\n"
	    "                 or a JSON file, see sallyport-policy(1)\n"
	    "  --to IDENTITY  the workstation: a JSON file as printed by\n"
	    "                 sallyport-certs show --json, or facts:\n"
	    "                 dns:kiosk1.example,ou:Staff\n"
	    "                 Without it the workstation is not known, and\n"
	    "                 rules with `to' do not match.\n"
	    "  --json         print one JSON object instead\n"
	    "\n"
	    "Exit status: 0 allowed, 1 failed, 2 wrong use, 3 not allowed.\n"},
	{"fmt", cmd_fmt,
	    "usage: sallyport-policy fmt FILE\n"
	    "\n"
	    "Prints the rules of FILE in canonical form, comments kept.\n"
	    "\n"
	    "Exit status: 0 printed, 1 errors in FILE, 2 wrong use.\n"},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char usage[] =
    "usage: sallyport-policy COMMAND ...\n"
    "\n"
    "  check FILE...                            are the rules right?\n"
    "  explain DEVICE [--to IDENTITY] FILE...   who may have a device, and "
    "why?\n"
    "  fmt FILE                                 print the canonical form\n"
    "\n"
    "sallyport-policy COMMAND --help explains a command.\n";

void
cmd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("sallyport-policy: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int
cmd_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("sallyport-policy: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("; sallyport-policy --help shows the usage\n", stderr);
	va_end(ap);
	return CMD_USAGE;
}

static int
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

int
main(int argc, char **argv)
{
	int r = -1;

	if (argc < 2) {
		fputs(usage, stderr);
		return CMD_USAGE;
	}
	if (is_help(argv[1])) {
		fputs(usage, stdout);
		r = CMD_OK;
	} else if (strcmp(argv[1], "--version") == 0) {
		puts("sallyport-policy " SALLYPORT_VERSION);
		r = CMD_OK;
	}
	for (size_t i = 0; r == -1 && i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0) {
			continue;
		}
		for (int j = 2; j < argc && r == -1; j++) {
			if (strcmp(argv[j], "--") == 0) {
				break;
			}
			if (is_help(argv[j])) {
				fputs(commands[i].help, stdout);
				r = CMD_OK;
			}
		}
		if (r == -1) {
			r = commands[i].run(argc - 1, argv + 1);
		}
	}
	if (r == -1) {
		r = cmd_usage("unknown command: %s", argv[1]);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cmd_warn("write: standard output: it cannot be written");
		return r == CMD_OK ? CMD_FAILED : r;
	}
	return r;
}
