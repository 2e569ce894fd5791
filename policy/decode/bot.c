/*
 * USB Mass Storage, Bulk-Only Transport 1.0, with SCSI commands in it.
 *
 *   IDLE -- CBW allowed --> COMMAND -- CSW --> IDLE
 *   IDLE -- CBW refused --> LOCAL -- CSW --> IDLE      the device hears nothing
 *   any -- failed, cancelled, phase error --> BROKEN -- reset --> IDLE
 *
 * 1. A CBW is judged, and reaches the device only while the device has nothing
 *    else to do: after the status of the command before, or after a reset. So
 *    gateway and device never disagree about what is a command and what is
 *    data, and no command can hide in the data of another.
 * 2. Of data only bytes are counted; none is looked at, but for the first few
 *    of the answers that are checked or rewritten.
 * 3. A refused command is played to its end here: data out is swallowed, data
 *    in is filled with zeros (BOT 6.7.2, case 4, the way that needs no STALL),
 *    the status says that it failed, and the sense that REQUEST SENSE asks for
 *    next is the ruling's.
 * 4. After an error or a cancelled transfer nobody knows what the device has
 *    taken. Everything is answered with STALL then, as a device does until its
 *    reset recovery (BOT 5.3.4, 6.6.1).
 */
#include "policy/decode/decode.h"

#include "base/err.h"
#include "policy/decode/answer.h"
#include "policy/decode/list.h"
#include "policy/decode/scsi.h"
#include "policy/facts/scsi.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define CLASS_STORAGE 0x08
#define PROTOCOL_BULK_ONLY 0x50

#define CBW_SIZE 31u
#define CBW_SIGNATURE 0x43425355u
#define CSW_SIZE 13u
#define CSW_SIGNATURE 0x53425355u
#define BOT_LUNS 16u
#define SEEN 16u /* first bytes of an answer that are kept */

enum { STATUS_PASSED, STATUS_FAILED, STATUS_PHASE_ERROR };

enum phase {
	IDLE,
	COMMAND, /* one is under way in the device */
	LOCAL,	 /* a refused one is answered here */
	BROKEN,	 /* out of step until a reset */
};

/* What the device said of its size, apart for READ CAPACITY(10) and (16). */
struct capacity {
	uint8_t is_known;
	uint32_t block;
	uint64_t last;
};

struct lun {
	uint8_t has_sense; /* of the command refused last */
	uint8_t sense[3];
	struct capacity capacity[2];
	uint32_t block; /* bytes of one; 0 = never told */
};

struct cbw {
	uint32_t tag, length;
	uint8_t is_in, lun, cdb_length;
	uint8_t cdb[SCSI_CDB_SIZE];
};

struct bot {
	struct decoder decoder; /* first member */
	uint8_t is_attached, number, alternate;
	uint8_t in, out; /* addresses of its endpoints */
	uint8_t max_lun;
	uint8_t phase; /* enum phase */

	/* the command of COMMAND or LOCAL */
	struct cbw cbw;
	struct scsi_command command;
	uint32_t asked; /* bytes of data that the host has submitted */
	uint32_t moved; /* and that came in, or were answered */
	uint8_t is_ended;   /* data: by a short packet or STALL */
	uint8_t is_skipped; /* the status may have come as data */
	uint8_t retries;    /* of a status that was stalled or empty */
	uint8_t edits_wp, wp;
	uint32_t nseen;
	uint8_t seen[SEEN];

	/* LOCAL */
	uint8_t status, is_stalled;
	uint32_t residue, reply_length;
	uint8_t reply[SCSI_SENSE_SIZE];
	uint8_t has_reply; /* else zeros, as many as asked for */

	/* in the device; those of before a reset are stale */
	uint32_t cbw_out, data_out, stale_out;
	uint32_t data_in, csw_in, stale_in;
	uint8_t is_resetting; /* by BULK-ONLY RESET */

	struct lun luns[BOT_LUNS];
};

static struct bot *
bot_of(struct decoder *d)
{
	return (struct bot *)(void *)d;
}

static enum decode_act
invalid(struct bot *b, const char *what)
{
	judge_invalid(b->decoder.judge, HOOK_SCSI, what);
	return DECODE_EJECT;
}

static int
is_idle(const struct bot *b)
{
	return b->cbw_out == 0 && b->data_out == 0 && b->data_in == 0 &&
	    b->csw_in == 0 && b->stale_in == 0 && b->stale_out == 0 &&
	    !b->is_resetting;
}

