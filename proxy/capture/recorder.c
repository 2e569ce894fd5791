/*
 * Frames and rulings: see recorder.h. Runs in sallyport-capture.
 *
 * A frame is the 64-byte header of the kernel's Documentation/usb/usbmon.rst
 * (struct usbmon_packet, "48 bytes of old API, then 16"), in this machine's byte
 * order as all of a pcap file, then isochronous descriptors of 16 bytes, then
 * data. A ruling follows the frame that it is about in the stream; it names the
 * transfer, and the frame is the last one of that.
 */
#include "proxy/capture/recorder.h"

#include <jansson.h>
#include <pcap/pcap.h>
#include <pcap/usb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/facts/facts.h"
#include "wire/capture.h"
#include "wire/cursor.h"
#include "wire/desc.h"
#include "wire/ipc.h"
#include "wire/usbip.h"

#define FRAME_HEADER 64u
#define FRAME_PACKET 16u
#define FRAME_MAX \
	(FRAME_HEADER + CAPTURE_PACKETS * FRAME_PACKET + CAPTURE_PAYLOAD)
#define FILE_HEADER 24u
#define FILE_RECORD 16u
/* Transfers whose frames are remembered, for rulings that come late. */
#define RECENT 1024u

_Static_assert(sizeof(pcap_usb_header_mmapped) == FRAME_HEADER &&
	sizeof(usb_isodesc) == FRAME_PACKET, "as usbmon has them");

struct recorder {
	struct recorder_how how;
	pcap_t *pcap; /* owned; holds the file's type alone */
	pcap_dumper_t *dump; /* owned, with its file */
	FILE *rulings;	     /* owned */
	uint64_t written;    /* bytes, of the present file of frames */
	uint64_t said;	     /* likewise, of rulings */
	uint32_t frame;	     /* number of its last frame, from 1 */
	uint64_t frames, dropped; /* of all files */
	struct {
		uint64_t id;
		uint32_t frame; /* 0 = none */
	} recent[RECENT];
	unsigned at; /* in recent */
	size_t used; /* of in */
	uint8_t in[CAPTURE_RECORD];
	uint8_t out[FRAME_MAX];
};

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

static int
close_files(struct recorder *rec)
{
	int r = recorder_flush(rec);

	if (rec->dump != NULL) {
		pcap_dump_close(rec->dump);
		rec->dump = NULL;
	}
	if (rec->rulings != NULL && fclose(TAKE(rec->rulings)) != 0) {
		r = ERR_SYS;
	}
	return r;
}

static int
open_files(struct recorder *rec)
{
	int frames = -1, rulings = -1;
	FILE *f;
	int r = rec->how.next(rec->how.arg, &frames, &rulings);

	if (r != 0) {
		return r;
	}
	f = fdopen(frames, "wb");
	rec->rulings = fdopen(rulings, "w");
	if (f == NULL) {
		close_fd(&frames);
	} else {
		/* takes the file, also when it fails, but then leaks it */
		rec->dump = pcap_dump_fopen(rec->pcap, f);
	}
	if (rec->rulings == NULL) {
		close_fd(&rulings);
	}
	if (rec->dump == NULL || rec->rulings == NULL) {
		return ERR_SYS;
	}
	rec->written = FILE_HEADER;
	rec->said = 0;
	rec->frame = 0;
	memset(rec->recent, 0, sizeof(rec->recent));
	return 0;
}

int
recorder_new(struct recorder **outp, const struct recorder_how *how)
{
	struct recorder *rec = calloc(1, sizeof(*rec));
	int r;

	*outp = NULL;
	if (rec == NULL) {
		return ERR_NOMEM;
	}
	rec->how = *how;
	rec->pcap = pcap_open_dead(DLT_USB_LINUX_MMAPPED, FRAME_MAX);
	r = rec->pcap == NULL ? ERR_NOMEM : open_files(rec);
	if (r != 0) {
		recorder_free(rec);
		return r;
	}
	*outp = rec;
	return 0;
}

void
recorder_free(struct recorder *rec)
{
	if (rec == NULL) {
		return;
	}
	(void)close_files(rec);
	if (rec->pcap != NULL) {
		pcap_close(rec->pcap);
	}
	free(rec);
}

int
recorder_flush(struct recorder *rec)
{
	int r = 0;

	if (rec->dump != NULL && (pcap_dump_flush(rec->dump) == -1 ||
		ferror(pcap_dump_file(rec->dump)))) {
		r = ERR_SYS;
	}
	if (rec->rulings != NULL &&
	    (fflush(rec->rulings) != 0 || ferror(rec->rulings))) {
		r = ERR_SYS;
	}
	return r;
}

