/*
 * What a hostile gateway attacks: sallyport-relay as `sallyport` starts it, with
 * its parent and the kernel's end of the socket pair played here. Whatever the
 * relay writes to the kernel is kept, and judged as a kernel would have to
 * believe it.
 */
#ifndef TESTS_ATTACK_GW_H
#define TESTS_ATTACK_GW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/channel.h"
#include "tests/attack/liar.h"
#include "tests/fake/pki.h"
#include "wire/ipc.h"

#define GW_MS 10000 /* what an honest relay does in time */

struct scene;

/* Made once, for all. */
struct gw_bed {
	struct pki_cert ca, gateway, workstation;
	struct tls_config *server; /* owned */
	uint64_t peak;		   /* KiB, of the largest process */
};
int gw_bed_init(struct gw_bed *bed);
void gw_bed_fini(struct gw_bed *bed);
/* Notes the most that a process ever had: VmHWM, which it cannot hide. */
void gw_look(struct gw_bed *bed, pid_t pid);

/* What the kernel asked for. */
struct gw_urb {
	struct usbip_header cmd;
	int is_answered;
};
#define GW_URBS 256u
#define GW_GOT (4u * 1024u * 1024u)

struct gw {
	struct gw_bed *bed; /* borrowed */
	const struct lie *lie;
	uint16_t port;
	int listener, channel;
	int kernel; /* its end, once the device is there */
	pid_t relay;
	struct liar liar;
	int has_liar;
	int is_ready, is_done;
	struct ipc_relay_done done;
	unsigned items; /* of a list */
	unsigned lines; /* of events */
	unsigned said;	/* true replies that the kernel got */
	const char *wrong; /* what it got that is not, first of all */
	int kernel_is_deaf;
	int has_any_data; /* the lie may be in what the device says */
	struct gw_urb urbs[GW_URBS];
	unsigned nurbs;
	size_t ngot;
	uint8_t got[GW_GOT];
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

/* A listener on a port of its own. 0 or -1. */
int gw_listen(uint16_t *port);

/* A relay that connects to a gateway with that lie; mode is enum
 * ipc_relay_mode. NULL after saying why to scene. */
struct gw *gw_new(struct gw_bed *bed, struct scene *scene, uint8_t mode,
    const struct lie *lie);
/* Ends what is left of it; a relay that crashed, or that does not end, is said
 * to scene. NULL is fine. */
void gw_free(struct gw *gw, struct scene *scene);

/* Moves everything that moves, for ms at most. */
void gw_turn(struct gw *gw, int ms);
/* Only what the relay says. */
void gw_listen_to_relay(struct gw *gw);
/* Until the device is attached, or the relay is done. 0 or -1 */
int gw_attach(struct gw *gw);

/* The kernel submits: address has the direction bit; npackets 0 = no
 * isochronous transfer. The seqnum. */
uint32_t gw_submit(
    struct gw *gw, uint8_t address, uint32_t length, uint32_t npackets);
/* Its header and half of its body only. */
uint32_t gw_submit_half(struct gw *gw, uint8_t address, uint32_t length);
/* An OUT, as far as the relay takes it: the bytes of its body that went, until
 * for stuck_ms none does. */
size_t gw_push(struct gw *gw, uint8_t address, uint32_t length, int stuck_ms);
uint32_t gw_get_descriptor(
    struct gw *gw, uint8_t recipient, uint8_t type, uint16_t index);
uint32_t gw_unlink(struct gw *gw, uint32_t of);
/* Waits for so many true replies. 0, or -1 when they do not come. */
int gw_await(struct gw *gw, unsigned said);

/* Waits for the relay's end, with a reason in which that text is. */
void gw_expect_end(struct gw *gw, struct scene *scene, const char *reason);
/* What the kernel got is true: replies that fit what it submitted, each once,
 * and, after an end, what takes back the others. */
void gw_judge_kernel(struct gw *gw, struct scene *scene);

#endif
