/*
 * sallyport-certs: the PKI of a site, sallyport-certs(8). One process, started
 * by an administrator, that trusts nothing but its own CA key; the subcommands
 * are the rows of one table.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "certs/cmd.h"
#include "certs/say.h"

static const struct {
	const char *name;
	cmd_fn *run;
	const char *what;
} commands[] = {
	{ "init", cmd_init, "make a new certificate authority (CA)" },
	{ "issue", cmd_issue, "make a key and a certificate" },
	{ "renew", cmd_renew, "make another certificate of the same names" },
	{ "revoke", cmd_revoke, "take a certificate back" },
	{ "crl", cmd_crl, "make the list of what was taken back (CRL)" },
	{ "show", cmd_show, "print the facts of a certificate or a CRL" },
	{ "token", cmd_token, "let somebody fetch one certificate" },
	{ "serve", cmd_serve, "sign for those who come with a token" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
help(void)
{
	printf("usage: sallyport-certs COMMAND ...\n"
	    "\n"
	    "Makes, renews, revokes and shows the certificates of gateways and\n"
	    "workstations.\n"
	    "\n");
	for (size_t i = 0; i < NCOMMANDS; i++) {
		printf("  %-8s %s\n", commands[i].name, commands[i].what);
	}
	printf("\n"
	    "'sallyport-certs COMMAND --help' explains one; "
	    "sallyport-certs(8) all.\n");
	return say_done(NULL);
}

int
main(int argc, char **argv)
{
	struct rlimit none = { 0, 0 };

	/* A core file would hold keys; a parent directory that others can
	 * write would let them replace them; a file that reaches the size
	 * limit is an error to clean up after, not a death. */
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGXFSZ, SIG_IGN);
	umask(umask(077) | 022);
	if (argc < 2) {
		return say_usage(NULL, NULL, "a command is missing");
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		return help();
	}
	if (strcmp(argv[1], "--version") == 0) {
		return puts("sallyport-certs " SALLYPORT_VERSION) == EOF;
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	return say_usage(NULL, argv[1], "unknown command");
}
