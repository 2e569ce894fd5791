#!/bin/bash
# vm: --timeout 580 --qemu -audiodev --qemu none,id=quiet
#
# No class driver of the gateway ever gets an exported device's interface: by the
# kernel's own events, from before the plug, over probe, attach, reset, detach
# and re-plug, with a hub between.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/drivers.sh"
need usbreset usbutils

T=$GW/tls-ws1
usb_drivers
modprobe -a cdc_acm snd_usb_audio
truncate -s 8M /tmp/disk.img

# Three functions of which each has a driver here.
gadget_composite() {
	gadget_new all 0525 a4ad all &&
	    gadget_function all mass_storage.0 &&
	    gadget_attribute all mass_storage.0 lun.0/removable 1 &&
	    gadget_attribute all mass_storage.0 lun.0/file /tmp/disk.img &&
	    gadget_function all hid.0 &&
	    gadget_attribute all hid.0 protocol 1 &&
	    gadget_attribute all hid.0 subclass 1 &&
	    gadget_attribute all hid.0 report_length 8 &&
	    printf '%b' "$KEYBOARD_REPORT" \
		>$GADGETS/all/functions/hid.0/report_desc &&
	    gadget_function all acm.0 &&
	    gadget_plug all
}

composite() {
	usb_product "Gadget all"
}

say "the watcher itself"
check "events are watched" uevents_start
check "plug a keyboard" host device_add usb-kbd,id=first,bus=xhci.0
check "its driver is seen" wait_for 15 eval 'uevents_binds | grep -q usbhid'
check_not "and would be told" uevents_none
check "pull it" host device_del first
check "it is gone" wait_gone 15 usb_product "QEMU USB Keyboard"
: >$UEVENTS

say "plug and probe"
pki_make || fail "pki"
gateway_config 'default to any' 'allow'
workstation_config ws1
check "the gateway starts" gateway_start
check "plug a hub" host device_add usb-hub,id=hub,bus=xhci.0,port=1
check "it works" wait_for 20 usb_product "QEMU USB Hub"
check "a keyboard behind it" host device_add \
	usb-kbd,id=kbd,bus=xhci.0,port=1.1
check "a sound card behind it" host device_add \
	usb-audio,id=audio,audiodev=quiet,bus=xhci.0,port=1.2
check "the keyboard is there" wait_for 20 usb_product "QEMU USB Keyboard"
check "the sound card too" wait_for 20 usb_product "QEMU USB Audio"
say "a controller that comes while the gateway runs"
root_works() {
	local dir
	for dir in /sys/devices/platform/dummy_hcd.0/usb*/*-0:1.0; do
		[ -e "$dir/driver" ] || return 1
	done
}
for n in 1 2 3 4 5 6; do
	gadget_hcd high
	check "its root hub works, time $n" wait_for 10 root_works
done
check "a composite gadget" gadget_composite
check "it is there" wait_for 20 composite
kbd=$(usb_product "QEMU USB Keyboard")
audio=$(usb_product "QEMU USB Audio")
all=$(composite)
echo "    $kbd $audio $all"
for d in $kbd $audio $all; do
	check "$d is ready" device_wait 30 "$d" ready
done
check "no driver got anything" uevents_none

# imported PATTERN: below what is imported there is such a path.
imported() {
	local b
	for b in $(vhci_busids); do
		find "/sys/bus/usb/devices/$b/" -path "$1" 2>/dev/null |
			grep . && return 0
	done
	return 1
}

# session DEVICE PATTERN...: attach, see what drivers make of it, reset, again.
session() {
	local d=$1 node
	shift
	say "a session with $d"
	check "attach" limit 60 sallyport attach --tls "$T" gateway "$d"
	for p in "$@"; do
		check "it has $p" wait_for 20 imported "$p"
	done
	node=$(usb_node "$(vhci_busids | head -n 1)")
	check "reset" limit 30 usbreset \
		"$(echo "$node" | sed 's,.*/\(...\)/\(...\),\1/\2,')"
	for p in "$@"; do
		check "it has $p" wait_for 20 imported "$p"
	done
	check "no driver got anything" uevents_none
	check "detach" sallyport detach all
	check "no port is in use" wait_for 15 vhci_idle
	check "it is ready" device_wait 30 "$d" ready
	check "no driver got anything" uevents_none
}
session "$kbd" '*/input/input*/event*'
session "$audio" '*/sound/card*'
session "$all" '*/block/*' '*/input/input*/event*' '*/tty/ttyACM*'

