/*
 * What warden and broker of a scenario do: which profiles there are and who has
 * them, answers, captures, and their own end.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/sim/sim.h"

#define STOCK "policy/profiles/stock"

/* ------------------------------------------------------------------------ */
/* Profiles                                                                 */

static int
load_stock(struct sim *sim, struct profile_load *load)
{
	static char text[64 * 1024];
	struct dirent **list = NULL;
	int n = scandir(STOCK, &list, NULL, alphasort), r = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		const char *dot = strrchr(list[i]->d_name, '.');
		char path[512];
		size_t len;
		FILE *f;

		(void)snprintf(
		    path, sizeof(path), STOCK "/%s", list[i]->d_name);
		f = dot != NULL && strcmp(dot, ".profile") == 0
			? fopen(path, "r")
			: NULL;
		if (f != NULL) {
			len = fread(text, 1, sizeof(text), f);
			(void)fclose(f);
			r |= profile_load_text(
			    load, PROFILE_STOCK, list[i]->d_name, text, len);
		}
		free(list[i]);
	}
	free(list);
	return r != 0 ? sim_fail(sim, "no stock profiles in " STOCK) : 0;
}

static struct profile_set *
load(struct sim *sim)
{
	struct profile_load *l = profile_load_new();
	struct profile_set *set = NULL;

	if (l == NULL || load_stock(sim, l) != 0) {
		profile_load_free(l);
		return NULL;
	}
	if (sim->profiles != NULL) {
		(void)profile_load_text(l, PROFILE_LOCAL, "sim.profile",
		    sim->profiles, sim->profiles_len);
	}
	if (profile_load_finish(l, &set) != 0) {
		const struct profile_error *e = profile_load_error(l, 0);

		(void)sim_fail(sim, "profile, line %u: %s: %s",
		    sim->profile_line + e->line, e->text, e->source);
	}
	profile_load_free(l);
	return set;
}

static const char *using(const struct sim *sim, int interface)
{
	const char *name = NULL;

	for (unsigned i = 0; i < sim->nusings; i++) {
		if (sim->usings[i].interface == interface ||
		    sim->usings[i].interface == -1) {
			name = sim->usings[i].name;
		}
	}
	return name;
}

/* Binds each interface of each configuration, as the warden does. */
static int
bind(struct sim *sim, const struct profile_set *set, struct profile_bind *binds,
    size_t *n)
{
	static struct desc_config config;
	const struct devrec *rec = &sim->rig->rec;
	char why[256];

	for (unsigned c = 0; c < rec->nconfigs; c++) {
		size_t len;
		const uint8_t *bytes = devrec_config(rec, c, &len);

		if (desc_parse_config(&config, bytes, len, NULL) != 0) {
			return sim_fail(sim, "configuration %u", c);
		}
		for (unsigned a = 0; a < config.nalts; a++) {
			const struct desc_alt *alt = &config.alts[a];
			const char *name = using(sim, alt->number);
			int i;

			if (alt->alternate != 0 || name == NULL ||
			    strcmp(name, "none") == 0) {
				continue;
			}
			i = profile_choose(
			    set, name, &config, bytes, alt, why, sizeof(why));
			if (i < 0) {
				return sim_fail(sim, "using %s: %s", name, why);
			}
			binds[(*n)++] = (struct profile_bind){
			    bytes[5], alt->number, (uint16_t)i};
		}
	}
	return 0;
}

int
sim_compile(struct sim *sim, size_t *size)
{
	struct profile_bind binds[64];
	struct profile_set *set = load(sim);
	char why[256];
	size_t n = 0;

	if (set == NULL) {
		return -1;
	}
	free(TAKE(sim->block));
	if (bind(sim, set, binds, &n) == 0 &&
	    profile_build(
		set, binds, n, 0, &sim->block, size, why, sizeof(why)) != 0) {
		(void)sim_fail(sim, "profiles: %s", why);
	}
	profile_set_free(set);
	return sim->block != NULL ? 0 : -1;
}

/* using NAME [INTERFACE] */
static int
use(struct sim *sim)
{
	uint32_t interface = 0;

	if (sim->nusings == SIM_USINGS ||
	    (sim->line.n > 2 && sim_number(sim, 2, &interface) != 0)) {
		return sim_fail(sim, "using NAME [INTERFACE]");
	}
	sim->usings[sim->nusings].interface =
	    sim->line.n > 2 ? (int)interface : -1;
	(void)snprintf(sim->usings[sim->nusings++].name, PROFILE_NAME, "%s",
	    sim_word(sim, 1));
	return 0;
}

