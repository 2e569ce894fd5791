/*
 * wire/ipc: every message goes out and comes back the same, is refused in every
 * wrong length, and does no harm when it is bent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/rnd.h"
#include "tests/unit/usb_samples.h"
#include "wire/ipc.h"

#define BUF_SIZE (64u * 1024u)

static struct devrec rec, rec_back;

static const struct device_place place = {.busid = "3-2.4",
    .path = "/sys/devices/pci0000:00/usb3/3-2/3-2.4",
    .busnum = 3,
    .devnum = 17,
    .speed = USBIP_SPEED_HIGH};

/* Erased shapes, so that one test can walk over all messages. */
union message {
	struct ipc_result result;
	struct ipc_byte byte;
	struct ipc_busid busid;
	struct ipc_probe probe;
	struct ipc_authorize authorize;
	struct ipc_grant grant;
	struct ipc_exited exited;
	struct ipc_call call;
	struct ipc_pem pem;
	struct ipc_crl crl;
	struct ipc_loaded loaded;
	struct ipc_sign sign;
	struct ipc_signed signature;
	struct ipc_item item;
	struct ipc_imported imported;
	struct ipc_refused refused;
	struct ipc_texts texts;
	struct ipc_text text;
	struct ipc_ruled ruled;
	struct ipc_profile profile;
	struct ipc_ask ask;
	struct ipc_answer answer;
	struct ipc_over over;
	struct ipc_challenge challenge;
	struct ipc_out out;
	struct ipc_quota quota;
	struct ipc_capture capture;
	struct ipc_wanted wanted;
	struct ipc_recorder_over recorder_over;
	struct ipc_fetch fetch;
	struct ipc_fetched fetched;
	struct ipc_post post;
	struct ipc_posted posted;
	struct ipc_tried tried;
	struct ipc_line line;
	struct ipc_watch watch;
	struct ipc_relay_setup setup;
	struct ipc_relay_ready ready;
	struct ipc_relay_done done;
	struct ipc_relay_key key;
	struct ipc_enroll enroll;
};

#define SHAPE(name, field)                                                    \
	static int put_##name(void *buf, size_t size, const union message *m) \
	{                                                                     \
		return ipc_encode_##name(buf, size, &m->field);               \
	}                                                                     \
	static int get_##name(union message *m, const void *buf, size_t len)  \
	{                                                                     \
		return ipc_decode_##name(&m->field, buf, len);                \
	}

SHAPE(result, result)
SHAPE(byte, byte)
SHAPE(busid, busid)
SHAPE(probe, probe)
SHAPE(authorize, authorize)
SHAPE(grant, grant)
SHAPE(exited, exited)
SHAPE(call, call)
SHAPE(pem, pem)
SHAPE(crl, crl)
SHAPE(loaded, loaded)
SHAPE(sign, sign)
SHAPE(signed, signature)
SHAPE(item, item)
SHAPE(refused, refused)
SHAPE(texts, texts)
SHAPE(text, text)
SHAPE(ruled, ruled)
SHAPE(profile, profile)
SHAPE(ask, ask)
SHAPE(answer, answer)
SHAPE(over, over)
SHAPE(challenge, challenge)
SHAPE(out, out)
SHAPE(quota, quota)
SHAPE(capture, capture)
SHAPE(wanted, wanted)
SHAPE(recorder_over, recorder_over)
SHAPE(fetch, fetch)
SHAPE(fetched, fetched)
SHAPE(post, post)
SHAPE(posted, posted)
SHAPE(tried, tried)
SHAPE(line, line)
SHAPE(watch, watch)
SHAPE(relay_setup, setup)
SHAPE(relay_ready, ready)
SHAPE(relay_done, done)
SHAPE(relay_key, key)
SHAPE(enroll, enroll)

static int
put_imported(void *buf, size_t size, const union message *m)
{
	return ipc_encode_imported(buf, size, &m->imported, &rec);
}

