/*
 * The warden's answers, for people. Texts in them are escaped already.
 */
#include "proxy/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/usbids.h"
#include "wire/class_words.h"

#define KINDS 8u

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static long long
number_of(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

/* Only what needs somebody to do something: the rest is in --json. */
static void
show_end(const json_t *o, const char *what, const char *ends, const char *days,
    const char *soon)
{
	long long left = number_of(o, days);

	if (!json_is_true(json_object_get(o, soon))) {
		return;
	}
	if (left < 0) {
		printf("warning:  the %s ended on %s: nobody can connect\n",
		    what, text_of(o, ends));
	} else {
		printf("warning:  the %s ends in %lld days, on %s\n", what, left,
		    text_of(o, ends));
	}
}

static void
show_audit(const json_t *o)
{
	if (json_is_true(json_object_get(o, "audit_failing"))) {
		printf("audit:    CANNOT BE WRITTEN; no device is given away, "
		       "%lld lines wait\n", number_of(o, "audit_waiting"));
	}
	if (number_of(o, "audit_failed") != 0) {
		printf("audit:    %lld lines could not be written\n",
		    number_of(o, "audit_failed"));
	}
	if (json_is_true(json_object_get(o, "audit_key_waits"))) {
		puts("audit:    its first key is still here; take it away with "
		     "`sallyctl audit key'");
	}
}

/* Rules from a publisher: which, how old, until when, and what is wrong. */
static void
show_bundle(const json_t *o)
{
	if (json_object_get(o, "serial") == NULL) {
		puts("bundle:   none; nothing is exported");
	} else {
		const char *phase = text_of(o, "phase");

		printf("bundle:   serial %lld%s%s, taken %s, %lld s ago\n",
		    number_of(o, "serial"),
		    *text_of(o, "revision") != '\0' ? ", " : "",
		    text_of(o, "revision"), text_of(o, "taken"),
		    number_of(o, "age"));
		printf("          holds until %s%s\n", text_of(o, "expires"),
		    strcmp(phase, "grace") == 0 ?
			": it has expired, and its grace goes on" :
			strcmp(phase, "over") == 0 ?
			": it is over, and nothing is given any more" :
			"");
	}
	if (*text_of(o, "error") != '\0') {
		printf("          no other one is taken since %s: %s\n",
		    text_of(o, "failing_since"), text_of(o, "error"));
	}
	if (number_of(o, "idle_terms") != 0) {
		printf("          %lld local rules allow, and have terms that "
		       "mean nothing beside it\n", number_of(o, "idle_terms"));
	}
}

/* How far a server has the audit log, and what is wrong. */
static void
show_upstream(const json_t *o)
{
	printf("upstream: %lld lines sent", number_of(o, "sent"));
	if (json_object_get(o, "waiting") != NULL) {
		printf(", %lld wait", number_of(o, "waiting"));
	}
	if (*text_of(o, "taken") != '\0') {
		printf(", last taken %s", text_of(o, "taken"));
	}
	putchar('\n');
	if (number_of(o, "lost") != 0) {
		printf("          %lld LINES WERE LOST: they were rotated away "
		       "unsent\n", number_of(o, "lost"));
	}
	if (*text_of(o, "error") != '\0') {
		printf("          nothing is taken since %s: %s\n",
		    text_of(o, "failing_since"), text_of(o, "error"));
	}
}

void
show_status(const json_t *o)
{
	const json_t *rules = json_object_get(o, "rules");

	printf("sallyport %s, port %lld\n", text_of(o, "version"),
	    number_of(o, "port"));
	if (json_is_integer(rules)) {
		printf("rules:    %lld in force since %s (revision %lld)\n",
		    (long long)json_integer_value(rules),
		    text_of(o, "rules_loaded"),
		    number_of(o, "rules_revision"));
	} else {
		puts("rules:    none loaded; nothing is exported");
	}
	if (*text_of(o, "rules_error") != '\0') {
		printf("          last load failed: %s\n",
		    text_of(o, "rules_error"));
	}
	if (json_is_integer(json_object_get(o, "confirm_within"))) {
		printf("          the rules before come back in %lld s, unless "
		       "`sallyctl reload --confirm'\n",
		    number_of(o, "confirm_within"));
	}
	if (json_is_integer(json_object_get(o, "revoked"))) {
		printf("crl:      %lld certificates revoked\n",
		    number_of(o, "revoked"));
	} else if (json_object_get(o, "revoked") != NULL) {
		puts("crl:      none in force");
	}
	if (*text_of(o, "crl_error") != '\0') {
		printf("          nobody can connect: %s\n",
		    text_of(o, "crl_error"));
	}
	show_end(o, "certificate", "certificate_ends", "certificate_days",
	    "certificate_soon");
	show_end(o, "crl", "crl_ends", "crl_days", "crl_soon");
	if (json_object_get(o, "bundle") != NULL) {
		show_bundle(json_object_get(o, "bundle"));
	}
	if (json_object_get(o, "upstream") != NULL) {
		show_upstream(json_object_get(o, "upstream"));
	}
	printf("devices:  %lld\nsessions: %lld\n",
	    number_of(o, "devices"),
	    number_of(o, "sessions"));
	if (number_of(o, "asks") != 0) {
		printf("asks:     %lld wait; see `sallyctl approve'\n",
		    number_of(o, "asks"));
	}
	show_audit(o);
}

/* What is worth a line below the device's own. */
static void
show_more(const json_t *e)
{
	json_t *list = json_object_get(e, "verdicts"), *v;
	size_t i;

	if (json_is_true(json_object_get(e, "quarantined"))) {
		puts("    in quarantine; see `sallyctl quarantine'");
	}
	if (*text_of(e, "held_for") != '\0') {
		printf("    on hold for %s, %lld s\n", text_of(e, "held_for"),
		    number_of(e, "held_seconds"));
	}
	if (*text_of(e, "rule") != '\0') {
		printf("    by %s", text_of(e, "rule"));
		if (json_object_get(e, "lease_seconds") != NULL) {
			printf(", for %lld s", number_of(e, "lease_seconds"));
		}
		if (json_object_get(e, "idle_seconds") != NULL) {
			printf(", idle in %lld s",
			    number_of(e, "idle_seconds"));
		}
		putchar('\n');
	}
	if (strcmp(text_of(e, "verdict"), "depends") == 0 &&
	    json_array_size(list) == 0) {
		puts("    depends on who asks");
	}
	json_array_foreach (list, i, v) {
		printf("    %s: %s%s%s\n", text_of(v, "name"),
		    text_of(v, "verdict"),
		    *text_of(v, "term") != '\0' ? ", " : "",
		    text_of(v, "term"));
	}
}

/* Pairs of hex digits between colons: n of them, or 0. */
static int
read_pairs(const char *text, unsigned *out, int n, int digits)
{
	char *end;

	for (int i = 0; i < n; i++) {
		unsigned long v = strtoul(text, &end, 16);

		if (end - text != digits ||
		    *end != (i + 1 < n ? ':' : '\0')) {
			return 0;
		}
		out[i] = (unsigned)v;
		text = end + 1;
	}
	return n;
}

/* What it is by its interfaces, each word once; "" of none. */
static void
kinds_of(char *dst, size_t size, const json_t *e)
{
	json_t *list = json_object_get(e, "interfaces"), *f;
	const char *kinds[KINDS];
	size_t used = 0, i;
	unsigned n = 0, v[3];

	dst[0] = '\0';
	json_array_foreach (list, i, f) {
		const char *word;
		unsigned k = 0;

		if (!json_is_string(f) ||
		    read_pairs(json_string_value(f), v, 3, 2) == 0) {
			continue;
		}
		word = usb_class_word(
		    (uint8_t)v[0], (uint8_t)v[1], (uint8_t)v[2]);
		while (k < n && strcmp(kinds[k], word) != 0) {
			k++;
		}
		if (k < n || k == KINDS || *word == '\0') {
			continue;
		}
		kinds[n++] = word;
		if (used < size) {
			used += (size_t)snprintf(dst + used, size - used,
			    "%s%s", used > 0 ? " + " : "", word);
		}
	}
}

/* In words: its kinds, and what usb.ids knows of its numbers. */
static void
show_what(const json_t *e, const struct usbids *ids)
{
	char vendor[USBIDS_NAME] = "", product[USBIDS_NAME] = "", kinds[256];
	unsigned v[2];

	kinds_of(kinds, sizeof(kinds), e);
	if (read_pairs(text_of(e, "id"), v, 2, 4) != 0) {
		usbids_find(
		    ids, (uint16_t)v[0], (uint16_t)v[1], vendor, product);
	}
	if (*kinds == '\0' && *vendor == '\0') {
		return;
	}
	printf("    %s", kinds);
	if (*vendor != '\0') {
		printf("%s%s%s%s", *kinds != '\0' ? "; " : "", vendor,
		    *product != '\0' ? " " : "", product);
	}
	putchar('\n');
}

/* An identity without the digest of its CA's key: what is left says who it is to
 * a person, and is all that rules name him by. */
static const char *
holder_of(const json_t *e)
{
	const char *text = text_of(e, "holder");

	return strspn(text, "0123456789abcdef") == 64 && text[64] == ':'
	    ? text + 65
	    : text;
}

void
show_devices(const json_t *o)
{
	json_t *list = json_object_get(o, "devices"), *e;
	struct usbids *ids = usbids_open(NULL);
	size_t i;

	printf("%-10s %-9s %-32s %-40s %s\n", "BUSID", "STATE", "NAME",
	    "STABLE NAME", "HOLDER");
	json_array_foreach (list, i, e) {
		printf("%-10s %-9s %-32s %-40s %s\n", text_of(e, "busid"),
		    text_of(e, "state"), text_of(e, "name"),
		    text_of(e, "stable"),
		    *text_of(e, "refused") != '\0' ? text_of(e, "refused")
						   : holder_of(e));
		show_what(e, ids);
		show_more(e);
	}
	usbids_close(ids);
}

/* What goes through it, below its line. */
static void
show_tally(const json_t *e)
{
	char in_s[CTL_AMOUNT], out_s[CTL_AMOUNT], in[CTL_AMOUNT];
	char out[CTL_AMOUNT];

	if (!json_is_integer(json_object_get(e, "urbs"))) {
		return;
	}
	printf("      %s  %s\n", text_of(e, "device"), text_of(e, "stable"));
	printf("      %s/s in, %s/s out, %lld URBs/s; in all %s, %s, %lld "
	       "URBs; %lld open, %lld refused\n",
	    ctl_amount(in_s, (double)number_of(e, "in_s")),
	    ctl_amount(out_s, (double)number_of(e, "out_s")),
	    number_of(e, "urbs_s"),
	    ctl_amount(in, (double)number_of(e, "bytes_in")),
	    ctl_amount(out, (double)number_of(e, "bytes_out")),
	    number_of(e, "urbs"), number_of(e, "open"),
	    number_of(e, "refusals"));
}

void
show_sessions(const json_t *o)
{
	json_t *list = json_object_get(o, "sessions"), *e;
	size_t i;

	printf("%-5s %-22s %-10s %-10s %-24s %s\n", "CONN", "PEER", "STATE",
	    "BUSID", "SINCE", "NAME");
	json_array_foreach (list, i, e) {
		printf("%-5lld %-22s %-10s %-10s %-24s %s\n",
		    number_of(e, "connection"),
		    text_of(e, "peer"), text_of(e, "state"),
		    text_of(e, "busid"), text_of(e, "since"),
		    text_of(e, "name"));
		show_tally(e);
	}
}

void
show_nothing(const json_t *o)
{
	(void)o;
}

void
show_capture(const json_t *o)
{
	if (*text_of(o, "file") != '\0') {
		printf("%s\n", text_of(o, "file"));
	}
}

void
show_reload(const json_t *o)
{
	json_t *list = json_object_get(o, "changes"), *e;
	size_t i;

	if (!json_is_array(list)) {
		return;
	}
	printf("%lld rules%s\n", number_of(o, "rules"),
	    json_is_true(json_object_get(o, "dry_run"))
		? " would be in force"
		: " in force");
	json_array_foreach (list, i, e) {
		printf("%-8s %s  %s  %s", text_of(e, "change"),
		    text_of(e, "busid"), text_of(e, "stable"),
		    text_of(e, "name"));
		if (*text_of(e, "file") != '\0') {
			printf("  by %s:%lld", text_of(e, "file"),
			    number_of(e, "line"));
		}
		if (*text_of(e, "reason") != '\0') {
			printf("  (%s)", text_of(e, "reason"));
		}
		putchar('\n');
	}
	if (json_array_size(list) == 0) {
		puts("nothing changes for what is plugged in and who is known");
	}
	if (json_is_integer(json_object_get(o, "confirm_within"))) {
		printf("the rules before come back in %lld s, unless "
		       "`sallyctl reload --confirm'\n",
		    number_of(o, "confirm_within"));
	}
}

void
show_explain(const json_t *o)
{
	json_t *list = json_object_get(o, "steps"), *e;
	size_t i;

	printf("%s  %s  to %s%s\n", text_of(o, "busid"), text_of(o, "stable"),
	    text_of(o, "identity"),
	    json_is_true(json_object_get(o, "assumed")) ? " (not connected)"
							: "");
	if (number_of(o, "omitted") != 0) {
		printf("  ... %lld rules before\n", number_of(o, "omitted"));
	}
	json_array_foreach (list, i, e) {
		printf("  %s:%lld: %s%s\n", text_of(e, "file"),
		    number_of(e, "line"),
		    json_is_true(json_object_get(e, "matched")) ? "matches; "
								: "",
		    text_of(e, "reason"));
	}
	printf("%s", text_of(o, "verdict"));
	if (json_is_true(json_object_get(o, "implicit"))) {
		printf(", no rule matches");
	} else {
		printf(" by %s:%lld", text_of(o, "file"),
		    number_of(o, "line"));
	}
	if (*text_of(o, "key") != '\0') {
		printf(" key \"%s\"", text_of(o, "key"));
	}
	if (*text_of(o, "term") != '\0') {
		printf(", because of its `%s'", text_of(o, "term"));
	}
	if (*text_of(o, "approver") != '\0') {
		printf(", needs approval by %s", text_of(o, "approver"));
	}
	putchar('\n');
}

void
show_quarantine(const json_t *o)
{
	json_t *list = json_object_get(o, "quarantine"), *e;
	size_t i;

	if (!json_is_array(list)) {
		return; /* one was let go */
	}
	json_array_foreach (list, i, e) {
		printf("%-48s since %s\n", text_of(e, "stable"),
		    text_of(e, "since"));
	}
	if (json_array_size(list) == 0) {
		puts("no device is in quarantine");
	}
}

static const char *
yes_of(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "?";
}

static void
show_process(const json_t *e)
{
	char lists[24] = "?", spaces[64] = "";
	json_t *s;
	size_t i;

	if (json_is_integer(json_object_get(e, "lists"))) {
		(void)snprintf(lists, sizeof(lists), "%lld",
		    number_of(e, "lists"));
	} else if (json_is_true(json_object_get(e, "seccomp"))) {
		(void)snprintf(lists, sizeof(lists), "yes");
	}
	json_array_foreach (json_object_get(e, "namespaces"), i, s) {
		size_t len = strlen(spaces);

		(void)snprintf(spaces + len, sizeof(spaces) - len, "%s%s",
		    len > 0 ? "," : "", json_string_value(s));
	}
	if (*spaces == '\0') {
		(void)snprintf(spaces, sizeof(spaces), "%s",
		    json_is_array(json_object_get(e, "namespaces")) ? "-"
								    : "?");
	}
	printf("%-8lld %-8lld %-6s %-14s %-17s %-18s %s\n",
	    number_of(e, "pid"), number_of(e, "uid"), lists,
	    yes_of(e, "no_new_privileges"),
	    json_is_string(json_object_get(e, "capabilities"))
		? text_of(e, "capabilities") : "?",
	    spaces, text_of(e, "process"));
}

void
show_sandbox(const json_t *o)
{
	json_t *list = json_object_get(o, "processes"), *e;
	size_t i;

	printf("%-8s %-8s %-6s %-14s %-17s %-18s %s\n", "PID", "UID", "LISTS",
	    "NO PRIVILEGES", "CAPABILITIES", "NAMESPACES", "PROCESS");
	json_array_foreach (list, i, e) {
		show_process(e);
	}
	list = json_object_get(o, "lacks");
	json_array_foreach (list, i, e) {
		printf("not there: %s\n", json_string_value(e));
	}
	if (number_of(o, "landlock_abi") > 0) {
		printf("paths: sallyportd has all, the others none or their "
		       "own, by Landlock, version %lld\n",
		    number_of(o, "landlock_abi"));
	}
}

void
show_verdicts(const json_t *o)
{
	json_t *list = json_object_get(o, "verdicts"), *e;
	size_t i;

	json_array_foreach (list, i, e) {
		printf("%-16s ", text_of(e, "name"));
		if (json_is_integer(json_object_get(e, "pid"))) {
			printf("pid %lld of %s since %s\n",
			    number_of(e, "pid"), text_of(e, "user"),
			    text_of(e, "since"));
		} else {
			printf("not served; %s may\n", text_of(e, "user"));
		}
		printf("    has %lld of %lld, %lld of %lld wait; asked %lld: "
		       "%lld allowed, %lld denied, %lld ejected\n",
		    number_of(e, "out"), number_of(e, "concurrency"),
		    number_of(e, "waiting"), number_of(e, "queue"),
		    number_of(e, "asked"), number_of(e, "allowed"),
		    number_of(e, "denied"), number_of(e, "ejected"));
		printf("    no answer %lld, late %lld, remembered %lld; mean "
		       "%lld ms, longest %lld ms\n",
		    number_of(e, "otherwise"), number_of(e, "late"),
		    number_of(e, "cached"), number_of(e, "mean_ms"),
		    number_of(e, "longest_ms"));
		if (*text_of(e, "last") != '\0') {
			printf("    %lld dropped, the last: %s\n",
			    number_of(e, "dropped"), text_of(e, "last"));
		}
	}
	if (json_array_size(list) == 0) {
		puts("gateway.conf has no [verdict NAME]");
	}
}

void
show_policy(const json_t *o)
{
	json_t *list = json_object_get(o, "armed"), *e;
	size_t i;

	show_status(o);
	printf("from:     %s\n", text_of(o, "path"));
	json_array_foreach (list, i, e) {
		printf("armed:    %s, %lld s\n", text_of(e, "token"),
		    number_of(e, "seconds"));
	}
}
