/*
 * The session between fakes. Time passes only where a test says so, or waits for
 * an end; everything else is turned until it is quiet.
 */
#include "tests/fake/session_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/stream.h"
#include "proxy/session/door.h"
#include "tests/fake/virtual.h"
#include "tests/fault/fault.h"
#include "wire/cursor.h"

#define LE(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)
#define TURNS 20000

/* ------------------------------------------------------------------------ */
/* The device                                                               */

static const uint8_t device[18] = {18, 1, LE(0x0200), 0, 0, 0, 64, LE(0x1209),
    LE(0x5a11), LE(0x0100), 1, 2, 3, 2};

static const uint8_t report[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x75,
    0x08, 0x95, 0x08, 0x81, 0x02, 0xc0};

static const uint8_t config1[] = {9, 2, LE(94), 2, 1, 0, 0x80, 50,
    /* interface 0, alternate 0 */
    9, 4, 0, 0, 4, 0xff, 0, 0, 0, 7, 5, 0x81, 2, LE(512), 0, 7, 5, 0x02, 2,
    LE(512), 0, 7, 5, 0x83, 3, LE(64), 4, 7, 5, 0x04, 3, LE(64), 4,
    /* alternate 1 */
    9, 4, 0, 1, 2, 0xff, 0, 0, 0, 7, 5, 0x85, 1, LE(512), 1, 7, 5, 0x06, 1,
    LE(512), 1,
    /* interface 1: HID */
    9, 4, 1, 0, 1, 3, 0, 0, 0, 9, 0x21, LE(0x0111), 0, 1, 0x22,
    LE(sizeof(report)), 7, 5, 0x87, 3, LE(8), 4};

static const uint8_t config2[] = {9, 2, LE(32), 1, 2, 0, 0x80, 50, 9, 4, 0, 0,
    2, 0xff, 0, 0, 0, 7, 5, 0x88, 2, LE(512), 0, 7, 5, 0x02, 2, LE(512), 0};

_Static_assert(sizeof(config1) == 94, "wTotalLength of configuration 1");
_Static_assert(sizeof(config2) == 32, "wTotalLength of configuration 2");

void
rig_record(struct devrec *rec)
{
	static const uint8_t langs[] = {4, 3, LE(0x0409)};
	static const uint8_t text[] = {8, 3, 'R', 0, 'i', 0, 'g', 0};
	static struct desc_config scratch;
	struct desc_why why = {0};

	devrec_init(rec);
	rec->speed = USBIP_SPEED_HIGH;
	rec->active_config = 1;
	memcpy(rec->device, device, sizeof(device));
	assert_int_equal(devrec_add_config(rec, config1, sizeof(config1)), 0);
	assert_int_equal(devrec_add_config(rec, config2, sizeof(config2)), 0);
	assert_int_equal(
	    devrec_add_string(rec, 0, 0, langs, sizeof(langs)), 0);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_int_equal(devrec_add_string(rec, i, 0x0409, text,
				     sizeof(text)),
		    0);
	}
	assert_int_equal(
	    devrec_add_report(rec, 1, 1, report, sizeof(report)), 0);
	if (devrec_check(rec, &scratch, &why) != 0) {
		fail_msg("rig's device: %s: %s at %zu", why.rule, why.text,
		    why.offset);
	}
}

/* ------------------------------------------------------------------------ */
/* The door without locks                                                   */

struct open_door {
	struct door door; /* first member */
	struct rig *rig;
};

/* The stream's handshake ends as the rig says. */
static int handshake_err;

static int
handshake(struct stream *stream)
{
	(void)stream;
	return handshake_err;
}

static int
door_open(struct door *door, int fd, const struct ipc_pem *pem,
    struct stream **out, char *why, size_t why_size)
{
	struct open_door *d = (struct open_door *)(void *)door;

	static struct stream_ops bent;

	if (pem->key_len == 0 || d->rig->open_err != 0) {
		snprintf(why, why_size, "no key");
		return ERR_TLS;
	}
	(void)snprintf(d->rig->crl_seen, sizeof(d->rig->crl_seen), "%s",
	    pem->crl_len != 0 ? (const char *)pem->crl : "");
	*out = stream_plain_new(fd);
	if (*out != NULL && d->rig->handshake_err != 0) {
		bent = *(*out)->ops;
		bent.handshake = handshake;
		handshake_err = d->rig->handshake_err;
		(*out)->ops = &bent;
	}
	d->rig->stream = *out;
	return *out != NULL ? 0 : ERR_NOMEM;
}

