# Network adapters (ECM, NCM, RNDIS). Never picked by `auto': whoever gives a
# network to a workstation says so by name. ARP, IPv4 and IPv6 with TCP, UDP and
# ICMP; no routing, no tunnels, and no ports of names and files of a local net.

profile net extends base {
  for { 02:06:* 02:0d:* 0a:*:* e0:01:03 ef:04:01 }
  on setup {
    allow request { cdc-set-packet-filter cdc-set-multicast-filters
        cdc-get-statistic cdc-send-encapsulated-command
        cdc-get-encapsulated-response }
    allow request { ncm-get-ntb-parameters ncm-get-net-address
        ncm-get-ntb-format ncm-set-ntb-format ncm-get-ntb-input-size
        ncm-set-ntb-input-size ncm-get-max-datagram-size
        ncm-set-max-datagram-size ncm-get-crc-mode ncm-set-crc-mode }
  }
  on net {
    drop dport { 137..139 445 5353 5355 } log "local-names"
    allow ethertype arp
    allow ethertype { ipv4 ipv6 } proto { tcp udp icmp icmpv6 }
    drop
  }
}
