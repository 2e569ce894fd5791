/*
 * usbredir's and Citrix's filters in our words.
 *
 * 1. All lines are read into a table; the first error ends it.
 * 2. Each rule gives one of ours, in order:
 *      deny  class C:  block ... with-interface one-of { C }
 *      allow class C:  allow ... with-interface only { C and all classes that
 *                      an earlier allow lets through for these devices }
 *    A device that ours allows has only interfaces that some allow up to this
 *    one lets through; and no deny before it takes any of them, since its
 *    block would have matched.
 * 3. Citrix's split devices: the rules of one device that stand together give
 *    one allow that exposes the interfaces it may have.
 */
#include "policy/rules/foreign.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ANY (-1)
#define MAX_PATTERNS 256u /* in one rule of ours */
#define MAX_NUMBER 9	  /* of an interface of a split device */

struct foreign_rule {
	unsigned line, column;
	int is_allow;
	int vid, pid, release; /* or ANY */
	int class, subclass, protocol;
	size_t pattern; /* the first rule with the same three */
	int is_split;
	unsigned shown; /* bit per interface number */
};

struct table {
	struct foreign_rule *rules; /* owned */
	size_t n;
	const char *start; /* of the line being read */
	unsigned line;
	struct foreign_error *err;
};

/* A stretch of text. */
struct span {
	const char *p, *end;
};

static int fail(struct table *t, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail(struct table *t, const char *at, const char *fmt, ...)
{
	va_list ap;

	t->err->line = t->line;
	t->err->column = (unsigned)(at - t->start) + 1;
	va_start(ap, fmt);
	vsnprintf(t->err->text, sizeof(t->err->text), fmt, ap);
	va_end(ap);
	return ERR_FORMAT;
}

/* --- reading --- */

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct span *s)
{
	while (s->p < s->end && is_blank(*s->p)) {
		s->p++;
	}
}

/* Up to sep or the end, blanks around it cut off; s goes on behind sep. */
static struct span
next_part(struct span *s, char sep)
{
	const char *end = memchr(s->p, sep, (size_t)(s->end - s->p));
	struct span part = {s->p, end != NULL ? end : s->end};

	s->p = end != NULL ? end + 1 : s->end;
	skip_blanks(&part);
	while (part.end > part.p && is_blank(part.end[-1])) {
		part.end--;
	}
	return part;
}

static int
digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      99;
}

/* Digits of that base up to max, all of the span; -1 if it is none. */
static int
number_of(struct span s, int base, int max)
{
	int value = 0;

	if (s.p == s.end) {
		return -1;
	}
	for (; s.p < s.end; s.p++) {
		int digit = digit_of(*s.p);

		if (digit >= base) {
			return -1;
		}
		value = value * base + digit;
		if (value > max) {
			return -1;
		}
	}
	return value;
}

static int
is_word(struct span s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s.end - s.p) != len) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		char c = s.p[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != word[i]) {
			return 0;
		}
	}
	return 1;
}

static int
same_pattern(const struct foreign_rule *a, const struct foreign_rule *b)
{
	return a->class == b->class && a->subclass == b->subclass &&
	    a->protocol == b->protocol;
}

static int
add_rule(struct table *t, const char *at, struct foreign_rule rule)
{
	if (t->n == FOREIGN_MAX_RULES) {
		fail(t, at, "more than %u rules", FOREIGN_MAX_RULES);
		return ERR_LIMIT;
	}
	if (rule.vid == ANY && rule.pid != ANY) {
		return fail(t, at,
		    "a product without a vendor cannot be said in rules");
	}
	if (rule.class == ANY &&
	    (rule.subclass != ANY || rule.protocol != ANY)) {
		return fail(t, at, "a subclass or protocol without a class "
				   "cannot be said in rules");
	}
	if (rule.subclass == ANY && rule.protocol != ANY) {
		return fail(t, at, "a protocol without a subclass cannot be "
				   "said in rules");
	}
	rule.line = t->line;
	rule.column = (unsigned)(at - t->start) + 1;
	rule.pattern = 0;
	while (rule.pattern < t->n &&
	    !same_pattern(&t->rules[rule.pattern], &rule)) {
		rule.pattern++;
	}
	t->rules[t->n++] = rule;
	return 0;
}

static const struct foreign_rule empty = {
	.vid = ANY, .pid = ANY, .release = ANY,
	.class = ANY, .subclass = ANY, .protocol = ANY,
};

/* --- usbredir --- */

