/*
 * Device filters of usbredir and of Citrix, put into rules of ours. Pure, like
 * all of the engine; it knows nothing of how our rules are parsed.
 *
 * Both judge each interface of a device by itself, the first match deciding,
 * and a device is let through when every interface is; ours judge the device.
 * The translation allows no device that the original refuses, as far as its
 * interfaces go, and refuses some that the original allows: see IMPORT in
 * sallyport-policy(1). The class of the device descriptor is compared by both,
 * and by no rule of ours.
 */
#ifndef POLICY_RULES_FOREIGN_H
#define POLICY_RULES_FOREIGN_H

#include <stddef.h>

#define FOREIGN_MAX_RULES 4096u

enum foreign_kind {
	/* "class,vendor,product,version,allow", numbers as in C, -1 = any;
	 * joined by `|' or newlines. Lines that start with # are comments. */
	FOREIGN_USBREDIR,
	/* usb.conf: "DENY: class=03 subclass=01 # keyboards", joined by `;' or
	 * newlines. */
	FOREIGN_CITRIX,
};

struct foreign_error {
	unsigned line, column; /* from 1, a column counts bytes */
	char text[160];
};

/* One rule of ours, without a newline, and the line that it comes from. Lines
 * only grow; several rules may come from one. An allow has no receiver: that
 * is for the caller to add. What is not 0 ends the translation. */
typedef int foreign_rule_cb(void *arg, unsigned line, const char *rule,
    size_t len);

/* All rules in order, none if any of them is wrong or cannot be said in ours.
 * 0, ERR_FORMAT and ERR_LIMIT with err filled, ERR_NOMEM, or what cb gave. */
int foreign_translate(enum foreign_kind kind, const char *text, size_t len,
    foreign_rule_cb *cb, void *arg, struct foreign_error *err);

#endif
