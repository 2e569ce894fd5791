#!/bin/bash
# vm: --timeout 200 --qemu -blockdev --qemu driver=null-co,node-name=zeros,size=8388608,read-zeroes=on --qemu -device --qemu usb-storage,drive=zeros,id=stick,bus=xhci.0,port=1
#
# at-boot = adopt: what a driver has when the gateway starts is taken from it,
# judged and exported. And the file that strict writes does what it says.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/drivers.sh"

check "events are watched" uevents_start
stick=$(usb_product "QEMU USB HARDDRIVE") || fail "no stick"
usb_drivers
check "the watcher sees what drivers do" wait_for 10 eval \
	'uevents_binds | grep -qx "usb-storage $stick:1.0"'
check "the stick has a disk" wait_for 15 usb_disk "$stick"
pki_make || fail "pki"
gateway_config 'default to any' 'allow'
workstation_config ws1
check "the gateway starts" gateway_start
check "the stick is ready" device_wait 30 "$stick" ready
check "its driver is gone" [ -z "$(usb_drivers_of "$stick")" ]
check "attach" limit 60 sallyport attach --tls "$GW/tls-ws1" gateway "$stick"
check "it has a disk there" wait_for 20 imported_disk
check "detach" sallyport detach all
check "the stick is ready" device_wait 20 "$stick" ready
check "it was the driver's once, at boot" [ "$(uevents_binds | wc -l)" = 1 ]

say "a broker that is killed"
kill -9 "$(cat /run/sallyportd.pid)"
check "no process is left" wait_gone 10 \
	pgrep -f '[/ ]sallyport(d|-warden|-session|-probe)'
check "nothing is let in meanwhile" [ \
	"$(usb_attribute usb1 interface_authorized_default)" = 0 ]
check "the gateway starts" gateway_start
check "the stick is ready" device_wait 30 "$stick" ready
check "the gateway stops" gateway_stop
check "drivers bind again" [ \
	"$(usb_attribute usb1 interface_authorized_default)" = 1 ]
check "plug a keyboard" host device_add usb-kbd,id=kbd,bus=xhci.0
check "it appears" wait_for 15 usb_product "QEMU USB Keyboard"
check "it has its driver" wait_for 15 driver_is \
	"$(usb_product "QEMU USB Keyboard")" usbhid

say "strict from the next boot on"
printf '%s\n' '[local]' 'at-boot = strict' >>$GW/gateway.conf
check "the gateway starts" gateway_start
check "the log says when" grep -q 'takes effect at the next boot' \
	/run/sallyportd.log
check "the file is there" test -s /etc/modprobe.d/sallyport.conf
check "the stick is ready all the same" device_wait 30 "$stick" ready
check "the gateway stops" gateway_stop

say "the kernel's USB, loaded anew"
modprobe -r vhci_hcd
modprobe -r uas usb_storage hid_generic usbhid xhci_pci
check "it is gone" modprobe -r usbcore
check "it is back" modprobe xhci_pci
check "with the file's option" [ \
	"$(cat /sys/module/usbcore/parameters/authorized_default)" = 0 ]
usb_drivers
check "the stick appears" wait_for 20 usb_product "QEMU USB HARDDRIVE"
stick=$(usb_product "QEMU USB HARDDRIVE")
check "and is not authorized" [ "$(usb_attribute "$stick" authorized)" = 0 ]
: >/run/sallyportd.log
: >$UEVENTS
check "the gateway starts" gateway_start
check "the stick is ready" device_wait 30 "$stick" ready
check_not "nothing is left to be said" grep 'next boot' /run/sallyportd.log
check "no driver saw it" uevents_none
check "the gateway stops" gateway_stop
