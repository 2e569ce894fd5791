/*
 * One closed loop: a reply makes room for the next submit. Replies of one
 * endpoint come in order, which is checked, so that a ring of start times is
 * enough.
 */
#include "tests/bench/load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/bench/parts.h"
#include "tests/bench/raw.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define SAMPLES (1u << 18)

static uint64_t samples[SAMPLES];

/* ------------------------------------------------------------------------ */
/* One URB                                                                  */

static uint32_t
endpoint(enum load_kind kind)
{
	switch (kind) {
	case LOAD_INTERRUPT:
		return BENCH_INTERRUPT;
	case LOAD_BULK:
		return BENCH_BULK;
	case LOAD_CONTROL:
		break;
	}
	return 0;
}

static void
submit(struct rig *rig, const struct load_cell *cell)
{
	struct usbip_header hdr = {
	    .command = USBIP_CMD_SUBMIT,
	    .seqnum = ++rig->seqnum,
	    .u.submit.length = cell->size,
	};
	uint32_t is_in = cell->way == LOAD_IN;
	uint8_t raw[USBIP_HEADER_SIZE];
	struct wcur c = wcur_of(raw, sizeof(raw));

	if (cell->kind == LOAD_CONTROL) {
		/* a vendor's request to the device */
		hdr.u.submit.setup[0] = is_in ? 0xc0 : 0x40;
		hdr.u.submit.setup[1] = 1;
		hdr.u.submit.setup[6] = (uint8_t)cell->size;
		hdr.u.submit.setup[7] = (uint8_t)(cell->size >> 8);
	}
	(void)usbip_encode_header(raw, &hdr);
	/* the encoder writes replies: these three are 0 there */
	wcur_be32(&c, hdr.command);
	wcur_be32(&c, hdr.seqnum);
	wcur_be32(&c, BENCH_BUSNUM << 16 | BENCH_DEVNUM);
	wcur_be32(&c, is_in ? USBIP_DIR_IN : USBIP_DIR_OUT);
	wcur_be32(&c, endpoint(cell->kind));
	raw_put(rig->raw, raw, sizeof(raw));
	if (!is_in) {
		raw_put_any(rig->raw, cell->size);
	}
}

static void
take_reply(struct rig *rig, const struct load_cell *cell, uint32_t seqnum)
{
	const uint8_t *p = raw_take(rig->raw, USBIP_HEADER_SIZE);
	struct usbip_header hdr;

	if (p == NULL) {
		fatalx("load: the other side hung up");
	}
	if (usbip_decode_header(&hdr, p, USBIP_HEADER_SIZE) != 0 ||
	    hdr.command != USBIP_RET_SUBMIT || hdr.seqnum != seqnum ||
	    hdr.u.ret_submit.status != 0 ||
	    hdr.u.ret_submit.actual_length != cell->size) {
		fatalx("load: URB %u: wrong reply", seqnum);
	}
	if (cell->way == LOAD_IN && raw_skip(rig->raw, cell->size) != 0) {
		fatalx("load: the other side hung up");
	}
}

/* ------------------------------------------------------------------------ */
/* Numbers                                                                  */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
used(const struct rig_usage *before, struct rig_usage *after)
{
	after->counts = count_since(&after->counts, &before->counts);
	after->cpu -= before->cpu;
	after->waited -= before->waited;
}

struct usages {
	struct rig_usage server, relay, own;
};

static void
look(const struct rig *rig, struct usages *out)
{
	rig_usage(&rig->server, &out->server);
	rig_usage(&rig->relay, &out->relay);
	rig_own_usage(&out->own);
}

static uint64_t
all_waited(const struct usages *u)
{
	return u->server.waited + u->relay.waited + u->own.waited;
}

/* ------------------------------------------------------------------------ */

struct run {
	struct rig *rig;
	const struct load_cell *cell;
	uint64_t begun[LOAD_DEPTH]; /* by seqnum */
	uint32_t next;		    /* seqnum of the next reply */
	uint64_t urbs;
	uint64_t waited; /* at the last look */
	struct load_slice *out;
};

static void
begin(struct run *run)
{
	run->begun[(run->rig->seqnum + 1) % LOAD_DEPTH] = clock_mono();
	submit(run->rig, run->cell);
	raw_flush(run->rig->raw);
}

/* Was it a core that was missing, or did everybody sleep? */
static void
judge_slow(struct run *run, uint64_t took)
{
	struct usages now;
	uint64_t waiting;

	look(run->rig, &now);
	waiting = all_waited(&now) - run->waited;
	run->waited += waiting;
	run->out->slow++;
	if (waiting < took / 2) {
		run->out->stalls++;
	}
}

