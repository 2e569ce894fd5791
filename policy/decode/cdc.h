/*
 * The functional descriptors of a CDC function (CDC 1.2 5.2.3), and which
 * interfaces belong to it. Shared by the decoders of serial ports and of
 * networks; it knows the protocol of neither. All bytes are hostile.
 */
#ifndef POLICY_DECODE_CDC_H
#define POLICY_DECODE_CDC_H

#include <stdint.h>

#include "wire/desc.h"

enum cdc_has { /* functional descriptors that were found */
	CDC_UNION = 1,
	CDC_CALL = 2,
	CDC_ACM = 4,
	CDC_ETHER = 8,
	CDC_NCM = 16,
	CDC_MBIM = 32,
	CDC_DATA = 64, /* there is a data interface */
};

struct cdc {
	unsigned has; /* enum cdc_has */
	uint8_t control; /* bInterfaceNumber of the control interface */
	uint8_t data;	 /* of its data interface; that of the control interface
			    where one does both */
	uint8_t class, subclass, protocol; /* of the control interface */
	uint8_t call_caps, acm_caps;	   /* bmCapabilities */
	uint8_t imac;	      /* Ethernet: index of the string of its address */
	uint16_t max_segment; /* Ethernet: wMaxSegmentSize */
	uint16_t filters;     /* Ethernet: wNumberMCFilters */
	uint8_t ncm_caps;     /* NCM: bmNetworkCapabilities */
};

/* The function whose control interface is of that number. Its data interface is
 * the one of its union descriptor, else of its call management descriptor, else
 * the first of class 0a in its IAD. Of two descriptors of a kind the first
 * counts, as in the kernel. ERR_NOENT: no such interface, or not one that may
 * control a CDC function (class 02, or that of an RNDIS); ERR_FORMAT. */
int cdc_parse(struct cdc *out, const struct desc_config *config,
    const uint8_t *bytes, uint8_t control);
/* The function that an interface belongs to, as its control or as its data
 * interface. ERR_NOENT: none; ERR_FORMAT, also where two lay claim to it. */
int cdc_find(struct cdc *out, const struct desc_config *config,
    const uint8_t *bytes, const struct desc_alt *alt);

#endif
