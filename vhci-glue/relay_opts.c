/*
 * The relay's command line. It comes from `sallyport`, before any byte of a
 * network.
 */
#include "vhci-glue/relay_opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "vhci-glue/exits.h"

static unsigned
number(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || text[0] == '-' ||
	    n > 3600000) {
		fatalx("number out of range: %s", text);
	}
	return (unsigned)n;
}

void
relay_opts_parse(struct relay_opts *out, int argc, char **argv)
{
	static const struct option options[] = {
	    {"idle", required_argument, NULL, 'i'},
	    {"interval", required_argument, NULL, 'n'},
	    {"count", required_argument, NULL, 'c'},
	    {"timeout", required_argument, NULL, 't'},
	    {"foreground", no_argument, NULL, 'f'},
	    {"log", no_argument, NULL, 'l'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	*out = (struct relay_opts){
		.live = NET_LIVENESS_DEFAULT, .place = RELAY_BACKGROUND};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			out->live.idle_s = number(optarg);
			break;
		case 'n':
			out->live.interval_s = number(optarg);
			break;
		case 'c':
			out->live.count = number(optarg);
			break;
		case 't':
			out->live.user_timeout_ms = number(optarg);
			break;
		case 'f':
			out->place = RELAY_FOREGROUND;
			break;
		case 'l':
			out->has_log = 1;
			break;
		case 'h':
			(void)printf("sallyport-relay is started by "
				     "`sallyport`; see sallyport-relay(8)\n");
			exit(EXITS_OK);
		case 'v':
			(void)printf("sallyport-relay " SALLYPORT_VERSION "\n");
			exit(EXITS_OK);
		default:
			exit(EXITS_USAGE);
		}
	}
}