static int
get_imported(union message *m, const void *buf, size_t len)
{
	return ipc_decode_imported(&m->imported, &rec_back, buf, len);
}

static void
fill_result(struct rnd *r, union message *m)
{
	m->result.err = -(int32_t)rnd_below(r, 15);
	m->result.sys = (int32_t)rnd_below(r, 134);
}

static void
fill_byte(struct rnd *r, union message *m)
{
	m->byte.value = (uint8_t)rnd_u32(r);
}

static void
fill_busid(struct rnd *r, union message *m)
{
	rnd_text(r, m->busid.busid, sizeof(m->busid.busid));
}

static void
fill_probe(struct rnd *r, union message *m)
{
	m->probe.place = place;
	m->probe.flags = (uint8_t)rnd_below(r, 3);
}

static void
fill_authorize(struct rnd *r, union message *m)
{
	m->authorize.place = place;
	m->authorize.what = (uint8_t)(1 + rnd_below(r, 4));
}

static void
fill_grant(struct rnd *r, union message *m)
{
	m->grant.place = place;
	m->grant.nconfigs = (uint8_t)(1 + rnd_below(r, DESC_MAX_CONFIGS));
	for (uint8_t i = 0; i < m->grant.nconfigs; i++) {
		m->grant.configs[i] = (uint8_t)(255 - 3 * i);
	}
}

static void
fill_call(struct rnd *r, union message *m)
{
	m->call.nr = rnd_u32(r);
}

static void
fill_exited(struct rnd *r, union message *m)
{
	m->exited.role = (uint8_t)(1 + rnd_below(r, IPC_ROLE_SIGNER));
	m->exited.signal = (uint8_t)rnd_below(r, 65);
	m->exited.status = (uint8_t)rnd_u32(r);
	m->exited.fault = (uint8_t)rnd_below(r, 3);
	m->exited.has_what = m->exited.fault != 0 && rnd_below(r, 2) == 0;
	m->exited.what = m->exited.has_what ? rnd_u32(r) : 0;
}

static const uint8_t pem_ca[] = "-----BEGIN CERTIFICATE-----\nca\n";
static const uint8_t pem_key[] = "k";

static void
fill_pem(struct rnd *r, union message *m)
{
	m->pem.ca = pem_ca;
	m->pem.ca_len = sizeof(pem_ca);
	if (rnd_below(r, 2) == 1) {
		m->pem.cert = pem_ca;
		m->pem.cert_len = sizeof(pem_ca);
		m->pem.key = pem_key;
		m->pem.key_len = sizeof(pem_key);
	}
}

static void
fill_crl(struct rnd *r, union message *m)
{
	m->crl.err = -(int32_t)rnd_below(r, 15);
	m->crl.sys = (int32_t)rnd_below(r, 134);
	if (m->crl.err == 0) {
		m->crl.ca = pem_ca;
		m->crl.ca_len = sizeof(pem_ca);
	}
	if (m->crl.err != ERR_AGAIN && rnd_below(r, 2) == 0) {
		m->crl.cert = pem_key;
		m->crl.cert_len = sizeof(pem_key);
	}
}

static void
fill_device(struct rnd *r, struct usbip_device *dev)
{
	rnd_text(r, dev->path, sizeof(dev->path));
	rnd_text(r, dev->busid, sizeof(dev->busid));
	dev->busnum = rnd_u32(r);
	dev->devnum = rnd_u32(r);
	dev->speed = rnd_u32(r);
	dev->vid = (uint16_t)rnd_u32(r);
	dev->pid = (uint16_t)rnd_u32(r);
	dev->bcd_device = (uint16_t)rnd_u32(r);
	dev->class = (uint8_t)rnd_u32(r);
	dev->ninterfaces = (uint8_t)rnd_u32(r);
}

