/*
 * What drivers expect of a device (R10). Most malicious devices are legal USB:
 * they say that they are a product, or of a class, and lack what its driver
 * reaches for. So what each must present is written down (expect_table.c for
 * products, expect_class.c for classes) and looked for before anyone may have
 * the device. Pure.
 */
#ifndef POLICY_VET_EXPECT_H
#define POLICY_VET_EXPECT_H

#include "wire/devrec.h"

/* 0, or ERR_POLICY with why ("R10.storage", "R10.whiteheat"): of a record that
 * devrec_check accepted. scratch is work space for one configuration. */
int expect_check(const struct devrec *rec, struct desc_config *scratch,
    struct desc_why *why);

/* Whether an alternate is of no class that the USB-IF gave a meaning, so that
 * only a profile for the product can say what may pass. */
int expect_is_vendor(const struct desc_alt *alt);

#endif
