/*
 * The way of a transfer through inspection. Runs in sallyport-session, after
 * the floor said yes.
 *
 * 1. A control request is ruled on at the setup hook, by the profile of its
 *    recipient; one to the device by all of them, and the first that does not
 *    allow decides. A class or vendor request of an interface then goes on to
 *    its decoder.
 * 2. Other transfers go to the decoder of their endpoint, which asks its judge.
 * 3. What the decoder says becomes the transfer's fate; see decode.h.
 *
 * An interface without a profile, or an endpoint without a decoder, passes
 * nothing.
 */
#include "proxy/session/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "policy/decode/setup.h"
#include "proxy/session/inspect_parts.h"
#include "proxy/session/reply.h"

int
inspect_new(struct inspect **outp, const struct inspect_how *how,
    const char **why)
{
	struct inspect *i = calloc(1, sizeof(*i));
	struct table table;
	int r;

	*outp = NULL;
	*why = "no memory";
	if (i == NULL) {
		return ERR_NOMEM;
	}
	i->how = *how;
	i->how.hooks = NULL;
	i->hooks = *how->hooks;
	i->deadline = loop_timer_new(how->loop, inspect_on_deadline, i);
	i->tick = loop_timer_new(how->loop, inspect_on_tick, i);
	r = i->deadline == NULL || i->tick == NULL ? ERR_NOMEM : 0;
	if (r == 0 && table_open(&table, how->block, how->size) != 0) {
		*why = "the compiled profiles do not hold together";
		r = ERR_FORMAT;
	}
	if (r == 0) {
		r = inspect_judges(i, &table);
	}
	if (r == 0) {
		r = inspect_attach_all(i, why);
	}
	if (r != 0) {
		inspect_free(i);
		return r;
	}
	*outp = i;
	return 0;
}

void
inspect_free(struct inspect *i)
{
	if (i == NULL) {
		return;
	}
	inspect_detach_all(i);
	inspect_drop_answers(i);
	loop_timer_free(i->deadline);
	loop_timer_free(i->tick);
	free(i->judges);
	free(i->packets);
	free(i);
}

void
inspect_use(struct inspect *i, struct transfers *transfers)
{
	i->how.transfers = transfers;
}

void
inspect_out(struct inspect *i, int is_quarantine, const char *what)
{
	if (!i->is_out) {
		i->is_out = 1;
		i->hooks.out(i->hooks.arg, is_quarantine, what);
	}
}

/* ------------------------------------------------------------------------ */
/* Transfers as units                                                       */

static enum desc_xfer
xfer_of(enum urb_type type)
{
	switch (type) {
	case URB_ISO:
		return XFER_ISO;
	case URB_BULK:
		return XFER_BULK;
	case URB_INTERRUPT:
		return XFER_INT;
	case URB_CONTROL:
		break;
	}
	return XFER_CONTROL;
}

static int
packet_room(struct inspect *i, uint32_t n)
{
	struct unit_packet *p;

	if (n <= i->packet_room) {
		return 0;
	}
	p = realloc(i->packets, n * sizeof(*p));
	if (p == NULL) {
		return ERR_NOMEM;
	}
	i->packets = p;
	i->packet_room = n;
	return 0;
}

/* ERR_NOMEM: for the packets. */
static int
unit_of(struct inspect *i, const struct transfer *t, struct unit *u)
{
	uint32_t at = 0;

	if (packet_room(i, t->npackets) != 0) {
		return ERR_NOMEM;
	}
	*u = (struct unit){
		.endpoint = t->index == 0 ?
		    (t->direction == USBIP_DIR_IN ? 0x80 : 0) :
		    t->urb.endpoint,
		.type = (uint8_t)xfer_of(t->urb.type),
		.flags = t->wire_flags,
		.data = t->urb.data,
		.length = t->is_iso ? t->urb.length : t->length,
		.actual = t->urb.actual < t->urb.length ? t->urb.actual :
							  t->urb.length,
		.status = reply_status_of(t->urb.result),
		.npackets = t->npackets,
		.packets = t->is_iso ? i->packets : NULL,
		.now = clock_mono(),
	};
	memcpy(u->setup, t->urb.setup, sizeof(u->setup));
	for (uint32_t n = 0; n < t->npackets; n++) {
		const struct urb_iso *iso = &t->urb.iso[n];

		i->packets[n] = (struct unit_packet){
			.offset = at,
			.length = iso->length,
			.actual = iso->actual < iso->length ? iso->actual :
							      iso->length,
			.status = reply_status_of(iso->result),
		};
		at += iso->length;
	}
	return 0;
}

