/*
 * What a session and the warden say to each other about what may pass of a
 * device. Apart from wire/ipc.c since the broker has no part in it.
 */
#include "wire/ipc.h"

#include <string.h>

#include "base/err.h"
#include "wire/capture.h"
#include "wire/cursor.h"
#include "wire/ipc_part.h"

static int
ruled_bad(const struct ipc_ruled *m)
{
	return m->hook >= IPC_HOOKS || m->verdict >= IPC_VERDICTS ||
	    m->is_trial > 1 || m->level > 2 || m->is_invalid > 1 ||
	    m->interface >= DESC_MAX_INTERFACES;
}

int
ipc_encode_ruled(void *buf, size_t size, const struct ipc_ruled *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ruled_bad(m);

	wcur_u8(&c, m->hook);
	wcur_u8(&c, m->verdict);
	wcur_u8(&c, m->is_trial);
	wcur_u8(&c, m->level);
	wcur_u8(&c, m->is_invalid);
	wcur_u8(&c, m->interface);
	wcur_be32(&c, m->line);
	wcur_be32(&c, m->more);
	bad |= ipc_put_text(&c, m->profile, sizeof(m->profile));
	bad |= ipc_put_text(&c, m->key, sizeof(m->key));
	bad |= ipc_put_text(&c, m->file, sizeof(m->file));
	bad |= ipc_put_text(&c, m->log, sizeof(m->log));
	bad |= ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_ruled(struct ipc_ruled *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->hook = rcur_u8(&c);
	m->verdict = rcur_u8(&c);
	m->is_trial = rcur_u8(&c);
	m->level = rcur_u8(&c);
	m->is_invalid = rcur_u8(&c);
	m->interface = rcur_u8(&c);
	m->line = rcur_be32(&c);
	m->more = rcur_be32(&c);
	bad = ipc_get_text(&c, m->profile, sizeof(m->profile));
	bad |= ipc_get_text(&c, m->key, sizeof(m->key));
	bad |= ipc_get_text(&c, m->file, sizeof(m->file));
	bad |= ipc_get_text(&c, m->log, sizeof(m->log));
	bad |= ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad || ruled_bad(m));
}

int
ipc_encode_profile(void *buf, size_t size, const struct ipc_profile *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_u8(&c, m->is_listening);
	wcur_be64(&c, (uint64_t)m->wall);
	return ipc_encoded(&c, m->is_listening > 1 || m->wall < 0);
}

int
ipc_decode_profile(struct ipc_profile *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->is_listening = rcur_u8(&c);
	m->wall = (int64_t)rcur_be64(&c);
	return ipc_decoded(&c, m->is_listening > 1 || m->wall < 0);
}

static int
ask_bad(const struct ipc_ask *m)
{
	return m->id == 0 || m->hook >= IPC_HOOKS ||
	    m->otherwise > IPC_SAY_EJECT;
}

int
ipc_encode_ask(void *buf, size_t size, const struct ipc_ask *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ask_bad(m);

	wcur_be32(&c, m->id);
	wcur_be32(&c, m->within_ms);
	wcur_u8(&c, m->hook);
	wcur_u8(&c, m->otherwise);
	wcur_be32(&c, m->line);
	bad |= ipc_put_text(&c, m->server, sizeof(m->server));
	bad |= ipc_put_text(&c, m->key, sizeof(m->key));
	bad |= ipc_put_text(&c, m->file, sizeof(m->file));
	bad |= ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_ask(struct ipc_ask *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->id = rcur_be32(&c);
	m->within_ms = rcur_be32(&c);
	m->hook = rcur_u8(&c);
	m->otherwise = rcur_u8(&c);
	m->line = rcur_be32(&c);
	bad = ipc_get_text(&c, m->server, sizeof(m->server));
	bad |= ipc_get_text(&c, m->key, sizeof(m->key));
	bad |= ipc_get_text(&c, m->file, sizeof(m->file));
	bad |= ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad || ask_bad(m));
}

