/*
 * The relay's table of submitted URBs. A hash by seqnum: the kernel counts them
 * up, so neighbours never collide. Entries and packet blocks come from slabs
 * that are allocated as the stream first needs them and never given back.
 */
#include "vhci-glue/pending.h"

#include <stdlib.h>

#include "base/err.h"

#define BUCKETS 4096u
#define ENTRY_SLAB 256u
#define ENTRY_SLABS ((PENDING_SUBMITS + PENDING_UNLINKS) / ENTRY_SLAB)
#define BLOCK_PACKETS 32u
#define BLOCK_SLAB 64u
#define BLOCK_SLABS (PENDING_PACKETS / BLOCK_PACKETS / BLOCK_SLAB)
#define NO_BLOCK UINT32_MAX

_Static_assert(USBIP_MAX_ISO_PACKETS <= PENDING_PACKETS, "one URB must fit");

struct packet {
	uint32_t offset, length;
};

struct block {
	uint32_t next; /* of the same submit, or of the free list */
	struct packet packets[BLOCK_PACKETS];
};

struct pending_table {
	struct pending *buckets[BUCKETS];
	struct pending *entries[ENTRY_SLABS]; /* owned */
	struct pending *free_entry;
	struct block *blocks[BLOCK_SLABS]; /* owned */
	uint32_t free_block;
	unsigned nentry_slabs, nblock_slabs;
	unsigned nsubmits, nunlinks;
	unsigned nblocks; /* in use */
};

static struct block *
block_at(const struct pending_table *t, uint32_t i)
{
	return &t->blocks[i / BLOCK_SLAB][i % BLOCK_SLAB];
}

static uint32_t
blocks_for(uint32_t npackets)
{
	return npackets / BLOCK_PACKETS + (npackets % BLOCK_PACKETS != 0);
}

static int
grow_entries(struct pending_table *t)
{
	struct pending *slab;

	if (t->nentry_slabs == ENTRY_SLABS) {
		return ERR_LIMIT;
	}
	slab = calloc(ENTRY_SLAB, sizeof(*slab));
	if (slab == NULL) {
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < ENTRY_SLAB; i++) {
		slab[i].next = t->free_entry;
		t->free_entry = &slab[i];
	}
	t->entries[t->nentry_slabs++] = slab;
	return 0;
}

static int
grow_blocks(struct pending_table *t)
{
	struct block *slab;
	uint32_t first = t->nblock_slabs * BLOCK_SLAB;

	if (t->nblock_slabs == BLOCK_SLABS) {
		return ERR_LIMIT;
	}
	slab = calloc(BLOCK_SLAB, sizeof(*slab));
	if (slab == NULL) {
		return ERR_NOMEM;
	}
	t->blocks[t->nblock_slabs++] = slab;
	for (unsigned i = 0; i < BLOCK_SLAB; i++) {
		slab[i].next = t->free_block;
		t->free_block = first + i;
	}
	return 0;
}

int
pending_new(struct pending_table **out)
{
	struct pending_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_NOMEM;
	}
	t->free_block = NO_BLOCK;
	if (grow_entries(t) != 0) {
		pending_free(t);
		return ERR_NOMEM;
	}
	*out = t;
	return 0;
}

void
pending_free(struct pending_table *t)
{
	if (t == NULL) {
		return;
	}
	for (unsigned i = 0; i < t->nentry_slabs; i++) {
		free(t->entries[i]);
	}
	for (unsigned i = 0; i < t->nblock_slabs; i++) {
		free(t->blocks[i]);
	}
	free(t);
}

int
pending_fits(const struct pending_table *t, uint32_t npackets)
{
	return t->nsubmits < PENDING_SUBMITS &&
	    npackets <= USBIP_MAX_ISO_PACKETS &&
	    blocks_for(npackets) <= BLOCK_SLABS * BLOCK_SLAB - t->nblocks;
}

int
pending_is_empty(const struct pending_table *t)
{
	return t->nsubmits == 0 && t->nunlinks == 0;
}

struct pending *
pending_find(struct pending_table *t, uint32_t seqnum)
{
	struct pending *e = t->buckets[seqnum % BUCKETS];

	while (e != NULL && e->sub.seqnum != seqnum) {
		e = e->next;
	}
	return e;
}

