/*
 * The gateway that lies: its answers are made as honest ones, and changed on
 * their way out.
 */
#include "tests/attack/liar.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/attack/plug.h"
#include "wire/cursor.h"

#define GET_DESCRIPTOR 6

int
liar_init(struct liar *l, struct stream *stream, const struct lie *lie)
{
	memset(l, 0, offsetof(struct liar, answer));
	l->lie = lie;
	return gateway_fake_init(&l->fake, stream);
}

void
liar_fini(struct liar *l)
{
	gateway_fake_fini(&l->fake);
}

struct usbip_device
liar_device(void)
{
	struct usbip_device d = {
		.path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2",
		.busid = LIAR_BUSID,
		.busnum = LIAR_BUSNUM,
		.devnum = LIAR_DEVNUM,
		.speed = USBIP_SPEED_HIGH,
		.vid = PLUG_VID,
		.pid = PLUG_PID,
		.bcd_device = 0x0100,
		.configuration = 1,
		.nconfigurations = 1,
		.ninterfaces = 2,
	};

	return d;
}

/* ------------------------------------------------------------------------ */
/* Lies                                                                     */

static void
patch(uint8_t *p, size_t len, const struct lie_patch *patch)
{
	for (size_t i = 0; i < patch->width && patch->at + i < len; i++) {
		size_t shift = 8 * (patch->width - 1 - i);

		p[patch->at + i] = (uint8_t)(
		    patch->width > 4 ? patch->value : patch->value >> shift);
	}
}

/* Whether it is time to. */
static int
lies_now(struct liar *l, enum lie_when when)
{
	return l->lie != NULL && l->lie->when == when && l->told == 0 &&
	    l->seen++ >= l->lie->skip;
}

static void
take_back(struct liar *l, const struct usbip_header *cmd)
{
	for (unsigned i = 0; i < l->nwaiting; i++) {
		if (l->waiting[i].seqnum == cmd->u.unlink.seqnum) {
			l->waiting[i] = l->waiting[--l->nwaiting];
			return;
		}
	}
}

/* The answer to cmd, of which len bytes are in place, as it is or changed. */
static void
say(struct liar *l, enum lie_when when, const struct usbip_header *cmd,
    size_t len)
{
	const struct lie *lie = l->lie;

	if (!lies_now(l, when)) {
		gateway_fake_say(&l->fake, l->answer, len);
		return;
	}
	l->told++;
	if (lie->more > 0) {
		memset(l->answer + len, 0, (size_t)lie->more);
	}
	len = (size_t)((ssize_t)len + lie->more);
	for (size_t i = 0; i < ARRAY_LEN(lie->patches); i++) {
		patch(l->answer, len, &lie->patches[i]);
	}
	gateway_fake_say(&l->fake, l->answer, len);
	if ((lie->extra & LIE_TWICE) != 0) {
		gateway_fake_say(&l->fake, l->answer, len);
	}
	if ((lie->extra & LIE_LATE) != 0) {
		const struct usbip_ret_submit none = {.status = 0};

		gateway_fake_say_ret(&l->fake, cmd->u.unlink.seqnum, &none,
		    NULL, 0, NULL, 0);
	}
	l->hangs_up = (lie->extra & LIE_CUT) != 0;
}

/* ------------------------------------------------------------------------ */
/* Answers                                                                  */

static void
answer_list(struct liar *l)
{
	static const struct usbip_interface interfaces[2] = {
		{0xff, 0, 0}, {3, 0, 0}};
	const struct usbip_device dev = liar_device();
	uint8_t *p = l->answer;

	usbip_encode_op(p, USBIP_OP_REP_DEVLIST, 0);
	memcpy(p + USBIP_OP_COMMON_SIZE, "\0\0\0\1", 4);
	p += USBIP_DEVLIST_HEAD_SIZE;
	usbip_encode_device(p, &dev);
	p += USBIP_DEVICE_SIZE;
	for (size_t i = 0; i < ARRAY_LEN(interfaces); i++) {
		usbip_encode_interface(p, &interfaces[i]);
		p += USBIP_INTERFACE_SIZE;
	}
	say(l, LIE_LIST, NULL, (size_t)(p - l->answer));
}