static void
fill_item(struct rnd *r, union message *m)
{
	fill_device(r, &m->item.dev);
	m->item.ninterfaces = (uint8_t)rnd_below(r, DESC_MAX_INTERFACES + 1);
	rnd_bytes(r, m->item.interfaces, 3u * m->item.ninterfaces);
	rnd_text(r, m->item.manufacturer, IDENTITY_TEXT);
	rnd_text(r, m->item.product, IDENTITY_TEXT);
	rnd_text(r, m->item.serial, IDENTITY_TEXT);
}

static void
fill_imported(struct rnd *r, union message *m)
{
	m->imported.err = rnd_below(r, 2) == 1 ? ERR_BUSY : 0;
	if (m->imported.err == 0) {
		m->imported.place = place;
		m->imported.is_all = (uint8_t)rnd_below(r, 2);
		if (!m->imported.is_all) {
			rnd_bytes(
			    r, m->imported.mask, sizeof(m->imported.mask));
		}
	}
	devrec_init(&rec_back);
}

static void
fill_refused(struct rnd *r, union message *m)
{
	rnd_text(r, m->refused.rule, IPC_RULE);
	rnd_text(r, m->refused.text, IPC_TEXT);
}

static void
fill_ruled(struct rnd *r, union message *m)
{
	m->ruled.hook = (uint8_t)rnd_below(r, IPC_HOOKS);
	m->ruled.verdict = (uint8_t)rnd_below(r, IPC_VERDICTS);
	m->ruled.is_trial = (uint8_t)rnd_below(r, 2);
	m->ruled.level = (uint8_t)rnd_below(r, 3);
	m->ruled.is_invalid = (uint8_t)rnd_below(r, 2);
	m->ruled.interface = (uint8_t)rnd_below(r, DESC_MAX_INTERFACES);
	m->ruled.line = rnd_u32(r);
	m->ruled.more = rnd_u32(r);
	rnd_text(r, m->ruled.profile, IPC_RULE);
	rnd_text(r, m->ruled.key, IPC_RULE);
	rnd_text(r, m->ruled.file, IPC_FILE);
	rnd_text(r, m->ruled.log, IPC_FILE);
	rnd_text(r, m->ruled.text, IPC_TEXT);
}

static void
fill_profile(struct rnd *r, union message *m)
{
	m->profile.is_listening = (uint8_t)rnd_below(r, 2);
	m->profile.wall = (int64_t)rnd_u32(r) << 20;
}

static void
fill_ask(struct rnd *r, union message *m)
{
	m->ask.id = 1 + rnd_below(r, 1000);
	m->ask.within_ms = rnd_u32(r);
	m->ask.hook = (uint8_t)rnd_below(r, IPC_HOOKS);
	m->ask.otherwise = (uint8_t)rnd_below(r, 3);
	m->ask.line = rnd_u32(r);
	rnd_text(r, m->ask.server, IPC_RULE);
	rnd_text(r, m->ask.key, IPC_RULE);
	rnd_text(r, m->ask.file, IPC_FILE);
	rnd_text(r, m->ask.text, IPC_TEXT);
}

static void
fill_answer(struct rnd *r, union message *m)
{
	m->answer.id = 1 + rnd_below(r, 1000);
	m->answer.say = (uint8_t)rnd_below(r, 3);
}

static void
fill_over(struct rnd *r, union message *m)
{
	m->over.id = 1 + rnd_below(r, 1000);
}

static void
fill_challenge(struct rnd *r, union message *m)
{
	m->challenge.within = (uint16_t)rnd_u32(r);
	for (uint32_t i = rnd_below(r, sizeof(m->challenge.digits)); i > 0;
	    i--) {
		m->challenge.digits[i - 1] = (char)('0' + rnd_below(r, 10));
	}
}

static void
fill_out(struct rnd *r, union message *m)
{
	m->out.is_quarantine = (uint8_t)rnd_below(r, 2);
	rnd_text(r, m->out.text, IPC_TEXT);
}

static void
fill_capture(struct rnd *r, union message *m)
{
	m->capture.is_all = rnd_u32(r) & 1;
	m->capture.payload = 1 + rnd_u32(r) % (64u * 1024u);
}

