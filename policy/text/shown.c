/*
 * A line of a text as an error shows it. Runs wherever a policy is loaded.
 */
#include "policy/text/shown.h"

#include <string.h>

#define SHOWN 120u /* bytes of the line */

const char *
shown_line(struct arena *arena, const char *text, size_t size, unsigned line,
    unsigned column, unsigned *caret)
{
	const char *p = text, *end, *eol;
	size_t start = 0, len;
	char *shown;

	*caret = 1;
	if (p == NULL) {
		return "";
	}
	end = p + size;
	while (line > 1 && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		p = nl != NULL ? nl + 1 : end;
		line--;
	}
	eol = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	len = (size_t)((eol != NULL ? eol : end) - p);
	if (column > 0 && column - 1 <= len) {
		if (len > SHOWN && column > SHOWN * 3 / 4) {
			start = column - SHOWN / 2;
		}
		*caret = (unsigned)(column - start);
	}
	len -= start;
	if (len > SHOWN) {
		len = SHOWN;
	}
	shown = len == 0 ? NULL : arena_dup(arena, p + start, len);
	if (shown == NULL) {
		return "";
	}
	while (len > 0 && (shown[len - 1] == ' ' || shown[len - 1] == '\t')) {
		shown[--len] = '\0';
	}
	for (size_t i = 0; i < len; i++) {
		if (shown[i] == '\t') {
			shown[i] = ' ';
		} else if (shown[i] < 0x20 || shown[i] > 0x7e) {
			shown[i] = '?';
		}
	}
	return shown;
}

void
shown_clean(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e) {
			*p = '?';
		}
	}
}
