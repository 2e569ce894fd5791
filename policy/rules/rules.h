/*
 * Rules: who may have which device. Text in, a compiled table out, decisions
 * from it. Pure: no files, no clock, no log; the caller gives texts, facts and
 * the time, and shows the errors.
 */
#ifndef POLICY_RULES_RULES_H
#define POLICY_RULES_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "wire/identity.h"

struct rules;
struct rules_file;
struct rules_issuer;

/* Limits of a load; what is over them is an error entry, never cut. */
#define RULES_MAX_TEXT (16u << 20) /* bytes of all texts */
#define RULES_MAX_RULES 100000u
#define RULES_MAX_SET 4096u	   /* values of one set, defines expanded */
#define RULES_MAX_EQUALS 1024u	   /* of one compared as a whole */
#define RULES_MAX_VALUES (1u << 20) /* of all sets together */
#define RULES_MAX_NESTING 16u	   /* groups in groups, defines in defines */
#define RULES_MAX_ERRORS 100u	   /* kept; all are counted */
/* Interface descriptors of a device; one with more matches no rule. */
#define RULE_INTERFACES_MAX 1024u

/* What the report descriptor of a HID interface says that it is, by the usages
 * of its top-level collections (HID 1.11 6.2.2.8, Usage Tables): several bits
 * for several collections. 0 = its report descriptor was not read: then it is
 * judged as a keyboard, the worst it can be. */
enum rule_hid {
	RULE_HID_KEYBOARD = 1, /* 01/06, 01/07 */
	RULE_HID_MOUSE = 2,    /* 01/01, 01/02 */
	RULE_HID_FIDO = 4,     /* f1d0/01 */
	RULE_HID_OTHER = 8,
};

/* Interface of a device as rules see it: one per interface descriptor, every
 * alternate of every configuration, in descriptor order. */
struct rule_interface {
	uint8_t class, subclass, protocol;
	uint8_t config; /* index of its configuration, from 0 */
	uint8_t number; /* bInterfaceNumber */
	uint8_t hid;	/* enum rule_hid bits; of class 03 only */
};

/* A hub above the device. Strings as in a rule_device. */
struct rule_ancestor {
	uint16_t vid, pid;
	const char *hash;	 /* USBGuard's */
	const char *via_port;	 /* kernel name, "3-2", "usb3" */
	const char *stable_port; /* stable port path */
};

/* Facts of a device. Strings are borrowed, NUL-terminated, hostile text; ""
 * where USBGuard has an empty value. */
struct rule_device {
	uint16_t vid, pid, bcd_device;
	uint8_t speed; /* enum usbip_speed */
	const char *name;	  /* product string */
	const char *manufacturer;
	const char *serial;
	const char *hash;	  /* base64 SHA-256, USBGuard's; "" = unknown */
	const char *parent_hash;
	const char *via_port;	  /* kernel name, "3-2.4" */
	const char *stable_port;  /* stable port path, "" if unknown */
	const char *connect_type; /* "hotplug" "hardwired" "not used"
				     "unknown" "" */
	const struct rule_interface *interfaces;
	size_t ninterfaces;
	const struct rule_ancestor *ancestors; /* the nearest hub first */
	size_t nancestors;
	/* For `pin'. SHA-256 over all descriptors with BOS and strings, see
	 * device.h; all zero = unknown. One digest per HID report descriptor. */
	uint8_t desc_sha256[32];
	const uint8_t (*reports)[32];
	size_t nreports;
	/* What the gateway knows of its being here. */
	int64_t plugged; /* Unix seconds; 0 = unknown */
	uint8_t is_first_seen; /* never plugged in before this time */
	uint8_t is_ambiguous;  /* another one that is here has its vid, pid and
				  serial, so that only the port differs */
};

enum rule_verdict {
	RULE_BLOCK = 0,
	RULE_ALLOW = 1,
	RULE_REJECT = 2,
	RULE_PENDING = 3, /* only the approval is missing */
	RULE_DEPENDS = 4, /* the identity is not known, and it matters */
};

/* The term of a matching allow that cannot be met now: it is then a block by
 * that rule, never a reason to go on with the next one, which could only be
 * wider. */
enum rule_term {
	RULE_TERM_NONE,
	RULE_TERM_WINDOW, /* outside of `window' */
	RULE_TERM_UNTIL,  /* `until' has passed */
	RULE_TERM_ONCE,	  /* had since it was plugged in */
	RULE_TERM_MAX,
	RULE_TERM_APPROVE, /* denied, or no answer in time */
	RULE_TERM_FORBID,  /* `forbid exposed' forbids what would remain */
	RULE_TERM_EXPOSE,  /* `expose' leaves nothing of this device */
	RULE_TERM_WORLD,   /* a window's time is not known */
};

