#!/bin/bash
# vm: --guests 1 --timeout 200
#
# The stock tools without stunnel: Debian's `usbip list' and `usbip attach'
# through `sallyport tunnel', for root and one user, and for nobody else.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

need usbip usbip
need setpriv util-linux

T=$GW/tls-ws1
pki_make || fail "pki"
gateway_config 'default to any' 'allow with-interface one-of { 08:06:50 }'
usb_drivers
workstation_config ws1
user_add alice bob
truncate -s 8M /tmp/disk.img
head -c 1048576 /dev/urandom | dd of=/tmp/disk.img conv=notrunc 2>/dev/null
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

sallyport tunnel --tls "$T" --user alice gateway 2>/tmp/tunnel.log &
tunnel=$!
check "it listens" wait_for 10 eval 'ss -ltn | grep -q 127.0.0.1:3240'
check "there alone" [ "$(ss -ltn | grep -c :3240)" = 1 ]

usbip list -r 127.0.0.1 2>&1 | sed 's/^/    /'
expect_line "$drive: .*0525:a4a5" usbip list -r 127.0.0.1

# The bytes of a USB/IP list that another user gets.
list_as() {
	timeout -k 1 15 setpriv --reuid "$1" --regid "$1" --clear-groups \
		bash -c 'exec 3<>/dev/tcp/127.0.0.1/3240
			printf "\1\21\200\5\0\0\0\0" >&3
			cat <&3' 2>/dev/null | wc -c
}
n=$(list_as alice)
check "alice gets a list ($n bytes)" [ "$n" -gt 12 ]
check "bob gets nothing" [ "$(list_as bob)" = 0 ]
check "and the log says so" grep -q "user $(id -u bob): refused" /tmp/tunnel.log

check "usbip attach" usbip attach -r 127.0.0.1 -b "$drive"
attached() {
	disk=$(imported_disk) && [ -b "/dev/$disk" ]
}
wait_for 30 attached || {
	cat /tmp/tunnel.log
	usbip port
	tail -n 5 /run/sallyportd.log
	dmesg | tail -n 15
	fail "no disk"
}
check "no relay is root's" \
	eval '! ps -eo uid=,comm= | grep -E "^ *0 sallyport-rel"'
want=$(sha256sum </tmp/disk.img)
got=$(sha256sum <"/dev/$disk")
echo "    image $want"
echo "    disk  $got"
check "the disk reads as the image" [ "$want" = "$got" ]
check "a second attach is refused" \
	eval "! usbip attach -r 127.0.0.1 -b $drive"
port=$(usbip port 2>/dev/null | sed -n 's/^Port \([0-9]*\):.*/\1/p' | head -n 1)
check "usbip detach" usbip detach -p "$port"
check "no port is in use" wait_for 10 vhci_idle
check "the device is free again" device_wait 15 "$drive" ready
check "no relay is left" wait_gone 10 pgrep -f sallyport-relay

say "the tunnel ends while a device is attached"
check "usbip attach" usbip attach -r 127.0.0.1 -b "$drive"
wait_for 30 attached || fail "no disk"
kill $tunnel
wait $tunnel
check "it ended well" [ $? = 0 ]
check "the disk is gone" wait_gone 15 imported_disk
check "no port is in use" wait_for 10 vhci_idle
check "the device is free again" device_wait 15 "$drive" ready
check "no relay is left" wait_gone 10 pgrep -f sallyport-relay
sed 's/^/    /' /tmp/tunnel.log
check "the gateway stops" gateway_stop
gadget_remove drive
