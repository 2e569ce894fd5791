/*
 * A scenario of tests/sim being run: a session between the fakes of
 * tests/fake/session_rig.h, told line by line what its peers do, and held to
 * what the lines expect of it. README.md has the language. For the runner and
 * the fault injection, which runs the same scenarios.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "policy/profiles/profile.h"
#include "tests/fake/session_rig.h"
#include "wire/capture.h"

#define SIM_WORDS 96
#define SIM_DATA (1u << 20)
#define SIM_USINGS 8

/* One line, split at blanks; what is in quotes is one word. */
struct sim_line {
	unsigned number;
	int is_indented;
	unsigned n;
	char *words[SIM_WORDS]; /* "" past the end, so that [n] may be read */
	char text[4096];
};

/* What the workstation heard, in words, with what it brought. */
struct sim_heard {
	struct sim_heard *next;
	uint8_t *data; /* owned; NULL when it has none to speak of */
	size_t len;
	char text[600];
	char packets[1024]; /* of an isochronous one: " ACTUAL:STATUS ..." */
};

enum sim_phase { SIM_OP, SIM_LIST, SIM_IMPORT, SIM_STREAM, SIM_LINES };

struct sim {
	struct rig *rig;
	const char *path;
	struct sim_line line;
	uint64_t fault; /* of sim_run */
	int is_lenient; /* nothing is expected: faults are injected */
	int is_started, is_at_once, is_deaf, has_failed;
	enum sim_phase phase;
	struct sim_heard *heard, **tail;
	uint8_t data[SIM_DATA]; /* of the present line */
	size_t len;
	int is_open; /* the data ended in `..': more may follow */

	char *profiles; /* owned: text of the local file, or NULL */
	size_t profiles_len;
	struct {
		int interface; /* -1 = all */
		char name[PROFILE_NAME];
	} usings[SIM_USINGS];
	unsigned nusings;
	void *block;           /* owned */
	unsigned profile_line; /* where its text began */

	/* how much of what the warden heard has been looked at */
	unsigned refused, ruled, asks, over, challenges, out, quotas, wanted;
	unsigned said, states;
	unsigned setups; /* of those that reached the device */
	int pipe[2];     /* of a capture */
	uint8_t *captured;
	size_t captured_len, captured_at;
	char why[2048]; /* of the first failure */
};

/* Runs a file. 0, or -1 and why says file, line, what was expected and what
 * came instead. With fault, the number of a call of the session that fails (see
 * tests/fault/fault.h), nothing but the end is checked; SIM_COUNT: they are
 * counted. */
#define SIM_NO_FAULT 0
#define SIM_COUNT UINT64_MAX
int sim_run(const char *path, uint64_t fault, char *why, size_t size);

/* A step: 0, or -1 after sim_fail. */
typedef int sim_step(struct sim *sim);

int sim_fail(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Everybody does what there is to do, but inside of `at once'. */
void sim_settle(struct sim *sim);
/* Makes of the bytes that came what was heard. */
void sim_hear(struct sim *sim);
void sim_heard_free(struct sim *sim);

/* Words of the present line; each 0, or -1 after sim_fail. */
const char *sim_word(const struct sim *sim, unsigned i);
int sim_is(const struct sim *sim, unsigned i, const char *word);
int sim_number(struct sim *sim, unsigned i, uint32_t *out);
int sim_time(struct sim *sim, unsigned i, uint64_t *ns);
int sim_status(struct sim *sim, unsigned i, int32_t *out);
const char *sim_status_name(int32_t status);
/* The words from i on that stand behind a `=', as bytes in sim->data. *has is
 * 0 when there is no `='. */
int sim_data(struct sim *sim, unsigned i, int *has);

/* The table of a set of steps: tells the line's first words apart. */
struct sim_verb {
	const char *words; /* "client submit" */
	unsigned nargs;    /* at least */
	sim_step *step;
};
extern const struct sim_verb sim_client_verbs[], sim_device_verbs[],
    sim_warden_verbs[], sim_expect_verbs[];

/* warden.c: before the session starts, and for a swap. */
int sim_compile(struct sim *sim, size_t *size);
void sim_read_capture(struct sim *sim);
/* What the session said last when it ended; "" before. */
const char *sim_last_words(void);
void sim_forget_words(void);

#endif
