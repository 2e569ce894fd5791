/*
 * What our processes say to each other over base/channel.h. One message type
 * per sentence; requests are even, answers and events odd. Each message has a
 * struct, an encoder and a decoder that demands the exact length. The channel
 * header's id is the connection number where a sentence is about one.
 *
 *   broker  <-> warden    IPC_SPAWN .. IPC_CRL_IS
 *   session <-> broker    IPC_KEY .. IPC_DEVICE; all its children IPC_BARRED
 *   session <-> warden    IPC_IDENTITY .. IPC_LINE, IPC_SAID, IPC_RULED ..
 *                         IPC_CAPTURE_WANTED
 *   probe    -> warden    IPC_RECORD, IPC_TEXTS, IPC_PROBE_FAILED
 *   capture <-> warden    IPC_RECORDER_*
 *   fetch <-> warden      IPC_FETCH*, IPC_POST*
 *   parent  <-> relay     IPC_RELAY_*
 *   relay    -> reader    IPC_RELAY_LINE, IPC_RELAY_DONE
 *   reader   -> parent    IPC_RELAY_WATCH, IPC_RELAY_DONE
 *   desks -> parent -> reader -> relay    IPC_RELAY_DESK
 *   parent  <-> enroll    IPC_ENROLL .. IPC_ENROLLED, IPC_RELAY_DONE
 *   serve   <-> front     IPC_FRONT_*
 *   broker  <-> signer    IPC_SIGNER_*
 *   session <-> signer    IPC_SIGN, IPC_SIGNED
 */
#ifndef WIRE_IPC_H
#define WIRE_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "wire/devrec.h"
#include "wire/enroll.h"
#include "wire/identity.h"

enum ipc_type {
	/* warden -> broker. id = connection number, chosen by the warden */
	IPC_SPAWN = 2,	     /* + fd peer socket; empty */
	IPC_SPAWNED = 3,     /* ipc_result; + fd: the warden's channel end */
	IPC_PROBE = 4,	     /* ipc_probe */
	IPC_PROBED = 5,	     /* ipc_result; + fd: the warden's channel end */
	IPC_AUTHORIZE = 6,   /* ipc_authorize */
	IPC_AUTHORIZED = 7,  /* ipc_result */
	IPC_GRANT = 8,	     /* ipc_grant */
	IPC_GRANTED = 9,     /* ipc_result: the session has (not) the fd */
	IPC_KILL = 10,	     /* empty; no answer but the IPC_EXITED */
	IPC_EXITED = 11,     /* ipc_exited: a child was reaped */
	IPC_RECORDER = 12,   /* + fd: a pipe's end, to read; empty */
	IPC_RECORDING = 13,  /* ipc_result; + fd: the warden's channel end */
	IPC_CRL = 14,	     /* ipc_byte: 1 = even if it is the same. id 0 */
	IPC_CRL_IS = 15,     /* ipc_crl (+ the list) */
	IPC_FETCHER = 24,    /* empty: one that fetches a bundle */
	IPC_FETCHING = 25,   /* ipc_result; + fd: the warden's channel end */
	IPC_TRIAL = 26,	     /* + fd: a bundle, sealed; empty */
	IPC_TRYING = 27,     /* ipc_result; + fd: the warden's channel end */
	IPC_POSTER = 28,     /* empty: one that posts audit lines */
	IPC_POSTING = 29,    /* ipc_result; + fd: the warden's channel end */

	/* session, fetcher or poster -> broker */
	IPC_KEY = 16,	     /* empty; once, while born */
	IPC_KEY_IS = 17,     /* ipc_pem (+ the CRL, as in IPC_CRL_IS) */
	/* session -> broker */
	IPC_SET_CONFIG = 18, /* ipc_byte: bConfigurationValue */
	IPC_CONFIG_SET = 19, /* ipc_result */
	IPC_DEVICE = 21,     /* broker -> session: + fd usbfs; device_place */
	IPC_BARRED = 22,     /* any child: ipc_call, the call that it may not
				make. It ends of that; no answer */

