/*
 * Somebody's code runs in a session, or in a probe: what it tries there, in the
 * real processes of a gateway, and what becomes of it. Each attempt must fail;
 * it must be the end of its process, and in the audit log as what it was; and
 * the gateway goes on: broker and warden are those of before, and the device
 * can be had by somebody else.
 *
 * usage: broken
 *
 * The programs beside this one are the product's on a simulated device, with a
 * door (door.c). Needs what tests/attack/stage.h needs.
 */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/tls.h"
#include "tests/attack/door.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"
#include "tests/fake/attempts.h"

#define WAIT_MS 10000

static const struct {
	const char *state, *role;
	int is_late; /* it has had its key, and a device */
	int refuses; /* an attempt to open a file may merely fail */
} states[] = {
	{"session", "session", 0, 1},
	{"session, streaming", "session", 1, 0},
	{"probe", "probe", 0, 1},
};
enum { PROBE = 2 };

/* A probe that fails is the end of its device, until it is plugged in anew: one
 * attempt for each of those that no session needs here. The others are in
 * tests/unit/test_confine.c. */
static const struct {
	const char *name, *busid;
} probes[] = {
	{"make a socket", "3-1"},
	{"change the configuration", "3-3"},
	{"ask for a device", "3-4"},
};

static unsigned passed, failed;

static void
set_door(const struct stage *s, const char *state, const char *name)
{
	FILE *f = fopen(DOOR_PATH ".new", "we");

	if (f == NULL ||
	    fprintf(f, "%s\n%s\n%s/key.pem\n", state, name, s->dir) < 0 ||
	    fclose(f) != 0 || chmod(DOOR_PATH ".new", 0644) == -1 ||
	    rename(DOOR_PATH ".new", DOOR_PATH) == -1) {
		fatal("set the door");
	}
}

/* The last line that a door wrote, or NULL. */
static const char *
said_at_door(const struct stage *s, const char *state, const char *name)
{
	static char line[512], wanted[160];
	const char *found = NULL;
	char path[128];
	FILE *f;

	(void)snprintf(wanted, sizeof(wanted), "door: %s: %s: ", state, name);
	(void)snprintf(path, sizeof(path), "%s/stderr", s->dir);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		found = strstr(line, wanted);
		if (found != NULL) {
			break;
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return found;
}

/* Whether it is in the audit log, as what it was, in time. */
static int
is_told(struct stage *s, size_t i, const struct attempt *a)
{
	const uint64_t end = clock_mono() + WAIT_MS * CLOCK_MSEC;
	char wanted[64];

	if (a->number == -1) {
		(void)snprintf(
		    wanted, sizeof(wanted), "%s: unknown", states[i].role);
	} else {
		(void)snprintf(wanted, sizeof(wanted), "%s: %s %ld",
		    states[i].role,
		    a->kind == ATTEMPT_BROKER || a->kind == ATTEMPT_SIGNER
			? "request"
			: "system call",
		    a->number);
	}
	while (clock_mono() < end) {
		stage_listen(s);
		if (a->kind == ATTEMPT_WARDEN
			? strcmp(s->ejected, "broke its protocol") == 0
			: strcmp(s->forbidden, wanted) == 0) {
			return 1;
		}
		if (said_at_door(s, states[i].state, a->name) != NULL) {
			return 0; /* it lived to tell */
		}
		(void)poll(NULL, 0, 5);
	}
	return 0;
}

static void
report(size_t i, const struct attempt *a, const char *what, int is_held)
{
	printf("%-20s %-32s %s%s\n", states[i].state, a->name,
	    is_held ? "" : "FAILED: ", what);
	(void)fflush(stdout);
	passed += (unsigned)is_held;
	failed += (unsigned)!is_held;
}

static void
judge(struct stage *s, size_t i, const struct attempt *a)
{
	const char *said = NULL;
	int is_held = is_told(s, i, a);

	if (!is_held) {
		said = said_at_door(s, states[i].state, a->name);
	}
	if (is_held) {
		report(i, a, a->kind == ATTEMPT_WARDEN
			? "ejected, audited" : "killed, audited", 1);
	} else if (said != NULL && strstr(said, DOOR_REFUSED) != NULL &&
	    a->kind == ATTEMPT_FILE && states[i].refuses) {
		report(i, a, "refused", 1);
	} else {
		report(i, a, said != NULL ? said : "nobody was told", 0);
	}
}

/* Makes a process of that kind come and be broken into. */
static void
provoke(size_t i, struct tls_config *config, const char *busid)
{
	struct ws ws;

	/* The end of one that had a device brings a probe. */
	if (states[i].is_late || i == PROBE) {
		(void)ws_stream(&ws, config, busid);
	} else {
		(void)ws_open(&ws, config, 0);
	}
	ws_close(&ws, WS_ABRUPT);
}

static int
is_tried(size_t i, const struct attempt *a)
{
	switch (a->kind) {
	case ATTEMPT_FILE:
	case ATTEMPT_SOCKET:
	case ATTEMPT_CALL:
		return 1;
	case ATTEMPT_BROKER:
	case ATTEMPT_WARDEN:
		/* before, its first KEY and IDENTITY are its right */
		return states[i].is_late;
	case ATTEMPT_SIGNER:
		return !states[i].is_late; /* later it has no channel */
	}
	return 0;
}

static void
try(struct stage *s, size_t i, const struct attempt *a,
    struct tls_config *attacker, const char *busid)
{
	s->forbidden[0] = s->ejected[0] = '\0';
	set_door(s, states[i].state, a->name);
	provoke(i, attacker, busid);
	judge(s, i, a);
	(void)unlink(DOOR_PATH);
}

/* ------------------------------------------------------------------------ */
/* Namespaces, as they are seen from outside                                */

/* Names in a directory, or lines of a file, of a process; -1 = unknown. */
static int
count_in(pid_t pid, const char *name)
{
	char path[64], line[1024];
	const struct dirent *e;
	int n = 0;
	FILE *f;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.';
	}
	if (d != NULL) {
		(void)closedir(d);
		return n;
	}
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		n++;
	}
	return f != NULL && fclose(f) == 0 ? n : -1;
}

