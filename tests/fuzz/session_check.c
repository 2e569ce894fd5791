/*
 * What has to hold of a session's answers: each is to something that was sent
 * and not answered, none is longer than what was asked for, none has a number
 * that an importing kernel does not know; and no request reaches the device
 * that the floor forbids, or that has a call of its own.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session_play.h"

static void
drop(struct rig *rig, size_t n)
{
	rig->in_len -= n;
	memmove(rig->in, rig->in + n, rig->in_len);
}

static int
is_status(int32_t status)
{
	static const int32_t known[] = {USBIP_OK, USBIP_ENOENT, USBIP_EIO,
	    USBIP_ENOMEM, USBIP_EXDEV, USBIP_ENODEV, USBIP_EINVAL, USBIP_EPIPE,
	    USBIP_ETIME, USBIP_EPROTO, USBIP_EOVERFLOW, USBIP_EILSEQ,
	    USBIP_EMSGSIZE, USBIP_ECONNRESET, USBIP_ESHUTDOWN, USBIP_ETIMEDOUT,
	    USBIP_EREMOTEIO};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i] == status) {
			return 1;
		}
	}
	return 0;
}

static struct play_sent *
sent_as(struct play *play, uint32_t seqnum)
{
	return seqnum < PLAY_SEQNUMS ? &play->sent[seqnum] : NULL;
}

static void
check_packets(
    const struct play_sent *s, const struct usbip_header *hdr, const uint8_t *p)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < s->npackets; i++) {
		struct usbip_iso iso;

		usbip_decode_iso(
		    &iso, p + (size_t)i * USBIP_ISO_SIZE, USBIP_ISO_SIZE);
		MUST(iso.actual_length <= s->packet[i]);
		MUST(is_status((int32_t)iso.status));
		sum += iso.actual_length;
	}
	MUST(s->npackets == 0 || sum == hdr->u.ret_submit.actual_length);
}

/* 0: not all of it is there. */
static int
take_submit(struct play *play, const struct usbip_header *hdr)
{
	struct play_sent *s = sent_as(play, hdr->seqnum);
	uint32_t actual = hdr->u.ret_submit.actual_length;
	struct rig *rig = play->rig;
	size_t need = USBIP_HEADER_SIZE;

	MUST(s != NULL && s->is_live && !s->is_unlink);
	MUST(actual <= s->length && is_status(hdr->u.ret_submit.status));
	MUST(hdr->u.ret_submit.npackets == s->npackets);
	need += (s->is_in ? actual : 0) + (size_t)s->npackets * USBIP_ISO_SIZE;
	if (rig->in_len < need) {
		return 0;
	}
	check_packets(
	    s, hdr, rig->in + USBIP_HEADER_SIZE + (s->is_in ? actual : 0));
	s->is_live = 0;
	drop(rig, need);
	return 1;
}

static int
take_unlink(struct play *play, const struct usbip_header *hdr)
{
	struct play_sent *s = sent_as(play, hdr->seqnum);
	int32_t status = hdr->u.ret_unlink.status;
	struct play_sent *target;

	MUST(s != NULL && s->is_live && s->is_unlink);
	MUST(status == USBIP_OK || status == USBIP_ECONNRESET);
	target = sent_as(play, s->length);
	if (status == USBIP_ECONNRESET) {
		/* and never a RET_SUBMIT of it afterwards */
		MUST(target != NULL && target->is_live && !target->is_unlink);
		target->is_live = 0;
	}
	s->is_live = 0;
	drop(play->rig, USBIP_HEADER_SIZE);
	return 1;
}

static int
take_reply(struct play *play)
{
	struct rig *rig = play->rig;
	struct usbip_header hdr;

	if (rig->in_len < USBIP_HEADER_SIZE) {
		return 0;
	}
	MUST(usbip_decode_header(&hdr, rig->in, USBIP_HEADER_SIZE) == 0);
	MUST(hdr.devid == 0 && hdr.direction == 0 && hdr.ep == 0);
	return hdr.command == USBIP_RET_SUBMIT ? take_submit(play, &hdr)
					       : take_unlink(play, &hdr);
}

static int
take_import(struct play *play)
{
	struct rig *rig = play->rig;
	struct usbip_op_common op;
	size_t need = USBIP_OP_COMMON_SIZE;

	if (rig->in_len < need) {
		return 0;
	}
	MUST(usbip_decode_op(&op, rig->in, rig->in_len) == 0);
	MUST(op.version == USBIP_VERSION && op.code == USBIP_OP_REP_IMPORT);
	need = op.status == 0 ? USBIP_IMPORT_REP_SIZE : need;
	if (rig->in_len < need) {
		return 0;
	}
	play->is_attached = op.status == 0;
	play->is_wild |= op.status != 0;
	drop(rig, need);
	return 1;
}

static void
check_device(const struct usb_sim *sim)
{
	unsigned n = sim->nsetups < 256 ? sim->nsetups : 256;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *s = sim->setups[i];
		int is_standard = (s[0] & 0x60) == 0;

		MUST(!is_standard || (s[1] != 5 && s[1] != 7 && s[1] != 9 &&
					 s[1] != 11 && s[1] != 12));
		/* CLEAR_FEATURE(ENDPOINT_HALT) */
		MUST(!is_standard || s[0] != 2 || s[1] != 1);
	}
}

void
play_check(struct play *play)
{
	struct rig *rig = play->rig;

	while (!play->is_wild &&
	       (play->is_attached ? take_reply(play) : take_import(play))) {
	}
	if (play->is_wild) {
		rig->in_len = 0;
	}
	check_device(rig->sim);
	rig->sim->nsetups = 0;
	/* the rig has room for so many */
	rig->nrefusals = rig->nruled = 0;
}

int
play_is_owed(const struct play *play)
{
	unsigned nwaiting = 0;

	for (unsigned i = 0; i < PLAY_SEQNUMS; i++) {
		const struct play_sent *s = &play->sent[i];

		if (!s->is_live || s->is_unlink) {
			continue;
		}
		/* a read that brings nothing that may pass waits on, and as many
		 * of those as may queue hold up what was sent after them */
		if (s->is_in && play->part->usings[0] != NULL) {
			nwaiting++;
		} else if (nwaiting < play->rig->limits.held) {
			return 1;
		}
	}
	return 0;
}
