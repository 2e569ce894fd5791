/*
 * What a scenario expects: of the answers to the workstation, in their order;
 * of what the warden heard, each kind in its order; of the device. Nothing else
 * may have come: what is left at the end is a failure, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/facts/facts.h"
#include "tests/sim/sim.h"

/* ------------------------------------------------------------------------ */
/* Answers to the workstation                                               */

static char *
hex_of(char *buf, size_t size, const uint8_t *p, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < len && at + 8 < size; i++) {
		at += (size_t)snprintf(buf + at, size - at, "%02x", p[i]);
	}
	if (at / 2 < len) {
		(void)snprintf(buf + at, size - at, "..");
	}
	return buf;
}

static int
fail_heard(struct sim *sim, const char *expected, const struct sim_heard *h)
{
	char bytes[200];
	int has = h != NULL && h->data != NULL && h->len > 0;

	return sim_fail(sim, "expected %s; came %s%s%s%s%s", expected,
	    h != NULL                          ? h->text
	    : sim->rig->ended || sim->rig->eof ? "the end of the stream"
					       : "nothing",
	    has ? " = " : "",
	    has ? hex_of(bytes, sizeof(bytes), h->data, h->len) : "",
	    h != NULL && h->packets[0] != '\0' ? " packets" : "",
	    h != NULL ? h->packets : "");
}

static void
took(struct sim *sim)
{
	struct sim_heard *h = sim->heard;

	sim->heard = h->next;
	if (sim->heard == NULL) {
		sim->tail = &sim->heard;
	}
	free(h->data);
	free(h);
}

static int
has_data(struct sim *sim, const struct sim_heard *h)
{
	return (sim->is_open ? h->len >= sim->len : h->len == sim->len) &&
	       (sim->len == 0 || memcmp(h->data, sim->data, sim->len) == 0);
}

/* The line's words from 1 on, up to a `=' or `packets', are what came. */
static int
heard(struct sim *sim)
{
	struct sim_heard *h = sim->heard;
	char expected[600] = "", packets[500] = "", bytes[200];
	unsigned i = 1;
	int has;

	for (; i < sim->line.n && !sim_is(sim, i, "=") &&
	       !sim_is(sim, i, "packets");
	     i++) {
		size_t at = strlen(expected);

		(void)snprintf(expected + at, sizeof(expected) - at, "%s%s",
		    i > 1 ? " " : "", sim_word(sim, i));
	}
	if (sim_is(sim, i, "packets")) {
		for (i++; i < sim->line.n && !sim_is(sim, i, "="); i++) {
			size_t at = strlen(packets);

			(void)snprintf(packets + at, sizeof(packets) - at,
			    " %s", sim_word(sim, i));
		}
	}
	if (sim_data(sim, 1, &has) != 0) {
		return -1;
	}
	if (h == NULL || strcmp(h->text, expected) != 0 ||
	    (packets[0] != '\0' && strcmp(h->packets, packets) != 0)) {
		(void)snprintf(expected + strlen(expected),
		    sizeof(expected) - strlen(expected), "%s%s",
		    packets[0] != '\0' ? " packets" : "", packets);
		return fail_heard(sim, expected, h);
	}
	if (has && !has_data(sim, h)) {
		(void)snprintf(expected + strlen(expected),
		    sizeof(expected) - strlen(expected), " = %s%s",
		    hex_of(bytes, sizeof(bytes), sim->data, sim->len),
		    sim->is_open ? " .." : "");
		return fail_heard(sim, expected, h);
	}
	took(sim);
	return 0;
}

