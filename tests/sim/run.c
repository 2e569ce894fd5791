/*
 * Runs scenarios line by line: see README.md. What a scenario does not speak of
 * must not happen: answers that nobody expected, refusals, rulings and asks
 * that are left at the end are failures. Then the session is ended, if it is
 * not, and must give its device back.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/facts/facts.h"
#include "tests/fake/virtual.h"
#include "tests/fault/fault.h"
#include "tests/sim/sim.h"

/* ------------------------------------------------------------------------ */
/* Last words: linked with --wrap for these two                             */

void __wrap_log_warnx(const char *fmt, ...) LOG_PRINTF;
void __wrap_log_infox(const char *fmt, ...) LOG_PRINTF;

static char last_words[256];

static void listen(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static void
listen(const char *fmt, va_list ap)
{
	static const char prefix[] = "session: ended: ";
	char line[256];

	(void)vsnprintf(line, sizeof(line), fmt, ap);
	if (strncmp(line, prefix, sizeof(prefix) - 1) == 0) {
		(void)snprintf(last_words, sizeof(last_words), "%s",
		    line + sizeof(prefix) - 1);
	}
}

void
__wrap_log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	listen(fmt, ap);
	va_end(ap);
}

void
__wrap_log_infox(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	listen(fmt, ap);
	va_end(ap);
}

const char *
sim_last_words(void)
{
	return last_words;
}

void
sim_forget_words(void)
{
	last_words[0] = '\0';
}

/* ------------------------------------------------------------------------ */
/* Lines                                                                    */

static int
split(struct sim *sim)
{
	struct sim_line *line = &sim->line;
	char *p = line->text;

	line->is_indented = *p == '\t';
	line->n = 0;
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '\0' || *p == '#') {
			break;
		}
		if (line->n == SIM_WORDS) {
			return sim_fail(sim, "too many words");
		}
		line->words[line->n++] = p;
		if (*p == '"') {
			p += 1 + strcspn(p + 1, "\"");
			p += *p == '"';
		} else {
			p += strcspn(p, " \t\r\n");
		}
		if (*p == '\0') {
			break;
		}
		*p++ = '\0';
	}
	return 0;
}

/* A key, a log text: without its quotes, which words of its line keep. */
static void
unquote(struct sim *sim)
{
	if (!sim_is(sim, 1, "ruled")) {
		return;
	}
	for (unsigned i = 2; i < sim->line.n; i++) {
		size_t len = strlen(sim->line.words[i]);

		if (len > 1 && sim->line.words[i][0] == '"') {
			sim->line.words[i][len - 1] = '\0';
			sim->line.words[i]++;
		}
	}
}

/* ------------------------------------------------------------------------ */
/* Steps of the runner itself                                               */

static int
advance(struct sim *sim)
{
	uint64_t ns;

	if (sim_time(sim, 1, &ns) != 0) {
		return -1;
	}
	if (sim->is_started) {
		rig_pass(sim->rig, ns);
		sim_hear(sim);
	}
	return 0;
}

static int
at_once(struct sim *sim)
{
	sim->is_at_once = 1;
	rig_cork(sim->rig);
	return 0;
}

static int
end(struct sim *sim)
{
	sim->is_at_once = 0;
	rig_uncork(sim->rig);
	sim_settle(sim);
	return 0;
}

static int
profiles(struct sim *sim)
{
	free(TAKE(sim->profiles));
	sim->profiles_len = 0;
	sim->profiles = calloc(1, 1);
	sim->profile_line = sim->line.number;
	return 0;
}

static const struct sim_verb own_verbs[] = {
    {"advance", 1, advance},
    {"at once", 0, at_once},
    {"end", 0, end},
    {"profiles", 0, profiles},
    {NULL, 0, NULL},
};

static int
profile_text(struct sim *sim, const char *line)
{
	size_t len = strlen(line);
	char *p = realloc(sim->profiles, sim->profiles_len + len + 1);

	if (p == NULL) {
		abort();
	}
	memcpy(p + sim->profiles_len, line, len + 1);
	sim->profiles = p;
	sim->profiles_len += len;
	return 0;
}

static const struct sim_verb *
find(const struct sim *sim, const struct sim_verb *verbs, unsigned *nwords)
{
	char two[128];

	(void)snprintf(
	    two, sizeof(two), "%s %s", sim_word(sim, 0), sim_word(sim, 1));
	for (; verbs->words != NULL; verbs++) {
		*nwords = strchr(verbs->words, ' ') != NULL ? 2 : 1;
		if (strcmp(verbs->words,
			*nwords == 2 ? two : sim_word(sim, 0)) == 0) {
			return verbs;
		}
	}
	return NULL;
}

