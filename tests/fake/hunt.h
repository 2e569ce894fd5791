/*
 * Looks for a private key in the memory of a process, through /proc: as the
 * file has it, as text, and as mbedTLS computes with it. What is looked for is
 * kept masked, so that it is not found where it is kept.
 */
#ifndef FAKE_HUNT_H
#define FAKE_HUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HUNT_PART 16u

enum hunt_for {
	HUNT_NUMBER, /* in bytes, first or last byte first */
	HUNT_ALL,    /* and in base64 */
};

struct hunt {
	unsigned nparts;
	uint8_t part[3][HUNT_PART]; /* masked */
};

/* Learns the secret number of an elliptic key (RFC 5915), or the first prime
 * of an RSA key (RFC 8017 A.1.2), from its PEM text. Ends the program when it
 * is neither. */
void hunt_learn(struct hunt *out, const uint8_t *pem, enum hunt_for what);
/* How often it is in the writable memory of pid; -1 when that may not be read
 * (errno). 0 is this process. */
int hunt_count(const struct hunt *hunt, pid_t pid);
/* Its memory that no file stands behind, in KiB: what one more of its kind
 * costs. 0 when that cannot be read. */
unsigned hunt_kib(pid_t pid);

#endif