static int
door_facts(
    struct door *door, const struct stream *stream, struct x509_facts *out)
{
	(void)stream;
	if (((struct open_door *)(void *)door)->rig->facts_err != 0) {
		return ERR_FORMAT;
	}
	memset(out, 0, sizeof(*out));
	out->serial_len = 1;
	snprintf(out->subject, sizeof(out->subject), "CN=kiosk");
	snprintf(out->issuer, sizeof(out->issuer), "CN=ca");
	snprintf(out->cn, sizeof(out->cn), "kiosk");
	return 0;
}

static const char *
door_protocol(struct door *door, const struct stream *stream)
{
	(void)stream;
	return ((struct open_door *)(void *)door)->rig->protocol;
}

static const char *
door_error(struct door *door, const struct stream *stream)
{
	(void)door;
	(void)stream;
	return "no handshake";
}

static void
door_wipe(struct door *door)
{
	((struct open_door *)(void *)door)->rig->door_wiped++;
}

static void
door_free(struct door *door)
{
	free(door);
}

static const struct door_ops open_door_ops = {
    .name = "open",
    .open = door_open,
    .facts = door_facts,
    .protocol = door_protocol,
    .error = door_error,
    .wipe = door_wipe,
    .free = door_free,
};

/* ------------------------------------------------------------------------ */
/* Broker and warden                                                        */

static void
tell(int chan, uint16_t type, const void *buf, int len, int fd)
{
	assert_true(len >= 0);
	/* the session may be gone by now */
	(void)channel_send(chan, type, 0, buf, (size_t)len, fd);
}

static void
tell_result(int chan, uint16_t type, int32_t err)
{
	struct ipc_result m = {.err = err};
	uint8_t buf[16];

	tell(chan, type, buf, ipc_encode_result(buf, sizeof(buf), &m), -1);
}

static void
give_device(struct rig *rig)
{
	uint8_t buf[PLACE_WIRE];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	tell(rig->broker, IPC_DEVICE, buf,
	    place_encode(buf, sizeof(buf), &rig->device_place), fds[0]);
	close(fds[0]);
	close(fds[1]);
}

static void
broker_says(struct rig *rig, const struct channel_msg *msg)
{
	static const uint8_t text[] = "pem";
	struct ipc_pem pem = {.ca = text,
	    .cert = text,
	    .key = text,
	    .ca_len = sizeof(text),
	    .cert_len = sizeof(text),
	    .key_len = sizeof(text)};
	struct ipc_byte byte;
	uint8_t buf[128];

	if (msg->type == IPC_KEY) {
		rig->keys++;
		if (rig->has_no_key) {
			return;
		}
		if (rig->is_crl_in_message) {
			pem.crl = text;
			pem.crl_len = sizeof(text);
		}
		tell(rig->broker, IPC_KEY_IS, buf,
		    ipc_encode_pem(buf, sizeof(buf), &pem), rig->crl);
	} else if (msg->type == IPC_SET_CONFIG) {
		rig->set_configs++;
		assert_int_equal(
		    ipc_decode_byte(&byte, msg->data, msg->len), 0);
		rig->config_asked = byte.value;
		/* nothing may be claimed while the broker switches */
		assert_int_equal(rig->sim->claimed, 0);
		if (!rig->mute_broker) {
			if (rig->config_err == 0) {
				rig->sim->config = byte.value;
			}
			tell_result(
			    rig->broker, IPC_CONFIG_SET, rig->config_err);
		}
	} else {
		fail_msg("the broker was sent %u", msg->type);
	}
}

static void
answer_list(struct rig *rig)
{
	static struct desc_config scratch;
	uint8_t buf[2048];
	struct ipc_item item;

	for (unsigned i = 0; i < rig->nitems; i++) {
		memset(&item, 0, sizeof(item));
		devrec_usbip(&item.dev, &rig->rec, &rig->place, &scratch);
		item.ninterfaces = 2;
		item.interfaces[0].class = 0xff;
		item.interfaces[1].class = 3;
		tell(rig->warden, IPC_LIST_ITEM, buf,
		    ipc_encode_item(buf, sizeof(buf), &item), -1);
	}
	tell(rig->warden, IPC_LIST_END, NULL, 0, -1);
}

