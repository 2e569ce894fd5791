/*
 * The words of the rule language. USBGuard's files know fewer of them: what is
 * not a word there is a name or an error, never a term of ours.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>
#include <string.h>

#include "policy/rules/parse.h"

/* This has to be sorted always (bytewise): it is searched by halving. */
const struct keyword keywords[] = {
	{"=", EQ, 0, 0},
	{"all-of", SETOP, OP_ALL_OF, 1},
	{"allow", TARGET, RULE_ALLOW, 1},
	{"and", AND, 0, 0},
	{"any", ANY, 0, 0},
	{"approve", APPROVE, ATTR_APPROVE, 0},
	{"audit", FLAG, ATTR_AUDIT, 0},
	{"block", TARGET, RULE_BLOCK, 1},
	{"by", BY, 0, 0},
	{"capture", FLAG, ATTR_CAPTURE, 0},
	{"citrix", DIALECT, INCLUDE_CITRIX, 0},
	{"default", DEFAULT, 0, 0},
	{"define", DEFINE, 0, 0},
	{"device", FOREIGN, 0, 1},
	{"equals", SETOP, OP_EQUALS, 1},
	{"equals-ordered", SETOP, OP_EQUALS_ORDERED, 1},
	{"exactly", SETOP, OP_EXACTLY, 0},
	{"expose", EXPOSE, ATTR_EXPOSE, 0},
	{"exposed", EXPOSED, 0, 0},
	{"forbid", FORBID, 0, 0},
	{"hash", ATTR, ATTR_HASH, 1},
	{"hold", HOLD, ATTR_HOLD, 0},
	{"id", ATTR, ATTR_ID, 1},
	{"idle", IDLE, 0, 0},
	{"if", IF, ATTR_IF, 1},
	{"include", INCLUDE, 0, 0},
	{"interface", INTERFACE, 0, 0},
	{"issuer", ISSUER, 0, 0},
	{"key", NAMED, ATTR_KEY, 0},
	{"label", ATTR, ATTR_LABEL, 1},
	{"lease", LEASE, ATTR_LEASE, 0},
	{"manufacturer", ATTR, ATTR_MANUFACTURER, 0},
	{"match", FOREIGN, 0, 1},
	{"match-all", SETOP, OP_MATCH_ALL, 1},
	{"max", MAXIMUM, ATTR_AT_MOST, 0},
	{"name", ATTR, ATTR_NAME, 1},
	{"none-of", SETOP, OP_NONE_OF, 1},
	{"once", FLAG, ATTR_ONCE, 0},
	{"one-of", SETOP, OP_ONE_OF, 1},
	{"only", SETOP, OP_ONLY, 0},
	{"parent-hash", ATTR, ATTR_PARENT_HASH, 1},
	{"per-gateway", SCOPE, RULE_PER_GATEWAY, 0},
	{"per-workstation", SCOPE, RULE_PER_WORKSTATION, 0},
	{"pin", ATTR, ATTR_PIN, 0},
	{"reject", TARGET, RULE_REJECT, 1},
	{"release", ATTR, ATTR_RELEASE, 0},
	{"serial", ATTR, ATTR_SERIAL, 1},
	{"speed", ATTR, ATTR_SPEED, 0},
	{"to", TO, ATTR_TO, 0},
	{"tz", TZ, 0, 0},
	{"under", ATTR, ATTR_UNDER, 0},
	{"until", NAMED, ATTR_UNTIL, 0},
	{"usbguard", DIALECT, INCLUDE_USBGUARD, 0},
	{"usbredir", DIALECT, INCLUDE_USBREDIR, 0},
	{"using", USING, ATTR_USING, 0},
	{"valid", VALID, 0, 0},
	{"via-port", ATTR, ATTR_VIA_PORT, 1},
	{"window", WINDOW, ATTR_WINDOW, 0},
	{"with-class", ATTR, ATTR_WITH_CLASS, 0},
	{"with-connect-type", ATTR, ATTR_WITH_CONNECT_TYPE, 1},
	{"with-interface", ATTR, ATTR_WITH_INTERFACE, 1},
	{"within", WITHIN, 0, 0},
	{"workstations", GROUP, 0, 0},
};
const size_t nkeywords = sizeof(keywords) / sizeof(keywords[0]);

