/*
 * Units of transfers that wait for somebody's verdict. Their sessions hold
 * them, and go by their `else' when the time comes; here is who is asked, and
 * what is said. A name that gateway.conf has is a program's, any other a
 * person's.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/* Of one session at once; a session has no more either. */
#define HELD_EACH 16u

static void
write_held(
    const struct held *held, const char *outcome, const struct said *said)
{
	char id[16], valid[16], latency[24];

	(void)snprintf(id, sizeof(id), "%u", held->id);
	(void)snprintf(valid, sizeof(valid), "%u", said->valid);
	(void)snprintf(latency, sizeof(latency), "%llu",
	    (unsigned long long)(said->latency / CLOCK_MSEC));
	audit_write(held->session->warden, "ask", outcome, held->session,
	    held->session->device, NULL, "ask", id, "server", held->ask.server,
	    "hook", inspect_hook(held->ask.hook), "facts", held->ask.text,
	    "file", held->ask.file, "key", held->ask.key, "by", said->by,
	    "latency_ms", latency, "valid", valid, "reason", said->reason,
	    (char *)NULL);
}

static void
drop_held(struct held *held, int is_unanswered)
{
	struct warden *w = held->session->warden;

	TAILQ_REMOVE(&w->held, held, entry);
	verdicts_over(w, held->id, is_unanswered);
	free(held);
}

static void
answer(struct held *held, enum ipc_say say)
{
	struct ipc_answer m = {.id = held->ask.id, .say = (uint8_t)say};
	uint8_t buf[8];

	(void)channel_send(held->session->chan, IPC_ANSWER, held->session->conn,
	    buf, (size_t)ipc_encode_answer(buf, sizeof(buf), &m), -1);
}

static struct held *
find(const struct warden *w, unsigned id)
{
	struct held *held;

	TAILQ_FOREACH(held, &w->held, entry)
	{
		if (held->id == id) {
			break;
		}
	}
	return held;
}

int
held_on_ask(struct session *s, const struct channel_msg *msg)
{
	static const struct said nothing = {.by = "", .reason = ""};
	struct warden *w = s->warden;
	struct held *held, *other;
	unsigned n = 0;

	held = calloc(1, sizeof(*held));
	if (held == NULL) {
		return ERR_NOMEM;
	}
	TAILQ_FOREACH(other, &w->held, entry)
	{
		n += other->session == s;
	}
	if (s->device == NULL || n >= HELD_EACH ||
	    ipc_decode_ask(&held->ask, msg->data, msg->len) != 0) {
		free(held);
		return ERR_FORMAT;
	}
	held->session = s;
	held->id = w->book->next_ask++;
	held->ends = clock_mono() + held->ask.within_ms * CLOCK_MSEC;
	TAILQ_INSERT_TAIL(&w->held, held, entry);
	write_held(held, "asked", &nothing);
	if (verdicts_ask_unit(held) != 0) {
		log_infox("%s: a %s unit waits for %s; `sallyctl approve %u' "
			  "or `sallyctl deny %u' within %u s",
		    s->device->place.busid, inspect_hook(held->ask.hook),
		    held->ask.server, held->id, held->id,
		    (held->ask.within_ms + 999) / 1000);
	}
	return 0;
}

int
held_on_over(struct session *s, const struct channel_msg *msg)
{
	static const struct said late = {
	    .by = "", .reason = "its time came, or it was taken back"};
	struct held *held;
	struct ipc_over m;

	if (ipc_decode_over(&m, msg->data, msg->len) != 0) {
		return ERR_FORMAT;
	}
	TAILQ_FOREACH(held, &s->warden->held, entry)
	{
		if (held->session == s && held->ask.id == m.id) {
			write_held(held, "no answer", &late);
			drop_held(held, 1);
			break;
		}
	}
	return 0; /* our answer and its word crossed */
}

int
held_answer(struct warden *w, unsigned id, const struct said *said)
{
	static const char *const outcomes[] = {
	    [IPC_SAY_ALLOW] = "approved",
	    [IPC_SAY_DENY] = "denied",
	    [IPC_SAY_EJECT] = "ejected",
	};
	struct held *held = find(w, id);

	if (held == NULL) {
		return ERR_NOENT;
	}
	write_held(held, outcomes[said->say], said);
	answer(held, said->say);
	drop_held(held, 0);
	return 0;
}

int
held_otherwise(struct warden *w, unsigned id, const char *why)
{
	struct said said = {.by = "", .reason = why};
	struct held *held = find(w, id);

	if (held == NULL) {
		return ERR_NOENT;
	}
	write_held(held, "no answer", &said);
	answer(held, (enum ipc_say)held->ask.otherwise);
	drop_held(held, 0);
	return 0;
}

void
held_forget(struct session *s)
{
	struct held *held = TAILQ_FIRST(&s->warden->held), *next;

	for (; held != NULL; held = next) {
		next = TAILQ_NEXT(held, entry);
		if (held->session == s) {
			drop_held(held, 0);
		}
	}
}