static void
answer_import(struct liar *l)
{
	const struct usbip_device dev = liar_device();

	usbip_encode_op(l->answer, USBIP_OP_REP_IMPORT, 0);
	usbip_encode_device(l->answer + USBIP_OP_COMMON_SIZE, &dev);
	say(l, LIE_IMPORT, NULL, USBIP_IMPORT_REP_SIZE);
	l->is_streaming = 1;
}

static void
answer_submit(struct liar *l, enum lie_when when,
    const struct usbip_header *cmd, int32_t status, uint32_t actual)
{
	struct usbip_header ret = {
		.command = USBIP_RET_SUBMIT, .seqnum = cmd->seqnum};
	uint32_t np = cmd->u.submit.npackets;
	size_t len = USBIP_HEADER_SIZE;

	ret.u.ret_submit.status = status;
	ret.u.ret_submit.actual_length = actual;
	ret.u.ret_submit.npackets = np;
	(void)usbip_encode_header(l->answer, &ret);
	if (cmd->direction == USBIP_DIR_IN) {
		len += actual;
	}
	for (uint32_t i = 0; np != USBIP_NON_ISO_PACKETS && i < np; i++) {
		/* those of the submit, each of the same length */
		uint32_t each = cmd->u.submit.length / np;
		const struct usbip_iso iso = {i * each, each, each, 0};

		usbip_encode_iso(l->answer + len, &iso);
		len += USBIP_ISO_SIZE;
	}
	say(l, when, cmd, len);
}

/* GET_DESCRIPTOR, whose data it puts behind the header. */
static uint32_t
descriptor(struct liar *l, const uint8_t setup[8], enum lie_when *when)
{
	const void *p = NULL;
	size_t len = 0;
	uint32_t want = le16_at(setup + 6);

	if (setup[0] == 0x80 && setup[3] == 1) {
		*when = LIE_DEVICE;
		p = plug_device;
		len = sizeof(plug_device);
	} else if (setup[0] == 0x80 && setup[3] == 2) {
		*when = LIE_CONFIG;
		p = plug_config;
		len = sizeof(plug_config);
	} else if (setup[0] == 0x81 && setup[3] == 0x22) {
		*when = LIE_REPORT;
		p = plug_report;
		len = plug_report_size;
	}
	if (p == NULL) {
		return UINT32_MAX;
	}
	len = len < want ? len : want;
	memcpy(l->answer + USBIP_HEADER_SIZE, p, len);
	return (uint32_t)len;
}

static void
answer_control(struct liar *l, const struct usbip_header *cmd)
{
	const uint8_t *setup = cmd->u.submit.setup;
	enum lie_when when = LIE_NEVER;
	uint32_t len = cmd->direction == USBIP_DIR_IN
	    ? 0
	    : cmd->u.submit.length;

	if (cmd->direction == USBIP_DIR_IN && setup[1] == GET_DESCRIPTOR) {
		len = descriptor(l, setup, &when);
	} else if (cmd->direction == USBIP_DIR_IN) {
		/* GET_STATUS and its kind: nothing is the matter */
		len = le16_at(setup + 6) < 2 ? le16_at(setup + 6) : 2;
		memset(l->answer + USBIP_HEADER_SIZE, 0, len);
	}
	answer_submit(l, when, cmd, len == UINT32_MAX ? USBIP_EPIPE : 0,
	    len == UINT32_MAX ? 0 : len);
}