static enum urb_result
result_of(int32_t status)
{
	switch (status) {
	case USBIP_OK:
	case USBIP_EREMOTEIO: /* short: said again in the reply */
		return URB_OK;
	case USBIP_EPIPE:
		return URB_STALL;
	case USBIP_ECONNRESET:
		return URB_CANCELLED;
	case USBIP_EOVERFLOW:
		return URB_OVERFLOW;
	case USBIP_ENODEV:
		return URB_GONE;
	default:
		return URB_ERROR;
	}
}

/* What a decoder made of it; it can only shrink. */
static void
unit_back(const struct unit *u, struct transfer *t)
{
	t->urb.result = result_of(u->status);
	t->urb.actual = u->actual < u->length ? u->actual : u->length;
	for (uint32_t n = 0; n < t->npackets; n++) {
		const struct unit_packet *p = &u->packets[n];

		t->urb.iso[n].actual =
		    p->actual < p->length ? p->actual : p->length;
		t->urb.iso[n].result = result_of(p->status);
	}
}

/* ------------------------------------------------------------------------ */
/* Before the device                                                        */

static enum transfer_verdict
refuse(struct inspect *i, struct transfer *t, const char *rule,
    const char *text)
{
	if (rule != NULL) {
		i->hooks.refused(i->hooks.arg, rule, text);
	}
	t->preset = USBIP_EPIPE;
	return TRANSFER_PASS;
}

static enum transfer_verdict
fall(struct inspect *i, struct transfer *t, int is_quarantine, const char *what)
{
	inspect_out(i, is_quarantine, what);
	return refuse(i, t, NULL, NULL);
}

static void
count_in(struct face *face, const struct transfer *t)
{
	face->inflight++;
	face->bytes += t->length;
}

static void
count_out(struct face *face, const struct transfer *t)
{
	face->inflight--;
	face->bytes -= t->length;
}

/* A ruling was ASK. */
static enum transfer_verdict
wait_for(struct inspect *i, struct transfer *t)
{
	return inspect_wait(i, t) == 0 ?
	    TRANSFER_WAIT :
	    fall(i, t, 0, "ejected by its profile");
}

/* What its decoder says. */
static enum transfer_verdict
submit(struct inspect *i, struct transfer *t, struct face *face)
{
	struct unit u;

	if (unit_of(i, t, &u) != 0) {
		t->preset = USBIP_ENOMEM;
		return TRANSFER_PASS;
	}
	u.actual = 0;
	u.status = 0;
	i->current = face;
	switch (face->decoder->ops->submit(face->decoder, &u)) {
	case DECODE_PASS:
		t->mark = face->decoder;
		if (t->index != 0) {
			count_in(face, t);
		}
		return TRANSFER_PASS;
	case DECODE_ANSWER:
		unit_back(&u, t);
		i->is_answer = 1;
		return TRANSFER_TAKEN;
	case DECODE_HOLD:
		return wait_for(i, t);
	case DECODE_QUARANTINE:
		return fall(i, t, 1, "quarantined by its profile");
	case DECODE_EJECT:
	case DECODE_AGAIN:
		break;
	}
	return fall(i, t, 0, "ejected by its profile");
}

/* ------------------------------------------------------------------------ */
/* Control                                                                  */