static void
answer_import(struct rig *rig)
{
	struct ipc_imported m = {.err = rig->imported_err,
		.place = rig->place,
		.is_all = !rig->is_masked};
	static uint8_t buf[CHANNEL_MAX];
	int is_ok = rig->imported_err == 0;

	if (rig->is_masked) {
		memcpy(m.mask, rig->mask, sizeof(m.mask));
	}
	if (is_ok && !rig->device_late) {
		give_device(rig);
	}
	if (is_ok && rig->block != NULL) {
		rig_profiles(rig, rig->block, rig->block_size);
		if (rig->quota.name[0] != '\0') {
			tell(rig->warden, IPC_QUOTA_IS, buf,
			    ipc_encode_quota(buf, sizeof(buf), &rig->quota),
			    -1);
		}
	}
	tell(rig->warden, IPC_IMPORTED, buf,
	    ipc_encode_imported(
		buf, sizeof(buf), &m, is_ok ? &rig->rec : NULL),
	    -1);
	if (is_ok && rig->device_late) {
		give_device(rig);
	}
}

/* What a session says about inspection; 1 when it was that. */
static int
inspection_says(struct rig *rig, const struct channel_msg *msg)
{
	struct ipc_over over;
	int r = 0;

	switch (msg->type) {
	case IPC_RULED:
		assert_true(rig->nruled < RIG_REFUSALS);
		r = ipc_decode_ruled(
		    &rig->ruled[rig->nruled++], msg->data, msg->len);
		break;
	case IPC_ASK:
		rig->nasks++;
		r = ipc_decode_ask(&rig->ask, msg->data, msg->len);
		break;
	case IPC_ASK_OVER:
		rig->nover++;
		r = ipc_decode_over(&over, msg->data, msg->len);
		assert_in_range(over.id, 1, rig->ask.id);
		break;
	case IPC_CHALLENGE:
		rig->nchallenges++;
		r = ipc_decode_challenge(&rig->challenge, msg->data, msg->len);
		break;
	case IPC_OUT:
		rig->nout++;
		r = ipc_decode_out(&rig->out, msg->data, msg->len);
		break;
	case IPC_QUOTA:
		rig->nquotas++;
		r = ipc_decode_quota(&rig->used, msg->data, msg->len);
		break;
	case IPC_CAPTURE_WANTED:
		rig->nwanted++;
		r = ipc_decode_wanted(&rig->wanted, msg->data, msg->len);
		break;
	default:
		return 0;
	}
	assert_int_equal(r, 0);
	return 1;
}

static void
warden_says(struct rig *rig, const struct channel_msg *msg)
{
	struct x509_facts facts;
	struct ipc_byte byte;
	struct ipc_line line;

	switch (msg->type) {
	case IPC_IDENTITY:
		rig->identities++;
		assert_true(rig->door_wiped > 0);
		assert_int_equal(
		    identity_decode(&facts, msg->data, msg->len), 0);
		tell_result(
		    rig->warden, IPC_IDENTIFIED, rig->identified_err);
		return;
	case IPC_LIST:
		rig->lists++;
		answer_list(rig);
		return;
	case IPC_IMPORT:
		rig->imports++;
		if (!rig->mute_warden) {
			answer_import(rig);
		}
		return;
	case IPC_SUBSCRIBE:
		assert_int_equal(msg->len, 0);
		rig->subscribes++;
		return;
	case IPC_ACTIVE:
		assert_int_equal(msg->len, 0);
		rig->actives++;
		return;
	case IPC_TALLY:
		assert_int_equal(
		    tally_decode(&rig->tally, msg->data, msg->len), 0);
		rig->ntallies++;
		return;
	case IPC_SAID:
		assert_int_equal(
		    ipc_decode_line(&line, msg->data, msg->len), 0);
		snprintf(rig->said, sizeof(rig->said), "%.*s", (int)line.len,
		    line.text);
		rig->nsaid++;
		return;
	case IPC_REFUSED:
		assert_true(rig->nrefusals < RIG_REFUSALS);
		assert_int_equal(
		    ipc_decode_refused(&rig->refusals[rig->nrefusals++],
			msg->data, msg->len),
		    0);
		return;
	case IPC_STATE:
		assert_int_equal(
		    ipc_decode_byte(&byte, msg->data, msg->len), 0);
		rig->states[rig->nstates++ % 16] = byte.value;
		return;
	}
	if (!inspection_says(rig, msg)) {
		fail_msg("the warden was sent %u", msg->type);
	}
}