	/* session -> warden */
	IPC_IDENTITY = 32,   /* identity wire form; once */
	IPC_IDENTIFIED = 33, /* ipc_result: ERR_POLICY = goodbye */
	IPC_LIST = 34,	     /* empty */
	IPC_LIST_ITEM = 35,  /* ipc_item, any number of them */
	IPC_LIST_END = 37,   /* empty */
	IPC_IMPORT = 38,     /* ipc_busid */
	IPC_IMPORTED = 39,   /* ipc_imported */
	IPC_REFUSED = 40,    /* ipc_refused; no answer */
	IPC_STATE = 42,	     /* ipc_byte: ipc_session_state; no answer */
	IPC_EVENT = 44,	     /* ipc_text; no answer */
	IPC_SUBSCRIBE = 46,  /* empty; once, in place of LIST and IMPORT */
	IPC_LINE = 47,	     /* warden -> session: ipc_line, for the peer */
	IPC_SAID = 52,	     /* ipc_line: the subscribed peer's; no answer */
	IPC_ACTIVE = 54,     /* empty: transfers other than on endpoint 0 went
				through; at most once a second, no answer */
	IPC_TALLY = 62,	     /* tally.h; before an ACTIVE and at the end, no
				answer */

	/* session <-> warden, about what may pass of a device */
	IPC_RULED = 80,	     /* ipc_ruled: for the audit log; no answer */
	IPC_PROFILE = 81,    /* warden -> session: ipc_profile; + fd: the
				sealed table. Before the IMPORTED, or, while
				streaming, in place of the one before */
	IPC_ASK = 82,	     /* ipc_ask: a unit is held */
	IPC_ANSWER = 83,     /* ipc_answer */
	IPC_ASK_OVER = 84,   /* ipc_over: its time came, or it was unlinked */
	IPC_CHALLENGE = 86,  /* ipc_challenge: to be shown; no answer */
	IPC_LISTENING = 87,  /* ipc_byte: 1, somebody would see a challenge */
	IPC_OUT = 88,	     /* ipc_out: the device has to leave; once */
	IPC_QUOTA = 90,	     /* ipc_quota: what was used of one; no answer */
	IPC_QUOTA_IS = 91,   /* ipc_quota: what was used before; after PROFILE,
				before IMPORTED */
	IPC_CAPTURE = 93,    /* ipc_capture; + fd: a pipe's end, to write. Or
				without a descriptor: it ends */
	IPC_CAPTURE_WANTED = 94, /* ipc_wanted: a rule says `capture', and there
				    is none; no answer but a CAPTURE */

	/* probe -> warden */
	IPC_RECORD = 48,       /* devrec wire form; once */
	IPC_PROBE_FAILED = 50, /* ipc_refused; once */
	IPC_TEXTS = 56,	       /* ipc_texts; once, in place of a RECORD */

	/* sallyport-capture <-> warden */
	IPC_RECORDER_NEXT = 58, /* empty: wants files to write to */
	IPC_RECORDER_FILE = 59, /* ipc_byte: ipc_recorder_file; + fd. Two of
				   them answer a NEXT, in that order; or the
				   channel is closed */
	IPC_RECORDER_OVER = 60, /* ipc_recorder_over; once */

	/* sallyport-fetch <-> warden, sallyport-trial -> warden */
	IPC_FETCH = 103,  /* warden -> fetch: ipc_fetch; once */
	IPC_FETCHED = 104, /* ipc_fetched; + fd when there is something new */
	IPC_TRIED = 106,  /* ipc_tried; once */
	IPC_POST = 107,	  /* warden -> post: ipc_post; + fd: sealed text; once */
	IPC_POSTED = 108, /* ipc_posted; once */

	/* workstation: root parent <-> relay */
	IPC_RELAY_SETUP = 64,	 /* parent -> relay: ipc_relay_setup */
	IPC_RELAY_ITEM = 65,	 /* relay -> parent: ipc_item */
	IPC_RELAY_DONE = 67,	 /* relay -> parent: ipc_relay_done */
	IPC_RELAY_READY = 68,	 /* relay -> parent: ipc_relay_ready */
	IPC_RELAY_ATTACHED = 69, /* parent -> relay: ipc_result; + fd socket */
	IPC_RELAY_DESK = 70,	 /* desks -> parent -> reader -> relay: ipc_desk */
	IPC_RELAY_LINE = 71,	 /* relay -> reader: ipc_line, the gateway's */
	IPC_RELAY_WATCH = 73,	 /* reader -> parent: ipc_watch */
	IPC_RELAY_KEY = 75,	 /* relay -> parent: ipc_relay_key */

