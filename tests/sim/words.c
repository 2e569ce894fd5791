/*
 * Lines of scenarios as words, numbers, times, statuses and bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/sim/sim.h"

int
sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;
	size_t at;

	if (sim->has_failed) {
		return -1;
	}
	sim->has_failed = 1;
	(void)snprintf(
	    sim->why, sizeof(sim->why), "%s:%u: ", sim->path, sim->line.number);
	at = strlen(sim->why);
	va_start(ap, fmt);
	(void)vsnprintf(sim->why + at, sizeof(sim->why) - at, fmt, ap);
	va_end(ap);
	return -1;
}

const char *
sim_word(const struct sim *sim, unsigned i)
{
	return i < sim->line.n ? sim->line.words[i] : "";
}

int
sim_is(const struct sim *sim, unsigned i, const char *word)
{
	return strcmp(sim_word(sim, i), word) == 0;
}

int
sim_number(struct sim *sim, unsigned i, uint32_t *out)
{
	const char *word = sim_word(sim, i);
	char *end;
	unsigned long long v = strtoull(word, &end, 0);

	if (word[0] < '0' || word[0] > '9' || *end != '\0' || v > UINT32_MAX) {
		return sim_fail(sim, "`%s' is no number", word);
	}
	*out = (uint32_t)v;
	return 0;
}

int
sim_time(struct sim *sim, unsigned i, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"us", 1000}, {"ms", CLOCK_MSEC}, {"s", CLOCK_SEC},
	    {"m", 60 * CLOCK_SEC}, {"h", 3600 * CLOCK_SEC}};
	const char *word = sim_word(sim, i);
	char *end;
	unsigned long long v = strtoull(word, &end, 10);

	for (unsigned u = 0; u < 5 && end != word; u++) {
		if (strcmp(end, units[u].unit) == 0) {
			*ns = v * units[u].ns;
			return 0;
		}
	}
	return sim_fail(sim, "`%s' is no time: 5s, 20ms", word);
}

static const struct {
	const char *name;
	int32_t status;
} statuses[] = {
    {"OK", USBIP_OK},
    {"EPIPE", USBIP_EPIPE},
    {"ECONNRESET", USBIP_ECONNRESET},
    {"ENODEV", USBIP_ENODEV},
    {"ESHUTDOWN", USBIP_ESHUTDOWN},
    {"EOVERFLOW", USBIP_EOVERFLOW},
    {"EREMOTEIO", USBIP_EREMOTEIO},
    {"EPROTO", USBIP_EPROTO},
    {"EINVAL", USBIP_EINVAL},
    {"EXDEV", USBIP_EXDEV},
    {"EMSGSIZE", USBIP_EMSGSIZE},
    {"ENOMEM", USBIP_ENOMEM},
};

const char *
sim_status_name(int32_t status)
{
	static char number[16];

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status) {
			return statuses[i].name;
		}
	}
	(void)snprintf(number, sizeof(number), "%d", status);
	return number;
}

int
sim_status(struct sim *sim, unsigned i, int32_t *out)
{
	for (size_t n = 0; n < sizeof(statuses) / sizeof(statuses[0]); n++) {
		if (sim_is(sim, i, statuses[n].name)) {
			*out = statuses[n].status;
			return 0;
		}
	}
	return sim_fail(sim, "`%s' is no status", sim_word(sim, i));
}

/* ------------------------------------------------------------------------ */
/* Bytes                                                                    */

static int
put(struct sim *sim, uint8_t byte, size_t times)
{
	if (times > sizeof(sim->data) - sim->len) {
		return sim_fail(sim, "more than a MiB of bytes");
	}
	memset(sim->data + sim->len, byte, times);
	sim->len += times;
	return 0;
}

