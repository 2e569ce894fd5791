#include "tests/bench/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/decode/list.h"
#include "wire/usbip.h"

#define EP_OUT 0x02
#define EP_IN 0x81
#define CBW_SIZE 31u
#define CSW_SIZE 13u

/* A stick: mass storage, SCSI, Bulk-Only, 512 bytes each way. */
static const uint8_t stick[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 8,
    6, 0x50, 0, 7, 5, EP_IN, 2, 0, 2, 0, 7, 5, EP_OUT, 2, 0, 2, 0};

/* READ(10) of 32 blocks; the tag is filled in. */
static const uint8_t read_10[CBW_SIZE] = {'U', 'S', 'B', 'C', 0, 0, 0, 0, 0, 0x40,
    0, 0, 0x80, 0, 10, 0x28, 0, 0, 0, 8, 0, 0, 0, 32, 0};
static const uint8_t good[CSW_SIZE] = {'U', 'S', 'B', 'S'};

static struct devrec rec;
static struct desc_config config;
static uint8_t data[EXCHANGE_DATA];

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
	(void)arg;
	(void)what;
	(void)text;
}

static void
on_answer_in(void *arg, uint8_t endpoint, const void *bytes, uint32_t len)
{
	(void)arg;
	(void)endpoint;
	(void)bytes;
	(void)len;
}

static const struct decoder *
on_sibling(void *arg, uint8_t interface)
{
	(void)arg;
	(void)interface;
	return NULL;
}

static struct decoder *
attach(struct judge *judge)
{
	static const struct decode_host_ops host = {
	    on_random, on_challenge, on_note, on_answer_in, on_sibling};
	static const struct judge_terms terms;
	struct decode_iface iface = {.rec = &rec, .config = &config,
	    .bytes = stick, .speed = USBIP_SPEED_HIGH};
	const struct decode_how how = {.iface = &iface, .judge = judge,
	    .terms = &terms, .host = &host, .now = 1};
	struct decoder *d = calloc(1, decode_bot.size);
	const char *what = NULL;

	devrec_init(&rec);
	if (d == NULL || devrec_add_config(&rec, stick, sizeof(stick)) != 0 ||
	    desc_parse_config(&config, stick, sizeof(stick), NULL) != 0) {
		fatalx("bench: no stick");
	}
	iface.alt = desc_find_alt(&config, 0, 0);
	d->ops = &decode_bot;
	d->judge = judge;
	d->host = &host;
	if (!decode_bot.takes(&iface) ||
	    decode_bot.attach(d, &how, &what) != 0) {
		fatalx("bench: the stick is none");
	}
	return d;
}

static void
move(struct decoder *d, uint8_t endpoint, uint8_t *bytes, uint32_t len,
    uint64_t now)
{
	struct unit u = {.endpoint = endpoint, .type = XFER_BULK,
	    .data = bytes, .length = len, .now = now};

	if (decode_bot.submit(d, &u) != DECODE_PASS) {
		fatalx("bench: a URB to the stick does not pass");
	}
	u.actual = len;
	if (decode_bot.complete(d, &u) != DECODE_PASS) {
		fatalx("bench: a URB of the stick does not pass");
	}
}

double
exchange_pass(struct judge *judge)
{
	struct decoder *d = attach(judge);
	uint8_t cbw[CBW_SIZE], csw[CSW_SIZE];
	uint64_t start = clock_mono(), took;

	memcpy(cbw, read_10, sizeof(cbw));
	memcpy(csw, good, sizeof(csw));
	for (unsigned i = 0; i < EXCHANGES; i++) {
		cbw[4] = csw[4] = (uint8_t)i;
		cbw[5] = csw[5] = (uint8_t)(i >> 8);
		move(d, EP_OUT, cbw, sizeof(cbw), start);
		move(d, EP_IN, data, sizeof(data), start);
		move(d, EP_IN, csw, sizeof(csw), start);
	}
	took = clock_mono() - start;
	free(d);
	return (double)took / EXCHANGES;
}
