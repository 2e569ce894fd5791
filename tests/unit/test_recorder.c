/*
 * Captures: what a session's records become. Each file is read back with
 * libpcap, whose readers know nothing of us.
 */
#include "proxy/capture/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <pcap/usb.h>

#include "base/err.h"
#include "policy/facts/facts.h"
#include "wire/capture.h"
#include "wire/cursor.h"
#include "wire/desc.h"
#include "wire/ipc.h"
#include "wire/usbip.h"

#define FILES 4
#define MIB (1024u * 1024u)

static char dir[] = "/tmp/sallyport-recorder-XXXXXX";
static unsigned nfiles, max_files;
static struct recorder *rec;
static uint8_t stream[CAPTURE_RECORD];

static char *
path_of(char *dst, size_t size, unsigned n, const char *end)
{
	snprintf(dst, size, "%s/%u.%s", dir, n, end);
	return dst;
}

static int
make(unsigned n, const char *end)
{
	char path[128];
	FILE *f = fopen(path_of(path, sizeof(path), n, end), "w");
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

static int
on_next(void *arg, int *pcap, int *rulings)
{
	(void)arg;
	if (nfiles == max_files) {
		return ERR_POLICY;
	}
	*pcap = make(nfiles, "pcap");
	*rulings = make(nfiles, "jsonl");
	nfiles++;
	return 0;
}

static int
setup(void **state)
{
	const struct recorder_how how = {.max = MIB, .next = on_next};

	(void)state;
	nfiles = 0;
	max_files = FILES;
	return recorder_new(&rec, &how);
}

static int
teardown(void **state)
{
	char path[128];

	(void)state;
	recorder_free(rec);
	rec = NULL;
	for (unsigned i = 0; i < nfiles; i++) {
		unlink(path_of(path, sizeof(path), i, "pcap"));
		unlink(path_of(path, sizeof(path), i, "jsonl"));
	}
	return 0;
}

/* One record; packets and payload are already behind its header. */
static int
put(const struct capture_record *r)
{
	capture_encode(stream, r);
	return recorder_take(rec, stream, capture_size(r));
}

static int
put_data(struct capture_record *r, const void *data, uint32_t len)
{
	memcpy(stream + CAPTURE_HEADER, data, len);
	r->payload = len;
	return put(r);
}

static struct capture_record
record_of(enum capture_type type, enum desc_xfer xfer, uint8_t endpoint,
    uint64_t id, uint32_t length)
{
	return (struct capture_record){
		.type = (uint8_t)type,
		.xfer = (uint8_t)xfer,
		.endpoint = endpoint,
		.devid = 3u << 16 | 7,
		.id = id,
		.wall = UINT64_C(1700000000123456789),
		.length = length,
	};
}

static pcap_t *
open_file(unsigned n)
{
	char path[128], why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_open_offline(
	    path_of(path, sizeof(path), n, "pcap"), why);

	assert_string_equal(why, "");
	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_USB_LINUX_MMAPPED);
	return p;
}

/* The next frame: its header, and what is behind that. */
static const uint8_t *
next_frame(pcap_t *p, pcap_usb_header_mmapped *h, uint32_t *len)
{
	struct pcap_pkthdr *hdr;
	const u_char *data;

	assert_int_equal(pcap_next_ex(p, &hdr, &data), 1);
	assert_true(hdr->caplen >= sizeof(*h));
	assert_true(hdr->len >= hdr->caplen);
	assert_int_equal(hdr->ts.tv_sec, 1700000000);
	assert_int_equal(hdr->ts.tv_usec, 123456);
	memcpy(h, data, sizeof(*h));
	*len = hdr->caplen - (uint32_t)sizeof(*h);
	assert_int_equal(h->data_len, *len);
	assert_int_equal(h->ts_sec, 1700000000);
	assert_int_equal(h->ts_usec, 123456);
	assert_int_equal(h->bus_id, 3);
	assert_int_equal(h->device_address, 7);
	return data + sizeof(*h);
}

