/*
 * Who hears the agent's notices, and what they say of a device. Challenges are
 * for the person who sits here, so whoever sits at a desktop of this machine may
 * hear them, by the login name that the kernel and logind agree on: no group, no
 * key, no word to the agent. Who leaves the desktop hears no more.
 */
#include "vhci-glue/agent.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "vhci-glue/words.h"

int
agent_may_hear(void *agent, int fd, const struct ucred *peer)
{
	const struct agent *a = agent;
	const struct ipc_desk *desk;
	const struct passwd *pw;

	if (peer->uid == 0 || agent_is_member(fd, peer)) {
		return 1;
	}
	pw = desks_at(a->desks, 0) != NULL ? getpwuid(peer->uid) : NULL;
	for (size_t i = 0;
	     pw != NULL && (desk = desks_at(a->desks, i)) != NULL; i++) {
		if (desk->user[0] != '\0' &&
		    strcmp(desk->user, pw->pw_name) == 0) {
			return 1;
		}
	}
	return 0;
}

/* "Kingston DataTraveler (storage)", or "". */
static const char *
device_of(char *dst, size_t size, const struct ipc_watch *offer)
{
	char vendor[IDENTITY_TEXT], product[IDENTITY_TEXT], what[160];

	dst[0] = '\0';
	if (offer != NULL) {
		const struct ipc_item *item = &offer->item;

		log_escape(vendor, sizeof(vendor), item->manufacturer,
		    strlen(item->manufacturer));
		log_escape(product, sizeof(product), item->product,
		    strlen(item->product));
		(void)snprintf(dst, size, "%s%s%s (%s)", vendor,
		    vendor[0] != '\0' ? " " : "", product,
		    words_what(what, sizeof(what), item));
	}
	return dst;
}

void
agent_say(struct agent *a, enum notice_kind kind,
    const struct agent_gateway *g, const char *name, const char *text,
    unsigned within)
{
	char device[1024];
	const struct notice notice = {
		.kind = kind,
		.gateway = g->text,
		.name = name,
		.device = device_of(
		    device, sizeof(device), offers_find(&g->offers, name)),
		.text = text,
		.within = within,
	};

	notices_say(a->notices, &notice, clock_mono());
}