static int
is_elsewhere(pid_t pid, const char *space)
{
	char path[64], theirs[64] = "", ours[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, space);
	if (readlink(path, theirs, sizeof(theirs) - 1) == -1) {
		return 0;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", space);
	return readlink(path, ours, sizeof(ours) - 1) != -1 &&
	    strcmp(theirs, ours) != 0;
}

/* The session with the honest one's device: its only child just now. */
static pid_t
session_of(const struct stage *s)
{
	char path[64], name[32] = "", text[4096] = "", *p = text, *end;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)s->broker, (int)s->broker);
	f = fopen(path, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
		fatal("children of the broker");
	}
	(void)fclose(f);
	for (long pid; (pid = strtol(p, &end, 10)) > 0; p = end) {
		(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		f = fopen(path, "re");
		if (f != NULL && fgets(name, sizeof(name), f) != NULL &&
		    strncmp(name, "sallyport-sess", 14) == 0) {
			(void)fclose(f);
			return (pid_t)pid;
		}
		if (f != NULL) {
			(void)fclose(f);
		}
	}
	return -1;
}

/* It sees nothing of this machine: no file, no interface but a dead one (below
 * two lines of headings), no other process, nothing that is shared. */
static void
check_spaces(const struct stage *s)
{
	static const char *const spaces[] = {"user", "pid", "ipc", "net", "mnt"};
	pid_t pid = session_of(s);

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (is_elsewhere(pid, spaces[i])) {
			passed++;
		} else {
			printf("FAILED: a session is in our %s namespace\n",
			    spaces[i]);
			failed++;
		}
	}
	if (count_in(pid, "root") == 0 && count_in(pid, "mountinfo") == 1 &&
	    count_in(pid, "net/dev") == 3) {
		passed++;
	} else {
		printf("FAILED: a session has %d files, %d mounts, %d lines of "
		       "interfaces\n", count_in(pid, "root"),
		    count_in(pid, "mountinfo"), count_in(pid, "net/dev"));
		failed++;
	}
}

/* ------------------------------------------------------------------------ */

/* Everything goes on. */
static void
check_whole(struct stage *s, struct tls_config *honest, const char *state)
{
	struct ws ws;
	int is_had = 0;

	for (int ms = 0; ms < WAIT_MS && !is_had; ms += 100) {
		is_had = ws_stream(&ws, honest, STAGE_VICTIM) == WS_OK &&
		    ws_works(&ws, 1);
		if (is_had) {
			check_spaces(s);
		}
		ws_close(&ws, WS_POLITE);
		(void)poll(NULL, 0, is_had ? 0 : 100);
	}
	if (is_had && stage_is_alive(s)) {
		passed++;
	} else {
		printf("%-20s FAILED: the gateway does not go on\n", state);
		failed++;
	}
}

static void
run(struct stage *s)
{
	struct tls_config *honest = ws_config(&s->ca, &s->honest);
	struct tls_config *attacker = ws_config(&s->ca, &s->attacker);

	for (size_t i = 0; i < PROBE; i++) {
		for (size_t j = 0; j < nattempts; j++) {
			if (is_tried(i, &attempts[j])) {
				try(s, i, &attempts[j], attacker,
				    STAGE_VICTIM);
			}
		}
		check_whole(s, honest, states[i].state);
	}
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		for (size_t j = 0; j < nattempts; j++) {
			if (strcmp(attempts[j].name, probes[i].name) == 0) {
				try(s, PROBE, &attempts[j], attacker,
				    probes[i].busid);
			}
		}
	}
	check_whole(s, honest, states[PROBE].state);
	tls_config_free(honest);
	tls_config_free(attacker);
}

int
main(int argc, char **argv)
{
	struct stage *s = calloc(1, sizeof(*s));

	(void)argc;
	log_init("broken");
	if (s == NULL) {
		fatal("start");
	}
	if ((sandbox_lacks() | sandbox_build_lacks()) != 0 ||
	    stage_enter(argv) != 0) {
		puts("0 passed, 0 failed, 1 skipped");
		free(s);
		return 0;
	}
	s->has_signer = 1; /* which is one more that can be asked */
	if (stage_start(s) != 0) {
		failed++;
	} else {
		run(s);
		if (stage_stop(s) != 0) {
			puts("FAILED: the gateway did not end as told");
			failed++;
		}
	}
	free(s);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
