/*
 * Names of card reader messages and card instructions.
 */
#include "policy/facts/names.h"

const struct fact_name names_ccid_msg[] = {{NULL, 0, 0}};
const struct fact_name names_apdu_ins[] = {{NULL, 0, 0}};