static void
begin(struct bot *b, enum phase phase)
{
	b->phase = (uint8_t)phase;
	b->asked = 0;
	b->moved = 0;
	b->is_ended = 0;
	b->is_skipped = 0;
	b->retries = 0;
	b->edits_wp = 0;
	b->nseen = 0;
	b->is_stalled = 0;
	b->has_reply = 0;
	b->reply_length = 0;
}

/* After a reset the device has forgotten its command, and sense is gone. */
static void
reset(struct bot *b)
{
	begin(b, IDLE);
	for (unsigned i = 0; i < BOT_LUNS; i++) {
		b->luns[i].has_sense = 0;
	}
}

/* ------------------------------------------------------------------------ */
/* Capacity                                                                 */

static void
forget_capacity(struct lun *lun)
{
	/* lun->block stays: data out is measured by what was last said */
	lun->capacity[0].is_known = 0;
	lun->capacity[1].is_known = 0;
}

/* NULL, or what is wrong with a READ CAPACITY that passed (SBC-3 5.16, 5.17).
 * A medium that grows or shrinks while nobody said that it was changed makes
 * file systems reach for blocks that are not there. */
static const char *
check_capacity(struct bot *b, struct lun *lun)
{
	int is_long = b->command.op == SCSI_READ_CAPACITY_16;
	unsigned n = is_long ? 8 : 4;
	struct capacity *c = &lun->capacity[is_long];
	uint32_t block;
	uint64_t last;

	if (b->nseen < n + 4) {
		/* the host did not ask for more */
		return b->cbw.length < n + 4 ||
			(is_long && be_at(b->cbw.cdb + 10, 4) < n + 4) ?
		    NULL :
		    "capacity cut short";
	}
	last = be_at(b->seen, n);
	block = (uint32_t)be_at(b->seen + n, 4);
	if (block < 512 || block > 65536 || (block & (block - 1)) != 0) {
		return "block size that no disk has";
	}
	if (c->is_known && (c->block != block || c->last != last)) {
		return "capacity changed without a change of medium";
	}
	c->is_known = 1;
	c->block = block;
	c->last = last;
	lun->block = block;
	return NULL;
}

/* ------------------------------------------------------------------------ */
/* CBW                                                                      */

/* BOT 5.1, 6.2: valid and meaningful. */
static const char *
parse_cbw(const struct bot *b, struct cbw *out, const struct unit *u)
{
	const uint8_t *p = u->data;

	if (u->length != CBW_SIZE) {
		return "CBW that is not 31 bytes";
	}
	if (le32_at(p) != CBW_SIGNATURE) {
		return "CBW without its signature";
	}
	out->tag = le32_at(p + 4);
	out->length = le32_at(p + 8);
	out->is_in = p[12] >> 7;
	out->lun = p[13];
	out->cdb_length = p[14];
	if ((p[12] & 0x7f) != 0 || (p[13] & 0xf0) != 0 ||
	    (p[14] & 0xe0) != 0) {
		return "CBW with reserved bits";
	}
	if (out->lun > b->max_lun) {
		return "CBW to a LUN that is not there";
	}
	if (out->cdb_length < 1 || out->cdb_length > SCSI_CDB_SIZE) {
		return "CBW with a CDB of no length that exists";
	}
	/* bytes behind the CDB do not count; the device does not get them */
	memset(out->cdb, 0, sizeof(out->cdb));
	memcpy(out->cdb, p + 15, out->cdb_length);
	return NULL;
}

static enum decode_act
begin_local(struct bot *b, const struct cbw *cbw, uint8_t status,
    uint32_t residue, struct unit *u)
{
	begin(b, LOCAL);
	b->cbw = *cbw;
	b->status = status;
	b->residue = residue;
	return answer_done(u, CBW_SIZE);
}

static enum decode_act
refuse(struct bot *b, const struct cbw *cbw,
    const struct scsi_command *command, const struct ruling *ruling,
    struct unit *u)
{
	struct lun *lun = &b->luns[cbw->lun];
	enum decode_act act;

	act = begin_local(b, cbw, STATUS_FAILED, cbw->length, u);
	b->is_stalled = ruling->how == HOW_STALL;
	memcpy(lun->sense,
	    ruling->how == HOW_SENSE ? ruling->sense : scsi_refusal(command),
	    3);
	lun->has_sense = 1;
	return act;
}

