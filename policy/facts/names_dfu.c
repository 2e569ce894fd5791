/*
 * Names of DFU requests (DFU 1.1 3); the numbers are bRequest.
 */
#include "policy/facts/names.h"

const struct fact_name names_dfu_request[] = {
	{"detach", 0, 0},
	{"dnload", 1, 1},
	{"upload", 2, 2},
	{"getstatus", 3, 3},
	{"clrstatus", 4, 4},
	{"getstate", 5, 5},
	{"abort", 6, 6},
	{NULL, 0, 0},
};
