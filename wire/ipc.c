/*
 * Messages between the processes of a gateway. Both ends of a channel are our
 * own programs, but a session may have been taken over by its peer, so that
 * each decoder demands the exact length, known values and whole texts; a
 * message that fails here costs its sender its life.
 */
#include "wire/ipc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/ipc_part.h"

#define SIGNAL_MAX 64

int
ipc_encode_result(void *buf, size_t size, const struct ipc_result *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be32(&c, (uint32_t)m->sys);
	return ipc_encoded(&c, ipc_result_bad(m->err, m->sys));
}

int
ipc_decode_result(struct ipc_result *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->err = (int32_t)rcur_be32(&c);
	m->sys = (int32_t)rcur_be32(&c);
	return ipc_decoded(&c, ipc_result_bad(m->err, m->sys));
}

int
ipc_encode_byte(void *buf, size_t size, const struct ipc_byte *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_u8(&c, m->value);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_byte(struct ipc_byte *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->value = rcur_u8(&c);
	return ipc_decoded(&c, 0);
}

int
ipc_encode_busid(void *buf, size_t size, const struct ipc_busid *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->busid, sizeof(m->busid));

	return ipc_encoded(&c, bad);
}

int
ipc_decode_busid(struct ipc_busid *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->busid, sizeof(m->busid));

	return ipc_decoded(&c, bad);
}

static int
probe_bad(const struct ipc_probe *m)
{
	return m->flags > IPC_PROBE_TEXTS; /* never both */
}

int
ipc_encode_probe(void *buf, size_t size, const struct ipc_probe *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_place(&c, &m->place);

	wcur_u8(&c, m->flags);
	return ipc_encoded(&c, bad || probe_bad(m));
}

int
ipc_decode_probe(struct ipc_probe *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_place(&c, &m->place);

	m->flags = rcur_u8(&c);
	return ipc_decoded(&c, bad || probe_bad(m));
}

static int
authorize_bad(const struct ipc_authorize *m)
{
	return m->what < IPC_AUTH_HUB || m->what > IPC_AUTH_DEVICE;
}

int
ipc_encode_authorize(void *buf, size_t size, const struct ipc_authorize *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_place(&c, &m->place);

	wcur_u8(&c, m->what);
	return ipc_encoded(&c, bad || authorize_bad(m));
}

int
ipc_decode_authorize(struct ipc_authorize *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_place(&c, &m->place);

	m->what = rcur_u8(&c);
	return ipc_decoded(&c, bad || authorize_bad(m));
}

/* Values are distinct and never 0, which would mean "unconfigured". */
static int
grant_bad(const struct ipc_grant *m)
{
	if (m->nconfigs < 1 || m->nconfigs > DESC_MAX_CONFIGS) {
		return 1;
	}
	for (size_t i = 0; i < m->nconfigs; i++) {
		if (m->configs[i] == 0 ||
		    memchr(m->configs, m->configs[i], i) != NULL) {
			return 1;
		}
	}
	return 0;
}