static int
put_int(struct sim *sim, uint64_t v, unsigned width, int is_big)
{
	int r = 0;

	for (unsigned i = 0; i < width && r == 0; i++) {
		unsigned shift = 8 * (is_big ? width - 1 - i : i);

		r = put(sim, (uint8_t)(v >> shift), 1);
	}
	return r;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* "1122aa", "00*512" */
static int
put_hex(struct sim *sim, const char *word)
{
	const char *p = word;
	int r = 0;

	while (r == 0 && *p != '\0' && digit(p[0]) >= 0 && digit(p[1]) >= 0) {
		uint8_t byte = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
		char *end;

		p += 2;
		if (*p != '*') {
			r = put(sim, byte, 1);
			continue;
		}
		r = put(sim, byte, strtoul(p + 1, &end, 10));
		p = end;
	}
	if (r == 0 && *p != '\0') {
		r = sim_fail(sim, "`%s' are no bytes", word);
	}
	return r;
}

/* The next number of "cbw:1:512:..."; the pointer moves behind it. */
static uint32_t
part(const char **p)
{
	char *end;
	uint32_t v;

	*p += strcspn(*p, ":");
	*p += **p == ':';
	v = (uint32_t)strtoul(*p, &end, 0);
	*p = end;
	return v;
}

/* A command of the Bulk-Only transport: cbw:TAG:LENGTH:in|out:CDB. */
static int
put_cbw(struct sim *sim, const char *p)
{
	uint32_t tag = part(&p), len = part(&p);
	int is_in = strncmp(p, ":in:", 4) == 0, r;
	const char *cdb = p + (is_in ? 4 : 5);
	size_t at;

	if (!is_in && strncmp(p, ":out:", 5) != 0) {
		return sim_fail(sim, "cbw:TAG:LENGTH:in|out:CDB");
	}
	r = put_int(sim, 0x43425355, 4, 0);
	r |= put_int(sim, tag, 4, 0);
	r |= put_int(sim, len, 4, 0);
	r |= put(sim, is_in ? 0x80 : 0, 1);
	r |= put(sim, 0, 1);
	r |= put(sim, (uint8_t)(strlen(cdb) / 2), 1);
	at = sim->len;
	r |= put_hex(sim, cdb);
	return r != 0 || sim->len - at > 16
		   ? sim_fail(sim, "a command of more than 16 bytes")
		   : put(sim, 0, 16 - (sim->len - at));
}

/* Its end: csw:TAG:RESIDUE:STATUS. */
static int
put_csw(struct sim *sim, const char *p)
{
	uint32_t tag = part(&p), residue = part(&p), status = part(&p);
	int r = put_int(sim, 0x53425355, 4, 0);

	r |= put_int(sim, tag, 4, 0);
	r |= put_int(sim, residue, 4, 0);
	return r | put(sim, (uint8_t)status, 1);
}

/* What a simulated source gives: source:OFFSET:N. */
static int
put_source(struct sim *sim, const char *p)
{
	uint32_t offset = part(&p), n = part(&p);
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		r = put(sim, usb_sim_byte((uint64_t)offset + i), 1);
	}
	return r;
}

static int
put_pad(struct sim *sim, const char *p)
{
	uint32_t to = part(&p);

	return to < sim->len ? sim_fail(sim, "is longer than %u already", to)
			     : put(sim, 0, to - sim->len);
}

static int
put_word(struct sim *sim, const char *word)
{
	const char *p = word;

	if (*word == '"') {
		int r = 0;

		for (p++; *p != '\0' && *p != '"' && r == 0; p++) {
			r = put(sim, (uint8_t)*p, 1);
		}
		return r;
	}
	if (strncmp(word, "cbw:", 4) == 0) {
		return put_cbw(sim, word);
	} else if (strncmp(word, "csw:", 4) == 0) {
		return put_csw(sim, word);
	} else if (strncmp(word, "source:", 7) == 0) {
		return put_source(sim, word);
	} else if (strncmp(word, "pad:", 4) == 0) {
		return put_pad(sim, word);
	} else if (strncmp(word, "le16:", 5) == 0) {
		return put_int(sim, part(&p), 2, 0);
	} else if (strncmp(word, "le32:", 5) == 0) {
		return put_int(sim, part(&p), 4, 0);
	} else if (strncmp(word, "be16:", 5) == 0) {
		return put_int(sim, part(&p), 2, 1);
	} else if (strncmp(word, "be32:", 5) == 0) {
		return put_int(sim, part(&p), 4, 1);
	}
	return put_hex(sim, word);
}

int
sim_data(struct sim *sim, unsigned i, int *has)
{
	int r = 0;

	sim->len = 0;
	sim->is_open = 0;
	*has = 0;
	while (i < sim->line.n && !sim_is(sim, i, "=")) {
		i++;
	}
	if (i == sim->line.n) {
		return 0;
	}
	*has = 1;
	for (i++; i < sim->line.n && r == 0; i++) {
		if (sim_is(sim, i, "..")) {
			sim->is_open = 1;
		} else {
			r = put_word(sim, sim_word(sim, i));
		}
	}
	return r;
}