/* The word of a verdict, as rules, logs and JSON have it. */
const char *rule_verdict_name(enum rule_verdict verdict);
/* The word of a usbip speed in rules; NULL when it has none. */
const char *rule_speed_name(unsigned speed);

enum rule_scope { RULE_PER_WORKSTATION = 1, RULE_PER_GATEWAY = 2 };

/* The terms of an allow. Durations in seconds, 0 = not given. Texts are
 * borrowed from the rules, "" = not given. */
struct rule_grant {
	const char *profile; /* `using' of the whole device */
	uint32_t lease, idle, hold;
	int64_t until; /* Unix seconds */
	uint8_t is_once, has_capture;
	uint8_t max_scope; /* enum rule_scope */
	uint32_t max;
	const char *approver; /* `approve by' */
	uint32_t approve_within, approve_valid;
};

/* Which interfaces the workstation sees, by configuration index and number. */
#define RULE_CONFIGS 8u /* DESC_MAX_CONFIGS */
struct rule_exposure {
	uint8_t is_all; /* no `expose': the masks say nothing */
	uint8_t mask[RULE_CONFIGS][32]; /* bit number % 8 of byte number / 8 */
};

struct rule_decision {
	enum rule_verdict verdict;
	/* Where the deciding rule stands; file "" and line 0 with
	 * is_implicit when no rule matched. Borrowed from the rules. */
	const char *file;
	unsigned line;
	const char *key;   /* the rule's key, "" if none */
	int is_implicit;
	int is_forbid;	     /* by a `forbid' */
	uint64_t rule;	     /* lasting id of the deciding rule, see
				rules_id; 0 with is_implicit */
	enum rule_term term; /* of an allow that became a block */
	/* With RULE_ALLOW and RULE_PENDING. */
	struct rule_grant grant;
	struct rule_exposure exposes;
};

/* --- what else a decision depends on --- */

/* For conditions that cannot be answered. A rule whose condition is unknown
 * does not allow, but it does block, reject and forbid; `!' does not change
 * that. */
enum rule_answer { RULE_NO = 0, RULE_YES = 1, RULE_UNKNOWN = 2 };

struct rule_local {
	uint8_t weekday; /* 0 = Monday */
	uint32_t second; /* of the day, 0..86400 */
};

enum rule_count { RULE_EVALUATED, RULE_APPLIED };
enum rule_devices {
	RULE_DEVICES_EXPORTED, /* somebody has it now */
	RULE_DEVICES_ALLOWED,  /* that, or the gateway keeps it for itself */
};
enum rule_lock { RULE_LOCK_UNKNOWN, RULE_UNLOCKED, RULE_LOCKED };

/* A desktop of the workstation, as it says itself. Texts are borrowed and
 * hostile; "" = nothing is said. */
#define RULE_DESKS_MAX 32
struct rule_desk {
	const char *user, *seat;
	enum rule_lock lock;
};
enum rule_approval {
	RULE_NOT_ASKED, /* or asked, and not yet answered */
	RULE_APPROVED,
	RULE_DENIED,
};
/* Non-zero ends the walk. */
typedef int rule_device_fn(void *arg, const struct rule_device *dev);

/* Answers of whoever asks for a decision. All of them are about the device and
 * the identity of that decision; `rule' is a rule's lasting id. They must not
 * call back into the rules, except through fn. */
struct rule_world_ops {
	/* The wall clock at that time in that zone, "" being the gateway's. 0,
	 * or ERR_NOENT for a zone that is not known. */
	int (*local)(void *arg, const char *zone, int64_t at,
	    struct rule_local *out);
	/* The workstation's desktops, at most RULE_DESKS_MAX of them; 0 when
	 * it says nothing. Texts are good until the decision is made. */
	size_t (*desks)(void *arg, struct rule_desk *out);
	int (*is_armed)(void *arg, const char *token);
	/* Calls fn for each device of that kind until one answers non-zero,
	 * which is the result; else 0. */
	int (*devices)(void *arg, enum rule_devices which, rule_device_fn *fn,
	    void *fn_arg);
	/* When that last happened to the rule, Unix seconds; 0 = never. */
	int64_t (*counted)(void *arg, uint64_t rule, enum rule_count what);
	/* It happened; only told at RULE_AT_IMPORT, of rules with a condition
	 * that asks for it. */
	void (*count)(void *arg, uint64_t rule, enum rule_count what);
	/* 0..UINT32_MAX, the same for a plug, an identity and a rule. */
	uint32_t (*draw)(void *arg, uint64_t rule);
	int (*had_lease)(void *arg, uint64_t rule); /* since it was plugged */
	/* Leases of the rule in force, this device's own not counted. */
	uint32_t (*leases)(void *arg, uint64_t rule, enum rule_scope scope);
	enum rule_approval (*approval)(void *arg, uint64_t rule);
	/* A rule with `audit' would have decided that. */
	void (*noted)(void *arg, const struct rule_decision *would);
};

