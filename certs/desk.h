/*
 * Where requests for a certificate are answered: the CA, its tokens and its
 * record together. Has no socket; what it reads of a peer is one request of
 * nearly fixed length, from a process that is not trusted. Runs in
 * `sallyport-certs serve', the one process that has a CA's key and works by
 * itself.
 */
#ifndef CERTS_DESK_H
#define CERTS_DESK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "certs/ca.h"
#include "certs/key.h"
#include "wire/enroll.h"

struct desk {
	const char *dir;   /* borrowed */
	char *tokens;	   /* owned: its directory */
	struct ca ca;
	/* What a front shows: a server's certificate and those of the CA, and
	 * its key. Both end with a NUL; made anew by desk_renew. */
	char cert[2 * CA_PEM_MAX];
	unsigned char key[KEY_PEM_MAX];
	time_t renewed;
};

/* Loads the CA in dir. -1, said. Free it in any case. */
int desk_open(struct desk *desk, const char *dir);
void desk_free(struct desk *desk);
/* Makes cert and key, if those that it has are half a day old. -1, said. */
int desk_renew(struct desk *desk);
/* Answers one request of peer's, a text for the log: how many bytes of reply
 * are in out. Logs what became of it. */
size_t desk_answer(struct desk *desk, const void *request, size_t len,
    const char *peer, uint8_t out[ENROLL_REPLY_MAX]);

#endif
