/*
 * See decode_script.h.
 */
#include "tests/fake/decode_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/usbip.h"

#define ROOM 70000u

static const char *const acts[] = {
	"pass", "answer", "hold", "again", "eject", "quarantine"};
static const char *const verdicts[] = {
	"allow", "deny", "drop", "rewrite", "ask", "eject", "quarantine"};

struct line {
	const char *name, *text;
	size_t len, at;
};

__attribute__((noreturn)) static void
wrong(const struct line *l, const char *what)
{
	fail_msg("%s: \"%.*s\": %s", l->name, (int)l->len, l->text, what);
	abort();
}

/* The next word into dst; 0 at the end of the line. */
static int
word(struct line *l, char *dst, size_t size)
{
	size_t n = 0;

	while (l->at < l->len && l->text[l->at] == ' ') {
		l->at++;
	}
	while (l->at < l->len && l->text[l->at] != ' ' && n + 1 < size) {
		dst[n++] = l->text[l->at++];
	}
	dst[n] = '\0';
	return n > 0;
}

/* Bytes up to `=' or the end; a word is pairs of digits, or *N for N zeros. */
static uint32_t
hex(struct line *l, uint8_t *dst, uint32_t limit)
{
	uint32_t n = 0, before;
	char w[512];

	while (n < limit) {
		size_t at = l->at;

		if (!word(l, w, sizeof(w))) {
			break;
		}
		if (w[0] == '=' || w[0] == '|') {
			l->at = w[0] == '=' ? at : l->at;
			break;
		}
		before = n;
		if (w[0] == '*') {
			n += (uint32_t)strtoul(w + 1, NULL, 10);
			assert_true(n <= ROOM);
			memset(dst + before, 0, n - before);
			continue;
		}
		for (size_t i = 0; w[i] != '\0' && w[i + 1] != '\0'; i += 2) {
			const char pair[3] = {w[i], w[i + 1], '\0'};

			dst[n++] = (uint8_t)strtoul(pair, NULL, 16);
		}
	}
	return n;
}

static void
act_is(struct line *l, struct unit *u, enum decode_act act)
{
	static uint8_t want[ROOM];
	char w[16];
	uint32_t n;

	if (!word(l, w, sizeof(w)) || strcmp(w, "=") != 0 ||
	    !word(l, w, sizeof(w))) {
		wrong(l, "no act");
	}
	if (strcmp(w, "stall") == 0) {
		if (act != DECODE_ANSWER || u->status != USBIP_EPIPE) {
			wrong(l, acts[act]);
		}
		return;
	}
	if (strcmp(w, acts[act]) != 0) {
		wrong(l, acts[act]);
	}
	if (word(l, w, sizeof(w)) && strcmp(w, "-") == 0) {
		if (u->actual != 0) {
			wrong(l, "bytes");
		}
		return;
	}
	l->at -= strlen(w);
	n = hex(l, want, ROOM);
	if (n > 0 && (n != u->actual || memcmp(want, u->data, n) != 0)) {
		wrong(l, "other bytes");
	}
}

static void
move(struct script *s, struct line *l, uint8_t endpoint, enum desc_xfer type,
    uint32_t room, int status)
{
	static uint8_t data[ROOM];
	enum decode_act act;
	struct unit u;
	uint32_t n = hex(l, data, ROOM);
	int is_in = (endpoint & 0x80) != 0;

	unit_make(&u, endpoint, type, data, is_in ? room : n, 5);
	if (is_in) {
		assert_true(n <= room);
	}
	act = s->decoder->ops->submit(s->decoder, &u);
	if (act == DECODE_PASS) {
		unit_done(&u, status, n);
		act = s->decoder->ops->complete(s->decoder, &u);
	}
	act_is(l, &u, act);
}

static void
control(struct script *s, struct line *l)
{
	static uint8_t setup[ROOM], data[ROOM];
	enum decode_act act;
	struct unit u;
	uint32_t n;

	if (hex(l, setup, 8) != 8) {
		wrong(l, "setup of 8 bytes");
	}
	n = hex(l, data, ROOM);
	unit_make(&u, setup[0] & 0x80, XFER_CONTROL, data,
	    (uint32_t)(setup[6] | setup[7] << 8), 5);
	memcpy(u.setup, setup, 8);
	act = s->decoder->ops->submit(s->decoder, &u);
	if (act == DECODE_PASS) {
		unit_done(&u, 0, n);
		act = s->decoder->ops->complete(s->decoder, &u);
	}
	act_is(l, &u, act);
}

static void
ruling(struct script *s, struct line *l)
{
	struct ruling *r;
	unsigned v = 0;
	char w[16];

	if (!word(l, w, sizeof(w))) {
		wrong(l, "no verdict");
	}
	while (v < VERDICTS && strcmp(verdicts[v], w) != 0) {
		v++;
	}
	r = judge_list_add(&s->judge, (enum verdict)v);
	if (word(l, w, sizeof(w))) {
		r->how = HOW_SW;
		r->code = (uint16_t)strtoul(w, NULL, 16);
	}
}