	/* workstation: sallyport <-> sallyport-enroll */
	IPC_ENROLL = 96,   /* parent -> helper: ipc_enroll; once */
	IPC_ENROLLED = 97, /* helper -> parent: ipc_pem without a CRL; or an
			      IPC_RELAY_DONE */

	/* sallyport-certs serve <-> sallyport-front */
	IPC_FRONT_KEY = 99,    /* serve -> front: ipc_pem: certificate, key */
	IPC_FRONT_ASK = 98,    /* front -> serve: the peer's request (enroll.h),
				  as it came; once */
	IPC_FRONT_REPLY = 101, /* serve -> front: the reply, as it goes out */

	/* broker <-> sallyport-signer */
	IPC_SIGNER_LOAD = 116,	 /* broker -> signer: ipc_pem, certificate and
				    key; once */
	IPC_SIGNER_LOADED = 117, /* ipc_loaded: it has the key, or why not */
	IPC_SIGNER_SERVE = 118,	 /* broker -> signer: empty; + fd: a channel to
				    the session of that number. No answer */
	IPC_SIGNER_MISUSED = 120, /* signer -> broker: ipc_call, the type of what
				     that session asked, 0 = no message; it was
				     not its to ask. No answer */
	/* session <-> sallyport-signer */
	IPC_SIGN = 122,	  /* ipc_sign; once */
	IPC_SIGNED = 123, /* ipc_signed */
};

/* How far a session has come; it only moves down this list. */
enum ipc_session_state {
	IPC_ST_BORN = 0,       /* waits for its key */
	IPC_ST_HANDSHAKE = 1,  /* no device, no files */
	IPC_ST_IDENTIFIED = 2, /* key wiped, peer known */
	IPC_ST_IMPORTING = 3,  /* asked for a device */
	IPC_ST_STREAMING = 4,  /* URBs flow */
	IPC_ST_CLOSING = 5,
};

#define IPC_TEXT 512 /* one line for people, with the NUL */

/* err is 0 or a negative enum err; sys the errno when it is ERR_SYS. */
struct ipc_result {
	int32_t err;
	int32_t sys;
};

struct ipc_byte {
	uint8_t value;
};

struct ipc_busid {
	char busid[USBIP_BUSID_SIZE];
};

/* One of them at most. */
enum ipc_probe_flags {
	IPC_PROBE_RESET = 1, /* reset it before reading */
	IPC_PROBE_TEXTS = 2, /* not the device, but what sysfs has of its
				texts, as soon as nobody locks the device */
};

struct ipc_probe {
	struct device_place place;
	uint8_t flags;
};

enum ipc_authorize_what {
	IPC_AUTH_HUB = 1,   /* authorize a hub's interfaces, probe drivers */
	IPC_AUTH_PORTS = 2, /* root hub: interfaces of what is plugged below
			       it are de-authorized from now on */
	IPC_AUTH_KEEP = 3,  /* the gateway's own: authorize its interfaces and
			       let drivers have them */
	IPC_AUTH_DEVICE = 4, /* one that the kernel has not authorized: its
				interfaces come up de-authorized */
};

struct ipc_authorize {
	struct device_place place;
	uint8_t what;
};

struct ipc_grant {
	struct device_place place;
	uint8_t nconfigs; /* 1..DESC_MAX_CONFIGS */
	uint8_t configs[DESC_MAX_CONFIGS]; /* bConfigurationValues allowed */
};

struct ipc_exited {
	uint8_t role;	/* enum ipc_role */
	uint8_t signal; /* 0, or the signal that ended it */
	uint8_t status; /* exit status when signal is 0 */
	uint8_t fault;	/* enum ipc_fault: it did what it may not */
	uint8_t has_what;
	uint32_t what; /* number of the system call, or type of the request */
};

enum ipc_fault {
	IPC_FAULT_NONE = 0,
	IPC_FAULT_CALL = 1,    /* of the kernel: its sandbox ended it */
	IPC_FAULT_REQUEST = 2, /* of the broker, which ended it */
};

/* base/sandbox.c encodes it by itself: that runs where little else may. */
struct ipc_call {
	uint32_t nr;
};

