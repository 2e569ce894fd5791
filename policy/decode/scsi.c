/*
 * See scsi.h. One row for each opcode says where its CDB has the block address,
 * the number of blocks and the length of its parameters (SPC-4, SBC-3, MMC-6).
 * An opcode without a row may have data any way, and is about all blocks:
 * vendor commands, what carries commands of another set, what is reserved.
 */
#include "policy/decode/scsi.h"

#include "policy/facts/scsi.h"
#include "wire/cursor.h"

enum form_flag {
	FORM_NOWHERE = 1, /* is about no blocks */
	FORM_SIX = 2,	  /* 21 bits of address; 0 blocks are 256 */
	FORM_REST = 4,	  /* 0 blocks are all up to the last */
	FORM_BLOCKS = 8,  /* its data are its blocks */
	FORM_TWICE = 16,  /* its data are its blocks, twice */
	FORM_ONE = 32,	  /* its data are one block */
	FORM_VERIFY = 64, /* BYTCHK says whether it has data */
	FORM_PAGE = 128,  /* a page code in byte 2 */
};

/* Where a number lies; n = 0: it has none. */
struct form {
	uint8_t way;
	uint8_t flags;
	struct {
		uint8_t at, n;
	} address, blocks, list;
};

#define NONE(f) {.way = SCSI_NO_DATA, .flags = FORM_NOWHERE | (f)}
#define IN(f) {.way = SCSI_DATA_IN, .flags = FORM_NOWHERE | (f)}
/* parameters of a length that n bytes at `at' say; about all blocks */
#define LIST(at_, n_) {.way = SCSI_DATA_OUT, .list = {at_, n_}}
#define BLOCKS(way_, f, at_, n_) \
	{.way = way_, .flags = f, .address = {2, 4}, .blocks = {at_, n_}}
#define BLOCKS_16(way_, f, at_, n_) \
	{.way = way_, .flags = f, .address = {2, 8}, .blocks = {at_, n_}}
#define SIX(way_, f)                                                      \
	{.way = way_, .flags = FORM_SIX | (f), .address = {1, 3}, \
		.blocks = {4, 1}}
#define READ(at, n) BLOCKS(SCSI_DATA_IN, 0, at, n)
#define WRITE(at, n) BLOCKS(SCSI_DATA_OUT, FORM_BLOCKS, at, n)
#define WRITE_LARGE(at, n) BLOCKS_16(SCSI_DATA_OUT, FORM_BLOCKS, at, n)