/* With the profiles as they are now. */
static int
swaps(struct sim *sim)
{
	static const char garbage[] = "this is no table of profiles";
	size_t size;

	if (sim_is(sim, 2, "garbage")) {
		rig_profiles(sim->rig, garbage, sizeof(garbage));
		sim_settle(sim);
		return 0;
	}
	if (sim_compile(sim, &size) != 0) {
		return -1;
	}
	rig_profiles(sim->rig, sim->block, size);
	sim_settle(sim);
	return 0;
}

/* quota PROFILE NAME USED: from before this session */
static int
quota(struct sim *sim)
{
	struct ipc_quota *q = &sim->rig->quota;
	uint32_t used;

	if (sim_number(sim, 3, &used) != 0) {
		return -1;
	}
	(void)snprintf(q->profile, sizeof(q->profile), "%s", sim_word(sim, 1));
	(void)snprintf(q->name, sizeof(q->name), "%s", sim_word(sim, 2));
	q->used = used;
	q->since = 1764028800;
	return 0;
}

/* expose INTERFACE ...: the others are hidden, in each configuration */
static int
expose(struct sim *sim)
{
	uint32_t number;

	sim->rig->is_masked = 1;
	for (unsigned i = 1; i < sim->line.n; i++) {
		if (sim_number(sim, i, &number) != 0 || number > 255) {
			return -1;
		}
		for (unsigned c = 0; c < DESC_MAX_CONFIGS; c++) {
			sim->rig->mask[c][number / 8] |=
			    (uint8_t)(1u << number % 8);
		}
	}
	return 0;
}

static int
limit(struct sim *sim)
{
	static const char *const names[] = {"urbs", "bytes", "held",
	    "held-bytes", "out-bytes", "urb-bytes", "control-bytes",
	    "skip-bytes"};
	struct session_limits *l = &sim->rig->limits;
	uint32_t *const at[] = {&l->urbs, &l->bytes, &l->held, &l->held_bytes,
	    &l->out_bytes, &l->urb_bytes, &l->control_bytes, &l->skip_bytes};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sim_is(sim, 1, names[i])) {
			return sim_number(sim, 2, at[i]);
		}
	}
	return sim_fail(sim, "no limit: %s", sim_word(sim, 1));
}