int
ipc_encode_grant(void *buf, size_t size, const struct ipc_grant *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_place(&c, &m->place);

	if (bad || grant_bad(m)) {
		return ERR_FORMAT;
	}
	wcur_u8(&c, m->nconfigs);
	wcur_copy(&c, m->configs, m->nconfigs);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_grant(struct ipc_grant *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_place(&c, &m->place);

	memset(m->configs, 0, sizeof(m->configs));
	m->nconfigs = rcur_u8(&c);
	if (m->nconfigs > DESC_MAX_CONFIGS) {
		m->nconfigs = 0;
		return ERR_FORMAT;
	}
	rcur_copy(&c, m->configs, m->nconfigs);
	return ipc_decoded(&c, bad || grant_bad(m));
}

static int
exited_bad(const struct ipc_exited *m)
{
	return m->role < IPC_ROLE_SESSION || m->role > IPC_ROLE_SIGNER ||
	    m->signal > SIGNAL_MAX || m->fault > IPC_FAULT_REQUEST ||
	    m->has_what > 1 || (m->has_what == 1 && m->fault == 0) ||
	    (m->has_what == 0 && m->what != 0);
}

int
ipc_encode_exited(void *buf, size_t size, const struct ipc_exited *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_u8(&c, m->role);
	wcur_u8(&c, m->signal);
	wcur_u8(&c, m->status);
	wcur_u8(&c, m->fault);
	wcur_u8(&c, m->has_what);
	wcur_be32(&c, m->what);
	return ipc_encoded(&c, exited_bad(m));
}

int
ipc_decode_exited(struct ipc_exited *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->role = rcur_u8(&c);
	m->signal = rcur_u8(&c);
	m->status = rcur_u8(&c);
	m->fault = rcur_u8(&c);
	m->has_what = rcur_u8(&c);
	m->what = rcur_be32(&c);
	return ipc_decoded(&c, exited_bad(m));
}

int
ipc_encode_call(void *buf, size_t size, const struct ipc_call *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be32(&c, m->nr);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_call(struct ipc_call *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->nr = rcur_be32(&c);
	return ipc_decoded(&c, 0);
}

int
ipc_encode_pem(void *buf, size_t size, const struct ipc_pem *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_pems(&c, m);

	return ipc_encoded(&c, bad);
}

int
ipc_decode_pem(struct ipc_pem *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_pems(&c, m);

	return ipc_decoded(&c, bad);
}

/* The CAs, or a reason. */
static int
crl_bad(const struct ipc_crl *m)
{
	return ipc_result_bad(m->err, m->sys) ||
	    (m->ca_len != 0) != (m->err == 0) ||
	    (m->cert_len != 0 && m->err == ERR_AGAIN);
}

int
ipc_encode_crl(void *buf, size_t size, const struct ipc_crl *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be32(&c, (uint32_t)m->sys);
	bad = ipc_put_pem(&c, m->ca, m->ca_len);
	bad |= ipc_put_pem(&c, m->cert, m->cert_len);
	return ipc_encoded(&c, bad || crl_bad(m));
}

int
ipc_decode_crl(struct ipc_crl *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->err = (int32_t)rcur_be32(&c);
	m->sys = (int32_t)rcur_be32(&c);
	bad = ipc_get_pem(&c, &m->ca, &m->ca_len);
	bad |= ipc_get_pem(&c, &m->cert, &m->cert_len);
	return ipc_decoded(&c, bad || crl_bad(m));
}

int
ipc_encode_texts(void *buf, size_t size, const struct ipc_texts *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->product, sizeof(m->product));

	bad |= ipc_put_text(&c, m->manufacturer, sizeof(m->manufacturer));
	bad |= ipc_put_text(&c, m->serial, sizeof(m->serial));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_texts(struct ipc_texts *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->product, sizeof(m->product));

	bad |= ipc_get_text(&c, m->manufacturer, sizeof(m->manufacturer));
	bad |= ipc_get_text(&c, m->serial, sizeof(m->serial));
	return ipc_decoded(&c, bad);
}

int
ipc_encode_refused(void *buf, size_t size, const struct ipc_refused *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->rule, sizeof(m->rule));

	bad |= ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_refused(struct ipc_refused *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->rule, sizeof(m->rule));

	bad |= ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad);
}

int
ipc_encode_text(void *buf, size_t size, const struct ipc_text *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->text, sizeof(m->text));

	return ipc_encoded(&c, bad);
}

int
ipc_decode_text(struct ipc_text *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->text, sizeof(m->text));

	return ipc_decoded(&c, bad);
}

int
ipc_encode_relay_done(
    void *buf, size_t size, const struct ipc_relay_done *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_u8(&c, m->exit_code);
	bad = ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_relay_done(
    struct ipc_relay_done *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->exit_code = rcur_u8(&c);
	bad = ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad);
}
