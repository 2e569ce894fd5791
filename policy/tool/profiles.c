#include "policy/tool/profiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/cmd.h"
#include "policy/tool/files.h"
#include "policy/tool/when.h"

#define SECOND UINT64_C(1000000000)

/* ------------------------------------------------------------------------ */
/* Texts                                                                    */

/* A copy of the text stays, for what is said of its lines. */
static int
keep_text(struct profiles *p, const char *name, const char *text, size_t len)
{
	struct profiles_text *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_NOMEM;
	}
	t->next = p->texts;
	p->texts = t;
	t->name = strdup(name);
	t->text = malloc(len + 1);
	if (t->name == NULL || t->text == NULL) {
		return ERR_NOMEM;
	}
	memcpy(t->text, text, len);
	t->text[len] = '\0';
	t->len = len;
	return 0;
}

static int
read_included(void *arg, const char *from, const char *path,
    struct profile_file *out, char *why, size_t size)
{
	char *beside = files_beside(from, path);
	int r = beside != NULL ? 0 : ERR_NOMEM;

	*out = (struct profile_file){0};
	if (r == 0) {
		r = files_read_text(beside, PROFILES_MAX_TEXT, &out->text,
		    &out->len, why, size);
	}
	if (r == 0) {
		out->name = beside;
		beside = NULL;
		r = keep_text(arg, out->name, out->text, out->len);
	}
	if (r == ERR_NOMEM) {
		(void)snprintf(why, size, "out of memory");
	}
	if (r != 0) {
		free(out->name);
		free(out->text);
		*out = (struct profile_file){0};
	}
	free(beside);
	return r;
}

static int
load_file(struct profiles *p, struct profile_load *load, const char *path)
{
	size_t stock = sizeof(PROFILES_STOCK) - 1, len = 0;
	char *text = NULL, why[128];
	int r = files_read_text(
	    path, PROFILES_MAX_TEXT, &text, &len, why, sizeof(why));

	if (r != 0) {
		cmd_warn("read: %s: %s", path, why);
		return r;
	}
	r = keep_text(p, path, text, len);
	if (r == 0) {
		r = profile_load_text(load,
		    strncmp(path, PROFILES_STOCK, stock) == 0 &&
			    (path[stock] == '/' || path[stock] == '\0') ?
			PROFILE_STOCK :
			PROFILE_LOCAL,
		    path, text, len);
	}
	if (r != 0) {
		cmd_warn("load: %s: %s", path, err_str(r));
	}
	free(text);
	return r;
}

static int
is_profile(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 8 &&
	    strcmp(entry->d_name + len - 8, ".profile") == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
load_directory(struct profiles *p, struct profile_load *load, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_profile, by_name), r = 0;

	if (n == -1) {
		cmd_warn("open: %s: %s", dir, strerror(errno));
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		size_t len = strlen(dir) + strlen(entries[i]->d_name) + 2;
		char *path = malloc(len);
		int e = ERR_NOMEM;

		if (path == NULL) {
			cmd_warn("read: %s: out of memory", dir);
		} else {
			(void)snprintf(path, len, "%s/%s", dir,
			    entries[i]->d_name);
			e = load_file(p, load, path);
		}
		r = r != 0 ? r : e;
		free(path);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int
load_path(struct profiles *p, struct profile_load *load, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ?
	    load_directory(p, load, path) :
	    load_file(p, load, path);
}

static void
show_errors(const struct profile_load *load)
{
	size_t n = profile_load_error_count(load);

	for (size_t i = 0; i < n && i < PROFILES_MAX_ERRORS; i++) {
		const struct profile_error *e = profile_load_error(load, i);

		fprintf(stderr, "%s:%u:%u: %s\n", e->file, e->line, e->column,
		    e->text);
		if (e->source[0] != '\0') {
			fprintf(stderr, "    %s\n    %*s\n", e->source,
			    (int)e->caret, "^");
		}
	}
	if (n > 0) {
		cmd_warn("check: %zu error%s: no profile is in force until "
			 "all are right", n, n == 1 ? "" : "s");
	}
}

int
profiles_open(struct profiles *p, const char *const *paths, size_t n)
{
	static const char *const installed[] = {
	    PROFILES_STOCK, PROFILES_LOCAL};
	struct profile_load *load = profile_load_new();
	struct stat st;
	int r = load != NULL ? 0 : ERR_NOMEM;

	*p = (struct profiles){0};
	if (r == 0) {
		profile_load_read(load, read_included, p);
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = load_path(p, load, paths[i]);
	}
	for (size_t i = 0; r == 0 && n == 0 && i < 2; i++) {
		if (stat(installed[i], &st) == 0) {
			r = load_directory(p, load, installed[i]);
		}
	}
	if (r == 0) {
		r = profile_load_finish(load, &p->set);
		show_errors(load);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("load: profiles: out of memory");
	}
	profile_load_free(load);
	return r;
}

void
profiles_fini(struct profiles *p)
{
	while (p->texts != NULL) {
		struct profiles_text *t = p->texts;

		p->texts = t->next;
		free(t->name);
		free(t->text);
		free(t);
	}
	while (p->judges != NULL) {
		struct profiles_judge *j = p->judges;

		p->judges = j->next;
		free(j->block);
		free(j);
	}
	profile_set_free(p->set);
	*p = (struct profiles){0};
}

/* ------------------------------------------------------------------------ */
/* Judges                                                                   */

static void
on_report(void *arg, const struct pjudge_report *report)
{
	(void)arg;
	(void)report;
}

uint64_t
profiles_clock(int64_t at)
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

struct profiles_judge *
profiles_find(struct profiles *p, const char *name, int64_t at,
    const char *tz, char *why, size_t size)
{
	static const struct pjudge_sink sink = {on_report, NULL};
	int i = profile_set_find(p->set, name);
	struct profile_bind bind = {1, 0, (uint16_t)i};
	struct profiles_judge *j;
	size_t len;

	if (i < 0) {
		(void)snprintf(why, size, "no profile `%.64s'", name);
		return NULL;
	}
	for (j = p->judges; j != NULL; j = j->next) {
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
	if (profile_build(p->set, &bind, 1, offset_of(tz, at), &j->block,
		&len, why, size) != 0 ||
	    table_open(&j->table, j->block, len) != 0) {
		free(j->block);
		free(j);
		return NULL;
	}
	pjudge_init(&j->judge, &j->table, 0, &sink, at, profiles_clock(at));
	j->next = p->judges;
	p->judges = j;
	return j;
}

/* ------------------------------------------------------------------------ */
/* Words                                                                    */

const char *
profiles_line(const struct profiles *p, const struct table_rule *rule,
    size_t *len)
{
	const struct profiles_text *t = p->texts;
	const char *at;

	*len = 0;
	while (t != NULL && strcmp(t->name, rule->file) != 0) {
		t = t->next;
	}
	if (t == NULL) {
		return "";
	}
	at = t->text;
	for (unsigned line = 1; line < rule->line; line++) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	at += strspn(at, " \t");
	*len = strcspn(at, "\r\n");
	while (*len > 0 && (at[*len - 1] == ' ' || at[*len - 1] == '\t')) {
		--*len;
	}
	return at;
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
profiles_ruling(char *dst, size_t size, const struct profiles_judge *j,
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
