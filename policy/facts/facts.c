/*
 * Facts as one line, and the words of verdicts. Runs in sessions, for what goes
 * to the audit log. Keys and usages of a HID are what a person typed: they are
 * counted, never shown.
 */
#include "policy/facts/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
	char *p;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->used >= l->size) {
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(l->p + l->used, l->size - l->used, fmt, ap);
	va_end(ap);
	if (n > 0) {
		l->used += (size_t)n;
	}
}

static void
add_text(struct line *l, const char *word, const struct facts *f, int is_hex)
{
	add(l, " %s=", word);
	for (uint32_t i = 0; f->text != NULL && i < f->text_len; i++) {
		uint8_t c = f->text[i];

		if (is_hex) {
			add(l, "%02x", c);
		} else if (c > 0x20 && c < 0x7f && c != '\\') {
			add(l, "%c", c);
		} else {
			add(l, "\\x%02x", c);
		}
	}
}

char *
fact_number_text(
    char *dst, size_t size, const struct hook_fact *fact, uint64_t n)
{
	static const enum fact hex[] = {FACT_REQUEST, FACT_VALUE, FACT_INDEX,
	    FACT_EP, FACT_OP, FACT_PAGE, FACT_CLA, FACT_INS, FACT_P1, FACT_P2,
	    FACT_CMD, FACT_U2F, FACT_CBOR, FACT_ETHERTYPE, FACT_CONTROL,
	    FACT_KEY, FACT_CHORD, FACT_USAGE};
	const char *name = fact_name_of(fact, n);
	unsigned long long number = n;

	if (name != NULL) {
		(void)snprintf(dst, size, "%s", name);
		return dst;
	}
	for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++) {
		if (hex[i] == fact->fact) {
			(void)snprintf(dst, size, "0x%02llx", number);
			return dst;
		}
	}
	(void)snprintf(dst, size, "%llu", number);
	return dst;
}

static void
add_number(struct line *l, const struct hook_fact *fact, uint64_t n)
{
	char text[64];

	add(l, " %s=%s", fact->word,
	    fact_number_text(text, sizeof(text), fact, n));
}

static void
add_fact(struct line *l, const struct hook_fact *fact, const struct facts *f)
{
	switch (fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		/* a request that has a name is not shown by number, too */
		if (fact->fact != FACT_REQUEST ||
		    !facts_has(f, FACT_REQUEST_NAME) ||
		    f->num[FACT_REQUEST_NAME] == 0) {
			add_number(l, fact, f->num[fact->fact]);
		}
		return;
	case FACT_IS_SPAN:
		if (f->high < f->num[fact->fact]) {
			add(l, " %s=none", fact->word);
		} else {
			add(l, " %s=%llu..%llu", fact->word,
			    (unsigned long long)f->num[fact->fact],
			    (unsigned long long)f->high);
		}
		return;
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
	case FACT_IS_USAGES:
		return;
	case FACT_IS_TEXT:
		add_text(l, fact->word, f, 0);
		return;
	case FACT_IS_HEX:
		add_text(l, fact->word, f, 1);
		return;
	}
}

char *
facts_text(char *dst, size_t size, const struct facts *f)
{
	const struct hook_info *info = hook_info(f->hook);
	struct line l = {.p = dst, .size = size};

	dst[0] = '\0';
	for (size_t i = 0; i < info->nfacts; i++) {
		const struct hook_fact *fact = &info->facts[i];

		if (facts_has(f, fact->fact) &&
		    (fact->fact != FACT_REQUEST_NAME ||
			f->num[FACT_REQUEST_NAME] != 0)) {
			add_fact(&l, fact, f);
		}
	}
	/* the blank in front of the first */
	memmove(dst, dst + (dst[0] == ' '), strlen(dst) + (dst[0] != ' '));
	return dst;
}

const char *
verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_ALLOW] = "allow",
		[VERDICT_DENY] = "deny",
		[VERDICT_DROP] = "drop",
		[VERDICT_REWRITE] = "rewrite",
		[VERDICT_ASK] = "ask",
		[VERDICT_EJECT] = "eject",
		[VERDICT_QUARANTINE] = "quarantine",
		[VERDICTS] = "note",
	};

	return verdict <= VERDICTS ? names[verdict] : "";
}