/* `expect submits FIRST LAST STATUS LENGTH': a run of answers, in order */
static int
submits(struct sim *sim)
{
	uint32_t first, last, len;
	int32_t status;

	if (sim_number(sim, 2, &first) != 0 || sim_number(sim, 3, &last) != 0 ||
	    sim_status(sim, 4, &status) != 0 || sim_number(sim, 5, &len) != 0) {
		return -1;
	}
	for (uint32_t seq = first; seq <= last; seq++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "ret_submit %u %s %u", seq,
		    sim_status_name(status), len);
		if (sim->heard == NULL || strcmp(sim->heard->text, text) != 0) {
			return fail_heard(sim, text, sim->heard);
		}
		took(sim);
	}
	return 0;
}

static int
nothing(struct sim *sim)
{
	if (sim->heard != NULL || sim->rig->in_len > 0) {
		return fail_heard(sim, "nothing", sim->heard);
	}
	return sim->rig->eof ? sim_fail(sim,
				   "expected nothing; came the end "
				   "of the stream: %s",
				   sim_last_words())
			     : 0;
}

/* `expect closed [REASON ...]', within the second that its last bytes have */
static int
closed(struct sim *sim)
{
	char reason[512] = "";

	if (sim->is_started && !sim->rig->ended) {
		rig_pass(sim->rig, 1000000000);
		sim_hear(sim);
	}
	for (unsigned i = 2; i < sim->line.n; i++) {
		size_t at = strlen(reason);

		(void)snprintf(reason + at, sizeof(reason) - at, "%s%s",
		    i > 2 ? " " : "", sim_word(sim, i));
	}
	if (!sim->rig->ended || sim->heard != NULL) {
		return fail_heard(sim, "the end of the stream", sim->heard);
	}
	return reason[0] != '\0' && strcmp(reason, sim_last_words()) != 0
		   ? sim_fail(sim, "expected the end, for: %s; it was: %s",
			 reason, sim_last_words())
		   : 0;
}

/* ------------------------------------------------------------------------ */
/* What the warden heard                                                    */

static int
refused(struct sim *sim)
{
	const struct rig *rig = sim->rig;
	const char *rule = sim->refused < rig->nrefusals
			       ? rig->refusals[sim->refused].rule
			       : "nothing";

	if (!sim_is(sim, 2, rule)) {
		return sim_fail(sim, "expected refused %s; came %s",
		    sim_word(sim, 2), rule);
	}
	sim->refused++;
	return 0;
}

/* `expect ruled VERDICT [hook H] [key K] [log "L"] [level L] [trial]
 * [invalid] [facts WORD] [line N] [profile P]' */
static int
ruled(struct sim *sim)
{
	static const char *const levels[] = {"info", "warn", "alert"};
	const struct ipc_ruled *r = &sim->rig->ruled[sim->ruled];
	char line[16];

	if (sim->ruled >= sim->rig->nruled) {
		return sim_fail(
		    sim, "expected ruled %s; came nothing", sim_word(sim, 2));
	}
	sim->ruled++;
	(void)snprintf(line, sizeof(line), "%u", r->line);
	for (unsigned i = 2; i < sim->line.n; i++) {
		const char *word = sim_word(sim, i);
		int is_bare = 1, is_right;

		if (i == 2) {
			is_right =
			    strcmp(word,
				verdict_name((enum verdict)r->verdict)) == 0;
		} else if (strcmp(word, "trial") == 0) {
			is_right = r->is_trial;
		} else if (strcmp(word, "invalid") == 0) {
			is_right = r->is_invalid;
		} else {
			const char *arg = sim_word(sim, ++i);

			is_bare = 0;
			is_right =
			    strcmp(word, "hook") == 0
				? strcmp(arg,
				      hook_info((enum hook)r->hook)->name) == 0
			    : strcmp(word, "key") == 0
				? strcmp(arg, r->key) == 0
			    : strcmp(word, "log") == 0
				? strcmp(arg, r->log) == 0
			    : strcmp(word, "profile") == 0
				? strcmp(arg, r->profile) == 0
			    : strcmp(word, "level") == 0
				? strcmp(arg, levels[r->level % 3]) == 0
			    : strcmp(word, "line") == 0 ? strcmp(arg, line) == 0
			    : strcmp(word, "facts") == 0
				? strstr(r->text, arg) != NULL
				: -1;
		}
		if (is_right != 1) {
			return sim_fail(sim,
			    "expected ruled %s%s%s; came %s%s hook %s key "
			    "%s log %s level %s profile %s line %u: %s",
			    word, is_bare ? "" : " ",
			    is_bare ? "" : sim_word(sim, i),
			    verdict_name((enum verdict)r->verdict),
			    r->is_trial ? " trial" : "",
			    hook_info((enum hook)r->hook)->name, r->key, r->log,
			    levels[r->level % 3], r->profile, r->line, r->text);
		}
	}
	return 0;
}