static unsigned
hear(struct rig *rig, int chan,
    void (*says)(struct rig *, const struct channel_msg *))
{
	struct channel_msg msg;
	unsigned n = 0;

	while (chan != -1 &&
	    channel_recv(chan, rig->chan_buf, sizeof(rig->chan_buf), &msg) ==
		0) {
		assert_int_equal(msg.fd, -1);
		says(rig, &msg);
		n++;
	}
	return n;
}

void
rig_profiles(struct rig *rig, const void *block, size_t size)
{
	struct ipc_profile m = {
		.wall = 1764028800, .is_listening = rig->is_listening != 0};
	int fd = memfd_create("rig", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t buf[16];

	assert_true(fd != -1);
	assert_int_equal(write(fd, block, size), (ssize_t)size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
	    0);
	tell(rig->warden, IPC_PROFILE, buf,
	    ipc_encode_profile(buf, sizeof(buf), &m), fd);
	close(fd);
}

void
rig_verdict(struct rig *rig, uint32_t id, enum ipc_say say)
{
	struct ipc_answer m = {.id = id, .say = (uint8_t)say};
	uint8_t buf[8];

	tell(rig->warden, IPC_ANSWER, buf,
	    ipc_encode_answer(buf, sizeof(buf), &m), -1);
}

void
rig_capture(struct rig *rig, int fd, int is_all)
{
	struct ipc_capture m = {
		.is_all = is_all != 0, .payload = 64 * 1024};
	uint8_t buf[8];

	tell(rig->warden, IPC_CAPTURE, buf,
	    fd != -1 ? ipc_encode_capture(buf, sizeof(buf), &m) : 0, fd);
}

void
rig_listening(struct rig *rig, int is_listening)
{
	struct ipc_byte m = {.value = is_listening != 0};
	uint8_t buf[8];

	tell(rig->warden, IPC_LISTENING, buf,
	    ipc_encode_byte(buf, sizeof(buf), &m), -1);
}

int
rig_line(struct rig *rig, const char *text, size_t len)
{
	struct ipc_line line = {.text = text, .len = (uint32_t)len};
	static uint8_t buf[IPC_LINE_MAX + 16];
	int n = ipc_encode_line(buf, sizeof(buf), &line);

	assert_true(n > 0);
	return channel_send(
	    rig->warden, IPC_LINE, 0, buf, (size_t)n, -1);
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static void
on_ended(void *arg, int exit_code)
{
	struct rig *rig = arg;

	assert_false(rig->ended);
	rig->ended = 1;
	rig->exit_code = exit_code;
	rig->stream = NULL;
}

struct rig *
rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig_record(&rig->rec);
	rig->sim = usb_sim_new(&rig->rec);
	assert_non_null(rig->sim);
	snprintf(rig->place.busid, sizeof(rig->place.busid), RIG_BUSID);
	snprintf(rig->place.path, sizeof(rig->place.path),
	    "/sys/devices/pci0000:00/usb3/3-2/3-2.4");
	rig->place.busnum = RIG_DEVID >> 16;
	rig->place.devnum = RIG_DEVID & 0xffff;
	rig->place.speed = USBIP_SPEED_HIGH;
	rig->device_place = rig->place;
	rig->limits = session_limits_default;
	rig->client = rig->broker = rig->warden = rig->crl = -1;
	return rig;
}

void
rig_start(struct rig *rig)
{
	struct open_door *door = calloc(1, sizeof(*door));
	struct session_how how = {
		.usb = usb_backend,
		.limits = &rig->limits,
		.ended = on_ended,
		.arg = rig,
	};
	int fds[2], r;

	assert_non_null(door);
	door->door.ops = &open_door_ops;
	door->rig = rig;
	rig->loop = loop_new();
	assert_non_null(rig->loop);
	assert_int_equal(channel_pair(fds), 0);
	rig->broker = fds[0];
	how.broker = fds[1];
	assert_int_equal(channel_pair(fds), 0);
	rig->warden = fds[0];
	how.warden = fds[1];
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds),
	    0);
	rig->client = fds[0];
	how.peer = fds[1];
	how.loop = rig->loop;
	how.door = &door->door;
	fault_side(FAULT_PRODUCT);
	r = session_new(&rig->session, &how);
	fault_side(FAULT_FAKE);
	rig->ended = r != 0 && rig->is_careless;
	assert_true(r == 0 || rig->is_careless);
}