static int
step(struct sim *sim)
{
	static const struct sim_verb *const tables[] = {own_verbs,
	    sim_client_verbs, sim_device_verbs, sim_warden_verbs,
	    sim_expect_verbs};
	const struct sim_verb *verb = NULL;
	unsigned nwords = 0;

	for (unsigned i = 0; i < 5 && verb == NULL; i++) {
		verb = find(sim, tables[i], &nwords);
	}
	if (verb == NULL) {
		return sim_fail(sim, "`%s %s' is nothing that happens",
		    sim_word(sim, 0), sim_word(sim, 1));
	}
	if (sim->line.n < nwords + verb->nargs) {
		return sim_fail(
		    sim, "%s needs %u words more", verb->words, verb->nargs);
	}
	if (sim->is_lenient && strncmp(verb->words, "expect", 6) == 0) {
		return 0;
	}
	if (strncmp(verb->words, "expect", 6) == 0 && sim->is_started) {
		sim_settle(sim);
	}
	return verb->step(sim);
}

static int
take_line(struct sim *sim, const char *raw)
{
	const char *word = raw + strspn(raw, " \t\n");

	if (*word == '#' || *word == '\0') {
		return 0;
	}
	if (*raw == '\t') {
		return sim->profiles == NULL
			   ? sim_fail(
				 sim, "an indented line without `profiles'")
			   : profile_text(sim, raw);
	}
	if (split(sim) != 0) {
		return -1;
	}
	unquote(sim);
	return step(sim);
}

/* ------------------------------------------------------------------------ */

static int
is_left_over(struct sim *sim)
{
	const struct rig *rig = sim->rig;

	sim_settle(sim);
	if (sim->is_lenient) {
		return 0;
	}
	if (sim->heard != NULL) {
		return sim_fail(
		    sim, "at the end, unexpected: %s", sim->heard->text);
	}
	if (sim->refused < rig->nrefusals) {
		return sim_fail(sim, "at the end, unexpected: refused %s: %s",
		    rig->refusals[sim->refused].rule,
		    rig->refusals[sim->refused].text);
	}
	if (sim->ruled < rig->nruled) {
		return sim_fail(sim, "at the end, unexpected: ruled %s: %s",
		    verdict_name((enum verdict)rig->ruled[sim->ruled].verdict),
		    rig->ruled[sim->ruled].text);
	}
	if (sim->asks < rig->nasks || sim->over < rig->nover ||
	    sim->out < rig->nout) {
		return sim_fail(sim, "at the end, unexpected: %s",
		    sim->out < rig->nout     ? "the device was sent away"
		    : sim->asks < rig->nasks ? "an ask"
					     : "the end of an ask");
	}
	return 0;
}

/* The workstation leaves; whatever its state, the session ends. */
static void
leave(struct sim *sim)
{
	struct rig *rig = sim->rig;

	sim->is_at_once = 0;
	if (!sim->is_started) {
		sim->is_started = 1;
		rig_start(rig);
	}
	close_fd(&rig->client);
	rig_pass(rig, 60 * CLOCK_SEC);
	if (!rig->ended) {
		(void)sim_fail(sim, "the session outlives its peer");
	} else if (rig->sim->counts.opens != rig->sim->counts.closes) {
		(void)sim_fail(sim, "the device was not given back");
	}
}

static void
run_lines(struct sim *sim, FILE *f)
{
	char raw[sizeof(sim->line.text)];

	while (!sim->has_failed && fgets(raw, sizeof(raw), f) != NULL) {
		sim->line.number++;
		memcpy(sim->line.text, raw, strlen(raw) + 1);
		(void)take_line(sim, raw);
	}
	if (!sim->has_failed) {
		(void)is_left_over(sim);
	}
	if (sim->is_at_once) {
		rig_uncork(sim->rig);
	}
	leave(sim);
}

int
sim_run(const char *path, uint64_t fault, char *why, size_t size)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	FILE *f = fopen(path, "r");
	int r = -1;

	if (sim == NULL || f == NULL) {
		(void)snprintf(why, size, "%s: cannot be read", path);
		free(sim);
		if (f != NULL) {
			(void)fclose(f);
		}
		return -1;
	}
	sim->path = path;
	sim->tail = &sim->heard;
	sim->pipe[0] = sim->pipe[1] = -1;
	sim->fault = fault;
	sim->is_lenient = fault != SIM_NO_FAULT;
	sim->rig = rig_new();
	sim->rig->is_careless = 1;
	sim_forget_words();
	fault_side(FAULT_FAKE);
	if (fault == SIM_COUNT) {
		fault_at(0);
	} else if (fault != SIM_NO_FAULT) {
		fault_at(fault);
	}
	run_lines(sim, f);
	(void)fclose(f);
	r = sim->has_failed ? -1 : 0;
	(void)snprintf(why, size, "%s", sim->why);
	rig_free(sim->rig);
	close_fd(&sim->pipe[0]);
	sim_heard_free(sim);
	free(sim->captured);
	free(sim->profiles);
	free(sim->block);
	free(sim);
	return r;
}
