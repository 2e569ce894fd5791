/*
 * What the workstation of a scenario heard: bytes become answers, each in the
 * words that an expectation has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "wire/cursor.h"

static struct sim_heard *
add(struct sim *sim)
{
	struct sim_heard *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		abort();
	}
	*sim->tail = h;
	sim->tail = &h->next;
	return h;
}

void
sim_heard_free(struct sim *sim)
{
	while (sim->heard != NULL) {
		struct sim_heard *h = sim->heard;

		sim->heard = h->next;
		free(h->data);
		free(h);
	}
	sim->tail = &sim->heard;
}

static void
drop(struct rig *rig, size_t n)
{
	rig->in_len -= n;
	memmove(rig->in, rig->in + n, rig->in_len);
}

/* ------------------------------------------------------------------------ */
/* Before the stream                                                        */

static int
hear_import(struct sim *sim)
{
	static const char *const words[] = {
	    "ok", "na", "busy", "error", "nodev", "error5"};
	struct rig *rig = sim->rig;
	struct usbip_op_common op;
	struct usbip_device dev;
	size_t need = USBIP_OP_COMMON_SIZE;

	if (rig->in_len < need) {
		return 0;
	}
	(void)usbip_decode_op(&op, rig->in, rig->in_len);
	need = op.status == 0 ? USBIP_IMPORT_REP_SIZE : need;
	if (rig->in_len < need) {
		return 0;
	}
	(void)snprintf(add(sim)->text, sizeof(sim->heard->text),
	    "op_rep_import %s", words[op.status < 5 ? op.status : 5]);
	if (op.status == 0 &&
	    usbip_decode_device(
		&dev, rig->in + USBIP_OP_COMMON_SIZE, USBIP_DEVICE_SIZE) == 0) {
		sim->phase = SIM_STREAM;
	}
	drop(rig, need);
	return 1;
}

/* "devlist 2 1209:5a11 interfaces 2": the first of them */
static int
hear_list(struct sim *sim)
{
	struct rig *rig = sim->rig;
	size_t need = USBIP_DEVLIST_HEAD_SIZE;
	struct usbip_device dev;
	struct sim_heard *h;
	struct rcur c;
	uint32_t n;

	if (rig->in_len < need) {
		return 0;
	}
	c = rcur_of(rig->in + USBIP_OP_COMMON_SIZE, 4);
	n = rcur_be32(&c);
	for (uint32_t i = 0; i < n; i++) {
		if (rig->in_len < need + USBIP_DEVICE_SIZE ||
		    usbip_decode_device(
			&dev, rig->in + need, USBIP_DEVICE_SIZE) != 0) {
			return 0;
		}
		need += USBIP_DEVICE_SIZE +
			(size_t)dev.ninterfaces * USBIP_INTERFACE_SIZE;
	}
	if (rig->in_len < need) {
		return 0;
	}
	h = add(sim);
	(void)snprintf(h->text, sizeof(h->text), "devlist %u", n);
	drop(rig, need);
	return 1;
}

static int
hear_line(struct sim *sim)
{
	struct rig *rig = sim->rig;
	uint8_t *end = memchr(rig->in, '\n', rig->in_len);
	struct sim_heard *h;

	if (end == NULL) {
		return 0;
	}
	h = add(sim);
	(void)snprintf(h->text, sizeof(h->text), "line \"%.*s\"",
	    (int)(end - rig->in), (const char *)rig->in);
	drop(rig, (size_t)(end - rig->in) + 1);
	return 1;
}

/* ------------------------------------------------------------------------ */
/* The stream                                                               */

static void
hear_packets(struct sim_heard *h, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t at = strlen(h->packets);
		struct usbip_iso iso;

		usbip_decode_iso(
		    &iso, p + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		(void)snprintf(h->packets + at, sizeof(h->packets) - at,
		    " %u:%s", iso.actual_length,
		    sim_status_name((int32_t)iso.status));
	}
}

static int
hear_reply(struct sim *sim)
{
	struct rig *rig = sim->rig;
	const struct rig_submit *sub;
	struct usbip_header hdr;
	struct sim_heard *h;
	size_t data = 0, packets;

	if (rig->in_len < USBIP_HEADER_SIZE ||
	    usbip_decode_header(&hdr, rig->in, USBIP_HEADER_SIZE) != 0) {
		return 0;
	}
	if (hdr.command == USBIP_RET_UNLINK) {
		h = add(sim);
		(void)snprintf(h->text, sizeof(h->text), "ret_unlink %u %s",
		    hdr.seqnum, sim_status_name(hdr.u.ret_unlink.status));
		drop(rig, USBIP_HEADER_SIZE);
		return 1;
	}
	sub = &rig->submits[hdr.seqnum % RIG_SUBMITS];
	if (sub->direction == USBIP_DIR_IN) {
		data = hdr.u.ret_submit.actual_length;
	}
	packets = (size_t)sub->npackets * USBIP_ISO_SIZE;
	if (rig->in_len < USBIP_HEADER_SIZE + data + packets) {
		return 0;
	}
	h = add(sim);
	(void)snprintf(h->text, sizeof(h->text), "ret_submit %u %s %u",
	    hdr.seqnum, sim_status_name(hdr.u.ret_submit.status),
	    hdr.u.ret_submit.actual_length);
	if (sub->seqnum != hdr.seqnum || hdr.devid != 0 ||
	    hdr.u.ret_submit.npackets != sub->npackets) {
		(void)snprintf(h->text, sizeof(h->text),
		    "ret_submit %u that nobody submitted so", hdr.seqnum);
	}
	h->len = data;
	h->data = malloc(data + 1);
	if (h->data == NULL) {
		abort();
	}
	memcpy(h->data, rig->in + USBIP_HEADER_SIZE, data);
	hear_packets(h, rig->in + USBIP_HEADER_SIZE + data, sub->npackets);
	drop(rig, USBIP_HEADER_SIZE + data + packets);
	return 1;
}

void
sim_hear(struct sim *sim)
{
	int more = 1;

	while (more && sim->rig->in_len > 0) {
		switch (sim->phase) {
		case SIM_OP:
			return;
		case SIM_LIST:
			more = hear_list(sim);
			break;
		case SIM_IMPORT:
			more = hear_import(sim);
			break;
		case SIM_LINES:
			more = hear_line(sim);
			break;
		case SIM_STREAM:
			more = hear_reply(sim);
			break;
		}
	}
}

void
sim_settle(struct sim *sim)
{
	if (sim->is_at_once || !sim->is_started) {
		return;
	}
	if (sim->is_deaf) {
		while (rig_turn(sim->rig) != 0) {
		}
		return;
	}
	rig_settle(sim->rig);
	sim_hear(sim);
}