void
rig_free(struct rig *rig)
{
	session_free(rig->session);
	assert_int_equal(rig->sim->counts.opens, rig->sim->counts.closes);
	close_fd(&rig->client);
	close_fd(&rig->broker);
	close_fd(&rig->warden);
	loop_free(rig->loop);
	usb_sim_free(rig->sim);
	free(rig->reply.data);
	free(rig->in);
	free(rig->cork);
	free(rig);
}

/* How much there was. */
static size_t
read_client(struct rig *rig)
{
	size_t had = rig->in_len;

	while (rig->client != -1 && !rig->eof) {
		ssize_t n;

		if (rig->in_size - rig->in_len < 65536) {
			rig->in_size = rig->in_size * 2 + 65536;
			rig->in = realloc(rig->in, rig->in_size);
			assert_non_null(rig->in);
		}
		n = recv(rig->client, rig->in + rig->in_len,
		    rig->in_size - rig->in_len, MSG_DONTWAIT);
		if (n <= 0) {
			rig->eof = n == 0 || (errno != EAGAIN);
			break;
		}
		rig->in_len += (size_t)n;
	}
	return rig->in_len - had;
}

unsigned
rig_turn(struct rig *rig)
{
	uint64_t before = virtual_callbacks();
	unsigned n;

	fault_side(FAULT_PRODUCT);
	loop_once(rig->loop, LOOP_NOWAIT);
	fault_side(FAULT_FAKE);
	n = hear(rig, rig->broker, broker_says);
	n += hear(rig, rig->warden, warden_says);
	return n + (virtual_callbacks() != before);
}

void
rig_settle(struct rig *rig)
{
	/* what the workstation takes may be what the session waited for */
	do {
		for (int i = 0; rig_turn(rig) != 0; i++) {
			if (i == TURNS) {
				fail_msg("busy without an end");
			}
		}
	} while (read_client(rig) > 0);
}

void
rig_pass(struct rig *rig, uint64_t ns)
{
	rig_settle(rig);
	while (virtual_next() <= ns) {
		ns -= virtual_next();
		virtual_pass(virtual_next());
		rig_settle(rig);
	}
	virtual_pass(ns);
	rig_settle(rig);
}

void
rig_wait_ms(struct rig *rig, unsigned ms)
{
	rig_pass(rig, ms * CLOCK_MSEC);
}

void
rig_wait_end(struct rig *rig)
{
	uint64_t until = clock_mono() + 60 * CLOCK_SEC;

	rig_settle(rig);
	while (!rig->ended && virtual_next() != UINT64_MAX &&
	    clock_mono() < until) {
		rig_pass(rig, virtual_next());
	}
	assert_true(rig->ended);
}

/* 0: nothing will happen for a while. */
static int
turn_or_wait(struct rig *rig)
{
	if (rig_turn(rig) == 0 && read_client(rig) == 0) {
		if (virtual_next() > 5 * CLOCK_SEC) {
			return 0;
		}
		virtual_pass(virtual_next());
	}
	return 1;
}

void
rig_import(struct rig *rig)
{
	uint8_t rep[USBIP_IMPORT_REP_SIZE];
	struct usbip_op_common op;

	rig_send_import(rig, RIG_BUSID);
	rig_take(rig, rep, sizeof(rep));
	assert_int_equal(usbip_decode_op(&op, rep, sizeof(rep)), 0);
	assert_int_equal(op.code, USBIP_OP_REP_IMPORT);
	assert_int_equal(op.status, 0);
	rig->sim->nsetups = 0;
	rig->sim->counts.submits = 0;
}

struct rig *
rig_streaming(void)
{
	struct rig *rig = rig_new();

	rig_start(rig);
	rig_import(rig);
	return rig;
}

/* ------------------------------------------------------------------------ */
/* Speaking                                                                 */

void
rig_cork(struct rig *rig)
{
	rig->corked = 1;
}

void
rig_uncork(struct rig *rig)
{
	rig->corked = 0;
	rig_send(rig, rig->cork, rig->cork_len);
	rig->cork_len = 0;
}

static void
collect(struct rig *rig, const void *buf, size_t len)
{
	if (rig->cork_len + len > rig->cork_size) {
		rig->cork_size = (rig->cork_len + len) * 2;
		rig->cork = realloc(rig->cork, rig->cork_size);
		assert_non_null(rig->cork);
	}
	memcpy(rig->cork + rig->cork_len, buf, len);
	rig->cork_len += len;
}

