/*
 * Facts of a workstation from the command line.
 */
#include "policy/tool/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/tool/cmd.h"

static const char *const kinds[] = {
	/* longer ones first */
	"fp:sha256", "issuer:sha256", "issuer", "cn", "dns", "uri", "ip", "ou"};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
copy(char dst[IDENTITY_TEXT], const char *text, size_t len)
{
	if (len == 0 || memchr(text, '\0', len) != NULL) {
		return ERR_FORMAT;
	}
	if (len >= IDENTITY_TEXT) {
		return ERR_LIMIT;
	}
	memcpy(dst, text, len);
	dst[len] = '\0';
	return 0;
}

static int
add_hash(uint8_t hash[32], const char *text, size_t len)
{
	if (len != 64) {
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < len; i++) {
		static const char digits[] = "0123456789abcdef";
		char c = text[i] >= 'A' && text[i] <= 'F' ?
		    (char)(text[i] | 0x20) : text[i];
		const char *digit = c != '\0' ? strchr(digits, c) : NULL;

		if (digit == NULL) {
			return ERR_FORMAT;
		}
		hash[i / 2] =
		    (uint8_t)(hash[i / 2] << 4 | (int)(digit - digits));
	}
	return 0;
}

static int
add_san(struct x509_facts *facts, enum identity_san_type type,
    const char *text, size_t len)
{
	int r;

	if (facts->nsan >= IDENTITY_SANS) {
		return ERR_LIMIT;
	}
	r = copy(facts->san[facts->nsan].text, text, len);
	if (r == 0) {
		facts->san[facts->nsan++].type = (uint8_t)type;
	}
	return r;
}

/* The kind that a text starts with, and how long the prefix is. */
static const char *
kind_of(const char *text, size_t len, size_t *skip)
{
	for (size_t i = 0; i < NKINDS; i++) {
		size_t n = strlen(kinds[i]);

		if (len > n && memcmp(text, kinds[i], n) == 0 &&
		    (text[n] == ':' || text[n] == '=')) {
			*skip = n + 1;
			return kinds[i];
		}
	}
	return NULL;
}

int
identity_add(struct x509_facts *facts, const char *prefix, const char *text,
    size_t len)
{
	size_t skip = 0;

	if (prefix[0] == '\0') {
		prefix = kind_of(text, len, &skip);
		if (prefix == NULL) {
			return ERR_FORMAT;
		}
		text += skip;
		len -= skip;
	}
	if (strcmp(prefix, "fp:sha256") == 0) {
		return add_hash(facts->fingerprint, text, len);
	}
	if (strcmp(prefix, "issuer:sha256") == 0) {
		return add_hash(facts->issuer_key, text, len);
	}
	if (strcmp(prefix, "issuer") == 0) {
		return copy(facts->issuer, text, len);
	}
	if (strcmp(prefix, "cn") == 0) {
		return copy(facts->cn, text, len);
	}
	if (strcmp(prefix, "dns") == 0) {
		return add_san(facts, SAN_DNS, text, len);
	}
	if (strcmp(prefix, "uri") == 0) {
		return add_san(facts, SAN_URI, text, len);
	}
	if (strcmp(prefix, "ip") == 0) {
		return add_san(facts, SAN_IP, text, len);
	}
	if (facts->nou >= IDENTITY_OUS) {
		return ERR_LIMIT;
	}
	if (copy(facts->ou[facts->nou], text, len) != 0) {
		return len >= IDENTITY_TEXT ? ERR_LIMIT : ERR_FORMAT;
	}
	facts->nou++;
	return 0;
}

/* Facts joined by commas; "\," is a comma inside of one. */
static int
read_facts(struct x509_facts *facts, const char *arg)
{
	const char *p = arg;
	char fact[IDENTITY_TEXT + 32];

	for (;;) {
		size_t n = 0;
		int r;

		while (*p != '\0' && *p != ',' && n + 1 < sizeof(fact)) {
			if (*p == '\\' && p[1] == ',') {
				p++;
			}
			fact[n++] = *p++;
		}
		fact[n] = '\0';
		r = *p != '\0' && *p != ',' ?
		    ERR_LIMIT : identity_add(facts, "", fact, n);
		if (r != 0) {
			cmd_warn("explain: --to %s: %s", fact,
			    r == ERR_LIMIT ? "too long, or too many" :
				"no fact of a certificate; expected cn:, "
				"dns:, uri:, ou:, ip:, issuer: or fp:sha256:, "
				"or a JSON file");
			return r;
		}
		if (*p == '\0') {
			return 0;
		}
		p++;
	}
}

int
identity_read(struct x509_facts *facts, const char *arg)
{
	size_t skip;

	if (kind_of(arg, strlen(arg), &skip) != NULL) {
		return read_facts(facts, arg);
	}
	return identity_read_json(facts, arg);
}