/* A number as C has them, or -1. */
static int
c_number(struct span s, int max, int *out)
{
	size_t len = (size_t)(s.end - s.p);
	int base = 10;

	if (len == 2 && s.p[0] == '-' && s.p[1] == '1') {
		*out = ANY;
		return 0;
	}
	if (len > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		s.p += 2;
		base = 16;
	} else if (len > 1 && s.p[0] == '0') {
		base = 8;
	}
	*out = number_of(s, base, max);
	return *out == -1 ? ERR_FORMAT : 0;
}

static int
read_usbredir_rule(struct table *t, struct span text)
{
	static const struct {
		const char *name;
		int max;
	} fields[] = {{"class", 255}, {"vendor", 65535}, {"product", 65535},
	    {"version", 65535}, {"allow", 1}};
	const char *at = text.p;
	struct foreign_rule rule = empty;
	int values[5];

	for (size_t i = 0; i < 5; i++) {
		int is_last = text.p == text.end;
		struct span field = next_part(&text, ',');

		if (is_last) {
			return fail(t, text.end,
			    "no %s; expected class,vendor,product,version,"
			    "allow",
			    fields[i].name);
		}
		if (c_number(field, fields[i].max, &values[i]) != 0 ||
		    (i == 4 && values[i] == ANY)) {
			return fail(t, field.p, "%s: expected a number up to "
						"%d%s",
			    fields[i].name, fields[i].max,
			    i == 4 ? "" : ", or -1 for any");
		}
		if (i == 4 && (text.p != text.end || text.end[-1] == ',')) {
			return fail(t, field.end, "more than five numbers");
		}
	}
	rule.class = values[0];
	rule.vid = values[1];
	rule.pid = values[2];
	rule.release = values[3];
	rule.is_allow = values[4];
	return add_rule(t, at, rule);
}

static int
read_usbredir(struct table *t, struct span line)
{
	int r = 0;

	skip_blanks(&line);
	if (line.p < line.end && *line.p == '#') {
		return 0;
	}
	while (r == 0 && line.p < line.end) {
		struct span part = next_part(&line, '|');

		if (part.p < part.end) {
			r = read_usbredir_rule(t, part);
		}
	}
	return r;
}

/* --- Citrix --- */

static int
verdict_of(struct span *s, int *is_allow)
{
	struct span rest = *s;
	struct span word = next_part(&rest, ':');

	if (rest.p == s->p || rest.p[-1] != ':') {
		return ERR_FORMAT;
	}
	*is_allow = !is_word(word, "deny");
	if (*is_allow && !is_word(word, "allow") && !is_word(word, "connect")) {
		return ERR_FORMAT;
	}
	*s = rest;
	return 0;
}

/* "00,01" */
static int
read_numbers(struct table *t, struct span text, unsigned *shown)
{
	do {
		int is_last = text.p == text.end;
		struct span part = next_part(&text, ',');
		int number = number_of(part, 10, MAX_NUMBER);

		if (is_last || number == -1) {
			return fail(t, part.p, "intf: expected interface "
					       "numbers up to %d, as 00,01",
			    MAX_NUMBER);
		}
		*shown |= 1u << number;
	} while (text.p < text.end || text.end[-1] == ',');
	return 0;
}

/* One "vid=1234" of a rule. */
static int
read_match(struct table *t, struct span word, struct foreign_rule *rule,
    int *split)
{
	const struct {
		const char *name;
		int max;
		int *value;
	} tags[] = {
		{"vid", 0xffff, &rule->vid},
		{"pid", 0xffff, &rule->pid},
		{"rel", 0xffff, &rule->release},
		{"class", 0xff, &rule->class},
		{"subclass", 0xff, &rule->subclass},
		{"prot", 0xff, &rule->protocol},
		{"split", 1, split},
	};
	const char *eq = memchr(word.p, '=', (size_t)(word.end - word.p));
	struct span tag = {word.p, eq};
	struct span value = {eq != NULL ? eq + 1 : NULL, word.end};

	if (eq != NULL && is_word(tag, "intf")) {
		return rule->shown != 0 ?
		    fail(t, word.p, "intf is given twice") :
		    read_numbers(t, value, &rule->shown);
	}
	for (size_t i = 0; eq != NULL && i < sizeof(tags) / sizeof(tags[0]);
	     i++) {
		if (!is_word(tag, tags[i].name)) {
			continue;
		}
		if (*tags[i].value != ANY) {
			return fail(t, word.p, "%s is given twice",
			    tags[i].name);
		}
		*tags[i].value = number_of(value, 16, tags[i].max);
		return *tags[i].value != -1 ? 0 :
		    fail(t, value.p, "%s: expected a hexadecimal number up to "
				     "%X",
			tags[i].name, (unsigned)tags[i].max);
	}
	return fail(t, word.p, "expected vid=, pid=, rel=, class=, subclass=, "
			       "prot=, split= or intf=, and a number");
}

