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
	return m->mode < IPC_RELAY_LIST || m->mode > IPC_RELAY_MEET ||
	    m->port == 0 || m->accept > IPC_ACCEPT_ALL ||
	    m->rules_len > IPC_RULES_MAX || m->npins > IPC_PINS ||
	    (m->rules_name[0] == '\0' && m->rules_len > 0);
}

static int
asked_bad(const struct ipc_asked *m)
{
	return m->is_listed > 1 || m->ninterfaces > DESC_MAX_INTERFACES ||
	    (!m->is_listed && (m->vid | m->pid | m->ninterfaces) != 0);
}

static int
put_asked(struct wcur *c, const struct ipc_asked *m)
{
	if (asked_bad(m)) {
		return ERR_FORMAT;
	}
	wcur_u8(c, m->is_listed);
	wcur_be16(c, m->vid);
	wcur_be16(c, m->pid);
	wcur_u8(c, m->ninterfaces);
	for (size_t i = 0; i < m->ninterfaces; i++) {
		wcur_u8(c, m->interfaces[i].class);
		wcur_u8(c, m->interfaces[i].subclass);
		wcur_u8(c, m->interfaces[i].protocol);
	}
	return 0;
}

static int
get_asked(struct rcur *c, struct ipc_asked *m)
{
	m->is_listed = rcur_u8(c);
	m->vid = rcur_be16(c);
	m->pid = rcur_be16(c);
	m->ninterfaces = rcur_u8(c);
	if (asked_bad(m)) {
		m->ninterfaces = 0;
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < m->ninterfaces; i++) {
		m->interfaces[i].class = rcur_u8(c);
		m->interfaces[i].subclass = rcur_u8(c);
		m->interfaces[i].protocol = rcur_u8(c);
	}
	return 0;
}

int
ipc_encode_relay_setup(
    void *buf, size_t size, const struct ipc_relay_setup *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = setup_bad(m) || (m->rules_len > 0 && m->rules == NULL);

	if (bad) {
		return ERR_FORMAT;
	}
	wcur_u8(&c, m->mode);
	wcur_be16(&c, m->port);
	wcur_u8(&c, m->accept);
	bad |= put_asked(&c, &m->asked);
	bad |= ipc_put_text(&c, m->host, sizeof(m->host));
	bad |= ipc_put_text(&c, m->name, sizeof(m->name));
	bad |= ipc_put_text(&c, m->busid, sizeof(m->busid));
	bad |= ipc_put_text(&c, m->rules_name, sizeof(m->rules_name));
	wcur_be32(&c, m->rules_len);
	wcur_copy(&c, m->rules, m->rules_len);
	wcur_u8(&c, m->npins);
	wcur_copy(&c, m->pins, (size_t)m->npins * sizeof(m->pins[0]));
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
	m->accept = rcur_u8(&c);
	bad = get_asked(&c, &m->asked);
	bad |= ipc_get_text(&c, m->host, sizeof(m->host));
	bad |= ipc_get_text(&c, m->name, sizeof(m->name));
	bad |= ipc_get_text(&c, m->busid, sizeof(m->busid));
	bad |= ipc_get_text(&c, m->rules_name, sizeof(m->rules_name));
	m->rules_len = rcur_be32(&c);
	m->rules = m->rules_len > 0 ? rcur_bytes(&c, m->rules_len) : NULL;
	m->npins = rcur_u8(&c);
	if (m->npins > IPC_PINS) {
		m->npins = 0;
		return ERR_FORMAT;
	}
	rcur_copy(&c, m->pins, (size_t)m->npins * sizeof(m->pins[0]));
	bad |= ipc_get_pems(&c, &m->pem);
	bad |= setup_bad(m);
	return ipc_decoded(&c, bad);
}

static int
desk_bad(const struct ipc_desk *m)
{
	const char *texts[] = {m->seat, m->user};

	for (size_t i = 0; i < 2; i++) {
		for (const char *p = texts[i]; *p != '\0'; p++) {
			if (*p <= ' ' || *p > '~') {
				return 1;
			}
		}
	}
	return m->lock > IPC_DESK_LOCKED;
}

int
ipc_encode_desk(void *buf, size_t size, const struct ipc_desk *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_u8(&c, m->lock);
	bad = ipc_put_text(&c, m->seat, sizeof(m->seat));
	bad |= ipc_put_text(&c, m->user, sizeof(m->user));
	return ipc_encoded(&c, bad || desk_bad(m));
}

int
ipc_decode_desk(struct ipc_desk *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	memset(m, 0, sizeof(*m));
	m->lock = rcur_u8(&c);
	bad = ipc_get_text(&c, m->seat, sizeof(m->seat));
	bad |= ipc_get_text(&c, m->user, sizeof(m->user));
	bad |= desk_bad(m);
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
ipc_encode_relay_key(
    void *buf, size_t size, const struct ipc_relay_key *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_copy(&c, m->hash, sizeof(m->hash));
	return ipc_encoded(&c, 0);
}

int
ipc_decode_relay_key(
    struct ipc_relay_key *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	rcur_copy(&c, m->hash, sizeof(m->hash));
	return ipc_decoded(&c, 0);
}
