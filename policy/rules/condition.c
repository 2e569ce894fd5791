/*
 * Conditions of `if': read from their raw text, and judged with what the world
 * answers. What cannot be answered stays unknown through `!' and through sets,
 * so that in the end it can be read against the rule: no allow comes of it,
 * and no block is avoided.
 */
#include "policy/rules/ast.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum argument { ARG_NONE, ARG_MAY, ARG_MUST };

static const struct {
	const char *name;
	enum argument argument;
} conditions[COND_MAX] = {
	[COND_TRUE] = {"true", ARG_MAY},
	[COND_FALSE] = {"false", ARG_MAY},
	[COND_RANDOM] = {"random", ARG_MAY},
	[COND_LOCALTIME] = {"localtime", ARG_MUST},
	[COND_ALLOWED_MATCHES] = {"allowed-matches", ARG_MAY},
	[COND_RULE_APPLIED] = {"rule-applied", ARG_MAY},
	[COND_RULE_EVALUATED] = {"rule-evaluated", ARG_MAY},
	[COND_SESSION] = {"session", ARG_MUST},
	[COND_EXPORTED_MATCHES] = {"exported-matches", ARG_MAY},
	[COND_FIRST_SEEN] = {"first-seen", ARG_NONE},
	[COND_AMBIGUOUS] = {"ambiguous", ARG_NONE},
	[COND_PLUGGED_WITHIN] = {"plugged-within", ARG_MUST},
	[COND_ARMED] = {"armed", ARG_MUST},
};

const char *
condition_name(enum condition_kind kind)
{
	return (unsigned)kind < COND_MAX ? conditions[kind].name : "?";
}

/* The text of an argument while it is read. */
struct argument_text {
	const char *p;
	size_t n;
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct argument_text
trim(const char *p, size_t n)
{
	while (n > 0 && is_blank(p[0])) {
		p++;
		n--;
	}
	while (n > 0 && is_blank(p[n - 1])) {
		n--;
	}
	return (struct argument_text){p, n};
}

static int
is_text(const struct argument_text *a, const char *text)
{
	return a->n == strlen(text) && memcmp(a->p, text, a->n) == 0;
}

/* [+-]N[.N]: any number is taken, as by USBGuard, and what is outside of 0..1
 * is never or always. */
static int
parse_random(struct condition *out, struct argument_text a)
{
	uint64_t whole = 0, part = 0, unit = 1000000000;
	size_t i = 0, n = 0;
	int is_negative = 0;

	if (i < a.n && (a.p[i] == '+' || a.p[i] == '-')) {
		is_negative = a.p[i++] == '-';
	}
	for (; i < a.n && a.p[i] >= '0' && a.p[i] <= '9'; i++, n++) {
		whole = whole > 1 ? whole :
				    whole * 10 + (uint64_t)(a.p[i] - '0');
	}
	if (i < a.n && a.p[i] == '.') {
		for (i++; i < a.n && a.p[i] >= '0' && a.p[i] <= '9';
		     i++, n++) {
			unit /= 10;
			part += unit * (uint64_t)(a.p[i] - '0');
		}
	}
	if (i != a.n || n == 0) {
		return ERR_FORMAT;
	}
	out->billionths = is_negative ? 0 :
	    whole > 0		      ? 1000000000u :
					(uint32_t)part;
	return 0;
}

/* USBGuard takes hours of one digit as well. */
static int
parse_daytime(struct argument_text a, int is_end, uint32_t *second)
{
	char padded[sizeof("HH:MM:SS")] = "0";
	size_t is_short = a.n > 1 && a.p[1] == ':';

	if (a.n + is_short >= sizeof(padded)) {
		return ERR_FORMAT;
	}
	memcpy(padded + is_short, a.p, a.n);
	return when_time(padded, a.n + is_short, is_end, second);
}

/* TIME[-TIME] [zone], with blanks around the `-' as well. */
static int
parse_localtime(
    struct arena *arena, struct condition *out, struct argument_text a)
{
	size_t n = 0, dash;
	struct argument_text from, to;