enum ipc_role {
	IPC_ROLE_SESSION = 1,
	IPC_ROLE_PROBE = 2,
	IPC_ROLE_RECORDER = 3, /* sallyport-capture */
	IPC_ROLE_FETCHER = 4,  /* sallyport-fetch */
	IPC_ROLE_TRIAL = 5,    /* sallyport-trial */
	IPC_ROLE_POSTER = 6,   /* sallyport-fetch, as one that posts */
	IPC_ROLE_SIGNER = 7,   /* sallyport-signer */
};

enum ipc_recorder_file { IPC_RECORDER_FRAMES = 0, IPC_RECORDER_RULINGS = 1 };

struct ipc_recorder_over {
	uint64_t frames;
	uint64_t dropped; /* records that the pipe had no room for */
};

/* The kernel's copy of a device's strings, without the line end: UTF-8, hostile
 * text, "" if it has none. A string descriptor makes 381 bytes at most. */
#define IPC_DEVICE_TEXT 512
struct ipc_texts {
	char product[IPC_DEVICE_TEXT];
	char manufacturer[IPC_DEVICE_TEXT];
	char serial[IPC_DEVICE_TEXT];
};

/* PEM texts, each ending in a counted NUL; empty = none. Borrowed from the
 * message buffer after decoding: wipe that buffer when done. */
struct ipc_pem {
	const uint8_t *ca, *cert, *key, *crl;
	uint32_t ca_len, cert_len, key_len, crl_len;
};

/* What sallyport-signer made of its key. */
struct ipc_loaded {
	int32_t err;
	uint16_t bits;	     /* of the key; 0 when err is not */
	char text[IPC_TEXT]; /* why not; "" when err is 0 */
};

/* A hash to sign, by RSA and PKCS #1 1.5, which is what the server of TLS 1.2
 * signs. No other kind, no other length. */
enum ipc_hash { IPC_SHA256 = 1, IPC_SHA384 = 2, IPC_SHA512 = 3 };
#define IPC_DIGEST_MAX 64u
struct ipc_sign {
	uint8_t hash; /* enum ipc_hash */
	uint8_t digest[IPC_DIGEST_MAX]; /* ipc_digest_len(hash) of them */
};

#define IPC_SIGNATURE_MAX 1024u /* 8192 bits */
struct ipc_signed {
	int32_t err;
	uint16_t len; /* 0 when err is not */
	uint8_t signature[IPC_SIGNATURE_MAX];
};

/* 0 when there is no such hash. */
size_t ipc_digest_len(uint8_t hash);

/* The list of revoked certificates, and the CAs that sign such. err: 0 = here
 * they are, the list as a sealed text (base/sealed.h) in the descriptor;
 * ERR_AGAIN = the files are those that were told last; else why they cannot be
 * read. cert is the gateway's own, which has no secret in it, or empty: not
 * with ERR_AGAIN. Texts as in ipc_pem. */
struct ipc_crl {
	int32_t err;
	int32_t sys; /* the errno when err is ERR_SYS */
	const uint8_t *ca, *cert;
	uint32_t ca_len, cert_len;
};
#define IPC_CRL_MAX (4096u * 1024u) /* bytes of a list, its NUL counted */

/* One device as a list shows it. */
struct ipc_item {
	struct usbip_device dev;
	uint8_t ninterfaces;
	struct usbip_interface interfaces[DESC_MAX_INTERFACES];
	char manufacturer[IDENTITY_TEXT]; /* hostile text, "" if unknown */
	char product[IDENTITY_TEXT];
	char serial[IDENTITY_TEXT];
};

/* err: 0 = the rest follows; ERR_NOENT, ERR_BUSY, ERR_SYS. */
struct ipc_imported {
	int32_t err;
	struct device_place place;
	/* Which interfaces of the record the peer may have: all, or those of
	 * the masks, which are those of devrec_expose. The record is whole. */
	uint8_t is_all;
	uint8_t mask[DESC_MAX_CONFIGS][32]; /* 0 with is_all */
	/* decoded straight into the caller's record when err is 0 */
};

#define IPC_RULE 64
#define IPC_FILE 256

/* What a profile ruled on one unit: a refusal, or what a rule wants logged.
 * hook and verdict are numbers of policy/facts; who reads them checks them. */
