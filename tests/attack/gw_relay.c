/*
 * One lie after the other, each to a relay of its own: it has to end with the
 * reason, and the kernel must have got nothing but what is true.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/gw.h"
#include "tests/attack/plug.h"
#include "wire/ipc.h"

#define QUIET_MS 30

/* What the kernel does that the lie is an answer to. */
static void
ask(struct gw *gw, const struct lie *lie)
{
	switch (lie->when) {
	case LIE_DEVICE:
		(void)gw_get_descriptor(gw, 0x80, 1, 0);
		break;
	case LIE_CONFIG:
		(void)gw_get_descriptor(gw, 0x80, 2, 0);
		(void)gw_get_descriptor(gw, 0x80, 2, 0);
		break;
	case LIE_REPORT:
		(void)gw_get_descriptor(gw, 0x81, 0x22, 1);
		break;
	case LIE_BULK_OUT:
		if ((lie->extra & LIE_EARLY) != 0) {
			(void)gw_submit_half(gw, PLUG_BULK_OUT, LIAR_HALF);
		} else {
			(void)gw_submit(gw, PLUG_BULK_OUT, LIAR_LENGTH, 0);
		}
		break;
	case LIE_ISO_IN:
		(void)gw_submit(
		    gw, PLUG_ISO_IN, LIAR_ISO_LENGTH, LIAR_PACKETS);
		break;
	case LIE_ISO_OUT:
		(void)gw_submit(
		    gw, PLUG_ISO_OUT, LIAR_ISO_LENGTH, LIAR_PACKETS);
		break;
	case LIE_UNLINK:
		(void)gw_unlink(
		    gw, gw_submit(gw, PLUG_SILENT_IN, LIAR_LENGTH, 0));
		break;
	case LIE_BULK_IN:
	case LIE_NEVER:
	case LIE_LIST:
	case LIE_IMPORT:
		(void)gw_submit(gw, PLUG_BULK_IN, LIAR_LENGTH, 0);
		break;
	}
}

/* Not passed on as it is, and the device goes on. */
static void
expect_life(struct gw *gw, struct scene *scene, const struct lie *lie)
{
	if (gw_await(gw, gw->said + 1) != 0) {
		attack_fails(scene, "%s: %s%s", lie->what,
		    gw->wrong != NULL ? "the kernel got " : "no answer",
		    gw->wrong != NULL	      ? gw->wrong
			: gw->is_done ? gw->done.text
				      : "");
		return;
	}
	(void)gw_submit(gw, PLUG_BULK_IN, LIAR_LENGTH, 0);
	if (gw_await(gw, gw->said + 1) != 0) {
		attack_fails(scene, "%s: the device does not go on: %s",
		    lie->what, gw->is_done ? gw->done.text : "nothing");
	}
	close_fd(&gw->kernel);
	gw_expect_end(gw, scene, "the kernel closed the device");
}

static int
is_asked(enum lie_when when)
{
	return when != LIE_LIST && when != LIE_IMPORT;
}

static void
try_lie(struct scene *scene, const struct lie *lie)
{
	struct gw *gw = gw_new(scene->bed, scene,
	    lie->when == LIE_LIST ? IPC_RELAY_LIST : IPC_RELAY_ATTACH, lie);

	scene->tries++;
	if (gw == NULL) {
		return;
	}
	/* what it lies about before the kernel hears of the device, it lies
	 * about while the relay looks */
	if (is_asked(lie->when) && gw_attach(gw) == 0) {
		ask(gw, lie);
	}
	if (lie->reason == NULL) {
		expect_life(gw, scene, lie);
	} else {
		gw_expect_end(gw, scene, lie->reason);
	}
	gw_judge_kernel(gw, scene);
	if (gw->liar.told == 0) {
		attack_fails(scene, "%s: never said", lie->what);
	}
	if (lie->reason != NULL && gw->said > lie->passes) {
		attack_fails(scene, "%s: %u replies came through", lie->what,
		    gw->said);
	}
	gw_free(gw, scene);
}

static void
try_lies(struct scene *scene, enum lie_when from, enum lie_when to)
{
	for (size_t i = 0; i < nlies; i++) {
		if (lies[i].when >= from && lies[i].when <= to) {
			try_lie(scene, &lies[i]);
		}
	}
}

static void
run_lists(struct scene *scene)
{
	try_lies(scene, LIE_LIST, LIE_LIST);
}