static const struct form forms[256] = {
	[0x00] = NONE(0),			      /* TEST UNIT READY */
	[0x01] = NONE(0),			      /* REZERO UNIT */
	[0x03] = IN(0),				      /* REQUEST SENSE */
	[0x04] = {.way = SCSI_ANY_WAY},		      /* FORMAT UNIT */
	[0x05] = IN(0),				      /* READ BLOCK LIMITS */
	[0x07] = {.way = SCSI_DATA_OUT},	      /* REASSIGN BLOCKS */
	[0x08] = SIX(SCSI_DATA_IN, 0),		      /* READ(6) */
	[0x0a] = SIX(SCSI_DATA_OUT, FORM_BLOCKS),     /* WRITE(6) */
	[0x0b] = NONE(0),			      /* SEEK(6) */
	[0x11] = NONE(0),			      /* SPACE */
	[0x12] = IN(FORM_PAGE),			      /* INQUIRY */
	[0x15] = LIST(4, 1),			      /* MODE SELECT(6) */
	[0x16] = NONE(0),			      /* RESERVE(6) */
	[0x17] = NONE(0),			      /* RELEASE(6) */
	[0x1a] = IN(FORM_PAGE),			      /* MODE SENSE(6) */
	[0x1b] = NONE(0),			      /* START STOP UNIT */
	[0x1c] = IN(FORM_PAGE),			      /* RECEIVE DIAGNOSTIC */
	[0x1d] = LIST(3, 2),			      /* SEND DIAGNOSTIC */
	[0x1e] = NONE(0),			      /* PREVENT ALLOW */
	[0x23] = IN(0),				      /* READ FORMAT CAP. */
	[0x25] = IN(0),				      /* READ CAPACITY(10) */
	[0x28] = READ(7, 2),			      /* READ(10) */
	[0x2a] = WRITE(7, 2),			      /* WRITE(10) */
	[0x2b] = NONE(0),			      /* SEEK(10) */
	[0x2e] = WRITE(7, 2),			      /* WRITE AND VERIFY */
	[0x2f] = BLOCKS(SCSI_NO_DATA, FORM_VERIFY, 7, 2), /* VERIFY(10) */
	[0x34] = BLOCKS(SCSI_NO_DATA, FORM_REST, 7, 2), /* PRE-FETCH(10) */
	[0x35] = BLOCKS(SCSI_NO_DATA, FORM_REST, 7, 2), /* SYNC. CACHE(10) */
	[0x37] = IN(0),				      /* READ DEFECT DATA */
	[0x3b] = LIST(6, 3),			      /* WRITE BUFFER */
	[0x3c] = IN(0),				      /* READ BUFFER(10) */
	[0x3e] = IN(0),				      /* READ LONG(10) */
	[0x3f] = {SCSI_DATA_OUT, 0, {2, 4}, {0, 0}, {7, 2}}, /* WRITE LONG */
	[0x41] = BLOCKS(SCSI_DATA_OUT, FORM_REST | FORM_ONE, 7, 2),
	[0x42] = LIST(7, 2),			      /* UNMAP */
	[0x43] = IN(0),				      /* READ TOC/PMA/ATIP */
	[0x44] = IN(0),				      /* READ HEADER */
	[0x45] = NONE(0),			      /* PLAY AUDIO(10) */
	[0x46] = IN(0),				      /* GET CONFIGURATION */
	[0x47] = NONE(0),			      /* PLAY AUDIO MSF */
	[0x48] = LIST(7, 2),			      /* SANITIZE */
	[0x4a] = IN(0),				      /* GET EVENT STATUS */
	[0x4b] = NONE(0),			      /* PAUSE/RESUME */
	[0x4c] = {SCSI_DATA_OUT, FORM_PAGE, {0, 0}, {0, 0}, {7, 2}},
	[0x4d] = IN(FORM_PAGE),			      /* LOG SENSE */
	[0x4e] = NONE(0),			      /* STOP PLAY/SCAN */
	[0x51] = IN(0),				      /* READ DISC INFO. */
	[0x52] = IN(0),				      /* READ TRACK INFO. */
	[0x54] = LIST(7, 2),			      /* SEND OPC INFO. */
	[0x55] = LIST(7, 2),			      /* MODE SELECT(10) */
	[0x56] = LIST(7, 2),			      /* RESERVE(10) */
	[0x57] = LIST(7, 2),			      /* RELEASE(10) */
	[0x5a] = IN(FORM_PAGE),			      /* MODE SENSE(10) */
	[0x5c] = IN(0),				      /* READ BUFFER CAP. */
	[0x5d] = LIST(6, 3),			      /* SEND CUE SHEET */
	[0x5e] = IN(0),				      /* PERS. RESERVE IN */
	[0x5f] = LIST(5, 4),			      /* PERS. RESERVE OUT */
	[0x83] = LIST(10, 4),			      /* EXTENDED COPY */
	[0x84] = IN(0),				      /* RECEIVE COPY RES. */
	[0x86] = IN(0),				      /* ACCESS CONTROL IN */
	[0x87] = LIST(10, 4),			      /* ACCESS CONTROL OUT */
	[0x88] = BLOCKS_16(SCSI_DATA_IN, 0, 10, 4),   /* READ(16) */
	[0x89] = BLOCKS_16(SCSI_DATA_OUT, FORM_TWICE, 13, 1),
	[0x8a] = WRITE_LARGE(10, 4),		      /* WRITE(16) */
	[0x8b] = WRITE_LARGE(10, 4),		      /* ORWRITE(16) */
	[0x8c] = IN(0),				      /* READ ATTRIBUTE */
	[0x8d] = LIST(10, 4),			      /* WRITE ATTRIBUTE */
	[0x8e] = WRITE_LARGE(10, 4),		      /* WRITE AND VERIFY */
	[0x8f] = BLOCKS_16(SCSI_NO_DATA, FORM_VERIFY, 10, 4),
	[0x90] = BLOCKS_16(SCSI_NO_DATA, FORM_REST, 10, 4),
	[0x91] = BLOCKS_16(SCSI_NO_DATA, FORM_REST, 10, 4),
	[0x93] = BLOCKS_16(SCSI_DATA_OUT, FORM_REST | FORM_ONE, 10, 4),
	[0x95] = IN(0),				      /* ZBC IN */
	[0x9a] = WRITE_LARGE(12, 2),		      /* WRITE STREAM */
	[0x9b] = IN(0),				      /* READ BUFFER(16) */
	[0x9c] = WRITE_LARGE(12, 2),		      /* WRITE ATOMIC */
	[0xa0] = IN(0),				      /* REPORT LUNS */
	[0xa8] = READ(6, 4),			      /* READ(12) */
	[0xaa] = WRITE(6, 4),			      /* WRITE(12) */
	[0xad] = IN(0),				      /* READ DISC STRUCT. */
	[0xae] = WRITE(6, 4),			      /* WRITE AND VERIFY */
	[0xaf] = BLOCKS(SCSI_NO_DATA, FORM_VERIFY, 6, 4),
	[0xb4] = IN(0),				      /* ELEMENT STATUS */
	[0xb7] = IN(0),				      /* READ DEFECT DATA */
	[0xb8] = IN(0),				      /* ELEMENT STATUS */
	[0xb9] = {.way = SCSI_DATA_IN},		      /* READ CD MSF */
	[0xba] = NONE(0),			      /* SCAN */
	[0xbb] = NONE(0),			      /* SET CD SPEED */
	[0xbc] = IN(0),				      /* SPARE IN */
	[0xbe] = READ(6, 3),			      /* READ CD */
	[0xbf] = LIST(8, 2),			      /* SEND DISC STRUCT. */
};

