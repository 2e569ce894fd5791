/*
 * The warden: the gateway's unprivileged head. It listens, keeps the registry
 * of devices, holds the compiled rules, decides, gives each device to one
 * holder at most and writes the audit log. It holds no device descriptor and
 * sees no transfer; of a device it reads only the record that a probe made.
 *
 * One internal header for the folder; prototypes stand under their file.
 */
#ifndef PROXY_WARDEN_WARDEN_H
#define PROXY_WARDEN_WARDEN_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/channel.h"
#include "policy/profiles/profile.h"
#include "policy/rules/device.h"
#include "policy/rules/rules.h"
#include "proxy/conf.h"
#include "proxy/warden/audit.h"
#include "proxy/warden/book.h"
#include "proxy/warden/callers.h"
#include "proxy/warden/desks.h"
#include "proxy/warden/metrics.h"
#include "proxy/warden/roles.h"
#include "proxy/warden/stable.h"
#include "proxy/warden/zone.h"
#include "wire/ipc.h"

struct json_t;
struct loop;
struct loop_io;
struct loop_timer;
struct udev;
struct udev_monitor;
struct warden;
struct session;
struct subscriber;
struct lease;
struct watch;
struct revoked;
struct capture;
struct verdicts;
struct bundle;
struct bundles;
struct upstream;

#define PEER_NAME 64
#define HASH_TEXT 48 /* base64 of SHA-256, with its NUL */

enum device_state {
	DEVICE_WAITING, /* for its configuration, or for another try */
	DEVICE_PROBING, /* a probe reads it */
	DEVICE_READY,   /* known and free */
	DEVICE_HELD,    /* a session has it */
	DEVICE_REFUSED, /* its probe failed; stays so until it is replugged */
	DEVICE_KEPT,    /* the gateway's own: hub, or named by [local] keep */
};

struct device {
	TAILQ_ENTRY(device) entry;
	uint64_t id; /* never used again */
	struct warden *warden;
	enum device_state state;
	struct device_place place;
	struct devrec *record; /* owned; NULL until the first probe */
	struct rule_device facts;
	struct rule_device_store *store; /* owned; backs facts */
	size_t nhubs; /* of store->ancestors */
	uint16_t vid, pid; /* as the kernel has them */
	int is_hub;
	int is_texts;  /* what runs as `probe' reads texts */
	int has_texts; /* then hash is known, too */
	struct ipc_texts texts;
	char hash[HASH_TEXT], parent_hash[HASH_TEXT];
	char connect_type[32];
	char stable_port[RULE_PORT];
	char name[STABLE_NAME]; /* stable name; "" until it was read */
	int is_new;		/* not known before, or changed */
	char refused[IPC_RULE]; /* the rule's name, and why */
	char why[IPC_TEXT];
	struct session *holder; /* borrowed; set while HELD */
	/* Of its probe or of the reader of its texts; 0 = none. */
	uint32_t probe;
	int probe_chan;		/* owned; -1 */
	struct loop_io *probe_io;
	struct loop_timer *settle; /* while WAITING: looks again */
	unsigned looks;	   /* at a device that has no configuration */
	int is_asked;	   /* the broker was asked to let it in, or to shut
			      what is below it: once */
	unsigned failures; /* of its probe, in a row */
	int is_read;	   /* the probe that still runs gave a good answer */
	int was_read;	   /* its record is not the first */
	struct plug *plug; /* borrowed from the book; NULL until looked at */
	uint8_t key[BOOK_KEY]; /* of what it is and where, for approvals */
	struct x509_facts *held_for; /* owned; whom it is reserved for */
};
TAILQ_HEAD(device_list, device);

enum session_phase {
	SESSION_SPAWNING, /* asked of the broker */
	SESSION_OPEN,
	SESSION_GRANTING, /* an import waits for the broker */
	SESSION_ENDING,   /* shut down; waits to be reaped */
};