# A driver that is loaded is offered every interface that has none; so is one
# that is given another id.
storm() {
	while :; do
		for d in usb-storage usbhid; do
			echo ffff ffff >/sys/bus/usb/drivers/$d/new_id
			echo ffff ffff >/sys/bus/usb/drivers/$d/remove_id
			echo
		done
	done
}
storm_begin() {
	storm >/tmp/storm 2>/tmp/storm.err &
	storm=$!
}
storm_lasts() {
	[ "$(wc -c </tmp/storm)" -gt 100 ]
}
storm_end() {
	check "drivers were offered everything, often" wait_for 60 storm_lasts
	kill $storm
	wait $storm 2>/dev/null
	check "without an error" [ ! -s /tmp/storm.err ]
}

say "a session dies, and the broker is slow"
broker=$(cat /run/sallyportd.pid)
check "attach" limit 60 sallyport attach --tls "$T" gateway "$all"
check "it has a disk" wait_for 20 imported '*/block/*'
kill -STOP "$broker"
session=$(pgrep -f '^[^ ]*sallyport-session' | head -n 1)
kill -9 "$session"
check "it is dead, and not buried" wait_for 20 eval \
	'[ "$(ps -o stat= -p $session | cut -c1)" = Z ]'
storm_begin
storm_end
check "no driver got anything" uevents_none
kill -CONT "$broker"
check "no port is in use" wait_for 20 vhci_idle
check "it is ready" device_wait 30 "$all" ready
check "no driver got anything" uevents_none

say "plugged again, while drivers are being loaded"
# Between authorizing and claiming the kernel has a door open. Whoever comes
# through it is seen and thrown out.
storm_begin
for n in 1 2 3 4 5 6; do
	gadget_unplug all
	check "plug, time $n" gadget_plug all
	check "it is there" wait_for 20 composite
	all=$(composite)
	check "it is ready" device_wait 30 "$all" ready
	check "nobody has it" wait_for 10 driverless "$all"
done
storm_end
check "nobody has it" driverless "$all"
binds=$(uevents_binds | wc -l)
say "drivers got something $binds times, for a moment"
check "it was seen each time" [ "$binds" = \
	"$(grep -c 'a driver that was loaded' /run/sallyportd.log)" ]
: >$UEVENTS

say "no policy, no export"
# nothing_for_all WHAT: a device that is there is for nobody.
nothing_for_all() {
	check "$1: the gateway starts" gateway_start
	check "$1: the device is read" device_wait 30 "$all" ready
	check_not "$1: but not listed" eval \
		"sallyport list --tls $T gateway | grep '$all'"
	expect_exit 5 limit 60 sallyport attach --tls "$T" gateway "$all"
	check "$1: no driver got anything" uevents_none
	check "$1: the gateway stops" gateway_stop
}
check "the gateway stops" gateway_stop
rm $GW/rules.d/10-bench.rules
nothing_for_all "an empty directory"
rmdir $GW/rules.d
nothing_for_all "no directory"
mkdir $GW/rules.d
printf '%s\n' 'default to any' 'allow' 'allow with-interfaec 08:*:*' \
	>$GW/rules.d/10-bench.rules
nothing_for_all "a file with an error"

say "the gateway's own"
printf '%s\n' '[local]' "keep = $GW/keep.rules" >>$GW/gateway.conf
printf '%s\n' 'default to any' 'allow id 0525:a4ad' >$GW/keep.rules
check "the gateway starts, without rules" gateway_start
check "every interface of it has its driver" wait_for 20 eval \
	'[ "$(usb_drivers_of "$all" | sort | tr "\n" " ")" = \
	"cdc_acm cdc_acm usb-storage usbhid " ]'
check "and nothing else has" uevents_none " $all:"
check "the gateway stops" gateway_stop
gadget_remove all