void
rig_send(struct rig *rig, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	if (rig->corked) {
		collect(rig, buf, len);
		return;
	}
	for (int i = 0; len > 0; i++) {
		ssize_t n = send(
		    rig->client, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		/* it does not read meanwhile */
		if (rig->is_careless && (i == TURNS || rig->ended)) {
			return;
		}
		assert_true(i < TURNS && !rig->ended);
		if (rig_turn(rig) == 0) {
			virtual_pass(CLOCK_MSEC);
		}
	}
}

void
rig_send_op(struct rig *rig, uint16_t version, uint16_t code)
{
	uint8_t op[8] = {(uint8_t)(version >> 8), (uint8_t)version,
	    (uint8_t)(code >> 8), (uint8_t)code};

	rig_send(rig, op, sizeof(op));
}

void
rig_send_import(struct rig *rig, const char *busid)
{
	uint8_t raw[USBIP_BUSID_SIZE] = {0};

	memcpy(raw, busid, strnlen(busid, sizeof(raw)));
	rig_send_op(rig, USBIP_VERSION, USBIP_OP_REQ_IMPORT);
	rig_send(rig, raw, sizeof(raw));
}

void
rig_header(struct rig *rig, const struct usbip_header *hdr)
{
	uint8_t raw[USBIP_HEADER_SIZE];
	struct wcur c = wcur_of(raw, sizeof(raw));

	assert_int_equal(usbip_encode_header(raw, hdr), 0);
	/* the encoder writes replies: these three are 0 there */
	wcur_be32(&c, hdr->command);
	wcur_be32(&c, hdr->seqnum);
	wcur_be32(&c, hdr->devid);
	wcur_be32(&c, hdr->direction);
	wcur_be32(&c, hdr->ep);
	rig_send(rig, raw, sizeof(raw));
}

static struct usbip_header
submit_header(struct rig *rig, uint32_t seqnum, uint8_t address,
    uint32_t length)
{
	struct usbip_header hdr = {
		.command = USBIP_CMD_SUBMIT,
		.seqnum = seqnum,
		.devid = RIG_DEVID,
		.direction = address >> 7,
		.ep = address & 15,
		.u.submit.length = length,
	};

	rig->submits[seqnum % RIG_SUBMITS] =
	    (struct rig_submit){seqnum, hdr.direction, 0};
	return hdr;
}

static void
send_body(struct rig *rig, const void *data, uint32_t length)
{
	uint8_t *zeros = NULL;

	if (data == NULL) {
		zeros = calloc(1, length + 1);
		assert_non_null(zeros);
		data = zeros;
	}
	rig_send(rig, data, length);
	free(zeros);
}

void
rig_submit(struct rig *rig, uint32_t seqnum, uint8_t address, uint32_t flags,
    uint32_t length, const uint8_t *setup, const void *data)
{
	struct usbip_header hdr;

	if (setup != NULL) {
		address = setup[0] & 0x80;
	}
	hdr = submit_header(rig, seqnum, address, length);
	hdr.u.submit.flags = flags;
	if (setup != NULL) {
		memcpy(hdr.u.submit.setup, setup, 8);
	}
	rig_header(rig, &hdr);
	if ((address & 0x80) == 0 && length > 0) {
		send_body(rig, data, length);
	}
}

void
rig_submit_iso(struct rig *rig, uint32_t seqnum, uint8_t address,
    uint32_t length, const void *data, const struct usbip_iso *iso,
    uint32_t npackets)
{
	struct usbip_header hdr = submit_header(rig, seqnum, address, length);
	uint8_t raw[USBIP_ISO_SIZE];

	hdr.u.submit.npackets = npackets;
	rig->submits[seqnum % RIG_SUBMITS].npackets = npackets;
	rig_header(rig, &hdr);
	if ((address & 0x80) == 0 && length > 0) {
		send_body(rig, data, length);
	}
	for (uint32_t i = 0; i < npackets; i++) {
		usbip_encode_iso(raw, &iso[i]);
		rig_send(rig, raw, sizeof(raw));
	}
}

void
rig_control(struct rig *rig, uint32_t seqnum, const uint8_t setup[8],
    const void *data)
{
	rig_submit(rig, seqnum, 0, 0, le16_at(setup + 6), setup, data);
}

void
rig_unlink(struct rig *rig, uint32_t seqnum, uint32_t of)
{
	struct usbip_header hdr = {
		.command = USBIP_CMD_UNLINK,
		.seqnum = seqnum,
		.devid = RIG_DEVID,
		.u.unlink.seqnum = of,
	};

	rig_header(rig, &hdr);
}

/* ------------------------------------------------------------------------ */
/* Hearing                                                                  */

void
rig_take(struct rig *rig, void *buf, size_t n)
{
	for (int i = 0; rig->in_len < n; i++) {
		read_client(rig);
		if (rig->in_len >= n) {
			break;
		}
		if (i >= TURNS || rig->eof || !turn_or_wait(rig)) {
			fail_msg("%zu bytes expected, %zu came%s", n,
			    rig->in_len, rig->eof ? ", then the end" : "");
		}
	}
	memcpy(buf, rig->in, n);
	rig->in_len -= n;
	memmove(rig->in, rig->in + n, rig->in_len);
}

struct rig_reply *
rig_next(struct rig *rig)
{
	struct rig_reply *reply = &rig->reply;
	struct rig_submit *sub;
	uint8_t raw[USBIP_HEADER_SIZE];

	free(reply->data);
	memset(reply, 0, sizeof(*reply));
	rig_take(rig, raw, sizeof(raw));
	assert_int_equal(
	    usbip_decode_header(&reply->hdr, raw, sizeof(raw)), 0);
	assert_int_equal(reply->hdr.devid, 0);
	if (reply->hdr.command == USBIP_RET_UNLINK) {
		return reply;
	}
	assert_int_equal(reply->hdr.command, USBIP_RET_SUBMIT);
	sub = &rig->submits[reply->hdr.seqnum % RIG_SUBMITS];
	assert_int_equal(sub->seqnum, reply->hdr.seqnum);
	assert_int_equal(reply->hdr.u.ret_submit.npackets, sub->npackets);
	reply->npackets = sub->npackets;
	if (sub->direction == USBIP_DIR_IN) {
		reply->data_len = reply->hdr.u.ret_submit.actual_length;
	}
	reply->data = malloc(reply->data_len + 1);
	assert_non_null(reply->data);
	rig_take(rig, reply->data, reply->data_len);
	for (uint32_t i = 0; i < reply->npackets; i++) {
		rig_take(rig, raw, USBIP_ISO_SIZE);
		usbip_decode_iso(
		    &reply->iso[i % 64], raw, USBIP_ISO_SIZE);
	}
	return reply;
}

struct rig_reply *
rig_expect_submit(
    struct rig *rig, uint32_t seqnum, int32_t status, uint32_t actual)
{
	struct rig_reply *reply = rig_next(rig);

	assert_int_equal(reply->hdr.command, USBIP_RET_SUBMIT);
	assert_int_equal(reply->hdr.seqnum, seqnum);
	assert_int_equal(reply->hdr.u.ret_submit.status, status);
	assert_int_equal(reply->hdr.u.ret_submit.actual_length, actual);
	return reply;
}

void
rig_expect_unlink(struct rig *rig, uint32_t seqnum, int32_t status)
{
	struct rig_reply *reply = rig_next(rig);

	assert_int_equal(reply->hdr.command, USBIP_RET_UNLINK);
	assert_int_equal(reply->hdr.seqnum, seqnum);
	assert_int_equal(reply->hdr.u.ret_unlink.status, status);
}

void
rig_expect_nothing(struct rig *rig)
{
	rig_settle(rig);
	assert_int_equal(rig->in_len, 0);
	assert_false(rig->eof);
}

void
rig_expect_eof(struct rig *rig)
{
	rig_wait_end(rig);
	assert_true(rig->eof);
	assert_int_equal(rig->in_len, 0);
}

struct rig_reply *
rig_do_control(struct rig *rig, uint32_t seqnum, const uint8_t setup[8],
    int32_t status, uint32_t actual)
{
	rig_control(rig, seqnum, setup, NULL);
	return rig_expect_submit(rig, seqnum, status, actual);
}

int
rig_was_refused(const struct rig *rig, const char *rule)
{
	for (unsigned i = 0; i < rig->nrefusals; i++) {
		if (strcmp(rig->refusals[i].rule, rule) == 0) {
			return 1;
		}
	}
	return 0;
}
