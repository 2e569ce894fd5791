/*
 * One value of an attribute out of a word: device ids, interface classes,
 * facts of a certificate. Which form a word must have is the attribute's
 * business, never that of its look.
 */
#include "policy/rules/ast.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/usbip.h"

/* A class name covers interfaces by the first nfixed numbers of their triple.
 * A name may have several rows. */
static const struct class_row {
	const char *name;
	uint8_t class, subclass, protocol, nfixed;
} class_rows[] = {
	{"audio", 0x01, 0, 0, 1},
	{"cdc-net", 0x02, 0x06, 0, 2},	      /* ECM */
	{"cdc-net", 0x02, 0x0c, 0, 2},	      /* EEM */
	{"cdc-net", 0x02, 0x0d, 0, 2},	      /* NCM */
	{"cdc-net", 0x02, 0x0e, 0, 2},	      /* MBIM */
	{"cdc-net", 0x02, 0x02, 0xff, 3},     /* RNDIS */
	{"cdc-net", 0xe0, 0x01, 0x03, 3},     /* RNDIS */
	{"cdc-net", 0xef, 0x04, 0x01, 3},     /* RNDIS */
	{"cdc-serial", 0x02, 0x02, 0, 2},     /* ACM, but not RNDIS */
	{"diagnostic", 0xdc, 0, 0, 1},
	{"dfu", 0xfe, 0x01, 0, 2},
	{"hid", 0x03, 0, 0, 1},
	{"hub", 0x09, 0, 0, 1},
	{"mass-storage", 0x08, 0, 0, 1},
	{"midi", 0x01, 0x03, 0, 2},
	{"printer", 0x07, 0, 0, 1},
	{"smartcard", 0x0b, 0, 0, 1},
	{"still-image", 0x06, 0, 0, 1},
	{"vendor", 0xff, 0, 0, 1},
	{"video", 0x0e, 0, 0, 1},
	{"wireless", 0xe0, 0, 0, 1},
};
#define NCLASS_ROWS (sizeof(class_rows) / sizeof(class_rows[0]))

/* What a HID interface is says its report descriptor, not its numbers. */
static const struct {
	const char *name;
	uint8_t thing; /* enum rule_hid */
} hid_names[] = {
	{"hid-keyboard", RULE_HID_KEYBOARD},
	{"hid-mouse", RULE_HID_MOUSE},
	{"hid-other", RULE_HID_OTHER},
	{"fido", RULE_HID_FIDO},
};
#define NHID_NAMES (sizeof(hid_names) / sizeof(hid_names[0]))

#define CLASS_NAMES                                                            \
	"audio, cdc-net, cdc-serial, dfu, diagnostic, fido, hid, "             \
	"hid-keyboard, hid-mouse, hid-other, hub, mass-storage, midi, "        \
	"printer, smartcard, still-image, vendor, video or wireless"

static const char *const speed_names[] = {
	[USBIP_SPEED_LOW] = "low",
	[USBIP_SPEED_FULL] = "full",
	[USBIP_SPEED_HIGH] = "high",
	[USBIP_SPEED_WIRELESS] = "wireless",
	[USBIP_SPEED_SUPER] = "super",
	[USBIP_SPEED_SUPER_PLUS] = "super-plus",
};
#define NSPEEDS (sizeof(speed_names) / sizeof(speed_names[0]))

const char *
rule_speed_name(unsigned speed)
{
	return speed < NSPEEDS ? speed_names[speed] : NULL;
}

static const struct {
	const char *prefix;
	enum fact_kind kind;
} fact_prefixes[] = {
	{"cn:", FACT_CN},
	{"dns:", FACT_DNS},
	{"uri:", FACT_URI},
	{"ou:", FACT_OU},
	{"ip:", FACT_IP},
	{"issuer:sha256:", FACT_ISSUER_KEY}, /* before the shorter one */
	{"issuer:", FACT_ISSUER},
	{"fp:sha256:", FACT_FP},
	{"user:", FACT_USER},
	{"seat:", FACT_SEAT},
};
#define NFACT_PREFIXES (sizeof(fact_prefixes) / sizeof(fact_prefixes[0]))

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

/* Exactly n hexadecimal digits. */
static int
parse_hex(const char *text, size_t n, uint16_t *out)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++) {
		int digit = hex_value(text[i]);

		if (digit < 0) {
			return ERR_FORMAT;
		}
		v = v << 4 | (unsigned)digit;
	}
	*out = (uint16_t)v;
	return 0;
}

