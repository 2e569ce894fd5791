/*
 * make attack: every attack against the real processes, and what became of it.
 *
 * usage: attack [--small] [NAME]
 *
 * One line for each: tries, outcome, the most memory that all processes of the
 * gateway had together meanwhile, the largest session among them, and how much
 * slower the honest session's transfers were, as the ratio of the 99th
 * percentile to that of the moments when nobody attacked. That one is judged over
 * all attacks together, but for the one that mostly waits: a single one has too
 * few for a percentile to mean much.
 *
 * Of those by a hostile gateway (gw-...) the memory is that of the largest relay,
 * or agent, alone.
 */
#include "tests/attack/attack.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "tests/attack/gw.h"
#include "tests/attack/stage.h"
#include "tests/attack/watch.h"
#include "tests/attack/ws.h"

/* What docs/SECURITY.md promises, in KiB. */
#define BUDGET_GATEWAY (12u * 1024u) /* broker and warden */
#define BUDGET_PROCESS 1024u	     /* any other, without its buffers */
#define BUDGET_SESSION (32u * 1024u) /* one that an attacker fills */
#define BUDGET_RELAY (16u * 1024u)   /* as the next, with its libraries */
#define BUDGET_AGENT (32u * 1024u)
#define BUDGET_RATIO 10
#define SAMPLES 1000   /* a percentile of fewer means little */
#define LEAVE_MS 10000 /* until those who were too many are gone */

static const struct attack *const attacks[] = {
	&ws_slow, /* begins first, and is judged last */
	&ws_tls, &ws_op, &ws_submit_lies, &ws_unlink_lies, &ws_records, &ws_cut,
	&ws_unread, &ws_out, &ws_controls, &ws_storm, &ws_held, &ws_judges,
	&ws_many, &dev_faces, &dev_resets, &dev_pipes, &dev_leaves,
};
static const struct attack *const from_gateways[] = {
	&gw_lists, &gw_imports, &gw_descriptors, &gw_replies, &gw_iso,
	&gw_unlinks, &gw_any, &gw_flood, &gw_events,
	&gw_slow, /* begins before all others */
};

/* What sanitizers add is not the gateway's. */
#ifdef __SANITIZE_ADDRESS__
#define IS_MEASURED 0
#else
#define IS_MEASURED 1
#endif

static unsigned passed, failed;

