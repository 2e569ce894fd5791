/*
 * What the workstation does in a scenario. Its words leave at once and are
 * acted upon; inside of `at once' they leave together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/sim.h"
#include "wire/cursor.h"

static int
start(struct sim *sim)
{
	struct rig *rig = sim->rig;

	if (sim->is_started) {
		return 0;
	}
	if (sim->nusings > 0 && sim->block == NULL) {
		sim->block = NULL;
		if (sim_compile(sim, &rig->block_size) != 0) {
			return -1;
		}
		rig->block = sim->block;
	}
	sim->is_started = 1;
	rig_start(rig);
	sim_settle(sim);
	return 0;
}

static int
connect_only(struct sim *sim)
{
	sim->phase = sim->rig->protocol != NULL ? SIM_LINES : SIM_OP;
	return start(sim);
}

static int
list(struct sim *sim)
{
	if (start(sim) != 0) {
		return -1;
	}
	sim->phase = SIM_LIST;
	rig_send_op(sim->rig, USBIP_VERSION, USBIP_OP_REQ_DEVLIST);
	sim_settle(sim);
	return 0;
}

static int
import(struct sim *sim)
{
	const char *busid = sim->line.n > 2 ? sim_word(sim, 2) : RIG_BUSID;

	if (start(sim) != 0) {
		return -1;
	}
	sim->phase = SIM_IMPORT;
	rig_send_import(sim->rig, busid);
	sim_settle(sim);
	return 0;
}

/* Imports, and that went well. */
static int
attach(struct sim *sim)
{
	struct sim_heard *h;

	if (start(sim) != 0) {
		return -1;
	}
	sim->phase = SIM_IMPORT;
	rig_send_import(sim->rig, RIG_BUSID);
	sim_settle(sim);
	h = sim->heard;
	if (sim->is_lenient) {
		sim_heard_free(sim);
		return 0;
	}
	if (h == NULL || strcmp(h->text, "op_rep_import ok") != 0) {
		return sim_fail(sim, "attach: the answer is %s",
		    h != NULL ? h->text : "none");
	}
	sim_heard_free(sim);
	sim->rig->sim->nsetups = 0;
	sim->rig->sim->counts.submits = 0;
	return 0;
}

/* client submit SEQ ADDRESS LENGTH [short-not-ok] [zero-packet] [= BYTES] */
static int
submit(struct sim *sim)
{
	uint32_t seq, address, len, flags = 0;
	int has;

	if (sim_number(sim, 2, &seq) != 0 ||
	    sim_number(sim, 3, &address) != 0 ||
	    sim_number(sim, 4, &len) != 0 || sim_data(sim, 5, &has) != 0) {
		return -1;
	}
	for (unsigned i = 5; i < sim->line.n && !sim_is(sim, i, "="); i++) {
		if (sim_is(sim, i, "short-not-ok")) {
			flags |= USBIP_URB_SHORT_NOT_OK;
		} else if (sim_is(sim, i, "zero-packet")) {
			flags |= USBIP_URB_ZERO_PACKET;
		} else {
			return sim_fail(sim, "no flag: %s", sim_word(sim, i));
		}
	}
	if (has && (sim->len != len || (address & 0x80) != 0)) {
		return sim_fail(
		    sim, "%zu bytes are there, %u are promised", sim->len, len);
	}
	rig_submit(sim->rig, seq, (uint8_t)address, flags, len, NULL,
	    has ? sim->data : NULL);
	sim_settle(sim);
	return 0;
}

/* client iso SEQ ADDRESS LENGTH OFFSET+LENGTH ... [= BYTES] */
static int
iso(struct sim *sim)
{
	static struct usbip_iso packets[SIM_WORDS];
	uint32_t seq, address, len, n = 0;
	int has;

	if (sim_number(sim, 2, &seq) != 0 ||
	    sim_number(sim, 3, &address) != 0 ||
	    sim_number(sim, 4, &len) != 0 || sim_data(sim, 5, &has) != 0) {
		return -1;
	}
	memset(packets, 0, sizeof(packets));
	for (unsigned i = 5; i < sim->line.n && !sim_is(sim, i, "="); i++) {
		char *end;

		packets[n].offset =
		    (uint32_t)strtoul(sim_word(sim, i), &end, 0);
		if (*end != '+') {
			return sim_fail(sim, "a packet is OFFSET+LENGTH");
		}
		packets[n++].length = (uint32_t)strtoul(end + 1, &end, 0);
	}
	rig_submit_iso(sim->rig, seq, (uint8_t)address, len,
	    has ? sim->data : NULL, packets, n);
	sim_settle(sim);
	return 0;
}