	while (n < a.n && (strchr("0123456789:-", a.p[n]) != NULL ||
			      is_blank(a.p[n])) && a.p[n] != '\0') {
		n++;
	}
	/* what starts with anything else is a zone, behind a blank */
	if (n < a.n && (n == 0 || !is_blank(a.p[n - 1]))) {
		return ERR_FORMAT;
	}
	out->zone = arena_dup(arena, a.p + n, a.n - n);
	if (out->zone == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = n; i < a.n; i++) {
		if (a.p[i] <= ' ' || a.p[i] > '~') {
			return ERR_FORMAT;
		}
	}
	for (dash = 0; dash < n && a.p[dash] != '-'; dash++) {
	}
	from = trim(a.p, dash);
	to = dash < n ? trim(a.p + dash + 1, n - dash - 1) : from;
	return parse_daytime(from, 0, &out->from) == 0 &&
		parse_daytime(to, 1, &out->to) == 0 ?
	    0 : ERR_FORMAT;
}

/* USBGuard's HH:MM:SS, HH:MM or seconds; and ours, 10m. */
static int
parse_past(struct condition *out, struct argument_text a)
{
	uint32_t part[3] = {0, 0, 0};
	size_t start = 0, n = 0;

	if (when_duration(a.p, a.n, &out->seconds) == 0) {
		return 0;
	}
	for (size_t i = 0; i <= a.n; i++) {
		if (i < a.n && a.p[i] != ':') {
			continue;
		}
		if (n == 3 ||
		    when_number(a.p + start, i - start,
			n == 0 ? UINT32_MAX / 3600 : 59, &part[n]) != 0) {
			return n == 0 && i == a.n ?
			    when_number(a.p, a.n, UINT32_MAX, &out->seconds) :
			    ERR_FORMAT;
		}
		n++;
		start = i + 1;
	}
	out->seconds = n == 1 ? part[0] :
				part[0] * 3600 + part[1] * 60 + part[2];
	return 0;
}

/* "token", with the escapes of a string. */
static int
parse_token(struct arena *arena, struct condition *out, struct argument_text a)
{
	char *text = arena_alloc(arena, a.n + 1);
	size_t n = 0;

	if (text == NULL) {
		return ERR_NOMEM;
	}
	if (a.n < 3 || a.p[0] != '"' || a.p[a.n - 1] != '"') {
		return ERR_FORMAT;
	}
	for (size_t i = 1; i + 1 < a.n; i++) {
		char c = a.p[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
			return ERR_FORMAT;
		}
		text[n++] = c;
	}
	out->token = text;
	return 0;
}

static int
parse_argument(struct arena *arena, struct condition *out,
    struct argument_text a, char *why, size_t size)
{
	const char *expected = "";
	int r = 0;