static void
answer_pipe(struct liar *l, const struct usbip_header *cmd)
{
	uint8_t address = (uint8_t)(cmd->ep | (cmd->direction << 7));
	uint32_t np = cmd->u.submit.npackets, len = cmd->u.submit.length;
	int is_in = cmd->direction == USBIP_DIR_IN;
	enum lie_when when = is_in ? LIE_BULK_IN : LIE_BULK_OUT;

	if (np != 0 && np != USBIP_NON_ISO_PACKETS) {
		when = is_in ? LIE_ISO_IN : LIE_ISO_OUT;
	} else if (address == PLUG_SILENT_IN || address == PLUG_MOUSE_IN) {
		if (l->nwaiting < LIAR_WAITING) {
			l->waiting[l->nwaiting++] = *cmd;
		}
		return;
	} else if (address == PLUG_INT_IN) {
		when = LIE_NEVER;
		len = len < 8 ? len : 8;
	}
	if (is_in) {
		len = len < 65536 ? len : 65536;
		memset(l->answer + USBIP_HEADER_SIZE, LIAR_BYTE, len);
	}
	answer_submit(l, when, cmd, 0, len);
}

static void
answer_unlink(struct liar *l, const struct usbip_header *cmd)
{
	struct usbip_header ret = {
		.command = USBIP_RET_UNLINK, .seqnum = cmd->seqnum};

	take_back(l, cmd);
	ret.u.ret_unlink.status = USBIP_ECONNRESET;
	(void)usbip_encode_header(l->answer, &ret);
	say(l, LIE_UNLINK, cmd, USBIP_HEADER_SIZE);
}

/* ------------------------------------------------------------------------ */
/* Questions                                                                */

static int
hear_op(struct liar *l)
{
	const struct gateway_fake *f = &l->fake;
	size_t there = gateway_fake_heard(f);
	const uint8_t *p = f->in + f->in_head;

	if (there < USBIP_OP_COMMON_SIZE) {
		return 0;
	}
	if (p[3] == (USBIP_OP_REQ_DEVLIST & 0xff)) {
		(void)gateway_fake_hear(&l->fake, USBIP_OP_COMMON_SIZE);
		answer_list(l);
		return 1;
	}
	if (gateway_fake_hear(&l->fake, USBIP_IMPORT_REQ_SIZE) == NULL) {
		return 0;
	}
	answer_import(l);
	return 1;
}

/* Bytes behind a submit. */
static size_t
body_of(const struct usbip_header *cmd)
{
	uint32_t np = cmd->u.submit.npackets;
	size_t n = 0;

	if (cmd->command != USBIP_CMD_SUBMIT) {
		return 0;
	}
	if (np != USBIP_NON_ISO_PACKETS) {
		n = (size_t)np * USBIP_ISO_SIZE;
	}
	return cmd->direction == USBIP_DIR_OUT ? n + cmd->u.submit.length : n;
}

static int
hear_command(struct liar *l)
{
	int is_early;

	if (!l->has_cmd &&
	    gateway_fake_hear_header(&l->fake, &l->cmd) != 0) {
		return 0;
	}
	l->has_cmd = 1;
	is_early = l->lie != NULL && (l->lie->extra & LIE_EARLY) != 0 &&
	    l->told == 0 && l->cmd.ep == (PLUG_BULK_OUT & 15);
	if (!is_early &&
	    gateway_fake_hear(&l->fake, body_of(&l->cmd)) == NULL) {
		return 0;
	}
	l->has_cmd = 0;
	l->commands++;
	if (l->cmd.command == USBIP_CMD_UNLINK) {
		answer_unlink(l, &l->cmd);
	} else if (l->cmd.ep == 0) {
		answer_control(l, &l->cmd);
	} else {
		answer_pipe(l, &l->cmd);
	}
	return 1;
}

void
liar_turn(struct liar *l)
{
	gateway_fake_turn(&l->fake);
	while (l->fake.stream != NULL && !l->is_silent && !l->hangs_up &&
	    l->fake.out_tail < GATEWAY_FAKE_BYTES / 2 &&
	    (l->is_streaming ? hear_command(l) : hear_op(l)) != 0) {
	}
	gateway_fake_turn(&l->fake);
	if (l->hangs_up && l->fake.stream != NULL && l->fake.out_tail == 0) {
		gateway_fake_hang_up(&l->fake);
	}
}
