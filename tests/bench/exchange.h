/*
 * What inspection costs on the way of data: 16 KiB read from a stick, command,
 * data and status through the decoder and a judge. Pure computing.
 */
#ifndef TESTS_BENCH_EXCHANGE_H
#define TESTS_BENCH_EXCHANGE_H

#include "policy/facts/judge.h"

#define EXCHANGE_DATA 16384u
#define EXCHANGES 1000u /* in one pass */

/* ns for one exchange (three URBs), over a pass. The judge has to allow READ. */
double exchange_pass(struct judge *judge);

#endif
