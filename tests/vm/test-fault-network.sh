#!/bin/bash
# vm: --guests 2 --timeout 300
# vm-waits
#
# The cable is cut while the workstation reads: for 5 s, then for 60 s. After
# the short cut the reader goes on or finds the device unplugged; in the long
# one both halves notice in time, another workstation may have the device, and
# it can be attached again when the cable is back.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"


# A workstation on the gateway's own machine has it meanwhile.
next_one() {
	T=$GW/tls-ws2
	workstation_config ws2
	disk_again "$1" "$2"
	gateway_clean "$1" "$2"
	say "ok: $2: another workstation has used it"
}

gateway() {
	local skip since began
	truncate -s 64M /shared/stick.img
	pki_make || fail "pki"
	usb_drivers
	gateway_config 'default to any' 'allow'
	check "the gateway starts" gateway_start
	host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw
	host device_add usb-storage,drive=mine,id=stick,bus=xhci.0
	wait_for 20 usb_busid 46f4 0001 >/shared/busid || fail "no drive"
	drive=$(usb_busid 46f4 0001)
	gateway_clean "$drive" "at first"
	echo "$drive" >/shared/busid
	barrier plugged || return 1

	barrier reading-5 || return 1
	skip=$(audit_lines) since=$(mono_ms)
	host set_link eth0 off
	say "the cable is cut"
	sleep 5
	host set_link eth0 on
	say "the cable is back after $(($(mono_ms) - since)) ms"
	barrier back-5
	barrier seen-5 || return 1
	[ "$(cat /shared/seen-5)" = on ] || freed "$skip" "$since" "5 s"
	barrier free-5

	barrier reading-60 || return 1
	skip=$(audit_lines) since=$(mono_ms) began=$SECONDS
	host set_link eth0 off
	say "the cable is cut"
	freed "$skip" "$since" "60 s"
	next_one "$drive" "60 s"
	while [ $SECONDS -lt $((began + 60)) ]; do
		sleep 1
	done
	barrier seen-60 || return 1
	host set_link eth0 on
	say "the cable is back after $(($(mono_ms) - since)) ms"
	barrier back-60
	barrier used || return 1
	gateway_clean "$drive" "60 s"
	say "ok: nothing is left; descriptors of broker and warden: $fds_now"
	check "the gateway stops" gateway_stop
}

sectors() {
	awk '{ print $3 }' "/sys/block/$disk/stat"
}

reads_on() {
	[ "$(sectors)" -gt "$count" ]
}

unplugged() {
	! has_disk || reads_on
}

workstation() {
	barrier plugged || return 1
	drive=$(cat /shared/busid)
	usb_drivers
	workstation_config ws1
	attach_disk "$drive"
	read_on
	count=0
	check "it reads" wait_for 30 reads_on
	barrier reading-5
	barrier back-5 || return 1
	# More than what was on its way when the cable was cut.
	count=$(($(sectors 2>/dev/null || echo 0) + 2048))
	wait_for 60 unplugged || fail "5 s: neither unplugged nor going on"
	if has_disk; then
		say "ok: 5 s: reading goes on"
		echo on >/shared/seen-5
	else
		wait $reader
		workstation_clean "5 s"
		say "ok: 5 s: a clean unplug: $(tail -n 1 /tmp/relay.log)"
		echo off >/shared/seen-5
	fi
	barrier seen-5
	barrier free-5 || return 1
	if ! has_disk; then
		attach_disk "$drive"
		read_on
		say "ok: 5 s: attached again"
	fi
	barrier reading-60
	wait_gone 60 has_disk || fail "60 s: the disk stays"
	wait $reader
	workstation_clean "60 s"
	say "ok: 60 s: a clean unplug: $(tail -n 1 /tmp/relay.log)"
	expect_exit 4 limit 100 sallyport list --tls "$T" gateway
	barrier seen-60
	barrier back-60 || return 1
	disk_again "$drive" "60 s"
	say "ok: 60 s: used again"
	barrier used
}

"$ROLE"
