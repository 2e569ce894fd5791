/*
 * Replays: see replay.h. It does what proxy/session/inspect.c does with living
 * transfers, with two differences. A person is taken to say yes where a rule
 * asks one, and to have typed the digits of a challenge: both are no refusals.
 * And the floor, which no profile changes, is not part of it.
 */
#include "policy/tool/replay.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/decode/decode.h"
#include "policy/decode/setup.h"
#include "policy/tool/cmd.h"
#include "policy/tool/judges.h"
#include "policy/tool/replay_device.h"
#include "policy/tool/usb_file.h"
#include "wire/cursor.h"
#include "wire/usbip.h"

#define PENDING 4096u /* transfers between their two frames */
#define FACES 32u
#define SECOND UINT64_C(1000000000)

struct run;

/* A judge that says what it ruled. */
struct teller {
	struct judge judge; /* first member */
	struct run *run;
	struct judged *judged;
};

struct face {
	uint8_t number, alternate;
	int profile; /* in the set; -1 = none: nothing passes */
	struct teller teller;
	struct decoder *decoder; /* owned */
};

struct pending {
	uint64_t id;
	int is_used;
	uint8_t endpoint, type;
	uint8_t setup[8];
	uint32_t length, flags;
	struct face *face; /* whose decoder it passed; NULL: none hears of it */
};

struct run {
	const struct replay *q;
	struct judges judges;
	struct replay_device device;
	struct face faces[FACES];
	unsigned nfaces;
	struct pending pending[PENDING];
	uint8_t *buf; /* owned */
	size_t size;
	struct unit_packet packets[USB_FILE_PACKETS];
	const struct usb_frame *frame; /* that is judged */
	unsigned number; /* of it */
	unsigned refused, frames, strange, cut;
	unsigned ruled; /* units of the frame that is explained */
	int is_out, is_warned;
	json_t *list;
	struct facts facts;
	char text[2048], line[1024];
};

/* ------------------------------------------------------------------------ */
/* What there is to say                                                     */

static void
say(struct run *run, const char *what, const char *about, int is_refusal)
{
	if (run->q->frame != 0) {
		run->refused += is_refusal && run->number == run->q->frame;
		return;
	}
	run->refused += is_refusal != 0;
	if (run->q->is_json) {
		json_array_append_new(run->list,
		    json_pack("{s:i, s:s, s:s, s:b}", "frame",
			(int)run->number, "ruling", what, "unit", about,
			"refused", is_refusal));
	} else {
		printf("frame %u: %s: %s\n", run->number, what, about);
	}
}

static int
is_explained(const struct run *run)
{
	return run->q->frame != 0 && run->number == run->q->frame;
}

static void
on_step(void *arg, const struct table_rule *rule, int matched,
    const char *reason)
{
	struct run *run = arg;

	printf("%s:%u: %s\n    %s%s%s\n", rule->file, rule->line,
	    judges_line(run->line, sizeof(run->line), rule),
	    matched ? "matches" : "no", matched ? "" : ": ", reason);
}

static void
on_rule(struct judge *judge, const struct facts *facts, uint64_t now,
    struct ruling *out)
{
	struct teller *t = (struct teller *)(void *)judge;
	struct run *run = t->run;
	char text[512], about[1024];

	(void)snprintf(about, sizeof(about), "%s %s",
	    hook_info(facts->hook)->name,
	    facts_text(text, sizeof(text), facts));
	if (is_explained(run)) {
		struct judged asked = *t->judged;

		run->ruled++;
		printf("frame %u: %s\n", run->number, about);
		pjudge_explain(&asked.judge, facts, now, on_step, run);
	}
	judge_rule(&t->judged->judge.judge, facts, now, out);
	judges_ruling(run->text, sizeof(run->text), t->judged, out);
	if (is_explained(run)) {
		puts(run->text);
	}
	switch (out->verdict) {
	case VERDICT_ALLOW:
	case VERDICT_REWRITE:
		break;
	case VERDICT_ASK:
		say(run, run->text, about, 0);
		out->verdict = VERDICT_ALLOW;
		break;
	case VERDICT_DENY:
	case VERDICT_DROP:
	case VERDICT_EJECT:
	case VERDICT_QUARANTINE:
	case VERDICTS:
		say(run, run->text, about, 1);
		break;
	}
}

