/*
 * When a server is asked again: many gateways are started together, and lose it at
 * one moment, and should not come to it at one.
 */
#ifndef PROXY_WARDEN_PACE_H
#define PROXY_WARDEN_PACE_H

#include <stdint.h>

/* Some of the last fifth of it off, by chance. */
uint64_t pace_jitter(uint64_t ns);

/* ns for an interval of so many seconds (1 to 86400) after so many failures in a
 * row: twice as long for each, `doublings' of them at the most, and no longer than
 * a quarter of an hour, or the interval itself when that is longer. */
uint64_t pace_back_off(uint64_t seconds, unsigned failures, unsigned doublings);

#endif