static const struct form data_in = IN(0);
static const struct form maintenance_out = LIST(6, 4);
/* WRITE LONG(16): one block, and what the drive keeps with it */
static const struct form write_long_16 = {
	SCSI_DATA_OUT, 0, {2, 8}, {0, 0}, {12, 2}};

/* Of the actions that have a name, and so a number of their own. */
static int
has_name(uint16_t op)
{
	static const uint16_t named[] = {0x110, 0x111, 0x112, 0x113, 0x131,
		0x145, 0x14a, 0x14b, 0x14c, 0x14d, 0x14e, 0x14f, 0x166, 0x16a,
		0x16b, 0x16e, 0x16f, 0x181};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i] == op) {
			return 1;
		}
	}
	return 0;
}

/* The number of an opcode that several commands share. */
static uint16_t
shared(const uint8_t *cdb, int is_in, uint32_t len)
{
	unsigned action = cdb[1] & 0x1fu, op = 0;

	is_in = is_in && len > 0;
	switch (cdb[0]) {
	case 0x9e:
		op = SCSI_ACTION_IN_16 + action;
		break;
	case 0x9f:
		op = SCSI_ACTION_OUT_16 + action;
		break;
	case 0xa3:
		op = SCSI_MAINTENANCE_IN + action;
		break;
	case 0xa4:
		op = SCSI_MAINTENANCE_OUT + action;
		break;
	case 0xab:
		op = SCSI_ACTION_IN_12 + action;
		break;
	case 0x42:
		return is_in ? SCSI_READ_SUB_CHANNEL : 0x42;
	case 0x51:
		return !is_in && len > 0 ? SCSI_XPWRITE_10 : 0x51;
	case 0xac:
		return is_in ? SCSI_GET_PERFORMANCE : 0xac;
	case 0xbd:
		return is_in ? SCSI_MECHANISM_STATUS : 0xbd;
	}
	return has_name((uint16_t)op) ? (uint16_t)op : cdb[0];
}

