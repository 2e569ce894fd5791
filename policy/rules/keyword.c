/*
 * The words of the rule language. What a later version of the language will
 * know is in the table too, as UNSUPPORTED: it is refused by name and never
 * taken for something else.
 */
#include "policy/rules/ast.h"

#include <stdlib.h>
#include <string.h>

#include "policy/rules/parse.h"

/* This has to be sorted always (bytewise): it is searched by halving. */
const struct keyword keywords[] = {
	{"=", EQ, 0},
	{"all-of", SETOP, OP_ALL_OF},
	{"allow", TARGET, RULE_ALLOW},
	{"and", AND, 0},
	{"any", ANY, 0},
	{"approve", UNSUPPORTED, 0},
	{"audit", UNSUPPORTED, 0},
	{"block", TARGET, RULE_BLOCK},
	{"capture", UNSUPPORTED, 0},
	{"default", DEFAULT, 0},
	{"define", DEFINE, 0},
	{"device", FOREIGN, 0},
	{"equals", SETOP, OP_EQUALS},
	{"equals-ordered", SETOP, OP_EQUALS_ORDERED},
	{"exactly", SETOP, OP_EXACTLY},
	{"expose", UNSUPPORTED, 0},
	{"forbid", UNSUPPORTED, 0},
	{"hash", ATTR, ATTR_HASH},
	{"hold", UNSUPPORTED, 0},
	{"id", ATTR, ATTR_ID},
	{"if", UNSUPPORTED, 0},
	{"include", UNSUPPORTED, 0},
	{"issuer", UNSUPPORTED, 0},
	{"key", KEY, ATTR_KEY},
	{"label", ATTR, ATTR_LABEL},
	{"lease", UNSUPPORTED, 0},
	{"manufacturer", ATTR, ATTR_MANUFACTURER},
	{"match", FOREIGN, 0},
	{"match-all", SETOP, OP_MATCH_ALL},
	{"max", UNSUPPORTED, 0},
	{"name", ATTR, ATTR_NAME},
	{"none-of", SETOP, OP_NONE_OF},
	{"once", UNSUPPORTED, 0},
	{"one-of", SETOP, OP_ONE_OF},
	{"only", SETOP, OP_ONLY},
	{"parent-hash", ATTR, ATTR_PARENT_HASH},
	{"pin", UNSUPPORTED, 0},
	{"reject", TARGET, RULE_REJECT},
	{"release", ATTR, ATTR_RELEASE},
	{"serial", ATTR, ATTR_SERIAL},
	{"speed", ATTR, ATTR_SPEED},
	{"to", TO, ATTR_TO},
	{"tz", UNSUPPORTED, 0},
	{"under", UNSUPPORTED, 0},
	{"until", UNSUPPORTED, 0},
	{"using", UNSUPPORTED, 0},
	{"via-port", ATTR, ATTR_VIA_PORT},
	{"window", UNSUPPORTED, 0},
	{"with-class", ATTR, ATTR_WITH_CLASS},
	{"with-connect-type", ATTR, ATTR_WITH_CONNECT_TYPE},
	{"with-interface", ATTR, ATTR_WITH_INTERFACE},
	{"workstations", GROUP, 0},
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

int
keyword_starts_statement(const char *text, size_t len)
{
	const struct keyword *keyword = keyword_find(text, len);

	if (keyword == NULL) {
		return 0;
	}
	return keyword->token == TARGET || keyword->token == DEFINE ||
	    keyword->token == DEFAULT || keyword->token == GROUP ||
	    (keyword->token == UNSUPPORTED &&
		(strcmp(keyword->name, "forbid") == 0 ||
		    strcmp(keyword->name, "include") == 0));
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
		[ATTR_TO] = "to",
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