/* REQUEST SENSE after a refused command: the device knows nothing of it. */
static enum decode_act
tell_sense(struct bot *b, const struct cbw *cbw, struct unit *u)
{
	struct lun *lun = &b->luns[cbw->lun];
	uint32_t room = cbw->is_in ? cbw->length : 0, n;
	enum decode_act act;

	act = begin_local(b, cbw, STATUS_PASSED, 0, u);
	n = scsi_sense(b->reply, lun->sense, cbw->cdb, room);
	b->has_reply = 1;
	b->reply_length = n;
	b->residue = cbw->length - n;
	lun->has_sense = 0;
	return act;
}

static enum decode_act
pass_cbw(struct bot *b, const struct cbw *cbw,
    const struct scsi_command *command, const struct ruling *ruling,
    struct unit *u)
{
	struct lun *lun = &b->luns[cbw->lun];
	const char *why = scsi_check_data(
	    command, cbw->is_in, cbw->length, lun->block);

	if (why != NULL) {
		return invalid(b, why);
	}
	begin(b, COMMAND);
	b->cbw = *cbw;
	b->command = *command;
	lun->has_sense = 0;
	for (unsigned i = 0; i < ruling->nedits; i++) {
		if (ruling->verdict == VERDICT_REWRITE &&
		    ruling->edits[i].fact == FACT_WP &&
		    (command->op == SCSI_MODE_SENSE_6 ||
			command->op == SCSI_MODE_SENSE_10)) {
			b->edits_wp = 1;
			b->wp = ruling->edits[i].value != 0;
		}
	}
	if (scsi_changes_medium(command)) {
		forget_capacity(lun);
	}
	memcpy(u->data + 15, cbw->cdb, SCSI_CDB_SIZE);
	b->cbw_out = 1;
	return DECODE_PASS;
}

static enum decode_act
submit_cbw(struct bot *b, struct unit *u)
{
	struct scsi_command command;
	struct ruling ruling;
	struct facts facts;
	struct cbw cbw;
	const char *why;

	if (!is_idle(b)) {
		return answer_stall(u);
	}
	why = parse_cbw(b, &cbw, u);
	if (why == NULL) {
		why = scsi_parse(&command, cbw.cdb, cbw.cdb_length, cbw.is_in,
		    cbw.length);
	}
	if (why != NULL) {
		return invalid(b, why);
	}
	if (command.op == SCSI_REQUEST_SENSE && b->luns[cbw.lun].has_sense) {
		return tell_sense(b, &cbw, u);
	}
	facts_init(&facts, HOOK_SCSI);
	scsi_facts(&facts, &command);
	facts_set(&facts, FACT_LUN, cbw.lun);
	facts_set(&facts, FACT_LEN, cbw.length);
	facts.bytes = cbw.cdb;
	facts.nbytes = cbw.cdb_length;
	judge_rule(b->decoder.judge, &facts, u->now, &ruling);
	switch (ruling.verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		return pass_cbw(b, &cbw, &command, &ruling, u);
	case VERDICT_DROP:
		b->luns[cbw.lun].has_sense = 0;
		return begin_local(b, &cbw, STATUS_PASSED, 0, u);
	case VERDICT_ASK:
		return DECODE_HOLD;
	case VERDICT_EJECT:
		return DECODE_EJECT;
	case VERDICT_QUARANTINE:
		return DECODE_QUARANTINE;
	case VERDICT_DENY:
	case VERDICTS:
		break;
	}
	return refuse(b, &cbw, &command, &ruling, u);
}

/* ------------------------------------------------------------------------ */
/* Submit                                                                   */

static int
wants_data(const struct bot *b, int is_in)
{
	return b->cbw.length > 0 && b->cbw.is_in == is_in && !b->is_ended;
}

static enum decode_act
submit_out(struct bot *b, struct unit *u)
{
	uint32_t left = b->cbw.length - b->asked;

	switch (b->phase) {
	case BROKEN:
		return answer_stall(u);
	case IDLE:
		return submit_cbw(b, u);
	}
	if (b->phase == COMMAND && b->is_skipped && b->csw_in == 0) {
		return submit_cbw(b, u);
	}
	if (b->cbw.is_in || u->length == 0 || u->length > left) {
		return invalid(b, "data out of phase");
	}
	if (b->cbw_out != 0) {
		/* were the CBW taken back now, the device would take the data
		 * for one; drivers wait for it */
		return invalid(b, "data out before its command");
	}
	if (b->is_ended) {
		return answer_stall(u);
	}
	if (b->phase == LOCAL && b->is_stalled) {
		b->is_ended = 1;
		return answer_stall(u);
	}
	b->asked += u->length;
	if (b->phase == LOCAL) {
		return answer_done(u, u->length);
	}
	b->data_out++;
	return DECODE_PASS;
}