static struct face *
face_of(struct inspect *i, uint8_t number)
{
	for (unsigned n = 0; n < i->nfaces; n++) {
		if (i->faces[n].number == number) {
			return &i->faces[n];
		}
	}
	return NULL;
}

/* Whose request it is: of an interface, or one of its endpoints; NULL: the
 * device's. */
static struct face *
recipient(struct inspect *i, const uint8_t setup[8], int *is_device)
{
	unsigned index = setup[4];

	*is_device = 0;
	switch (setup[0] & 0x1f) {
	case 1:
		return face_of(
		    i, setup_interface(setup, &i->how.floor->config));
	case 2:
		if ((index & 0x0f) == 0) {
			break;
		}
		return i->endpoints[(index & 0x0f) |
		    ((index & 0x80) != 0 ? 16u : 0)];
	}
	*is_device = 1;
	return NULL;
}

/* The setup hook of one profile. */
static enum verdict
rule_setup(struct inspect *i, unsigned profile, uint64_t now)
{
	struct ruling ruling;

	judge_rule(&i->judges[profile].judge, &i->facts, now, &ruling);
	return ruling.verdict;
}

static void
setup_of(struct inspect *i, const struct transfer *t, const struct face *face)
{
	struct decode_iface iface = {
		.rec = i->how.floor->rec,
		.config = &i->how.floor->config,
		.bytes = NULL,
		.speed = i->how.floor->rec->speed,
	};
	int is_out = t->direction != USBIP_DIR_IN;
	size_t len;

	if (face != NULL) {
		const struct floor_interface *at =
		    floor_interface(i->how.floor, face->number);

		iface.bytes = devrec_config_by_value(
		    iface.rec, i->how.floor->value, &len);
		iface.alt = desc_find_alt(iface.config, face->number,
		    at != NULL ? at->alternate : 0);
	}
	setup_facts(&i->facts, t->urb.setup, is_out ? t->urb.data : NULL,
	    is_out && t->urb.data != NULL ? t->length : 0,
	    face != NULL && iface.alt != NULL ? &iface : NULL);
}

/* The first verdict that is not ALLOW, of the profiles that it concerns. */
static enum verdict
rule_request(struct inspect *i, const struct transfer *t, struct face *face,
    int is_device)
{
	uint64_t now = clock_mono();
	enum verdict v = VERDICT_ALLOW;

	setup_of(i, t, face);
	i->current = face;
	if (!is_device) {
		return face == NULL || face->profile < 0 ?
		    VERDICT_DENY :
		    rule_setup(i, (unsigned)face->profile, now);
	}
	for (unsigned p = 0; p < i->nprofiles && v == VERDICT_ALLOW; p++) {
		v = rule_setup(i, p, now);
	}
	return v;
}

/* Standard requests are the session's own business; those of a class or of a
 * vendor mean something to the interface's decoder. */
static int
is_decoders(const struct face *face, const struct transfer *t)
{
	return (t->urb.setup[0] & 0x60) != 0 && face != NULL &&
	    face->decoder != NULL;
}

static enum transfer_verdict
judge_request(struct inspect *i, struct transfer *t)
{
	int is_device;
	struct face *face = recipient(i, t->urb.setup, &is_device);

	switch (rule_request(i, t, face, is_device)) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		break;
	case VERDICT_ASK:
		return wait_for(i, t);
	case VERDICT_DENY:
	case VERDICT_DROP:
		return refuse(i, t, NULL, NULL);
	case VERDICT_QUARANTINE:
		return fall(i, t, 1, "quarantined by its profile");
	case VERDICT_EJECT:
	case VERDICTS:
		return fall(i, t, 0, "ejected by its profile");
	}
	return is_decoders(face, t) ? submit(i, t, face) : TRANSFER_PASS;
}

/* ------------------------------------------------------------------------ */