static int
word_is(const struct word *word, const char *text)
{
	return word->len == strlen(text) &&
	    memcmp(word->text, text, word->len) == 0;
}

/* "1234:5678", "1234:*" or "*:*" */
static int
parse_id(struct value *out, const struct word *word)
{
	const char *colon = memchr(word->text, ':', word->len);
	size_t vid_len, pid_len;

	if (colon == NULL || word->is_string) {
		return ERR_FORMAT;
	}
	vid_len = (size_t)(colon - word->text);
	pid_len = word->len - vid_len - 1;
	if (vid_len == 1 && word->text[0] == '*') {
		out->u.id.is_any_vid = 1;
	} else if (vid_len != 4 ||
	    parse_hex(word->text, 4, &out->u.id.vid) != 0) {
		return ERR_FORMAT;
	}
	if (pid_len == 1 && colon[1] == '*') {
		out->u.id.is_any_pid = 1;
	} else if (pid_len != 4 ||
	    parse_hex(colon + 1, 4, &out->u.id.pid) != 0) {
		return ERR_FORMAT;
	}
	if (out->u.id.is_any_vid && !out->u.id.is_any_pid) {
		return ERR_FORMAT;
	}
	return 0;
}

/* "03:01:02", "03:01:*" or "03:*:*" */
static int
parse_interface(struct value *out, const struct word *word)
{
	uint8_t *numbers[3] = {&out->u.interface.class,
	    &out->u.interface.subclass, &out->u.interface.protocol};
	const char *p = word->text;
	size_t left = word->len;
	int is_any = 0;

	for (int i = 0; i < 3; i++) {
		uint16_t v = 0;

		if (i > 0) {
			if (left == 0 || *p != ':') {
				return ERR_FORMAT;
			}
			p++;
			left--;
		}
		if (i > 0 && left > 0 && *p == '*') {
			is_any = 1;
			p++;
			left--;
			continue;
		}
		if (is_any || left < 2 || parse_hex(p, 2, &v) != 0) {
			return ERR_FORMAT;
		}
		*numbers[i] = (uint8_t)v;
		out->u.interface.nfixed = (uint8_t)(i + 1);
		p += 2;
		left -= 2;
	}
	return left == 0 && !word->is_string ? 0 : ERR_FORMAT;
}

/* "0110", as sysfs has it, or "1.10", as lsusb shows it, or "1.*" */
static int
parse_release(struct value *out, const struct word *word)
{
	const char *dot = memchr(word->text, '.', word->len);
	size_t major_len = dot != NULL ? (size_t)(dot - word->text) : 0;
	size_t minor_len = dot != NULL ? word->len - major_len - 1 : 0;
	uint16_t major, minor = 0;

	if (word->is_string) {
		return ERR_FORMAT;
	}
	out->u.release.mask = 0xffff;
	if (dot == NULL) {
		return word->len == 4 ?
		    parse_hex(word->text, 4, &out->u.release.bcd) :
		    ERR_FORMAT;
	}
	if (major_len < 1 || major_len > 2 ||
	    parse_hex(word->text, major_len, &major) != 0) {
		return ERR_FORMAT;
	}
	if (minor_len == 1 && dot[1] == '*') {
		out->u.release.mask = 0xff00;
	} else if (minor_len != 2 || parse_hex(dot + 1, 2, &minor) != 0) {
		return ERR_FORMAT;
	}
	out->u.release.bcd = (uint16_t)(major << 8 | minor);
	return 0;
}

static int
parse_class(
    struct value *out, const struct word *word, char *why, size_t size)
{
	for (unsigned i = 0; i < NCLASS_ROWS && !word->is_string; i++) {
		if (word_is(word, class_rows[i].name)) {
			out->u.class = (uint8_t)i;
			return 0;
		}
	}
	for (unsigned i = 0; i < NHID_NAMES && !word->is_string; i++) {
		if (word_is(word, hid_names[i].name)) {
			out->u.class = (uint8_t)(NCLASS_ROWS + i);
			return 0;
		}
	}
	snprintf(why, size, "no class name; expected " CLASS_NAMES);
	return ERR_FORMAT;
}

static int
parse_speed(struct value *out, const struct word *word)
{
	for (unsigned i = 0; i < NSPEEDS && !word->is_string; i++) {
		if (speed_names[i] != NULL && word_is(word, speed_names[i])) {
			out->u.speed = (uint8_t)i;
			return 0;
		}
	}
	return ERR_FORMAT;
}

