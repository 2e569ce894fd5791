/*
 * What only lacks somebody's yes. An import opens an ask and is answered at
 * once, with no; the yes makes the device appear. One ask per identity, device
 * and rule; an answer counts for that one alone. A program that serves the name
 * is asked; a person may answer before it does, or when it does not.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/* When a rule does not say: how long an ask waits, and a no stands. */
#define WITHIN_DEFAULT 60u

static void
write_audit(struct warden *w, const char *outcome, const struct ask *ask,
    const struct session *s, const struct device *dev,
    const struct rule_decision *d, const struct said *said)
{
	char id[16], within[16], valid[16], latency[24];

	(void)snprintf(id, sizeof(id), "%u", ask->id);
	(void)snprintf(within, sizeof(within), "%u", ask->within);
	(void)snprintf(valid, sizeof(valid), "%u",
	    said->valid != 0 ? said->valid : ask->valid);
	(void)snprintf(latency, sizeof(latency), "%llu",
	    (unsigned long long)(said->latency / CLOCK_MSEC));
	audit_write(w, "approval", outcome, s, dev, d, "ask", id, "identity",
	    ask->name, "stable", ask->device_name, "approver", ask->approver,
	    "within", within, "valid", valid, "by", said->by, "latency_ms",
	    latency, "reason", said->reason, (char *)NULL);
}

static const struct said nobody = {.by = "", .reason = ""};

/* To whoever watches under the identity that asked. */
static void
tell(struct warden *w, const struct ask *ask, const char *text)
{
	struct session *s;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (s->events != NULL &&
		    memcmp(s->who, ask->who, BOOK_KEY) == 0) {
			events_message(
			    w, s->identity, ask->device_name, text);
			return; /* all of that identity have it now */
		}
	}
}

void
asks_open(
    struct session *s, struct device *dev, const struct rule_decision *d)
{
	struct warden *w = s->warden;
	const char *name = identity_short(&s->facts);
	struct ask *ask;

	ask = book_find_ask(w->book, s->who, dev->key, d->rule);
	if (ask != NULL && ask->state == ASK_OPEN) {
		/* it waits already, and its time goes on */
		(void)verdicts_ask_import(s, dev, d, ask);
		return;
	}
	if (ask != NULL) {
		book_drop_ask(w->book, ask);
	}
	ask = book_new_ask(w->book, s->who);
	if (ask == NULL) {
		audit_write(w, "approval", "not asked", s, dev, d, "detail",
		    "too many asks wait", (char *)NULL);
		return;
	}
	ask->state = ASK_OPEN;
	memcpy(ask->device, dev->key, BOOK_KEY);
	ask->rule = d->rule;
	ask->within = d->grant.approve_within != 0 ? d->grant.approve_within
						   : WITHIN_DEFAULT;
	ask->valid = d->grant.approve_valid;
	ask->ends = clock_mono() + ask->within * CLOCK_SEC;
	memcpy(ask->busid, dev->place.busid, sizeof(ask->busid));
	ask->devnum = dev->place.devnum;
	log_escape(ask->name, sizeof(ask->name), name, strlen(name));
	memcpy(ask->device_name, dev->name, sizeof(ask->device_name));
	log_escape(ask->approver, sizeof(ask->approver), d->grant.approver,
	    strlen(d->grant.approver));
	write_audit(w, "asked", ask, s, dev, d, &nobody);
	log_infox("%s asks for %s; `sallyctl approve %u' or `sallyctl deny "
		  "%u' within %u s", ask->name, dev->place.busid, ask->id,
	    ask->id, ask->within);
	tell(w, ask, "asked for approval");
	(void)verdicts_ask_import(s, dev, d, ask);
}

/* It is judged again by whoever has it, or would. */
static void
changed(struct warden *w)
{
	events_touch(w);
	leases_touch(w, "its approval is over");
}

/* Seconds that it counts; 0 = until the device is unplugged. What the rule says
 * can only be made shorter. */
static uint32_t
validity(const struct ask *ask, const struct said *said)
{
	if (said->say != IPC_SAY_ALLOW) {
		/* Asking at once again would only be a nuisance. */
		return said->valid != 0 ? said->valid : ask->within;
	}
	return said->valid == 0 ||
		(ask->valid != 0 && ask->valid < said->valid) ?
	    ask->valid :
	    said->valid;
}

int
asks_answer(struct warden *w, unsigned id, const struct said *said)
{
	struct ask *ask = book_ask_by_id(w->book, id);
	int is_yes = said->say == IPC_SAY_ALLOW;
	uint32_t seconds;

	if (ask == NULL) {
		return ERR_NOENT;
	}
	seconds = validity(ask, said);
	ask->state = is_yes ? ASK_APPROVED : ASK_DENIED;
	ask->ends = seconds == 0 ? 0 : clock_mono() + seconds * CLOCK_SEC;
	w->book->is_dirty = 1;
	write_audit(w, is_yes ? "approved" : "denied", ask, NULL, NULL, NULL,
	    said);
	verdicts_over(w, id, 0);
	tell(w, ask, is_yes ? "approved: it can be attached now" : "denied");
	(void)book_save(w->book, w->conf.state);
	changed(w);
	return 0;
}

void
asks_unanswered(struct warden *w, unsigned id, const char *why)
{
	struct said said = {.by = "", .reason = why};
	const struct ask *ask = book_ask_by_id(w->book, id);

	if (ask != NULL && ask->state == ASK_OPEN) {
		write_audit(
		    w, "no verdict", ask, NULL, NULL, NULL, &said);
	}
}

void
asks_expire(struct warden *w)
{
	struct ask *ask, *next;
	int any = 0;

	for (ask = TAILQ_FIRST(&w->book->asks); ask != NULL; ask = next) {
		next = TAILQ_NEXT(ask, entry);
		if (ask->ends == 0 || clock_mono() < ask->ends) {
			continue;
		}
		write_audit(w,
		    ask->state == ASK_OPEN	 ? "no answer"
			: ask->state == ASK_DENIED ? "denial over"
						   : "over",
		    ask, NULL, NULL, NULL, &nobody);
		if (ask->state == ASK_OPEN) {
			verdicts_over(w, ask->id, 1);
			tell(w, ask, "nobody approved it in time");
		}
		book_drop_ask(w->book, ask);
		any = 1;
	}
	if (any) {
		changed(w);
	}
}
