/*
 * Pairing windows: a token that rules ask for, which an operator arms for a
 * while. Not kept over a restart: what was not closed by hand is closed then.
 */
#include "proxy/warden/warden.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

static struct armed *
find(struct warden *w, const char *token)
{
	for (unsigned i = 0; i < w->narmed; i++) {
		if (strcmp(w->armed[i].token, token) == 0) {
			return &w->armed[i];
		}
	}
	return NULL;
}

static int
is_token(const char *token)
{
	size_t n = 0;

	for (; token[n] != '\0'; n++) {
		if (!isgraph((unsigned char)token[n]) ||
		    n + 1 >= ARMED_TOKEN) {
			return 0;
		}
	}
	return n > 0;
}

int
armed_is(const struct warden *w, const char *token)
{
	for (unsigned i = 0; i < w->narmed; i++) {
		if (strcmp(w->armed[i].token, token) == 0) {
			return clock_mono() < w->armed[i].ends;
		}
	}
	return 0;
}

int
armed_set(struct warden *w, const char *token, uint32_t seconds)
{
	struct armed *a;

	if (!is_token(token)) {
		return ERR_FORMAT;
	}
	a = find(w, token);
	if (a == NULL && w->narmed == ARMED_MAX) {
		return ERR_LIMIT;
	}
	if (a == NULL) {
		a = &w->armed[w->narmed++];
		memcpy(a->token, token, strlen(token) + 1);
	}
	a->ends = clock_mono() + seconds * CLOCK_SEC;
	audit_write(w, "token", "armed", NULL, NULL, NULL, "token", token,
	    (char *)NULL);
	events_touch(w);
	return 0;
}

static void
drop(struct warden *w, struct armed *a, const char *outcome)
{
	audit_write(w, "token", outcome, NULL, NULL, NULL, "token", a->token,
	    (char *)NULL);
	*a = w->armed[--w->narmed];
	events_touch(w);
}

int
armed_unset(struct warden *w, const char *token)
{
	struct armed *a = find(w, token);

	if (a == NULL) {
		return ERR_NOENT;
	}
	drop(w, a, "disarmed");
	return 0;
}

void
armed_expire(struct warden *w)
{
	for (unsigned i = w->narmed; i-- > 0;) {
		if (clock_mono() >= w->armed[i].ends) {
			drop(w, &w->armed[i], "over");
		}
	}
}
