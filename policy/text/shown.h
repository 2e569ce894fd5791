/*
 * A line of a text as an error shows it.
 */
#ifndef POLICY_TEXT_SHOWN_H
#define POLICY_TEXT_SHOWN_H

#include <stddef.h>

#include "policy/text/arena.h"

/* One printable byte per byte, so that columns stay true, and a part around
 * the column when the line is long; *caret is the column in what is shown.
 * Line and column from 1. "" when there is no such line, or no memory. */
const char *shown_line(struct arena *arena, const char *text, size_t len,
    unsigned line, unsigned column, unsigned *caret);
/* What is not printable ASCII becomes `?', in place. */
void shown_clean(char *text);

#endif
