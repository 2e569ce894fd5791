/*
 * The answer to an import: where the device is plugged, which of its interfaces
 * the peer may have, and its whole record.
 * Apart from wire/ipc.c since only the warden and a session know records; the
 * broker links neither this nor any parser of a device's bytes.
 */
#include "wire/ipc.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/ipc_part.h"

int
ipc_encode_imported(void *buf, size_t size, const struct ipc_imported *m,
    const struct devrec *rec)
{
	struct wcur c = wcur_of(buf, size);
	int bad, n;

	if (ipc_result_bad(m->err, 0) || (m->err == 0 && rec == NULL)) {
		return ERR_FORMAT;
	}
	wcur_be32(&c, (uint32_t)m->err);
	if (m->err != 0) {
		return ipc_encoded(&c, 0);
	}
	bad = ipc_put_place(&c, &m->place);
	bad |= m->is_all > 1;
	wcur_u8(&c, m->is_all);
	if (!m->is_all) {
		wcur_copy(&c, m->mask, sizeof(m->mask));
	}
	if (bad || c.failed) {
		return ipc_encoded(&c, bad);
	}
	n = devrec_encode(c.p, c.left, rec);
	if (n < 0) {
		return n;
	}
	wcur_room(&c, (size_t)n);
	return ipc_encoded(&c, 0);
}

int
ipc_decode_imported(
    struct ipc_imported *m, struct devrec *rec, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	memset(m, 0, sizeof(*m));
	m->err = (int32_t)rcur_be32(&c);
	if (c.failed || ipc_result_bad(m->err, 0)) {
		return ERR_FORMAT;
	}
	if (m->err != 0) {
		return ipc_decoded(&c, 0);
	}
	bad = ipc_get_place(&c, &m->place);
	m->is_all = rcur_u8(&c);
	if (!m->is_all) {
		rcur_copy(&c, m->mask, sizeof(m->mask));
	}
	if (bad || c.failed || m->is_all > 1 || rec == NULL) {
		return ERR_FORMAT;
	}
	return devrec_decode(rec, c.p, c.left) == 0 ? 0 : ERR_FORMAT;
}
