/*
 * For tests/publish/table and tests/docs/scene: "hold sysfs" makes the devices of the attacked gateway
 * below /sys, which has to be a tmpfs; "hold DIR BUSID" is a workstation with the
 * keys of DIR that has a device of the gateway on 127.0.0.1 until it is taken, and
 * says so: "held", then "taken"; "hold DIR BUSID BYTES MS" reads that much each so many
 * milliseconds meanwhile, more and less of it in turn.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tls.h"
#include "tests/attack/plug.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

#define TAKEN_MS 600000

static void
read_pem(uint8_t *out, size_t *len, const char *dir, const char *name)
{
	char path[4096];
	uint8_t *text;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_read(path, sizeof(((struct pki_cert *)0)->pem) - 1,
		FILE_PUBLIC, &text, len) != 0) {
		fatalx("read %s", path);
	}
	memcpy(out, text, ++*len); /* with its NUL */
	free(text);
}

/* Until the gateway hangs up. */
static int
read_on(struct ws *ws, uint32_t bytes, int ms)
{
	/* in eighths: what people do is no straight line */
	static const uint8_t parts[] = {8, 7, 8, 5, 6, 8, 3, 2, 4, 7, 8, 8, 6, 1};
	uint64_t began = clock_mono(), shift = (uint64_t)getpid();
	struct usbip_header h;
	int r = WS_OK;

	for (uint32_t n = 2; r == WS_OK; n++) {
		uint64_t second = (clock_mono() - began) / CLOCK_SEC;
		uint32_t part = parts[(second + shift) % sizeof(parts)];

		r = ws_submit(ws, n, PLUG_BULK_IN, bytes / 8 * part);
		if (r == WS_OK) {
			r = ws_reply(ws, &h, 1, WS_MS);
		}
		(void)poll(NULL, 0, ms);
	}
	return r;
}

static int
hold(const char *dir, const char *busid, uint32_t bytes, int ms)
{
	static struct pki_cert ca, mine;
	struct tls_config *config;
	struct ws ws;

	read_pem(ca.pem, &ca.pem_len, dir, "ca.pem");
	read_pem(mine.pem, &mine.pem_len, dir, "cert.pem");
	read_pem(mine.key, &mine.key_len, dir, "key.pem");
	config = ws_config(&ca, &mine);
	if (ws_stream(&ws, config, busid) != WS_OK ||
	    !ws_works(&ws, 1)) {
		fatalx("hold %s: it cannot be had", busid);
	}
	puts("held");
	(void)fflush(stdout);
	if ((ms > 0 ? read_on(&ws, bytes, ms) : ws_hear_out(&ws, TAKEN_MS)) !=
	    WS_CLOSED) {
		fatalx("hold %s: it was not taken", busid);
	}
	puts("taken");
	ws_close(&ws, WS_ABRUPT);
	tls_config_free(config);
	return 0;
}

int
main(int argc, char **argv)
{
	log_init("hold");
	if (argc == 2 && strcmp(argv[1], "sysfs") == 0) {
		stage_make_sysfs();
		return 0;
	}
	if (argc == 3 || argc == 5) {
		return hold(argv[1], argv[2],
		    argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0,
		    argc == 5 ? (int)strtol(argv[4], NULL, 10) : 0);
	}
	fputs("usage: hold sysfs | hold DIR BUSID [BYTES MS]\n", stderr);
	return 2;
}