static enum decode_act
local_data(struct bot *b, struct unit *u)
{
	uint32_t left, n;

	if (b->is_stalled) {
		b->is_ended = 1;
		return answer_stall(u);
	}
	left = (b->has_reply ? b->reply_length : b->cbw.length) - b->moved;
	n = u->length < left ? u->length : left;
	if (b->has_reply && n > 0) {
		memcpy(u->data, b->reply + b->moved, n);
	} else if (n > 0) {
		memset(u->data, 0, n);
	}
	b->moved += n;
	b->is_ended = n < u->length || b->moved == b->cbw.length;
	return answer_done(u, n);
}

static enum decode_act
local_status(struct bot *b, struct unit *u)
{
	le32_put(u->data, CSW_SIGNATURE);
	le32_put(u->data + 4, b->cbw.tag);
	le32_put(u->data + 8, b->residue);
	u->data[12] = b->status;
	b->phase = IDLE;
	return answer_done(u, CSW_SIZE);
}

static enum decode_act
submit_in(struct bot *b, struct unit *u)
{
	if (b->phase == BROKEN) {
		return answer_stall(u);
	}
	if (b->phase == IDLE) {
		return invalid(b, "read without a command");
	}
	if (wants_data(b, 1) && b->asked < b->cbw.length) {
		uint32_t left = b->cbw.length - b->asked;

		b->asked += u->length < left ? u->length : left;
		if (b->phase == LOCAL) {
			return local_data(b, u);
		}
		b->data_in++;
		return DECODE_PASS;
	}
	if (u->length < CSW_SIZE || b->csw_in != 0) {
		return invalid(b, "read out of phase");
	}
	if (b->phase == LOCAL) {
		return local_status(b, u);
	}
	b->csw_in = 1;
	return DECODE_PASS;
}

enum { OUT_CLASS_INTERFACE = 0x21, IN_CLASS_INTERFACE = 0xa1 };
enum { BULK_ONLY_RESET = 0xff, GET_MAX_LUN = 0xfe };

static int
is_request(const struct unit *u, uint8_t type, uint8_t request)
{
	return u->setup[0] == type && u->setup[1] == request;
}

static enum decode_act
submit_control(struct bot *b, struct unit *u)
{
	if (is_request(u, OUT_CLASS_INTERFACE, BULK_ONLY_RESET)) {
		/* What is still queued would be taken for a CBW by a device
		 * that has just been reset, and so would be what follows
		 * while a second one is on its way. Drivers cancel first, and
		 * reset once. */
		if (!is_idle(b)) {
			return answer_stall(u);
		}
		b->phase = BROKEN; /* until it has gone through */
		b->is_resetting = 1;
	}
	return DECODE_PASS;
}

static enum decode_act
bot_submit(struct decoder *d, struct unit *u)
{
	struct bot *b = bot_of(d);

	if ((u->endpoint & 0x0f) == 0) {
		return submit_control(b, u);
	}
	if (u->endpoint == b->out) {
		return submit_out(b, u);
	}
	if (u->endpoint == b->in) {
		return submit_in(b, u);
	}
	return invalid(b, "transfer to an endpoint of no use");
}

/* ------------------------------------------------------------------------ */
/* Complete                                                                 */

static enum decode_act
complete_out(struct bot *b, struct unit *u)
{
	int is_whole = u->status == USBIP_OK && u->actual == u->length;

	if (b->stale_out > 0) {
		b->stale_out--;
		return DECODE_PASS;
	}
	if (b->cbw_out != 0) {
		b->cbw_out = 0;
		if (!is_whole) {
			b->phase = BROKEN;
		}
		return DECODE_PASS;
	}
	if (b->data_out > 0) {
		b->data_out--;
	}
	if (b->phase == BROKEN) {
		return DECODE_PASS;
	}
	if (u->status == USBIP_EPIPE) {
		b->is_ended = 1;
	} else if (b->is_ended ?
		       u->status != USBIP_ECONNRESET || u->actual != 0 :
		       !is_whole) {
		/* after its STALL only what the host took back */
		b->phase = BROKEN;
	}
	return DECODE_PASS;
}