/* `expect ask SERVER [ELSE]' */
static int
ask(struct sim *sim)
{
	static const char *const words[] = {"allow", "deny", "eject"};
	const struct rig *rig = sim->rig;

	if (rig->nasks <= sim->asks) {
		return sim_fail(sim, "expected an ask; came nothing");
	}
	sim->asks++;
	if (!sim_is(sim, 2, rig->ask.server) ||
	    (sim->line.n > 3 && !sim_is(sim, 3, words[rig->ask.otherwise]))) {
		return sim_fail(sim, "expected ask %s %s; came ask %s %s",
		    sim_word(sim, 2), sim_word(sim, 3), rig->ask.server,
		    words[rig->ask.otherwise]);
	}
	return 0;
}

static int
count(struct sim *sim, const char *what, unsigned *seen, unsigned n)
{
	if (*seen >= n) {
		return sim_fail(sim, "expected %s; came nothing", what);
	}
	++*seen;
	return 0;
}

static int
ask_over(struct sim *sim)
{
	return count(sim, "ask-over", &sim->over, sim->rig->nover);
}

/* `expect challenge DIGITS': how many are shown; 0 = nothing to type any more
 */
static int
challenge(struct sim *sim)
{
	const char *digits = sim->rig->challenge.digits;
	uint32_t n;

	if (sim_number(sim, 2, &n) != 0) {
		return -1;
	}
	if (sim->challenges >= sim->rig->nchallenges || strlen(digits) != n) {
		return sim_fail(sim, "expected a challenge of %u; came %s%s", n,
		    sim->challenges < sim->rig->nchallenges ? "one of "
							    : "nothing",
		    digits);
	}
	sim->challenges = sim->rig->nchallenges;
	return 0;
}

static int
no_challenge(struct sim *sim)
{
	return sim->challenges < sim->rig->nchallenges
		   ? sim_fail(sim, "expected no challenge; came %s",
			 sim->rig->challenge.digits)
		   : 0;
}

/* `expect out eject|quarantine' */
static int
out(struct sim *sim)
{
	int is_quarantine = sim_is(sim, 2, "quarantine");

	if (count(sim, "out", &sim->out, sim->rig->nout) != 0) {
		return -1;
	}
	return sim->rig->out.is_quarantine != is_quarantine
		   ? sim_fail(
			 sim, "expected %s; came the other", sim_word(sim, 2))
		   : 0;
}

/* `expect quota NAME USED': as told last */
static int
quota(struct sim *sim)
{
	const struct ipc_quota *q = &sim->rig->used;
	uint32_t used;

	if (sim_number(sim, 3, &used) != 0) {
		return -1;
	}
	return !sim_is(sim, 2, q->name) || q->used != used
		   ? sim_fail(sim, "expected quota %s %u; came %s %llu",
			 sim_word(sim, 2), used, q->name,
			 (unsigned long long)q->used)
		   : 0;
}

static int
said(struct sim *sim)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "\"%s\"", sim->rig->said);
	if (sim->said >= sim->rig->nsaid || !sim_is(sim, 2, text)) {
		return sim_fail(sim, "expected said %s; came %s",
		    sim_word(sim, 2),
		    sim->said < sim->rig->nsaid ? text : "nothing");
	}
	sim->said = sim->rig->nsaid;
	return 0;
}

