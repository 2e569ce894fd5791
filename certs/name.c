/*
 * The rules for names, each a function that answers with a reason. Host names:
 * RFC 1123 with underscores. URIs: RFC 3986 section 3.1 for the scheme, and for
 * `spiffe:` the parts that the SPIFFE ID standard demands.
 */
#include "certs/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "certs/text.h"
#include "wire/enroll.h"

const char *
name_check_text(const char *s)
{
	size_t len = strlen(s);

	if (len == 0) {
		return "is empty";
	}
	if (len > NAME_TEXT_MAX) {
		return "has more than 64 bytes";
	}
	if (s[0] == ' ' || s[len - 1] == ' ') {
		return "begins or ends with a space";
	}
	while (len > 0) {
		size_t n = text_visible(s, len);

		if (n == 0) {
			return "has a character that cannot be printed";
		}
		s += n;
		len -= n;
	}
	return NULL;
}

const char *
name_check_directory(const char *s)
{
	if (strchr(s, '/') != NULL) {
		return "has a '/', which no file name can have";
	}
	if (s[0] == '.') {
		return "begins with a '.'";
	}
	if (strcmp(s, "issued") == 0) {
		return "is the name of the CA's own records";
	}
	return name_check_text(s);
}

static const char *
check_dns(const char *s)
{
	size_t len = strlen(s), label = 0;

	if (len == 0 || len > 253) {
		return "a host name has 1 to 253 bytes";
	}
	/* who had it could take the tokens of others */
	if (strcasecmp(s, ENROLL_NAME) == 0) {
		return "is what 'sallyport-certs serve' alone may be called";
	}
	for (size_t i = 0; i <= len; i++) {
		char c = s[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > 63) {
				return "a label of a host name has 1 to 63 "
				       "bytes";
			}
			if (s[i - 1] == '-') {
				return "a label of a host name ends with '-'";
			}
			label = 0;
		} else if (c == '-' && label == 0) {
			return "a label of a host name begins with '-'";
		} else if (isalnum((unsigned char)c) || c == '-' || c == '_') {
			label++;
		} else {
			return "a host name has only letters, digits, '-', "
			       "'_' and '.'";
		}
	}
	return NULL;
}

static const char *
check_spiffe(const char *s)
{
	const char *p;

	if (strncmp(s, "spiffe://", 9) != 0) {
		return "a SPIFFE ID begins with spiffe:// in lower case";
	}
	s += 9;
	p = s;
	while (*p != '/' && *p != '\0') {
		if (!islower((unsigned char)*p) &&
		    !isdigit((unsigned char)*p) && strchr(".-_", *p) == NULL) {
			return "a trust domain has only a-z, 0-9, '.', '-' "
			       "and '_'";
		}
		p++;
	}
	if (p == s) {
		return "a SPIFFE ID needs a trust domain";
	}
	if (strpbrk(p, "?#") != NULL) {
		return "a SPIFFE ID has no query and no fragment";
	}
	if (strstr(p, "//") != NULL ||
	    (*p != '\0' && p[strlen(p) - 1] == '/')) {
		return "the path of a SPIFFE ID has an empty part";
	}
	return NULL;
}

static const char *
check_uri(const char *s)
{
	const char *p = s;

	if (strlen(s) > NAME_SAN_MAX) {
		return "a URI has at most 255 bytes";
	}
	if (!isalpha((unsigned char)*p)) {
		return "a URI begins with a scheme, like spiffe://";
	}
	while (isalnum((unsigned char)*p) ||
	    (*p != '\0' && strchr("+-.", *p) != NULL)) {
		p++;
	}
	if (*p != ':' || p[1] == '\0') {
		return "a URI begins with a scheme, like spiffe://";
	}
	for (; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p)) {
			return "a URI has only printable ASCII characters";
		}
	}
	if (strncasecmp(s, "spiffe:", 7) == 0) {
		return check_spiffe(s);
	}
	return NULL;
}

static void
put(struct san *out, enum san_tag tag, const void *p, size_t len)
{
	out->tag = tag;
	out->len = len;
	memcpy(out->bytes, p, len);
}

static int
put_ip(struct san *out, const char *s)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, s, ip) == 1) {
		put(out, SAN_TAG_IP, ip, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, s, ip) == 1) {
		put(out, SAN_TAG_IP, ip, 16);
		return 0;
	}
	return -1;
}

const char *
san_parse(struct san *out, const char *text)
{
	const char *why;

	if (strncmp(text, "dns:", 4) == 0) {
		text += 4;
		why = check_dns(text);
		if (why == NULL) {
			put(out, SAN_TAG_DNS, text, strlen(text));
		}
		return why;
	}
	if (strncmp(text, "uri:", 4) == 0) {
		text += 4;
		why = check_uri(text);
		if (why == NULL) {
			put(out, SAN_TAG_URI, text, strlen(text));
		}
		return why;
	}
	if (strncmp(text, "ip:", 3) == 0) {
		return put_ip(out, text + 3) == 0 ? NULL :
		    "is no IPv4 or IPv6 address";
	}
	return "must be dns:NAME, ip:ADDRESS or uri:URI";
}

const char *
san_default(struct san *out, const char *name)
{
	if (put_ip(out, name) == 0) {
		return NULL;
	}
	if (check_dns(name) != NULL) {
		return "is no host name and no address, so name it by --san";
	}
	put(out, SAN_TAG_DNS, name, strlen(name));
	return NULL;
}

int
san_equal(const struct san *a, const struct san *b)
{
	return a->tag == b->tag && a->len == b->len &&
	    memcmp(a->bytes, b->bytes, a->len) == 0;
}