static void
fill_wanted(struct rnd *r, union message *m)
{
	m->wanted.line = rnd_u32(r);
	rnd_text(r, m->wanted.profile, IPC_RULE);
	rnd_text(r, m->wanted.key, IPC_RULE);
	rnd_text(r, m->wanted.file, IPC_FILE);
}

static void
fill_recorder_over(struct rnd *r, union message *m)
{
	m->recorder_over.frames = (uint64_t)rnd_u32(r) << 31;
	m->recorder_over.dropped = rnd_u32(r);
}

static void
fill_fetch(struct rnd *r, union message *m)
{
	memset(&m->fetch, 0, sizeof(m->fetch));
	rnd_text(r, m->fetch.source, IPC_SOURCE);
	m->fetch.source[0] = '/';
	rnd_text(r, m->fetch.tag, IPC_TAG);
	rnd_text(r, m->fetch.pin, IPC_PIN);
	rnd_text(r, m->fetch.proxy, IPC_SOURCE);
	m->fetch.bundle_max = 1 + rnd_u32(r) / 2;
	m->fetch.signatures_max = 1 + rnd_u32(r) / 2;
	m->fetch.timeout = (uint16_t)(1 + rnd_u32(r) % 1000);
	m->fetch.wait = (uint16_t)rnd_u32(r);
}

static void
fill_post(struct rnd *r, union message *m)
{
	memset(&m->post, 0, sizeof(m->post));
	rnd_text(r, m->post.url, IPC_SOURCE);
	m->post.url[0] = 'h';
	rnd_text(r, m->post.pin, IPC_PIN);
	rnd_text(r, m->post.proxy, IPC_SOURCE);
	memset(m->post.chain, 'a', IPC_CHAIN - 1);
	m->post.first = rnd_u32(r);
	m->post.last = m->post.first + rnd_u32(r);
	m->post.lost = rnd_u32(r);
	m->post.len = 1 + rnd_u32(r) / 2;
	m->post.timeout = (uint16_t)(1 + rnd_u32(r) % 1000);
}

static void
fill_posted(struct rnd *r, union message *m)
{
	memset(&m->posted, 0, sizeof(m->posted));
	m->posted.err = rnd_u32(r) % 2 == 0 ? 0 : ERR_PEER;
	m->posted.retry_after =
	    m->posted.err == 0 ? 0 : rnd_u32(r) % (IPC_RETRY_MAX + 1);
	rnd_text(r, m->posted.why, IPC_TEXT);
}

static void
fill_fetched(struct rnd *r, union message *m)
{
	int is_good = rnd_u32(r) % 2 == 0;

	memset(&m->fetched, 0, sizeof(m->fetched));
	m->fetched.err = is_good ? 0 : ERR_AGAIN;
	m->fetched.bundle_len = is_good ? 1 + rnd_u32(r) / 2 : 0;
	m->fetched.signatures_len = is_good ? 1 + rnd_u32(r) / 2 : 0;
	rnd_text(r, m->fetched.tag, IPC_TAG);
	rnd_text(r, m->fetched.why, IPC_TEXT);
}

static void
fill_tried(struct rnd *r, union message *m)
{
	int is_good = rnd_u32(r) % 2 == 0;

	m->tried.err = is_good ? 0 : ERR_POLICY;
	m->tried.passed = rnd_u32(r);
	m->tried.failed = is_good ? 0 : rnd_u32(r);
}

static void
fill_quota(struct rnd *r, union message *m)
{
	rnd_text(r, m->quota.profile, IPC_RULE);
	rnd_text(r, m->quota.name, IPC_RULE);
	m->quota.used = (uint64_t)rnd_u32(r) << 31;
	m->quota.since = rnd_u32(r);
}

