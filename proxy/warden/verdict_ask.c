/*
 * What is asked of a name: the list of what waits for a place, the list of what
 * its server has, and how an ask ends.
 *
 *   ask ─► waits ─► is out ─► answered
 *     │      │        └─► over: its time came, it was unlinked, a person was first
 *     │      └─► over likewise, or the queue is full
 *     └─► answered at once, by what is remembered
 *
 * A unit of a transfer for which there is no server, no place or no good answer
 * gets its `else' at once: a device waits for it. An import stays what it is, an
 * ask that a person may answer until its time is over; it waits for a server, is
 * given to one once, and again when it is asked for anew.
 *
 * Whose turn it is: of the identities that wait, the one of which the server has
 * the fewest, and of those the one that came first. When the queue is full, the
 * identity that has the most in it loses its last.
 */
#include "proxy/warden/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

static void
vask_free(struct vask *v)
{
	json_decref(v->o);
	free(v);
}

/* Out of its list; the caller's. */
static void
take_out(struct verdict_name *name, struct vask *v)
{
	if (v->sent == 0) {
		TAILQ_REMOVE(&name->waiting, v, entry);
		name->nwaiting--;
	} else {
		TAILQ_REMOVE(&name->out, v, entry);
		name->nout--;
	}
}

/* Nobody answered; why is for people. The ask is gone afterwards. */
static void
end_unanswered(struct verdict_name *name, struct vask *v, const char *why)
{
	struct warden *w = name->verdicts->warden;

	take_out(name, v);
	name->counts.otherwise++;
	if (v->is_import) {
		asks_unanswered(w, v->id, why);
	} else {
		(void)held_otherwise(w, v->id, why);
	}
	vask_free(v);
}

/* ------------------------------------------------------------------------ */
/* The lists                                                                */

static unsigned
count_of(const struct vask_list *list, const uint8_t *who)
{
	const struct vask *v;
	unsigned n = 0;

	TAILQ_FOREACH(v, list, entry)
	{
		n += memcmp(v->who, who, BOOK_KEY) == 0;
	}
	return n;
}

static struct vask *
next_of(const struct verdict_name *name)
{
	struct vask *v, *best = NULL;
	unsigned least = 0;

	TAILQ_FOREACH(v, &name->waiting, entry)
	{
		unsigned n = count_of(&name->out, v->who);

		if (best == NULL || n < least) {
			best = v;
			least = n;
		}
	}
	return best;
}

/* The last one of the identity that has the most, when that is more than this one
 * has. */
static struct vask *
victim(const struct verdict_name *name, const uint8_t *who)
{
	/* the one that came is in the list */
	unsigned most = count_of(&name->waiting, who);
	struct vask *v, *found = NULL;

	TAILQ_FOREACH(v, &name->waiting, entry)
	{
		unsigned n = count_of(&name->waiting, v->who);

		if (n > most || (found != NULL && n == most)) {
			most = n;
			found = v;
		}
	}
	return found;
}

/* It waits for nothing that may still come. */
static int
is_past(const struct verdict_name *name, const struct vask *v)
{
	const struct ask *ask =
	    v->is_import ? book_ask_by_id(name->verdicts->warden->book, v->id)
			 : NULL;

	return clock_mono() >= v->ends ||
	       (v->is_import && (ask == NULL || ask->state != ASK_OPEN));
}

static int
has_place(const struct verdict_name *name)
{
	return name->server != NULL && name->nout < name->conf->concurrency &&
	       name->server->out_len < VERDICT_OUT_FULL;
}

void
verdict_dispatch(struct verdict_name *name)
{
	struct vask *v;

	while (has_place(name) && (v = next_of(name)) != NULL) {
		if (is_past(name, v)) {
			end_unanswered(name, v, "its time came in the queue");
			continue;
		}
		take_out(name, v);
		v->sent = clock_mono();
		TAILQ_INSERT_TAIL(&name->out, v, entry);
		name->nout++;
		name->counts.asked++;
		(void)json_object_set_new(v->o, "deadline_ms",
		    json_integer(
			(json_int_t)((v->ends - v->sent) / CLOCK_MSEC)));
		verdict_tell(name->server, json_incref(v->o));
	}
}

