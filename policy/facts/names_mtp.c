/*
 * Names of PTP and MTP operations.
 */
#include "policy/facts/names.h"

const struct fact_name names_mtp_op[] = {{NULL, 0, 0}};