static enum transfer_verdict
judge_endpoint(struct inspect *i, struct transfer *t)
{
	struct face *face = i->endpoints[t->index];

	if (face == NULL || face->decoder == NULL) {
		return refuse(i, t, "profile.none",
		    "no profile of this device speaks of the endpoint");
	}
	if (face->caps.transfer != 0 && t->length > face->caps.transfer) {
		return refuse(i, t, "profile.cap",
		    "longer than the profile's cap on a transfer");
	}
	if (inspect_take_answer(i, t)) {
		i->is_answer = 1;
		return TRANSFER_TAKEN;
	}
	return submit(i, t, face);
}

enum transfer_verdict
inspect_judge(struct inspect *i, struct transfer *t)
{
	enum transfer_verdict v;

	if (i->is_out) {
		return refuse(i, t, NULL, NULL);
	}
	if (transfer_buffer(i->how.transfers, t) != 0) {
		t->preset = USBIP_ENOMEM;
		return TRANSFER_PASS;
	}
	/* Where nobody can be asked, `else' is an answer that is there at
	 * once, and the unit is judged once more with it. */
	i->judged = t;
	do {
		i->is_answer = i->again = 0;
		inspect_recall(i, t);
		v = t->index == 0 ? judge_request(i, t) : judge_endpoint(i, t);
	} while (i->again);
	i->judged = NULL;
	inspect_judged(i, t, v != TRANSFER_WAIT);
	if (i->is_answer) {
		transfer_answer_urb(i->how.transfers, t);
	}
	return v;
}

int
inspect_may_run(const struct inspect *i, const struct transfer *t)
{
	const struct face *face = i->endpoints[t->index];

	if (!i->has_caps || face == NULL || t->is_judged ||
	    face->inflight == 0) {
		return 1;
	}
	return (face->caps.inflight == 0 ||
		   face->inflight < face->caps.inflight) &&
	    (face->caps.bytes == 0 ||
		face->bytes + t->length <= face->caps.bytes);
}

/* ------------------------------------------------------------------------ */
/* Behind the device                                                        */

/* The face whose decoder it passed; NULL when that was replaced meanwhile. */
static struct face *
passed_by(struct inspect *i, const struct transfer *t)
{
	for (unsigned n = 0; n < i->nfaces; n++) {
		if (i->faces[n].decoder == t->mark) {
			return &i->faces[n];
		}
	}
	return NULL;
}

static enum transfer_return
empty(struct transfer *t)
{
	t->urb.actual = 0;
	for (uint32_t n = 0; n < t->npackets; n++) {
		t->urb.iso[n].actual = 0;
	}
	if (t->urb.result == URB_OK) {
		t->urb.result = URB_STALL;
	}
	return TRANSFER_REPLY;
}

static enum transfer_return
complete(struct inspect *i, struct transfer *t, struct face *face)
{
	struct unit u;

	if (unit_of(i, t, &u) != 0) {
		return empty(t);
	}
	i->current = face;
	switch (face->decoder->ops->complete(face->decoder, &u)) {
	case DECODE_PASS:
	case DECODE_ANSWER:
		unit_back(&u, t);
		return TRANSFER_REPLY;
	case DECODE_AGAIN:
		return TRANSFER_AGAIN;
	case DECODE_HOLD:
		if (inspect_wait(i, t) == 0) {
			return TRANSFER_LATER;
		}
		break;
	case DECODE_QUARANTINE:
		inspect_out(i, 1, "quarantined by its profile");
		return empty(t);
	case DECODE_EJECT:
		break;
	}
	inspect_out(i, 0, "ejected by its profile");
	return empty(t);
}

enum transfer_return
inspect_returned(struct inspect *i, struct transfer *t)
{
	struct face *face;
	enum transfer_return act;

	if (t->mark == NULL) {
		return TRANSFER_REPLY;
	}
	face = passed_by(i, t);
	if (i->is_out || face == NULL) {
		return empty(t);
	}
	i->judged = t;
	do {
		i->again = 0;
		inspect_recall(i, t);
		act = complete(i, t, face);
	} while (i->again);
	i->judged = NULL;
	inspect_judged(i, t, act != TRANSFER_LATER);
	if (act == TRANSFER_REPLY && t->index != 0) {
		count_out(face, t);
	}
	return act;
}