static void
fill_texts(struct rnd *r, union message *m)
{
	rnd_text(r, m->texts.product, IPC_DEVICE_TEXT);
	rnd_text(r, m->texts.manufacturer, IPC_DEVICE_TEXT);
	rnd_text(r, m->texts.serial, IPC_DEVICE_TEXT);
}

static void
fill_text(struct rnd *r, union message *m)
{
	rnd_text(r, m->text.text, IPC_TEXT);
}

static void
fill_line(struct rnd *r, union message *m)
{
	static char text[IPC_LINE_MAX];

	m->line.text = text;
	m->line.len = 1 + rnd_below(r, rnd_below(r, 2) == 1 ? 40 : 16384);
	for (size_t i = 0; i < m->line.len; i++) {
		text[i] = (char)(0x20 + rnd_below(r, 95));
	}
}

static void
fill_watch(struct rnd *r, union message *m)
{
	static union message item;

	m->watch.kind = (uint8_t)(1 + rnd_below(r, 8));
	rnd_text(r, m->watch.text, IPC_TEXT);
	if (m->watch.kind == IPC_WATCH_CHALLENGE) {
		memset(m->watch.text, 0, IPC_TEXT);
		memcpy(m->watch.text, "0417", rnd_below(r, 2) * 4u);
		memcpy(m->watch.name, "1209:0001:a%20b@p:1", 20);
		m->watch.within = (uint16_t)rnd_u32(r);
	}
	if (m->watch.kind <= IPC_WATCH_GONE) {
		memset(&item, 0, sizeof(item));
		fill_item(r, &item);
		m->watch.item = item.item;
		memcpy(m->watch.name, "1209:0001:a%20b@p:1", 20);
		m->watch.state = m->watch.kind == IPC_WATCH_GONE
		    ? IPC_WATCH_NONE
		    : (uint8_t)(1 + rnd_below(r, 4));
		if (m->watch.state == IPC_WATCH_PENDING) {
			rnd_text(r, m->watch.approver, IDENTITY_TEXT);
		}
	}
}

static void
fill_relay_key(struct rnd *r, union message *m)
{
	for (unsigned i = 0; i < sizeof(m->key.hash); i++) {
		m->key.hash[i] = (uint8_t)rnd_u32(r);
	}
}

static void
fill_relay_setup(struct rnd *r, union message *m)
{
	m->setup.mode = (uint8_t)(1 + rnd_below(r, 5));
	m->setup.port = (uint16_t)(1 + rnd_below(r, 65535));
	rnd_text(r, m->setup.host, IDENTITY_TEXT);
	rnd_text(r, m->setup.name, IDENTITY_TEXT);
	rnd_text(r, m->setup.busid, USBIP_BUSID_SIZE);
	m->setup.accept = (uint8_t)rnd_below(r, IPC_ACCEPT_ALL + 1);
	m->setup.asked.is_listed = (uint8_t)rnd_below(r, 2);
	if (m->setup.asked.is_listed) {
		m->setup.asked.vid = (uint16_t)rnd_below(r, 65536);
		m->setup.asked.ninterfaces = (uint8_t)rnd_below(
		    r, DESC_MAX_INTERFACES + 1);
		for (size_t i = 0; i < m->setup.asked.ninterfaces; i++) {
			m->setup.asked.interfaces[i].class = (uint8_t)i;
		}
	}
	memcpy(m->setup.rules_name, "/etc/x.rules", 13);
	m->setup.rules = (const uint8_t *)"allow\n\0#";
	m->setup.rules_len = (uint32_t)rnd_below(r, 9);
	if (m->setup.rules_len == 0) {
		m->setup.rules = NULL;
	}
	m->setup.npins = (uint8_t)rnd_below(r, IPC_PINS + 1);
	for (unsigned i = 0; i < m->setup.npins; i++) {
		m->setup.pins[i][i] = (uint8_t)rnd_u32(r);
	}
	m->setup.pem.crl = pem_ca;
	m->setup.pem.crl_len = sizeof(pem_ca);
}

