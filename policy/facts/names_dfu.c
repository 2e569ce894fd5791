/*
 * Names of DFU requests (DFU 1.1).
 */
#include "policy/facts/names.h"

const struct fact_name names_dfu_request[] = {{NULL, 0, 0}};
