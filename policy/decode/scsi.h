/*
 * SCSI command descriptor blocks, as far as they are judged: which command, on
 * which blocks, with how much data and which way. It knows neither the
 * transport nor the judge.
 */
#ifndef POLICY_DECODE_SCSI_H
#define POLICY_DECODE_SCSI_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts/facts.h"

#define SCSI_CDB_SIZE 16u /* the longest that Bulk-Only Transport has */
#define SCSI_SENSE_SIZE 18u

/* What the command has between itself and its status. */
enum scsi_way {
	SCSI_ANY_WAY, /* not known */
	SCSI_NO_DATA,
	SCSI_DATA_IN,
	SCSI_DATA_OUT,
};

struct scsi_command {
	uint16_t op; /* policy/facts/scsi.h */
	uint8_t way; /* enum scsi_way */
	uint8_t has_blocks, has_page, page;
	/* Blocks that it is about; last < first for none. What is not told by
	 * the CDB (UNMAP, FORMAT UNIT, vendor commands) is all: 0 .. 2^64-1. */
	uint8_t has_span;
	uint64_t first, last;
	uint32_t blocks;
	/* SCSI_DATA_OUT: bytes that it takes, apart from those of its blocks:
	 * data_blocks times the size of a block. is_sized 0 = not known. */
	uint8_t is_sized;
	uint64_t data_blocks, data_bytes;
};

/* is_in and len: the data that the transport announces. cdb_len is 1..16; the
 * bytes behind it are zero. NULL, or what is wrong with it (static). */
const char *scsi_parse(struct scsi_command *out,
    const uint8_t cdb[SCSI_CDB_SIZE], unsigned cdb_len, int is_in,
    uint32_t len);
/* op, lba, blocks, page. */
void scsi_facts(struct facts *f, const struct scsi_command *command);
/* NULL, or why data of that length and way must not go with the command: more
 * out than it takes would be read as the next command by a device that does not
 * count, and so would pass unjudged. block: bytes of one, 0 = not known; then
 * 512, the smallest. */
const char *scsi_check_data(const struct scsi_command *command, int is_in,
    uint32_t len, uint32_t block);
/* Whether the medium may be another afterwards, of another size. */
int scsi_changes_medium(const struct scsi_command *command);
/* The sense of a refusal that names none: three bytes, static. */
const uint8_t *scsi_refusal(const struct scsi_command *command);
/* Sense data in the form that the REQUEST SENSE asks for (SPC-4 4.5); returns
 * how many bytes, at most room. */
uint32_t scsi_sense(uint8_t out[SCSI_SENSE_SIZE], const uint8_t sense[3],
    const uint8_t cdb[SCSI_CDB_SIZE], uint32_t room);
/* The sense key of such an answer; 0 also for what is none. */
uint8_t scsi_sense_key(const uint8_t *data, size_t len);

#endif