enum rule_moment {
	RULE_AT_LIST,	/* what is shown; nothing is counted */
	RULE_AT_IMPORT, /* a lease may come of it */
	RULE_AT_LEASE,	/* a lease that goes on is judged again */
};

struct rule_world {
	const struct rule_world_ops *ops;
	void *arg;
	int64_t now; /* Unix seconds */
	enum rule_moment moment;
	/* With RULE_AT_LEASE: the rule that granted it. Its entry conditions
	 * (armed, plugged-within, random, rule-applied, rule-evaluated) and
	 * entry terms (once, max, approve) stay true. */
	uint64_t granted_by;
};

/* One error of a load. Texts live in the load. A column counts bytes. */
struct rule_error {
	const char *file;
	unsigned line, column; /* from 1 */
	const char *text;   /* "unknown attribute `foo'; expected `id', ..." */
	const char *source; /* the line itself, printable, cut */
	unsigned caret;	    /* where in source the column is, from 1 */
};

/* Loading: new → text for each file in order → finish → free. All errors of
 * all files are collected; if there was one, finish gives ERR_FORMAT and no
 * table. The errors live until the load is freed, the table longer: it is the
 * caller's, for rules_free. */
struct rules_load;
struct rules_load *rules_load_new(void);
/* name and text are copied (shown in errors). The text need not end in a NUL.
 * 0, also when the text has errors: they are collected. ERR_LIMIT when it is
 * over RULES_MAX_TEXT with all before it (an error entry too), ERR_NOMEM. What
 * it includes is read at once. */
int rules_load_text(struct rules_load *load, const char *name,
    const char *text, size_t len);
/* 0 and *out, or ERR_FORMAT (see errors) or ERR_NOMEM. */
int rules_load_finish(struct rules_load *load, struct rules **out);

/* What the gateway has, so that a rule that asks for more is a load error
 * instead of a promise that is not kept. To be set before the first text;
 * borrowed until rules_load_finish. Without it every profile, zone and issuer
 * is taken as it stands and `include' is an error. */
struct rules_means {
	int is_gateway; /* profiles and has_capture count */
	const char *const *profiles; /* that `using' may name */
	size_t nprofiles;
	int has_capture;
	/* CAs that workstations may have their certificates from. With more
	 * than one a `to' must name one. Those with a name can be named by it
	 * in "issuer:NAME". */
	unsigned nissuers;
	const struct rules_issuer *issuers;
	size_t nnamed;
	/* Whether that is a time zone; NULL = not asked. */
	int (*is_zone)(void *arg, const char *zone);
	/* The text of an included file, malloced, for the load to free, and
	 * the name that it is known by (a path free of symbolic links), which
	 * finds circles. from is the name of the including text. 0, or an
	 * error with why filled. */
	int (*read)(void *arg, const char *from, const char *path,
	    struct rules_file *out, char *why, size_t size);
	void *arg;
};
struct rules_issuer {
	const char *name;
	uint8_t key[32]; /* SHA-256 of its public key */
};
struct rules_file {
	char *name, *text;
	size_t len;
};
void rules_load_means(struct rules_load *load, const struct rules_means *means);

/* How a text is to be read: rules of our own, or USBGuard's, where an allow
 * needs no `to' (what `sallyport-policy check --usbguard' asks). */
enum rules_dialect { RULES_OWN, RULES_USBGUARD };
int rules_load_text_as(struct rules_load *load, enum rules_dialect dialect,
    const char *name, const char *text, size_t len);
/* Whether the texts that follow decide, or only narrow what those that decide
 * allow: in these a `block' or `reject' that matches refuses, and an `allow' ends
 * the reading of them and grants nothing, whatever its terms. They come first,
 * wherever they stand; `forbid' is the same in both. */
