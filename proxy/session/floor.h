/*
 * The floor: what no policy can allow. It knows the vetted descriptors and
 * which configuration and alternates are active, and judges each transfer and
 * each control request by them. It must not touch the device, the peer or the
 * clock: every answer follows from the record and from what it was told.
 *
 * Its clauses: no SET_ADDRESS, SET_DESCRIPTOR or TEST_MODE; SET_CONFIGURATION
 * and SET_INTERFACE only to what the descriptors have; transfers only to
 * endpoints of active alternates, of their type and direction, within length
 * caps; standard requests only in the form that USB 2.0 9.4 gives them, to
 * recipients that exist; descriptors only out of the record.
 */
#ifndef PROXY_SESSION_FLOOR_H
#define PROXY_SESSION_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#include "wire/devrec.h"
#include "wire/usbip.h"
#include "wire/usbip_check.h"

struct session_limits;

struct floor_endpoint {
	uint8_t is_there;
	uint8_t type;	   /* enum desc_xfer */
	uint8_t interface; /* that it belongs to */
	uint32_t payload;  /* most bytes of one isochronous packet */
};

struct floor_interface {
	uint8_t number, alternate;
};

/* Lives inside its user; the fields are for reading. */
struct floor {
	const struct devrec *whole; /* see floor_hide; NULL = nothing hidden */
	uint32_t hidden_interfaces; /* by number */
	uint32_t hidden_endpoints;  /* by index, as endpoints */
	const struct devrec *rec; /* borrowed for the floor's life */
	uint8_t value;		  /* active bConfigurationValue, 0 = none */
	uint8_t ninterfaces;
	struct floor_interface interfaces[DESC_MAX_INTERFACES];
	struct floor_endpoint endpoints[32]; /* number, plus 16 for IN */
	struct desc_config config;	     /* parsed, when value is not 0 */
};

/* Why something was refused, for the audit log; both static. */
struct floor_why {
	const char *rule; /* "floor.endpoint" */
	const char *text;
};

/* Takes the record's active configuration, alternates 0. ERR_FORMAT when the
 * record has no such configuration or it does not parse. */
int floor_init(struct floor *floor, const struct devrec *rec);
/* The record is what is exposed of whole (borrowed, checked). Its tables know
 * nothing of the rest; this is for vendor requests, whose wIndex is not looked
 * up otherwise: those to an interface or endpoint that is hidden are refused.
 */
void floor_hide(struct floor *floor, const struct devrec *whole);
/* value 0: not configured, no interface and no endpoint but 0. ERR_NOENT. */
int floor_set_config(struct floor *floor, uint8_t value);
/* ERR_NOENT when the active configuration has no such alternate. */
int floor_set_interface(
    struct floor *floor, uint8_t number, uint8_t alternate);
/* All alternates back to 0, as after a reset. */
void floor_reset(struct floor *floor);

/* NULL when no active alternate has it. */
const struct floor_endpoint *floor_endpoint(
    const struct floor *floor, uint8_t address);
/* NULL when the active configuration has it not. */
const struct floor_interface *floor_interface(
    const struct floor *floor, uint8_t number);
/* Mask of endpoint indexes (number, plus 16 for IN) of an interface's active
 * alternate. */
uint32_t floor_endpoints_of(const struct floor *floor, uint8_t number);

/* How to read the body of a CMD_SUBMIT. The endpoint's descriptor decides, in
 * whatever alternate it is; only for an endpoint that is nowhere, the packets
 * that the header claims. */
enum usbip_xfer floor_framing(
    const struct floor *floor, const struct usbip_header *hdr);

/* A CMD_SUBMIT to another endpoint than 0. packets: the iso descriptors, or
 * NULL. 0, or ERR_POLICY with why. */
int floor_check_transfer(const struct floor *floor,
    const struct session_limits *limits, uint8_t address, uint32_t length,
    enum usbip_xfer framed, const struct usbip_iso *packets,
    uint32_t npackets, struct floor_why *why);

/* What becomes of a control request. */
enum floor_act {
	FLOOR_PASS,	      /* to the device as it is */
	FLOOR_DESCRIPTOR,     /* answered from the record */
	FLOOR_GET_CONFIG,     /* answered from what is known here */
	FLOOR_GET_INTERFACE,
	FLOOR_DONE,	      /* nothing to do: success without data */
	FLOOR_SET_CONFIG,     /* these need a call of the backend */
	FLOOR_SET_INTERFACE,
	FLOOR_CLEAR_HALT,
	FLOOR_RESET,
	FLOOR_REFUSE,	      /* answered with STALL; why tells */
};

enum floor_act floor_check_setup(const struct floor *floor,
    const uint8_t setup[8], struct floor_why *why);

#endif
