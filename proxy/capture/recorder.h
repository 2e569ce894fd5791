/*
 * What sallyport-capture makes of a session's records: a file for Wireshark
 * (LINKTYPE_USB_LINUX_MMAPPED, what usbmon gives) and beside it JSON lines with
 * the rulings of profiles, each about a frame. It trusts no byte of a record. It
 * opens nothing: files come from its host, when one is full and at the start.
 */
#ifndef PROXY_CAPTURE_RECORDER_H
#define PROXY_CAPTURE_RECORDER_H

#include <stddef.h>
#include <stdint.h>

struct recorder;

struct recorder_how {
	uint64_t max; /* bytes of one file, at least 1 MiB; rulings may be a
			 little more */
	/* Two empty files, the recorder's own: 0, or an error, and recording
	 * ends. */
	int (*next)(void *arg, int *pcap, int *rulings);
	void *arg;
};

/* 0, ERR_NOMEM, or what next said. */
int recorder_new(struct recorder **outp, const struct recorder_how *how);
/* Finishes the files. NULL is fine. */
void recorder_free(struct recorder *rec);
/* Bytes of the stream of records, in pieces of any size. 0; ERR_CLOSED: its
 * end; ERR_FORMAT: they are none; ERR_SYS: a file cannot be written; or what
 * next said. After an error nothing more may be taken. */
int recorder_take(struct recorder *rec, const uint8_t *bytes, size_t len);
/* What was taken is in the files. 0 or ERR_SYS. */
int recorder_flush(struct recorder *rec);
void recorder_counts(
    const struct recorder *rec, uint64_t *frames, uint64_t *dropped);

#endif