/* 64 hexadecimal digits into 32 bytes. */
static int
parse_hash(struct arena *arena, const char **out, const char *text, size_t len,
    char *why, size_t size)
{
	char *bytes;

	if (len != 64) {
		snprintf(why, size,
		    "expected 64 hexadecimal digits after sha256:");
		return ERR_FORMAT;
	}
	bytes = arena_alloc(arena, 32);
	if (bytes == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < 32; i++) {
		uint16_t v;

		if (parse_hex(text + 2 * i, 2, &v) != 0) {
			snprintf(why, size,
			    "expected 64 hexadecimal digits after sha256:");
			return ERR_FORMAT;
		}
		bytes[i] = (char)v;
	}
	*out = bytes;
	return 0;
}

/* "hash:...", "desc:sha256:HEX" or "report:sha256:HEX" */
static int
parse_pin(struct arena *arena, struct value *out, const struct word *word,
    char *why, size_t size)
{
	static const struct {
		const char *prefix;
		enum pin_kind kind;
	} pins[] = {
	    {"hash:", PIN_HASH},
	    {"desc:sha256:", PIN_DESC},
	    {"report:sha256:", PIN_REPORT},
	};

	for (size_t i = 0; word->is_string && i < 3; i++) {
		uint32_t n = (uint32_t)strlen(pins[i].prefix);

		if (word->len <= n ||
		    memcmp(word->text, pins[i].prefix, n) != 0) {
			continue;
		}
		out->u.pin.kind = pins[i].kind;
		if (pins[i].kind == PIN_HASH) {
			out->u.pin.text = word->text + n;
			out->u.pin.len = word->len - n;
			return 0;
		}
		out->u.pin.len = 32;
		return parse_hash(arena, &out->u.pin.text, word->text + n,
		    word->len - n, why, size);
	}
	snprintf(why, size, "no pin; expected \"hash:...\", "
	    "\"desc:sha256:...\" or \"report:sha256:...\"");
	return ERR_FORMAT;
}

/* An address is compared in the form that certificates' are shown in, whatever
 * form it was written in; a pattern as it stands. */
