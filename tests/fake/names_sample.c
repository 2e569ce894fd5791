/*
 * Some names of each protocol, for tests of the language of profiles that do
 * not want to change when a name is added: those of the specification's
 * examples, with the numbers of the protocols.
 */
#include "policy/facts/names.h"

#define ONE(name, n) {name, n, n}
#define LAST {NULL, 0, 0}

const struct fact_name names_type[] = {
	ONE("standard", 0), ONE("class", 1), ONE("vendor", 2), LAST};
const struct fact_name names_recipient[] = {ONE("device", 0),
	ONE("interface", 1), ONE("endpoint", 2), ONE("other", 3), LAST};
const struct fact_name names_dir[] = {ONE("out", 0), ONE("in", 1), LAST};
const struct fact_name names_xfer[] = {
	ONE("iso", 1), ONE("bulk", 2), ONE("interrupt", 3), LAST};
const struct fact_name names_status[] = {
	ONE("ok", 0), ONE("stall", 1), ONE("error", 2), LAST};
const struct fact_name names_setup_request[] = {ONE("get-descriptor", 1),
	ONE("get-status", 2), ONE("get-configuration", 3),
	ONE("get-interface", 4), ONE("set-configuration", 5),
	ONE("set-interface", 6), ONE("clear-halt", 7), ONE("bot-reset", 8),
	ONE("get-max-lun", 9), ONE("hid-get-report", 10),
	ONE("hid-set-report", 11), ONE("hid-get-descriptor", 12),
	ONE("hid-set-idle", 13), ONE("hid-get-idle", 14),
	ONE("hid-set-protocol", 15), ONE("hid-get-protocol", 16), LAST};
const struct fact_name names_scsi_op[] = {ONE("test-unit-ready", 0x00),
	ONE("request-sense", 0x03), ONE("inquiry", 0x12),
	ONE("mode-sense-6", 0x1a), ONE("start-stop-unit", 0x1b),
	ONE("prevent-allow-removal", 0x1e),
	ONE("read-format-capacities", 0x23), ONE("read-capacity-10", 0x25),
	ONE("synchronize-cache", 0x35), ONE("read-toc", 0x43),
	ONE("get-event-status", 0x4a), ONE("mode-sense-10", 0x5a),
	ONE("synchronize-cache", 0x91), ONE("read-capacity-16", 0x110),
	ONE("report-luns", 0xa0), ONE("read", 0x08), ONE("read", 0x28),
	ONE("read", 0x88), ONE("read", 0xa8), ONE("read-10", 0x28),
	ONE("write", 0x0a), ONE("write", 0x2a), ONE("write", 0x8a),
	ONE("write", 0xaa), ONE("write-10", 0x2a), ONE("manage", 0x04),
	{"manage", 0x15, 0x17}, ONE("manage", 0x55),
	ONE("passthrough", 0x85), ONE("passthrough", 0xa1),
	{"vendor", 0xc0, 0xff}, LAST};
const struct fact_name names_hid_kind[] = {
	ONE("input", 1), ONE("output", 2), ONE("feature", 3), LAST};
const struct fact_name names_key[] = {ONE("R", 0x15), ONE("X", 0x1b),
	ONE("Enter", 0x28), ONE("F1", 0x3a), ONE("F12", 0x45),
	ONE("SysRq", 0x46), ONE("Delete", 0x4c), ONE("Power", 0x66),
	ONE("Power", 0x101), ONE("Execute", 0x74), ONE("Sleep", 0x102), LAST};
const struct fact_name names_ctap_cmd[] = {ONE("msg", 3), LAST};
const struct fact_name names_ctap_u2f[] = {ONE("register", 1), LAST};
const struct fact_name names_ctap_cbor[] = {ONE("get-assertion", 2), LAST};
const struct fact_name names_ccid_msg[] = {ONE("xfr-block", 0x6f), LAST};
const struct fact_name names_apdu_ins[] = {ONE("verify", 0x20), LAST};
const struct fact_name names_ethertype[] = {ONE("ipv4", 0x0800), LAST};
const struct fact_name names_ip_proto[] = {
	ONE("tcp", 6), ONE("udp", 17), LAST};
const struct fact_name names_av_control[] = {ONE("mute", 1), LAST};
const struct fact_name names_av_stream[] = {
	ONE("microphone", 1), ONE("speaker", 2), LAST};
const struct fact_name names_av_format[] = {ONE("pcm", 1), LAST};
const struct fact_name names_print_lang[] = {ONE("pjl", 1), LAST};
const struct fact_name names_print_pjl[] = {ONE("job", 1), LAST};
const struct fact_name names_mtp_op[] = {ONE("get-object", 0x1009), LAST};
const struct fact_name names_dfu_request[] = {ONE("detach", 0), LAST};
