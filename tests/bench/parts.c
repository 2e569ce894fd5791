/*
 * The device and the certificates of the bench. Nothing here is measured.
 */
#include "tests/bench/parts.h"

#include <stdio.h>
#include <string.h>

#include "base/channel.h"
#include "base/log.h"
#include "tests/fake/pki.h"

#define LE(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)

static const uint8_t device[18] = {18, 1, LE(0x0200), 0, 0, 0, 64, LE(0x1209),
    LE(0xbe2c), LE(0x0100), 0, 0, 0, 1};

static const uint8_t config[] = {9, 2, LE(46), 1, 1, 0, 0x80, 50, 9, 4, 0, 0,
    4, 0xff, 0, 0, 0, 7, 5, 0x80 | BENCH_BULK, 2, LE(512), 0, 7, 5, BENCH_BULK,
    2, LE(512), 0, 7, 5, 0x80 | BENCH_INTERRUPT, 3, LE(64), 1, 7, 5,
    BENCH_INTERRUPT, 3, LE(64), 1};

_Static_assert(sizeof(config) == 46, "wTotalLength");

void
bench_record(struct devrec *rec)
{
	static struct desc_config scratch;
	struct desc_why why = {0};

	devrec_init(rec);
	rec->speed = USBIP_SPEED_HIGH;
	rec->active_config = 1;
	memcpy(rec->device, device, sizeof(device));
	if (devrec_add_config(rec, config, sizeof(config)) != 0 ||
	    devrec_check(rec, &scratch, &why) != 0) {
		fatalx("device of the bench: %s: %s", why.rule, why.text);
	}
}

void
bench_place(struct device_place *place)
{
	memset(place, 0, sizeof(*place));
	snprintf(place->busid, sizeof(place->busid), "%s", BENCH_BUSID);
	snprintf(place->path, sizeof(place->path),
	    "/sys/devices/pci0000:00/usb3/3-2/3-2.4");
	place->busnum = BENCH_BUSNUM;
	place->devnum = BENCH_DEVNUM;
	place->speed = USBIP_SPEED_HIGH;
}

static struct pki_cert ca, server, client;

static void
lend(struct ipc_pem *pem, const struct pki_cert *cert)
{
	memset(pem, 0, sizeof(*pem));
	pem->ca = ca.pem;
	pem->ca_len = (uint32_t)ca.pem_len;
	pem->cert = cert->pem;
	pem->cert_len = (uint32_t)cert->pem_len;
	pem->key = cert->key;
	pem->key_len = (uint32_t)cert->key_len;
}

static void
issue(void)
{
	struct pki_how how = {.subject = "CN=Bench CA", .use = PKI_CA};
	uint8_t sans[4096];
	size_t len = 0;

	pki_issue(&ca, NULL, &how);
	pki_san(sans, &len, PKI_DNS, BENCH_NAME, strlen(BENCH_NAME));
	how = (struct pki_how){.subject = "CN=gateway",
	    .use = PKI_SERVER,
	    .sans = sans,
	    .sans_len = len};
	pki_issue(&server, &ca, &how);
	how = (struct pki_how){.subject = "CN=kiosk", .use = PKI_CLIENT};
	pki_issue(&client, &ca, &how);
}

void
bench_pki(struct ipc_pem *gateway, struct ipc_pem *workstation)
{
	if (ca.pem_len == 0) {
		issue();
	}
	lend(gateway, &server);
	lend(workstation, &client);
}

void
bench_read_pem(struct ipc_pem *pem, uint8_t *buf)
{
	struct channel_msg msg;

	if (channel_recv_wait(
		3, buf, CHANNEL_HEADER + CHANNEL_MAX, 10000, &msg) != 0 ||
	    msg.type != IPC_KEY_IS ||
	    ipc_decode_pem(pem, msg.data, msg.len) != 0) {
		fatalx("channel: no certificates came");
	}
}
