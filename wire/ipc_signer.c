/*
 * Messages of sallyport-signer, which has the gateway's key: what it may be asked
 * to sign has one length for each hash, and nothing beside it.
 */
#include "wire/ipc.h"

#include <string.h>

#include "wire/ipc_part.h"

size_t
ipc_digest_len(uint8_t hash)
{
	switch (hash) {
	case IPC_SHA256:
		return 32;
	case IPC_SHA384:
		return 48;
	case IPC_SHA512:
		return 64;
	default:
		return 0;
	}
}

static int
loaded_bad(const struct ipc_loaded *m)
{
	return ipc_result_bad(m->err, 0) || (m->bits != 0) != (m->err == 0) ||
	    (*m->text != '\0' && m->err == 0);
}

int
ipc_encode_loaded(void *buf, size_t size, const struct ipc_loaded *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be16(&c, m->bits);
	bad = ipc_put_text(&c, m->text, sizeof(m->text));
	return ipc_encoded(&c, bad || loaded_bad(m));
}

int
ipc_decode_loaded(struct ipc_loaded *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->err = (int32_t)rcur_be32(&c);
	m->bits = rcur_be16(&c);
	bad = ipc_get_text(&c, m->text, sizeof(m->text));
	return ipc_decoded(&c, bad || loaded_bad(m));
}

int
ipc_encode_sign(void *buf, size_t size, const struct ipc_sign *m)
{
	struct wcur c = wcur_of(buf, size);
	size_t n = ipc_digest_len(m->hash);

	wcur_u8(&c, m->hash);
	wcur_copy(&c, m->digest, n);
	return ipc_encoded(&c, n == 0);
}

int
ipc_decode_sign(struct ipc_sign *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	size_t n;

	memset(m, 0, sizeof(*m));
	m->hash = rcur_u8(&c);
	n = ipc_digest_len(m->hash);
	rcur_copy(&c, m->digest, n);
	return ipc_decoded(&c, n == 0);
}

static int
signed_bad(const struct ipc_signed *m)
{
	return ipc_result_bad(m->err, 0) || (m->len != 0) != (m->err == 0) ||
	    m->len > IPC_SIGNATURE_MAX;
}

int
ipc_encode_signed(void *buf, size_t size, const struct ipc_signed *m)
{
	struct wcur c = wcur_of(buf, size);

	if (signed_bad(m)) {
		return ERR_FORMAT;
	}
	wcur_be32(&c, (uint32_t)m->err);
	wcur_be16(&c, m->len);
	wcur_copy(&c, m->signature, m->len);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_signed(struct ipc_signed *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->err = (int32_t)rcur_be32(&c);
	m->len = rcur_be16(&c);
	if (signed_bad(m)) {
		return ERR_FORMAT;
	}
	rcur_copy(&c, m->signature, m->len);
	return ipc_decoded(&c, 0);
}
