/*
 * What somebody tries whose code runs in a process of ours: one attempt each,
 * by the system call itself. Each returns 1 when it got something, 0 when it
 * was refused; where its sandbox holds it mostly does not return at all.
 */
#ifndef TESTS_FAKE_ATTEMPTS_H
#define TESTS_FAKE_ATTEMPTS_H

#include <stddef.h>
#include <stdint.h>

enum attempt_kind {
	ATTEMPT_FILE,	 /* may be refused without an end */
	ATTEMPT_SOCKET,	 /* what a relay does before it is connected */
	ATTEMPT_CALL,	 /* its end, in every process */
	ATTEMPT_BROKER,	 /* a request that the broker ends it for */
	ATTEMPT_WARDEN,	 /* likewise the warden */
	ATTEMPT_SIGNER,	 /* of a session in its handshake, with 6 = signer: more
			    than its one signature */
};

struct attempt {
	const char *name;
	enum attempt_kind kind;
	int (*run)(void);
	long number; /* of the system call, or type of the request */
};

extern const struct attempt attempts[];
extern const size_t nattempts;

/* The key of the gateway, to be read. */
extern char attempt_key[256];
/* The device's descriptor. */
extern int attempt_device;

#endif