void
inspect_abandon(struct inspect *i, struct transfer *t)
{
	struct face *face = t->mark != NULL ? passed_by(i, t) : NULL;
	struct unit u;

	inspect_stop_waiting(i, t);
	if (face == NULL || unit_of(i, t, &u) != 0) {
		return;
	}
	t->mark = NULL;
	if (t->index != 0) {
		count_out(face, t);
	}
	u.status = USBIP_ECONNRESET;
	u.actual = 0;
	for (uint32_t n = 0; n < u.npackets; n++) {
		u.packets[n].actual = 0;
	}
	i->current = face;
	(void)face->decoder->ops->complete(face->decoder, &u);
}

/* ------------------------------------------------------------------------ */
/* What changes                                                             */

int
inspect_config(struct inspect *i, const char **why)
{
	return inspect_attach_all(i, why);
}

int
inspect_interface(struct inspect *i, uint8_t number, const char **why)
{
	struct face *face = face_of(i, number);
	int r = face != NULL ? inspect_attach_face(i, face, why) : 0;

	inspect_map_endpoints(i);
	return r;
}

static void
tell(struct inspect *i, struct face *face, enum decode_event event,
    uint8_t endpoint)
{
	if (face->decoder != NULL) {
		i->current = face;
		face->decoder->ops->event(face->decoder, event, endpoint);
	}
}

int
inspect_reset(struct inspect *i, const char **why)
{
	int r = 0;

	inspect_drop_answers(i);
	for (unsigned n = 0; n < i->nfaces && r == 0; n++) {
		tell(i, &i->faces[n], DECODE_RESET, 0);
		r = inspect_attach_face(i, &i->faces[n], why);
	}
	inspect_map_endpoints(i);
	return r;
}

void
inspect_halt_cleared(struct inspect *i, uint8_t endpoint)
{
	struct face *face = i->endpoints[transfer_index(
	    (endpoint & 0x80) != 0 ? USBIP_DIR_IN : USBIP_DIR_OUT,
	    endpoint & 0x0f)];

	if (face != NULL) {
		tell(i, face, DECODE_HALT_CLEARED, endpoint);
	}
}

int
inspect_swap(struct inspect *i, const void *block, size_t size,
    const char **why)
{
	struct table table;
	int r;

	*why = "the compiled profiles do not hold together";
	if (table_open(&table, block, size) != 0) {
		return ERR_FORMAT;
	}
	*why = "no memory";
	r = inspect_judges(i, &table);
	for (unsigned n = 0; r == 0 && n < i->nfaces; n++) {
		r = inspect_attach_face(i, &i->faces[n], why);
	}
	inspect_map_endpoints(i);
	return r;
}

void
inspect_listening(struct inspect *i)
{
	inspect_on_tick(i);
}

int
inspect_quota(const struct inspect *i, unsigned n, const char **profile,
    const char **name, uint64_t *used, int64_t *since)
{
	for (unsigned p = 0; p < i->nprofiles; p++) {
		const char *unused;
		uint64_t bytes;
		int64_t when;
		unsigned k = 0;

		while (pjudge_quota(&i->judges[p], k, &unused, &bytes, &when) ==
		    0) {
			k++;
		}
		if (n < k) {
			*profile = table_name(&i->table, p);
			return pjudge_quota(
			    &i->judges[p], n, name, used, since);
		}
		n -= k;
	}
	return ERR_NOENT;
}

void
inspect_quota_set(struct inspect *i, const char *profile, const char *name,
    uint64_t used, int64_t since)
{
	uint64_t now = clock_mono();

	for (unsigned p = 0; p < i->nprofiles; p++) {
		if (strcmp(table_name(&i->table, p), profile) == 0) {
			pjudge_quota_set(
			    &i->judges[p], name, used, since, i->how.wall, now);
		}
	}
}