static void
on_invalid(struct judge *judge, enum hook hook, const char *what)
{
	struct teller *t = (struct teller *)(void *)judge;

	(void)snprintf(t->run->text, sizeof(t->run->text), "%s %s",
	    hook_info(hook)->name, what);
	if (is_explained(t->run)) {
		t->run->ruled++;
		printf("frame %u: invalid: %s\n", t->run->number, t->run->text);
	}
	say(t->run, "invalid", t->run->text, 1);
}

static const struct judge_ops teller_ops = {on_rule, on_invalid};

/* Notes and trials, which a ruling does not show. */
static void
on_report(void *arg, const struct pjudge_report *report)
{
	struct run *run = arg;
	char text[512], about[1024];

	if ((report->verdict != VERDICTS && !report->is_trial) ||
	    report->facts == NULL) {
		return;
	}
	(void)snprintf(about, sizeof(about), "%s %s",
	    hook_info(report->hook)->name,
	    facts_text(text, sizeof(text), report->facts));
	(void)snprintf(run->text, sizeof(run->text), "%s%s",
	    report->is_trial ? "trial of " : "",
	    report->verdict == VERDICTS ?
		"note" :
		verdict_name((enum verdict)report->verdict));
	say(run, run->text, about, 0);
}

/* ------------------------------------------------------------------------ */
/* Decoders                                                                 */

static void
on_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	memset(buf, 0, len);
}

static int
on_challenge(void *arg, const char *digits, uint64_t within)
{
	(void)arg;
	(void)digits;
	(void)within;
	return 0;
}

static void
on_note(void *arg, const char *what, const char *text)
{
	say(arg, what, text, 0);
}

static void
on_answer_in(void *arg, uint8_t endpoint, const void *data, uint32_t len)
{
	(void)arg;
	(void)endpoint;
	(void)data;
	(void)len;
}

static const struct decoder *
on_sibling(void *arg, uint8_t interface)
{
	struct run *run = arg;

	for (unsigned i = 0; i < run->nfaces; i++) {
		if (run->faces[i].number == interface) {
			return run->faces[i].decoder;
		}
	}
	return NULL;
}

static const struct decode_host_ops host = {
	.random = on_random,
	.challenge = on_challenge,
	.note = on_note,
	.answer_in = on_answer_in,
	.sibling = on_sibling,
};

static struct decode_iface
view(const struct run *run, const struct face *face)
{
	const struct replay_device *dev = &run->device;

	return (struct decode_iface){
		.rec = &dev->rec,
		.config = &dev->config,
		.bytes = dev->bytes,
		.alt = desc_find_alt(
		    &dev->config, face->number, face->alternate),
		.speed = dev->rec.speed,
	};
}

static void
drop_decoder(struct run *run, struct face *face)
{
	for (unsigned i = 0; i < PENDING; i++) {
		if (run->pending[i].face == face) {
			run->pending[i].face = NULL;
		}
	}
	free(TAKE(face->decoder));
}

