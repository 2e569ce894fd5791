/*
 * Transfers as text, for tests of decoders. A line is a step; the rest of a
 * step after the ` = ' is what the decoder makes of it:
 *
 *   > HEX = ACT           bulk OUT, and its completion after a pass
 *   < HEX = ACT [HEX]     bulk IN that brings HEX; what the workstation gets,
 *                         - for nothing
 *   <N HEX = ACT [HEX]    likewise with a buffer of N bytes
 *   ! HEX = ACT           interrupt IN
 *   c HEX [HEX] = ACT     control: 8 bytes of setup; data that go, or come
 *   x = ACT               bulk IN that is cancelled
 *   ? VERDICT [SW]        the next ruling
 *   f HOOK WORD=N ...     facts of the last unit: WORD=N, WORD=name, -WORD
 *   a HEX                 made up for the IN endpoint since the last look
 *   r HOOK ...            the hooks that were asked since the last r
 *
 * ACT: pass answer hold again eject quarantine stall (an answer of EPIPE).
 */
#ifndef TESTS_FAKE_DECODE_SCRIPT_H
#define TESTS_FAKE_DECODE_SCRIPT_H

#include "tests/fake/judge_list.h"

struct script {
	struct judge_list judge;
	struct decoder *decoder; /* borrowed */
	uint8_t ep_out, ep_in, ep_int;
	uint32_t room; /* of an IN transfer, 0 = 4096 */
	unsigned nanswers, nseen; /* looked at so far */
};

/* Runs each line; fails the test with name and line. */
void script_run(struct script *s, const char *name, const char *text);

#endif
