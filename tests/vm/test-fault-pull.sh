#!/bin/bash
# vm: --guests 1 --timeout 300
# vm-waits
#
# The device is pulled out of the gateway while it is read, five times, and
# plugged in again: each time a clean unplug, and usable again.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

truncate -s 64M /shared/stick.img
pki_make || fail "pki"
gateway_config 'default to any' 'allow'
usb_drivers
workstation_config ws1
check "the gateway starts" gateway_start

plug() {
	host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw &&
	    host device_add usb-storage,drive=mine,id=stick,bus=xhci.0,port=1
}

unknown() {
	[ -z "$(device_state "$drive")" ]
}

pulled() {
	[ "$(grep -c '"event":"device","outcome":"gone"' "$AUDIT")" = "$1" ]
}

check "plug" plug
wait_for 20 usb_busid 46f4 0001 >/dev/null || fail "no drive"
drive=$(usb_busid 46f4 0001)
gateway_clean "$drive" "at first"
for i in 1 2 3 4 5; do
	attach_disk "$drive"
	read_on
	[ $((i % 2)) = 0 ] || dd if=/dev/zero "of=/dev/$disk" bs=64k \
	    oflag=direct 2>/dev/null &
	read_disk "pull $i" # both are under way
	host device_del stick
	wait_gone 30 has_disk || fail "pull $i: the disk stays"
	wait
	workstation_clean "pull $i"
	wait_for 30 unknown || fail "pull $i: the gateway still has it"
	wait_for 30 pulled $i || fail "pull $i: it is not in the audit log"
	check "plug again" plug
	gateway_clean "$drive" "pull $i"
	say "ok: pull $i: $(tail -n 1 /tmp/relay.log)"
done
row_over "$drive" "pulled five times"
check "the gateway stops" gateway_stop
