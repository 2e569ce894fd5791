/*
 * The tree as the parser builds it: words are kept, numbers of items and
 * modifiers are read at once, names wait for resolve.c.
 */
#include "policy/profiles/load.h"

#include <string.h>

#include "base/err.h"

#define SHOWN(t) (t)->len > 40 ? 40 : (int)(t)->len, (t)->text
#define TEXT_MAX 255u /* of a log, a key, a server's name */
#define PATH_MAX_ 4095u

/* --- texts --- */

static uint8_t *
unescape(struct profile_load *load, const struct ptoken *token, uint32_t *len)
{
	uint8_t *out = pload_alloc(load, (size_t)token->len + 1);
	uint32_t n = 0;

	for (uint32_t i = 0; out != NULL && i < token->len; i++) {
		const char *p = token->text + i;

		if (*p != '\\') {
			out[n++] = (uint8_t)*p;
		} else if (p[1] == 'x') {
			out[n++] = (uint8_t)(number_hex_digit(p[2]) << 4 |
			    number_hex_digit(p[3]));
			i += 3;
		} else {
			out[n++] = (uint8_t)p[1];
			i++;
		}
	}
	*len = n;
	return out;
}

/* A text for people and files: not empty, without NUL, of at most max bytes. */
static const char *
plain(struct profile_load *load, const struct ptoken *token, uint32_t max)
{
	uint32_t n;
	char *text = (char *)unescape(load, token, &n);

	if (text == NULL) {
		return NULL;
	}
	if (n == 0 || n > max || memchr(text, 0, n) != NULL) {
		pload_error_at(load, token, "this text is %s; expected 1 to "
		    "%u bytes", n == 0 ? "empty" : n > max ? "too long" :
							     "one with a NUL",
		    max);
		return NULL;
	}
	return text;
}

static const char *
name_of(struct profile_load *load, const struct ptoken *token, const char *what)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = token->len;

	for (size_t i = 0; i < token->len; i++) {
		n -= strchr(valid, token->text[i]) != NULL;
	}
	if (n > 0 || token->len >= PROFILE_NAME) {
		pload_error_at(load, token, "`%.*s' is no name of a %s; "
		    "expected up to %u of a-z A-Z 0-9 . _ -", SHOWN(token),
		    what, PROFILE_NAME - 1);
		return NULL;
	}
	return pload_dup(load, token->text, token->len);
}

static uint64_t
number_of(struct profile_load *load, const struct ptoken *token, uint64_t min,
    uint64_t max)
{
	uint64_t v = 0;

	if (number_parse(token->text, token->len, max, &v) != 0 || v < min) {
		pload_error_at(load, token, "`%.*s' is no number; expected "
		    "%llu to %llu", SHOWN(token), (unsigned long long)min,
		    (unsigned long long)max);
	}
	return v;
}

static uint64_t
duration_of(struct profile_load *load, const struct ptoken *token)
{
	uint64_t ns = 0;

	if (number_duration(token->text, token->len, &ns) != 0) {
		pload_error_at(load, token, "`%.*s' is no duration; expected "
		    "a number from 1 and ms, s, m, h or d", SHOWN(token));
	}
	return ns;
}

static uint64_t
size_of(struct profile_load *load, const struct ptoken *token)
{
	uint64_t bytes = 0;

	if (number_size(token->text, token->len, &bytes) != 0) {
		pload_error_at(load, token, "`%.*s' is no size; expected a "
		    "number from 1, of bytes or with KiB, MiB, GiB or TiB",
		    SHOWN(token));
	}
	return bytes;
}

/* --- statements and values --- */

struct pstmt *
tree_stmt(struct profile_load *load, enum pstmt_kind kind,
    const struct ptoken *name)
{
	struct psource *source = load->lex.source;
	struct pstmt *stmt = pload_alloc(load, sizeof(*stmt));

	if (stmt == NULL) {
		return NULL;
	}
	stmt->kind = kind;
	stmt->source = source;
	stmt->at = pload_place(load, name);
	if (kind == PSTMT_INCLUDE) {
		stmt->name = plain(load, name, PATH_MAX_);
	} else {
		stmt->name = name_of(load, name,
		    kind == PSTMT_DEFINE ? "define" : "profile");
	}
	if (stmt->name == NULL) {
		return NULL;
	}
	*source->tail = stmt;
	source->tail = &stmt->next;
	return stmt;
}