#define IPC_HOOKS 32u
#define IPC_VERDICTS 8u
struct ipc_ruled {
	uint8_t hook;	   /* < IPC_HOOKS */
	uint8_t verdict;   /* < IPC_VERDICTS */
	uint8_t is_trial;  /* it would have been so */
	uint8_t level;	   /* 0 info, 1 warn, 2 alert */
	uint8_t is_invalid; /* text is what was wrong with the unit */
	uint8_t interface;
	uint32_t line;	   /* 0 = no rule said so */
	uint32_t more;	   /* of this rule that were not sent */
	char profile[IPC_RULE], key[IPC_RULE];
	char file[IPC_FILE], log[IPC_FILE];
	char text[IPC_TEXT]; /* the facts, escaped */
};

/* The block's own size is the descriptor's. */
struct ipc_profile {
	uint8_t is_listening; /* as LISTENING */
	int64_t wall;	      /* Unix seconds now: a session has no clock */
};

struct ipc_ask {
	uint32_t id; /* of the session's own, not 0 */
	uint32_t within_ms;
	uint8_t hook;
	uint8_t otherwise; /* verdict when nobody answers */
	uint32_t line;
	char server[IPC_RULE], key[IPC_RULE], file[IPC_FILE];
	char text[IPC_TEXT]; /* the facts, escaped */
};

/* verdict: enum ipc_say */
enum ipc_say { IPC_SAY_ALLOW = 0, IPC_SAY_DENY = 1, IPC_SAY_EJECT = 2 };
struct ipc_answer {
	uint32_t id;
	uint8_t say;
};

struct ipc_over {
	uint32_t id;
};

struct ipc_challenge {
	uint16_t within; /* seconds, 0 = no limit */
	char digits[16]; /* "" = armed, nothing to type any more */
};

struct ipc_out {
	uint8_t is_quarantine; /* stays out until an operator clears it */
	char text[IPC_TEXT];
};

struct ipc_capture {
	uint8_t is_all;	  /* else what rules of the profile want */
	uint32_t payload; /* bytes of one record, at most CAPTURE_PAYLOAD */
};

/* The rule of a profile that wants a capture. */
struct ipc_wanted {
	uint32_t line;
	char profile[IPC_RULE], key[IPC_RULE], file[IPC_FILE];
};

struct ipc_quota {
	char profile[IPC_RULE], name[IPC_RULE];
	uint64_t used; /* bytes */
	int64_t since; /* Unix seconds, when its period began */
};
struct ipc_refused {
	char rule[IPC_RULE]; /* "floor.endpoint", "R1.length" */
	char text[IPC_TEXT]; /* facts, already escaped */
};

struct ipc_text {
	char text[IPC_TEXT];
};

/* What to fetch: SOURCE and SOURCE.sig. */
#define IPC_SOURCE 512
#define IPC_TAG 256
#define IPC_PIN 256
#define IPC_CHAIN 17
struct ipc_fetch {
	char source[IPC_SOURCE]; /* "https://...", or a path */
	char tag[IPC_TAG];	 /* of the last that was taken; "" = none */
	char pin[IPC_PIN];	 /* of the server's key; "" = none */
	char proxy[IPC_SOURCE];	 /* "" = none */
	uint32_t bundle_max, signatures_max; /* bytes; not 0 */
	uint16_t timeout; /* seconds for all of it; not 0 */
	uint16_t wait;	  /* seconds that the server may wait for news */
};

/* err: 0 = here it is, the signatures behind the bundle in one file; ERR_AGAIN =
 * it is still the one of that tag; else why, in words, says more. */
struct ipc_fetched {
	int32_t err;
	uint32_t bundle_len, signatures_len; /* not 0 when err is 0 */
	char tag[IPC_TAG];
	char why[IPC_TEXT];
};

/* Where to post lines of the audit log, and which these are. */
struct ipc_post {
	char url[IPC_SOURCE];	/* "https://..." */
	char pin[IPC_PIN];	/* of the server's key; "" = none */
	char proxy[IPC_SOURCE]; /* "" = none */
	char chain[IPC_CHAIN];	/* whose lines: 16 hexadecimal digits */
	uint64_t first, last;	/* their numbers */
	uint64_t lost;		/* lines that are never sent, so far */
	uint32_t len;		/* bytes of the text, its NUL not counted */
	uint16_t timeout;	/* seconds for all of it; not 0 */
};

/* err: 0 = the server has all of it; ERR_LIMIT: it wants less at once. Of any
 * error why, in words, says more. */
#define IPC_RETRY_MAX 3600u
struct ipc_posted {
	int32_t err;
	/* seconds that the server asks for, up to IPC_RETRY_MAX; 0 = none */
	uint32_t retry_after;
	char why[IPC_TEXT];
};