static int
is_our_status(const struct bot *b, const struct unit *u)
{
	return u->actual == CSW_SIZE && le32_at(u->data) == CSW_SIGNATURE &&
	    le32_at(u->data + 4) == b->cbw.tag;
}

/* The first bytes of an answer, in however many transfers they come; and the
 * write-protect bit in the header of MODE SENSE (SPC-4 7.5.4, SBC-3 6.4.1). */
static void
look_at(struct bot *b, struct unit *u)
{
	uint32_t at = b->command.op == SCSI_MODE_SENSE_6 ? 2 : 3;

	if (b->edits_wp && at >= b->moved && at - b->moved < u->actual) {
		uint8_t *p = u->data + (at - b->moved);

		*p = (uint8_t)((*p & 0x7f) | b->wp << 7);
	}
	for (uint32_t i = 0; b->nseen < SEEN && i < u->actual; i++) {
		b->seen[b->nseen++] = u->data[i];
	}
}

static enum decode_act
complete_data(struct bot *b, struct unit *u)
{
	int is_late = b->is_ended;

	b->data_in--;
	if (b->phase != COMMAND) {
		return answer_hush(u);
	}
	if (u->actual > b->cbw.length - b->moved) {
		return invalid(b, "more data than the command has");
	}
	if (u->actual < u->length && is_our_status(b, u)) {
		/* Some devices leave the data out and send their status at
		 * once; drivers know them. Either way it is the end. */
		b->is_skipped = 1;
		b->is_ended = 1;
	} else if (is_late && u->actual != 0) {
		b->phase = BROKEN;
		return answer_hush(u);
	} else {
		look_at(b, u);
	}
	b->moved += u->actual;
	switch (u->status) {
	case USBIP_OK:
	case USBIP_EREMOTEIO:
	case USBIP_EOVERFLOW:
	case USBIP_EPIPE:
		if (u->status != USBIP_OK || u->actual < u->length) {
			b->is_ended = 1;
		}
		break;
	default:
		/* a driver takes back what it had queued behind a short one */
		if (!is_late || u->status != USBIP_ECONNRESET) {
			b->phase = BROKEN;
		}
	}
	return DECODE_PASS;
}

/* The command is over, with that status. */
static enum decode_act
finish(struct bot *b, uint8_t status)
{
	struct lun *lun = &b->luns[b->cbw.lun];
	const char *why;
	uint8_t key;

	b->phase = IDLE;
	switch (b->command.op) {
	case SCSI_READ_CAPACITY_10:
	case SCSI_READ_CAPACITY_16:
		if (status != STATUS_PASSED) {
			forget_capacity(lun);
			break;
		}
		why = check_capacity(b, lun);
		if (why != NULL) {
			return invalid(b, why);
		}
		break;
	case SCSI_REQUEST_SENSE:
		/* NOT READY, UNIT ATTENTION: the medium was changed */
		key = scsi_sense_key(b->seen, b->nseen);
		if (key == 0x02 || key == 0x06) {
			forget_capacity(lun);
		}
		break;
	}
	return DECODE_PASS;
}

/* BOT 5.2, 6.3: valid and meaningful. */
static enum decode_act
take_status(struct bot *b, struct unit *u)
{
	uint8_t status = u->data[12];

	if (u->actual != CSW_SIZE) {
		return invalid(b, "CSW that is not 13 bytes");
	}
	if (le32_at(u->data) != CSW_SIGNATURE) {
		return invalid(b, "CSW without its signature");
	}
	if (le32_at(u->data + 4) != b->cbw.tag) {
		return invalid(b, "CSW of another command");
	}
	if (status > STATUS_PHASE_ERROR) {
		return invalid(b, "CSW with a status that is none");
	}
	if (status != STATUS_PHASE_ERROR &&
	    le32_at(u->data + 8) > b->cbw.length) {
		return invalid(b, "CSW with more left than was asked for");
	}
	if (b->cbw_out != 0 || b->data_out != 0) {
		return invalid(b, "CSW before its command was over");
	}
	if (status == STATUS_PHASE_ERROR) {
		b->phase = BROKEN;
		return DECODE_PASS;
	}
	return finish(b, status);
}

