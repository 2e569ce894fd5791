/*
 * Names of CTAPHID and CTAP commands.
 */
#include "policy/facts/names.h"

const struct fact_name names_ctap_cmd[] = {{NULL, 0, 0}};
const struct fact_name names_ctap_u2f[] = {{NULL, 0, 0}};
const struct fact_name names_ctap_cbor[] = {{NULL, 0, 0}};