/* What a bundle's own tests said. */
struct ipc_tried {
	int32_t err; /* 0 = it compiles by itself, and all passed */
	uint32_t passed, failed;
};

/* A line of the events protocol, without its end: 1..IPC_LINE_MAX bytes, none
 * of them a control character. Borrowed from the message buffer after
 * decoding. */
#define IPC_LINE_MAX (16u * 1024u)
struct ipc_line {
	const char *text; /* no NUL behind it */
	uint32_t len;
};

/* What the events protocol says of one device, or of all. */
enum ipc_watch_kind {
	IPC_WATCH_LISTED = 1, /* was there when the watch began */
	IPC_WATCH_APPEARED = 2,
	IPC_WATCH_CHANGED = 3,
	IPC_WATCH_GONE = 4,
	IPC_WATCH_READY = 5,   /* all that were there have been listed */
	IPC_WATCH_POLICY = 6,  /* the gateway has other rules */
	IPC_WATCH_MESSAGE = 7, /* text, for the person */
	IPC_WATCH_CHALLENGE = 8, /* text: digits to type on that device, then
				    Enter; "" = none any more */
};

enum ipc_watch_state {
	IPC_WATCH_NONE = 0, /* not about a device that is there */
	IPC_WATCH_FREE = 1,
	IPC_WATCH_YOURS = 2, /* held by this identity */
	IPC_WATCH_BUSY = 3,
	IPC_WATCH_PENDING = 4, /* an approver has to say yes first */
};

#define IPC_NAME 2048 /* a stable name: printable ASCII without blanks */
struct ipc_watch {
	uint8_t kind;  /* enum ipc_watch_kind */
	uint8_t state; /* enum ipc_watch_state */
	uint16_t within; /* seconds, of a CHALLENGE; 0 = no limit */
	char name[IPC_NAME]; /* "" where it is not about a device */
	char text[IPC_TEXT]; /* of a message; hostile */
	char approver[IDENTITY_TEXT]; /* of a PENDING one; hostile */
	struct ipc_item item; /* of kinds up to GONE; that has a bus id only */
};

enum ipc_relay_mode {
	IPC_RELAY_LIST = 1,
	IPC_RELAY_ATTACH = 2,
	IPC_RELAY_EVENTS = 3,
	IPC_RELAY_TUNNEL = 4,
	IPC_RELAY_MEET = 5, /* shakes hands and tells the gateway's key */
};

/* Which guarded devices a workstation takes, where no rules of its own say it:
 * bits. */
enum ipc_accept {
	IPC_ACCEPT_LISTED = 1, /* what the gateway's list says they are */
	IPC_ACCEPT_KEYBOARD = 2,
	IPC_ACCEPT_NETWORK = 4,
};
#define IPC_ACCEPT_ALL 7u

/* What the gateway's list said of the device that is asked for. */
struct ipc_asked {
	uint8_t is_listed; /* 0: nothing is known, and all else is 0 */
	uint16_t vid, pid;
	uint8_t ninterfaces;
	struct usbip_interface interfaces[DESC_MAX_INTERFACES];
};

#define IPC_PINS 8u
#define IPC_RULES_MAX (48u * 1024u)
struct ipc_relay_setup {
	uint8_t mode;		/* enum ipc_relay_mode */
	uint8_t accept;		/* enum ipc_accept; of ATTACH, as the next 4 */
	struct ipc_asked asked;
	char rules_name[IDENTITY_TEXT]; /* of the rule file, "" = none */
	/* Its text, at most IPC_RULES_MAX bytes, as it is. Borrowed from the
	 * message buffer after decoding. */
	const uint8_t *rules;
	uint32_t rules_len;
	char host[IDENTITY_TEXT]; /* to connect to: name or address */
	char name[IDENTITY_TEXT]; /* that the certificate must carry */
	uint16_t port;
	char busid[USBIP_BUSID_SIZE];
	/* SHA-256 of the public keys of which it must have one; 0 = any. */
	uint8_t npins;
	uint8_t pins[IPC_PINS][32];
	struct ipc_pem pem;
};

/* SHA-256 of the public key with which a gateway shook hands. */
struct ipc_relay_key {
	uint8_t hash[32];
};

