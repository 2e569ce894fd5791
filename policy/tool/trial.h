/*
 * A bundle on trial: what a gateway asks of one before it takes effect, and a
 * publisher before it is signed.
 */
#ifndef POLICY_TOOL_TRIAL_H
#define POLICY_TOOL_TRIAL_H

#include "policy/bundle/bundle.h"
#include "policy/tool/test.h"

/* Its profiles and rules compile by themselves, `using' names profiles that
 * there are, and its tests pass. 0, or an error, and what is wrong was said.
 * stock as for test_file. */
int trial_run(
    const struct bundle *b, const char *stock, struct test_tally *tally);

#endif
