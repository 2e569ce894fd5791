/*
 * Text that somebody else wrote, shown safely, and hexadecimal. Knows nothing
 * of certificates.
 */
#ifndef CERTS_TEXT_H
#define CERTS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* TEXT_DN also puts a backslash before what separates parts of a
 * distinguished name. */
enum text_where { TEXT_PLAIN, TEXT_DN };

/* The bytes of the first character of (s, len) if it is well-formed UTF-8 and
 * can be seen and does not change the direction of others; 0 otherwise. */
size_t text_visible(const char *s, size_t len);

/* Writes (s, len) to f; every byte that text_visible refuses, and the
 * backslash, becomes \xHH. The result is well-formed UTF-8 of one line. */
void text_put(FILE *f, const void *s, size_t len, enum text_where where);

/* 2 * len lower-case digits and a NUL. */
void text_hex(char *out, const uint8_t *p, size_t len);
/* The other way, of all of s, of either case: 0, or -1 if it is no hexadecimal
 * text of whole bytes, or of more than size. */
int text_unhex(uint8_t *out, size_t size, size_t *len, const char *s);

#endif
