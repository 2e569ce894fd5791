/*
 * Rules: read from disk, compiled, asked. A load that has one error changes
 * nothing. After a reload every live session is judged again, and what is no
 * longer allowed is ejected.
 */
#include "proxy/warden/warden.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#define RULES_FILE_MAX (16u * 1024u * 1024u)

static int
load_file(struct rules_load *load, const char *path)
{
	uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(path, RULES_FILE_MAX, FILE_PUBLIC, &text, &len);
	if (r != 0) {
		log_warnx("read %s: %s", path, err_str(r));
		return r;
	}
	r = rules_load_text(load, path, (const char *)text, len);
	free(text);
	return r == ERR_NOMEM ? r : 0;
}

static int
is_rules_file(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 6 &&
	    strcmp(e->d_name + n - 6, ".rules") == 0;
}

static int
load_dir(struct rules_load *load, const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_rules_file, alphasort), r = 0;

	if (n == -1) {
		log_warn("read directory %s", dir);
		return ERR_SYS;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		int len = snprintf(
		    path, sizeof(path), "%s/%s", dir, names[i]->d_name);

		if (r == 0) {
			r = len > 0 && (size_t)len < sizeof(path)
			    ? load_file(load, path)
			    : ERR_LIMIT;
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static void
show_errors(struct warden *w, const struct rules_load *load)
{
	size_t n = rules_load_error_count(load);

	for (size_t i = 0; i < n && i < 100; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		log_warnx("%s:%u:%u: %s", e->file, e->line, e->column, e->text);
		if (i == 0) {
			snprintf(w->rules_error, sizeof(w->rules_error),
			    "%s:%u:%u: %s", e->file, e->line, e->column,
			    e->text);
		}
	}
	if (n > 100) {
		log_warnx("rules: %zu errors in all", n);
	}
}

/* Compiles the rules at path (a directory or a file). */
static int
compile(struct warden *w, const char *path, struct rules **out)
{
	struct rules_load *load = rules_load_new();
	struct stat st;
	int r;

	w->rules_error[0] = '\0';
	if (load == NULL) {
		return ERR_NOMEM;
	}
	if (stat(path, &st) == -1) {
		log_warn("rules %s", path);
		r = ERR_SYS;
	} else if (S_ISDIR(st.st_mode)) {
		r = load_dir(load, path);
	} else {
		r = load_file(load, path);
	}
	if (r == 0) {
		r = rules_load_finish(load, out);
	}
	show_errors(w, load);
	if (r != 0 && w->rules_error[0] == '\0') {
		snprintf(w->rules_error, sizeof(w->rules_error), "%s: %s", path,
		    err_str(r));
	}
	rules_load_free(load);
	return r;
}

int
policy_load(struct warden *w)
{
	struct rules *rules = NULL;
	char count[32];
	int r;

	if (*w->conf.keep != '\0' && w->keep == NULL) {
		r = compile(w, w->conf.keep, &w->keep);
		if (r != 0) {
			log_warnx("[local] keep %s: not loaded",
			    w->conf.keep);
			return r;
		}
	}
	r = compile(w, w->conf.rules, &rules);
	if (r != 0) {
		audit_write(w, "policy", "failed", NULL, NULL, NULL, "error",
		    w->rules_error, "kept",
		    w->rules != NULL ? "the rules before" : "nothing",
		    (char *)NULL);
		log_warnx("rules %s: not loaded; %s", w->conf.rules,
		    w->rules != NULL ? "the rules before stay in force"
				     : "nothing is exported");
		return r;
	}
	rules_free(w->rules);
	w->rules = rules;
	w->rules_revision++;
	w->rules_loaded = clock_wall();
	snprintf(count, sizeof(count), "%zu", rules_count(rules));
	audit_write(w, "policy", "loaded", NULL, NULL, NULL, "rules", count,
	    "from", w->conf.rules, (char *)NULL);
	log_infox("rules %s: %s loaded", w->conf.rules, count);
	return 0;
}

void
policy_decide(struct warden *w, const struct device *dev,
    const struct session *s, struct rule_decision *out)
{
	if (w->rules == NULL || dev->record == NULL) {
		*out = (struct rule_decision){
			.verdict = RULE_BLOCK,
			.file = "",
			.key = "",
			.is_implicit = 1,
		};
		return;
	}
	rules_decide(w->rules, &dev->facts,
	    s != NULL && s->is_identified ? &s->facts : NULL, NULL, out);
}

/* Whether a holder may go on with what it was given: a device does not change
 * its interfaces while it is attached. */
static int
is_as_given(const struct session *s, const struct rule_decision *d)
{
	const struct rule_exposure *was = &s->exposes, *is = &d->exposes;

	return d->verdict == RULE_ALLOW && was->is_all == is->is_all &&
	    (was->is_all ||
		memcmp(was->mask, is->mask, sizeof(was->mask)) == 0);
}

void
policy_reload(struct warden *w)
{
	struct session *s;

	audit_open(&w->audit, w->conf.audit);
	if (policy_load(w) != 0) {
		return;
	}
	TAILQ_FOREACH (s, &w->sessions, entry) {
		struct rule_decision d;

		if (s->device == NULL || s->phase == SESSION_ENDING) {
			continue;
		}
		policy_decide(w, s->device, s, &d);
		if (!is_as_given(s, &d)) {
			session_eject(s, "rules changed", &d);
		}
	}
	events_policy(w);
}