struct value *
tree_value(struct profile_load *load, const struct ptoken *a,
    const struct ptoken *b, int is_string)
{
	struct value *v = pload_alloc(load, sizeof(*v));
	size_t n = a->len + (b != NULL ? 2 + (size_t)b->len : 0);
	char *word = pload_alloc(load, n + 3);

	if (v == NULL || word == NULL) {
		return NULL;
	}
	v->at = pload_place(load, a);
	if (is_string) {
		word[0] = '"';
		memcpy(word + 1, a->text, a->len);
		word[a->len + 1] = '"';
		v->bytes = unescape(load, a, &v->len);
	} else {
		memcpy(word, a->text, a->len);
		if (b != NULL) {
			memcpy(word + a->len, "..", 2);
			memcpy(word + a->len + 2, b->text, b->len);
		}
	}
	v->word = word;
	return v;
}

/* Sets do not nest, so one end is enough to remember. */
struct value *
tree_values_join(
    struct profile_load *load, struct value *list, struct value *more)
{
	if (list == NULL || more == NULL) {
		return list != NULL ? list : more;
	}
	if (load->list != list) {
		load->list = load->list_tail = list;
	}
	while (load->list_tail->next != NULL) {
		load->list_tail = load->list_tail->next;
	}
	load->list_tail->next = more;
	return list;
}

/* --- items of a profile --- */

void
tree_profile(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *extends)
{
	struct pstmt *stmt = tree_stmt(load, PSTMT_PROFILE, name);
	struct profile *p = pload_alloc(load, sizeof(*p));

	load->profile = p;
	if (p == NULL) {
		return;
	}
	p->at = pload_place(load, name);
	p->origin = (uint8_t)load->lex.source->origin;
	if (extends != NULL) {
		p->extends = name_of(load, extends, "profile");
		p->extends_at = pload_place(load, extends);
	}
	if (stmt != NULL) {
		p->name = stmt->name;
		stmt->profile = p;
	}
	if (stmt != NULL && strcmp(stmt->name, "auto") == 0) {
		pload_error_at(load, name, "`auto' is the choice among the "
		    "others; expected another name");
	}
}

/* Says so when what may stand there once was there already. */
static void
once(struct profile_load *load, const struct ptoken *at, int was)
{
	if (was) {
		pload_error_at(load, at, "`%.*s' is given twice; expected it "
		    "once", SHOWN(at));
	}
}

void
tree_mode(struct profile_load *load, const struct ptoken *at, int is_audit)
{
	struct profile *p = load->profile;

	if (p != NULL) {
		once(load, at, p->has_mode);
		p->has_mode = 1;
		p->is_audit = is_audit != 0;
	}
}

void
tree_cap(struct profile_load *load, const struct ptoken *what,
    const struct ptoken *amount)
{
	struct profile *p = load->profile;
	uint64_t *cap;

	if (p == NULL) {
		return;
	}
	cap = what->text[0] == 't' ? &p->cap_transfer :
	    what->text[0] == 'i'   ? &p->cap_inflight :
				     &p->cap_bytes;
	once(load, what, *cap != 0);
	*cap = what->text[0] == 'i' ? number_of(load, amount, 1, UINT32_MAX) :
				      size_of(load, amount);
}

/* "08", or `*' where that is possible: 0 .. 255, 256 for any, -1. */
static int
triple_part(const char *text, size_t len, int may_be_any)
{
	if (len == 1 && text[0] == '*' && may_be_any) {
		return 256;
	}
	if (len != 2 || number_hex_digit(text[0]) < 0 ||
	    number_hex_digit(text[1]) < 0) {
		return -1;
	}
	return number_hex_digit(text[0]) << 4 | number_hex_digit(text[1]);
}

static int
triple_parse(struct triple *t, const char *text)
{
	const char *sub = strchr(text, ':');
	const char *proto = sub != NULL ? strchr(sub + 1, ':') : NULL;
	int c, s, p;

	if (proto == NULL) {
		return ERR_FORMAT;
	}
	c = triple_part(text, (size_t)(sub - text), 0);
	s = triple_part(sub + 1, (size_t)(proto - sub - 1), 1);
	p = triple_part(proto + 1, strlen(proto + 1), 1);
	if (c < 0 || s < 0 || p < 0) {
		return ERR_FORMAT;
	}
	t->class = (uint8_t)c;
	t->subclass = (uint8_t)s;
	t->protocol = (uint8_t)p;
	t->any = (uint8_t)((s == 256 ? 2 : 0) | (p == 256 ? 4 : 0));
	return 0;
}

