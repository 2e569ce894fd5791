/*
 * UTF-8 (RFC 3629) judged character by character. Names in certificates are
 * hostile: a terminal must see neither their escape sequences nor characters
 * that hide or reverse what stands beside them.
 */
#include "certs/text.h"

static const struct range {
	uint32_t first, last;
} unseen[] = {
	{ 0x0000, 0x001f },   /* C0 controls */
	{ 0x007f, 0x009f },   /* DEL, C1 controls */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200f },   /* zero width, left-to-right marks */
	{ 0x2028, 0x202e },   /* line separators, embeddings, overrides */
	{ 0x2060, 0x206f },   /* joiners, isolates */
	{ 0xd800, 0xf8ff },   /* surrogates, private use */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff0, 0xffff },   /* interlinear marks, non-characters */
	{ 0xe0000, 0x10ffff } /* tags, private use */
};

static int
is_unseen(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		if (c >= unseen[i].first && c <= unseen[i].last) {
			return 1;
		}
	}
	return 0;
}

size_t
text_visible(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n;

	if (len == 0) {
		return 0;
	}
	if (p[0] < 0x80) {
		return is_unseen(p[0]) ? 0 : 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		c = p[0] & 0x1fu;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		c = p[0] & 0x0fu;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		c = p[0] & 0x07u;
	} else {
		return 0;
	}
	if (n > len) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
		c = c << 6 | (p[i] & 0x3fu);
	}
	return c < least[n] || c > 0x10ffff || is_unseen(c) ? 0 : n;
}

static int
is_dn_special(char c)
{
	return c == ',' || c == '+' || c == '"' || c == ';' || c == '<' ||
	    c == '>' || c == '=';
}

void
text_put(FILE *f, const void *s, size_t len, enum text_where where)
{
	const char *p = s;

	while (len > 0) {
		size_t n = text_visible(p, len);

		if (n == 0 || *p == '\\') {
			fprintf(f, "\\x%02x", (unsigned)(uint8_t)*p);
			n = 1;
		} else {
			if (where == TEXT_DN && is_dn_special(*p)) {
				fputc('\\', f);
			}
			fwrite(p, 1, n, f);
		}
		p += n;
		len -= n;
	}
}

void
text_hex(char *out, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
text_unhex(uint8_t *out, size_t size, size_t *len, const char *s)
{
	*len = 0;
	for (; *s != '\0'; s += 2) {
		int high = digit(s[0]), low = high < 0 ? -1 : digit(s[1]);

		if (low < 0 || *len == size) {
			return -1;
		}
		out[(*len)++] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