void
recorder_counts(
    const struct recorder *rec, uint64_t *frames, uint64_t *dropped)
{
	*frames = rec->frames;
	*dropped = rec->dropped;
}

/* ------------------------------------------------------------------------ */
/* Frames                                                                   */

static uint8_t
frame_xfer(uint8_t xfer)
{
	switch ((enum desc_xfer)xfer) {
	case XFER_ISO:
		return URB_ISOCHRONOUS;
	case XFER_INT:
		return URB_INTERRUPT;
	case XFER_BULK:
		return URB_BULK;
	case XFER_CONTROL:
		break;
	}
	return URB_CONTROL;
}

/* As mon_bin_event() of the kernel: '<' of a submit that brings nothing since
 * its data is to come, '>' of a completion whose data went the other way. */
static char
data_flag(const struct capture_record *r)
{
	int is_in = (r->endpoint & 0x80) != 0;

	if (r->type == CAPTURE_SUBMIT && is_in) {
		return '<';
	}
	return r->type == CAPTURE_COMPLETE && !is_in ? '>' : 0;
}

static void
fill_header(pcap_usb_header_mmapped *h, const struct capture_record *r)
{
	memset(h, 0, sizeof(*h));
	h->id = r->id;
	h->event_type = r->type == CAPTURE_SUBMIT ? URB_SUBMIT : URB_COMPLETE;
	h->transfer_type = frame_xfer(r->xfer);
	h->endpoint_number = r->endpoint;
	h->device_address = (uint8_t)(r->devid & 0x7f);
	h->bus_id = (uint16_t)(r->devid >> 16);
	h->setup_flag = '-';
	h->data_flag = data_flag(r);
	h->ts_sec = (int64_t)(r->wall / CLOCK_SEC);
	h->ts_usec = (int32_t)(r->wall % CLOCK_SEC / 1000);
	h->status = r->type == CAPTURE_SUBMIT ? USBIP_EINPROGRESS : r->status;
	h->urb_len = r->length;
	h->data_len = r->nkept * FRAME_PACKET + r->payload;
	h->interval = (int32_t)r->interval;
	h->xfer_flags = r->flags;
	if (r->xfer == XFER_ISO) {
		h->s.iso.error_count = (int32_t)r->errors;
		h->s.iso.numdesc = (int32_t)r->npackets;
		h->ndesc = r->nkept;
	} else if (r->xfer == XFER_CONTROL && r->type == CAPTURE_SUBMIT) {
		h->setup_flag = 0;
		memcpy(&h->s.setup, r->setup, sizeof(h->s.setup));
	}
}

static void
remember(struct recorder *rec, uint64_t id)
{
	rec->recent[rec->at].id = id;
	rec->recent[rec->at].frame = rec->frame;
	rec->at = (rec->at + 1) % RECENT;
}

static int
put_frame(struct recorder *rec, const struct capture_record *r)
{
	const uint8_t *in = rec->in + CAPTURE_HEADER;
	pcap_usb_header_mmapped h;
	struct pcap_pkthdr p = {
		.ts.tv_sec = (time_t)(r->wall / CLOCK_SEC),
		.ts.tv_usec = (suseconds_t)(r->wall % CLOCK_SEC / 1000),
	};
	size_t n = FRAME_HEADER;

	fill_header(&h, r);
	memcpy(rec->out, &h, FRAME_HEADER);
	for (uint32_t i = 0; i < r->nkept; i++, in += CAPTURE_PACKET) {
		struct capture_packet packet;
		usb_isodesc d = {0};

		capture_decode_packet(&packet, in);
		d.status = packet.status;
		d.offset = packet.offset;
		d.len = packet.length;
		memcpy(rec->out + n, &d, FRAME_PACKET);
		n += FRAME_PACKET;
	}
	memcpy(rec->out + n, in, r->payload);
	p.len = (uint32_t)n + (h.data_flag == 0 ? r->length : 0);
	n += r->payload;
	p.caplen = (uint32_t)n;
	if (p.len < p.caplen) {
		p.len = p.caplen;
	}
	pcap_dump((u_char *)rec->dump, &p, rec->out);
	rec->written += FILE_RECORD + n;
	rec->frame++;
	rec->frames++;
	remember(rec, r->id);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Rulings                                                                  */

/* Texts are a session's, and so as hostile as what it reads. */
static void
put_text(json_t *o, const char *name, const char *text)
{
	char buf[4 * IPC_TEXT + 1];

	if (*text != '\0') {
		log_escape(buf, sizeof(buf), text, strlen(text));
		json_object_set_new(o, name, json_string(buf));
	}
}

static int
put_line(struct recorder *rec, json_t *o)
{
	char *line = o != NULL ?
	    json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) :
	    NULL;
	int r = line != NULL && fputs(line, rec->rulings) != EOF &&
		putc('\n', rec->rulings) != EOF ?
	    0 :
	    ERR_SYS;

	rec->said += line != NULL ? strlen(line) + 1 : 0;
	free(line);
	json_decref(o);
	return r;
}

