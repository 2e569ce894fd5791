/*
 * What the gateway of stage.h says of itself: in its log, and to sallyctl.
 */
#ifndef TESTS_ATTACK_LOOK_H
#define TESTS_ATTACK_LOOK_H

#include <stddef.h>

#include "tests/attack/stage.h"

/* How often its log has a line with that. */
unsigned look_said(const struct stage *stage, const char *what);
/* Whether it has so many of them, in ms at most. */
int look_awaits(
    const struct stage *stage, const char *what, unsigned n, int ms);
/* Runs a program in a directory, without input; out gets what it says on both
 * outputs, cut to fit. Its status, as of waitpid(2). */
int look_run(const char *dir, const char *const *argv, char *out, size_t size);
/* What `sallyctl WORD' says. 0 when it went well. */
int look_ctl(
    const struct stage *stage, const char *word, char *out, size_t size);

#endif