void
attack_fails(struct scene *scene, const char *fmt, ...)
{
	va_list ap;

	if (scene->why[0] != '\0') {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(scene->why, sizeof(scene->why), fmt, ap);
	va_end(ap);
}

/* ------------------------------------------------------------------------ */
/* After each                                                               */

/* Each device can be had, and by somebody else; those who were too many may
 * take a moment to go. */
static int
can_be_had(struct tls_config *honest, const char *busid)
{
	struct ws ws;
	int is_had = 0;

	for (int i = 0; i < LEAVE_MS / 100 && !is_had; i++) {
		is_had = ws_stream(&ws, honest, busid) == WS_OK &&
		    ws_works(&ws, 1);
		ws_close(&ws, WS_POLITE);
		if (!is_had) {
			(void)poll(NULL, 0, 100);
		}
	}
	return is_had;
}

/* Nothing is lost. */
static void
check_devices(struct scene *scene, struct tls_config *honest)
{
	char busid[16];

	for (unsigned i = 2; i <= STAGE_DEVICES; i++) {
		(void)snprintf(busid, sizeof(busid), "3-%u", i);
		if (!can_be_had(honest, busid)) {
			attack_fails(scene, "%s cannot be had afterwards",
			    busid);
		}
	}
}

static void
check_alive(struct scene *scene, const struct watch *watch)
{
	stage_listen(scene->stage);
	if (scene->stage->crashed > 0) {
		attack_fails(scene, "a process crashed: %s",
		    scene->stage->crash);
	}
	if (!stage_is_alive(scene->stage)) {
		attack_fails(scene, "the gateway ended");
	}
	if (watch->is_broken) {
		attack_fails(scene, "%s", watch->broken);
	}
}

static void
check_costs(const struct attack *a, struct scene *scene,
    const struct watch *watch, unsigned phase)
{
	uint64_t budget = BUDGET_GATEWAY +
	    watch->count[phase] * BUDGET_PROCESS + a->fills * BUDGET_SESSION;

	if (!IS_MEASURED) {
		return;
	}
	if (watch->session[phase] > BUDGET_SESSION) {
		attack_fails(scene, "a session had %llu KiB, more than %u",
		    (unsigned long long)watch->session[phase], BUDGET_SESSION);
	}
	if (watch->peak[phase] > budget) {
		attack_fails(scene, "%u processes had %llu KiB, more than %llu",
		    watch->count[phase],
		    (unsigned long long)watch->peak[phase],
		    (unsigned long long)budget);
	}
}

/* What did not happen did not hold. */
static void
check_tried(struct scene *scene)
{
	if (scene->tries == 0) {
		attack_fails(scene, "nothing was tried");
	}
}

static void
count(const struct scene *scene)
{
	if (scene->why[0] == '\0') {
		passed++;
	} else {
		failed++;
	}
}

static void
say_line(const struct attack *a, const struct scene *scene,
    const struct watch *watch, unsigned phase, double ratio)
{
	printf("%-12s %8llu  %-7s %7.1f %7.1f %6.1fx  %s\n", a->name,
	    (unsigned long long)scene->tries,
	    scene->why[0] == '\0' ? "held" : "FAILED",
	    (double)watch->peak[phase] / 1024,
	    (double)watch->session[phase] / 1024, ratio,
	    scene->why[0] == '\0' ? a->what : scene->why);
	(void)fflush(stdout);
	count(scene);
}

static void
say_head(void)
{
	printf("%-12s %8s  %-7s %7s %7s %7s  %s\n", "attack", "tries",
	    "outcome", "MiB", "session", "p99", "what");
}

/* ------------------------------------------------------------------------ */

static double
ratio_of(struct watch *watch, unsigned from, unsigned to)
{
	uint32_t n, quiet = watch_p99(watch, 0, 0, &n);

	return quiet > 0 ? (double)watch_p99(watch, from, to, &n) / quiet : 0;
}

static void
attack(const struct attack *a, struct scene *scene, struct watch *watch,
    unsigned phase, struct tls_config *honest)
{
	double ratio;

	/* some of the quiet before each */
	watch->phase = 0;
	(void)poll(NULL, 0, 300);
	watch->phase = phase;
	a->run(scene);
	watch->phase = 0;
	ratio = ratio_of(watch, phase, phase);
	check_devices(scene, honest);
	check_alive(scene, watch);
	check_costs(a, scene, watch, phase);
	check_tried(scene);
	say_line(a, scene, watch, phase, ratio);
}

static void
say_total(struct watch *watch)
{
	unsigned last = (unsigned)ARRAY_LEN(attacks);
	double ratio = ratio_of(watch, 2, last);
	uint32_t n, us = watch_p99(watch, 0, 0, &n);

	printf("an honest transfer when nobody attacks: p99 of %u: %u us\n", n,
	    us);
	us = watch_p99(watch, 2, last, &n);
	if (n < SAMPLES || !IS_MEASURED) {
		printf("while somebody does: p99 of %u: %u us: not "
		       "judged\n", n, us);
		return;
	}
	printf("while somebody does: p99 of %u: %u us, %.1f times that: %s\n",
	    n, us, ratio, ratio <= BUDGET_RATIO ? "held" : "FAILED");
	if (ratio <= BUDGET_RATIO) {
		passed++;
	} else {
		failed++;
	}
}

static int
is_wanted(const struct attack *a, const char *name)
{
	return name == NULL || strcmp(a->name, name) == 0;
}

static int
attack_gateway(const char *name, enum attack_size size)
{
	struct scene scenes[ARRAY_LEN(attacks)];
	struct stage *stage = calloc(1, sizeof(*stage));
	struct tls_config *honest, *attacker, *stranger;
	struct watch *watch;

	if (stage == NULL || stage_start(stage) != 0) {
		return -1;
	}
	honest = ws_config(&stage->ca, &stage->honest);
	attacker = ws_config(&stage->ca, &stage->attacker);
	stranger = ws_config(&stage->ca, &stage->stranger);
	watch = watch_start(stage);
	if (watch == NULL) {
		fprintf(stderr, "attack: the honest session cannot begin\n");
		(void)stage_stop(stage);
		return -1;
	}
	memset(scenes, 0, sizeof(scenes));
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
		scenes[i] = (struct scene){.stage = stage,
			.attacker = attacker, .stranger = stranger,
			.size = size};
		if (attacks[i]->begin != NULL && is_wanted(attacks[i], name)) {
			attacks[i]->begin(&scenes[i]);
		}
	}
	for (size_t i = 1; i <= ARRAY_LEN(attacks); i++) {
		size_t at = i % ARRAY_LEN(attacks);

		if (is_wanted(attacks[at], name)) {
			attack(attacks[at], &scenes[at], watch,
			    (unsigned)at + 1, honest);
		}
	}
	say_total(watch);
	watch_stop(watch);
	if (stage_stop(stage) != 0) {
		failed++;
		puts("FAILED: the gateway did not end as told");
	}
	tls_config_free(honest);
	tls_config_free(attacker);
	tls_config_free(stranger);
	free(stage);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Hostile gateways                                                         */

/* What the relays and their like say, which is nothing but what sanitizers do.
 * Ours again where fd is not -1. */
static int
divert_stderr(int to)
{
	int own = dup(2);

	(void)fflush(stderr);
	if (own == -1 || dup2(to, 2) == -1) {
		fatal("attack: stderr");
	}
	return own;
}

static void
restore_stderr(int own)
{
	(void)dup2(own, 2);
	(void)close(own);
}

static unsigned
count_finds(int fd)
{
	unsigned finds = 0;
	char line[512];
	FILE *f = lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "r") : NULL;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		finds += strstr(line, "ERROR: ") != NULL ||
		    strstr(line, "runtime error: ") != NULL;
		fprintf(stderr, "    %s", line);
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return finds;
}

