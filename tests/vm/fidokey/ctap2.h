/*
 * The commands of a FIDO 2.0 key: credentials on P-256, kept in memory,
 * attested by themselves. No PIN, no user to ask: presence is always granted.
 */
#ifndef TESTS_VM_FIDOKEY_CTAP2_H
#define TESTS_VM_FIDOKEY_CTAP2_H

#include <stddef.h>
#include <stdint.h>

/* One command with its CBOR; the answer, its status first, goes to out. Returns
 * its length, at most size, which is at least 1. */
size_t ctap2_command(
    const uint8_t *request, size_t len, uint8_t *out, size_t size);

#endif
