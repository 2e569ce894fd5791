/*
 * The OP phase of USB/IP: one request, one answer. Pure bytes; what may be
 * listed or imported is the warden's business.
 */
#ifndef PROXY_SESSION_OP_H
#define PROXY_SESSION_OP_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ipc.h"
#include "wire/usbip.h"

struct outq;

enum op_kind { OP_LIST, OP_IMPORT };

struct op_request {
	enum op_kind kind;
	char busid[USBIP_BUSID_SIZE]; /* OP_IMPORT */
};

/* Reads a request. 0 and *used; ERR_SHORT: more bytes are needed; ERR_FORMAT:
 * no request that we know, why is static. A bus id that cannot exist is a
 * request like any other: the answer must not tell them apart. */
int op_decode(struct op_request *out, const void *buf, size_t len,
    size_t *used, const char **why);

/* OP_REP_IMPORT: status alone, or OK with the device. */
void op_reply_import(struct outq *out, enum usbip_op_status status,
    const struct usbip_device *dev);
/* The status that answers the warden's verdict. Not allowed and not there are
 * the same. */
enum usbip_op_status op_status(int err);

/* A list under construction: the answer starts with the number of devices. */
struct op_list {
	uint8_t *buf; /* owned */
	size_t len, size;
	uint32_t ndevices;
};

/* More devices than a gateway has ports. */
#define OP_LIST_DEVICES 1024u

void op_list_fini(struct op_list *list);
/* ERR_NOMEM, ERR_LIMIT. */
int op_list_add(struct op_list *list, const struct ipc_item *item);
void op_reply_list(struct outq *out, const struct op_list *list);

#endif