/* `expect warden COUNTER N' */
static int
warden(struct sim *sim)
{
	const struct rig *rig = sim->rig;
	uint32_t n, is = sim_is(sim, 2, "lists")        ? rig->lists
			 : sim_is(sim, 2, "imports")    ? rig->imports
			 : sim_is(sim, 2, "active")     ? rig->actives
			 : sim_is(sim, 2, "identities") ? rig->identities
			 : sim_is(sim, 2, "subscribes") ? rig->subscribes
			 : sim_is(sim, 2, "wanted")     ? rig->nwanted
			 : sim_is(sim, 2, "asks")       ? rig->nasks
			 : sim_is(sim, 2, "rulings")    ? rig->nruled
			 : sim_is(sim, 2, "refusals")   ? rig->nrefusals
							: UINT32_MAX;

	if (sim_number(sim, 3, &n) != 0) {
		return -1;
	}
	if (sim_is(sim, 2, "asks")) {
		sim->asks = rig->nasks;
	} else if (sim_is(sim, 2, "rulings")) {
		sim->ruled = rig->nruled;
	} else if (sim_is(sim, 2, "refusals")) {
		sim->refused = rig->nrefusals;
	}
	return is != n ? sim_fail(sim, "expected warden %s %u; it is %u",
			     sim_word(sim, 2), n, is)
		       : 0;
}

static int
state(struct sim *sim)
{
	static const char *const names[] = {"born", "handshake", "identified",
	    "importing", "streaming", "closing"};
	const struct rig *rig = sim->rig;
	unsigned is =
	    rig->nstates > 0 ? rig->states[(rig->nstates - 1) % 16] : 0;

	return is > 5 || !sim_is(sim, 2, names[is])
		   ? sim_fail(sim, "expected state %s; it is %s",
			 sim_word(sim, 2), names[is % 6])
		   : 0;
}

/* `expect captured submit|complete|ruled [ADDRESS]', or `captured nothing' */
static int
captured(struct sim *sim)
{
	static const char *const types[] = {
	    "nothing", "submit", "complete", "ruled", "end"};
	struct capture_record r = {0};
	char address[8];
	unsigned type = 0;

	sim_read_capture(sim);
	while (sim->captured_at < sim->captured_len) {
		if (capture_decode(&r, sim->captured + sim->captured_at,
			sim->captured_len - sim->captured_at) != 0) {
			return sim_fail(sim, "no record of a capture");
		}
		sim->captured_at += capture_size(&r);
		/* not those that describe the device itself */
		if (r.id >> 63 == 0 && r.type <= CAPTURE_END) {
			type = r.type;
			break;
		}
	}
	(void)snprintf(address, sizeof(address), "0x%02x", r.endpoint);
	return !sim_is(sim, 2, types[type]) ||
		       (sim->line.n > 3 && !sim_is(sim, 3, address))
		   ? sim_fail(sim, "expected captured %s %s; came %s %s",
			 sim_word(sim, 2), sim_word(sim, 3), types[type],
			 type != 0 ? address : "")
		   : 0;
}

/* ------------------------------------------------------------------------ */
/* The device                                                               */

/* `expect setup BYTES': the next control request that reached it */
static int
setup(struct sim *sim)
{
	const struct usb_sim *dev = sim->rig->sim;
	char is[40] = "nothing";

	if (sim->setups < dev->nsetups) {
		(void)hex_of(
		    is, sizeof(is), dev->setups[sim->setups++ % 256], 8);
	}
	return !sim_is(sim, 2, is) ? sim_fail(sim, "expected setup %s; came %s",
					 sim_word(sim, 2), is)
				   : 0;
}

