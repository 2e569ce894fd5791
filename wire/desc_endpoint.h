/*
 * One endpoint descriptor against the rules of its speed. Internal to wire/:
 * others ask desc_check_config(). It knows no other endpoint.
 */
#ifndef WIRE_DESC_ENDPOINT_H
#define WIRE_DESC_ENDPOINT_H

#include "wire/desc.h"

/* 0 or ERR_POLICY (rules R3.*). alternate: of the setting it stands in. */
int desc_check_endpoint(const struct desc_endpoint *ep, uint8_t alternate,
    unsigned speed, struct desc_why *why);

#endif