/* Takes v: afterwards it waits, is out, or is over. */
static void
enter(struct verdict_name *name, struct vask *v)
{
	struct vask *loser;

	name->nwaiting++;
	TAILQ_INSERT_TAIL(&name->waiting, v, entry);
	if (v->o == NULL) {
		end_unanswered(name, v, "out of memory");
	} else if (name->nwaiting > name->conf->queue && !has_place(name)) {
		loser = victim(name, v->who);
		end_unanswered(name, loser != NULL ? loser : v,
		    "too many wait for a verdict");
	} else {
		verdict_dispatch(name);
	}
}

/* ------------------------------------------------------------------------ */
/* Asking                                                                   */

static struct vask *
vask_new(unsigned id, const uint8_t who[BOOK_KEY], uint64_t ends)
{
	struct vask *v = calloc(1, sizeof(*v));

	if (v != NULL) {
		v->id = id;
		v->ends = ends;
		memcpy(v->who, who, BOOK_KEY);
	}
	return v;
}

static enum ipc_say
say_of(enum verdict_word word)
{
	return word == WORD_ALLOW   ? IPC_SAY_ALLOW
	       : word == WORD_EJECT ? IPC_SAY_EJECT
				    : IPC_SAY_DENY;
}

/* 0 when that was answered before, and the answer is still good. */
static int
remembered(struct verdict_name *name, const struct vask *v)
{
	struct warden *w = name->verdicts->warden;
	struct said said = {.by = "cache", .reason = "answered before"};
	enum verdict_word word;

	if (verdict_cache_get(name->verdicts, v->key, &word, &said.valid) !=
	    0) {
		return ERR_NOENT;
	}
	name->counts.cached++;
	said.say = say_of(word);
	return v->is_import ? asks_answer(w, v->id, &said)
			    : held_answer(w, v->id, &said);
}

int
verdicts_ask_unit(struct held *held)
{
	struct session *s = held->session;
	struct warden *w = s->warden;
	struct verdict_name *name = verdict_find(w, held->ask.server);
	struct vask *v;
	char rule[sizeof(held->ask.file) + sizeof(held->ask.key) + 80];
	int n;

	if (name == NULL) {
		return ERR_NOENT;
	}
	v = vask_new(held->id, s->who, held->ends);
	if (v == NULL || name->server == NULL) {
		name->counts.otherwise++;
		(void)held_otherwise(w, held->id,
		    v == NULL ? "out of memory" : "nobody serves that name");
		free(v);
		return 0;
	}
	/* the rule is what its text says: other texts are other rules */
	n = snprintf(rule, sizeof(rule), "%s:%u:%s", held->ask.file,
	    held->ask.line, held->ask.key);
	memcpy(rule + n + 1, w->rules_digest, sizeof(w->rules_digest));
	if (verdict_cache_key(v->key, name, s->device, s->who, rule,
		(size_t)n + 1 + sizeof(w->rules_digest)) == 0 &&
	    remembered(name, v) == 0) {
		free(v);
		return 0;
	}
	v->o = verdict_json_unit(held);
	enter(name, v);
	return 0;
}

static int
is_asked(const struct verdict_name *name, unsigned id)
{
	const struct vask *v;

	TAILQ_FOREACH(v, &name->waiting, entry)
	{
		if (v->id == id) {
			return 1;
		}
	}
	TAILQ_FOREACH(v, &name->out, entry)
	{
		if (v->id == id) {
			return 1;
		}
	}
	return 0;
}

