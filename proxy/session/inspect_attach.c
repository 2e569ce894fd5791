/*
 * Which profile, judge and decoder each interface of the active configuration
 * has. Runs in sallyport-session. The table says which profile; the decoder is
 * that of the active alternate's class, as far as the profile speaks to it.
 */
#include "proxy/session/inspect_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/random.h"
#include "wire/usbip.h"

/* ------------------------------------------------------------------------ */
/* Hosts of decoders                                                        */

static void
on_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	if (random_fill(buf, len) != 0) {
		fatal("getrandom");
	}
}

static int
on_challenge(void *arg, const char *digits, uint64_t within)
{
	struct inspect *i = arg;

	return i->hooks.challenge(i->hooks.arg, digits, within);
}

static void
on_note(void *arg, const char *what, const char *text)
{
	struct inspect *i = arg;

	i->hooks.refused(i->hooks.arg, what, text);
}

static void
on_answer_in(void *arg, uint8_t endpoint, const void *data, uint32_t len)
{
	inspect_answer_in(arg,
	    transfer_index(USBIP_DIR_IN, endpoint & 0x0f), data, len);
}

static const struct decoder *
on_sibling(void *arg, uint8_t interface)
{
	const struct inspect *i = arg;

	for (unsigned n = 0; n < i->nfaces; n++) {
		if (i->faces[n].number == interface) {
			return i->faces[n].decoder;
		}
	}
	return NULL;
}

const struct decode_host_ops inspect_host = {
	.random = on_random,
	.challenge = on_challenge,
	.note = on_note,
	.answer_in = on_answer_in,
	.sibling = on_sibling,
};

void
inspect_on_tick(void *arg)
{
	struct inspect *i = arg;
	uint64_t now = clock_mono(), first = 0;

	for (unsigned n = 0; n < i->nfaces; n++) {
		struct face *face = &i->faces[n];
		uint64_t due = 0;

		if (face->decoder != NULL) {
			i->current = face;
			due = face->decoder->ops->tick(face->decoder, now);
		}
		if (due != 0 && (first == 0 || due < first)) {
			first = due;
		}
	}
	if (first != 0) {
		loop_timer_set(i->tick, first > now ? first - now : 0);
	} else {
		loop_timer_stop(i->tick);
	}
}

/* ------------------------------------------------------------------------ */
/* Judges                                                                   */

static int
find_profile(const struct inspect *i, const char *name)
{
	for (unsigned p = 0; p < i->nprofiles; p++) {
		if (strcmp(table_name(&i->table, p), name) == 0) {
			return (int)p;
		}
	}
	return -1;
}

