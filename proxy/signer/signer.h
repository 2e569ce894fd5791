/*
 * Who has the gateway's key: it signs one hash for each session that the broker
 * brings, and does nothing else with the key. Knows nothing of TLS, peers,
 * devices and files.
 */
#ifndef PROXY_SIGNER_SIGNER_H
#define PROXY_SIGNER_SIGNER_H

struct loop;
struct signer;

#define SIGNER_SESSIONS 2000u /* at once: more than sallyportd can have */
#define SIGNER_RATE 64u	      /* signatures a second, and so many at once */

struct signer_how {
	struct loop *loop; /* borrowed */
	int broker;	   /* owned from signer_new on */
	/* Once, from inside the loop: there is nothing more to do. 0, or 1: the
	 * key is not taken, or the broker broke the protocol. */
	void (*ended)(void *arg, int exit_code);
	void *arg;
};

/* 0 or ERR_NOMEM. */
int signer_new(struct signer **out, const struct signer_how *how);
/* Wipes the key. NULL is fine. */
void signer_free(struct signer *signer);

#endif