struct session {
	TAILQ_ENTRY(session) entry;
	struct warden *warden;
	uint32_t conn;
	enum session_phase phase;
	enum ipc_session_state state; /* as it says itself */
	int peer_fd;		      /* owned duplicate, for shutdown() only */
	int chan;		      /* owned; -1 until SPAWNED */
	struct loop_io *io;
	int is_identified;
	struct x509_facts facts;
	char identity[IDENTITY_NAME];
	uint8_t who[BOOK_KEY]; /* SHA-256 of that */
	char peer[PEER_NAME];
	struct caller from;
	struct device *device; /* borrowed; while it holds one */
	struct lease *lease;   /* owned; on what terms */
	struct desks *desks; /* owned; of one that watches, NULL = none said */
	int has_asked;	       /* for a list, a device or events: once */
	struct subscriber *events; /* owned; NULL unless it watches */
	struct capture *capture;   /* borrowed from captures; NULL = none */
	int has_wanted; /* a rule of its profile wanted one: asked once */
	uint64_t since;	       /* clock_wall at accept */
	uint64_t leaves; /* clock_mono; 0 = stays: it was told goodbye */
	unsigned refusals;
	struct tally tally; /* as it last said */
	struct {
		uint64_t at;	   /* clock_mono; 0 = never */
		uint64_t urbs, in, out;	  /* then */
		uint64_t urbs_s, in_s, out_s; /* a second, up to then */
	} rate;
};
TAILQ_HEAD(session_list, session);

/* Why a device may be had, and for how long. */
struct lease {
	uint64_t rule;
	char file[256], key[64]; /* of that rule, cut: for the log */
	unsigned line;
	uint64_t started, active; /* clock_mono */
	uint64_t ends;		  /* likewise; 0 = not given */
	uint32_t length, idle, hold; /* seconds; 0 = not given */
	struct rule_exposure exposes;
	int needs_approval;
	/* What its transfers are judged by; see inspect.c. */
	int block;		 /* owned: sealed, until it is sent; -1 */
	int has_profiles;	 /* else the floor alone judges */
	uint8_t profiles[32];	 /* digest of the block */
	unsigned revision;	 /* of the policy that it was made of */
	int32_t utc_offset;
	int was_had;	/* the rule had given it away in this plug before */
	int is_revoked; /* no hold follows */
};

/* A unit of a transfer that waits for somebody's verdict. */
struct held {
	TAILQ_ENTRY(held) entry;
	unsigned id; /* for people; of the same numbers as asks */
	struct session *session; /* borrowed */
	uint64_t ends;		 /* clock_mono */
	struct ipc_ask ask;
};
TAILQ_HEAD(held_list, held);

/* What somebody answered to an ask. */
struct said {
	enum ipc_say say;
	uint32_t valid;	    /* seconds; 0 = as the rule says */
	const char *by;	    /* "operator", "server", "cache"; static */
	const char *reason; /* hostile; "" = none */
	uint64_t latency;   /* of a server, ns */
};

/* Whom a decision is about. */
struct person {
	const struct x509_facts *facts; /* borrowed */
	const uint8_t *who;		/* BOOK_KEY bytes, borrowed */
};

/* A decision, and those that rules with `audit' would have made. */
#define JUDGED_NOTES 4u
struct judged {
	struct rule_decision d;
	unsigned nnotes;
	struct rule_decision notes[JUDGED_NOTES];
};

/* A pairing window that an operator opened. */
#define ARMED_MAX 32u
#define ARMED_TOKEN 64
struct armed {
	char token[ARMED_TOKEN];
	uint64_t ends; /* clock_mono */
};

/* What a load read. */
#define SOURCE_DIRS 32u
struct source {
	struct warden *warden;
	uint8_t digest[32]; /* of all names and texts */
	char *dirs[SOURCE_DIRS]; /* owned; what to watch */
	unsigned ndirs;
	size_t total; /* bytes that were read */
	char error[512]; /* the first, "" = none */
};