int
inspect_judges(struct inspect *i, const struct table *table)
{
	unsigned n = table_profiles(table);
	struct pjudge *judges = calloc(n + 1, sizeof(*judges));
	uint64_t now = clock_mono();

	if (judges == NULL) {
		return ERR_NOMEM;
	}
	for (unsigned p = 0; p < n; p++) {
		int old = find_profile(i, table_name(table, p));
		const struct pjudge_sink sink = {
			inspect_on_report, &judges[p]};

		if (old >= 0) {
			judges[p] = i->judges[old];
			judges[p].sink = sink;
			pjudge_swap(&judges[p], table, p, now);
		} else {
			pjudge_init(
			    &judges[p], table, p, &sink, i->how.wall, now);
		}
		judges[p].owner = i;
	}
	/* asks name a judge by its number: those of before are over */
	for (unsigned k = 0; k < INSPECT_ASKS + ASKS_AT_ONCE; k++) {
		struct ask *ask = &i->asks[k];

		if (ask->id != 0) {
			int to = -1;

			for (unsigned p = 0; p < n; p++) {
				if (strcmp(table_name(table, p),
					table_name(&i->table,
					    ask->profile)) == 0) {
					to = (int)p;
				}
			}
			ask->profile = to >= 0 ? (unsigned)to : 0;
		}
	}
	free(i->judges);
	i->judges = judges;
	i->nprofiles = n;
	i->table = *table;
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Interfaces                                                               */

static int
view_of(const struct inspect *i, const struct face *face,
    struct decode_iface *out)
{
	const struct floor *floor = i->how.floor;
	const struct floor_interface *at = floor_interface(floor, face->number);
	size_t len;

	*out = (struct decode_iface){
		.rec = floor->rec,
		.config = &floor->config,
		.bytes =
		    devrec_config_by_value(floor->rec, floor->value, &len),
		.alt = desc_find_alt(&floor->config, face->number,
		    at != NULL ? at->alternate : 0),
		.speed = floor->rec->speed,
	};
	return out->bytes != NULL && out->alt != NULL ? 0 : ERR_NOENT;
}

/* Keeps it until nothing of its transfers can be at the device. */
static int
bury(struct inspect *i, struct decoder *decoder)
{
	struct grave *g;

	if (decoder == NULL) {
		return 0;
	}
	g = malloc(sizeof(*g));
	if (g == NULL) {
		return ERR_NOMEM;
	}
	*g = (struct grave){i->graves, decoder};
	i->graves = g;
	return 0;
}

static int
renew(struct inspect *i, struct face *face, const struct decoder_ops *ops)
{
	struct decoder *d = NULL;

	if (face->decoder != NULL && face->decoder->ops == ops) {
		return 0;
	}
	if (ops != NULL) {
		d = calloc(1, ops->size);
		if (d == NULL) {
			return ERR_NOMEM;
		}
		d->ops = ops;
	}
	if (bury(i, face->decoder) != 0) {
		free(d);
		return ERR_NOMEM;
	}
	face->decoder = d;
	face->inflight = 0;
	face->bytes = 0;
	return 0;
}

static int
attach(struct inspect *i, struct face *face, const struct decode_iface *iface,
    const char **why)
{
	struct judge_terms terms;
	const struct decode_how how = {
		.iface = iface,
		.judge = &i->judges[face->profile].judge,
		.terms = &terms,
		.host = &inspect_host,
		.host_arg = i,
		.now = clock_mono(),
	};
	struct decoder *d = face->decoder;

	if (d == NULL) {
		return 0;
	}
	table_terms(&i->table, (unsigned)face->profile, &terms);
	d->judge = how.judge;
	d->host = how.host;
	d->host_arg = how.host_arg;
	i->current = face;
	return d->ops->attach(d, &how, why) == 0 ? 0 : ERR_POLICY;
}

int
inspect_attach_face(struct inspect *i, struct face *face, const char **why)
{
	struct decode_iface iface;
	uint32_t hooks = 0;
	int r;

	*why = "its interface is not in the descriptors";
	if (view_of(i, face, &iface) != 0) {
		return ERR_FORMAT;
	}
	face->profile =
	    table_bound(&i->table, i->how.floor->value, face->number);
	face->caps = (struct table_caps){0};
	if (face->profile >= 0) {
		hooks = table_hooks(&i->table, (unsigned)face->profile);
		table_caps(&i->table, (unsigned)face->profile, &face->caps);
		i->has_caps |=
		    face->caps.inflight != 0 || face->caps.bytes != 0;
	}
	*why = "no memory";
	r = renew(i, face, decoder_find(&iface, hooks));
	return r == 0 ? attach(i, face, &iface, why) : r;
}

void
inspect_map_endpoints(struct inspect *i)
{
	const struct floor *floor = i->how.floor;

	for (unsigned e = 0; e < TRANSFER_ENDPOINTS; e++) {
		i->endpoints[e] = NULL;
		for (unsigned n = 0;
		    floor->endpoints[e].is_there && n < i->nfaces; n++) {
			if (i->faces[n].number ==
			    floor->endpoints[e].interface) {
				i->endpoints[e] = &i->faces[n];
			}
		}
	}
	loop_timer_set(i->tick, 0);
}

void
inspect_detach_all(struct inspect *i)
{
	for (unsigned n = 0; n < i->nfaces; n++) {
		free(i->faces[n].decoder);
	}
	while (i->graves != NULL) {
		struct grave *g = i->graves;

		i->graves = g->next;
		free(g->decoder);
		free(g);
	}
	memset(i->faces, 0, sizeof(i->faces));
	memset(i->endpoints, 0, sizeof(i->endpoints));
	i->nfaces = 0;
	i->has_caps = 0;
	i->current = NULL;
}

int
inspect_attach_all(struct inspect *i, const char **why)
{
	const struct floor *floor = i->how.floor;
	int r = 0;

	inspect_detach_all(i);
	inspect_drop_answers(i);
	for (unsigned n = 0; r == 0 && n < floor->ninterfaces; n++) {
		struct face *face = &i->faces[i->nfaces++];

		face->number = floor->interfaces[n].number;
		r = inspect_attach_face(i, face, why);
	}
	inspect_map_endpoints(i);
	return r;
}
