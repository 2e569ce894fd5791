/*
 * For tests/publish/table: "hold sysfs" makes the devices of the attacked gateway
 * below /sys, which has to be a tmpfs; "hold DIR BUSID" is a workstation with the
 * keys of DIR that has a device of the gateway on 127.0.0.1 until it is taken, and
 * says so: "held", then "taken".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tls.h"
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

static int
hold(const char *dir, const char *busid)
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
	if (ws_hear_out(&ws, TAKEN_MS) != WS_CLOSED) {
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
	if (argc == 3) {
		return hold(argv[1], argv[2]);
	}
	fputs("usage: hold sysfs | hold DIR BUSID\n", stderr);
	return 2;
}
