/*
 * The honest session asks for eight bytes of the interrupt pipe, waits for them,
 * rests for a millisecond, and so on. It runs as any program of a workstation
 * would; those who attack get what nobody else wants of the processors, since in
 * truth they compute on machines of their own.
 */
#include "tests/attack/watch.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

#define REST_MS 1
#define LOOK_MS 25
#define START_MS 10000

static void
note(struct watch *w, unsigned phase, uint64_t ns)
{
	uint64_t us = ns / (CLOCK_MSEC / 1000);

	w->took[phase][w->n[phase] % WATCH_SAMPLES] =
	    us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	w->n[phase] = w->n[phase] + 1;
}

static void __attribute__((noreturn))
be_honest(struct watch *w, const struct stage *stage)
{
	struct tls_config *config = ws_config(&stage->ca, &stage->honest);
	struct usbip_header h;
	struct ws ws;
	int r = ws_stream(&ws, config, STAGE_HONEST);

	for (uint32_t seq = 1; r == WS_OK && !w->is_over; seq++) {
		unsigned phase = w->phase;
		uint64_t from = clock_mono();

		r = ws_submit(&ws, seq, PLUG_INT_IN, 8);
		if (r == WS_OK) {
			r = ws_reply(&ws, &h, 1, WS_MS);
		}
		if (r == WS_OK &&
		    (h.seqnum != seq || h.u.ret_submit.status != 0 ||
			h.u.ret_submit.actual_length != 8)) {
			r = WS_CLOSED;
		}
		if (r == WS_OK) {
			note(w, phase, clock_mono() - from);
			(void)poll(NULL, 0, REST_MS);
		}
	}
	if (r != WS_OK) {
		(void)snprintf(w->broken, sizeof(w->broken),
		    "the honest session: %s",
		    r == WS_TIMEOUT ? "no answer" : "ended, or answered wrongly");
		w->is_broken = 1;
	}
	_exit(0);
}

static void __attribute__((noreturn))
look_at_memory(struct watch *w, const struct stage *stage)
{
	while (!w->is_over) {
		unsigned phase = w->phase, count;
		uint64_t most, sum = stage_memory(stage, &most, &count);

		if (sum > w->peak[phase]) {
			w->peak[phase] = sum;
		}
		if (most > w->session[phase]) {
			w->session[phase] = most;
		}
		if (count > w->count[phase]) {
			w->count[phase] = count;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	_exit(0);
}

static pid_t
begin(struct watch *w, const struct stage *stage,
    void (*run)(struct watch *, const struct stage *))
{
	pid_t pid = fork();

	if (pid == -1) {
		fatal("fork");
	}
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(w, stage);
	}
	return pid;
}

struct watch *
watch_start(const struct stage *stage)
{
	struct watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED) {
		fatal("mmap");
	}
	w->honest = begin(w, stage, be_honest);
	w->memory = begin(w, stage, look_at_memory);
	for (int ms = 0; ms < START_MS && w->n[0] < 100 && !w->is_broken;
	     ms += 10) {
		(void)poll(NULL, 0, 10);
	}
	if (w->n[0] < 100) {
		watch_stop(w);
		return NULL;
	}
	w->n[0] = 0; /* without its first ones */
	(void)sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
	return w;
}

void
watch_stop(struct watch *w)
{
	w->is_over = 1;
	(void)waitpid(w->honest, NULL, 0);
	(void)waitpid(w->memory, NULL, 0);
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
count_of(const struct watch *w, unsigned phase)
{
	uint32_t n = w->n[phase];

	return n < WATCH_SAMPLES ? n : WATCH_SAMPLES;
}

uint32_t
watch_p99(struct watch *w, unsigned from, unsigned to, uint32_t *count)
{
	static uint32_t sorted[WATCH_PHASES * WATCH_SAMPLES];
	uint32_t n = 0;

	for (unsigned phase = from; phase <= to; phase++) {
		memcpy(sorted + n, w->took[phase],
		    count_of(w, phase) * sizeof(sorted[0]));
		n += count_of(w, phase);
	}
	*count = n;
	if (n == 0) {
		return 0;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_size);
	return sorted[(n * 99 - 1) / 100];
}
