/*
 * Bundles in the warden: what the files of this room share. One is in force, one
 * may be on trial, and two lie on disk (bundle_store.c). Where they come from is
 * bundle_fetch.c's business, whether they are good bundle_try.c's; neither is
 * known to the other but through the functions here.
 */
#ifndef PROXY_WARDEN_BUNDLES_H
#define PROXY_WARDEN_BUNDLES_H

#include "policy/bundle/bundle.h"
#include "policy/bundle/signed.h"
#include "proxy/warden/warden.h"

/* ------------------------------------------------------------------------ */
/* bundle_store.c: on disk                                                  */

#define STORE_SLOTS 2
struct store_slot {
	uint8_t sha256[32];
	int64_t serial; /* 0 = nothing is there */
	int64_t taken;	/* Unix seconds */
};

/* DIR/bundles.json, bundle-a.tar, bundle-a.sig, bundle-b.tar, bundle-b.sig: one
 * is current, the other the one before, or half written. */
struct store {
	const char *dir; /* borrowed */
	uint8_t bootstrap[32]; /* digest of the keys that are configured */
	struct keyring ring;   /* those, or what a bundle made of them */
	int64_t serial, discovery_serial; /* highest that was taken */
	char url[MANIFEST_URL]; /* where a discovery sent us; "" = nowhere */
	uint8_t refused[32];	/* of one that nobody confirmed; 0 = none */
	struct store_slot slots[STORE_SLOTS];
	int current; /* -1 */
	int is_other; /* the keys are not those that it was written with: what
			 is there has to be checked by them */
};

/* Reads what is there; nothing is fine. What cannot be read is set aside, and
 * said. 0 or ERR_SYS, logged. */
int store_open(
    struct store *s, const char *dir, const struct keyring *configured);
/* A bundle as it was stored: its bytes are what was taken, by digest, or by
 * signature when is_other. 0, or why. */
int store_load(
    const struct store *s, int slot, struct bundle **out, char *why, size_t size);
/* Writes it into the slot that is not current, and waits for the disk; nothing
 * refers to it until store_settle. 0, or ERR_SYS with errno. */
int store_put(struct store *s, const struct bundle *b, const char *signatures,
    size_t len, int *slot);
/* That slot is current from now on, its serial the least that is left behind, its
 * keys the ones that count. All of it or, on error, nothing. */
int store_settle(struct store *s, const struct bundle *b, int slot, int64_t now);
int store_save(const struct store *s); /* 0, or ERR_SYS with errno */

/* ------------------------------------------------------------------------ */
/* bundle_fetch.c: when to look for another one                             */

enum fetch_stage { FETCH_SOURCE, FETCH_TARGET, FETCH_STAGES };
/* What became of looks: all was well, maybe nothing new; a bundle was refused, or
 * could not be tried now; nothing came. */
enum fetch_look { LOOK_FINE, LOOK_REFUSED, LOOK_LATER, LOOK_FAILED, LOOKS };
struct fetch {
	uint32_t conn; /* of its process; 0 = none */
	int chan;      /* owned; -1 */
	struct loop_io *io;
	struct loop_timer *next, *limit;
	uint64_t next_at; /* clock_mono */
	uint64_t began;	  /* this round */
	int is_news;	  /* something came in it */
	enum fetch_stage stage;
	unsigned failures; /* in a row */
	int is_hurried;	   /* again, as soon as this one is over */
	uint64_t looks[LOOKS];
	/* Of what was taken, so that it is not sent again; and of what is on
	 * its way. */
	char tag[FETCH_STAGES][IPC_TAG], new_tag[IPC_TAG];
};

int fetch_start(struct warden *w); /* 0 or ERR_NOMEM */
void fetch_free(struct warden *w);
/* What became of what it brought. */
enum fetch_end {
	FETCH_TAKEN,	/* or had already */
	FETCH_SENT_ON,	/* a discovery: the target's turn */
	FETCH_REFUSED,
	FETCH_LATER,	/* not now; it is to be fetched again */
};
void fetch_over(struct warden *w, enum fetch_end end);

/* ------------------------------------------------------------------------ */
/* bundle_try.c: from bytes to a policy                                     */

struct trial {
	struct bundle *b; /* owned; NULL = none */
	char *signatures; /* owned */
	size_t len;
	uint32_t conn;
	int chan; /* owned; -1 */
	struct loop_io *io;
	struct loop_timer *limit;
};

int trial_start(struct warden *w); /* 0 or ERR_NOMEM */
void trial_free(struct warden *w);
/* Somebody brings a bundle and FILE.sig; both are taken over. fetch_over is
 * called in the end, maybe at once. */
void trial_offer(struct warden *w, uint8_t *bytes, size_t len,
    char *signatures, size_t signatures_len);

/* ------------------------------------------------------------------------ */
/* bundles.c                                                                */

struct bundles {
	struct keyring configured;
	struct store store;
	struct bundle *now;    /* owned; in force; NULL = none */
	struct bundle *taking; /* borrowed from the trial: compiled with */
	/* Not confirmed yet: now is not in the store's good books, and this is
	 * what comes back. */
	int is_pending, pending_slot;
	struct bundle *before; /* owned */
	enum manifest_phase phase; /* of now, as it was told */
	struct loop_timer *tick;
	uint64_t checked; /* clock_wall: all was well, maybe nothing new */
	uint64_t failing; /* clock_wall since when it was not; 0 = it is */
	char error[512];
	struct fetch fetch;
	struct trial trial;
};

/* It was not, for that reason; what is in force stays. */
void bundles_fail(struct warden *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void bundles_fine(struct warden *w);
/* The trial's bundle takes effect. 0, or bundles_fail was called. */
int bundles_take(struct warden *w);
/* Unix seconds, never before the last bundle was taken: a clock that was set
 * back revives nothing. */
int64_t bundles_time(const struct warden *w);

#endif