struct slice {
	const char *text;
	size_t len;
};

static int
compare(const void *key, const void *entry)
{
	const struct slice *slice = key;
	const struct keyword *keyword = entry;
	size_t len = strlen(keyword->name);
	size_t min = slice->len < len ? slice->len : len;
	int order = memcmp(slice->text, keyword->name, min);

	if (order != 0) {
		return order;
	}
	return (slice->len > len) - (slice->len < len);
}

const struct keyword *
keyword_find(const char *text, size_t len)
{
	struct slice slice = {text, len};

	return bsearch(
	    &slice, keywords, nkeywords, sizeof(keywords[0]), compare);
}

const struct keyword *
keyword_find_in(enum rules_dialect dialect, const char *text, size_t len)
{
	const struct keyword *keyword = keyword_find(text, len);

	return keyword != NULL &&
		(dialect == RULES_OWN || keyword->is_usbguard) ?
	    keyword : NULL;
}

int
keyword_starts_statement(const char *text, size_t len)
{
	const struct keyword *keyword = keyword_find(text, len);

	if (keyword == NULL) {
		return 0;
	}
	return keyword->token == TARGET || keyword->token == DEFINE ||
	    keyword->token == DEFAULT || keyword->token == GROUP ||
	    keyword->token == INCLUDE || keyword->token == FORBID;
}

const char *
attr_name(enum rule_attr attr)
{
	static const char *const names[ATTR_MAX] = {
		[ATTR_ID] = "id",
		[ATTR_SERIAL] = "serial",
		[ATTR_NAME] = "name",
		[ATTR_HASH] = "hash",
		[ATTR_PARENT_HASH] = "parent-hash",
		[ATTR_VIA_PORT] = "via-port",
		[ATTR_WITH_INTERFACE] = "with-interface",
		[ATTR_WITH_CONNECT_TYPE] = "with-connect-type",
		[ATTR_LABEL] = "label",
		[ATTR_MANUFACTURER] = "manufacturer",
		[ATTR_RELEASE] = "release",
		[ATTR_SPEED] = "speed",
		[ATTR_WITH_CLASS] = "with-class",
		[ATTR_UNDER] = "under",
		[ATTR_PIN] = "pin",
		[ATTR_TO] = "to",
		[ATTR_USING] = "using",
		[ATTR_EXPOSE] = "expose",
		[ATTR_LEASE] = "lease",
		[ATTR_UNTIL] = "until",
		[ATTR_HOLD] = "hold",
		[ATTR_ONCE] = "once",
		[ATTR_AT_MOST] = "max",
		[ATTR_WINDOW] = "window",
		[ATTR_APPROVE] = "approve",
		[ATTR_CAPTURE] = "capture",
		[ATTR_IF] = "if",
		[ATTR_AUDIT] = "audit",
		[ATTR_KEY] = "key",
	};

	return (unsigned)attr < ATTR_MAX ? names[attr] : "?";
}

const char *
op_name(enum set_op op)
{
	static const char *const names[OP_MAX] = {
		[OP_NONE] = "",
		[OP_ALL_OF] = "all-of",
		[OP_ONE_OF] = "one-of",
		[OP_NONE_OF] = "none-of",
		[OP_EQUALS] = "equals",
		[OP_EQUALS_ORDERED] = "equals-ordered",
		[OP_MATCH_ALL] = "match-all",
		[OP_ONLY] = "only",
		[OP_EXACTLY] = "exactly",
	};

	return (unsigned)op < OP_MAX ? names[op] : "?";
}