/* 0, or an error that was said. */
static int
attach(struct run *run, struct face *face)
{
	struct judge_terms terms = {0}; /* armed from the start */
	struct decode_iface iface = view(run, face);
	const struct decoder_ops *ops;
	const char *what = "out of memory";
	struct decode_how how = {
		.iface = &iface,
		.judge = &face->teller.judge,
		.terms = &terms,
		.host = &host,
		.host_arg = run,
		.now = run->frame != NULL ? run->frame->time : 0,
	};

	if (iface.alt == NULL || face->profile < 0) {
		drop_decoder(run, face);
		return 0;
	}
	ops = decoder_find(
	    &iface, table_hooks(&face->teller.judged->table, 0));
	if (face->decoder != NULL && face->decoder->ops != ops) {
		drop_decoder(run, face);
	}
	if (ops == NULL) {
		return 0;
	}
	if (face->decoder == NULL) {
		face->decoder = calloc(1, ops->size);
	}
	if (face->decoder != NULL) {
		*face->decoder = (struct decoder){
			ops, &face->teller.judge, &host, run};
		if (ops->attach(face->decoder, &how, &what) == 0) {
			return 0;
		}
	}
	cmd_warn("%s: interface %u: %s", run->q->capture, face->number, what);
	return ERR_FORMAT;
}

/* Interfaces of the active configuration, and the profile of each. */
static int
attach_all(struct run *run, uint64_t time)
{
	const struct desc_config *config = &run->device.config;
	char why[256];
	int r = 0;

	for (unsigned i = 0; i < run->nfaces; i++) {
		drop_decoder(run, &run->faces[i]);
	}
	run->nfaces = 0;
	for (unsigned i = 0; r == 0 && i < config->nalts; i++) {
		const struct desc_alt *alt = &config->alts[i];
		struct face *face = &run->faces[run->nfaces];

		if (alt->alternate != 0 || run->nfaces == FACES) {
			continue;
		}
		run->nfaces++;
		*face = (struct face){.number = alt->number};
		face->profile = profile_choose(run->judges.set,
		    run->q->profile, config, run->device.bytes, alt, why,
		    sizeof(why));
		if (face->profile < 0) {
			if (!run->is_warned) {
				cmd_warn("interface %u: %s; nothing of it "
					 "passes", alt->number, why);
			}
			continue;
		}
		face->teller = (struct teller){{&teller_ops}, run,
			judges_find(&run->judges,
			    profile_set_name(
				run->judges.set, (size_t)face->profile),
			    (int64_t)(time / SECOND), run->q->tz, why,
			    sizeof(why))};
		if (face->teller.judged == NULL) {
			cmd_warn("interface %u: %s", alt->number, why);
			return ERR_FORMAT;
		}
		face->teller.judged->judge.sink =
		    (struct pjudge_sink){on_report, run};
		r = attach(run, face);
	}
	run->is_warned = 1;
	return r;
}

/* ------------------------------------------------------------------------ */
/* Units                                                                    */

/* The data has the room that the transfer asked for, whatever was kept. */
static int
unit_of(struct run *run, const struct usb_frame *f, const struct pending *p,
    struct unit *u)
{
	size_t room = p->length > f->len ? p->length : f->len;

	if (room > run->size) {
		uint8_t *buf = realloc(run->buf, room);

		if (buf == NULL) {
			cmd_warn("replay: out of memory");
			return ERR_NOMEM;
		}
		run->buf = buf;
		run->size = room;
	}
	if (room > 0) {
		memset(run->buf, 0, room);
		memcpy(run->buf, f->data, f->len);
	}
	*u = (struct unit){
		.endpoint = p->endpoint,
		.type = p->type,
		.flags = p->flags,
		.data = run->buf,
		.length = p->length,
		.packets = p->type == XFER_ISO ? run->packets : NULL,
		.now = f->time,
	};
	memcpy(u->setup, p->setup, sizeof(u->setup));
	for (uint32_t i = 0; p->type == XFER_ISO && i < f->npackets; i++) {
		const struct usb_packet *packet = &f->packets[i];

		if (packet->offset > p->length ||
		    packet->length > p->length - packet->offset) {
			break;
		}
		run->packets[u->npackets++] = (struct unit_packet){
			.offset = packet->offset,
			.length = packet->length,
			.actual = f->event == 'C' ? packet->length : 0,
			.status = f->event == 'C' ? packet->status : 0,
		};
	}
	return 0;
}