static const struct form *
form_of(uint16_t op)
{
	if (op <= 0xff) {
		return &forms[op];
	}
	if (op == SCSI_WRITE_LONG_16) {
		return &write_long_16;
	}
	if (op == SCSI_XPWRITE_10) {
		return &forms[0xff]; /* no row */
	}
	return op >= SCSI_MAINTENANCE_OUT && op < SCSI_ACTION_IN_12 ?
	    &maintenance_out :
	    &data_in;
}

/* SPC-4 4.2.5: the opcode's group. A group without a length of its own (0x60
 * and vendor's) is not looked into. */
static unsigned
cdb_length(uint8_t opcode)
{
	static const uint8_t of[8] = {6, 10, 10, 1, 16, 12, 1, 1};

	return of[opcode >> 5];
}

/* 0, or 1: past the last address there can be. */
static int
parse_span(struct scsi_command *c, const struct form *form,
    const uint8_t *cdb)
{
	uint64_t n;

	c->has_span = (form->flags & FORM_NOWHERE) == 0;
	if (!c->has_span) {
		return 0;
	}
	if (form->address.n == 0) {
		c->first = 0;
		c->last = UINT64_MAX;
		return 0;
	}
	c->first = be_at(cdb + form->address.at, form->address.n);
	n = form->blocks.n != 0 ? be_at(cdb + form->blocks.at, form->blocks.n) :
				  1;
	if ((form->flags & FORM_SIX) != 0) {
		c->first &= 0x1fffff;
		n = n != 0 ? n : 256;
	}
	c->has_blocks = 1;
	c->blocks = (uint32_t)n;
	if (n == 0 && (form->flags & FORM_REST) != 0) {
		c->last = UINT64_MAX;
		return 0;
	}
	if (n == 0) {
		/* none, and so neither inside nor outside of anything */
		c->last = c->first != 0 ? c->first - 1 : 0;
		c->first += c->first == 0;
		return 0;
	}
	c->last = c->first + (n - 1);
	return c->last < c->first;
}

static void
parse_data(struct scsi_command *c, const struct form *form,
    const uint8_t *cdb)
{
	unsigned check = cdb[1] >> 1 & 3;

	c->way = form->way;
	if ((form->flags & FORM_VERIFY) != 0 && check != 0) {
		/* SBC-3 5.34: 01 all of them, 11 one */
		c->way = SCSI_DATA_OUT;
		c->is_sized = 1;
		c->data_blocks = check == 3 ? 1 : c->blocks;
	}
	if ((form->flags & (FORM_BLOCKS | FORM_TWICE)) != 0) {
		c->is_sized = 1;
		c->data_blocks = (uint64_t)c->blocks <<
		    ((form->flags & FORM_TWICE) != 0);
	} else if ((form->flags & FORM_ONE) != 0) {
		c->is_sized = 1;
		c->data_blocks = 1;
	} else if (form->list.n != 0) {
		c->is_sized = 1;
		c->data_bytes = be_at(cdb + form->list.at, form->list.n);
	}
}

const char *
scsi_parse(struct scsi_command *out, const uint8_t cdb[SCSI_CDB_SIZE],
    unsigned cdb_len, int is_in, uint32_t len)
{
	static const struct scsi_command nothing;
	const struct form *form;

	*out = nothing;
	if (cdb_len < cdb_length(cdb[0])) {
		return "CDB shorter than its command";
	}
	out->op = shared(cdb, is_in, len);
	form = form_of(out->op);
	if (parse_span(out, form, cdb) != 0) {
		return "blocks past the last address";
	}
	parse_data(out, form, cdb);
	if ((form->flags & FORM_PAGE) != 0) {
		/* INQUIRY EVPD and RECEIVE DIAGNOSTIC PCV say whether there is
		 * one; the others have two bits before it */
		int is_whole = out->op == SCSI_INQUIRY || out->op == 0x1c;

		out->has_page = !is_whole || (cdb[1] & 1) != 0;
		out->page = is_whole ? cdb[2] : cdb[2] & 0x3f;
	}
	return NULL;
}

