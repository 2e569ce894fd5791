#!/bin/bash
# vm: --guests 1 --timeout 200
#
# The gateway ends, or is killed, while a drive is read from another machine. The
# drive is left in the middle of a command; the next gateway knows from its book
# that somebody may have had it, and resets it before anybody else has it.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

pki_make || fail "pki"
gateway_config 'default to any' 'allow'
workstation_config ws1
usb_drivers
truncate -s 64M /shared/stick.img
host drive_add 0 if=none,id=stick,file=shared/stick.img,format=raw
check "the gateway starts" gateway_start
check "a drive is plugged in" host device_add \
    usb-storage,drive=stick,bus=xhci.0
wait_for 20 usb_busid 46f4 0001 >/dev/null || fail "no drive"
drive=$(usb_busid 46f4 0001)

resets() {
	dmesg | grep -c "usb $drive: reset"
}

# is_read: attached, whole, and its disk answers.
is_read() {
	check "the drive is ready" device_wait 30 "$drive" ready
	check "attach" limit 60 sallyport attach --tls $GW/tls-ws1 gateway \
	    "$drive"
	wait_for 30 imported_disk >/dev/null || fail "no disk"
	disk=/dev/$(imported_disk)
	check "it is read" dd if="$disk" of=/dev/null bs=64k count=4 iflag=direct
}

# row HOW: it ends like this while it is read.
row() {
	local before

	is_read
	before=$(resets)
	dd if="$disk" of=/dev/null bs=1M count=63 iflag=direct 2>/dev/null &
	wait_for 10 eval 'awk "{ exit \$3 < 4000 }" "/sys/block/${disk#/dev/}/stat"' ||
	    fail "nothing is under way"
	case $1 in
	stopped) kill "$(cat /run/sallyportd.pid)" ;;
	killed) pkill -KILL -f "$GATEWAY_PROCESSES" ;;
	esac
	# the shell says that one was killed
	wait_gone 20 pgrep -f "$GATEWAY_PROCESSES" ||
	    fail "something is left of it"
	wait_for 20 vhci_idle || fail "a port is stuck"
	check "$1, and started again" gateway_start
	device_wait 30 "$drive" ready || fail "the drive does not come back"
	[ "$(resets)" -gt "$before" ] || fail "it was not reset"
}

row stopped
row killed
say "as after those"
is_read
check "detach" limit 20 sallyport detach all
check "the gateway stops" gateway_stop