void
tree_for(struct profile_load *load, const struct ptoken *at,
    struct value *values)
{
	struct profile *p = load->profile;
	struct triple **tail;

	if (p == NULL) {
		return;
	}
	once(load, at, p->triples != NULL);
	for (tail = &p->triples; *tail != NULL;) {
		tail = &(*tail)->next;
	}
	for (; values != NULL; values = values->next) {
		struct triple *t = pload_alloc(load, sizeof(*t));

		if (t == NULL) {
			return;
		}
		t->at = values->at;
		if (triple_parse(t, values->word) != 0) {
			pload_error(load, &values->at, "`%.40s' is no "
			    "interface class; expected CC:SS:PP in hex such "
			    "as 08:06:50, SS and PP may be `*'", values->word);
			continue;
		}
		*tail = t;
		tail = &t->next;
	}
}

void
tree_pin(struct profile_load *load, const struct ptoken *what,
    struct value *values)
{
	struct pin *pin = pload_alloc(load, sizeof(*pin)), **tail;

	if (pin == NULL || load->profile == NULL) {
		return;
	}
	pin->is_usage = what->text[0] == 'u';
	pin->values = values;
	pin->at = pload_place(load, what);
	for (tail = &load->profile->pins; *tail != NULL;) {
		tail = &(*tail)->next;
	}
	*tail = pin;
}

void
tree_arm(struct profile_load *load, const struct ptoken *at,
    const struct ptoken *digits, const struct ptoken *within)
{
	struct profile *p = load->profile;

	if (p == NULL) {
		return;
	}
	once(load, at, p->arm_digits != 0);
	p->arm_at = pload_place(load, at);
	p->arm_digits = (uint8_t)number_of(load, digits, 1, 12);
	p->arm_within = within != NULL ? duration_of(load, within) : 0;
}

static struct meter *
meter(struct profile_load *load, const struct ptoken *name, int is_quota)
{
	struct profile *p = load->profile;
	struct meter *m = pload_alloc(load, sizeof(*m)), **tail;

	if (m == NULL || p == NULL) {
		return NULL;
	}
	m->name = name_of(load, name, is_quota ? "quota" : "meter");
	m->is_quota = is_quota != 0;
	m->at = pload_place(load, name);
	if (m->name == NULL) {
		return NULL;
	}
	for (tail = &p->meters; *tail != NULL; tail = &(*tail)->next) {
		if (strcmp((*tail)->name, m->name) == 0) {
			pload_error_at(load, name, "`%.*s' is a meter or "
			    "quota already, see line %u; expected another "
			    "name", SHOWN(name), (*tail)->at.line);
			return NULL;
		}
	}
	*tail = m;
	return m;
}

void
tree_meter(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *rate, const struct ptoken *burst)
{
	struct meter *m = meter(load, name, 0);
	const char *slash = memchr(rate->text, '/', rate->len);
	size_t n = slash != NULL ? (size_t)(slash - rate->text) : rate->len;
	size_t unit = rate->len - n;

	if (m == NULL) {
		return;
	}
	m->per = unit == 2 && slash[1] == 's' ? UINT64_C(1000000000) :
	    unit == 4 && memcmp(slash, "/min", 4) == 0 ?
						UINT64_C(60000000000) :
						0;
	if (m->per == 0 ||
	    number_parse(rate->text, n, 1000000000, &m->amount) != 0 ||
	    m->amount == 0) {
		pload_error_at(load, rate, "`%.*s' is no rate; expected a "
		    "number from 1 and /s or /min, such as 25/s", SHOWN(rate));
	}
	m->burst = burst != NULL ? number_of(load, burst, 1, 1000000000) : 0;
}

void
tree_quota(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *amount, const struct ptoken *per)
{
	struct meter *m = meter(load, name, 1);

	if (m != NULL) {
		m->amount = size_of(load, amount);
		m->per = duration_of(load, per);
	}
}

