/*
 * Which names a certificate of ours may carry. The limits are those of what a
 * gateway accepts from a peer, so that nothing is issued that cannot be used.
 * Pure text: no file, no mbedTLS.
 */
#ifndef CERTS_NAME_H
#define CERTS_NAME_H

#include <stddef.h>
#include <stdint.h>

#define NAME_SANS 16	    /* most subject alternative names */
#define NAME_OUS 8	    /* most organizational units */
#define NAME_TEXT_MAX 64    /* bytes of a CN or an OU (RFC 5280 ub-*) */
#define NAME_SAN_MAX 255    /* bytes of a host name or URI */
#define NAME_SUBJECT_MAX 255 /* bytes of the whole subject as text */

/* The GeneralName tags of RFC 5280 4.2.1.6, context-specific, primitive. */
enum san_tag { SAN_TAG_DNS = 0x82, SAN_TAG_URI = 0x86, SAN_TAG_IP = 0x87 };

struct san {
	enum san_tag tag;
	size_t len;
	uint8_t bytes[NAME_SAN_MAX]; /* as in the certificate: no NUL */
};

/* Each returns NULL if the name is fine, or else the reason in words. */
const char *name_check_text(const char *s);	 /* a CN or an OU */
const char *name_check_directory(const char *s); /* a NAME, which is both */

/* From `dns:…`, `ip:…` or `uri:…`. NULL, or the reason in words. */
const char *san_parse(struct san *out, const char *text);
/* The one that a certificate for name gets when none is asked for. */
const char *san_default(struct san *out, const char *name);
int san_equal(const struct san *a, const struct san *b);

#endif
