/*
 * The names of numbers, an array for each protocol, in a file of its own; each
 * ends in a NULL name. Only policy/facts/hook.c and tests read the arrays whole.
 */
#ifndef POLICY_FACTS_NAMES_H
#define POLICY_FACTS_NAMES_H

#include "policy/facts/hook.h"

/* names_common.c */
extern const struct fact_name names_type[], names_recipient[], names_dir[],
    names_xfer[], names_status[];
/* names_setup.c: numbers of enum setup_request (policy/facts/setup.h) */
extern const struct fact_name names_setup_request[];
/* names_scsi.c */
extern const struct fact_name names_scsi_op[];
/* names_hid.c; key codes are usages of the keyboard page 0x00..0xff, and
 * 0x100 + (usage - 0x80) for System Control (generic desktop 0x80..0xbf) */
extern const struct fact_name names_hid_kind[], names_key[];
/* names_ctap.c */
extern const struct fact_name names_ctap_cmd[], names_ctap_u2f[],
    names_ctap_cbor[];
/* names_ccid.c */
extern const struct fact_name names_ccid_msg[], names_apdu_ins[];
/* names_net.c */
extern const struct fact_name names_ethertype[], names_ip_proto[];
/* names_av.c */
extern const struct fact_name names_av_control[], names_av_stream[],
    names_av_format[];
/* names_print.c */
extern const struct fact_name names_print_lang[], names_print_pjl[];
/* names_mtp.c */
extern const struct fact_name names_mtp_op[];
/* names_dfu.c */
extern const struct fact_name names_dfu_request[];

#endif
