/*
 * Names of Ethernet types (IEEE 802 numbers) and IP protocols (IANA).
 */
#include "policy/facts/names.h"

/* Behind VLAN tags; up to 1500 it is the length of a frame of IEEE 802.3 */
const struct fact_name names_ethertype[] = {{"llc", 0, 1500},
	{"ipv4", 0x0800, 0x0800}, {"arp", 0x0806, 0x0806},
	{"wake-on-lan", 0x0842, 0x0842}, {"rarp", 0x8035, 0x8035},
	{"appletalk", 0x809b, 0x809b}, {"ipx", 0x8137, 0x8137},
	{"ipv6", 0x86dd, 0x86dd}, {"flow-control", 0x8808, 0x8808},
	{"mpls", 0x8847, 0x8848}, {"pppoe", 0x8863, 0x8864},
	{"eapol", 0x888e, 0x888e}, {"profinet", 0x8892, 0x8892},
	{"ethercat", 0x88a4, 0x88a4}, {"lldp", 0x88cc, 0x88cc},
	{"macsec", 0x88e5, 0x88e5}, {"ptp", 0x88f7, 0x88f7}, {NULL, 0, 0}};
const struct fact_name names_ip_proto[] = {{"icmp", 1, 1}, {"igmp", 2, 2},
	{"ipip", 4, 4}, {"tcp", 6, 6}, {"udp", 17, 17}, {"dccp", 33, 33},
	{"ipv6", 41, 41}, {"gre", 47, 47}, {"esp", 50, 50}, {"ah", 51, 51},
	{"icmpv6", 58, 58}, {"no-next-header", 59, 59}, {"ospf", 89, 89},
	{"pim", 103, 103}, {"vrrp", 112, 112}, {"l2tp", 115, 115},
	{"sctp", 132, 132}, {"udplite", 136, 136}, {NULL, 0, 0}};
