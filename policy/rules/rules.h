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

/* Limits of a load; what is over them is an error entry, never cut. */
#define RULES_MAX_TEXT (16u << 20) /* bytes of one text */
#define RULES_MAX_RULES 100000u
#define RULES_MAX_SET 4096u	   /* values of one set, defines expanded */
#define RULES_MAX_EQUALS 1024u	   /* of one compared as a whole */
#define RULES_MAX_VALUES (1u << 20) /* of all sets together */
#define RULES_MAX_NESTING 16u	   /* groups in groups, defines in defines */
#define RULES_MAX_ERRORS 100u	   /* kept; all are counted */
/* Interface descriptors of a device; one with more matches no rule. */
#define RULE_INTERFACES_MAX 1024u

/* Interface of a device as rules see it: one per interface descriptor, every
 * alternate of every configuration, in descriptor order. */
struct rule_interface {
	uint8_t class, subclass, protocol;
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
};

enum rule_verdict { RULE_BLOCK = 0, RULE_ALLOW = 1, RULE_REJECT = 2 };

struct rule_decision {
	enum rule_verdict verdict;
	/* Where the deciding rule stands; file "" and line 0 with
	 * is_implicit when no rule matched. Borrowed from the rules. */
	const char *file;
	unsigned line;
	const char *key;   /* the rule's key, "" if none */
	int is_implicit;
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
 * over RULES_MAX_TEXT (an error entry too), ERR_NOMEM. */
int rules_load_text(struct rules_load *load, const char *name,
    const char *text, size_t len);
/* 0 and *out, or ERR_FORMAT (see errors) or ERR_NOMEM. */
int rules_load_finish(struct rules_load *load, struct rules **out);
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
/* Those of one text, by the name it was loaded with. */
size_t rules_count_of(const struct rules *rules, const char *name);

/* First match wins; none: block, implicit. who is NULL while the identity is
 * not known: then rules with `to` do not match (used only for showing). */
void rules_decide(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, struct rule_decision *out);

/* Step-by-step: for each rule from the first up to and including the deciding
 * one calls cb with why it matched or not ("serial: \"A\" is not \"B\""). */
typedef void rules_explain_cb(void *arg, const char *file, unsigned line,
    int matched, const char *reason);
void rules_explain(const struct rules *rules, const struct rule_device *dev,
    const struct x509_facts *who, rules_explain_cb *cb, void *arg);

/* Canonical form of rule i into buf, NUL-terminated, defines expanded, groups
 * by name: parses to the same rule. Length, or ERR_NOMEM. */
int rules_print(
    const struct rules *rules, size_t i, char *buf, size_t size);

#endif
