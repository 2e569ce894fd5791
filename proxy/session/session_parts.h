/*
 * What the files of the session's machine share; nobody else includes it.
 * session.c has the table, the channels and the end of each turn;
 * session_peer.c what the peer's socket brings; session_events.c what it brings
 * and takes when it watches; session_import.c the way from
 * an import to a stream of URBs; session_inspect.c what profiles have to do with
 * it.
 */
#ifndef PROXY_SESSION_SESSION_PARTS_H
#define PROXY_SESSION_SESSION_PARTS_H

#include "base/channel.h"
#include "base/clock.h"
#include "proxy/session/control.h"
#include "proxy/session/inq.h"
#include "proxy/session/inspect.h"
#include "proxy/session/op.h"
#include "proxy/session/outq.h"
#include "proxy/session/rate.h"
#include "proxy/session/refusals.h"
#include "proxy/session/session.h"
#include "wire/ipc.h"

#define HANDSHAKE_LIMIT (10 * CLOCK_SEC) /* from the first instruction */
#define OP_LIMIT (30 * CLOCK_SEC)	 /* from there to the answer */
#define LEFTOVER_MAX (256u * 1024u)
#define PULSE (CLOCK_SEC / 2) /* looks whether the peer is there */
#define ACTIVE_PAUSE (1 * CLOCK_SEC) /* between two ACTIVE */
#define CLOSING_LIMIT (1 * CLOCK_SEC)	 /* for the last bytes to leave */

enum state {
	SS_BORN,      /* waits for the key */
	SS_HANDSHAKE, /* with the peer; no files, no device */
	SS_NAMING,    /* key wiped; the warden hears who it is */
	SS_OP,	      /* waits for the peer's one request */
	SS_EVENTS,    /* instead: lines, between the peer and the warden */
	SS_LISTING,   /* the warden lists */
	SS_IMPORTING, /* waits for record and device */
	SS_COMPARING, /* reads the device anew */
	SS_STREAMING, /* URBs flow */
	SS_REFUSING,  /* the alert leaves; what the peer sends is dropped */
	SS_CLOSING,   /* the last replies leave */
	SS_ENDED,
	STATES,
};

enum event {
	EV_KEY,	       /* broker: key material */
	EV_PEER,       /* the peer's socket is ready */
	EV_IDENTIFIED, /* warden: welcome, or not */
	EV_LIST_ITEM,
	EV_LIST_END,
	EV_LINE,       /* warden: for a peer that has events */
	EV_PROFILE,    /* warden: the table of profiles */
	EV_QUOTA,      /* warden: what was used of one before */
	EV_ANSWER,     /* warden: the verdict on a held unit */
	EV_LISTENING,  /* warden: whether a challenge would be seen */
	EV_CAPTURE,    /* warden: a pipe for records, or the end of that */
	EV_DEVICE,     /* broker: the device's descriptor */
	EV_IMPORTED,   /* warden: the record, or why not */
	EV_READ,       /* the device was read anew */
	EV_CONFIG_SET, /* broker: another configuration is set */
	EV_GONE,       /* the device left */
	EV_DEADLINE,
	EVENTS,
};

/* How many lines a peer may send: a burst, and then so many a second. */
struct lines_rate {
	uint64_t since; /* clock_mono, start of the present window */
	unsigned n;	/* lines in it */
};

/* Lines of one rule of a profile to the audit log. */
#define RULING_SLOTS 64u
struct ruling_slot {
	uint64_t key;
	char profile[IPC_RULE];
	struct rate rate;
};
/* Quotas of one device that are kept in mind over sessions. */
#define QUOTAS_TOLD 32u

struct capture;

struct session {
	struct session_how how;
	const struct session_limits *limits;
	enum state state;
	uint8_t told; /* last enum ipc_session_state sent */
	int exit_code;
	char closing[128]; /* why, while the last replies leave */
	size_t leftover;   /* bytes dropped while refusing */
	int is_gone;  /* the device is; its last replies are awaited */
	int is_over;  /* ended() was called */