static int
parse_ip(struct arena *arena, struct value *out, char *why, size_t size)
{
	char text[INET6_ADDRSTRLEN], clean[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family;

	if (memchr(out->u.fact.text, '*', out->u.fact.len) != NULL) {
		return 0;
	}
	if (out->u.fact.len < sizeof(text)) {
		memcpy(text, out->u.fact.text, out->u.fact.len);
		text[out->u.fact.len] = '\0';
		family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
		if (strlen(text) == out->u.fact.len &&
		    inet_pton(family, text, bytes) == 1 &&
		    inet_ntop(family, bytes, clean, sizeof(clean)) != NULL) {
			out->u.fact.len = (uint32_t)strlen(clean);
			out->u.fact.text =
			    arena_dup(arena, clean, strlen(clean));
			return out->u.fact.text != NULL ? 0 : ERR_NOMEM;
		}
	}
	snprintf(why, size,
	    "expected an IPv4 or IPv6 address, or a pattern with `*'");
	return ERR_FORMAT;
}

static int
parse_fact(struct arena *arena, struct value *out, const struct word *word,
    char *why, size_t size)
{
	if (!word->is_string) {
		snprintf(why, size, "expected a string in quotes, such as "
				    "\"dns:*.example\" or \"@NAME\"");
		return ERR_FORMAT;
	}
	if (word->len > 0 && word->text[0] == '@') {
		out->u.fact.kind = FACT_GROUP;
		out->u.fact.text = word->text + 1;
		out->u.fact.len = word->len - 1;
		return 0;
	}
	for (size_t i = 0; i < NFACT_PREFIXES; i++) {
		size_t n = strlen(fact_prefixes[i].prefix);

		if (word->len < n ||
		    memcmp(word->text, fact_prefixes[i].prefix, n) != 0) {
			continue;
		}
		out->u.fact.kind = fact_prefixes[i].kind;
		out->u.fact.text = word->text + n;
		out->u.fact.len = word->len - (uint32_t)n;
		if (out->u.fact.len == 0) {
			snprintf(why, size, "nothing stands after `%s'",
			    fact_prefixes[i].prefix);
			return ERR_FORMAT;
		}
		if (out->u.fact.kind == FACT_FP ||
		    out->u.fact.kind == FACT_ISSUER_KEY) {
			n = out->u.fact.len;
			out->u.fact.len = 32;
			return parse_hash(arena, &out->u.fact.text,
			    word->text + word->len - n, n, why, size);
		}
		return out->u.fact.kind == FACT_IP ?
		    parse_ip(arena, out, why, size) : 0;
	}
	snprintf(why, size, "no fact of a workstation; expected \"cn:...\", "
	    "\"dns:...\", \"uri:...\", \"ou:...\", \"ip:...\", "
	    "\"issuer:...\", \"fp:sha256:...\", \"user:...\", "
	    "\"seat:...\" or \"@NAME\"");
	return ERR_FORMAT;
}

int
value_parse(struct arena *arena, struct value *out, enum rule_attr attr,
    const struct word *word, char *why, size_t size)
{
	int r = ERR_FORMAT;

	*out = (struct value){.word = word};
	switch (attr) {
	case ATTR_ID:
		r = parse_id(out, word);
		snprintf(why, size, "no device id; expected VVVV:PPPP, VVVV:* "
				    "or *:*, with four hexadecimal digits "
				    "each and without quotes");
		break;
	case ATTR_WITH_INTERFACE:
		r = parse_interface(out, word);
		snprintf(why, size, "no interface class; expected CC:SS:PP, "
				    "CC:SS:* or CC:*:*, with two hexadecimal "
				    "digits each and without quotes");
		break;
	case ATTR_RELEASE:
		r = parse_release(out, word);
		snprintf(why, size, "no release number; expected 1.10, 1.* or "
				    "0110, without quotes");
		break;
	case ATTR_SPEED:
		r = parse_speed(out, word);
		snprintf(why, size, "no speed; expected low, full, high, "
				    "wireless, super or super-plus");
		break;
	case ATTR_WITH_CLASS:
		return parse_class(out, word, why, size);
	case ATTR_UNDER:
		r = word->is_string ? (word->len > 0 ? 0 : ERR_FORMAT) :
				      parse_id(out, word);
		snprintf(why, size, "no hub; expected its id such as "
				    "17ef:3060 or 17ef:*, or its hash or port "
				    "in quotes");
		break;
	case ATTR_PIN:
		return parse_pin(arena, out, word, why, size);
	case ATTR_TO:
		return parse_fact(arena, out, word, why, size);
	case ATTR_SERIAL:
	case ATTR_NAME:
	case ATTR_HASH:
	case ATTR_PARENT_HASH:
	case ATTR_VIA_PORT:
	case ATTR_WITH_CONNECT_TYPE:
	case ATTR_LABEL:
	case ATTR_MANUFACTURER:
		r = word->is_string ? 0 : ERR_FORMAT;
		snprintf(why, size, "expected a string in quotes");
		break;
	case ATTR_USING:
	case ATTR_EXPOSE:
	case ATTR_LEASE:
	case ATTR_UNTIL:
	case ATTR_HOLD:
	case ATTR_ONCE:
	case ATTR_AT_MOST:
	case ATTR_WINDOW:
	case ATTR_APPROVE:
	case ATTR_CAPTURE:
	case ATTR_IF:
	case ATTR_AUDIT:
	case ATTR_KEY:
	case ATTR_MAX:
		break;
	}
	return r;
}

int
value_is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    c != '.') {
			return 0;
		}
	}
	return len > 0;
}

const char *
class_name(unsigned index)
{
	if (index < NCLASS_ROWS) {
		return class_rows[index].name;
	}
	return index - NCLASS_ROWS < NHID_NAMES ?
	    hid_names[index - NCLASS_ROWS].name : "?";
}

int
class_fits(unsigned index, const struct rule_interface *interface)
{
	const char *name = class_name(index);
	int is_rndis = interface->class == 0x02 && interface->subclass == 2 &&
	    interface->protocol == 0xff;

	if (index >= NCLASS_ROWS) {
		return index - NCLASS_ROWS < NHID_NAMES &&
		    interface->class == 0x03 &&
		    interface->hid & hid_names[index - NCLASS_ROWS].thing;
	}
	if (is_rndis) {
		return strcmp(name, "cdc-net") == 0;
	}
	for (size_t i = 0; i < NCLASS_ROWS; i++) {
		const struct class_row *row = &class_rows[i];

		if (strcmp(row->name, name) == 0 &&
		    row->class == interface->class &&
		    (row->nfixed < 2 || row->subclass == interface->subclass) &&
		    (row->nfixed < 3 || row->protocol == interface->protocol)) {
			return 1;
		}
	}
	return 0;
}

const char *
speed_name(unsigned speed)
{
	return speed < NSPEEDS && speed_names[speed] != NULL ?
	    speed_names[speed] : "unknown";
}