static struct face *
face_of(struct run *run, uint8_t number)
{
	for (unsigned i = 0; i < run->nfaces; i++) {
		if (run->faces[i].number == number) {
			return &run->faces[i];
		}
	}
	return NULL;
}

static struct face *
face_of_endpoint(struct run *run, uint8_t address)
{
	for (unsigned i = 0; i < run->nfaces; i++) {
		struct decode_iface iface = view(run, &run->faces[i]);

		for (unsigned e = 0;
		     iface.alt != NULL && e < iface.alt->nendpoints; e++) {
			if (iface.config->endpoints[iface.alt->first_endpoint +
				e].address == address) {
				return &run->faces[i];
			}
		}
	}
	return NULL;
}

static void
leave(struct run *run, const char *what)
{
	run->is_out = 1;
	say(run, what, "the device leaves the workstation here", 1);
}

static int
act(struct run *run, enum decode_act act)
{
	if (act == DECODE_EJECT) {
		leave(run, "eject");
	} else if (act == DECODE_QUARANTINE) {
		leave(run, "quarantine");
	}
	return act == DECODE_PASS;
}

/* Whether the setup hook lets it go on. */
static int
is_setup_allowed(struct run *run, const struct usb_frame *f,
    struct face *face, int is_device)
{
	struct decode_iface iface;
	const struct judged *asked = NULL;
	struct ruling ruling = {.verdict = VERDICT_ALLOW};
	int is_out = (f->setup[0] & 0x80) == 0;

	if (face != NULL) {
		iface = view(run, face);
	}
	setup_facts(&run->facts, f->setup, is_out ? f->data : NULL,
	    is_out ? f->len : 0,
	    face != NULL && iface.alt != NULL ? &iface : NULL);
	for (unsigned i = 0; i < run->nfaces; i++) {
		struct face *at = &run->faces[i];

		if (at->profile < 0 || at->teller.judged == asked ||
		    (!is_device && at != face) ||
		    ruling.verdict != VERDICT_ALLOW) {
			continue;
		}
		asked = at->teller.judged;
		judge_rule(&at->teller.judge, &run->facts, f->time, &ruling);
	}
	if (!is_device && (face == NULL || face->profile < 0)) {
		say(run, "profile.none", "a request to an interface that has "
			"no profile", 1);
		return 0;
	}
	if (ruling.verdict == VERDICT_EJECT ||
	    ruling.verdict == VERDICT_QUARANTINE) {
		leave(run, verdict_name(ruling.verdict));
	}
	return ruling.verdict == VERDICT_ALLOW ||
	    ruling.verdict == VERDICT_REWRITE;
}

static int
submit_control(struct run *run, const struct usb_frame *f, struct pending *p)
{
	int is_device = 1;
	struct face *face = NULL;
	struct unit u;

	if ((f->setup[0] & 0x1f) == 1) {
		is_device = 0;
		face = face_of(
		    run, setup_interface(f->setup, &run->device.config));
	} else if ((f->setup[0] & 0x1f) == 2 && (f->setup[4] & 0x0f) != 0) {
		is_device = 0;
		face = face_of_endpoint(run, f->setup[4]);
	}
	if (!is_setup_allowed(run, f, face, is_device)) {
		return 0;
	}
	if ((f->setup[0] & 0x60) != 0 && face != NULL &&
	    face->decoder != NULL) {
		if (unit_of(run, f, p, &u) != 0 ||
		    !act(run, face->decoder->ops->submit(face->decoder, &u))) {
			return 0;
		}
		p->face = face;
	}
	return 1;
}

static int
submit_other(struct run *run, const struct usb_frame *f, struct pending *p)
{
	struct face *face = face_of_endpoint(run, f->endpoint);
	struct unit u;

	if (face == NULL || face->decoder == NULL) {
		(void)snprintf(run->line, sizeof(run->line),
		    "no profile speaks of endpoint 0x%02x", f->endpoint);
		say(run, "profile.none", run->line, 1);
		return 0;
	}
	if (unit_of(run, f, p, &u) != 0 ||
	    !act(run, face->decoder->ops->submit(face->decoder, &u))) {
		return 0;
	}
	p->face = face;
	return 1;
}