/* Unix seconds, 0 = not known. */
struct expiry {
	int64_t cert_until, crl_from, crl_until;
	int64_t told; /* in the log, last */
};

struct warden {
	struct gateway_conf conf;
	const char *conf_path;
	struct loop *loop;
	int broker; /* fd 3 */
	struct loop_io *broker_io;
	int listen_fd;
	struct loop_io *listen_io;
	struct rules *rules; /* NULL = none loaded: nothing is exported */
	struct profile_set *profiles; /* of the same load; NULL with rules */
	char rules_error[512];
	uint64_t rules_loaded; /* clock_wall, 0 = never */
	unsigned rules_revision;
	uint8_t rules_digest[32], failed_digest[32];
	/* The rules before, while those in force wait to be confirmed. */
	struct rules *fallback;
	struct profile_set *fallback_profiles;
	int has_fallback; /* fallback may be NULL: there were none */
	uint64_t confirm_by; /* clock_mono */
	struct loop_timer *rollback;
	struct rules *keep;
	unsigned nissuers; /* CAs in ca.pem, as the broker counts */
	struct rules_issuer *issuers; /* owned; named in gateway.conf */
	size_t nnamed;
	struct zones *zones;
	struct watch *watch; /* NULL: files are not watched */
	struct revoked *revoked; /* NULL: not started */
	struct expiry expiry;
	struct bundles *bundles; /* NULL: none are configured */
	struct upstream *upstream; /* NULL: nobody gets lines */
	struct book *book;
	struct armed armed[ARMED_MAX];
	unsigned narmed;
	struct loop_timer *tick, *rejudge, *crl_poll;
	const char *rejudge_why; /* static; NULL = nothing waits */
	struct udev *udev;
	struct udev_monitor *monitor;
	struct loop_io *monitor_io;
	struct device_list devices;
	struct session_list sessions;
	struct held_list held;
	struct verdicts *verdicts; /* NULL: gateway.conf has no [verdict] */
	TAILQ_HEAD(capture_list, capture) captures;
	unsigned nsessions;
	struct callers callers;
	uint32_t next_conn;
	uint64_t next_device;
	unsigned nsubscribers;
	struct loop_timer *judge, *pulse; /* of the subscribers */
	struct audit audit;
	struct metrics metrics;
	int control_fd; /* fd 4, made by the broker */
	struct loop_io *control_io;
	struct roles roles;
	unsigned nclients, nwatchers; /* of the control socket */
	LIST_HEAD(watcher_list, client) watchers;
	struct desc_config *scratch;
	struct devrec *fresh; /* where a record is decoded to */
	struct devrec *shown; /* see item_view */
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	uint8_t out[CHANNEL_MAX];
};

/* warden.c: the listener and the broker's answers. */
int warden_listen(struct warden *w); /* 0, or logged */
void warden_on_broker(void *arg, int events);
/* Sends to the broker. The warden cannot go on without it: fatal. */
void warden_ask(struct warden *w, uint16_t type, uint32_t conn,
    const void *data, int len, int fd);

/* hotplug.c: the kernel's events, and what is plugged in at the start. */
int hotplug_start(struct warden *w); /* 0, or logged */

