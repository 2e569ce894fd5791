#!/bin/bash
# vm: --guests 2 --timeout 250
# vm-waits
#
# The gateway is reset while a drive is attached: the workstation sees a clean
# unplug and attaches it again after the boot. Then the workstation's power is
# cut: the device is free for the next one in time.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

gateway_up() {
	usb_drivers
	gateway_config 'default to any' 'allow'
	check "boot $BOOT: the gateway starts" gateway_start
	[ "$BOOT" -gt 1 ] || {
		host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw
		host device_add usb-storage,drive=mine,id=stick,bus=xhci.0
	}
	wait_for 20 usb_busid 46f4 0001 || fail "no drive"
	drive=$(usb_busid 46f4 0001)
	gateway_clean "$drive" "boot $BOOT"
	echo "$drive" >"/shared/busid-$BOOT"
}

gateway() {
	local skip since
	if [ "$BOOT" = 1 ]; then
		truncate -s 64M /shared/stick.img
		pki_make || fail "pki"
		gateway_up
		barrier plugged || return 1
		barrier reading || return 1
		say "reset"
		host reboot
		fail "the guest survived its reset"
	fi
	gateway_up
	barrier booted || return 1
	barrier used || return 1
	gateway_clean "$drive" "reset"
	barrier counted
	say "ok: reset: descriptors of broker and warden: $fds_now"

	barrier attached || return 1
	skip=$(audit_lines) since=$(mono_ms)
	barrier cut # from here on it may die
	freed "$skip" "$since" "power cut"
	T=$GW/tls-ws2
	workstation_config ws2
	disk_again "$drive" "power cut"
	gateway_clean "$drive" "power cut"
	say "ok: power cut: another workstation has used it; descriptors of" \
	    "broker and warden: $fds_now"
	check "the gateway stops" gateway_stop
}

workstation() {
	barrier plugged || return 1
	usb_drivers
	workstation_config ws1
	attach_disk "$(cat /shared/busid-1)"
	read_on
	barrier reading
	wait_gone 60 has_disk || fail "reset: the disk stays"
	wait $reader
	workstation_clean "reset"
	say "ok: reset: a clean unplug: $(tail -n 1 /tmp/relay.log)"
	barrier booted || return 1
	disk_again "$(cat /shared/busid-2)" "reset"
	say "ok: reset: used again"
	barrier used
	barrier counted || return 1

	attach_disk "$(cat /shared/busid-2)"
	read_on
	barrier attached
	barrier cut
	say "power cut"
	host kill 0
	fail "the guest survived its power cut"
}

"$ROLE"
