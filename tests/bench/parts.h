/*
 * What the processes of the bench agree on: their roles, the device, and the
 * certificates. The bench runs itself again for each other process:
 *
 *   bench ── echo     the baseline's server, raw TCP or raw mbedTLS
 *         ── session  the gateway's real session with a simulated device; the
 *         │           bench plays its broker and its warden
 *         └─ relay    the workstation's real relay, between the bench, which
 *                     plays vhci_hcd, and a session
 */
#ifndef TESTS_BENCH_PARTS_H
#define TESTS_BENCH_PARTS_H

#include <stdint.h>

#include "wire/devrec.h"
#include "wire/ipc.h"

/* In the gateway's certificate. */
#define BENCH_NAME "gateway.bench"
#define BENCH_BUSID "3-2.4"
#define BENCH_BUSNUM 3u
#define BENCH_DEVNUM 7u

/* Endpoint numbers of the device, the same for IN and OUT. */
enum bench_endpoint { BENCH_BULK = 1, BENCH_INTERRUPT = 2 };

enum bench_door { BENCH_PLAIN, BENCH_TLS };

/* The device: bulk and interrupt, each in and out, high speed. */
void bench_record(struct devrec *rec);
void bench_place(struct device_place *place);

/* PEM texts of both ends, made once; borrowed for ever. */
void bench_pki(struct ipc_pem *gateway, struct ipc_pem *workstation);

/* The children. Descriptors: echo and relay 3 = channel to the bench, on which
 * the PEM texts come; session 3 = broker, 4 = warden. Then the sockets, then
 * the page of counts. Each returns an exit code. */
int bench_echo(enum bench_door door);	 /* 4 = peer, 5 = counts */
int bench_session(enum bench_door door); /* 5 = peer, 6 = counts */
int bench_relay(enum bench_door door);	 /* 4 = gateway, 5 = kernel, 6 */

/* Waits for the PEM texts on channel fd 3; they lie in buf, which must be
 * CHANNEL_HEADER + CHANNEL_MAX long. */
void bench_read_pem(struct ipc_pem *pem, uint8_t *buf);

#endif