/* registry.c: devices. */
/* The kernel says that it came, or went. */
void registry_add(struct warden *w, const char *busid);
void registry_remove(struct device *dev);
/* Something about it changed: looks at one that is WAITING. */
void registry_look(struct device *dev);
struct device *registry_find(struct warden *w, const char *busid);
/* Whether what, a bus id or a stable name, is that device. */
int registry_is_named(const struct device *dev, const char *what);
/* Answers of the broker about probes. */
void registry_on_probed(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
void registry_on_exited(struct warden *w, uint32_t conn);
/* `reject', whoever asks, and not only for one: refused until it is plugged in
 * anew, and taken from its holder. */
void registry_judge(struct device *dev);
/* The holder is gone: reset it, read it again, then it is free. */
void registry_release(struct device *dev);
const char *device_state_name(enum device_state state);

/* sysfs.c: what the kernel says of where a device is. None of it waits for a
 * device. */
#define SYSFS_USB "/sys/bus/usb/devices"
struct sysfs_device {
	struct device_place place;
	uint8_t class;
	uint16_t vid, pid;
	int configuration; /* 0 = none set */
	int is_authorized; /* by the kernel; if not, its descriptors are no
			      facts yet */
	int is_root_hub;
	int is_virtual; /* behind vhci_hcd; then its place is all there is */
	char connect_type[32];
	char parent_hash[HASH_TEXT]; /* of a root hub: its controller's */
	char stable_port[RULE_PORT]; /* see stable.h; "" = unknown */
};
/* Reads ROOT/BUSID; root is SYSFS_USB. 0, ERR_NOENT, ERR_FORMAT, ERR_LIMIT. */
int sysfs_read(struct sysfs_device *out, const char *root, const char *busid);
/* USBGuard's hash, with the kernel's copy of the descriptors; "" when it has
 * none, or too many. */
void sysfs_hash(char out[HASH_TEXT], const struct device_place *place,
    const struct ipc_texts *texts);
/* Facts for [local] keep, from the kernel's copy of the descriptors and from
 * what dev has so far, its texts among them. 0, ERR_NOENT, ERR_FORMAT,
 * ERR_LIMIT. */
int sysfs_facts(struct device *dev);

/* facts.c: what rules judge a device by. */
/* All of its facts, out of its record and of what was found out before. 0, or
 * an error of the record or of the digests. */
int facts_fill(struct device *dev);
/* The hubs above, nearest first, as the registry knows them, and the parent hash.
 * 0, or ERR_AGAIN while the texts of one are not known: a rule might name it. */
int facts_hubs(struct device *dev);
/* Adds to facts that are from elsewhere what the record does not say. */
void facts_place(struct device *dev);
/* A device came, changed or went: which ones are ambiguous now. */
void facts_compare(struct warden *w);

/* facts_json.c: adds them to a JSON object; facts_fill was called. */
void facts_put_json(struct json_t *o, const struct device *dev);

/* policy.c: the rules in force, decisions, what a reload does to the living. */
int policy_start(struct warden *w); /* 0, or logged */
int policy_load(struct warden *w); /* 0; else keeps the old, logged */
/* person is NULL while it is not known. granted_by: see rule_world. */
void policy_judge(struct warden *w, const struct rules *rules,
    const struct device *dev, const struct person *person,
    enum rule_moment moment, uint64_t granted_by, struct judged *out);
/* For a session, by the rules in force. A device that this identity has is
 * listed for as long as its lease goes on. */
void policy_decide(struct warden *w, const struct device *dev,
    const struct session *s, enum rule_moment moment, struct judged *out);
/* By a signal, a change of files, or an operator. */
void policy_reload(struct warden *w);
/* Loads what lies at from, or, with NULL, at [gateway] rules. 0, or the error is
 * in w->rules_error. With seconds the rules before
 * come back after that time, unless it is confirmed. */
int policy_replace(
    struct warden *w, const char *from, uint32_t confirm_within);
/* The other rules' files were touched: loads when their texts are others. */
void policy_touched(struct warden *w);
int policy_confirm(struct warden *w); /* 0; ERR_NOENT: nothing waits; ERR_SYS */

/* A bundle that is being taken: rules with it and the local files are compiled,
 * commit is called, and if it says 0 they are in force. 0; or an error, and why
 * is filled unless commit said so itself. */
int policy_take(struct warden *w, uint32_t confirm_within,
    int (*commit)(struct warden *w), char *why, size_t size);

/* bundles.c: rules from a publisher, above those from disk. Without [bundle] all
 * of it does nothing. */
int bundles_start(struct warden *w); /* 0, or logged */
void bundles_free(struct warden *w);
/* That which is to be compiled with: in force, or being taken; NULL: none. */
const struct bundle *bundles_compiled(const struct warden *w);
/* Its grace is over: nothing is given any more. */
int bundles_is_over(const struct warden *w);
/* What is in force was confirmed (0, or ERR_SYS, logged: it was not), or was
 * not. */
int bundles_confirm(struct warden *w);
void bundles_step_back(struct warden *w);
/* Looks for another one now. */
void bundles_look(struct warden *w);
/* The broker's answers. */
void bundles_on_fetching(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
void bundles_on_trying(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
struct json_t *bundles_json(struct warden *w); /* for sallyctl status */
struct json_t *bundles_metrics(struct warden *w);

/* upstream.c: lines of the audit log, for a server. Without [upstream] all of it
 * does nothing. */
int upstream_start(struct warden *w); /* 0, or logged */
void upstream_free(struct warden *w);
/* Tries now, however long it failed. */
void upstream_look(struct warden *w);
void upstream_on_posting(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
struct json_t *upstream_json(struct warden *w); /* for sallyctl status */
struct json_t *upstream_metrics(struct warden *w);

/* rulefiles.c: rules from disk. */
/* Compiles what lies at path, a directory or a file, with the profiles of the
 * configuration and with the bundle, if there is one; profiles is NULL for rules that grant nothing. 0, or src->error
 * is filled. src must be given to source_fini in any case. */
int rulefiles_load(struct warden *w, const char *path, struct source *src,
    struct rules **out, struct profile_set **profiles);
void source_fini(struct source *src);
/* A trusted file of that load: read, counted, watched. 0, or logged, and
 * src->error is filled. *text is malloced. */
int source_read(struct source *src, const char *path, size_t max,
    uint8_t **text, size_t *len);
/* The directory of path is to be watched. */
void source_watch(struct source *src, const char *path);
/* A file that another one includes, by a path relative to that: name is its real
 * path; both malloced. */
int source_include(struct source *src, const char *from, const char *path,
    char **name, char **text, size_t *len, char *why, size_t size);
/* [tls] issuer of gateway.conf. 0, or logged. */
int rulefiles_issuers(struct warden *w);

/* profiles.c: what may pass. */
int profiles_load(
    struct warden *w, struct source *src, struct profile_set **out);
/* The profiles of what a decision exposes, compiled: a sealed memfd, the
 * caller's, or -1 when it names none and the floor alone judges. ERR_* with
 * why: the device cannot be had so. */
int profiles_seal(struct warden *w, const struct device *dev,
    const struct rule_decision *d, int *fd, uint8_t digest[32], char *why,
    size_t size);
int32_t profiles_utc_offset(struct warden *w); /* of the gateway's zone */

/* inspect.c: what sessions say about inspection; 0, or why there are no more
 * messages of it. */
int inspect_on_ruled(struct session *s, const struct channel_msg *msg);
int inspect_on_challenge(struct session *s, const struct channel_msg *msg);
int inspect_on_quota(struct session *s, const struct channel_msg *msg);
int inspect_on_out(struct session *s, const struct channel_msg *msg);
/* For a lease that begins: its profiles, ready to be sent. */
int inspect_seal(struct session *s, const struct rule_decision *d, char *why,
    size_t size);
/* Before the answer to the import; a lease without profiles is fine. */
int inspect_send_profiles(struct session *s);
/* A lease goes on under a decision: other profiles are handed over. 0, or it must
 * end, for that reason. */
int inspect_goes_on(
    struct session *s, const struct rule_decision *d, const char **reason);
const char *inspect_hook(unsigned hook); /* "scsi"; never NULL */
/* Somebody of that identity began or ceased to watch. */
void inspect_listeners(struct warden *w, const char *identity);
int device_is_quarantined(const struct device *dev);

/* held.c: units that wait for a verdict; the first two as those above. */
int held_on_ask(struct session *s, const struct channel_msg *msg);
int held_on_over(struct session *s, const struct channel_msg *msg);
int held_answer(struct warden *w, unsigned id, const struct said *said);
					       /* 0; ERR_NOENT */
/* Nobody will answer: its `else' holds at once. 0; ERR_NOENT. */
int held_otherwise(struct warden *w, unsigned id, const char *why);
void held_forget(struct session *s); /* it is gone */

/* verdict.c: programs that answer what is asked of a name; its socket is fd, -1
 * = the broker made none. 0, or logged. */
int verdicts_start(struct warden *w, int fd);
void verdicts_free(struct warden *w);
void verdicts_tick(struct warden *w); /* each second */
/* verdict_ask.c: it is asked of a program, or answered at once, and then gone. 0;
 * ERR_NOENT: the name is no program's. */
int verdicts_ask_unit(struct held *held);
/* Likewise; one that was asked for already is not asked for twice. */
int verdicts_ask_import(const struct session *s, const struct device *dev,
    const struct rule_decision *d, const struct ask *ask);
/* The ask of that id is over without a program's answer; is_unanswered: and
 * without anybody else's. */
void verdicts_over(struct warden *w, unsigned id, int is_unanswered);

/* captures.c: what is kept of the transfers of a session that has a device. */
enum capture_why {
	CAPTURE_BY_RULE,     /* without it the lease ends */
	CAPTURE_BY_OPERATOR,
	CAPTURE_BY_PROFILE,  /* only what its rules say */
};
/* name: "NAME.pcap", or NULL: one is made. 0, or an error with why: ERR_BUSY,
 * ERR_FORMAT (the name), ERR_LIMIT, ERR_NOMEM, ERR_SYS. */
int captures_start(struct session *s, enum capture_why reason,
    const char *name, char *why, size_t size);
void captures_stop(struct session *s); /* one without is fine */
void captures_forget(struct session *s); /* it is gone */
const char *captures_name(const struct session *s); /* NULL = none */
int captures_is_demanded(const struct session *s);  /* by the rule */
int captures_on_wanted(struct session *s, const struct channel_msg *msg);
void captures_on_recording(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
/* 1 when conn was one. */
int captures_on_exited(
    struct warden *w, uint32_t conn, const struct ipc_exited *m);

/* watch.c: tells policy_touched when files that rules came from change. */
int watch_start(struct warden *w); /* 0, or logged */
/* From now on those directories. */
void watch_set(struct warden *w, char *const *dirs, unsigned n);

/* world.c: what decisions depend on besides rules, device and identity. */
struct world {
	struct rule_world world; /* for the rules; refers to this struct */
	struct warden *warden;
	const struct device *dev;
	const uint8_t *who; /* NULL while the identity is not known */
	struct judged *judged; /* takes notes */
};
void world_init(struct world *world, struct warden *w,
    const struct device *dev, const uint8_t *who, enum rule_moment moment,
    uint64_t granted_by, struct judged *judged);
/* SHA-256 of an identity's name. */
void world_who(uint8_t out[BOOK_KEY], const char *identity);
int64_t world_now(void); /* Unix seconds */

/* lease.c: what is given, and when it ends. */
int leases_start(struct warden *w); /* 0 or ERR_NOMEM */
void leases_tick(struct warden *w); /* each second: what is over */
/* The device is given to s, which has it as s->device. 0, or an error: it must
 * not be, since what the rule demands cannot be kept in mind. */
int lease_begin(struct session *s, const struct rule_decision *d);
/* Nothing came of it. */
void lease_cancel(struct session *s);
/* It is over, however that came: the device is on hold, or not. */
void lease_end(struct session *s);
/* Ends it by decision of the gateway: no hold follows. */
void lease_revoke(struct session *s, const char *why);
void lease_active(struct session *s); /* a transfer went through */
/* Whether it would go on under those rules; fills the decision. */
int lease_goes_on(struct session *s, const struct rules *rules,
    struct judged *out, const char **why);
/* Something changed: all are judged again in the next turn of the loop, and
 * devices too, for `reject'. why is
 * static, for those that end. */
void leases_touch(struct warden *w, const char *why);
/* Whether the device is reserved for somebody else. */
int device_is_held_from(const struct device *dev, const uint8_t *who);
void device_free_hold(struct device *dev);

/* revoked.c: certificates that their CA took back. */
#define REVOKED_TEXT "certificate revoked"
int revoked_start(struct warden *w); /* 0, or logged */
void revoked_free(struct warden *w);
void revoked_tick(struct warden *w); /* four times a second */
/* Ends those that were told goodbye long enough ago; a timer calls it. */
void revoked_leave(struct warden *w);
/* Reads the CRL again, even if its files are the same. */
void revoked_read(struct warden *w);
/* The broker's CRL_IS; takes fd. */
void revoked_on_crl(struct warden *w, const struct channel_msg *msg, int fd);
int revoked_is(const struct warden *w, const struct x509_facts *facts);
/* Ends what revoked certificates have: sessions, leases, holds. */
void revoked_judge(struct warden *w);
/* For people: why the last list was not taken, "" = it was; how many it
 * revokes, -1 = none was taken so far. */
const char *revoked_error(const struct warden *w);
int revoked_count(const struct warden *w);

/* expiry.c: what ends soon, for people. */
/* As the broker hands it over; len 0 = it cannot be read. */
void expiry_on_cert(struct warden *w, const uint8_t *pem, size_t len);
/* Of the list that was taken and ends first. */
void expiry_on_crl(struct warden *w, int64_t from, int64_t until);
/* Says it in the log, once a day. */
void expiry_tick(struct warden *w);
struct expiry_of {
	int64_t until; /* Unix seconds */
	int64_t days;  /* left, whole ones; negative after it */
	int is_soon;   /* people should do something */
};
/* Whether it is known. */
int expiry_cert(const struct warden *w, struct expiry_of *out);
int expiry_crl(const struct warden *w, struct expiry_of *out);

/* asks.c: what only lacks a person's yes. */
/* An import found that; d is the decision. */
void asks_open(
    struct session *s, struct device *dev, const struct rule_decision *d);
/* 0; ERR_NOENT. */
int asks_answer(struct warden *w, unsigned id, const struct said *said);
/* A program has no answer; a person may have one. */
void asks_unanswered(struct warden *w, unsigned id, const char *why);
void asks_expire(struct warden *w); /* each second */

/* armed.c: pairing windows. */
int armed_is(const struct warden *w, const char *token);
/* 0; ERR_LIMIT, ERR_FORMAT (the token). */
int armed_set(struct warden *w, const char *token, uint32_t seconds);
int armed_unset(struct warden *w, const char *token); /* 0; ERR_NOENT */
void armed_expire(struct warden *w); /* each second */

/* people.c: identities that the gateway knows now. */
#define PEOPLE_MAX 256u
struct known_person {
	struct person person; /* borrowed from sessions and devices */
	const struct session *session; /* one of it; NULL: only a hold */
};
unsigned people_list(struct warden *w, struct known_person *out, unsigned max);

/* sessions.c */
void session_accept(struct warden *w, int fd);
void session_on_spawned(
    struct warden *w, uint32_t conn, const struct ipc_result *r, int fd);
struct session *session_find(struct warden *w, uint32_t conn); /* or NULL */
/* 1 when conn was a session. */
int session_on_exited(
    struct warden *w, uint32_t conn, const struct ipc_exited *m);
/* Cuts the stream and has it killed; why goes to the audit log, and to who
 * watches under its identity when it had a device. */
void session_eject(struct session *s, const char *why,
    const struct rule_decision *decision);
/* Likewise, since its certificate is revoked: no hold follows. */
void session_revoke(struct session *s);

/* imports.c */
/* A session's IMPORT. 0, or why there are no more messages of it. */
int session_import(struct session *s, const struct channel_msg *msg);
void session_on_granted(
    struct warden *w, uint32_t conn, const struct ipc_result *r);

/* item.c: a device that has a record, as lists show it: what of it is exposed
 * is all there is. */
/* Its record, or what is left of that, which lives until the next call. NULL
 * when nothing is. */
const struct devrec *item_view(
    const struct device *dev, const struct rule_exposure *exposes);
/* 0, or ERR_NOENT when nothing is left. */
int item_fill(struct ipc_item *item, const struct device *dev,
    const struct rule_exposure *exposes);

/* events.c: sessions whose peers watch. Each is told of the devices that the
 * rules let it have, and of nothing else. */
int events_start(struct warden *w); /* 0 or ERR_NOMEM */
/* 0 or ERR_NOMEM; the greeting and the list are on their way. */
int events_open(struct session *s);
void events_close(struct session *s); /* one that does not watch is fine */
void events_flush(struct session *s); /* its channel has room again */
/* A line of the peer's; a bad one ejects it. */
void events_said(struct session *s, const struct ipc_line *line);
/* A device or the rules changed: everybody's list is judged soon. */
void events_touch(struct warden *w);
void events_policy(struct warden *w); /* the rules are others now */
/* Text for the person, to all who watch under that identity. */
void events_message(struct warden *w, const char *identity, const char *name,
    const char *text);
/* The last that one who watches is told, before s->leaves is set. */
void events_farewell(struct session *s, const char *text);

/* Digits to type, or "" for none any more; within seconds, 0 = no limit. */
void events_challenge(struct warden *w, const char *identity,
    const char *name, const char *digits, unsigned within);

/* events_json.c: the lines, without their ends; to be freed, NULL when out of
 * memory. */
char *events_json_hello(void);
/* approver is NULL, or who must approve before s may have it. */
char *events_json_device(const struct session *s, const struct device *dev,
    const char *approver, const struct rule_exposure *exposes);
/* type "appeared" or "changed"; device as made above. */
char *events_json_about(const char *type, const char *device);
char *events_json_gone(const char *name, const char *busid);
char *events_json_message(const char *name, const char *text);
char *events_json_challenge(
    const char *name, const char *digits, unsigned within);
/* What a peer's line says. type is "" for what is no message, protocol 0 when
 * there is none. */
struct events_said {
	char type[32];
	long protocol;
	/* Of a "session"; a state that is none of ours is UNKNOWN. is_bad: its
	 * texts are too long, or no texts. */
	struct desks_said desk;
	int is_bad;
};
void events_json_parse(const struct ipc_line *line, struct events_said *out);

/* audit.c: one JSON object a line, to the places of audit.h. Any of session,
 * device and decision may be NULL; extra is "name", "value" pairs ended by
 * NULL. */
void audit_write(struct warden *w, const char *event, const char *outcome,
    const struct session *s, const struct device *dev,
    const struct rule_decision *decision, ...) __attribute__((sentinel));
/* A stable name as the log shows it: without its serial number if those are
 * hidden. Another text as it is. Returns name, or buf. */
#define AUDIT_NAME (STABLE_NAME + 32)
const char *audit_name(
    const struct warden *w, char buf[AUDIT_NAME], const char *name);
/* Opens the log and goes on with its chain, as [audit] of gateway.conf says.
 * 0, or logged. */
int audit_start(struct warden *w);
/* Its part of that: whether serial numbers are hidden, and by which key. */
int audit_serials(struct warden *w);
/* The last head, and what is left. */
void audit_stop(struct warden *w);

const char *term_word(enum rule_term term);
/* The decisions that rules with `audit' would have made. */
void audit_notes(struct warden *w, const struct session *s,
    const struct device *dev, const struct judged *judged);

/* control.c: the socket of sallyctl. */
int control_start(struct warden *w); /* 0, or logged */
/* A line of the audit log, for whoever watches. Calls nothing back. */
void control_tell(struct warden *w, const char *line, size_t len);

#endif