int
verdicts_ask_import(const struct session *s, const struct device *dev,
    const struct rule_decision *d, const struct ask *ask)
{
	struct verdict_name *name = verdict_find(s->warden, d->grant.approver);
	struct vask *v;

	if (name == NULL) {
		return ERR_NOENT;
	}
	if (is_asked(name, ask->id)) {
		return 0;
	}
	v = vask_new(ask->id, s->who, ask->ends);
	if (v == NULL) {
		return 0;
	}
	v->is_import = 1;
	if (verdict_cache_key(
		v->key, name, dev, s->who, &d->rule, sizeof(d->rule)) == 0 &&
	    remembered(name, v) == 0) {
		free(v);
		return 0;
	}
	v->o = verdict_json_import(s, dev, d, ask->id);
	enter(name, v);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Answers, and none                                                        */

/* 1: its answer may be on its way. */
static int
forget_over(struct server *server, unsigned id)
{
	for (unsigned i = 0; i < VERDICT_OVERS; i++) {
		if (server->overs[i] == id) {
			server->overs[i] = 0;
			return 1;
		}
	}
	return 0;
}

static int
on_late(struct server *server, const struct verdict_line *line)
{
	struct verdict_name *name = server->name;
	char id[16];

	if (!forget_over(server, line->id)) {
		return ERR_PEER;
	}
	name->counts.late++;
	(void)snprintf(id, sizeof(id), "%u", line->id);
	audit_write(name->verdicts->warden, "verdict", "late", NULL, NULL, NULL,
	    "server", name->conf->name, "ask", id, "answer",
	    verdict_word_name(line->word), "reason", line->reason,
	    (char *)NULL);
	return 0;
}

static void
count_answer(struct verdict_name *name, enum verdict_word word, uint64_t took)
{
	struct verdict_counts *c = &name->counts;

	switch (word) {
	case WORD_ALLOW:
		c->allowed++;
		break;
	case WORD_DENY:
		c->denied++;
		break;
	case WORD_EJECT:
		c->ejected++;
		break;
	case WORD_NONE:
		break; /* counted as otherwise */
	}
	c->answers++;
	c->total += took;
	c->longest = took > c->longest ? took : c->longest;
}

int
verdict_on_answer(struct server *server, const struct verdict_line *line)
{
	struct verdict_name *name = server->name;
	struct warden *w = name->verdicts->warden;
	struct said said = {.say = say_of(line->word),
	    .valid = line->valid,
	    .by = "server",
	    .reason = line->reason};
	char why[VERDICT_REASON + 32];
	struct vask *v;

	TAILQ_FOREACH(v, &name->out, entry)
	{
		if (v->id == line->id) {
			break;
		}
	}
	if (v == NULL) {
		return on_late(server, line);
	}
	said.latency = clock_mono() - v->sent;
	count_answer(name, line->word, said.latency);
	if (line->word == WORD_NONE) {
		(void)snprintf(
		    why, sizeof(why), "no opinion: %s", line->reason);
		end_unanswered(name, v, why);
	} else {
		take_out(name, v);
		if (line->valid != 0) {
			verdict_cache_put(
			    name->verdicts, v->key, line->word, line->valid);
		}
		(void)(v->is_import ? asks_answer(w, v->id, &said)
				    : held_answer(w, v->id, &said));
		vask_free(v);
	}
	verdict_dispatch(name);
	return 0;
}

/* It is over; the server need not go on with it. */
static void
tell_over(struct verdict_name *name, const struct vask *v)
{
	struct server *server = name->server;

	if (server == NULL || v->sent == 0) {
		return;
	}
	server->overs[server->next_over] = v->id;
	server->next_over = (server->next_over + 1) % VERDICT_OVERS;
	verdict_tell(server,
	    json_pack("{s:s,s:I}", "type", "over", "id", (json_int_t)v->id));
}

static int
over_in(struct verdict_name *name, struct vask_list *list, unsigned id)
{
	struct vask *v;

	TAILQ_FOREACH(v, list, entry)
	{
		if (v->id == id) {
			tell_over(name, v);
			take_out(name, v);
			vask_free(v);
			return 1;
		}
	}
	return 0;
}

void
verdicts_over(struct warden *w, unsigned id, int is_unanswered)
{
	struct verdicts *verdicts = w->verdicts;

	for (unsigned i = 0; verdicts != NULL && i < verdicts->n; i++) {
		struct verdict_name *name = &verdicts->names[i];

		if (over_in(name, &name->out, id) ||
		    over_in(name, &name->waiting, id)) {
			name->counts.otherwise += is_unanswered != 0;
			verdict_dispatch(name);
			return;
		}
	}
}

void
verdict_orphan(struct verdict_name *name, const char *why)
{
	struct vask *v, *next;

	while ((v = TAILQ_FIRST(&name->out)) != NULL) {
		end_unanswered(name, v, why);
	}
	for (v = TAILQ_FIRST(&name->waiting); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (!v->is_import) {
			end_unanswered(name, v, why);
		}
	}
}

/* Sessions count the time of their units themselves, and say so. */
static void
expire(struct verdict_name *name, struct vask_list *list)
{
	struct vask *v, *next;

	for (v = TAILQ_FIRST(list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (is_past(name, v)) {
			tell_over(name, v);
			end_unanswered(name, v, "its time came");
		}
	}
}

void
verdict_expire(struct verdict_name *name)
{
	expire(name, &name->out);
	expire(name, &name->waiting);
	verdict_dispatch(name);
}

void
verdict_forget_all(struct verdict_name *name)
{
	struct vask *v;

	while ((v = TAILQ_FIRST(&name->out)) != NULL ||
	       (v = TAILQ_FIRST(&name->waiting)) != NULL) {
		take_out(name, v);
		vask_free(v);
	}
}