static int
read_citrix_rule(struct table *t, struct span text)
{
	const char *at = text.p;
	struct foreign_rule rule = empty;
	int split = ANY, r = 0;

	if (verdict_of(&text, &rule.is_allow) != 0) {
		return fail(t, at, "expected ALLOW:, DENY: or CONNECT:");
	}
	skip_blanks(&text);
	while (r == 0 && text.p < text.end) {
		struct span word = {text.p, text.p};

		while (word.end < text.end && !is_blank(*word.end)) {
			word.end++;
		}
		text.p = word.end;
		r = read_match(t, word, &rule, &split);
		skip_blanks(&text);
	}
	if (r != 0) {
		return r;
	}
	rule.is_split = split == 1;
	if (rule.is_split != (rule.shown != 0)) {
		return fail(t, at, "only split=01 and intf= together can be "
				   "said in rules");
	}
	if (rule.is_split && (rule.vid == ANY || rule.pid == ANY ||
				 rule.class != ANY)) {
		return fail(t, at, "a split device can be said in rules only "
				   "by vid= and pid=, without class=");
	}
	return add_rule(t, at, rule);
}

/* Where rules are joined by `;', a rule may follow a comment; in a file it is
 * part of the comment. A guess could lose a DENY or add an ALLOW. */
static int
check_comment(struct table *t, struct span comment)
{
	const char *p = comment.p;

	while ((p = memchr(p, ';', (size_t)(comment.end - p))) != NULL) {
		struct span rest = {++p, comment.end};
		int is_allow;

		skip_blanks(&rest);
		p = rest.p;
		if (verdict_of(&rest, &is_allow) == 0) {
			return fail(t, p, "a rule, or a part of the comment? "
					  "put it on a line of its own");
		}
	}
	return 0;
}

static int
read_citrix(struct table *t, struct span line)
{
	const char *hash = memchr(line.p, '#', (size_t)(line.end - line.p));
	struct span rules = {line.p, hash != NULL ? hash : line.end};
	int r = 0;

	while (r == 0 && rules.p < rules.end) {
		struct span part = next_part(&rules, ';');

		if (part.p < part.end) {
			r = read_citrix_rule(t, part);
		}
	}
	if (r == 0 && hash != NULL) {
		r = check_comment(t, (struct span){hash, line.end});
	}
	return r;
}

/* --- writing --- */

struct rule_text {
	char p[80 + MAX_PATTERNS * 9];
	size_t len;
};

