/*
 * The table of a gateway's devices, in the workstation's commands. Reads no
 * byte of the network: relay and reader stand between.
 */
#include "vhci-glue/offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "vhci-glue/exits.h"

#define NEXT_MS 60000

static struct ipc_watch *
find(const struct offers *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(o->v[i].name, name) == 0) {
			return &o->v[i];
		}
	}
	return NULL;
}

static int
put(struct offers *o, const struct ipc_watch *w)
{
	struct ipc_watch *slot = find(o, w->name);

	if (slot == NULL && o->n == o->room) {
		size_t room = o->room == 0 ? 16 : 2 * o->room;
		struct ipc_watch *v;

		if (o->n >= OFFERS_MAX) {
			return ERR_LIMIT;
		}
		v = realloc(o->v, room * sizeof(*v));
		if (v == NULL) {
			return ERR_NOMEM;
		}
		o->v = v;
		o->room = room;
	}
	if (slot == NULL) {
		slot = &o->v[o->n++];
	}
	*slot = *w;
	return 0;
}

int
offers_apply(struct offers *o, const struct ipc_watch *w)
{
	struct ipc_watch *slot;

	switch (w->kind) {
	case IPC_WATCH_LISTED:
	case IPC_WATCH_APPEARED:
	case IPC_WATCH_CHANGED:
		return put(o, w);
	case IPC_WATCH_GONE:
		slot = find(o, w->name);
		if (slot != NULL) {
			*slot = o->v[--o->n];
		}
		break;
	case IPC_WATCH_READY:
		o->is_ready = 1;
		break;
	}
	return 0;
}

void
offers_fini(struct offers *o)
{
	free(o->v);
	*o = (struct offers){NULL, 0, 0, 0};
}

const struct ipc_watch *
offers_find(const struct offers *o, const char *what)
{
	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(o->v[i].name, what) == 0 ||
		    strcmp(o->v[i].item.dev.busid, what) == 0) {
			return &o->v[i];
		}
	}
	return NULL;
}

const char *
offers_state(const struct ipc_watch *offer)
{
	if (offer == NULL) {
		return "-";
	}
	switch (offer->state) {
	case IPC_WATCH_FREE:
		return "free";
	case IPC_WATCH_YOURS:
		return "yours";
	case IPC_WATCH_PENDING:
		return "needs-approval";
	}
	return "busy";
}

char *
offers_approver(char *dst, size_t size, const struct ipc_watch *offer)
{
	if (offer->approver[0] == '\0') {
		(void)snprintf(dst, size, "somebody");
		return dst;
	}
	return log_escape(dst, size, offer->approver, strlen(offer->approver));
}

void
offers_asked(struct ipc_asked *out, const struct ipc_watch *offer)
{
	memset(out, 0, sizeof(*out));
	out->is_listed = 1;
	out->vid = offer->item.dev.vid;
	out->pid = offer->item.dev.pid;
	out->ninterfaces = offer->item.ninterfaces;
	memcpy(out->interfaces, offer->item.interfaces,
	    sizeof(out->interfaces));
}

int
offers_next(struct launch *l, int timeout_ms, struct ipc_watch *out)
{
	struct channel_msg msg;
	int r = launch_recv(l, timeout_ms, &msg);

	if (r == 0 &&
	    (msg.type != IPC_RELAY_WATCH ||
		ipc_decode_watch(out, msg.data, msg.len) != 0)) {
		log_warnx("%s: reader: malformed message", l->command);
		r = EXITS_FAILED;
	}
	return r;
}

int
offers_get(struct offers *out, const struct opts *opts,
    const struct settings *settings, const struct gateway *gateway)
{
	static struct launch launch;
	static struct ipc_watch watch;
	const struct launch_how how = {
		.opts = opts,
		.settings = settings,
		.gateway = gateway,
		.mode = IPC_RELAY_EVENTS,
		.busid = "",
		.log = -1,
	};
	int r = 0;

	if (launch_start(&launch, &how) != 0) {
		return EXITS_FAILED;
	}
	while (r == 0 && !out->is_ready) {
		r = offers_next(&launch, NEXT_MS, &watch);
		if (r == 0 && offers_apply(out, &watch) != 0) {
			log_warnx("%s: too many devices", opts->command);
			r = EXITS_FAILED;
		}
	}
	launch_end(&launch);
	return r;
}