int
ipc_encode_answer(void *buf, size_t size, const struct ipc_answer *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be32(&c, m->id);
	wcur_u8(&c, m->say);
	return ipc_encoded(&c, m->id == 0 || m->say > IPC_SAY_EJECT);
}

int
ipc_decode_answer(struct ipc_answer *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->id = rcur_be32(&c);
	m->say = rcur_u8(&c);
	return ipc_decoded(&c, m->id == 0 || m->say > IPC_SAY_EJECT);
}

int
ipc_encode_over(void *buf, size_t size, const struct ipc_over *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be32(&c, m->id);
	return ipc_encoded(&c, m->id == 0);
}

int
ipc_decode_over(struct ipc_over *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->id = rcur_be32(&c);
	return ipc_decoded(&c, m->id == 0);
}

/* Nothing but digits is ever shown to a person. */
static int
challenge_bad(const struct ipc_challenge *m)
{
	return m->digits[strspn(m->digits, "0123456789")] != '\0';
}

int
ipc_encode_challenge(void *buf, size_t size, const struct ipc_challenge *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be16(&c, m->within);
	bad = ipc_put_text(&c, m->digits, sizeof(m->digits));
	return ipc_encoded(&c, bad || challenge_bad(m));
}

int
ipc_decode_challenge(struct ipc_challenge *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->within = rcur_be16(&c);
	bad = ipc_get_text(&c, m->digits, sizeof(m->digits));
	return ipc_decoded(&c, bad || challenge_bad(m));
}

int
ipc_encode_out(void *buf, size_t size, const struct ipc_out *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = m->is_quarantine > 1;

	wcur_u8(&c, m->is_quarantine);
	bad |= ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_out(struct ipc_out *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->is_quarantine = rcur_u8(&c);
	bad = ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad || m->is_quarantine > 1);
}

int
ipc_encode_quota(void *buf, size_t size, const struct ipc_quota *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->profile, sizeof(m->profile));

	bad |= ipc_put_text(&c, m->name, sizeof(m->name));
	wcur_be64(&c, m->used);
	wcur_be64(&c, (uint64_t)m->since);
	return ipc_encoded(&c, bad || m->since < 0);
}

int
ipc_decode_quota(struct ipc_quota *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->profile, sizeof(m->profile));

	bad |= ipc_get_text(&c, m->name, sizeof(m->name));
	m->used = rcur_be64(&c);
	m->since = (int64_t)rcur_be64(&c);
	return ipc_decoded(&c, bad || m->since < 0);
}

static int
capture_bad(const struct ipc_capture *m)
{
	return m->is_all > 1 || m->payload == 0 || m->payload > CAPTURE_PAYLOAD;
}

int
ipc_encode_capture(void *buf, size_t size, const struct ipc_capture *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_u8(&c, m->is_all);
	wcur_be32(&c, m->payload);
	return ipc_encoded(&c, capture_bad(m));
}

int
ipc_decode_capture(struct ipc_capture *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->is_all = rcur_u8(&c);
	m->payload = rcur_be32(&c);
	return ipc_decoded(&c, capture_bad(m));
}

int
ipc_encode_wanted(void *buf, size_t size, const struct ipc_wanted *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be32(&c, m->line);
	bad = ipc_put_text(&c, m->profile, sizeof(m->profile));
	bad |= ipc_put_text(&c, m->key, sizeof(m->key));
	bad |= ipc_put_text(&c, m->file, sizeof(m->file));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_wanted(struct ipc_wanted *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->line = rcur_be32(&c);
	bad = ipc_get_text(&c, m->profile, sizeof(m->profile));
	bad |= ipc_get_text(&c, m->key, sizeof(m->key));
	bad |= ipc_get_text(&c, m->file, sizeof(m->file));
	return ipc_decoded(&c, bad);
}

int
ipc_encode_recorder_over(
    void *buf, size_t size, const struct ipc_recorder_over *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be64(&c, m->frames);
	wcur_be64(&c, m->dropped);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_recorder_over(
    struct ipc_recorder_over *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->frames = rcur_be64(&c);
	m->dropped = rcur_be64(&c);
	return ipc_decoded(&c, 0);
}
