/*
 * JSON files of the tool, bounded and strict.
 */
#ifndef POLICY_TOOL_JSON_H
#define POLICY_TOOL_JSON_H

#include <jansson.h>
#include <stddef.h>

/* One object out of a file. 0, or an error that was said. */
int json_read_object(json_t **out, const char *path);
/* A text without a NUL inside; ERR_FORMAT when it is none or does not fit. */
int json_copy_text(const json_t *value, char *dst, size_t size);

#endif
