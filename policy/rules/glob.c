/*
 * Patterns with `*', compared with hostile text. No recursion and one mark to
 * go back to, so a comparison costs at most the product of both lengths.
 */
#include "policy/rules/ast.h"

static unsigned char
folded(char c, enum glob_case fold)
{
	unsigned char u = (unsigned char)c;

	if (fold == GLOB_FOLD && u >= 'A' && u <= 'Z') {
		u = (unsigned char)(u - 'A' + 'a');
	}
	return u;
}

int
glob_match(const char *pattern, size_t pattern_len, const char *text,
    size_t len, enum glob_case fold)
{
	size_t p = 0, t = 0;
	size_t after_star = 0, resume = 0;
	int has_star = 0;

	while (t < len) {
		if (p < pattern_len && pattern[p] == '*') {
			/* first try the empty run, then longer ones; an
			 * earlier star never has to be looked at again */
			has_star = 1;
			after_star = ++p;
			resume = t;
		} else if (p < pattern_len &&
		    folded(pattern[p], fold) == folded(text[t], fold)) {
			p++;
			t++;
		} else if (has_star) {
			p = after_star;
			t = ++resume;
		} else {
			return 0;
		}
	}
	while (p < pattern_len && pattern[p] == '*') {
		p++;
	}
	return p == pattern_len;
}
