/*
 * Names of control requests; see policy/facts/setup.h for the numbers.
 */
#include "policy/facts/names.h"

const struct fact_name names_setup_request[] = {{NULL, 0, 0}};
