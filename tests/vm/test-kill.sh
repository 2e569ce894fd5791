#!/bin/bash
# vm: --guests 1 --smp 2 --timeout 280
#
# kill -9 of the session, the relay, the warden, the broker while a drive is
# attached: each ends in a clean unplug, nothing stays stuck, and the device can
# be attached again.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

T=$GW/tls-ws1
truncate -s 8M /tmp/disk.img
pki_make || fail "pki"
gateway_config 'default to any' 'allow'
usb_drivers
workstation_config ws1
check "the gateway starts" gateway_start
check "usbfs may lend what the configuration says" \
	[ "$(cat /sys/module/usbcore/parameters/usbfs_memory_mb)" = 256 ]
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

# one pid of a program of ours
pid_of() {
	pgrep -f "^[^ ]*$1" | head -n 1
}

attached_disk() {
	disk=$(imported_disk) && [ -b "/dev/$disk" ]
}

fds() {
	ls "/proc/$1/fd" | wc -l
}

attach() {
	check "attach" limit 30 sallyport attach --tls "$T" gateway "$drive"
	wait_for 15 attached_disk || fail "no disk"
	check "the disk answers" limit 10 \
		dd "if=/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct
}

cycle() {
	local name=$1 pid
	say "kill -9 of the $name"
	attach
	# Keep it busy, so that URBs are in flight.
	dd "if=/dev/$disk" of=/dev/null bs=64k iflag=direct 2>/dev/null &
	reader=$!
	sleep 0.3
	pid=$(pid_of "$2")
	[ -n "$pid" ] || fail "no $2 runs"
	kill -9 "$pid"
	wait "$reader"
	check "the disk is gone" wait_gone 15 imported_disk
	check "no port is in use" wait_for 10 vhci_idle
	check "no relay is left" wait_gone 10 pgrep -f sallyport-relay
}

cycle session "sallyport-session"
check "the device is free again" device_wait 15 "$drive" ready
cycle relay "sallyport-relay"
check "the device is free again" device_wait 15 "$drive" ready
cycle warden "sallyport-warden"
check "a new warden answers" wait_for 15 sallyctl status
check "the device is free again" device_wait 20 "$drive" ready
cycle broker "sallyportd"
check "no gateway process is left" wait_gone 10 \
	pgrep -f 'sallyport-(session|warden|probe)'
check "the gateway starts again" gateway_start
check "the device is free again" device_wait 20 "$drive" ready

say "after all that"
b=$(pid_of sallyportd) w=$(pid_of sallyport-warden)
attach
check "detach" sallyport detach all
check "no port is in use" wait_for 10 vhci_idle
check "the device is free again" device_wait 15 "$drive" ready
before="$(fds "$b") $(fds "$w")"
attach
check "detach" sallyport detach all
check "the device is free again" device_wait 15 "$drive" ready
after="$(fds "$b") $(fds "$w")"
echo "    open descriptors of broker and warden: $before, then $after"
check "no descriptor is leaked" [ "$before" = "$after" ]
check "no zombie" eval '! ps -eo stat | grep -q "^Z"'
check "the gateway stops" gateway_stop
gadget_remove drive