static struct pending *
pending_of(struct run *run, uint64_t id)
{
	struct pending *free_slot = NULL;

	for (unsigned i = 0; i < PENDING; i++) {
		struct pending *p = &run->pending[i];

		if (p->is_used && p->id == id) {
			return p;
		}
		if (!p->is_used && free_slot == NULL) {
			free_slot = p;
		}
	}
	return free_slot;
}

/* Its decoder hears how it ended; actual counts when status is 0. */
static void
end(struct run *run, const struct usb_frame *f, struct pending *p,
    int32_t status, uint32_t actual)
{
	struct unit u;

	p->is_used = 0;
	if (p->face == NULL || p->face->decoder == NULL ||
	    unit_of(run, f, p, &u) != 0) {
		return;
	}
	u.status = status;
	u.actual = actual < p->length ? actual : p->length;
	(void)act(run, p->face->decoder->ops->complete(p->face->decoder, &u));
}

/* What the floor has seen to before a decoder is asked: USB 2.0 9.3.5, and that
 * the endpoint is of that type. */
static int
is_sound(struct run *run, const struct usb_frame *f)
{
	const struct desc_config *config = &run->device.config;

	if (f->type == XFER_CONTROL) {
		return f->has_setup && le16_at(f->setup + 6) == f->length &&
		    (f->length == 0 ||
			((f->setup[0] ^ f->endpoint) & 0x80) == 0);
	}
	for (unsigned e = 0; e < config->nendpoints; e++) {
		if (config->endpoints[e].address == f->endpoint &&
		    (config->endpoints[e].attributes & 3) == f->type) {
			return 1;
		}
	}
	return 0;
}

static void
on_submit(struct run *run, const struct usb_frame *f)
{
	struct pending *p = pending_of(run, f->id);
	int is_in = (f->endpoint & 0x80) != 0;

	if (p != NULL && p->is_used) {
		/* how the one before ended is lost */
		end(run, f, p, USBIP_ECONNRESET, 0);
	}
	if (p == NULL || !is_sound(run, f)) {
		run->strange++;
		return;
	}
	run->cut += !is_in && f->type != XFER_ISO && f->len < f->length;
	*p = (struct pending){.id = f->id, .length = f->length,
		.flags = f->flags, .endpoint = f->endpoint, .type = f->type};
	memcpy(p->setup, f->setup, sizeof(p->setup));
	p->is_used = f->type == XFER_CONTROL ? submit_control(run, f, p) :
					       submit_other(run, f, p);
}

/* What a standard request that succeeded changes. */
static int
take_effect(struct run *run, const uint8_t setup[8], uint64_t time)
{
	struct face *face;

	if (setup[0] == 0 && setup[1] == 9) {
		return replay_device_configure(&run->device, setup[2]) == 0 ?
		    attach_all(run, time) :
		    0;
	}
	if (setup[0] == 1 && setup[1] == 11) {
		face = face_of(run, setup[4]);
		if (face != NULL) {
			face->alternate = setup[2];
			return attach(run, face);
		}
	}
	if (setup[0] == 2 && setup[1] == 1 && le16_at(setup + 2) == 0) {
		face = face_of_endpoint(run, setup[4]);
		if (face != NULL && face->decoder != NULL) {
			face->decoder->ops->event(
			    face->decoder, DECODE_HALT_CLEARED, setup[4]);
		}
	}
	return 0;
}

