/*
 * sallyport watch: what the devices of a gateway do, one line for each thing
 * that happens. Texts of devices and of the gateway are shown escaped.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/launch.h"
#include "vhci-glue/offers.h"
#include "vhci-glue/words.h"

#define TEXT (4 * IDENTITY_TEXT)

static const char *
word_of(uint8_t kind)
{
	static const char *const words[] = {
		[IPC_WATCH_LISTED] = "device",
		[IPC_WATCH_APPEARED] = "appeared",
		[IPC_WATCH_CHANGED] = "changed",
		[IPC_WATCH_GONE] = "gone",
		[IPC_WATCH_READY] = "ready",
		[IPC_WATCH_POLICY] = "policy",
		[IPC_WATCH_MESSAGE] = "message",
		[IPC_WATCH_CHALLENGE] = "challenge",
	};

	return kind < ARRAY_LEN(words) ? words[kind] : "";
}

static const char *
shown(char *dst, const char *text)
{
	return log_escape(dst, TEXT, text, strlen(text));
}

static void
print_device(const char *when, const struct ipc_watch *w)
{
	const struct ipc_item *item = &w->item;
	char vendor[TEXT], product[TEXT], what[160], who[TEXT];

	(void)printf("%s  %-8s  %s", when, word_of(w->kind), w->name);
	if (w->kind != IPC_WATCH_GONE) {
		(void)printf("  %s  %s  %s%s%s (%s)", item->dev.busid,
		    offers_state(w), shown(vendor, item->manufacturer),
		    item->manufacturer[0] != '\0' ? " " : "",
		    shown(product, item->product),
		    words_what(what, sizeof(what), item));
	}
	if (w->state == IPC_WATCH_PENDING) {
		(void)printf(
		    ", by %s", offers_approver(who, sizeof(who), w));
	}
	(void)putchar('\n');
}

static void
print_text(const struct ipc_watch *w)
{
	char stamp[40], when[16], text[2 * IPC_TEXT], what[IPC_NAME + 64];

	clock_rfc3339(stamp, sizeof(stamp), clock_wall());
	(void)snprintf(when, sizeof(when), "%.8s", stamp + 11);
	switch (w->kind) {
	case IPC_WATCH_READY:
		break;
	case IPC_WATCH_POLICY:
		(void)printf(
		    "%s  policy    the gateway has other rules now\n", when);
		break;
	case IPC_WATCH_MESSAGE:
		log_escape(text, sizeof(text), w->text, strlen(w->text));
		(void)printf("%s  message   %s\n", when, text);
		break;
	case IPC_WATCH_CHALLENGE:
		(void)printf("%s  challenge %s\n", when,
		    words_challenge(what, sizeof(what), w));
		break;
	default:
		print_device(when, w);
		break;
	}
}

static void
put(json_t *o, const char *name, const char *text)
{
	char safe[2 * IPC_TEXT];

	log_escape(safe, sizeof(safe), text, strlen(text));
	(void)json_object_set_new(o, name, json_string(safe));
}

static void
print_json(const struct ipc_watch *w)
{
	const struct ipc_item *item = &w->item;
	json_t *o = json_object();
	char text[160];

	put(o, "event", word_of(w->kind));
	if (w->name[0] != '\0') {
		(void)json_object_set_new(o, "name", json_string(w->name));
	}
	if (w->kind <= IPC_WATCH_GONE) {
		put(o, "busid", item->dev.busid);
	}
	if (w->kind < IPC_WATCH_GONE) {
		put(o, "state", offers_state(w));
		if (w->state == IPC_WATCH_PENDING) {
			put(o, "approver", w->approver);
		}
		(void)snprintf(text, sizeof(text), "%04x", item->dev.vid);
		put(o, "vid", text);
		(void)snprintf(text, sizeof(text), "%04x", item->dev.pid);
		put(o, "pid", text);
		put(o, "manufacturer", item->manufacturer);
		put(o, "product", item->product);
		put(o, "serial", item->serial);
		put(o, "what", words_what(text, sizeof(text), item));
		put(o, "speed", words_speed_short(item->dev.speed));
	}
	if (w->kind == IPC_WATCH_MESSAGE) {
		put(o, "text", w->text);
	}
	if (w->kind == IPC_WATCH_CHALLENGE) {
		put(o, "digits", w->text);
		if (w->within != 0) {
			(void)json_object_set_new(
			    o, "within", json_integer(w->within));
		}
	}
	(void)json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	(void)putchar('\n');
	json_decref(o);
}

int
cmd_watch(const struct opts *opts)
{
	static struct launch launch;
	static struct ipc_watch watch;
	struct settings settings = {.ca = NULL};
	struct gateway gateway;
	struct launch_how how = {
		.opts = opts,
		.settings = &settings,
		.gateway = &gateway,
		.mode = IPC_RELAY_EVENTS,
		.busid = "",
		.log = -1,
	};
	int r = cmd_gateway(&gateway, opts);

	if (r != 0) {
		return r;
	}
	r = EXITS_FAILED;
	if (settings_load(&settings, opts) == 0 &&
	    launch_start(&launch, &how) == 0) {
		while ((r = offers_next(&launch, -1, &watch)) == 0) {
			if (opts->form == OPTS_JSON) {
				print_json(&watch);
			} else {
				print_text(&watch);
			}
			r = cmd_flush(opts, EXITS_OK);
			if (r != 0) {
				break;
			}
		}
		launch_end(&launch);
	}
	settings_free(&settings);
	return r;
}
