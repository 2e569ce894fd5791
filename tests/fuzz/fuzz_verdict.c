/*
 * A line of a server of verdicts: what is taken is within its bounds, and said
 * again in its own words it is the same.
 */
#include <string.h>

#include "proxy/warden/verdict.h"
#include "tests/fuzz/fuzz.h"

static json_t *
say_again(const struct verdict_line *line)
{
	switch (line->said) {
	case SAID_HELLO:
		return json_pack("{s:s,s:I,s:s}", "type", "hello", "protocol",
		    (json_int_t)line->protocol, "name", line->name);
	case SAID_PONG:
		return json_pack(
		    "{s:s,s:I}", "type", "pong", "id", (json_int_t)line->id);
	case SAID_ANSWER:
		break;
	}
	return json_pack("{s:I,s:s,s:I}", "id", (json_int_t)line->id, "verdict",
	    verdict_word_name(line->word), "valid", (json_int_t)line->valid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict_line line, again;
	const char *why = NULL;
	char *text;
	json_t *o;

	if (verdict_line_parse(&line, (const char *)data, size, &why) != 0) {
		MUST(why != NULL);
		return 0;
	}
	MUST(line.said <= SAID_PONG && line.word <= WORD_NONE);
	MUST(line.said == SAID_HELLO || line.id != 0);
	MUST(line.valid <= VERDICT_VALID_MAX);
	MUST(memchr(line.name, '\0', sizeof(line.name)) != NULL);
	MUST(memchr(line.reason, '\0', sizeof(line.reason)) != NULL);
	o = say_again(&line);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	MUST(text != NULL);
	MUST(verdict_line_parse(&again, text, strlen(text), &why) == 0);
	MUST(again.said == line.said && again.id == line.id &&
	     again.word == line.word && again.valid == line.valid &&
	     again.protocol == line.protocol &&
	     strcmp(again.name, line.name) == 0);
	free(text);
	return 0;
}