static void
attack_relays(const struct attack *a, struct scene *scene)
{
	uint64_t budget = a->fills > 0 ? BUDGET_AGENT : BUDGET_RELAY;

	scene->bed->peak = 0;
	a->run(scene);
	check_tried(scene);
	if (IS_MEASURED && scene->bed->peak > budget) {
		attack_fails(scene, "a process had %llu KiB, more than %llu",
		    (unsigned long long)scene->bed->peak,
		    (unsigned long long)budget);
	}
	printf("%-12s %8llu  %-7s %7.1f %7s %7s  %s\n", a->name,
	    (unsigned long long)scene->tries,
	    scene->why[0] == '\0' ? "held" : "FAILED",
	    (double)scene->bed->peak / 1024, "", "",
	    scene->why[0] == '\0' ? a->what : scene->why);
	(void)fflush(stdout);
	count(scene);
}

static int
is_wanted_of(const struct attack *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (is_wanted(list[i], name)) {
			return 1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct scene scenes[ARRAY_LEN(from_gateways)];
	static struct gw_bed bed;
	enum attack_size size = ATTACK_FULL;
	const char *name = NULL;
	int said, own;

	log_init("attack");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--small") == 0) {
			size = ATTACK_SMALL;
		} else if (argv[i][0] != '-' && name == NULL) {
			name = argv[i];
		} else {
			fprintf(stderr, "usage: attack [--small] [NAME]\n");
			return 2;
		}
	}
	if (stage_enter(argv) != 0) {
		puts("0 passed, 0 failed, 1 skipped");
		return 0;
	}
	said = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (said == -1 || gw_bed_init(&bed) != 0) {
		fatal("attack: start");
	}
	say_head();
	own = divert_stderr(said);
	for (size_t i = 0; i < ARRAY_LEN(from_gateways); i++) {
		scenes[i] = (struct scene){.bed = &bed, .size = size};
		if (from_gateways[i]->begin != NULL &&
		    is_wanted(from_gateways[i], name)) {
			from_gateways[i]->begin(&scenes[i]);
		}
	}
	restore_stderr(own);
	if (is_wanted_of(attacks, ARRAY_LEN(attacks), name) &&
	    attack_gateway(name, size) != 0) {
		failed++;
	}
	own = divert_stderr(said);
	for (size_t i = 0; i < ARRAY_LEN(from_gateways); i++) {
		if (is_wanted(from_gateways[i], name)) {
			attack_relays(from_gateways[i], &scenes[i]);
		}
	}
	restore_stderr(own);
	gw_bed_fini(&bed);
	if (count_finds(said) > 0) {
		failed++;
		puts("FAILED: a sanitizer found something on the workstation");
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
