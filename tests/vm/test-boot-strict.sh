#!/bin/bash
# vm: --timeout 280 --append usbcore.authorized_default=0 --qemu -blockdev --qemu driver=null-co,node-name=zeros,size=8388608,read-zeroes=on --qemu -device --qemu usb-storage,drive=zeros,id=stick,bus=xhci.0,port=1 --qemu -device --qemu usb-kbd,id=kbd,bus=xhci.0,port=2 --qemu -device --qemu usb-hub,id=hub,bus=xhci.0,port=3 --qemu -device --qemu usb-mouse,id=mouse,bus=xhci.0,port=3.1
#
# at-boot = strict: of what is plugged in when the gateway boots no driver sees
# anything; its own keyboard works, and a mouse behind a hub can be attached.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/drivers.sh"

check "events are watched" uevents_start
usb_drivers
check "the kernel was told" [ \
	"$(cat /sys/module/usbcore/parameters/authorized_default)" = 0 ]
stick=$(usb_product "QEMU USB HARDDRIVE") || fail "no stick"
kbd=$(usb_product "QEMU USB Keyboard") || fail "no keyboard"
hub=$(usb_product "QEMU USB Hub") || fail "no hub"
for d in $stick $kbd $hub; do
	check "$d is not authorized" [ "$(usb_attribute "$d" authorized)" = 0 ]
	check_not "$d has no interface" ls -d "/sys/bus/usb/devices/$d:"*
	check "nor a configuration" \
		[ -z "$(usb_attribute "$d" bConfigurationValue)" ]
done
check_not "what is behind the hub is not there" usb_product "QEMU USB Mouse"
for r in 1 2; do
	check "root hub usb$r is" [ "$(usb_attribute usb$r authorized)" = 1 ]
	check "and has its driver" test -e "/sys/bus/usb/devices/$r-0:1.0/driver"
done

say "the gateway"
pki_make || fail "pki"
gateway_config 'default to any' 'allow'
printf '%s\n' '[local]' 'at-boot = strict' "keep = $GW/keep.rules" \
	>>$GW/gateway.conf
printf '%s\n' 'default to any' 'allow with-interface equals { 03:01:01 }' \
	>$GW/keep.rules
workstation_config ws1
check "it starts" gateway_start
check "the next boot is told" grep -qx \
	'options usbcore authorized_default=0' /etc/modprobe.d/sallyport.conf
check_not "this one need not be" grep 'next boot' /run/sallyportd.log
check "the stick is ready" device_wait 30 "$stick" ready
check "the mouse appears" wait_for 20 usb_product "QEMU USB Mouse"
mouse=$(usb_product "QEMU USB Mouse")
check "it is behind the hub" [ "${mouse%.*}" = "$hub" ]
check "it is ready" device_wait 20 "$mouse" ready
check "the keyboard has its driver" wait_for 20 driver_is "$kbd" usbhid
check_not "and is not listed" eval 'sallyctl devices | grep "^$kbd "'
check "it types" key_seen "$kbd" s 31
check "plug a tablet" host device_add usb-tablet,id=tablet,bus=xhci.0
check "it appears" wait_for 15 usb_product "QEMU USB Tablet"
tablet=$(usb_product "QEMU USB Tablet")
check "it is ready" device_wait 20 "$tablet" ready
check "no driver got anything else" uevents_none "^usbhid $kbd:"

say "the mouse, attached"
# This machine is its own workstation; what it imports comes under the same
# default.
for r in /sys/devices/platform/vhci_hcd.*/usb*/authorized_default; do
	echo 1 >"$r"
done
check "attach" limit 60 sallyport attach --tls "$GW/tls-ws1" gateway "$mouse"
event_of() {
	for b in $(vhci_busids); do
		find "/sys/bus/usb/devices/$b/" \
			-path '*/input/input*/event*' | grep .
	done
}
check "it has an event device" wait_for 20 event_of
node=/dev/input/$(basename "$(event_of | head -n 1)")
check "its node is there" wait_for 5 test -c "$node"
cat "$node" >/tmp/mouse &
reader=$!
sleep 1
check "move it" host mouse_move 7 -5
check "it moved" wait_for 15 test -s /tmp/mouse
kill $reader
check "detach" sallyport detach all
check "the mouse is ready" device_wait 20 "$mouse" ready
check "attach the stick" limit 60 \
	sallyport attach --tls "$GW/tls-ws1" gateway "$stick"
check "it has a disk there" wait_for 20 imported_disk
check "detach" sallyport detach all
check "the stick is ready" device_wait 20 "$stick" ready
check "no driver of the gateway got anything" uevents_none "^usbhid $kbd:"

say "the gateway stops"
check "it stops" gateway_stop
check "what is plugged in now is not its business" [ \
	"$(usb_attribute usb1 interface_authorized_default)" = 1 ]
check "the keyboard types" key_seen "$kbd" a 30
check "the stick has no driver" [ -z "$(usb_drivers_of "$stick")" ]
check "pull the keyboard" host device_del kbd
check "it is gone" wait_gone 15 usb_product "QEMU USB Keyboard"
check "plug it again" host device_add usb-kbd,id=kbd2,bus=xhci.0,port=2
check "it is there" wait_for 15 usb_product "QEMU USB Keyboard"
kbd=$(usb_product "QEMU USB Keyboard")
check "the kernel keeps it out" [ "$(usb_attribute "$kbd" authorized)" = 0 ]
check "the gateway starts" gateway_start
check "the keyboard has its driver" wait_for 20 driver_is "$kbd" usbhid
check "it types" key_seen "$kbd" l 38
check "no driver got anything else" uevents_none "^usbhid $kbd:"
check "it stops" gateway_stop

say "back to adopt"
sed -i '/^at-boot/d' $GW/gateway.conf
check "pull the tablet" host device_del tablet
check "it is gone" wait_gone 15 usb_product "QEMU USB Tablet"
check "the gateway starts" gateway_start
check_not "the next boot is an ordinary one" \
	test -e /etc/modprobe.d/sallyport.conf
check "plug the tablet" host device_add usb-tablet,id=tablet2,bus=xhci.0
check "it appears" wait_for 15 usb_product "QEMU USB Tablet"
tablet=$(usb_product "QEMU USB Tablet")
check "what the kernel keeps out is not taken in" \
	device_wait 30 "$tablet" refused
check "the log says so" grep -q "$tablet: refused by gateway.unauthorized" \
	/run/sallyportd.log
check "it stops" gateway_stop
