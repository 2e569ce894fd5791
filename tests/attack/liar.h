/*
 * A gateway that serves the device of plug.h over any stream, honestly but for
 * one lie. A lie is an honest answer with a few numbers of it changed, so that
 * the same table serves against a relay on loopback and against one that feeds a
 * real kernel.
 */
#ifndef TESTS_ATTACK_LIAR_H
#define TESTS_ATTACK_LIAR_H

#include <stddef.h>
#include <stdint.h>

#include "tests/fake/gateway_fake.h"
#include "wire/usbip.h"

#define LIAR_BUSID "3-2"
#define LIAR_BUSNUM 3u
#define LIAR_DEVNUM 7u
#define LIAR_BYTE 0x5a /* of all that the device ever says */
/* What the kernel submits of each kind, so that the lies know where a number
 * stands. */
#define LIAR_LENGTH 64u
#define LIAR_HALF (256u * 1024u) /* of a submit that does not end */
#define LIAR_PACKETS 3u
#define LIAR_PACKET 100u
#define LIAR_ISO_LENGTH (LIAR_PACKETS * LIAR_PACKET)

/* What the lie is an answer to. */
enum lie_when {
	LIE_NEVER,
	LIE_LIST,
	LIE_IMPORT,
	LIE_DEVICE, /* descriptors: of the device, */
	LIE_CONFIG, /* of its configuration, */
	LIE_REPORT, /* of its reports */
	LIE_BULK_IN,
	LIE_BULK_OUT,
	LIE_ISO_IN,
	LIE_ISO_OUT,
	LIE_UNLINK,
};

enum lie_extra {
	LIE_CUT = 1,   /* hangs up behind it */
	LIE_TWICE = 2, /* says it again */
	LIE_EARLY = 4, /* before the body of the submit is there */
	LIE_LATE = 8,  /* and behind it, the reply that was taken back */
};

struct lie_patch {
	uint16_t at, width; /* above 4: so many bytes of that value */
	uint32_t value;	    /* big-endian */
};

struct lie {
	const char *what;
	enum lie_when when;
	unsigned skip; /* so many are answered honestly before */
	/* A piece of what the relay says when it ends. NULL: what is wrong in
	 * it is not passed on, and the device goes on. */
	const char *reason;
	unsigned extra; /* enum lie_extra */
	int more;	/* bytes behind the answer, or so many fewer */
	unsigned passes; /* replies that are true, before it is noticed */
	struct lie_patch patches[4];
};

extern const struct lie lies[];
extern const size_t nlies;

#define LIAR_WAITING 64u

struct liar {
	struct gateway_fake fake;
	const struct lie *lie; /* borrowed; NULL = honest */
	unsigned seen;	       /* so often it could have lied */
	unsigned told;
	int is_streaming, hangs_up;
	int is_silent; /* answers nothing any more */
	uint64_t commands;
	struct usbip_header cmd; /* whose body is not there yet */
	int has_cmd;
	struct usbip_header waiting[LIAR_WAITING]; /* for an end */
	unsigned nwaiting;
	uint8_t answer[256 * 1024];
};

/* Takes stream, whose handshake it makes. 0, or -1 when out of memory. */
int liar_init(struct liar *liar, struct stream *stream, const struct lie *lie);
void liar_fini(struct liar *liar);
/* Moves what moves without waiting, and answers what was asked. */
void liar_turn(struct liar *liar);
/* The device as the import has it. */
struct usbip_device liar_device(void);

#endif
