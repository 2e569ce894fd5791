/*
 * Messages that the workstation's root parent and its relay exchange. The relay
 * talks to the network, so its parent believes nothing of this without decoding
 * it here, and judges the numbers again.
 */
#include "wire/ipc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/ipc_part.h"

static int
setup_bad(const struct ipc_relay_setup *m)
{
	return m->mode < IPC_RELAY_LIST || m->mode > IPC_RELAY_TUNNEL ||
	    m->port == 0;
}

int
ipc_encode_relay_setup(
    void *buf, size_t size, const struct ipc_relay_setup *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = setup_bad(m);

	wcur_u8(&c, m->mode);
	wcur_be16(&c, m->port);
	bad |= ipc_put_text(&c, m->host, sizeof(m->host));
	bad |= ipc_put_text(&c, m->name, sizeof(m->name));
	bad |= ipc_put_text(&c, m->busid, sizeof(m->busid));
	bad |= ipc_put_pems(&c, &m->pem);
	return ipc_encoded(&c, bad);
}

int
ipc_decode_relay_setup(
    struct ipc_relay_setup *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	memset(m, 0, sizeof(*m));
	m->mode = rcur_u8(&c);
	m->port = rcur_be16(&c);
	bad = setup_bad(m);
	bad |= ipc_get_text(&c, m->host, sizeof(m->host));
	bad |= ipc_get_text(&c, m->name, sizeof(m->name));
	bad |= ipc_get_text(&c, m->busid, sizeof(m->busid));
	bad |= ipc_get_pems(&c, &m->pem);
	return ipc_decoded(&c, bad);
}

int
ipc_encode_relay_ready(
    void *buf, size_t size, const struct ipc_relay_ready *m)
{
	struct wcur c = wcur_of(buf, size);

	if (ipc_device_bad(&m->dev)) {
		return ERR_FORMAT;
	}
	ipc_put_device(&c, &m->dev);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_relay_ready(
    struct ipc_relay_ready *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_device(&c, &m->dev);

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
