/*
 * The stream of bytes to a printer, cut into pieces that can be judged: PJL
 * commands, and data in some language. It keeps what a printer keeps between
 * two transfers, in a fixed size, and never looks back.
 */
#ifndef POLICY_DECODE_PRINT_JOB_H
#define POLICY_DECODE_PRINT_JOB_H

#include <stddef.h>
#include <stdint.h>

#define PRINT_LINE 96u	/* bytes of a PJL command that are looked at */
#define PRINT_PREFIX 16u /* of data, by which its language is known */
#define PRINT_UEL_SIZE 9u

/* Copied freely. */
struct print_job {
	uint8_t is_fresh;   /* nothing but white space since it began */
	uint8_t at_start;   /* of a line, where PJL is heard */
	uint8_t in_line;    /* after "@PJL" */
	uint8_t pjl, uel;   /* bytes of "@PJL", of a UEL, that have come */
	uint8_t entered;    /* enum print_lang of ENTER; PRINT_PJL = none */
	uint8_t nprefix;
	uint8_t prefix[PRINT_PREFIX];
	uint32_t line_length; /* as it came; the first PRINT_LINE are kept */
	uint8_t line[PRINT_LINE];
};

enum print_what {
	PRINT_NOTHING, /* the bytes are used up */
	PRINT_COMMAND, /* a PJL command is whole */
	PRINT_DATA,    /* bytes in a language; more may follow */
	PRINT_END,     /* a UEL ended the job; length bytes went before */
};

struct print_piece {
	uint8_t lang; /* enum print_lang */
	uint8_t pjl;  /* of a command: enum print_pjl */
	uint32_t length;
	const uint8_t *text; /* of a command: what is kept; in the job */
	uint32_t text_length;
};

void print_job_init(struct print_job *job);
/* The next piece of len bytes from *at on. White space before data, and what
 * may still become a UEL or "@PJL", belongs to no piece yet. */
enum print_what print_job_next(struct print_job *job, const uint8_t *data,
    uint32_t len, uint32_t *at, struct print_piece *out);
/* enum print_lang of what comes now; PRINT_PJL between jobs. */
uint8_t print_job_lang(const struct print_job *job);
/* Whether it stands at the very beginning of a job. */
int print_job_is_new(const struct print_job *job);
/* Whether it is in the middle of a line of PJL, or of what may become one. */
int print_job_is_open(const struct print_job *job);

#endif