	int broker, warden, peer;	      /* owned */
	struct loop_io *broker_io, *warden_io, *peer_io; /* owned */
	struct loop_timer *deadline, *again;  /* owned */
	struct loop_timer *pulse; /* owned; runs while input is not read */
	struct loop_timer *quiet; /* owned; a second from ACTIVE on */
	struct loop_turn *turn;		      /* owned */
	struct door *door;		      /* owned */
	struct stream *stream;		      /* owned; has taken peer */
	int want;      /* of the handshake: enum stream_want */
	int read_wants_write;
	int is_paused; /* input stopped at a bound */
	int has_pulse;
	int is_quiet;	/* the warden was told of activity a moment ago */
	int was_active; /* and there was more since */
	uint64_t told_urbs; /* how many it was told of */
	struct inq in;
	struct outq out;
	struct refusals refusals;
	struct op_list list;
	struct lines_rate rate; /* of the peer's lines, in SS_EVENTS */

	int device_fd;		     /* owned until usb open; -1 */
	int has_device, is_imported; /* both halves of an import */
	struct device_place device_place; /* as the broker says */
	struct device_place place;	  /* as the warden says */
	struct devrec *record;		  /* owned: vetted */
	struct devrec *exposed; /* owned: what the peer may have of it; NULL =
				   all */
	struct devrec *fresh;		  /* owned: as the device says now */
	struct desc_config *scratch;	  /* owned */
	struct usb_dev *dev;		  /* owned */
	struct reader *reader;		  /* owned */
	struct flow *flow;		  /* owned */
	void *block; /* owned mapping: the table of profiles; NULL = none */
	size_t block_size;
	int64_t wall; /* as the warden said with it */
	int is_listening;
	struct ruling_slot rulings[RULING_SLOTS];
	struct capture *capture; /* owned; NULL = none */
	uint8_t is_capture_wanted; /* by a profile: the warden was asked */
	uint64_t quotas[QUOTAS_TOLD]; /* used, as told last */
	struct ipc_quota kept[QUOTAS_TOLD];
	unsigned nkept;

	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX]; /* channel messages */
};

/* What an event brings; only the field that belongs to it is set. */
struct event_arg {
	const struct channel_msg *msg; /* its fd is the handler's to take */
	int *fd;
	int err;
	const char *rule, *text;
};

/* A step returns 0, or an error: a message that its sender may not send so.
 * That ends the session at once. */
typedef int step_fn(struct session *s, const struct event_arg *arg);

/* session.c */
void session_event(
    struct session *s, enum event ev, const struct event_arg *arg);
void session_set_state(struct session *s, enum state next);
/* Ends it without waiting for anything; why is for the log. */
void session_end(struct session *s, int exit_code, const char *why);
/* Ends it when the last replies have left. */
void session_close(struct session *s, int exit_code, const char *why);
/* Sends or ends the session. 0 or the channel's error. */
int session_tell(
    struct session *s, int chan, uint16_t type, const void *buf, int len);
/* To the audit log, rate-limited. rule is static. */
void session_refused(struct session *s, const char *rule, const char *text);

/* A transfer went through: the warden hears so, once a second at most. */
void session_active(struct session *s);

/* session_peer.c */
step_fn session_on_key, session_on_handshake, session_on_leftover,
    session_on_identified,
    session_on_request, session_on_list_item, session_on_list_end,
    session_on_stream;
/* What the peer's socket is watched for; flushes first. */
void session_peer_turn(struct session *s);
/* Ends the session when the peer left while its input waited. */
void session_on_pulse(void *arg);

/* session_events.c */
step_fn session_on_lines, session_on_line, session_on_silence;
/* Whether the peer agreed on the events protocol; then it subscribes. */
int session_wants_events(struct session *s);
void session_subscribe(struct session *s);

/* session_import.c */
step_fn session_on_device, session_on_imported, session_on_read,
    session_on_config_set, session_on_gone;
int session_import(struct session *s, const char *busid);
/* Gives the device back. */
void session_drop_device(struct session *s);

/* session_inspect.c */
step_fn session_on_profile, session_on_quota, session_on_answer,
    session_on_listening;
const struct inspect_hooks *session_inspect_hooks(
    struct session *s, struct inspect_hooks *out);
/* What was used of quotas, to the warden. */
void session_quotas(struct session *s);
void session_restore_quotas(struct session *s);
/* The table is not used any more. */
void session_unmap(struct session *s);

/* session_capture.c */
step_fn session_on_capture;
/* A stream begins: what is kept of it is kept from here on. */
void session_tap(struct session *s);
/* A profile ruled on a transfer; buf is the encoded ipc_ruled. */
void session_capture_ruled(struct session *s,
    const struct inspect_report *report, const void *buf, size_t len);
void session_end_capture(struct session *s);

#endif
