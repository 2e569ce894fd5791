/*
 * A device for `explain': a directory is sysfs, anything else JSON.
 */
#include "policy/tool/device.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "policy/tool/cmd.h"

int
device_read(struct rule_device *out, struct rule_device_store *store,
    const char *path)
{
	struct stat st;
	char *real;
	int r;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		return device_read_json(out, store, path);
	}
	real = realpath(path, NULL);
	if (real == NULL) {
		cmd_warn("open: %s: %s", path, err_str(ERR_SYS));
		return ERR_SYS;
	}
	r = device_read_sysfs(out, store, path, real);
	free(real);
	return r;
}