static uint64_t
end(struct run *run)
{
	uint64_t now, took;

	take_reply(run->rig, run->cell, run->next);
	now = clock_mono();
	took = now - run->begun[run->next % LOAD_DEPTH];
	samples[run->urbs++ % SAMPLES] = took;
	run->next++;
	if (took > run->out->max) {
		run->out->max = took;
	}
	if (took >= LOAD_STALL) {
		judge_slow(run, took);
	}
	return now;
}

static void
sum_up(struct run *run)
{
	size_t n = run->urbs < SAMPLES ? (size_t)run->urbs : SAMPLES;

	qsort(samples, n, sizeof(samples[0]), compare);
	run->out->urbs = run->urbs;
	run->out->p10 = samples[n / 10];
	run->out->p50 = samples[n / 2];
	run->out->p99 = samples[n - 1 - n / 100];
}

void
load_run(struct rig *rig, const struct load_cell *cell, uint64_t ns,
    uint64_t least, struct load_slice *out)
{
	struct run run = {
	    .rig = rig, .cell = cell, .next = rig->seqnum + 1, .out = out};
	struct usages before, after;
	uint64_t start, now;

	memset(out, 0, sizeof(*out));
	look(rig, &before);
	run.waited = all_waited(&before);
	start = now = clock_mono();
	for (uint32_t i = 0; i < cell->depth; i++) {
		begin(&run);
	}
	while (run.next != rig->seqnum + 1) {
		now = end(&run);
		if (now - start < ns ||
		    (run.urbs + cell->depth <= least &&
			(now - start < 8 * ns || run.urbs < 8))) {
			begin(&run);
		}
	}
	look(rig, &after);
	used(&before.server, &after.server);
	used(&before.relay, &after.relay);
	used(&before.own, &after.own);
	out->ns = now - start;
	out->server = after.server;
	out->relay = after.relay;
	out->own = after.own;
	sum_up(&run);
}

int
load_is_calm(const struct load_slice *slice)
{
	return slice->p50 <= 2 * slice->p10;
}

void
load_warm_up(struct rig *rig, const struct load_cell *cell)
{
	/* long enough for all replies to wait for us */
	static const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	struct load_slice ignored;

	for (int i = 0; i < 3; i++) {
		uint32_t next = rig->seqnum + 1;

		for (uint32_t k = 0; k < cell->depth; k++) {
			submit(rig, cell);
			raw_flush(rig->raw);
		}
		(void)nanosleep(&pause, NULL);
		for (; next != rig->seqnum + 1; next++) {
			take_reply(rig, cell, next);
		}
	}
	load_run(rig, cell, 0, 8, &ignored);
}

/* ------------------------------------------------------------------------ */
/* Bursts                                                                   */

/* A pile that is higher than the socket's buffers would hold us for ever. */
#define PILE_US 200000

static volatile pid_t stopped;

static void
on_alarm(int signo)
{
	(void)signo;
	(void)kill(stopped, SIGCONT);
}

static void
stop(pid_t pid)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value.tv_usec = PILE_US};
	int status;

	stopped = pid;
	if (sigaction(SIGALRM, &act, NULL) == -1 ||
	    kill(pid, SIGSTOP) == -1) {
		fatal("load: stop the server");
	}
	while (waitpid(pid, &status, WUNTRACED) == -1 && errno == EINTR) {
		continue;
	}
	if (!WIFSTOPPED(status) || setitimer(ITIMER_REAL, &soon, NULL) == -1) {
		fatalx("load: the server does not stop");
	}
}

static void
go_on(pid_t pid)
{
	static const struct itimerval never;

	(void)setitimer(ITIMER_REAL, &never, NULL);
	(void)kill(pid, SIGCONT);
}

void
load_burst(struct rig *rig, const struct load_cell *cell, uint32_t n,
    enum load_burst_how how, struct rig_usage *server)
{
	uint32_t next = rig->seqnum + 1;
	struct rig_usage before;

	rig_usage(&rig->server, &before);
	if (how == LOAD_PILED) {
		stop(rig->server.pid);
	}
	for (uint32_t i = 0; i < n; i++) {
		submit(rig, cell);
		if (how == LOAD_PILED) {
			raw_flush(rig->raw);
		}
	}
	raw_flush(rig->raw);
	if (how == LOAD_PILED) {
		go_on(rig->server.pid);
	}
	for (; next != rig->seqnum + 1; next++) {
		take_reply(rig, cell, next);
	}
	rig_usage(&rig->server, server);
	used(&before, server);
}
