#include "policy/tool/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define WORD_MAX 16384u

void
unit_init(struct unit_words *u)
{
	memset(u, 0, sizeof(*u));
	facts_init(&u->facts, HOOK_SETUP);
}

/* Decimal or 0x; 0, or -1. */
static int
read_number(const char *p, size_t len, uint64_t max, uint64_t *out)
{
	unsigned base = 10;
	uint64_t n = 0;

	if (len > 2 && p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned digit = p[i] >= '0' && p[i] <= '9' ?
		    (unsigned)(p[i] - '0') :
		    p[i] >= 'a' && p[i] <= 'f' ? (unsigned)(p[i] - 'a') + 10 :
						 16;

		if (digit >= base || n > (max - digit) / base) {
			return -1;
		}
		n = n * base + digit;
	}
	*out = n;
	return len > 0 && n <= max ? 0 : -1;
}

/* A number or the name of one. Of a name that has several numbers the first is
 * meant, but a group, whose numbers have names of their own, is no value. */
static int
read_value(const struct hook_fact *fact, const char *p, size_t len,
    uint64_t max, uint64_t *out)
{
	uint32_t low, high;

	if (fact->names != NULL &&
	    fact_name_range(fact->names, p, len, 0, &low, &high) &&
	    low == high) {
		const char *name = fact_name_of(fact, low);

		if (name == NULL || (strlen(name) == len &&
					memcmp(name, p, len) == 0)) {
			*out = low;
			return 0;
		}
	}
	return fact->is_closed ? -1 : read_number(p, len, max, out);
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

static int
read_hex(const char *p, size_t len, uint8_t *out, size_t size, uint32_t *n)
{
	*n = 0;
	if (len % 2 != 0 || len / 2 > size) {
		return -1;
	}
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(p[i]), low = hex_digit(p[i + 1]);

		if (high < 0 || low < 0) {
			return -1;
		}
		out[(*n)++] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* "2048..2055", "2048", or "none" for a command that touches no block. */
static int
read_span(struct unit_words *u, const struct hook_fact *fact, const char *p,
    size_t len)
{
	uint64_t low, high;
	size_t at = 0;

	if (len == 4 && memcmp(p, "none", 4) == 0) {
		facts_set(&u->facts, fact->fact, 1);
		u->facts.high = 0;
		return 0;
	}
	while (at < len && p[at] != '.') {
		at++;
	}
	if (read_number(p, at, UINT64_MAX, &low) != 0) {
		return -1;
	}
	high = low;
	if (at < len &&
	    (len - at < 3 || p[at + 1] != '.' ||
		read_number(p + at + 2, len - at - 2, UINT64_MAX, &high) !=
		    0)) {
		return -1;
	}
	facts_set(&u->facts, fact->fact, low);
	u->facts.high = high;
	return high >= low ? 0 : -1;
}

/* Of a modifier without a side: the left one. */
static int
read_modifier(const char *p, size_t len, uint64_t *key)
{
	static const char *const names[] = {"Ctrl", "Shift", "Alt", "GUI"};

	for (unsigned i = 0; i < 4; i++) {
		if (strlen(names[i]) == len && memcmp(p, names[i], len) == 0) {
			*key = 0xe0 + i;
			return 0;
		}
	}
	return -1;
}

/* "GUI+R": what is down, for `key' and `chord' both. */
static int
read_keys(struct unit_words *u, const struct hook_fact *fact, const char *p,
    size_t len)
{
	struct facts *f = &u->facts;

	memset(f->keys, 0, sizeof(f->keys));
	f->mods = 0;
	f->has |= UINT64_C(1) << FACT_KEY | UINT64_C(1) << FACT_CHORD;
	if (len == 4 && memcmp(p, "none", 4) == 0) {
		return 0;
	}
	for (size_t i = 0; i <= len; i++) {
		size_t from = i;
		uint64_t key;

		while (i < len && p[i] != '+') {
			i++;
		}
		if (read_modifier(p + from, i - from, &key) != 0 &&
		    read_value(fact, p + from, i - from, KEY_CODES - 1,
			&key) != 0) {
			return -1;
		}
		f->keys[key / 64] |= UINT64_C(1) << key % 64;
		if (key >= 0xe0 && key <= 0xe7) {
			f->mods |= (uint8_t)(1u << (key & 3));
		}
	}
	return 0;
}

static int
read_usages(struct unit_words *u, const struct hook_fact *fact,
    const char *p, size_t len)
{
	struct facts *f = &u->facts;

	f->usages = u->usages;
	f->nusages = 0;
	f->has |= UINT64_C(1) << fact->fact;
	if (len == 4 && memcmp(p, "none", 4) == 0) {
		return 0;
	}
	for (size_t i = 0; i <= len; i++) {
		size_t from = i;
		uint64_t usage;

		while (i < len && p[i] != '+') {
			i++;
		}
		if (f->nusages == UNIT_USAGES ||
		    read_value(fact, p + from, i - from, UINT32_MAX,
			&usage) != 0) {
			return -1;
		}
		u->usages[f->nusages++] = (uint32_t)usage;
	}
	return 0;
}

static int
read_text(struct unit_words *u, const struct hook_fact *fact, const char *p,
    size_t len)
{
	struct facts *f = &u->facts;

	f->text = u->text;
	f->has |= UINT64_C(1) << fact->fact;
	if (fact->kind == FACT_IS_HEX) {
		return read_hex(p, len, u->text, UNIT_TEXT, &f->text_len);
	}
	if (len > UNIT_TEXT) {
		return -1;
	}
	memcpy(u->text, p, len);
	f->text_len = (uint32_t)len;
	return 0;
}

static int
read_fact(struct unit_words *u, const struct hook_fact *fact, const char *p,
    size_t len)
{
	uint64_t n;

	switch (fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
		if (read_value(fact, p, len,
			fact->kind == FACT_IS_FLAG ? 1 : fact->max, &n) !=
		    0) {
			return -1;
		}
		facts_set(&u->facts, fact->fact, n);
		return 0;
	case FACT_IS_SPAN:
		return read_span(u, fact, p, len);
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
		return read_keys(u, fact, p, len);
	case FACT_IS_USAGES:
		return read_usages(u, fact, p, len);
	case FACT_IS_TEXT:
	case FACT_IS_HEX:
		return read_text(u, fact, p, len);
	}
	return -1;
}

static const char *
expected(const struct hook_fact *fact)
{
	switch (fact->kind) {
	case FACT_IS_NUMBER:
		return "a number that fits";
	case FACT_IS_WORD:
		return fact->is_closed ? "a name" : "one name or a number";
	case FACT_IS_FLAG:
		return "0 or 1";
	case FACT_IS_SPAN:
		return "blocks, 2048..2055, or none";
	case FACT_IS_KEYS:
	case FACT_IS_CHORDS:
		return "keys, GUI+R, or none";
	case FACT_IS_USAGES:
		return "usages, 0xc00e9+0xc00ea, or none";
	case FACT_IS_TEXT:
		return "a short text";
	case FACT_IS_HEX:
		return "pairs of hex digits";
	}
	return "a value";
}

/* A word may be of two facts: one by number, one by name. */
static int
read_either(struct unit_words *u, const struct hook_fact *fact, const char *p,
    size_t len)
{
	const struct hook_fact *named = NULL;

	if (fact->fact == FACT_REQUEST) {
		named = hook_fact_of(u->facts.hook, FACT_REQUEST_NAME);
	}
	if (named != NULL && read_fact(u, named, p, len) == 0) {
		return 0;
	}
	return read_fact(u, fact, p, len);
}

static int
add_fact(struct unit_words *u, const char *word, char *why, size_t size)
{
	const char *is = strchr(word, '=');
	size_t len = is != NULL ? (size_t)(is - word) : strlen(word);
	const struct hook_fact *fact =
	    hook_fact_find(u->facts.hook, word, len);

	if (fact == NULL) {
		(void)snprintf(why, size, "`%.40s' has no fact `%.*s'",
		    hook_info(u->facts.hook)->name,
		    (int)(len < 60 ? len : 60), word);
		return ERR_FORMAT;
	}
	if (is == NULL && fact->kind == FACT_IS_FLAG) {
		facts_set(&u->facts, fact->fact, 1);
		return 0;
	}
	if (is == NULL ||
	    read_either(u, fact, is + 1, strlen(is + 1)) != 0) {
		(void)snprintf(why, size, "expected %s after `%s='",
		    expected(fact), fact->word);
		return ERR_FORMAT;
	}
	return 0;
}

int
unit_add(struct unit_words *u, const char *word, char *why, size_t size)
{
	if (!u->is_named) {
		enum hook hook = hook_find(word, strlen(word));

		if (hook == HOOKS) {
			(void)snprintf(why, size, "no hook `%.60s'; expected "
			    "setup, scsi, hid or another of "
			    "sallyport.profile(5)", word);
			return ERR_FORMAT;
		}
		u->facts.hook = hook;
		u->is_named = 1;
		return 0;
	}
	if (strcmp(word, "back") == 0) {
		u->facts.is_back = 1;
		return 0;
	}
	if (strncmp(word, "bytes=", 6) == 0) {
		u->facts.bytes = u->bytes;
		if (read_hex(word + 6, strlen(word + 6), u->bytes, UNIT_BYTES,
			&u->facts.nbytes) != 0) {
			(void)snprintf(why, size,
			    "expected pairs of hex digits after `bytes='");
			return ERR_FORMAT;
		}
		return 0;
	}
	return add_fact(u, word, why, size);
}

int
unit_read(struct unit_words *u, const char *text, char *why, size_t size)
{
	char word[WORD_MAX];

	unit_init(u);
	for (;;) {
		size_t len;
		int r;

		text += strspn(text, " \t");
		len = strcspn(text, " \t");
		if (len == 0) {
			break;
		}
		if (len >= sizeof(word)) {
			(void)snprintf(why, size, "a word is too long");
			return ERR_FORMAT;
		}
		memcpy(word, text, len);
		word[len] = '\0';
		r = unit_add(u, word, why, size);
		if (r != 0) {
			return r;
		}
		text += len;
	}
	if (!u->is_named) {
		(void)snprintf(why, size, "expected a hook and its facts");
		return ERR_FORMAT;
	}
	return 0;
}
