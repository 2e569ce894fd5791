/*
 * Words of values become numbers: names of the protocol, key chords, texts, and
 * what a define brings. All errors say what was expected.
 */
#include "policy/profiles/words.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/facts/facts.h"

#define DEFINES_DEEP 16u
#define LISTED 400

struct reader {
	struct profile_load *load;
	enum profile_origin origin;
	const struct hook_fact *fact;	/* of the word */
	const struct hook_fact *named;	/* the same word by name, or NULL */
	const struct hook_fact *chosen; /* one of both, by the first value */
	struct value *list, **tail;
	const struct value *use; /* the $NAME through which it is read */
	uint8_t has_use_word;	 /* the name of it is in the list */
	unsigned depth;
};

/* A stock profile sees the defines of the stock only: a file of the
 * administrator cannot change by accident what is shipped. */
static struct pstmt *
find_define(const struct reader *r, const char *name)
{
	struct pstmt *found = NULL;

	for (struct psource *s = r->load->sources; s != NULL; s = s->next) {
		for (struct pstmt *d = s->stmts; d != NULL; d = d->next) {
			if (d->kind != PSTMT_DEFINE ||
			    strcmp(d->name, name) != 0) {
				continue;
			}
			if (s->origin == r->origin) {
				return d;
			}
			if (s->origin == PROFILE_STOCK) {
				found = d;
			}
		}
	}
	return found;
}

/* The names of a fact, each once, as many as there is room for. */
static void
list_names(char *buf, size_t size, const struct fact_name *names)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const struct fact_name *n = names; n != NULL && n->name != NULL;
	     n++) {
		const struct fact_name *before = names;
		int w;

		while (before != n && strcmp(before->name, n->name) != 0) {
			before++;
		}
		if (before != n) {
			continue;
		}
		if (used + strlen(n->name) + 8 >= size) {
			snprintf(buf + used, size - used, " ...");
			return;
		}
		w = snprintf(buf + used, size - used, "%s%s",
		    used > 0 ? " " : "", n->name);
		used += w > 0 ? (size_t)w : 0;
	}
}

static void
refuse(struct reader *r, const struct value *v, const struct hook_fact *fact)
{
	char names[LISTED], expected[LISTED + 160];
	int has_names;

	list_names(names, sizeof(names), fact->names);
	has_names = names[0] != '\0';
	if (!has_names && fact->is_closed) {
		snprintf(names, sizeof(names), "nothing, it has no names");
	}
	switch (fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_FLAG:
	case FACT_IS_USAGES:
	case FACT_IS_WORD:
		snprintf(expected, sizeof(expected), "%s%s%s", names,
		    has_names && !fact->is_closed ? ", or " : "",
		    fact->is_closed ? "" : "a number");
		if (!fact->is_closed) {
			size_t n = strlen(expected);

			snprintf(expected + n, sizeof(expected) - n,
			    " from 0 to %llu", (unsigned long long)fact->max);
		}
		break;
	case FACT_IS_SPAN:
		snprintf(expected, sizeof(expected),
		    "a number, or a range such as 0..2047");
		break;
	case FACT_IS_KEYS:
		snprintf(expected, sizeof(expected), "a key code from 0 to "
		    "%u, or a key: %s", KEY_CODES - 1, names);
		break;
	case FACT_IS_CHORDS:
		snprintf(expected, sizeof(expected), "Ctrl, Shift, Alt or "
		    "GUI, each with `+', and `*' or a key: %s", names);
		break;
	case FACT_IS_TEXT:
		snprintf(expected, sizeof(expected),
		    "a string in quotes, perhaps with `*' at its end");
		break;
	case FACT_IS_HEX:
		snprintf(expected, sizeof(expected),
		    "pairs of hex digits in quotes");
		break;
	}
	pload_error(r->load, r->use != NULL ? &r->use->at : &v->at,
	    "`%.60s'%s%.60s is no value of `%s'; expected %s", v->word,
	    r->use != NULL ? " of " : "", r->use != NULL ? r->use->word : "",
	    fact->word, expected);
}

