/*
 * Names of Ethernet types and IP protocols.
 */
#include "policy/facts/names.h"

const struct fact_name names_ethertype[] = {{NULL, 0, 0}};
const struct fact_name names_ip_proto[] = {{NULL, 0, 0}};
