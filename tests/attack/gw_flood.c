/*
 * As much as possible: a list without end, a gateway that does not listen, and a
 * kernel that does not. What a relay keeps meanwhile is judged by attack.c.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/attack/attack.h"
#include "tests/attack/gw.h"
#include "tests/attack/plug.h"
#include "wire/ipc.h"

#define DEVICES 4096u
#define INTERFACES 32u
#define OUT_LENGTH (1024u * 1024u)
#define OUTS 128u
#define IN_LENGTH 65536u
#define INS 200u
#define STUCK_MS 300

/* Waits for the gateway's side of the handshake. */
static int
connected(struct gw *gw)
{
	for (int ms = 0; ms < GW_MS && !gw->is_done; ms += 10) {
		gw_turn(gw, 10);
		if (gw->has_liar && gw->liar.fake.is_up) {
			return 1;
		}
		if (gw->has_liar) {
			gw->liar.is_silent = 1;
		}
	}
	return 0;
}

/* All that a list may have. */
static void
long_list(struct scene *scene)
{
	struct gw *gw = gw_new(scene->bed, scene, IPC_RELAY_LIST, NULL);
	const uint8_t any[USBIP_INTERFACE_SIZE] = {8, 6, 0x50, 0};
	struct usbip_device dev = liar_device();
	struct gateway_fake *fake;

	scene->tries++;
	if (gw == NULL || !connected(gw)) {
		attack_fails(scene, "a long list: no connection");
		gw_free(gw, scene);
		return;
	}
	gw->liar.is_silent = 1;
	fake = &gw->liar.fake;
	dev.ninterfaces = INTERFACES;
	gateway_fake_say_op(fake, USBIP_OP_REP_DEVLIST, 0);
	gateway_fake_say(fake, "\0\0\x10\0", 4);
	for (unsigned i = 0; i < DEVICES; i++) {
		gateway_fake_say_device(fake, &dev);
		for (unsigned k = 0; k < INTERFACES; k++) {
			gateway_fake_say(fake, any, sizeof(any));
		}
	}
	gw_expect_end(gw, scene, "");
	if (gw->done.exit_code != 0 || gw->items != DEVICES) {
		attack_fails(scene, "a long list: %u devices: %s", gw->items,
		    gw->done.text);
	}
	gw_free(gw, scene);
}

/* The kernel sends as fast as it can, and nobody reads it. */
static void
deaf_gateway(struct scene *scene)
{
	struct gw *gw = gw_new(scene->bed, scene, IPC_RELAY_ATTACH, NULL);
	size_t sent = 0;

	scene->tries++;
	if (gw == NULL || gw_attach(gw) != 0) {
		attack_fails(scene, "a deaf gateway: no device");
		gw_free(gw, scene);
		return;
	}
	gw->liar.fake.is_deaf = 1;
	for (unsigned i = 0; i < OUTS; i++) {
		size_t n = gw_push(gw, PLUG_BULK_OUT, OUT_LENGTH, STUCK_MS);

		sent += n;
		if (n < OUT_LENGTH) {
			break; /* at last it takes no more */
		}
	}
	if (sent == (size_t)OUTS * OUT_LENGTH) {
		attack_fails(scene, "a deaf gateway: the relay took %zu MiB",
		    sent / OUT_LENGTH);
	}
	gateway_fake_hang_up(&gw->liar.fake);
	gw_expect_end(gw, scene, "");
	gw_judge_kernel(gw, scene);
	gw_free(gw, scene);
}

/* The gateway answers all, and the kernel takes its time. */
static void
deaf_kernel(struct scene *scene)
{
	struct gw *gw = gw_new(scene->bed, scene, IPC_RELAY_ATTACH, NULL);

	scene->tries++;
	if (gw == NULL || gw_attach(gw) != 0) {
		attack_fails(scene, "a deaf kernel: no device");
		gw_free(gw, scene);
		return;
	}
	gw->kernel_is_deaf = 1;
	for (unsigned i = 0; i < INS; i++) {
		(void)gw_submit(gw, PLUG_BULK_IN, IN_LENGTH, 0);
	}
	for (int ms = 0; ms < STUCK_MS; ms += 10) {
		gw_turn(gw, 10);
	}
	gw->kernel_is_deaf = 0;
	if (gw_await(gw, INS) != 0) {
		attack_fails(scene, "a deaf kernel: %u of %u replies: %s",
		    gw->said, INS, gw->is_done ? gw->done.text : "no more");
	}
	close_fd(&gw->kernel);
	gw_expect_end(gw, scene, "the kernel closed the device");
	gw_judge_kernel(gw, scene);
	gw_free(gw, scene);
}

/* Every reply in records of one byte. */
static void
crumbs(struct scene *scene)
{
	struct gw *gw = gw_new(scene->bed, scene, IPC_RELAY_ATTACH, NULL);
	unsigned n = scene->size == ATTACK_FULL ? 100 : 5;

	scene->tries++;
	if (gw == NULL || gw_attach(gw) != 0) {
		attack_fails(scene, "records of a byte: no device");
		gw_free(gw, scene);
		return;
	}
	gw->liar.fake.piece = 1;
	for (unsigned i = 0; i < n; i++) {
		(void)gw_submit(gw, PLUG_ISO_IN, LIAR_ISO_LENGTH, LIAR_PACKETS);
	}
	if (gw_await(gw, n) != 0) {
		attack_fails(scene, "records of a byte: %u of %u replies: %s",
		    gw->said, n, gw->is_done ? gw->done.text : "no more");
	}
	close_fd(&gw->kernel);
	gw_expect_end(gw, scene, "the kernel closed the device");
	gw_judge_kernel(gw, scene);
	gw_free(gw, scene);
}

static void
run_flood(struct scene *scene)
{
	long_list(scene);
	deaf_gateway(scene);
	deaf_kernel(scene);
	crumbs(scene);
}

const struct attack gw_flood = {"gw-floods",
	"long lists, records of a byte, nobody listens", FROM_GATEWAY, 0, NULL,
	run_flood};
