/*
 * A judge that rules as it was told, and a decoder's host, for tests of
 * decoders. It remembers the facts of every unit that it was asked about.
 */
#ifndef TESTS_FAKE_JUDGE_LIST_H
#define TESTS_FAKE_JUDGE_LIST_H

#include "policy/decode/decode.h"

#define JUDGE_LIST_MAX 256u
#define JUDGE_LIST_BYTES 256u

struct judge_seen {
	struct facts facts; /* its pointers lead to the copies below, or NULL */
	uint8_t text[JUDGE_LIST_BYTES], bytes[JUDGE_LIST_BYTES];
	uint32_t usages[16];
};

struct judge_list {
	struct judge judge; /* first member */
	struct ruling always; /* when the list is used up; zero = ALLOW */
	struct ruling rulings[JUDGE_LIST_MAX];
	unsigned nrulings, at;
	struct judge_seen seen[JUDGE_LIST_MAX]; /* the first of them */
	unsigned nseen;
	unsigned ninvalid;
	const char *invalid; /* the last */
	enum hook invalid_hook;
	/* the host's half */
	uint8_t random;	      /* bytes of random are this, counted up */
	int challenge_result; /* of challenge */
	unsigned nchallenges;
	char digits[32]; /* of the last challenge */
	unsigned nnotes;
	const char *note;
	unsigned nanswers;    /* of answer_in */
	uint8_t answer_ep;    /* the last */
	uint32_t answer_len;
	uint8_t answer[JUDGE_LIST_BYTES];
	const struct decoder *sibling; /* what sibling gives */
};

void judge_list_init(struct judge_list *j);
/* The next ruling; returns it to be filled in further. */
struct ruling *judge_list_add(struct judge_list *j, enum verdict verdict);
/* The facts of the last unit; NULL before the first. */
const struct facts *judge_list_last(const struct judge_list *j);

/* arg is the judge_list. */
extern const struct decode_host_ops judge_list_host;

/* A decoder of that class, its state malloced (for free), attached to the
 * alternate (number, alternate) of a configuration's bytes; NULL when it does
 * not take it. config and rec are filled and must outlive it; bytes, too. The
 * record gets the configuration, and a report descriptor when report is not
 * NULL. Fails the test when attach does. */
struct decoder *judge_list_attach(struct judge_list *j,
    const struct decoder_ops *ops, struct devrec *rec,
    struct desc_config *config, const uint8_t *bytes, size_t len,
    uint8_t number, uint8_t alternate, const uint8_t *report,
    size_t report_len, const struct judge_terms *terms);

/* A bulk or interrupt transfer; control has its own, with the setup packet. */
void unit_make(struct unit *u, uint8_t endpoint, enum desc_xfer type,
    void *data, uint32_t length, uint64_t now);
void unit_control(struct unit *u, uint8_t request_type, uint8_t request,
    uint16_t value, uint16_t index, void *data, uint16_t length,
    uint64_t now);
/* As it comes back from the device. */
void unit_done(struct unit *u, int32_t status, uint32_t actual);

#endif
