/*
 * For fuzz_session: an input as a play between a workstation, a device and a
 * warden, with a session in the middle, and what has to hold of its answers
 * however it goes.
 */
#ifndef TESTS_FUZZ_SESSION_PLAY_H
#define TESTS_FUZZ_SESSION_PLAY_H

#include "tests/fake/session_rig.h"
#include "wire/cursor.h"

#define PLAY_SEQNUMS 1024u

/* What the workstation sent under a seqnum, and waits for. */
struct play_sent {
	uint8_t is_live, is_unlink, is_in;
	uint8_t npackets;
	uint16_t packet[8]; /* lengths */
	uint32_t length;
};

struct play {
	struct rig *rig;
	struct rcur in; /* what is left of the input */
	const struct play_part *part;
	uint32_t seqnum; /* the last one */
	int is_attached;
	int is_wild; /* what was sent is not known: answers are not held to it
		      */
	int is_deaf;
	int has_faults;
	struct play_sent sent[PLAY_SEQNUMS];
};

/* A device and who judges it; made once. */
struct play_part {
	const char *device;    /* below tests/devices; NULL = the rig's */
	const char *usings[4]; /* "PROFILE" or "PROFILE N"; none = the floor */
	struct devrec *rec;
	void *block[2]; /* two tables: they can be swapped */
	size_t size[2];
	uint8_t addresses[24];
	unsigned naddresses;
};

/* The parts there are, read and compiled when it is called first. */
const struct play_part *play_part(unsigned n);

/* A session with that part, and what the flags say of it. */
void play_begin(struct play *play, uint8_t flags);
/* Nothing is in the way any more: everything that can end has ended. */
void play_clear(struct play *play);
/* The next step of the input. */
void play_step(struct play *play);
/* Everybody does what there is to do; what came is looked at. */
void play_settle(struct play *play);
/* session_check.c: takes the answers that came, and holds them to what was
 * sent. */
void play_check(struct play *play);
/* Whether something that nothing can hold up is unanswered. */
int play_is_owed(const struct play *play);

#endif