static void append(struct rule_text *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* There is always room: see the size of a rule_text. */
static void
append(struct rule_text *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->len += (size_t)vsnprintf(
	    s->p + s->len, sizeof(s->p) - s->len, fmt, ap);
	va_end(ap);
}

static void
append_device(struct rule_text *s, const struct foreign_rule *rule)
{
	append(s, "%s", rule->is_allow ? "allow" : "block");
	if (rule->pid != ANY) {
		append(s, " id %04x:%04x", (unsigned)rule->vid,
		    (unsigned)rule->pid);
	} else if (rule->vid != ANY) {
		append(s, " id %04x:*", (unsigned)rule->vid);
	}
	if (rule->release != ANY) {
		append(s, " release %x.%02x", (unsigned)rule->release >> 8,
		    (unsigned)rule->release & 0xff);
	}
}

static void
append_pattern(struct rule_text *s, const struct foreign_rule *rule)
{
	append(s, " %02x:", (unsigned)rule->class);
	if (rule->subclass == ANY) {
		append(s, "*:*");
	} else if (rule->protocol == ANY) {
		append(s, "%02x:*", (unsigned)rule->subclass);
	} else {
		append(s, "%02x:%02x", (unsigned)rule->subclass,
		    (unsigned)rule->protocol);
	}
}

/* Every device of b is one of a. */
static int
covers(const struct foreign_rule *a, const struct foreign_rule *b)
{
	return (a->vid == ANY || a->vid == b->vid) &&
	    (a->pid == ANY || a->pid == b->pid) &&
	    (a->release == ANY || a->release == b->release);
}

/* The class of rule i, and those of each earlier allow for its devices. seen
 * has a mark per rule. */
static void
append_allowed(struct rule_text *s, const struct table *t, size_t i,
    unsigned char *seen)
{
	size_t n = 1;

	memset(seen, 0, t->n);
	seen[t->rules[i].pattern] = 1;
	append(s, " with-interface only {");
	for (size_t j = 0; j < i && n < MAX_PATTERNS; j++) {
		const struct foreign_rule *rule = &t->rules[j];

		if (rule->is_allow && !rule->is_split && rule->class != ANY &&
		    !seen[rule->pattern] && covers(rule, &t->rules[i])) {
			seen[rule->pattern] = 1;
			append_pattern(s, rule);
			n++;
		}
	}
	append_pattern(s, &t->rules[i]);
	append(s, " }");
}

/* The rules of one split device from i on, up to *end: which interfaces the
 * first match allows, and the first rule that allows one. */
static unsigned
split_shown(const struct table *t, size_t i, size_t *end, size_t *first)
{
	const struct foreign_rule *a = &t->rules[i];
	unsigned shown = 0, decided = 0;

	for (*first = t->n; i < t->n; i++) {
		const struct foreign_rule *b = &t->rules[i];

		if (!b->is_split || !covers(a, b) || !covers(b, a)) {
			break;
		}
		if (b->is_allow && (b->shown & ~decided) != 0) {
			shown |= b->shown & ~decided;
			*first = *first < i ? *first : i;
		}
		decided |= b->shown;
	}
	*end = i;
	return shown;
}

/* Each group of split rules allows something; that is known before the first
 * rule is handed out. */
static int
check_splits(struct table *t)
{
	for (size_t i = 0, end, first; i < t->n; i = end) {
		end = i + 1;
		if (t->rules[i].is_split &&
		    split_shown(t, i, &end, &first) == 0) {
			t->err->line = t->rules[i].line;
			t->err->column = t->rules[i].column;
			snprintf(t->err->text, sizeof(t->err->text),
			    "rules name the interfaces that are shown: "
			    "expected an ALLOW or CONNECT of this device, "
			    "with split=01 and intf=, beside it");
			return ERR_FORMAT;
		}
	}
	return 0;
}

static int
write_rule(const struct table *t, size_t i, size_t *end, unsigned char *seen,
    foreign_rule_cb *cb, void *arg)
{
	const struct foreign_rule *rule = &t->rules[i];
	struct rule_text s = {.len = 0};

	*end = i + 1;
	if (rule->is_split) {
		size_t first;
		unsigned shown = split_shown(t, i, end, &first);

		rule = &t->rules[first];
		append_device(&s, rule);
		append(&s, " expose {");
		for (unsigned n = 0; n <= MAX_NUMBER; n++) {
			if ((shown & 1u << n) != 0) {
				append(&s, " interface %u", n);
			}
		}
		append(&s, " }");
	} else {
		append_device(&s, rule);
		if (rule->class != ANY && rule->is_allow) {
			append_allowed(&s, t, i, seen);
		} else if (rule->class != ANY) {
			append(&s, " with-interface one-of {");
			append_pattern(&s, rule);
			append(&s, " }");
		}
	}
	return cb(arg, rule->line, s.p, s.len);
}

static int
write_all(struct table *t, foreign_rule_cb *cb, void *arg)
{
	unsigned char *seen = malloc(t->n + 1);
	int r = seen == NULL ? ERR_NOMEM : check_splits(t);

	for (size_t i = 0, end; r == 0 && i < t->n; i = end) {
		r = write_rule(t, i, &end, seen, cb, arg);
	}
	free(seen);
	return r;
}

int
foreign_translate(enum foreign_kind kind, const char *text, size_t len,
    foreign_rule_cb *cb, void *arg, struct foreign_error *err)
{
	struct span all = {text, text + len};
	struct table t = {.err = err};
	int r = 0;

	*err = (struct foreign_error){0};
	t.rules = malloc(FOREIGN_MAX_RULES * sizeof(*t.rules));
	if (t.rules == NULL) {
		return ERR_NOMEM;
	}
	while (r == 0 && all.p < all.end) {
		const char *nl = memchr(all.p, '\n', (size_t)(all.end - all.p));
		struct span line = {all.p, nl != NULL ? nl : all.end};
		const char *nul =
		    memchr(line.p, '\0', (size_t)(line.end - line.p));

		t.line++;
		t.start = line.p;
		all.p = nl != NULL ? nl + 1 : all.end;
		if (nul != NULL) {
			r = fail(&t, nul, "a NUL byte");
		} else if (kind == FOREIGN_USBREDIR) {
			r = read_usbredir(&t, line);
		} else {
			r = read_citrix(&t, line);
		}
	}
	if (r == 0) {
		r = write_all(&t, cb, arg);
	}
	free(t.rules);
	return r;
}