static void
expect_end(pcap_t *p)
{
	struct pcap_pkthdr *hdr;
	const u_char *data;

	assert_int_equal(pcap_next_ex(p, &hdr, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
}

static json_t *
ruling(unsigned file, unsigned line)
{
	char path[128], text[2048];
	FILE *f = fopen(path_of(path, sizeof(path), file, "jsonl"), "r");
	json_t *o = NULL;

	assert_non_null(f);
	for (unsigned i = 0; i <= line && fgets(text, sizeof(text), f) != NULL;
	     i++) {
		if (i == line) {
			o = json_loads(text, 0, NULL);
			assert_non_null(o);
		}
	}
	fclose(f);
	return o;
}

static long long
number(const json_t *o, const char *name)
{
	assert_true(json_is_integer(json_object_get(o, name)));
	return (long long)json_integer_value(json_object_get(o, name));
}

static const char *
text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

/* ------------------------------------------------------------------------ */

/* GET_DESCRIPTOR(device) of a real mass-storage stick, then a CBW with a READ
 * CAPACITY and its answer. */
static void
test_sequence(void **state)
{
	static const uint8_t device[18] = {18, 1, 0, 2, 0, 0, 0, 64, 0x81, 0x07,
	    0x67, 0x55, 0, 1, 1, 2, 3, 1};
	static const uint8_t cbw[31] = {'U', 'S', 'B', 'C', 1, 0, 0, 0, 8, 0, 0,
	    0, 0x80, 0, 10, 0x25};
	struct capture_record r =
	    record_of(CAPTURE_SUBMIT, XFER_CONTROL, 0x80, 1, 18);
	pcap_usb_header_mmapped h;
	const uint8_t *p;
	uint32_t len;
	pcap_t *f;

	(void)state;
	memcpy(r.setup, "\x80\x06\x00\x01\x00\x00\x12\x00", 8);
	assert_int_equal(put(&r), 0);
	r = record_of(CAPTURE_COMPLETE, XFER_CONTROL, 0x80, 1, 18);
	assert_int_equal(put_data(&r, device, 18), 0);
	r = record_of(CAPTURE_SUBMIT, XFER_BULK, 0x02, 2, 31);
	assert_int_equal(put_data(&r, cbw, 31), 0);
	r = record_of(CAPTURE_COMPLETE, XFER_BULK, 0x02, 2, 31);
	assert_int_equal(put(&r), 0);
	r = record_of(CAPTURE_SUBMIT, XFER_INT, 0x81, 3, 8);
	r.interval = 4;
	assert_int_equal(put(&r), 0);
	r = record_of(CAPTURE_COMPLETE, XFER_INT, 0x81, 3, 0);
	r.status = USBIP_EPIPE;
	assert_int_equal(put(&r), 0);
	assert_int_equal(recorder_flush(rec), 0);

	f = open_file(0);
	(void)next_frame(f, &h, &len);
	assert_int_equal(h.event_type, 'S');
	assert_int_equal(h.transfer_type, URB_CONTROL);
	assert_int_equal(h.endpoint_number, 0x80);
	assert_int_equal(h.setup_flag, 0);
	assert_int_equal(h.data_flag, '<');
	assert_int_equal(h.status, USBIP_EINPROGRESS);
	assert_int_equal(h.urb_len, 18);
	assert_memory_equal(&h.s.setup, "\x80\x06\x00\x01\x00\x00\x12\x00", 8);
	assert_int_equal(len, 0);
	p = next_frame(f, &h, &len);
	assert_int_equal(h.event_type, 'C');
	assert_int_equal(h.id, 1);
	assert_int_equal(h.setup_flag, '-');
	assert_int_equal(h.data_flag, 0);
	assert_int_equal(h.status, 0);
	assert_int_equal(len, 18);
	assert_memory_equal(p, device, 18);
	p = next_frame(f, &h, &len);
	assert_int_equal(h.transfer_type, URB_BULK);
	assert_int_equal(h.endpoint_number, 0x02);
	assert_int_equal(h.data_flag, 0);
	assert_int_equal(len, 31);
	assert_memory_equal(p, cbw, 31);
	(void)next_frame(f, &h, &len);
	assert_int_equal(h.data_flag, '>');
	assert_int_equal(h.urb_len, 31);
	(void)next_frame(f, &h, &len);
	assert_int_equal(h.transfer_type, URB_INTERRUPT);
	assert_int_equal(h.interval, 4);
	(void)next_frame(f, &h, &len);
	assert_int_equal(h.status, USBIP_EPIPE);
	expect_end(f);
}

static void
test_iso(void **state)
{
	struct capture_record r =
	    record_of(CAPTURE_COMPLETE, XFER_ISO, 0x83, 9, 150);
	const struct capture_packet packets[3] = {
	    {0, 0, 100}, {USBIP_EXDEV, 192, 0}, {0, 384, 50}};
	pcap_usb_header_mmapped h;
	const uint8_t *p;
	usb_isodesc d;
	uint32_t len;
	pcap_t *f;

	(void)state;
	r.npackets = 3;
	r.nkept = 3;
	r.errors = 1;
	r.payload = 434;
	for (unsigned i = 0; i < 3; i++) {
		capture_encode_packet(
		    stream + CAPTURE_HEADER + i * CAPTURE_PACKET, &packets[i]);
	}
	memset(stream + CAPTURE_HEADER + 3 * CAPTURE_PACKET, 0x5a, 434);
	assert_int_equal(put(&r), 0);
	assert_int_equal(recorder_flush(rec), 0);

	f = open_file(0);
	p = next_frame(f, &h, &len);
	assert_int_equal(h.transfer_type, URB_ISOCHRONOUS);
	assert_int_equal(h.s.iso.numdesc, 3);
	assert_int_equal(h.s.iso.error_count, 1);
	assert_int_equal(h.ndesc, 3);
	assert_int_equal(len, 3 * 16 + 434);
	memcpy(&d, p + 16, sizeof(d));
	assert_int_equal(d.status, USBIP_EXDEV);
	assert_int_equal(d.offset, 192);
	memcpy(&d, p + 32, sizeof(d));
	assert_int_equal(d.offset, 384);
	assert_int_equal(d.len, 50);
	assert_int_equal(p[48], 0x5a);
	expect_end(f);
}

static int
put_ruling(uint64_t id, unsigned line)
{
	struct capture_record r =
	    record_of(CAPTURE_RULED, XFER_CONTROL, 0, id, 0);
	struct ipc_ruled m = {.hook = HOOK_SCSI, .verdict = VERDICT_DENY,
	    .line = line, .profile = "storage-ro", .key = "K\n1",
	    .file = "a.profile", .text = "op=write-10"};
	uint8_t buf[2048];
	int n = ipc_encode_ruled(buf, sizeof(buf), &m);

	assert_true(n > 0);
	return put_data(&r, buf, (uint32_t)n);
}

static void
test_rulings(void **state)
{
	struct capture_record r =
	    record_of(CAPTURE_SUBMIT, XFER_BULK, 0x02, 5, 0);
	json_t *o;

	(void)state;
	assert_int_equal(put(&r), 0);
	r.id = 6;
	assert_int_equal(put(&r), 0);
	assert_int_equal(put_ruling(5, 12), 0);
	assert_int_equal(put_ruling(99, 0), 0);
	r.dropped = 7;
	assert_int_equal(put(&r), 0);
	assert_int_equal(recorder_flush(rec), 0);

	o = ruling(0, 0);
	assert_int_equal(number(o, "frame"), 1);
	assert_string_equal(text(o, "verdict"), "deny");
	assert_string_equal(text(o, "profile"), "storage-ro");
	assert_string_equal(text(o, "hook"), "scsi");
	assert_string_equal(text(o, "file"), "a.profile");
	assert_int_equal(number(o, "line"), 12);
	assert_string_equal(text(o, "key"), "K\\x0a1");
	assert_string_equal(text(o, "facts"), "op=write-10");
	json_decref(o);
	o = ruling(0, 1);
	assert_true(json_is_null(json_object_get(o, "frame")));
	assert_true(json_is_true(json_object_get(o, "implicit")));
	json_decref(o);
	o = ruling(0, 2);
	assert_int_equal(number(o, "dropped"), 7);
	assert_int_equal(number(o, "after"), 2);
	json_decref(o);
	assert_null(ruling(0, 3));
}

/* Frames begin at 1 again in each file, and no file is larger than it may. */
static void
test_rotation(void **state)
{
	static uint8_t data[CAPTURE_PAYLOAD];
	struct capture_record r =
	    record_of(CAPTURE_SUBMIT, XFER_BULK, 0x02, 0, CAPTURE_PAYLOAD);
	uint64_t frames, dropped;
	unsigned seen = 0;
	json_t *o;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		r.id = i;
		assert_int_equal(put_data(&r, data, sizeof(data)), 0);
	}
	assert_int_equal(put_ruling(39, 1), 0);
	assert_int_equal(recorder_flush(rec), 0);
	assert_int_equal(nfiles, 3);
	for (unsigned i = 0; i < nfiles; i++) {
		pcap_t *p = open_file(i);
		struct pcap_pkthdr *hdr;
		const u_char *bytes;

		while (pcap_next_ex(p, &hdr, &bytes) == 1) {
			seen++;
		}
		fseek(pcap_file(p), 0, SEEK_END);
		assert_true(ftell(pcap_file(p)) <= (long)MIB);
		pcap_close(p);
	}
	assert_int_equal(seen, 40);
	recorder_counts(rec, &frames, &dropped);
	assert_int_equal(frames, 40);
	assert_int_equal(dropped, 0);
	o = ruling(2, 0);
	assert_int_equal(number(o, "frame"), 40 - 2 * (MIB / (65536 + 80)));
	json_decref(o);

	max_files = nfiles;
	for (unsigned i = 0; i < 15; i++) {
		int e = put_data(&r, data, sizeof(data));

		assert_true(e == 0 || e == ERR_POLICY);
		if (e != 0) {
			return;
		}
	}
	fail_msg("no file was asked for");
}

/* Rulings fill a file, too. */
static void
test_many_rulings(void **state)
{
	struct capture_record r =
	    record_of(CAPTURE_SUBMIT, XFER_BULK, 0x02, 1, 0);

	(void)state;
	assert_int_equal(put(&r), 0);
	for (unsigned i = 0; i < MIB / 100; i++) {
		assert_int_equal(put_ruling(1, 1), 0);
	}
	assert_int_equal(nfiles, 1);
	assert_int_equal(put(&r), 0);
	assert_int_equal(nfiles, 2);
	assert_int_equal(put(&r), 0);
	assert_int_equal(nfiles, 2);
}

/* However the pipe cuts it. */
static void
test_pieces(void **state)
{
	struct capture_record r =
	    record_of(CAPTURE_SUBMIT, XFER_BULK, 0x02, 1, 5);
	pcap_usb_header_mmapped h;
	uint32_t len;
	pcap_t *f;

	(void)state;
	r.payload = 5;
	memcpy(stream + CAPTURE_HEADER, "hello", 5);
	capture_encode(stream, &r);
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < capture_size(&r); i++) {
			assert_int_equal(recorder_take(rec, stream + i, 1), 0);
		}
	}
	assert_int_equal(recorder_flush(rec), 0);
	f = open_file(0);
	assert_memory_equal(next_frame(f, &h, &len), "hello", 5);
	assert_memory_equal(next_frame(f, &h, &len), "hello", 5);
	expect_end(f);
	r = record_of(CAPTURE_END, XFER_CONTROL, 0, 0, 0);
	assert_int_equal(put(&r), ERR_CLOSED);
}