/* One more value; word is NULL for all but the first of what one word is. */
static struct value *
append(struct reader *r, const struct value *v, const char *word)
{
	struct value *copy = pload_alloc(r->load, sizeof(*copy));

	if (copy == NULL) {
		return NULL;
	}
	*copy = *v;
	copy->next = NULL;
	copy->word = word;
	if (r->use != NULL) {
		copy->at = r->use->at;
		copy->word = r->has_use_word ? NULL : r->use->word;
		r->has_use_word = 1;
	}
	*r->tail = copy;
	r->tail = &copy->next;
	return copy;
}

static uint64_t
max_of(const struct hook_fact *fact)
{
	return fact->kind == FACT_IS_SPAN ? UINT64_MAX :
	    fact->kind == FACT_IS_KEYS || fact->kind == FACT_IS_CHORDS ?
	    KEY_CODES - 1 :
	    fact->max;
}

/* A name that stands for one number, or a number. */
static int
one_number(const struct hook_fact *fact, const char *text, size_t len,
    uint64_t *out)
{
	uint32_t low, high, more;

	if (fact_name_range(fact->names, text, len, 0, &low, &high)) {
		*out = low;
		return low == high &&
			!fact_name_range(fact->names, text, len, 1, &more,
			    &more) ?
		    0 :
		    ERR_FORMAT;
	}
	return fact->is_closed ? ERR_FORMAT :
				 number_parse(text, len, max_of(fact), out);
}

/* "A..B", a name with all that it stands for, or a number. */
static int
numbers(struct reader *r, const struct value *v, const struct hook_fact *fact,
    const char *text, uint8_t mods)
{
	const char *dots = strstr(text, "..");
	struct value out = *v;
	uint32_t low, high;
	unsigned i = 0;

	out.mods = mods;
	if (dots != NULL) {
		if (one_number(fact, text, (size_t)(dots - text), &out.low) !=
			0 ||
		    one_number(fact, dots + 2, strlen(dots + 2), &out.high) !=
			0 ||
		    out.high < out.low) {
			return ERR_FORMAT;
		}
		append(r, &out, v->word);
		return 0;
	}
	while (fact_name_range(
	    fact->names, text, strlen(text), i, &low, &high)) {
		out.low = low;
		out.high = high;
		append(r, &out, i == 0 ? v->word : NULL);
		i++;
	}
	if (i > 0) {
		return 0;
	}
	if (one_number(fact, text, strlen(text), &out.low) != 0) {
		return ERR_FORMAT;
	}
	out.high = out.low;
	append(r, &out, v->word);
	return 0;
}

static int
modifier(const char *text, size_t len, uint8_t *mods)
{
	static const struct {
		const char *name;
		uint8_t mod;
	} table[] = {{"Ctrl", MOD_CTRL}, {"Shift", MOD_SHIFT},
		{"Alt", MOD_ALT}, {"GUI", MOD_GUI}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].name) == len &&
		    memcmp(table[i].name, text, len) == 0 &&
		    (*mods & table[i].mod) == 0) {
			*mods |= table[i].mod;
			return 1;
		}
	}
	return 0;
}

/* "GUI+R", "Ctrl+Alt+F1..F12", "GUI+*"; "Alt+SysRq+*" is SysRq with whatever
 * else is down, as each chord is. */
static int
chord(struct reader *r, const struct value *v, const struct hook_fact *fact)
{
	const char *text = v->word, *plus;
	struct value out = *v;
	uint8_t mods = 0;
	char key[64];
	size_t n;

	while ((plus = strchr(text, '+')) != NULL &&
	    modifier(text, (size_t)(plus - text), &mods)) {
		text = plus + 1;
	}
	n = strlen(text);
	if (strcmp(text, "*") == 0 && mods != 0) {
		out.mods = mods;
		out.high = KEY_CODES - 1;
		append(r, &out, v->word);
		return 0;
	}
	if (n > 2 && strcmp(text + n - 2, "+*") == 0) {
		n -= 2;
	}
	if (mods == 0 || n >= sizeof(key)) {
		return ERR_FORMAT;
	}
	memcpy(key, text, n);
	key[n] = '\0';
	return numbers(r, v, fact, key, mods);
}