void
tree_on(struct profile_load *load, const struct ptoken *name)
{
	struct profile *p = load->profile;

	load->rules = NULL;
	load->nrules = 0;
	load->hook = hook_find(name->text, name->len);
	if (load->hook == HOOKS) {
		pload_error_at(load, name, "unknown hook `%.*s'; expected "
		    "setup, out, in, scsi, hid, ccid, apdu, ctap, serial, "
		    "net, av, print, mtp or dfu", SHOWN(name));
		return;
	}
	if (p == NULL) {
		return;
	}
	p->hooks |= 1u << load->hook;
	load->rules = &p->rules[load->hook];
	while (*load->rules != NULL) {
		load->rules = &(*load->rules)->next;
		load->nrules++;
	}
}

/* --- rules --- */

struct prule *
tree_rule(
    struct profile_load *load, unsigned verdict, const struct ptoken *at)
{
	struct prule *rule = pload_alloc(load, sizeof(*rule));

	if (rule != NULL) {
		rule->verdict = verdict;
		rule->at = pload_place(load, at);
	}
	return rule;
}

void
tree_commit(struct profile_load *load, struct prule *rule)
{
	if (rule == NULL || load->rules == NULL) {
		return;
	}
	if (load->nrules++ >= PLOAD_MAX_RULES) {
		if (load->nrules == PLOAD_MAX_RULES + 1) {
			pload_error(load, &rule->at, "more than %u rules of "
			    "one hook", PLOAD_MAX_RULES);
		}
		return;
	}
	*load->rules = rule;
	load->rules = &rule->next;
}

void
tree_how(struct profile_load *load, struct prule *rule, enum verdict_how how,
    const struct ptoken *code)
{
	uint8_t b[2] = {0, 0};
	int r = 0;

	if (rule == NULL) {
		return;
	}
	rule->how = how;
	if (how == HOW_SENSE) {
		r = number_hex(code->text, code->len, 3, rule->sense);
		if (r != 0 || rule->sense[0] > 0x0f) {
			pload_error_at(load, code, "`%.*s' is no sense; "
			    "expected key, ASC and ASCQ in hex such as "
			    "07/27/00", SHOWN(code));
		}
	} else if (how == HOW_SW) {
		struct ptoken half = *code;

		half.len = 2;
		r = code->len != 4 || number_hex(half.text, 2, 1, &b[0]) != 0 ||
		    number_hex(half.text + 2, 2, 1, &b[1]) != 0;
		if (r != 0 || b[0] >> 4 == 0) {
			pload_error_at(load, code, "`%.*s' is no status "
			    "word; expected four hex digits such as 6982",
			    SHOWN(code));
		}
		rule->code = (uint16_t)(b[0] << 8 | b[1]);
	} else if (how == HOW_CTAPERR) {
		if (number_hex(code->text, code->len, 1, b) != 0 || b[0] == 0) {
			pload_error_at(load, code, "`%.*s' is no error of "
			    "CTAP; expected two hex digits such as 27",
			    SHOWN(code));
		}
		rule->code = b[0];
	}
}

void
tree_ask(struct profile_load *load, struct prule *rule,
    const struct ptoken *name, const struct ptoken *within,
    enum verdict otherwise)
{
	if (rule != NULL) {
		rule->ask = plain(load, name, TEXT_MAX);
		rule->ask_within = duration_of(load, within);
		rule->ask_else = otherwise;
	}
}

struct edit *
tree_edit(struct profile_load *load, const struct ptoken *name,
    const struct ptoken *value)
{
	struct edit *e = pload_alloc(load, sizeof(*e));

	if (e != NULL) {
		e->name = pload_dup(load, name->text, name->len);
		e->word = pload_dup(load, value->text, value->len);
		e->at = pload_place(load, name);
	}
	return e;
}

void
tree_add_edit(struct profile_load *load, struct edit *list, struct edit *edit)
{
	unsigned n = 1;

	if (list == NULL || edit == NULL) {
		return;
	}
	for (; list->next != NULL; list = list->next) {
		n++;
	}
	if (n < RULING_EDITS) {
		list->next = edit;
		return;
	}
	pload_error(load, &edit->at, "`rewrite' of more than %u fields",
	    RULING_EDITS);
}

void
tree_add_match(
    struct profile_load *load, struct prule *rule, struct match *match)
{
	struct match **tail;
	unsigned n = 0;

