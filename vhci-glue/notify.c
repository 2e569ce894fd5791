/*
 * sallyport notify: becomes sallyport-notify, which alone has the session bus's
 * library. This program is root's, too, and shall not load it.
 */
#include <stdio.h>
#include <unistd.h>

#include <limits.h>

#include "base/log.h"
#include "base/spawn.h"
#include "vhci-glue/cmd.h"

int
cmd_notify(const struct opts *opts)
{
	char path[PATH_MAX];

	if (geteuid() == 0) {
		log_warnx("notify: is for who sits here, and root does not");
		return EXITS_FAILED;
	}
	if (spawn_program(path, sizeof(path), "sallyport-notify") == NULL) {
		log_warnx("notify: sallyport-notify: path too long");
		return EXITS_FAILED;
	}
	(void)execl(path, "sallyport-notify",
	    opts->form == OPTS_JSON ? "--json" : "--bus", (char *)NULL);
	log_warn("notify: %s", path);
	return EXITS_FAILED;
}