/* A desktop of this workstation, as its login manager says. Texts are of bytes
 * 0x21 to 0x7e; "" = nobody is there; the workstation as a whole. */
enum ipc_desk_lock {
	IPC_DESK_UNKNOWN = 0,
	IPC_DESK_UNLOCKED = 1,
	IPC_DESK_LOCKED = 2,
};
#define IPC_DESKS 32u
struct ipc_desk {
	uint8_t lock;  /* enum ipc_desk_lock */
	char seat[33]; /* as docs/PROTOCOL.md has it, with the NUL */
	char user[257];
};

struct ipc_relay_ready {
	struct usbip_device dev; /* checked; the parent checks again */
};

struct ipc_relay_done {
	uint8_t exit_code; /* documented exit code for the user */
	char text[IPC_TEXT]; /* one line for people, escaped; "" when 0 */
};

/* Where to get a certificate, and what for. */
struct ipc_enroll {
	uint16_t port;
	char host[IDENTITY_TEXT]; /* to connect to: name or address */
	char token[ENROLL_TOKEN_TEXT];
};

/* Encoders return the length written or ERR_NOMEM; decoders 0 or ERR_FORMAT
 * (wrong length, bad range, text without NUL). */
int ipc_encode_result(void *buf, size_t size, const struct ipc_result *m);
int ipc_decode_result(struct ipc_result *m, const void *buf, size_t len);
int ipc_encode_byte(void *buf, size_t size, const struct ipc_byte *m);
int ipc_decode_byte(struct ipc_byte *m, const void *buf, size_t len);
int ipc_encode_busid(void *buf, size_t size, const struct ipc_busid *m);
int ipc_decode_busid(struct ipc_busid *m, const void *buf, size_t len);
int ipc_encode_probe(void *buf, size_t size, const struct ipc_probe *m);
int ipc_decode_probe(struct ipc_probe *m, const void *buf, size_t len);
int ipc_encode_authorize(
    void *buf, size_t size, const struct ipc_authorize *m);
int ipc_decode_authorize(
    struct ipc_authorize *m, const void *buf, size_t len);
int ipc_encode_grant(void *buf, size_t size, const struct ipc_grant *m);
int ipc_decode_grant(struct ipc_grant *m, const void *buf, size_t len);
int ipc_encode_call(void *buf, size_t size, const struct ipc_call *m);
int ipc_decode_call(struct ipc_call *m, const void *buf, size_t len);
int ipc_encode_exited(void *buf, size_t size, const struct ipc_exited *m);
int ipc_decode_exited(struct ipc_exited *m, const void *buf, size_t len);
int ipc_encode_pem(void *buf, size_t size, const struct ipc_pem *m);
int ipc_decode_pem(struct ipc_pem *m, const void *buf, size_t len);
int ipc_encode_loaded(void *buf, size_t size, const struct ipc_loaded *m);
int ipc_decode_loaded(struct ipc_loaded *m, const void *buf, size_t len);
int ipc_encode_sign(void *buf, size_t size, const struct ipc_sign *m);
int ipc_decode_sign(struct ipc_sign *m, const void *buf, size_t len);
int ipc_encode_signed(void *buf, size_t size, const struct ipc_signed *m);
int ipc_decode_signed(struct ipc_signed *m, const void *buf, size_t len);
int ipc_encode_crl(void *buf, size_t size, const struct ipc_crl *m);
int ipc_decode_crl(struct ipc_crl *m, const void *buf, size_t len);
int ipc_encode_item(void *buf, size_t size, const struct ipc_item *m);
int ipc_decode_item(struct ipc_item *m, const void *buf, size_t len);
int ipc_encode_fetch(void *buf, size_t size, const struct ipc_fetch *m);
int ipc_decode_fetch(struct ipc_fetch *m, const void *buf, size_t len);
int ipc_encode_fetched(void *buf, size_t size, const struct ipc_fetched *m);
int ipc_decode_fetched(struct ipc_fetched *m, const void *buf, size_t len);
int ipc_encode_post(void *buf, size_t size, const struct ipc_post *m);
int ipc_decode_post(struct ipc_post *m, const void *buf, size_t len);
int ipc_encode_posted(void *buf, size_t size, const struct ipc_posted *m);
int ipc_decode_posted(struct ipc_posted *m, const void *buf, size_t len);
int ipc_encode_tried(void *buf, size_t size, const struct ipc_tried *m);
int ipc_decode_tried(struct ipc_tried *m, const void *buf, size_t len);
/* rec may be NULL when err is not 0. */
int ipc_encode_imported(void *buf, size_t size, const struct ipc_imported *m,
    const struct devrec *rec);
