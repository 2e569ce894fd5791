/*
 * Inspection as a session has it: the table of profiles comes from the warden
 * as a sealed memfd, reports, asks, challenges and quotas go there, verdicts
 * come back. What the decoders see of the device stays here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/session/flow.h"
#include "proxy/session/session_parts.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* ------------------------------------------------------------------------ */
/* To the warden                                                            */

static void
copy(char *dst, size_t size, const char *text)
{
	(void)snprintf(dst, size, "%s", text);
}

/* Of each rule a few lines at once, then one a second; all others are counted.
 * A slot is taken over when more rules speak than there are slots. */
static struct ruling_slot *
slot_of(struct session *s, const struct inspect_report *report)
{
	uint64_t key = (uint64_t)report->what->rule << 8 |
	    (report->what->verdict << 4 & 0xf0u) | report->what->hook % 16u;
	struct ruling_slot *slot =
	    &s->rulings[key * UINT64_C(0x9e3779b97f4a7c15) >> 58];

	if (slot->key != key || strcmp(slot->profile, report->profile) != 0) {
		slot->key = key;
		copy(slot->profile, sizeof(slot->profile), report->profile);
		rate_init(&slot->rate);
	}
	return slot;
}

_Static_assert(RULING_SLOTS == 1u << (64 - 58), "the hash gives 6 bits");

static int
encode_report(struct session *s, const struct inspect_report *report,
    uint32_t more)
{
	const struct pjudge_report *what = report->what;
	struct ipc_ruled m;

	memset(&m, 0, sizeof(m));
	m.hook = (uint8_t)what->hook;
	m.verdict = (uint8_t)what->verdict;
	m.is_trial = what->is_trial;
	m.level = report->rule.level;
	m.interface = report->interface;
	m.line = report->rule.line;
	m.more = more;
	copy(m.profile, sizeof(m.profile), report->profile);
	copy(m.key, sizeof(m.key), report->rule.key);
	copy(m.file, sizeof(m.file), report->rule.file);
	copy(m.log, sizeof(m.log), report->rule.log);
	if (what->facts != NULL) {
		facts_text(m.text, sizeof(m.text), what->facts);
	} else {
		m.is_invalid = 1;
		copy(m.text, sizeof(m.text),
		    what->what != NULL ? what->what : "");
	}
	return ipc_encode_ruled(s->buf, sizeof(s->buf), &m);
}

static void
on_report(void *arg, const struct inspect_report *report)
{
	struct session *s = arg;
	struct ruling_slot *slot = slot_of(s, report);
	int is_kept = s->capture != NULL || report->rule.has_capture;
	int n, may = rate_may(&slot->rate);

	if (!may && !is_kept) {
		return;
	}
	n = encode_report(s, report, slot->rate.dropped);
	if (is_kept && n > 0) {
		session_capture_ruled(s, report, s->buf, (size_t)n);
	}
	if (!may) {
		return;
	}
	if (n < 0 ||
	    channel_send(s->warden, IPC_RULED, 0, s->buf, (size_t)n, -1) != 0) {
		slot->rate.dropped++;
		return;
	}
	rate_used(&slot->rate);
}

static void
on_refused(void *arg, const char *rule, const char *text)
{
	session_refused(arg, rule, text);
}

static enum ipc_say
say_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		return IPC_SAY_ALLOW;
	case VERDICT_EJECT:
		return IPC_SAY_EJECT;
	case VERDICT_DENY:
	case VERDICT_DROP:
	case VERDICT_REWRITE:
	case VERDICT_ASK:
	case VERDICT_QUARANTINE:
	case VERDICTS:
		break;
	}
	return IPC_SAY_DENY;
}

static int
on_ask(void *arg, const struct inspect_ask *ask)
{
	struct session *s = arg;
	uint64_t ms = ask->rule.ask_within / CLOCK_MSEC;
	struct ipc_ask m;
	int n;

	memset(&m, 0, sizeof(m));
	m.id = ask->id;
	m.within_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
	m.hook = (uint8_t)ask->hook;
	m.otherwise = (uint8_t)say_of(ask->rule.ask_else);
	m.line = ask->rule.line;
	copy(m.server, sizeof(m.server), ask->rule.ask);
	copy(m.key, sizeof(m.key), ask->rule.key);
	copy(m.file, sizeof(m.file), ask->rule.file);
	facts_text(m.text, sizeof(m.text), ask->facts);
	n = ipc_encode_ask(s->buf, sizeof(s->buf), &m);
	return n < 0 ? n :
		       channel_send(s->warden, IPC_ASK, 0, s->buf, (size_t)n,
			   -1);
}

static void
on_ask_over(void *arg, uint32_t id)
{
	struct session *s = arg;
	struct ipc_over m = {.id = id};
	uint8_t buf[8];
	int n = ipc_encode_over(buf, sizeof(buf), &m);

	(void)channel_send(s->warden, IPC_ASK_OVER, 0, buf, (size_t)n, -1);
}

static int
on_challenge(void *arg, const char *digits, uint64_t within)
{
	struct session *s = arg;
	uint64_t seconds = (within + CLOCK_SEC - 1) / CLOCK_SEC;
	struct ipc_challenge m;
	uint8_t buf[32];
	int n;

	if (!s->is_listening && *digits != '\0') {
		return ERR_NOENT;
	}
	memset(&m, 0, sizeof(m));
	m.within = seconds < UINT16_MAX ? (uint16_t)seconds : UINT16_MAX;
	copy(m.digits, sizeof(m.digits), digits);
	n = ipc_encode_challenge(buf, sizeof(buf), &m);
	return n < 0 ? n :
		       channel_send(s->warden, IPC_CHALLENGE, 0, buf,
			   (size_t)n, -1);
}