/* What no session writes ends it, and writes nothing. */
static void
test_hostile(void **state)
{
	const struct capture_record good =
	    record_of(CAPTURE_SUBMIT, XFER_ISO, 0x83, 1, 0);
	struct bad {
		size_t at;
		uint8_t byte;
	} bad[] = {
	    {0, 1},  /* size */
	    {3, 71},
	    {4, 0},  /* type */
	    {4, 5},
	    {5, 4},  /* transfer type */
	    {7, 1},  /* reserved */
	    {67, 1}, /* more packets kept than there are */
	    {68, 1}, /* payload */
	    {71, 1},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		capture_encode(stream, &good);
		stream[bad[i].at] = bad[i].byte;
		assert_int_equal(
		    recorder_take(rec, stream, CAPTURE_HEADER), ERR_FORMAT);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
	/* a ruling that is none */
	capture_encode(stream, &(struct capture_record){
		.type = CAPTURE_RULED, .payload = 3});
	assert_int_equal(
	    recorder_take(rec, stream, CAPTURE_HEADER + 3), ERR_FORMAT);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_sequence),
		T(test_iso),
		T(test_rulings),
		T(test_rotation),
		T(test_many_rulings),
		T(test_pieces),
		T(test_hostile),
	};
	int r;

	if (mkdtemp(dir) == NULL) {
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