int ipc_decode_imported(struct ipc_imported *m, struct devrec *rec,
    const void *buf, size_t len);
int ipc_encode_ruled(void *buf, size_t size, const struct ipc_ruled *m);
int ipc_decode_ruled(struct ipc_ruled *m, const void *buf, size_t len);
int ipc_encode_profile(void *buf, size_t size, const struct ipc_profile *m);
int ipc_decode_profile(struct ipc_profile *m, const void *buf, size_t len);
int ipc_encode_ask(void *buf, size_t size, const struct ipc_ask *m);
int ipc_decode_ask(struct ipc_ask *m, const void *buf, size_t len);
int ipc_encode_answer(void *buf, size_t size, const struct ipc_answer *m);
int ipc_decode_answer(struct ipc_answer *m, const void *buf, size_t len);
int ipc_encode_over(void *buf, size_t size, const struct ipc_over *m);
int ipc_decode_over(struct ipc_over *m, const void *buf, size_t len);
int ipc_encode_challenge(void *buf, size_t size, const struct ipc_challenge *m);
int ipc_decode_challenge(struct ipc_challenge *m, const void *buf, size_t len);
int ipc_encode_out(void *buf, size_t size, const struct ipc_out *m);
int ipc_decode_out(struct ipc_out *m, const void *buf, size_t len);
int ipc_encode_quota(void *buf, size_t size, const struct ipc_quota *m);
int ipc_decode_quota(struct ipc_quota *m, const void *buf, size_t len);
int ipc_encode_capture(void *buf, size_t size, const struct ipc_capture *m);
int ipc_decode_capture(struct ipc_capture *m, const void *buf, size_t len);
int ipc_encode_wanted(void *buf, size_t size, const struct ipc_wanted *m);
int ipc_decode_wanted(struct ipc_wanted *m, const void *buf, size_t len);
int ipc_encode_recorder_over(
    void *buf, size_t size, const struct ipc_recorder_over *m);
int ipc_decode_recorder_over(
    struct ipc_recorder_over *m, const void *buf, size_t len);
int ipc_encode_texts(void *buf, size_t size, const struct ipc_texts *m);
int ipc_decode_texts(struct ipc_texts *m, const void *buf, size_t len);
int ipc_encode_refused(void *buf, size_t size, const struct ipc_refused *m);
int ipc_decode_refused(struct ipc_refused *m, const void *buf, size_t len);
int ipc_encode_text(void *buf, size_t size, const struct ipc_text *m);
int ipc_decode_text(struct ipc_text *m, const void *buf, size_t len);
int ipc_encode_line(void *buf, size_t size, const struct ipc_line *m);
int ipc_decode_line(struct ipc_line *m, const void *buf, size_t len);
int ipc_encode_watch(void *buf, size_t size, const struct ipc_watch *m);
int ipc_decode_watch(struct ipc_watch *m, const void *buf, size_t len);
int ipc_encode_desk(void *buf, size_t size, const struct ipc_desk *m);
int ipc_decode_desk(struct ipc_desk *m, const void *buf, size_t len);
int ipc_encode_relay_setup(
    void *buf, size_t size, const struct ipc_relay_setup *m);
int ipc_decode_relay_setup(
    struct ipc_relay_setup *m, const void *buf, size_t len);
int ipc_encode_relay_ready(
    void *buf, size_t size, const struct ipc_relay_ready *m);
int ipc_decode_relay_ready(
    struct ipc_relay_ready *m, const void *buf, size_t len);
int ipc_encode_relay_key(
    void *buf, size_t size, const struct ipc_relay_key *m);
int ipc_decode_relay_key(
    struct ipc_relay_key *m, const void *buf, size_t len);
int ipc_encode_relay_done(
    void *buf, size_t size, const struct ipc_relay_done *m);
int ipc_decode_relay_done(
    struct ipc_relay_done *m, const void *buf, size_t len);
int ipc_encode_enroll(void *buf, size_t size, const struct ipc_enroll *m);
int ipc_decode_enroll(struct ipc_enroll *m, const void *buf, size_t len);

#endif
