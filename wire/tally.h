/*
 * What a session counts of its URBs and tells the warden: how many, how much, how
 * long. Only numbers, and only growing ones, so that what gets lost on the way
 * is in the next one.
 */
#ifndef WIRE_TALLY_H
#define WIRE_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Times are counted in steps: up to tally_us[i] microseconds, the last one is
 * whatever is more. */
#define TALLY_STEPS 13u
extern const uint32_t tally_us[TALLY_STEPS - 1];

struct tally_times {
	uint64_t steps[TALLY_STEPS];
	uint64_t ns; /* their sum */
};

struct tally {
	uint64_t urbs;		      /* that got their reply, or were unlinked */
	uint64_t bytes_in, bytes_out; /* of the device: data, without headers */
	uint32_t open;		      /* URBs without a reply, just now */
	/* From a URB's last byte to its hand-over to the device: order, bounds,
	 * inspection, verdicts. */
	struct tally_times wait;
	/* To its reply: of control and bulk alone, since an interrupt or an
	 * isochronous URB waits for what happens. */
	struct tally_times took;
};

#define TALLY_WIRE (3u * 8u + 4u + 2u * (TALLY_STEPS + 1u) * 8u)

void tally_time(struct tally_times *times, uint64_t ns);
/* Returns the length, or ERR_NOMEM. */
int tally_encode(void *buf, size_t size, const struct tally *tally);
/* 0 or ERR_FORMAT. */
int tally_decode(struct tally *tally, const void *buf, size_t len);
/* Adds to total what is more in now than in before. 0, or ERR_FORMAT: something
 * is less, or there are more times than URBs; then nothing was added. */
int tally_add(struct tally *total, const struct tally *before,
    const struct tally *now);

#endif
