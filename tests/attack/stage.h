/*
 * A gateway to attack, outside of any guest: sallyportd, sallyport-warden,
 * sallyport-session and sallyport-probe as they are, but that their devices are
 * simulated (plug.h) and that sysfs and /run are directories of ours. All of it lives in a
 * mount and a network namespace of its own, and ends with them.
 *
 * Needs root, or a kernel and newuidmap(1) that let a user have a range of uids
 * in a namespace.
 */
#ifndef TESTS_ATTACK_STAGE_H
#define TESTS_ATTACK_STAGE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/fake/pki.h"

#define STAGE_PORT 3241
#define STAGE_BUSNUM 3
/* Devices 3-1 to 3-4, devnum 11 to 14. The first is the honest one's. Behind
 * them are others, which nobody can have any more after an attack. */
#define STAGE_DEVICES 4
#define STAGE_SPENT 8
#define STAGE_HONEST "3-1"
#define STAGE_VICTIM "3-2"
/* OUT transfers of that length are asked about, of "judge". */
#define STAGE_ASKED 777

struct stage {
	/* The caller's: key-holder = yes, with a key of RSA; a list of revoked
	 * certificates, empty, in crl.pem. */
	int has_signer, has_list;
	char dir[64]; /* what it writes */
	char bin[4096];
	pid_t broker;
	FILE *audit;	   /* owned; where we have read to */
	struct pki_cert ca, gateway, honest, attacker, stranger;

	/* what the audit log said so far */
	uint64_t identified, ended, streaming, refused, changed;
	uint64_t crashed;    /* ended by a signal that nobody sent */
	char rule[64];	     /* the last refusal */
	char crash[256];     /* the line of the first crash */
	/* the last that did what it may not: "session: request 8" */
	char forbidden[64];
	char ejected[64]; /* why somebody was, the last time */
};

/* Before anything else of the program runs: moves it into its namespaces.
 * 0, or -1 after saying what is missing. */
int stage_enter(char **argv);
/* Root hub and devices, below a /sys that is a tmpfs. */
void stage_make_sysfs(void);
/* Starts the gateway and waits until its devices are ready. 0 or -1, said. */
int stage_start(struct stage *stage);
/* Ends it. 0 when all its processes went as they should. */
int stage_stop(struct stage *stage);

/* For others who play a machine, too; each ends the program when it cannot.
 * All directories of a path; DIR/NAME with that text, or a PEM text with its
 * NUL; and what is below a directory of ours in /tmp, with it. */
void stage_dirs(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void stage_text(const char *dir, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void stage_pem(
    const char *dir, const char *name, const uint8_t *pem, size_t len);
void stage_remove(const char *dir);

/* Reads on in the audit log. */
void stage_listen(struct stage *stage);
/* Waits until so many sessions have ended, ms at most. 0 or -1. */
int stage_wait_ended(struct stage *stage, uint64_t n, int ms);
/* Whether broker and warden are those that were started. */
int stage_is_alive(const struct stage *stage);

/* KiB that its processes have of their own, shared pages by shares (PSS), all
 * together; *most gets the largest session, *count how many processes. */
uint64_t stage_memory(
    const struct stage *stage, uint64_t *most, unsigned *count);

#endif
