/*
 * A session between fakes, for its tests: a broker, a warden, a simulated
 * device and a workstation on a socket pair, all in one loop and one thread, by
 * the clock of virtual.h.
 * The workstation's side speaks USB/IP and keeps what it submitted, since a
 * reply does not say how long it is.
 */
#ifndef TESTS_FAKE_SESSION_RIG_H
#define TESTS_FAKE_SESSION_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/channel.h"
#include "base/loop.h"
#include "proxy/session/limits.h"
#include "proxy/session/session.h"
#include "tests/fake/usb_sim.h"
#include "wire/ipc.h"
#include "wire/tally.h"

#define RIG_BUSID "3-2.4"
#define RIG_DEVID (3u << 16 | 7u)
#define RIG_SUBMITS 8192u
#define RIG_REFUSALS 64u

/* What the rig's device has (see rig_record): configuration 1, interface 0
 * alternate 0 has bulk and interrupt pipes, alternate 1 isochronous ones;
 * interface 1 is HID; configuration 2 has bulk pipes alone. */
enum rig_endpoint {
	RIG_BULK_IN = 0x81,
	RIG_BULK_OUT = 0x02,
	RIG_INT_IN = 0x83,
	RIG_INT_OUT = 0x04,
	RIG_ISO_IN = 0x85,
	RIG_ISO_OUT = 0x06,
	RIG_HID_IN = 0x87,
	RIG_OTHER_IN = 0x88, /* bulk, configuration 2 */
};

struct rig_submit {
	uint32_t seqnum, direction, npackets;
};

struct rig_reply {
	struct usbip_header hdr;
	uint8_t *data; /* owned by the rig until the next reply */
	uint32_t data_len;
	struct usbip_iso iso[64];
	uint32_t npackets;
};

struct rig {
	struct loop *loop;
	struct usb_sim *sim;
	struct session *session;
	int broker, warden; /* the other ends */
	int client;	    /* the workstation's socket; -1 after close */
	struct devrec rec;  /* what the warden says it is */
	struct device_place place, device_place;
	struct session_limits limits;
	int ended, exit_code;

	/* how the fakes behave */
	int32_t identified_err, imported_err, config_err;
	int is_masked;	  /* the warden exposes the interfaces of mask only */
	uint8_t mask[DESC_MAX_CONFIGS][32];
	int has_no_key;	  /* the broker leaves KEY unanswered */
	int mute_broker;  /* leaves SET_CONFIG unanswered */
	int device_late;  /* IPC_DEVICE after IPC_IMPORTED */
	int crl; /* borrowed; goes with the key; -1 = none */
	int is_crl_in_message; /* where it must not be */
	int open_err;	   /* the door cannot make a stream */
	int handshake_err; /* of the stream that it makes */
	int facts_err;	   /* the peer has no name that fits */
	const char *protocol; /* ALPN that the peer agreed on; NULL = none */
	int mute_warden;  /* leaves IMPORT unanswered */
	unsigned nitems;  /* devices of a list */
	const void *block; /* profiles, given before the answer; NULL = none */
	size_t block_size;
	struct ipc_quota quota; /* given with them, if it has a name */
	int is_listening; /* said with them: a challenge would be seen */
	int is_careless; /* what cannot be sent any more is lost, and a session
			  * that cannot begin has ended: no failures */

	/* what they saw */
	unsigned keys, identities, lists, imports, set_configs;
	unsigned subscribes, nsaid, actives, ntallies;
	struct tally tally; /* the last */
	char said[256]; /* the last line that the peer sent */
	uint8_t config_asked;
	uint8_t states[16];
	unsigned nstates;
	struct ipc_refused refusals[RIG_REFUSALS];
	unsigned nrefusals;
	struct ipc_ruled ruled[RIG_REFUSALS];
	unsigned nruled, nasks, nover, nchallenges, nout;
	struct ipc_ask ask; /* the last of each */
	struct ipc_challenge challenge;
	struct ipc_out out;
	struct ipc_quota used;
	unsigned nquotas;
	struct ipc_wanted wanted;
	unsigned nwanted;
	unsigned door_wiped;
	char crl_seen[16]; /* by the door; "" = none */
	struct stream *stream; /* the session's; borrowed, for its counts */