/* `expect device COUNTER [ADDRESS] N' */
static int
device(struct sim *sim)
{
	const struct usb_sim *dev = sim->rig->sim;
	const struct usb_sim_counts *c = &dev->counts;
	uint32_t n, address = 0, is, at = 3;

	if (sim_is(sim, 2, "moved") || sim_is(sim, 2, "alternate")) {
		if (sim_number(sim, 3, &address) != 0) {
			return -1;
		}
		at = 4;
	}
	if (sim_number(sim, at, &n) != 0) {
		return -1;
	}
	is = sim_is(sim, 2, "submits")          ? c->submits
	     : sim_is(sim, 2, "in-flight")      ? c->in_flight
	     : sim_is(sim, 2, "most-in-flight") ? c->most_in_flight
	     : sim_is(sim, 2, "cancels")        ? c->cancels
	     : sim_is(sim, 2, "claims")         ? c->claims
	     : sim_is(sim, 2, "resets")         ? c->resets
	     : sim_is(sim, 2, "clear-halts")    ? c->clear_halts
	     : sim_is(sim, 2, "set-interfaces") ? c->set_interfaces
	     : sim_is(sim, 2, "opens")          ? c->opens
	     : sim_is(sim, 2, "closes")         ? c->closes
	     : sim_is(sim, 2, "claimed")        ? dev->claimed
	     : sim_is(sim, 2, "config")         ? dev->config
	     : sim_is(sim, 2, "alternate")      ? dev->alternate[address & 31]
	     : sim_is(sim, 2, "moved")
		 ? (uint32_t)dev
		       ->endpoints[(address & 15) | (address & 0x80 ? 16 : 0)]
		       .moved
		 : UINT32_MAX;
	return is != n ? sim_fail(sim, "expected device %s %u; it is %u",
			     sim_word(sim, 2), n, is)
		       : 0;
}

/* `expect took ADDRESS = BYTES': the beginning of what it took last there */
static int
took_last(struct sim *sim)
{
	struct usb_sim_endpoint *ep;
	uint32_t address;
	char is[200];
	int has;

	if (sim_number(sim, 2, &address) != 0 || sim_data(sim, 3, &has) != 0) {
		return -1;
	}
	ep = usb_sim_ep(sim->rig->sim, (uint8_t)address);
	return ep->last_len < sim->len ||
		       memcmp(ep->last, sim->data, sim->len) != 0
		   ? sim_fail(sim, "expected other bytes; it took %s",
			 hex_of(is, sizeof(is), ep->last, ep->last_len))
		   : 0;
}

static int
broker(struct sim *sim)
{
	uint32_t n;

	if (sim_number(sim, 2, &n) != 0) {
		return -1;
	}
	return sim->rig->config_asked != n || sim->rig->set_configs == 0
		   ? sim_fail(sim,
			 "expected that the broker is asked for %u; it was "
			 "asked %u times, last for %u",
			 n, sim->rig->set_configs, sim->rig->config_asked)
		   : 0;
}

const struct sim_verb sim_expect_verbs[] = {
    {"expect ret_submit", 3, heard},
    {"expect ret_unlink", 2, heard},
    {"expect op_rep_import", 1, heard},
    {"expect devlist", 1, heard},
    {"expect line", 1, heard},
    {"expect submits", 4, submits},
    {"expect nothing", 0, nothing},
    {"expect closed", 0, closed},
    {"expect refused", 1, refused},
    {"expect ruled", 1, ruled},
    {"expect ask", 1, ask},
    {"expect ask-over", 0, ask_over},
    {"expect challenge", 1, challenge},
    {"expect no-challenge", 0, no_challenge},
    {"expect out", 1, out},
    {"expect quota", 2, quota},
    {"expect said", 1, said},
    {"expect warden", 2, warden},
    {"expect state", 1, state},
    {"expect captured", 1, captured},
    {"expect setup", 1, setup},
    {"expect device", 2, device},
    {"expect took", 2, took_last},
    {"expect config-asked", 1, broker},
    {NULL, 0, NULL},
};
