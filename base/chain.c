/*
 * See chain.h. Both sides of it: what the warden writes, and what sallyctl reads
 * out of files that anybody may have changed.
 */
#include "base/chain.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#define SEQ "{\"seq\":"
#define MAC ",\"mac\":\""
#define END "\"}"
#define TAIL (sizeof(MAC) - 1 + 64 + sizeof(END) - 1)
#define KEY "sallyport-audit-key "
#define HEAD "{\"head\":"
#define CHAIN ",\"chain\":\""

int
chain_begin(struct chain *chain, const uint8_t key[CHAIN_KEY])
{
	static const struct digest_part name = {"chain", 5};
	uint8_t mac[32];
	int r = digest_hmac(mac, key, &name, 1);

	memcpy(chain->id, mac, CHAIN_ID);
	chain->seq = 0;
	memcpy(chain->key, key, CHAIN_KEY);
	return r;
}

int
chain_mac(const struct chain *chain, const void *text, size_t len,
    uint8_t mac[32])
{
	return digest_hmac(
	    mac, chain->key, &(struct digest_part){text, len}, 1);
}

int
chain_next(struct chain *chain)
{
	uint8_t next[CHAIN_KEY];
	int r = digest_sha256(
	    next, &(struct digest_part){chain->key, CHAIN_KEY}, 1);

	if (r == 0) {
		memcpy(chain->key, next, CHAIN_KEY);
		chain->seq++;
	}
	mem_wipe(next, sizeof(next));
	return r;
}

int
chain_skip(struct chain *chain, uint64_t seq, uint64_t max)
{
	int r = 0;

	if (seq < chain->seq || seq - chain->seq > max) {
		return ERR_LIMIT;
	}
	while (r == 0 && chain->seq < seq) {
		r = chain_next(chain);
	}
	return r;
}

long
chain_line(const struct chain *chain, const char *text, size_t len, char *out,
    size_t size, uint8_t mac[32])
{
	size_t used;
	int n, r;

	if (len < 3 || size < len + CHAIN_ROOM) {
		return ERR_NOMEM;
	}
	n = snprintf(out, size, SEQ "%llu,", (unsigned long long)chain->seq);
	used = (size_t)n;
	memcpy(out + used, text + 1, len - 2); /* without its braces */
	used += len - 2;
	r = chain_mac(chain, out, used, mac);
	if (r != 0) {
		return r;
	}
	memcpy(out + used, MAC, sizeof(MAC) - 1);
	used += sizeof(MAC) - 1;
	digest_hex(out + used, 65, mac, 32);
	used += 64;
	memcpy(out + used, END, sizeof(END));
	return (long)(used + sizeof(END) - 1);
}

size_t
chain_number(uint64_t *out, const char *text, size_t len)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len && i < 20 && text[i] >= '0' && text[i] <= '9';
	     i++) {
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	if (i == 0 || i > 19 || (i > 1 && text[0] == '0')) {
		return 0;
	}
	*out = n;
	return i;
}

/* Exactly n bytes, of twice as many digits, which no NUL follows. */
static int
unhex(void *out, size_t n, const char *text)
{
	char digits[2 * 32 + 1];

	memcpy(digits, text, 2 * n);
	digits[2 * n] = '\0';
	return digest_unhex(out, n, digits);
}

/* Whether text goes on with that word; moves behind it. */
static int
takes(const char **text, size_t *len, const char *word)
{
	size_t n = strlen(word);

	if (*len < n || memcmp(*text, word, n) != 0) {
		return 0;
	}
	*text += n;
	*len -= n;
	return 1;
}

static int
takes_number(const char **text, size_t *len, uint64_t *out)
{
	size_t n = chain_number(out, *text, *len);

	*text += n;
	*len -= n;
	return n != 0;
}

static int
takes_hex(const char **text, size_t *len, void *out, size_t n)
{
	if (*len < 2 * n || unhex(out, n, *text) != 0) {
		return 0;
	}
	*text += 2 * n;
	*len -= 2 * n;
	return 1;
}

int
chain_split(struct chain_parts *out, const char *line, size_t len)
{
	const char *p = line;
	size_t left = len;

	if (len > CHAIN_LINE_MAX || !takes(&p, &left, SEQ) ||
	    !takes_number(&p, &left, &out->seq) || left < 1 + TAIL ||
	    p[0] != ',') {
		return ERR_FORMAT;
	}
	out->covered = len - TAIL;
	p = line + out->covered;
	left = TAIL;
	return takes(&p, &left, MAC) && takes_hex(&p, &left, out->mac, 32) &&
		takes(&p, &left, END)
	    ? 0
	    : ERR_FORMAT;
}

int
chain_is_mac(const struct chain *chain, const char *line,
    const struct chain_parts *parts)
{
	uint8_t mac[32];
	unsigned bad = 0;

	if (chain_mac(chain, line, parts->covered, mac) != 0) {
		return 0;
	}
	for (size_t i = 0; i < sizeof(mac); i++) {
		bad |= mac[i] ^ parts->mac[i];
	}
	return bad == 0;
}

char *
chain_key_print(char buf[CHAIN_KEY_TEXT], const struct chain *chain)
{
	char id[CHAIN_ID_TEXT], key[2 * CHAIN_KEY + 1];

	(void)snprintf(buf, CHAIN_KEY_TEXT, KEY "%s %llu %s",
	    digest_hex(id, sizeof(id), chain->id, CHAIN_ID),
	    (unsigned long long)chain->seq,
	    digest_hex(key, sizeof(key), chain->key, CHAIN_KEY));
	mem_wipe(key, sizeof(key));
	return buf;
}

int
chain_key_parse(struct chain *chain, const char *line, size_t len)
{
	return takes(&line, &len, KEY) &&
		takes_hex(&line, &len, chain->id, CHAIN_ID) &&
		takes(&line, &len, " ") &&
		takes_number(&line, &len, &chain->seq) &&
		takes(&line, &len, " ") &&
		takes_hex(&line, &len, chain->key, CHAIN_KEY) && len == 0
	    ? 0
	    : ERR_FORMAT;
}

char *
chain_head_print(char buf[CHAIN_HEAD_TEXT], const struct chain_head *head)
{
	char id[CHAIN_ID_TEXT], mac[65];

	(void)snprintf(buf, CHAIN_HEAD_TEXT,
	    HEAD "%llu" CHAIN "%s\"" MAC "%s" END,
	    (unsigned long long)head->count,
	    digest_hex(id, sizeof(id), head->id, CHAIN_ID),
	    digest_hex(mac, sizeof(mac), head->mac, 32));
	return buf;
}

int
chain_head_parse(struct chain_head *head, const char *line, size_t len)
{
	return takes(&line, &len, HEAD) &&
		takes_number(&line, &len, &head->count) &&
		takes(&line, &len, CHAIN) &&
		takes_hex(&line, &len, head->id, CHAIN_ID) &&
		takes(&line, &len, "\"" MAC) &&
		takes_hex(&line, &len, head->mac, 32) &&
		takes(&line, &len, END) && len == 0
	    ? 0
	    : ERR_FORMAT;
}