static int
on_complete(struct run *run, const struct usb_frame *f)
{
	struct pending *p = pending_of(run, f->id);
	int is_in = (f->endpoint & 0x80) != 0;

	if (p == NULL || !p->is_used) {
		return 0; /* refused, or begun before the capture */
	}
	p->is_used = 0;
	run->cut += is_in && f->type != XFER_ISO && f->len < f->length;
	if (f->type == XFER_CONTROL && f->status == 0 &&
	    (p->setup[0] & 0x60) == 0) {
		return take_effect(run, p->setup, f->time);
	}
	end(run, f, p, f->event == 'E' ? USBIP_ECONNRESET : f->status,
	    f->event == 'E' ? 0 : f->length);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* All of it                                                                */

static int
step(struct run *run, const struct usb_frame *f)
{
	int r = 0;

	if (f->bus != run->device.bus || f->device != run->device.number) {
		return 0;
	}
	run->number = f->number;
	run->frame = f;
	run->frames++;
	if (run->nfaces == 0) {
		r = attach_all(run, f->time);
	}
	if (r == 0 && f->event == 'S') {
		on_submit(run, f);
	} else if (r == 0) {
		r = on_complete(run, f);
	}
	run->frame = NULL;
	return r;
}

static int
play(struct run *run)
{
	static struct usb_frame frame;
	char why[512];
	struct usb_file *file =
	    usb_file_open(run->q->capture, why, sizeof(why));
	int r = file != NULL ? 1 : ERR_FORMAT;

	while (r == 1 && !run->is_out &&
	    (run->q->frame == 0 || run->number < run->q->frame)) {
		r = usb_file_next(file, &frame, why, sizeof(why));
		if (r == 1 && step(run, &frame) != 0) {
			usb_file_close(file);
			return ERR_FORMAT; /* it was said */
		}
	}
	if (r < 0) {
		cmd_warn("%s: %s", run->q->capture, why);
	}
	if (file != NULL) {
		usb_file_close(file);
	}
	return r < 0 ? r : 0;
}

static void
conclude(struct run *run)
{
	if (run->cut > 0) {
		cmd_warn("%s: %u frames are cut; what is missing counts as "
			 "zeros", run->q->capture, run->cut);
	}
	if (run->strange > 0) {
		cmd_warn("%s: %u submits cannot be judged", run->q->capture,
		    run->strange);
	}
	if (run->q->is_json) {
		json_t *top = json_pack("{s:i, s:i, s:O}", "frames",
		    (int)run->frames, "refused", (int)run->refused, "rulings",
		    run->list);

		json_dumpf(top, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(top);
	} else if (run->q->frame != 0 && run->ruled == 0) {
		printf("frame %u: no rule is asked about it alone\n",
		    run->number);
	} else if (run->q->frame == 0) {
		printf("%u frames, %u refused\n", run->frames, run->refused);
	}
}

static int
is_known(const struct run *run)
{
	if (strcmp(run->q->profile, "auto") == 0 ||
	    profile_set_find(run->judges.set, run->q->profile) >= 0) {
		return 1;
	}
	cmd_warn("no profile `%s'", run->q->profile);
	return 0;
}

int
replay(const struct replay *q)
{
	struct run *run = calloc(1, sizeof(*run));
	int exit_code = CMD_FAILED;

	if (run == NULL || (run->list = json_array()) == NULL) {
		cmd_warn("replay: out of memory");
		free(run);
		return CMD_FAILED;
	}
	run->q = q;
	if (judges_open(&run->judges, q->paths, q->npaths, q->stock) == 0 &&
	    is_known(run) &&
	    replay_device_read(&run->device, q->capture, q->device,
		q->descriptors) == 0 &&
	    play(run) == 0) {
		conclude(run);
		exit_code = run->refused > 0 ? CMD_DENIED : CMD_OK;
		if (q->frame != 0 && run->number != q->frame) {
			cmd_warn("%s: frame %u is not one of that device",
			    q->capture, q->frame);
			exit_code = CMD_FAILED;
		}
	}
	for (unsigned i = 0; i < run->nfaces; i++) {
		free(run->faces[i].decoder);
	}
	judges_fini(&run->judges);
	json_decref(run->list);
	free(run->buf);
	free(run);
	return exit_code;
}
