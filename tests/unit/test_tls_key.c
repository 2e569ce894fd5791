/* base/tls: nothing of the private key is left in memory once it is wiped.
 * The positive control finds it before. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/fake/tlsbed.h"

#define MASK 0x5a
#define CHUNK 4096u
#define SECRET 32u

static struct pki_cert ca, gateway, kiosk;
/* The secret number of the gateway's key, masked so that this copy of it is
 * not found: as the file has it, and as mbedTLS computes with it. */
static uint8_t secret[2][SECRET];

static int
of_base64(int c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c == '\0' ? NULL : strchr(alphabet, c);

	return p == NULL ? -1 : (int)(p - alphabet);
}

/* RFC 5915: 30 xx 02 01 01 04 20 <the number>; in PEM from its 2nd line on. */
static void
learn_secret(void)
{
	const char *p = strchr((const char *)gateway.key, '\n') + 1;
	uint8_t byte = 0;
	unsigned bits = 0, acc = 0, at = 0;

	for (; at < 7 + SECRET; p++) {
		int v = of_base64(*p);

		if (v == -1) {
			continue;
		}
		acc = (acc << 6 | (unsigned)v) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			byte = (uint8_t)(acc >> bits);
			if (at >= 7) {
				secret[0][at - 7] = byte ^ MASK;
				secret[1][SECRET - 1 - (at - 7)] = byte ^ MASK;
			}
			at++;
		}
	}
	mem_wipe(&byte, sizeof(byte));
	mem_wipe(&acc, sizeof(acc));
}

static int
setup(void **state)
{
	uint8_t sans[64];
	size_t len = 0;
	struct pki_how how = {.subject = "CN=Lab CA", .use = PKI_CA};

	(void)state;
	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gw", 2);
	how = (struct pki_how){.subject = "CN=gw",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&gateway, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&kiosk, &ca, &how);
	learn_secret();
	return 0;
}

static int
is_secret(const uint8_t *p)
{
	unsigned i, k;

	for (k = 0; k < 2; k++) {
		/* any half of it counts */
		for (i = 0; i < SECRET / 2; i++) {
			if ((p[i] ^ MASK) != secret[k][i]) {
				break;
			}
		}
		if (i == SECRET / 2) {
			return 1;
		}
	}
	return 0;
}

/* Looks through one mapping by way of mem, so that gaps do no harm. */
static int
search(int mem, uint64_t from, uint64_t to)
{
	static uint8_t buf[CHUNK + SECRET];
	uint64_t at;
	int found = 0;

	for (at = from; at < to; at += CHUNK) {
		ssize_t n, i;

		/* not this buffer, which has what was read before */
		if (at + CHUNK + SECRET > (uintptr_t)buf &&
		    at < (uintptr_t)buf + sizeof(buf)) {
			continue;
		}
		n = pread(mem, buf, sizeof(buf), (off_t)at);
		for (i = 0; i + (ssize_t)SECRET / 2 <= n; i++) {
			found += is_secret(buf + i);
		}
	}
	mem_wipe(buf, sizeof(buf));
	return found;
}

/* How often the secret is in the writable memory of this process. */
static int
count_secret(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512], *end;
	int found = 0;

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint64_t from = strtoull(line, &end, 16), to;

		to = strtoull(end + 1, &end, 16);
		if (end[2] == 'w' && to - from < (UINT64_C(64) << 20)) {
			found += search(mem, from, to);
		}
	}
	fclose(maps);
	close(mem);
	return found;
}

static void
test_nothing_left(void **state)
{
	struct tls_config *srv, *cli;
	struct bed bed;
	char buf[8];

	(void)state;
	assert_int_equal(count_secret(), 0);
	srv = bed_config(TLS_SERVER, &ca, &gateway, NULL);
	assert_true(count_secret() > 0);
	cli = bed_config(TLS_CLIENT, &ca, &kiosk, NULL);
	bed_connect(&bed, srv, cli, "gw", NULL, NULL);
	assert_int_equal(bed.rs, 0);
	assert_true(count_secret() > 0);
	tls_config_wipe_key(srv);
	assert_int_equal(count_secret(), 0);
	assert_int_equal(stream_write(bed.server, "on", 2), 2);
	assert_int_equal(stream_read(bed.client, buf, 8), 2);
	bed_close(&bed);
	tls_config_free(srv);
	tls_config_free(cli);
	assert_int_equal(count_secret(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_left),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
