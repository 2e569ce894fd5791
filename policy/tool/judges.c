#include "policy/tool/judges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rules/rules.h"
#include "policy/tool/files.h"
#include "policy/tool/profile_files.h"
#include "policy/tool/when.h"

#define SECOND UINT64_C(1000000000)

int
judges_open(struct judges *judges, char *const *paths, size_t n,
    const char *stock)
{
	*judges = (struct judges){0};
	return profile_files_open(&judges->set, paths, n, stock);
}

void
judges_fini(struct judges *judges)
{
	while (judges->list != NULL) {
		struct judged *j = judges->list;

		judges->list = j->next;
		free(j->block);
		free(j);
	}
	profile_set_free(judges->set);
	*judges = (struct judges){0};
}

static void
on_report(void *arg, const struct pjudge_report *report)
{
	(void)arg;
	(void)report;
}

uint64_t
judges_clock(int64_t at)
{
	/* below 0 is before 1970; far above, beyond what nanoseconds count */
	return at <= 0			     ? 0 :
	    (uint64_t)at > UINT64_MAX / SECOND ? UINT64_MAX :
					       (uint64_t)at * SECOND;
}

/* Seconds that a zone is before UTC at that time. */
static int32_t
offset_of(const char *tz, int64_t at)
{
	struct rule_local local;
	int64_t second;

	if (when_local(tz, at, &local) != 0) {
		return 0;
	}
	second = (int64_t)local.second - (at % 86400 + 86400) % 86400;
	/* the day there is another one */
	return (int32_t)(second > 50400 ? second - 86400 :
		second < -43200		? second + 86400 :
					  second);
}

struct judged *
judges_find(struct judges *judges, const char *name, int64_t at,
    const char *tz, char *why, size_t size)
{
	static const struct pjudge_sink sink = {on_report, NULL};
	int i = profile_set_find(judges->set, name);
	struct profile_bind bind = {1, 0, (uint16_t)i};
	struct judged *j;
	size_t len;

	if (i < 0) {
		(void)snprintf(why, size, "no profile `%.64s'", name);
		return NULL;
	}
	for (j = judges->list; j != NULL; j = j->next) {
		if (j->profile == (size_t)i) {
			return j;
		}
	}
	j = calloc(1, sizeof(*j));
	if (j == NULL) {
		(void)snprintf(why, size, "out of memory");
		return NULL;
	}
	j->profile = (size_t)i;
	if (profile_build(judges->set, &bind, 1, offset_of(tz, at), &j->block,
		&len, why, size) != 0 ||
	    table_open(&j->table, j->block, len) != 0) {
		free(j->block);
		free(j);
		return NULL;
	}
	pjudge_init(&j->judge, &j->table, 0, &sink, at, judges_clock(at));
	j->next = judges->list;
	judges->list = j;
	return j;
}

/* ------------------------------------------------------------------------ */
/* Words                                                                    */

const char *
judges_line(char *dst, size_t size, const struct table_rule *rule)
{
	char *text = NULL, why[128];
	const char *at;
	size_t len = 0;

	dst[0] = '\0';
	if (files_read_text(rule->file, PROFILES_MAX_TEXT, &text, &len, why,
		sizeof(why)) != 0) {
		return dst;
	}
	at = text;
	for (unsigned line = 1; line < rule->line; line++) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	at += strspn(at, " \t");
	len = strcspn(at, "\r\n");
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
		len--;
	}
	(void)snprintf(dst, size, "%.*s", (int)len, at);
	free(text);
	return dst;
}

static void
add_how(char *dst, size_t size, const struct ruling *r)
{
	size_t at = strlen(dst);

	switch (r->how) {
	case HOW_DEFAULT:
		return;
	case HOW_STALL:
		(void)snprintf(dst + at, size - at, " stall");
		return;
	case HOW_SENSE:
		(void)snprintf(dst + at, size - at, " sense %02x/%02x/%02x",
		    r->sense[0], r->sense[1], r->sense[2]);
		return;
	case HOW_SW:
		(void)snprintf(dst + at, size - at, " sw %04x", r->code);
		return;
	case HOW_CTAPERR:
		(void)snprintf(dst + at, size - at, " ctaperr %02x", r->code);
		return;
	}
}

const char *
judges_ruling(char *dst, size_t size, const struct judged *j,
    const struct ruling *r)
{
	struct table_rule rule;
	size_t at;

	(void)snprintf(dst, size, "%s", verdict_name(r->verdict));
	if (r->verdict == VERDICT_DENY) {
		add_how(dst, size, r);
	}
	at = strlen(dst);
	(void)table_rule(&j->table, 0, r->rule, &rule);
	if (r->rule == RULING_IMPLICIT) {
		(void)snprintf(
		    dst + at, size - at, ", implicit: no rule decides");
	} else if (rule.key[0] != '\0') {
		(void)snprintf(dst + at, size - at, " by %s:%u (key \"%s\")",
		    rule.file, rule.line, rule.key);
	} else {
		(void)snprintf(dst + at, size - at, " by %s:%u", rule.file,
		    rule.line);
	}
	return dst;
}
