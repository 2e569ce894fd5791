/*
 * What the workstation's kernel has submitted and not yet got back: the relay's
 * memory, and the only source of what a reply may look like. It knows nothing
 * of sockets. Bounded: PENDING_SUBMITS submits, as many unlinks, and
 * PENDING_PACKETS isochronous packets; memory grows in slabs up to that and is
 * reused, so that a steady stream allocates nothing.
 */
#ifndef VHCI_GLUE_PENDING_H
#define VHCI_GLUE_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "wire/usbip_check.h"

#define PENDING_SUBMITS 4096u
#define PENDING_UNLINKS 4096u
#define PENDING_PACKETS 65536u

enum pending_kind { PENDING_SUBMIT, PENDING_UNLINK };

/* One CMD the kernel waits for. Borrowed from its table until removed. The
 * caller may read every field and set is_whole and is_taken. */
struct pending {
	struct usbip_pending sub; /* seqnum of both kinds; the rest SUBMIT */
	uint32_t npackets_raw;	  /* SUBMIT: as the kernel wrote it */
	uint32_t target;	  /* UNLINK: the submit to take back */
	enum pending_kind kind;
	int is_whole;		/* its last byte has left the kernel */
	int is_taken;		/* SUBMIT: its unlink was answered */
	struct pending *next;	/* the table's own: chain or free list */
	uint32_t iso;		/* the table's own: first block, or none */
};

struct pending_table;

/* 0 or ERR_NOMEM. */
int pending_new(struct pending_table **out);
/* NULL is fine. */
void pending_free(struct pending_table *table);

/* True when a submit of npackets (0 = not isochronous) fits now. When it does
 * not, the caller waits for replies; it always fits into an empty table. */
int pending_fits(const struct pending_table *table, uint32_t npackets);
/* True when nothing waits. */
int pending_is_empty(const struct pending_table *table);

/* Remembers a submit; sub is copied. ERR_PEER: that seqnum is live; ERR_LIMIT:
 * it does not fit; ERR_NOMEM. */
int pending_add_submit(struct pending_table *table,
    const struct usbip_pending *sub, struct pending **out);
/* Remembers an unlink of target. Same errors. */
int pending_add_unlink(
    struct pending_table *table, uint32_t seqnum, uint32_t target);

/* The live entry, or NULL. */
struct pending *pending_find(struct pending_table *table, uint32_t seqnum);
/* Forgets it; the pointer is dead after this. */
void pending_remove(struct pending_table *table, struct pending *entry);

/* Calls fn for each entry of that kind, in no order, until it gives something
 * else than 0, which is the result; else 0. fn may remove the entry it was
 * given, and no other. */
typedef int pending_fn(void *arg, struct pending *entry);
int pending_each(struct pending_table *table, enum pending_kind kind,
    pending_fn *fn, void *arg);

/* Packet i (< sub.npackets) of a submit, as submitted. Only offset and length
 * are kept; get gives actual_length 0 and status 0. */
void pending_set_iso(struct pending_table *table, struct pending *entry,
    uint32_t i, const struct usbip_iso *iso);
/* All sub.npackets packets; out has room for them. */
void pending_get_iso(const struct pending_table *table,
    const struct pending *entry, struct usbip_iso *out);

#endif
