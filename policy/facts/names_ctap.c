/*
 * Names of what a security key is asked: CTAPHID commands (CTAP 2.1 11.2.9),
 * instructions of U2F raw messages, and CTAP2 commands (CTAP 2.1 6). The
 * preview numbers of two commands are in use, too.
 */
#include "policy/facts/names.h"

const struct fact_name names_ctap_cmd[] = {
	{"ping", 0x01, 0x01},
	{"msg", 0x03, 0x03},
	{"lock", 0x04, 0x04},
	{"init", 0x06, 0x06},
	{"wink", 0x08, 0x08},
	{"cbor", 0x10, 0x10},
	{"cancel", 0x11, 0x11},
	{"keepalive", 0x3b, 0x3b},
	{"error", 0x3f, 0x3f},
	{"vendor", 0x40, 0x7f},
	{NULL, 0, 0},
};

const struct fact_name names_ctap_u2f[] = {
	{"register", 0x01, 0x01},
	{"authenticate", 0x02, 0x02},
	{"version", 0x03, 0x03},
	{NULL, 0, 0},
};

const struct fact_name names_ctap_cbor[] = {
	{"make-credential", 0x01, 0x01},
	{"get-assertion", 0x02, 0x02},
	{"get-info", 0x04, 0x04},
	{"client-pin", 0x06, 0x06},
	{"reset", 0x07, 0x07},
	{"get-next-assertion", 0x08, 0x08},
	{"bio-enrollment", 0x09, 0x09},
	{"bio-enrollment", 0x40, 0x40},
	{"credential-management", 0x0a, 0x0a},
	{"credential-management", 0x41, 0x41},
	{"selection", 0x0b, 0x0b},
	{"large-blobs", 0x0c, 0x0c},
	{"authenticator-config", 0x0d, 0x0d},
	{"vendor", 0x42, 0xbf},
	{NULL, 0, 0},
};
