/*
 * Names of HID reports and keys (HID Usage Tables 1.4).
 */
#include "policy/facts/names.h"

const struct fact_name names_hid_kind[] = {
	{"input", 1, 1}, {"output", 2, 2}, {"feature", 3, 3}, {NULL, 0, 0}};
const struct fact_name names_key[] = {{NULL, 0, 0}};
