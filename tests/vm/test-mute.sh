#!/bin/bash
# vm: --guests 1 --timeout 400
# vm-waits
#
# A device that does not answer while the kernel sets it up keeps its lock, and
# that of the hub it is plugged into, for minutes: meanwhile the gateway lists,
# ejects and lets in, and can be started again. It is refused; what waits for
# the hub comes when the hub is free.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

# is_locked BUSID: the kernel does not say what it shows under the lock.
is_locked() {
	! timeout 1 cat "/sys/bus/usb/devices/$1/bConfigurationValue" \
	    >/dev/null 2>&1
}

all_locked() {
	is_locked "$mute" && is_locked "$root"
}

mute_interfaces() {
	compgen -G "/sys/bus/usb/devices/$mute/$mute:*" >/dev/null
}

# audit_of EVENT OUTCOME [BUSID]: when that was last logged, in ms.
audit_of() {
	jq -es --arg e "$1" --arg o "$2" --arg b "${3:-}" '
	    map(select(.event == $e and .outcome == $o and
		($b == "" or .device.busid == $b)).mono_ms) |
	    last // error' "$AUDIT"
}

class_open
workstation_config ws2
usb_drivers
truncate -s 8M /tmp/drive
gadget_hcd high
check "a drive is plugged in" gadget_storage stick /tmp/drive
class_attach 0525 a4a5
stick=$device
wait_for 20 imported_disk || fail "no disk"
disk=/dev/$(basename "$(imported_disk)")
while dd if="$disk" of=/dev/null bs=64k iflag=direct status=none; do
	echo >>/tmp/rounds
done 2>/dev/null &
reader=$!
check "it streams" wait_for 30 test -s /tmp/rounds

soft_plug mute
wait_for 30 class_busid 1209 5a13 gateway || fail "no mute device"
mute=$(class_busid 1209 5a13 gateway)
root=usb${mute%%-*}
check "the kernel sets it up" wait_for 10 mute_interfaces
check "the device and its hub are locked" all_locked
for name in busnum devnum speed bDeviceClass idVendor idProduct authorized \
    descriptors "../${root#usb}-0:1.0/$root-port${mute#*-}/connect_type"; do
	timeout 5 cat "/sys/bus/usb/devices/$mute/$name" >/dev/null ||
	    fail "$name is locked"
done
say "ok: what the warden reads of it is not"
before=$(wc -l </tmp/rounds)
for i in 1 2 3; do
	check "a second workstation lists ($i)" limit 20 sallyport list \
	    --tls "$GW/tls-ws2" gateway
done
listed=$(audit_of list shown "$stick")
expect_line "$stick" sallyport list --tls "$GW/tls-ws2" gateway
check "sallyctl answers" limit 10 sallyctl status
check "they are locked still" all_locked
wait_for 30 test "$(wc -l </tmp/rounds)" -gt "$before" ||
    fail "the drive does not stream any more"
say "ok: the drive streams"

check "an ejection" limit 20 sallyctl kick "$stick"
wait_gone 20 kill -0 $reader || fail "the reader is stuck"
check "the drive is free" device_wait 30 "$stick" ready
check "the second workstation has it" limit 40 sallyport attach \
    --tls "$GW/tls-ws2" gateway "$stick"
imported=$(class_busid 0525 a4a5 workstation)
device=$stick
class_detach
check "they are locked still" all_locked

check "the mute device is refused" device_wait 60 "$mute" refused
expect_line 'gateway.texts' tail -n 40 "$AUDIT"

say "the gateway is started again meanwhile"
check "a keyboard is plugged in, which the hub has no time for" \
    host device_add usb-kbd,id=kbd,bus=xhci.0
check "stop" gateway_stop
check "start" gateway_start
check "the drive is ready" device_wait 30 "$stick" ready
check "they are locked still" all_locked
check "nothing is known of the keyboard" \
    test -z "$(class_busid 0627 0001 gateway)"
soft_unplug
check "the hub is free" wait_for 150 timeout 1 cat \
    "/sys/bus/usb/devices/$root/bConfigurationValue"
freed=$(awk '{ printf "%d", $1 * 1000 }' /proc/uptime)
[ "$listed" -lt "$freed" ] || fail "listed at $listed, free at $freed ms"
say "ok: listed $((freed - listed)) ms before the kernel gave it up"
wait_for 40 class_busid 0627 0001 gateway || fail "no keyboard"
check "the keyboard is ready" device_wait 40 \
    "$(class_busid 0627 0001 gateway)" ready
class_close
gadget_remove stick