static void
on_out(void *arg, int is_quarantine, const char *what)
{
	struct session *s = arg;
	struct ipc_out m;
	int n;

	memset(&m, 0, sizeof(m));
	m.is_quarantine = is_quarantine != 0;
	copy(m.text, sizeof(m.text), what);
	n = ipc_encode_out(s->buf, sizeof(s->buf), &m);
	session_tell(s, s->warden, IPC_OUT, s->buf, n);
	session_close(s, 1, what);
}

const struct inspect_hooks *
session_inspect_hooks(struct session *s, struct inspect_hooks *out)
{
	*out = (struct inspect_hooks){
		.report = on_report,
		.refused = on_refused,
		.ask = on_ask,
		.ask_over = on_ask_over,
		.challenge = on_challenge,
		.out = on_out,
		.arg = s,
	};
	return out;
}

/* Those that changed since they were told last. Never waits: what is lost now
 * is told in a second. */
void
session_quotas(struct session *s)
{
	const struct inspect *i =
	    s->flow != NULL ? flow_inspect(s->flow) : NULL;
	const char *profile, *name;
	struct ipc_quota m;
	uint64_t used;
	int64_t since;

	for (unsigned n = 0; i != NULL && n < QUOTAS_TOLD &&
	    inspect_quota(i, n, &profile, &name, &used, &since) == 0;
	    n++) {
		int len;

		if (used == s->quotas[n]) {
			continue;
		}
		memset(&m, 0, sizeof(m));
		copy(m.profile, sizeof(m.profile), profile);
		copy(m.name, sizeof(m.name), name);
		m.used = used;
		m.since = since > 0 ? since : 0;
		len = ipc_encode_quota(s->buf, sizeof(s->buf), &m);
		if (len > 0 &&
		    channel_send(s->warden, IPC_QUOTA, 0, s->buf, (size_t)len,
			-1) == 0) {
			s->quotas[n] = used;
		}
	}
}

/* ------------------------------------------------------------------------ */
/* From the warden                                                          */

static int
map_block(int fd, const void **block, size_t *size)
{
	struct stat st;
	void *p;

	if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS ||
	    fstat(fd, &st) == -1 || st.st_size <= 0 ||
	    (uint64_t)st.st_size > TABLE_MAX) {
		return ERR_FORMAT;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		return ERR_SYS;
	}
	*block = p;
	*size = (size_t)st.st_size;
	return 0;
}

void
session_unmap(struct session *s)
{
	if (s->block != NULL) {
		(void)munmap(s->block, s->block_size);
		s->block = NULL;
	}
}

static void
swap(struct session *s, void *block, size_t size)
{
	struct inspect *i = flow_inspect(s->flow);
	const char *why = "a device without profiles cannot get some";
	int r = i != NULL ? inspect_swap(i, block, size, &why) : ERR_POLICY;

	if (r != 0) {
		(void)munmap(block, size);
		session_refused(s, "profile.attach", why);
		session_close(s, 1, why);
		return;
	}
	session_unmap(s);
	s->block = block;
	s->block_size = size;
	memset(s->quotas, 0, sizeof(s->quotas));
	log_infox("session: other profiles from now on");
}

int
session_on_profile(struct session *s, const struct event_arg *arg)
{
	struct ipc_profile m;
	const void *block = NULL;
	size_t size = 0;
	int r;

	if (ipc_decode_profile(&m, arg->msg->data, arg->msg->len) != 0) {
		return ERR_FORMAT;
	}
	r = map_block(*arg->fd, &block, &size);
	if (r != 0) {
		return r;
	}
	s->is_listening = m.is_listening;
	s->wall = m.wall;
	if (s->flow != NULL) {
		swap(s, (void *)(uintptr_t)block, size);
		return 0;
	}
	session_unmap(s);
	s->block = (void *)(uintptr_t)block;
	s->block_size = size;
	return 0;
}

int
session_on_quota(struct session *s, const struct event_arg *arg)
{
	struct ipc_quota m;

	if (ipc_decode_quota(&m, arg->msg->data, arg->msg->len) != 0 ||
	    s->nkept == QUOTAS_TOLD) {
		return ERR_FORMAT;
	}
	s->kept[s->nkept++] = m;
	return 0;
}

/* After flow_new. */
void
session_restore_quotas(struct session *s)
{
	struct inspect *i = flow_inspect(s->flow);

	for (unsigned n = 0; i != NULL && n < s->nkept; n++) {
		const struct ipc_quota *m = &s->kept[n];

		inspect_quota_set(i, m->profile, m->name, m->used, m->since);
	}
}

int
session_on_answer(struct session *s, const struct event_arg *arg)
{
	static const enum verdict verdicts[] = {
		[IPC_SAY_ALLOW] = VERDICT_ALLOW,
		[IPC_SAY_DENY] = VERDICT_DENY,
		[IPC_SAY_EJECT] = VERDICT_EJECT,
	};
	struct inspect *i = flow_inspect(s->flow);
	struct ipc_answer m;

	if (ipc_decode_answer(&m, arg->msg->data, arg->msg->len) != 0 ||
	    i == NULL) {
		return ERR_FORMAT;
	}
	/* one that is over already crossed our word of it */
	(void)inspect_answer(i, m.id, verdicts[m.say]);
	return 0;
}

int
session_on_listening(struct session *s, const struct event_arg *arg)
{
	struct inspect *i = s->flow != NULL ? flow_inspect(s->flow) : NULL;
	struct ipc_byte m;

	if (ipc_decode_byte(&m, arg->msg->data, arg->msg->len) != 0 ||
	    m.value > 1) {
		return ERR_FORMAT;
	}
	s->is_listening = m.value;
	if (i != NULL && m.value) {
		inspect_listening(i);
	}
	return 0;
}