static int
text(struct reader *r, const struct value *v)
{
	struct value out = *v;

	if (v->len == 0) {
		return ERR_FORMAT;
	}
	if (v->bytes[v->len - 1] == '*') {
		out.len--;
		out.is_prefix = 1;
	}
	append(r, &out, v->word);
	return 0;
}

static int
hex(struct reader *r, const struct value *v)
{
	struct value out = *v;

	if (number_hex_string(r->load, &out) == 0) {
		out.is_prefix = 1;
		append(r, &out, v->word);
	}
	return 0; /* said */
}

/* A word that is a number, or a name: for "request", these are two facts. */
static const struct hook_fact *
choose(struct reader *r, const struct value *v)
{
	int is_number = v->word[0] >= '0' && v->word[0] <= '9';
	const struct hook_fact *fact = r->fact;

	if (r->named != NULL && !is_number) {
		fact = r->named;
	}
	if (r->chosen == NULL) {
		r->chosen = fact;
	}
	if (r->chosen != fact) {
		pload_error(r->load, r->use != NULL ? &r->use->at : &v->at,
		    "`%.60s' is a %s among %s of `%s'; expected one or the "
		    "other, in two rules", v->word,
		    is_number ? "number" : "name",
		    is_number ? "names" : "numbers", fact->word);
		return NULL;
	}
	return fact;
}

static void
read_word(struct reader *r, const struct value *v)
{
	int is_string = v->word[0] == '"', e = ERR_FORMAT;
	const struct hook_fact *fact = choose(r, v);

	if (fact == NULL) {
		return;
	}
	switch (fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
	case FACT_IS_SPAN:
	case FACT_IS_KEYS:
	case FACT_IS_USAGES:
		e = is_string ? ERR_FORMAT :
				numbers(r, v, fact, v->word, 0);
		break;
	case FACT_IS_CHORDS:
		e = is_string ? ERR_FORMAT : chord(r, v, fact);
		break;
	case FACT_IS_TEXT:
		e = is_string ? text(r, v) : ERR_FORMAT;
		break;
	case FACT_IS_HEX:
		e = is_string ? hex(r, v) : ERR_FORMAT;
		break;
	}
	if (e != 0 && !r->load->is_full && !r->load->is_nomem) {
		refuse(r, v, fact);
	}
}

static void
read_values(struct reader *r, const struct value *list)
{
	for (const struct value *v = list; v != NULL; v = v->next) {
		struct pstmt *define;

		if (r->load->is_full || r->load->is_nomem) {
			return;
		}
		if (v->word[0] != '$') {
			read_word(r, v);
			continue;
		}
		define = find_define(r, v->word + 1);
		if (define == NULL && !r->load->is_broken) {
			pload_error(r->load,
			    r->use != NULL ? &r->use->at : &v->at,
			    "`%.60s' is not defined; expected the name of a "
			    "`define'", v->word);
		}
		if (define == NULL) {
			continue;
		}
		define->is_used = 1;
		if (define->is_expanding || r->depth >= DEFINES_DEEP) {
			pload_error(r->load,
			    r->use != NULL ? &r->use->at : &v->at,
			    "`%.60s' is defined by itself, or more than %u "
			    "deep", v->word, DEFINES_DEEP);
			continue;
		}
		if (r->depth == 0) {
			r->use = v;
			r->has_use_word = 0;
		}
		define->is_expanding = 1;
		r->depth++;
		read_values(r, define->values);
		r->depth--;
		define->is_expanding = 0;
		if (r->depth == 0) {
			r->use = NULL;
		}
	}
}

struct value *
words_read(struct profile_load *load, enum profile_origin origin,
    const struct hook_fact **fact, const struct hook_fact *named,
    const struct value *list)
{
	struct reader r = {
	    .load = load, .origin = origin, .fact = *fact, .named = named};

	r.tail = &r.list;
	read_values(&r, list);
	if (r.chosen != NULL) {
		*fact = r.chosen;
	}
	return r.list;
}
