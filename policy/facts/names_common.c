/*
 * Names that several hooks have.
 */
#include "policy/facts/names.h"

#include "wire/desc.h"

/* bmRequestType bits 6..5 */
const struct fact_name names_type[] = {
	{"standard", 0, 0}, {"class", 1, 1}, {"vendor", 2, 2}, {NULL, 0, 0}};
/* bmRequestType bits 4..0 */
const struct fact_name names_recipient[] = {{"device", 0, 0},
	{"interface", 1, 1}, {"endpoint", 2, 2}, {"other", 3, 3},
	{NULL, 0, 0}};
/* as the host sees it */
const struct fact_name names_dir[] = {
	{"out", 0, 0}, {"in", 1, 1}, {NULL, 0, 0}};
const struct fact_name names_xfer[] = {{"iso", XFER_ISO, XFER_ISO},
	{"bulk", XFER_BULK, XFER_BULK}, {"interrupt", XFER_INT, XFER_INT},
	{NULL, 0, 0}};
const struct fact_name names_status[] = {
	{"ok", 0, 0}, {"stall", 1, 1}, {"error", 2, 2}, {NULL, 0, 0}};
