/*
 * nsswitch.conf(5) says which modules the resolver has beside its own.
 */
#include "base/sandbox_resolver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define NSSWITCH "/etc/nsswitch.conf"
#define NAME_MAX_LEN 32u

const struct sandbox_path sandbox_resolver_paths[SANDBOX_RESOLVER_PATHS] = {
	{"/etc", -1, SANDBOX_READ},
	{"/usr/share/zoneinfo", -1, SANDBOX_READ},
	/* what /etc/resolv.conf is a link to */
	{"/run/systemd/resolve", -1, SANDBOX_READ},
	{"/run/resolvconf", -1, SANDBOX_READ},
	{"/run/NetworkManager", -1, SANDBOX_READ},
	{"/run/connman", -1, SANDBOX_READ},
	/* sockets of modules, which need no more than to be there */
	{"/run/avahi-daemon", -1, SANDBOX_READ},
	{"/var/lib/sss/pipes", -1, SANDBOX_READ},
};

/* The module of one word of nsswitch.conf. It stays for good. */
static void
load_module(const char *word, size_t len)
{
	char name[NAME_MAX_LEN + 32];

	for (size_t i = 0; i < len; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", word[i]) ==
		    NULL) {
			return;
		}
	}
	if (len > 0 && len <= NAME_MAX_LEN) {
		(void)snprintf(name, sizeof(name), "libnss_%.*s.so.2",
		    (int)len, word);
		(void)dlopen(name, RTLD_NOW | RTLD_LOCAL);
	}
}

/* "hosts: files mdns4_minimal [NOTFOUND=return] dns" */
void
sandbox_load_resolver(void)
{
	char line[512];
	FILE *f = fopen(NSSWITCH, "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *p = line + strspn(line, " \t");

		if (strncmp(p, "hosts:", 6) != 0) {
			continue;
		}
		for (p += 6; *p != '\0' && *p != '#' && *p != '\n';) {
			size_t len = strcspn(p, " \t\n#");

			load_module(p, len);
			p += len;
			p += strspn(p, " \t");
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
}