static void
fill_relay_ready(struct rnd *r, union message *m)
{
	fill_device(r, &m->ready.dev);
}

static void
fill_enroll(struct rnd *r, union message *m)
{
	m->enroll.port = (uint16_t)(1 + rnd_below(r, 65535));
	rnd_text(r, m->enroll.host, sizeof(m->enroll.host));
	rnd_text(r, m->enroll.token, sizeof(m->enroll.token));
}

static void
fill_relay_done(struct rnd *r, union message *m)
{
	m->done.exit_code = (uint8_t)rnd_below(r, 6);
	rnd_text(r, m->done.text, IPC_TEXT);
}

static void
fill_loaded(struct rnd *r, union message *m)
{
	m->loaded.err = -(int32_t)rnd_below(r, 15);
	if (m->loaded.err == 0) {
		m->loaded.bits = 2048;
	} else {
		rnd_text(r, m->loaded.text, IPC_TEXT);
	}
}

static void
fill_sign(struct rnd *r, union message *m)
{
	m->sign.hash = (uint8_t)(1 + rnd_below(r, IPC_SHA512));
	for (size_t i = 0; i < ipc_digest_len(m->sign.hash); i++) {
		m->sign.digest[i] = (uint8_t)rnd_u32(r);
	}
}

static void
fill_signed(struct rnd *r, union message *m)
{
	if (rnd_below(r, 3) == 0) {
		m->signature.err = ERR_SYS;
		return;
	}
	m->signature.len = (uint16_t)(1 + rnd_below(r, IPC_SIGNATURE_MAX));
	for (size_t i = 0; i < m->signature.len; i++) {
		m->signature.signature[i] = (uint8_t)rnd_u32(r);
	}
}

#define MESSAGE(name) {#name, put_##name, get_##name, fill_##name}
static const struct {
	const char *name;
	int (*put)(void *, size_t, const union message *);
	int (*get)(union message *, const void *, size_t);
	void (*fill)(struct rnd *, union message *);
} messages[] = {
    MESSAGE(result),
    MESSAGE(byte),
    MESSAGE(busid),
    MESSAGE(probe),
    MESSAGE(authorize),
    MESSAGE(grant),
    MESSAGE(exited),
    MESSAGE(call),
    MESSAGE(pem),
    MESSAGE(crl),
    MESSAGE(loaded),
    MESSAGE(sign),
    MESSAGE(signed),
    MESSAGE(item),
    MESSAGE(imported),
    MESSAGE(refused),
    MESSAGE(texts),
    MESSAGE(ruled),
    MESSAGE(profile),
    MESSAGE(ask),
    MESSAGE(answer),
    MESSAGE(over),
    MESSAGE(challenge),
    MESSAGE(out),
    MESSAGE(quota),
    MESSAGE(capture),
    MESSAGE(wanted),
    MESSAGE(recorder_over),
    MESSAGE(fetch),
    MESSAGE(fetched),
    MESSAGE(post),
    MESSAGE(posted),
    MESSAGE(tried),
    MESSAGE(text),
    MESSAGE(line),
    MESSAGE(watch),
    MESSAGE(relay_setup),
    MESSAGE(relay_ready),
    MESSAGE(relay_done),
    MESSAGE(relay_key),
    MESSAGE(enroll),
};
#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

static uint8_t wire[BUF_SIZE], again[BUF_SIZE];

/* An imported answer needs a record: the keyboard. */
static int
make_record(void **state)
{
	static const uint8_t languages[] = {4, 3, 0x09, 0x04};

	(void)state;
	devrec_init(&rec);
	rec.speed = USBIP_SPEED_LOW;
	rec.active_config = 1;
	memcpy(rec.device, usb_samples[3].device, sizeof(rec.device));
	return devrec_add_config(
		   &rec, sample_keyboard_ls, sizeof(sample_keyboard_ls)) ||
	    devrec_add_string(&rec, 0, 0, languages, sizeof(languages)) ||
	    devrec_add_report(&rec, 1, 0, sample_report_keyboard,
		sizeof(sample_report_keyboard));
}