enum rules_layer { RULES_DECIDE, RULES_NARROW };
void rules_load_layer(struct rules_load *load, enum rules_layer layer);
/* Where lines of texts in USBGuard's language mean something else than to
 * USBGuard, in order: name is the correction of sallyport.rules(5), "C1" to
 * "C7". Also of lines that are errors here; until rules_load_free. */
typedef void rules_difference_cb(void *arg, const char *file, unsigned line,
    const char *name, const char *text);
void rules_load_differences(
    const struct rules_load *load, rules_difference_cb *cb, void *arg);
/* Borrowed until rules_load_free. */
size_t rules_load_error_count(const struct rules_load *load);
/* i < min(count, RULES_MAX_ERRORS). */
const struct rule_error *rules_load_error(
    const struct rules_load *load, size_t i);
void rules_load_free(struct rules_load *load);

/* Canonical form of all texts loaded so far, comments kept, in pieces; before
 * rules_load_finish and only without errors (ERR_FORMAT otherwise). Names need
 * not be defined, so one file of several can be formatted alone. */
typedef void rules_text_cb(void *arg, const char *text, size_t len);
int rules_load_format(
    const struct rules_load *load, rules_text_cb *cb, void *arg);

void rules_free(struct rules *rules);
size_t rules_count(const struct rules *rules);
/* Where rule i stands; the name is borrowed. */
void rules_where(const struct rules *rules, size_t i, const char **file,
    unsigned *line);
/* Those of one text, by the name it was loaded with. */
size_t rules_count_of(const struct rules *rules, const char *name);

/* What decisions of these rules depend on besides device and identity, as a set
 * of bits: when to judge again. */
#define RULES_ASK_TIME 1u
#define RULES_ASK_DESKS 2u /* lock, users and seats */
#define RULES_ASK_DEVICES 4u
#define RULES_ASK_ARMED 8u
unsigned rules_ask(const struct rules *rules);
/* How many `allow' that only narrow have terms, which then mean nothing. */
size_t rules_idle(const struct rules *rules);

/* `forbid' first, in any order; then the first match wins; none: block,
 * implicit. who is NULL while the identity is not known: where it matters the
 * verdict is RULE_DEPENDS. world is NULL where nothing is known of it: every
 * condition but true and false is unknown then, and so is a window; `once' and
 * `max' are met, and an approval is not given. */
void rules_decide(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    struct rule_decision *out);

/* The profile of an interface, by index of its configuration and number, under a
 * decision of these rules that allows: `using' of the first selector of `expose'
 * that shows it, else of the rule. A CDC data interface that no selector names
 * has that of its control interface. Borrowed; "" = none. */
const char *rules_profile_of(const struct rules *rules,
    const struct rule_decision *decision, const struct rule_device *device,
    unsigned config, uint8_t number);

/* The lasting id of rule i: by its key if it has one, else by its canonical
 * text; never 0. Leases, counters and approvals outlive a reload by it. */
uint64_t rules_id(const struct rules *rules, size_t i);

/* Step-by-step: for each rule from the first up to and including the deciding
 * one calls cb with why it matched or not ("serial: \"A\" is not \"B\""). */
typedef void rules_explain_cb(void *arg, const char *file, unsigned line,
    int matched, const char *reason);
void rules_explain(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, const struct rule_world *world,
    rules_explain_cb *cb, void *arg);

/* Canonical form of rule i into buf, NUL-terminated, defines expanded, groups
 * by name: parses to the same rule. Length, or ERR_NOMEM. */
int rules_print(
    const struct rules *rules, size_t i, char *buf, size_t size);

/* Pairs of rules that a person should look at, as far as they can be proved
 * attribute by attribute; of very long files only the first 20 million pairs
 * are compared. */
enum rules_overlap_kind {
	/* Whatever the later one matches, the earlier one, which asks for no
	 * condition, decides before. An allow whose terms are not met blocks
	 * and decides too. */
	RULES_UNREACHABLE,
	/* The later allow is the wider one and has other terms: the devices
	 * of the earlier one have those of the earlier one. */
	RULES_OTHER_TERMS,
};
struct rule_overlap {
	enum rules_overlap_kind kind;
	size_t earlier, later; /* for rules_print */
	const char *file, *by_file; /* of the later, of the earlier one */
	unsigned line, by_line;
};
typedef void rules_overlap_cb(void *arg, const struct rule_overlap *overlap);
void rules_overlaps(
    const struct rules *rules, rules_overlap_cb *cb, void *arg);

#endif