static void
run_imports(struct scene *scene)
{
	try_lies(scene, LIE_IMPORT, LIE_IMPORT);
}

static void
run_descriptors(struct scene *scene)
{
	try_lies(scene, LIE_DEVICE, LIE_REPORT);
}

static void
run_replies(struct scene *scene)
{
	try_lies(scene, LIE_BULK_IN, LIE_BULK_OUT);
}

static void
run_iso(struct scene *scene)
{
	try_lies(scene, LIE_ISO_IN, LIE_ISO_OUT);
}

static void
run_unlinks(struct scene *scene)
{
	try_lies(scene, LIE_UNLINK, LIE_UNLINK);
}

const struct attack gw_lists = {"gw-lists",
	"versions, codes, counts, texts and cuts of a list", FROM_GATEWAY, 0,
	NULL, run_lists};
const struct attack gw_imports = {"gw-imports",
	"the same of an import, and numbers out of range", FROM_GATEWAY, 0,
	NULL, run_imports};
const struct attack gw_descriptors = {"gw-faces",
	"descriptors that lie, and that change later", FROM_GATEWAY, 0, NULL,
	run_descriptors};
const struct attack gw_replies = {"gw-replies",
	"seqnums, commands, lengths, statuses, packets, cuts", FROM_GATEWAY, 0,
	NULL, run_replies};
const struct attack gw_iso = {"gw-iso",
	"offsets, lengths, sums and numbers of packets", FROM_GATEWAY, 0, NULL,
	run_iso};
const struct attack gw_unlinks = {"gw-unlinks",
	"to nothing, twice, late, in place of another", FROM_GATEWAY, 0, NULL,
	run_unlinks};

/* ------------------------------------------------------------------------ */
/* Anything at all                                                          */

static uint32_t seed = 20261126;

static uint32_t
any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)(seed >> 8) * below) >> 24);
}

/* One to four numbers of an honest reply are any. */
static void
make_lie(struct lie *lie)
{
	static const uint32_t edges[] = {0, 1, 2, 3, 4, 0xff, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

	memset(lie, 0, sizeof(*lie));
	lie->what = "anything";
	lie->when = LIE_BULK_IN + any(LIE_UNLINK - LIE_BULK_IN + 1);
	lie->skip = any(2);
	for (uint32_t i = 0, n = 1 + any(4); i < n; i++) {
		struct lie_patch *p = &lie->patches[i];

		/* a number of the header more often than not */
		p->at = (uint16_t)(4 * any(any(3) > 0 ? 12 : 100));
		p->width = any(4) > 0 ? 4 : 1;
		p->value = any(2) > 0 ? edges[any(ARRAY_LEN(edges))]
				      : any(1u << 24) << 8;
	}
	if (any(4) == 0) {
		lie->more = (int)any(96) - 48;
	}
}

static void
try_any(struct scene *scene)
{
	struct lie lie;
	struct gw *gw;

	make_lie(&lie);
	gw = gw_new(scene->bed, scene, IPC_RELAY_ATTACH, &lie);
	scene->tries++;
	if (gw != NULL) {
		gw->has_any_data = 1;
	}
	if (gw == NULL || gw_attach(gw) != 0) {
		attack_fails(scene, "anything: no device");
		gw_free(gw, scene);
		return;
	}
	ask(gw, &lie);
	ask(gw, &lie);
	for (int ms = 0; ms < GW_MS && gw->liar.told == 0 && !gw->is_done;
	     ms += 10) {
		gw_turn(gw, 10);
	}
	gw_turn(gw, 5);
	for (int ms = 0; ms < QUIET_MS && !gw->is_done; ms += 10) {
		gw_turn(gw, 10);
	}
	if (!gw->is_done) {
		/* it passed, or waits for the rest of it */
		gw_judge_kernel(gw, scene);
		close_fd(&gw->kernel);
		gw_expect_end(gw, scene, "");
	} else {
		gw_judge_kernel(gw, scene);
	}
	gw_free(gw, scene);
}

static void
run_any(struct scene *scene)
{
	unsigned n = scene->size == ATTACK_FULL ? 500 : 40;

	for (unsigned i = 0; i < n && scene->why[0] == '\0'; i++) {
		uint32_t at = seed;

		try_any(scene);
		if (scene->why[0] != '\0') {
			printf("seed of the lie: %u\n", (unsigned)at);
		}
	}
}

const struct attack gw_any = {"gw-anything",
	"replies with numbers of chance", FROM_GATEWAY, 0, NULL, run_any};