static void
messages_come_back_as_they_went(void **state)
{
	struct rnd r = {.state = 6};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		for (int k = 0; k < 200; k++) {
			static union message in, out;
			int n, m;

			memset(&in, 0, sizeof(in));
			memset(&out, 0xee, sizeof(out));
			messages[i].fill(&r, &in);
			n = messages[i].put(wire, sizeof(wire), &in);
			if (n <= 0) {
				fail_msg("%s: encode: %d", messages[i].name, n);
			}
			if (messages[i].get(&out, wire, (size_t)n) != 0) {
				fail_msg("%s: decode", messages[i].name);
			}
			m = messages[i].put(again, sizeof(again), &out);
			assert_int_equal(m, n);
			assert_memory_equal(wire, again, (size_t)n);
		}
	}
	/* the last import that was granted brought its record */
	{
		struct ipc_imported m = {
		    .err = 0, .place = place, .is_all = 1};
		int n = ipc_encode_imported(wire, sizeof(wire), &m, &rec);

		devrec_init(&rec_back);
		assert_int_equal(
		    ipc_decode_imported(&m, &rec_back, wire, (size_t)n), 0);
		assert_memory_equal(&rec, &rec_back, sizeof(rec));
	}
}

static void
wrong_lengths_are_refused(void **state)
{
	struct rnd r = {.state = 7};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		static union message in, out;
		int n;

		memset(&in, 0, sizeof(in));
		messages[i].fill(&r, &in);
		n = messages[i].put(wire, sizeof(wire), &in);
		assert_true(n > 0);
		for (int len = 0; len < n; len++) {
			uint8_t *buf = malloc((size_t)len + 1);

			assert_non_null(buf);
			memcpy(buf, wire, (size_t)len);
			if (messages[i].get(&out, buf, (size_t)len) !=
			    ERR_FORMAT) {
				fail_msg("%s: %d of %d bytes passed",
				    messages[i].name, len, n);
			}
			free(buf);
			if (messages[i].put(again, (size_t)len, &in) !=
			    ERR_NOMEM) {
				fail_msg("%s: %d bytes need %d",
				    messages[i].name, n, len);
			}
		}
		wire[n] = 0;
		if (messages[i].get(&out, wire, (size_t)n + 1) != ERR_FORMAT) {
			fail_msg("%s: a trailing byte passed",
			    messages[i].name);
		}
		assert_int_equal(messages[i].get(&out, NULL, 0), ERR_FORMAT);
	}
}

/* Random bytes and bent messages: no harm, and what passes is canonical. */
static void
bent_messages_do_no_harm(void **state)
{
	struct rnd r = {.state = 8};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		for (int k = 0; k < 500; k++) {
			static union message in, out;
			int n, m;

			memset(&in, 0, sizeof(in));
			messages[i].fill(&r, &in);
			n = messages[i].put(wire, sizeof(wire), &in);
			assert_true(n > 0);
			wire[rnd_below(&r, (uint32_t)n)] = (uint8_t)rnd_u32(&r);
			if (k % 2 == 1) {
				wire[rnd_below(&r, n < 8 ? (uint32_t)n : 8)] ^=
				    (uint8_t)(1 << rnd_below(&r, 8));
			}
			if (messages[i].get(&out, wire, (size_t)n) != 0) {
				continue;
			}
			if (messages[i].put == put_imported) {
				continue; /* encodes rec, not what came */
			}
			m = messages[i].put(again, sizeof(again), &out);
			assert_int_equal(m, n);
			assert_memory_equal(wire, again, (size_t)n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_come_back_as_they_went),
	    cmocka_unit_test(wrong_lengths_are_refused),
	    cmocka_unit_test(bent_messages_do_no_harm),
	};

	return cmocka_run_group_tests(tests, make_record, NULL);
}