static enum decode_act
complete_status(struct bot *b, struct unit *u)
{
	b->csw_in = 0;
	if (b->phase != COMMAND) {
		return answer_hush(u);
	}
	if ((u->status == USBIP_OK || u->status == USBIP_EREMOTEIO) &&
	    u->actual > 0) {
		return take_status(b, u);
	}
	/* BOT 5.3.3: one STALL, then it is read again. An empty packet ends
	 * the data of some devices. */
	if ((u->status == USBIP_OK || u->status == USBIP_EREMOTEIO ||
		u->status == USBIP_EPIPE) &&
	    b->retries++ < 2) {
		u->actual = 0;
		return DECODE_PASS;
	}
	b->phase = BROKEN;
	return answer_hush(u);
}

static enum decode_act
complete_in(struct bot *b, struct unit *u)
{
	if (b->stale_in > 0) {
		b->stale_in--;
		return answer_hush(u);
	}
	return b->data_in > 0 ? complete_data(b, u) : complete_status(b, u);
}

static enum decode_act
complete_control(struct bot *b, struct unit *u)
{
	if (is_request(u, OUT_CLASS_INTERFACE, BULK_ONLY_RESET)) {
		b->is_resetting = 0;
		if (u->status == USBIP_OK) {
			reset(b);
		}
	}
	if (!is_request(u, IN_CLASS_INTERFACE, GET_MAX_LUN)) {
		return DECODE_PASS;
	}
	if (u->status == USBIP_EPIPE) {
		b->max_lun = 0; /* BOT 3.2: it has just one */
	} else if (u->status == USBIP_OK && u->actual == 1) {
		if (u->data[0] >= BOT_LUNS) {
			return invalid(b, "more than 16 LUNs");
		}
		b->max_lun = u->data[0];
	}
	return DECODE_PASS;
}

static enum decode_act
bot_complete(struct decoder *d, struct unit *u)
{
	struct bot *b = bot_of(d);

	if ((u->endpoint & 0x0f) == 0) {
		return complete_control(b, u);
	}
	return unit_is_in(u) ? complete_in(b, u) : complete_out(b, u);
}

/* ------------------------------------------------------------------------ */

static int
bot_takes(const struct decode_iface *iface)
{
	return iface->alt->class == CLASS_STORAGE &&
	    iface->alt->protocol == PROTOCOL_BULK_ONLY;
}

static void
forget_transfers(struct bot *b)
{
	b->stale_out += b->cbw_out + b->data_out;
	b->stale_in += b->data_in + b->csw_in;
	b->cbw_out = b->data_out = 0;
	b->data_in = b->csw_in = 0;
}

static int
bot_attach(struct decoder *d, const struct decode_how *how, const char **what)
{
	const struct desc_alt *alt = how->iface->alt;
	const struct desc_endpoint *ep =
	    &how->iface->config->endpoints[alt->first_endpoint];
	struct bot *b = bot_of(d);
	uint8_t in = 0, out = 0;
	unsigned nin = 0, nout = 0;

	for (unsigned i = 0; i < alt->nendpoints; i++) {
		if ((ep[i].attributes & 3) != XFER_BULK) {
			continue;
		}
		if ((ep[i].address & 0x80) != 0) {
			in = ep[i].address;
			nin++;
		} else {
			out = ep[i].address;
			nout++;
		}
	}
	if (nin != 1 || nout != 1) { /* BOT 4.4 */
		*what = "Bulk-Only without one bulk endpoint each way";
		return ERR_FORMAT;
	}
	if (b->is_attached && b->number == alt->number &&
	    b->alternate == alt->alternate) {
		return 0; /* another profile */
	}
	if (b->is_attached) {
		forget_transfers(b);
	}
	reset(b);
	b->is_attached = 1;
	b->number = alt->number;
	b->alternate = alt->alternate;
	b->in = in;
	b->out = out;
	b->max_lun = BOT_LUNS - 1; /* until GET MAX LUN has told */
	return 0;
}

static void
bot_event(struct decoder *d, enum decode_event event, uint8_t endpoint)
{
	(void)endpoint;
	if (event == DECODE_RESET) {
		forget_transfers(bot_of(d));
		reset(bot_of(d));
	}
}

static uint64_t
bot_tick(struct decoder *d, uint64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

const struct decoder_ops decode_bot = {
	.name = "bot",
	.hooks = 1u << HOOK_SCSI,
	.size = sizeof(struct bot),
	.takes = bot_takes,
	.attach = bot_attach,
	.submit = bot_submit,
	.complete = bot_complete,
	.event = bot_event,
	.tick = bot_tick,
};
