#!/bin/bash
# vm: --guests 1 --timeout 200
#
# The stock tools, unchanged: Debian's `usbip list' and `usbip attach' through
# stunnel with a client certificate. stunnel offers no ALPN.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

need usbip usbip
need stunnel stunnel4

pki_make || fail "pki"
gateway_config 'default to any' 'allow with-interface one-of { 08:06:50 }' \
	'block'
usb_drivers
workstation_config ws1
truncate -s 8M /tmp/disk.img
head -c 1048576 /dev/urandom | dd of=/tmp/disk.img conv=notrunc 2>/dev/null
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

cat >/tmp/stunnel.conf <<CONF
foreground = yes
pid =
[usbip]
client = yes
accept = 127.0.0.1:3240
connect = 127.0.0.1:3241
CAfile = $GW/tls-ws1/ca.pem
cert = $GW/tls-ws1/cert.pem
key = $GW/tls-ws1/key.pem
verifyChain = yes
checkHost = gateway
CONF
stunnel /tmp/stunnel.conf >/tmp/stunnel.log 2>&1 &
tunnel=$!
check "stunnel listens" wait_for 10 eval 'ss -ltn | grep -q :3240'

usbip list -r 127.0.0.1 2>&1 | sed 's/^/    /'
expect_line "$drive: .*0525:a4a5" usbip list -r 127.0.0.1
check "usbip attach" usbip attach -r 127.0.0.1 -b "$drive"
attached() {
	disk=$(imported_disk) && [ -b "/dev/$disk" ]
}
wait_for 15 attached || { cat /tmp/stunnel.log; fail "no disk"; }
want=$(sha256sum </tmp/disk.img)
got=$(sha256sum <"/dev/$disk")
echo "    image $want"
echo "    disk  $got"
check "the disk reads as the image" [ "$want" = "$got" ]
check "a second attach is refused" \
	eval "! usbip attach -r 127.0.0.1 -b $drive"
check "another bus id is refused" eval '! usbip attach -r 127.0.0.1 -b 9-9'
usbip port 2>&1 | sed 's/^/    /'
port=$(usbip port 2>/dev/null | sed -n 's/^Port \([0-9]*\):.*/\1/p' | head -n 1)
check "usbip detach" usbip detach -p "$port"
check "no port is in use" wait_for 10 vhci_idle
check "the device is free again" device_wait 15 "$drive" ready
kill $tunnel
check "the gateway stops" gateway_stop
gadget_remove drive