static void
fact_is(struct line *l, const struct facts *f, const char *w, int is_there)
{
	const char *eq = strchr(w, '=');
	size_t n = eq != NULL ? (size_t)(eq - w) : strlen(w);
	const struct hook_fact *h = hook_fact_find(f->hook, w, n);
	uint32_t low, high;
	uint64_t want;

	if (h == NULL) {
		wrong(l, "no such fact");
	}
	if (facts_has(f, h->fact) != is_there) {
		wrong(l, w);
	}
	if (eq == NULL) {
		return;
	}
	if (h->kind == FACT_IS_HEX) {
		char text[64] = "";

		for (uint32_t i = 0; i < f->text_len && i < 16; i++) {
			snprintf(text + 2 * i, 3, "%02x", f->text[i]);
		}
		if (strcmp(text, eq + 1) != 0) {
			wrong(l, text);
		}
		return;
	}
	want = strtoull(eq + 1, NULL, 0);
	if (h->names != NULL && fact_name_range(h->names, eq + 1,
				    strlen(eq + 1), 0, &low, &high)) {
		for (unsigned i = 0; fact_name_range(h->names, eq + 1,
			 strlen(eq + 1), i, &low, &high); i++) {
			if (f->num[h->fact] >= low && f->num[h->fact] <= high) {
				return;
			}
		}
		wrong(l, w);
	}
	if (f->num[h->fact] != want) {
		wrong(l, w);
	}
}

static void
facts_are(struct script *s, struct line *l)
{
	const struct facts *f = judge_list_last(&s->judge);
	char w[64];

	if (f == NULL || !word(l, w, sizeof(w)) ||
	    strcmp(w, hook_info(f->hook)->name) != 0) {
		wrong(l, "another hook");
	}
	while (word(l, w, sizeof(w))) {
		fact_is(l, f, w[0] == '-' ? w + 1 : w, w[0] != '-');
	}
}

static void
answer_is(struct script *s, struct line *l)
{
	uint8_t want[JUDGE_LIST_BYTES];
	uint32_t n = hex(l, want, sizeof(want));

	if (s->judge.nanswers != s->nanswers + 1) {
		wrong(l, "not one answer");
	}
	s->nanswers++;
	if (s->judge.answer_ep != s->ep_in || s->judge.answer_len != n ||
	    memcmp(s->judge.answer, want, n) != 0) {
		char text[3 * 32] = "";

		for (uint32_t i = 0; i < s->judge.answer_len && i < 31; i++) {
			snprintf(text + 3 * i, 4, "%02x ", s->judge.answer[i]);
		}
		wrong(l, text);
	}
}

static void
asked(struct script *s, struct line *l)
{
	char w[16];

	while (word(l, w, sizeof(w))) {
		if (s->nseen >= s->judge.nseen ||
		    strcmp(hook_info(s->judge.seen[s->nseen].facts.hook)->name,
			w) != 0) {
			wrong(l, "not asked so");
		}
		s->nseen++;
	}
	if (s->nseen != s->judge.nseen) {
		wrong(l, "asked more");
	}
}

static void
step(struct script *s, struct line *l)
{
	uint32_t room = s->room != 0 ? s->room : 4096;
	char w[16];

	if (!word(l, w, sizeof(w))) {
		return;
	}
	switch (w[0]) {
	case '>':
		move(s, l, s->ep_out, XFER_BULK, 0, 0);
		break;
	case '<':
		move(s, l, s->ep_in, XFER_BULK,
		    w[1] != '\0' ? (uint32_t)strtoul(w + 1, NULL, 10) : room,
		    0);
		break;
	case '!':
		move(s, l, s->ep_int, XFER_INT, 64, 0);
		break;
	case 'x':
		move(s, l, s->ep_in, XFER_BULK, room, USBIP_ECONNRESET);
		break;
	case 'c':
		control(s, l);
		break;
	case '?':
		ruling(s, l);
		break;
	case 'f':
		facts_are(s, l);
		break;
	case 'a':
		answer_is(s, l);
		break;
	case 'r':
		asked(s, l);
		break;
	default:
		wrong(l, "no such step");
	}
}

void
script_run(struct script *s, const char *name, const char *text)
{
	while (*text != '\0') {
		struct line l = {.name = name, .text = text,
		    .len = strcspn(text, "\n")};

		step(s, &l);
		text += l.len + (text[l.len] == '\n');
	}
	if (s->judge.at != s->judge.nrulings) {
		fail_msg("%s: rulings that nobody asked for", name);
	}
	if (s->judge.nanswers != s->nanswers) {
		fail_msg("%s: an answer that nobody looked at", name);
	}
}
