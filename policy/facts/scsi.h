/*
 * The numbers of SCSI commands, for the fact `op'. Up to 0xff it is the opcode,
 * the first byte of the CDB. Above are commands that an opcode shares:
 *
 *  - service actions that have a name, at SCSI_ACTION_* + the action. An action
 *    without a name keeps the number of its opcode, and those opcodes are in
 *    the group passthrough: what is not known is not allowed by accident.
 *  - opcodes that mean one thing to a disk and another to a burner, where the
 *    way of the data tells which. SBC-3 and MMC-6 share more of them than that;
 *    the others have the stricter group of their two meanings.
 *
 * A variable-length CDB (0x7f) does not fit in a command of Bulk-Only Transport
 * and is not looked into.
 */
#ifndef POLICY_FACTS_SCSI_H
#define POLICY_FACTS_SCSI_H

#define SCSI_ACTION_IN_16 0x100u       /* of opcode 0x9e */
#define SCSI_ACTION_OUT_16 0x120u      /* 0x9f */
#define SCSI_MAINTENANCE_IN 0x140u     /* 0xa3 */
#define SCSI_MAINTENANCE_OUT 0x160u    /* 0xa4 */
#define SCSI_ACTION_IN_12 0x180u       /* 0xab */

enum scsi_op {
	SCSI_TEST_UNIT_READY = 0x00,
	SCSI_REQUEST_SENSE = 0x03,
	SCSI_FORMAT_UNIT = 0x04,
	SCSI_READ_6 = 0x08,
	SCSI_WRITE_6 = 0x0a,
	SCSI_INQUIRY = 0x12,
	SCSI_MODE_SENSE_6 = 0x1a,
	SCSI_START_STOP_UNIT = 0x1b,
	SCSI_READ_CAPACITY_10 = 0x25,
	SCSI_READ_10 = 0x28,
	SCSI_WRITE_10 = 0x2a,
	SCSI_SYNCHRONIZE_CACHE_10 = 0x35,
	SCSI_MODE_SENSE_10 = 0x5a,
	SCSI_READ_CAPACITY_16 = SCSI_ACTION_IN_16 + 0x10,
	SCSI_WRITE_LONG_16 = SCSI_ACTION_OUT_16 + 0x11,
	SCSI_READ_SUB_CHANNEL = 0x1a0, /* 0x42 with data in; else UNMAP */
	SCSI_XPWRITE_10 = 0x1a1, /* 0x51 with data out; else READ DISC INFO */
	SCSI_GET_PERFORMANCE = 0x1a2,  /* 0xac with data in; else ERASE(12) */
	SCSI_MECHANISM_STATUS = 0x1a3, /* 0xbd with data in; else SPARE OUT */
	SCSI_OPS = 0x200
};

#endif