	if (rule == NULL || match == NULL) {
		return;
	}
	for (tail = &rule->matches; *tail != NULL; tail = &(*tail)->next) {
		n++;
	}
	if (n < PLOAD_MAX_MATCHES) {
		*tail = match;
		return;
	}
	pload_error(load, &match->at, "more than %u matches in one rule",
	    PLOAD_MAX_MATCHES);
}

struct match *
tree_match(
    struct profile_load *load, enum match_kind kind, const struct ptoken *at)
{
	struct match *m = pload_alloc(load, sizeof(*m));

	if (m != NULL) {
		m->kind = kind;
		m->at = pload_place(load, at);
		m->name = pload_dup(load, at->text, at->len);
	}
	return m;
}

/* Quoted hex pairs as bytes, at most 64 of them. */
static const uint8_t *
hex_of(struct profile_load *load, const struct ptoken *token, uint32_t *len)
{
	struct value *v = tree_value(load, token, NULL, 1);

	*len = 0;
	if (v == NULL || number_hex_string(load, v) != 0) {
		return NULL;
	}
	*len = v->len;
	return v->bytes;
}

void
tree_match_bytes(struct profile_load *load, struct match *match,
    const struct ptoken *what, const struct ptoken *offset,
    const struct ptoken *mask)
{
	int is_two = memchr(what->text, '1', what->len) != NULL;

	match->width = what->len == 5 ? 0 :
	    what->text[0] == 'u'      ? 1 :
	    is_two		      ? 2 :
					4;
	match->is_big = what->len == 4 && what->text[0] == 'b';
	match->offset = (uint32_t)number_of(load, offset, 0, UINT16_MAX);
	match->last = match->offset;
	if (mask != NULL) {
		match->mask = hex_of(load, mask, &match->mask_len);
		if (match->mask != NULL && match->width != 0 &&
		    match->mask_len != match->width) {
			pload_error_at(load, mask, "a mask of %u bytes for "
			    "%.*s; expected %u", match->mask_len,
			    SHOWN(what), match->width);
		}
	}
}

void
tree_match_contains(struct profile_load *load, struct match *match,
    const struct ptoken *pattern, const struct ptoken *from,
    const struct ptoken *to)
{
	struct value *v = tree_value(load, pattern, NULL, 1);

	if (match == NULL || v == NULL) {
		return;
	}
	number_hex_string(load, v);
	match->values = v;
	if (from == NULL) {
		pload_error(load, &match->at, "`contains' would look through "
		    "everything; expected `in' and where the pattern may "
		    "begin, such as in 0..63");
		return;
	}
	match->offset = (uint32_t)number_of(load, from, 0, UINT16_MAX);
	match->last = (uint32_t)number_of(load, to, 0, UINT16_MAX);
	if (match->last < match->offset) {
		pload_error_at(load, to, "the range ends before it begins");
	}
}

/* --- modifiers --- */

void
tree_log(struct profile_load *load, struct prule *rule,
    const struct ptoken *level, const struct ptoken *text)
{
	if (rule == NULL) {
		return;
	}
	if (rule->has_log) {
		pload_error(load, &rule->at, "the rule has `log' twice");
	}
	rule->has_log = 1;
	rule->level = level == NULL  ? PROFILE_INFO :
	    level->text[0] == 'w'    ? PROFILE_WARN :
	    level->text[0] == 'a'    ? PROFILE_ALERT :
				       PROFILE_INFO;
	rule->log = text != NULL ? plain(load, text, TEXT_MAX) : NULL;
}

void
tree_capture(struct profile_load *load, struct prule *rule,
    const struct ptoken *units)
{
	if (rule == NULL) {
		return;
	}
	if (rule->has_capture) {
		pload_error(load, &rule->at, "the rule has `capture' twice");
	}
	rule->has_capture = 1;
	rule->capture = units != NULL ?
	    (uint32_t)number_of(load, units, 1, UINT16_MAX) : 0;
}

void
tree_key(struct profile_load *load, struct prule *rule,
    const struct ptoken *text)
{
	if (rule == NULL) {
		return;
	}
	if (rule->key != NULL) {
		pload_error(load, &rule->at, "the rule has `key' twice");
	}
	rule->key = plain(load, text, TEXT_MAX);
}
