/*
 * The agent's decisions. Its facts come from the configuration, from sysfs and,
 * typed and checked, from gateways.
 */
#include "vhci-glue/plan.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "vhci-glue/kinds.h"

/* "NAME=VALUE" of len bytes: 1 with the value, 0: of another name; ERR_FORMAT. */
static int
take_name(char *out, size_t size, const char *name, const char *word,
    size_t len)
{
	size_t n = strlen(name);

	if (len < n || memcmp(word, name, n) != 0) {
		return 0;
	}
	len -= n;
	if (len == 0 || len >= size || *out != '\0') {
		return ERR_FORMAT; /* none, too long, or twice */
	}
	memcpy(out, word + n, len);
	out[len] = '\0';
	return 1;
}

static int
take_word(struct plan_rule *out, const char *word, size_t len)
{
	int r = take_name(out->user, sizeof(out->user), "user=", word, len);

	if (r == 0) {
		r = take_name(
		    out->seat, sizeof(out->seat), "seat=", word, len);
	}
	return r != 0 ? r : kinds_parse(&out->accept, word, len);
}

int
plan_parse(struct plan_rule *out, const char *text, uint16_t default_port,
    const char **why)
{
	char host[GATEWAY_TEXT];
	size_t len = strcspn(text, " \t"), plen;
	const char *pattern = text + len + strspn(text + len, " \t"), *word;

	memset(out, 0, sizeof(*out));
	plen = strcspn(pattern, " \t");
	if (len == 0 || plen == 0) {
		*why = "give GATEWAY and a device, or a pattern of devices";
		return ERR_FORMAT;
	}
	if (len >= sizeof(host) || plen >= sizeof(out->pattern)) {
		*why = "it is too long";
		return ERR_FORMAT;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	memcpy(out->pattern, pattern, plen);
	out->accept = strpbrk(out->pattern, "*?[") == NULL ? IPC_ACCEPT_LISTED
							   : 0;
	word = pattern + plen;
	for (word += strspn(word, " \t"); *word != '\0';
	     word += strspn(word, " \t")) {
		size_t n = strcspn(word, " \t");

		if (take_word(out, word, n) < 0) {
			*why = "only `keyboard', `network', `none', "
			       "`user=NAME' and `seat=NAME' may stand behind "
			       "the device, a name once";
			return ERR_FORMAT;
		}
		word += n;
	}
	return gateway_parse(&out->gateway, host, default_port, why);
}

int
plan_matches(const struct plan_rule *rule, const struct gateway *gateway,
    const char *name, const char *busid)
{
	return rule->gateway.port == gateway->port &&
	    strcmp(rule->gateway.host, gateway->host) == 0 &&
	    (fnmatch(rule->pattern, name, FNM_NOESCAPE) == 0 ||
		fnmatch(rule->pattern, busid, FNM_NOESCAPE) == 0);
}

void
plan_failed(struct plan_backoff *b, uint64_t now, uint32_t random)
{
	uint64_t ms = PLAN_FIRST_MS;

	for (unsigned i = 0; i < b->failures && ms < PLAN_LAST_MS; i++) {
		ms *= 2;
	}
	if (ms > PLAN_LAST_MS) {
		ms = PLAN_LAST_MS;
	}
	ms -= random % (ms / 4 + 1);
	b->failures++;
	b->next = now + ms * CLOCK_MSEC;
}

void
plan_succeeded(struct plan_backoff *b)
{
	*b = (struct plan_backoff){0, 0};
}

int
plan_is_due(const struct plan_backoff *b, uint64_t now)
{
	return now >= b->next;
}

void
plan_seat(struct plan_facts *facts, const struct plan_rule *rule,
    const char *there, const char *had)
{
	int is_by_seat =
	    rule != NULL && *rule->seat != '\0' && *rule->user == '\0';

	facts->is_absent = is_by_seat && *there == '\0';
	facts->is_anothers = is_by_seat && *there != '\0' && *had != '\0' &&
	    strcmp(there, had) != 0;
}

enum plan_step
plan_device(const struct plan_facts *f, const struct plan_backoff *b,
    uint64_t now)
{
	if (f->is_attached && f->is_anothers && !f->is_running) {
		return PLAN_UNPLUG;
	}
	if (!f->is_wanted || f->is_off || f->is_suspended || f->is_attached ||
	    f->is_running || f->is_absent) {
		return PLAN_WAIT;
	}
	/* "yours" without being attached here: a session of ours that is
	 * ending, or another machine with the same certificate; either way the
	 * gateway says when it is free. */
	if (!plan_is_due(b, now)) {
		return PLAN_WAIT;
	}
	if (f->state == IPC_WATCH_PENDING && !f->is_asked) {
		return PLAN_ASK;
	}
	return f->state == IPC_WATCH_FREE ? PLAN_ATTACH : PLAN_WAIT;
}

char *
plan_again_text(char *dst, size_t size, const char *what, const char *user,
    const char *seat)
{
	int n = *user == '\0' ?
	    snprintf(dst, size, "%s", what) :
	    snprintf(dst, size, "%s\t%s\t%s", what, user, seat);

	return n < 0 || (size_t)n >= size || strpbrk(what, " \t\n") != NULL ||
		strpbrk(user, " \t\n") != NULL ||
		strpbrk(seat, " \t\n") != NULL ?
	    NULL :
	    dst;
}

/* What is behind the next tab, which becomes a NUL; or the end. */
static char *
cut(char *text)
{
	char *end = text + strcspn(text, "\t");

	if (*end != '\0') {
		*end++ = '\0';
	}
	return end;
}

struct plan_again
plan_again_parse(char *text)
{
	struct plan_again again = {.what = text};

	again.user = cut(again.what);
	again.seat = cut(again.user);
	(void)cut(again.seat);
	return again;
}
