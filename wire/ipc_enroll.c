/*
 * What `sallyport enroll' tells its helper.
 */
#include "wire/ipc.h"

#include "wire/cursor.h"
#include "wire/ipc_part.h"

int
ipc_encode_enroll(void *buf, size_t size, const struct ipc_enroll *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = m->port == 0;

	wcur_be16(&c, m->port);
	bad |= ipc_put_text(&c, m->host, sizeof(m->host));
	bad |= ipc_put_text(&c, m->token, sizeof(m->token));
	return ipc_encoded(&c, bad);
}

int
ipc_decode_enroll(struct ipc_enroll *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->port = rcur_be16(&c);
	bad = m->port == 0;
	bad |= ipc_get_text(&c, m->host, sizeof(m->host));
	bad |= ipc_get_text(&c, m->token, sizeof(m->token));
	return ipc_decoded(&c, bad);
}