static int
take_entry(struct pending_table *t, uint32_t seqnum, struct pending **out)
{
	struct pending *e;
	int r;

	if (pending_find(t, seqnum) != NULL) {
		return ERR_PEER;
	}
	if (t->free_entry == NULL && (r = grow_entries(t)) != 0) {
		return r;
	}
	e = t->free_entry;
	t->free_entry = e->next;
	*e = (struct pending){.iso = NO_BLOCK};
	e->next = t->buckets[seqnum % BUCKETS];
	t->buckets[seqnum % BUCKETS] = e;
	*out = e;
	return 0;
}

static void
give_blocks(struct pending_table *t, struct pending *e)
{
	while (e->iso != NO_BLOCK) {
		struct block *b = block_at(t, e->iso);
		uint32_t next = b->next;

		b->next = t->free_block;
		t->free_block = e->iso;
		t->nblocks--;
		e->iso = next;
	}
}

static int
take_blocks(struct pending_table *t, struct pending *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at;
		int r;

		if (t->free_block == NO_BLOCK && (r = grow_blocks(t)) != 0) {
			give_blocks(t, e);
			return r;
		}
		at = t->free_block;
		t->free_block = block_at(t, at)->next;
		block_at(t, at)->next = e->iso;
		e->iso = at;
		t->nblocks++;
	}
	return 0;
}

int
pending_add_submit(struct pending_table *t, const struct usbip_pending *sub,
    struct pending **out)
{
	struct pending *e = NULL;
	int r;

	if (!pending_fits(t, sub->npackets)) {
		return ERR_LIMIT;
	}
	r = take_entry(t, sub->seqnum, &e);
	if (r != 0) {
		return r;
	}
	e->kind = PENDING_SUBMIT;
	e->sub = *sub;
	t->nsubmits++;
	r = take_blocks(t, e, blocks_for(sub->npackets));
	if (r != 0) {
		pending_remove(t, e);
		return r;
	}
	*out = e;
	return 0;
}

int
pending_add_unlink(struct pending_table *t, uint32_t seqnum, uint32_t target)
{
	struct pending *e = NULL;
	int r;

	if (t->nunlinks >= PENDING_UNLINKS) {
		return ERR_LIMIT;
	}
	r = take_entry(t, seqnum, &e);
	if (r != 0) {
		return r;
	}
	e->kind = PENDING_UNLINK;
	e->sub.seqnum = seqnum;
	e->target = target;
	e->is_whole = 1;
	t->nunlinks++;
	return 0;
}

void
pending_remove(struct pending_table *t, struct pending *entry)
{
	struct pending **at = &t->buckets[entry->sub.seqnum % BUCKETS];

	while (*at != entry) {
		at = &(*at)->next;
	}
	*at = entry->next;
	give_blocks(t, entry);
	if (entry->kind == PENDING_SUBMIT) {
		t->nsubmits--;
	} else {
		t->nunlinks--;
	}
	entry->next = t->free_entry;
	t->free_entry = entry;
}

int
pending_each(struct pending_table *t, enum pending_kind kind, pending_fn *fn,
    void *arg)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct pending *e = t->buckets[i], *next;

		for (; e != NULL; e = next) {
			int r;

			next = e->next;
			r = e->kind == kind ? fn(arg, e) : 0;
			if (r != 0) {
				return r;
			}
		}
	}
	return 0;
}

static struct packet *
packet_at(const struct pending_table *t, const struct pending *e, uint32_t i)
{
	uint32_t at = e->iso;

	for (; i >= BLOCK_PACKETS; i -= BLOCK_PACKETS) {
		at = block_at(t, at)->next;
	}
	return &block_at(t, at)->packets[i];
}

void
pending_set_iso(struct pending_table *t, struct pending *entry, uint32_t i,
    const struct usbip_iso *iso)
{
	if (i < entry->sub.npackets) {
		*packet_at(t, entry, i) = (struct packet){
		    .offset = iso->offset,
		    .length = iso->length,
		};
	}
}

void
pending_get_iso(const struct pending_table *t, const struct pending *entry,
    struct usbip_iso *out)
{
	for (uint32_t i = 0; i < entry->sub.npackets; i++) {
		const struct packet *p = packet_at(t, entry, i);

		out[i] = (struct usbip_iso){
		    .offset = p->offset,
		    .length = p->length,
		};
	}
}