	/* the workstation */
	int corked; /* its words are collected in cork, and sent as one */
	uint8_t *cork;
	size_t cork_len, cork_size;
	uint8_t *in; /* bytes received and not yet taken */
	size_t in_len, in_size;
	int eof;
	struct rig_submit submits[RIG_SUBMITS];
	struct rig_reply reply;
	uint8_t chan_buf[CHANNEL_HEADER + CHANNEL_MAX];
};

/* The rig's device as a record, checked by devrec_check. */
void rig_record(struct devrec *rec);

/* Starts a session; limits may be changed before. */
struct rig *rig_new(void);
void rig_start(struct rig *rig);
/* Ends it, checks that nothing was left at the device. */
void rig_free(struct rig *rig);
/* One turn of everybody, without waiting. 0: there was nothing to do. */
unsigned rig_turn(struct rig *rig);
/* Turns until there is nothing to do but to wait for a timer. */
void rig_settle(struct rig *rig);
/* Lets time pass, from timer to timer (see virtual.h). */
void rig_pass(struct rig *rig, uint64_t ns);
void rig_wait_ms(struct rig *rig, unsigned ms);
/* Lets time pass until the session ended; asserts that it does in a minute. */
void rig_wait_end(struct rig *rig);
/* Starts, imports and takes OP_REP_IMPORT: URBs can flow. */
struct rig *rig_streaming(void);
void rig_import(struct rig *rig);

/* The workstation's words. Writes wait for room by turning the rig. */
void rig_send(struct rig *rig, const void *buf, size_t len);
/* Everything between the two leaves in as few writes as the socket takes. */
void rig_cork(struct rig *rig);
void rig_uncork(struct rig *rig);
void rig_send_op(struct rig *rig, uint16_t version, uint16_t code);
void rig_send_import(struct rig *rig, const char *busid);
/* CMD_SUBMIT; address has the direction bit (for endpoint 0 it is taken from
 * setup). data: length bytes when OUT, NULL = zeros. */
void rig_submit(struct rig *rig, uint32_t seqnum, uint8_t address,
    uint32_t flags, uint32_t length, const uint8_t *setup, const void *data);
void rig_submit_iso(struct rig *rig, uint32_t seqnum, uint8_t address,
    uint32_t length, const void *data, const struct usbip_iso *iso,
    uint32_t npackets);
/* A control request of the eight bytes of setup, wLength included. */
void rig_control(
    struct rig *rig, uint32_t seqnum, const uint8_t setup[8],
    const void *data);
void rig_unlink(struct rig *rig, uint32_t seqnum, uint32_t of);
void rig_header(struct rig *rig, const struct usbip_header *hdr);

/* The warden's words to a peer that has events; 0 when they fit the channel. */
int rig_line(struct rig *rig, const char *text, size_t len);

/* The warden's words about inspection: profiles (of a streaming session in place
 * of those before), a verdict, whether somebody would see a challenge. */
void rig_profiles(struct rig *rig, const void *block, size_t size);
void rig_verdict(struct rig *rig, uint32_t id, enum ipc_say say);
/* fd is sent, not closed; -1: the end of a capture. */
void rig_capture(struct rig *rig, int fd, int is_all);
void rig_listening(struct rig *rig, int is_listening);

/* Takes exactly n bytes, turning the rig until they are there. */
void rig_take(struct rig *rig, void *buf, size_t n);
/* The next reply; asserts that one comes. */
struct rig_reply *rig_next(struct rig *rig);
/* ... and that it is a RET_SUBMIT or RET_UNLINK with that status. */
struct rig_reply *rig_expect_submit(
    struct rig *rig, uint32_t seqnum, int32_t status, uint32_t actual);
void rig_expect_unlink(struct rig *rig, uint32_t seqnum, int32_t status);
/* Nothing comes. */
void rig_expect_nothing(struct rig *rig);
/* The stream ends. */
void rig_expect_eof(struct rig *rig);
/* One whole control request, and its status. */
struct rig_reply *rig_do_control(struct rig *rig, uint32_t seqnum,
    const uint8_t setup[8], int32_t status, uint32_t actual);
/* Whether the audit log heard of rule. */
int rig_was_refused(const struct rig *rig, const char *rule);

#endif
