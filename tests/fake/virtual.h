/*
 * Time that passes when a test says so. tests/fake/virtual.c is linked in the
 * place of base/loop.c and base/clock.c, and has the same functions: a minute
 * costs nothing, nothing depends on how fast the machine is, and each run is
 * the same as the one before.
 *
 * Descriptors are real. A turn asks for what is ready, runs the timers that are
 * due in the order of their time, then the descriptors in the order of their
 * making. loop_once(LOOP_WAIT) goes on to the next timer when nothing is ready.
 */
#ifndef TESTS_FAKE_VIRTUAL_H
#define TESTS_FAKE_VIRTUAL_H

#include <stdint.h>

/* Nanoseconds pass at once; what became due runs in the next turn. */
void virtual_pass(uint64_t ns);
/* Until the next timer; UINT64_MAX when none runs. */
uint64_t virtual_next(void);
/* Callbacks of timers and descriptors that ran so far: a turn that adds none had
 * nothing to do. */
uint64_t virtual_callbacks(void);

#endif
