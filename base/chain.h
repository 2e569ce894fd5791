/*
 * A chain of lines: each carries its number and an HMAC-SHA256 under a key that
 * is replaced by its own SHA-256 after it. Who has the first key can check all
 * lines; who takes the present one can forge none of those before. Shared by the
 * warden, which writes such lines, and by sallyctl, which checks them; it knows
 * no files and no JSON.
 *
 *   {"seq":17,...,"mac":"64 hexadecimal digits"}
 *
 * The MAC is over all bytes of the line before `,"mac":"'.
 */
#ifndef BASE_CHAIN_H
#define BASE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#define CHAIN_KEY 32
#define CHAIN_ID 8
#define CHAIN_ID_TEXT (2 * CHAIN_ID + 1)
/* "{\"seq\":" and a number; "\",\"mac\":\"" and what follows; a NUL. */
#define CHAIN_ROOM 112
/* sallyport-audit-key ID SEQ KEY, with its NUL */
#define CHAIN_KEY_TEXT 128
/* Longer lines are none of ours. */
#define CHAIN_LINE_MAX (256u * 1024u)

struct chain {
	uint8_t id[CHAIN_ID];	/* of the first key, and tells nothing of it */
	uint64_t seq;		/* of the line that comes next */
	uint8_t key[CHAIN_KEY]; /* of that line */
};

/* The chain that begins with that key. 0 or ERR_SYS. */
int chain_begin(struct chain *chain, const uint8_t key[CHAIN_KEY]);
/* The MAC of the next line. 0 or ERR_SYS. */
int chain_mac(const struct chain *chain, const void *text, size_t len,
    uint8_t mac[32]);
/* One line further: the key before is gone. 0 or ERR_SYS. */
int chain_next(struct chain *chain);
/* Up to that number. ERR_LIMIT: it lies behind, or over max further. */
int chain_skip(struct chain *chain, uint64_t seq, uint64_t max);

/* Makes the next line of text, an object "{...}" with a member at least, into
 * out, without an end of line: its length, or ERR_NOMEM (size must be len +
 * CHAIN_ROOM), or ERR_SYS. The chain does not go on by this; mac is filled. */
long chain_line(const struct chain *chain, const char *text, size_t len,
    char *out, size_t size, uint8_t mac[32]);

/* Of a line without its end. */
struct chain_parts {
	uint64_t seq;
	size_t covered; /* bytes that the MAC is over */
	uint8_t mac[32];
};
/* 0, or ERR_FORMAT: not a line of a chain. */
int chain_split(struct chain_parts *out, const char *line, size_t len);
/* Whether that is its MAC, in constant time; 0 also for a failure. */
int chain_is_mac(const struct chain *chain, const char *line,
    const struct chain_parts *parts);

/* A key as people keep it, without an end of line. Returns buf. */
char *chain_key_print(char buf[CHAIN_KEY_TEXT], const struct chain *chain);
/* Of a line without its end; 0 or ERR_FORMAT. */
int chain_key_parse(struct chain *chain, const char *line, size_t len);

/* What is said of a chain from time to time: how many lines it has, and the MAC
 * of the last. */
struct chain_head {
	uint8_t id[CHAIN_ID];
	uint64_t count;
	uint8_t mac[32];
};
#define CHAIN_HEAD_TEXT 160
/* {"head":COUNT,"chain":"ID","mac":"..."}. Returns buf. */
char *chain_head_print(
    char buf[CHAIN_HEAD_TEXT], const struct chain_head *head);
int chain_head_parse(struct chain_head *head, const char *line, size_t len);

/* A decimal number without leading zeros, at most 19 digits. How many digits it
 * has, or 0. */
size_t chain_number(uint64_t *out, const char *text, size_t len);

#endif
