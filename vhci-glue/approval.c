/*
 * Waiting for an approval, in `sallyport attach': as root, who reads no byte of
 * the gateway. Texts are shown escaped.
 */
#include "vhci-glue/approval.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "vhci-glue/exits.h"
#include "vhci-glue/words.h"

#define LIST_MS 60000
#define TURN_MS 1000

static int
next(struct approval *a, int timeout_ms, struct ipc_watch *watch)
{
	int r = offers_next(&a->launch, timeout_ms, watch);

	if (r == 0 && offers_apply(&a->offers, watch) != 0) {
		log_warnx("%s: too many devices", a->opts->command);
		r = EXITS_FAILED;
	}
	return r;
}

int
approval_open(struct approval *out, const struct opts *opts,
    const struct settings *settings, const struct gateway *gateway,
    enum launch_voice voice)
{
	const struct launch_how how = {
		.opts = opts,
		.settings = settings,
		.gateway = gateway,
		.mode = IPC_RELAY_EVENTS,
		.voice = voice,
		.busid = "",
		.log = -1,
	};
	static struct ipc_watch watch;
	int r = 0;

	out->opts = opts;
	out->offers = (struct offers){NULL, 0, 0, 0};
	out->mine[0] = '\0';
	out->is_open = 0;
	if (launch_start(&out->launch, &how) != 0) {
		return EXITS_FAILED;
	}
	out->is_open = 1;
	while (r == 0 && !out->offers.is_ready) {
		r = next(out, LIST_MS, &watch);
	}
	if (r != 0) {
		approval_close(out);
	}
	return r;
}

void
approval_close(struct approval *a)
{
	if (a->is_open) {
		launch_end(&a->launch);
		offers_fini(&a->offers);
		a->is_open = 0;
	}
}

/* A device that is taken away may be gone before its message comes. */
static void
remember(struct approval *a, const char *busid)
{
	const struct ipc_watch *w = offers_find(&a->offers, busid);

	if (w != NULL) {
		memcpy(a->mine, w->name, sizeof(a->mine));
	}
}

int
approval_hear(struct approval *a, const char *busid)
{
	static struct ipc_watch watch;
	char text[2 * IPC_TEXT], what[IPC_NAME + 64];
	int r;

	remember(a, busid);
	r = next(a, TURN_MS, &watch);
	if (r == 0 && watch.kind == IPC_WATCH_MESSAGE &&
	    (watch.name[0] == '\0' || strcmp(watch.name, a->mine) == 0)) {
		log_escape(text, sizeof(text), watch.text,
		    strlen(watch.text));
		log_infox("%s: %s: the gateway says: %s", a->opts->command,
		    busid, text);
	}
	if (r == 0 && watch.kind == IPC_WATCH_CHALLENGE) {
		log_infox("%s: %s", a->opts->command,
		    words_challenge(what, sizeof(what), &watch));
	}
	return r;
}

/* 1 when there is something to hear, 0 after ms at most. */
static int
has_word(const struct approval *a, int ms)
{
	struct pollfd p = {.fd = a->launch.channel, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

void
approval_drain(struct approval *a, const char *busid, unsigned ms)
{
	uint64_t deadline = clock_mono() + ms * CLOCK_MSEC;
	uint64_t now = clock_mono();

	while (a->is_open && now < deadline) {
		if (!has_word(a, (int)((deadline - now) / CLOCK_MSEC) + 1)) {
			return;
		}
		if (approval_hear(a, busid) != 0) {
			approval_close(a);
		}
		now = clock_mono();
	}
}

int
approval_wait(struct approval *a, const char *name, uint64_t deadline)
{
	const char *command = a->opts->command;
	char busid[USBIP_BUSID_SIZE], who[4 * IDENTITY_TEXT];
	int is_told = 0;

	for (;;) {
		const struct ipc_watch *w = offers_find(&a->offers, name);
		int r;

		if (w == NULL) {
			log_warnx("%s: %s: not approved, or unplugged", command,
			    name);
			return EXITS_DENIED;
		}
		if (w->state == IPC_WATCH_FREE) {
			return 0;
		}
		if (w->state == IPC_WATCH_PENDING && !is_told) {
			is_told = 1;
			log_infox("%s: %s: waits for %s to approve it", command,
			    name, offers_approver(who, sizeof(who), w));
		}
		if (deadline != 0 && clock_mono() >= deadline) {
			log_warnx("%s: %s: nobody approved it in time", command,
			    name);
			return EXITS_DENIED;
		}
		memcpy(busid, w->item.dev.busid, sizeof(busid));
		if (has_word(a, TURN_MS)) {
			r = approval_hear(a, busid);
			if (r != 0) {
				return r;
			}
		}
	}
}
