/*
 * Serves verdicts of a Sallyport gateway: for programs that answer what its rules
 * and profiles ask, see sallyport-verdict(7). This library speaks the protocol,
 * answers pings and takes asks apart; what is decided is yours. It depends on
 * libc and jansson alone, and knows nothing of the gateway's insides.
 *
 * It does not block but in sallyport_verdict_open, starts no thread, installs no
 * handler and prints nothing. One connection is for one thread at a time.
 *
 *	open ─► next, until it says NOTHING ─► poll its descriptor ─► next ...
 *	          └─► answer, now or later, in any order
 *
 * The first next comes before the first poll: an ask may have come with the
 * gateway's hello, and is then in the buffer and not in the descriptor.
 *
 * Call next at least as often as the gateway pings, every five seconds unless
 * gateway.conf says otherwise: it is there that pings are answered. One that
 * computes for longer is dropped; compute elsewhere.
 */
#ifndef SALLYPORT_VERDICT_H
#define SALLYPORT_VERDICT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SALLYPORT_VERDICT_SOCKET "/run/sallyport/verdict.sock"
/* Bytes of a reason that count; more is cut. */
#define SALLYPORT_VERDICT_REASON 255u

struct sallyport_verdict;

/* Connects to the socket at path (NULL: the one above), says that it serves name,
 * and waits for the gateway's word, ten seconds at most. 0, or a negative errno,
 * for which sallyport_verdict_why has words:
 *
 *	-EACCES	the gateway refused: it says why
 *	-EPROTO	what is there is no gateway
 *	-ECONNRESET, -ETIMEDOUT, -ENOENT, -ECONNREFUSED, ...
 *		it closed at once (this user may serve nothing), says nothing, or
 *		is not there
 *	-EINVAL	path or name is too long, or name is empty
 *	-ENOMEM	*out is NULL
 *
 * *out is to be closed whatever came of it. */
int sallyport_verdict_open(
    struct sallyport_verdict **out, const char *path, const char *name);
/* Asks without an answer get their `else'. NULL is fine. */
void sallyport_verdict_close(struct sallyport_verdict *v);
/* What went wrong last, in words for people; "" = nothing. Borrowed. */
const char *sallyport_verdict_why(const struct sallyport_verdict *v);

/* For poll(2): the descriptor, borrowed, and what to wait for, POLLIN with or
 * without POLLOUT. -1 when it was never open. */
int sallyport_verdict_fd(const struct sallyport_verdict *v);
short sallyport_verdict_events(const struct sallyport_verdict *v);
/* As many asks as the gateway has open at once. */
unsigned sallyport_verdict_concurrency(const struct sallyport_verdict *v);

enum sallyport_verdict_event {
	SALLYPORT_NOTHING = 0, /* wait */
	SALLYPORT_ASK,	       /* ask is what is asked: answer it in time */
	SALLYPORT_OVER,	       /* id needs no answer any more */
};

enum sallyport_verdict_kind {
	SALLYPORT_IMPORT,
	SALLYPORT_TRANSFER,
	SALLYPORT_OTHER, /* of a later gateway */
};

struct sallyport_verdict_ask {
	uint32_t id;
	/* Of ASK, until the next call of next: */
	enum sallyport_verdict_kind kind;
	uint32_t deadline_ms; /* that are left */
	const char *line;     /* all of it, JSON without a newline; borrowed */
};

/* Sends and receives what can be at once, and gives the next event, or a negative
 * errno, after which close is all that is left:
 *
 *	-ECONNRESET	the gateway is gone
 *	-EPROTO		it says what none says
 *	-ENOMEM */
int sallyport_verdict_next(
    struct sallyport_verdict *v, struct sallyport_verdict_ask *ask);

/* Of the ask that next gave last, a member by its path, "device.serial" or
 * "facts.op": its text, borrowed until the next call of next; NULL when it is not
 * there or is no text. The text of a device is what a stranger chose. */
const char *sallyport_verdict_text(
    const struct sallyport_verdict *v, const char *path);
/* Likewise a number, or a range, "facts.lba", as its ends. 0, or -ENOENT. */
int sallyport_verdict_range(const struct sallyport_verdict *v, const char *path,
    uint64_t *first, uint64_t *last);

enum sallyport_verdict_word {
	SALLYPORT_ALLOW,
	SALLYPORT_DENY,
	SALLYPORT_EJECT, /* the device leaves the workstation */
	SALLYPORT_NONE,	 /* no opinion: `else' holds */
};

/* Answers. valid is for how many seconds the gateway may answer the same by
 * itself, 0 = this once (sallyport-verdict(7) says what is the same); reason is
 * for people, in UTF-8, NULL = none. 0, also for one of the last 64 that were over,
 * whose answer is not sent; -ENOENT: that was never asked, or was answered;
 * -EINVAL: word, valid or the encoding of reason is none; -ENOMEM. What cannot be
 * sent now is sent by next. */
int sallyport_verdict_answer(struct sallyport_verdict *v, uint32_t id,
    enum sallyport_verdict_word word, uint32_t valid, const char *reason);

#ifdef __cplusplus
}
#endif

#endif