	switch (out->kind) {
	case COND_RANDOM:
		r = parse_random(out, a);
		expected = "a probability, such as random(0.5)";
		break;
	case COND_LOCALTIME:
		r = parse_localtime(arena, out, a);
		expected = "localtime(HH:MM[:SS][-HH:MM[:SS]] [zone])";
		break;
	case COND_RULE_APPLIED:
	case COND_RULE_EVALUATED:
		r = parse_past(out, a);
		expected = "a duration: HH:MM:SS, HH:MM, seconds, or 10m";
		break;
	case COND_PLUGGED_WITHIN:
		r = when_duration(a.p, a.n, &out->seconds);
		expected = "a duration, such as plugged-within(10m)";
		break;
	case COND_SESSION:
		out->lock = is_text(&a, "unlocked") ? RULE_UNLOCKED :
		    is_text(&a, "locked")	    ? RULE_LOCKED :
						      RULE_LOCK_UNKNOWN;
		r = out->lock == RULE_LOCK_UNKNOWN ? ERR_FORMAT : 0;
		expected = "session(unlocked) or session(locked)";
		break;
	case COND_ARMED:
		r = parse_token(arena, out, a);
		expected = "armed(\"token\"), printable and without blanks, "
			   "quotes and backslashes";
		break;
	case COND_TRUE:
	case COND_FALSE:
	case COND_ALLOWED_MATCHES:
	case COND_EXPORTED_MATCHES:
	case COND_FIRST_SEEN:
	case COND_AMBIGUOUS:
	case COND_MAX:
		break;
	}
	if (r == ERR_FORMAT) {
		snprintf(why, size, "expected %s", expected);
	}
	return r;
}

static int
find_kind(const char *text, size_t n, enum condition_kind *out)
{
	for (int i = 0; i < COND_MAX; i++) {
		if (n == strlen(conditions[i].name) &&
		    memcmp(text, conditions[i].name, n) == 0) {
			*out = (enum condition_kind)i;
			return 0;
		}
	}
	return ERR_FORMAT;
}

int
condition_parse(struct arena *arena, struct condition **out,
    const struct word *word, const char **query, size_t *n, char *why,
    size_t size)
{
	struct condition *condition = arena_alloc(arena, sizeof(*condition));
	const char *p = word->text, *open;
	size_t len = word->len, name, arg;

	*query = NULL;
	*n = 0;
	*out = condition;
	if (condition == NULL) {
		return ERR_NOMEM;
	}
	condition->zone = condition->token = "";
	condition->billionths = 500000000;
	if (len > 0 && p[0] == '!') {
		condition->is_not = 1;
		p++;
		len--;
	}
	open = memchr(p, '(', len);
	name = open != NULL ? (size_t)(open - p) : len;
	if (word->is_string || find_kind(p, name, &condition->kind) != 0 ||
	    (open != NULL && p[len - 1] != ')')) {
		snprintf(why, size,
		    "no condition; expected true, false, random, localtime, "
		    "allowed-matches, rule-applied, rule-evaluated, session, "
		    "exported-matches, first-seen, ambiguous, plugged-within "
		    "or armed");
		return ERR_FORMAT;
	}
	arg = open != NULL ? len - name - 2 : 0;
	if (open == NULL ? conditions[condition->kind].argument == ARG_MUST :
		conditions[condition->kind].argument == ARG_NONE ||
		    trim(open + 1, arg).n == 0) {
		snprintf(why, size,
		    open == NULL ? "expected an argument in ( )" :
		    conditions[condition->kind].argument == ARG_NONE ?
				   "it has no argument" :
				   "its argument is empty");
		return ERR_FORMAT;
	}
	if (open == NULL) {
		return 0;
	}
	condition->has_arg = 1;
	if (condition->kind == COND_ALLOWED_MATCHES ||
	    condition->kind == COND_EXPORTED_MATCHES) {
		*query = open + 1;
		*n = arg;
		return 0;
	}
	return parse_argument(
	    arena, condition, trim(open + 1, arg), why, size);
}

/* --- judging --- */

static enum rule_answer
answer(int is_true)
{
	return is_true ? RULE_YES : RULE_NO;
}

static enum rule_answer
at_localtime(
    const struct condition *condition, const struct rule_world *world)
{
	struct rule_local now;
	uint32_t from = condition->from, to = condition->to;

	if (world->ops->local(
		world->arg, condition->zone, world->now, &now) != 0) {
		return RULE_UNKNOWN;
	}
	return answer(from <= to ? now.second >= from && now.second <= to :
				   now.second >= from || now.second <= to);
}

static enum rule_answer
in_past(const struct condition *condition, const struct rule *rule,
    const struct rule_world *world)
{
	int64_t at = world->ops->counted(world->arg, rule->id,
	    condition->kind == COND_RULE_APPLIED ? RULE_APPLIED :
						   RULE_EVALUATED);

	if (at == 0 || !condition->has_arg) {
		return answer(at != 0);
	}
	return answer(world->now - at <= (int64_t)condition->seconds);
}

static int
device_matches(void *arg, const struct rule_device *device)
{
	const struct condition *condition = arg;
	const struct value_set *set;
	struct subject subject;

	if (device->ninterfaces > RULE_INTERFACES_MAX) {
		return 0;
	}
	subject_init(&subject, device, NULL, NULL);
	return match_tests(condition->query, &subject, &set) == NULL;
}

static enum rule_answer
some_device(
    const struct condition *condition, const struct rule_world *world)
{
	struct condition copy = *condition;

	return answer(world->ops->devices(world->arg,
			  condition->kind == COND_EXPORTED_MATCHES ?
			      RULE_DEVICES_EXPORTED :
			      RULE_DEVICES_ALLOWED,
			  device_matches, &copy) != 0);
}

static enum rule_answer
plain_answer(const struct condition *condition, const struct rule *rule,
    const struct subject *subject)
{
	const struct rule_world *world = subject->world;
	const struct rule_device *device = subject->device;
	enum rule_lock lock;

	if (condition->kind == COND_TRUE || condition->kind == COND_FALSE) {
		return answer(condition->kind == COND_TRUE);
	}
	if (world == NULL) {
		return RULE_UNKNOWN;
	}
	switch (condition->kind) {
	case COND_RANDOM:
		return answer((uint64_t)world->ops->draw(
				  world->arg, rule->id) *
			1000000000u >> 32 < condition->billionths);
	case COND_LOCALTIME:
		return at_localtime(condition, world);
	case COND_ALLOWED_MATCHES:
	case COND_EXPORTED_MATCHES:
		return some_device(condition, world);
	case COND_RULE_APPLIED:
	case COND_RULE_EVALUATED:
		return in_past(condition, rule, world);
	case COND_SESSION:
		lock = desk_lock(rule, subject);
		return lock == RULE_LOCK_UNKNOWN ? RULE_UNKNOWN :
						   answer(lock ==
						       condition->lock);
	case COND_FIRST_SEEN:
		return answer(device->is_first_seen);
	case COND_AMBIGUOUS:
		return answer(device->is_ambiguous);
	case COND_PLUGGED_WITHIN:
		return device->plugged == 0 ? RULE_UNKNOWN :
		    answer(world->now - device->plugged <=
			(int64_t)condition->seconds);
	case COND_ARMED:
		return answer(
		    world->ops->is_armed(world->arg, condition->token) != 0);
	case COND_TRUE:
	case COND_FALSE:
	case COND_MAX:
		break;
	}
	return RULE_UNKNOWN;
}

enum rule_answer
condition_answer(const struct condition *condition, const struct rule *rule,
    const struct subject *subject)
{
	enum rule_answer a = plain_answer(condition, rule, subject);

	if (a == RULE_UNKNOWN || !condition->is_not) {
		return a;
	}
	return answer(a == RULE_NO);
}

/* Judged when a lease begins, and true for as long as it lasts. */
static int
is_entry(enum condition_kind kind)
{
	return kind == COND_ARMED || kind == COND_PLUGGED_WITHIN ||
	    kind == COND_RANDOM || kind == COND_RULE_APPLIED ||
	    kind == COND_RULE_EVALUATED;
}

enum rule_answer
condition_judge(const struct value_set *set, const struct rule *rule,
    const struct subject *subject)
{
	int is_granted = term_is_granted(rule, subject->world);
	int is_any = set->op == OP_ONE_OF || set->op == OP_NONE_OF;
	enum rule_answer so_far = answer(!is_any);

	for (size_t i = 0; i < set->nvalues; i++) {
		const struct condition *condition =
		    set->values[i].u.condition;
		enum rule_answer a;

		/* whatever it was, the rule held with it */
		if (is_granted && is_entry(condition->kind)) {
			a = answer(set->op != OP_NONE_OF);
		} else {
			a = condition_answer(condition, rule, subject);
		}
		if (a == answer(is_any)) {
			so_far = a; /* this one decides */
			break;
		}
		so_far = a == RULE_UNKNOWN ? a : so_far;
	}
	if (set->op == OP_NONE_OF && so_far != RULE_UNKNOWN) {
		return answer(so_far == RULE_NO);
	}
	return so_far;
}