/* client control SEQ SETUP [= BYTES]: eight bytes, wLength among them */
static int
control(struct sim *sim)
{
	uint8_t setup[8];
	uint32_t seq;
	int has;

	if (sim_number(sim, 2, &seq) != 0 || strlen(sim_word(sim, 3)) != 16) {
		return sim_fail(sim, "a setup has 8 bytes");
	}
	for (unsigned i = 0; i < 8; i++) {
		char pair[3] = {
		    sim_word(sim, 3)[2 * i], sim_word(sim, 3)[2 * i + 1], '\0'};

		setup[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	if (sim_data(sim, 4, &has) != 0) {
		return -1;
	}
	if (has && sim->len != le16_at(setup + 6)) {
		return sim_fail(sim, "%zu bytes are there, wLength is %u",
		    sim->len, le16_at(setup + 6));
	}
	rig_control(sim->rig, seq, setup, has ? sim->data : NULL);
	sim_settle(sim);
	return 0;
}

static int
request(
    struct sim *sim, uint8_t type, uint8_t code, uint32_t value, uint32_t index)
{
	uint8_t setup[8] = {type, code, (uint8_t)value, (uint8_t)(value >> 8),
	    (uint8_t)index, (uint8_t)(index >> 8), 0, 0};
	uint32_t seq;

	if (sim_number(sim, 2, &seq) != 0) {
		return -1;
	}
	rig_control(sim->rig, seq, setup, NULL);
	sim_settle(sim);
	return 0;
}

static int
set_configuration(struct sim *sim)
{
	uint32_t value;

	return sim_number(sim, 3, &value) != 0 ? -1
					       : request(sim, 0, 9, value, 0);
}

static int
set_interface(struct sim *sim)
{
	uint32_t number, alternate;

	return sim_number(sim, 3, &number) != 0 ||
		       sim_number(sim, 4, &alternate) != 0
		   ? -1
		   : request(sim, 1, 11, alternate, number);
}

static int
clear_halt(struct sim *sim)
{
	uint32_t address;

	return sim_number(sim, 3, &address) != 0
		   ? -1
		   : request(sim, 2, 1, 0, address);
}

static int
reset(struct sim *sim)
{
	return request(sim, 0x23, 3, 4, 0);
}

static int
unlink_one(struct sim *sim)
{
	uint32_t seq, of;

	if (sim_number(sim, 2, &seq) != 0 || sim_number(sim, 3, &of) != 0) {
		return -1;
	}
	rig_unlink(sim->rig, seq, of);
	sim_settle(sim);
	return 0;
}

/* client flood FIRST COUNT ADDRESS LENGTH: so many submits */
static int
flood(struct sim *sim)
{
	uint32_t first, count, address, len;

	if (sim_number(sim, 2, &first) != 0 ||
	    sim_number(sim, 3, &count) != 0 ||
	    sim_number(sim, 4, &address) != 0 ||
	    sim_number(sim, 5, &len) != 0) {
		return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		rig_submit(
		    sim->rig, first + i, (uint8_t)address, 0, len, NULL, NULL);
	}
	sim_settle(sim);
	return 0;
}

/* client header COMMAND SEQ DEVID DIRECTION EP [LENGTH [NPACKETS]]: as it is */
static int
header(struct sim *sim)
{
	struct usbip_header hdr = {0};

	if (sim_number(sim, 2, &hdr.command) != 0 ||
	    sim_number(sim, 3, &hdr.seqnum) != 0 ||
	    sim_number(sim, 4, &hdr.devid) != 0 ||
	    sim_number(sim, 5, &hdr.direction) != 0 ||
	    sim_number(sim, 6, &hdr.ep) != 0) {
		return -1;
	}
	if (sim->line.n > 7 && sim_number(sim, 7, &hdr.u.submit.length) != 0) {
		return -1;
	}
	if (sim->line.n > 8 &&
	    sim_number(sim, 8, &hdr.u.submit.npackets) != 0) {
		return -1;
	}
	if (hdr.command == USBIP_CMD_SUBMIT) {
		sim->rig->submits[hdr.seqnum % RIG_SUBMITS] =
		    (struct rig_submit){
			hdr.seqnum, hdr.direction, hdr.u.submit.npackets};
	}
	rig_header(sim->rig, &hdr);
	sim_settle(sim);
	return 0;
}

static int
raw(struct sim *sim)
{
	int has;

	if (start(sim) != 0 || sim_data(sim, 2, &has) != 0) {
		return -1;
	}
	rig_send(sim->rig, sim->data, sim->len);
	sim_settle(sim);
	return 0;
}

static int
say(struct sim *sim)
{
	sim->len = strlen(sim_word(sim, 2));
	rig_send(
	    sim->rig, sim_word(sim, 2) + 1, sim->len > 2 ? sim->len - 2 : 0);
	rig_send(sim->rig, "\n", 1);
	sim_settle(sim);
	return 0;
}

static int
leaves(struct sim *sim)
{
	close_fd(&sim->rig->client);
	sim_settle(sim);
	return 0;
}

static int
stops_reading(struct sim *sim)
{
	sim->is_deaf = 1;
	return 0;
}

static int
reads(struct sim *sim)
{
	sim->is_deaf = 0;
	sim_settle(sim);
	return 0;
}

const struct sim_verb sim_client_verbs[] = {
    {"client connects", 0, connect_only},
    {"client lists", 0, list},
    {"client imports", 0, import},
    {"client attaches", 0, attach},
    {"client submit", 3, submit},
    {"client iso", 4, iso},
    {"client control", 2, control},
    {"client set-configuration", 2, set_configuration},
    {"client set-interface", 3, set_interface},
    {"client clear-halt", 2, clear_halt},
    {"client reset", 1, reset},
    {"client unlink", 2, unlink_one},
    {"client flood", 4, flood},
    {"client header", 5, header},
    {"client raw", 1, raw},
    {"client says", 1, say},
    {"client leaves", 0, leaves},
    {"client stops", 0, stops_reading},
    {"client reads", 0, reads},
    {NULL, 0, NULL},
};