void
scsi_facts(struct facts *f, const struct scsi_command *c)
{
	facts_set(f, FACT_OP, c->op);
	if (c->has_span) {
		facts_set(f, FACT_LBA, c->first);
		f->high = c->last;
	}
	if (c->has_blocks) {
		facts_set(f, FACT_BLOCKS, c->blocks);
	}
	if (c->has_page) {
		facts_set(f, FACT_PAGE, c->page);
	}
}

const char *
scsi_check_data(const struct scsi_command *c, int is_in, uint32_t len,
    uint32_t block)
{
	uint64_t size = block != 0 ? block : 512;

	if (len == 0 || c->way == SCSI_ANY_WAY) {
		return NULL;
	}
	if (is_in) {
		return c->way == SCSI_DATA_OUT ?
		    "data in for a command that takes some" :
		    NULL;
	}
	if (c->way != SCSI_DATA_OUT) {
		return "data out for a command that takes none";
	}
	/* no overflow: 2^33 blocks of 2^16 bytes at most */
	if (c->is_sized && len > c->data_blocks * size + c->data_bytes) {
		return "more data out than the command takes";
	}
	return NULL;
}

int
scsi_changes_medium(const struct scsi_command *c)
{
	switch (c->op) {
	case SCSI_START_STOP_UNIT:
	case SCSI_FORMAT_UNIT:
	case 0x15: /* MODE SELECT: a block descriptor sets both */
	case 0x55:
	case 0xa5: /* MOVE MEDIUM, EXCHANGE MEDIUM */
	case 0xa6:
		return 1;
	}
	return c->way == SCSI_ANY_WAY;
}

/*
 * INVALID COMMAND OPERATION CODE for a READ(10) or WRITE(10) has Linux believe that
 * the disk knows those of six bytes alone: it sends the same as WRITE(6) at once,
 * and everything from then on (scsi_io_completion_action, REPREP). So what is
 * refused for its blocks says that the blocks are.
 */
const uint8_t *
scsi_refusal(const struct scsi_command *command)
{
	static const uint8_t no_such[3] = {0x05, 0x20, 0x00};
	static const uint8_t no_rights[3] = {0x05, 0x20, 0x02};
	static const uint8_t protected[3] = {0x07, 0x27, 0x00};

	if (!command->has_span) {
		return no_such;
	}
	return command->way == SCSI_DATA_OUT ? protected :
	    command->way == SCSI_DATA_IN     ? no_rights :
					       no_such;
}

uint32_t
scsi_sense(uint8_t out[SCSI_SENSE_SIZE], const uint8_t sense[3],
    const uint8_t cdb[SCSI_CDB_SIZE], uint32_t room)
{
	int is_descriptor = (cdb[1] & 1) != 0;
	uint32_t n = is_descriptor ? 8 : SCSI_SENSE_SIZE;

	memset(out, 0, SCSI_SENSE_SIZE);
	if (is_descriptor) {
		out[0] = 0x72;
		memcpy(out + 1, sense, 3);
	} else {
		out[0] = 0x70;
		out[2] = sense[0];
		out[7] = SCSI_SENSE_SIZE - 8;
		out[12] = sense[1];
		out[13] = sense[2];
	}
	n = n < cdb[4] ? n : cdb[4];
	return n < room ? n : room;
}

uint8_t
scsi_sense_key(const uint8_t *data, size_t len)
{
	if (len >= 3 && (data[0] & 0x7e) == 0x70) {
		return data[2] & 0x0f;
	}
	if (len >= 2 && (data[0] & 0x7e) == 0x72) {
		return data[1] & 0x0f;
	}
	return 0;
}