static int
protocol(struct sim *sim)
{
	sim->rig->protocol = "sallyport-events/1";
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Warden and broker                                                        */

/* warden gives nothing|busy|error|late, or says nothing at all */
static int
gives(struct sim *sim)
{
	struct rig *rig = sim->rig;

	if (sim_is(sim, 2, "nothing")) {
		rig->imported_err = ERR_NOENT;
	} else if (sim_is(sim, 2, "busy")) {
		rig->imported_err = ERR_BUSY;
	} else if (sim_is(sim, 2, "error")) {
		rig->imported_err = ERR_SYS;
	} else if (sim_is(sim, 2, "late")) {
		rig->device_late = 1;
	} else {
		return sim_fail(sim, "warden gives `%s'?", sim_word(sim, 2));
	}
	return 0;
}

static int
is_mute(struct sim *sim)
{
	sim->rig->mute_warden = 1;
	return 0;
}

static int
does_not_welcome(struct sim *sim)
{
	sim->rig->identified_err = ERR_POLICY;
	return 0;
}

static int
lists(struct sim *sim)
{
	uint32_t n;

	if (sim_number(sim, 2, &n) != 0) {
		return -1;
	}
	sim->rig->nitems = n;
	return 0;
}

static int
says(struct sim *sim)
{
	static const char *const words[] = {"allow", "deny", "eject"};

	if (sim->rig->nasks == 0) {
		return sim->is_lenient ? 0 : sim_fail(sim, "nothing is asked");
	}
	for (unsigned i = 0; i < 3; i++) {
		if (sim_is(sim, 2, words[i])) {
			rig_verdict(
			    sim->rig, sim->rig->ask.id, (enum ipc_say)i);
			sim_settle(sim);
			return 0;
		}
	}
	return sim_fail(sim, "warden says allow|deny|eject");
}

static int
watches(struct sim *sim)
{
	int is_there = !sim_is(sim, 2, "nothing");

	sim->rig->is_listening = is_there;
	if (sim->is_started) {
		rig_listening(sim->rig, is_there);
		sim_settle(sim);
	}
	return 0;
}

static int
sends(struct sim *sim)
{
	const char *text = sim_word(sim, 2);
	size_t len = strlen(text);

	if (len < 2 || rig_line(sim->rig, text + 1, len - 2) != 0) {
		return sim->is_lenient ? 0 : sim_fail(sim, "the line is lost");
	}
	sim_settle(sim);
	return 0;
}

/* warden captures all|rules */
static int
captures(struct sim *sim)
{
	if (pipe2(sim->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		return sim_fail(sim, "no pipe");
	}
	rig_capture(sim->rig, sim->pipe[1], sim_is(sim, 2, "all"));
	close_fd(&sim->pipe[1]);
	sim_settle(sim);
	return 0;
}

static int
ends_capture(struct sim *sim)
{
	rig_capture(sim->rig, -1, 0);
	sim_settle(sim);
	return 0;
}

static int
warden_leaves(struct sim *sim)
{
	close_fd(&sim->rig->warden);
	sim_settle(sim);
	return 0;
}

static int
broker_leaves(struct sim *sim)
{
	close_fd(&sim->rig->broker);
	sim_settle(sim);
	return 0;
}

/* broker sets nothing: it does not answer; broker refuses */
static int
broker_waits(struct sim *sim)
{
	sim->rig->mute_broker = 1;
	return 0;
}

static int
broker_is_mute(struct sim *sim)
{
	sim->rig->has_no_key = 1;
	return 0;
}

static int
broker_refuses(struct sim *sim)
{
	sim->rig->config_err = ERR_SYS;
	return 0;
}

/* What it was asked for, at last. */
static int
broker_sets(struct sim *sim)
{
	struct ipc_result m = {.err = 0};
	uint8_t buf[16];
	int n = ipc_encode_result(buf, sizeof(buf), &m);

	sim->rig->sim->config = sim->rig->config_asked;
	(void)channel_send(
	    sim->rig->broker, IPC_CONFIG_SET, 0, buf, (size_t)n, -1);
	sim_settle(sim);
	return 0;
}

/* handshake fails|closes|nameless|keyless */
static int
handshake(struct sim *sim)
{
	struct rig *rig = sim->rig;

	if (sim_is(sim, 1, "fails")) {
		rig->handshake_err = ERR_TLS;
	} else if (sim_is(sim, 1, "closes")) {
		rig->handshake_err = ERR_CLOSED;
	} else if (sim_is(sim, 1, "nameless")) {
		rig->facts_err = ERR_FORMAT;
	} else if (sim_is(sim, 1, "keyless")) {
		rig->open_err = ERR_TLS;
	} else {
		return sim_fail(sim, "handshake fails|closes|nameless|keyless");
	}
	return 0;
}

/* Of another device than the warden's. */
static int
broker_errs(struct sim *sim)
{
	sim->rig->device_place.devnum++;
	return 0;
}

const struct sim_verb sim_warden_verbs[] = {
    {"using", 1, use}, {"handshake", 1, handshake},
    {"quota", 3, quota},
    {"expose", 1, expose},
    {"limit", 2, limit},
    {"protocol events", 0, protocol},
    {"warden gives", 1, gives},
    {"warden mute", 0, is_mute},
    {"warden refuses", 0, does_not_welcome},
    {"warden lists", 1, lists},
    {"warden says", 1, says},
    {"warden swaps", 0, swaps},
    {"warden watches", 0, watches},
    {"warden sends", 1, sends},
    {"warden captures", 1, captures},
    {"warden ends", 0, ends_capture},
    {"warden leaves", 0, warden_leaves},
    {"broker leaves", 0, broker_leaves},
    {"broker waits", 0, broker_waits},
    {"broker mute", 0, broker_is_mute},
    {"broker refuses", 0, broker_refuses},
    {"broker sets", 0, broker_sets},
    {"broker errs", 0, broker_errs},
    {NULL, 0, NULL},
};

/* ------------------------------------------------------------------------ */

void
sim_read_capture(struct sim *sim)
{
	const size_t room = 4u << 20;
	ssize_t n = 1;

	if (sim->pipe[0] == -1) {
		return;
	}
	if (sim->captured == NULL) {
		sim->captured = malloc(room);
	}
	while (sim->captured != NULL && n > 0) {
		n = read(sim->pipe[0], sim->captured + sim->captured_len,
		    room - sim->captured_len);
		if (n > 0) {
			sim->captured_len += (size_t)n;
			(void)rig_turn(sim->rig); /* for what did not fit */
		}
	}
}