static json_t *
frame_of(const struct recorder *rec, uint64_t id)
{
	for (unsigned i = 1; i <= RECENT; i++) {
		unsigned at = (rec->at + RECENT - i) % RECENT;

		if (rec->recent[at].frame != 0 && rec->recent[at].id == id) {
			return json_integer(rec->recent[at].frame);
		}
	}
	return json_null(); /* it is in the file before, or was lost */
}

static const char *
word_of(unsigned verdict)
{
	return verdict == VERDICTS ? "note" :
	    verdict < VERDICTS	   ? verdict_name((enum verdict)verdict) :
				     "?";
}

static int
put_ruling(struct recorder *rec, const struct capture_record *r)
{
	struct ipc_ruled m;
	json_t *o;

	if (r->nkept != 0 ||
	    ipc_decode_ruled(&m, rec->in + CAPTURE_HEADER, r->payload) != 0) {
		return ERR_FORMAT;
	}
	o = json_object();
	json_object_set_new(o, "frame", frame_of(rec, r->id));
	put_text(o, "verdict", word_of(m.verdict));
	if (m.is_trial) {
		json_object_set_new(o, "trial", json_true());
	}
	put_text(o, "profile", m.profile);
	json_object_set_new(o, "interface", json_integer(m.interface));
	put_text(o, "hook",
	    m.hook < HOOKS ? hook_info((enum hook)m.hook)->name : "?");
	if (m.line != 0) {
		put_text(o, "file", m.file);
		json_object_set_new(o, "line", json_integer(m.line));
	} else {
		json_object_set_new(o, "implicit", json_true());
	}
	put_text(o, "key", m.key);
	put_text(o, "log", m.log);
	put_text(o, m.is_invalid ? "invalid" : "facts", m.text);
	return put_line(rec, o);
}

static int
put_dropped(struct recorder *rec, uint32_t n)
{
	json_t *o;

	if (n == 0) {
		return 0;
	}
	rec->dropped += n;
	o = json_object();
	json_object_set_new(o, "after", json_integer(rec->frame));
	json_object_set_new(o, "dropped", json_integer(n));
	return put_line(rec, o);
}

/* ------------------------------------------------------------------------ */

/* Whether a frame begins the next files: those of now have one at least. */
static int
is_full(const struct recorder *rec, const struct capture_record *r)
{
	return rec->frame > 0 &&
	    (rec->said >= rec->how.max ||
		rec->written + FILE_RECORD + FRAME_HEADER +
			r->nkept * FRAME_PACKET + r->payload >
		    rec->how.max);
}

static int
take_record(struct recorder *rec, const struct capture_record *r)
{
	int e = 0;

	if (r->type <= CAPTURE_COMPLETE && is_full(rec, r)) {
		e = close_files(rec);
		if (e == 0) {
			e = open_files(rec);
		}
	}
	if (e == 0) {
		e = put_dropped(rec, r->dropped);
	}
	if (e != 0) {
		return e;
	}
	switch ((enum capture_type)r->type) {
	case CAPTURE_SUBMIT:
	case CAPTURE_COMPLETE:
		return put_frame(rec, r);
	case CAPTURE_RULED:
		return put_ruling(rec, r);
	case CAPTURE_END:
		break;
	}
	return r->payload == 0 && r->nkept == 0 ? ERR_CLOSED : ERR_FORMAT;
}

int
recorder_take(struct recorder *rec, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		struct capture_record r;
		size_t want = CAPTURE_HEADER, n;
		int e;

		if (rec->used >= CAPTURE_HEADER) {
			e = capture_decode(&r, rec->in, rec->used);
			if (e != 0) {
				return e;
			}
			want = capture_size(&r);
		}
		n = want - rec->used < len ? want - rec->used : len;
		memcpy(rec->in + rec->used, bytes, n);
		rec->used += n;
		bytes += n;
		len -= n;
		if (rec->used < CAPTURE_HEADER) {
			continue;
		}
		e = capture_decode(&r, rec->in, rec->used);
		if (e == 0 && rec->used == capture_size(&r)) {
			rec->used = 0;
			e = take_record(rec, &r);
		}
		if (e != 0) {
			return e;
		}
	}
	return 0;
}
